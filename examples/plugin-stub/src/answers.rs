//! Replies and failures as the client gives them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::steps::Answer;
use crate::types::{Acknowledgment, AcknowledgmentCode, Cause, Delivery, ErrorDetail};
use crate::types::{ErrorLocation, FailedTry, Failure, Phase, Reply, Retry, Severity, Verdict};

/// The reply to the message with this control id.
pub(crate) fn reply(answer: &Answer, control_id: &[u8]) -> Reply {
    let acknowledgment = answer.code.map(|code| Acknowledgment {
        code,
        control_id: control_id.to_vec(),
    });
    let is_accept = answer.code == Some(AcknowledgmentCode::CommitAccept);
    let first_try = FailedTry {
        cause: Cause::ConnectionEnded,
        phase: Phase::Write,
        delivery: Delivery::CutShort,
    };
    Reply {
        message: content(answer, control_id),
        verdict: answer.verdict,
        accept: acknowledgment.clone().filter(|_| is_accept),
        acknowledgment,
        commit: answer.commit,
        errors: answer.code.and_then(error).into_iter().collect(),
        warnings: answer
            .warning
            .map(|warning| warning())
            .into_iter()
            .collect(),
        transmissions: if answer.is_second_try { 2 } else { 1 },
        retries: answer
            .is_second_try
            .then_some(Retry::Failed(first_try))
            .into_iter()
            .collect(),
    }
}

/// A call that failed.
pub(crate) fn failure(phase: Phase, delivery: Delivery, cause: Cause, label: &str) -> Failure {
    Failure {
        cause,
        phase,
        delivery,
        attempts: Vec::new(),
        transmissions: u32::from(delivery != Delivery::NotSent),
        retries: Vec::new(),
        warnings: Vec::new(),
        explanation: format!("the stub's script says {label}"),
    }
}

/// The acknowledgment, its ERR segment included; empty where a commit block or
/// silence settled it.
fn content(answer: &Answer, control_id: &[u8]) -> Vec<u8> {
    let header = "MSH|^~\\&|STUB|STUB|||20000101000000||ACK|1|T|2.5\r";
    let Some(code) = answer.code else {
        // Without MSA, so that nobody could judge it.
        let is_unjudged = answer.verdict == Verdict::Unjudged;
        return if is_unjudged {
            header.into()
        } else {
            Vec::new()
        };
    };
    let error = match error(code) {
        Some(error) if error.location.is_some() => "ERR||PID^1^3|101|E\r",
        Some(_) => "ERR|||207|F\r",
        None => "",
    };
    let msa = format!("{header}MSA|{}|", letters(code));
    [msa.as_bytes(), control_id, b"\r", error.as_bytes()].concat()
}

/// Refusals tell why.
fn error(code: AcknowledgmentCode) -> Option<ErrorDetail> {
    let detail = |location, code: &str, severity| ErrorDetail {
        location,
        code: Some(code.to_string()),
        severity: Some(severity),
        application_code: None,
    };
    match code {
        AcknowledgmentCode::ApplicationAccept | AcknowledgmentCode::CommitAccept => None,
        AcknowledgmentCode::ApplicationError | AcknowledgmentCode::CommitError => {
            let patient_id = ErrorLocation {
                segment: String::from("PID"),
                sequence: Some(1),
                field: Some(3),
                repetition: None,
                component: None,
                subcomponent: None,
            };
            Some(detail(Some(patient_id), "101", Severity::Error))
        }
        AcknowledgmentCode::ApplicationReject | AcknowledgmentCode::CommitReject => {
            Some(detail(None, "207", Severity::Fatal))
        }
    }
}

const fn letters(code: AcknowledgmentCode) -> &'static str {
    match code {
        AcknowledgmentCode::ApplicationAccept => "AA",
        AcknowledgmentCode::ApplicationError => "AE",
        AcknowledgmentCode::ApplicationReject => "AR",
        AcknowledgmentCode::CommitAccept => "CA",
        AcknowledgmentCode::CommitError => "CE",
        AcknowledgmentCode::CommitReject => "CR",
    }
}
