//! A network that is a script, on which time passes as it says: for tests of the
//! client without a host.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use marks::{MOMENT, NAME, PLACE};
use mllp_client::clock::Instant;
use mllp_client::error::Cause;
use mllp_client::options::KeepAlive;
use mllp_client::transport::{Connection, Read, Transport, Write};

/// What becomes of an attempt to connect.
#[derive(Clone, Debug)]
pub(crate) enum Dial {
    /// It fails at once.
    Fails(Cause),
    /// Nobody answers before it is given up.
    Silent,
    /// It succeeds after so long, and the connection goes like this.
    Accepts(Duration, Vec<Step>),
    /// The name has no address, for this reason.
    Unresolved(Cause),
}

/// What happens on a connection: on its own before a message, or to a message.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// These bytes stand unread on the idle connection.
    Stands(&'static [u8]),
    /// The receiver ends the idle connection.
    Ends,
    /// The idle connection breaks.
    Breaks,
    /// The receiver takes the message, and so much later answers with this code.
    Answers(Duration, &'static str),
    /// It takes the message, and sends this.
    Says(Vec<u8>),
    /// It takes the message and says nothing.
    FallsSilent,
    /// It takes so many bytes of the message's frame, and no more.
    Stalls(usize),
    /// It takes the message and ends the connection.
    EndsAfterFrame,
    /// It takes the message and the connection breaks.
    BreaksAfterFrame,
    /// The connection breaks once it has taken so many bytes of the frame.
    BreaksInFrame(usize),
    /// The connection turns out to have ended when the frame is handed over.
    EndsAtFrame,
}

/// An attempt to connect, as it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialled {
    /// Where to.
    pub(crate) address: SocketAddr,
    /// When, from the beginning of time.
    pub(crate) at: Duration,
    /// How long it might have taken.
    pub(crate) share: Duration,
}

#[derive(Default)]
struct State {
    now: Cell<Instant>,
    dials: RefCell<VecDeque<Dial>>,
    always: RefCell<Option<Dial>>,
    dialled: RefCell<Vec<Dialled>>,
    randoms: RefCell<VecDeque<u64>>,
    sleeps: RefCell<Vec<Duration>>,
    /// What each connection's receiver was given.
    taken: RefCell<Vec<Vec<u8>>>,
    keeps_alive: Cell<bool>,
    asked_to_keep_alive: RefCell<Vec<KeepAlive>>,
    events: RefCell<Vec<String>>,
}

/// The network.
#[derive(Clone, Default)]
pub(crate) struct Script(Rc<State>);

impl Script {
    /// Attempts to connect go like these, in order.
    pub(crate) fn new(dials: &[Dial]) -> Self {
        let script = Self::default();
        script.0.dials.replace(dials.iter().cloned().collect());
        script
    }

    /// Further ones go like this.
    pub(crate) fn then_always(self, dial: Dial) -> Self {
        self.0.always.replace(Some(dial));
        self
    }

    /// The random numbers that it hands out; afterwards zeroes.
    pub(crate) fn random(self, numbers: impl IntoIterator<Item = u64>) -> Self {
        self.0.randoms.replace(numbers.into_iter().collect());
        self
    }

    /// Does what it is asked to do about silent connections.
    pub(crate) fn keeping_alive(self) -> Self {
        self.0.keeps_alive.set(true);
        self
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, span: Duration) {
        self.0.now.set(self.0.now.get().after(span));
    }

    /// The time since it began.
    pub(crate) fn time(&self) -> Duration {
        Instant::default().until(self.0.now.get())
    }

    /// The attempts to connect so far.
    pub(crate) fn dialled(&self) -> Vec<Dialled> {
        self.0.dialled.borrow().clone()
    }

    /// The last bytes of the addresses dialled so far.
    pub(crate) fn hosts(&self) -> Vec<u8> {
        let host = |dialled: &Dialled| match dialled.address.ip() {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(_) => 0,
        };
        self.0.dialled.borrow().iter().map(host).collect()
    }

    /// The pauses made so far, in milliseconds.
    pub(crate) fn pauses(&self) -> Vec<u128> {
        let sleeps = self.0.sleeps.borrow();
        sleeps.iter().map(Duration::as_millis).collect()
    }

    /// What the receiver of each connection was given.
    pub(crate) fn taken(&self) -> Vec<Vec<u8>> {
        self.0.taken.borrow().clone()
    }

    /// What it was asked to do about silent connections.
    pub(crate) fn asked_to_keep_alive(&self) -> Vec<KeepAlive> {
        self.0.asked_to_keep_alive.borrow().clone()
    }

    /// What happened to connections, in order.
    pub(crate) fn events(&self) -> Vec<String> {
        self.0.events.borrow().clone()
    }

    fn note(&self, event: impl Into<String>) {
        self.0.events.borrow_mut().push(event.into());
    }

    fn next_dial(&self) -> Dial {
        let scripted = self.0.dials.borrow_mut().pop_front();
        scripted
            .or_else(|| self.0.always.borrow().clone())
            .expect("nobody was to connect once more")
    }
}

impl Transport for Script {
    type Connection = Line;

    fn now(&self) -> Instant {
        self.0.now.get()
    }

    fn time_of_day(&self) -> Duration {
        Duration::from_secs(1_795_420_800)
    }

    fn random(&self) -> u64 {
        self.0.randoms.borrow_mut().pop_front().unwrap_or_default()
    }

    fn sleep(&self, moment: Instant) {
        let span = self.now().until(moment);
        self.0.sleeps.borrow_mut().push(span);
        self.pass(span);
    }

    fn resolve(&mut self, _: &str, _: Instant) -> Result<Vec<IpAddr>, Cause> {
        let unresolved = match self.0.dials.borrow().front() {
            Some(Dial::Unresolved(cause)) => Some(cause.clone()),
            _ => None,
        };
        match unresolved {
            None => Ok(vec![IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))]),
            Some(cause) => {
                self.next_dial();
                Err(cause)
            }
        }
    }

    fn connect(&mut self, address: SocketAddr, deadline: Instant) -> Result<Line, Cause> {
        let now = self.now();
        // Where time stands still, nothing else would end it.
        let tries = self.0.dialled.borrow().len();
        assert!(tries < 10_000, "it tries without end");
        self.0.dialled.borrow_mut().push(Dialled {
            address,
            at: self.time(),
            share: now.until(deadline),
        });
        match self.next_dial() {
            Dial::Fails(cause) => Err(cause),
            Dial::Silent => {
                self.pass(now.until(deadline));
                Err(Cause::TimedOut)
            }
            Dial::Accepts(after, steps) => {
                assert!(after <= now.until(deadline), "nobody waits for that");
                self.pass(after);
                let mut taken = self.0.taken.borrow_mut();
                let index = taken.len();
                taken.push(Vec::new());
                self.note(format!("connection {index}"));
                Ok(Line {
                    script: self.clone(),
                    index,
                    steps: steps.into(),
                    taken: 0,
                    coming: VecDeque::new(),
                })
            }
            Dial::Unresolved(_) => panic!("the script wants a lookup here"),
        }
    }
}

/// What comes from the receiver.
#[derive(Clone)]
enum Coming {
    Bytes(Vec<u8>),
    End,
    Break,
}

/// A connection.
pub(crate) struct Line {
    script: Script,
    index: usize,
    steps: VecDeque<Step>,
    /// How much of the frame in progress was taken.
    taken: usize,
    coming: VecDeque<(Instant, Coming)>,
}

impl Line {
    fn take(&mut self, bytes: &[u8]) {
        let mut all = self.script.0.taken.borrow_mut();
        all[self.index].extend_from_slice(bytes);
        self.taken += bytes.len();
    }

    /// The receiver took the whole frame; this comes so much later.
    fn take_all(&mut self, bytes: &[u8], later: Duration, coming: Option<Coming>) -> Write {
        self.take(bytes);
        self.taken = 0;
        self.steps.pop_front();
        let at = self.script.now().after(later);
        self.coming.extend(coming.map(|coming| (at, coming)));
        Write::Taken(bytes.len())
    }
}

impl Connection for Line {
    fn read(&mut self, _: usize) -> Read {
        if self.coming.is_empty() && self.taken == 0 {
            let coming = match self.steps.front() {
                Some(Step::Stands(bytes)) => Coming::Bytes(bytes.to_vec()),
                Some(Step::Ends) => Coming::End,
                Some(Step::Breaks) => Coming::Break,
                _ => return Read::Nothing,
            };
            self.steps.pop_front();
            self.coming.push_back((self.script.now(), coming));
        }
        match self.coming.front().cloned() {
            Some((at, coming)) if at <= self.script.now() => match coming {
                Coming::Bytes(bytes) => {
                    self.coming.pop_front();
                    Read::Bytes(bytes)
                }
                Coming::End => Read::Ended,
                Coming::Break => Read::Broken,
            },
            _ => Read::Nothing,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Write {
        let now = Duration::ZERO;
        match self.steps.front().cloned() {
            Some(Step::Answers(later, code)) => {
                let answer = frame(&acknowledgment(code, &control_id(bytes)));
                self.take_all(bytes, later, Some(Coming::Bytes(answer)))
            }
            Some(Step::Says(answer)) => self.take_all(bytes, now, Some(Coming::Bytes(answer))),
            Some(Step::FallsSilent) => self.take_all(bytes, now, None),
            Some(Step::EndsAfterFrame) => self.take_all(bytes, now, Some(Coming::End)),
            Some(Step::BreaksAfterFrame) => self.take_all(bytes, now, Some(Coming::Break)),
            Some(Step::Stalls(bound) | Step::BreaksInFrame(bound)) if self.taken < bound => {
                let part = &bytes[..bytes.len().min(bound - self.taken)];
                assert!(part.len() < bytes.len(), "that is the whole frame");
                self.take(part);
                Write::Taken(part.len())
            }
            Some(Step::Stalls(_)) => Write::Taken(0),
            Some(Step::BreaksInFrame(_)) => Write::Broken(0),
            Some(Step::EndsAtFrame) => Write::Ended,
            step => panic!(
                "nothing was to be sent on connection {} now: {step:?}",
                self.index
            ),
        }
    }

    fn wait(&mut self, _: bool, deadline: Instant) {
        let coming = self.coming.front().map_or(deadline, |(at, _)| *at);
        let now = self.script.now();
        self.script.0.now.set(coming.min(deadline).max(now));
    }

    fn keep_alive(&mut self, settings: KeepAlive) -> bool {
        let asked = &self.script.0.asked_to_keep_alive;
        asked.borrow_mut().push(settings);
        self.script.0.keeps_alive.get()
    }

    fn local_address(&self) -> Option<SocketAddr> {
        None
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.script
            .note(format!("end of connection {}", self.index));
    }
}

/// A connection that succeeds at once and goes like this.
pub(crate) fn accepts(steps: impl IntoIterator<Item = Step>) -> Dial {
    Dial::Accepts(Duration::ZERO, steps.into_iter().collect())
}

/// Nothing listens there.
pub(crate) fn refused() -> Dial {
    Dial::Fails(Cause::ConnectionRefused)
}

/// The message is processed at once.
pub(crate) fn answers(code: &'static str) -> Step {
    Step::Answers(Duration::ZERO, code)
}

/// A message with this control id.
pub(crate) fn message(id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|{NAME}||||{MOMENT}||ADT^A01|{id}|P|2.5\rPID|1||{NAME}||{PLACE}\r").into()
}

/// An acknowledgment of the message with this control id.
pub(crate) fn acknowledgment(code: &str, id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|{NAME}||||{MOMENT}||ACK|R{id}|P|2.5\rMSA|{code}|{id}|{PLACE}\r").into()
}

/// `content` in a frame.
pub(crate) fn frame(content: &[u8]) -> Vec<u8> {
    [b"\x0B", content, b"\x1C\r"].concat()
}

fn control_id(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.split('|').nth(9).expect("a header").to_owned()
}
