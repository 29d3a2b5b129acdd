//! An application acknowledgment that comes right behind the accept acknowledgment that
//! settled its message: told with that result or with the next one, whichever is still
//! to be told when it came, and never out of step.

use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::ack::{Acknowledgment, Code};
use mllp_client::proto::exchange::{Reply, Verdict};
use mllp_client::proto::terms::{Release, SettleOn, Terms};
use mllp_client::proto::warning::Warning;
use mllp_client::session::Session;

#[path = "support/session.rs"]
mod support;
use support::terms;

const START: Instant = Instant::from_nanoseconds(1_000);

fn message(id: &str, conditions: &str) -> Vec<u8> {
    format!("MSH|^~\\&|A|B|C|D|2026||ADT|{id}|P|2.5|||{conditions}\r").into()
}

fn frame(code: &str, id: &str, asks: &str) -> Vec<u8> {
    format!("\x0BMSH|^~\\&|C|D|A|B|2026||ACK|R{id}|P|2.5|||{asks}\rMSA|{code}|{id}\r\x1C\r").into()
}

/// A session, and what it says.
struct Line(Session, Terms);

impl Line {
    fn begin(&mut self, message: &[u8]) {
        let deadline = START.after(Duration::from_secs(1));
        support::begin(&mut self.0, message, &self.1, deadline);
        self.settle_down();
    }

    /// Hands all there is to the transport; tells it.
    fn settle_down(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        while let Output::Transmit(bytes, _) = self.0.poll(START) {
            said.extend_from_slice(bytes);
            let taken = bytes.len();
            self.0.handle(Input::Transmitted(taken));
        }
        said
    }

    fn receive(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.0.handle(Input::Received(bytes));
        }
    }

    fn finish(&mut self) -> Reply {
        assert!(matches!(self.0.poll(START), Output::Done));
        let finished = self.0.finish();
        assert!(!finished.connection_lost);
        finished.outcome.unwrap()
    }

    /// Looks at the idle connection on which this stands.
    fn look(&mut self, bytes: &[u8]) {
        let mut look = self.0.look(START.after(Duration::from_secs(1)));
        if !bytes.is_empty() {
            look.handle(Input::Received(bytes));
        }
        look.handle(Input::Quiet);
        assert!(matches!(look.poll(START), Output::Done));
        look.finish().expect("nothing out of step");
    }
}

fn late() -> Warning {
    Warning::LateAcknowledgment(Acknowledgment {
        code: Code::ApplicationError,
        control_id: b"1".to_vec(),
    })
}

fn settling() -> Terms {
    Terms {
        settle_on: SettleOn::Accept,
        ..terms()
    }
}

#[test]
fn one_right_behind_the_accept_acknowledgment_is_late_in_any_split() {
    // Chosen by the caller, by the message, or by a receiver that gets the mode wrong.
    for (terms, conditions) in [(settling(), "AL|AL"), (terms(), "AL|NE"), (terms(), "|")] {
        let accept = frame("CA", "1", "");
        let both = [accept.clone(), frame("AE", "1", "")].concat();
        for cut in accept.len()..=both.len() {
            let (with, after) = both.split_at(cut);
            let mut line = Line(Session::new(terms.clone(), START), terms.clone());
            line.begin(&message("1", conditions));
            line.receive(with);
            let first = line.finish();
            assert_eq!(
                first.verdict,
                Verdict::Accepted,
                "{conditions} cut at {cut}"
            );
            line.look(after);
            line.begin(&message("2", "NE|AL"));
            line.receive(&frame("AA", "2", ""));
            let second = line.finish();
            assert_eq!(second.verdict, Verdict::Applied);
            let told = [first.warnings, second.warnings].concat();
            let told = told.iter().filter(|warning| **warning == late());
            assert_eq!(told.count(), 1, "{conditions} cut at {cut}");
        }
    }
}

#[test]
fn one_right_behind_the_commit_block_is_late_and_committed_at_once() {
    let terms = Terms {
        release: Release::Two,
        ..settling()
    };
    let mut line = Line(Session::new(terms.clone(), START), terms);
    line.begin(&message("1", "|"));
    line.receive(&[b"\x0B\x06\x1C\r", &frame("AE", "1", "")[..]].concat());
    assert_eq!(line.settle_down(), b"\x0B\x06\x1C\r");
    let reply = line.finish();
    assert_eq!(
        (reply.verdict, reply.warnings),
        (Verdict::Accepted, vec![late()])
    );
}

#[test]
fn one_right_behind_the_accept_acknowledgment_gets_the_ca_that_it_asks_for() {
    let mut line = Line(Session::new(settling(), START), settling());
    line.begin(&message("1", "AL|AL"));
    line.receive(&[frame("CA", "1", ""), frame("AE", "1", "AL")].concat());
    let said = String::from_utf8(line.settle_down()).unwrap();
    assert!(said.contains("\rMSA|CA|R1\r"));
    assert_eq!(line.finish().warnings, [late()]);
}

#[test]
fn one_right_behind_the_accept_acknowledgment_is_late_once() {
    let mut line = Line(Session::new(settling(), START), settling());
    line.begin(&message("1", "AL|AL"));
    let late = frame("AE", "1", "");
    line.receive(&[frame("CA", "1", ""), late.clone()].concat());
    line.finish();
    let mut look = line.0.look(START.after(Duration::from_secs(1)));
    look.handle(Input::Received(&late));
    assert!(matches!(look.poll(START), Output::Done));
    assert!(look.finish().is_err(), "it came before");
}
