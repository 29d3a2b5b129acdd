"""An MLLP receiver made of hl7apy's own server, for the tests.

    <peers>/venv/bin/python hl7apy_server.py [--code AA] [--encoding latin-1]

Prints "listening PORT", then "received CONTROL_ID LENGTH" for each message
(LENGTH: the bytes of what the library hands over). Ends when its standard input
reaches end of file.

The library serves one message a connection and then ends it. It reads byte by
byte and copies all it has for each: a message of 1 MB takes it some 20 seconds.
"""

import argparse
import sys
import threading

from hl7apy.core import Message
from hl7apy.mllp import (
    AbstractErrorHandler,
    AbstractHandler,
    MLLPRequestHandler,
    MLLPServer,
)
from hl7apy.parser import parse_message


class Anything(dict):
    """A handler for every MSH-9: the library wants each named, spelt out."""

    def __missing__(self, message_type):
        return (Acknowledge,)


class Acknowledge(AbstractHandler):
    def reply(self):
        message = parse_message(self.incoming_message)
        header = message.msh
        content = self.incoming_message.encode(Receiver.encoding)
        print("received", header.msh_10.to_er7(), len(content), flush=True)
        return acknowledgment(header, arguments.code)


class Refuse(AbstractErrorHandler):
    """What cannot be parsed: the library ends the connection without an answer."""

    def reply(self):
        refused(self.exc)
        raise self.exc


def refused(error):
    # Content is patient data: of what went wrong, only the kind is said.
    print("refused:", type(error).__name__, file=sys.stderr, flush=True)


def acknowledgment(header, code):
    """It has no builder for acknowledgments; this is one of its messages."""
    separators = header.encoding_chars
    ack = Message("ACK", version=header.version, encoding_chars=separators)
    ack.msh.msh_3 = header.msh_5.to_er7()
    ack.msh.msh_4 = header.msh_6.to_er7()
    ack.msh.msh_5 = header.msh_3.to_er7()
    ack.msh.msh_6 = header.msh_4.to_er7()
    ack.msh.msh_9 = "ACK"
    ack.msh.msh_10 = "R" + header.msh_10.to_er7()
    ack.msh.msh_11 = header.msh_11.to_er7()
    ack.add_segment("MSA")
    ack.msa.msa_1 = code
    ack.msa.msa_2 = header.msh_10.to_er7()
    return ack.to_mllp()


class Receiver(MLLPRequestHandler):
    # Latin-1 gives every byte a character: nothing is lost. Its own is UTF-8.
    encoding = "latin-1"


class Server(MLLPServer):
    daemon_threads = True

    # What cannot be decoded, which ends the connection without an answer too.
    def handle_error(self, request, client_address):
        refused(sys.exc_info()[1])


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--code", default="AA")
    options.add_argument("--encoding", default=Receiver.encoding)
    arguments = options.parse_args()
    Receiver.encoding = arguments.encoding
    handlers = Anything(ERR=(Refuse,))
    server = Server("127.0.0.1", 0, handlers, request_handler_class=Receiver)
    print("listening", server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while sys.stdin.buffer.read(4096):
        pass
