//! One deadline covers the whole call, and what comes after it meets nobody.

use std::time::Duration;

use host_tests::event::Event;
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{Cause, Delivery, InvalidOption, Phase, Verdict};
use host_tests::sandbox::{Sandbox, Settings};

fn short() -> Settings {
    Settings {
        timeout: Some(300),
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_options_timeout_governs_the_exchange() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, short())
        .await
        .unwrap();
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Reply, Delivery::InDoubt)
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calls_own_timeout_governs_that_call() {
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect(&message("2"))
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send_within(client, &message("1"), 30_000).await;
    assert_eq!(reply.unwrap().verdict, Verdict::Applied);
    let failure = sandbox.send_within(client, &message("2"), 200).await;
    assert!(matches!(failure.unwrap_err().cause, Cause::TimedOut));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_dribbled_a_byte_at_a_time_still_ends_at_the_deadline() {
    // Whole, the reply would take a minute; every pause is far below the limit.
    let slow = frame(&[&ack("AA", "1")[..], &[b'x'; 1000]].concat());
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .dribble(&slow, Duration::from_millis(50))
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, short())
        .await
        .unwrap();
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert_eq!(failure.delivery, Delivery::InDoubt);
    // The script panics if it could write the reply to its end.
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_timeout_the_next_send_never_meets_the_late_acknowledgment() {
    let gave_up = Event::new();
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .wait_for(&gave_up)
        .send(&frame(&ack("AA", "1")))
        .close()
        .accept()
        .expect(&message("2"))
        .acknowledge("AE")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, short())
        .await
        .unwrap();
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::TimedOut));
    gave_up.announce();
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Closed));
    assert_eq!(failure.delivery, Delivery::NotSent);
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Refused);
    assert_eq!(reply.acknowledgment.unwrap().control_id, b"2");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_of_zero_is_invalid() {
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    for (settings, option) in [
        (
            Settings {
                timeout: Some(0),
                ..Settings::default()
            },
            InvalidOption::Timeout,
        ),
        (
            Settings {
                connect_timeout: Some(0),
                ..Settings::default()
            },
            InvalidOption::ConnectTimeout,
        ),
    ] {
        let failure = sandbox.connect_with(receiver.address, settings).await;
        assert!(
            matches!(failure.unwrap_err().cause, Cause::InvalidOption(named) if named == option)
        );
    }
    let client = sandbox.connect(&receiver).await;
    let failure = sandbox.send_within(client, &message("1"), 0).await;
    assert!(matches!(
        failure.unwrap_err().cause,
        Cause::InvalidOption(InvalidOption::Timeout)
    ));
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied, "the client stays open");
    let _ = receiver.finish();
}
