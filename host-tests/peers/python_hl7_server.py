"""An MLLP receiver made of python-hl7's own server, for the tests.

    <peers>/venv/bin/python python_hl7_server.py [--code AA] [--encoding latin-1]

Prints "listening PORT", then "received CONTROL_ID LENGTH" for each message
(LENGTH: the bytes between the framing bytes). Ends when its standard input
reaches end of file.
"""

import argparse
import asyncio
import sys
import threading

import hl7
from hl7.mllp import start_hl7_server

# asyncio's own limit of 64 KiB per message is too small for documents.
LIMIT = 64 * 1024 * 1024


def say(line):
    print(line, flush=True)


async def main(code, encoding):
    async def serve(reader, writer):
        try:
            while True:
                block = await reader.readblock()
                message = hl7.parse(block.decode(reader.encoding))
                say(f"received {message.segment('MSH')(10)} {len(block)}")
                writer.writemessage(message.create_ack(code))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender hung up
        except Exception as error:
            # Content is patient data: of what went wrong, only the kind is said.
            print("refused:", type(error).__name__, file=sys.stderr, flush=True)
        finally:
            writer.close()

    server = await start_hl7_server(
        serve, "127.0.0.1", 0, limit=LIMIT, encoding=encoding
    )
    say(f"listening {server.sockets[0].getsockname()[1]}")

    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    def watch_stdin():
        while sys.stdin.buffer.read(4096):
            pass
        loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=watch_stdin, daemon=True).start()
    await closed.wait()
    server.close()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--code", default="AA")
    # Latin-1 gives every byte a character: nothing is lost. Its own is ASCII.
    options.add_argument("--encoding", default="latin-1")
    arguments = options.parse_args()
    asyncio.run(main(arguments.code, arguments.encoding))
