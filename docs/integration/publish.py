#!/usr/bin/env python3
"""Publishes a message for Belltower at RabbitMQ:  python3 publish.py YOUR-OWN-ID TOPIC < message.json

BELLTOWER_BROKER is where the broker is and as whom you sign in: amqps://USER:PASSWORD@HOST:5671/VHOST. Python 3.8 or later
and pika (pip install pika; Debian: python3-pika).
"""
import os
import sys
import time

import pika
from pika import exceptions

EXCHANGE = os.environ.get("BELLTOWER_EXCHANGE", "belltower.intake")
TRIES = 6
# Waiting mends none of these: a wrong password, no permission, no such exchange, another's user_id, nowhere to keep it.
REFUSED = (
    exceptions.ProbableAuthenticationError,
    exceptions.ProbableAccessDeniedError,
    exceptions.ChannelClosedByBroker,
    exceptions.UnroutableError,
)


def publish(message: bytes, own_id: str, topic: str) -> None:
    """Returns once the broker keeps it. `own_id` is the same for each try of one message, which is therefore kept once."""
    parameters = pika.URLParameters(os.environ["BELLTOWER_BROKER"])
    properties = pika.BasicProperties(
        message_id=own_id,
        # The broker lets you say this of yourself alone.
        user_id=parameters.credentials.username,
        content_type="application/json",
        delivery_mode=2,  # It survives a restart of the broker.
    )
    for tried in range(TRIES):
        try:
            with pika.BlockingConnection(parameters) as connection:
                channel = connection.channel()
                channel.confirm_delivery()
                channel.basic_publish(EXCHANGE, topic, message, properties, mandatory=True)
                return
        except REFUSED as error:
            sys.exit(f"refused: {error!r}")
        except (exceptions.AMQPError, OSError) as error:
            print(f"not reached, or not kept: {error!r}", file=sys.stderr)
        time.sleep(2**tried)
    sys.exit("not taken: keep it, and publish it later under the same id")


if __name__ == "__main__":
    publish(sys.stdin.buffer.read(), sys.argv[1], sys.argv[2])
