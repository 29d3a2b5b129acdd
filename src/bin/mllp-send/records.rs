//! What `--json` prints. The fields are documented in `--help` and in
//! `docs/mllp-send.schema.json`, and promised: add to them, change none.

use std::io;
use std::time::Duration;

use mllp_client::counters::{Counters, Times};
use mllp_client::error::{Attempt, Cause, Failure, Retry};
use mllp_client::proto::ack::{ErrorDetail, ErrorLocation, Severity};
use mllp_client::proto::exchange::{Commit, Verdict};
use mllp_client::proto::warning::Warning;
use serde::Serialize;

use crate::output::{Report, Style};
use crate::send::Happened;

/// The version of the schema, in every object: it goes up where a field's name or
/// meaning changes, and not where one is added.
const SCHEMA: u32 = 1;

/// What became of a message.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    file: &'a str,
    index: usize,
    control_id: Option<&'a str>,
    verdict: Option<&'static str>,
    code: Option<&'static str>,
    accept: Option<&'static str>,
    commit: Option<&'static str>,
    delivery: Option<&'static str>,
    cause: Option<&'static str>,
    tls: Option<&'static str>,
    phase: Option<&'static str>,
    explanation: Option<String>,
    errors: Vec<ErrorRecord>,
    warnings: Vec<WarningRecord>,
    attempts: Vec<AttemptRecord>,
    transmissions: u32,
    retries: Vec<RetryRecord>,
    /// Absent unless `--retry-refused` sent it again.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    refusals: &'a [String],
    bytes: usize,
    elapsed_ms: f64,
    /// Absent unless asked for, null unless there was a reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<Option<String>>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_file: Option<Option<&'a str>>,
    /// Absent unless asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<TranscriptRecord>,
}

impl<'a> Record<'a> {
    /// `ack_file` is where the acknowledgment was saved, if that was asked for.
    pub(crate) fn new(report: &'a Report, style: Style, ack_file: Option<Option<&'a str>>) -> Self {
        let about = &report.about;
        let reply = report.outcome.as_ref().ok();
        let failure = report.outcome.as_ref().err();
        let attempts = failure.map_or(&[][..], |failure| &failure.attempts);
        let accept = reply.and_then(|reply| reply.accept.as_ref());
        let commit = reply.and_then(|reply| reply.commit);
        let ack = reply.map(|reply| String::from_utf8_lossy(&reply.message).into_owned());
        Self {
            file: &about.file,
            index: about.index,
            control_id: about.control_id.as_deref(),
            verdict: report.verdict().map(Verdict::word),
            code: report.code(),
            accept: accept.map(|acknowledgment| acknowledgment.code.letters()),
            commit: commit.map(commit_word),
            delivery: failure.map(|failure| failure.delivery.word()),
            cause: failure.map(|failure| failure.cause.word()),
            tls: failure.and_then(|failure| tls_word(&failure.cause)),
            phase: failure.map(|failure| failure.phase.word()),
            explanation: failure.map(Failure::explanation),
            errors: report.errors().iter().map(Into::into).collect(),
            warnings: report.warnings().iter().map(Into::into).collect(),
            attempts: attempts.iter().map(Into::into).collect(),
            transmissions: report.transmissions(),
            retries: report.retries().iter().map(Into::into).collect(),
            refusals: &report.refusals,
            bytes: about.bytes,
            elapsed_ms: milliseconds(report.elapsed),
            ack: style.ack.then_some(ack),
            ack_file,
            transcript: style.transcript.then(|| (&report.happened).into()),
        }
    }
}

/// An error that a reply tells of.
#[derive(Serialize)]
struct ErrorRecord {
    segment: Option<String>,
    sequence: Option<u32>,
    field: Option<u32>,
    repetition: Option<u32>,
    component: Option<u32>,
    subcomponent: Option<u32>,
    code: Option<String>,
    severity: Option<&'static str>,
    application_code: Option<String>,
}

impl From<&ErrorDetail> for ErrorRecord {
    fn from(error: &ErrorDetail) -> Self {
        let place = error.location.as_ref();
        let number = |which: fn(&ErrorLocation) -> Option<u32>| place.and_then(which);
        Self {
            sequence: number(|place| place.sequence),
            field: number(|place| place.field),
            repetition: number(|place| place.repetition),
            component: number(|place| place.component),
            subcomponent: number(|place| place.subcomponent),
            segment: place.map(|place| place.segment.clone()),
            code: error.code.clone(),
            severity: error.severity.map(Severity::word),
            application_code: error.application_code.clone(),
        }
    }
}

/// A warning.
#[derive(Serialize)]
pub(crate) struct WarningRecord {
    code: &'static str,
    count: Option<u32>,
    detail: Option<&'static str>,
    control_id: Option<String>,
}

impl From<&Warning> for WarningRecord {
    fn from(warning: &Warning) -> Self {
        Self {
            code: warning.word(),
            count: warning.count(),
            detail: warning.detail(),
            control_id: late_control_id(warning),
        }
    }
}

/// Which earlier message a late acknowledgment is for, fit to be printed.
pub(crate) fn late_control_id(warning: &Warning) -> Option<String> {
    match warning {
        Warning::LateAcknowledgment(late) => Some(late.control_id.escape_ascii().to_string()),
        _ => None,
    }
}

/// An address tried in vain.
#[derive(Serialize)]
pub(crate) struct AttemptRecord {
    address: String,
    cause: &'static str,
}

impl From<&Attempt> for AttemptRecord {
    fn from(attempt: &Attempt) -> Self {
        Self {
            address: attempt.address.to_string(),
            cause: attempt.cause.word(),
        }
    }
}

/// Why a message was tried again.
#[derive(Serialize)]
struct RetryRecord {
    reason: &'static str,
    phase: Option<&'static str>,
    delivery: Option<&'static str>,
}

impl From<&Retry> for RetryRecord {
    fn from(retry: &Retry) -> Self {
        let (phase, delivery) = match retry {
            Retry::NegativeCommit => (None, None),
            Retry::Failed {
                phase, delivery, ..
            } => (Some(phase.word()), Some(delivery.word())),
        };
        Self {
            reason: retry.word(),
            phase,
            delivery,
        }
    }
}

/// What happened to a message.
#[derive(Serialize)]
struct TranscriptRecord {
    entries: Vec<EntryRecord>,
    left_out: u64,
}

#[derive(Serialize)]
struct EntryRecord {
    at_ms: f64,
    direction: &'static str,
    event: String,
    bytes: u64,
}

impl From<&Happened> for TranscriptRecord {
    fn from(happened: &Happened) -> Self {
        let entries = happened.entries.iter().map(|entry| EntryRecord {
            at_ms: milliseconds(entry.at),
            direction: entry.event.direction().word(),
            event: entry.words(),
            bytes: entry.bytes,
        });
        Self {
            entries: entries.collect(),
            left_out: happened.left_out,
        }
    }
}

/// What was counted.
#[derive(Serialize)]
pub(crate) struct CountersRecord {
    counters: CountersFields,
}

#[derive(Serialize)]
struct CountersFields {
    connections: u64,
    reconnections: u64,
    stale_connections: u64,
    replaced_idle: u64,
    retransmissions: u64,
    bytes_sent: u64,
    bytes_received: u64,
    exchanges: ExchangesRecord,
    failures: FailuresRecord,
    failures_by_cause: Vec<NamedCount>,
    warnings: Vec<NamedCount>,
    times: TimesRecord,
}

#[derive(Serialize)]
struct ExchangesRecord {
    applied: u64,
    accepted: u64,
    refused: u64,
    unacknowledged: u64,
    unjudged: u64,
}

#[derive(Serialize)]
struct FailuresRecord {
    not_sent: u64,
    cut_short: u64,
    in_doubt: u64,
}

/// How many there were of what has a word.
#[derive(Serialize)]
pub(crate) struct NamedCount {
    pub(crate) name: &'static str,
    pub(crate) count: u64,
}

#[derive(Serialize)]
struct TimesRecord {
    buckets: Vec<Bucket>,
    count: u64,
    sum_us: u64,
    shortest_us: u64,
    longest_us: u64,
}

#[derive(Serialize)]
struct Bucket {
    up_to_ms: Option<u64>,
    count: u64,
}

impl From<&Counters> for CountersRecord {
    fn from(counters: &Counters) -> Self {
        let (exchanges, failures) = (counters.exchanges, counters.failures);
        let named = |words: &[(&'static str, u64)]| {
            let words = words.iter();
            words
                .map(|&(name, count)| NamedCount { name, count })
                .collect()
        };
        let counters = CountersFields {
            connections: counters.connections,
            reconnections: counters.reconnections,
            stale_connections: counters.stale_connections,
            replaced_idle: counters.replaced_idle,
            retransmissions: counters.retransmissions,
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            exchanges: ExchangesRecord {
                applied: exchanges.applied,
                accepted: exchanges.accepted,
                refused: exchanges.refused,
                unacknowledged: exchanges.unacknowledged,
                unjudged: exchanges.unjudged,
            },
            failures: FailuresRecord {
                not_sent: failures.not_sent,
                cut_short: failures.cut_short,
                in_doubt: failures.in_doubt,
            },
            failures_by_cause: named(&counters.failures_by_cause),
            warnings: named(&counters.warnings),
            times: (&counters.times).into(),
        };
        Self { counters }
    }
}

impl From<&Times> for TimesRecord {
    fn from(times: &Times) -> Self {
        let bounds = Times::BOUNDS_MS.into_iter().map(Some).chain([None]);
        let buckets = bounds
            .zip(times.buckets)
            .map(|(up_to_ms, count)| Bucket { up_to_ms, count });
        Self {
            buckets: buckets.collect(),
            count: times.count,
            sum_us: times.sum_us,
            shortest_us: times.min_us,
            longest_us: times.max_us,
        }
    }
}

/// A commit block, as the WIT names the case.
pub(crate) const fn commit_word(commit: Commit) -> &'static str {
    match commit {
        Commit::Positive => "positive",
        Commit::Negative => "negative",
    }
}

/// What it was about TLS, in a word, where the cause is TLS.
pub(crate) const fn tls_word(cause: &Cause) -> Option<&'static str> {
    match cause {
        Cause::Tls(failure) => Some(failure.problem.word()),
        _ => None,
    }
}

/// A span of time as JSON has it.
pub(crate) fn milliseconds(elapsed: Duration) -> f64 {
    elapsed.as_micros() as f64 / 1000.0
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    schema: u32,
    #[serde(flatten)]
    record: &'a T,
}

/// A line of JSON.
pub(crate) fn object(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let schema = SCHEMA;
    let mut text = serde_json::to_vec(&Versioned { schema, record })?;
    text.push(b'\n');
    Ok(text)
}
