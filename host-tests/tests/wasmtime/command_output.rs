//! What `mllp-send` tells and keeps: acknowledgments in files, the summary, and how much
//! of the rest.

use std::fs;

use host_tests::command::{Call, Outcome};
use host_tests::folder::Folder;
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};

/// Runs a command line in a folder that it may write to, in which `HERE` is where the
/// receiver is.
async fn run(folder: &Folder, receiver: &Running, line: &str) -> Outcome {
    let line = line.replace("HERE", &receiver.address.to_string());
    let arguments: Vec<_> = line.split_whitespace().collect();
    Call::new(&arguments)
        .folder(folder.path())
        .allow_writing()
        .allow(receiver.address)
        .run()
        .await
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgments_are_saved_and_none_is_written_over() {
    let both = [frame(&message("1")), frame(&message("../../2"))].concat();
    let folder = Folder::new("save-acks", &[("acks/note", b""), ("a.txt", &both)]);
    let first = "acks/a.txt-1-1.ack";
    for saved in [first, "acks/a.txt-1-1-2.ack"] {
        let receiver = Receiver::new()
            .accept()
            .expect_any()
            .reply(&ack("AA", "1"))
            .expect_any()
            .reply(&ack("AE", "../../2"))
            .start();
        let outcome = run(&folder, &receiver, "--json --save-acks acks HERE a.txt").await;
        let told: Vec<serde_json::Value> = outcome
            .output
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(told[0]["ack_file"], saved);
        assert_eq!(fs::read(folder.path().join(saved)).unwrap(), ack("AA", "1"));
        let _ = receiver.finish();
    }
    assert_eq!(
        names(&folder.path().join("acks")),
        [
            "a.txt-1-1-2.ack",
            "a.txt-1-1.ack",
            "a.txt-2-_._.._2-2.ack",
            "a.txt-2-_._.._2.ack",
            "note"
        ]
    );
    assert_eq!(names(folder.path()), ["a.txt", "acks"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_whose_acknowledgment_could_not_be_saved() {
    let folder = Folder::new(
        "save-denied",
        &[("a.hl7", &message("1")), ("acks/note", b"")],
    );
    let receiver = Receiver::new().start();
    let address = receiver.address.to_string();
    for dir in ["acks", "none"] {
        let call = Call::new(&["--save-acks", dir, &address, "a.hl7"]).folder(folder.path());
        let outcome = call.allow(receiver.address).run().await;
        assert!(!outcome.success);
        assert_eq!(outcome.output, "");
        let flag = format!("wasmtime run --dir {dir} …");
        assert!(outcome.errors.contains(&flag), "{outcome:?}");
    }
    assert_eq!(names(&folder.path().join("acks")), ["note"]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_has_no_acknowledgment_to_save() {
    let folder = Folder::new("save-none", &[("acks/note", b""), ("a.txt", b"no message")]);
    let receiver = Receiver::new().accept().expect_end().start();
    let outcome = run(&folder, &receiver, "--json --save-acks acks HERE a.txt").await;
    let told: serde_json::Value = serde_json::from_str(&outcome.output).unwrap();
    assert_eq!(told.get("ack_file"), Some(&serde_json::Value::Null));
    assert_eq!(names(&folder.path().join("acks")), ["note"]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_tells_what_became_of_all() {
    let files: [(&str, &[u8]); 3] = [
        ("a.hl7", &message("1")),
        ("b.hl7", &message("2")),
        ("c.hl7", b"no message"),
    ];
    let folder = Folder::new("summary", &files);
    let serve = || {
        Receiver::new()
            .accept()
            .serve(1, "AA")
            .serve(1, "AE")
            .start()
    };
    let receiver = serve();
    let outcome = run(&folder, &receiver, "HERE a.hl7 b.hl7 c.hl7 d.hl7").await;
    let counts = "summary: 1 of 3 messages taken: applied 1, refused 1, not-sent 1, files not \
                  read 1\n";
    for part in [
        counts,
        "causes: invalid-message 1\n",
        "2 acknowledgments: half within ",
    ] {
        assert!(outcome.errors.contains(part), "{part}: {}", outcome.errors);
    }
    let _ = receiver.finish();
    let receiver = serve();
    let outcome = run(&folder, &receiver, "--json --summary HERE a.hl7 b.hl7").await;
    let last = outcome.output.lines().last().unwrap();
    let told: serde_json::Value = serde_json::from_str(last).unwrap();
    let times = &told["summary"]["acknowledgments"];
    assert_eq!(times["count"], 2);
    let time = |name: &str| times[name].as_f64().unwrap();
    assert!(
        0.0 < time("p50_ms") && time("p50_ms") <= time("p99_ms"),
        "{told}"
    );
    assert!(time("p99_ms") <= time("longest_ms"), "{told}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_tells_of_failures_alone_and_verbose_of_what_is_in_the_files() {
    let files: [(&str, &[u8]); 2] = [("a.hl7", &message("1")), ("b.hl7", &message("2"))];
    let folder = Folder::new("quiet", &files);
    let serve = |second| {
        Receiver::new()
            .accept()
            .serve(1, "CA")
            .serve(1, second)
            .start()
    };
    let receiver = serve("AA");
    let outcome = run(&folder, &receiver, "-q HERE a.hl7 b.hl7").await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!((outcome.output.as_str(), outcome.errors.as_str()), ("", ""));
    let _ = receiver.finish();
    let receiver = serve("AE");
    let outcome = run(&folder, &receiver, "-q --json HERE a.hl7 b.hl7").await;
    assert!(!outcome.success, "{outcome:?}");
    let told: serde_json::Value = serde_json::from_str(&outcome.output).unwrap();
    assert_eq!(
        (&told["file"], &told["code"]),
        (&"b.hl7".into(), &"AE".into())
    );
    let _ = receiver.finish();
    let receiver = serve("AE");
    let outcome = run(&folder, &receiver, "-v HERE a.hl7 b.hl7").await;
    let size = message("1").len();
    for part in [
        format!("mllp-send: a.hl7: one message, {size} bytes\n"),
        "mllp-send: b.hl7:".to_owned(),
        "received  acknowledgment AE".to_owned(),
    ] {
        assert!(outcome.errors.contains(&part), "{part}: {}", outcome.errors);
    }
    assert!(
        !outcome.errors.contains("received  acknowledgment CA"),
        "{outcome:?}"
    );
    let _ = receiver.finish();
}
