"""MLLP receivers over Python's own TLS, for the tests.

    python3 tls_receiver.py GROUPS

GROUPS are those to agree keys in, with colons between them. Each line on standard input,
"VERSION SUITE KEY SENDERS" ("-" for a suite of its own choice, and for no
senders to be checked), starts one more receiver with KEY.chain.pem and
KEY.key.pem, which checks senders against SENDERS.authority.pem. Prints
"listening PORT" for it, then "received CONTROL_ID LENGTH" for each message,
which is acknowledged with AA. Ends when its standard input reaches end of file.
"""

import socketserver
import ssl
import sys
import threading

GROUPS = sys.argv[1].split(":")
# OpenSSL knows this curve by another name than TLS.
CURVES = {"secp256r1": "prime256v1"}


class Receiver(socketserver.StreamRequestHandler):
    def setup(self):
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self):
        while (content := self.frame()) is not None:
            identifier = content.split(b"\r")[0].split(b"|")[9]
            print("received", identifier.decode("ascii"), len(content), flush=True)
            header = b"MSH|^~\\&|PYTHON|LAB|S|W|20261123||ACK|R|T|2.5\r"
            self.request.sendall(
                b"\x0b" + header + b"MSA|AA|" + identifier + b"\r\x1c\r"
            )

    def frame(self):
        """The next frame's content; None at the end."""
        received = bytearray()
        while not received.endswith(b"\x1c\r"):
            data = self.request.recv(65536)
            if not data:
                return None
            received += data
        return bytes(received[1:-2])


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def context(version, suite, key, senders):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = made.maximum_version = {
        "TLSv1.2": ssl.TLSVersion.TLSv1_2,
        "TLSv1.3": ssl.TLSVersion.TLSv1_3,
    }[version]
    if suite != "-":
        made.set_ciphers(suite)
    # It takes one; several are left to OpenSSL.
    if len(GROUPS) == 1:
        made.set_ecdh_curve(CURVES.get(GROUPS[0], GROUPS[0]))
    made.load_cert_chain(f"{key}.chain.pem", f"{key}.key.pem")
    if senders != "-":
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(f"{senders}.authority.pem")
    return made


for line in sys.stdin:
    server = Server(("127.0.0.1", 0), Receiver)
    server.context = context(*line.split())
    print("listening", server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
