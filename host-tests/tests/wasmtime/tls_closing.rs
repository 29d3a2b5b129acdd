//! How a TLS connection ends, and what each end of it tells.

use host_tests::certificates::{Authority, Key};
use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{Cause, Delivery, Phase, TlsProblem, Verdict};
use host_tests::sandbox::{Client, Sandbox, Settings, Tls};

/// The start of a script: a receiver that shook hands, and what trusts it.
fn shaken() -> (Receiver, Settings) {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let settings = Settings::tls(Tls::trusting(&authority));
    (Receiver::new().accept().shake_hands(server), settings)
}

async fn connected(receiver: &Running, settings: Settings) -> (Sandbox, Client) {
    let mut sandbox = Sandbox::for_receiver(receiver).await;
    let client = sandbox.connect_with(receiver.address, settings).await;
    (sandbox, client.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn close_says_so_to_the_receiver() {
    let (script, settings) = shaken();
    let receiver = script.serve(1, "AA").expect_closing().start();
    let (mut sandbox, client) = connected(&receiver, settings).await;
    sandbox.send(client, &message("1")).await.unwrap();
    sandbox.close(client).await.unwrap();
    sandbox.close(client).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn close_does_not_wait_for_a_receiver_that_reads_nothing() {
    let closed = Event::new();
    let (script, settings) = shaken();
    let receiver = script.expect_part(1).wait_for(&closed).start();
    let (mut sandbox, client) = connected(&receiver, settings).await;
    // More than all buffers on the way hold.
    let long = [message("1"), vec![b'x'; 9_000_000]].concat();
    let failure = sandbox.send_within(client, &long, 500).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert_eq!(failure.delivery, Delivery::CutShort);
    sandbox.close(client).await.unwrap();
    sandbox.drop(client).await;
    closed.announce();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_cut_off_in_its_middle_is_a_truncation() {
    let half = &frame(&ack("AA", "1"))[..20];
    let (script, settings) = shaken();
    let receiver = script.expect(&message("1")).send(half).cut().start();
    let (mut sandbox, client) = connected(&receiver, settings).await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Tls(ref tls) if tls.problem == TlsProblem::Truncated));
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Reply, Delivery::InDoubt)
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_closes_properly_in_the_middle_of_a_reply_just_ends() {
    let half = &frame(&ack("AA", "1"))[..20];
    let (script, settings) = shaken();
    let receiver = script.expect(&message("1")).send(half).close().start();
    let (mut sandbox, client) = connected(&receiver, settings).await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::ConnectionEnded));
    assert_eq!(failure.delivery, Delivery::InDoubt);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_idle_connection_is_found_before_anything_is_written() {
    let ended = Event::new();
    let (script, settings) = shaken();
    let receiver = script.serve(1, "AA").close().announce(&ended).start();
    let (mut sandbox, client) = connected(&receiver, settings).await;
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
    let _ = receiver.finish();
}
