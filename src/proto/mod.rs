//! MLLP and the part of HL7 v2 it rests on: bytes in, bytes and answers out.
//! Nothing here does I/O or reads a clock.

pub mod ack;
pub mod exchange;
pub mod expect;
pub mod frame;
pub mod framing;
pub mod leniency;
pub mod msh;
pub mod outstanding;
pub mod payload;
pub mod repair;
mod scan;
pub mod terms;
pub mod warning;
