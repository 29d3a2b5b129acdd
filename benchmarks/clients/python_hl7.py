"""PyPI `hl7`: the blocking client of `hl7.client`, and its socket under TLS.

    python python_hl7.py --host HOST --port PORT --messages N --message FILE [--ca FILE]

Sends the message N times over one connection, the next when the acknowledgment is
there, and ends with status 0 if every one was positive.
"""

import argparse
import ssl
import sys

from hl7.client import MLLPClient

arguments = argparse.ArgumentParser()
arguments.add_argument("--host", required=True)
arguments.add_argument("--port", required=True, type=int)
arguments.add_argument("--messages", required=True, type=int)
arguments.add_argument("--message", required=True)
arguments.add_argument("--ca")
arguments.add_argument("--peers")
asked = arguments.parse_args()

with open(asked.message, "rb") as file:
    message = file.read()

client = MLLPClient(asked.host, asked.port)
if asked.ca:
    context = ssl.create_default_context(cafile=asked.ca)
    client.socket = context.wrap_socket(client.socket, server_hostname=asked.host)
for _ in range(asked.messages):
    # Of the acknowledgment it gives the bytes, unread.
    acknowledgment = client.send_message(message)
    if b"\rMSA|AA|" not in acknowledgment:
        sys.exit("failed: no positive acknowledgment")
client.close()
