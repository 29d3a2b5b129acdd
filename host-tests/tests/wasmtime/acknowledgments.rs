//! Which answer means what, and to which message it belongs.

use host_tests::messages::{ack, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::Sandbox;
use host_tests::sandbox::types::{
    AcknowledgmentCode, Cause, Delivery, Desync, InvalidReply, Phase, Verdict, Warning,
};

#[tokio::test(flavor = "multi_thread")]
async fn each_code_has_its_verdict() {
    use AcknowledgmentCode as Code;
    let wrong_mode = |code| vec![Warning::WrongMode(code)];
    for (letters, code, verdict, warnings) in [
        ("AA", Code::ApplicationAccept, Verdict::Applied, vec![]),
        ("AE", Code::ApplicationError, Verdict::Refused, vec![]),
        ("AR", Code::ApplicationReject, Verdict::Refused, vec![]),
        // A message in original mode does not ask for these.
        (
            "CA",
            Code::CommitAccept,
            Verdict::Accepted,
            wrong_mode(Code::CommitAccept),
        ),
        (
            "CE",
            Code::CommitError,
            Verdict::Refused,
            wrong_mode(Code::CommitError),
        ),
        (
            "CR",
            Code::CommitReject,
            Verdict::Refused,
            wrong_mode(Code::CommitReject),
        ),
    ] {
        let receiver = Receiver::new()
            .accept()
            .expect(&message("7"))
            .acknowledge(letters)
            .start();
        let mut sandbox = Sandbox::for_receiver(&receiver).await;
        let client = sandbox.connect(&receiver).await;
        let reply = sandbox.send(client, &message("7")).await.unwrap();
        assert_eq!(reply.verdict, verdict);
        let acknowledgment = reply.acknowledgment.unwrap();
        assert_eq!(
            (acknowledgment.code, acknowledgment.control_id),
            (code, b"7".to_vec())
        );
        assert_eq!(reply.message, ack(letters, "7"));
        assert_eq!(reply.warnings, warnings);
        assert!(
            sandbox.is_open(client).await,
            "a refusal ends no connection"
        );
        let _ = receiver.finish();
    }
}

/// What becomes of the message `7` when this content comes back.
async fn failure_of(content: &[u8]) -> (Cause, Phase, Delivery) {
    let receiver = Receiver::new().accept().expect_any().reply(content).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let failure = sandbox.send(client, &message("7")).await.unwrap_err();
    assert!(
        !sandbox.is_open(client).await,
        "an unusable reply ends the client"
    );
    let _ = receiver.finish();
    (failure.cause, failure.phase, failure.delivery)
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_not_hl7_is_not_a_success() {
    for (content, why) in [
        (&b"OK"[..], InvalidReply::NoHeader),
        (b"", InvalidReply::Empty),
        (b"MSH|^~\\&|R\r", InvalidReply::NoAcknowledgment),
        (b"MSH|^~\\&|R\rMSA|ok|7\r", InvalidReply::UnknownCode),
    ] {
        let (cause, phase, delivery) = failure_of(content).await;
        assert!(
            matches!(cause, Cause::InvalidReply(reason) if reason == why),
            "{cause:?}"
        );
        assert_eq!((phase, delivery), (Phase::Reply, Delivery::InDoubt));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgment_of_another_message_is_credited_to_nobody() {
    for other in ["6", "77", "", "7 ", "07"] {
        let (cause, phase, delivery) = failure_of(&ack("AA", other)).await;
        assert!(
            matches!(cause, Cause::ProtocolDesync(Desync::OtherControlId)),
            "{cause:?}"
        );
        assert_eq!((phase, delivery), (Phase::Reply, Delivery::InDoubt));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_ids_are_compared_as_bytes_under_each_sides_own_separators() {
    let sent = b"MSH#*@!%#A#B#C#D#2026##ADT*A01#\xE4|1#T#2.5\r";
    let answer = b"MSH$*@!%$B\rMSA$AA$\xE4|1\r";
    let receiver = Receiver::new().accept().expect(sent).reply(answer).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, sent).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(reply.acknowledgment.unwrap().control_id, b"\xE4|1");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn line_feeds_for_carriage_returns_are_borne_and_told() {
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .reply(b"MSH|^~\\&|R\nMSA|AA|7\n")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("7")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert!(matches!(reply.warnings[..], [Warning::LineFeedSegments]));
    let _ = receiver.finish();
}
