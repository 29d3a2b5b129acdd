//! What a caller may choose to believe: correlation, judging, the codes of errors,
//! and replies that are more than acknowledgments.

use host_tests::messages::{ack, control_id, message};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    Cause, Correlation, Delivery, Desync, ErrorDetail, ErrorLocation, InvalidMessage, InvalidReply,
    Judging, Settling, Severity, Verdict, Warning,
};
use host_tests::sandbox::{Client, Sandbox, Settings};
use marks::{MOMENT, NAME, PLACE};

use crate::common::{asking, letters, together, word};

async fn connected(script: Receiver, settings: Settings) -> (Sandbox, Client, Running) {
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    (sandbox, connected.expect("the receiver accepts"), receiver)
}

fn correlation(correlation: Correlation) -> Settings {
    Settings {
        correlation: Some(correlation),
        ..Settings::default()
    }
}

fn judging(judging: Judging) -> Settings {
    Settings {
        judging: Some(judging),
        ..Settings::default()
    }
}

/// A message without a control id.
fn nameless() -> Vec<u8> {
    let message = String::from_utf8(message("MARK")).expect("text");
    message.replace("MARK", "").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_must_be_the_messages_own_unless_the_caller_chose_otherwise() {
    for (chosen, warnings) in [
        (None, None),
        (Some(Correlation::Required), None),
        (
            Some(Correlation::Warned),
            Some(vec![Warning::OtherControlId]),
        ),
        (Some(Correlation::Off), Some(vec![])),
    ] {
        for code in ["AA", "AE", "CA", "CR"] {
            let sent = asking("1", if code.starts_with('C') { "AL" } else { "" }, "");
            let script = Receiver::new()
                .accept()
                .expect(&sent)
                .reply(&ack(code, "9"));
            let settings = Settings {
                correlation: chosen,
                ..Settings::default()
            };
            let (mut sandbox, client, receiver) = connected(script, settings).await;
            match (sandbox.send(client, &sent).await, &warnings) {
                (Ok(reply), Some(warnings)) => {
                    assert_eq!(reply.warnings, *warnings);
                    let acknowledgment = reply.acknowledgment.expect("an MSA");
                    assert_eq!(letters(acknowledgment.code), code);
                    assert_eq!(acknowledgment.control_id, b"9");
                    // The application's may still come, and would be the next one's.
                    assert_eq!(sandbox.is_open(client).await, code != "CA");
                }
                (Err(failure), None) => {
                    let desync = Cause::ProtocolDesync(Desync::OtherControlId);
                    assert_eq!(
                        (failure.cause, failure.delivery),
                        (desync, Delivery::InDoubt)
                    );
                    assert!(!sandbox.is_open(client).await);
                }
                (other, _) => panic!("{chosen:?}, {code}: {other:?}"),
            }
            let _ = receiver.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_control_id_goes_out_only_where_that_does_not_matter() {
    for chosen in [Correlation::Required, Correlation::Warned, Correlation::Off] {
        let required = chosen == Correlation::Required;
        let script = Receiver::new().accept();
        let script = if required {
            script.expect_end()
        } else {
            script.expect(&nameless()).reply(&ack("AA", ""))
        };
        let (mut sandbox, client, receiver) = connected(script, correlation(chosen)).await;
        match sandbox.send(client, &nameless()).await {
            Ok(reply) => {
                assert!(!required);
                assert_eq!((reply.verdict, reply.warnings), (Verdict::Applied, vec![]));
            }
            Err(failure) => {
                assert!(required);
                let cause = Cause::InvalidMessage(InvalidMessage::NoControlId);
                assert_eq!(
                    (failure.cause, failure.delivery),
                    (cause, Delivery::NotSent)
                );
                sandbox.close(client).await.unwrap();
            }
        }
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_correlation_a_silence_that_settles_ends_the_connection() {
    let cases = [
        ("ER", "NE", false),
        ("ER", "ER", false),
        ("AL", "AL", true),
        ("AL", "ER", true),
    ];
    together(cases.map(|(accept, application, ca)| async move {
        let sent = asking("1", accept, application);
        let script = Receiver::new().accept().expect(&sent);
        let script = if ca {
            script.reply(&ack("CA", "9"))
        } else {
            script
        };
        let settings = Settings {
            quiet_period: Some(500),
            application_timeout: Some(500),
            ..correlation(Correlation::Off)
        };
        let (mut sandbox, client, receiver) = connected(script.expect_end(), settings).await;
        let reply = sandbox.send(client, &sent).await.unwrap();
        let expected = if ca {
            Verdict::Accepted
        } else {
            Verdict::Unacknowledged
        };
        assert_eq!(reply.verdict, expected, "{accept}/{application}");
        assert!(!sandbox.is_open(client).await, "{accept}/{application}");
        let _ = receiver.finished().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_correlation_settling_on_the_accept_acknowledgment_ends_the_connection() {
    // Nothing could tell the application's, if it came, from the next message's.
    let sent = asking("1", "AL", "AL");
    let script = Receiver::new()
        .accept()
        .expect(&sent)
        .acknowledge("CA")
        .expect_end();
    let settings = Settings {
        settle_on: Some(Settling::Accept),
        ..correlation(Correlation::Off)
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let reply = sandbox.send(client, &sent).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    assert!(!sandbox.is_open(client).await);
    let _ = receiver.finish();
}

/// What is no acknowledgment, and why.
const NONE: [(&[u8], InvalidReply); 4] = [
    (b"", InvalidReply::Empty),
    (b"OK", InvalidReply::NoHeader),
    (b"MSH|^~\\&|R\rPID|1\r", InvalidReply::NoAcknowledgment),
    (b"MSH|^~\\&|R\rMSA|OK|1\r", InvalidReply::UnknownCode),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_acknowledgment_is_refused_by_default() {
    for (content, why) in NONE {
        let script = Receiver::new()
            .accept()
            .expect(&message("1"))
            .reply(content)
            .expect_end();
        let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
        let failure = sandbox.send(client, &message("1")).await.unwrap_err();
        assert_eq!(failure.cause, Cause::InvalidReply(why));
        assert_eq!(failure.delivery, Delivery::InDoubt);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_acknowledgment_is_returned_whole_and_unjudged_where_that_was_chosen() {
    for chosen in [Judging::WherePossible, Judging::Off] {
        for (content, _) in NONE {
            let script = Receiver::new()
                .accept()
                .expect(&message("1"))
                .reply(content)
                .expect(&message("2"))
                .reply(content);
            let (mut sandbox, client, receiver) = connected(script, judging(chosen)).await;
            for id in ["1", "2"] {
                let reply = sandbox.send(client, &message(id)).await.unwrap();
                assert_eq!(reply.verdict, Verdict::Unjudged);
                assert_eq!(reply.message, content);
                assert_eq!((reply.acknowledgment, reply.errors), (None, vec![]));
            }
            let _ = receiver.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_judged_is_judged_where_possible_and_never_where_it_is_off() {
    let error = [ack("AE", "1"), b"ERR|||101^text|E\r".to_vec()].concat();
    for (chosen, verdict, errors) in [
        (Judging::Required, Verdict::Refused, 1),
        (Judging::WherePossible, Verdict::Refused, 1),
        (Judging::Off, Verdict::Unjudged, 0),
    ] {
        let script = Receiver::new().accept().expect(&message("1")).reply(&error);
        let (mut sandbox, client, receiver) = connected(script, judging(chosen)).await;
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!((reply.verdict, reply.errors.len()), (verdict, errors));
        assert_eq!(reply.message, error);
        let acknowledgment = reply.acknowledgment.expect("it is read all the same");
        assert_eq!(letters(acknowledgment.code), "AE");
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_judging_is_off_a_reply_must_still_be_the_messages_own() {
    let script = Receiver::new()
        .accept()
        .expect(&message("1"))
        .reply(&ack("AA", "9"));
    let (mut sandbox, client, receiver) = connected(script, judging(Judging::Off)).await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    let desync = Cause::ProtocolDesync(Desync::OtherControlId);
    assert_eq!(
        (failure.cause, failure.delivery),
        (desync, Delivery::InDoubt)
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_unjudged_reply_takes_an_acceptance_back() {
    for (content, _) in NONE {
        let sent = asking("1", "AL", "AL");
        let script = Receiver::new()
            .accept()
            .expect(&sent)
            .acknowledge("CA")
            .reply(content);
        let settings = judging(Judging::WherePossible);
        let (mut sandbox, client, receiver) = connected(script, settings).await;
        let reply = sandbox.send(client, &sent).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Accepted);
        assert_eq!(reply.message, content);
        assert!(reply.accept.is_some() && reply.acknowledgment.is_none());
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_acknowledgment_after_ca_ends_the_connection_and_takes_nothing_back() {
    for (content, _) in NONE {
        let sent = asking("1", "AL", "AL");
        let script = Receiver::new()
            .accept()
            .expect(&sent)
            .acknowledge("CA")
            .reply(content)
            .expect_end();
        let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
        let reply = sandbox.send(client, &sent).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Accepted);
        let [Warning::AcknowledgmentMissing(cause)] = &reply.warnings[..] else {
            panic!("{:?}", reply.warnings);
        };
        assert_eq!(word(cause), "invalid-reply");
        assert!(!sandbox.is_open(client).await);
        let _ = receiver.finish();
    }
}

/// The errors told of a reply with these segments after its MSH.
async fn errors_of(segments: &str) -> Vec<ErrorDetail> {
    // The text is the caller's, in the reply alone.
    let segments = segments.replace("MARK", NAME);
    let content = format!("MSH|^~\\&|{NAME}|||||{NAME}|ACK|R1|T|2.5\r{segments}");
    let script = Receiver::new()
        .accept()
        .expect(&message("1"))
        .reply(content.as_bytes());
    let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Refused);
    assert_eq!(reply.message, content.as_bytes());
    let _ = receiver.finish();
    reply.errors
}

const NOTHING: ErrorDetail = ErrorDetail {
    location: None,
    code: None,
    severity: None,
    application_code: None,
};

fn at(segment: &str, sequence: u32, field: u32) -> ErrorLocation {
    ErrorLocation {
        segment: segment.to_owned(),
        sequence: Some(sequence),
        field: Some(field),
        repetition: None,
        component: None,
        subcomponent: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_codes_of_err_segments_are_told_and_their_texts_are_not() {
    let errors = errors_of(
        "MSA|AE|1|MARK text\r\
         ERR||PID^1^3^2^4^1|101^MARK missing^HL70357|E|X12^MARK^L|MARK|MARK says|MARK\r\
         ERR||OBX^2^5~PV1^1^44|103^MARK^HL70357|W\r\
         ERR||MARK is no segment|MARK is no code|I|\r",
    )
    .await;
    let expected = [
        ErrorDetail {
            location: Some(ErrorLocation {
                repetition: Some(2),
                component: Some(4),
                subcomponent: Some(1),
                ..at("PID", 1, 3)
            }),
            code: Some("101".to_owned()),
            severity: Some(Severity::Error),
            application_code: Some("X12".to_owned()),
        },
        ErrorDetail {
            location: Some(at("OBX", 2, 5)),
            code: Some("103".to_owned()),
            severity: Some(Severity::Warning),
            ..NOTHING
        },
        ErrorDetail {
            location: Some(at("PV1", 1, 44)),
            code: Some("103".to_owned()),
            severity: Some(Severity::Warning),
            ..NOTHING
        },
        ErrorDetail {
            severity: Some(Severity::Information),
            ..NOTHING
        },
    ];
    assert_eq!(errors, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn before_version_2_5_the_codes_are_in_err_1() {
    let errors =
        errors_of("MSA|AR|1\rERR|PID^1^5^102&MARK type error&HL70357~OBX^3^2^207&MARK&HL70357\r")
            .await;
    let detail = |location, code: &str| ErrorDetail {
        location: Some(location),
        code: Some(code.to_owned()),
        ..NOTHING
    };
    assert_eq!(
        errors,
        [
            detail(at("PID", 1, 5), "102"),
            detail(at("OBX", 3, 2), "207")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_err_segment_the_code_is_in_msa_6() {
    let told = errors_of("MSA|AE|1|MARK|||207^MARK internal error^HL70357\r").await;
    let expected = ErrorDetail {
        code: Some("207".to_owned()),
        ..NOTHING
    };
    assert_eq!(told, [expected]);
    assert_eq!(errors_of("MSA|AE|1|MARK\r").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_querys_response_is_returned_whole_with_its_verdict() {
    let row = format!("PID|1||4711^^^{NAME}||{PLACE}^{NAME}||{MOMENT}|F\rPV1|1|I\r");
    let rows = row.repeat(2_000);
    for (kind, segments) in [
        (
            "RSP^K22^RSP_K21",
            format!("QAK|Q1|OK|{NAME}\rQPD|{NAME}|Q1|@PID.3.1&{NAME}^1\r{rows}"),
        ),
        (
            "ADR^A19^ADR_A19",
            format!("QRD|{MOMENT}|R|I|Q1|||RD|{NAME}|DEM\r{rows}"),
        ),
        (
            "ORR^O02^ORR_O02",
            format!("PID|1||{NAME}\rORC|OK|1|9\rOBR|1|1|9|GLU\r"),
        ),
        (
            "RTB^K13^RTB_K13",
            format!("QAK|Q1|NF\rRDF|1|{NAME}^ST^20\r"),
        ),
    ] {
        for (code, verdict) in [
            ("AA", Verdict::Applied),
            ("AE", Verdict::Refused),
            ("AR", Verdict::Refused),
        ] {
            let response = format!(
                "MSH|^~\\&|{NAME}|||||{NAME}|{kind}|R1|T|2.5\r\
                 MSA|{code}|1\r{segments}"
            );
            let script = Receiver::new()
                .accept()
                .expect(&message("1"))
                .reply(response.as_bytes())
                .expect(&message("2"))
                .acknowledge("AA");
            let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
            let reply = sandbox.send(client, &message("1")).await.unwrap();
            assert_eq!((reply.verdict, reply.warnings), (verdict, vec![]), "{kind}");
            assert!(reply.message == response.as_bytes(), "{kind}");
            assert_eq!(control_id(&reply.message), b"R1");
            let next = sandbox.send(client, &message("2")).await.unwrap();
            assert_eq!(next.verdict, Verdict::Applied);
            let _ = receiver.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_querys_response_may_follow_its_accept_acknowledgment() {
    let sent = asking("1", "AL", "AL");
    let response = b"MSH|^~\\&|R|L|S|W|2026||RSP^K22^RSP_K21|R1|T|2.5\rMSA|AA|1\rQAK|Q1|NF\r";
    let script = Receiver::new()
        .accept()
        .expect(&sent)
        .acknowledge("CA")
        .reply(response);
    let (mut sandbox, client, receiver) = connected(script, Settings::default()).await;
    let reply = sandbox.send(client, &sent).await.unwrap();
    assert_eq!((reply.verdict, reply.warnings), (Verdict::Applied, vec![]));
    assert_eq!(reply.message, response);
    let _ = receiver.finish();
}
