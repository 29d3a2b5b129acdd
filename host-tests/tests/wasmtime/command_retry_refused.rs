//! `mllp-send --retry-refused`, for receivers whose refusal means "later".

use host_tests::command::{Call, Outcome};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};

async fn sent(receiver: &Running, options: &str, messages: &[&str]) -> Outcome {
    let input: Vec<u8> = messages.iter().flat_map(|id| frame(&message(id))).collect();
    let address = receiver.address.to_string();
    let options = options.split_whitespace();
    let arguments: Vec<_> = options
        .chain(["--retry-refused-delay", "1ms", &address])
        .collect();
    let call = Call::new(&arguments).input(&input);
    call.allow(receiver.address).run().await
}

/// A refusal with an error.
fn refusal(id: &str, error: &str) -> Vec<u8> {
    let mut refusal = ack("AE", id);
    refusal.extend_from_slice(format!("ERR|||{error}|E\r").as_bytes());
    refusal
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_now_is_sent_again_before_the_next_message() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .acknowledge("AE")
        .expect(&message("1"))
        .acknowledge("AR")
        .expect(&message("1"))
        .acknowledge("AA")
        .expect(&message("2"))
        .acknowledge("AA")
        .expect_end()
        .start();
    let outcome = sent(&receiver, "--json --retry-refused AE,AR", &["1", "2"]).await;
    assert!(outcome.success, "{outcome:?}");
    let told: Vec<serde_json::Value> = outcome
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told[0]["verdict"], "applied");
    assert_eq!(told[0]["transmissions"], 3);
    assert_eq!(told[0]["refusals"], serde_json::json!(["AE", "AR"]));
    assert_eq!(told[1].get("refusals"), None);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_tried_no_more_often_than_asked_for() {
    let receiver = Receiver::new().accept().serve(3, "AE").expect_end().start();
    let options = "--retry-refused AE --retry-refused-count 2";
    let outcome = sent(&receiver, options, &["1"]).await;
    assert!(!outcome.success);
    assert!(outcome.output.contains("refused    AE"), "{outcome:?}");
    let times = "sent 3 times: refused (AE), refused (AE)";
    assert!(outcome.errors.contains(times), "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_may_decide_whether_a_refusal_means_later() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .reply(&refusal("1", "206"))
        .expect(&message("1"))
        .reply(&refusal("1", "101"))
        .expect_end()
        .start();
    let outcome = sent(&receiver, "--retry-refused AE:206,AR", &["1"]).await;
    assert!(!outcome.success);
    assert!(
        outcome.errors.contains("sent 2 times: refused (AE:206)"),
        "{outcome:?}"
    );
    let _ = receiver.finish();
}
