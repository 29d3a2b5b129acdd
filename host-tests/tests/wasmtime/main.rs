//! What the project promises, shown through the real components in a real
//! wasmtime. One file per behaviour; one program, so that wasmtime is linked and
//! the components are compiled once.

// Tests state what must be; a failed expectation is how they speak.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod acknowledgments;
mod command;
mod command_line;
mod command_tls;
mod cryptography;
mod deadlines;
mod denials;
mod embedding;
mod foreign_receivers;
mod foreign_tls;
mod framing;
mod guard;
mod imports;
mod lifecycle;
mod limits;
mod reaching;
mod stalled_receivers;
mod tls_closing;
mod tls_exchange;
mod tls_names;
mod tls_refusals;
mod tls_resumption;
