//! An HL7 v2 sender over MLLP that asks its host for a network, clocks and
//! randomness and for nothing else.
//!
//! In scope: the frame, the acknowledgment, one exchange at a time over one
//! persistent connection, TLS, and the truth about each message's delivery. Out of
//! scope: queues, routing, building and validating HL7 content.
//!
//! ```text
//! WIT send ─► component ─► payload ─► exchange ─► frame ─► tls ─► transport ─► host socket
//!               (types)    (guard)    (rules)    (bytes)  (records)  (WASI)
//! WIT reply ◄─ component ◄── ack ◄─── exchange ◄─ frame ◄─ tls ◄─ transport ◄─ host socket
//! ```
//!
//! Only two places call both ways: [`session`], which joins the exchange to the
//! bytes of a connection and does no I/O, and [`drive`], the loop that waits.
//! Everything between is a value that goes one way.
//!
//! The product is the component that `wit/` describes; this crate is how it is
//! made, and builds natively so that all but `transport::wasi02` and `component`
//! can be tested without a host.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod client;
pub mod clock;
pub mod counters;
pub mod drive;
pub mod error;
pub mod limits;
pub mod machine;
pub mod options;
pub mod proto;
pub mod session;
pub mod tls;
pub mod transcript;
pub mod transport;

#[cfg(all(feature = "component", target_family = "wasm"))]
mod component;
#[cfg(all(feature = "component", target_family = "wasm"))]
mod runtime;
