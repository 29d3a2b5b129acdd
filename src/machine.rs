//! What a machine and the loop that drives it say to each other. A machine does
//! no I/O and reads no clock: bytes, events and the time go in, and what to do
//! next comes out.
//!
//! The driver's contract: after every input, drain [`Machine::poll`] to an
//! [`Output::Wait`] or [`Output::Done`]; only then wait.

use crate::clock::Instant;

/// A part of a connection's life: a handshake, a look, an exchange, a farewell.
pub trait Machine {
    /// What to do next, as of `now`.
    fn poll(&mut self, now: Instant) -> Output<'_>;

    /// Takes in what happened.
    fn handle(&mut self, input: Input<'_>);
}

/// What a machine wants done next.
pub enum Output<'a> {
    /// Read what is there and tell; where nothing is, wait until this instant
    /// at most and read again.
    Look(Instant),
    /// Hand these bytes, or the first of them, to the transport and tell how
    /// many. While it takes none, wait for it, for bytes from the receiver and
    /// for the deadline.
    Transmit(&'a [u8], Instant),
    /// Wait for bytes from the receiver, at most until this instant.
    Wait(Instant),
    /// It is over.
    Done,
}

/// What happened on the connection.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// Bytes came.
    Received(&'a [u8]),
    /// A look found nothing to read.
    Quiet,
    /// The receiver ended the connection.
    Ended,
    /// The connection failed.
    Broken,
    /// There is not enough memory left to read.
    OutOfMemory,
    /// The transport took, or may have taken, this many bytes.
    Transmitted(usize),
}
