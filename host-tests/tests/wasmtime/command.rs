//! `mllp-send` in its sandbox: what it reads, says and ends with.

use host_tests::command::Call;
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::Receiver;
use host_tests::{folder::Folder, samples};
use marks::{NAME, PLACE};

#[tokio::test(flavor = "multi_thread")]
async fn files_go_in_order_over_one_connection() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .acknowledge("AA")
        .expect(&message("2"))
        .acknowledge("CA")
        .expect_end()
        .start();
    let folder = Folder::new(
        "order",
        &[("a.hl7", &message("1")), ("b.hl7", &message("2"))],
    );
    let arguments = [receiver.address.to_string(), "a.hl7".into(), "b.hl7".into()];
    let call = Call::new(&arguments)
        .folder(folder.path())
        .allow(receiver.address);
    let outcome = call.run().await;
    assert!(outcome.success, "{outcome:?}");
    // Nothing in it asks for an accept acknowledgment.
    assert_eq!(
        outcome.remarks(),
        "mllp-send: b.hl7: warning: wrong-mode (CA)\n"
    );
    let words: Vec<Vec<_>> = outcome
        .output
        .lines()
        .map(|line| line.split_whitespace().take(4).collect())
        .collect();
    assert_eq!(
        words,
        [
            ["a.hl7", "1", "applied", "AA"],
            ["b.hl7", "2", "accepted", "CA"]
        ]
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_message_does_not_keep_the_next_from_being_tried() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("2"))
        .close()
        .accept()
        .serve(1, "AE")
        .serve(1, "AA")
        .start();
    let folder = Folder::new(
        "next",
        &[
            ("1.hl7", b"no message"),
            ("2.hl7", &message("2")),
            ("3.hl7", &message("3")),
            ("4.hl7", &message("4")),
        ],
    );
    let files = ["1.hl7", "2.hl7", "missing.hl7", "3.hl7", "4.hl7"];
    let mut arguments = vec![receiver.address.to_string()];
    arguments.extend(files.map(str::to_owned));
    let call = Call::new(&arguments)
        .folder(folder.path())
        .allow(receiver.address);
    let outcome = call.run().await;
    assert!(!outcome.success);
    let words: Vec<_> = outcome
        .output
        .lines()
        .map(|line| line.split_whitespace().nth(2).unwrap())
        .collect();
    assert_eq!(words, ["not-sent", "in-doubt", "refused", "applied"]);
    assert!(outcome.errors.contains("missing.hl7"), "{}", outcome.errors);
    assert!(outcome.errors.contains("--dir"), "{}", outcome.errors);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_may_hold_framed_messages() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .acknowledge("AA")
        .expect(&message("2"))
        .acknowledge("AA")
        .start();
    let input = [frame(&message("1")), b"\n".to_vec(), frame(&message("2"))].concat();
    let arguments = [receiver.address.to_string()];
    let call = Call::new(&arguments).input(&input).allow(receiver.address);
    let outcome = call.run().await;
    assert!(outcome.success, "{outcome:?}");
    assert!(outcome.output.contains("-#2"), "{}", outcome.output);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn loose_input_becomes_segments_and_without_the_option_a_hint() {
    let lines = String::from_utf8(message("1")).unwrap().replace('\r', "\n");
    let two = format!("{lines}\n{}", lines.replace("|1|T|", "|2|T|"));
    let receiver = Receiver::new()
        .accept()
        .expect_end()
        .accept()
        .expect(&message("1"))
        .acknowledge("AA")
        .expect(&message("2"))
        .acknowledge("AA")
        .start();
    let address = receiver.address.to_string();
    let strict = Call::new(&[address.as_str(), "-"]).input(two.as_bytes());
    let outcome = strict.allow(receiver.address).run().await;
    assert!(!outcome.success);
    assert!(outcome.output.contains("invalid-message"), "{outcome:?}");
    assert!(outcome.errors.contains("--loose"), "{}", outcome.errors);
    let loose = Call::new(&["--loose", address.as_str(), "-"]).input(two.as_bytes());
    let outcome = loose.allow(receiver.address).run().await;
    assert!(outcome.success, "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_the_documented_fields() {
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .send(&[&frame(&ack("AA", "1"))[..], b"\n"].concat())
        .start();
    let arguments = [
        "--json".to_owned(),
        "--ack".into(),
        receiver.address.to_string(),
    ];
    let call = Call::new(&arguments).input(&message("1"));
    let outcome = call.allow(receiver.address).run().await;
    assert!(outcome.success, "{outcome:?}");
    let told: serde_json::Value = serde_json::from_str(&outcome.output).unwrap();
    assert!(told["elapsed_ms"].as_f64().is_some_and(|ms| ms >= 0.0));
    let mut told = told.as_object().unwrap().clone();
    told.remove("elapsed_ms");
    let expected = serde_json::json!({
        "schema": 1,
        "file": "-",
        "index": 1,
        "control_id": "1",
        "bytes": message("1").len(),
        "verdict": "applied",
        "code": "AA",
        "accept": null,
        "commit": null,
        "delivery": null,
        "cause": null,
        "tls": null,
        "phase": null,
        "explanation": null,
        "errors": [],
        "warnings": [{
            "code": "space-after-frame", "count": 1, "detail": null, "control_id": null,
        }],
        "attempts": [],
        "transmissions": 1,
        "retries": [],
        "ack": String::from_utf8(ack("AA", "1")).unwrap(),
    });
    assert_eq!(serde_json::Value::Object(told), expected);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_json_says_what_where_and_what_is_known() {
    let receiver = Receiver::new().start();
    let address = receiver.address.to_string();
    let call = Call::new(&["--json", &address]).input(&message("1"));
    let outcome = call.allow("127.0.0.1:1".parse().unwrap()).run().await;
    assert!(!outcome.success);
    let told: serde_json::Value = serde_json::from_str(&outcome.output).unwrap();
    assert_eq!(told["verdict"], serde_json::Value::Null);
    assert_eq!(told["delivery"], "not-sent");
    assert_eq!(
        (&told["cause"], &told["phase"]),
        (&"access-denied".into(), &"connect".into())
    );
    assert_eq!(told["attempts"][0]["address"], address);
    assert!(told.get("ack").is_none());
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_acknowledgment_is_printed_only_when_asked_for() {
    let folder = samples::folder();
    for (option, shown) in [("--ack", true), ("--timeout=5s", false)] {
        let receiver = Receiver::new().accept().serve(1, "AA").start();
        let arguments = [option, &receiver.address.to_string(), "adt_a01.hl7"];
        let call = Call::new(&arguments)
            .folder(&folder)
            .allow(receiver.address);
        let outcome = call.run().await;
        assert!(outcome.success, "{outcome:?}");
        assert_eq!(outcome.output.contains("MSA|AA|"), shown);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_per_connection_makes_a_connection_for_each() {
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .start();
    let input = [frame(&message("1")), frame(&message("2"))].concat();
    let arguments = ["--one-per-connection", &receiver.address.to_string()];
    let call = Call::new(&arguments).input(&input).allow(receiver.address);
    assert!(call.run().await.success);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_timeouts_are_obeyed() {
    let receiver = Receiver::new().accept().expect_end().start();
    let address = receiver.address.to_string();
    let small = Call::new(&["--max-send-size", "20", &address]).input(&message("1"));
    let outcome = small.allow(receiver.address).run().await;
    assert!(outcome.output.contains("invalid-message"), "{outcome:?}");
    let _ = receiver.finish();
    let receiver = Receiver::new().accept().expect_any().expect_end().start();
    let address = receiver.address.to_string();
    let quick = Call::new(&["--timeout", "200ms", &address]).input(&message("1"));
    let outcome = quick.allow(receiver.address).run().await;
    assert!(outcome.output.contains("in-doubt"), "{outcome:?}");
    assert!(outcome.output.contains("timed-out"), "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_option_says_what_to_write_instead() {
    for (arguments, advice) in [
        (&["--timeuot", "5s", "h:1"][..], "--timeout"),
        (&["--timeout", "0", "h:1"], "500ms"),
        (&["--timeout", "soon", "h:1"], "500ms"),
        (&["localhost"], "HOST:PORT"),
        (&["::1:2575"], "[::1]:2575"),
        (&["--max-send-size", "0", "h:1"], "1 or more"),
        (&["--settle-on", "never", "h:1"], "application, accept"),
        (&["--resend", "in-doubt", "h:1"], "--reconnect"),
        (&["--end-block", "0B", "h:1"], "end block"),
        (&["--tls", "check", "h:1"], "mllp-send check"),
        (&[], "HOST:PORT"),
    ] {
        let outcome = Call::new(arguments).run().await;
        assert!(!outcome.success);
        assert!(
            outcome.errors.contains(advice),
            "{arguments:?}: {}",
            outcome.errors
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_version_succeed() {
    let help = Call::new(&["--help"]).run().await;
    assert!(help.success);
    for needed in [
        "HOST:PORT",
        "-S inherit-network",
        "[default: 10485760]",
        "Exit status",
    ] {
        assert!(help.output.contains(needed), "{needed}: {}", help.output);
    }
    let version = Call::new(&["--version"]).run().await;
    assert!(version.success);
    assert!(
        version.output.starts_with("mllp-send 0."),
        "{}",
        version.output
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_content_is_said_but_the_control_id() {
    let refusal = format!("MSH|^~\\&|R\rMSA|AE|1|{NAME}\rERR||{NAME}\r");
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .reply(refusal.as_bytes())
        .expect_any()
        .reply(PLACE.as_bytes())
        .start();
    let input = frame(&message("1")).repeat(2);
    let arguments = ["--json", &receiver.address.to_string()];
    let call = Call::new(&arguments).input(&input).allow(receiver.address);
    let outcome = call.run().await;
    assert!(!outcome.success);
    assert!(outcome.output.contains("invalid-reply"), "{outcome:?}");
    let _ = receiver.finish();
}
