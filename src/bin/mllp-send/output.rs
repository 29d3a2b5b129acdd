//! What became of each message, as a line for a person or as a JSON object. Of
//! a message's content only the control id may be told; of a reply's, only the
//! code, unless `--ack` asks for all of it.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use mllp_client::error::{Attempt, Cause, Delivery, Desync, Failure, InvalidMessage, Phase};
use mllp_client::proto::exchange::{Reply, Verdict, Warning};
use mllp_client::proto::msh::Header;
use serde::Serialize;

/// As long as MSH-10 may be in v2.5 (2.15.9); longer ones push the line out.
const CONTROL_ID_WIDTH: usize = 20;

/// What to print.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    pub(crate) json: bool,
    pub(crate) ack: bool,
}

/// What may be told of a message, kept while the message itself is given away.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// The file it came from.
    pub(crate) file: String,
    /// Which of the file's messages it is, from 1.
    pub(crate) index: usize,
    /// Whether the file holds others.
    pub(crate) several: bool,
    /// Whether it looks as if `--loose` were missing.
    pub(crate) looks_loose: bool,
    /// MSH-10, fit to be printed.
    pub(crate) control_id: Option<String>,
    /// How long it is.
    pub(crate) bytes: usize,
}

impl About {
    /// The only message of `file`, unless told otherwise.
    pub(crate) fn message(file: &str, message: &[u8]) -> Self {
        let control_id = Header::read(message)
            .map(|header| header.control_id())
            .filter(|id| !id.is_empty());
        Self {
            file: file.to_owned(),
            index: 1,
            several: false,
            looks_loose: false,
            control_id: control_id.map(|id| id.escape_ascii().to_string()),
            bytes: message.len(),
        }
    }

    fn label(&self) -> String {
        let file = printable(&self.file);
        if self.several {
            format!("{file}#{}", self.index)
        } else {
            file
        }
    }
}

/// What became of a message.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) about: About,
    pub(crate) outcome: Result<Reply, Failure>,
    pub(crate) elapsed: Duration,
}

impl Report {
    /// Whether the receiver took the message.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self.verdict(), Some(Verdict::Applied | Verdict::Accepted))
    }

    fn verdict(&self) -> Option<Verdict> {
        self.outcome.as_ref().ok().map(|reply| reply.verdict)
    }

    fn code(&self) -> Option<&'static str> {
        let acknowledgment = self.outcome.as_ref().ok()?.acknowledgment.as_ref()?;
        Some(acknowledgment.code.letters())
    }

    fn warnings(&self) -> &[Warning] {
        self.outcome
            .as_ref()
            .map_or(&[], |reply| reply.warnings.as_slice())
    }

    /// What to try instead.
    fn advice(&self) -> Option<&'static str> {
        if self.about.looks_loose {
            return Some("looks line-feed separated: try --loose");
        }
        let failure = self.outcome.as_ref().err()?;
        match (&failure.cause, failure.delivery, failure.phase) {
            (Cause::InvalidMessage(InvalidMessage::SecondHeader(_)), ..) => {
                Some("looks like several messages: try --loose")
            }
            (Cause::ProtocolDesync(Desync::OtherControlId), ..)
            | (
                Cause::ConnectionEnded | Cause::ProtocolDesync(_),
                Delivery::NotSent,
                Phase::Write,
            ) => Some("if the receiver serves one message a connection: try --one-per-connection"),
            _ => None,
        }
    }
}

/// Where reports go: one line each to `out`, the rest to `err`.
pub(crate) struct Output<O, E> {
    style: Style,
    label_width: usize,
    out: O,
    err: E,
}

impl<O: Write, E: Write> Output<O, E> {
    /// `files` is what the first column must have room for.
    pub(crate) fn new(style: Style, files: impl Iterator<Item = String>, out: O, err: E) -> Self {
        Self {
            style,
            label_width: files
                .map(|file| width(&printable(&file)))
                .max()
                .unwrap_or(0),
            out,
            err,
        }
    }

    /// Tells what became of a message.
    pub(crate) fn report(&mut self, report: &Report) -> io::Result<()> {
        let text = if self.style.json {
            object(&Record::new(report, self.style.ack))?
        } else {
            self.plain(report)
        };
        self.out.write_all(&text)?;
        self.out.flush()?;
        self.remark(report);
        Ok(())
    }

    /// Tells of something that `--json` has no object for. Unlike the reports,
    /// it may get lost.
    pub(crate) fn complain(&mut self, label: &str, sentence: &dyn Display) {
        let label = printable(label);
        let _ = writeln!(self.err, "mllp-send: {label}: {sentence}");
    }

    fn plain(&mut self, report: &Report) -> Vec<u8> {
        self.label_width = self.label_width.max(width(&report.about.label()));
        let mut text = line(report, self.label_width).into_bytes();
        if let (true, Ok(reply)) = (self.style.ack, &report.outcome) {
            text.extend(as_lines(&reply.message));
        }
        text
    }

    fn remark(&mut self, report: &Report) {
        let label = report.about.label();
        if !self.style.json {
            if let Err(failure) = &report.outcome {
                self.complain(&label, failure);
            }
            // `--insecure` was said already, for the whole run.
            let warnings = report.warnings().iter();
            for warning in warnings.filter(|warning| **warning != Warning::Insecure) {
                self.complain(&label, &remark(*warning));
            }
        }
        if let Some(advice) = report.advice() {
            self.complain(&label, &advice);
        }
    }
}

fn line(report: &Report, label_width: usize) -> String {
    let label = report.about.label();
    let control_id = report.about.control_id.as_deref().unwrap_or("-");
    let (word, reason) = match &report.outcome {
        Ok(reply) => (reply.verdict.word(), report.code().unwrap_or("-")),
        Err(failure) => (failure.delivery.word(), failure.cause.word()),
    };
    let milliseconds = report.elapsed.as_millis();
    format!(
        "{label:<label_width$}  {control_id:<CONTROL_ID_WIDTH$}  {word:<9}  {reason}  {milliseconds} ms\n"
    )
}

fn remark(warning: Warning) -> String {
    match warning.count() {
        Some(count) => format!("warning: {} ({count})", warning.word()),
        None => format!("warning: {}", warning.word()),
    }
}

/// A reply's segments, each on a line, in whatever charset they are.
fn as_lines(content: &[u8]) -> Vec<u8> {
    content
        .trim_ascii_end()
        .split(|byte| *byte == b'\r')
        .map(|segment| segment.strip_prefix(b"\n").unwrap_or(segment))
        .flat_map(|segment| [segment, b"\n"].concat())
        .collect()
}

/// A file's name is the caller's, but must not break the line.
pub(crate) fn printable(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_control() {
            text.extend(character.escape_default());
        } else {
            text.push(character);
        }
    }
    text
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The line of `--json`. Its field names are documented in `--help`, and
/// promised: add to them, change none.
#[derive(Serialize)]
struct Record<'a> {
    file: &'a str,
    index: usize,
    control_id: Option<&'a str>,
    verdict: Option<&'static str>,
    code: Option<&'static str>,
    delivery: Option<&'static str>,
    cause: Option<&'static str>,
    tls: Option<&'static str>,
    phase: Option<&'static str>,
    explanation: Option<String>,
    warnings: Vec<WarningRecord>,
    attempts: Vec<AttemptRecord>,
    bytes: usize,
    elapsed_ms: f64,
    /// Absent unless asked for, null unless there was a reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<Option<String>>,
}

/// A warning in JSON.
#[derive(Serialize)]
pub(crate) struct WarningRecord {
    pub(crate) code: &'static str,
    pub(crate) count: Option<u32>,
}

impl From<&Warning> for WarningRecord {
    fn from(warning: &Warning) -> Self {
        Self {
            code: warning.word(),
            count: warning.count(),
        }
    }
}

/// An address tried in vain in JSON.
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

impl<'a> Record<'a> {
    fn new(report: &'a Report, with_ack: bool) -> Self {
        let about = &report.about;
        let reply = report.outcome.as_ref().ok();
        let failure = report.outcome.as_ref().err();
        let attempts = failure.map_or(&[][..], |failure| &failure.attempts);
        let ack = reply.map(|reply| String::from_utf8_lossy(&reply.message).into_owned());
        Self {
            file: &about.file,
            index: about.index,
            control_id: about.control_id.as_deref(),
            verdict: report.verdict().map(Verdict::word),
            code: report.code(),
            delivery: failure.map(|failure| failure.delivery.word()),
            cause: failure.map(|failure| failure.cause.word()),
            tls: failure.and_then(|failure| tls_word(&failure.cause)),
            phase: failure.map(|failure| failure.phase.word()),
            explanation: failure.map(Failure::explanation),
            warnings: report.warnings().iter().map(Into::into).collect(),
            attempts: attempts.iter().map(Into::into).collect(),
            bytes: about.bytes,
            elapsed_ms: milliseconds(report.elapsed),
            ack: with_ack.then_some(ack),
        }
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

/// A line of JSON.
pub(crate) fn object(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(record)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mllp_client::error::{Attempt, Cause, Delivery, Desync, Failure, InvalidMessage, Phase};
    use mllp_client::proto::ack;
    use mllp_client::proto::exchange::{Reply, Verdict, Warning};

    use super::{About, Output, Report, Style};

    const MESSAGE: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|MSG00001|P|2.5\rPID|||SECRET\r";
    const ACK: &[u8] = b"MSH|^~\\&|C|D|A|B|2026||ACK|1|P|2.5\rMSA|AA|MSG00001|T\xE9XT\r";

    const PLAIN: Style = Style {
        json: false,
        ack: false,
    };
    const JSON: Style = Style {
        json: true,
        ack: false,
    };

    fn report(outcome: Result<Reply, Failure>) -> Report {
        Report {
            about: About::message("adt.hl7", MESSAGE),
            outcome,
            elapsed: Duration::from_micros(12_345),
        }
    }

    fn applied() -> Report {
        report(Ok(Reply {
            message: ACK.to_vec(),
            verdict: Verdict::Applied,
            acknowledgment: ack::read(ACK).ok().map(|reading| ack::Acknowledgment {
                code: reading.code,
                control_id: reading.control_id.to_vec(),
            }),
            warnings: vec![Warning::LineFeedSegments, Warning::SpaceAfterFrame(2)],
        }))
    }

    fn refused_connection() -> Report {
        let address = "127.0.0.1:2575".parse().unwrap();
        let mut failure = Failure::not_sent(Phase::Connect, Cause::ConnectionRefused);
        failure.attempts.push(Attempt {
            address,
            cause: Cause::ConnectionRefused,
        });
        report(Err(failure))
    }

    fn not_sent(phase: Phase, cause: impl Into<Cause>) -> Report {
        report(Err(Failure::not_sent(phase, cause.into())))
    }

    /// What goes to standard output, and to standard error.
    fn printed(style: Style, reports: &[Report]) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let files = ["adt.hl7".to_owned()].into_iter();
        let mut output = Output::new(style, files, &mut out, &mut err);
        for report in reports {
            output.report(report).unwrap();
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (text(out), text(err))
    }

    #[test]
    fn an_answer_is_one_line_and_its_warnings_go_to_standard_error() {
        let (out, err) = printed(PLAIN, &[applied()]);
        assert_eq!(out, "adt.hl7  MSG00001              applied    AA  12 ms\n");
        assert_eq!(
            err,
            "mllp-send: adt.hl7: warning: line-feed-segments\n\
             mllp-send: adt.hl7: warning: space-after-frame (2)\n"
        );
    }

    #[test]
    fn a_failure_is_one_line_and_its_explanation_goes_to_standard_error() {
        let (out, err) = printed(PLAIN, &[refused_connection()]);
        assert_eq!(
            out,
            "adt.hl7  MSG00001              not-sent   connection-refused  12 ms\n"
        );
        assert_eq!(
            err,
            "mllp-send: adt.hl7: connecting: 127.0.0.1:2575: connection refused: \
             nothing listens there (nothing was sent)\n"
        );
    }

    #[test]
    fn messages_of_one_file_are_numbered_and_stay_aligned() {
        let [mut first, mut second] = [applied(), applied()];
        first.about.several = true;
        (second.about.several, second.about.index) = (true, 2);
        let (out, _) = printed(PLAIN, &[first, second]);
        assert_eq!(
            out,
            "adt.hl7#1  MSG00001              applied    AA  12 ms\n\
             adt.hl7#2  MSG00001              applied    AA  12 ms\n"
        );
    }

    #[test]
    fn nothing_of_the_content_but_the_control_id_is_printed() {
        for style in [PLAIN, JSON] {
            for report in [applied(), refused_connection()] {
                let (out, err) = printed(style, &[report]);
                for secret in ["SECRET", "ADT", "XT"] {
                    assert!(!out.contains(secret) && !err.contains(secret));
                }
            }
        }
    }

    #[test]
    fn a_control_id_cannot_break_the_line_and_a_missing_one_is_a_dash() {
        for (message, shown) in [
            (&b"MSH|^~\\&|||||||ACK|\xE4\x1B[2J|P"[..], "\\xe4\\x1b[2J"),
            (b"MSH|^~\\&|||||||ACK||P", "-"),
            (b"SECRET", "-"),
        ] {
            let mut report = applied();
            report.about = About::message("x", message);
            let (out, _) = printed(PLAIN, &[report]);
            assert_eq!(out.split_whitespace().nth(1), Some(shown));
        }
    }

    #[test]
    fn a_file_name_cannot_break_the_line() {
        let mut report = refused_connection();
        report.about.file = "a\nb\x1B\u{e4}.hl7".to_owned();
        let (out, err) = printed(PLAIN, &[report]);
        assert!(out.starts_with("a\\nb\\u{1b}\u{e4}.hl7  "));
        assert_eq!((out.lines().count(), err.lines().count()), (1, 1));
    }

    #[test]
    fn the_acknowledgment_follows_its_line_segment_by_segment() {
        let style = Style { ack: true, ..PLAIN };
        let (out, _) = printed(style, &[applied(), refused_connection()]);
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(lines.get(1), Some(&"MSH|^~\\&|C|D|A|B|2026||ACK|1|P|2.5"));
        assert_eq!(lines.get(2), Some(&"MSA|AA|MSG00001|T\u{FFFD}XT"));
    }

    #[test]
    fn an_answer_in_json_has_every_field() {
        let (out, err) = printed(JSON, &[applied()]);
        assert_eq!(
            out,
            "{\"file\":\"adt.hl7\",\"index\":1,\"control_id\":\"MSG00001\",\
             \"verdict\":\"applied\",\"code\":\"AA\",\"delivery\":null,\"cause\":null,\
             \"tls\":null,\"phase\":null,\"explanation\":null,\"warnings\":[\
             {\"code\":\"line-feed-segments\",\"count\":null},\
             {\"code\":\"space-after-frame\",\"count\":2}],\"attempts\":[],\
             \"bytes\":59,\"elapsed_ms\":12.345}\n"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn a_failure_in_json_has_every_field() {
        let (out, err) = printed(JSON, &[refused_connection()]);
        assert_eq!(
            out,
            "{\"file\":\"adt.hl7\",\"index\":1,\"control_id\":\"MSG00001\",\
             \"verdict\":null,\"code\":null,\"delivery\":\"not-sent\",\
             \"cause\":\"connection-refused\",\"tls\":null,\"phase\":\"connect\",\
             \"explanation\":\"connecting: 127.0.0.1:2575: connection refused: \
             nothing listens there (nothing was sent)\",\"warnings\":[],\"attempts\":[\
             {\"address\":\"127.0.0.1:2575\",\"cause\":\"connection-refused\"}],\
             \"bytes\":59,\"elapsed_ms\":12.345}\n"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn the_field_ack_is_there_only_when_asked_for() {
        let style = Style { ack: true, ..JSON };
        let (out, _) = printed(style, &[applied(), refused_connection()]);
        let acks: Vec<serde_json::Value> = out
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["ack"].take())
            .collect();
        let text = String::from_utf8_lossy(ACK).into_owned();
        assert_eq!(acks, [text.into(), serde_json::Value::Null]);
        assert!(out.lines().all(|line| line.contains("\"ack\":")));
    }

    #[test]
    fn only_applied_and_accepted_count_as_taken() {
        let with = |verdict| {
            let mut report = applied();
            if let Ok(reply) = &mut report.outcome {
                reply.verdict = verdict;
            }
            report.is_taken()
        };
        assert!(with(Verdict::Applied) && with(Verdict::Accepted));
        assert!(!with(Verdict::Refused) && !with(Verdict::Unacknowledged));
        assert!(!with(Verdict::Unjudged) && !refused_connection().is_taken());
    }

    #[test]
    fn what_may_help_is_said_once() {
        let mut line_feeds = not_sent(Phase::Prepare, InvalidMessage::SecondHeader(9));
        line_feeds.about.looks_loose = true;
        let mut doubtful = not_sent(Phase::Reply, Cause::ConnectionEnded);
        if let Err(failure) = &mut doubtful.outcome {
            failure.delivery = Delivery::InDoubt;
        }
        for (report, advice) in [
            (line_feeds, Some("looks line-feed separated: try --loose")),
            (
                not_sent(Phase::Prepare, InvalidMessage::SecondHeader(9)),
                Some("looks like several messages: try --loose"),
            ),
            (
                not_sent(Phase::Write, Cause::ConnectionEnded),
                Some("if the receiver serves one message a connection: try --one-per-connection"),
            ),
            (
                not_sent(Phase::Write, Desync::UnreadBytes),
                Some("if the receiver serves one message a connection: try --one-per-connection"),
            ),
            (doubtful, None),
            (applied(), None),
        ] {
            assert_eq!(report.advice(), advice);
            let (_, err) = printed(JSON, &[report]);
            assert_eq!(err.lines().count(), usize::from(advice.is_some()));
        }
    }
}
