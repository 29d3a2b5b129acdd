//! A host to copy from: `mllp_client.wasm`, or `mllp-send.wasm`, in a wasmtime
//! where each instance reaches the receivers that it was allowed and nothing else.
//!
//! - [`Allowed`]: the receivers, by address or by name
//! - [`Sandbox`]: one engine, and what every instance in it is held to
//! - [`Library`] and [`Sender`]: the library component, compiled once; an instance
//!   of it with a connection
//! - [`Command`]: the command, for `mllp-sandbox`
//! - [`Metrics`]: what went on, as Prometheus reads it
//!
//! Nothing that these print, by `Debug` or otherwise, holds a message's content.

mod allowed;
mod bindings;
mod command;
mod compiled;
mod error;
mod guest;
mod lookup;
mod metrics;
mod network;
mod options;
mod outcome;
mod sandbox;
mod sender;

pub use allowed::{Allowed, NotAReceiver, Receiver};
pub use bindings::exports::hl7::mllp::types;
pub use command::{Command, Ended};
pub use error::Error;
pub use lookup::{Lookup, Lookups, System};
pub use metrics::Metrics;
pub use options::{Options, Tls};
pub use outcome::{Failure, Reply};
pub use sandbox::{Limits, Sandbox};
pub use sender::{Library, Sender};
