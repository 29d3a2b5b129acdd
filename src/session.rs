//! One connection's life as a machine: looks before it writes, runs one exchange
//! at a time, remembers what stands unread between two. It joins the exchange
//! to the bytes of the connection and does no I/O.
//!
//! The driver's contract: after every input, drain [`Session::poll`] to a
//! [`Output::Wait`] or [`Output::Done`]; only then wait.

use core::time::Duration;

use crate::clock::Instant;
use crate::error::{Cause, Failure, Phase};
use crate::limits::{IDLE_MS_BEFORE_WAITING_LOOK, LOOK_MS};
use crate::proto::exchange::{Exchange, Reply, Warning};
use crate::proto::idle::Idle;
use crate::proto::payload::Payload;

/// What the session wants done next.
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
    /// The exchange is over; [`Session::finish`] has the outcome.
    Done,
}

/// What happened on the connection.
pub enum Input<'a> {
    /// Bytes came.
    Received(&'a [u8]),
    /// A look found nothing to read.
    Quiet,
    /// The receiver ended the connection.
    Ended,
    /// The connection failed.
    Broken,
    /// The transport took, or may have taken, this many bytes.
    Transmitted(usize),
}

/// A connection and the exchange in progress on it, if any.
#[derive(Debug)]
pub struct Session {
    reply_bytes_max: u64,
    idle: Idle,
    looking: bool,
    /// When the last exchange, or connecting, was over.
    idle_since: Instant,
    exchange: Option<Exchange>,
}

impl Session {
    /// A session on a connection that is new `now`, which bears replies of
    /// `reply_bytes_max` bytes of content.
    #[must_use]
    pub fn new(reply_bytes_max: u64, now: Instant) -> Self {
        Self {
            reply_bytes_max,
            idle: Idle::default(),
            looking: false,
            idle_since: now,
            exchange: None,
        }
    }

    /// Begins the exchange of `payload`, to be over by `deadline`.
    ///
    /// # Errors
    /// `out-of-memory` if the frame cannot be made.
    pub fn begin(&mut self, payload: Payload, deadline: Instant) -> Result<(), Failure> {
        self.exchange = Some(Exchange::new(payload, deadline, self.reply_bytes_max)?);
        self.looking = true;
        Ok(())
    }

    /// What to do next, as of `now`.
    pub fn poll(&mut self, now: Instant) -> Output<'_> {
        let Some(exchange) = &mut self.exchange else {
            return Output::Done;
        };
        if let (true, Some(desync)) = (self.looking, self.idle.desync()) {
            exchange.fail(desync.into());
        }
        exchange.check_deadline(now);
        let deadline = exchange.deadline();
        if exchange.is_settled() {
            self.idle_since = now;
            Output::Done
        } else if self.looking {
            let idle = self.idle_since.until(now);
            let moment = if idle < Duration::from_millis(IDLE_MS_BEFORE_WAITING_LOOK) {
                now
            } else {
                now.after(Duration::from_millis(LOOK_MS)).min(deadline)
            };
            Output::Look(moment)
        } else if exchange.to_transmit().is_empty() {
            Output::Wait(deadline)
        } else {
            Output::Transmit(exchange.to_transmit(), deadline)
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, input: Input<'_>) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        match input {
            Input::Received(bytes) if self.looking => self.idle.receive(bytes),
            Input::Received(bytes) => {
                let surplus = exchange.receive(bytes);
                if !surplus.is_empty() {
                    self.note_surplus(surplus);
                }
            }
            Input::Quiet => self.looking = false,
            Input::Ended => exchange.fail(Cause::ConnectionEnded),
            Input::Broken => exchange.fail(Cause::ConnectionBroken),
            Input::Transmitted(bytes) => exchange.transmitted(bytes),
        }
    }

    /// Ends the exchange and returns its outcome.
    ///
    /// # Errors
    /// The exchange's failure. The session must not be used again: what comes
    /// late would meet the next message.
    pub fn finish(&mut self) -> Result<Reply, Failure> {
        let space = self.idle.take_space();
        self.looking = false;
        let mut exchange = self
            .exchange
            .take()
            .ok_or(Failure::not_sent(Phase::Prepare, Cause::Closed))?;
        if space > 0 {
            exchange.warn(Warning::SpaceAfterFrame(space));
        }
        exchange
            .outcome()
            .unwrap_or(Err(Failure::not_sent(Phase::Prepare, Cause::Closed)))
    }

    /// The verdict of this exchange stands; what follows its frame is judged
    /// before the next one, just as if it came later.
    fn note_surplus(&mut self, surplus: &[u8]) {
        self.idle.receive(surplus);
        if let (Some(_), Some(exchange)) = (self.idle.desync(), &mut self.exchange) {
            let count = u32::try_from(surplus.len()).unwrap_or(u32::MAX);
            exchange.warn(Warning::BytesAfterFrame(count));
        }
    }
}
