//! What `mllp-send` reads: folders, patterns, batches, JSON lines, and what editors make
//! of messages.

use std::io::ErrorKind;
use std::net::TcpListener;

use host_tests::command::{Call, Outcome};
use host_tests::folder::Folder;
use host_tests::messages::{frame, message};
use host_tests::receiver::{Receiver, Running};
use marks::{NAME, PLACE};

/// A receiver that takes messages with these control ids, in this order.
fn taking(control_ids: &[&str]) -> Running {
    let receiver = Receiver::new().accept();
    let receiver = control_ids.iter().fold(receiver, |receiver, id| {
        receiver.expect(&message(id)).acknowledge("AA")
    });
    receiver.expect_end().start()
}

/// Runs a command line, in which `HERE` is where the receiver is.
async fn run(folder: &Folder, receiver: &Running, line: &str) -> Outcome {
    let line = line.replace("HERE", &receiver.address.to_string());
    let arguments: Vec<_> = line.split_whitespace().collect();
    Call::new(&arguments)
        .folder(folder.path())
        .allow(receiver.address)
        .run()
        .await
}

/// The first words of the lines.
fn labels(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.output.lines();
    lines
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// A batch of messages with these control ids, whose trailer says so many.
fn batch(control_ids: &[&str], count: usize) -> Vec<u8> {
    let header = format!("|^~\\&|{NAME}|{NAME}|{NAME}|{NAME}\r");
    let messages: Vec<u8> = control_ids.iter().flat_map(|id| message(id)).collect();
    let trailer = format!("BTS|{count}|{PLACE}\rFTS|1\r");
    let headers = format!("FHS{header}BHS{header}");
    [headers.as_bytes(), &messages, trailer.as_bytes()].concat()
}

fn as_lines(content: &[u8], end: &str) -> Vec<u8> {
    let text = String::from_utf8(content.to_vec()).unwrap();
    text.replace('\r', end).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_its_files_by_name_and_a_pattern_what_matches_it() {
    let folder = Folder::new(
        "input-folder",
        &[
            ("in/b.hl7", &message("2")),
            ("in/a.hl7", &message("1")),
            ("in/.hidden.hl7", b"no message"),
            ("in/deeper/c.hl7", &message("3")),
            ("x1.txt", &message("4")),
            ("x2.txt", &message("5")),
        ],
    );
    let receiver = taking(&["1", "2", "4", "5", "3"]);
    let outcome = run(&folder, &receiver, "HERE in x?.txt in/**/c.*").await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(
        labels(&outcome),
        [
            "in/a.hl7",
            "in/b.hl7",
            "x1.txt",
            "x2.txt",
            "in/deeper/c.hl7"
        ]
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_or_a_pattern_that_comes_to_nothing_is_a_failure() {
    let folder = Folder::new("input-nothing", &[("in/.hidden", b"x")]);
    let receiver = Receiver::new().start();
    for (name, reason) in [
        ("in", "holds no file but hidden ones"),
        ("*.hl7", "matches no file"),
        ("in/a.hl7", "check its name"),
        ("out/a.hl7", "wasmtime run --dir out …"),
        ("/out/*.hl7", "wasmtime run --dir /out …"),
    ] {
        let outcome = run(&folder, &receiver, &format!("HERE {name}")).await;
        assert!(!outcome.success, "{outcome:?}");
        assert!(outcome.errors.contains(reason), "{name}: {outcome:?}");
        assert_eq!(outcome.output, "");
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_its_messages_are_sent() {
    let whole = batch(&["1", "2"], 2);
    let lines = [as_lines(&whole, "\n"), as_lines(&whole, "\r\n")];
    let folder = Folder::new(
        "input-batch",
        &[
            ("strict.txt", &whole),
            ("framed.txt", &frame(&whole)),
            ("lf.txt", &lines[0]),
            ("crlf.txt", &lines[1]),
        ],
    );
    for line in [
        "strict.txt",
        "framed.txt",
        "--loose lf.txt",
        "--loose crlf.txt",
    ] {
        let receiver = taking(&["1", "2"]);
        let outcome = run(&folder, &receiver, &format!("HERE {line}")).await;
        assert!(outcome.success, "{line}: {outcome:?}");
        assert!(labels(&outcome)[1].ends_with(".txt#2"), "{outcome:?}");
        let _ = receiver.finish();
    }
    let receiver = Receiver::new().start();
    for file in ["lf.txt", "crlf.txt"] {
        let outcome = run(&folder, &receiver, &format!("HERE {file}")).await;
        assert!(
            outcome.errors.contains("try --loose"),
            "{file}: {outcome:?}"
        );
        assert_eq!(outcome.output, "");
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_batch_is_sent_that_is_not_what_it_counts_unless_told_to() {
    let short = batch(&["1", "2"], 3);
    let cut = &short[..short.len() - "FTS|1\r".len()];
    let folder = Folder::new("input-short", &[("short.txt", &short), ("cut.txt", cut)]);
    let receiver = Receiver::new().start();
    for (file, reason) in [
        (
            "short.txt",
            "batch 1: BTS-1 says 3 messages, and there are 2",
        ),
        ("cut.txt", "BTS-1 says 3 messages"),
    ] {
        let outcome = run(&folder, &receiver, &format!("HERE {file}")).await;
        assert!(!outcome.success, "{outcome:?}");
        assert!(outcome.errors.contains(reason), "{outcome:?}");
        assert_eq!(outcome.output, "");
    }
    let _ = receiver.finish();
    let receiver = taking(&["1", "2"]);
    let outcome = run(&folder, &receiver, "--batch-counts warned HERE cut.txt").await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(
        outcome.remarks(),
        "mllp-send: cut.txt: warning: batch 1: BTS-1 says 3 messages, and there are 2\n\
         mllp-send: cut.txt: warning: there is an FHS without its FTS: the file may be cut short\n"
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn json_lines_hold_a_message_each_in_a_field() {
    let text = |id: &str| String::from_utf8(message(id)).unwrap();
    let line = |id: &str| serde_json::json!({ "id": 7, "event": { "hl7": text(id) } }).to_string();
    let lines = format!("{}\n\n{}\n", line("1"), line("2"));
    let bad = format!("{lines}{{\"event\":\"{NAME}\"}}\n");
    let folder = Folder::new(
        "input-ndjson",
        &[
            ("good.ndjson", lines.as_bytes()),
            ("bad.ndjson", bad.as_bytes()),
        ],
    );
    let receiver = taking(&["1", "2"]);
    let outcome = run(&folder, &receiver, "--ndjson /event/hl7 HERE good.ndjson").await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(labels(&outcome), ["good.ndjson#1", "good.ndjson#2"]);
    let _ = receiver.finish();
    let receiver = Receiver::new().start();
    let outcome = run(&folder, &receiver, "--ndjson /event/hl7 HERE bad.ndjson").await;
    assert!(!outcome.success);
    let reason = "bad.ndjson: line 4 has no such field: nothing of the file was sent";
    assert!(outcome.errors.contains(reason), "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_line_feeds_beside_its_carriage_returns_goes_as_it_is_with_a_hint() {
    let lines = as_lines(&message("1"), "\r\n");
    let folder = Folder::new("input-crlf", &[("a.hl7", &lines)]);
    let receiver = Receiver::new()
        .accept()
        .expect(&lines)
        .acknowledge("AA")
        .accept()
        .expect(&message("1"))
        .acknowledge("AA")
        .start();
    let outcome = run(&folder, &receiver, "HERE a.hl7").await;
    assert!(outcome.success, "{outcome:?}");
    assert!(outcome.errors.contains("try --loose"), "{outcome:?}");
    let outcome = run(&folder, &receiver, "--loose HERE a.hl7").await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(outcome.errors, "");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_opens_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let folder = Folder::new(
        "input-dry",
        &[("a.hl7", &message("1")), ("b.txt", &batch(&["2", "3"], 2))],
    );
    let call = |options: &[&str]| {
        let address = address.to_string();
        let arguments = [options, &[address.as_str(), "a.hl7", "b.txt"]].concat();
        Call::new(&arguments)
            .folder(folder.path())
            .allow(address.parse().unwrap())
    };
    let outcome = call(&["--dry-run"]).run().await;
    assert!(outcome.success, "{outcome:?}");
    assert!(
        outcome.errors.contains("3 of 3 messages would go out"),
        "{outcome:?}"
    );
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    // Which it would be known by.
    let outcome = call(&["--timeout", "100ms"]).run().await;
    assert!(!outcome.success, "{outcome:?}");
    assert!(listener.accept().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_succeeds_only_if_every_message_would_go_out() {
    let folder = Folder::new(
        "input-dry-status",
        &[
            ("a.hl7", &message("1")),
            ("short.txt", &batch(&["2"], 2)),
            ("torn.txt", &frame(&message("3"))[1..]),
        ],
    );
    for (line, success) in [
        ("--dry-run HERE a.hl7", true),
        ("--dry-run HERE a.hl7 short.txt", false),
        ("--dry-run HERE a.hl7 torn.txt", false),
        ("--dry-run --tls --ca a.hl7 HERE a.hl7", false),
        ("--dry-run --tls --ca missing.pem HERE a.hl7", false),
        ("--dry-run --tls HERE a.hl7", true),
    ] {
        let line = line.replace("HERE", "127.0.0.1:1");
        let arguments: Vec<_> = line.split_whitespace().collect();
        let outcome = Call::new(&arguments).folder(folder.path()).run().await;
        assert_eq!(outcome.success, success, "{line}: {outcome:?}");
    }
}

/// As it is named where names are in Latin-1.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_folder_is_sent_if_it_cannot_be_listed_to_its_end() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = Folder::new("input-latin-1", &[("in/a.hl7", &message("1"))]);
    let name = OsStr::from_bytes(b"caf\xE9.hl7");
    std::fs::write(folder.path().join("in").join(name), message("2")).unwrap();
    for named in ["in", "in/*.hl7", "**/a.hl7"] {
        let call = Call::new(&["127.0.0.1:9", named]).folder(folder.path());
        let outcome = call.run().await;
        assert!(!outcome.success && outcome.output.is_empty(), "{outcome:?}");
        let told = format!("{named}: cannot be listed to its end");
        assert!(outcome.errors.contains(&told), "{outcome:?}");
    }
}
