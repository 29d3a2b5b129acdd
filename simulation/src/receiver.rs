//! The model receiver. It reads what it gets with a decoder of its own, knows each
//! message by its content, answers as MSH-15 and MSH-16 ask, or not, and keeps a log
//! of what it took and what it said.

use std::fmt;

use marks::NAME;
use mllp_client::proto::ack::Code;
use mllp_client::proto::leniency::Leniency;
use mllp_client::proto::terms::{AcknowledgmentMode, Release, SettleOn};

use crate::fault::Fault;
use crate::message::{self, Message};
use crate::trace::Event;
use crate::world::{Coming, State};

/// What the receiver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A commit block; whether it is positive.
    Commit(bool),
    /// An acknowledgment by this code.
    Code(Code),
    /// Something without an acknowledgment in it.
    Other,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commit(true) => f.write_str("06"),
            Self::Commit(false) => f.write_str("15"),
            Self::Code(code) => f.write_str(code.letters()),
            Self::Other => f.write_str("no acknowledgment"),
        }
    }
}

/// Something that the receiver said in a whole frame.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    /// On which connection.
    pub line: usize,
    /// What.
    pub said: Said,
    /// Which message it meant; `None` for none, or for an owed acknowledgment.
    pub message: Option<usize>,
    /// MSA-2; of a commit block nothing.
    pub id: Vec<u8>,
    /// When its end block arrives.
    pub whole_at: u64,
}

/// An acknowledgment that asks for one itself.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Its own MSH-10.
    pub(crate) id: Vec<u8>,
    /// That of the message that it is for.
    pub(crate) message: Vec<u8>,
    /// What it asks for came.
    pub(crate) came: bool,
}

/// What is different about a reply.
#[derive(Clone, Copy, Debug, Default)]
struct Form {
    over_long: bool,
    unknown_code: bool,
    missing_msa: bool,
    empty: bool,
    start_block: bool,
    line_feeds: bool,
}

impl State {
    /// The receiver has a whole frame with this content.
    pub(crate) fn take(&mut self, line: usize, content: Vec<u8>) {
        if let [0x06 | 0x15] = content[..] {
            return self.add(Event::TookOwed(line, 1));
        }
        let Some(number) = message::number(&content) else {
            return self.take_owed(line, &content);
        };
        self.add(Event::Took(line, content.len()));
        let Some(message) = self.messages.get(number) else {
            return self.violate("the receiver gets what the caller gave");
        };
        if message.wire != content {
            return self.violate("the receiver gets what the caller gave");
        }
        if self.call.message != Some(number) {
            return self.violate("a message goes out in its own call alone");
        }
        let message = message.clone();
        self.react(line, number, &message);
    }

    /// An acknowledgment that the sender owed.
    fn take_owed(&mut self, line: usize, content: &[u8]) {
        self.add(Event::TookOwed(line, content.len()));
        let segments: Vec<&[u8]> = content.split(|byte| *byte == b'\r').collect();
        let separator = content.get(3).copied().unwrap_or_default();
        let msa = segments.get(1).copied().unwrap_or_default();
        let fields: Vec<&[u8]> = msa.split(|byte| *byte == separator).collect();
        let due = |id: &[u8]| {
            let mut asked = self.asked.iter();
            asked.position(|asked| asked.id == id && !asked.came)
        };
        match fields[..] {
            [b"MSA", b"CA", id] if let Some(place) = due(id) => self.asked[place].came = true,
            _ => self.violate("nothing is acknowledged that did not ask for it, or twice"),
        }
        if self.plan.receiver_release != Release::Two {
            return;
        }
        let at = self.now + self.moment();
        if self.happens_on(line, Fault::OwedCommitMissing) {
            if self.chance.per_mille(500) {
                self.say_commit(line, None, false, at);
            }
        } else {
            self.say_commit(line, None, true, at);
        }
    }

    fn react(&mut self, line: usize, number: usize, message: &Message) {
        let mut at = self.now + self.moment();
        if self.happens_on(line, Fault::EndBeforeReply) {
            return self.end(line, at);
        }
        if self.happens_on(line, Fault::ResetBeforeReply) {
            self.push(line, at, Coming::Reset);
            return;
        }
        if self.happens_on(line, Fault::Silence) {
            return;
        }
        let release = self.plan.options.terms.release;
        if release != Release::Auto && release != self.plan.receiver_release {
            self.fault(Fault::OtherRelease, true);
            self.lines[line].is_tainted = true;
            // A commit block is one reply too many to a sender who knows none.
            self.lines[line].lies = true;
        }
        let mut commit_is_behind = false;
        if self.plan.receiver_release == Release::Two {
            if self.happens_on(line, Fault::NegativeCommit) {
                self.say_commit(line, Some(number), false, at);
                if self.chance.per_mille(900) {
                    return;
                }
                self.lines[line].lies = true;
            } else if self.happens_on(line, Fault::CommitBehindReply) {
                commit_is_behind = true;
            } else if !self.happens_on(line, Fault::MissingCommit) {
                at = self.say_commit(line, Some(number), true, at);
            }
        }
        if self.happens_on(line, Fault::StrayCommit) {
            self.lines[line].lies = true;
            let positive = self.chance.per_mille(700);
            at = self.say_commit(line, Some(number), positive, at);
        }
        let codes = if self.happens_on(line, Fault::WrongMode) {
            vec![self.any_code()]
        } else {
            self.codes(message)
        };
        let mut earlier = self.messages[..number].iter();
        if earlier.any(|earlier| earlier.id == message.id) {
            self.lines[line].is_unclear = true;
        }
        let settles_on_commit = self.plan.receiver_release == Release::Two
            && self.plan.options.terms.settle_on == SettleOn::Accept;
        self.lines[line].is_unclear |=
            settles_on_commit && codes.first().is_some_and(|code| code.is_accept_level());
        for (index, code) in codes.iter().enumerate() {
            at += self.moment();
            if self.happens_on(line, Fault::LateReply) {
                at += u64::from(self.plan.options.timeout_ms) * 1_000_000;
            } else if index > 0 && self.happens_on(line, Fault::LateApplication) {
                at += self.chance.below(10_000_000_000);
            }
            at = self.reply(line, number, *code, at);
        }
        if commit_is_behind {
            let later = self.chance.one_of(&[0, 1_000_000, 1_000_000_000]);
            at = self.say_commit(line, Some(number), true, at + later);
        }
        if let Some(code) = codes.last()
            && self.happens_on(line, Fault::Duplicate)
        {
            self.lines[line].lies = true;
            let later = self.chance.one_of(&[0, 1_000_000, 1_000_000_000]);
            self.lines[line].holds_foreign = true;
            self.say_code(line, Some(number), message, &message.id, *code, at + later);
        }
        if self.happens_on(line, Fault::EndAfterReply) {
            let later = self.chance.one_of(&[0, 1_000_000, 1_000_000_000]);
            self.end(line, at + later);
        }
    }

    /// It answers what it has not got whole.
    pub(crate) fn reply_early(&mut self, line: usize, number: usize) {
        let (code, at) = (self.any_code(), self.now + self.moment());
        let message = self.messages[number].clone();
        self.lines[line].holds_foreign = true;
        self.lines[line].lies = true;
        self.say_code(line, Some(number), &message, &message.id, code, at);
    }

    /// It speaks before it was spoken to.
    pub(crate) fn talk_first(&mut self, line: usize) {
        let at = self.now + self.moment();
        self.lines[line].holds_foreign = true;
        self.lines[line].lies = true;
        match self.chance.below(3) {
            0 => {
                self.say_bytes(line, at, b"HELLO");
            }
            1 => {
                self.say_commit(line, None, true, at);
            }
            _ => {
                let frame = self.plan.options.terms.framing.around(b"MSH|^~\\&|");
                self.say_bytes(line, at, &frame);
            }
        }
    }

    /// What may happen on the connection while nothing is asked for.
    pub(crate) fn idle(&mut self) {
        let Some(line) = self.lines.iter().rposition(|line| line.is_open) else {
            return;
        };
        let at = self.now + self.moment();
        if self.happens_on(line, Fault::EndIdle) {
            self.end(line, at);
        } else if self.happens_on(line, Fault::ResetIdle) {
            self.push(line, at, Coming::Reset);
        } else if self.happens_on(line, Fault::JunkIdle) {
            self.lines[line].holds_foreign = true;
            self.say_bytes(line, at, b"junk");
        }
    }

    /// Ends the connection, under TLS with its closing or without.
    fn end(&mut self, line: usize, at: u64) {
        let is_secured = self.lines[line].secured.is_some() && !self.lines[line].is_over;
        if is_secured && self.chance.per_mille(500) {
            self.fault(Fault::NoCloseNotify, true);
        } else if is_secured && let Some(secured) = &mut self.lines[line].secured {
            let closing = secured.close();
            self.fault(Fault::CloseNotify, true);
            self.push(line, at, Coming::Bytes(closing));
        }
        self.push(line, at, Coming::End);
    }

    fn any_code(&mut self) -> Code {
        self.chance.one_of(&[
            Code::ApplicationAccept,
            Code::ApplicationError,
            Code::ApplicationReject,
            Code::CommitAccept,
            Code::CommitError,
            Code::CommitReject,
        ])
    }

    /// How a receiver that keeps to the rules acknowledges the message (HL7 v2.5
    /// 2.9): it is accepted and processed, or not.
    fn codes(&mut self, message: &Message) -> Vec<Code> {
        let processed = self.chance.per_mille(850);
        let error = [Code::ApplicationError, Code::ApplicationReject];
        let Message {
            accept,
            application,
            ..
        } = *message;
        let is_original = self.plan.options.terms.mode == AcknowledgmentMode::Original;
        if is_original || (accept.is_empty() && application.is_empty()) {
            let error = self.chance.one_of(&error);
            return vec![if processed {
                Code::ApplicationAccept
            } else {
                error
            }];
        }
        let on_success = |condition: &str| matches!(condition, "AL" | "SU");
        let on_error = |condition: &str| matches!(condition, "AL" | "ER");
        let accepted = processed || self.chance.per_mille(500);
        let mut codes = Vec::new();
        if !accepted {
            if on_error(accept) {
                codes.push(self.chance.one_of(&[Code::CommitError, Code::CommitReject]));
            }
            return codes;
        }
        if on_success(accept) {
            codes.push(Code::CommitAccept);
        }
        if processed && on_success(application) {
            codes.push(Code::ApplicationAccept);
        } else if !processed && on_error(application) {
            codes.push(self.chance.one_of(&error));
        }
        codes
    }

    fn reply(&mut self, line: usize, number: usize, code: Code, at: u64) -> u64 {
        let message = self.messages[number].clone();
        let mut id = message.id.clone();
        let mut meant = Some(number);
        if self.happens_on(line, Fault::OtherId) {
            let other = self.chance.length(self.messages.len());
            id.clone_from(&self.messages[other].id);
            meant = None;
        } else if self.happens_on(line, Fault::SimilarId) {
            id = self.similar(&id);
            meant = None;
        }
        if meant.is_none() && id == message.id {
            meant = Some(number);
        }
        self.lines[line].lies |= meant.is_none();
        let at = self.say_code(line, meant, &message, &id, code, at);
        if meant.is_none() && self.chance.per_mille(500) {
            return self.say_code(line, Some(number), &message, &message.id, code, at);
        }
        at
    }

    fn similar(&mut self, id: &[u8]) -> Vec<u8> {
        match self.chance.below(5) {
            0 => [id, b" "].concat(),
            1 => [b" ", id].concat(),
            2 => [id, b"0"].concat(),
            3 => id[..id.len() - 1].to_vec(),
            _ => id.to_ascii_lowercase(),
        }
    }

    /// When the commit block arrives.
    fn say_commit(&mut self, line: usize, number: Option<usize>, positive: bool, at: u64) -> u64 {
        let content = [if positive { 0x06 } else { 0x15 }];
        let frame = self.plan.options.terms.framing.around(&content);
        let end_block = frame.len() - self.plan.options.terms.framing.trailer.len();
        self.emit(
            line,
            number,
            Said::Commit(positive),
            Vec::new(),
            &frame,
            end_block,
            at,
        )
    }

    /// When the acknowledgment arrives.
    fn say_code(
        &mut self,
        line: usize,
        meant: Option<usize>,
        message: &Message,
        id: &[u8],
        code: Code,
        at: u64,
    ) -> u64 {
        let leniencies = self.plan.options.terms.leniencies;
        let form = Form {
            over_long: self.happens_on(line, Fault::OverLong),
            unknown_code: self.happens_on(line, Fault::UnknownCode),
            missing_msa: self.happens_on(line, Fault::MissingMsa),
            empty: self.happens_on(line, Fault::EmptyFrame),
            start_block: self.happens_on(line, Fault::StartBlockInFrame),
            line_feeds: self.bears(line, Fault::LineFeeds, Leniency::LineFeedSegments),
        };
        let content = self.content(form, message, id, code);
        let is_whole = content.len() as u64 <= self.plan.options.terms.max_message_size;
        let is_read = is_whole
            && !(form.unknown_code || form.missing_msa || form.empty || form.start_block)
            && (!form.line_feeds || leniencies.contains(Leniency::LineFeedSegments));
        let said = if is_read {
            Said::Code(code)
        } else {
            Said::Other
        };
        // Returned unjudged, it makes the reply behind it one too many.
        self.lines[line].lies |= !is_read;
        let (frame, end_block) = self.frame(line, &content);
        self.emit(line, meant, said, id.to_vec(), &frame, end_block, at)
    }

    /// A departure that harms only where it is not borne.
    fn bears(&mut self, line: usize, fault: Fault, leniency: Leniency) -> bool {
        let often = self.plan.odds.of(fault);
        let happens = self.chance.per_mille(often);
        if happens {
            let borne = self.plan.options.terms.leniencies.contains(leniency);
            self.fault(fault, !borne);
            self.lines[line].is_tainted |= !borne;
        }
        happens
    }

    fn content(&mut self, form: Form, message: &Message, id: &[u8], code: Code) -> Vec<u8> {
        if form.empty {
            return Vec::new();
        }
        let field = &message.separators[..1];
        let asks = !code.is_accept_level() && self.chance.per_mille(self.plan.asks);
        let own_id = format!("R{}", self.acknowledged.len() + self.asked.len());
        if asks {
            self.asked.push(Asked {
                id: own_id.clone().into_bytes(),
                message: message.id.clone(),
                came: false,
            });
        }
        let header: [&[u8]; 15] = [
            b"MSH",
            &message.separators[1..],
            b"R",
            NAME.as_bytes(),
            b"R",
            b"",
            b"2026",
            b"",
            b"ACK",
            own_id.as_bytes(),
            b"P",
            b"2.5",
            b"",
            b"",
            if asks { b"AL" } else { b"" },
        ];
        let letters = match form.unknown_code {
            true => self.chance.one_of(&["aa", "XX", "", "AAA"]),
            false => code.letters(),
        };
        let msa = if form.missing_msa { b"MSX" } else { b"MSA" };
        let msa: [&[u8]; 4] = [msa, letters.as_bytes(), id, NAME.as_bytes()];
        let mut segments = vec![header.join(field), msa.join(field)];
        if self.chance.per_mille(200) {
            let err: [&[u8]; 5] = [b"ERR", b"", b"PID", b"101", NAME.as_bytes()];
            segments.push(err.join(field));
        }
        if form.start_block {
            segments.push(self.plan.options.terms.framing.start.clone());
        }
        let most = self.plan.options.terms.max_message_size;
        if form.over_long && most < 100_000 {
            segments.push(vec![b'x'; most as usize]);
        }
        segments.push(Vec::new());
        let end: &[u8] = if form.line_feeds { b"\n" } else { b"\r" };
        segments.join(end)
    }

    /// The content in a frame, and how many bytes it has up to its end block.
    fn frame(&mut self, line: usize, content: &[u8]) -> (Vec<u8>, usize) {
        let framing = self.plan.options.terms.framing.clone();
        let mut frame = Vec::new();
        let begin_is_bare = self.bears(line, Fault::MissingStartBlock, Leniency::MissingStartBlock);
        if self.happens_on(line, Fault::JunkBefore) {
            frame.extend_from_slice(b"\nERR\n");
        } else if self.bears(line, Fault::WhiteSpace, Leniency::SpaceBeforeStartBlock) {
            // That it may also follow a frame is a leniency of its own.
            let borne = Leniency::SpaceAfterFrame;
            if !self.plan.options.terms.leniencies.contains(borne) {
                self.lines[line].is_tainted = true;
                self.call.harmful += 1;
            }
            frame.extend_from_slice(b"\r\n");
        }
        if !begin_is_bare {
            frame.extend_from_slice(&framing.start);
        }
        let doubled =
            !begin_is_bare && self.bears(line, Fault::DoubledEnvelope, Leniency::DoubledEnvelope);
        if doubled {
            frame.extend_from_slice(&framing.start);
        }
        frame.extend_from_slice(content);
        frame.extend_from_slice(&framing.end);
        let end_block = frame.len();
        let has_trailer = !framing.trailer.is_empty();
        if !(has_trailer
            && self.bears(line, Fault::MissingTrailer, Leniency::MissingCarriageReturn))
        {
            frame.extend_from_slice(&framing.trailer);
        }
        if doubled {
            frame.extend_from_slice(&framing.end);
            frame.extend_from_slice(&framing.trailer);
        }
        if self.happens_on(line, Fault::JunkAfter) {
            self.lines[line].holds_foreign = true;
            frame.extend_from_slice(b"junk");
        }
        (frame, end_block)
    }

    /// Sends a frame, or what the faults leave of it. When it has arrived.
    #[expect(clippy::too_many_arguments, reason = "all of them go into the log")]
    fn emit(
        &mut self,
        line: usize,
        message: Option<usize>,
        said: Said,
        id: Vec<u8>,
        frame: &[u8],
        end_block: usize,
        at: u64,
    ) -> u64 {
        if self.lines[line].is_over {
            return at;
        }
        let cut = if self.happens_on(line, Fault::EndInReply) {
            Some(Coming::End)
        } else if self.happens_on(line, Fault::ResetInReply) {
            Some(Coming::Reset)
        } else {
            None
        };
        let sent = match cut {
            Some(_) => self.chance.between(1, frame.len() - 1),
            None => frame.len(),
        };
        // Where it may count with its end block, the rest comes by itself: when it
        // was there is to be known.
        let trailer = self.plan.options.terms.framing.trailer.len();
        let leniencies = self.plan.options.terms.leniencies;
        let counts_early = leniencies.contains(Leniency::MissingCarriageReturn);
        let (first, rest) = if counts_early || frame.len() > end_block + trailer {
            frame[..sent].split_at(end_block.min(sent))
        } else {
            (&frame[..sent], &frame[..0])
        };
        let dribbles = self.happens_on(line, Fault::Dribble);
        let (mut arrived, mut whole_at, mut is_whole) = (at, at, false);
        for (index, part) in [first, rest].into_iter().enumerate() {
            if !part.is_empty() {
                arrived = if dribbles {
                    self.dribble(line, part, arrived)
                } else {
                    self.say_bytes(line, arrived, part)
                };
            }
            if index == 0 {
                whole_at = arrived;
                is_whole = sent >= end_block && !self.lines[line].is_over;
            }
        }
        match cut {
            Some(Coming::End) => self.end(line, arrived),
            Some(coming) => {
                self.push(line, arrived, coming);
            }
            None => {}
        }
        if is_whole {
            let event = Event::Says(line, said, sent, arrived.saturating_sub(self.now));
            self.add(event);
            if message.is_some() && message == self.call.message {
                self.call.said.push(said);
            }
            self.acknowledged.push(Acknowledged {
                line,
                said,
                message,
                id,
                whole_at,
            });
        }
        arrived
    }

    /// Byte by byte, past the deadline.
    fn dribble(&mut self, line: usize, frame: &[u8], at: u64) -> u64 {
        let timeout = u64::from(self.plan.options.timeout_ms) * 1_000_000;
        let pause = timeout / self.chance.between(1, 40) as u64;
        let mut arrived = at;
        for byte in frame {
            self.say_bytes(line, arrived, &[*byte]);
            arrived += pause;
        }
        arrived - pause
    }

    /// Says bytes, in records where TLS is spoken. When they have arrived.
    fn say_bytes(&mut self, line: usize, at: u64, bytes: &[u8]) -> u64 {
        let Some(secured) = &self.lines[line].secured else {
            return self.push_in_pieces(line, at, bytes);
        };
        if secured.is_over() || secured.is_handshaking() {
            self.lines[line].is_over = true;
            return at;
        }
        let size = if bytes.len() > 1 && self.happens(Fault::RecordSplit) {
            self.chance.between(1, bytes.len())
        } else {
            bytes.len()
        };
        let mut sealed = Vec::new();
        let mut last_record = 0;
        if let Some(secured) = &mut self.lines[line].secured {
            for part in bytes.chunks(size) {
                last_record = sealed.len();
                sealed.extend(secured.seal(part));
            }
        }
        if self.happens_on(line, Fault::CorruptRecord) {
            let place = self.chance.between(last_record + 5, sealed.len() - 1);
            sealed[place] ^= 0x20;
            self.push_in_pieces(line, at, &sealed);
            self.lines[line].is_over = true;
        } else if self.happens_on(line, Fault::CutRecord) {
            sealed.truncate(self.chance.between(last_record + 1, sealed.len() - 1));
            let at = self.push_in_pieces(line, at, &sealed);
            let end = self.chance.one_of(&[Coming::End, Coming::Reset]);
            self.push(line, at, end);
        } else {
            return self.push_in_pieces(line, at, &sealed);
        }
        at
    }
}
