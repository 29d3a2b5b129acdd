"""hl7:mllp/client for Python: the component in wasmtime, under the names of wit/client.wit.

    mllp = Mllp("mllp_client.wasm", ["127.0.0.1:2575"])
    client = mllp.MllpClient.connect(mllp.ConnectOptions("127.0.0.1", 2575))
    reply = client.send(message)
"""

import re

from network import Network
from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker, Variant

INTERFACE = "hl7:mllp/client@0.1.0"


class Failure(Exception):
    """What failed, and what is known about the message: the record `failure`."""

    def __init__(self, record):
        super().__init__(record.explanation)
        self.cause = record.cause
        self.phase = record.phase
        self.delivery = record.delivery


class Mllp:
    """One instance of the component, which may reach these receivers alone."""

    def __init__(self, component, receivers):
        config = Config()
        # Compiled once; the next start takes what was made then.
        config.cache = True
        engine = Engine(config)
        self._store, linker = Store(engine), Linker(engine)
        self.grant(self._store, linker, receivers)
        self._instance = linker.instantiate(self._store, Component.from_file(engine, component))
        self._exports = self._instance.get_export_index(self._store, INTERFACE)

    def grant(self, store, linker, receivers):
        """Gives the instance what it imports."""
        Network(receivers).link(linker)

    def __getattr__(self, resource):
        """A resource by its name in Python: `ConnectOptions` is `connect-options`."""
        return _Kind(self, re.sub(r"(?<!^)([A-Z])", r"-\1", resource).lower())

    def call(self, name, *arguments):
        """Calls a function of the interface; what it fails with is raised."""
        index = self._instance.get_export_index(self._store, name, self._exports)
        if index is None:
            raise AttributeError(name)
        function = self._instance.get_func(self._store, index)
        answer = function(self._store, *arguments)
        function.post_return(self._store)
        if isinstance(answer, Variant) and answer.tag in ("ok", "err"):
            answer = answer.payload
        if hasattr(answer, "explanation"):
            raise Failure(answer)
        return answer


class _Kind:
    def __init__(self, mllp, name):
        self._mllp, self._name = mllp, name

    def __call__(self, *arguments):
        return self._made("[constructor]" + self._name, arguments)

    def connect(self, options):
        """The one static function there is."""
        return self._made(f"[static]{self._name}.connect", (options._handle,))

    def _made(self, function, arguments):
        return _Resource(self._mllp, self._name, self._mllp.call(function, *arguments))


class _Resource:
    def __init__(self, mllp, kind, handle):
        self._mllp, self._kind, self._handle = mllp, kind, handle

    def drop(self):
        """Gives it up; not by `__del__`, which may run while the component does."""
        self._handle.drop(self._mllp._store)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()

    def __getattr__(self, method):
        name = f"[method]{self._kind}.{method.replace('_', '-')}"

        def call(*arguments):
            handles = (getattr(one, "_handle", one) for one in arguments)
            return self._mllp.call(name, self._handle, *handles)

        return call
