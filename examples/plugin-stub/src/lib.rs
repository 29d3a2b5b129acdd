//! `hl7:mllp/client` for the tests of a plugin: no network, no waiting, and the
//! answers that the host name says. The host `ar.aa.test` rejects the first message
//! and accepts all others; `README.md` has the steps that there are.

#![no_std]

extern crate alloc;

mod answers;
mod client;
mod guard;
mod options;
mod runtime;
mod script;
mod steps;

#[allow(unsafe_code, missing_docs, clippy::all, clippy::restriction)]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "stub" });

    use super::Stub;
    export!(Stub with_types_in self);
}

use bindings::exports::hl7::mllp::{client as wit, types};

struct Stub;

impl wit::Guest for Stub {
    type TlsOptions = options::TlsOptions;
    type ConnectOptions = options::ConnectOptions;
    type SendOptions = options::SendOptions;
    type MllpClient = client::MllpClient;

    fn connections_set_aside() -> u32 {
        0
    }
}
