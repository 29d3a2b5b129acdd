//! All that `mllp-send --json` prints is what `docs/mllp-send.schema.json` says, and has
//! no field that stands not there.

use std::io::Write;
use std::process::{Command, Stdio};

use host_tests::certificates::{Authority, Key};
use host_tests::command::Call;
use host_tests::folder::Folder;
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};
use host_tests::samples;

/// Holds lines to the schema. What is wrong with them, if anything is.
fn objections(lines: &str) -> Option<String> {
    let root = components::root();
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(root.join("host-tests/schema/Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target/schema"))
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()
        .unwrap();
    assert!(built.success());
    let mut child = Command::new(root.join("target/schema/debug/schema"))
        .arg(root.join("docs/mllp-send.schema.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    (!output.status.success()).then_some(told)
}

/// Standard output of a command line, in which `HERE` is where the receiver is.
async fn told(folder: &Folder, receiver: Running, line: &str) -> String {
    let line = line.replace("HERE", &receiver.address.to_string());
    let arguments: Vec<_> = line.split_whitespace().collect();
    let call = Call::new(&arguments).folder(folder.path()).allow_writing();
    let outcome = call.allow(receiver.address).run().await;
    let _ = receiver.finish();
    assert!(!outcome.output.is_empty(), "{line}: {outcome:?}");
    outcome.output
}

/// A message that asks for these acknowledgments.
fn asking(control_id: &str, accept: &str, application: &str) -> Vec<u8> {
    let asking = format!("|T|2.5|||{accept}|{application}\r");
    let message = String::from_utf8(message(control_id)).unwrap();
    message.replacen("|T|2.5\r", &asking, 1).into_bytes()
}

/// As many kinds of lines as there are.
async fn lines() -> String {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["127.0.0.1"]);
    let files: [(&str, &[u8]); 8] = [
        ("1.hl7", &message("1")),
        ("2.hl7", &message("2")),
        ("both.hl7", &asking("3", "AL", "AL")),
        ("odd.hl7", &asking("4", "AL", "SU")),
        ("silent.hl7", &asking("5", "NE", "NE")),
        ("none.txt", b"no message"),
        ("ca.pem", &authority.pem()),
        ("acks/note", b""),
    ];
    let folder = Folder::new("schema", &files);
    let err = "ERR||PID^1^5^2^3^4|101|E|X7\r";
    let refusal = String::from_utf8(ack("AE", "2")).unwrap() + err;
    let all = "--json --ack --save-acks acks --transcript --counters --summary";
    let mut lines = String::new();
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .send(&[&frame(&ack("AA", "1"))[..], b"\n"].concat())
        .expect_any()
        .reply(refusal.as_bytes())
        .expect_any()
        .close()
        .start();
    let run = "1.hl7 2.hl7 1.hl7 none.txt";
    lines += &told(&folder, receiver, &format!("{all} HERE {run}")).await;
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .reply(&ack("CA", "3"))
        .close()
        .accept()
        .expect_any()
        .expect_any()
        .reply(&ack("CA", "4"))
        .start();
    let run = "--timeout 300ms --quiet-period 50ms HERE both.hl7 silent.hl7 odd.hl7";
    lines += &told(&folder, receiver, &format!("{all} {run}")).await;
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .close()
        .accept()
        .serve(1, "AA")
        .start();
    let run = "--json --reconnect --resend in-doubt HERE 1.hl7";
    lines += &told(&folder, receiver, run).await;
    let receiver = Receiver::new()
        .accept()
        .expect_any()
        .refuse_to_commit()
        .expect_any()
        .commit()
        .reply(&ack("AA", "1"))
        .expect_any()
        .start();
    let run = "--json --mllp-release two --commit-retries 1 HERE 1.hl7";
    lines += &told(&folder, receiver, run).await;
    let receiver = Receiver::new()
        .accept()
        .serve(2, "AE")
        .expect_any()
        .close()
        .start();
    let address = receiver.address.to_string();
    let run = "--json --journal journal --retry-refused AE --retry-refused-count 1 \
               --retry-refused-delay 1ms --stop-on in-doubt HERE 1.hl7 2.hl7 both.hl7";
    lines += &told(&folder, receiver, run).await;
    let again = format!("--json --journal journal {address} 1.hl7 2.hl7");
    lines += &told(&folder, Receiver::new().start(), &again).await;
    // Denied.
    lines += &told(&folder, Receiver::new().start(), "--json 127.0.0.1:1 1.hl7").await;
    for run in [
        "--json --tls --ca ca.pem HERE 1.hl7",
        "check --json --tls --ca ca.pem HERE",
    ] {
        let strange = Authority::new(Key::P256).receiver(&["127.0.0.1"]);
        let receiver = Receiver::new()
            .accept()
            .refuse_handshake(strange.server())
            .start();
        lines += &told(&folder, receiver, run).await;
        let receiver = Receiver::new().accept().shake_hands(issued.server());
        let receiver = match run.starts_with("check") {
            true => receiver.expect_closing().start(),
            false => receiver.serve(1, "AA").expect_closing().start(),
        };
        lines += &told(&folder, receiver, run).await;
    }
    let receiver = Receiver::new().accept().expect_end().start();
    lines += &told(&folder, receiver, "check --json HERE").await;
    lines += &told(&folder, Receiver::new().start(), "check --json 127.0.0.1:1").await;
    for release in ["one", "two", "auto"] {
        let run = format!("--dry-run --json --summary --mllp-release {release} --repair envelope");
        let files = "1.hl7 both.hl7 odd.hl7 silent.hl7 none.txt";
        lines += &told(
            &folder,
            Receiver::new().start(),
            &format!("{run} HERE {files}"),
        )
        .await;
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_one_of_the_schema() {
    let lines = lines().await;
    // Or not all kinds of them are there.
    for part in [
        "\"verdict\":\"applied\"",
        "\"verdict\":\"unacknowledged\"",
        "\"accept\":\"CA\"",
        "\"commit\":\"positive\"",
        "\"severity\":\"error\"",
        "\"reason\":\"connection-ended\"",
        "\"reason\":\"negative-commit\"",
        "\"cause\":\"access-denied\"",
        "\"cause\":\"tls\"",
        "\"code\":\"space-after-frame\"",
        "\"code\":\"acknowledgment-missing\"",
        "{\"schema\":1,\"counters\":",
        "{\"schema\":1,\"summary\":",
        "{\"schema\":1,\"dry_run\":",
        "{\"schema\":1,\"left\":",
        "{\"schema\":1,\"not_tried\":",
        "{\"schema\":1,\"journal\":",
        "\"refusals\":[\"AE\"]",
        "\"passes\":false",
        "\"ready\":true",
        "\"ready\":false",
        "\"certificate\":{",
    ] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    assert_eq!(objections(&lines), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_another_is_noticed() {
    let folder = Folder::new("schema-not", &[("1.hl7", &message("1"))]);
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let line = told(&folder, receiver, "--json HERE 1.hl7").await;
    assert_eq!(objections(&line), None);
    for (part, other) in [
        ("\"index\":1", "\"index\":0"),
        ("\"index\":1", "\"index\":\"1\""),
        ("\"index\":1", "\"novelty\":1,\"index\":1"),
        ("\"schema\":1", "\"schema\":2"),
        ("\"applied\"", "\"delivered\""),
        ("\"applied\"", "null"),
        ("\"errors\":[],", ""),
        ("\"errors\":[]", "\"errors\":[{\"segment\":\"PID\"}]"),
    ] {
        assert!(line.contains(part), "{part}: {line}");
        let changed = line.replacen(part, other, 1);
        assert!(objections(&changed).is_some(), "{other}");
    }
}

/// The values are the samples', which nobody should take the trouble to write.
#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_planned_in_lines_of_the_schema() {
    let folder = samples::folder();
    let call = Call::new(&["--dry-run", "--json", "127.0.0.1:1", "*.hl7"]).folder(&folder);
    let outcome = call.run().await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(objections(&outcome.output), None);
}
