#!/usr/bin/env python3
"""Whether a webhook is Belltower's:  python3 verify.py WEBHOOK-ID WEBHOOK-TIMESTAMP WEBHOOK-SIGNATURE < body

BELLTOWER_SECRET is the endpoint's secret, whsec_…. Standard Webhooks 1.0.0; the package `standardwebhooks` does the same.
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time

TOLERANCE = 5 * 60


def verify(secret: str, webhook_id: str, timestamp: str, signatures: str, body: bytes) -> dict:
    """The event. Takes the body as it came, before anything has parsed it."""
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise ValueError("too old, or from the future: somebody may be replaying it")
    key = base64.b64decode(secret[6:] if secret.startswith("whsec_") else secret)
    signed = b".".join([webhook_id.encode(), timestamp.encode(), body])
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # While a secret is being replaced there are two.
    if not any(hmac.compare_digest(expected, one) for one in signatures.split(" ")):
        raise ValueError("not signed with this secret")
    return json.loads(body)


if __name__ == "__main__":
    print(verify(os.environ["BELLTOWER_SECRET"], *sys.argv[1:4], sys.stdin.buffer.read())["type"])
