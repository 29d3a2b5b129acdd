//! What a session notes of the frames that come, for the transcript.

use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::leniency::Leniency;
use mllp_client::proto::terms::{SettleOn, Terms};
use mllp_client::session::Session;
use mllp_client::transcript::Transcript;

#[path = "support/session.rs"]
mod support;
use support::terms;

const START: Instant = Instant::from_nanoseconds(1_000);

fn ack(code: &str, id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|C|D|A|B|2026||ACK|R{id}|P|2.5\rMSA|{code}|{id}\r").into()
}

fn frame(content: &[u8]) -> Vec<u8> {
    [b"\x0B", content, b"\x1C\r"].concat()
}

/// Hands all there is to the transport.
fn hand_over(session: &mut Session) {
    while let Output::Transmit(bytes, _) = session.poll(START) {
        let taken = bytes.len();
        session.handle(Input::Transmitted(taken));
    }
}

/// Exchanges a message that asks for both acknowledgments; these come back.
fn exchange(session: &mut Session, id: &str, terms: &Terms, replies: &[Vec<u8>]) {
    let message = format!("MSH|^~\\&|A|B|C|D|2026||ADT|{id}|P|2.5|||AL|AL\r");
    let deadline = START.after(Duration::from_secs(1));
    support::begin(session, message.as_bytes(), terms, deadline);
    hand_over(session);
    for reply in replies {
        session.handle(Input::Received(&frame(reply)));
        hand_over(session);
    }
    let _ = session.finish();
}

/// The words noted, with their sizes, without the bytes as they went and came.
fn noted(session: &mut Session) -> Vec<(String, u64)> {
    let mut transcript = Transcript::begin(START);
    transcript.take(session.notes(), START);
    let entries = transcript.entries().iter();
    entries
        .map(|entry| (entry.words(), entry.bytes))
        .filter(|(words, _)| words.contains("acknowledgment"))
        .collect()
}

fn entry(words: &str, content: &[u8]) -> (String, u64) {
    (words.to_owned(), content.len() as u64)
}

#[test]
fn an_acknowledgment_of_another_message_is_noted_as_such_skipped_or_not() {
    let (other, own) = (ack("AA", "another"), ack("CA", "1"));
    for skipped in [true, false] {
        let mut terms = Terms {
            settle_on: SettleOn::Accept,
            ..terms()
        };
        if skipped {
            terms.leniencies.allow(Leniency::OtherAcknowledgment);
        }
        let mut session = Session::new(terms.clone(), START);
        let mut replies = vec![other.clone()];
        let mut expected = vec![entry("acknowledgment of another message", &other)];
        if skipped {
            replies.push(own.clone());
            expected.push(entry("acknowledgment CA", &own));
        }
        exchange(&mut session, "1", &terms, &replies);
        assert_eq!(noted(&mut session), expected);
    }
}

#[test]
fn a_late_acknowledgment_is_noted_with_its_size() {
    let terms = Terms {
        settle_on: SettleOn::Accept,
        ..terms()
    };
    let mut session = Session::new(terms.clone(), START);
    exchange(&mut session, "1", &terms, &[ack("CA", "1")]);
    let _ = noted(&mut session);
    let replies = [ack("AE", "1"), ack("CA", "2")];
    exchange(&mut session, "2", &terms, &replies);
    let expected = [
        entry("late acknowledgment AE", &replies[0]),
        entry("acknowledgment CA", &replies[1]),
    ];
    assert_eq!(noted(&mut session), expected);
}

#[test]
fn an_acknowledgment_that_nobody_waits_for_is_noted_with_its_code() {
    let terms = Terms {
        settle_on: SettleOn::Accept,
        ..terms()
    };
    let mut session = Session::new(terms.clone(), START);
    let replies = [ack("CA", "1"), ack("CA", "1")];
    exchange(&mut session, "1", &terms, &replies);
    let expected = replies.map(|reply| entry("acknowledgment CA", &reply));
    assert_eq!(noted(&mut session), expected);
}
