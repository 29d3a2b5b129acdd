//! Every example does what its README says, with the real components and a
//! receiver that follows a script. One file per host.

// Tests state what must be; a failed expectation is how they speak.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod node;
mod other_wasmtimes;
mod packaging;
mod platforms;
mod plugins;
mod python;
mod rust_host;
mod wrapper;
