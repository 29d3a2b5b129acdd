//! What became of each message, as a line for a person or as a JSON object. Of
//! a message's content only the control id may be told; of a reply's, only codes,
//! unless `--ack` asks for all of it.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use mllp_client::counters::Counters;
use mllp_client::error::{
    Cause, Delivery, Desync, Failure, InvalidMessage, InvalidReply, Phase, Retry,
};
use mllp_client::proto::ack::{ErrorDetail, ErrorLocation, Severity};
use mllp_client::proto::exchange::{Reply, Verdict};
use mllp_client::proto::msh::Header;
use mllp_client::proto::warning::Warning;
use mllp_client::transcript::Entry;
use serde::Serialize;

use crate::acks::Acks;
use crate::notes::Left;
use crate::records::{CountersRecord, Record, late_control_id, object};
use crate::send::Happened;
use crate::state::State;
use crate::summary::{Summary, SummaryRecord};

/// The widest that the first column gets: a longer file name pushes its own line out.
/// To format to more than 65 535 would be a panic.
const LABEL_WIDTH_MAX: usize = 200;

/// As long as MSH-10 may be in v2.5 (2.15.9); longer ones push the line out.
const CONTROL_ID_WIDTH: usize = 20;

/// What to try against a message without carriage returns.
pub(crate) const LINE_FEEDS: &str = "looks line-feed separated: try --loose";

/// What to print.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    pub(crate) json: bool,
    pub(crate) ack: bool,
    pub(crate) transcript: bool,
    pub(crate) summary: bool,
    pub(crate) counters: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
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
    /// How long it is, before repairs.
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

    /// The file, and which of its messages it is where there are several.
    pub(crate) fn label(&self) -> String {
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
    /// How long it took from handing the message over to its acknowledgment.
    pub(crate) acknowledged: Option<Duration>,
    pub(crate) happened: Happened,
    /// Why earlier tries of it were refused, where `--retry-refused` tried again.
    pub(crate) refusals: Vec<String>,
}

impl Report {
    /// Whether the receiver took the message, or the message asks for no more than
    /// came.
    pub(crate) const fn is_taken(&self) -> bool {
        State::of(&self.outcome).is_taken()
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.outcome.as_ref().ok().map(|reply| reply.verdict)
    }

    /// MSA-1.
    pub(crate) fn code(&self) -> Option<&'static str> {
        let acknowledgment = self.outcome.as_ref().ok()?.acknowledgment.as_ref()?;
        Some(acknowledgment.code.letters())
    }

    pub(crate) fn warnings(&self) -> &[Warning] {
        match &self.outcome {
            Ok(reply) => &reply.warnings,
            Err(failure) => &failure.warnings,
        }
    }

    pub(crate) const fn transmissions(&self) -> u32 {
        match &self.outcome {
            Ok(reply) => reply.transmissions,
            Err(failure) => failure.transmissions,
        }
    }

    pub(crate) fn retries(&self) -> &[Retry] {
        match &self.outcome {
            Ok(reply) => &reply.retries,
            Err(failure) => &failure.retries,
        }
    }

    /// The errors that the reply tells of, in codes.
    pub(crate) fn errors(&self) -> &[ErrorDetail] {
        let reply = self.outcome.as_ref();
        reply.map_or(&[], |reply| reply.errors.as_slice())
    }

    /// What the verdict rests on: MSA-1, or the content of a commit block that
    /// settled the exchange alone.
    fn reason(&self) -> String {
        match &self.outcome {
            Err(failure) => failure.cause.word().to_owned(),
            Ok(reply) => match (self.code(), reply.commit) {
                (Some(code), _) => code.to_owned(),
                (None, Some(commit)) if reply.verdict != Verdict::Unjudged => {
                    format!("{:02X}", commit.byte())
                }
                _ => "-".to_owned(),
            },
        }
    }

    /// That the message was tried more than once, and why.
    fn repetition(&self) -> Option<String> {
        let refusals = self.refusals.iter();
        let refusals = refusals.map(|reason| format!("refused ({reason})"));
        let reasons: Vec<_> = self.retries().iter().map(reason).chain(refusals).collect();
        if reasons.is_empty() {
            return None;
        }
        let reasons = reasons.join(", ");
        Some(match self.transmissions() {
            times @ 2.. => format!("sent {times} times: {reasons}"),
            _ => format!("tried again: {reasons}"),
        })
    }

    /// What to try instead.
    fn advice(&self) -> Option<&'static str> {
        if self.about.looks_loose {
            return Some(LINE_FEEDS);
        }
        let failure = match &self.outcome {
            Ok(reply) => return reply.warnings.iter().find_map(advice_on),
            Err(failure) => failure,
        };
        match (&failure.cause, failure.delivery, failure.phase) {
            (Cause::InvalidMessage(reason), ..) => advice_to_mend(reason),
            (Cause::ProtocolDesync(Desync::OtherControlId), ..)
            | (
                Cause::ConnectionEnded | Cause::ProtocolDesync(_),
                Delivery::NotSent,
                Phase::Write,
            ) => Some("if the receiver serves one message a connection: try --one-per-connection"),
            (Cause::ProtocolDesync(Desync::MissingCarriageReturn), ..) => Some(
                "if the receiver always ends its frames like this: try --allow missing-carriage-return",
            ),
            (Cause::InvalidReply(InvalidReply::NoAcknowledgment), ..) => {
                Some("to read such replies oneself: try --judging where-possible --ack")
            }
            _ => None,
        }
    }
}

/// What to try against a message that cannot be sent.
pub(crate) const fn advice_to_mend(reason: &InvalidMessage) -> Option<&'static str> {
    match reason {
        InvalidMessage::SecondHeader(_) => Some("looks like several messages: try --loose"),
        InvalidMessage::WideEncoding => {
            Some("if it is UTF-8 behind its byte order mark: try --repair byte-order-mark")
        }
        InvalidMessage::UnknownCondition(_) => Some(
            "if the receiver does not look at MSH-15 and MSH-16: try --acknowledgment-mode original",
        ),
        _ => None,
    }
}

const fn advice_on(warning: &Warning) -> Option<&'static str> {
    match warning {
        Warning::AcknowledgmentMissing(Cause::TimedOut) => Some(
            "if application acknowledgments come over another connection: try --settle-on accept",
        ),
        _ => None,
    }
}

/// Where reports go: one line each to `out`, the rest to `err`.
pub(crate) struct Output<O, E> {
    style: Style,
    acks: Option<Acks>,
    summary: Summary,
    label_width: usize,
    out: O,
    err: E,
}

impl<O: Write, E: Write> Output<O, E> {
    /// `files` is what the first column must have room for.
    pub(crate) fn new(style: Style, files: impl Iterator<Item = String>, out: O, err: E) -> Self {
        Self {
            style,
            acks: None,
            summary: Summary::default(),
            label_width: files
                .map(|file| width(&printable(&file)))
                .max()
                .unwrap_or(0),
            out,
            err,
        }
    }

    /// Has the acknowledgments saved, too.
    pub(crate) fn save_in(&mut self, acks: Acks) {
        self.acks = Some(acks);
    }

    /// Tells what became of a message.
    pub(crate) fn report(&mut self, report: &Report) -> io::Result<()> {
        self.summary.add(report);
        let saved = self.save(report);
        if !self.style.quiet || !report.is_taken() {
            let text = if self.style.json {
                let file = saved.as_ref().ok().and_then(Option::as_deref);
                let asked = self.acks.is_some();
                object(&Record::new(report, self.style, asked.then_some(file)))?
            } else {
                self.plain(report)
            };
            self.out.write_all(&text)?;
            self.out.flush()?;
            self.remark(report);
        }
        // What became of the message is told before.
        saved.map(|_| ())
    }

    fn save(&self, report: &Report) -> io::Result<Option<String>> {
        let (Some(acks), Ok(reply)) = (&self.acks, &report.outcome) else {
            return Ok(None);
        };
        if reply.message.is_empty() {
            return Ok(None);
        }
        let path = acks.save(&report.about, &reply.message);
        let path = path.map_err(io::Error::other)?;
        Ok(Some(path.display().to_string()))
    }

    /// Tells of a file that is about to be sent.
    pub(crate) fn begin(&mut self, file: &str, messages: &[Vec<u8>]) {
        if self.style.verbose {
            self.complain(file, &holds(messages));
        }
    }

    /// Tells of a file that cannot be sent.
    pub(crate) fn refuse(&mut self, file: &str, trouble: &dyn Display) {
        self.summary.add_unread();
        self.complain(file, trouble);
    }

    /// Tells at the end what became of all.
    pub(crate) fn summarize(&mut self) -> io::Result<()> {
        let Style {
            json,
            summary,
            quiet,
            verbose,
            ..
        } = self.style;
        if json && summary {
            self.out
                .write_all(&object(&SummaryRecord::from(&self.summary))?)?;
            self.out.flush()?;
        }
        let unasked = !quiet && (self.summary.is_of_several() || verbose);
        if !json && (summary || unasked) {
            for line in self.summary.lines() {
                self.complain("summary", &line);
            }
        }
        Ok(())
    }

    /// Tells of something that `--json` has no object for. Unlike the reports,
    /// it may get lost.
    pub(crate) fn complain(&mut self, label: &str, sentence: &dyn Display) {
        complain(&mut self.err, label, sentence);
    }

    /// Tells of what concerns no one message. As a complaint, it may get lost.
    pub(crate) fn complain_of_all(&mut self, sentence: &dyn Display) {
        let _ = writeln!(self.err, "mllp-send: {sentence}");
    }

    /// Tells of a message that an earlier run left to the caller.
    pub(crate) fn left(&mut self, about: &About, left: &Left<'_>) -> io::Result<()> {
        let text = if self.style.json {
            object(left)?
        } else {
            let label = about.label();
            self.label_width = self.label_width.max(width(&label));
            left_line(&label, self.label_width, left).into_bytes()
        };
        self.out.write_all(&text)?;
        self.out.flush()
    }

    /// Tells of the work as a whole, on standard error or as an object.
    pub(crate) fn note<N: Serialize + Display>(&mut self, note: &N) -> io::Result<()> {
        if !self.style.json {
            self.complain_of_all(note);
            return Ok(());
        }
        self.out.write_all(&object(note)?)?;
        self.out.flush()
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
            if let Some(repetition) = report.repetition() {
                self.complain(&label, &repetition);
            }
            for detail in report.errors() {
                self.complain(&label, &error(detail));
            }
            // `--insecure` was said already, for the whole run.
            let warnings = report.warnings().iter();
            for warning in warnings.filter(|warning| **warning != Warning::Insecure) {
                self.complain(&label, &remark(warning));
            }
            let is_failure = !report.is_taken();
            if self.style.transcript || self.style.verbose && is_failure {
                self.transcript(&label, &report.happened);
            }
        }
        if let Some(advice) = report.advice() {
            self.complain(&label, &advice);
        }
    }

    fn transcript(&mut self, label: &str, happened: &Happened) {
        for entry in &happened.entries {
            self.complain(label, &step(entry));
        }
        if happened.left_out > 0 {
            let more = format!("and {} more steps", happened.left_out);
            self.complain(label, &more);
        }
    }

    /// Tells what was counted, if that was asked for.
    pub(crate) fn count(&mut self, counters: &Counters) -> io::Result<()> {
        if !self.style.counters {
            return Ok(());
        }
        if self.style.json {
            self.out
                .write_all(&object(&CountersRecord::from(counters))?)?;
            return self.out.flush();
        }
        for line in count_lines(counters) {
            self.complain("counters", &line);
        }
        Ok(())
    }
}

/// How much there is in a file.
pub(crate) fn holds(messages: &[Vec<u8>]) -> String {
    let bytes: usize = messages.iter().map(Vec::len).fold(0, usize::saturating_add);
    match messages.len() {
        1 => format!("one message, {bytes} bytes"),
        count => format!("{count} messages, {bytes} bytes"),
    }
}

/// Says it on standard error, which may be gone.
pub(crate) fn complain(err: &mut impl Write, label: &str, sentence: &dyn Display) {
    let label = printable(label);
    let _ = writeln!(err, "mllp-send: {label}: {sentence}");
}

fn line(report: &Report, label_width: usize) -> String {
    let label = report.about.label();
    let label_width = label_width.min(LABEL_WIDTH_MAX);
    let control_id = report.about.control_id.as_deref().unwrap_or("-");
    let word = match &report.outcome {
        Ok(reply) => reply.verdict.word(),
        Err(failure) => failure.delivery.word(),
    };
    let reason = report.reason();
    let milliseconds = report.elapsed.as_millis();
    format!(
        "{label:<label_width$}  {control_id:<CONTROL_ID_WIDTH$}  {word:<9}  {reason}  {milliseconds} ms\n"
    )
}

/// As [`line()`], with the time of the journal's line for that of an exchange.
fn left_line(label: &str, label_width: usize, left: &Left<'_>) -> String {
    let label_width = label_width.min(LABEL_WIDTH_MAX);
    let control_id = left.control_id().unwrap_or("-");
    let (word, reason, at) = (left.word(), left.reason(), left.at());
    format!(
        "{label:<label_width$}  {control_id:<CONTROL_ID_WIDTH$}  {word:<9}  {reason}  journal {at}\n"
    )
}

fn reason(retry: &Retry) -> String {
    match retry {
        Retry::NegativeCommit => retry.word().to_owned(),
        Retry::Failed { delivery, .. } => format!("{} ({})", retry.word(), delivery.word()),
    }
}

/// A warning with what it is about.
pub(crate) fn remark(warning: &Warning) -> String {
    let word = warning.word();
    let about = match (warning.count(), warning.detail()) {
        (Some(count), _) => format!(" ({count})"),
        (None, Some(detail)) => format!(" ({detail})"),
        (None, None) => String::new(),
    };
    match late_control_id(warning) {
        Some(control_id) => format!("warning: {word}{about} of {control_id}"),
        None => format!("warning: {word}{about}"),
    }
}

/// The codes of an error: where, what, how severe, and the receiver's own.
fn error(detail: &ErrorDetail) -> String {
    let place = detail.location.as_ref().map(place);
    let severity = detail.severity.map(letter);
    let own = detail
        .application_code
        .as_ref()
        .map(|code| format!("({code})"));
    let parts = [place, detail.code.clone(), severity.map(str::to_owned), own];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    format!("error: {}", parts.join(" "))
}

/// As `PID-5.1`, with `#` and the number of a segment, and in parentheses that of a
/// repetition, where it is not the first.
fn place(location: &ErrorLocation) -> String {
    let later = |number: Option<u32>| number.filter(|number| *number != 1);
    let mut place = location.segment.clone();
    if let Some(sequence) = later(location.sequence) {
        place += &format!("#{sequence}");
    }
    let Some(field) = location.field else {
        return place;
    };
    place += &format!("-{field}");
    if let Some(repetition) = later(location.repetition) {
        place += &format!("({repetition})");
    }
    if let Some(component) = location.component {
        place += &format!(".{component}");
        if let Some(subcomponent) = location.subcomponent {
            place += &format!(".{subcomponent}");
        }
    }
    place
}

/// As HL7 table 0516 has it.
const fn letter(severity: Severity) -> &'static str {
    match severity {
        Severity::Information => "I",
        Severity::Warning => "W",
        Severity::Error => "E",
        Severity::Fatal => "F",
    }
}

fn step(entry: &Entry) -> String {
    let at = entry.at.as_secs_f64() * 1000.0;
    let direction = entry.event.direction().word();
    let words = entry.words();
    match entry.bytes {
        0 => format!("{at:>10.3} ms  {direction:<8}  {words}"),
        bytes => format!("{at:>10.3} ms  {direction:<8}  {words} ({bytes} bytes)"),
    }
}

fn count_lines(counters: &Counters) -> Vec<String> {
    let (exchanges, failures, times) = (counters.exchanges, counters.failures, counters.times);
    let mut lines = vec![
        format!(
            "connections {}, reconnections {}, found stale {}, replaced idle {}",
            counters.connections,
            counters.reconnections,
            counters.stale_connections,
            counters.replaced_idle
        ),
        format!(
            "applied {}, accepted {}, refused {}, unacknowledged {}, unjudged {}",
            exchanges.applied,
            exchanges.accepted,
            exchanges.refused,
            exchanges.unacknowledged,
            exchanges.unjudged
        ),
        format!(
            "not-sent {}, cut-short {}, in-doubt {}",
            failures.not_sent, failures.cut_short, failures.in_doubt
        ),
    ];
    for (what, words) in [
        ("failures", &counters.failures_by_cause),
        ("warnings", &counters.warnings),
    ] {
        let words: Vec<_> = words
            .iter()
            .map(|(word, count)| format!("{word} {count}"))
            .collect();
        if !words.is_empty() {
            lines.push(format!("{what}: {}", words.join(", ")));
        }
    }
    lines.push(format!(
        "retransmissions {}, bytes sent {}, bytes received {}",
        counters.retransmissions, counters.bytes_sent, counters.bytes_received
    ));
    if times.count > 0 {
        let milliseconds = |microseconds: u64| microseconds as f64 / 1000.0;
        let mean = milliseconds(times.sum_us) / times.count as f64;
        lines.push(format!(
            "acknowledgments {}: shortest {:.3} ms, mean {mean:.3} ms, longest {:.3} ms",
            times.count,
            milliseconds(times.min_us),
            milliseconds(times.max_us)
        ));
    }
    lines
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mllp_client::counters::Counters;
    use mllp_client::error::{
        Attempt, Cause, Delivery, Desync, Failure, InvalidMessage, InvalidReply, Phase, Retry,
    };
    use mllp_client::proto::ack::{
        self, Acknowledgment, Code, ErrorDetail, ErrorLocation, Severity,
    };
    use mllp_client::proto::exchange::{Commit, Reply, Verdict};
    use mllp_client::proto::warning::Warning;
    use mllp_client::transcript::{Entry, Event};

    use super::{About, Output, Report, Style};
    use crate::send::Happened;

    const MESSAGE: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|MSG00001|P|2.5\rPID|||SECRET\r";
    const ACK: &[u8] = b"MSH|^~\\&|C|D|A|B|2026||ACK|1|P|2.5\rMSA|AA|MSG00001|T\xE9XT\r";

    const PLAIN: Style = Style {
        json: false,
        ack: false,
        transcript: false,
        summary: false,
        counters: false,
        quiet: false,
        verbose: false,
    };
    const JSON: Style = Style {
        json: true,
        ..PLAIN
    };

    fn report(outcome: Result<Reply, Failure>) -> Report {
        Report {
            about: About::message("adt.hl7", MESSAGE),
            outcome,
            elapsed: Duration::from_micros(12_345),
            acknowledged: None,
            happened: Happened {
                entries: vec![Entry {
                    at: Duration::from_micros(1_500),
                    event: Event::Acknowledgment(Code::ApplicationAccept),
                    bytes: 57,
                }],
                left_out: 2,
            },
            refusals: Vec::new(),
        }
    }

    fn applied() -> Report {
        report(Ok(Reply {
            message: ACK.to_vec(),
            verdict: Verdict::Applied,
            acknowledgment: ack::read(ACK, false).ok().map(|reading| Acknowledgment {
                code: reading.code,
                control_id: reading.control_id.to_vec(),
            }),
            accept: None,
            commit: None,
            errors: Vec::new(),
            warnings: vec![Warning::LineFeedSegments, Warning::SpaceAfterFrame(2)],
            transmissions: 1,
            retries: Vec::new(),
        }))
    }

    /// The same with something different in the reply.
    fn replied(change: impl FnOnce(&mut Reply)) -> Report {
        let mut report = applied();
        if let Ok(reply) = &mut report.outcome {
            reply.warnings.clear();
            change(reply);
        }
        report
    }

    fn json(report: Report) -> serde_json::Value {
        let style = Style {
            transcript: true,
            ..JSON
        };
        serde_json::from_str(&printed(style, &[report]).0).unwrap()
    }

    const NO_ERROR: ErrorDetail = ErrorDetail {
        location: None,
        code: None,
        severity: None,
        application_code: None,
    };

    fn error_at(segment: &str, numbers: [Option<u32>; 5]) -> ErrorDetail {
        let [sequence, field, repetition, component, subcomponent] = numbers;
        ErrorDetail {
            location: Some(ErrorLocation {
                segment: segment.into(),
                sequence,
                field,
                repetition,
                component,
                subcomponent,
            }),
            ..NO_ERROR
        }
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
    fn a_long_file_name_pushes_its_own_line_out_and_no_other() {
        let mut long = applied();
        long.about = About::message(&"x".repeat(70_000), MESSAGE);
        let (out, _) = printed(PLAIN, &[long, applied()]);
        let lines: Vec<_> = out.lines().collect();
        assert!(lines[0].starts_with(&"x".repeat(70_000)));
        assert!(lines[1].starts_with("adt.hl7 ") && lines[1].len() < 300);
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
            "{\"schema\":1,\"file\":\"adt.hl7\",\"index\":1,\"control_id\":\"MSG00001\",\
             \"verdict\":\"applied\",\"code\":\"AA\",\"accept\":null,\"commit\":null,\
             \"delivery\":null,\"cause\":null,\"tls\":null,\"phase\":null,\
             \"explanation\":null,\"errors\":[],\"warnings\":[\
             {\"code\":\"line-feed-segments\",\"count\":null,\"detail\":null,\
             \"control_id\":null},\
             {\"code\":\"space-after-frame\",\"count\":2,\"detail\":null,\
             \"control_id\":null}],\"attempts\":[],\"transmissions\":1,\"retries\":[],\
             \"bytes\":59,\"elapsed_ms\":12.345}\n"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn a_failure_in_json_has_every_field() {
        let (out, err) = printed(JSON, &[refused_connection()]);
        assert_eq!(
            out,
            "{\"schema\":1,\"file\":\"adt.hl7\",\"index\":1,\"control_id\":\"MSG00001\",\
             \"verdict\":null,\"code\":null,\"accept\":null,\"commit\":null,\
             \"delivery\":\"not-sent\",\
             \"cause\":\"connection-refused\",\"tls\":null,\"phase\":\"connect\",\
             \"explanation\":\"connecting: 127.0.0.1:2575: connection refused: \
             nothing listens there (nothing was sent)\",\"errors\":[],\"warnings\":[],\
             \"attempts\":[\
             {\"address\":\"127.0.0.1:2575\",\"cause\":\"connection-refused\"}],\
             \"transmissions\":0,\"retries\":[],\
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
    fn what_the_message_asks_for_counts_as_taken_and_nothing_else() {
        let with = |verdict| replied(|reply| reply.verdict = verdict).is_taken();
        assert!(with(Verdict::Applied) && with(Verdict::Accepted));
        assert!(with(Verdict::Unacknowledged));
        assert!(!with(Verdict::Refused) && !with(Verdict::Unjudged));
        assert!(!refused_connection().is_taken());
    }

    #[test]
    fn an_agreed_silence_has_no_code_and_a_commit_block_its_byte() {
        let silent = replied(|reply| {
            reply.verdict = Verdict::Unacknowledged;
            (reply.acknowledgment, reply.message) = (None, Vec::new());
        });
        let (out, err) = printed(PLAIN, &[silent]);
        assert!(out.ends_with("  unacknowledged  -  12 ms\n"), "{out}");
        assert_eq!(err, "");
        for (commit, verdict, column, word) in [
            (Commit::Positive, Verdict::Accepted, "06", "positive"),
            (Commit::Negative, Verdict::Refused, "15", "negative"),
            (Commit::Positive, Verdict::Unjudged, "-", "positive"),
        ] {
            let with = || {
                replied(|reply| {
                    reply.verdict = verdict;
                    (reply.acknowledgment, reply.commit) = (None, Some(commit));
                })
            };
            let (out, _) = printed(PLAIN, &[with()]);
            assert!(out.ends_with(&format!("  {column}  12 ms\n")), "{out}");
            let told = json(with());
            assert_eq!(
                (&told["code"], &told["commit"]),
                (&serde_json::Value::Null, &word.into())
            );
        }
    }

    #[test]
    fn the_accept_acknowledgment_that_came_first_is_told() {
        let told = json(replied(|reply| {
            reply.accept = Some(Acknowledgment {
                code: Code::CommitAccept,
                control_id: b"MSG00001".to_vec(),
            });
        }));
        assert_eq!(
            (&told["accept"], &told["code"]),
            (&"CA".into(), &"AA".into())
        );
    }

    #[test]
    fn a_warning_tells_what_it_is_about() {
        let warnings = vec![
            Warning::WrongMode(Code::ApplicationAccept),
            Warning::LateAcknowledgment(Acknowledgment {
                code: Code::ApplicationError,
                control_id: b"MSG\x1B0".to_vec(),
            }),
            Warning::AcknowledgmentMissing(Cause::Silence),
        ];
        let (_, err) = printed(PLAIN, &[replied(|reply| reply.warnings = warnings.clone())]);
        assert_eq!(
            err,
            "mllp-send: adt.hl7: warning: wrong-mode (AA)\n\
             mllp-send: adt.hl7: warning: late-acknowledgment (AE) of MSG\\x1b0\n\
             mllp-send: adt.hl7: warning: acknowledgment-missing (silence)\n"
        );
        let told = json(replied(|reply| reply.warnings = warnings));
        assert_eq!(
            told["warnings"][1],
            serde_json::json!({
                "code": "late-acknowledgment", "count": null, "detail": "AE",
                "control_id": "MSG\\x1b0",
            })
        );
    }

    #[test]
    fn a_failure_has_its_warnings_too() {
        let failed = || {
            let mut report = refused_connection();
            if let Err(failure) = &mut report.outcome {
                failure.warnings.push(Warning::OtherAcknowledgment(2));
            }
            report
        };
        let (_, err) = printed(PLAIN, &[failed()]);
        assert!(
            err.ends_with("adt.hl7: warning: other-acknowledgment (2)\n"),
            "{err}"
        );
        assert_eq!(json(failed())["warnings"][0]["count"], 2);
    }

    #[test]
    fn the_codes_of_errors_are_told_with_their_places() {
        let errors = || {
            vec![
                ErrorDetail {
                    code: Some("101".into()),
                    severity: Some(Severity::Error),
                    ..error_at("PID", [Some(1), Some(5), None, None, None])
                },
                ErrorDetail {
                    application_code: Some("X7".into()),
                    ..error_at("OBX", [Some(3), Some(5), Some(2), Some(1), Some(4)])
                },
                error_at("ZZZ", [None; 5]),
                ErrorDetail {
                    code: Some("207".into()),
                    ..NO_ERROR
                },
            ]
        };
        let refused = || {
            replied(|reply| {
                reply.verdict = Verdict::Refused;
                reply.errors = errors();
            })
        };
        let (_, err) = printed(PLAIN, &[refused()]);
        assert_eq!(
            err,
            "mllp-send: adt.hl7: error: PID-5 101 E\n\
             mllp-send: adt.hl7: error: OBX#3-5(2).1.4 (X7)\n\
             mllp-send: adt.hl7: error: ZZZ\n\
             mllp-send: adt.hl7: error: 207\n"
        );
        assert_eq!(
            json(refused())["errors"][0],
            serde_json::json!({
                "segment": "PID", "sequence": 1, "field": 5, "repetition": null,
                "component": null, "subcomponent": null, "code": "101", "severity": "error",
                "application_code": null,
            })
        );
    }

    #[test]
    fn how_often_a_message_went_out_is_told_with_the_reasons() {
        let ended = |delivery| Retry::Failed {
            cause: Cause::ConnectionEnded,
            phase: Phase::Reply,
            delivery,
        };
        for (transmissions, retries, sentence) in [
            (
                2,
                vec![ended(Delivery::InDoubt)],
                "sent 2 times: connection-ended (in-doubt)",
            ),
            (
                3,
                vec![Retry::NegativeCommit, Retry::NegativeCommit],
                "sent 3 times: negative-commit, negative-commit",
            ),
            (
                1,
                vec![ended(Delivery::NotSent)],
                "tried again: connection-ended (not-sent)",
            ),
        ] {
            let with = || {
                replied(|reply| {
                    reply.transmissions = transmissions;
                    reply.retries.clone_from(&retries);
                })
            };
            let (_, err) = printed(PLAIN, &[with()]);
            assert_eq!(err, format!("mllp-send: adt.hl7: {sentence}\n"));
            let told = json(with());
            assert_eq!(told["transmissions"], transmissions);
            assert_eq!(
                told["retries"].as_array().map(Vec::len),
                Some(retries.len())
            );
        }
        let told = json(replied(|reply| {
            reply.retries = vec![ended(Delivery::InDoubt)]
        }));
        let retry = serde_json::json!({
            "reason": "connection-ended", "phase": "reply", "delivery": "in-doubt",
        });
        assert_eq!(told["retries"][0], retry);
    }

    #[test]
    fn a_transcript_goes_to_standard_error_or_into_the_object() {
        let style = Style {
            transcript: true,
            ..PLAIN
        };
        let (out, err) = printed(style, &[replied(|_| {})]);
        assert_eq!(out.lines().count(), 1);
        assert_eq!(
            err,
            "mllp-send: adt.hl7:      1.500 ms  received  acknowledgment AA (57 bytes)\n\
             mllp-send: adt.hl7: and 2 more steps\n"
        );
        assert_eq!(
            json(replied(|_| {}))["transcript"],
            serde_json::json!({
                "entries": [{
                    "at_ms": 1.5, "direction": "received", "event": "acknowledgment AA",
                    "bytes": 57,
                }],
                "left_out": 2,
            })
        );
    }

    fn counted(json: bool) -> (String, String) {
        let style = Style {
            json,
            counters: true,
            ..PLAIN
        };
        let mut counters = Counters::default();
        counters.connected();
        counters.sent(99);
        if let Ok(reply) = &applied().outcome {
            counters.reply(reply, Some(Duration::from_millis(3)));
        }
        if let Err(failure) = &refused_connection().outcome {
            counters.failure(failure);
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output::new(style, std::iter::empty(), &mut out, &mut err);
        output.count(&counters).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (text(out), text(err))
    }

    #[test]
    fn counters_go_to_standard_error_as_lines() {
        let (out, err) = counted(false);
        assert_eq!(out, "");
        for part in [
            "mllp-send: counters: connections 1, reconnections 0,",
            "mllp-send: counters: applied 1, accepted 0,",
            "mllp-send: counters: not-sent 1, cut-short 0,",
            "mllp-send: counters: failures: connection-refused 1\n",
            "mllp-send: counters: warnings: line-feed-segments 1, space-after-frame 1\n",
            "bytes sent 99,",
            "acknowledgments 1: shortest 3.000 ms, mean 3.000 ms, longest 3.000 ms\n",
        ] {
            assert!(err.contains(part), "{part}: {err}");
        }
    }

    #[test]
    fn counters_in_json_are_an_object_of_their_own() {
        let (out, err) = counted(true);
        assert_eq!(err, "");
        let told: serde_json::Value = serde_json::from_str(&out).unwrap();
        let told = &told["counters"];
        assert_eq!(
            (&told["connections"], &told["bytes_sent"]),
            (&1.into(), &99.into())
        );
        assert_eq!(told["exchanges"]["applied"], 1);
        assert_eq!(told["failures"]["not_sent"], 1);
        let cause = serde_json::json!({ "name": "connection-refused", "count": 1 });
        assert_eq!(told["failures_by_cause"][0], cause);
        assert_eq!(told["warnings"].as_array().map(Vec::len), Some(2));
        let bucket = serde_json::json!({ "up_to_ms": 5, "count": 1 });
        assert_eq!(told["times"]["buckets"][2], bucket);
        let last = told["times"]["buckets"].as_array().unwrap().last();
        assert_eq!(last.unwrap()["up_to_ms"], serde_json::Value::Null);
        assert_eq!(told["times"]["longest_us"], 3_000);
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
            (
                not_sent(Phase::Prepare, InvalidMessage::UnknownCondition(15)),
                Some(
                    "if the receiver does not look at MSH-15 and MSH-16: try \
                     --acknowledgment-mode original",
                ),
            ),
            (
                not_sent(Phase::Prepare, InvalidMessage::WideEncoding),
                Some("if it is UTF-8 behind its byte order mark: try --repair byte-order-mark"),
            ),
            (
                not_sent(Phase::Reply, InvalidReply::NoAcknowledgment),
                Some("to read such replies oneself: try --judging where-possible --ack"),
            ),
            (
                replied(|reply| {
                    reply.warnings = vec![Warning::AcknowledgmentMissing(Cause::TimedOut)];
                }),
                Some(
                    "if application acknowledgments come over another connection: try \
                     --settle-on accept",
                ),
            ),
            (doubtful, None),
            (applied(), None),
        ] {
            assert_eq!(report.advice(), advice);
            let (_, err) = printed(JSON, &[report]);
            assert_eq!(err.lines().count(), usize::from(advice.is_some()));
        }
    }

    /// A message taken and two that were not, and what was said of them at the end.
    fn summarized(style: Style) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output::new(style, std::iter::empty(), &mut out, &mut err);
        let acknowledged = Some(Duration::from_micros(2_345));
        for report in [
            Report {
                acknowledged,
                ..applied()
            },
            refused_connection(),
            replied(|reply| reply.verdict = Verdict::Refused),
        ] {
            output.report(&report).unwrap();
        }
        output.refuse("b.hl7", &"gone");
        output.summarize().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(out), text(err))
    }

    #[test]
    fn what_became_of_several_messages_is_told_at_the_end() {
        let (out, err) = summarized(PLAIN);
        assert_eq!(out.lines().count(), 3);
        let end = "mllp-send: summary: 1 of 3 messages taken: applied 1, refused 1, not-sent 1, \
                   files not read 1\n\
                   mllp-send: summary: causes: connection-refused 1\n\
                   mllp-send: summary: 1 acknowledgments: half within 2.35 ms, 90 % within \
                   2.35 ms, 99 % within 2.35 ms, longest 2.35 ms\n";
        assert!(err.ends_with(end), "{err}");
        let (out, err) = summarized(JSON);
        assert_eq!(out.lines().count(), 3);
        assert_eq!(err, "mllp-send: b.hl7: gone\n");
    }

    #[test]
    fn in_json_the_end_is_told_in_an_object_if_that_was_asked_for() {
        let summary = true;
        let (out, _) = summarized(Style { summary, ..JSON });
        let told: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
        let told = &told["summary"];
        assert_eq!((&told["messages"], &told["taken"]), (&3.into(), &1.into()));
        assert_eq!(told["files_not_read"], 1);
        let refused = serde_json::json!({ "name": "refused", "count": 1 });
        assert_eq!(told["verdicts"][2], refused);
        assert_eq!(told["acknowledgments"]["p99_ms"], 2.35);
    }

    #[test]
    fn quiet_tells_of_no_message_that_was_taken_and_verbose_of_each_step_of_a_failure() {
        let quiet = true;
        let (out, err) = summarized(Style { quiet, ..PLAIN });
        assert_eq!(out.lines().count(), 2);
        assert!(
            !out.contains("applied") && !err.contains("warning"),
            "{out}{err}"
        );
        assert!(!err.contains("summary"), "{err}");
        let verbose = true;
        let (_, err) = summarized(Style { verbose, ..PLAIN });
        assert_eq!(err.matches("acknowledgment AA (57 bytes)").count(), 2);
    }
}
