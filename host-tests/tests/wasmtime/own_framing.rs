//! Receivers with start, end and trailing bytes of their own: Cloverleaf's `USER`
//! encapsulations, Mirth's byte settings, STX and ETX. The guard follows them.

use host_tests::event::{Event, idle};
use host_tests::messages::{ack, message, message_of};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{
    Cause, CommitBlock, Delivery, Desync, FramingPart, InvalidMessage, InvalidOption, MllpRelease,
    Phase, ReservedByte, Verdict, Warning,
};
use host_tests::sandbox::{Grants, Sandbox, Settings};

use crate::common::ack_asking;

/// Start block, end block and trailer.
type Framing<'a> = (&'a [u8], &'a [u8], &'a [u8]);

const STX_ETX: Framing<'_> = (b"\x02", b"\x03", b"");

/// What receivers were seen to use, and what they might.
const SEEN: [Framing<'_>; 7] = [
    (b"\x0B", b"\x1C", b"\r"),
    STX_ETX,
    // Without the carriage return, as some put it.
    (b"\x0B", b"\x1C", b""),
    // Mirth: the end block is two bytes there.
    (b"\x0B", b"\x1C\r", b""),
    (b"\x0B", b"\x1C", b"\r\n"),
    // Cloverleaf's USER, several bytes each.
    (b"\x01\x02SOM", b"EOM\x03\x04", b"\x0D\x0A\x0D\x0A"),
    (&[0x1F; 31], &[0x1E; 31], &[0x1D; 31]),
];

fn settings((start, end, trailer): Framing<'_>) -> Settings {
    Settings {
        start_block: Some(start.to_vec()),
        end_block: Some(end.to_vec()),
        trailer: Some(trailer.to_vec()),
        ..Settings::default()
    }
}

fn script((start, end, trailer): Framing<'_>) -> Receiver {
    Receiver::new().framing(start, end, trailer).accept()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_and_replies_go_in_the_frames_that_were_set() {
    for framing in SEEN {
        let large = message_of("2", 200_000);
        let long = [ack("AE", "2"), vec![b'x'; 200_000], b"\r".to_vec()].concat();
        let receiver = script(framing)
            .expect(&message("1"))
            .acknowledge("AA")
            .expect(&large)
            .reply(&long)
            .expect(&message("3"))
            .acknowledge("AA")
            .expect_end()
            .start();
        let mut sandbox = Sandbox::for_receiver(&receiver).await;
        let connected = sandbox.connect_with(receiver.address, settings(framing));
        let client = connected.await.expect("the receiver accepts");
        for (sent, verdict) in [
            (message("1"), Verdict::Applied),
            (large, Verdict::Refused),
            (message("3"), Verdict::Applied),
        ] {
            let reply = sandbox.send(client, &sent).await.unwrap();
            assert_eq!((reply.verdict, reply.warnings), (verdict, vec![]));
            if verdict == Verdict::Refused {
                assert!(reply.message == long);
            }
        }
        sandbox.close(client).await.unwrap();
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_in_frames_of_ones_own_may_come_split_anywhere() {
    let (start, end, trailer) = (&b"<<"[..], &b">>"[..], &b"!\r\n"[..]);
    let framing = (start, end, trailer);
    let whole = [start, &ack("AA", "1"), end, trailer].concat();
    let mut trace = script(framing);
    for boundary in 1..whole.len() {
        let (first, second) = whole.split_at(boundary);
        trace = trace
            .expect(&message("1"))
            .send_in_pieces(vec![first.to_vec(), second.to_vec()]);
    }
    let receiver = trace.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings(framing));
    let client = connected.await.expect("the receiver accepts");
    for boundary in 1..whole.len() {
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!(reply.message, ack("AA", "1"), "split at {boundary}");
        assert_eq!(reply.warnings, [], "split at {boundary}");
    }
    let _ = receiver.finish();
}

/// Appends a segment to a message.
fn with(segment: &[u8]) -> Vec<u8> {
    [&message("1"), segment].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn mllps_own_bytes_are_content_then_both_ways() {
    let sent = with(b"NTE|1||\x0B and \x1C\r and \x0B\x1C\r");
    let reply = [ack("AA", "1"), b"NTE|\x0B\x1C\r".to_vec()].concat();
    let receiver = script(STX_ETX).expect(&sent).reply(&reply).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings(STX_ETX));
    let client = connected.await.expect("the receiver accepts");
    let told = sandbox.send(client, &sent).await.unwrap();
    assert_eq!((told.verdict, told.message), (Verdict::Applied, reply));
    let _ = receiver.finish();
}

/// Whether the guard lets a message pass with these blocks; where not, which byte it
/// names.
async fn guard(framing: Framing<'_>, sent: &[u8]) -> Option<(u64, u8)> {
    let receiver = script(framing).serve(1, "AA").start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings(framing));
    let client = connected.await.expect("the receiver accepts");
    let reserved = match sandbox.send(client, sent).await {
        Ok(_) => None,
        Err(failure) => {
            assert_eq!(failure.phase, Phase::Prepare);
            assert_eq!(failure.delivery, Delivery::NotSent);
            // The client stays usable.
            sandbox.send(client, &message("next")).await.unwrap();
            match failure.cause {
                Cause::InvalidMessage(InvalidMessage::ReservedByte(ReservedByte {
                    offset,
                    byte,
                })) => Some((offset, byte)),
                other => panic!("{other:?}"),
            }
        }
    };
    let _ = receiver.finish();
    reserved
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_refuses_the_blocks_that_were_set_with_their_offset() {
    let offset = message("1").len() as u64 + 4;
    for byte in [0x02, 0x03] {
        let sent = with(&[b"NTE|", &[byte][..], b"\r"].concat());
        assert_eq!(guard(STX_ETX, &sent).await, Some((offset, byte)));
    }
    let several: Framing<'_> = (b"<<", b"\x1C\r", b"\n");
    let start = with(b"NTE|<<\r");
    assert_eq!(guard(several, &start).await, Some((offset, b'<')));
    let end = with(b"NTE|\x1C\r");
    assert_eq!(guard(several, &end).await, Some((offset, 0x1C)));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_block_is_content() {
    let several: Framing<'_> = (b"<<", b"\x1C\r", b"\n");
    for segment in [&b"NTE|<\x1C|<\r"[..], b"NTE|\n\r", b"NTE|\x1C<\r"] {
        assert_eq!(guard(several, &with(segment)).await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_the_message_and_a_block_make_together_is_refused() {
    let framing: Framing<'_> = (b"<<", b">>", b"\r");
    // The last byte and the first of the end block would end it early.
    let sent = with(b"NTE|1||a>");
    let last = sent.len() as u64 - 1;
    assert_eq!(guard(framing, &sent).await, Some((last, b'>')));
    assert_eq!(guard(framing, &with(b"NTE|1||>a")).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trailer_may_stand_in_a_message() {
    let framing: Framing<'_> = (b"\x02", b"\x03", b"NTE|");
    assert_eq!(guard(framing, &with(b"NTE|1||NTE|\r")).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_cannot_frame_anything_are_refused_before_connecting() {
    let long = [0x1F; 32];
    for (framing, part) in [
        (
            (&b""[..], &b"\x1C"[..], &b"\r"[..]),
            FramingPart::StartBlock,
        ),
        ((&long, b"\x1C", b"\r"), FramingPart::StartBlock),
        ((b"\x0B", b"", b"\r"), FramingPart::EndBlock),
        ((b"\x0B", &long, b"\r"), FramingPart::EndBlock),
        ((b"\x0B", b"\x0B", b"\r"), FramingPart::EndBlock),
        ((b"\x0B", b"\x1C\x0B", b"\r"), FramingPart::EndBlock),
        ((b"\x1C\x0B", b"\x1C", b"\r"), FramingPart::EndBlock),
        ((b"\x0B", b"\x1C", &long), FramingPart::Trailer),
    ] {
        // Nothing is reached: nothing is granted.
        let mut sandbox = Sandbox::new(Grants::none()).await;
        let connected = sandbox.connect_to("127.0.0.1", 2575, settings(framing));
        let failure = connected.await.unwrap_err();
        let invalid = Cause::InvalidOption(InvalidOption::Framing(part));
        assert_eq!(failure.cause, invalid, "{framing:?}");
        assert_eq!(failure.delivery, Delivery::NotSent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_frame_of_the_ones_set_is_out_of_step() {
    let mllps = [b"\x0B", &ack("AA", "1")[..], b"\x1C\r"].concat();
    let untailed = [b"<", &ack("AA", "1")[..], b">!"].concat();
    let twice = [b"<", &ack("AA", "1")[..], b"<"].concat();
    for (bytes, desync) in [
        (mllps, Desync::BytesBeforeStartBlock),
        (untailed, Desync::MissingCarriageReturn),
        (twice, Desync::StartBlockInFrame),
    ] {
        let framing: Framing<'_> = (b"<", b">", b"|");
        // Its own separators, then: the guard follows these too.
        let sent = b"MSH#^~\\&#A#B#C#D#2026##ADT^A01#1#T#2.5\r";
        let receiver = script(framing)
            .expect(sent)
            .send(&bytes)
            .expect_end()
            .start();
        let mut sandbox = Sandbox::for_receiver(&receiver).await;
        let connected = sandbox.connect_with(receiver.address, settings(framing));
        let client = connected.await.expect("the receiver accepts");
        let failure = sandbox.send(client, sent).await.unwrap_err();
        assert_eq!(failure.cause, Cause::ProtocolDesync(desync));
        assert_eq!(failure.delivery, Delivery::InDoubt);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delivery_is_told_by_the_end_block_that_was_set() {
    let framing: Framing<'_> = (b"<<", b">>", b"!!!!\r\n");
    // The whole frame went: in doubt.
    let receiver = script(framing).expect(&message("1")).close().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings(framing));
    let client = connected.await.expect("the receiver accepts");
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert_eq!(failure.delivery, Delivery::InDoubt);
    let _ = receiver.finish();

    // A receiver that stops reading gets a part: cut short.
    let done = Event::new();
    let receiver = script(framing).expect_part(1_000).wait_for(&done).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let stalled = Settings {
        timeout: Some(500),
        max_send_size: Some(64_000_000),
        ..settings(framing)
    };
    let connected = sandbox.connect_with(receiver.address, stalled).await;
    let client = connected.expect("the receiver accepts");
    let large = message_of("1", 40_000_000);
    let failure = sandbox.send(client, &large).await.unwrap_err();
    assert_eq!(failure.cause, Cause::TimedOut);
    assert_eq!(failure.delivery, Delivery::CutShort);
    done.announce();
    let _ = receiver.finish();

    // It ended the connection before: not sent.
    let ended = Event::new();
    let receiver = script(framing)
        .half_close()
        .announce(&ended)
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings(framing));
    let client = connected.await.expect("the receiver accepts");
    ended.wait();
    idle().await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert_eq!(failure.delivery, Delivery::NotSent);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_blocks_and_owed_acknowledgments_go_in_the_frames_that_were_set() {
    let receiver = script(STX_ETX)
        .expect(&message("1"))
        .commit()
        .reply(&ack_asking("AA", "1", "AL"))
        .expect_commit()
        .expect_accept("R1")
        .commit()
        .expect_end()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let release_2 = Settings {
        mllp_release: Some(MllpRelease::Two),
        ..settings(STX_ETX)
    };
    let connected = sandbox.connect_with(receiver.address, release_2).await;
    let client = connected.expect("the receiver accepts");
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.commit, Some(CommitBlock::Positive));
    assert_eq!((reply.verdict, reply.warnings), (Verdict::Applied, vec![]));
    sandbox.close(client).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owed_acknowledgment_that_would_make_a_block_is_not_sent_and_that_is_told() {
    let framing: Framing<'_> = (b"|CA|", b"\x03", b"");
    let receiver = script(framing)
        .expect(&message("1"))
        .reply(&ack_asking("AA", "1", "AL"))
        .expect(&message("2"))
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings(framing));
    let client = connected.await.expect("the receiver accepts");
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(reply.warnings, [Warning::OwedAcknowledgmentUnsent]);
    let next = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!((next.verdict, next.warnings), (Verdict::Applied, vec![]));
    let _ = receiver.finish();
}
