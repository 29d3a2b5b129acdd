//! What several of these files use.

use std::fmt::Debug;
use std::future::Future;

use host_tests::messages::{ack, message};
use host_tests::sandbox::types::{AcknowledgmentCode, Delivery, Failure, Reply, Warning};
use tokio::task::JoinSet;

use crate::modes::Cell;

/// How many tasks run at a time.
const TASKS_MAX: usize = 48;

/// A message with this control id that asks for these acknowledgments.
pub(crate) fn asking(control_id: &str, accept: &str, application: &str) -> Vec<u8> {
    with_conditions(&message(control_id), accept, application)
}

/// An acknowledgment that asks for these itself; its own control id is `R` and that
/// of the message.
pub(crate) fn ack_asking(code: &str, control_id: &str, accept: &str) -> Vec<u8> {
    with_conditions(&ack(code, control_id), accept, "NE")
}

fn with_conditions(message: &[u8], accept: &str, application: &str) -> Vec<u8> {
    let message = String::from_utf8_lossy(message);
    let conditions = format!("|T|2.5|||{accept}|{application}\r");
    message.replacen("|T|2.5\r", &conditions, 1).into_bytes()
}

/// Runs these to their ends, many at a time.
pub(crate) async fn together<T>(tasks: impl IntoIterator<Item = T>)
where
    T: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    let mut waiting = tasks.into_iter();
    loop {
        while running.len() < TASKS_MAX
            && let Some(task) = waiting.next()
        {
            running.spawn(task);
        }
        match running.join_next().await {
            Some(Ok(())) => {}
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => return,
        }
    }
}

/// A case of an enumeration by its name in the WIT, and what it holds:
/// `Cause::ProtocolDesync(Desync::OtherControlId)` is
/// `protocol-desync other-control-id`.
pub(crate) fn words(case: &impl Debug) -> String {
    let mut words = String::new();
    for name in format!("{case:?}").split(['(', ')']) {
        let name = name.rsplit("::").next().unwrap_or_default();
        for (at, letter) in name.char_indices() {
            if letter.is_uppercase() || at == 0 {
                words.push(if at == 0 { ' ' } else { '-' });
            }
            words.extend(letter.to_lowercase());
        }
    }
    words.trim().to_owned()
}

/// The name of the case alone.
pub(crate) fn word(case: &impl Debug) -> String {
    let words = words(case);
    let word = words.split([' ', '{']).next();
    word.unwrap_or_default().to_owned()
}

/// The two letters of a code.
pub(crate) const fn letters(code: AcknowledgmentCode) -> &'static str {
    match code {
        AcknowledgmentCode::ApplicationAccept => "AA",
        AcknowledgmentCode::ApplicationError => "AE",
        AcknowledgmentCode::ApplicationReject => "AR",
        AcknowledgmentCode::CommitAccept => "CA",
        AcknowledgmentCode::CommitError => "CE",
        AcknowledgmentCode::CommitReject => "CR",
    }
}

/// An outcome in the words of `docs/acknowledgments.md`. Every failure leaves the message in
/// doubt.
pub(crate) fn told(outcome: &Result<Reply, Failure>) -> Cell {
    let (word_of_it, warnings) = match outcome {
        Ok(reply) => (word(&reply.verdict), &reply.warnings),
        Err(failure) => {
            assert_eq!(failure.delivery, Delivery::InDoubt);
            (word(&failure.cause), &failure.warnings)
        }
    };
    let missing = warnings.iter().find_map(|warning| match warning {
        Warning::AcknowledgmentMissing(cause) => Some(word(cause)),
        _ => None,
    });
    Cell {
        word: word_of_it,
        missing,
        wrong_mode: !wrong_modes(warnings).is_empty(),
    }
}

/// The codes that were not asked for.
pub(crate) fn wrong_modes(warnings: &[Warning]) -> Vec<&'static str> {
    let codes = warnings.iter().filter_map(|warning| match warning {
        Warning::WrongMode(code) => Some(letters(*code)),
        _ => None,
    });
    codes.collect()
}
