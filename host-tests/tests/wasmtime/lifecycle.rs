//! From connect to close, and the ends in between.

use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{Cause, Delivery, Phase, Verdict};
use host_tests::sandbox::{Grants, Sandbox, Settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_messages_go_over_one_connection() {
    let receiver = Receiver::new()
        .accept()
        .serve(1000, "AA")
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    for id in 0..1000 {
        let id = id.to_string();
        let reply = sandbox.send(client, &message(&id)).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied);
        assert_eq!(reply.acknowledgment.unwrap().control_id, id.as_bytes());
    }
    sandbox.close(client).await.unwrap();
    assert_eq!(receiver.finish().len(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_in_one_component_keep_to_themselves() {
    let first = Receiver::new().accept().serve(20, "AA").start();
    let second = Receiver::new().accept().serve(20, "AE").start();
    let grants = Grants::none()
        .address(first.address)
        .address(second.address);
    let mut sandbox = Sandbox::new(grants).await;
    let one = sandbox.connect(&first).await;
    let other = sandbox.connect(&second).await;
    for id in 0..20 {
        let id = message(&id.to_string());
        let applied = sandbox.send(one, &id).await.unwrap();
        let refused = sandbox.send(other, &id).await.unwrap();
        assert_eq!(
            (applied.verdict, refused.verdict),
            (Verdict::Applied, Verdict::Refused)
        );
    }
    assert_eq!((first.finish().len(), second.finish().len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_twice_is_no_error_and_use_after_close_is() {
    let receiver = Receiver::new().accept().expect_end().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    assert!(sandbox.is_open(client).await);
    sandbox.close(client).await.unwrap();
    assert!(!sandbox.is_open(client).await);
    sandbox.close(client).await.unwrap();
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Closed));
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Prepare, Delivery::NotSent)
    );
    let (peer, _) = sandbox.addresses(client).await;
    assert_eq!(peer, receiver.address.to_string());
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_client_ends_its_connection() {
    let receiver = Receiver::new().accept().expect_end().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    sandbox.drop(client).await;
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_connection_is_found_before_anything_is_written() {
    let ended = Event::new();
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .half_close()
        .announce(&ended)
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    ended.wait();
    idle().await;
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::ConnectionEnded));
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Write, Delivery::NotSent)
    );
    // The script panics if a byte of the second message came.
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_idle_connection_is_found_before_anything_is_written() {
    let ended = Event::new();
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .reset()
        .announce(&ended)
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    sandbox.send(client, &message("1")).await.unwrap();
    ended.wait();
    idle().await;
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::ConnectionBroken));
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Write, Delivery::NotSent)
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_ends_the_connection_instead_of_answering_leaves_doubt() {
    for cut in [0, 1, 20] {
        let part = frame(&ack("AA", "1"));
        let receiver = Receiver::new()
            .accept()
            .expect(&message("1"))
            .send(&part[..cut])
            .close()
            .start();
        let mut sandbox = Sandbox::for_receiver(&receiver).await;
        let client = sandbox.connect(&receiver).await;
        let failure = sandbox.send(client, &message("1")).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::ConnectionEnded));
        assert_eq!(
            (failure.phase, failure.delivery),
            (Phase::Reply, Delivery::InDoubt)
        );
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_instead_of_an_answer_leaves_doubt() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .reset()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::ConnectionBroken));
    assert_eq!(failure.delivery, Delivery::InDoubt);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_followed_by_the_end_of_the_connection_counts() {
    let receiver = Receiver::new().accept().serve(1, "AA").close().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_connection_leaves_the_instance_usable() {
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let refusing = "127.0.0.2:2575".parse().unwrap();
    let grants = Grants::none().address(refusing).address(receiver.address);
    let mut sandbox = Sandbox::new(grants).await;
    let refused = sandbox.connect_with(refusing, Settings::default()).await;
    assert!(matches!(
        refused.unwrap_err().cause,
        Cause::ConnectionRefused
    ));
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_a_failure_ended_can_be_reconnected() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .close()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert_eq!(failure.delivery, Delivery::InDoubt);
    assert!(!sandbox.is_open(client).await);
    sandbox.reconnect(client).await.unwrap();
    assert!(sandbox.is_open(client).await);
    let reply = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    sandbox.close(client).await.unwrap();
    // The component sends nothing again by itself.
    assert_eq!(receiver.finish(), [message("1"), message("2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_that_fails_leaves_the_client_ended_and_able_to_try_again() {
    let receiver = Receiver::new().accept().close().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    // Nobody listens there any more.
    let _ = receiver.finish();
    for _ in 0..2 {
        let failure = sandbox.reconnect(client).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::ConnectionRefused));
        assert_eq!(
            (failure.phase, failure.delivery),
            (Phase::Connect, Delivery::NotSent)
        );
        assert!(!sandbox.is_open(client).await);
    }
}
