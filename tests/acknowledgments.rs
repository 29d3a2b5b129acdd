//! Every pair of MSH-15 and MSH-16 against every order of replies. No host is
//! needed: the session is driven by hand, and time passes as the test says.

use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::error::{Cause, Delivery, Desync, Failure, InvalidReply, Phase, Retry};
use mllp_client::limits::ATTEMPTS_TOLD_MAX;
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::ack::{self, Code};
use mllp_client::proto::exchange::{Commit, Finished, Reply, Verdict};
use mllp_client::proto::leniency::Leniency;
use mllp_client::proto::terms::{Correlation, Judging, Release, SettleOn, Terms};
use mllp_client::proto::warning::Warning;
use mllp_client::session::Session;

#[path = "support/modes.rs"]
mod modes;
#[path = "support/session.rs"]
mod support;
use support::terms;

const START: Instant = Instant::from_nanoseconds(1_000);
const LATER: Duration = Duration::from_millis(10);

/// A session on which time passes.
struct Line {
    session: Session,
    terms: Terms,
    now: Instant,
    /// What went out beside the message's own frame.
    said: Vec<u8>,
    /// How often the message's frame went out.
    frames: usize,
}

impl Line {
    fn new(terms: &Terms) -> Self {
        Self {
            session: Session::new(terms.clone(), START),
            terms: terms.clone(),
            now: START,
            said: Vec::new(),
            frames: 0,
        }
    }

    /// Looks at the idle connection and begins the exchange of a message, of which
    /// everything is handed over.
    fn send(&mut self, id: &str, accept: &str, application: &str) {
        self.look(&[]).expect("nothing unread");
        self.begin(id, accept, application);
        self.settle_down();
    }

    fn begin(&mut self, id: &str, accept: &str, application: &str) {
        let message = message(id, accept, application);
        let deadline = self.now.after(Duration::from_secs(30));
        support::begin(&mut self.session, &message, &self.terms, deadline);
    }

    /// A look at the idle connection on which these bytes stand.
    fn look(&mut self, unread: &[&[u8]]) -> Result<(), Failure> {
        let mut look = self.session.look(self.now.after(LATER));
        for bytes in unread {
            assert!(matches!(look.poll(self.now), Output::Look(_)));
            look.handle(Input::Received(bytes));
        }
        if matches!(look.poll(self.now), Output::Look(_)) {
            look.handle(Input::Quiet);
        }
        assert!(matches!(look.poll(self.now), Output::Done));
        look.finish()
    }

    /// Does what the session wants until it waits or is done; returns until when it
    /// waits.
    fn settle_down(&mut self) -> Option<Instant> {
        loop {
            let taken = match self.session.poll(self.now) {
                Output::Transmit(bytes, _) => {
                    if bytes.starts_with(b"\x0BMSH") && bytes.windows(3).any(|part| part == b"ADT")
                    {
                        self.frames += 1;
                    } else {
                        self.said.extend_from_slice(bytes);
                    }
                    bytes.len()
                }
                Output::Wait(until) => return Some(until),
                Output::Done => return None,
                Output::Look(_) => panic!("a look in the middle of an exchange"),
            };
            self.session.handle(Input::Transmitted(taken));
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.now = self.now.after(LATER);
        self.session.handle(Input::Received(bytes));
        self.settle_down();
    }

    fn acknowledge(&mut self, code: &str, id: &str) {
        self.receive(&frame(&acknowledgment(code, id)));
    }

    /// Lets time pass until the session is done.
    fn wait(&mut self) {
        while let Some(until) = self.settle_down() {
            assert!(until > self.now, "it wants to wait for the past");
            self.now = until;
        }
    }

    fn finish(&mut self) -> Finished {
        assert!(matches!(self.session.poll(self.now), Output::Done));
        self.session.finish()
    }

    fn outcome(&mut self) -> Result<Reply, Failure> {
        self.finish().outcome
    }
}

fn message(id: &str, accept: &str, application: &str) -> Vec<u8> {
    format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|{id}|P|2.5|||{accept}|{application}\rPID|1\r").into()
}

fn acknowledgment(code: &str, id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|C|D|A|B|2026||ACK|R{id}|P|2.5\rMSA|{code}|{id}\r").into()
}

fn frame(content: &[u8]) -> Vec<u8> {
    [b"\x0B", content, b"\x1C\r"].concat()
}

const COMMIT: &[u8] = b"\x0B\x06\x1C\r";
const NEGATIVE_COMMIT: &[u8] = b"\x0B\x15\x1C\r";

/// An outcome in the words of the document.
fn told(outcome: &Result<Reply, Failure>) -> modes::Cell {
    let (word, warnings) = match outcome {
        Ok(reply) => (reply.verdict.word(), &reply.warnings),
        Err(failure) => {
            assert_eq!(failure.delivery, Delivery::InDoubt);
            (failure.cause.word(), &failure.warnings)
        }
    };
    let missing = warnings.iter().find_map(|warning| match warning {
        Warning::AcknowledgmentMissing(cause) => Some(cause.word().to_owned()),
        _ => None,
    });
    modes::Cell {
        word: word.to_owned(),
        missing,
        wrong_mode: warnings
            .iter()
            .any(|warning| matches!(warning, Warning::WrongMode(_))),
    }
}

/// The line after a message in this mode and these replies.
fn after(mode: &modes::Mode, replies: &[&str]) -> Line {
    let mut line = Line::new(&terms());
    line.send("1", &mode.accept, &mode.application);
    for code in replies {
        line.acknowledge(code, "1");
    }
    line
}

#[test]
fn silence_means_in_every_mode_what_the_document_says() {
    for mode in modes::all() {
        let mut line = after(&mode, &[]);
        line.wait();
        assert_eq!(told(&line.outcome()), mode.nothing, "{}", mode.name());
    }
}

#[test]
fn the_first_reply_means_in_every_mode_what_the_document_says() {
    for mode in modes::all() {
        for (code, cell) in modes::CODES.into_iter().zip(&mode.replies) {
            let mut line = after(&mode, &[code]);
            let over = matches!(line.session.poll(line.now), Output::Done);
            assert_eq!(over, !cell.goes_on(), "{} {code}", mode.name());
            if over {
                assert_eq!(told(&line.outcome()), *cell, "{} {code}", mode.name());
            }
        }
    }
}

#[test]
fn what_comes_after_ca_means_what_the_document_says() {
    for mode in modes::all() {
        let Some(first) = mode.replies.first().filter(|cell| cell.goes_on()) else {
            continue;
        };
        let after_ca = mode.after_ca();
        let expected = |cell: &modes::Cell| modes::Cell {
            wrong_mode: cell.wrong_mode || first.wrong_mode,
            ..cell.clone()
        };
        let mut silent = after(&mode, &["CA"]);
        silent.wait();
        let outcome = silent.outcome();
        assert_eq!(
            told(&outcome),
            expected(&after_ca.nothing),
            "{}",
            mode.name()
        );
        assert_eq!(
            outcome.unwrap().acknowledgment.unwrap().code,
            Code::CommitAccept
        );
        for (code, cell) in modes::CODES.into_iter().zip(&after_ca.replies) {
            let mut line = after(&mode, &["CA", code]);
            if cell.word == "skipped" {
                line.wait();
                let outcome = line.outcome();
                assert_eq!(
                    told(&outcome),
                    expected(&after_ca.nothing),
                    "{}",
                    mode.name()
                );
                let repeated = Warning::RepeatedAcknowledgment(1);
                assert!(outcome.unwrap().warnings.contains(&repeated));
            } else {
                let outcome = line.outcome();
                assert_eq!(told(&outcome), expected(cell), "{} CA {code}", mode.name());
                assert_eq!(outcome.unwrap().accept.unwrap().code, Code::CommitAccept);
            }
        }
    }
}

#[test]
fn a_reply_for_another_message_settles_nothing_in_any_mode() {
    for mode in modes::all() {
        for code in modes::CODES {
            if mode.replies.is_empty() {
                continue;
            }
            let mut line = Line::new(&terms());
            line.send("1", &mode.accept, &mode.application);
            line.acknowledge(code, "2");
            let failure = line.outcome().unwrap_err();
            let desync = Cause::ProtocolDesync(Desync::OtherControlId);
            assert_eq!(failure.cause, desync, "{} {code}", mode.name());
            assert_eq!(failure.delivery, Delivery::InDoubt);
        }
    }
}

#[test]
fn swapped_replies_settle_nothing_but_what_was_accepted() {
    for code in modes::CODES {
        let mut line = Line::new(&terms());
        line.send("2", "AL", "AL");
        line.acknowledge("CA", "2");
        line.acknowledge(code, "1");
        let Finished {
            outcome,
            connection_lost,
            ..
        } = line.finish();
        let reply = outcome.unwrap();
        assert_eq!(reply.verdict, Verdict::Accepted);
        let desync = Cause::ProtocolDesync(Desync::OtherControlId);
        assert_eq!(reply.warnings, [Warning::AcknowledgmentMissing(desync)]);
        assert!(connection_lost);
    }
}

#[test]
fn a_doubled_reply_never_settles_the_next_message() {
    for mode in modes::all() {
        for (code, cell) in modes::CODES.into_iter().zip(&mode.replies) {
            if cell.goes_on() {
                continue;
            }
            let doubled = [acknowledgment(code, "1"), acknowledgment(code, "1")]
                .iter()
                .flat_map(|content| frame(content))
                .collect::<Vec<u8>>();
            let mut line = Line::new(&terms());
            line.send("1", &mode.accept, &mode.application);
            line.receive(&doubled);
            let first = line.outcome().unwrap();
            let size = u32::try_from(doubled.len() / 2).unwrap();
            let told = first.warnings.contains(&Warning::BytesAfterFrame(size));
            assert!(told, "{} {code}: {first:?}", mode.name());
            let found = line.look(&[]).unwrap_err();
            let desync = Cause::ProtocolDesync(Desync::UnreadFrame);
            assert_eq!(found, Failure::not_sent(Phase::Write, desync));
        }
    }
}

#[test]
fn the_end_of_the_connection_is_no_silence() {
    for mode in modes::all().iter().filter(|mode| !mode.replies.is_empty()) {
        for (input, cause) in [
            (Input::Ended, Cause::ConnectionEnded),
            (Input::Broken, Cause::ConnectionBroken),
        ] {
            let mut line = after(mode, &[]);
            line.session.handle(input);
            let failure = line.outcome().unwrap_err();
            assert_eq!(
                (failure.cause, failure.delivery),
                (cause, Delivery::InDoubt)
            );
        }
    }
}

#[test]
fn what_was_accepted_stays_so_when_the_connection_ends() {
    let mut line = Line::new(&terms());
    line.send("1", "AL", "AL");
    line.acknowledge("CA", "1");
    line.session.handle(Input::Ended);
    let Finished {
        outcome,
        connection_lost,
        ..
    } = line.finish();
    let reply = outcome.unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    assert_eq!(
        reply.warnings,
        [Warning::AcknowledgmentMissing(Cause::ConnectionEnded)]
    );
    assert_eq!(reply.message, acknowledgment("CA", "1"));
    assert!(connection_lost);
}

#[test]
fn both_acknowledgments_may_come_in_one_piece_and_in_any_split() {
    let both = [
        frame(&acknowledgment("CA", "1")),
        frame(&acknowledgment("AE", "1")),
    ]
    .concat();
    for cut in 0..=both.len() {
        let (first, second) = both.split_at(cut);
        let mut line = Line::new(&terms());
        line.send("1", "AL", "AL");
        for part in [first, second] {
            if !part.is_empty() {
                line.receive(part);
            }
        }
        let reply = line.outcome().unwrap();
        assert_eq!(reply.verdict, Verdict::Refused, "cut at {cut}");
        assert_eq!(reply.warnings, []);
    }
}

#[test]
fn each_acknowledgment_has_its_own_limit_inside_the_deadline() {
    let terms = Terms {
        accept_timeout_ms: Some(200),
        application_timeout_ms: Some(300),
        quiet_period_ms: 400,
        ..terms()
    };
    let ms = Duration::from_millis;
    for (accept, application, replies, limit) in [
        ("", "", &[][..], ms(300)),
        ("AL", "AL", &[], ms(200)),
        ("AL", "AL", &["CA"], LATER + ms(300)),
        ("AL", "ER", &["CA"], LATER + ms(400)),
        ("NE", "AL", &[], ms(300)),
        ("ER", "NE", &[], ms(400)),
        ("SU", "SU", &[], ms(400)),
    ] {
        let mut line = Line::new(&terms);
        line.send("1", accept, application);
        for code in replies {
            line.acknowledge(code, "1");
        }
        line.wait();
        assert_eq!(START.until(line.now), limit, "{accept}/{application}");
    }
}

#[test]
fn a_limit_beyond_the_deadline_is_the_deadline() {
    let terms = Terms {
        accept_timeout_ms: Some(60_000),
        quiet_period_ms: 60_000,
        ..terms()
    };
    for (accept, application, cause) in [
        ("AL", "NE", Cause::TimedOut),
        // The silence was not as long as it has to be.
        ("ER", "NE", Cause::TimedOut),
        ("SU", "NE", Cause::TimedOut),
    ] {
        let mut line = Line::new(&terms);
        line.send("1", accept, application);
        line.wait();
        assert_eq!(START.until(line.now), Duration::from_secs(30));
        assert_eq!(line.outcome().unwrap_err().cause, cause);
    }
}

#[test]
fn a_reply_on_its_way_is_no_silence() {
    let error = frame(&acknowledgment("CE", "1"));
    let (begun, rest) = error.split_at(20);
    let mut line = Line::new(&terms());
    line.send("1", "ER", "NE");
    line.receive(begun);
    line.now = line.now.after(Duration::from_secs(5));
    assert!(line.settle_down().is_some());
    line.receive(rest);
    assert_eq!(line.outcome().unwrap().verdict, Verdict::Refused);

    let mut cut = Line::new(&terms());
    cut.send("1", "ER", "NE");
    cut.receive(begun);
    cut.wait();
    let failure = cut.outcome().unwrap_err();
    assert_eq!(
        (failure.cause, failure.phase),
        (Cause::TimedOut, Phase::Reply)
    );
}

#[test]
fn the_phase_tells_which_acknowledgment_was_waited_for() {
    for (accept, application, phase) in [
        ("", "", Phase::Reply),
        ("AL", "AL", Phase::Commit),
        ("NE", "AL", Phase::Reply),
        ("SU", "NE", Phase::Commit),
        ("NE", "SU", Phase::Reply),
    ] {
        let mut line = Line::new(&terms());
        line.send("1", accept, application);
        line.session.handle(Input::Ended);
        assert_eq!(line.outcome().unwrap_err().phase, phase);
    }
}

fn settling_on_accept() -> Terms {
    Terms {
        settle_on: SettleOn::Accept,
        ..terms()
    }
}

#[test]
fn settling_on_the_accept_acknowledgment_waits_for_no_other() {
    for application in ["AL", "NE", "ER", "SU"] {
        let mut line = Line::new(&settling_on_accept());
        line.send("1", "AL", application);
        line.acknowledge("CA", "1");
        let reply = line.outcome().unwrap();
        assert_eq!((reply.verdict, reply.warnings), (Verdict::Accepted, vec![]));
    }
}

fn late(code: Code, id: &str) -> Warning {
    Warning::LateAcknowledgment(ack::Acknowledgment {
        code,
        control_id: id.into(),
    })
}

#[test]
fn a_late_application_acknowledgment_is_told_with_the_next_result_and_credited_to_nobody() {
    let aa = frame(&acknowledgment("AA", "1"));
    for cut in 0..=aa.len() {
        let (idle, during) = aa.split_at(cut);
        let mut line = Line::new(&settling_on_accept());
        line.send("1", "AL", "AL");
        line.acknowledge("CA", "1");
        assert_eq!(line.outcome().unwrap().verdict, Verdict::Accepted);
        if !idle.is_empty() {
            line.look(&[idle]).unwrap();
        }
        line.begin("2", "AL", "AL");
        if !during.is_empty() {
            line.receive(during);
        }
        line.settle_down();
        line.acknowledge("CR", "2");
        let reply = line.outcome().unwrap();
        assert_eq!(reply.verdict, Verdict::Refused, "cut at {cut}");
        assert_eq!(reply.warnings, [late(Code::ApplicationAccept, "1")]);
    }
}

#[test]
fn a_late_acknowledgment_is_told_with_a_failure_too() {
    let mut line = Line::new(&settling_on_accept());
    line.send("1", "AL", "AL");
    line.acknowledge("CA", "1");
    assert!(line.outcome().is_ok());
    line.send("2", "AL", "AL");
    line.acknowledge("AE", "1");
    line.session.handle(Input::Ended);
    let failure = line.outcome().unwrap_err();
    assert_eq!(failure.cause, Cause::ConnectionEnded);
    assert_eq!(failure.warnings, [late(Code::ApplicationError, "1")]);
}

#[test]
fn late_acknowledgments_may_be_several_and_come_in_any_order() {
    let mut line = Line::new(&settling_on_accept());
    for id in ["1", "2", "3"] {
        line.send(id, "AL", "AL");
        line.acknowledge("CA", id);
        assert!(line.outcome().is_ok());
    }
    let both = ["3", "1"]
        .map(|id| frame(&acknowledgment("AA", id)))
        .concat();
    line.look(&[&both]).unwrap();
    line.send("4", "AL", "AL");
    line.acknowledge("AA", "2");
    line.acknowledge("CA", "4");
    let told = ["3", "1", "2"].map(|id| late(Code::ApplicationAccept, id));
    assert_eq!(line.outcome().unwrap().warnings, told);
}

#[test]
fn a_late_acknowledgment_comes_once() {
    let aa = frame(&acknowledgment("AA", "1"));
    let mut line = Line::new(&settling_on_accept());
    line.send("1", "AL", "AL");
    line.acknowledge("CA", "1");
    assert!(line.outcome().is_ok());
    let found = line.look(&[&aa, &aa]).unwrap_err();
    let desync = Cause::ProtocolDesync(Desync::UnreadFrame);
    assert_eq!(found.cause, desync);
    assert_eq!(found.delivery, Delivery::NotSent);
    assert_eq!(found.warnings, [late(Code::ApplicationAccept, "1")]);
}

#[test]
fn one_that_comes_after_its_limit_is_late_too() {
    let terms = Terms {
        application_timeout_ms: Some(200),
        ..terms()
    };
    let mut line = Line::new(&terms);
    line.send("1", "AL", "AL");
    line.acknowledge("CA", "1");
    line.wait();
    let Finished {
        outcome,
        connection_lost,
        ..
    } = line.finish();
    let missing = Warning::AcknowledgmentMissing(Cause::TimedOut);
    assert_eq!(outcome.unwrap().warnings, [missing]);
    assert!(!connection_lost);
    line.send("2", "AL", "AL");
    line.acknowledge("AE", "1");
    line.acknowledge("CA", "2");
    line.acknowledge("AA", "2");
    let reply = line.outcome().unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(reply.warnings, [late(Code::ApplicationError, "1")]);
}

#[test]
fn an_application_acknowledgment_that_asks_for_one_gets_a_ca() {
    for (condition, asks) in [
        ("AL", true),
        ("SU", true),
        ("ER", false),
        ("NE", false),
        ("", false),
    ] {
        for code in ["AA", "AE"] {
            let content = format!(
                "MSH|^~\\&|C|D|A|B|2026||ACK^A01^ACK|R1|P|2.5|||{condition}|NE\rMSA|{code}|1\r"
            );
            let mut line = Line::new(&terms());
            line.send("1", "NE", "AL");
            line.receive(&frame(content.as_bytes()));
            assert_eq!(line.outcome().unwrap().warnings, []);
            if !asks {
                assert_eq!(line.said, b"");
                continue;
            }
            let said = String::from_utf8(line.said).unwrap();
            let said = said.strip_prefix('\x0B').unwrap();
            let said = said.strip_suffix("\x1C\r").unwrap();
            let (header, msa) = said.split_once('\r').unwrap();
            assert_eq!(msa, "MSA|CA|R1\r");
            let fields: Vec<_> = header.split('|').collect();
            assert_eq!(fields[2..6], ["A", "B", "C", "D"]);
            assert_eq!(fields[6], "20261123080000+0000");
            assert_eq!(fields[8], "ACK^A01^ACK");
            assert_eq!(fields[10..12], ["P", "2.5"]);
        }
    }
}

#[test]
fn an_owed_acknowledgment_that_cannot_leave_is_told_and_ends_the_connection() {
    let content = b"MSH|^~\\&|C|D|A|B|2026||ACK|R1|P|2.5|||AL|NE\rMSA|AA|1\r";
    let mut line = Line::new(&terms());
    line.send("1", "NE", "AL");
    line.session.handle(Input::Received(&frame(content)));
    assert!(matches!(line.session.poll(line.now), Output::Transmit(..)));
    line.session.handle(Input::Broken);
    let Finished {
        outcome,
        connection_lost,
        ..
    } = line.finish();
    let reply = outcome.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(reply.warnings, [Warning::OwedAcknowledgmentUnsent]);
    assert!(connection_lost);
}

fn release(release: Release) -> Terms {
    Terms { release, ..terms() }
}

#[test]
fn a_commit_block_is_an_acceptance_and_the_reply_gets_the_senders_own() {
    for kind in [Release::Two, Release::Auto] {
        let mut line = Line::new(&release(kind));
        line.send("1", "", "");
        line.receive(COMMIT);
        assert_eq!(line.said, b"");
        line.acknowledge("AA", "1");
        let reply = line.outcome().unwrap();
        assert_eq!(
            (reply.verdict, reply.commit),
            (Verdict::Applied, Some(Commit::Positive))
        );
        assert_eq!(reply.warnings, []);
        assert_eq!(line.said, COMMIT);
    }
}

#[test]
fn a_commit_block_alone_is_accepted_where_nothing_else_is_due() {
    for (kind, accept, application, settle_on) in [
        (Release::Two, "NE", "NE", SettleOn::Application),
        (Release::Auto, "NE", "NE", SettleOn::Application),
        (Release::Two, "", "", SettleOn::Accept),
        (Release::Two, "AL", "AL", SettleOn::Accept),
    ] {
        let terms = Terms {
            settle_on,
            ..release(kind)
        };
        let mut line = Line::new(&terms);
        line.send("1", accept, application);
        line.receive(COMMIT);
        let reply = line.outcome().unwrap();
        assert_eq!(
            (reply.verdict, reply.acknowledgment),
            (Verdict::Accepted, None)
        );
        assert_eq!((reply.message.len(), reply.warnings), (0, vec![]));
    }
}

#[test]
fn what_a_commit_block_accepted_stays_so_without_a_reply() {
    let mut line = Line::new(&release(Release::Two));
    line.send("1", "", "");
    line.receive(COMMIT);
    line.wait();
    let reply = line.outcome().unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    let missing = Warning::AcknowledgmentMissing(Cause::TimedOut);
    assert_eq!(reply.warnings, [missing]);
}

#[test]
fn without_a_commit_block_nothing_is_known() {
    for (accept, application) in [("NE", "NE"), ("", ""), ("ER", "ER")] {
        let mut line = Line::new(&release(Release::Two));
        line.send("1", accept, application);
        line.wait();
        let failure = line.outcome().unwrap_err();
        assert_eq!(
            (failure.cause, failure.phase),
            (Cause::TimedOut, Phase::Commit)
        );
        assert_eq!(failure.delivery, Delivery::InDoubt);
    }
}

#[test]
fn a_negative_commit_block_is_a_refusal() {
    let mut line = Line::new(&release(Release::Two));
    line.send("1", "", "");
    line.receive(NEGATIVE_COMMIT);
    let reply = line.outcome().unwrap();
    assert_eq!(
        (reply.verdict, reply.commit),
        (Verdict::Refused, Some(Commit::Negative))
    );
    assert_eq!((line.frames, reply.transmissions), (1, 1));
}

#[test]
fn a_negative_commit_block_is_answered_by_sending_again_so_often_and_no_more() {
    let terms = Terms {
        commit_retries: 2,
        ..release(Release::Two)
    };
    let mut line = Line::new(&terms);
    line.send("1", "", "");
    line.receive(NEGATIVE_COMMIT);
    line.receive(NEGATIVE_COMMIT);
    line.receive(COMMIT);
    line.acknowledge("AA", "1");
    let reply = line.outcome().unwrap();
    assert_eq!(
        (reply.verdict, reply.commit),
        (Verdict::Applied, Some(Commit::Positive))
    );
    assert_eq!((line.frames, reply.transmissions), (3, 3));
    assert_eq!(
        reply.retries,
        [Retry::NegativeCommit, Retry::NegativeCommit]
    );

    let mut refused = Line::new(&terms);
    refused.send("1", "", "");
    for _ in 0..3 {
        refused.receive(NEGATIVE_COMMIT);
    }
    let reply = refused.outcome().unwrap();
    assert_eq!((reply.verdict, refused.frames), (Verdict::Refused, 3));
}

#[test]
fn of_many_negative_commit_blocks_the_last_are_told_and_all_are_counted() {
    let tries: u32 = 1_000;
    let terms = Terms {
        commit_retries: tries,
        ..release(Release::Two)
    };
    let mut line = Line::new(&terms);
    line.send("1", "", "");
    for _ in 0..=tries {
        line.receive(NEGATIVE_COMMIT);
    }
    let reply = line.outcome().unwrap();
    assert_eq!(reply.verdict, Verdict::Refused);
    assert_eq!(reply.transmissions, tries + 1);
    assert_eq!(reply.retries.len(), ATTEMPTS_TOLD_MAX);
}

#[test]
fn what_was_refused_stays_so_when_nothing_went_out_after_it() {
    let terms = Terms {
        commit_retries: 1,
        ..release(Release::Two)
    };
    for rest in [Input::Ended, Input::Broken, Input::Received(b"\x0BMSH|")] {
        let mut line = Line::new(&terms);
        line.send("1", "", "");
        line.session.handle(Input::Received(NEGATIVE_COMMIT));
        line.session.handle(rest);
        let Finished {
            outcome,
            connection_lost,
            ..
        } = line.finish();
        let reply = outcome.unwrap();
        assert_eq!(reply.verdict, Verdict::Refused);
        assert_eq!((reply.commit, line.frames), (Some(Commit::Negative), 1));
        assert!(connection_lost);
    }
}

#[test]
fn a_repeat_that_was_cut_leaves_doubt_since_the_message_had_arrived() {
    let terms = Terms {
        commit_retries: 1,
        ..release(Release::Two)
    };
    let mut line = Line::new(&terms);
    line.send("1", "", "");
    line.session.handle(Input::Received(NEGATIVE_COMMIT));
    assert!(matches!(line.session.poll(line.now), Output::Transmit(..)));
    line.session.handle(Input::Transmitted(5));
    line.session.handle(Input::Broken);
    let failure = line.outcome().unwrap_err();
    assert_eq!(failure.delivery, Delivery::InDoubt);
    assert_eq!(failure.transmissions, 2);
}

#[test]
fn what_was_accepted_is_not_sent_again() {
    let terms = Terms {
        commit_retries: 1,
        ..release(Release::Two)
    };
    let mut line = Line::new(&terms);
    line.send("1", "AL", "AL");
    line.acknowledge("CA", "1");
    line.receive(NEGATIVE_COMMIT);
    assert_eq!(line.outcome().unwrap().verdict, Verdict::Accepted);
    assert_eq!(line.frames, 1);
}

#[test]
fn a_commit_block_for_an_owed_acknowledgment_is_never_taken_for_a_messages() {
    let terms = Terms {
        settle_on: SettleOn::Accept,
        ..release(Release::Two)
    };
    let late = b"MSH|^~\\&|C|D|A|B|2026||ACK|R1|P|2.5|||AL|NE\rMSA|AA|1\r";
    let mut line = Line::new(&terms);
    line.send("1", "", "");
    line.receive(COMMIT);
    assert_eq!(line.outcome().unwrap().verdict, Verdict::Accepted);
    line.send("2", "", "");
    line.receive(&frame(late));
    // Nothing but the commit block for the late one goes out before this.
    assert_eq!(line.said, COMMIT);
    line.receive(NEGATIVE_COMMIT);
    assert!(line.said.len() > COMMIT.len());
    line.receive(COMMIT);
    let reply = line.outcome().unwrap();
    assert_eq!(reply.verdict, Verdict::Refused);
    assert_eq!(reply.warnings, [self::late(Code::ApplicationAccept, "1")]);
}

#[test]
fn a_receiver_that_repeats_itself_without_end_makes_nothing_grow() {
    for release in [Release::One, Release::Two] {
        let mut line = Line::new(&Terms { release, ..terms() });
        line.send("1", "AL", "AL");
        if release == Release::Two {
            line.receive(COMMIT);
        }
        line.acknowledge("CA", "1");
        let repeated = [b"\n".as_slice(), &frame(&acknowledgment("CA", "1"))].concat();
        for _ in 0..10_000 {
            line.receive(&repeated);
        }
        line.acknowledge("AA", "1");
        let reply = line.outcome();
        let warnings = reply.map_or_else(|failure| failure.warnings, |reply| reply.warnings);
        let mut told: Vec<_> = warnings.iter().map(Warning::word).collect();
        told.sort_unstable();
        let all = told.len();
        told.dedup();
        assert_eq!(told.len(), all, "each of them once: {warnings:?}");
        let repeated = |warning: &Warning| matches!(warning, Warning::RepeatedAcknowledgment(_));
        assert!(warnings.iter().any(repeated), "{warnings:?}");
    }
}

#[test]
fn turning_judging_off_turns_correlation_not_off() {
    let terms = Terms {
        judging: Judging::Off,
        ..terms()
    };
    let mut line = Line::new(&terms);
    line.send("2", "", "");
    line.acknowledge("AA", "1");
    let desync = Cause::ProtocolDesync(Desync::OtherControlId);
    assert_eq!(line.outcome().unwrap_err().cause, desync);
}

#[test]
fn doubt_is_never_a_reason_to_send_again() {
    let terms = Terms {
        commit_retries: 2,
        ..release(Release::Two)
    };
    for input in [Input::Ended, Input::Broken, Input::Received(b"junk")] {
        let mut line = Line::new(&terms);
        line.send("1", "", "");
        line.session.handle(input);
        assert_eq!(line.outcome().unwrap_err().delivery, Delivery::InDoubt);
        assert_eq!(line.frames, 1);
    }
}

#[test]
fn a_reply_without_its_commit_block_counts_and_is_told() {
    let mut line = Line::new(&release(Release::Two));
    line.send("1", "", "");
    line.acknowledge("AA", "1");
    let reply = line.outcome().unwrap();
    assert_eq!((reply.verdict, reply.commit), (Verdict::Applied, None));
    assert_eq!(reply.warnings, [Warning::CommitMissing]);
    assert_eq!(line.said, b"");
}

#[test]
fn a_commit_block_that_comes_behind_its_reply_never_meets_the_next_message() {
    let mut line = Line::new(&release(Release::Two));
    line.send("1", "", "");
    line.acknowledge("AA", "1");
    assert!(matches!(line.session.poll(START), Output::Done));
    assert!(line.session.finish().connection_lost);
}

#[test]
fn under_auto_a_receiver_of_release_1_never_gets_a_commit_block() {
    let mut line = Line::new(&release(Release::Auto));
    for id in ["1", "2"] {
        line.send(id, "", "");
        line.acknowledge("AA", id);
        assert_eq!(line.outcome().unwrap().warnings, []);
    }
    assert_eq!(line.said, b"");
    line.send("3", "", "");
    line.receive(COMMIT);
    let desync = Cause::ProtocolDesync(Desync::UnexpectedCommit);
    assert_eq!(line.outcome().unwrap_err().cause, desync);
}

#[test]
fn under_auto_silence_tells_the_release_once() {
    let mut line = Line::new(&release(Release::Auto));
    let mut took = Vec::new();
    for id in ["1", "2"] {
        let begun = line.now;
        line.send(id, "NE", "NE");
        line.wait();
        assert_eq!(line.outcome().unwrap().verdict, Verdict::Unacknowledged);
        took.push(begun.until(line.now));
    }
    assert_eq!(took, [Duration::from_secs(2), Duration::ZERO]);
}

#[test]
fn a_commit_block_that_nobody_waits_for_is_a_desync() {
    let mut line = Line::new(&release(Release::Two));
    let found = line.look(&[COMMIT]).unwrap_err();
    assert_eq!(found.cause, Cause::ProtocolDesync(Desync::UnreadFrame));
    let mut plain = Line::new(&terms());
    plain.send("1", "", "");
    plain.receive(COMMIT);
    let reason = InvalidReply::NoHeader;
    assert_eq!(
        plain.outcome().unwrap_err().cause,
        Cause::InvalidReply(reason)
    );
}

#[test]
fn under_release_2_the_senders_acknowledgment_is_committed_before_the_call_ends() {
    let content = b"MSH|^~\\&|C|D|A|B|2026||ACK|R1|P|2.5|||AL|NE\rMSA|AA|1\r";
    let mut line = Line::new(&release(Release::Two));
    line.send("1", "", "");
    line.receive(COMMIT);
    line.receive(&frame(content));
    assert!(
        line.settle_down().is_some(),
        "the receiver owes a commit block"
    );
    line.receive(COMMIT);
    assert_eq!(line.outcome().unwrap().warnings, []);
    assert!(line.said.starts_with(COMMIT));

    let mut silent = Line::new(&release(Release::Two));
    silent.send("1", "", "");
    silent.receive(COMMIT);
    silent.receive(&frame(content));
    silent.wait();
    let Finished {
        outcome,
        connection_lost,
        ..
    } = silent.finish();
    assert_eq!(
        outcome.unwrap().warnings,
        [Warning::OwedAcknowledgmentUnsent]
    );
    assert!(connection_lost);
}

#[test]
fn a_reply_for_another_message_counts_with_a_warning_where_that_was_chosen() {
    let terms = Terms {
        correlation: Correlation::Warned,
        ..terms()
    };
    let mut line = Line::new(&terms);
    line.send("1", "", "");
    line.acknowledge("AA", "9");
    let reply = line.outcome().unwrap();
    assert_eq!(reply.warnings, [Warning::OtherControlId]);
    assert_eq!(reply.acknowledgment.unwrap().control_id, b"9");
}

#[test]
fn without_correlation_any_acknowledgment_counts() {
    let terms = Terms {
        correlation: Correlation::Off,
        ..terms()
    };
    let mut line = Line::new(&terms);
    line.send("1", "", "");
    line.acknowledge("AA", "9");
    assert_eq!(line.outcome().unwrap().warnings, []);
}

/// What comes late would be credited to the next message.
#[test]
fn where_a_reply_need_not_be_the_messages_own_nothing_may_come_late() {
    for correlation in [Correlation::Warned, Correlation::Off] {
        for (accept, application, settle_on, replies) in [
            ("AL", "AL", SettleOn::Application, &["CA"][..]),
            ("AL", "AL", SettleOn::Accept, &["CA"]),
            ("ER", "NE", SettleOn::Application, &[]),
            ("NE", "NE", SettleOn::Application, &[]),
            ("", "", SettleOn::Application, &["CA"]),
            ("AL", "AL", SettleOn::Application, &["AA"]),
        ] {
            let terms = Terms {
                correlation,
                settle_on,
                ..terms()
            };
            let mut line = Line::new(&terms);
            line.send("1", accept, application);
            for code in replies {
                line.acknowledge(code, "1");
            }
            line.wait();
            let finished = line.finish();
            assert!(finished.outcome.is_ok() && finished.connection_lost);
        }
    }
}

#[test]
fn a_reply_without_an_acknowledgment_is_returned_unjudged_where_that_was_chosen() {
    for (judging, content) in [
        (Judging::WherePossible, &b"OK"[..]),
        (Judging::WherePossible, b""),
        (Judging::WherePossible, b"MSH|^~\\&|C\rMSA|XX|1\r"),
        (Judging::Off, b"OK"),
        (Judging::Off, b"MSH|^~\\&|C\rMSA|AE|1\r"),
    ] {
        let terms = Terms { judging, ..terms() };
        let mut line = Line::new(&terms);
        line.send("1", "", "");
        line.receive(&frame(content));
        let reply = line.outcome().unwrap();
        assert_eq!(
            (reply.verdict, reply.message),
            (Verdict::Unjudged, content.to_vec())
        );

        let mut accepted = Line::new(&terms);
        accepted.send("1", "AL", "AL");
        accepted.acknowledge("CA", "1");
        accepted.receive(&frame(content));
        assert_eq!(accepted.outcome().unwrap().verdict, Verdict::Accepted);
    }
}

#[test]
fn what_can_be_judged_is_judged_where_possible() {
    let terms = Terms {
        judging: Judging::WherePossible,
        ..terms()
    };
    let mut line = Line::new(&terms);
    line.send("1", "", "");
    line.acknowledge("AE", "1");
    assert_eq!(line.outcome().unwrap().verdict, Verdict::Refused);
}

#[test]
fn a_querys_response_is_returned_whole_with_its_verdict() {
    let response = b"MSH|^~\\&|C|D|A|B|2026||RSP^K22^RSP_K21|R1|P|2.5\rMSA|AA|1\rQAK|Q1|OK\r\
        QPD|IHE PDQ Query|Q1|@PID.3.1^1\rPID|1||4711\r";
    let mut line = Line::new(&terms());
    line.send("1", "", "");
    line.receive(&frame(response));
    let reply = line.outcome().unwrap();
    assert_eq!(
        (reply.verdict, reply.message.as_slice()),
        (Verdict::Applied, &response[..])
    );
}

#[test]
fn acknowledgments_of_other_messages_are_skipped_where_that_is_allowed() {
    let mut terms = terms();
    terms.leniencies.allow(Leniency::OtherAcknowledgment);
    let old = frame(&acknowledgment("AA", "0"));
    let mut line = Line::new(&terms);
    line.look(&[&old, &old]).unwrap();
    line.send("1", "", "");
    line.receive(&[old.as_slice(), &old].concat());
    line.acknowledge("AE", "1");
    let reply = line.outcome().unwrap();
    assert_eq!(reply.verdict, Verdict::Refused);
    let skipped = reply
        .warnings
        .iter()
        .filter_map(Warning::count)
        .sum::<u32>();
    assert_eq!(skipped, 4);
    let found = line.look(&[&frame(b"no acknowledgment")]).unwrap_err();
    assert_eq!(found.cause, Cause::ProtocolDesync(Desync::UnreadFrame));
}

#[test]
fn what_is_borne_of_a_skipped_acknowledgment_is_told_too() {
    let mut terms = terms();
    terms.leniencies.allow(Leniency::OtherAcknowledgment);
    let old = [b"\n".as_slice(), &frame(&acknowledgment("AA", "0"))].concat();
    let mut line = Line::new(&terms);
    line.look(&[&old]).unwrap();
    line.send("1", "", "");
    line.receive(&old);
    line.acknowledge("AA", "1");
    assert_eq!(
        line.outcome().unwrap().warnings,
        [
            Warning::SpaceBeforeStartBlock(2),
            Warning::OtherAcknowledgment(2)
        ]
    );
}

#[test]
fn an_early_answer_to_the_message_itself_is_never_skipped() {
    let mut terms = terms();
    terms.leniencies.allow(Leniency::OtherAcknowledgment);
    let mut line = Line::new(&terms);
    line.look(&[]).unwrap();
    line.begin("1", "", "");
    assert!(matches!(line.session.poll(line.now), Output::Transmit(..)));
    line.session.handle(Input::Transmitted(5));
    line.session
        .handle(Input::Received(&frame(&acknowledgment("AA", "1"))));
    let failure = line.outcome().unwrap_err();
    assert_eq!(failure.cause, Cause::ProtocolDesync(Desync::EarlyReply));
    assert_eq!(failure.delivery, Delivery::CutShort);
}
