"""The same with wasmtime's own network, which knows all addresses or none: for the
releases 45 to 47, whose C API can grant it.

    mllp = Mllp("mllp_client.wasm")
"""

import mllp
from wasmtime import WasiConfig, _bindings


class Mllp(mllp.Mllp):
    """One instance of the component, which may reach everything that is granted."""

    def __init__(self, component, network=True, lookups=True):
        self._network, self._lookups = network, lookups
        super().__init__(component, ())

    def grant(self, store, linker, receivers):
        wasi = WasiConfig()
        # The package has these two only as names of C.
        if self._network:
            _bindings.wasi_config_inherit_network(wasi.ptr())
        _bindings.wasi_config_allow_ip_name_lookup(wasi.ptr(), self._lookups)
        store.set_wasi(wasi)
        linker.add_wasip2()
