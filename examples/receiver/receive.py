#!/usr/bin/env python3
"""A receiver to try things with. It acknowledges every message it gets, keeps
none, and needs Python 3.8 and nothing else.

    receive.py [HOST:PORT] [--code CODE] [--tls CHAIN KEY [--senders CA]]

It prints `listening HOST:PORT` (port 0 is any free one), then for each message
its control id and its length, never what else it says.
"""

import argparse
import socket
import socketserver
import ssl
import sys
from datetime import datetime, timezone


def options():
    parser = argparse.ArgumentParser(description="Acknowledges every message, keeps none.")
    parser.add_argument("address", nargs="?", default="127.0.0.1:2575", metavar="HOST:PORT")
    parser.add_argument("--code", default="AA", help="MSA-1 of every answer")
    parser.add_argument("--tls", nargs=2, metavar=("CHAIN", "KEY"), help="two PEM files")
    parser.add_argument("--senders", metavar="CA", help="demand a certificate of this authority's")
    return parser.parse_args()


def acknowledgment(message, code):
    """The answer to a message, in the message's own separators."""
    separator = message[3:4]
    header = message.split(b"\r", 1)[0].split(separator)
    control_id = header[9] if len(header) > 9 else b""
    now = datetime.now(timezone.utc).strftime("%Y%m%d%H%M%S").encode()
    version = header[11] if len(header) > 11 else b"2.5"
    msh = [b"MSH", header[1], b"TRIAL", b"", b"", b"", now, b"", b"ACK", now, b"P", version]
    msa = [b"MSA", code.encode(), control_id]
    segments = [separator.join(fields) + b"\r" for fields in (msh, msa)]
    return control_id, b"".join(segments)


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        stream = b""
        while True:
            start, end = stream.find(b"\x0b"), stream.find(b"\x1c\r")
            if 0 <= start < end:
                message, stream = stream[start + 1 : end], stream[end + 2 :]
                control_id, answer = acknowledgment(message, self.server.code)
                # In one piece: what comes in two waits for the sender's kernel.
                self.request.sendall(b"\x0b" + answer + b"\x1c\r")
                print("received", control_id.decode("latin-1"), len(message), flush=True)
                continue
            piece = self.request.recv(65536)
            if not piece:
                return
            stream += piece


class Receiver(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def finish_request(self, request, client_address):
        # In the connection's own thread: one that is slow to shake hands keeps no other waiting.
        try:
            if self.tls:
                request = self.tls.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)
        except OSError as error:
            print("lost a connection:", type(error).__name__, flush=True)


def main():
    given = options()
    host, _, port = given.address.rpartition(":")
    if host.startswith("["):
        Receiver.address_family = socket.AF_INET6
    try:
        receiver = Receiver((host.strip("[]"), int(port)), Connection)
    except OSError as error:
        sys.exit("receive.py: cannot listen at %s: %s" % (given.address, error.strerror))
    receiver.code = given.code
    receiver.tls = None
    if given.tls:
        receiver.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=given.senders)
        receiver.tls.load_cert_chain(*given.tls)
        if given.senders:
            receiver.tls.verify_mode = ssl.CERT_REQUIRED
    print("listening %s:%d" % (host, receiver.server_address[1]), flush=True)
    try:
        receiver.serve_forever()
    except KeyboardInterrupt:
        pass


main()
