//! `mllp-send` at long work: how fast, how much, how often, and until when.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use host_tests::command::{Call, Outcome};
use host_tests::folder::Folder;
use host_tests::messages::{control_id, frame, message};
use host_tests::receiver::{Receiver, Running};

async fn sent(receiver: &Running, options: &str, messages: usize) -> Outcome {
    let input: Vec<u8> = (1..=messages)
        .flat_map(|id| frame(&message(&id.to_string())))
        .collect();
    let address = receiver.address.to_string();
    let arguments: Vec<_> = options.split_whitespace().chain([&*address]).collect();
    let call = Call::new(&arguments).input(&input);
    call.allow(receiver.address).run().await
}

fn words(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.output.lines();
    lines
        .map(|line| line.split_whitespace().nth(2).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_and_a_delay_hold_messages_back() {
    for (options, at_least) in [
        ("--rate 20", Duration::from_millis(200)),
        ("--delay 40ms", Duration::from_millis(160)),
    ] {
        let receiver = Receiver::new().accept().serve(5, "AA").start();
        let begun = Instant::now();
        let outcome = sent(&receiver, options, 5).await;
        assert!(outcome.success, "{outcome:?}");
        assert!(begun.elapsed() >= at_least, "{options}");
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_are_sent_than_may_be_and_the_rest_is_said_to_be_not_tried() {
    let receiver = Receiver::new().accept().serve(2, "AA").expect_end().start();
    let outcome = sent(&receiver, "--max 2", 5).await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(words(&outcome), ["applied", "applied"]);
    let rest = "stopped (max); not tried: 3 messages of - from #3 on\n";
    assert!(outcome.errors.contains(rest), "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_sent_again_under_control_ids_of_its_own() {
    let receiver = Receiver::new().accept().serve(6, "AA").expect_end().start();
    let outcome = sent(&receiver, "--repeat 3", 2).await;
    assert!(outcome.success, "{outcome:?}");
    let received = receiver.finish();
    let ids: Vec<_> = received.iter().map(|message| control_id(message)).collect();
    assert_eq!(ids[..2], [b"1", b"2"]);
    assert!(ids[2..].iter().all(|id| id.len() == 20 && id.is_ascii()));
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 6);
    // The passes are in order, and nothing else differs.
    for (sent, id) in received.iter().zip(ids) {
        assert!(
            *sent == message(&String::from_utf8(id).unwrap()),
            "another message"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_sent_alone_is_read_once_and_several_are_read_for_each_pass() {
    let (one, two) = (message("1"), message("2"));
    let folder = Folder::new("passes", &[("1.hl7", &one), ("2.hl7", &two)]);
    for (files, messages, reads) in [("1.hl7", 3, 1), ("1.hl7 2.hl7", 6, 3)] {
        let receiver = Receiver::new().accept();
        let receiver = receiver.serve(messages, "AA").expect_end().start();
        let line = format!("--verbose --repeat 3 {} {files}", receiver.address);
        let arguments: Vec<_> = line.split_whitespace().collect();
        let call = Call::new(&arguments).folder(folder.path());
        let outcome = call.allow(receiver.address).run().await;
        assert!(outcome.success, "{outcome:?}");
        let read = outcome.errors.matches("1.hl7: one message,").count();
        assert_eq!(read, reads, "{outcome:?}");
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_what_it_is_to_stop_on_nothing_is_tried_and_the_status_is_one() {
    for (options, stops) in [
        ("--stop-on refused", true),
        ("--stop-on any", true),
        ("--stop-on in-doubt", false),
    ] {
        let script = Receiver::new().accept().serve(1, "AA").serve(1, "AR");
        let script = if stops { script } else { script.serve(1, "AA") };
        let receiver = script.expect_end().start();
        let outcome = sent(&receiver, options, 3).await;
        assert!(!outcome.success);
        let rest = "stopped (refused); not tried: 1 message of - from #3 on";
        assert_eq!(outcome.errors.contains(rest), stops, "{outcome:?}");
        assert_eq!(words(&outcome).len(), if stops { 2 } else { 3 });
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_after_the_last_one_tried_are_counted() {
    let files: Vec<_> = ["1.hl7", "2.hl7", "3.hl7"]
        .into_iter()
        .zip([message("1"), message("2"), message("3")])
        .collect();
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, content)| (*name, content.as_slice()))
        .collect();
    let folder = Folder::new("rest", &files);
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .close()
        .start();
    let mut arguments = ["--json", "--stop-on", "in-doubt", "--repeat", "2"]
        .map(str::to_owned)
        .to_vec();
    arguments.push(receiver.address.to_string());
    arguments.extend(["1.hl7", "2.hl7", "3.hl7"].map(str::to_owned));
    let call = Call::new(&arguments).folder(folder.path());
    let outcome = call.allow(receiver.address).run().await;
    assert!(!outcome.success);
    let rest: serde_json::Value =
        serde_json::from_str(outcome.output.lines().last().unwrap()).unwrap();
    let rest = &rest["not_tried"];
    assert_eq!(rest["why"], "in-doubt", "{outcome:?}");
    assert_eq!((&rest["files"], &rest["passes"]), (&2.into(), &1.into()));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_a_bar_where_that_is_asked_for_and_nothing_in_a_short_run_without() {
    for (options, shown) in [
        ("--progress bar", true),
        ("--progress bar --quiet", false),
        ("", false),
        ("--progress lines", false),
    ] {
        let receiver = Receiver::new().accept().serve(3, "AA").start();
        let outcome = sent(&receiver, options, 3).await;
        assert!(outcome.success, "{outcome:?}");
        assert_eq!(outcome.errors.contains("of 3,"), shown, "{outcome:?}");
        let _ = receiver.finish();
    }
}
