"""send.py HOST:PORT FILE [CA]: sends a file as one message, with TLS if an authority is given."""

import sys
from pathlib import Path
from mllp import Failure, Mllp

receiver, file, *authorities = sys.argv[1:]
host, _, port = receiver.rpartition(":")
mllp = Mllp(Path(__file__).parents[2] / "target/components/mllp_client.wasm", [receiver])
options = mllp.ConnectOptions(host, int(port))
for authority in authorities:
    tls = mllp.TlsOptions()
    tls.add_authorities(Path(authority).read_bytes())
    options.set_tls(tls)
try:
    with mllp.MllpClient.connect(options) as client:
        print(client.send(Path(file).read_bytes()).verdict)
        client.close()
except Failure as failure:
    sys.exit(f"{failure.delivery}: {failure}")
