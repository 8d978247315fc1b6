"""Publishes what no library of good manners would, and says how many it was."""
import os
import sys

import pika

sys.setrecursionlimit(100_000)
EXCHANGE = os.environ["BELLTOWER_EXCHANGE"]
NO_TEXT = "借书".encode("gbk")


def nested(levels):
    table = {}
    for _ in range(levels):
        table = {"a": table}
    return table


def main():
    parameters = pika.URLParameters(os.environ["BELLTOWER_BROKER"])
    body = sys.stdin.buffer.read()
    user = parameters.credentials.username
    good = {"user_id": user, "message_id": "hostile"}
    publications = [
        # Taken: nobody looks at headers.
        ("library.due", dict(good, headers=dict(nested(3_000), CC=["x"]), reply_to="amq.gen-somebody")),
        ("library.due", dict(good, message_id=NO_TEXT)),
        ("library.due", {"message_id": NO_TEXT, "correlation_id": NO_TEXT, "app_id": NO_TEXT}),
        (NO_TEXT, dict(good, message_id="strange key")),
    ]
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for key, properties in publications:
            channel.basic_publish(EXCHANGE, key, body, pika.BasicProperties(**properties), mandatory=True)
    print(len(publications))


main()
