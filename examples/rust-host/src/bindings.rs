//! The host's side of `wit/`. Looking names up is this crate's own; the rest of WASI
//! is wasmtime's.
#![allow(missing_docs, unsafe_code, unreachable_pub)] // of what `bindgen!` makes

wasmtime::component::bindgen!({
    path: "wit",
    world: "mllp",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "wasi:random": wasmtime_wasi::p2::bindings::random,
        "wasi:sockets/network": wasmtime_wasi::p2::bindings::sockets::network,
        "wasi:sockets/instance-network": wasmtime_wasi::p2::bindings::sockets::instance_network,
        "wasi:sockets/tcp": wasmtime_wasi::p2::bindings::sockets::tcp,
        "wasi:sockets/tcp-create-socket":
            wasmtime_wasi::p2::bindings::sockets::tcp_create_socket,
        "wasi:sockets/ip-name-lookup.resolve-address-stream": crate::lookup::Answers,
    },
    trappable_error_type: {
        "wasi:sockets/network.error-code" => wasmtime_wasi::p2::SocketError,
    },
});
