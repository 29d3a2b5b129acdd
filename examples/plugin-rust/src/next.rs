//! What is known of a message becomes what the platform does with it: the only
//! place that decides whether it may go out again.

use alloc::string::{String, ToString};

use crate::mllp::{self, AcknowledgmentCode, Cause, Failure, Reply, TlsProblem};
use crate::platform::{Delivery, NextStep, Outcome, Problem, Receiver, Verdict};

/// An answer, or an agreed silence.
pub(crate) fn outcome(from: &Receiver, reply: &Reply) -> Outcome {
    let code = reply.acknowledgment.as_ref().map(|ack| ack.code);
    let next = match reply.verdict {
        mllp::Verdict::Applied | mllp::Verdict::Accepted => NextStep::Done,
        // Its sender asked for silence, and so for no certainty.
        mllp::Verdict::Unacknowledged => NextStep::Done,
        // Nobody here reads such a reply.
        mllp::Verdict::Unjudged => NextStep::Decide,
        mllp::Verdict::Refused => match code {
            Some(AcknowledgmentCode::ApplicationError | AcknowledgmentCode::CommitError) => {
                NextStep::Mend
            }
            // Rejected, or not stored: the reason may have nothing to do with it.
            _ => NextStep::Later,
        },
    };
    let errors = reply.errors.iter();
    Outcome {
        next,
        receiver: from.name.clone(),
        verdict: match reply.verdict {
            mllp::Verdict::Applied => Verdict::Applied,
            mllp::Verdict::Accepted => Verdict::Accepted,
            mllp::Verdict::Refused => Verdict::Refused,
            mllp::Verdict::Unacknowledged => Verdict::Unacknowledged,
            mllp::Verdict::Unjudged => Verdict::Unjudged,
        },
        code: code.map(letters),
        errors: errors.filter_map(|error| error.code.clone()).collect(),
        transmissions: reply.transmissions,
    }
}

/// No answer that could be judged.
pub(crate) fn problem(to: &Receiver, failure: Failure) -> Problem {
    let next = match failure.delivery {
        mllp::Delivery::InDoubt => NextStep::Decide,
        mllp::Delivery::CutShort if to.discards_half_frames => NextStep::Later,
        mllp::Delivery::CutShort => NextStep::Decide,
        mllp::Delivery::NotSent if passes(&failure.cause) => NextStep::Later,
        mllp::Delivery::NotSent => NextStep::Mend,
    };
    Problem {
        next,
        receiver: Some(to.name.clone()),
        delivery: match failure.delivery {
            mllp::Delivery::NotSent => Delivery::NotSent,
            mllp::Delivery::CutShort => Delivery::CutShort,
            mllp::Delivery::InDoubt => Delivery::InDoubt,
        },
        // Holds no content, as `hl7:mllp/types` promises.
        explanation: failure.explanation,
    }
}

/// Whether it may be gone by itself when the message is handed in again.
fn passes(cause: &Cause) -> bool {
    match cause {
        Cause::InvalidMessage(_) | Cause::InvalidOption(_) | Cause::AccessDenied(_) => false,
        Cause::Tls(tls) => matches!(tls.problem, TlsProblem::Truncated | TlsProblem::UsedUp),
        _ => true,
    }
}

fn letters(code: AcknowledgmentCode) -> String {
    let letters = match code {
        AcknowledgmentCode::ApplicationAccept => "AA",
        AcknowledgmentCode::ApplicationError => "AE",
        AcknowledgmentCode::ApplicationReject => "AR",
        AcknowledgmentCode::CommitAccept => "CA",
        AcknowledgmentCode::CommitError => "CE",
        AcknowledgmentCode::CommitReject => "CR",
    };
    letters.to_string()
}
