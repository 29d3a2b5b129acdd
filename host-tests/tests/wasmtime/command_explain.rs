//! `mllp-send --dry-run`: what would be sent and waited for, told without a network.

use host_tests::command::Call;
use host_tests::folder::Folder;
use host_tests::messages::message;
use host_tests::samples;

/// A message that asks for these acknowledgments.
fn asking(accept: &str, application: &str) -> Vec<u8> {
    let asking = format!("|T|2.5|||{accept}|{application}\r");
    let message = String::from_utf8(message("1")).unwrap();
    message.replacen("|T|2.5\r", &asking, 1).into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_explained_where_no_network_is_granted() {
    let samples = samples::all();
    let mut arguments = vec!["--dry-run".to_owned(), "lab.example:2575".into()];
    arguments.extend(samples.iter().map(|sample| sample.name.clone()));
    let files: Vec<_> = samples
        .iter()
        .map(|sample| (sample.name.as_str(), sample.message.as_slice()))
        .collect();
    let folder = Folder::new("explain-samples", &files);
    let outcome = Call::new(&arguments).folder(folder.path()).run().await;
    assert!(outcome.success, "{outcome:?}");
    let frames: usize = samples.iter().map(|sample| sample.message.len() + 3).sum();
    let count = samples.len();
    assert_eq!(
        outcome.errors,
        format!("mllp-send: dry run: {count} of {count} messages would go out, {frames} bytes\n")
    );
    let modes = outcome.output.matches("\n  mode  ").count();
    assert_eq!(modes, samples.len(), "{}", outcome.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_waited_for_comes_from_the_message_and_the_options() {
    let folder = Folder::new("explain", &[("a.hl7", &asking("AL", "SU"))]);
    let arguments = ["--dry-run", "--quiet-period", "4s", "127.0.0.1:1", "a.hl7"];
    let outcome = Call::new(&arguments).folder(folder.path()).run().await;
    assert!(outcome.success, "{outcome:?}");
    for line in [
        "  MSH-15    AL, so an accept acknowledgment comes always",
        "  MSH-16    SU, so an application acknowledgment comes on success only",
        "  after CA  an acknowledgment may come, on success only; 4s of silence is an answer \
         (--quiet-period)",
        "            silence             accepted: in the receiver's safe keeping; warning: \
         acknowledgment-missing (silence)",
    ] {
        assert!(outcome.output.contains(line), "{line}: {}", outcome.output);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_sent_ends_with_a_failure_and_json_says_why() {
    let folder = Folder::new(
        "explain-guard",
        &[
            ("a.hl7", &asking("", "")),
            ("b.hl7", &asking("AL", "MARKED")),
        ],
    );
    let arguments = ["--dry-run", "--json", "127.0.0.1:1", "a.hl7", "b.hl7"];
    let outcome = Call::new(&arguments).folder(folder.path()).run().await;
    assert!(!outcome.success);
    let told: Vec<serde_json::Value> = outcome
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (&told[0]["passes"], &told[1]["passes"]),
        (&true.into(), &false.into())
    );
    assert_eq!(told[1]["refusal"], "MSH-16 is none of AL, NE, ER and SU");
    assert!(!outcome.output.contains("MARKED") && !outcome.errors.contains("MARKED"));
    let mut fields: Vec<_> = told[0].as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    let mut documented = [
        "schema",
        "frame_bytes",
        "file",
        "index",
        "control_id",
        "bytes",
        "passes",
        "refusal",
        "repairs",
        "mode",
        "why",
        "msh_15",
        "msh_16",
        "steps",
        "release",
        "leniencies",
    ];
    documented.sort_unstable();
    assert_eq!(fields, documented);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_is_no_message_that_may_be_sent() {
    let folder = Folder::new("explain-missing", &[("a.hl7", &asking("", ""))]);
    let arguments = ["--dry-run", "127.0.0.1:1", "a.hl7", "b.hl7"];
    let outcome = Call::new(&arguments).folder(folder.path()).run().await;
    assert!(!outcome.success);
    assert!(outcome.errors.contains("b.hl7"), "{}", outcome.errors);
}
