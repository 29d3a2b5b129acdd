//! The TLS handshake, and TLS's closing, as machines.

use alloc::vec::Vec;
use core::fmt;

use super::config::Tls;
use super::pump::{Pump, Received};
use crate::clock::Instant;
use crate::error::{Cause, Failure, Hint, Phase};
use crate::limits::SPACE_BYTES_MAX;
use crate::machine::{Input, Machine, Output};

/// A handshake in progress.
pub struct Handshake {
    pump: Pump,
    /// What the receiver said as soon as it had said all of its own handshake.
    plain: Vec<u8>,
    deadline: Instant,
    failed: Option<Cause>,
}

impl Handshake {
    /// Begins a handshake, to be over by `deadline`.
    ///
    /// # Errors
    /// `tls` where the host gave no randomness or no time of day.
    pub fn new(tls: Tls, deadline: Instant) -> Result<Self, Failure> {
        let pump = Pump::new(tls).map_err(|cause| Failure::not_sent(Phase::Tls, cause))?;
        Ok(Self {
            pump,
            plain: Vec::new(),
            deadline,
            failed: None,
        })
    }

    /// Why a handshake that is over failed, if it did; `not-sent`.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let cause = self.failed.clone()?;
        let silent = self.pump.has_heard_nothing();
        let hint = match cause {
            Cause::TimedOut | Cause::ConnectionEnded | Cause::ConnectionBroken if silent => {
                Some(if self.pump.offers_hybrid() {
                    Hint::LargeHello
                } else {
                    Hint::Hello
                })
            }
            _ => None,
        };
        Some(Failure {
            hint,
            ..Failure::not_sent(Phase::Tls, cause)
        })
    }

    /// The connection, and what came on it already; of a handshake that failed,
    /// to tell the receiver.
    #[must_use]
    pub fn into_parts(self) -> (Pump, Vec<u8>) {
        (self.pump, self.plain)
    }

    fn fail(&mut self, cause: Cause) {
        if self.failed.is_none() {
            self.failed = Some(cause);
        }
    }
}

impl fmt::Debug for Handshake {
    /// Tells lengths alone: what the receiver said may be a reply.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("pump", &self.pump)
            .field("plain_bytes", &self.plain.len())
            .field("deadline", &self.deadline)
            .field("failed", &self.failed)
            .finish()
    }
}

impl Machine for Handshake {
    fn poll(&mut self, now: Instant) -> Output<'_> {
        let over = !self.pump.is_handshaking() && self.pump.to_transmit().is_empty();
        if !over && now >= self.deadline {
            self.fail(Cause::TimedOut);
        }
        if over || self.failed.is_some() {
            Output::Done
        } else if self.pump.to_transmit().is_empty() {
            Output::Wait(self.deadline)
        } else {
            Output::Transmit(self.pump.to_transmit(), self.deadline)
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        match input {
            Input::Received(bytes) => {
                let Received {
                    plain,
                    ended,
                    failure,
                } = self.pump.receive(bytes);
                // No message went yet: all of it is white space, or a desync,
                // which one byte more than is borne makes it, too.
                let room = (SPACE_BYTES_MAX as usize)
                    .saturating_add(1)
                    .saturating_sub(self.plain.len());
                self.plain.extend(plain.iter().take(room));
                if let Some(cause) = failure.or(ended.then_some(Cause::ConnectionEnded)) {
                    self.fail(cause);
                }
            }
            Input::Quiet => {}
            Input::Ended => self.fail(Cause::ConnectionEnded),
            Input::Broken => self.fail(Cause::ConnectionBroken),
            Input::OutOfMemory => self.fail(Cause::OutOfMemory),
            Input::Transmitted(bytes) => {
                self.pump.transmitted(bytes);
            }
        }
    }
}

/// What is left to be told the receiver when a connection is given up: TLS's
/// closing, or the alert of a failure.
#[derive(Debug)]
pub struct Farewell<'p> {
    pump: &'p mut Pump,
    deadline: Instant,
    tried: bool,
    over: bool,
}

impl<'p> Farewell<'p> {
    /// A farewell that is tried once and then until `deadline` at most. It is
    /// left out where a message went in part: its rest must not follow.
    pub fn new(pump: &'p mut Pump, deadline: Instant) -> Self {
        let cut_short = pump.holds_application_data();
        if !cut_short {
            // Where nothing more may be sent, nothing more is said.
            let _ = pump.close();
        }
        Self {
            pump,
            deadline,
            tried: false,
            over: cut_short,
        }
    }
}

impl Machine for Farewell<'_> {
    fn poll(&mut self, now: Instant) -> Output<'_> {
        let late = self.tried && now >= self.deadline;
        if self.over || late || self.pump.to_transmit().is_empty() {
            return Output::Done;
        }
        self.tried = true;
        Output::Transmit(self.pump.to_transmit(), self.deadline)
    }

    fn handle(&mut self, input: Input<'_>) {
        match input {
            // Nobody is left to hear it.
            Input::Received(_) | Input::Quiet => {}
            Input::Ended | Input::Broken | Input::OutOfMemory => self.over = true,
            Input::Transmitted(bytes) => {
                self.pump.transmitted(bytes);
            }
        }
    }
}
