//! `mllp-send --journal`: nothing is lost from one run to the next, and nothing is
//! doubled that the caller did not ask for, wherever a run is killed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use host_tests::command::{Call, Disk, Outcome};
use host_tests::event::Event;
use host_tests::folder::Folder;
use host_tests::messages::{frame, message};
use host_tests::receiver::Receiver;
use host_tests::tally::Tally;
use host_tests::watch;

/// How many messages the run has that is killed.
const MESSAGES: usize = 28;

/// How many killings go on at a time: most of each is waiting for the disk.
const AT_A_TIME: usize = 4;

/// A folder with this many messages in the file `a.hl7`.
fn folder(test: &str, messages: usize) -> Folder {
    Folder::new(test, &[("a.hl7", &framed(1..=messages))])
}

fn framed(ids: impl Iterator<Item = usize>) -> Vec<u8> {
    ids.flat_map(|id| frame(&message(&id.to_string())))
        .collect()
}

/// The command with a journal, and `a.hl7` behind these options.
fn call(folder: &Folder, address: SocketAddr, options: &[&str]) -> Call {
    let mut arguments = vec!["--journal".to_owned(), "journal".into()];
    arguments.extend(options.iter().map(|option| (*option).to_owned()));
    arguments.extend([address.to_string(), "a.hl7".into()]);
    Call::new(&arguments)
        .folder(folder.path())
        .allow_writing()
        .allow(address)
}

fn journal_path(folder: &Folder) -> PathBuf {
    folder.path().join("journal")
}

/// The journal, which holds no content.
fn journal(folder: &Folder) -> String {
    let bytes = std::fs::read(journal_path(folder)).unwrap_or_default();
    watch::nothing_in_text("the journal", &bytes);
    String::from_utf8(bytes).expect("text")
}

/// The control ids and words of the lines of output.
fn told(outcome: &Outcome) -> Vec<(&str, &str)> {
    let lines = outcome.output.lines();
    lines
        .map(|line| {
            let mut columns = line.split_whitespace().skip(1);
            (columns.next().unwrap(), columns.next().unwrap())
        })
        .collect()
}

/// The ids of the messages that are told to be in doubt.
fn in_doubt(outcome: &Outcome) -> Vec<String> {
    let told = told(outcome);
    let doubtful = told.iter().filter(|(_, word)| *word == "in-doubt");
    doubtful.map(|(id, _)| (*id).to_owned()).collect()
}

/// One killing: the run is killed where it waits for its host for the time after
/// `waits`, and others go on with its journal. Whether it was killed at all.
fn killed_and_gone_on_with(waits: usize) -> bool {
    let folder = folder(&format!("killed-{waits}"), MESSAGES);
    let receiver = Tally::start();
    let disk = Disk::new(&journal_path(&folder));
    let first = call(&folder, receiver.address, &[]).disk(&disk);
    let killed = first.killed_at(waits).is_none();
    if killed && waits % 2 == 1 {
        disk.lose_what_is_not_synced();
    }
    let left = journal(&folder);
    let run = |options: &[&str]| {
        let call = call(&folder, receiver.address, options);
        call.killed_at(usize::MAX).expect("a whole run")
    };
    let second = run(&[]);
    let doubtful = in_doubt(&second);
    // What was going out when it was killed, and nothing else.
    assert!(doubtful.len() <= 1, "{waits}: {second:?}\n{left}");
    assert_eq!(second.success, doubtful.is_empty(), "{waits}: {second:?}");
    let resent = waits.is_multiple_of(3);
    if resent {
        let third = run(&["--resend", "in-doubt"]);
        assert!(third.success, "{waits}: {third:?}");
        let sent: Vec<_> = told(&third)
            .iter()
            .map(|(id, _)| (*id).to_owned())
            .collect();
        assert_eq!(sent, doubtful, "{waits}");
    }
    let mut counts = BTreeMap::new();
    for id in receiver.finish() {
        *counts.entry(id).or_insert(0) += 1;
    }
    for id in 1..=MESSAGES {
        let id = id.to_string();
        let count = counts.get(&id).copied().unwrap_or_default();
        let allowed = match (doubtful.contains(&id), resent) {
            (false, _) => 1..=1,
            (true, false) => 0..=1,
            (true, true) => 1..=2,
        };
        assert!(
            allowed.contains(&count),
            "{waits}: {id} came {count} times\n{left}\n---\n{}",
            journal(&folder)
        );
    }
    killed
}

#[test]
fn killed_at_a_hundred_points_and_more_a_run_leaves_a_journal_that_is_never_wrong() {
    let (next, whole) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let waits = next.fetch_add(1, Ordering::SeqCst);
                    if waits > whole.load(Ordering::SeqCst) {
                        return;
                    }
                    if !killed_and_gone_on_with(waits) {
                        whole.fetch_min(waits, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let points = whole.into_inner();
    assert!(points >= 100, "only {points} points");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_sends_what_the_first_did_not_and_nothing_else() {
    let folder = folder("second-run", 4);
    let receiver = Receiver::new()
        .accept()
        .serve(2, "AA")
        .expect_end()
        .accept()
        .expect(&message("3"))
        .acknowledge("AA")
        .expect(&message("4"))
        .acknowledge("CA")
        .expect_end()
        .start();
    let first = call(&folder, receiver.address, &["--max", "2"]).run().await;
    assert!(first.success, "{first:?}");
    assert_eq!(told(&first), [("1", "applied"), ("2", "applied")]);
    let second = call(&folder, receiver.address, &[]).run().await;
    assert!(second.success, "{second:?}");
    assert_eq!(told(&second), [("3", "applied"), ("4", "accepted")]);
    assert!(
        second.errors.contains("journal: settled before: 2\n"),
        "{second:?}"
    );
    // Nothing is connected for nothing.
    let third = call(&folder, receiver.address, &[]).run().await;
    assert!(third.success && third.output.is_empty(), "{third:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_is_listed_and_sent_again_only_where_the_caller_says_so() {
    let folder = folder("in-doubt", 3);
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect(&message("2"))
        .close()
        .accept()
        .expect(&message("3"))
        .acknowledge("AA")
        .expect_end()
        .accept()
        .expect(&message("2"))
        .acknowledge("AA")
        .expect_end()
        .start();
    let first = call(&folder, receiver.address, &[]).run().await;
    assert!(!first.success);
    assert_eq!(
        told(&first),
        [("1", "applied"), ("2", "in-doubt"), ("3", "applied")]
    );
    assert!(first.errors.contains("1 in doubt"), "{first:?}");
    let second = call(&folder, receiver.address, &[]).run().await;
    assert!(!second.success);
    assert_eq!(told(&second), [("2", "in-doubt")]);
    assert!(
        second.output.contains("connection-ended  journal 20"),
        "{second:?}"
    );
    assert!(second.errors.contains("--resend in-doubt"), "{second:?}");
    let third = call(&folder, receiver.address, &["--json"]).run().await;
    let objects: Vec<serde_json::Value> = third
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects.len(), 2, "{third:?}");
    assert_eq!(objects[0]["left"]["control_id"], "2");
    assert_eq!(objects[0]["left"]["state"], "in-doubt");
    assert_eq!(objects[0]["left"]["reason"], "connection-ended");
    assert_eq!(objects[1]["journal"]["settled_before"], 2);
    assert_eq!(objects[1]["journal"]["left"]["in_doubt"], 1);
    let resend = ["--resend", "in-doubt"];
    let fourth = call(&folder, receiver.address, &resend).run().await;
    assert!(fourth.success, "{fourth:?}");
    assert_eq!(told(&fourth), [("2", "applied")]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_settled_until_its_code_is_said_to_mean_later() {
    let folder = folder("refused", 2);
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AE")
        .serve(1, "AA")
        .expect_end()
        .accept()
        .expect(&message("1"))
        .acknowledge("AA")
        .expect_end()
        .start();
    let first = call(&folder, receiver.address, &[]).run().await;
    assert_eq!(told(&first), [("1", "refused"), ("2", "applied")]);
    for options in [
        &[][..],
        &["--resend", "in-doubt"],
        &["--retry-refused", "AR"],
    ] {
        let again = call(&folder, receiver.address, options).run().await;
        assert!(!again.success);
        assert_eq!(told(&again), [("1", "refused")], "{options:?}");
    }
    let later = call(&folder, receiver.address, &["--retry-refused", "AE"])
        .run()
        .await;
    assert!(later.success, "{later:?}");
    assert_eq!(told(&later), [("1", "applied")]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_another_than_before_is_said_and_sent() {
    let folder = folder("changed", 2);
    let receiver = Receiver::new()
        .accept()
        .serve(2, "AA")
        .expect_end()
        .accept()
        .expect(&message("7"))
        .acknowledge("AA")
        .expect(&message("1"))
        .acknowledge("AA")
        .expect_end()
        .start();
    let first = call(&folder, receiver.address, &[]).run().await;
    assert!(first.success, "{first:?}");
    // One in the place of another, and one for the second time.
    let changed = framed([7, 1, 2, 1].into_iter());
    std::fs::write(folder.path().join("a.hl7"), changed).unwrap();
    let second = call(&folder, receiver.address, &[]).run().await;
    assert!(second.success, "{second:?}");
    assert_eq!(told(&second), [("7", "applied"), ("1", "applied")]);
    let changed = "a.hl7#1: the journal has another message from this place; sent as a new one";
    assert!(second.errors.contains(changed), "{second:?}");
    assert_eq!(second.errors.matches("another message").count(), 1);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_lines_before_and_after_each_message() {
    let folder = folder("lines", 1);
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let outcome = call(&folder, receiver.address, &[]).run().await;
    assert!(outcome.success, "{outcome:?}");
    let journal = journal(&folder);
    let lines: Vec<Vec<_>> = journal
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let [first, run, sending, applied] = lines.as_slice() else {
        panic!("{journal}");
    };
    assert_eq!(first, &["mllp-send journal 1"]);
    assert_eq!(
        (run[0], run[3]),
        ("run", receiver.address.to_string().as_str())
    );
    assert_eq!(sending[0], "sending");
    assert_eq!(sending[2..7], ["a.hl7", "1", "1", "1", "-"]);
    assert_eq!(applied[0], "applied");
    assert_eq!(applied[2..7], ["a.hl7", "1", "1", "1", "AA"]);
    assert_eq!((sending[7], sending[7].len()), (applied[7], 64));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_the_journal_is_refused_before_anything_is_sent() {
    let receiver = Receiver::new().start();
    for (test, content, advice) in [
        ("none", "MSH|^~\\&\r", "is no journal"),
        ("version", "mllp-send journal 2\n", "of version 2"),
        (
            "receiver",
            "mllp-send journal 1\nx\nrun\t-\t-\tlab:1\t0000000000000001\n",
            "is of messages to lab:1",
        ),
    ] {
        let folder = folder(&format!("unusable-{test}"), 1);
        std::fs::write(journal_path(&folder), content).unwrap();
        let outcome = call(&folder, receiver.address, &[]).run().await;
        assert!(!outcome.success && outcome.output.is_empty(), "{outcome:?}");
        assert!(outcome.errors.contains(advice), "{outcome:?}");
        assert!(outcome.errors.contains("nothing was sent"), "{outcome:?}");
        assert_eq!(journal(&folder), content);
    }
    let folder = folder("unwritable", 1);
    let arguments = [
        "--journal",
        "journal",
        &receiver.address.to_string(),
        "a.hl7",
    ];
    let call = Call::new(&arguments).folder(folder.path());
    let outcome = call.allow(receiver.address).run().await;
    assert!(!outcome.success && outcome.output.is_empty(), "{outcome:?}");
    assert!(outcome.errors.contains("cannot be written"), "{outcome:?}");
    assert!(outcome.errors.contains("--dir"), "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_notices_another_that_writes_to_its_journal_and_sends_nothing_more() {
    let folder = folder("shared", 2);
    let (read, may_answer) = (Event::new(), Event::new());
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .announce(&read)
        .wait_for(&may_answer)
        .acknowledge("AA")
        .expect_end()
        .start();
    let first = tokio::spawn(call(&folder, receiver.address, &[]).run());
    let began = tokio::task::spawn_blocking(move || read.wait());
    began.await.unwrap();
    // It finds the first message in doubt, and may try no other.
    let options = ["--stop-on", "in-doubt"];
    let second = call(&folder, receiver.address, &options).run().await;
    assert_eq!(told(&second), [("1", "in-doubt")]);
    assert!(second.output.contains("interrupted"), "{second:?}");
    may_answer.announce();
    let first = first.await.unwrap();
    assert!(!first.success);
    assert_eq!(told(&first), [("1", "applied")]);
    assert!(
        first.errors.contains("somebody else writes to it"),
        "{first:?}"
    );
    assert!(
        first
            .errors
            .contains("not tried: 1 message of a.hl7 from #2 on"),
        "{first:?}"
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_doubt_stays_so_where_sending_it_again_does_not_reach_the_receiver() {
    let folder = folder("still-in-doubt", 1);
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .close()
        .start();
    let address = receiver.address;
    let first = call(&folder, address, &[]).run().await;
    assert_eq!(told(&first), [("1", "in-doubt")]);
    let _ = receiver.finish();
    // Nobody listens there any more.
    let second = call(&folder, address, &["--resend", "in-doubt"]);
    let second = second.run().await;
    assert_eq!(told(&second), [("1", "not-sent")], "{second:?}");
    assert!(
        second.errors.contains("it is in-doubt as before"),
        "{second:?}"
    );
    let third = call(&folder, address, &[]).run().await;
    assert!(!third.success);
    assert_eq!(told(&third), [("1", "in-doubt")], "{third:?}");
}
