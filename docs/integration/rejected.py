#!/usr/bin/env python3
"""Prints what Belltower could not accept, one JSON object a line, and why:  python3 rejected.py [--take]

With --take they are taken out of the queue, each once it was printed. BELLTOWER_BROKER is as for publish.py, of a user who may
read that queue.
"""
import json
import os
import sys

import pika
from pika import exceptions

QUEUE = os.environ.get("BELLTOWER_EXCHANGE", "belltower.intake") + ".rejected"
# A wrong password, a user who may not read there, no such queue.
REFUSED = (
    exceptions.ProbableAuthenticationError,
    exceptions.ProbableAccessDeniedError,
    exceptions.ChannelClosedByBroker,
)


def text(value) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def main(take: bool) -> None:
    with pika.BlockingConnection(pika.URLParameters(os.environ["BELLTOWER_BROKER"])) as connection:
        channel = connection.channel()
        while True:
            method, properties, body = channel.basic_get(QUEUE)
            if method is None:
                return
            headers = properties.headers
            print(
                json.dumps(
                    {
                        "id": properties.message_id,
                        "user": text(headers.get("x-user-id")),
                        "topic": text(headers["x-routing-key"]),
                        "rejected_at": text(headers["x-rejected-at"]),
                        "problem": json.loads(headers["x-problem"]),
                        "body": text(body),
                    },
                    ensure_ascii=False,
                ),
                flush=True,
            )
            if take:
                channel.basic_ack(method.delivery_tag)
            # Otherwise the broker has them again as soon as the connection ends.


if __name__ == "__main__":
    try:
        main("--take" in sys.argv[1:])
    except REFUSED as error:
        sys.exit(f"refused: {error!r}")
    except exceptions.AMQPError as error:
        sys.exit(f"not reached: {error!r}")
