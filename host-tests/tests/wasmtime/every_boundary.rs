//! Bytes come, and go, cut apart at every single boundary. The host ends a read
//! there, and the next read finds nothing: the two parts are really apart, and the
//! component waits between them.

use std::sync::Arc;

use host_tests::certificates::{Authority, Issued, Key};
use host_tests::event::Event;
use host_tests::messages::{ack, frame, message, message_of};
use host_tests::narrow::Narrow;
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    Cause, Delivery, Failure, MllpRelease, Phase, Reply, TlsProblem, Verdict, Warning,
};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings, Tls};
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};

use crate::common::{ack_asking, asking, together};

/// An exchange of one message with all that the receiver writes for it.
#[derive(Clone)]
struct Exchange {
    settings: Settings,
    message: Vec<u8>,
    /// What the receiver writes, frame by frame.
    frames: Vec<Vec<u8>>,
    /// How many frames the sender owes for them.
    owed: usize,
}

impl Exchange {
    /// One for each way in which acknowledgments come.
    fn all() -> Vec<Self> {
        let plain = Self {
            settings: Settings::default(),
            message: message("1"),
            frames: vec![frame(&ack("AA", "1"))],
            owed: 0,
        };
        let accepted_first = Self {
            message: asking("1", "AL", "AL"),
            frames: vec![frame(&ack("CA", "1")), frame(&ack("AA", "1"))],
            ..plain.clone()
        };
        let committed_first = Self {
            settings: Settings {
                mllp_release: Some(MllpRelease::Two),
                ..Settings::default()
            },
            frames: vec![frame(b"\x06"), frame(&ack("AA", "1"))],
            owed: 1,
            ..plain.clone()
        };
        let asking_for_an_acknowledgment = Self {
            message: asking("1", "NE", "AL"),
            frames: vec![frame(&ack_asking("AA", "1", "AL"))],
            owed: 1,
            ..plain.clone()
        };
        vec![
            plain,
            accepted_first,
            committed_first,
            asking_for_an_acknowledgment,
        ]
    }

    /// The receiver's part in it.
    fn play(&self, script: Receiver) -> Receiver {
        let script = script.expect(&self.message).send(&self.frames.concat());
        (0..self.owed).fold(script, |script, _| script.expect_that(|_| {}))
    }
}

/// How the receiver is spoken with.
#[derive(Clone)]
struct Line(Option<(Arc<ServerConfig>, Tls)>);

impl Line {
    fn both() -> [Self; 2] {
        let authority = Authority::new(Key::Ed25519);
        let server = authority.receiver(&["127.0.0.1"]).server();
        let mut server = Arc::unwrap_or_clone(server);
        // So that nothing comes but what the test has come.
        server.send_tls13_tickets = 0;
        let tls = Tls {
            hybrid: false,
            ..Tls::trusting(&authority)
        };
        [Self(None), Self(Some((Arc::new(server), tls)))]
    }

    fn accept(&self, script: Receiver) -> Receiver {
        match &self.0 {
            None => script.accept(),
            Some((server, _)) => script.accept().shake_hands(Arc::clone(server)),
        }
    }

    fn settings(&self, exchange: &Exchange) -> Settings {
        Settings {
            tls: self.0.as_ref().map(|(_, tls)| tls.clone()),
            ..exchange.settings.clone()
        }
    }

    /// How many bytes go over the wire for so many that are written at once, and fit
    /// into one record of TLS 1.3 (RFC 8446 section 5.2).
    const fn wire_size(&self, bytes: usize) -> u64 {
        let record = if self.0.is_some() { 5 + 1 + 16 } else { 0 };
        (bytes + record) as u64
    }
}

/// Every way of acknowledging, over every line.
fn everything() -> impl Iterator<Item = (Exchange, Line)> {
    let lines = Line::both();
    Exchange::all().into_iter().flat_map(move |exchange| {
        let lines = lines.clone();
        lines.map(|line| (exchange.clone(), line))
    })
}

async fn narrow_sandbox(receiver: &Running) -> Sandbox {
    Sandbox::new(Grants::none().address(receiver.address).narrow()).await
}

/// Sends it while bytes go by these portions, and returns what went through.
async fn send(
    sandbox: &mut Sandbox,
    client: Client,
    message: &[u8],
    narrow: Narrow,
) -> (Result<Reply, Failure>, Narrow) {
    sandbox.host_mut().narrow(narrow);
    let outcome = sandbox.send(client, message).await;
    let narrowed = sandbox.host().narrowed().clone();
    sandbox.host_mut().narrow(Narrow::new());
    (outcome, narrowed)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_writes_may_be_cut_apart_at_every_byte_and_in_all_places_at_once() {
    together(everything().map(|(exchange, line)| async move {
        let size = line.wire_size(exchange.frames.concat().len());
        let mut portions: Vec<_> = (1..size)
            .map(|cut| (Narrow::new().cut_at(cut), 1))
            .collect();
        portions.push((Narrow::new().cut_everywhere(), size));
        portions.push((Narrow::new().permit(1), 0));

        let script = (0..=portions.len()).fold(line.accept(Receiver::new()), |script, _| {
            exchange.play(script)
        });
        let receiver = script.start();
        let mut sandbox = narrow_sandbox(&receiver).await;
        let settings = line.settings(&exchange);
        let client = sandbox.connect_with(receiver.address, settings).await;
        let client = client.unwrap();
        let whole = Narrow::new();
        let (uncut, went) = send(&mut sandbox, client, &exchange.message, whole).await;
        let uncut = uncut.unwrap();
        assert_eq!((uncut.verdict, went.read()), (Verdict::Applied, size));
        for (narrow, cuts) in portions {
            let (outcome, went) = send(&mut sandbox, client, &exchange.message, narrow).await;
            assert_eq!(outcome.unwrap(), uncut, "{went:?}");
            assert_eq!((went.read(), went.cuts_met()), (size, cuts));
        }
        let _ = receiver.finished().await;
    }))
    .await;
}

/// What may be said of a message whose answer ends after so many bytes.
fn is_true_of_a_truncated_answer(
    outcome: &Result<Reply, Failure>,
    exchange: &Exchange,
    line: &Line,
    bytes: u64,
) -> bool {
    let [first, rest @ ..] = &exchange.frames[..] else {
        return false;
    };
    let is_plain = line.0.is_none();
    if is_plain && !rest.is_empty() && bytes >= first.len() as u64 {
        let missing = Warning::AcknowledgmentMissing(Cause::ConnectionEnded);
        return matches!(outcome, Ok(reply)
            if reply.verdict == Verdict::Accepted && reply.warnings == [missing]);
    }
    let phase = match rest {
        [] => Phase::Reply,
        _ => Phase::Commit,
    };
    let Err(failure) = outcome else {
        return false;
    };
    let is_told = match &failure.cause {
        Cause::ConnectionEnded => is_plain,
        Cause::Tls(tls) => !is_plain && tls.problem == TlsProblem::Truncated,
        _ => false,
    };
    is_told && (failure.phase, failure.delivery) == (phase, Delivery::InDoubt)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_truncated_at_every_byte_leaves_doubt_or_what_came_whole_before() {
    together(everything().map(|(exchange, line)| async move {
        let answer = exchange.frames.concat();
        let size = line.wire_size(answer.len());
        let script = (1..size).fold(Receiver::new(), |script, _| {
            line.accept(script).expect(&exchange.message).send(&answer)
        });
        let receiver = script.start();
        let mut sandbox = narrow_sandbox(&receiver).await;
        let settings = line.settings(&exchange);
        let client = sandbox.connect_with(receiver.address, settings).await;
        let client = client.unwrap();
        for end in 1..size {
            if end > 1 {
                sandbox.reconnect(client).await.unwrap();
            }
            let narrow = Narrow::new().ends_after(end);
            let (outcome, _) = send(&mut sandbox, client, &exchange.message, narrow).await;
            assert!(
                is_true_of_a_truncated_answer(&outcome, &exchange, &line, end),
                "after {end} of {size} bytes: {outcome:?}"
            );
            assert!(!sandbox.is_open(client).await);
        }
        let _ = receiver.finished().await;
    }))
    .await;
}

/// What may be said of a message when the connection took so many of its bytes.
fn delivery_after(bytes: u64, wire_size: u64, line: &Line) -> Delivery {
    // Under TLS a record that is not whole cannot be read at all.
    let end_block = match line.0 {
        None => wire_size - 1,
        Some(_) => wire_size,
    };
    match bytes {
        0 => Delivery::NotSent,
        _ if bytes < end_block => Delivery::CutShort,
        _ => Delivery::InDoubt,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_after_every_byte_of_a_frame_is_told_as_it_is() {
    together(Line::both().map(|line| async move {
        let message = message("1");
        let size = line.wire_size(frame(&message).len());
        // Where the next begins, the connection of the one before is let go.
        let script = (0..size).fold(Receiver::new(), |script, _| line.accept(script));
        let done = Event::new();
        let receiver = script.wait_for(&done).start();
        let mut sandbox = narrow_sandbox(&receiver).await;
        let settings = Settings {
            tls: line.0.as_ref().map(|(_, tls)| tls.clone()),
            ..Settings::default()
        };
        let client = sandbox.connect_with(receiver.address, settings).await;
        let client = client.unwrap();
        for taken in 0..size {
            if taken > 0 {
                sandbox.reconnect(client).await.unwrap();
            }
            let narrow = Narrow::new().breaks_after(taken);
            let (outcome, went) = send(&mut sandbox, client, &message, narrow).await;
            let failure = outcome.unwrap_err();
            assert_eq!((went.written(), failure.phase), (taken, Phase::Write));
            let delivery = delivery_after(taken, size, &line);
            assert_eq!(failure.delivery, delivery, "after {taken} of {size} bytes");
        }
        done.announce();
        let _ = receiver.finished().await;
    }))
    .await;
}

/// Tries these out one by one, each in an instance of its own, which knows no session
/// to resume: a handshake of this version, and an exchange.
async fn full_handshakes(
    version: &'static SupportedProtocolVersion,
    tls: Tls,
    receiver: &Issued,
    portions: Vec<Narrow>,
) -> Vec<Narrow> {
    let server = receiver.server_with(aws_lc_rs::default_provider(), &[version], None);
    let script = portions.iter().fold(Receiver::new(), |script, _| {
        let server = Arc::clone(&server);
        script.accept().shake_hands(server).serve(1, "AA")
    });
    let receiver = script.start();
    let mut went = Vec::new();
    for narrow in portions {
        let mut sandbox = narrow_sandbox(&receiver).await;
        sandbox.host_mut().narrow(narrow.clone());
        let settings = Settings::tls(tls.clone());
        let client = sandbox.connect_with(receiver.address, settings).await;
        let client = client.unwrap_or_else(|failure| panic!("{narrow:?}: {failure:?}"));
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied, "{narrow:?}");
        went.push(sandbox.host().narrowed().clone());
    }
    let _ = receiver.finished().await;
    went
}

/// How many handshakes one task makes.
const HANDSHAKES: usize = 100;

async fn a_handshake_may_be_cut_apart_everywhere(version: &'static SupportedProtocolVersion) {
    let authority = Authority::new(Key::Ed25519);
    let issued = Arc::new(authority.receiver(&["127.0.0.1"]));
    // Its share of X25519MLKEM768 is a thousand bytes more of the same.
    let tls = Tls {
        hybrid: false,
        ..Tls::trusting(&authority)
    };
    let whole = full_handshakes(version, tls.clone(), &issued, vec![Narrow::new()]).await;
    let size = whole[0].read();
    let cuts: Vec<_> = (1..size).collect();
    let tasks = cuts.chunks(HANDSHAKES).map(|cuts| {
        let (tls, issued) = (tls.clone(), Arc::clone(&issued));
        let portions = cuts.iter().map(|cut| Narrow::new().cut_at(*cut)).collect();
        async move {
            for went in full_handshakes(version, tls, &issued, portions).await {
                assert_eq!((went.read(), went.cuts_met()), (size, 1));
            }
        }
    });
    together(tasks.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_tls_1_3_may_be_cut_apart_at_every_byte() {
    a_handshake_may_be_cut_apart_everywhere(&TLS13).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_tls_1_2_may_be_cut_apart_at_every_byte() {
    a_handshake_may_be_cut_apart_everywhere(&TLS12).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_ends_or_breaks_after_any_byte_sends_nothing() {
    let authority = Authority::new(Key::Ed25519);
    let issued = authority.receiver(&["127.0.0.1"]);
    let server = issued.server_with(aws_lc_rs::default_provider(), &[&TLS13], None);
    let tls = Tls {
        hybrid: false,
        ..Tls::trusting(&authority)
    };
    let script = Receiver::new().accept().shake_hands(Arc::clone(&server));
    let receiver = script.start();
    let mut sandbox = narrow_sandbox(&receiver).await;
    sandbox.host_mut().narrow(Narrow::new());
    let settings = Settings::tls(tls.clone());
    let connected = sandbox.connect_with(receiver.address, settings).await;
    assert!(connected.is_ok());
    let whole = sandbox.host().narrowed().clone();
    drop(sandbox);
    let _ = receiver.finished().await;

    let ends = (0..whole.read()).map(|bytes| Narrow::new().ends_after(bytes));
    let breaks = (0..whole.written()).map(|bytes| Narrow::new().breaks_after(bytes));
    let portions: Vec<_> = ends.chain(breaks).collect();
    let tasks = portions.chunks(HANDSHAKES).map(|portions| {
        let script = portions.iter().fold(Receiver::new(), |script, _| {
            let script = script.accept().refuse_handshake(Arc::clone(&server));
            script.expect_alerts()
        });
        let (tls, portions) = (tls.clone(), portions.to_vec());
        async move {
            let receiver = script.start();
            for narrow in portions {
                let mut sandbox = narrow_sandbox(&receiver).await;
                sandbox.host_mut().narrow(narrow.clone());
                let settings = Settings::tls(tls.clone());
                let connected = sandbox.connect_with(receiver.address, settings).await;
                let failure = connected.unwrap_err();
                let known = (failure.phase, failure.delivery);
                assert_eq!(known, (Phase::Tls, Delivery::NotSent), "{narrow:?}");
                assert_eq!(failure.cause, Cause::ConnectionEnded, "{narrow:?}");
            }
            let _ = receiver.finished().await;
        }
    });
    together(tasks.collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_and_an_exchange_may_come_and_go_byte_by_byte() {
    for kind in Key::ALL {
        let authority = Authority::new(kind);
        let issued = authority.receiver(&["127.0.0.1"]);
        for version in [&TLS12, &TLS13] {
            let tls = Tls::trusting(&authority);
            let portions = vec![Narrow::new().cut_everywhere().permit(1)];
            let went = full_handshakes(version, tls, &issued, portions).await;
            assert_eq!(went[0].read(), went[0].cuts_met());
            assert_eq!(went[0].written(), went[0].writes());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_several_records_is_cut_short_until_the_last_one_is_whole() {
    let [_, line] = Line::both();
    // The second record has more than the end of the frame, or just that.
    for size in [20_000, 16 * 1024 - 2] {
        let message = message_of("1", size);
        let whole = (size + 3 + 2 * (5 + 1 + 16)) as u64;
        let first = 16 * 1024 + 5 + 1 + 16;
        let broken = [1, first - 2, first - 1, first, first + 1, whole - 1];
        let done = Event::new();
        let script = broken
            .iter()
            .fold(Receiver::new(), |script, _| line.accept(script));
        let script = line.accept(script).expect(&message).acknowledge("AA");
        let receiver = script.wait_for(&done).start();
        let mut sandbox = narrow_sandbox(&receiver).await;
        let (_, tls) = line.0.clone().unwrap();
        let client = sandbox
            .connect_with(receiver.address, Settings::tls(tls))
            .await;
        let client = client.unwrap();
        for taken in broken {
            let narrow = Narrow::new().breaks_after(taken);
            let (outcome, went) = send(&mut sandbox, client, &message, narrow).await;
            assert_eq!(went.written(), taken);
            assert_eq!(outcome.unwrap_err().delivery, Delivery::CutShort, "{taken}");
            sandbox.reconnect(client).await.unwrap();
        }
        let (outcome, went) = send(&mut sandbox, client, &message, Narrow::new()).await;
        assert_eq!(
            (outcome.unwrap().verdict, went.written()),
            (Verdict::Applied, whole)
        );
        done.announce();
        let _ = receiver.finished().await;
    }
}
