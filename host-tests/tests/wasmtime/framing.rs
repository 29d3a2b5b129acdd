//! What the receiver's bytes are, whatever way they come split, and what is
//! said of bytes that are no frame.

use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::Sandbox;
use host_tests::sandbox::types::{Cause, Delivery, Desync, Phase, Verdict, Warning};

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_split_at_every_byte_boundary_is_accepted() {
    let reply = frame(&ack("AA", "1"));
    let mut script = Receiver::new().accept();
    for boundary in 1..reply.len() {
        let (first, second) = reply.split_at(boundary);
        script = script
            .expect_any()
            .send_in_pieces(vec![first.to_vec(), second.to_vec()]);
    }
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    for boundary in 1..reply.len() {
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied, "split at {boundary}");
        assert_eq!(reply.message, ack("AA", "1"), "split at {boundary}");
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_byte_by_byte_is_accepted() {
    let pieces = frame(&ack("AA", "1"))
        .chunks(1)
        .map(<[u8]>::to_vec)
        .collect();
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .send_in_pieces(pieces)
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let _ = receiver.finish();
}

/// What becomes of the message `1` when these bytes come back.
async fn desync_of(bytes: &[u8]) -> Desync {
    let receiver = Receiver::new().accept().expect_any().send(bytes).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Reply, Delivery::InDoubt)
    );
    let next = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(next.cause, Cause::Closed), "a desync is terminal");
    let _ = receiver.finish();
    match failure.cause {
        Cause::ProtocolDesync(desync) => desync,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_before_the_start_block_are_told() {
    let bytes = [b"HTTP/1.1 ", &frame(&ack("AA", "1"))[..]].concat();
    assert_eq!(desync_of(&bytes).await, Desync::BytesBeforeStartBlock);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_inside_a_frame_is_told() {
    let doubled = frame(&frame(&ack("AA", "1")));
    assert_eq!(desync_of(&doubled).await, Desync::StartBlockInFrame);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_block_without_its_carriage_return_is_told() {
    let bytes = [b"\x0B", &ack("AA", "1")[..], b"\x1C\n"].concat();
    assert_eq!(desync_of(&bytes).await, Desync::MissingCarriageReturn);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_frames_at_once_of_which_the_first_is_for_another_message_are_told() {
    let bytes = [frame(&ack("AA", "0")), frame(&ack("AA", "1"))].concat();
    assert_eq!(desync_of(&bytes).await, Desync::OtherControlId);
}

#[tokio::test(flavor = "multi_thread")]
async fn white_space_before_the_start_block_is_borne_and_counted() {
    let bytes = [b"\r\n ", &frame(&ack("AA", "1"))[..]].concat();
    let receiver = Receiver::new().accept().expect_any().send(&bytes).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert!(matches!(
        reply.warnings[..],
        [Warning::SpaceBeforeStartBlock(3)]
    ));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trailing_line_feed_does_not_poison_the_next_exchange() {
    let with_line_feed = [&frame(&ack("AA", "1"))[..], b"\n"].concat();
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .send(&with_line_feed)
        .expect(&message("2"))
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let first = sandbox.send(client, &message("1")).await.unwrap();
    let second = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(
        (first.verdict, second.verdict),
        (Verdict::Applied, Verdict::Applied)
    );
    let warnings = [first.warnings, second.warnings].concat();
    assert!(matches!(warnings[..], [Warning::SpaceAfterFrame(1)]));
    let _ = receiver.finish();
}

/// Sends `1`, lets these bytes arrive while the connection is idle, and tells
/// what becomes of `2`, of which the receiver must see nothing.
async fn idle_desync_of(bytes: &[u8]) -> Desync {
    let (answered, arrived) = (Event::new(), Event::new());
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .acknowledge("AA")
        .wait_for(&answered)
        .send(bytes)
        .announce(&arrived)
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let first = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(first.verdict, Verdict::Applied);
    answered.announce();
    arrived.wait();
    idle().await;
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Write, Delivery::NotSent)
    );
    assert!(!sandbox.is_open(client).await);
    let _ = receiver.finish();
    match failure.cause {
        Cause::ProtocolDesync(desync) => desync,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_after_the_end_are_found_before_the_next_message_leaves() {
    assert_eq!(idle_desync_of(b"junk").await, Desync::UnreadBytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_nobody_asked_for_is_found_before_the_next_message_leaves() {
    let late = frame(&ack("AA", "2"));
    assert_eq!(idle_desync_of(&late).await, Desync::UnreadFrame);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_frames_at_once_settle_this_message_and_not_the_next() {
    let bytes = [frame(&ack("AA", "1")), frame(&ack("AA", "2"))].concat();
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .send(&bytes)
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let first = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(first.verdict, Verdict::Applied);
    idle().await;
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    assert!(matches!(
        failure.cause,
        Cause::ProtocolDesync(Desync::UnreadFrame)
    ));
    assert_eq!(failure.delivery, Delivery::NotSent);
    let _ = receiver.finish();
}
