#!/usr/bin/env python3
"""Hands a message to Belltower, and again until it is taken:  python3 send.py YOUR-OWN-ID < message.json

BELLTOWER_URL is where Belltower is reached, BELLTOWER_KEY a key of your source. Python 3.8 or later, nothing else.
"""
import json
import os
import sys
import time
import urllib.error
import urllib.request

TRIES = 6
LATER = (429, 502, 503, 504)


def send(message: bytes, own_id: str) -> str:
    """Returns the message's id. `own_id` is the same for each try of one message, which is therefore kept once."""
    request = urllib.request.Request(
        os.environ["BELLTOWER_URL"] + "/api/v1/messages",
        data=message,
        headers={
            "Authorization": "Bearer " + os.environ["BELLTOWER_KEY"],
            "Content-Type": "application/json",
            "Idempotency-Key": own_id,
        },
    )
    for tried in range(TRIES):
        wait = 2**tried
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["id"]
        except urllib.error.HTTPError as error:
            if error.code not in LATER:
                # Says which field is wrong, and what to change.
                sys.exit(f"refused: {error.code} {error.read().decode()}")
            wait = int(error.headers.get("Retry-After", wait))
        except OSError as error:
            print(f"not reached: {error}", file=sys.stderr)
        time.sleep(wait)
    sys.exit("not taken: keep it, and hand it in later under the same id")


if __name__ == "__main__":
    print(send(sys.stdin.buffer.read(), sys.argv[1]))
