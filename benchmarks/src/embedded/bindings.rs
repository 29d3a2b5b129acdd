//! The host's side of `wit/`; WASI is wasmtime's.
#![allow(missing_docs, unsafe_code, unreachable_pub)] // of what `bindgen!` makes

wasmtime::component::bindgen!({
    path: "../wit",
    world: "mllp",
    imports: { default: async | trappable },
    exports: { default: async },
    additional_derives: [PartialEq],
    with: {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "wasi:random": wasmtime_wasi::p2::bindings::random,
        "wasi:sockets": wasmtime_wasi::p2::bindings::sockets,
    },
});
