//! x

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
