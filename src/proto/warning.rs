//! What is worth knowing about an exchange beside its outcome. Codes are stable.

use alloc::vec::Vec;
use core::mem;

use super::ack::{Acknowledgment, Code};
use super::repair::Repair;
use crate::error::Cause;

/// A leniency that was used, or a thing worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// This many bytes of white space stood before the reply's start block.
    SpaceBeforeStartBlock(u32),
    /// This many bytes of white space followed this reply's frame, or the
    /// previous one's.
    SpaceAfterFrame(u32),
    /// The reply separates its segments by line feeds.
    LineFeedSegments,
    /// This many bytes, not all of them white space, stood before the reply's
    /// start block.
    JunkBeforeStartBlock(u32),
    /// The reply had no start block.
    MissingStartBlock,
    /// The reply's end block was not followed by what ends a frame, or not yet.
    MissingCarriageReturn,
    /// The reply was in a frame within a frame.
    DoubledEnvelope,
    /// This many acknowledgments of other messages were skipped.
    OtherAcknowledgment(u32),
    /// This many further bytes came with the reply: the next exchange on this
    /// connection will fail.
    BytesAfterFrame(u32),
    /// The receiver acknowledged, by this code, in another way than MSH-15 and
    /// MSH-16 ask for.
    WrongMode(Code),
    /// This many further accept acknowledgments came.
    RepeatedAcknowledgment(u32),
    /// MSA-2 is not MSH-10, and the caller chose to be warned only.
    OtherControlId,
    /// An application acknowledgment of an earlier message, which had been settled
    /// on its accept acknowledgment, came now.
    LateAcknowledgment(Acknowledgment),
    /// The message was accepted; a further acknowledgment that it asks for did not
    /// come, for this reason.
    AcknowledgmentMissing(Cause),
    /// The reply came without the commit block of MLLP Release 2 before it.
    CommitMissing,
    /// The acknowledgment that the sender owes for the reply, or for an earlier
    /// one, could not be handed over.
    OwedAcknowledgmentUnsent,
    /// The message was put right before it was sent.
    Repaired(Repair),
    /// It went to the second receiver.
    SecondReceiver,
    /// The host has no keep-alive settings, or not all that were asked for.
    KeepAliveUnavailable,
    /// The receiver's identity was not checked.
    Insecure,
}

impl Warning {
    /// Adds it to the warnings there are: to the number of one that counts, and not
    /// twice where it says the same, so that no receiver can make them grow.
    pub fn join(self, warnings: &mut Vec<Self>) {
        let kind = mem::discriminant(&self);
        let count = self.count();
        let same = |known: &&mut Self| match count {
            Some(_) => mem::discriminant(*known) == kind,
            None => **known == self,
        };
        match warnings.iter_mut().find(same) {
            None => warnings.push(self),
            Some(known) => {
                if let (Some(sum), Some(count)) = (known.count_mut(), count) {
                    *sum = sum.saturating_add(count);
                }
            }
        }
    }

    /// The word for it, as the WIT names the case.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::SpaceBeforeStartBlock(_) => "space-before-start-block",
            Self::SpaceAfterFrame(_) => "space-after-frame",
            Self::LineFeedSegments => "line-feed-segments",
            Self::JunkBeforeStartBlock(_) => "junk-before-start-block",
            Self::MissingStartBlock => "missing-start-block",
            Self::MissingCarriageReturn => "missing-carriage-return",
            Self::DoubledEnvelope => "doubled-envelope",
            Self::OtherAcknowledgment(_) => "other-acknowledgment",
            Self::BytesAfterFrame(_) => "bytes-after-frame",
            Self::WrongMode(_) => "wrong-mode",
            Self::RepeatedAcknowledgment(_) => "repeated-acknowledgment",
            Self::OtherControlId => "other-control-id",
            Self::LateAcknowledgment(_) => "late-acknowledgment",
            Self::AcknowledgmentMissing(_) => "acknowledgment-missing",
            Self::CommitMissing => "commit-missing",
            Self::OwedAcknowledgmentUnsent => "owed-acknowledgment-unsent",
            Self::Repaired(_) => "repaired",
            Self::SecondReceiver => "second-receiver",
            Self::KeepAliveUnavailable => "keep-alive-unavailable",
            Self::Insecure => "insecure",
        }
    }

    /// How many it is about, where it is about a number.
    #[must_use]
    pub const fn count(&self) -> Option<u32> {
        match self {
            Self::SpaceBeforeStartBlock(count)
            | Self::SpaceAfterFrame(count)
            | Self::JunkBeforeStartBlock(count)
            | Self::OtherAcknowledgment(count)
            | Self::BytesAfterFrame(count)
            | Self::RepeatedAcknowledgment(count) => Some(*count),
            _ => None,
        }
    }

    const fn count_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::SpaceBeforeStartBlock(count)
            | Self::SpaceAfterFrame(count)
            | Self::JunkBeforeStartBlock(count)
            | Self::OtherAcknowledgment(count)
            | Self::BytesAfterFrame(count)
            | Self::RepeatedAcknowledgment(count) => Some(count),
            _ => None,
        }
    }

    /// A word more, where it has one: a code, a repair, a cause.
    #[must_use]
    pub const fn detail(&self) -> Option<&'static str> {
        match self {
            Self::WrongMode(code) => Some(code.letters()),
            Self::LateAcknowledgment(acknowledgment) => Some(acknowledgment.code.letters()),
            Self::AcknowledgmentMissing(cause) => Some(cause.word()),
            Self::Repaired(repair) => Some(repair.word()),
            _ => None,
        }
    }
}
