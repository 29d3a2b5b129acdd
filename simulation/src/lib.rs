//! The client's own logic, from guard to TLS, under simulated time: a seed draws the
//! options, the faults and how often each happens, a model [`receiver`] and network
//! play them, and an [`oracle`] that knows what the receiver really took holds what
//! the caller is told to it.
//!
//! ```text
//! seed ─► plan ─► run ─► mllp_client ◄─► world ◄─► receiver
//!                  └──────► oracle ◄───────┘
//! ```

pub mod batch;
pub mod chance;
mod due;
pub mod fault;
mod message;
pub mod oracle;
mod plan;
pub mod receiver;
pub mod run;
mod secure;
pub mod tally;
pub mod trace;
mod wire;
mod world;
