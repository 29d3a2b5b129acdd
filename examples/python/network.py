"""What the component imports of WASI, by Python's own sockets and clocks: for releases
of wasmtime that cannot be told to open TCP, and to allow receivers one by one.

    Network(["receiver.example:2575", "10.0.0.5:2575"]).link(linker)
"""

import errno
import ipaddress
import os
import select
import socket
import time

from wasmtime.component import Record, ResourceAny, ResourceHost, ResourceType, Variant

VERSION = "0.2.12"

# What is read, and what may be written, at a time.
READ_BYTES = 65536
WRITE_BYTES = 65536

KINDS = [
    "pollable",
    "error",
    "input-stream",
    "output-stream",
    "network",
    "resolve-address-stream",
    "tcp-socket",
]

CODES = {
    errno.EACCES: "access-denied",
    errno.EPERM: "access-denied",
    errno.ECONNREFUSED: "connection-refused",
    errno.ECONNRESET: "connection-reset",
    errno.ECONNABORTED: "connection-aborted",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "remote-unreachable",
    errno.ENETUNREACH: "remote-unreachable",
}

SECOND = 1_000_000_000


class Network:
    """What may be reached: each receiver as HOST:PORT, where HOST is an address, an IPv6
    one in brackets, or a name. A name may be looked up, and the addresses that it had
    may then be connected to at its port."""

    def __init__(self, receivers):
        self._addresses, self._names = set(), {}
        for receiver in receivers:
            host, _, port = receiver.rpartition(":")
            host = host.strip("[]")
            try:
                self._addresses.add((ipaddress.ip_address(host), int(port)))
            except ValueError:
                self._names.setdefault(host.lower(), set()).add(int(port))
        self._table, self._free = {}, []

    def link(self, linker):
        """Defines all of it, under the names that the component imports."""
        with linker.root() as root:
            for interface, (resources, functions) in self._interfaces().items():
                with root.add_instance(f"wasi:{interface}@{VERSION}") as instance:
                    for kind in resources:
                        host = ResourceType.host(KINDS.index(kind))
                        instance.add_resource(kind, host, self._drop)
                    for name, function in functions.items():
                        instance.add_func(name, self._taking_values(function))

    def _interfaces(self):
        ready = self._subscribing(lambda stream: (stream.socket, select.POLLIN))
        return {
            "io/poll": (["pollable"], {"poll": self._poll}),
            "io/error": (["error"], {}),
            "io/streams": (
                ["input-stream", "output-stream"],
                {
                    "[method]input-stream.read": self._read,
                    "[method]input-stream.subscribe": ready,
                    "[method]output-stream.check-write": self._check_write,
                    "[method]output-stream.write": self._write,
                    "[method]output-stream.flush": lambda output: Variant("ok"),
                    "[method]output-stream.subscribe": self._subscribing(
                        lambda output: (output.socket, select.POLLOUT)
                    ),
                },
            ),
            "clocks/monotonic-clock": (
                [],
                {
                    "now": lambda: time.monotonic_ns(),
                    "subscribe-instant": lambda when: self._new("pollable", when),
                },
            ),
            "clocks/wall-clock": ([], {"now": lambda: _date()}),
            "random/random": (
                [],
                {
                    "get-random-bytes": lambda size: os.urandom(size),
                    "get-random-u64": lambda: int.from_bytes(os.urandom(8), "big"),
                },
            ),
            "sockets/network": (["network"], {}),
            "sockets/instance-network": (
                [],
                {"instance-network": lambda: self._new("network", None)},
            ),
            "sockets/ip-name-lookup": (
                ["resolve-address-stream"],
                {
                    "resolve-addresses": self._resolve,
                    "[method]resolve-address-stream.resolve-next-address": self._next_address,
                    # It was answered before there was a stream.
                    "[method]resolve-address-stream.subscribe": self._subscribing(lambda found: 0),
                },
            ),
            "sockets/tcp": (
                ["tcp-socket"],
                {
                    "[method]tcp-socket.start-connect": self._start_connect,
                    "[method]tcp-socket.finish-connect": self._finish_connect,
                    "[method]tcp-socket.local-address": lambda one: _socket_address(one.getsockname()),
                    "[method]tcp-socket.subscribe": self._subscribing(
                        lambda socket: (socket, select.POLLOUT)
                    ),
                    "[method]tcp-socket.shutdown": self._shutdown,
                    **self._keep_alive(),
                },
            ),
            "sockets/tcp-create-socket": ([], {"create-tcp-socket": self._create}),
        }

    # Resources: each is a number that leads to a value here.

    def _new(self, kind, value):
        number = self._free.pop() if self._free else len(self._table) + 1
        self._table[number] = value
        return ResourceHost.own(number, KINDS.index(kind))

    def _taking_values(self, function):
        def call(store, *arguments):
            return function(*(self._value(store, one) for one in arguments))

        return call

    def _value(self, store, argument):
        if isinstance(argument, list):
            return [self._value(store, one) for one in argument]
        if not isinstance(argument, ResourceAny):
            return argument
        # This ends the borrow, as a call has to with each of its own.
        return self._table[argument.to_host(store).rep]

    def _drop(self, store, number):
        value = self._table.pop(number)
        self._free.append(number)
        # Its streams have gone before it.
        if isinstance(value, socket.socket):
            value.close()

    # Waiting: a pollable is a moment, or a socket and what it waits for.

    def _subscribing(self, what):
        return lambda one: self._new("pollable", what(one))

    def _poll(self, waits):
        sockets, moments = {}, [wait for wait in waits if isinstance(wait, int)]
        for wait in waits:
            if not isinstance(wait, int):
                number = wait[0].fileno()
                sockets[number] = sockets.get(number, 0) | wait[1]
        while True:
            poll = select.poll()
            for number, events in sockets.items():
                poll.register(number, events)
            left = [max(0, moment - time.monotonic_ns()) for moment in moments]
            # Rounded up: too early would be in vain.
            happened = dict(poll.poll(-(-min(left) // 1_000_000) if left else None))
            now = time.monotonic_ns()
            ready = [
                index
                for index, wait in enumerate(waits)
                if (wait <= now if isinstance(wait, int) else _is_ready(wait, happened))
            ]
            if ready:
                return ready

    # Streams. `None` in the place of an error is the end of the stream.

    def _read(self, stream, size):
        try:
            return stream.socket.recv(min(size, READ_BYTES)) or None
        except BlockingIOError:
            return b""
        except OSError:
            return self._new("error", None)

    def _check_write(self, output):
        try:
            output.push()
        except OSError:
            return self._new("error", None)
        return 0 if output.left else WRITE_BYTES

    def _write(self, output, contents):
        output.left = bytes(contents)
        try:
            output.push()
        except OSError:
            return Variant("err", self._new("error", None))
        return Variant("ok")

    # Names and connections.

    def _resolve(self, _, name):
        ports = self._names.get(name.lower())
        if ports is None:
            return "permanent-resolver-failure"
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            is_known = error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)
            return "name-unresolvable" if is_known else "temporary-resolver-failure"
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        self._addresses.update((one, port) for one in addresses for port in ports)
        return self._new("resolve-address-stream", addresses)

    def _next_address(self, left):
        return _address(left.pop(0)) if left else None

    def _create(self, family):
        made = socket.socket(socket.AF_INET if family == "ipv4" else socket.AF_INET6)
        made.setblocking(False)
        # WASI itself has no way to ask for it.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._new("tcp-socket", made)

    def _start_connect(self, connection, _, remote):
        address, port = _ip(remote), remote.payload.port
        if (address, port) not in self._addresses:
            return "access-denied"
        error = connection.connect_ex((str(address), port))
        return None if error in (0, errno.EINPROGRESS) else CODES.get(error, "unknown")

    def _finish_connect(self, connection):
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLOUT)
        if not poll.poll(0):
            return "would-block"
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            return CODES.get(error, "unknown")
        streams = ("input-stream", _Input(connection)), ("output-stream", _Output(connection))
        return tuple(self._new(kind, value) for kind, value in streams)

    def _shutdown(self, connection, how):
        ways = {"receive": socket.SHUT_RD, "send": socket.SHUT_WR, "both": socket.SHUT_RDWR}
        return _tried(lambda: connection.shutdown(ways[how]))

    def _keep_alive(self):
        def setting(level, option, convert):
            def apply(connection, value):
                return _tried(lambda: connection.setsockopt(level, option, convert(value)))

            return apply

        seconds = lambda duration: max(1, -(-duration // SECOND))
        tcp = socket.IPPROTO_TCP
        name = "[method]tcp-socket.set-keep-alive-"
        return {
            name + "enabled": setting(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int),
            name + "idle-time": setting(tcp, socket.TCP_KEEPIDLE, seconds),
            name + "interval": setting(tcp, socket.TCP_KEEPINTVL, seconds),
            name + "count": setting(tcp, socket.TCP_KEEPCNT, int),
        }


class _Input:
    def __init__(self, connection):
        self.socket = connection


class _Output:
    def __init__(self, connection):
        self.socket, self.left = connection, b""

    def push(self):
        try:
            while self.left:
                self.left = self.left[self.socket.send(self.left) :]
        except BlockingIOError:
            pass


def _is_ready(wait, happened):
    # An error and the end are news to whoever waits for anything.
    news = wait[1] | select.POLLERR | select.POLLHUP
    return bool(happened.get(wait[0].fileno(), 0) & news)


def _tried(call):
    try:
        call()
    except OSError as error:
        return CODES.get(error.errno, "unknown")
    return None


def _date():
    date = Record()
    date.seconds, date.nanoseconds = divmod(time.time_ns(), SECOND)
    return date


def _address(address):
    packed, size = address.packed, 1 if address.version == 4 else 2
    parts = (packed[at : at + size] for at in range(0, len(packed), size))
    return Variant(f"ipv{address.version}", tuple(int.from_bytes(part, "big") for part in parts))


def _ip(variant):
    size = 1 if variant.tag == "ipv4" else 2
    return ipaddress.ip_address(b"".join(p.to_bytes(size, "big") for p in variant.payload.address))


def _socket_address(name):
    address = _address(ipaddress.ip_address(name[0]))
    record = Record()
    record.address, record.port = address.payload, name[1]
    if address.tag == "ipv6":
        setattr(record, "flow-info", name[2])
        setattr(record, "scope-id", name[3])
    return Variant(address.tag, record)
