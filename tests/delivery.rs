//! What is known about a message after every possible end of its exchange. No
//! host is needed: the session is driven by hand.

use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::error::{Cause, Delivery, Desync, Failure, Phase};
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::exchange::{Reply, Verdict};
use mllp_client::proto::warning::Warning;
use mllp_client::session::Session;

#[path = "support/session.rs"]
mod support;
use support::terms;

const START: Instant = Instant::from_nanoseconds(1_000);
const DEADLINE: Instant = Instant::from_nanoseconds(2_000);
const MESSAGE: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|42|P|2.5\rPID|1\r";
const FRAME_SIZE: usize = MESSAGE.len() + 3;
const ACK: &[u8] = b"\x0BMSH|^~\\&|C|D|A|B|2026||ACK|1|P|2.5\rMSA|AA|42\r\x1C\r";

fn begun() -> Session {
    let mut session = Session::new(terms(), START);
    begin(&mut session);
    session
}

fn begin(session: &mut Session) {
    look(session, &[Input::Quiet]).unwrap();
    support::begin(session, MESSAGE, &terms(), DEADLINE);
}

/// A look at an idle connection on which this happens.
fn look(session: &mut Session, inputs: &[Input<'_>]) -> Result<(), Failure> {
    let mut look = session.look(DEADLINE);
    assert!(matches!(look.poll(START), Output::Look(START)));
    for input in inputs {
        look.handle(*input);
    }
    assert!(matches!(look.poll(START), Output::Done));
    look.finish()
}

/// A session of which the transport took this much of the frame.
fn handed_over(bytes: usize) -> Session {
    let mut session = begun();
    assert!(
        matches!(session.poll(START), Output::Transmit(rest, DEADLINE) if rest.len() == FRAME_SIZE)
    );
    session.handle(Input::Transmitted(bytes));
    session
}

fn outcome(mut session: Session) -> Result<Reply, Failure> {
    assert!(matches!(session.poll(START), Output::Done));
    session.finish().outcome
}

fn known(session: Session) -> (Cause, Phase, Delivery) {
    let failure = outcome(session).unwrap_err();
    (failure.cause, failure.phase, failure.delivery)
}

#[test]
fn every_loss_tells_how_much_of_the_frame_left() {
    for taken in 0..=FRAME_SIZE {
        let (phase, delivery) = match taken {
            0 => (Phase::Write, Delivery::NotSent),
            FRAME_SIZE => (Phase::Reply, Delivery::InDoubt),
            // The carriage return alone is missing: the end block may have
            // arrived, and a lenient receiver is content with that.
            _ if taken == FRAME_SIZE - 1 => (Phase::Write, Delivery::InDoubt),
            _ => (Phase::Write, Delivery::CutShort),
        };
        let mut ended = handed_over(taken);
        ended.handle(Input::Ended);
        assert_eq!(
            known(ended),
            (Cause::ConnectionEnded, phase, delivery),
            "after {taken}"
        );
        let mut broken = handed_over(taken);
        broken.handle(Input::Broken);
        assert_eq!(
            known(broken),
            (Cause::ConnectionBroken, phase, delivery),
            "after {taken}"
        );
        let mut late = handed_over(taken);
        assert!(matches!(late.poll(DEADLINE), Output::Done));
        assert_eq!(
            known(late),
            (Cause::TimedOut, phase, delivery),
            "after {taken}"
        );
    }
}

#[test]
fn an_answer_that_comes_with_the_deadline_counts() {
    let mut session = handed_over(FRAME_SIZE);
    session.handle(Input::Received(ACK));
    assert!(matches!(session.poll(DEADLINE), Output::Done));
    assert_eq!(session.finish().outcome.unwrap().verdict, Verdict::Applied);
}

#[test]
fn the_deadline_never_moves_on_a_byte() {
    let mut session = handed_over(FRAME_SIZE);
    for byte in &ACK[..ACK.len() - 1] {
        session.handle(Input::Received(&[*byte]));
        assert!(matches!(
            session.poll(START.after(Duration::from_nanos(999))),
            Output::Wait(DEADLINE)
        ));
    }
    assert!(matches!(session.poll(DEADLINE), Output::Done));
    assert_eq!(
        known(session),
        (Cause::TimedOut, Phase::Reply, Delivery::InDoubt)
    );
}

#[test]
fn an_answer_to_half_a_message_answers_nothing() {
    let mut session = handed_over(5);
    session.handle(Input::Received(ACK));
    let desync = Cause::ProtocolDesync(Desync::EarlyReply);
    assert_eq!(known(session), (desync, Phase::Write, Delivery::CutShort));
}

#[test]
fn an_answer_begun_before_the_message_was_handed_over_answers_nothing() {
    let (early, late) = ACK.split_at(1);
    let mut session = handed_over(5);
    session.handle(Input::Received(b"\n"));
    session.handle(Input::Received(early));
    session.handle(Input::Transmitted(FRAME_SIZE - 5));
    session.handle(Input::Received(late));
    let desync = Cause::ProtocolDesync(Desync::EarlyReply);
    assert_eq!(known(session), (desync, Phase::Write, Delivery::CutShort));
}

#[test]
fn after_idleness_the_look_waits_a_moment_and_never_past_the_deadline() {
    let begin = Instant::default();
    let look = |idle_ms: u64, timeout_ms: u64| {
        let mut session = Session::new(terms(), begin);
        let now = begin.after(Duration::from_millis(idle_ms));
        let deadline = now.after(Duration::from_micros(timeout_ms * 1_000 / 2));
        match session.look(deadline).poll(now) {
            Output::Look(moment) => now.until(moment),
            _ => panic!("looks first"),
        }
    };
    assert_eq!(look(0, 2_000), Duration::ZERO);
    assert_eq!(look(9, 2_000), Duration::ZERO);
    assert_eq!(look(10, 2_000), Duration::from_millis(1));
    assert_eq!(look(10, 1), Duration::from_micros(500));
}

#[test]
fn what_stands_unread_keeps_the_message_from_leaving() {
    let mut session = Session::new(terms(), START);
    let found = look(&mut session, &[Input::Received(ACK)]).unwrap_err();
    let desync = Cause::ProtocolDesync(Desync::UnreadFrame);
    assert_eq!(found, Failure::not_sent(Phase::Write, desync));
}

#[test]
fn an_ended_or_broken_connection_or_too_little_memory_keeps_the_message_from_leaving() {
    for (input, cause) in [
        (Input::Ended, Cause::ConnectionEnded),
        (Input::Broken, Cause::ConnectionBroken),
        (Input::OutOfMemory, Cause::OutOfMemory),
    ] {
        let mut session = Session::new(terms(), START);
        let found = look(&mut session, &[input]).unwrap_err();
        assert_eq!(found, Failure::not_sent(Phase::Write, cause));
    }
}

#[test]
fn too_little_memory_for_the_reply_leaves_the_message_in_doubt() {
    let mut session = handed_over(FRAME_SIZE);
    session.handle(Input::OutOfMemory);
    let failure = outcome(session).unwrap_err();
    assert_eq!(failure.cause, Cause::OutOfMemory);
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Reply, Delivery::InDoubt)
    );
}

#[test]
fn the_first_outcome_stands() {
    let mut session = handed_over(FRAME_SIZE);
    session.handle(Input::Received(ACK));
    session.handle(Input::Broken);
    assert_eq!(outcome(session).unwrap().verdict, Verdict::Applied);
}

#[test]
fn white_space_after_a_frame_is_told_once_wherever_it_is_found() {
    let mut together = handed_over(FRAME_SIZE);
    together.handle(Input::Received(&[ACK, b"\n"].concat()));
    assert!(matches!(together.poll(START), Output::Done));
    let reply = together.finish().outcome.unwrap();
    assert_eq!(reply.warnings, [Warning::SpaceAfterFrame(1)]);

    let mut apart = handed_over(FRAME_SIZE);
    apart.handle(Input::Received(ACK));
    assert!(matches!(apart.poll(START), Output::Done));
    assert_eq!(apart.finish().outcome.unwrap().warnings, []);
    look(&mut apart, &[Input::Received(b"\n"), Input::Quiet]).unwrap();
    begin(&mut apart);
    apart.handle(Input::Transmitted(FRAME_SIZE));
    apart.handle(Input::Received(ACK));
    assert_eq!(
        outcome(apart).unwrap().warnings,
        [Warning::SpaceAfterFrame(1)]
    );
}

#[test]
fn a_frame_that_follows_the_answer_is_told_and_stops_the_next_message() {
    let mut session = handed_over(FRAME_SIZE);
    session.handle(Input::Received(&[ACK, ACK].concat()));
    assert!(matches!(session.poll(START), Output::Done));
    let reply = session.finish().outcome.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let size = u32::try_from(ACK.len()).unwrap();
    assert_eq!(reply.warnings, [Warning::BytesAfterFrame(size)]);
    let mut look = session.look(DEADLINE);
    assert!(matches!(look.poll(START), Output::Done));
    let desync = Cause::ProtocolDesync(Desync::UnreadFrame);
    let found = look.finish().unwrap_err();
    assert_eq!(found, Failure::not_sent(Phase::Write, desync));
}

#[test]
fn nothing_that_is_printed_holds_content() {
    let mut session = handed_over(5);
    session.handle(Input::Received(b"\x0BMARK"));
    let printed = format!("{session:?}");
    assert!(
        !printed.contains("MARK") && !printed.contains("77, 65"),
        "{printed}"
    );
    let mut session = handed_over(FRAME_SIZE);
    session.handle(Input::Received(ACK));
    let printed = format!("{:?}", outcome(session));
    assert!(
        !printed.contains("MSA") && !printed.contains("77, 83"),
        "{printed}"
    );
}
