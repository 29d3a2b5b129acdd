//! Ways to break the engine on purpose, one at a time: `simulation` shows by them that
//! it would notice. Each is a switch where a promise is kept, thrown for the current
//! thread alone.

/// A way to break the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// A reply is credited whatever message it acknowledges.
    CorrelationForgotten,
    /// MSA-2 need only begin as MSH-10 does.
    IdByPrefix,
    /// White space around MSA-2 is cut off.
    IdTrimmed,
    /// An application acknowledgment that comes late is credited to the message in
    /// progress.
    LateCredited,
    /// The connection is kept though a commit block is still due on it.
    CommitStillDue,
    /// A byte of the reply moves the deadline.
    DeadlineMovedByBytes,
    /// `not-sent` is said after the end block.
    NotSentAfterEndBlock,
    /// `cut-short` is said after the end block.
    CutShortAfterEndBlock,
    /// `in-doubt` is said of what was cut short.
    InDoubtOfCutShort,
    /// AE is taken for AA.
    ErrorApplied,
    /// CA is taken for AA.
    CommitApplied,
    /// Silence is an answer though an acknowledgment is overdue.
    SilenceAgreed,
    /// Silence need only last half of its time.
    QuietHalved,
    /// The connection is kept after a timeout.
    KeptAfterTimeout,
    /// It is kept after a desync.
    KeptAfterDesync,
    /// Nothing looks at the connection before writing.
    LookForgotten,
    /// A message in doubt is sent again.
    ResentInDoubt,
    /// A message that was cut short is sent again.
    ResentCutShort,
    /// A failure tells of its last try alone.
    WorstForgotten,
    /// Only the last try's transmissions are counted.
    TransmissionsForgotten,
    /// Bytes between frames are skipped in silence.
    JunkSkipped,
    /// A byte goes out twice where the host takes a part.
    ByteSentTwice,
    /// A byte is lost there.
    ByteLost,
    /// The first address gets all the time.
    ShareForgotten,
    /// Connecting knows no deadline.
    ConnectingOverruns,
    /// Nor does the time before the next try.
    PauseOverruns,
    /// Closing takes the time to connect.
    ClosingTakesAll,
    /// Replies have no limit.
    LimitForgotten,
    /// The guard lets a second MSH segment pass.
    GuardAsleep,
    /// What is owed does not go out.
    OwedForgotten,
    /// Warnings of replies are not counted.
    WarningsUncounted,
    /// Under TLS, the whole record with the end block counts as a part.
    RecordCountedLate,
    /// Under TLS, a part of a record counts as nothing.
    PartUncounted,
}

#[cfg(all(feature = "breakages", not(target_family = "wasm")))]
mod switch {
    use super::Breakage;
    use std::cell::Cell;

    std::thread_local! {
        static CURRENT: Cell<Option<Breakage>> = const { Cell::new(None) };
    }

    /// Breaks the engine in this way, for this thread, or mends it.
    pub fn set(breakage: Option<Breakage>) {
        CURRENT.set(breakage);
    }

    pub(crate) fn is(breakage: Breakage) -> bool {
        CURRENT.get() == Some(breakage)
    }
}

/// There is no switch: the compiler sees that nothing is broken.
#[cfg(not(all(feature = "breakages", not(target_family = "wasm"))))]
mod switch {
    use super::Breakage;

    pub(crate) const fn is(_: Breakage) -> bool {
        false
    }
}

pub(crate) use switch::is;
#[cfg(all(feature = "breakages", not(target_family = "wasm")))]
pub use switch::set;
