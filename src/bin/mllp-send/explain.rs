//! What would be sent, and what waited for after it, and why, without sending. What each
//! answer means is asked of the engine itself: a [`Session`] of the library gets a
//! message with the same expectation, then one answer after another, and what it
//! makes of them is told.

use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::error::{Failure, InvalidMessage};
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::options::ConnectOptions;
use mllp_client::proto::ack::Code;
use mllp_client::proto::exchange::{Commit, Verdict};
use mllp_client::proto::expect::{Condition, Expectation, Limit};
use mllp_client::proto::frame::Outgoing;
use mllp_client::proto::leniency::Leniency;
use mllp_client::proto::msh::Header;
use mllp_client::proto::payload::Payload;
use mllp_client::proto::repair::Repair;
use mllp_client::proto::terms::{AcknowledgmentMode, Release, SettleOn, Terms};
use mllp_client::proto::warning::Warning;
use mllp_client::session::Session;
use serde::Serialize;

use crate::args::SendArgs;
use crate::output::{About, LINE_FEEDS, Style, advice_to_mend, complain, holds, remark};
use crate::records::{WarningRecord, object};
use crate::send::about;
use crate::values::{Choice, Milliseconds};

/// How wide the column of the labels is.
const LABEL_WIDTH: usize = 8;

/// How wide the column of the answers is.
const ANSWER_WIDTH: usize = 18;

/// Where explanations go.
pub(crate) struct Explainer<O, E> {
    options: ConnectOptions,
    loose: bool,
    style: Style,
    any: bool,
    total: Total,
    out: O,
    err: E,
}

/// What would come of all of it.
#[derive(Default, Serialize)]
struct Total {
    messages: u64,
    pass: u64,
    files_not_read: u64,
    /// Of the frames of those that pass.
    bytes: u64,
}

#[derive(Serialize)]
struct TotalRecord<'a> {
    dry_run: &'a Total,
}

impl<O: Write, E: Write> Explainer<O, E> {
    pub(crate) fn new(args: &SendArgs, out: O, err: E) -> Self {
        Self {
            options: args.connect_options(None),
            loose: args.input.loose,
            style: args.style(),
            any: false,
            total: Total::default(),
            out,
            err,
        }
    }

    /// Explains the messages of `file`. Returns whether all may be sent; an error is
    /// the output's.
    pub(crate) fn explain_all(&mut self, file: &str, messages: &[Vec<u8>]) -> io::Result<bool> {
        let mut all_pass = true;
        if self.style.verbose {
            self.complain(file, &holds(messages));
        }
        for (message, index) in messages.iter().zip(1..) {
            let about = About {
                index,
                several: messages.len() > 1,
                ..about(&self.options, self.loose, file, message)
            };
            let explanation = Explanation::of(about, message, &self.options);
            all_pass &= explanation.plan.is_ok();
            self.total.add(&explanation);
            if !self.style.quiet || explanation.plan.is_err() {
                self.tell(&explanation)?;
            }
        }
        Ok(all_pass)
    }

    /// Tells of something that has no explanation.
    pub(crate) fn complain(&mut self, label: &str, sentence: &dyn Display) {
        complain(&mut self.err, label, sentence);
    }

    /// Tells of a file that has no messages to explain.
    pub(crate) fn refuse(&mut self, file: &str, trouble: &dyn Display) {
        self.total.files_not_read = self.total.files_not_read.saturating_add(1);
        self.complain(file, trouble);
    }

    /// Tells what would come of all.
    pub(crate) fn summarize(&mut self) -> io::Result<()> {
        let Style {
            json,
            summary,
            quiet,
            ..
        } = self.style;
        if json && summary {
            let record = TotalRecord {
                dry_run: &self.total,
            };
            self.out.write_all(&object(&record)?)?;
            self.out.flush()?;
        } else if !json && (summary || !quiet) {
            let sentence = self.total.sentence();
            self.complain("dry run", &sentence);
        }
        Ok(())
    }

    fn tell(&mut self, explanation: &Explanation) -> io::Result<()> {
        let terms = &self.options.terms;
        let text = if self.style.json {
            object(&Record::new(explanation, terms))?
        } else {
            let mut text = String::new();
            if !self.any {
                text += &terms_lines(terms);
            }
            text += &explanation.lines(terms);
            text.into_bytes()
        };
        self.any = true;
        self.out.write_all(&text)?;
        self.out.flush()?;
        if let Some(advice) = explanation.advice() {
            self.complain(&explanation.about.label(), &advice);
        }
        Ok(())
    }
}

impl Total {
    fn add(&mut self, explanation: &Explanation) {
        self.messages = self.messages.saturating_add(1);
        if let Ok(plan) = &explanation.plan {
            let bytes = u64::try_from(plan.frame_bytes).unwrap_or(u64::MAX);
            self.pass = self.pass.saturating_add(1);
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    fn sentence(&self) -> String {
        let Self {
            messages,
            pass,
            files_not_read,
            bytes,
        } = self;
        let sentence = format!("{pass} of {messages} messages would go out, {bytes} bytes");
        match files_not_read {
            0 => sentence,
            files => format!("{sentence}; files not read {files}"),
        }
    }
}

/// What is so for every message.
fn terms_lines(terms: &Terms) -> String {
    let release = match terms.release {
        Release::One => "MLLP Release 1: no commit blocks",
        Release::Two => "MLLP Release 2: a commit block after every message, either way",
        Release::Auto => {
            "told by what arrives first on each connection: a commit block (MLLP Release 2) or \
             a reply; this is about the first message of a connection"
        }
    };
    let leniencies = match leniencies(terms).as_slice() {
        [] => "none".to_owned(),
        words => words.join(", "),
    };
    format!("release     {release}\nleniencies  {leniencies}\n")
}

fn leniencies(terms: &Terms) -> Vec<&'static str> {
    Leniency::ALL
        .into_iter()
        .filter(|leniency| terms.leniencies.contains(*leniency))
        .map(Leniency::word)
        .collect()
}

/// What will become of a message.
struct Explanation {
    about: About,
    repairs: Vec<Repair>,
    plan: Result<Plan, InvalidMessage>,
}

/// Which acknowledgments a message asks for, why, and what they mean.
struct Plan {
    expectation: Expectation,
    asked: Expectation,
    /// Each with a label.
    reasons: Vec<(&'static str, String)>,
    steps: Vec<Step>,
    /// How long the frame is, after repairs.
    frame_bytes: usize,
}

impl Explanation {
    fn of(about: About, message: &[u8], options: &ConnectOptions) -> Self {
        let terms = &options.terms;
        let mut message = message.to_vec();
        let repairs = options.repairs.mend(&mut message, &terms.framing);
        let plan = Header::read(&message)
            .ok_or(InvalidMessage::NoHeader)
            .and_then(|header| Plan::of(&header, message.len(), options));
        let passed = Payload::parse(message, options.max_send_size, terms);
        let plan = passed.and(plan);
        Self {
            about,
            repairs,
            plan,
        }
    }

    fn advice(&self) -> Option<&'static str> {
        if self.about.looks_loose {
            return Some(LINE_FEEDS);
        }
        self.plan.as_ref().err().and_then(advice_to_mend)
    }

    fn lines(&self, terms: &Terms) -> String {
        let about = &self.about;
        let control_id = about.control_id.as_deref().unwrap_or("-");
        let mut text = format!("{}  {control_id}\n", about.label());
        let mut row = |label: &str, fact: &str| {
            text += &format!("  {label:<LABEL_WIDTH$}  {fact}\n");
        };
        if !self.repairs.is_empty() {
            let words: Vec<_> = self.repairs.iter().map(|repair| repair.word()).collect();
            row("repairs", &words.join(", "));
        }
        let plan = match &self.plan {
            Ok(plan) => plan,
            Err(reason) => {
                row("guard", &format!("does not let it through: {reason}"));
                return text;
            }
        };
        let sizes = format!("{} bytes, {} in its frame", about.bytes, plan.frame_bytes);
        row("size", &sizes);
        row("mode", plan.mode());
        for (label, reason) in &plan.reasons {
            row(label, reason);
        }
        for step in &plan.steps {
            row(&step.label(), &step.sentence(plan));
            for (answers, outcome) in step.grouped(terms) {
                row("", &format!("{answers:<ANSWER_WIDTH$}  {outcome}"));
            }
        }
        text
    }
}

impl Plan {
    fn of(
        header: &Header<'_>,
        bytes: usize,
        options: &ConnectOptions,
    ) -> Result<Self, InvalidMessage> {
        let terms = &options.terms;
        let expectation = Expectation::of(header, terms)?;
        // What the message would be given if all that it asks for were waited for.
        let patient = Terms {
            settle_on: SettleOn::Application,
            ..terms.clone()
        };
        let asked = Expectation::of(header, &patient)?;
        let rehearsal = Rehearsal {
            header,
            expectation,
            terms,
            timeout: Duration::from_millis(options.timeout_ms.into()),
        };
        Ok(Self {
            expectation,
            asked,
            reasons: reasons(header, asked, expectation, terms.mode),
            steps: rehearsal.steps(),
            frame_bytes: bytes.saturating_add(terms.framing.around(b"").len()),
        })
    }

    const fn mode(&self) -> &'static str {
        if self.expectation.enhanced {
            "enhanced"
        } else {
            "original"
        }
    }

    fn why(&self) -> String {
        let reasons = self.reasons.iter();
        let reasons: Vec<_> = reasons
            .map(|(label, reason)| format!("{label}: {reason}"))
            .collect();
        reasons.join("; ")
    }
}

/// Why this and nothing else is waited for.
fn reasons(
    header: &Header<'_>,
    asked: Expectation,
    waited_for: Expectation,
    mode: AcknowledgmentMode,
) -> Vec<(&'static str, String)> {
    match (mode, asked.enhanced) {
        (AcknowledgmentMode::Original, _) => {
            let reason = "not looked at (--acknowledgment-mode original)";
            vec![("MSH-15", reason.to_owned()), ("MSH-16", reason.to_owned())]
        }
        (AcknowledgmentMode::FromMessage, false) => vec![
            ("MSH-15", "empty".to_owned()),
            (
                "MSH-16",
                "empty like MSH-15: one application acknowledgment is due".to_owned(),
            ),
        ],
        (AcknowledgmentMode::FromMessage, true) => {
            let elsewhere = if waited_for == asked {
                ""
            } else {
                ", which is not waited for (--settle-on accept)"
            };
            let reason = |position, condition: Condition, what| {
                format!(
                    "{}, so {what} comes {}",
                    found(header, position, condition),
                    when(condition)
                )
            };
            let application = reason(16, asked.application, "an application acknowledgment");
            vec![
                (
                    "MSH-15",
                    reason(15, asked.accept, "an accept acknowledgment"),
                ),
                ("MSH-16", application + elsewhere),
            ]
        }
    }
}

/// The field is no more than compared: what stands in it is the message's.
fn found(header: &Header<'_>, position: usize, condition: Condition) -> String {
    let letters = condition.letters();
    if header.field(position) == letters.as_bytes() {
        letters.to_owned()
    } else {
        format!("empty, which counts as {letters} here")
    }
}

const fn when(condition: Condition) -> &'static str {
    match condition {
        Condition::Always => "always",
        Condition::Never => "never",
        Condition::ErrorOnly => "on error only",
        Condition::SuccessOnly => "on success only",
    }
}

/// What may come, or not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Commit(Commit),
    Code(Code),
    /// An acknowledgment with another MSA-2.
    OtherMessage,
    /// A frame without an acknowledgment in it.
    NoAcknowledgment,
    Silence,
}

impl Answer {
    const COMMITS: [Self; 2] = [
        Self::Commit(Commit::Positive),
        Self::Commit(Commit::Negative),
    ];

    const CODES: [Self; 6] = [
        Self::Code(Code::CommitAccept),
        Self::Code(Code::CommitError),
        Self::Code(Code::CommitReject),
        Self::Code(Code::ApplicationAccept),
        Self::Code(Code::ApplicationError),
        Self::Code(Code::ApplicationReject),
    ];

    const STRANGE: [Self; 2] = [Self::OtherMessage, Self::NoAcknowledgment];

    /// The word for it in JSON.
    const fn word(self) -> &'static str {
        match self {
            Self::Commit(Commit::Positive) => "06",
            Self::Commit(Commit::Negative) => "15",
            Self::Code(code) => code.letters(),
            Self::OtherMessage => "other-message",
            Self::NoAcknowledgment => "no-acknowledgment",
            Self::Silence => "silence",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::OtherMessage => "of another message",
            Self::NoAcknowledgment => "reply without MSA",
            _ => self.word(),
        }
    }

    /// Whether waiting on after it is another step, as after nothing else.
    const fn leads_on(self) -> bool {
        matches!(
            self,
            Self::Commit(Commit::Positive) | Self::Code(Code::CommitAccept)
        )
    }
}

/// What an answer leads to.
enum Outcome {
    Settles(Verdict, Vec<Warning>),
    Fails(Failure),
    GoesOn,
    SentAgain,
    Skipped,
}

impl Outcome {
    const fn word(&self) -> &'static str {
        match self {
            Self::Settles(..) => "settles",
            Self::Fails(_) => "fails",
            Self::GoesOn => "goes-on",
            Self::SentAgain => "sent-again",
            Self::Skipped => "skipped",
        }
    }

    fn warnings(&self) -> &[Warning] {
        match self {
            Self::Settles(_, warnings) => warnings,
            Self::Fails(failure) => &failure.warnings,
            _ => &[],
        }
    }

    fn sentence(&self, answer: Answer, terms: &Terms) -> String {
        let sentence = match self {
            Self::Settles(verdict, _) => format!("{}: {}", verdict.word(), meaning(*verdict)),
            Self::Fails(failure) => {
                let (delivery, cause) = (failure.delivery.word(), failure.cause.word());
                format!("{delivery}: {cause}, the message may have arrived")
            }
            Self::GoesOn => format!("goes on, see after {}", answer.word()),
            Self::SentAgain => format!("sent again (--commit-retries {})", terms.commit_retries),
            Self::Skipped => "changes nothing".to_owned(),
        };
        let warnings = self.warnings().iter().map(|warning| match warning {
            // The code is the answer's own.
            Warning::WrongMode(_) => format!("; warning: {}", warning.word()),
            _ => format!("; {}", remark(warning)),
        });
        sentence + &warnings.collect::<String>()
    }
}

const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Applied => "processed",
        Verdict::Accepted => "in the receiver's safe keeping",
        Verdict::Refused => "not processed",
        Verdict::Unacknowledged => "handed over, nobody promised anything",
        Verdict::Unjudged => "for you to read, no success",
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    CommitBlock,
    Accept,
    Application,
    Silence,
    Nothing,
}

impl Awaited {
    /// While nothing but `path` has come.
    fn after(path: &[Answer], expectation: Expectation, release: Release) -> Self {
        let is_accepted = path.contains(&Answer::Code(Code::CommitAccept));
        let wait = if is_accepted {
            expectation.once_accepted()
        } else {
            expectation.at_first()
        };
        match (wait.limit, release) {
            (_, Release::Two) | (Limit::Nothing, Release::Auto) if path.is_empty() => {
                Self::CommitBlock
            }
            (Limit::Accept, _) => Self::Accept,
            (Limit::Application, _) => Self::Application,
            (Limit::Quiet, _) => Self::Silence,
            (Limit::Nothing, _) => Self::Nothing,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::CommitBlock => "commit-block",
            Self::Accept => "accept",
            Self::Application => "application",
            Self::Silence => "silence",
            Self::Nothing => "nothing",
        }
    }
}

/// A part of the exchange in which something is waited for.
struct Step {
    after: Option<Answer>,
    awaited: Awaited,
    limit: Duration,
    /// The option that the limit comes from.
    option: &'static str,
    outcomes: Vec<(Answer, Outcome)>,
}

impl Step {
    fn label(&self) -> String {
        match self.after {
            None => "at first".to_owned(),
            Some(answer) => format!("after {}", answer.word()),
        }
    }

    fn sentence(&self, plan: &Plan) -> String {
        let limit = u32::try_from(self.limit.as_millis()).unwrap_or(u32::MAX);
        let (limit, option) = (Milliseconds(limit), self.option);
        let within = |what: &str| format!("waits for {what}, {limit} at most ({option})");
        match self.awaited {
            Awaited::CommitBlock => within("the commit block, 06 or 15"),
            Awaited::Accept => within("the accept acknowledgment"),
            Awaited::Application => within("the application acknowledgment"),
            Awaited::Silence => {
                let Expectation {
                    accept,
                    application,
                    ..
                } = plan.expectation;
                let is_accepted = self.after == Some(Answer::Code(Code::CommitAccept));
                let only = match (is_accepted, accept, application) {
                    (true, ..) | (_, Condition::Never, _) => when(application).to_owned(),
                    (_, _, Condition::Never) => when(accept).to_owned(),
                    _ if accept == application => when(accept).to_owned(),
                    _ => format!("accept {}, application {}", when(accept), when(application)),
                };
                format!(
                    "an acknowledgment may come, {only}; {limit} of silence is an answer ({option})"
                )
            }
            Awaited::Nothing => "waits for nothing".to_owned(),
        }
    }

    /// The answers by what they lead to, in the order of their first coming.
    fn grouped(&self, terms: &Terms) -> Vec<(String, String)> {
        let mut groups: Vec<(String, String)> = Vec::new();
        for (answer, outcome) in &self.outcomes {
            let sentence = outcome.sentence(*answer, terms);
            let label = match self.awaited {
                Awaited::Nothing => "at once",
                _ => answer.label(),
            };
            let same = |group: &&mut (String, String)| group.1 == sentence;
            match groups.iter_mut().find(same) {
                Some((answers, _)) => {
                    answers.push_str(", ");
                    answers.push_str(label);
                }
                None => groups.push((label.to_owned(), sentence)),
            }
        }
        groups
    }
}

/// When everything in a rehearsal begins.
const START: Instant = Instant::from_nanoseconds(0);

/// An exchange that is played through with a receiver that gives one answer after
/// another, each as soon as it can be given.
struct Rehearsal<'a> {
    header: &'a Header<'a>,
    expectation: Expectation,
    terms: &'a Terms,
    timeout: Duration,
}

impl Rehearsal<'_> {
    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.add_steps(&[], &mut steps);
        steps
    }

    /// Adds the step that comes after `path`, and those that come after it.
    fn add_steps(&self, path: &[Answer], steps: &mut Vec<Step>) {
        let commits = path.is_empty() && self.terms.release != Release::One;
        let answers = Answer::COMMITS.into_iter().filter(|_| commits);
        let answers = answers.chain(Answer::CODES);
        let answers = answers.chain(Answer::STRANGE.into_iter().filter(|_| path.is_empty()));
        let mut played = self.play(path);
        let mut outcomes = Vec::new();
        let limit = match played.waits_until {
            Some(until) => {
                outcomes.extend(answers.map(|answer| (answer, self.outcome(path, answer))));
                until
            }
            None => START,
        };
        played.wait();
        outcomes.push((Answer::Silence, played.end()));
        let next: Vec<_> = outcomes
            .iter()
            .filter_map(|(answer, outcome)| matches!(outcome, Outcome::GoesOn).then_some(*answer))
            .collect();
        let (awaited, limit) = (
            Awaited::after(path, self.expectation, self.terms.release),
            START.until(limit),
        );
        steps.push(Step {
            after: path.last().copied(),
            awaited,
            limit,
            option: self.option(awaited, limit),
            outcomes,
        });
        for answer in next {
            // A CA may come before the commit block and after it.
            if !steps.iter().any(|step| step.after == Some(answer)) {
                self.add_steps(&[path, &[answer]].concat(), steps);
            }
        }
    }

    fn option(&self, awaited: Awaited, limit: Duration) -> &'static str {
        if limit >= self.timeout {
            return "--timeout";
        }
        match (awaited, self.terms.release) {
            (Awaited::CommitBlock, Release::Two) | (Awaited::Accept, _) => "--accept-timeout",
            (Awaited::Application, _) => "--application-timeout",
            (Awaited::CommitBlock | Awaited::Silence | Awaited::Nothing, _) => "--quiet-period",
        }
    }

    fn outcome(&self, path: &[Answer], answer: Answer) -> Outcome {
        let mut played = self.play(path);
        played.hear(&self.frame(answer));
        match (played.waits_until, answer) {
            (None, _) => played.end(),
            (Some(_), Answer::Commit(Commit::Negative)) => Outcome::SentAgain,
            (Some(_), _) if answer.leads_on() && !path.contains(&answer) => Outcome::GoesOn,
            (Some(_), _) => Outcome::Skipped,
        }
    }

    fn play(&self, path: &[Answer]) -> Played {
        let mut session = Session::new(self.terms.clone(), START);
        let framing = &self.terms.framing;
        // What else is in a message changes nothing any more.
        let (content, id) = (b"MSH".to_vec(), self.header.control_id().to_vec());
        if let Ok(message) = Outgoing::around(content, id, self.expectation, framing) {
            session.begin(message, START.after(self.timeout), false);
        }
        let mut played = Played {
            session,
            now: START,
            waits_until: None,
        };
        played.go_on();
        for answer in path {
            played.hear(&self.frame(*answer));
        }
        played
    }

    /// The answer as it would come. Under the message's own separators its control id
    /// is a field.
    fn frame(&self, answer: Answer) -> Vec<u8> {
        let separator = &[self.header.separator()][..];
        let own = self.header.control_id();
        let other = [own, b"x"].concat();
        let acknowledgment = |code: Code, control_id: &[u8]| {
            let code = code.letters().as_bytes();
            [b"\rMSA", separator, code, separator, control_id].concat()
        };
        let rest = match answer {
            Answer::Commit(commit) => return self.terms.framing.around(&[commit.byte()]),
            Answer::Code(code) => acknowledgment(code, own),
            Answer::OtherMessage => acknowledgment(Code::ApplicationAccept, &other),
            Answer::NoAcknowledgment => Vec::new(),
            Answer::Silence => return Vec::new(),
        };
        let header = [b"MSH", separator, self.header.field(2), separator];
        let content = [&header.concat(), rest.as_slice(), b"\r"].concat();
        self.terms.framing.around(&content)
    }
}

/// An exchange that came so far.
struct Played {
    session: Session,
    now: Instant,
    /// `None` once it is over.
    waits_until: Option<Instant>,
}

impl Played {
    fn hear(&mut self, bytes: &[u8]) {
        self.session.handle(Input::Received(bytes));
        self.go_on();
    }

    /// Lets the time pass that it waits.
    fn wait(&mut self) {
        while let Some(until) = self.waits_until.filter(|until| *until > self.now) {
            self.now = until;
            self.go_on();
        }
    }

    fn go_on(&mut self) {
        self.waits_until = loop {
            let taken = match self.session.poll(self.now) {
                Output::Transmit(bytes, _) => bytes.len(),
                Output::Wait(until) => break Some(until),
                Output::Look(_) | Output::Done => break None,
            };
            self.session.handle(Input::Transmitted(taken));
        };
    }

    fn end(&mut self) -> Outcome {
        match self.session.finish().outcome {
            Ok(reply) => Outcome::Settles(reply.verdict, reply.warnings),
            Err(failure) => Outcome::Fails(failure),
        }
    }
}

/// The line of `--json`. Its field names are documented in `--help`, and promised:
/// add to them, change none.
#[derive(Serialize)]
struct Record<'a> {
    file: &'a str,
    index: usize,
    control_id: Option<&'a str>,
    bytes: usize,
    frame_bytes: Option<usize>,
    passes: bool,
    refusal: Option<String>,
    repairs: Vec<&'static str>,
    mode: Option<&'static str>,
    why: Option<String>,
    msh_15: Option<&'static str>,
    msh_16: Option<&'static str>,
    steps: Vec<StepRecord>,
    release: &'static str,
    leniencies: Vec<&'static str>,
}

#[derive(Serialize)]
struct StepRecord {
    after: Option<&'static str>,
    waits_for: &'static str,
    limit_ms: u128,
    option: &'static str,
    answers: Vec<AnswerRecord>,
}

#[derive(Serialize)]
struct AnswerRecord {
    answer: &'static str,
    then: &'static str,
    verdict: Option<&'static str>,
    delivery: Option<&'static str>,
    cause: Option<&'static str>,
    warnings: Vec<WarningRecord>,
}

impl<'a> Record<'a> {
    fn new(explanation: &'a Explanation, terms: &Terms) -> Self {
        let about = &explanation.about;
        let plan = explanation.plan.as_ref();
        let refusal = plan.err();
        let plan = plan.ok();
        let asked = plan.map(|plan| plan.asked).filter(|asked| asked.enhanced);
        let steps = plan.map_or(&[][..], |plan| &plan.steps);
        let repairs = explanation.repairs.iter();
        Self {
            file: &about.file,
            index: about.index,
            control_id: about.control_id.as_deref(),
            bytes: about.bytes,
            frame_bytes: plan.map(|plan| plan.frame_bytes),
            passes: plan.is_some(),
            refusal: refusal.map(ToString::to_string),
            repairs: repairs.map(|repair| repair.word()).collect(),
            mode: plan.map(Plan::mode),
            why: plan.map(Plan::why),
            msh_15: asked.map(|asked| asked.accept.letters()),
            msh_16: asked.map(|asked| asked.application.letters()),
            steps: steps.iter().map(Into::into).collect(),
            release: terms.release.word(),
            leniencies: leniencies(terms),
        }
    }
}

impl From<&Step> for StepRecord {
    fn from(step: &Step) -> Self {
        Self {
            after: step.after.map(Answer::word),
            waits_for: step.awaited.word(),
            limit_ms: step.limit.as_millis(),
            option: step.option,
            answers: step.outcomes.iter().map(Into::into).collect(),
        }
    }
}

impl From<&(Answer, Outcome)> for AnswerRecord {
    fn from((answer, outcome): &(Answer, Outcome)) -> Self {
        let (verdict, failure) = match outcome {
            Outcome::Settles(verdict, _) => (Some(verdict.word()), None),
            Outcome::Fails(failure) => (None, Some(failure)),
            _ => (None, None),
        };
        Self {
            answer: answer.word(),
            then: outcome.word(),
            verdict,
            delivery: failure.map(|failure| failure.delivery.word()),
            cause: failure.map(|failure| failure.cause.word()),
            warnings: outcome.warnings().iter().map(Into::into).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Explainer;
    use crate::args::tests::args;

    /// A message with these fields MSH-15 and MSH-16.
    fn message(accept: &str, application: &str) -> Vec<u8> {
        format!("MSH|^~\\&|MARK||||||ADT|42|P|2.5|||{accept}|{application}\rPID|MARK\r")
            .into_bytes()
    }

    /// Whether all may be sent, and what goes to standard output and standard error.
    fn explained(line: &str, messages: &[Vec<u8>]) -> (bool, String, String) {
        let args = args(&format!("--dry-run {line} lab:1"));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut explainer = Explainer::new(&args, &mut out, &mut err);
        let passed = explainer.explain_all("adt.hl7", messages).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (passed, text(out), text(err))
    }

    fn json(line: &str, message: Vec<u8>) -> serde_json::Value {
        let (_, out, _) = explained(&format!("--json {line}"), &[message]);
        serde_json::from_str(&out).unwrap()
    }

    /// What the answer leads to in the step after `after`, in JSON.
    fn answer<'a>(
        told: &'a serde_json::Value,
        after: Option<&str>,
        answer: &str,
    ) -> &'a serde_json::Value {
        let steps = told["steps"].as_array().unwrap();
        let step = steps.iter().find(|step| step["after"].as_str() == after);
        let answers = step.unwrap()["answers"].as_array().unwrap();
        let found = answers.iter().find(|one| one["answer"] == answer);
        found.unwrap()
    }

    #[test]
    fn a_message_in_original_mode_is_explained_in_a_few_lines() {
        let (passed, out, err) = explained("", &[message("", "")]);
        assert!(passed);
        assert_eq!(
            out,
            "release     MLLP Release 1: no commit blocks\n\
             leniencies  space-before-start-block, space-after-frame, line-feed-segments\n\
             adt.hl7  42\n\
             \x20 size      45 bytes, 48 in its frame\n\
             \x20 mode      original\n\
             \x20 MSH-15    empty\n\
             \x20 MSH-16    empty like MSH-15: one application acknowledgment is due\n\
             \x20 at first  waits for the application acknowledgment, 30s at most (--timeout)\n\
             \x20           CA                  accepted: in the receiver's safe keeping; \
             warning: wrong-mode\n\
             \x20           CE, CR              refused: not processed; warning: wrong-mode\n\
             \x20           AA                  applied: processed\n\
             \x20           AE, AR              refused: not processed\n\
             \x20           of another message  in-doubt: protocol-desync, the message may \
             have arrived\n\
             \x20           reply without MSA   in-doubt: invalid-reply, the message may have \
             arrived\n\
             \x20           silence             in-doubt: timed-out, the message may have \
             arrived\n"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn what_follows_an_accept_acknowledgment_is_a_step_of_its_own() {
        let (_, out, _) = explained("--quiet-period 5s", &[message("AL", "ER")]);
        for line in [
            "  mode      enhanced",
            "  MSH-15    AL, so an accept acknowledgment comes always",
            "  MSH-16    ER, so an application acknowledgment comes on error only",
            "  at first  waits for the accept acknowledgment, 30s at most (--timeout)",
            "            CA                  goes on, see after CA",
            "  after CA  an acknowledgment may come, on error only; 5s of silence is an answer \
             (--quiet-period)",
            "            CA                  changes nothing",
            "            silence             accepted: in the receiver's safe keeping",
        ] {
            assert!(out.lines().any(|told| told == line), "{line}: {out}");
        }
    }

    #[test]
    fn an_exchange_without_an_answer_is_over_at_once() {
        let (passed, out, _) = explained("", &[message("NE", "")]);
        assert!(passed);
        assert!(
            out.ends_with(
                "  MSH-16    empty, which counts as NE here, so an application acknowledgment \
                 comes never\n\
                 \x20 at first  waits for nothing\n\
                 \x20           at once             unacknowledged: handed over, nobody promised \
                 anything\n"
            ),
            "{out}"
        );
    }

    #[test]
    fn silence_means_what_it_means_in_every_mode() {
        for (accept, application, then, word) in [
            ("", "", "fails", "timed-out"),
            ("AL", "AL", "fails", "timed-out"),
            ("NE", "NE", "settles", "unacknowledged"),
            ("ER", "ER", "settles", "unacknowledged"),
            ("NE", "SU", "fails", "silence"),
        ] {
            let told = json("", message(accept, application));
            let silence = answer(&told, None, "silence");
            assert_eq!(silence["then"], then, "{accept}/{application}");
            let told_word = match then {
                "fails" => &silence["cause"],
                _ => &silence["verdict"],
            };
            assert_eq!(told_word, word, "{accept}/{application}");
        }
    }

    /// The time is the engine's, the option and what is waited for are told beside it.
    #[test]
    fn the_option_named_for_a_limit_is_the_one_it_comes_from() {
        const CONDITIONS: [&str; 5] = ["", "AL", "NE", "ER", "SU"];
        let mut steps = 0;
        for release in ["one", "two", "auto"] {
            for (accept, application) in CONDITIONS
                .iter()
                .flat_map(|accept| CONDITIONS.map(|application| (*accept, application)))
            {
                let told = json(
                    &format!(
                        "--timeout 9s --accept-timeout 1s --application-timeout 2s \
                         --quiet-period 3s --mllp-release {release}"
                    ),
                    message(accept, application),
                );
                for step in told["steps"].as_array().unwrap() {
                    let expected = match step["waits_for"].as_str().unwrap() {
                        "nothing" => continue,
                        "commit-block" if release == "auto" => (3_000, "--quiet-period"),
                        "commit-block" | "accept" => (1_000, "--accept-timeout"),
                        "application" => (2_000, "--application-timeout"),
                        _ => (3_000, "--quiet-period"),
                    };
                    let (milliseconds, option) = expected;
                    assert_eq!(step["limit_ms"], milliseconds, "{release} {step}");
                    assert_eq!(step["option"], option, "{release} {step}");
                    steps += 1;
                }
            }
        }
        assert!(steps > 100, "{steps}");
    }

    #[test]
    fn a_limit_beyond_the_exchanges_own_is_no_limit() {
        let told = json("--timeout 1s --accept-timeout 2s", message("AL", "AL"));
        let step = &told["steps"][0];
        assert_eq!(
            (&step["limit_ms"], &step["option"]),
            (&1_000.into(), &"--timeout".into())
        );
    }

    #[test]
    fn to_settle_on_the_accept_acknowledgment_leaves_no_second_step() {
        let told = json("--settle-on accept", message("AL", "AL"));
        assert_eq!(told["steps"].as_array().map(Vec::len), Some(1));
        assert_eq!(answer(&told, None, "CA")["verdict"], "accepted");
        assert_eq!(
            (&told["msh_15"], &told["msh_16"]),
            (&"AL".into(), &"AL".into())
        );
        assert!(told["why"].as_str().unwrap().contains("--settle-on accept"));
    }

    #[test]
    fn original_mode_can_be_insisted_on() {
        let told = json("--acknowledgment-mode original", message("NE", "MARK"));
        assert_eq!(
            (&told["passes"], &told["mode"]),
            (&true.into(), &"original".into())
        );
        assert_eq!(told["msh_15"], serde_json::Value::Null);
        assert!(
            told["why"]
                .as_str()
                .unwrap()
                .contains("--acknowledgment-mode")
        );
    }

    #[test]
    fn commit_blocks_come_first_where_there_are_any() {
        let told = json("--mllp-release two --commit-retries 2", message("AL", "AL"));
        let steps: Vec<_> = told["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|step| step["waits_for"].as_str().unwrap())
            .collect();
        assert_eq!(steps, ["commit-block", "accept", "application"]);
        assert_eq!(answer(&told, None, "06")["then"], "goes-on");
        assert_eq!(answer(&told, None, "15")["then"], "sent-again");
        assert_eq!(answer(&told, Some("CA"), "silence")["verdict"], "accepted");
        let told = json("--mllp-release two", message("NE", "NE"));
        assert_eq!(answer(&told, None, "06")["verdict"], "accepted");
        assert_eq!(answer(&told, None, "15")["verdict"], "refused");
    }

    #[test]
    fn correlation_judging_and_leniencies_are_regarded() {
        let other =
            |line: &str| answer(&json(line, message("", "")), None, "other-message").clone();
        assert_eq!(other("")["cause"], "protocol-desync");
        assert_eq!(other("--correlation off")["verdict"], "applied");
        assert_eq!(
            other("--correlation warned")["warnings"][0]["code"],
            "other-control-id"
        );
        assert_eq!(other("--allow other-acknowledgment")["then"], "skipped");
        for (line, then) in [("", "fails"), ("--judging where-possible", "settles")] {
            let told = json(line, message("", ""));
            assert_eq!(answer(&told, None, "no-acknowledgment")["then"], then);
        }
        let told = json("--judging off", message("", ""));
        assert_eq!(answer(&told, None, "AA")["verdict"], "unjudged");
    }

    #[test]
    fn a_message_with_separators_and_blocks_of_its_own_is_explained_like_any_other() {
        let message = b"MSH#*@!%#A#B#C#D#2026##ADT*A01#a|b#P#2.5###AL#AL\r".to_vec();
        let told = json("--start-block 02 --end-block 03 --trailer=", message);
        assert_eq!(told["control_id"], "a|b");
        assert_eq!(answer(&told, None, "CA")["then"], "goes-on");
        assert_eq!(answer(&told, Some("CA"), "AA")["verdict"], "applied");
    }

    #[test]
    fn what_silence_breaks_is_told_of_the_fields_that_ask_for_it() {
        for (line, accept, application, only) in [
            ("", "ER", "NE", "on error only"),
            ("", "NE", "SU", "on success only"),
            (
                "",
                "ER",
                "SU",
                "accept on error only, application on success only",
            ),
            ("--mllp-release two", "ER", "NE", "on error only"),
        ] {
            let (_, out, _) = explained(line, &[message(accept, application)]);
            let sentence = format!("an acknowledgment may come, {only}; 2s of silence");
            assert!(out.contains(&sentence), "{accept}/{application}: {out}");
            assert!(!out.contains("may come, never"), "{out}");
        }
    }

    #[test]
    fn what_the_guard_does_not_let_through_is_told_with_advice() {
        let messages = [message("", ""), message("AL", "MARK")];
        let (passed, out, err) = explained("", &messages);
        assert!(!passed);
        assert!(
            out.ends_with(
                "adt.hl7#2  42\n  guard     does not let it through: MSH-16 is none of AL, NE, \
                 ER and SU\n"
            ),
            "{out}"
        );
        assert!(err.starts_with("mllp-send: adt.hl7#2: "), "{err}");
        assert!(err.contains("--acknowledgment-mode original"), "{err}");
        let told = json("--max-send-size 9", message("", ""));
        assert_eq!(told["passes"], false);
        assert!(told["refusal"].as_str().unwrap().contains("9 are allowed"));
        assert_eq!((&told["mode"], &told["why"]), (&().into(), &().into()));
        assert_eq!(told["steps"], serde_json::json!([]));
    }

    #[test]
    fn what_would_be_repaired_is_told() {
        let marked = [b"\xEF\xBB\xBF", message("", "").as_slice()].concat();
        let (passed, _, err) = explained("", std::slice::from_ref(&marked));
        assert!(!passed && err.contains("--repair byte-order-mark"), "{err}");
        let line = "--repair byte-order-mark --repair line-feeds";
        let (passed, out, _) = explained(line, std::slice::from_ref(&marked));
        assert!(passed);
        assert!(out.contains("\n  repairs   byte-order-mark\n"), "{out}");
        assert_eq!(
            json(line, marked)["repairs"],
            serde_json::json!(["byte-order-mark"])
        );
    }

    #[test]
    fn nothing_of_the_content_but_the_control_id_is_printed() {
        for (accept, application) in [("", ""), ("AL", "AL"), ("MARK", ""), ("", "MARK")] {
            for line in ["", "--json", "--acknowledgment-mode original"] {
                let (_, out, err) = explained(line, &[message(accept, application)]);
                assert!(!out.contains("MARK") && !err.contains("MARK"), "{out}{err}");
                assert!(!out.contains("ADT") && out.contains("42"), "{out}");
            }
        }
    }
}
