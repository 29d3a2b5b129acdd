//! A receiver that never reads cannot hang `send`, `close` or dropping the
//! client, whatever the message's size.

use host_tests::command::Call;
use host_tests::event::Event;
use host_tests::messages::{ack, message, message_of};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{Cause, Delivery, Desync, Phase, Verdict};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings};

const LARGE: usize = 30_000_000;

async fn connect(sandbox: &mut Sandbox, receiver: &Running) -> Client {
    let settings = Settings {
        timeout: Some(500),
        max_send_size: Some(LARGE as u64),
        ..Settings::default()
    };
    let connected = sandbox.connect_with(receiver.address, settings).await;
    connected.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_closing_and_dropping_all_return() {
    let done = Event::new();
    let receiver = Receiver::new().accept().wait_for(&done).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = connect(&mut sandbox, &receiver).await;
    let large = message_of("1", LARGE);
    let failure = sandbox.send(client, &large).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Write, Delivery::CutShort)
    );
    let next = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(next.cause, Cause::Closed));
    sandbox.close(client).await.unwrap();
    sandbox.drop(client).await;
    assert_eq!(sandbox.connections_set_aside().await, 1);
    done.announce();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_is_let_go_once_the_receiver_is_gone() {
    let done = Event::new();
    let stalled = Receiver::new().accept().wait_for(&done).start();
    let mut sandbox = Sandbox::for_receiver(&stalled).await;
    let client = connect(&mut sandbox, &stalled).await;
    let large = message_of("1", LARGE);
    assert!(sandbox.send(client, &large).await.is_err());
    assert_eq!(sandbox.connections_set_aside().await, 1);
    done.announce();
    let _ = stalled.finish();
    // The host learns of the reset on a thread of its own.
    for _ in 0..1000 {
        if sandbox.connections_set_aside().await == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("still set aside");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_connection_works_while_one_stands_aside() {
    let done = Event::new();
    let stalled = Receiver::new().accept().wait_for(&done).start();
    let reading = Receiver::new().accept().serve(1, "AA").start();
    let grants = Grants::none()
        .address(stalled.address)
        .address(reading.address);
    let mut sandbox = Sandbox::new(grants).await;
    let client = connect(&mut sandbox, &stalled).await;
    let large = message_of("1", LARGE);
    assert!(sandbox.send(client, &large).await.is_err());
    let client = sandbox.connect(&reading).await;
    let reply = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(sandbox.connections_set_aside().await, 1);
    done.announce();
    let _ = (stalled.finish(), reading.finish());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_in_the_middle_of_a_message_cuts_it_short() {
    let begun = Event::new();
    let receiver = Receiver::new()
        .accept()
        .expect_part(100_000)
        .announce(&begun)
        .reset()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = connect(&mut sandbox, &receiver).await;
    let large = message_of("1", LARGE);
    let failure = sandbox.send(client, &large).await.unwrap_err();
    assert!(
        matches!(
            failure.cause,
            Cause::ConnectionBroken | Cause::ConnectionEnded
        ),
        "{failure:?}"
    );
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Write, Delivery::CutShort)
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_half_a_message_answers_nothing() {
    let done = Event::new();
    let receiver = Receiver::new()
        .accept()
        .expect_part(100_000)
        .reply(&ack("AA", "1"))
        .wait_for(&done)
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = connect(&mut sandbox, &receiver).await;
    let large = message_of("1", LARGE);
    let failure = sandbox.send(client, &large).await.unwrap_err();
    assert!(
        matches!(failure.cause, Cause::ProtocolDesync(Desync::EarlyReply)),
        "{failure:?}"
    );
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Write, Delivery::CutShort)
    );
    done.announce();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_ends_too() {
    let done = Event::new();
    let receiver = Receiver::new().accept().wait_for(&done).start();
    let size = LARGE.to_string();
    let address = receiver.address.to_string();
    let arguments = ["--timeout", "500ms", "--max-send-size", &size, &address];
    let call = Call::new(&arguments).input(&message_of("1", LARGE));
    let outcome = call.allow(receiver.address).run().await;
    assert!(!outcome.success);
    assert!(outcome.output.contains("cut-short"), "{outcome:?}");
    done.announce();
    let _ = receiver.finish();
}
