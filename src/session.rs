//! One connection's life as machines: a look before each exchange, one exchange
//! at a time, and between two the memory of what stands unread. It joins the
//! exchange to the bytes of the connection, plain or TLS's, and does no I/O.
//!
//! Whose a frame is, is decided here:
//!
//! ```text
//!                       ┌─ commit block ───────────▶ the exchange's, or what we owed
//!  bytes ─▶ decoder ─▶ frame
//!                       ├─ begun before the message was handed over, or on the
//!                       │  idle connection: an acknowledgment that is late, or
//!                       │  a desync
//!                       └─ else: late, by its control id, or the exchange's
//! ```

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::clock::Instant;
use crate::error::{Cause, Desync, Failure, Hint, Phase, TlsProblem};
use crate::limits::{
    FIRST_LOOK_MS_MAX, IDLE_MS_BEFORE_WAITING_LOOK, LOOK_MS, OWED_BYTES_MAX, OWED_TOTAL_BYTES_MAX,
};
use crate::machine::{Input, Machine, Output};
use crate::memory::{append, reserve};
use crate::proto::ack;
use crate::proto::exchange::{Commit, CommitBlock, Exchange, Finished, Receipt, Verdict};
use crate::proto::frame::{Decoder, Incoming, Outgoing};
use crate::proto::framing::{Framing, contains};
use crate::proto::leniency::Leniency;
use crate::proto::outstanding::Outstanding;
use crate::proto::terms::{Correlation, Release, Terms};
use crate::proto::warning::Warning;
use crate::segments::Segments;
use crate::tls::pump::{Progress, Pump, Received};
use crate::transcript::{Event, Notes};

/// A connection and the exchange in progress on it, if any.
pub struct Session {
    terms: Terms,
    wire: Wire,
    segments: Segments,
    decoder: Decoder,
    /// Whether the frame on its way began when no reply was due.
    early: bool,
    /// White space that followed the last exchange's frame.
    space: u32,
    outstanding: Outstanding,
    /// Whether the exchange in progress is among them.
    remembered: bool,
    /// The release of MLLP, once it is known.
    release: Release,
    /// Frames that the receiver is owed, as they go out.
    owed: Vec<u8>,
    /// How many of them the receiver will answer with a commit block.
    commits_for_owed: u32,
    /// Until when these are waited for once all else is over.
    commits_due: Option<Instant>,
    /// Acknowledgments that are owed, and may not go out while a message waits for
    /// its commit block: theirs could not be told from it.
    held_back: Vec<Vec<u8>>,
    /// What is being sent.
    sending: Option<Source>,
    /// When the last exchange, or connecting, was over.
    idle_since: Instant,
    /// What keeps the connection from being used again.
    ended: Option<Cause>,
    /// What the next outcome has to tell.
    pending: Vec<Warning>,
    /// The time of day when the exchange began.
    time_of_day: Duration,
    exchange: Option<Exchange>,
    notes: Notes,
}

/// What the connection's bytes are.
#[derive(Debug)]
enum Wire {
    Plain,
    Tls {
        pump: Pump,
        /// Until when the first look waits for a verdict on the client
        /// certificate.
        verdict_due: Instant,
    },
}

/// What there is to transmit.
#[derive(Clone, Copy)]
enum Source {
    Frame,
    Owed,
}

impl Session {
    /// A session on a plain connection that is new `now`, on these terms.
    #[must_use]
    pub fn new(terms: Terms, now: Instant) -> Self {
        let decoder = Decoder::new(
            terms.framing.clone(),
            terms.leniencies,
            terms.max_message_size,
        );
        Self {
            release: terms.release,
            terms,
            wire: Wire::Plain,
            segments: Segments::ETHERNET,
            decoder,
            early: true,
            space: 0,
            outstanding: Outstanding::default(),
            remembered: false,
            owed: Vec::new(),
            commits_for_owed: 0,
            commits_due: None,
            held_back: Vec::new(),
            sending: None,
            idle_since: now,
            ended: None,
            pending: Vec::new(),
            time_of_day: Duration::ZERO,
            exchange: None,
            notes: Notes::default(),
        }
    }

    /// The same with the receiver at this address, for the segments that its bytes go
    /// in.
    #[must_use]
    pub const fn towards(mut self, receiver: IpAddr) -> Self {
        self.segments = Segments::towards(receiver);
        self
    }

    /// The same on a TLS connection, on which `plain` came already, and whose
    /// handshake took `took`.
    #[must_use]
    pub fn secured(mut self, pump: Pump, plain: &[u8], took: Duration) -> Self {
        let patience = took
            .saturating_mul(2)
            .min(Duration::from_millis(FIRST_LOOK_MS_MAX));
        self.wire = Wire::Tls {
            pump,
            verdict_due: self.idle_since.after(patience),
        };
        self.take(plain);
        self
    }

    /// Sets the time of day, since 1970: for the acknowledgments that are owed, and
    /// for TLS. It is to be set before each look.
    pub fn set_time_of_day(&mut self, time_of_day: Duration) {
        self.time_of_day = time_of_day;
        if let Some(pump) = self.pump() {
            pump.set_time(time_of_day);
        }
    }

    /// Looks at the idle connection before anything is written, at most until
    /// `deadline`: what stands unread there belongs to no message, and an ended
    /// connection is found while the message is still `not-sent`.
    pub fn look(&mut self, deadline: Instant) -> Look<'_> {
        Look {
            session: self,
            deadline,
            over: false,
            failed: None,
        }
    }

    /// Begins the exchange of `message`, to be over by `deadline`, on a connection
    /// that was looked at. With `keep` the message can be had back.
    pub fn begin(&mut self, message: Outgoing, deadline: Instant, keep: bool) {
        let commit = match self.release {
            Release::One => CommitBlock::None,
            Release::Two => CommitBlock::Due,
            Release::Auto => CommitBlock::Perhaps,
        };
        self.space = self.decoder.take_space();
        self.remembered = false;
        // What began in the last exchange is not this one's.
        self.early = true;
        let content = message.size().saturating_sub(self.terms.framing.size());
        self.notes.note(Event::MessageBegun, content);
        let mut exchange = Exchange::new(message, deadline, commit, keep, &self.terms);
        for warning in self.pending.drain(..) {
            exchange.warn(warning);
        }
        self.exchange = Some(exchange);
    }

    /// Ends the exchange and returns what came of it. After a failure, or where the
    /// connection is lost, the session must not be used again: what comes late
    /// would meet the next message.
    pub fn finish(&mut self) -> Finished {
        self.remember();
        let Some(mut exchange) = self.exchange.take() else {
            return Finished::without_connection();
        };
        let space = self.space.saturating_add(self.decoder.take_space());
        if space > 0 {
            exchange.warn(Warning::SpaceAfterFrame(space));
        }
        let still_owed = self.owes() || self.commits_for_owed > 0;
        if still_owed {
            exchange.warn(Warning::OwedAcknowledgmentUnsent);
        }
        if self.pump().is_some_and(|pump| pump.is_insecure()) {
            exchange.warn(Warning::Insecure);
        }
        // Where a reply need not be the message's own, one that comes late would be
        // the next message's.
        let takes_any = self.terms.correlation != Correlation::Required;
        let verdict = exchange.outcome().and_then(|outcome| outcome.as_ref().ok());
        let accepted = verdict.is_some_and(|reply| reply.verdict == Verdict::Accepted);
        let is_wrong = |warning: &Warning| matches!(warning, Warning::WrongMode(_));
        let more_may_come =
            accepted || verdict.is_some_and(|reply| reply.warnings.iter().any(is_wrong));
        // A commit block has no control id at all.
        let commit_may_come = exchange.commit_block() == CommitBlock::Due
            && verdict.is_some_and(|reply| reply.commit.is_none())
            && !broken!(CommitStillDue);
        if verdict.is_some_and(|reply| reply.verdict == Verdict::Unacknowledged)
            && self.release == Release::Auto
        {
            // A receiver of Release 2 would have sent its commit block.
            self.release = Release::One;
        }
        let finished = exchange.finish();
        Finished {
            connection_lost: finished.connection_lost
                || still_owed
                || commit_may_come
                || (takes_any && (finished.by_silence || more_may_come)),
            outcome: finished.outcome.map_err(|failure| self.explained(failure)),
            ..finished
        }
    }

    /// The TLS connection, if it is one.
    pub fn pump(&mut self) -> Option<&mut Pump> {
        match &mut self.wire {
            Wire::Plain => None,
            Wire::Tls { pump, .. } => Some(pump),
        }
    }

    /// What the next outcome has to tell, of a connection that is given up before.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        if self.owes() {
            Warning::OwedAcknowledgmentUnsent.join(&mut self.pending);
        }
        core::mem::take(&mut self.pending)
    }

    /// Whether anything is owed that did not go out.
    const fn owes(&self) -> bool {
        !self.owed.is_empty() || !self.held_back.is_empty()
    }

    /// What happened since last asked.
    pub fn notes(&mut self) -> &mut Notes {
        &mut self.notes
    }

    /// For how long the connection has been idle, as of `now`.
    #[must_use]
    pub const fn idle_for(&self, now: Instant) -> Duration {
        self.idle_since.until(now)
    }

    /// Until when a look at the connection waits, as of `now`.
    fn look_until(&self, now: Instant) -> Instant {
        let idle = self.idle_since.until(now);
        let moment = if idle < Duration::from_millis(IDLE_MS_BEFORE_WAITING_LOOK) {
            now
        } else {
            now.after(Duration::from_millis(LOOK_MS))
        };
        match &self.wire {
            Wire::Tls { pump, verdict_due } if pump.awaits_verdict_on_identity() => {
                moment.max(*verdict_due)
            }
            _ => moment,
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        let Wire::Tls { pump, .. } = &mut self.wire else {
            return self.take(bytes);
        };
        let Received {
            plain,
            ended,
            failure,
        } = pump.receive(bytes);
        self.take(&plain);
        if let Some(cause) = failure.or(ended.then_some(Cause::ConnectionEnded)) {
            self.end(cause);
        }
    }

    fn transmitted(&mut self, bytes: usize) {
        self.notes.note(Event::HandedOver, bytes);
        match &mut self.wire {
            Wire::Plain => {
                self.begun_or_transmitted(bytes, false);
            }
            Wire::Tls { pump, .. } => {
                let Progress { whole, part } = pump.transmitted(bytes);
                self.begun_or_transmitted(whole, part);
            }
        }
    }

    /// Of what is being sent, `whole` bytes are with the transport, and where there
    /// is a `part`, some of a record that follows.
    fn begun_or_transmitted(&mut self, whole: usize, part: bool) {
        match (self.sending, &mut self.exchange) {
            (Some(Source::Owed), _) => {
                self.owed.drain(..whole.min(self.owed.len()));
            }
            (Some(Source::Frame), Some(exchange)) => {
                if part {
                    exchange.begun();
                }
                if whole > 0 {
                    exchange.transmitted(whole);
                }
                if whole > 0 && exchange.is_handed_over() {
                    self.notes.note(Event::WholeFrame, 0);
                }
            }
            _ => {}
        }
    }

    /// Takes application data.
    fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.ended.is_none() {
            if !self.decoder.is_inside_frame() {
                self.early = !self.is_awaiting();
            }
            let surplus = self.is_answered().then_some(bytes.len());
            match self.decoder.decode(bytes) {
                Ok((used, frame)) => {
                    bytes = bytes.get(used..).unwrap_or_default();
                    if let Some(frame) = frame {
                        self.route(frame);
                    } else if self.decoder.is_inside_frame() && self.early && !self.bears_others() {
                        self.out_of_step(Desync::UnreadFrame.into());
                    }
                }
                Err(cause) => self.out_of_step(cause),
            }
            if let (Some(count), Some(Cause::ProtocolDesync(_))) = (surplus, &self.ended) {
                // The verdict of this exchange stands; what follows its frame keeps
                // the next one from beginning.
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                self.warn(Warning::BytesAfterFrame(count));
            }
        }
    }

    /// What the receiver says does not fit: the exchange's failure if it was the
    /// exchange's turn, and in any case the end of the connection.
    fn out_of_step(&mut self, cause: Cause) {
        let cause = match &self.exchange {
            Some(exchange) if exchange.is_awaiting() => cause,
            Some(exchange) if !exchange.is_settled() => Desync::EarlyReply.into(),
            _ => match cause {
                Cause::ProtocolDesync(Desync::BytesBeforeStartBlock) => Desync::UnreadBytes.into(),
                Cause::OutOfMemory => cause,
                _ => Desync::UnreadFrame.into(),
            },
        };
        self.end(cause);
    }

    fn route(&mut self, frame: Incoming) {
        if self.terms.release != Release::One
            && let Some(commit) = Commit::read(&frame.content)
        {
            return self.receive_commit(commit);
        }
        let is_due = self.is_awaiting() && !self.early;
        let may_be_late = !self.outstanding.is_empty() && !broken!(LateCredited);
        if may_be_late && self.is_late(&frame, is_due) {
            return;
        }
        if is_due {
            self.receive_reply(frame);
        } else if !self.is_other(&frame) {
            let code = ack::read(&frame.content, true).map(|reading| reading.code);
            let event = code.map_or(Event::OtherFrame, Event::Acknowledgment);
            self.notes.note(event, frame.content.len());
            self.out_of_step(Desync::UnreadFrame.into());
        }
    }

    fn receive_commit(&mut self, commit: Commit) {
        let positive = commit == Commit::Positive;
        self.notes.note(Event::Commit(positive), 1);
        if self.commits_for_owed > 0 {
            self.commits_for_owed = self.commits_for_owed.saturating_sub(1);
            if !positive {
                self.warn(Warning::OwedAcknowledgmentUnsent);
            }
            return;
        }
        match &mut self.exchange {
            Some(exchange) if exchange.is_awaiting() && !self.early => {
                exchange.receive_commit(commit, &self.terms);
                self.release = Release::Two;
                self.remember();
            }
            _ => self.out_of_step(Desync::UnexpectedCommit.into()),
        }
    }

    fn receive_reply(&mut self, frame: Incoming) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let size = frame.content.len();
        let Receipt {
            code,
            credited,
            owed,
        } = exchange.receive(frame, &self.terms, self.time_of_day);
        let event = match code {
            None => Event::OtherFrame,
            Some(code) if credited => Event::Acknowledgment(code),
            Some(_) => Event::OtherAcknowledgment,
        };
        self.notes.note(event, size);
        if !credited {
            return;
        }
        match exchange.commit_block() {
            CommitBlock::Came => self.owe(&[Commit::Positive.byte()], "commit block 06"),
            // A receiver of Release 2 would have sent its commit block first.
            CommitBlock::Perhaps => self.release = Release::One,
            CommitBlock::None | CommitBlock::Due => {}
        }
        if let Some(acknowledgment) = owed.filter(|_| !broken!(OwedForgotten)) {
            self.owe_acknowledgment(&acknowledgment);
        }
        self.remember();
    }

    /// Remembers a message as soon as it is settled on its accept acknowledgment: the
    /// application's may come right behind it.
    fn remember(&mut self) {
        let keeps_order = self.terms.correlation != Correlation::Off;
        let Some(exchange) = self.exchange.as_ref().filter(|_| keeps_order) else {
            return;
        };
        let outcome = exchange.outcome().and_then(|outcome| outcome.as_ref().ok());
        let is_accepted = outcome.is_some_and(|reply| reply.verdict == Verdict::Accepted);
        if is_accepted && !self.remembered {
            self.outstanding.add(exchange.control_id());
            self.remembered = true;
        }
    }

    /// Whether the frame is an application acknowledgment of a message that was
    /// settled on its accept acknowledgment.
    fn is_late(&mut self, frame: &Incoming, is_due: bool) -> bool {
        let line_feeds = self.terms.leniencies.contains(Leniency::LineFeedSegments);
        let Ok(reading) = ack::read(&frame.content, line_feeds) else {
            return false;
        };
        let is_own = self
            .exchange
            .as_ref()
            .is_some_and(|exchange| exchange.control_id() == reading.control_id);
        if reading.code.is_accept_level()
            || (is_due && is_own)
            || !self.outstanding.remove(reading.control_id)
        {
            return false;
        }
        let event = Event::LateAcknowledgment(reading.code);
        self.notes.note(event, frame.content.len());
        let acknowledgment = ack::Acknowledgment {
            code: reading.code,
            // No longer than what was remembered.
            control_id: reading.control_id.to_vec(),
        };
        let wants_acknowledgment = reading.wants_acknowledgment;
        self.warn_of(frame, reading.line_feeds);
        self.warn(Warning::LateAcknowledgment(acknowledgment));
        if self.release == Release::Two {
            self.owe(&[Commit::Positive.byte()], "commit block 06");
        }
        if wants_acknowledgment {
            match ack::accept(&frame.content, self.time_of_day) {
                Some(acknowledgment) => self.owe_acknowledgment(&acknowledgment),
                None => self.warn(Warning::OwedAcknowledgmentUnsent),
            }
        }
        true
    }

    /// Whether the frame acknowledges another message than the one that is being
    /// sent, and that is borne.
    fn is_other(&mut self, frame: &Incoming) -> bool {
        let leniencies = self.terms.leniencies;
        if !leniencies.contains(Leniency::OtherAcknowledgment) {
            return false;
        }
        let line_feeds = leniencies.contains(Leniency::LineFeedSegments);
        let is_own = |id: &[u8]| {
            let exchange = self.exchange.as_ref();
            exchange.is_some_and(|exchange| !exchange.is_settled() && exchange.control_id() == id)
        };
        match ack::read(&frame.content, line_feeds) {
            Ok(reading) if !is_own(reading.control_id) => {
                let size = frame.content.len();
                self.notes.note(Event::OtherAcknowledgment, size);
                self.warn_of(frame, reading.line_feeds);
                self.warn(Warning::OtherAcknowledgment(1));
                true
            }
            _ => false,
        }
    }

    fn owe_acknowledgment(&mut self, content: &[u8]) {
        let Framing { start, end, .. } = &self.terms.framing;
        let cannot_be_framed = [start, end]
            .into_iter()
            .any(|block| contains(content, block));
        if cannot_be_framed || content.len() > OWED_BYTES_MAX {
            return self.warn(Warning::OwedAcknowledgmentUnsent);
        }
        let mut held_back = Vec::new();
        if append(&mut held_back, content).is_err() {
            return self.warn(Warning::OwedAcknowledgmentUnsent);
        }
        self.held_back.push(held_back);
        // It names the acknowledgment: two must not have one name.
        self.time_of_day = self.time_of_day.saturating_add(Duration::from_nanos(1));
    }

    /// Lets the acknowledgments that are owed go out, as soon as no message waits
    /// for its commit block.
    fn let_go(&mut self) {
        let is_waiting = |exchange: &Exchange| {
            let commit = exchange.commit_block();
            let is_out = exchange.is_under_way() || exchange.is_awaiting();
            is_out && matches!(commit, CommitBlock::Due | CommitBlock::Perhaps)
        };
        if self.exchange.as_ref().is_some_and(is_waiting) {
            return;
        }
        for content in core::mem::take(&mut self.held_back) {
            if self.release == Release::Two {
                self.commits_for_owed = self.commits_for_owed.saturating_add(1);
            }
            self.owe(&content, "accept acknowledgment");
        }
    }

    fn owe(&mut self, content: &[u8], what: &'static str) {
        if self.owed.len() > OWED_TOTAL_BYTES_MAX {
            // It asks for more than it reads.
            return self.end(Desync::UnreadFrame.into());
        }
        self.notes.note(Event::Owed(what), content.len());
        let Framing {
            start,
            end,
            trailer,
        } = &self.terms.framing;
        let size = content.len().saturating_add(self.terms.framing.size());
        if let Err(cause) = reserve(&mut self.owed, size) {
            self.warn(Warning::OwedAcknowledgmentUnsent);
            return self.end(cause);
        }
        for part in [start.as_slice(), content, end, trailer] {
            self.owed.extend_from_slice(part);
        }
    }

    /// Tells with the exchange in progress, or with the next one.
    fn warn(&mut self, warning: Warning) {
        match &mut self.exchange {
            Some(exchange) => exchange.warn(warning),
            None => warning.join(&mut self.pending),
        }
    }

    /// Tells of the leniencies that a frame needed which belongs to no exchange in
    /// progress.
    fn warn_of(&mut self, frame: &Incoming, line_feeds: bool) {
        let line_feeds = line_feeds.then_some(Warning::LineFeedSegments);
        for warning in frame.warnings.iter().cloned().chain(line_feeds) {
            self.warn(warning);
        }
    }

    /// Whether frames that nobody waits for may be in order.
    fn bears_others(&self) -> bool {
        !self.outstanding.is_empty()
            || self
                .terms
                .leniencies
                .contains(Leniency::OtherAcknowledgment)
            || self.commits_for_owed > 0
    }

    fn is_awaiting(&self) -> bool {
        self.exchange.as_ref().is_some_and(Exchange::is_awaiting)
    }

    fn is_answered(&self) -> bool {
        let exchange = self.exchange.as_ref();
        matches!(exchange.and_then(Exchange::outcome), Some(Ok(_)))
    }

    /// Whether a frame that may be the reply is on its way.
    fn is_inside_reply(&self) -> bool {
        self.decoder.is_inside_frame() && !self.early
    }

    /// Whether a stream that ends now, without TLS's closing, is cut off in the
    /// middle of something.
    fn is_cut_off(&self) -> bool {
        match &self.wire {
            Wire::Tls { pump, .. } if self.is_awaiting() => {
                self.is_inside_reply() || pump.holds_part_of_a_record()
            }
            _ => false,
        }
    }

    /// A failure whose cause may lie in what the receiver thinks of the client
    /// certificate.
    fn explained(&self, failure: Failure) -> Failure {
        let lost = matches!(
            failure.cause,
            Cause::ConnectionEnded | Cause::ConnectionBroken
        );
        match &self.wire {
            Wire::Tls { pump, .. } if lost && pump.awaits_verdict_on_identity() => Failure {
                hint: Some(Hint::ClientCertificate),
                ..failure
            },
            _ => failure,
        }
    }

    /// The connection is over.
    fn end(&mut self, cause: Cause) {
        if self.ended.is_none() {
            self.ended = Some(cause.clone());
        }
        if let Some(exchange) = &mut self.exchange {
            exchange.fail(cause);
        }
    }

    /// What is to be transmitted next, and whose it is.
    fn next_source(&self) -> Option<Source> {
        let exchange = self.exchange.as_ref()?;
        let has_frame = !exchange.is_settled() && exchange.left() > 0;
        if has_frame && exchange.is_under_way() {
            Some(Source::Frame)
        } else if !self.owed.is_empty() {
            Some(Source::Owed)
        } else {
            has_frame.then_some(Source::Frame)
        }
    }

    /// Once all else is over, what the receiver still has to commit is waited for as
    /// long as a commit block may take, and no longer than silence has to last where
    /// that is not set.
    fn expect_commits(&mut self, now: Instant) {
        if !self.is_answered() || self.owes() || self.commits_for_owed == 0 {
            self.commits_due = None;
            return;
        }
        let terms = &self.terms;
        let patience = terms.accept_timeout_ms.unwrap_or(terms.quiet_period_ms);
        let due = now.after(Duration::from_millis(patience.into()));
        self.commits_due.get_or_insert(due);
    }

    /// Chooses what goes next and, under TLS, puts the next part of it into records
    /// as soon as those of the last part went: it joins what else TLS has to say in
    /// one write.
    fn encrypt(&mut self) {
        let next = self.next_source();
        let (Some(exchange), Wire::Tls { pump, .. }) = (&mut self.exchange, &mut self.wire) else {
            self.sending = next;
            return;
        };
        if pump.holds_application_data() {
            return;
        }
        self.sending = next;
        let segments = self.segments;
        let encrypted = match next {
            None => return,
            Some(Source::Frame) => {
                let part = pump.next_part(segments, exchange.left());
                pump.encrypt(exchange.to_transmit(&self.terms.framing, part))
            }
            Some(Source::Owed) => {
                let part = pump.next_part(segments, self.owed.len());
                pump.encrypt(self.owed.get(..part).unwrap_or_default())
            }
        };
        if let Err(cause) = encrypted {
            self.end(cause);
        }
    }

    /// Whether the exchange, and what is owed after it, is over as of `now`.
    fn is_over(&self, now: Instant) -> bool {
        let Some(exchange) = &self.exchange else {
            return true;
        };
        let nothing_owed = !self.owes() && self.commits_for_owed == 0;
        let overdue = self.commits_due.is_some_and(|due| now >= due);
        let given_up = self.ended.is_some() || overdue || now >= exchange.deadline();
        match exchange.outcome() {
            None => false,
            Some(Err(_)) => true,
            Some(Ok(_)) => nothing_owed || given_up,
        }
    }
}

impl Machine for Session {
    fn poll(&mut self, now: Instant) -> Output<'_> {
        self.notes.stamp(now);
        let inside_reply = self.is_inside_reply();
        if let Some(exchange) = &mut self.exchange {
            exchange.check_time(now, inside_reply);
        }
        self.let_go();
        self.expect_commits(now);
        if self.is_over(now) {
            self.idle_since = now;
            return Output::Done;
        }
        self.encrypt();
        if self.is_over(now) {
            return Output::Done;
        }
        let Some(exchange) = &mut self.exchange else {
            return Output::Done;
        };
        let deadline = exchange.deadline();
        let until = exchange.wait_until(inside_reply);
        let bytes = match &mut self.wire {
            Wire::Plain => match self.sending {
                None => &[],
                Some(Source::Frame) => {
                    let next = self.segments.next_write(exchange.left());
                    exchange.to_transmit(&self.terms.framing, next)
                }
                Some(Source::Owed) => &self.owed,
            },
            Wire::Tls { pump, .. } => pump.to_transmit(),
        };
        if bytes.is_empty() {
            Output::Wait(self.commits_due.map_or(until, |due| due.min(until)))
        } else {
            Output::Transmit(bytes, deadline)
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        match input {
            Input::Received(bytes) => {
                self.notes.note(Event::Came, bytes.len());
                self.receive(bytes);
            }
            Input::Quiet => self.notes.note(Event::LookedQuiet, 0),
            Input::Ended => {
                self.notes.note(Event::Ended, 0);
                if self.is_cut_off() {
                    self.end(TlsProblem::Truncated.into());
                } else {
                    self.end(Cause::ConnectionEnded);
                }
            }
            Input::Broken => {
                self.notes.note(Event::Broken, 0);
                self.end(Cause::ConnectionBroken);
            }
            Input::OutOfMemory => self.end(Cause::OutOfMemory),
            Input::Transmitted(bytes) => self.transmitted(bytes),
        }
    }
}

impl fmt::Debug for Session {
    /// Tells lengths alone: what is on its way is patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("wire", &self.wire)
            .field("decoder", &self.decoder)
            .field("ended", &self.ended)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

/// A look at the idle connection.
#[derive(Debug)]
pub struct Look<'s> {
    session: &'s mut Session,
    deadline: Instant,
    over: bool,
    failed: Option<Cause>,
}

impl Look<'_> {
    /// What the look found.
    ///
    /// # Errors
    /// What keeps the connection from being used, `not-sent`.
    pub fn finish(self) -> Result<(), Failure> {
        match self.failed {
            None => Ok(()),
            Some(cause) => {
                let warnings = self.session.take_warnings();
                Err(self.session.explained(Failure {
                    warnings,
                    ..Failure::not_sent(Phase::Write, cause)
                }))
            }
        }
    }
}

impl Machine for Look<'_> {
    fn poll(&mut self, now: Instant) -> Output<'_> {
        self.session.notes.stamp(now);
        self.failed = self.session.ended.clone();
        if self.failed.is_none() && now >= self.deadline {
            self.failed = Some(Cause::TimedOut);
        }
        if self.over || self.failed.is_some() {
            Output::Done
        } else {
            Output::Look(self.session.look_until(now).min(self.deadline))
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.over |= matches!(input, Input::Quiet);
        self.session.handle(input);
    }
}
