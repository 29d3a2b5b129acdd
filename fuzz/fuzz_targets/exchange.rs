//! Exchanges on one connection, with a receiver that says anything at any time: each
//! ends by its deadline, none is credited with another's acknowledgment or with what
//! came too early, and what is said about delivery is true of the bytes that went.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use fuzz::draw::AnyTerms;
use libfuzzer_sys::fuzz_target;
use memchr::memmem;
use mllp_client::clock::Instant;
use mllp_client::error::{Delivery, Failure};
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::ack::Code;
use mllp_client::proto::exchange::{Commit, Reply, Verdict};
use mllp_client::proto::frame::Outgoing;
use mllp_client::proto::payload::Payload;
use mllp_client::proto::terms::{Correlation, Judging, Terms};
use mllp_client::session::Session;

const TIME_OF_DAY: Duration = Duration::from_secs(1_795_420_800);
const CONDITIONS: [&str; 5] = ["", "AL", "NE", "ER", "SU"];
const CODES: [&str; 7] = ["AA", "AE", "AR", "CA", "CE", "CR", "XX"];

#[derive(Arbitrary, Debug)]
struct Script {
    terms: AnyTerms,
    messages: [Message; 3],
    steps: Vec<Step>,
}

#[derive(Arbitrary, Debug)]
struct Message {
    accept: u8,
    application: u8,
    /// Up to the deadline, in milliseconds.
    patience: u8,
    size: u8,
}

#[derive(Arbitrary, Clone, Debug)]
enum Step {
    /// Bytes of any kind are on their way.
    Say(Vec<u8>),
    /// An acknowledgment is on its way.
    Acknowledge {
        code: u8,
        /// For the message of this number.
        message: u8,
        asks: bool,
        line_feeds: bool,
    },
    /// A commit block is on its way.
    Commit(bool),
    /// So many of the bytes that are on their way arrive; with 0 all of them.
    Arrive(u8),
    /// The transport takes so many bytes, if there are any; with 0 all of them.
    Take(u8),
    /// Milliseconds pass.
    Pass(u8),
    /// The receiver ends the connection.
    End,
    /// The connection breaks.
    Break,
}

fuzz_target!(|script: Script| {
    let terms = &script.terms.0;
    let mut connection = Connection {
        session: Session::new(terms.clone(), Instant::default()),
        now: Instant::default(),
        steps: script.steps.iter(),
        coming: Vec::new(),
        terms,
    };
    for (number, message) in script.messages.iter().enumerate() {
        if !connection.exchange(number, message) {
            return;
        }
    }
});

struct Connection<'s> {
    session: Session,
    now: Instant,
    steps: std::slice::Iter<'s, Step>,
    /// What is on its way to the sender.
    coming: Vec<u8>,
    terms: &'s Terms,
}

/// What is really so about the message of an exchange.
struct Truth {
    id: String,
    frame: Vec<u8>,
    /// How much of the frame is with the transport, in this transmission.
    taken: usize,
    /// The most that ever was.
    most: usize,
    /// What arrived since the whole frame was with the transport for the first time.
    heard: Vec<u8>,
}

impl Truth {
    fn take(&mut self, offered: &[u8], bytes: usize) {
        if self.taken == self.frame.len() && offered == self.frame {
            self.taken = 0;
        }
        let is_own = offered == &self.frame[self.taken..];
        let is_under_way = (1..self.frame.len()).contains(&self.taken);
        assert!(is_own || !is_under_way, "something stands inside the frame");
        if is_own {
            self.taken += bytes;
            self.most = self.most.max(self.taken);
        }
    }

    fn is_out(&self) -> bool {
        self.most == self.frame.len()
    }
}

impl Connection<'_> {
    /// One exchange; whether another may follow it.
    fn exchange(&mut self, number: usize, message: &Message) -> bool {
        let id = number.to_string();
        let content = content(&id, message);
        let Ok(payload) = Payload::parse(content, u64::MAX, self.terms) else {
            return false;
        };
        let mut outgoing = Outgoing::encode(payload, &self.terms.framing).unwrap();
        let mut truth = Truth {
            id,
            frame: outgoing.part(&self.terms.framing, 0, usize::MAX).to_vec(),
            taken: 0,
            most: 0,
            heard: Vec::new(),
        };
        let patience = Duration::from_millis(1 + u64::from(message.patience));
        let deadline = self.now.after(patience);
        self.session.set_time_of_day(TIME_OF_DAY);
        if let Err(failure) = self.look(deadline) {
            assert_eq!(failure.delivery, Delivery::NotSent);
            return false;
        }
        self.session.begin(outgoing, deadline, false);
        self.run(&mut truth, deadline);
        let finished = self.session.finish();
        match &finished.outcome {
            Ok(reply) => check_reply(reply, &truth, self.terms),
            Err(failure) => check_failure(failure, &truth, self.terms),
        }
        !finished.connection_lost
    }

    fn look(&mut self, deadline: Instant) -> Result<(), Failure> {
        let coming = std::mem::take(&mut self.coming);
        let mut look = self.session.look(deadline);
        if let Output::Look(until) = look.poll(self.now) {
            assert!(until <= deadline);
            if !coming.is_empty() {
                look.handle(Input::Received(&coming));
            }
            look.handle(Input::Quiet);
        }
        assert!(matches!(look.poll(self.now), Output::Done));
        look.finish()
    }

    fn run(&mut self, truth: &mut Truth, deadline: Instant) {
        // A step each, and some for what is owed to the receiver and for waiting.
        for _ in 0..self.steps.len() * 2 + 64 {
            match self.session.poll(self.now) {
                Output::Done => return,
                Output::Look(_) => panic!("a look belongs before the exchange"),
                Output::Transmit(bytes, until) => {
                    assert_eq!(until, deadline);
                    assert!(self.now < deadline, "it goes on");
                    let offered = bytes.to_vec();
                    let step = self.steps.next().cloned().unwrap_or(Step::Take(0));
                    self.take_step(&step, truth, &offered);
                }
                Output::Wait(until) => {
                    assert!(until <= deadline, "it would wait for too long");
                    assert!(self.now < deadline, "it goes on");
                    match self.steps.next() {
                        Some(step) => self.take_step(&step.clone(), truth, &[]),
                        None => self.now = until.max(self.now),
                    }
                }
            }
        }
        panic!("it does not end");
    }

    fn take_step(&mut self, step: &Step, truth: &mut Truth, offered: &[u8]) {
        let framing = &self.terms.framing;
        match step {
            Step::Say(bytes) => self.coming.extend(bytes),
            Step::Acknowledge {
                code,
                message,
                asks,
                line_feeds,
            } => {
                let content = acknowledgment(*code, *message, *asks, *line_feeds);
                self.coming.extend(framing.around(&content));
            }
            Step::Commit(positive) => {
                let commit = if *positive {
                    Commit::Positive
                } else {
                    Commit::Negative
                };
                self.coming.extend(framing.around(&[commit.byte()]));
            }
            Step::Arrive(bytes) => {
                let size = some_of(self.coming.len(), *bytes);
                let bytes: Vec<u8> = self.coming.drain(..size).collect();
                if truth.is_out() {
                    truth.heard.extend(&bytes);
                }
                self.session.handle(Input::Received(&bytes));
            }
            Step::Take(bytes) => {
                let size = some_of(offered.len(), *bytes);
                if size > 0 {
                    truth.take(offered, size);
                    self.session.handle(Input::Transmitted(size));
                }
            }
            Step::Pass(milliseconds) => {
                let span = Duration::from_millis((*milliseconds).into());
                self.now = self.now.after(span);
            }
            Step::End => self.session.handle(Input::Ended),
            Step::Break => self.session.handle(Input::Broken),
        }
    }
}

fn some_of(all: usize, some: u8) -> usize {
    if some == 0 { all } else { all.min(some.into()) }
}

fn content(id: &str, message: &Message) -> Vec<u8> {
    let condition = |index: u8| CONDITIONS[usize::from(index) % CONDITIONS.len()];
    let accept = condition(message.accept);
    let application = condition(message.application);
    let note = "x".repeat(message.size.into());
    format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|{id}|P|2.5|||{accept}|{application}\rNTE|{note}\r")
        .into_bytes()
}

fn acknowledgment(code: u8, message: u8, asks: bool, line_feeds: bool) -> Vec<u8> {
    let code = CODES[usize::from(code) % CODES.len()];
    let (message, asks) = (message % 4, if asks { "AL" } else { "" });
    let end = if line_feeds { "\n" } else { "\r" };
    format!("MSH|^~\\&|C|D|A|B|2026||ACK|7|P|2.5|||{asks}|{end}MSA|{code}|{message}{end}")
        .into_bytes()
}

fn check_failure(failure: &Failure, truth: &Truth, terms: &Terms) {
    let end_block = truth.frame.len() - terms.framing.trailer.len();
    let expected = match truth.most {
        0 => Delivery::NotSent,
        most if most < end_block => Delivery::CutShort,
        _ => Delivery::InDoubt,
    };
    assert_eq!(failure.delivery, expected);
    assert_eq!(failure.transmissions == 0, truth.most == 0);
}

fn check_reply(reply: &Reply, truth: &Truth, terms: &Terms) {
    assert!(truth.is_out(), "a verdict on what was not sent");
    let acknowledgments = reply.acknowledgment.iter().chain(&reply.accept);
    if terms.correlation == Correlation::Required {
        for acknowledgment in acknowledgments.clone() {
            assert_eq!(acknowledgment.control_id, truth.id.as_bytes());
        }
    }
    for acknowledgment in acknowledgments {
        let letters = acknowledgment.code.letters().as_bytes();
        assert!(memmem::find(&truth.heard, letters).is_some());
    }
    // Not a byte of it came before the receiver had the message.
    let heard = memmem::find(&truth.heard, &reply.message);
    assert!(heard.is_some(), "a reply that never came");
    check_verdict(reply, terms);
}

fn check_verdict(reply: &Reply, terms: &Terms) {
    let code = reply.acknowledgment.as_ref().map(|one| one.code);
    if let Some(accept) = &reply.accept {
        assert_eq!(accept.code, Code::CommitAccept);
    }
    match reply.verdict {
        Verdict::Applied => assert_eq!(code, Some(Code::ApplicationAccept)),
        Verdict::Accepted => assert!(
            code == Some(Code::CommitAccept)
                || reply.accept.is_some()
                || reply.commit == Some(Commit::Positive)
        ),
        Verdict::Refused => assert!(
            code.is_some_and(|code| !code.is_positive()) || reply.commit == Some(Commit::Negative)
        ),
        Verdict::Unacknowledged => {
            assert_eq!((code, reply.commit), (None, None));
            assert!(reply.message.is_empty());
        }
        Verdict::Unjudged => assert!(terms.judging != Judging::Required),
    }
}
