//! What `mllp-send` does for receivers that are not like the others, and what it tells
//! of an exchange beside its outcome.

use host_tests::absent::Refusing;
use host_tests::command::{Call, Outcome};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};
use marks::{NAME, PLACE};

/// A message that asks for these acknowledgments.
fn asking(control_id: &str, accept: &str, application: &str) -> Vec<u8> {
    let asking = format!("|T|2.5|||{accept}|{application}\r");
    let message = String::from_utf8(message(control_id)).unwrap();
    message.replacen("|T|2.5\r", &asking, 1).into_bytes()
}

/// Runs a command line, in which `HERE` is where the receiver is, with the messages on
/// standard input.
async fn run(receiver: &Running, line: &str, messages: &[Vec<u8>]) -> Outcome {
    let line = line.replace("HERE", &receiver.address.to_string());
    let arguments: Vec<_> = line.split_whitespace().collect();
    let input: Vec<_> = messages.iter().flat_map(|one| frame(one)).collect();
    Call::new(&arguments)
        .input(&input)
        .allow(receiver.address)
        .run()
        .await
}

fn json(outcome: &Outcome) -> Vec<serde_json::Value> {
    let lines = outcome.output.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{outcome:?}")))
        .collect()
}

/// The words of a message's line after its control id.
fn words(outcome: &Outcome) -> Vec<&str> {
    outcome.output.split_whitespace().skip(2).take(2).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn to_settle_on_the_accept_acknowledgment_waits_for_nothing_more() {
    let receiver = Receiver::new().accept().serve(2, "CA").expect_end().start();
    let messages = [asking("1", "AL", "AL"), asking("2", "AL", "AL")];
    let outcome = run(&receiver, "--settle-on accept HERE", &messages).await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(words(&outcome), ["accepted", "CA"]);
    assert_eq!(outcome.remarks(), "");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_acknowledgment_that_does_not_come_is_told_with_advice() {
    let receiver = Receiver::new().accept().serve(1, "CA").expect_end().start();
    let line = "--application-timeout 50ms HERE";
    let outcome = run(&receiver, line, &[asking("1", "AL", "AL")]).await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(words(&outcome), ["accepted", "CA"]);
    for part in ["acknowledgment-missing (timed-out)", "--settle-on accept"] {
        assert!(outcome.errors.contains(part), "{}", outcome.errors);
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_asks_for_silence_is_a_success_without_an_answer() {
    let messages = [asking("1", "NE", "NE"), asking("2", "NE", "NE")];
    let receiver = Receiver::new()
        .accept()
        .expect(&messages[0])
        .expect(&messages[1])
        .expect_end()
        .start();
    let outcome = run(&receiver, "HERE", &messages).await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(words(&outcome), ["unacknowledged", "-"]);
    assert_eq!(outcome.remarks(), "");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unjudged_reply_is_no_success() {
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .reply(b"MSH|^~\\&|R\r")
        .start();
    let line = "--judging where-possible HERE";
    let outcome = run(&receiver, line, &[message("1")]).await;
    assert!(!outcome.success);
    assert_eq!(words(&outcome), ["unjudged", "-"]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_reconnect_a_connection_dropped_between_two_messages_costs_none() {
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .close()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .start();
    // Whether the end is noticed before the second message leaves is a matter of luck:
    // this receiver drops what it has seen, so that it may be sent again.
    let line = "--json --counters --reconnect --resend in-doubt HERE";
    let outcome = run(&receiver, line, &[message("1"), message("2")]).await;
    assert!(outcome.success, "{outcome:?}");
    let told = json(&outcome);
    assert_eq!(told.len(), 3);
    assert_eq!(
        (&told[0]["verdict"], &told[1]["verdict"]),
        (&"applied".into(), &"applied".into())
    );
    assert_eq!(told[0]["retries"], serde_json::json!([]));
    let retry = &told[1]["retries"][0];
    let reasons = ["connection-ended", "connection-broken"];
    assert!(
        reasons.iter().any(|reason| retry["reason"] == *reason),
        "{told:?}"
    );
    assert_eq!(told[2]["counters"]["reconnections"], 1);
    assert_eq!(receiver.finish(), [message("1"), message("2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_reconnect_the_counters_go_on_over_connections() {
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .accept()
        .serve(1, "AE")
        .expect_end()
        .start();
    let line = "--counters --one-per-connection HERE";
    let outcome = run(&receiver, line, &[message("1"), message("2")]).await;
    assert!(!outcome.success);
    assert_eq!(outcome.output.lines().count(), 2);
    for part in [
        "counters: connections 2, reconnections 1,",
        "counters: applied 1, accepted 0, refused 1,",
        "acknowledgments 2:",
    ] {
        assert!(outcome.errors.contains(part), "{part}: {}", outcome.errors);
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_repaired_is_repaired_and_told() {
    let lines = String::from_utf8(message("1")).unwrap().replace('\r', "\n");
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .acknowledge("AA")
        .start();
    let arguments = [
        "--repair",
        "line-feeds",
        "--repair=final-carriage-return",
        &receiver.address.to_string(),
    ];
    let call = Call::new(&arguments).input(lines.trim_end().as_bytes());
    let outcome = call.allow(receiver.address).run().await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(
        outcome.errors,
        "mllp-send: -: warning: repaired (line-feeds)\n\
         mllp-send: -: warning: repaired (final-carriage-return)\n"
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leniency_is_used_where_it_is_allowed_and_is_advised_where_not() {
    for (allowed, line) in [
        (true, "--allow missing-carriage-return HERE"),
        (false, "--timeout 5s HERE"),
    ] {
        let receiver = Receiver::new()
            .accept()
            .expect_any()
            .send(&[b"\x0B", &ack("AA", "1")[..], b"\x1C\x0B"].concat())
            .start();
        let outcome = run(&receiver, line, &[message("1")]).await;
        assert_eq!(outcome.success, allowed, "{outcome:?}");
        let told = if allowed {
            "warning: missing-carriage-return\n"
        } else {
            "--allow missing-carriage-return"
        };
        assert!(outcome.errors.contains(told), "{}", outcome.errors);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_receiver_gets_what_the_first_cannot() {
    let first = Refusing::new();
    let second = Receiver::new().accept().serve(2, "AA").start();
    let arguments = [
        "--second-receiver".to_owned(),
        second.address.to_string(),
        first.address.to_string(),
    ];
    let input = [frame(&message("1")), frame(&message("2"))].concat();
    let call = Call::new(&arguments)
        .input(&input)
        .allow(first.address)
        .allow(second.address);
    let outcome = call.run().await;
    assert!(outcome.success, "{outcome:?}");
    let warnings = outcome.errors.matches("warning: second-receiver\n").count();
    assert_eq!(warnings, 2, "{}", outcome.errors);
    let _ = second.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_looks_at_the_second_receiver_where_the_first_is_not_there() {
    let first = Refusing::new();
    let second = Receiver::new().accept().expect_end().start();
    let arguments = [
        "check".to_owned(),
        "--second-receiver".into(),
        second.address.to_string(),
        first.address.to_string(),
    ];
    let call = Call::new(&arguments)
        .allow(first.address)
        .allow(second.address);
    let outcome = call.run().await;
    assert!(outcome.success, "{outcome:?}");
    let (refused, connected) = (
        format!("address   {} connection-refused\n", first.address),
        format!("address   {} connected\n", second.address),
    );
    assert!(
        outcome.output.starts_with(&(refused + &connected)),
        "{outcome:?}"
    );
    let _ = second.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_of_a_receivers_own_frame_both_ways() {
    let receiver = Receiver::new()
        .framing(b"\x02", b"\x03", b"")
        .accept()
        .serve(1, "AA")
        .start();
    let arguments = [
        "--start-block".to_owned(),
        "02".into(),
        "--end-block=03".into(),
        "--trailer".into(),
        String::new(),
        receiver.address.to_string(),
    ];
    let call = Call::new(&arguments).input(&message("1"));
    let outcome = call.allow(receiver.address).run().await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(receiver.finish(), [message("1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_blocks_are_told_and_a_negative_one_is_retried_as_often_as_allowed() {
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .refuse_to_commit()
        .expect_any()
        .commit()
        .acknowledge("AA")
        .expect_commit()
        .expect_any()
        .refuse_to_commit()
        .expect_any()
        .refuse_to_commit()
        .start();
    let line = "--json --mllp-release two --commit-retries 1 HERE";
    let outcome = run(&receiver, line, &[message("1"), message("2")]).await;
    assert!(!outcome.success);
    let told = json(&outcome);
    assert_eq!(
        (&told[0]["verdict"], &told[0]["code"]),
        (&"applied".into(), &"AA".into())
    );
    assert_eq!(told[0]["commit"], "positive");
    assert_eq!(
        (&told[1]["verdict"], &told[1]["commit"]),
        (&"refused".into(), &"negative".into())
    );
    for one in &told {
        assert_eq!(one["transmissions"], 2);
        let retry = serde_json::json!({
            "reason": "negative-commit", "phase": null, "delivery": null,
        });
        assert_eq!(one["retries"], serde_json::json!([retry]));
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_codes_of_a_refusal_are_told_without_their_text() {
    let refusal =
        format!("MSH|^~\\&|R\rMSA|AE|1|{NAME}\rERR||PID^1^5|101^{NAME} {PLACE}|E|||{NAME}\r");
    for (line, told) in [
        ("HERE", "mllp-send: -: error: PID-5 101 E\n"),
        (
            "--json HERE",
            "\"segment\":\"PID\",\"sequence\":1,\"field\":5",
        ),
    ] {
        let receiver = Receiver::new()
            .accept()
            .expect_any()
            .reply(refusal.as_bytes())
            .start();
        let outcome = run(&receiver, line, &[message("1")]).await;
        assert!(!outcome.success);
        let all = outcome.output + &outcome.errors;
        assert!(all.contains(told), "{all}");
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_tells_structure_and_nothing_of_the_content() {
    for line in ["--transcript HERE", "--transcript --json HERE"] {
        let receiver = Receiver::new().accept().serve(1, "AA").start();
        let address = receiver.address;
        let outcome = run(&receiver, line, &[message("1")]).await;
        assert!(outcome.success, "{outcome:?}");
        let all = outcome.output.clone() + &outcome.errors;
        for step in [
            &format!("connected to {address}"),
            "end block handed over",
            "acknowledgment AA",
            "settled: applied",
        ] {
            assert!(all.contains(step), "{step}: {all}");
        }
        if line.contains("--json") {
            assert_eq!(outcome.errors, "");
            let told = json(&outcome);
            let entries = told[0]["transcript"]["entries"].as_array().unwrap();
            let times = entries.iter().map(|entry| entry["at_ms"].as_f64().unwrap());
            assert!(times.is_sorted(), "{entries:?}");
            let sent = entries.iter().find(|entry| entry["event"] == "handed over");
            let sent = &sent.expect("bytes went")["bytes"];
            assert_eq!(*sent, frame(&message("1")).len());
        }
        let _ = receiver.finish();
    }
}
