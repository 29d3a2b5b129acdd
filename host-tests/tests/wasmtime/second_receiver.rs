//! A second receiver to fall back on where the first cannot be connected.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use host_tests::absent::{Refusing, Silent};
use host_tests::certificates::{Authority, Key};
use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{
    Cause, CertificateProblem, Delivery, InvalidOption, Phase, TlsProblem, Verdict, Warning,
};
use host_tests::sandbox::{Grants, Sandbox, Settings, Tls};

/// Options with this second receiver.
fn standby(address: SocketAddr) -> Settings {
    Settings {
        second_receiver: Some((address.ip().to_string(), address.port())),
        ..Settings::default()
    }
}

async fn sandbox_for(first: SocketAddr, second: SocketAddr) -> Sandbox {
    Sandbox::new(Grants::none().address(first).address(second)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_receiver_is_used_where_the_first_refuses_and_every_reply_says_so() {
    let first = Refusing::new();
    let receiver = Receiver::new().accept().serve(2, "AA").start();
    let mut sandbox = sandbox_for(first.address, receiver.address).await;
    let settings = standby(receiver.address);
    let client = sandbox.connect_with(first.address, settings).await.unwrap();
    for id in ["1", "2"] {
        let reply = sandbox.send(client, &message(id)).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied);
        assert_eq!(reply.warnings, [Warning::SecondReceiver]);
    }
    let (peer, _) = sandbox.addresses(client).await;
    assert_eq!(peer, receiver.address.to_string());
    assert_eq!(receiver.finished().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_receiver_that_stays_silent_gets_half_of_the_time() {
    let first = Silent::new();
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let mut sandbox = sandbox_for(first.address, receiver.address).await;
    let settings = Settings {
        connect_timeout: Some(2_000),
        ..standby(receiver.address)
    };
    let begun = Instant::now();
    let client = sandbox.connect_with(first.address, settings).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.warnings, [Warning::SecondReceiver]);
    let _ = receiver.finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_receiver_is_used_where_the_host_does_not_allow_the_first() {
    let first = "127.0.0.9:2575".parse().unwrap();
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = standby(receiver.address);
    let client = sandbox.connect_with(first, settings).await.unwrap();
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.warnings, [Warning::SecondReceiver]);
    let _ = receiver.finished().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_receiver_hears_nothing_while_the_first_answers() {
    let first = Receiver::new().accept().serve(2, "AA").start();
    let second = Refusing::new();
    let address = second.address;
    let listener = second.listen();
    let mut sandbox = sandbox_for(first.address, address).await;
    let settings = standby(address);
    let client = sandbox.connect_with(first.address, settings).await.unwrap();
    for id in ["1", "2"] {
        let reply = sandbox.send(client, &message(id)).await.unwrap();
        assert_eq!(reply.warnings, []);
    }
    assert_eq!(first.finished().await.len(), 2);
    listener.set_nonblocking(true).unwrap();
    let nobody = listener.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_connection_tries_the_first_receiver_again() {
    let ended = Event::new();
    let first = Refusing::new();
    let address = first.address;
    let receiver = Receiver::new()
        .accept()
        .serve(2, "AA")
        .close()
        .announce(&ended)
        .start();
    let mut sandbox = sandbox_for(address, receiver.address).await;
    let settings = Settings {
        reconnect: Some(true),
        ..standby(receiver.address)
    };
    let client = sandbox.connect_with(address, settings).await.unwrap();
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.warnings, [Warning::SecondReceiver]);
    // The first is back, and the connection stays where it is.
    let first = serve_one(first, "3");
    let reply = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(reply.warnings, [Warning::SecondReceiver]);
    ended.wait();
    idle().await;
    let reply = sandbox.send(client, &message("3")).await.unwrap();
    assert_eq!(reply.warnings, []);
    assert_eq!(reply.transmissions, 1);
    let (peer, _) = sandbox.addresses(client).await;
    assert_eq!(peer, address.to_string());
    assert_eq!(receiver.finished().await.len(), 2);
    first.join().unwrap();
}

/// Serves one message on one connection.
fn serve_one(absent: Refusing, id: &'static str) -> std::thread::JoinHandle<()> {
    use std::io::{Read, Write};
    let listener = absent.listen();
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let expected = frame(&message(id));
        let mut received = vec![0; expected.len()];
        connection.read_exact(&mut received).unwrap();
        assert!(received == expected, "another message");
        connection.write_all(&frame(&ack("AA", id))).unwrap();
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn where_both_fail_the_attempts_tell_of_both() {
    let (first, other) = (Refusing::new(), Refusing::new());
    let mut sandbox = sandbox_for(first.address, other.address).await;
    for (on, attempts) in [(false, 1), (true, 3)] {
        let settings = Settings {
            reconnect: Some(on),
            reconnect_minimum_delay: Some(1),
            reconnect_maximum_delay: Some(2),
            reconnect_attempts: Some(3),
            ..standby(other.address)
        };
        let outcome = sandbox.connect_with(first.address, settings).await;
        let failure = outcome.unwrap_err();
        assert!(matches!(failure.cause, Cause::ConnectionRefused));
        let nothing = (Phase::Connect, Delivery::NotSent);
        assert_eq!((failure.phase, failure.delivery), nothing);
        let told: Vec<_> = failure
            .attempts
            .iter()
            .map(|tried| &tried.address)
            .collect();
        let both = [first.address.to_string(), other.address.to_string()];
        let expected = both.iter().cycle().take(2 * attempts);
        assert!(told.into_iter().eq(expected));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_receiver_without_a_host_or_a_port_is_invalid() {
    let mut sandbox = Sandbox::new(Grants::none()).await;
    for (host, port) in [("", 2575), ("127.0.0.1", 0), ("127.0.0.1:2575", 1)] {
        let settings = Settings {
            second_receiver: Some((host.to_owned(), port)),
            ..Settings::default()
        };
        let failure = sandbox.connect_to("127.0.0.1", 2575, settings).await;
        let cause = failure.unwrap_err().cause;
        assert_eq!(cause, Cause::InvalidOption(InvalidOption::SecondReceiver));
    }
}

// With TLS.

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A sandbox in which these names are at these addresses.
async fn sandbox_with_names(names: [(&str, SocketAddr); 2]) -> Sandbox {
    let grants = names
        .into_iter()
        .fold(Grants::none(), |grants, (name, address)| {
            grants.name(name, &[address.ip()]).address(address)
        });
    Sandbox::new(grants).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_receiver_proves_its_own_name() {
    let authority = Authority::new(Key::P256);
    // Who has the name of the first is not the second.
    let names = ["one.example", "two.example"];
    for (certified, trusted) in [(names[1], true), (names[0], false)] {
        let first = Refusing::new();
        let server = authority.receiver(&[certified]).server();
        let script = Receiver::at(LOOPBACK).accept();
        let receiver = if trusted {
            let script = script.shake_hands(server);
            script.expect_server_name(Some(names[1])).serve(1, "AA")
        } else {
            script.refuse_handshake(server)
        };
        let receiver = receiver.start();
        let addresses = [(names[0], first.address), (names[1], receiver.address)];
        let mut sandbox = sandbox_with_names(addresses).await;
        let settings = Settings {
            tls: Some(Tls::trusting(&authority)),
            second_receiver: Some((names[1].to_owned(), receiver.address.port())),
            ..Settings::default()
        };
        let port = first.address.port();
        let outcome = sandbox.connect_to(names[0], port, settings).await;
        if trusted {
            let client = outcome.unwrap();
            let reply = sandbox.send(client, &message("1")).await.unwrap();
            assert_eq!(reply.warnings, [Warning::SecondReceiver]);
        } else {
            let failure = outcome.unwrap_err();
            // Only the first one's refusal may pass.
            assert!(matches!(failure.cause, Cause::ConnectionRefused));
            let [refused, unproven] = &failure.attempts[..] else {
                panic!("{:?}", failure.attempts);
            };
            assert_eq!(refused.address, first.address.to_string());
            assert_eq!(unproven.address, receiver.address.to_string());
            assert!(is_wrong_name(&unproven.cause));
        }
        let _ = receiver.finished().await;
    }
}

fn is_wrong_name(cause: &Cause) -> bool {
    let wrong = |problem: &TlsProblem| {
        matches!(
            problem,
            TlsProblem::Certificate(CertificateProblem::WrongName(_))
        )
    };
    matches!(cause, Cause::Tls(tls) if wrong(&tls.problem))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_receiver_that_cannot_prove_its_name_is_passed_over_and_told() {
    let authority = Authority::new(Key::P256);
    for answers in [true, false] {
        let other = authority.receiver(&["other.example"]).server();
        let first = Receiver::new().accept().refuse_handshake(other).start();
        let proven = authority.receiver(&["127.0.0.1"]).server();
        let live = Receiver::new().accept().shake_hands(proven);
        let live = live.serve(usize::from(answers), "AA");
        let (live, refusing) = (answers.then(|| live.start()), Refusing::new());
        let address = live.as_ref().map_or(refusing.address, |live| live.address);
        let mut sandbox = sandbox_for(first.address, address).await;
        let settings = Settings {
            tls: Some(Tls::trusting(&authority)),
            ..standby(address)
        };
        let outcome = sandbox.connect_with(first.address, settings).await;
        if let Some(live) = live {
            let reply = sandbox.send(outcome.unwrap(), &message("1")).await;
            assert_eq!(reply.unwrap().warnings, [Warning::SecondReceiver]);
            let _ = live.finished().await;
        } else {
            let failure = outcome.unwrap_err();
            assert!(matches!(failure.cause, Cause::ConnectionRefused));
            let [unproven, refused] = &failure.attempts[..] else {
                panic!("{:?}", failure.attempts);
            };
            assert_eq!(unproven.address, first.address.to_string());
            assert!(is_wrong_name(&unproven.cause));
            assert_eq!(refused.address, address.to_string());
        }
        let _ = first.finished().await;
    }
}
