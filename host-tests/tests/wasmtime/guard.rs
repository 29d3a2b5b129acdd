//! What may not be sent is refused before the first byte, and the client stays
//! usable.

use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{
    Cause, Delivery, InvalidMessage, OverLimit, Phase, ReservedByte, Verdict,
};
use host_tests::sandbox::{Sandbox, Settings};

/// Sends `refused`, then a good message, to a receiver that must see only the
/// good one.
async fn refusal_of(refused: &[u8], settings: Settings) -> InvalidMessage {
    let good = message("1");
    let receiver = Receiver::new()
        .accept()
        .expect(&good)
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, settings)
        .await
        .unwrap();
    let failure = sandbox.send(client, refused).await.unwrap_err();
    assert_eq!(failure.phase, Phase::Prepare);
    assert_eq!(failure.delivery, Delivery::NotSent);
    let reply = sandbox.send(client, &good).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let _ = receiver.finish();
    match failure.cause {
        Cause::InvalidMessage(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_holding_a_framing_byte_is_refused_with_its_offset() {
    for byte in [0x0B, 0x1C] {
        let mut payload = message("2");
        let offset = payload.len();
        payload.extend_from_slice(&[byte, b'\r', 0x0B]);
        payload.extend_from_slice(&message("3"));
        let reason = refusal_of(&payload, Settings::default()).await;
        let expected = ReservedByte {
            offset: offset as u64,
            byte,
        };
        assert!(
            matches!(reason, InvalidMessage::ReservedByte(found)
                if (found.offset, found.byte) == (expected.offset, expected.byte)),
            "{reason:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_message_is_refused() {
    let reason = refusal_of(b"", Settings::default()).await;
    assert!(matches!(reason, InvalidMessage::Empty));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_hl7_message_is_refused() {
    let reason = refusal_of(b"hello", Settings::default()).await;
    assert!(matches!(reason, InvalidMessage::NoHeader));
    let reason = refusal_of(b"\xFF\xFEM\0S\0H\0|\0", Settings::default()).await;
    assert!(matches!(reason, InvalidMessage::WideEncoding));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_messages_in_one_are_refused_with_the_seconds_offset() {
    let first = message("2");
    let two = [first.as_slice(), &message("3")].concat();
    let reason = refusal_of(&two, Settings::default()).await;
    assert!(matches!(reason, InvalidMessage::SecondHeader(offset) if offset == first.len() as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_no_acknowledgment_could_name_is_refused() {
    let reason = refusal_of(&message(""), Settings::default()).await;
    assert!(matches!(reason, InvalidMessage::NoControlId));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_send_limit_is_refused_with_both_sizes() {
    let settings = Settings {
        max_send_size: Some(message("1").len() as u64),
        ..Settings::default()
    };
    let over = message("12");
    let reason = refusal_of(&over, settings).await;
    let (limit, size) = (over.len() as u64 - 1, over.len() as u64);
    assert!(
        matches!(reason, InvalidMessage::TooLarge(OverLimit { limit: l, size: s })
            if (l, s) == (limit, size))
    );
}
