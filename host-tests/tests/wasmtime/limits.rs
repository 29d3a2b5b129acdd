//! Sizes: what passes, what does not, and that time grows no faster than size.

use host_tests::messages::{ack, frame, message, message_of};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{Cause, Delivery, Phase, Verdict};
use host_tests::sandbox::{Grants, Sandbox, Settings};
use marks::NAME;

fn reply_of(size: usize) -> Vec<u8> {
    let mut reply = ack("AA", "1");
    reply.extend_from_slice(b"NTE|1||");
    let marks = NAME.bytes().cycle();
    reply.extend(marks.take(size - 1 - reply.len()));
    reply.push(b'\r');
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_of_exactly_the_limit_passes() {
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .reply(&reply_of(500))
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = Settings {
        max_message_size: Some(500),
        ..Settings::default()
    };
    let client = sandbox
        .connect_with(receiver.address, settings)
        .await
        .unwrap();
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(
        (reply.verdict, reply.message.len()),
        (Verdict::Applied, 500)
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_one_byte_over_the_limit_is_message_too_large_and_terminal() {
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .reply(&reply_of(501))
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = Settings {
        max_message_size: Some(500),
        ..Settings::default()
    };
    let client = sandbox
        .connect_with(receiver.address, settings)
        .await
        .unwrap();
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(
        matches!(failure.cause, Cause::MessageTooLarge(over) if (over.limit, over.size) == (500, 501))
    );
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Reply, Delivery::InDoubt)
    );
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::Closed));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_limit_is_the_parents_and_counts_content_alone() {
    let limit = 10_485_760;
    let large = message_of("1", limit);
    let receiver = Receiver::new()
        .accept()
        .expect(&large)
        .reply(&reply_of(limit))
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let failure = sandbox
        .send(client, &message_of("1", limit + 1))
        .await
        .unwrap_err();
    assert!(matches!(failure.cause, Cause::InvalidMessage(_)));
    let reply = sandbox.send(client, &large).await.unwrap();
    assert_eq!(
        (reply.verdict, reply.message.len()),
        (Verdict::Applied, limit)
    );
    let _ = receiver.finish();
}

/// That its cost is linear in its size shows in `src/proto/frame.rs`, where a
/// machine's load cannot blur it. The parent needed 29.7 s for this.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_of_8_mb_in_small_pieces_comes_back_whole() {
    let content = reply_of(8_000_000);
    let pieces = frame(&content).chunks(4096).map(<[u8]>::to_vec).collect();
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .send_in_pieces(pieces)
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.message.len(), 8_000_000);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_for_which_the_host_has_no_memory_is_an_error_and_no_trap() {
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .offer(&reply_of(9_000_000))
        .accept()
        .serve(1, "AA")
        .start();
    let grants = Grants::none().address(receiver.address).memory(8_000_000);
    let mut sandbox = Sandbox::new(grants).await;
    let client = sandbox.connect(&receiver).await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::OutOfMemory), "{failure:?}");
    assert_eq!(failure.delivery, Delivery::InDoubt);
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied, "the instance stays usable");
    let _ = receiver.finish();
}
