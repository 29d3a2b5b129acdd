//! One message out, one acknowledgment in: this machine decides which byte is
//! legal next and what is known about the message, and never touches a socket.
//!
//! ```text
//!            end block handed over         whole frame, MSA-2 = MSH-10
//!  Writing ───────────────────────▶ Awaiting ───────────────────────▶ Settled(reply)
//!     │                                │
//!     │ deadline, loss, any reply      │ deadline, loss, desync, other reply
//!     ▼                                ▼
//!  Settled(failure: not-sent,       Settled(failure: in-doubt)
//!          or cut-short)
//! ```

use alloc::vec::Vec;
use core::fmt;

use super::ack::{self, Acknowledgment, Code};
use super::frame::{Decoder, Incoming, Outgoing, is_space};
use super::payload::Payload;
use crate::clock::Instant;
use crate::error::{Cause, Delivery, Desync, Failure, Phase};

/// What an answer, or an agreed silence, says about the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// AA: processed.
    Applied,
    /// CA: in the receiver's safe keeping (HL7 v2.5 2.9.3).
    Accepted,
    /// AE, AR, CE or CR: not processed.
    Refused,
    /// The message asked for silence and got it.
    Unacknowledged,
    /// A reply came that was not judged.
    Unjudged,
}

impl Verdict {
    /// The word for it, as the README's table has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unacknowledged => "unacknowledged",
            Self::Unjudged => "unjudged",
        }
    }
}

impl From<Code> for Verdict {
    fn from(code: Code) -> Self {
        match code {
            Code::ApplicationAccept => Self::Applied,
            Code::CommitAccept => Self::Accepted,
            Code::ApplicationError
            | Code::ApplicationReject
            | Code::CommitError
            | Code::CommitReject => Self::Refused,
        }
    }
}

/// A leniency that was used, or a thing worth knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// This many bytes of white space stood before the reply's start block.
    SpaceBeforeStartBlock(u32),
    /// This many bytes of white space followed this reply's frame, or the
    /// previous one's.
    SpaceAfterFrame(u32),
    /// The reply separates its segments by line feeds.
    LineFeedSegments,
    /// This many further bytes came with the reply: the next exchange on this
    /// connection will fail.
    BytesAfterFrame(u32),
    /// The receiver's identity was not checked.
    Insecure,
}

impl Warning {
    /// The word for it, as the WIT names the case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SpaceBeforeStartBlock(_) => "space-before-start-block",
            Self::SpaceAfterFrame(_) => "space-after-frame",
            Self::LineFeedSegments => "line-feed-segments",
            Self::BytesAfterFrame(_) => "bytes-after-frame",
            Self::Insecure => "insecure",
        }
    }

    /// How many bytes it is about, where it is about bytes.
    #[must_use]
    pub const fn count(self) -> Option<u32> {
        match self {
            Self::SpaceBeforeStartBlock(bytes)
            | Self::SpaceAfterFrame(bytes)
            | Self::BytesAfterFrame(bytes) => Some(bytes),
            Self::LineFeedSegments | Self::Insecure => None,
        }
    }
}

/// An exchange that ended with an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reply's content, framing stripped, untouched.
    pub message: Vec<u8>,
    /// What it says about the message.
    pub verdict: Verdict,
    /// The parsed acknowledgment.
    pub acknowledgment: Option<Acknowledgment>,
    /// Leniencies used, in the order they were met.
    pub warnings: Vec<Warning>,
}

impl fmt::Debug for Reply {
    /// Tells the content's length alone: a reply may quote patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("message_bytes", &self.message.len())
            .field("verdict", &self.verdict)
            .field("acknowledgment", &self.acknowledgment)
            .field("warnings", &self.warnings)
            .finish()
    }
}

/// One exchange in progress.
pub struct Exchange {
    frame: Vec<u8>,
    control_id: Vec<u8>,
    deadline: Instant,
    decoder: Decoder,
    handed_over: usize,
    begun: bool,
    settled: Option<Result<Reply, Failure>>,
}

impl Exchange {
    /// Begins the exchange of `payload`, to be over by `deadline`, with a reply
    /// of at most `reply_bytes_max` bytes of content.
    ///
    /// # Errors
    /// `out-of-memory` if the frame cannot be made.
    pub fn new(payload: Payload, deadline: Instant, reply_bytes_max: u64) -> Result<Self, Failure> {
        let Outgoing { bytes, control_id } =
            Outgoing::encode(payload).map_err(|cause| Failure::not_sent(Phase::Prepare, cause))?;
        Ok(Self {
            frame: bytes,
            control_id,
            deadline,
            decoder: Decoder::new(reply_bytes_max),
            handed_over: 0,
            begun: false,
            settled: None,
        })
    }

    /// When the exchange must be over.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What is still to be handed to the transport. Empty once the end block
    /// went.
    #[must_use]
    pub fn to_transmit(&self) -> &[u8] {
        self.frame.get(self.handed_over..).unwrap_or_default()
    }

    /// Some of what is to be transmitted is with the transport, in a record that
    /// no receiver can read before it has the rest.
    pub fn begun(&mut self) {
        self.begun = true;
    }

    /// The next `bytes` of the frame are, or may be, with the transport.
    pub fn transmitted(&mut self, bytes: usize) {
        self.handed_over = self.handed_over.saturating_add(bytes).min(self.frame.len());
        if self.to_transmit().is_empty() {
            // A long reply may need the memory.
            self.frame = Vec::new();
        }
    }

    /// Takes bytes from the receiver and returns those that came after the
    /// reply's frame.
    pub fn receive<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if !self.is_handed_over() && !bytes.iter().copied().all(is_space) {
            self.fail(Desync::EarlyReply.into());
            return &[];
        }
        let (used, frame) = match self.decoder.decode(bytes) {
            Ok(decoded) => decoded,
            Err(cause) => {
                self.fail(cause);
                return &[];
            }
        };
        match frame.map(|frame| self.judge(frame)) {
            None => {}
            Some(Ok(reply)) => self.settle(Ok(reply)),
            Some(Err(cause)) => self.fail(cause),
        }
        bytes.get(used..).unwrap_or_default()
    }

    /// Ends the exchange without a verdict.
    pub fn fail(&mut self, cause: Cause) {
        let failure = Failure {
            cause,
            phase: if self.is_handed_over() {
                Phase::Reply
            } else {
                Phase::Write
            },
            delivery: self.delivery(),
            attempts: Vec::new(),
            hint: None,
        };
        self.settle(Err(failure));
    }

    /// Fails the exchange if it is `now` past its deadline.
    pub fn check_deadline(&mut self, now: Instant) {
        if now >= self.deadline {
            self.fail(Cause::TimedOut);
        }
    }

    /// Whether the whole frame is with the transport.
    #[must_use]
    pub fn is_handed_over(&self) -> bool {
        self.handed_over > 0 && self.frame.is_empty()
    }

    /// Whether a part of a reply has come.
    #[must_use]
    pub fn is_inside_reply(&self) -> bool {
        self.decoder.is_inside_frame()
    }

    /// Whether the exchange is over.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.settled.is_some()
    }

    /// The outcome of an exchange that is over.
    #[must_use]
    pub fn outcome(self) -> Option<Result<Reply, Failure>> {
        self.settled
    }

    /// Adds to the warnings of an exchange that ended with an answer.
    pub fn warn(&mut self, warning: Warning) {
        if let Some(Ok(reply)) = &mut self.settled {
            reply.warnings.push(warning);
        }
    }

    fn delivery(&self) -> Delivery {
        // The carriage return alone may be missing: a lenient receiver is
        // content with the end block.
        let end_block_went = self.is_handed_over() || self.to_transmit().len() == 1;
        match self.handed_over {
            0 if !self.begun => Delivery::NotSent,
            _ if end_block_went => Delivery::InDoubt,
            _ => Delivery::CutShort,
        }
    }

    /// The first outcome stands: nothing that comes later can change it.
    fn settle(&mut self, outcome: Result<Reply, Failure>) {
        if self.settled.is_none() {
            self.settled = Some(outcome);
        }
    }

    fn judge(&self, frame: Incoming) -> Result<Reply, Cause> {
        let ack::Reading {
            code,
            control_id,
            line_feeds,
        } = ack::read(&frame.content)?;
        if control_id != self.control_id {
            return Err(Desync::OtherControlId.into());
        }
        let acknowledgment = Acknowledgment {
            code,
            // No longer than the message's own: a receiver cannot make it grow.
            control_id: control_id.to_vec(),
        };
        let mut warnings = Vec::new();
        if frame.space_before > 0 {
            warnings.push(Warning::SpaceBeforeStartBlock(frame.space_before));
        }
        if line_feeds {
            warnings.push(Warning::LineFeedSegments);
        }
        Ok(Reply {
            message: frame.content,
            verdict: code.into(),
            acknowledgment: Some(acknowledgment),
            warnings,
        })
    }
}

impl fmt::Debug for Exchange {
    /// Tells lengths alone: the frame is patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("handed_over", &self.handed_over)
            .field("to_transmit", &self.to_transmit().len())
            .field("decoder", &self.decoder)
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}
