//! What is put right in a message before it is sent: only what was asked for, told
//! each time, and down to the byte.

use host_tests::messages::{control_id, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{
    Cause, Delivery, InvalidMessage, OverLimit, Repair, ReservedByte, Verdict, Warning,
};
use host_tests::sandbox::{Sandbox, Settings};

use crate::common::asking;

const ALL: [Repair; 4] = [
    Repair::ByteOrderMark,
    Repair::Envelope,
    Repair::LineFeeds,
    Repair::FinalCarriageReturn,
];

const MARK: &[u8] = b"\xEF\xBB\xBF";

fn asked(repairs: &[Repair]) -> Settings {
    Settings {
        repairs: repairs.to_vec(),
        ..Settings::default()
    }
}

fn told(repairs: &[Repair]) -> Vec<Warning> {
    repairs.iter().copied().map(Warning::Repaired).collect()
}

/// The receiver gets `arrives`, and the caller is told of these repairs.
async fn sent(settings: Settings, handed_in: &[u8], arrives: &[u8], repairs: &[Repair]) {
    let receiver = Receiver::new()
        .accept()
        .expect(arrives)
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    let reply = sandbox.send(client, handed_in).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(reply.warnings, told(repairs));
    let _ = receiver.finish();
}

/// Nothing is sent, and the client stays usable.
async fn refused(settings: Settings, handed_in: &[u8], why: InvalidMessage, repairs: &[Repair]) {
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    let failure = sandbox.send(client, handed_in).await.unwrap_err();
    assert_eq!(failure.cause, Cause::InvalidMessage(why));
    assert_eq!(failure.delivery, Delivery::NotSent);
    assert_eq!(failure.warnings, told(repairs));
    let reply = sandbox.send(client, &message("next")).await.unwrap();
    assert_eq!(reply.warnings, []);
    assert_eq!(receiver.finish(), [message("next")]);
}

fn with_line_feeds(message: &[u8], end: &str) -> Vec<u8> {
    let text = String::from_utf8(message.to_vec()).expect("text");
    text.replace('\r', end).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_is_taken_away_if_asked_for_and_refused_else() {
    let right = message("1");
    let marked = [MARK, &right].concat();
    let repair = [Repair::ByteOrderMark];
    sent(asked(&repair), &marked, &right, &repair).await;
    let others = [
        Repair::Envelope,
        Repair::LineFeeds,
        Repair::FinalCarriageReturn,
    ];
    for settings in [Settings::default(), asked(&others)] {
        refused(settings, &marked, InvalidMessage::WideEncoding, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_is_taken_away_if_asked_for_and_refused_else() {
    let right = message("1");
    let repair = [Repair::Envelope];
    for (before, after) in [
        (&b"\x0B"[..], &b"\x1C\r"[..]),
        (b"\x0B", b"\x1C"),
        (b"\r\n \x0B", b"\x1C\r\r\n\t"),
    ] {
        let enveloped = [before, &right, after].concat();
        sent(asked(&repair), &enveloped, &right, &repair).await;
        for settings in [Settings::default(), asked(&[Repair::ByteOrderMark])] {
            refused(settings, &enveloped, InvalidMessage::NoHeader, &[]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn line_feeds_become_carriage_returns_if_asked_for_and_are_sent_as_they_are_else() {
    let right = message("1");
    let repair = [Repair::LineFeeds];
    for end in ["\n", "\r\n"] {
        let with_line_feeds = with_line_feeds(&right, end);
        sent(asked(&repair), &with_line_feeds, &right, &repair).await;
        // Bytes are the caller's: the guard has nothing against these.
        sent(Settings::default(), &with_line_feeds, &with_line_feeds, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_carriage_return_is_added_if_asked_for_and_left_out_else() {
    let right = message("1");
    let cut = &right[..right.len() - 1];
    let repair = [Repair::FinalCarriageReturn];
    sent(asked(&repair), cut, &right, &repair).await;
    sent(Settings::default(), cut, cut, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_right_stays_as_it_is_and_nothing_is_told() {
    for repair in ALL {
        sent(asked(&[repair]), &message("1"), &message("1"), &[]).await;
    }
    sent(asked(&ALL), &message("1"), &message("1"), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_repair_does_its_own_work_alone() {
    let right = message("1");
    let wrong = [
        MARK,
        b"\n\x0B",
        &with_line_feeds(&right[..right.len() - 1], "\r\n"),
        b"\x1C\r\n",
    ]
    .concat();
    sent(asked(&ALL), &wrong, &right, &ALL).await;
    // In whatever order they were asked for.
    let mut backwards = ALL;
    backwards.reverse();
    sent(asked(&backwards), &wrong, &right, &ALL).await;
    let without = |left_out: Repair| ALL.into_iter().filter(move |repair| *repair != left_out);
    for (left_out, why) in [
        (Repair::ByteOrderMark, InvalidMessage::WideEncoding),
        (Repair::Envelope, InvalidMessage::NoHeader),
    ] {
        let repairs: Vec<_> = without(left_out).collect();
        let receiver = Receiver::new().accept().expect_end().start();
        let mut sandbox = Sandbox::for_receiver(&receiver).await;
        let connected = sandbox
            .connect_with(receiver.address, asked(&repairs))
            .await;
        let client = connected.expect("the receiver accepts");
        let failure = sandbox.send(client, &wrong).await.unwrap_err();
        assert_eq!(failure.cause, Cause::InvalidMessage(why));
        sandbox.close(client).await.unwrap();
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repaired_message_is_told_of_with_a_failure_too() {
    let marked = [MARK, &message("1")].concat();
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .close()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, asked(&ALL)).await;
    let client = connected.expect("the receiver accepts");
    let failure = sandbox.send(client, &marked).await.unwrap_err();
    assert_eq!(failure.delivery, Delivery::InDoubt);
    assert_eq!(failure.warnings, told(&[Repair::ByteOrderMark]));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_repair_can_mend_is_refused_all_the_same() {
    let right = message("1");
    let envelope = |content: &[u8]| [b"\x0B", content, b"\x1C\r"].concat();
    // Half an envelope, a second one, a block in the middle, and no message at all.
    refused(
        asked(&ALL),
        b"\x0BMSH|^~\\&|\r",
        InvalidMessage::NoHeader,
        &[],
    )
    .await;
    let twice = envelope(&envelope(&right));
    let repairs = [Repair::Envelope, Repair::FinalCarriageReturn];
    refused(
        asked(&[Repair::Envelope]),
        &twice,
        InvalidMessage::NoHeader,
        &repairs[..1],
    )
    .await;
    let offset = right.len() as u64;
    let in_the_middle = [&right[..], b"\x1C\rNTE|1\r"].concat();
    let reserved = InvalidMessage::ReservedByte(ReservedByte { offset, byte: 0x1C });
    refused(asked(&ALL), &in_the_middle, reserved, &[]).await;
    refused(
        asked(&ALL),
        &envelope(b""),
        InvalidMessage::Empty,
        &repairs[..1],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_and_the_limit_look_at_the_repaired_message() {
    let right = asking("1", "AL", "NE");
    let enveloped = [b"\x0B", &right[..], b"\x1C\r"].concat();
    let size = right.len() as u64;
    let limited = |limit| Settings {
        max_send_size: Some(limit),
        ..asked(&[Repair::Envelope])
    };
    let receiver = Receiver::new()
        .accept()
        .expect(&right)
        .acknowledge("CA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, limited(size)).await;
    let client = connected.expect("the receiver accepts");
    // MSH-15 is read from it too, and MSH-10.
    let reply = sandbox.send(client, &enveloped).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    let received = receiver.finish();
    assert_eq!(control_id(&received[0]), b"1");

    let receiver = Receiver::new().accept().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, limited(size - 1));
    let client = connected.await.expect("the receiver accepts");
    let failure = sandbox.send(client, &enveloped).await.unwrap_err();
    let over = OverLimit {
        limit: size - 1,
        size,
    };
    let too_large = Cause::InvalidMessage(InvalidMessage::TooLarge(over));
    assert_eq!(failure.cause, too_large);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envelope_is_made_of_the_blocks_that_were_set() {
    let right = message("1");
    let own = Settings {
        start_block: Some(b"<<".to_vec()),
        end_block: Some(b">>".to_vec()),
        trailer: Some(b"!\r".to_vec()),
        ..asked(&[Repair::Envelope])
    };
    let receiver = Receiver::new()
        .framing(b"<<", b">>", b"!\r")
        .accept()
        .expect(&right)
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, own).await;
    let client = connected.expect("the receiver accepts");
    let enveloped = [b"<<", &right[..], b">>!\r"].concat();
    let reply = sandbox.send(client, &enveloped).await.unwrap();
    assert_eq!(reply.warnings, told(&[Repair::Envelope]));
    let mllps = [b"\x0B", &right[..], b"\x1C\r"].concat();
    let failure = sandbox.send(client, &mllps).await.unwrap_err();
    let cause = Cause::InvalidMessage(InvalidMessage::NoHeader);
    assert_eq!((failure.cause, failure.warnings), (cause, vec![]));
    let _ = receiver.finish();
}
