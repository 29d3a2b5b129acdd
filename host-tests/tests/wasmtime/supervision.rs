//! A client that looks after its connection, against receivers that come and go:
//! when it connects anew, when it sends again, and what it tells of it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use host_tests::absent::{Refusing, Silent};
use host_tests::certificates::{Authority, Key};
use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message, message_of};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    Cause, CertificateProblem, Delivery, FailedTry, InvalidOption, Phase, Reply, Retry, TlsProblem,
    Verdict,
};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings, Tls};

/// More than all buffers on the way hold, in bytes.
const LONG: usize = 9_000_000;

/// A policy with short delays.
fn supervised() -> Settings {
    Settings {
        reconnect: Some(true),
        reconnect_minimum_delay: Some(1),
        reconnect_maximum_delay: Some(10),
        ..Settings::default()
    }
}

fn resending(up_to: Delivery) -> Settings {
    Settings {
        resend: Some(up_to),
        ..supervised()
    }
}

async fn connected(receiver: &Running, settings: Settings) -> (Sandbox, Client) {
    let mut sandbox = Sandbox::for_receiver(receiver).await;
    let client = sandbox.connect_with(receiver.address, settings).await;
    (sandbox, client.unwrap())
}

/// Where nobody else gets a port that a receiver gives back.
const ALONE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 7));

#[track_caller]
fn assert_applied(reply: &Reply, transmissions: u32) {
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(reply.transmissions, transmissions);
}

/// The only reason for another try.
#[track_caller]
fn only_reason(retries: &[Retry]) -> &FailedTry {
    match retries {
        [Retry::Failed(failed)] => failed,
        other => panic!("{other:?}"),
    }
}

// Connecting anew.

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_restarted_between_two_messages_costs_neither() {
    for reset in [false, true] {
        let restarted = Event::new();
        let script = Receiver::new().accept().serve(1, "AA");
        let script = if reset {
            script.reset()
        } else {
            script.close()
        };
        let script = script.announce(&restarted).accept().serve(1, "AA");
        let receiver = script.expect_end().start();
        let (mut sandbox, client) = connected(&receiver, supervised()).await;
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_applied(&reply, 1);
        restarted.wait();
        idle().await;
        let reply = sandbox.send(client, &message("2")).await.unwrap();
        assert_applied(&reply, 1);
        let reason = only_reason(&reply.retries);
        let found = (reason.phase, reason.delivery);
        assert_eq!(found, (Phase::Write, Delivery::NotSent));
        sandbox.close(client).await.unwrap();
        let received = receiver.finished().await;
        assert_eq!(received, [message("1"), message("2")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_the_next_send_connects_anew_with_a_policy_and_only_then() {
    for on in [true, false] {
        let mut script = Receiver::new().accept().expect(&message("1")).close();
        if on {
            script = script.accept().serve(1, "AA");
        }
        let receiver = script.start();
        let settings = Settings {
            reconnect: Some(on),
            ..supervised()
        };
        let (mut sandbox, client) = connected(&receiver, settings).await;
        let failure = sandbox.send(client, &message("1")).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::ConnectionEnded));
        assert_eq!(failure.delivery, Delivery::InDoubt);
        assert!(!sandbox.is_open(client).await);
        let outcome = sandbox.send(client, &message("2")).await;
        assert_eq!(sandbox.is_open(client).await, on);
        if on {
            assert_applied(&outcome.unwrap(), 1);
        } else {
            let failure = outcome.unwrap_err();
            assert!(matches!(failure.cause, Cause::Closed));
            let nothing = (Phase::Prepare, Delivery::NotSent);
            assert_eq!((failure.phase, failure.delivery), nothing);
        }
        let received = receiver.finished().await;
        assert_eq!(received.len(), if on { 2 } else { 1 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_waits_for_a_receiver_that_is_not_there_yet() {
    let absent = Refusing::new();
    let address = absent.address;
    let mut sandbox = Sandbox::new(Grants::none().address(address)).await;
    let receiver = std::thread::spawn(move || {
        // So long nobody listens there.
        std::thread::sleep(Duration::from_millis(30));
        let (mut connection, _) = absent.listen().accept().unwrap();
        let mut received = vec![0; frame(&message("1")).len()];
        connection.read_exact(&mut received).unwrap();
        connection.write_all(&frame(&ack("AA", "1"))).unwrap();
        received
    });
    let settings = Settings {
        reconnect_attempts: Some(10_000),
        ..supervised()
    };
    let client = sandbox.connect_with(address, settings).await.unwrap();
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_applied(&reply, 1);
    // Of the message's own tries there was one.
    assert_eq!(reply.retries, []);
    assert!(receiver.join().unwrap() == frame(&message("1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_to_a_dead_receiver_comes_back_with_its_tries_told() {
    let receiver = Receiver::at(ALONE).accept().close().start();
    let address = receiver.address;
    let settings = Settings {
        reconnect_attempts: Some(4),
        ..supervised()
    };
    let (mut sandbox, client) = connected(&receiver, settings).await;
    // Nobody listens there any more.
    let _ = receiver.finished().await;
    idle().await;
    for _ in 0..3 {
        let failure = sandbox.send(client, &message("1")).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::ConnectionRefused));
        let nothing = (Phase::Connect, Delivery::NotSent);
        assert_eq!((failure.phase, failure.delivery), nothing);
        assert_eq!(failure.attempts.len(), 4);
        for attempt in &failure.attempts {
            assert_eq!(attempt.address, address.to_string());
        }
        assert_eq!(failure.transmissions, 0);
    }
    let failure = sandbox.reconnect(client).await.unwrap_err();
    assert_eq!(failure.attempts.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_to_a_receiver_that_hangs_comes_back_by_its_deadline() {
    let mut receiver = Silent::hanging();
    let mut sandbox = Sandbox::new(Grants::none().address(receiver.address)).await;
    let settings = resending(Delivery::InDoubt);
    let client = sandbox.connect_with(receiver.address, settings).await;
    let client = client.unwrap();
    receiver.fill();
    for (phase, delivery) in [
        // It takes the message and says nothing, and from then on not even that.
        (Phase::Reply, Delivery::InDoubt),
        (Phase::Connect, Delivery::NotSent),
        (Phase::Connect, Delivery::NotSent),
    ] {
        let begun = Instant::now();
        let sent = sandbox.send_within(client, &message("1"), 300).await;
        let took = begun.elapsed();
        let failure = sent.unwrap_err();
        assert!(matches!(failure.cause, Cause::TimedOut));
        assert_eq!((failure.phase, failure.delivery), (phase, delivery));
        let bounds = Duration::from_millis(300)..Duration::from_secs(10);
        assert!(bounds.contains(&took), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_try_cannot_mend_is_not_tried_again() {
    // Another try would come after this.
    let later = Settings {
        reconnect: Some(true),
        reconnect_minimum_delay: Some(25_000),
        ..Settings::default()
    };
    let address = "127.0.0.1:2575".parse().unwrap();
    let mut denied = Sandbox::new(Grants::none().tcp()).await;
    let begun = Instant::now();
    let failure = denied.connect_with(address, later.clone()).await;
    let failure = failure.unwrap_err();
    assert!(matches!(failure.cause, Cause::AccessDenied(_)));
    assert_eq!(failure.attempts.len(), 1);

    let authority = Authority::new(Key::P256);
    let other = authority.receiver(&["other.example"]).server();
    let receiver = Receiver::new().accept().refuse_handshake(other).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = Settings {
        tls: Some(Tls::trusting(&authority)),
        ..later.clone()
    };
    let failure = sandbox.connect_with(receiver.address, settings).await;
    match failure.unwrap_err().cause {
        Cause::Tls(tls) => assert!(matches!(
            tls.problem,
            TlsProblem::Certificate(CertificateProblem::WrongName(_))
        )),
        other => panic!("{other:?}"),
    }
    let _ = receiver.finished().await;

    let settings = Settings {
        reconnect_minimum_delay: Some(0),
        ..later
    };
    let failure = denied.connect_with(address, settings).await.unwrap_err();
    assert_eq!(
        failure.cause,
        Cause::InvalidOption(InvalidOption::Reconnect)
    );
    assert!(begun.elapsed() < Duration::from_secs(25));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_close_nothing_connects_anew_until_reconnect() {
    let receiver = Receiver::new()
        .accept()
        .expect_end()
        .accept()
        .serve(1, "AA")
        .start();
    let (mut sandbox, client) = connected(&receiver, resending(Delivery::InDoubt)).await;
    sandbox.close(client).await.unwrap();
    for _ in 0..2 {
        let failure = sandbox.send(client, &message("1")).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::Closed));
    }
    assert_eq!(sandbox.counters(client).await.connections, 1);
    sandbox.reconnect(client).await.unwrap();
    let reply = sandbox.send(client, &message("2")).await.unwrap();
    assert_applied(&reply, 1);
    assert_eq!(receiver.finished().await, [message("2")]);
}

// Sending again.

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_doubt_is_sent_again_only_by_name() {
    for reset in [false, true] {
        for allowed in [Delivery::NotSent, Delivery::CutShort, Delivery::InDoubt] {
            let script = Receiver::new().accept().expect(&message("1"));
            let script = if reset {
                script.reset()
            } else {
                script.close()
            };
            let receiver = script.accept().serve(1, "AA").start();
            let (mut sandbox, client) = connected(&receiver, resending(allowed)).await;
            let outcome = sandbox.send(client, &message("1")).await;
            let received = if allowed == Delivery::InDoubt {
                let reply = outcome.unwrap();
                assert_applied(&reply, 2);
                let reason = only_reason(&reply.retries);
                let lost = (reason.phase, reason.delivery);
                assert_eq!(lost, (Phase::Reply, Delivery::InDoubt));
                assert_eq!(sandbox.counters(client).await.retransmissions, 1);
                [message("1"), message("1")]
            } else {
                let failure = outcome.unwrap_err();
                assert_eq!(failure.delivery, Delivery::InDoubt);
                assert_eq!((failure.transmissions, failure.retries), (1, vec![]));
                // What comes next is not kept from it.
                let reply = sandbox.send(client, &message("2")).await.unwrap();
                assert_applied(&reply, 1);
                [message("1"), message("2")]
            };
            assert_eq!(receiver.finished().await, received);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_cut_short_is_sent_again_where_that_is_allowed() {
    for allowed in [Delivery::NotSent, Delivery::CutShort, Delivery::InDoubt] {
        let again = allowed != Delivery::NotSent;
        let mut script = Receiver::new().accept().expect_part(1_000).reset();
        if again {
            script = script.accept().serve(1, "AA");
        }
        let receiver = script.start();
        let (mut sandbox, client) = connected(&receiver, resending(allowed)).await;
        let long = message_of("1", LONG);
        let outcome = sandbox.send(client, &long).await;
        let received = receiver.finished().await;
        if again {
            let reply = outcome.unwrap();
            assert_applied(&reply, 2);
            let reason = only_reason(&reply.retries);
            let lost = (reason.phase, reason.delivery);
            assert_eq!(lost, (Phase::Write, Delivery::CutShort));
            assert!(received == [long]);
        } else {
            let failure = outcome.unwrap_err();
            assert_eq!(failure.delivery, Delivery::CutShort);
            assert_eq!((failure.transmissions, failure.retries), (1, vec![]));
            assert!(received.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_always_dies_after_the_frame_gets_it_as_often_as_there_are_tries() {
    let mut script = Receiver::new();
    for _ in 0..4 {
        script = script.accept().expect(&message("1")).close();
    }
    let receiver = script.start();
    let settings = Settings {
        reconnect_attempts: Some(3),
        ..resending(Delivery::InDoubt)
    };
    let (mut sandbox, client) = connected(&receiver, settings).await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::ConnectionEnded));
    assert_eq!(failure.delivery, Delivery::InDoubt);
    assert_eq!((failure.transmissions, failure.retries.len()), (4, 3));
    assert_eq!(receiver.finished().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_not_forgotten_where_no_further_try_could_connect() {
    // Its listener is gone before its connection ends.
    let absent = Refusing::new();
    let address = absent.address;
    let listener = absent.listen();
    let receiver = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut received = vec![0; frame(&message("1")).len()];
        connection.read_exact(&mut received).unwrap();
        drop(listener);
    });
    let mut sandbox = Sandbox::new(Grants::none().address(address)).await;
    let settings = resending(Delivery::InDoubt);
    let client = sandbox.connect_with(address, settings).await.unwrap();
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    receiver.join().unwrap();
    assert!(matches!(failure.cause, Cause::ConnectionRefused));
    let known = (Phase::Connect, Delivery::InDoubt);
    assert_eq!((failure.phase, failure.delivery), known);
    assert_eq!(failure.transmissions, 1);
    assert_eq!(failure.attempts.len(), 10);
    assert_eq!(only_reason(&failure.retries).delivery, Delivery::InDoubt);
    let text = &failure.explanation;
    assert!(text.contains("the message may have arrived"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_and_what_does_not_fit_is_never_sent_again() {
    for answer in [ack("AE", "1"), ack("AR", "1"), message("1")] {
        let fits = answer != message("1");
        let receiver = Receiver::new()
            .accept()
            .expect(&message("1"))
            .reply(&answer)
            .expect_end()
            .start();
        let (mut sandbox, client) = connected(&receiver, resending(Delivery::InDoubt)).await;
        match sandbox.send(client, &message("1")).await {
            Ok(reply) => assert!(fits && reply.transmissions == 1 && reply.retries.is_empty()),
            Err(failure) => {
                assert!(!fits && matches!(failure.cause, Cause::InvalidReply(_)));
                assert_eq!((failure.transmissions, failure.retries), (1, vec![]));
            }
        }
        assert_eq!(sandbox.counters(client).await.connections, 1);
        sandbox.close(client).await.unwrap();
        let _ = receiver.finished().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_acknowledgment_is_made_up_for_where_its_timeout_leaves_the_time() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .expect_end()
        .accept()
        .serve(1, "AA")
        .start();
    let settings = Settings {
        application_timeout: Some(200),
        ..resending(Delivery::InDoubt)
    };
    let (mut sandbox, client) = connected(&receiver, settings).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_applied(&reply, 2);
    let reason = only_reason(&reply.retries);
    assert!(matches!(reason.cause, Cause::TimedOut));
    assert_eq!(receiver.finished().await.len(), 2);
}

// With TLS.

#[tokio::test(flavor = "multi_thread")]
async fn under_tls_a_restarted_receiver_is_shaken_hands_with_anew() {
    enum Way {
        Closes,
        IsCut,
        Resets,
    }
    for way in [Way::Closes, Way::IsCut, Way::Resets] {
        let authority = Authority::new(Key::P256);
        let server = authority.receiver(&["127.0.0.1"]).server();
        let restarted = Event::new();
        let script = Receiver::new().accept().shake_hands(server.clone());
        let script = script.serve(1, "AA");
        let script = match way {
            Way::Closes => script.close(),
            Way::IsCut => script.cut(),
            Way::Resets => script.reset(),
        };
        let receiver = script
            .announce(&restarted)
            .accept()
            .shake_hands(server)
            .serve(1, "AA")
            .expect_closing()
            .start();
        let settings = Settings {
            tls: Some(Tls::trusting(&authority)),
            ..supervised()
        };
        let (mut sandbox, client) = connected(&receiver, settings).await;
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_applied(&reply, 1);
        restarted.wait();
        idle().await;
        let reply = sandbox.send(client, &message("2")).await.unwrap();
        assert_applied(&reply, 1);
        assert_eq!(only_reason(&reply.retries).delivery, Delivery::NotSent);
        // The second handshake takes up where the first left off.
        assert!(sandbox.tls(client).await.unwrap().resumed);
        sandbox.close(client).await.unwrap();
        assert_eq!(receiver.finished().await, [message("1"), message("2")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_tls_a_message_in_doubt_is_sent_again_by_name() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let receiver = Receiver::new()
        .accept()
        .shake_hands(server.clone())
        .expect(&message("1"))
        .cut()
        .accept()
        .shake_hands(server)
        .serve(1, "AA")
        .start();
    let settings = Settings {
        tls: Some(Tls::trusting(&authority)),
        ..resending(Delivery::InDoubt)
    };
    let (mut sandbox, client) = connected(&receiver, settings).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_applied(&reply, 2);
    assert_eq!(receiver.finished().await, [message("1"), message("1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_was_cut_off_is_tried_again() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let receiver = Receiver::new()
        .accept()
        .begin_handshake(server.clone(), 100)
        .cut()
        .accept()
        .expect_hello()
        .reset()
        .accept()
        .shake_hands(server)
        .serve(1, "AA")
        .start();
    let settings = Settings {
        tls: Some(Tls::trusting(&authority)),
        ..supervised()
    };
    let (mut sandbox, client) = connected(&receiver, settings).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_applied(&reply, 1);
    let _ = receiver.finished().await;
}
