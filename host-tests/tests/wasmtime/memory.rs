//! How much linear memory the component needs: a formula in the size of the message
//! and the size of the reply, whatever the receiver does, and for how long it goes on.

use std::sync::Arc;

use components::Components;
use host_tests::certificates::{Authority, Key};
use host_tests::memory::bound;
use host_tests::messages::{ack, frame, message, message_of, pad};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{Cause, Leniency, MllpRelease, Verdict};
use host_tests::sandbox::{Grants, Host, Sandbox, Settings, Tls, components, link_only};
use marks::NAME;
use rustls::ServerConfig;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

use crate::common::{ack_asking, asking};

/// The default limit of messages and of replies.
const LARGEST: usize = 10_485_760;

fn reply_of(size: usize) -> Vec<u8> {
    let mut reply = ack("AA", "1");
    if size > reply.len() {
        pad(&mut reply, size);
    }
    reply
}

/// A receiver's certificate, and the trust in it.
fn tls() -> (Arc<ServerConfig>, Tls) {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    (server, Tls::trusting(&authority))
}

async fn needed(message_size: usize, reply_size: usize, through_tls: bool) -> usize {
    let message = match message_size {
        0 => message("1"),
        size => message_of("1", size),
    };
    let (server, tls) = tls();
    let script = match through_tls {
        true => Receiver::new().accept().shake_hands(server),
        false => Receiver::new().accept(),
    };
    let reply = reply_of(reply_size);
    let receiver = script
        .expect_any()
        .reply(&reply)
        .expect_any()
        .reply(&reply)
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = Settings {
        tls: through_tls.then_some(tls),
        ..Settings::default()
    };
    let client = sandbox.connect_with(receiver.address, settings).await;
    let client = client.unwrap();
    for _ in 0..2 {
        let reply = sandbox.send(client, &message).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied);
    }
    sandbox.close(client).await.unwrap();
    let _ = receiver.finished().await;
    sandbox.host().linear_memory()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_exchange_needs_is_bounded_by_the_sizes_of_message_and_reply() {
    for through_tls in [false, true] {
        for message in [0, 100_000, 1_000_000, LARGEST] {
            for reply in [0, 100_000, 1_000_000, LARGEST] {
                let needed = needed(message, reply, through_tls).await;
                let bound = bound(message, reply);
                let sizes = format!("{message} and {reply} bytes, TLS {through_tls}");
                assert!(needed <= bound, "{sizes}: {needed} of {bound}");
            }
        }
    }
}

/// How large a reply may be where the receiver would like it larger.
const SMALL: usize = 100_000;

/// Sends to a receiver that does as this script says, and looks at the memory.
async fn stays_small(receiver: Running, message: &[u8], settings: Settings) -> Option<Cause> {
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = Settings {
        max_message_size: Some(SMALL as u64),
        ..settings
    };
    let cause = match sandbox.connect_with(receiver.address, settings).await {
        Ok(client) => sandbox.send(client, message).await.err(),
        Err(failure) => Some(failure),
    };
    let needed = sandbox.host().linear_memory();
    let bound = bound(message.len(), SMALL);
    assert!(needed <= bound, "{needed} of {bound}");
    drop(sandbox);
    let _ = receiver.finished().await;
    cause.map(|failure| failure.cause)
}

fn poured() -> Vec<u8> {
    NAME.bytes().cycle().take(64 * 1024).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_without_end_needs_no_more_than_the_largest_that_may_be() {
    let (server, tls) = tls();
    let begin = [b"\x0B", &ack("AA", "1")[..]].concat();
    for settings in [Settings::default(), Settings::tls(tls)] {
        let script = match settings.tls {
            Some(_) => Receiver::new().accept().shake_hands(Arc::clone(&server)),
            None => Receiver::new().accept(),
        };
        let script = script.expect_any().send(&begin).pour(&poured(), 1_000);
        let cause = stays_small(script.start(), &message("1"), settings).await;
        assert!(
            matches!(cause, Some(Cause::MessageTooLarge(_))),
            "{cause:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_and_white_space_without_end_need_nothing() {
    for bytes in [poured(), vec![b' '; 64 * 1024]] {
        let script = Receiver::new().accept().expect_any().pour(&bytes, 1_000);
        let settings = Settings {
            allow: vec![Leniency::JunkBeforeStartBlock],
            ..Settings::default()
        };
        let cause = stays_small(script.start(), &message("1"), settings).await;
        assert!(matches!(cause, Some(Cause::ProtocolDesync(_))), "{cause:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_passed_over_need_nothing_however_many_come() {
    let message = asking("1", "AL", "AL");
    for passed_over in [ack("AA", "another"), ack("CA", "1")] {
        let receiver = Receiver::new()
            .accept()
            .expect_any()
            .pour(&frame(&passed_over), 50_000)
            .reply(&ack("AA", "1"))
            .start();
        let settings = Settings {
            allow: vec![Leniency::OtherAcknowledgment],
            ..Settings::default()
        };
        let cause = stays_small(receiver, &message, settings).await;
        assert_eq!(cause, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sender_owes_for_frames_without_end_is_not_kept_without_end() {
    let message = asking("1", "AL", "AL");
    for (release, owing) in [
        (MllpRelease::Two, frame(&ack("CA", "1"))),
        (MllpRelease::Two, frame(b"\x06")),
        (MllpRelease::One, frame(&ack_asking("CA", "1", "AL"))),
    ] {
        let receiver = Receiver::new().accept().expect_any().pour(&owing, 50_000);
        let settings = Settings {
            mllp_release: Some(release),
            allow: vec![Leniency::OtherAcknowledgment],
            timeout: Some(3_000),
            ..Settings::default()
        };
        stays_small(receiver.start(), &message, settings).await;
    }
}

/// A record of this content type that announces so many bytes, with as many as these.
fn record(kind: u8, announced: u16, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3], &announced.to_be_bytes()[..], content].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handshake_announces_is_not_allocated() {
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    const SERVER_HELLO: u8 = 2;
    let longest = [&[SERVER_HELLO, 0xFF, 0xFF, 0xFF], &[0; 16_380][..]].concat();
    let (_, tls) = tls();
    for bytes in [
        record(HANDSHAKE, u16::MAX, &[0; 1_000]),
        record(HANDSHAKE, 16_384, &longest),
        record(HANDSHAKE, 4, &longest[..4]),
        record(HANDSHAKE, 0, &[]),
        record(ALERT, 2, &[1, 90]),
        record(ALERT, 16_384, &[1; 16_384]),
    ] {
        let script = Receiver::new().accept().expect_hello().pour(&bytes, 5_000);
        let settings = Settings {
            connect_timeout: Some(3_000),
            ..Settings::tls(tls.clone())
        };
        let cause = stays_small(script.start(), &message("1"), settings).await;
        assert!(cause.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tickets_few_are_kept_and_of_tickets_without_end_none() {
    let (server, tls) = tls();
    // The more of them are more than may stand undecided.
    for (tickets, is_borne) in [(500, true), (3_000, false)] {
        let mut server = ServerConfig::clone(&server);
        server.send_tls13_tickets = tickets;
        let script = Receiver::new().accept().shake_hands(Arc::new(server));
        let script = match is_borne {
            true => script.serve(1, "AA"),
            false => script.pour(&frame(&ack("AA", "1")), 1),
        };
        let settings = Settings::tls(tls.clone());
        let cause = stays_small(script.start(), &message("1"), settings).await;
        assert_eq!(cause.is_none(), is_borne, "{cause:?}");
    }
}

/// How many exchanges, after how many of which nothing grows.
const EXCHANGES: usize = 100_000;
const FIRST: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_exchanges_need_no_more_than_the_first_hundred() {
    let (server, tls) = tls();
    for (settings, exchanges) in [
        (Settings::default(), EXCHANGES),
        (Settings::tls(tls), EXCHANGES / 10),
    ] {
        let script = match settings.tls {
            Some(_) => Receiver::new().accept().shake_hands(Arc::clone(&server)),
            None => Receiver::new().accept(),
        };
        let receiver = script.serve(exchanges, "AA").start();
        let mut sandbox = Sandbox::for_receiver(&receiver).await;
        let client = sandbox.connect_with(receiver.address, settings).await;
        let client = client.unwrap();
        let mut after_the_first = 0;
        for number in 1..=exchanges {
            let message = message(&number.to_string());
            let reply = sandbox.send(client, &message).await.unwrap();
            assert_eq!(reply.verdict, Verdict::Applied);
            if number == FIRST {
                after_the_first = sandbox.host().linear_memory();
            }
        }
        assert_eq!(sandbox.host().linear_memory(), after_the_first);
        sandbox.close(client).await.unwrap();
        let _ = receiver.finished().await;
    }
}

/// How deep the component's calls may go, in bytes of the host's stack: an eighth of
/// what wasmtime gives by default.
const STACK: usize = 64 * 1024;

/// An instance with no more stack than that.
async fn shallow(receiver: &Running) -> Sandbox {
    let mut config = Config::new();
    config.max_wasm_stack(STACK);
    let engine = Engine::new(&config).unwrap();
    let Components { library, .. } = components();
    let library = Component::from_file(&engine, library).unwrap();
    let mut linker = Linker::new(&engine);
    link_only(&mut linker, |_| true).unwrap();
    let grants = Grants::none().address(receiver.address);
    let store = Store::new(&engine, Host::new(grants));
    Sandbox::instantiate(store, &library, &linker)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_comes_makes_calls_go_deep() {
    // Wherever one could think of descending: separators within separators, segments
    // and errors without number, and DER within DER.
    let nested = b"&^~|\\".repeat(100_000);
    let errors = b"ERR|^^^&&&^~^~|||".repeat(20_000);
    let errors = [&ack("AE", "1")[..], &errors, b"\r"].concat();
    let many = b"ERR|^\rMSA|\r".repeat(50_000);
    let many = [&ack("AE", "1")[..], &many].concat();
    let deep = [&ack("AE", "1")[..], b"ERR|", &nested, b"\r"].concat();
    let (server, tls) = tls();
    let mut script = Receiver::new().accept().shake_hands(server);
    let replies = [errors, many, deep, vec![b'M'; 100_000]];
    for reply in &replies {
        script = script.expect_any().reply(reply);
    }
    let receiver = script.start();
    let mut sandbox = shallow(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, Settings::tls(tls))
        .await;
    let client = client.unwrap();
    for reply in &replies {
        let outcome = sandbox.send(client, &message("1")).await;
        let was_read = outcome.is_ok_and(|got| got.message == *reply);
        assert_eq!(was_read, reply.starts_with(b"MSH"));
    }
    let _ = receiver.finished().await;
}

/// Certificates, lists and keys.
#[tokio::test(flavor = "multi_thread")]
async fn der_within_der_makes_calls_go_no_deeper_either() {
    let der = b"\x30\x80".repeat(50_000);
    let authority = Authority::new(Key::P256);
    let trusting = Tls::trusting(&authority);
    let (chain, key) = authority.sender().identity();
    for nested in [
        Tls {
            authorities: vec![der.clone()],
            ..Tls::default()
        },
        Tls {
            revocations: vec![der.clone()],
            ..trusting.clone()
        },
        Tls {
            identity: Some((der.clone(), key)),
            ..trusting.clone()
        },
        Tls {
            identity: Some((chain, der.clone())),
            ..trusting
        },
    ] {
        let receiver = Receiver::new().start();
        let mut sandbox = shallow(&receiver).await;
        let connected = sandbox
            .connect_with(receiver.address, Settings::tls(nested))
            .await;
        let cause = connected.unwrap_err().cause;
        assert!(matches!(cause, Cause::InvalidOption(_)), "{cause:?}");
        let _ = receiver.finished().await;
    }
}
