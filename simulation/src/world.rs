//! The network and the host under simulated time. Time passes where the client waits,
//! and nowhere else; what the receiver will say is decided as soon as it has what it
//! answers, and arrives when it is due.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::error::{Cause, Grant};
use mllp_client::options::KeepAlive;
use mllp_client::transport::{Connection, Read, Transport, Write};
use rustls::ServerConfig;

use crate::chance::Chance;
use crate::fault::Fault;
use crate::message::Message;
use crate::oracle::Violation;
use crate::plan::Plan;
use crate::receiver::{Acknowledged, Asked, Said};
use crate::secure::{Secured, TIME_OF_DAY_S};
use crate::trace::{Event, Trace};
use crate::wire::{Decoder, Step};

/// After how many steps a call is taken to go on for ever.
const STEPS_MAX: u32 = 1_000_000;

/// Everything but the client.
pub(crate) struct State {
    pub(crate) plan: Plan,
    pub(crate) chance: Chance,
    pub(crate) now: u64,
    pub(crate) trace: Trace,
    pub(crate) lines: Vec<Line>,
    pub(crate) messages: Vec<Message>,
    /// What the receiver acknowledged, in the order in which it said so.
    pub(crate) acknowledged: Vec<Acknowledged>,
    /// Those that ask for one themselves.
    pub(crate) asked: Vec<Asked>,
    pub(crate) call: Call,
    /// How often each kind of fault happened.
    pub(crate) faults: Vec<u64>,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) connections: u64,
    /// What broke while the client was calling.
    pub(crate) violation: Option<Violation>,
    server: Option<Arc<ServerConfig>>,
    pub(crate) time_of_day: Duration,
    /// What of the last lookup has yet to be dialled, and until when.
    to_dial: VecDeque<IpAddr>,
    dialling_until: u64,
}

/// What happens in a call.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// The message it is about.
    pub(crate) message: Option<usize>,
    pub(crate) deadline: u64,
    /// Where the clock jumped to, at last.
    pub(crate) jumped_to: u64,
    /// Faults that may change the outcome.
    pub(crate) harmful: u32,
    /// What the receiver said to the message, in its order.
    pub(crate) said: Vec<crate::receiver::Said>,
    pub(crate) handed: Vec<Handed>,
    pub(crate) dials: u32,
    /// The first connection that it may use.
    pub(crate) first_line: usize,
    steps: u32,
}

/// A frame that the host was handed, wholly or in part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handed {
    pub(crate) line: usize,
    pub(crate) at: u64,
    /// Of which message; `None` while it is not known.
    pub(crate) whose: Option<Whose>,
    pub(crate) end_block: bool,
}

/// Whose frame it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Message(usize),
    Owed,
}

/// A connection.
pub(crate) struct Line {
    /// The client still has it.
    pub(crate) is_open: bool,
    pub(crate) inbox: VecDeque<(u64, Coming)>,
    /// When the last of what is coming arrives.
    pub(crate) last: u64,
    /// Nothing more comes from the receiver.
    pub(crate) is_over: bool,
    /// Something happened on it after which nothing is certain.
    pub(crate) is_tainted: bool,
    /// The receiver says more on it than it ought to, or of other messages.
    pub(crate) lies: bool,
    /// What stands unread on it belongs to nobody.
    pub(crate) holds_foreign: bool,
    /// Something may still come on it that cannot be told from what is due: an accept
    /// acknowledgment of a message settled before, or one for a control id used twice.
    pub(crate) is_unclear: bool,
    /// A message was accepted on it, of which more may come.
    pub(crate) any_accepted: bool,
    /// What the host was handed.
    tap: Decoder,
    /// What the receiver got.
    received: Decoder,
    /// Bytes that the host still takes from a sender whose receiver reads no more.
    stalled: Option<usize>,
    blocked_until: u64,
    /// How many further bytes go one by one.
    thin: u32,
    noticed: u64,
    ended: Option<bool>,
    pub(crate) secured: Option<Secured>,
}

/// What comes from the receiver.
#[derive(Clone, Debug)]
pub(crate) enum Coming {
    Bytes(Vec<u8>),
    End,
    Reset,
}

impl State {
    pub(crate) fn add(&mut self, event: Event) {
        self.trace.add(self.now, event);
    }

    /// Whether this fault happens here.
    pub(crate) fn happens(&mut self, fault: Fault) -> bool {
        let often = self.plan.odds.of(fault);
        let happens = self.chance.per_mille(often);
        if happens {
            self.fault(fault, !fault.is_harmless());
        }
        happens
    }

    /// The same on a connection, for which it is not over.
    pub(crate) fn happens_on(&mut self, line: usize, fault: Fault) -> bool {
        let happens = self.happens(fault);
        if happens && !fault.is_harmless() {
            self.lines[line].is_tainted = true;
        }
        happens
    }

    pub(crate) fn fault(&mut self, fault: Fault, is_harmful: bool) {
        self.faults[fault as usize] += 1;
        self.call.harmful += u32::from(is_harmful);
        self.add(Event::Fault(fault));
    }

    pub(crate) fn violate(&mut self, invariant: &'static str) {
        self.violation.get_or_insert(Violation(invariant));
    }

    /// A time within which all is in time.
    pub(crate) fn moment(&mut self) -> u64 {
        let step = self.plan.step.as_nanos() as u64;
        match self.chance.below(3) {
            0 => 0,
            1 => self.chance.below(step / 100),
            _ => self.chance.below(step),
        }
    }

    fn step(&mut self) {
        self.call.steps += 1;
        assert!(self.call.steps < STEPS_MAX, "the call does not end");
    }

    /// Lets time pass up to `until`, or further, if the clock jumps.
    fn pass(&mut self, until: u64) {
        self.now = self.now.max(until);
        if self.happens(Fault::ClockJump) {
            let span = self.chance.one_of(&[50, 1_000, 100_000]) * 1_000_000;
            self.now += self.chance.below(span);
            self.call.jumped_to = self.now;
        }
    }

    pub(crate) fn begin(&mut self, message: Option<usize>, timeout_ms: u32) {
        let open = self.lines.iter().rposition(|line| line.is_open);
        self.to_dial.clear();
        self.call = Call {
            message,
            first_line: open.unwrap_or(self.lines.len()),
            deadline: self.now + u64::from(timeout_ms) * 1_000_000,
            ..Call::default()
        };
    }

    /// Another client counts anew.
    pub(crate) const fn forget_numbers(&mut self) {
        self.bytes_sent = 0;
        self.bytes_received = 0;
        self.connections = 0;
    }

    /// A message was accepted.
    pub(crate) fn accepted(&mut self, message: usize) {
        let is_uncertain = self.call.harmful > 0;
        for line in self.lines.iter_mut().filter(|line| line.is_open) {
            line.any_accepted = true;
            line.is_unclear |= is_uncertain;
        }
        let now = self.now;
        let is_coming = |acknowledged: &Acknowledged| {
            let is_accept = matches!(acknowledged.said, Said::Code(code) if code.is_accept_level());
            let is_own = acknowledged.message == Some(message);
            is_own && is_accept && acknowledged.whole_at > now
        };
        let mut coming = self.acknowledged.iter();
        if let Some(acknowledged) = coming.find(|acknowledged| is_coming(acknowledged)) {
            self.lines[acknowledged.line].is_unclear = true;
        }
    }

    /// Sends bytes to the client, no earlier than what was sent before.
    pub(crate) fn push(&mut self, line: usize, at: u64, coming: Coming) -> u64 {
        let line = &mut self.lines[line];
        if line.is_over {
            return line.last;
        }
        line.last = line.last.max(at);
        if matches!(&coming, Coming::Bytes(bytes) if bytes.is_empty()) {
            return line.last;
        }
        line.is_over = !matches!(coming, Coming::Bytes(_));
        line.inbox.push_back((line.last, coming));
        line.last
    }

    /// The host has these bytes, or may have; the receiver gets so many of them.
    fn hand_over(&mut self, line: usize, bytes: &[u8], arrive: usize) {
        let now = self.now;
        let Line {
            secured, stalled, ..
        } = &mut self.lines[line];
        let is_read = stalled.is_none();
        let Some(secured) = secured else {
            self.tap(line, bytes);
            if is_read {
                self.receive(line, &bytes[..arrive]);
            }
            return;
        };
        let was_handshaking = secured.is_handshaking();
        let plain = secured.hear(bytes);
        let said = secured.say();
        let is_shaken = was_handshaking && !secured.is_handshaking();
        if is_read {
            if was_handshaking {
                self.shake(line, said);
                if is_shaken && self.happens_on(line, Fault::TalksFirst) {
                    self.talk_first(line);
                }
            } else {
                self.push(line, now, Coming::Bytes(said));
            }
        }
        self.tap(line, &plain);
        if is_read && arrive == bytes.len() {
            self.receive(line, &plain);
        }
    }

    /// The receiver's part of a handshake.
    fn shake(&mut self, line: usize, mut said: Vec<u8>) {
        if said.is_empty() {
            return;
        }
        let at = self.now + self.moment();
        if self.happens_on(line, Fault::HandshakeStall) {
            self.lines[line].is_over = true;
        } else if self.happens_on(line, Fault::HandshakeAlert) {
            let reason = self.chance.one_of(&[40, 42, 48, 70, 80]);
            self.push(line, at, Coming::Bytes(vec![21, 3, 3, 0, 2, 2, reason]));
            self.push(line, at, Coming::End);
        } else if self.happens_on(line, Fault::NotTls) {
            let said: &[u8] = self.chance.one_of(&[b"\x0BMSH|", b"HTTP/1.1 400\r\n"]);
            self.push(line, at, Coming::Bytes(said.to_vec()));
        } else if self.happens_on(line, Fault::HandshakeCut) {
            said.truncate(self.chance.length(said.len()));
            self.push(line, at, Coming::Bytes(said));
            let end = self.chance.one_of(&[Coming::End, Coming::Reset]);
            self.push(line, at, end);
        } else {
            self.push_in_pieces(line, at, &said);
        }
    }

    /// Sends bytes, in pieces where they are split. When the last arrives.
    pub(crate) fn push_in_pieces(&mut self, line: usize, at: u64, bytes: &[u8]) -> u64 {
        if bytes.len() < 2 || !self.happens(Fault::Split) {
            return self.push(line, at, Coming::Bytes(bytes.to_vec()));
        }
        let every_byte = bytes.len() < 300 && self.chance.below(4) == 0;
        let pieces = if every_byte {
            bytes.len()
        } else {
            self.chance.between(2, 5)
        };
        let mut cuts: Vec<usize> = if every_byte {
            (1..bytes.len()).collect()
        } else {
            (1..pieces)
                .map(|_| self.chance.length(bytes.len()))
                .collect()
        };
        cuts.sort_unstable();
        cuts.push(bytes.len());
        // All of them together take no longer than one moment.
        let pause = self.moment() / bytes.len() as u64;
        let (mut begin, mut at) = (0, at);
        for cut in cuts {
            at = self.push(line, at, Coming::Bytes(bytes[begin..cut].to_vec())) + pause;
            begin = cut;
        }
        self.lines[line].last
    }

    /// Sees what the host has.
    fn tap(&mut self, line: usize, plain: &[u8]) {
        let mut steps = Vec::new();
        let taken = self.lines[line].tap.take(plain, |step| steps.push(step));
        for step in steps {
            match step {
                Step::Begun => self.call.handed.push(Handed {
                    line,
                    at: self.now,
                    whose: None,
                    end_block: false,
                }),
                Step::EndBlock(content) => {
                    let whose =
                        crate::message::number(&content).map_or(Whose::Owed, Whose::Message);
                    if let Some(handed) = self.call.handed.last_mut() {
                        handed.whose = Some(whose);
                        handed.end_block = true;
                    }
                }
            }
        }
        if taken.is_err() {
            self.violate("what is handed over is frames");
        }
    }

    /// The receiver takes bytes.
    fn receive(&mut self, line: usize, plain: &[u8]) {
        let mut contents = Vec::new();
        let taken = self.lines[line].received.take(plain, |step| {
            if let Step::EndBlock(content) = step {
                contents.push(content);
            }
        });
        for content in contents {
            self.take(line, content);
        }
        if taken.is_err() {
            self.violate("what the receiver gets is frames");
        }
    }

    /// The frames of a connection that has been left: none may be cut short on one
    /// that is still open.
    pub(crate) fn is_between_frames(&self, line: usize) -> bool {
        let line = &self.lines[line];
        line.tap.is_between_frames()
            && line
                .secured
                .as_ref()
                .is_none_or(|secured| secured.records().holds_part(0) == Some(false))
    }

    /// The content so far of a frame that was cut short.
    pub(crate) fn cut_short(&self, line: usize) -> Option<&[u8]> {
        self.lines[line].tap.begun()
    }

    fn wake(&mut self, line: usize, writable: bool, deadline: u64) -> u64 {
        let line = &self.lines[line];
        let mut wake = deadline;
        if let Some((at, _)) = line.inbox.front() {
            wake = wake.min(*at);
        }
        if line.ended.is_some() {
            wake = self.now;
        }
        if writable && line.stalled != Some(0) {
            wake = wake.min(line.blocked_until);
        }
        wake.max(self.now)
    }

    fn read(&mut self, index: usize, most: usize) -> Read {
        self.step();
        let (now, late) = (self.now, self.plan.late_notice);
        let line = &mut self.lines[index];
        if let Some(broken) = line.ended {
            return if broken { Read::Broken } else { Read::Ended };
        }
        let is_there = |line: &Line| {
            let front = line.inbox.front().map(|(at, _)| *at);
            front.is_some_and(|at| at <= now && (!late || at <= line.noticed))
        };
        if !is_there(line) {
            if late && line.inbox.front().is_some_and(|(at, _)| *at <= now) {
                self.fault(Fault::LateNotice, false);
            }
            return Read::Nothing;
        }
        let mut bytes = Vec::new();
        // What came by now is read together.
        while is_there(line)
            && bytes.len() < most
            && let Some((at, coming)) = line.inbox.pop_front()
        {
            match coming {
                Coming::Bytes(mut piece) => {
                    let left = piece.split_off(piece.len().min(most - bytes.len()));
                    bytes.extend(piece);
                    if !left.is_empty() {
                        line.inbox.push_front((at, Coming::Bytes(left)));
                    }
                }
                end if !bytes.is_empty() => {
                    line.inbox.push_front((at, end));
                    break;
                }
                Coming::End | Coming::Reset => {
                    let broken = matches!(coming, Coming::Reset);
                    line.ended = Some(broken);
                    let how = if broken { "broken" } else { "ended" };
                    self.add(Event::ReadEnd(index, how));
                    return if broken { Read::Broken } else { Read::Ended };
                }
            }
        }
        if bytes.len() > 1 && self.happens(Fault::ShortRead) {
            let left = bytes.split_off(self.chance.between(1, bytes.len() - 1));
            let line = &mut self.lines[index];
            line.inbox.push_front((now, Coming::Bytes(left)));
        }
        self.bytes_received += bytes.len() as u64;
        self.add(Event::Read(index, bytes.len()));
        Read::Bytes(bytes)
    }

    fn write(&mut self, index: usize, bytes: &[u8]) -> Write {
        self.step();
        let now = self.now;
        let line = &self.lines[index];
        let is_reset = |(at, coming): &(u64, Coming)| *at <= now && matches!(coming, Coming::Reset);
        if line.ended == Some(true) || line.inbox.iter().any(is_reset) {
            return self.write_broken(index, bytes);
        }
        if self.happens_on(index, Fault::WriteEnded) {
            self.push(index, now, Coming::End);
            self.add(Event::WriteFailed(index, 0));
            return Write::Ended;
        }
        if self.happens_on(index, Fault::WriteBroken) {
            return self.write_broken(index, bytes);
        }
        if now < self.lines[index].blocked_until {
            return Write::Taken(0);
        }
        if self.happens_on(index, Fault::NoPermit) {
            let span = self.chance.one_of(&[1, 100, 10_000]) * 1_000_000;
            self.lines[index].blocked_until = now + self.chance.below(span);
            return Write::Taken(0);
        }
        let taken = self.taken(index, bytes.len());
        if taken > 0 {
            self.add(Event::Wrote(index, bytes.len(), taken));
            self.bytes_sent += taken as u64;
            self.hand_over(index, &bytes[..taken], taken);
            self.interrupt(index, taken < bytes.len());
        }
        Write::Taken(taken)
    }

    /// How many of so many bytes the host takes.
    fn taken(&mut self, index: usize, size: usize) -> usize {
        if self.lines[index].stalled.is_none() && self.happens_on(index, Fault::Stall) {
            let room = self
                .chance
                .one_of(&[0, 1, size / 2, size - 1, size, 70_000]);
            self.lines[index].stalled = Some(room);
        }
        let mut taken = size.min(65_536);
        if self.happens(Fault::PartialWrite) {
            taken = self.chance.between(1, taken);
        }
        if self.lines[index].thin == 0 && self.happens(Fault::OneBytePermit) {
            self.lines[index].thin = self.chance.between(1, 300) as u32;
        }
        let line = &mut self.lines[index];
        if line.thin > 0 {
            line.thin -= 1;
            taken = 1;
        }
        if let Some(room) = &mut line.stalled {
            taken = taken.min(*room);
            *room -= taken;
        }
        taken
    }

    fn write_broken(&mut self, index: usize, bytes: &[u8]) -> Write {
        let some = self.chance.length(bytes.len());
        let perhaps = self.chance.one_of(&[0, some, bytes.len()]);
        let arrive = self.chance.one_of(&[0, perhaps]);
        self.add(Event::WriteFailed(index, perhaps));
        self.hand_over(index, &bytes[..perhaps], arrive);
        let now = self.now;
        self.push(index, now, Coming::Reset);
        Write::Broken(perhaps)
    }

    /// What may happen in the middle of what is written.
    fn interrupt(&mut self, index: usize, in_the_middle: bool) {
        let line = &self.lines[index];
        let is_message = line.tap.begun().is_some()
            || line.secured.as_ref().is_some_and(|secured| {
                !secured.is_handshaking() && secured.records().holds_part(60) != Some(false)
            });
        if !(in_the_middle && is_message) {
            return;
        }
        let at = self.now + self.moment();
        if self.happens_on(index, Fault::ResetInFrame) {
            self.push(index, at, Coming::Reset);
        } else if self.happens_on(index, Fault::EndInFrame) {
            self.push(index, at, Coming::End);
        } else if let Some(message) = self.call.message
            && self.happens_on(index, Fault::EarlyReply)
        {
            self.reply_early(index, message);
        }
    }

    fn dial(&mut self, address: SocketAddr, deadline: u64) -> Result<usize, Cause> {
        self.step();
        self.call.dials += 1;
        self.check_share(address.ip(), deadline);
        let outcome = self.dialled(deadline);
        let word = outcome.as_ref().map_or_else(Cause::word, |()| "connected");
        self.add(Event::Dialled(word));
        outcome?;
        self.connections += 1;
        self.to_dial.clear();
        let framing = &self.plan.options.terms.framing;
        self.lines.push(Line {
            is_open: true,
            inbox: VecDeque::new(),
            last: self.now,
            is_over: false,
            is_tainted: false,
            lies: false,
            holds_foreign: false,
            is_unclear: false,
            any_accepted: false,
            tap: Decoder::new(framing.clone()),
            received: Decoder::new(framing.clone()),
            stalled: None,
            blocked_until: 0,
            thin: 0,
            noticed: self.now,
            ended: None,
            secured: self.server.clone().map(Secured::new),
        });
        let line = self.lines.len() - 1;
        if self.server.is_none() && self.happens_on(line, Fault::TalksFirst) {
            self.talk_first(line);
        }
        let plan = &self.plan;
        if let Some(tls) = plan.tls
            && tls.mutual
            && !tls.identity
        {
            self.fault(Fault::CertificateMissing, true);
            self.lines[line].is_tainted = true;
        }
        Ok(line)
    }

    fn dialled(&mut self, deadline: u64) -> Result<(), Cause> {
        if self.happens(Fault::Refused) {
            Err(Cause::ConnectionRefused)
        } else if self.happens(Fault::Unreachable) {
            Err(Cause::Unreachable)
        } else if self.happens(Fault::Denied) {
            Err(Cause::AccessDenied(Grant::Address))
        } else if self.happens(Fault::SilentAddress) {
            self.pass(deadline);
            Err(Cause::TimedOut)
        } else {
            let left = deadline.saturating_sub(self.now);
            let later = self.now + self.moment().min(left / 4);
            self.pass(later);
            Ok(())
        }
    }

    /// Each address gets its share of the time, in the order of the lookup.
    fn check_share(&mut self, address: IpAddr, deadline: u64) {
        let receiver = &self.plan.options.receiver;
        if receiver.literal() == Some(address) {
            return;
        }
        let limit = self.dialling_until.max(self.now);
        let among = self.to_dial.len().max(1) as u64;
        if self.to_dial.pop_front().is_some_and(|next| next != address) {
            self.violate("addresses are tried in the order of the lookup");
        }
        if !self.to_dial.is_empty() && deadline > self.now + (limit - self.now) / among {
            self.violate("a silent address leaves time for those after it");
        }
    }

    fn resolve(&mut self, deadline: u64) -> Result<Vec<IpAddr>, Cause> {
        self.step();
        self.to_dial.clear();
        if self.happens(Fault::LookupSilent) {
            self.pass(deadline);
            return Err(Cause::TimedOut);
        }
        if self.happens(Fault::LookupFailed) {
            return Err(self.chance.one_of(&[
                Cause::NameUnresolvable,
                Cause::NameLookupFailed,
                Cause::AccessDenied(Grant::NameLookup),
            ]));
        }
        let later = self.now + self.moment();
        self.pass(later.min(deadline));
        let count = self.plan.addresses;
        if count > 1 {
            self.fault(Fault::ManyAddresses, false);
        }
        self.add(Event::LookedUp(count.into()));
        let addresses = (1..=count).map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        let addresses: Vec<IpAddr> = addresses.collect();
        self.to_dial = addresses.iter().copied().collect();
        self.dialling_until = deadline;
        Ok(addresses)
    }
}

/// The network, as the client sees it.
#[derive(Clone)]
pub(crate) struct Network(Rc<RefCell<State>>);

impl Network {
    pub(crate) fn new(plan: Plan, chance: Chance) -> Self {
        let server = plan.tls.map(crate::secure::server);
        Self(Rc::new(RefCell::new(State {
            plan,
            chance,
            // Not 0: what was never set would be in the past.
            now: 1_000_000_000,
            trace: Trace::default(),
            lines: Vec::new(),
            messages: Vec::new(),
            acknowledged: Vec::new(),
            asked: Vec::new(),
            call: Call::default(),
            faults: vec![0; Fault::ALL.len()],
            bytes_sent: 0,
            bytes_received: 0,
            connections: 0,
            violation: None,
            server,
            time_of_day: Duration::from_secs(TIME_OF_DAY_S),
            to_dial: VecDeque::new(),
            dialling_until: 0,
        })))
    }

    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    pub(crate) fn look(&self) -> Ref<'_, State> {
        self.0.borrow()
    }
}

impl Transport for Network {
    type Connection = Connected;

    fn now(&self) -> Instant {
        Instant::from_nanoseconds(self.look().now)
    }

    fn time_of_day(&self) -> Duration {
        let mut state = self.state();
        if state.happens(Fault::TimeOfDayJump) {
            let years = 365 * 86_400;
            let times = [TIME_OF_DAY_S - 20 * years, TIME_OF_DAY_S + 20 * years];
            // Outside these no certificate is valid; the last is after the year 9999.
            let extremes = [0, TIME_OF_DAY_S, 1 << 38];
            let times: &[u64] = if state.plan.tls.is_some() {
                &times
            } else {
                &extremes
            };
            let seconds = state.chance.one_of(times);
            state.time_of_day = Duration::from_secs(seconds);
        }
        state
            .time_of_day
            .saturating_add(Duration::from_nanos(state.now))
    }

    fn random(&self) -> u64 {
        self.state().chance.next()
    }

    fn sleep(&self, moment: Instant) {
        let mut state = self.state();
        state.step();
        state.pass(moment.as_nanoseconds());
        state.add(Event::Slept);
    }

    fn resolve(&mut self, _: &str, deadline: Instant) -> Result<Vec<IpAddr>, Cause> {
        self.state().resolve(deadline.as_nanoseconds())
    }

    fn connect(&mut self, address: SocketAddr, deadline: Instant) -> Result<Connected, Cause> {
        let line = self.state().dial(address, deadline.as_nanoseconds())?;
        let network = self.clone();
        Ok(Connected { network, line })
    }
}

/// A connection, as the client has it.
pub(crate) struct Connected {
    network: Network,
    line: usize,
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut state = self.network.state();
        state.lines[self.line].is_open = false;
        state.add(Event::Dropped(self.line));
    }
}

impl Connection for Connected {
    fn read(&mut self, bytes: usize) -> Read {
        self.network.state().read(self.line, bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Write {
        self.network.state().write(self.line, bytes)
    }

    fn wait(&mut self, writable: bool, deadline: Instant) {
        let mut state = self.network.state();
        state.step();
        let wake = state.wake(self.line, writable, deadline.as_nanoseconds());
        if wake > state.now && state.happens(Fault::SpuriousWake) {
            let part = (wake - state.now) / 2;
            let until = state.now + state.chance.one_of(&[0, part]);
            state.now = until;
        } else {
            state.pass(wake);
        }
        state.add(Event::Waited);
        let now = state.now;
        state.lines[self.line].noticed = now;
    }

    fn keep_alive(&mut self, _: KeepAlive) -> bool {
        self.network.look().plan.keeps_alive
    }

    fn local_address(&self) -> Option<SocketAddr> {
        None
    }
}
