//! One message out, one acknowledgment in, or two: this machine decides which
//! frame settles what, and what is known about the message, and never touches a
//! socket.
//!
//! ```text
//!            end block handed over       CA, commit block       acknowledgment
//!  Writing ──────────────────────▶ Waiting ──────────▶ Accepted ──────────────┐
//!     │                             │   │                 │                   ▼
//!     │ deadline, loss,             │   │ acknowledgment, │ silence,     Settled(reply)
//!     │ any reply                   │   │ agreed silence  │ any failure:      ▲
//!     ▼                             │   └────────────────▶│ still accepted    │
//!  Settled(failure: not-sent,       │                     └───────────────────┘
//!          or cut-short)            │ deadline, loss, desync, ominous silence
//!                                   ▼
//!                              Settled(failure: in-doubt)
//! ```

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::ack::{self, Acknowledgment, Code, ErrorDetail, Reading};
use super::expect::{Expectation, Limit, Silence, Wait};
use super::frame::{Incoming, Outgoing};
use super::framing::Framing;
use super::leniency::Leniency;
use super::terms::{Correlation, Judging, SettleOn, Terms};
use super::warning::Warning;
use crate::clock::Instant;
use crate::error::{Cause, Delivery, Desync, Failure, Phase, Retry};
use crate::memory::append;

/// What an answer, or an agreed silence, says about the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// AA: processed.
    Applied,
    /// CA, or MLLP Release 2's commit block: in the receiver's safe keeping (HL7
    /// v2.5 2.9.3).
    Accepted,
    /// AE, AR, CE or CR, or a negative commit block: not processed.
    Refused,
    /// The message asked for silence and got it.
    Unacknowledged,
    /// A reply came that was not judged.
    Unjudged,
}

impl Verdict {
    /// The word for it, as the README's table has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Unacknowledged => "unacknowledged",
            Self::Unjudged => "unjudged",
        }
    }
}

impl From<Code> for Verdict {
    fn from(code: Code) -> Self {
        match code {
            Code::ApplicationAccept => Self::Applied,
            Code::CommitAccept => Self::Accepted,
            Code::ApplicationError
            | Code::ApplicationReject
            | Code::CommitError
            | Code::CommitReject => Self::Refused,
        }
    }
}

/// A commit block of MLLP Release 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// 0x06: the message is in safe storage.
    Positive,
    /// 0x15: it is not.
    Negative,
}

impl Commit {
    /// The block's content that says so.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Positive => 0x06,
            Self::Negative => 0x15,
        }
    }

    /// What a frame with this content says, if it is a commit block.
    #[must_use]
    pub const fn read(content: &[u8]) -> Option<Self> {
        match content {
            [0x06] => Some(Self::Positive),
            [0x15] => Some(Self::Negative),
            _ => None,
        }
    }
}

/// An exchange that ended with an answer, or with an agreed silence.
#[derive(Clone, PartialEq, Eq)]
pub struct Reply {
    /// The reply's content, framing stripped, untouched.
    pub message: Vec<u8>,
    /// What it says about the message.
    pub verdict: Verdict,
    /// The parsed acknowledgment.
    pub acknowledgment: Option<Acknowledgment>,
    /// The accept acknowledgment, where one came that was positive.
    pub accept: Option<Acknowledgment>,
    /// The commit block, where one came.
    pub commit: Option<Commit>,
    /// What the reply's ERR segments tell in codes.
    pub errors: Vec<ErrorDetail>,
    /// Leniencies used, in the order they were met, and what else is worth knowing.
    pub warnings: Vec<Warning>,
    /// How often any of the message's frame went to the transport.
    pub transmissions: u32,
    /// Why it was tried again, in order.
    pub retries: Vec<Retry>,
}

impl fmt::Debug for Reply {
    /// Tells the content's length alone: a reply may quote patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("message_bytes", &self.message.len())
            .field("verdict", &self.verdict)
            .field("acknowledgment", &self.acknowledgment)
            .field("accept", &self.accept)
            .field("commit", &self.commit)
            .field("errors", &self.errors)
            .field("warnings", &self.warnings)
            .field("transmissions", &self.transmissions)
            .field("retries", &self.retries)
            .finish()
    }
}

/// Whether a commit block belongs to the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitBlock {
    /// None: the receiver speaks Release 1.
    None,
    /// It is not known yet which release the receiver speaks.
    Perhaps,
    /// One is due.
    Due,
    /// A positive one came.
    Came,
}

/// What an exchange does with a frame.
#[derive(Default)]
pub struct Receipt {
    /// What the frame acknowledges by, if it does.
    pub code: Option<Code>,
    /// Whether it was for this exchange.
    pub credited: bool,
    /// The accept acknowledgment that is owed for it, without framing.
    pub owed: Option<Vec<u8>>,
}

impl fmt::Debug for Receipt {
    /// Tells lengths alone: what is owed repeats fields of the reply.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("code", &self.code)
            .field("credited", &self.credited)
            .field("owed_bytes", &self.owed.as_ref().map(Vec::len))
            .finish()
    }
}

/// The accept acknowledgment of an exchange that goes on.
struct Accepted {
    acknowledgment: Acknowledgment,
    message: Vec<u8>,
}

/// How long what is waited for may take.
#[derive(Clone, Copy)]
struct Limits {
    accept: Option<Duration>,
    application: Option<Duration>,
    quiet: Duration,
}

impl Limits {
    fn of(terms: &Terms) -> Self {
        let span = |milliseconds: u32| Duration::from_millis(milliseconds.into());
        Self {
            accept: terms.accept_timeout_ms.map(span),
            application: terms.application_timeout_ms.map(span),
            quiet: span(terms.quiet_period_ms),
        }
    }
}

/// One exchange in progress.
pub struct Exchange {
    message: Outgoing,
    frame_size: usize,
    /// Whether the frame is kept once it is handed over, to be sent again.
    keep: bool,
    deadline: Instant,
    limits: Limits,
    handed_over: usize,
    begun: bool,
    /// When the whole frame, or the last acknowledgment that did not settle, was
    /// there.
    since: Option<Instant>,
    whole_at: Option<Instant>,
    settled_at: Option<Instant>,
    commit: CommitBlock,
    commit_retries: u32,
    accepted: Option<Accepted>,
    warnings: Vec<Warning>,
    transmissions: u32,
    retries: Vec<Retry>,
    by_silence: bool,
    connection_lost: bool,
    settled: Option<Result<Reply, Failure>>,
}

impl Exchange {
    /// Begins the exchange of `message`, to be over by `deadline`. With `keep` the
    /// frame can be had back whatever became of it.
    #[must_use]
    pub fn new(
        message: Outgoing,
        deadline: Instant,
        commit: CommitBlock,
        keep: bool,
        terms: &Terms,
    ) -> Self {
        Self {
            frame_size: message.size(),
            message,
            keep,
            deadline,
            limits: Limits::of(terms),
            handed_over: 0,
            begun: false,
            since: None,
            whole_at: None,
            settled_at: None,
            commit,
            commit_retries: match commit {
                CommitBlock::None => 0,
                _ => terms.commit_retries,
            },
            accepted: None,
            warnings: Vec::new(),
            transmissions: 0,
            retries: Vec::new(),
            by_silence: false,
            connection_lost: false,
            settled: None,
        }
    }

    /// The message's MSH-10.
    #[must_use]
    pub fn control_id(&self) -> &[u8] {
        &self.message.control_id
    }

    /// When the exchange must be over.
    #[must_use]
    pub const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The next of what is still to be handed to the transport, `most` bytes or as many
    /// as there are.
    pub fn to_transmit(&mut self, framing: &Framing, most: usize) -> &[u8] {
        let most = most.min(self.left());
        self.message.part(framing, self.handed_over, most)
    }

    /// How many bytes of the frame are still to be handed to the transport.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.frame_size.saturating_sub(self.handed_over)
    }

    /// Whether a part of the frame is with the transport and a part is not.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        (self.begun || self.handed_over > 0) && !self.is_handed_over()
    }

    /// Some of what is to be transmitted is with the transport, in a record that
    /// no receiver can read before it has the rest.
    pub const fn begun(&mut self) {
        self.count_transmission();
        self.begun = true;
    }

    /// The next `bytes` of the frame are, or may be, with the transport.
    pub fn transmitted(&mut self, bytes: usize) {
        self.count_transmission();
        let is_part = bytes < self.left();
        let bytes = match bytes {
            2.. if is_part && broken!(ByteSentTwice) => bytes.saturating_sub(1),
            1.. if is_part && broken!(ByteLost) => bytes.saturating_add(1),
            _ => bytes,
        };
        self.handed_over = self.handed_over.saturating_add(bytes).min(self.frame_size);
        if self.is_handed_over() && !self.keep && self.commit_retries == 0 {
            // A long reply may need the memory.
            self.message.forget();
        }
    }

    const fn count_transmission(&mut self) {
        if !self.begun && self.handed_over == 0 {
            self.transmissions = self.transmissions.saturating_add(1);
        }
    }

    /// Takes a commit block. Whether the message goes out once more is seen at
    /// [`to_transmit`](Self::to_transmit).
    pub fn receive_commit(&mut self, commit: Commit, terms: &Terms) {
        match (commit, self.commit) {
            (_, CommitBlock::None | CommitBlock::Came) => {
                self.fail(Desync::UnexpectedCommit.into());
            }
            // It was accepted before: the receiver contradicts itself.
            (Commit::Negative, _) if self.accepted.is_some() => {
                self.fail(Desync::UnexpectedCommit.into());
            }
            (Commit::Positive, _) => {
                self.commit = CommitBlock::Came;
                self.since = None;
                let nothing_more = match self.message.expectation.at_first().limit {
                    Limit::Nothing => true,
                    _ => terms.settle_on == SettleOn::Accept,
                };
                if nothing_more {
                    self.settle_accepted(None);
                }
            }
            (Commit::Negative, _) if self.commit_retries > 0 => {
                self.commit_retries = self.commit_retries.saturating_sub(1);
                self.commit = CommitBlock::Due;
                Retry::NegativeCommit.join(&mut self.retries);
                (self.handed_over, self.begun) = (0, false);
                (self.since, self.whole_at) = (None, None);
            }
            (Commit::Negative, _) => self.settle_refused(),
        }
    }

    /// Whether a negative commit block was the last word, and nothing of the message
    /// went out after it.
    const fn is_refused(&self) -> bool {
        !self.retries.is_empty() && self.handed_over == 0 && !self.begun
    }

    fn settle_refused(&mut self) {
        let commit = Commit::Negative;
        let content = alloc::vec![commit.byte()];
        self.settle_with(Verdict::Refused, content, None, Vec::new(), Some(commit));
    }

    /// Takes a frame that came after the whole message was handed over; `at` is
    /// the time of day since 1970.
    pub fn receive(&mut self, frame: Incoming, terms: &Terms, at: Duration) -> Receipt {
        let Incoming { content, warnings } = frame;
        let line_feeds = terms.leniencies.contains(Leniency::LineFeedSegments);
        let reading = match (ack::read(&content, line_feeds), terms.judging) {
            (Ok(reading), _) => reading,
            (Err(reason), Judging::Required) => {
                self.fail(reason.into());
                return Receipt::default();
            }
            (Err(_), Judging::WherePossible | Judging::Off) => {
                self.warn_all(warnings);
                self.settle_unjudged(content, None);
                return Receipt {
                    credited: true,
                    ..Receipt::default()
                };
            }
        };
        let mut warnings = warnings;
        if reading.line_feeds {
            warnings.push(Warning::LineFeedSegments);
        }
        let code = Some(reading.code);
        let uncredited = Receipt {
            code,
            ..Receipt::default()
        };
        let is_own = reading.control_id == self.control_id()
            || broken!(CorrelationForgotten)
            || broken!(LateCredited)
            || (broken!(IdByPrefix) && self.control_id().starts_with(reading.control_id))
            || (broken!(IdTrimmed) && self.control_id() == reading.control_id.trim_ascii());
        let is_other = !is_own;
        let is_repeated = reading.code == Code::CommitAccept && self.accepted.is_some();
        match terms.correlation {
            Correlation::Required if is_other => {
                if terms.leniencies.contains(Leniency::OtherAcknowledgment) {
                    self.warn_all(warnings);
                    self.warn(Warning::OtherAcknowledgment(1));
                } else {
                    self.fail(Desync::OtherControlId.into());
                }
                return uncredited;
            }
            // A receiver may repeat it without end.
            _ if is_repeated => {
                self.warn_all(warnings);
                self.warn(Warning::RepeatedAcknowledgment(1));
                return Receipt {
                    credited: true,
                    ..uncredited
                };
            }
            Correlation::Warned if is_other => self.warn(Warning::OtherControlId),
            _ => {}
        }
        let acknowledgment = match copy(&reading) {
            Ok(acknowledgment) => acknowledgment,
            Err(cause) => {
                self.fail(cause);
                return uncredited;
            }
        };
        self.warn_all(warnings);
        let mut owed = None;
        if reading.wants_acknowledgment {
            owed = ack::accept(&content, at);
            if owed.is_none() {
                self.warn(Warning::OwedAcknowledgmentUnsent);
            }
        }
        let errors = reading.errors();
        if terms.judging == Judging::Off && reading.code != Code::CommitAccept {
            self.settle_unjudged(content, Some(acknowledgment));
        } else {
            self.judge(acknowledgment, content, errors);
        }
        Receipt {
            code,
            credited: true,
            owed,
        }
    }

    fn judge(
        &mut self,
        acknowledgment: Acknowledgment,
        content: Vec<u8>,
        errors: Vec<ErrorDetail>,
    ) {
        let code = acknowledgment.code;
        if !self.is_asked_for(code) {
            self.warn(Warning::WrongMode(code));
        }
        if code != Code::CommitAccept {
            let verdict = if broken!(ErrorApplied) && code == Code::ApplicationError {
                Verdict::Applied
            } else {
                code.into()
            };
            return self.settle_with(verdict, content, Some(acknowledgment), errors, None);
        }
        self.accepted = Some(Accepted {
            acknowledgment,
            message: content,
        });
        self.since = None;
        let expectation = self.message.expectation;
        if !expectation.enhanced || expectation.once_accepted().limit == Limit::Nothing {
            self.settle_accepted(None);
        }
    }

    /// Whether MSH-15 and MSH-16 ask for this code now.
    const fn is_asked_for(&self, code: Code) -> bool {
        let Expectation {
            accept,
            application,
            ..
        } = self.message.expectation;
        let accepted = self.accepted.is_some();
        match code {
            Code::CommitAccept => accept.asks_for_success(),
            Code::CommitError | Code::CommitReject => accept.asks_for_errors() && !accepted,
            // What was processed was accepted, and that was to be told first.
            Code::ApplicationAccept => {
                application.asks_for_success() && (accepted || !accept.asks_for_success())
            }
            Code::ApplicationError | Code::ApplicationReject => {
                let told_first = accept.asks_for_success() && accept.asks_for_errors();
                application.asks_for_errors() && (accepted || !told_first)
            }
        }
    }

    /// Ends the exchange without an answer, and the connection with it; what was
    /// accepted before stays so.
    pub fn fail(&mut self, cause: Cause) {
        if self.settled.is_some() {
            return;
        }
        if self.is_accepted() {
            self.connection_lost = true;
            return self.settle_accepted(Some(cause));
        }
        if self.is_refused() {
            self.connection_lost = true;
            return self.settle_refused();
        }
        let failure = Failure {
            phase: self.phase(),
            delivery: self.delivery(),
            transmissions: self.transmissions,
            retries: core::mem::take(&mut self.retries),
            warnings: core::mem::take(&mut self.warnings),
            ..Failure::not_sent(Phase::Write, cause)
        };
        self.settled = Some(Err(failure));
    }

    /// Sees what it means that it is `now`; `inside_reply` tells whether a frame
    /// that may be the reply is on its way.
    pub fn check_time(&mut self, now: Instant, inside_reply: bool) {
        if self.settled.is_none() {
            self.check_silence(now, inside_reply);
        }
        if self.settled.is_some() {
            self.settled_at.get_or_insert(now);
        }
    }

    fn check_silence(&mut self, now: Instant, inside_reply: bool) {
        if !self.is_handed_over() {
            if now >= self.deadline {
                self.fail(Cause::TimedOut);
            }
            return;
        }
        self.whole_at.get_or_insert(now);
        if broken!(DeadlineMovedByBytes) && inside_reply {
            self.deadline = self.deadline.max(now.after(Duration::from_secs(1)));
        }
        let since = *self.since.get_or_insert(now);
        let Wait { limit, silence } = self.wait();
        let due = self.limit_from(since, limit);
        // A frame on its way is no silence.
        let is_broken = limit == Limit::Quiet && inside_reply;
        if now < due.min(self.deadline) || (is_broken && now < self.deadline) {
            return;
        }
        match silence {
            Silence::Agreed if due <= self.deadline && !is_broken => self.fall_silent(None),
            Silence::Ominous if due <= self.deadline && !is_broken => {
                self.fall_silent(Some(Cause::Silence));
            }
            _ => self.fall_silent(Some(Cause::TimedOut)),
        }
    }

    /// Until when there is reason to wait.
    #[must_use]
    pub fn wait_until(&self, inside_reply: bool) -> Instant {
        match (self.since, self.wait().limit) {
            (_, Limit::Quiet) if inside_reply => self.deadline,
            (Some(since), limit) if self.settled.is_none() => {
                self.limit_from(since, limit).min(self.deadline)
            }
            _ => self.deadline,
        }
    }

    fn limit_from(&self, since: Instant, limit: Limit) -> Instant {
        let limits = self.limits;
        match limit {
            Limit::Nothing => since,
            Limit::Accept => limits
                .accept
                .map_or(self.deadline, |span| since.after(span)),
            Limit::Application => limits
                .application
                .map_or(self.deadline, |span| since.after(span)),
            Limit::Quiet if broken!(QuietHalved) => {
                since.after(limits.quiet.checked_div(2).unwrap_or_default())
            }
            Limit::Quiet => since.after(limits.quiet),
        }
    }

    /// What is waited for once the whole frame was handed over.
    const fn wait(&self) -> Wait {
        let expectation = self.message.expectation;
        let first = expectation.at_first();
        match (self.commit, &self.accepted) {
            (_, Some(_)) => expectation.once_accepted(),
            (CommitBlock::Due, None) => Wait {
                limit: Limit::Accept,
                silence: Silence::Overdue,
            },
            // Silence tells the release, then.
            (CommitBlock::Perhaps, None) if matches!(first.limit, Limit::Nothing) => Wait {
                limit: Limit::Quiet,
                silence: Silence::Agreed,
            },
            _ => first,
        }
    }

    const fn phase(&self) -> Phase {
        if !self.is_handed_over() {
            return Phase::Write;
        }
        let is_due = self.message.expectation.accept.asks_for_success() && self.accepted.is_none();
        match self.wait().limit {
            Limit::Accept => Phase::Commit,
            Limit::Quiet if is_due => Phase::Commit,
            _ => Phase::Reply,
        }
    }

    /// What is missing is a reason to fail, or not, where nothing was accepted.
    fn fall_silent(&mut self, missing: Option<Cause>) {
        self.by_silence = true;
        match missing {
            missing if self.is_accepted() => self.settle_accepted(missing),
            Some(cause) if !broken!(SilenceAgreed) => self.fail(cause),
            _ => self.settle_with(Verdict::Unacknowledged, Vec::new(), None, Vec::new(), None),
        }
    }

    /// Whether the whole frame is with the transport.
    #[must_use]
    pub const fn is_handed_over(&self) -> bool {
        self.handed_over >= self.frame_size
    }

    /// Whether a frame that comes now may be the reply.
    #[must_use]
    pub const fn is_awaiting(&self) -> bool {
        self.is_handed_over() && self.settled.is_none()
    }

    /// Whether a commit block that comes now may be this message's.
    #[must_use]
    pub const fn commit_block(&self) -> CommitBlock {
        self.commit
    }

    /// Whether the receiver took the duty for the message upon itself: by its
    /// accept acknowledgment or its commit block.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        self.accepted.is_some() || matches!(self.commit, CommitBlock::Came)
    }

    /// Whether the exchange is over.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        self.settled.is_some()
    }

    /// The outcome of an exchange that is over, to see what kind it is.
    #[must_use]
    pub const fn outcome(&self) -> Option<&Result<Reply, Failure>> {
        self.settled.as_ref()
    }

    /// Adds to what the outcome tells, or told already.
    pub fn warn(&mut self, warning: Warning) {
        warning.join(match &mut self.settled {
            Some(Ok(reply)) => &mut reply.warnings,
            Some(Err(failure)) => &mut failure.warnings,
            None => &mut self.warnings,
        });
    }

    fn warn_all(&mut self, warnings: Vec<Warning>) {
        for warning in warnings {
            self.warn(warning);
        }
    }

    /// Ends the exchange.
    #[must_use]
    pub fn finish(self) -> Finished {
        let outcome = self
            .settled
            .unwrap_or(Err(Failure::not_sent(Phase::Prepare, Cause::Closed)));
        let answered = matches!(&outcome, Ok(reply) if !self.by_silence
            && (reply.acknowledgment.is_some() || reply.commit.is_some()));
        Finished {
            took: match (self.whole_at, self.settled_at) {
                (Some(whole), Some(settled)) if answered => Some(whole.until(settled)),
                _ => None,
            },
            message: self.message.is_whole().then_some(self.message),
            by_silence: self.by_silence,
            connection_lost: self.connection_lost
                || match &outcome {
                    Ok(_) => false,
                    Err(failure) => match failure.cause {
                        Cause::TimedOut => !broken!(KeptAfterTimeout),
                        Cause::ProtocolDesync(_) => !broken!(KeptAfterDesync),
                        _ => true,
                    },
                },
            outcome,
        }
    }

    fn delivery(&self) -> Delivery {
        // What follows the end block may be missing: a lenient receiver is content
        // without it.
        let end_block_went = self.left() <= self.message.trailer;
        match self.handed_over {
            // What the receiver refused to keep did arrive.
            _ if !self.retries.is_empty() => Delivery::InDoubt,
            0 if !self.begun => Delivery::NotSent,
            _ if end_block_went && broken!(NotSentAfterEndBlock) => Delivery::NotSent,
            _ if end_block_went && broken!(CutShortAfterEndBlock) => Delivery::CutShort,
            _ if end_block_went || broken!(InDoubtOfCutShort) => Delivery::InDoubt,
            _ => Delivery::CutShort,
        }
    }

    /// The message was accepted, and no more will come; where more is `missing`,
    /// this is why.
    fn settle_accepted(&mut self, missing: Option<Cause>) {
        let (acknowledgment, message) = match &mut self.accepted {
            Some(Accepted {
                acknowledgment,
                message,
            }) => (Some(acknowledgment.clone()), core::mem::take(message)),
            None => (None, Vec::new()),
        };
        let verdict = if broken!(CommitApplied) {
            Verdict::Applied
        } else {
            Verdict::Accepted
        };
        self.settle_with(verdict, message, acknowledgment, Vec::new(), None);
        if let Some(cause) = missing {
            self.warn(Warning::AcknowledgmentMissing(cause));
        }
    }

    /// Of a message that was accepted no unjudged reply can say less.
    fn settle_unjudged(&mut self, content: Vec<u8>, acknowledgment: Option<Acknowledgment>) {
        let verdict = if self.is_accepted() {
            Verdict::Accepted
        } else {
            Verdict::Unjudged
        };
        self.settle_with(verdict, content, acknowledgment, Vec::new(), None);
    }

    /// The first outcome stands: nothing that comes later can change it.
    fn settle_with(
        &mut self,
        verdict: Verdict,
        message: Vec<u8>,
        acknowledgment: Option<Acknowledgment>,
        errors: Vec<ErrorDetail>,
        commit: Option<Commit>,
    ) {
        if self.settled.is_some() {
            return;
        }
        if self.commit == CommitBlock::Due && commit.is_none() {
            self.warn(Warning::CommitMissing);
        }
        let came = (self.commit == CommitBlock::Came).then_some(Commit::Positive);
        self.settled = Some(Ok(Reply {
            message,
            verdict,
            acknowledgment,
            accept: self.accepted.take().map(|accepted| accepted.acknowledgment),
            commit: commit.or(came),
            errors,
            warnings: core::mem::take(&mut self.warnings),
            transmissions: self.transmissions,
            retries: core::mem::take(&mut self.retries),
        }));
    }
}

/// An exchange that is over.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub outcome: Result<Reply, Failure>,
    /// The message, to be sent again; `None` where it was not kept.
    pub message: Option<Outgoing>,
    /// How long the acknowledgment took from the moment the whole frame was handed
    /// over; `None` where none settled the exchange.
    pub took: Option<Duration>,
    /// Whether silence ended it.
    pub by_silence: bool,
    /// Whether the connection cannot be used any more.
    pub connection_lost: bool,
}

impl Finished {
    /// Of an exchange that never was.
    #[must_use]
    pub const fn without_connection() -> Self {
        Self {
            outcome: Err(Failure::not_sent(Phase::Prepare, Cause::Closed)),
            message: None,
            took: None,
            by_silence: false,
            connection_lost: true,
        }
    }
}

/// The reading's code and control id for keeping. The host may refuse the memory:
/// without correlation a receiver can make the id long.
fn copy(reading: &Reading<'_>) -> Result<Acknowledgment, Cause> {
    let mut control_id = Vec::new();
    append(&mut control_id, reading.control_id)?;
    Ok(Acknowledgment {
        code: reading.code,
        control_id,
    })
}

impl fmt::Debug for Exchange {
    /// Tells lengths alone: the frame is patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("handed_over", &self.handed_over)
            .field("left", &self.left())
            .field("commit", &self.commit)
            .field("accepted", &self.accepted.is_some())
            .field("settled", &self.settled)
            .finish_non_exhaustive()
    }
}
