//! The transcript of the last call, for a support ticket: what happened, in which
//! order, when and how large, and never what was in it.

use std::fmt::Debug;
use std::time::Instant;

use host_tests::certificates::{Authority, Key};
use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    Correlation, Direction, Judging, Leniency, MllpRelease, Repair, Settling, Transcript, Warning,
};
use host_tests::sandbox::{Client, Sandbox, Settings, Tls};
use marks::NAME;

use crate::common::{ack_asking, asking};

use Direction::{Here, Received, Sent};

async fn connected(script: Receiver, settings: Settings) -> (Sandbox, Client, Running) {
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    (sandbox, connected.expect("the receiver accepts"), receiver)
}

/// What happened, without the times.
fn entries(transcript: &Transcript) -> Vec<(Direction, &str, u64)> {
    let entries = transcript.entries.iter();
    entries
        .map(|entry| (entry.direction, entry.event.as_str(), entry.bytes))
        .collect()
}

/// The same without bytes as they came and went, which may be one piece or several.
fn events(transcript: &Transcript) -> Vec<&str> {
    let events = transcript.entries.iter().map(|entry| entry.event.as_str());
    events
        .filter(|event| !["came", "handed over"].contains(event))
        .collect()
}

fn size(content: &[u8]) -> u64 {
    content.len() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_directions_sizes_and_codes_in_their_order() {
    let script = Receiver::new().accept().serve(1, "AA").expect_end();
    let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
    let there = format!("connected to {}", receiver.address);
    let transcript = sandbox.transcript(client).await;
    assert_eq!(entries(&transcript), [(Here, there.as_str(), 0)]);

    let (sent, reply) = (message("1"), ack("AA", "1"));
    sandbox.send(client, &sent).await.unwrap();
    let transcript = sandbox.transcript(client).await;
    let expected = [
        (Here, "looked: nothing unread", 0),
        (Sent, "message begun", size(&sent)),
        (Sent, "handed over", size(&frame(&sent))),
        (Sent, "end block handed over", 0),
        (Received, "came", size(&frame(&reply))),
        (Received, "acknowledgment AA", size(&reply)),
        (Here, "settled: applied", 0),
    ];
    assert_eq!(entries(&transcript), expected);
    assert_eq!(transcript.left_out, 0);
    sandbox.close(client).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn its_times_begin_with_the_call_and_never_go_back() {
    let sent = asking("1", "AL", "AL");
    let (arrived, may_answer) = (Event::new(), Event::new());
    let script = Receiver::new()
        .accept()
        .expect(&sent)
        .announce(&arrived)
        .acknowledge("CA")
        .wait_for(&may_answer)
        .acknowledge("AA");
    let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
    idle().await;
    let pause = std::time::Duration::from_millis(100);
    let later = tokio::task::spawn_blocking(move || {
        arrived.wait();
        // Not to synchronise anything: it is the time that is to be told.
        std::thread::sleep(pause);
        may_answer.announce();
    });
    let begun = Instant::now();
    sandbox.send(client, &sent).await.unwrap();
    let took = begun.elapsed().as_micros();
    later.await.unwrap();
    let transcript = sandbox.transcript(client).await;
    let times: Vec<_> = transcript.entries.iter().map(|entry| entry.at).collect();
    assert!(times.is_sorted(), "{times:?}");
    let last = times.last().copied().map_or(0, u128::from);
    assert!(
        (pause.as_micros()..=took).contains(&last),
        "{last} of {took}"
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_about_the_last_call_only() {
    let script = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect(&message("2"))
        .acknowledge("AE")
        .expect_end()
        .accept();
    let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
    sandbox.send(client, &message("1")).await.unwrap();
    sandbox.send(client, &message("2")).await.unwrap();
    let transcript = sandbox.transcript(client).await;
    let expected = [
        "looked: nothing unread",
        "message begun",
        "end block handed over",
        "acknowledgment AE",
        "settled: refused",
    ];
    assert_eq!(events(&transcript), expected);
    assert!(sandbox.send(client, b"").await.is_err());
    let transcript = sandbox.transcript(client).await;
    assert_eq!(events(&transcript), ["failed: invalid-message, not-sent"]);
    sandbox.reconnect(client).await.unwrap();
    let transcript = sandbox.transcript(client).await;
    let there = format!("connected to {}", receiver.address);
    assert_eq!(events(&transcript), [there]);
    // One that ended at once leaves the one before.
    assert!(sandbox.send_within(client, &message("3"), 0).await.is_err());
    assert_eq!(sandbox.transcript(client).await, transcript);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_ended_the_connection_and_what_was_known_then() {
    for (reset, end, cause) in [
        (false, "connection ended", "connection-ended"),
        (true, "connection broken", "connection-broken"),
    ] {
        let script = Receiver::new().accept().expect(&message("1"));
        let script = if reset {
            script.reset()
        } else {
            script.close()
        };
        let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
        assert!(sandbox.send(client, &message("1")).await.is_err());
        let transcript = sandbox.transcript(client).await;
        let failed = format!("failed: {cause}, in-doubt");
        let expected = [
            "looked: nothing unread",
            "message begun",
            "end block handed over",
            end,
            &failed,
        ];
        assert_eq!(events(&transcript), expected);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_every_frame_of_an_exchange_both_ways() {
    let sent = asking("1", "AL", "AL");
    let script = Receiver::new()
        .accept()
        .expect(&sent)
        .refuse_to_commit()
        .expect(&sent)
        .commit()
        .reply(&ack("CA", "1"))
        .expect_commit()
        .reply(&ack_asking("AE", "1", "AL"))
        .expect_commit()
        .expect_accept("R1")
        .commit();
    let settings = Settings {
        mllp_release: Some(MllpRelease::Two),
        commit_retries: Some(1),
        ..Settings::default()
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    sandbox.send(client, &sent).await.unwrap();
    let transcript = sandbox.transcript(client).await;
    let expected = [
        "looked: nothing unread",
        "message begun",
        "end block handed over",
        "negative commit block 15",
        "end block handed over",
        "commit block 06",
        "acknowledgment CA",
        "owed: commit block 06",
        "acknowledgment AE",
        "owed: commit block 06",
        "owed: accept acknowledgment",
        "commit block 06",
        "settled: refused",
    ];
    assert_eq!(events(&transcript), expected);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_frames_of_others_as_such() {
    let script = Receiver::new()
        .accept()
        .expect(&asking("1", "AL", "AL"))
        .acknowledge("CA")
        .expect(&message("2"))
        .reply(&ack("AR", "1"))
        .reply(&ack("AA", "9"))
        .reply(&ack("AA", "2"));
    let settings = Settings {
        settle_on: Some(Settling::Accept),
        allow: vec![Leniency::OtherAcknowledgment],
        ..Settings::default()
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let first = asking("1", "AL", "AL");
    sandbox.send(client, &first).await.unwrap();
    sandbox.send(client, &message("2")).await.unwrap();
    let transcript = sandbox.transcript(client).await;
    let expected = [
        "looked: nothing unread",
        "message begun",
        "end block handed over",
        "late acknowledgment AR",
        "acknowledgment of another message",
        "acknowledgment AA",
        "settled: applied",
    ];
    assert_eq!(events(&transcript), expected);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_of_tls() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let script = Receiver::new().accept().shake_hands(server).serve(1, "AA");
    let settings = Settings::tls(Tls::trusting(&authority));
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let transcript = sandbox.transcript(client).await;
    let there = format!("connected to {}", receiver.address);
    assert_eq!(events(&transcript), [&there, "TLS handshake over"]);
    sandbox.send(client, &message("1")).await.unwrap();
    let transcript = sandbox.transcript(client).await;
    let expected = [
        "message begun",
        "end block handed over",
        "acknowledgment AA",
        "settled: applied",
    ];
    // Before it, tickets may have come in the place of nothing.
    assert!(events(&transcript).ends_with(&expected));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_room_for_256_things_and_tells_that_there_were_more() {
    let many = frame(&ack("AA", "0")).repeat(400);
    let script = Receiver::new()
        .accept()
        .expect(&message("1"))
        .send(&many)
        .acknowledge("AA");
    let settings = Settings {
        allow: vec![Leniency::OtherAcknowledgment],
        ..Settings::default()
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.warnings, [Warning::OtherAcknowledgment(400)]);
    let transcript = sandbox.transcript(client).await;
    assert_eq!(transcript.entries.len(), 256);
    assert!(transcript.left_out > 0);
    let _ = receiver.finish();
}

/// No word of any language, nor a part of a number.
fn mark(place: u8) -> String {
    format!("Qxvzjkwq{}", char::from(b'a' + place))
}

/// What stands in a field that is no control id.
fn field(place: u8) -> String {
    format!("{NAME}-{}", mark(place))
}

/// Everything a caller may write down without being told that it is content.
#[derive(Default)]
struct Told(String);

impl Told {
    fn add(&mut self, what: &impl Debug) {
        self.0.push_str(&format!("{what:?}\n"));
    }

    /// Warnings, but for the one control id that one of them is there to tell.
    fn add_warnings(&mut self, warnings: &[Warning]) {
        for warning in warnings {
            match warning {
                Warning::LateAcknowledgment(late) => self.add(&late.code),
                other => self.add(other),
            }
        }
    }

    /// No four letters of a mark in a row, neither as letters nor as a list of bytes.
    fn holds_no_mark(&self, case: &str) {
        let told = self.0.to_lowercase();
        for place in 0..26 {
            let mark = mark(place).to_lowercase();
            for part in mark.as_bytes().windows(4) {
                let letters = String::from_utf8_lossy(part);
                assert!(!told.contains(&*letters), "{case}: {letters} in {told}");
            }
        }
        for place in 0..26 {
            for part in mark(place).as_bytes().windows(4) {
                let bytes = format!("{part:?}");
                let bytes = bytes.trim_matches(['[', ']']);
                assert!(!told.contains(bytes), "{case}: {bytes} in {told}");
            }
        }
    }
}

/// A message with a mark in every field that may hold anything.
fn marked(control_id: &str, accept: &str, application: &str) -> Vec<u8> {
    let mark = |place: usize| field(u8::try_from(place % 26).unwrap_or_default());
    let fields = |count: usize| (1..=count).map(mark).collect::<Vec<_>>().join("|");
    format!(
        "MSH|^~\\&|{}|{control_id}|{}|{}|{}|{accept}|{application}|{}\r\
         PID|{}\rNTE|1||{}\r",
        // MSH-3 to MSH-9.
        fields(7),
        mark(11),
        mark(12),
        [mark(13), mark(14)].join("|"),
        fields(4),
        fields(30),
        fields(1),
    )
    .into_bytes()
}

/// A reply with a mark in every field but those that must be as they are.
fn marked_reply(code: &str, control_id: &str, accept: &str) -> Vec<u8> {
    let mark = field;
    format!(
        "MSH|^~\\&|{a}|{b}|{c}|{d}|{e}|{f}|{g}|{h}|{i}|{j}|{k}|{l}|{accept}|NE|{m}\r\
         MSA|{code}|{control_id}|{n}|{o}|{p}|{q}^{r}\r\
         ERR|{a}^1^2^{b}&{c}|{d}^1^3|{e}^{f}^{g}|E|{h}^{i}|{j}|{k}|{l}|{m}\r\
         NTE|1||{n}\r",
        a = mark(0),
        b = mark(1),
        c = mark(2),
        d = mark(3),
        e = mark(4),
        f = mark(5),
        g = mark(6),
        h = mark(7),
        i = mark(8),
        j = mark(9),
        k = mark(10),
        l = mark(11),
        m = mark(12),
        n = mark(13),
        o = mark(14),
        p = mark(15),
        q = mark(16),
        r = mark(17),
    )
    .into_bytes()
}

/// What a call leaves behind, whatever it came to.
async fn told(sandbox: &mut Sandbox, client: Client, message: &[u8], told: &mut Told) {
    match sandbox.send(client, message).await {
        Ok(reply) => {
            told.add(&(reply.verdict, reply.commit, reply.transmissions));
            told.add(&reply.retries);
            told.add_warnings(&reply.warnings);
        }
        Err(failure) => {
            told.add(&failure.explanation);
            told.add_warnings(&failure.warnings);
            told.add(&(failure.cause, failure.phase, failure.delivery));
            told.add(&(failure.attempts, failure.retries, failure.transmissions));
        }
    }
    told.add(&sandbox.transcript(client).await);
    told.add(&sandbox.counters(client).await);
}

/// A case: what comes back for the marked message, on which terms.
struct Case {
    name: &'static str,
    conditions: (&'static str, &'static str),
    bytes: Vec<u8>,
    settings: Settings,
}

fn cases(own: &str) -> Vec<Case> {
    let other = mark(25);
    let case = |name, conditions, bytes: Vec<u8>, settings| Case {
        name,
        conditions,
        bytes,
        settings,
    };
    let plain = Settings::default;
    let short = || Settings {
        timeout: Some(1_000),
        connect_timeout: Some(30_000),
        quiet_period: Some(200),
        ..Settings::default()
    };
    let bearing = |allow: &[Leniency]| Settings {
        allow: allow.to_vec(),
        ..short()
    };
    let framed = |code: &str, id: &str| frame(&marked_reply(code, id, ""));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let original = ("", "");
    vec![
        case("applied", original, framed("AA", own), plain()),
        case("refused", original, framed("AE", own), plain()),
        case("wrong mode", original, framed("CR", own), plain()),
        case("another's", original, framed("AA", &other), plain()),
        case("unknown code", original, framed(&field(3), own), plain()),
        case(
            "no MSA",
            original,
            frame(format!("MSH|^~\\&|{}\r", field(25)).as_bytes()),
            plain(),
        ),
        case("no MSH", original, frame(other.as_bytes()), plain()),
        case(
            "junk",
            original,
            [other.as_bytes(), &framed("AA", own)].concat(),
            plain(),
        ),
        case(
            "junk borne",
            original,
            [other.as_bytes(), &framed("AA", own)].concat(),
            bearing(&[Leniency::JunkBeforeStartBlock]),
        ),
        case(
            "bytes after",
            original,
            [&framed("AA", own)[..], other.as_bytes()].concat(),
            plain(),
        ),
        case(
            "line feeds",
            original,
            text(&framed("AA", own))
                .replace("\rM", "\nM")
                .replace("\rE", "\nE")
                .into_bytes(),
            plain(),
        ),
        case(
            "line feeds not borne",
            original,
            text(&framed("AA", own))
                .replace("\rM", "\nM")
                .replace("\rE", "\nE")
                .into_bytes(),
            Settings {
                forbid: vec![Leniency::LineFeedSegments],
                ..plain()
            },
        ),
        case("doubled", original, frame(&framed("AA", own)), plain()),
        case(
            "others skipped",
            original,
            [framed("AA", &other), framed("AA", own)].concat(),
            bearing(&[Leniency::OtherAcknowledgment]),
        ),
        case(
            "another's, warned",
            original,
            framed("AA", &other),
            Settings {
                correlation: Some(Correlation::Warned),
                ..plain()
            },
        ),
        case(
            "unjudged",
            original,
            frame(other.as_bytes()),
            Settings {
                judging: Some(Judging::Off),
                ..plain()
            },
        ),
        case(
            "too large",
            original,
            framed("AA", own),
            Settings {
                max_message_size: Some(100),
                ..plain()
            },
        ),
        case(
            "half a reply",
            original,
            framed("AA", own)[..200].to_vec(),
            short(),
        ),
        case("silence", ("SU", "NE"), Vec::new(), short()),
        case("agreed silence", ("ER", "NE"), Vec::new(), short()),
        case(
            "accepted, then half",
            ("AL", "AL"),
            {
                let half = framed("AA", own)[..100].to_vec();
                [framed("CA", own), half].concat()
            },
            short(),
        ),
        case(
            "accepted, then another's",
            ("AL", "AL"),
            [framed("CA", own), framed("AA", &other)].concat(),
            short(),
        ),
        case(
            "accepted, then applied",
            ("AL", "AL"),
            [framed("CA", own), framed("CA", own), framed("AA", own)].concat(),
            short(),
        ),
        case(
            "asks for a CA",
            original,
            frame(&marked_reply("AA", own, "AL")),
            plain(),
        ),
        case(
            "a commit block, and rubbish",
            original,
            [&frame(b"\x06")[..], other.as_bytes()].concat(),
            Settings {
                mllp_release: Some(MllpRelease::Two),
                ..short()
            },
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_content_is_in_any_transcript_explanation_warning_or_counter() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let own = mark(24);
    for secured in [false, true] {
        for case in cases(&own) {
            let (accept, application) = case.conditions;
            let sent = marked(&own, accept, application);
            let over = Event::new();
            let mut script = Receiver::new().accept();
            let mut settings = case.settings;
            if secured {
                script = script.shake_hands(server.clone());
                settings.tls = Some(Tls::trusting(&authority));
            }
            let script = script.expect(&sent).send(&case.bytes).wait_for(&over);
            let (mut sandbox, client, receiver) = connected(script, settings).await;
            let mut all = Told::default();
            told(&mut sandbox, client, &sent, &mut all).await;
            // The next one meets what stands unread, if anything does, or the end.
            idle().await;
            let second = sandbox.send_within(client, &sent, 50).await;
            if let Err(failure) = second {
                all.add(&failure.explanation);
                all.add_warnings(&failure.warnings);
            }
            all.add(&sandbox.transcript(client).await);
            all.add(&sandbox.counters(client).await);
            all.holds_no_mark(case.name);
            over.announce();
            let _ = receiver.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_content_is_told_of_a_late_acknowledgment_but_the_control_id_it_is_there_to_tell() {
    let (own, next) = (mark(24), mark(23));
    let script = Receiver::new()
        .accept()
        .expect(&marked(&own, "AL", "AL"))
        .reply(&marked_reply("CA", &own, ""))
        .expect(&marked(&next, "AL", "AL"))
        .reply(&marked_reply("AE", &own, "AL"))
        .expect_accept(&field(7))
        .reply(&marked_reply("CA", &next, ""));
    let settings = Settings {
        settle_on: Some(Settling::Accept),
        ..Settings::default()
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let mut all = Told::default();
    for id in [&own, &next] {
        told(&mut sandbox, client, &marked(id, "AL", "AL"), &mut all).await;
    }
    all.holds_no_mark("late");
    assert!(all.0.contains("late-acknowledgment"));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_content_is_told_of_a_message_that_is_not_sent() {
    let own = mark(24);
    let right = marked(&own, "", "");
    let text = String::from_utf8(right.clone()).expect("text");
    let refused: [Vec<u8>; 9] = [
        [&right[..], mark(3).as_bytes(), b"\x0B"].concat(),
        [&right[..], mark(3).as_bytes(), b"\x1C\r"].concat(),
        [&right[..], &right[..]].concat(),
        right[3..].to_vec(),
        [b"\xEF\xBB\xBF", &right[..]].concat(),
        marked(&own, &mark(2), "AL"),
        marked(&own, "AL", &mark(2)),
        text.replace(&own, "").into_bytes(),
        right.repeat(50_000),
    ];
    for repairs in [vec![], vec![Repair::Envelope, Repair::LineFeeds]] {
        let script = Receiver::new().accept().expect_end();
        let settings = Settings {
            repairs,
            ..Settings::default()
        };
        let (mut sandbox, client, receiver) = connected(script, settings).await;
        let mut all = Told::default();
        for message in &refused {
            told(&mut sandbox, client, message, &mut all).await;
        }
        let counted = sandbox.counters(client).await.failures.not_sent;
        assert_eq!(counted, refused.len() as u64);
        all.holds_no_mark("refused");
        sandbox.close(client).await.unwrap();
        let _ = receiver.finish();
    }
}
