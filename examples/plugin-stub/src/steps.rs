//! What a label of a host name stands for.

use crate::types::{AcknowledgmentCode, Cause, CertificateProblem, CommitBlock, Delivery, Desync};
use crate::types::{
    Grant, InvalidReply, OverLimit, Phase, TlsFailure, TlsProblem, Verdict, Warning,
};

/// A label and what it stands for.
pub(crate) struct Step {
    /// The label.
    pub(crate) label: &'static str,
    /// What happens.
    pub(crate) what: What,
}

/// What happens.
pub(crate) enum What {
    /// Connecting fails, whichever call does it.
    Connecting(Phase, fn() -> Cause),
    /// Connecting does not fail, and a message is sent.
    Sending(Sending),
}

/// What becomes of a message.
pub(crate) enum Sending {
    /// It is answered, or silence is agreed on.
    Answer(Answer),
    /// The call fails.
    Failure(Phase, Delivery, fn() -> Cause),
}

/// What the receiver says, and what is worth knowing beside.
pub(crate) struct Answer {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// The code of the acknowledgment that settles it.
    pub(crate) code: Option<AcknowledgmentCode>,
    /// The commit block that comes before it, or settles it.
    pub(crate) commit: Option<CommitBlock>,
    /// The warning that comes with it.
    pub(crate) warning: Option<fn() -> Warning>,
    /// Whether a first try was cut short.
    pub(crate) is_second_try: bool,
}

/// An acknowledgment by this code.
const fn by(verdict: Verdict, code: AcknowledgmentCode) -> Answer {
    Answer {
        code: Some(code),
        ..without_code(verdict)
    }
}

const fn without_code(verdict: Verdict) -> Answer {
    Answer {
        verdict,
        code: None,
        commit: None,
        warning: None,
        is_second_try: false,
    }
}

const fn step(label: &'static str, what: What) -> Step {
    Step { label, what }
}

const fn answer(answer: Answer) -> What {
    What::Sending(Sending::Answer(answer))
}

const fn fails(phase: Phase, delivery: Delivery, cause: fn() -> Cause) -> What {
    What::Sending(Sending::Failure(phase, delivery, cause))
}

/// All of them, in the order of `README.md`.
pub(crate) static STEPS: [Step; 35] = {
    use AcknowledgmentCode as Code;
    use Delivery::{CutShort, InDoubt, NotSent};
    use Verdict::{Accepted, Applied, Refused, Unacknowledged, Unjudged};
    use What::Connecting;
    [
        step("aa", answer(by(Applied, Code::ApplicationAccept))),
        step("ae", answer(by(Refused, Code::ApplicationError))),
        step("ar", answer(by(Refused, Code::ApplicationReject))),
        step("ca", answer(by(Accepted, Code::CommitAccept))),
        step("ce", answer(by(Refused, Code::CommitError))),
        step("cr", answer(by(Refused, Code::CommitReject))),
        step(
            "ca-then-silence",
            answer(Answer {
                warning: Some(|| Warning::AcknowledgmentMissing(Cause::TimedOut)),
                ..by(Accepted, Code::CommitAccept)
            }),
        ),
        step(
            "commit",
            answer(Answer {
                commit: Some(CommitBlock::Positive),
                ..without_code(Accepted)
            }),
        ),
        step(
            "no-commit",
            answer(Answer {
                commit: Some(CommitBlock::Negative),
                ..without_code(Refused)
            }),
        ),
        step("unacknowledged", answer(without_code(Unacknowledged))),
        step("unjudged", answer(without_code(Unjudged))),
        step(
            "aa-second-try",
            answer(Answer {
                is_second_try: true,
                ..by(Applied, Code::ApplicationAccept)
            }),
        ),
        step(
            "aa-second-receiver",
            answer(Answer {
                warning: Some(|| Warning::SecondReceiver),
                ..by(Applied, Code::ApplicationAccept)
            }),
        ),
        step(
            "timed-out",
            fails(Phase::Reply, InDoubt, || Cause::TimedOut),
        ),
        step(
            "timed-out-cut-short",
            fails(Phase::Write, CutShort, || Cause::TimedOut),
        ),
        step("silence", fails(Phase::Reply, InDoubt, || Cause::Silence)),
        step(
            "ended",
            fails(Phase::Reply, InDoubt, || Cause::ConnectionEnded),
        ),
        step(
            "ended-cut-short",
            fails(Phase::Write, CutShort, || Cause::ConnectionEnded),
        ),
        step(
            "ended-not-sent",
            fails(Phase::Write, NotSent, || Cause::ConnectionEnded),
        ),
        step(
            "broken",
            fails(Phase::Reply, InDoubt, || Cause::ConnectionBroken),
        ),
        step(
            "broken-cut-short",
            fails(Phase::Write, CutShort, || Cause::ConnectionBroken),
        ),
        step(
            "broken-not-sent",
            fails(Phase::Write, NotSent, || Cause::ConnectionBroken),
        ),
        step(
            "other-control-id",
            fails(Phase::Reply, InDoubt, || {
                Cause::ProtocolDesync(Desync::OtherControlId)
            }),
        ),
        step(
            "unread-frame",
            fails(Phase::Write, NotSent, || {
                Cause::ProtocolDesync(Desync::UnreadFrame)
            }),
        ),
        step(
            "no-acknowledgment",
            fails(Phase::Reply, InDoubt, || {
                Cause::InvalidReply(InvalidReply::NoAcknowledgment)
            }),
        ),
        step(
            "too-large",
            fails(Phase::Reply, InDoubt, || {
                let limit = 10_485_760;
                let size = 10_485_761;
                Cause::MessageTooLarge(OverLimit { limit, size })
            }),
        ),
        step(
            "out-of-memory",
            fails(Phase::Prepare, NotSent, || Cause::OutOfMemory),
        ),
        step(
            "unresolvable",
            Connecting(Phase::Resolve, || Cause::NameUnresolvable),
        ),
        step(
            "lookup-failed",
            Connecting(Phase::Resolve, || Cause::NameLookupFailed),
        ),
        step(
            "refused",
            Connecting(Phase::Connect, || Cause::ConnectionRefused),
        ),
        step(
            "unreachable",
            Connecting(Phase::Connect, || Cause::Unreachable),
        ),
        step(
            "connect-timed-out",
            Connecting(Phase::Connect, || Cause::TimedOut),
        ),
        step(
            "denied",
            Connecting(Phase::Connect, || Cause::AccessDenied(Grant::Address)),
        ),
        step(
            "denied-lookup",
            Connecting(Phase::Resolve, || Cause::AccessDenied(Grant::NameLookup)),
        ),
        step(
            "untrusted",
            Connecting(Phase::Tls, || {
                Cause::Tls(TlsFailure {
                    problem: TlsProblem::Certificate(CertificateProblem::UnknownIssuer),
                    certificate: None,
                })
            }),
        ),
    ]
};
