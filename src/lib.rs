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
// A panic is a trap: whatever is excepted has its proof beside it.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_in_result,
        clippy::unwrap_used
    )
)]

extern crate alloc;
#[cfg(any(test, all(feature = "breakages", not(target_family = "wasm"))))]
extern crate std;

/// Whether the engine is broken in this way: never, but in `simulation`.
macro_rules! broken {
    ($way:ident) => {
        crate::breakage::is(crate::breakage::Breakage::$way)
    };
}

pub mod breakage;
pub mod client;
pub mod clock;
pub mod counters;
pub mod drive;
pub mod error;
pub mod limits;
pub mod machine;
mod memory;
pub mod options;
pub mod proto;
pub mod segments;
pub mod session;
pub mod tls;
pub mod transcript;
pub mod transport;

#[cfg(all(feature = "component", target_family = "wasm"))]
mod component;
#[cfg(all(feature = "component", target_family = "wasm"))]
mod runtime;
