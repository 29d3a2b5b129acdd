//! What becomes of connections on which nothing is said: the look before writing,
//! the idle limit, and keep-alive probes.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use host_tests::absent::Refusing;
use host_tests::certificates::{Authority, Key};
use host_tests::event::{Event, PATIENCE, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    Cause, Delivery, Desync, FailedTry, InvalidOption, Phase, Retry, Verdict,
};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings, Tls};

async fn connected(receiver: &Running, settings: Settings) -> (Sandbox, Client) {
    let mut sandbox = Sandbox::for_receiver(receiver).await;
    let client = sandbox.connect_with(receiver.address, settings).await;
    (sandbox, client.unwrap())
}

// The look before writing.

/// What a receiver does on a connection that is idle.
#[derive(Clone, Copy, Debug)]
enum Happening {
    HalfCloses,
    Closes,
    Resets,
    SendsRubbish,
    SendsAnAcknowledgment,
    SendsAndCloses,
}

impl Happening {
    const ALL: [Self; 6] = [
        Self::HalfCloses,
        Self::Closes,
        Self::Resets,
        Self::SendsRubbish,
        Self::SendsAnAcknowledgment,
        Self::SendsAndCloses,
    ];

    /// Ends with the receiver having seen the sender's end, not a byte before it.
    fn play(self, script: Receiver, happened: &Event) -> Receiver {
        let unread = ack("AA", "0");
        match self {
            Self::HalfCloses => script.half_close().announce(happened).expect_end(),
            Self::Closes => script.close().announce(happened),
            Self::Resets => script.reset().announce(happened),
            Self::SendsRubbish => script.send(b"?").announce(happened).expect_end(),
            Self::SendsAnAcknowledgment => script.reply(&unread).announce(happened).expect_end(),
            Self::SendsAndCloses => script.reply(&unread).close().announce(happened),
        }
    }

    fn cause(self) -> Cause {
        match self {
            Self::HalfCloses | Self::Closes => Cause::ConnectionEnded,
            Self::Resets => Cause::ConnectionBroken,
            Self::SendsRubbish => Cause::ProtocolDesync(Desync::UnreadBytes),
            Self::SendsAnAcknowledgment | Self::SendsAndCloses => {
                Cause::ProtocolDesync(Desync::UnreadFrame)
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_before_writing_finds_what_happened_on_the_idle_connection_and_counts_it() {
    for happening in Happening::ALL {
        for on in [false, true] {
            let happened = Event::new();
            let script = Receiver::new().accept().serve(1, "AA");
            let mut script = happening.play(script, &happened);
            if on {
                script = script.accept().serve(1, "AA");
            }
            let receiver = script.start();
            let settings = Settings {
                reconnect: Some(on),
                ..Settings::default()
            };
            let (mut sandbox, client) = connected(&receiver, settings).await;
            sandbox.send(client, &message("1")).await.unwrap();
            let counters = sandbox.counters(client).await;
            assert_eq!((counters.stale_connections, counters.connections), (0, 1));
            happened.wait();
            idle().await;
            let outcome = sandbox.send(client, &message("2")).await;
            let counters = sandbox.counters(client).await;
            assert_eq!(counters.stale_connections, 1, "{happening:?}");
            let found = (happening.cause(), Phase::Write, Delivery::NotSent);
            if on {
                let reply = outcome.unwrap();
                assert_eq!((reply.verdict, reply.transmissions), (Verdict::Applied, 1));
                let (cause, phase, delivery) = found;
                let reason = FailedTry {
                    cause,
                    phase,
                    delivery,
                };
                assert_eq!(reply.retries, [Retry::Failed(reason)]);
                assert_eq!((counters.connections, counters.reconnections), (2, 1));
            } else {
                let failure = outcome.unwrap_err();
                assert_eq!((failure.cause, failure.phase, failure.delivery), found);
                assert_eq!((counters.connections, counters.reconnections), (1, 0));
            }
            let received = receiver.finished().await;
            assert_eq!(received.len(), if on { 2 } else { 1 });
        }
    }
}

// The idle limit.

fn idle_limit(milliseconds: u32) -> Settings {
    Settings {
        idle_limit: Some(milliseconds),
        ..Settings::default()
    }
}

/// Longer than the limit of 20 ms.
async fn stand_idle() {
    tokio::time::sleep(Duration::from_millis(40)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_idle_for_longer_than_the_limit_is_closed_and_replaced() {
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .start();
    let (mut sandbox, client) = connected(&receiver, idle_limit(20)).await;
    sandbox.send(client, &message("1")).await.unwrap();
    let (_, before) = sandbox.addresses(client).await;
    stand_idle().await;
    // Nothing happens between two calls.
    assert!(sandbox.is_open(client).await);
    let reply = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!((reply.verdict, reply.transmissions), (Verdict::Applied, 1));
    assert_eq!(reply.retries, []);
    let (_, after) = sandbox.addresses(client).await;
    assert_ne!(before, after);
    let counters = sandbox.counters(client).await;
    assert_eq!((counters.replaced_idle, counters.reconnections), (1, 1));
    assert_eq!(counters.stale_connections, 0);
    sandbox.close(client).await.unwrap();
    assert_eq!(receiver.finished().await, [message("1"), message("2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_sees_the_end_of_the_old_connection_before_the_new_one() {
    let absent = Refusing::new();
    let address = absent.address;
    let listener = absent.listen();
    let receiver = std::thread::spawn(move || {
        let mut connections = ["1", "2"].map(|id| {
            let (mut connection, _) = listener.accept().unwrap();
            let mut received = vec![0; frame(&message(id)).len()];
            connection.read_exact(&mut received).unwrap();
            connection.write_all(&frame(&ack("AA", id))).unwrap();
            connection
        });
        // The new one is there; of the old one there is nothing more to wait for.
        connections[0].set_nonblocking(true).unwrap();
        connections[0].read(&mut [0]).unwrap()
    });
    let mut sandbox = Sandbox::new(Grants::none().address(address)).await;
    let client = sandbox.connect_with(address, idle_limit(20)).await.unwrap();
    sandbox.send(client, &message("1")).await.unwrap();
    stand_idle().await;
    sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(
        receiver.join().unwrap(),
        0,
        "the end, and no byte before it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn under_tls_the_receiver_is_told_of_the_end() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let receiver = Receiver::new()
        .accept()
        .shake_hands(server.clone())
        .serve(1, "AA")
        .expect_closing()
        .accept()
        .shake_hands(server)
        .serve(1, "AA")
        .start();
    let settings = Settings {
        tls: Some(Tls::trusting(&authority)),
        ..idle_limit(20)
    };
    let (mut sandbox, client) = connected(&receiver, settings).await;
    sandbox.send(client, &message("1")).await.unwrap();
    stand_idle().await;
    let reply = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(sandbox.counters(client).await.replaced_idle, 1);
    assert_eq!(receiver.finished().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_idle_for_less_than_the_limit_is_used() {
    let receiver = Receiver::new().accept().serve(3, "AA").start();
    let (mut sandbox, client) = connected(&receiver, idle_limit(600_000)).await;
    for id in ["1", "2", "3"] {
        stand_idle().await;
        sandbox.send(client, &message(id)).await.unwrap();
    }
    assert_eq!(sandbox.counters(client).await.connections, 1);
    assert_eq!(receiver.finished().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_that_cannot_be_replaced_ends_the_client_with_nothing_sent() {
    let absent = Refusing::new();
    let address = absent.address;
    let listener = absent.listen();
    let receiver = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        // It serves the connection it has, and no other.
        drop(listener);
        let mut received = vec![0; frame(&message("1")).len()];
        connection.read_exact(&mut received).unwrap();
        connection.write_all(&frame(&ack("AA", "1"))).unwrap();
        connection.read(&mut [0]).unwrap()
    });
    let mut sandbox = Sandbox::new(Grants::none().address(address)).await;
    let client = sandbox.connect_with(address, idle_limit(20)).await.unwrap();
    sandbox.send(client, &message("1")).await.unwrap();
    stand_idle().await;
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::ConnectionRefused));
    let nothing = (Phase::Connect, Delivery::NotSent);
    assert_eq!((failure.phase, failure.delivery), nothing);
    assert_eq!(
        receiver.join().unwrap(),
        0,
        "the end, and no byte before it"
    );
    assert!(!sandbox.is_open(client).await);
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Closed));
}

// Keep-alive.

#[tokio::test(flavor = "multi_thread")]
async fn times_and_numbers_of_zero_are_invalid() {
    let mut sandbox = Sandbox::new(Grants::none()).await;
    let zero = Some(0);
    let none = Settings::default;
    for (settings, option) in [
        (idle_limit(0), InvalidOption::IdleLimit),
        (
            Settings {
                keep_alive_idle: zero,
                ..none()
            },
            InvalidOption::KeepAlive,
        ),
        (
            Settings {
                keep_alive_interval: zero,
                ..none()
            },
            InvalidOption::KeepAlive,
        ),
        (
            Settings {
                keep_alive_count: zero,
                ..none()
            },
            InvalidOption::KeepAlive,
        ),
    ] {
        let outcome = sandbox.connect_to("127.0.0.1", 2575, settings).await;
        assert_eq!(outcome.unwrap_err().cause, Cause::InvalidOption(option));
    }
}

/// The timer that the kernel runs for the client's end of its connection, and when
/// it will have run out (proc(5), `/proc/net/tcp`).
async fn timer(sandbox: &mut Sandbox, client: Client) -> (String, Duration) {
    let hexadecimal = |address: &str| {
        let address: std::net::SocketAddrV4 = address.parse().unwrap();
        let ip = u32::from_ne_bytes(address.ip().octets());
        format!("{ip:08X}:{:04X}", address.port())
    };
    let (peer, local) = sandbox.addresses(client).await;
    let ends = [hexadecimal(&local.unwrap()), hexadecimal(&peer)];
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut rows = table
        .lines()
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|row| row.get(1..3).is_some_and(|both| *both == ends));
    let row = row.expect("the connection's row");
    let (timer, left) = row[5].split_once(':').unwrap();
    // The kernel counts in hundredths of a second here.
    let left = u64::from_str_radix(left, 16).unwrap() * 10;
    (timer.to_owned(), Duration::from_millis(left))
}

/// The same once so many seconds are left: a timer of the connection's making may run
/// before.
async fn timer_within(
    sandbox: &mut Sandbox,
    client: Client,
    seconds: std::ops::RangeInclusive<u64>,
) -> (String, Duration) {
    let begun = Instant::now();
    loop {
        let (timer, left) = timer(sandbox, client).await;
        if begun.elapsed() > PATIENCE || seconds.contains(&left.as_secs()) {
            return (timer, left);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

const KEEP_ALIVE: &str = "02";
const NO_TIMER: &str = "00";

#[tokio::test(flavor = "multi_thread")]
async fn keep_alive_settings_reach_the_host_for_every_connection() {
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .start();
    let settings = Settings {
        keep_alive: Some(true),
        keep_alive_idle: Some(1_000),
        keep_alive_interval: Some(70_000),
        keep_alive_count: Some(3),
        ..Settings::default()
    };
    let (mut sandbox, client) = connected(&receiver, settings).await;
    for id in ["1", "2"] {
        // The first probe is due in the time set for it, the second in the other.
        let (timer, left) = timer_within(&mut sandbox, client, 0..=1).await;
        assert_eq!(timer, KEEP_ALIVE);
        assert!(left <= Duration::from_secs(1), "{left:?}");
        let (timer, left) = timer_within(&mut sandbox, client, 60..=70).await;
        assert_eq!(timer, KEEP_ALIVE);
        assert!(left <= Duration::from_secs(70), "{left:?}");
        let reply = sandbox.send(client, &message(id)).await.unwrap();
        assert_eq!(reply.warnings, []);
        if id == "1" {
            sandbox.reconnect(client).await.unwrap();
        }
    }
    sandbox.close(client).await.unwrap();
    let _ = receiver.finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_them_the_host_sends_no_probes() {
    let receiver = Receiver::new().accept().expect_end().start();
    let (mut sandbox, client) = connected(&receiver, Settings::default()).await;
    let (timer, _) = timer(&mut sandbox, client).await;
    assert_eq!(timer, NO_TIMER);
    sandbox.close(client).await.unwrap();
    let _ = receiver.finished().await;
}
