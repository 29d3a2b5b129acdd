//! `mllp-sandbox`: the command with the receivers and folders that it is given.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use host_tests::folder::Folder;
use host_tests::messages::{control_id, frame, message};
use host_tests::receiver::Receiver;

use super::compiled;
use super::crowd::Crowd;
use super::guests;
use super::programs::{built, program, run};

fn mllp_sandbox(folder: &Path, line: &str) -> Command {
    let mut command = program("mllp-sandbox");
    command
        .current_dir(folder)
        .arg("--component")
        .arg(&host_tests::sandbox::components().command)
        .arg("--compiled")
        .arg(compiled())
        .args(line.split_whitespace());
    command
}

#[test]
fn the_command_runs_with_one_receiver_and_one_folder() {
    built();
    let receiver = Receiver::new().accept().serve(2, "AA").start();
    let folder = Folder::new(
        "sandbox",
        &[("1.hl7", &message("1")), ("2.hl7", &message("2"))],
    );
    let here = receiver.address;
    let line = format!("--allow {here} --read-only . -- {here} 1.hl7 2.hl7");
    let (status, output, errors) = run(&mut mllp_sandbox(folder.path(), &line));
    assert_eq!(status, Some(0), "{errors}");
    assert!(!errors.contains("mllp-sandbox"), "{errors}");
    let applied = |line: &str| line.contains("applied") && line.contains("AA");
    assert_eq!(
        output.lines().filter(|line| applied(line)).count(),
        2,
        "{output}"
    );
    assert_eq!(receiver.finish(), [message("1"), message("2")]);
}

#[test]
fn the_status_is_that_of_the_command() {
    built();
    let receiver = Receiver::new().accept().serve(1, "AR").start();
    let folder = Folder::new("sandbox-status", &[("1.hl7", &message("1"))]);
    let here = receiver.address;
    let line = format!("--allow {here} --read-only .::in -- {here} in/1.hl7");
    let (status, output, _) = run(&mut mllp_sandbox(folder.path(), &line));
    assert_eq!(status, Some(1));
    assert!(output.contains("refused"), "{output}");
    let _ = receiver.finish();
}

#[test]
fn a_receiver_that_is_not_allowed_is_denied_and_the_flag_is_named() {
    built();
    let receiver = Receiver::new().start();
    let folder = Folder::new("sandbox-denied", &[("1.hl7", &message("1"))]);
    let here = receiver.address;
    let port = here.port();
    for (told, flag) in [
        (here.to_string(), format!("--allow {here}\n")),
        (
            format!("localhost:{port}"),
            "--allow localhost:PORT\n".to_owned(),
        ),
    ] {
        let line = format!("--allow 127.0.0.2:{port} --read-only . -- {told} 1.hl7");
        let (status, output, errors) = run(&mut mllp_sandbox(folder.path(), &line));
        assert_eq!(status, Some(1));
        assert!(output.contains("access-denied"), "{output}");
        assert!(errors.ends_with(&flag), "{errors}");
    }
    assert!(receiver.finish().is_empty());
}

#[test]
fn a_receiver_may_be_allowed_by_its_name() {
    built();
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let folder = Folder::new("sandbox-name", &[("1.hl7", &message("1"))]);
    let here = format!("localhost:{}", receiver.address.port());
    let line = format!("--allow {here} --read-only . -- {here} 1.hl7");
    let (status, _, errors) = run(&mut mllp_sandbox(folder.path(), &line));
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    let _ = receiver.finish();
}

#[test]
fn the_commands_variables_reach_it() {
    built();
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let folder = Folder::new("sandbox-variables", &[("1.hl7", &message("1"))]);
    let here = receiver.address;
    let line = format!("--allow {here} --read-only . -- {here} 1.hl7");
    let mut sandbox = mllp_sandbox(folder.path(), &line);
    let (status, output, _) = run(sandbox.env("MLLP_JSON", "true"));
    assert_eq!(status, Some(0));
    let told: serde_json::Value = serde_json::from_str(&output).unwrap();
    assert_eq!(told["verdict"], "applied");
    let _ = receiver.finish();
}

#[test]
fn a_folder_to_read_is_not_written_to() {
    built();
    let folder = Folder::new("sandbox-folders", &[("1.hl7", &message("1"))]);
    let acks = folder.path().join("acks");
    std::fs::create_dir(&acks).unwrap();
    for (grant, written) in [("--read-only", 0), ("--dir", 1)] {
        let receiver = Receiver::new();
        // What cannot be saved is found out before anything is sent.
        let receiver = match written {
            0 => receiver.start(),
            _ => receiver.accept().serve(1, "AA").start(),
        };
        let here = receiver.address;
        let line = format!("--allow {here} {grant} . -- --save-acks acks {here} 1.hl7");
        let (status, _, errors) = run(&mut mllp_sandbox(folder.path(), &line));
        assert_eq!(status, Some(1 - written), "{errors}");
        let files = std::fs::read_dir(&acks).unwrap();
        assert_eq!(files.count(), usize::try_from(written).unwrap());
        assert_eq!(receiver.finish().len(), usize::try_from(written).unwrap());
    }
}

#[test]
fn a_folder_that_was_not_given_is_not_there() {
    built();
    let receiver = Receiver::new().start();
    let folder = Folder::new("sandbox-folder", &[("1.hl7", &message("1"))]);
    let here = receiver.address;
    let line = format!("--allow {here} -- {here} 1.hl7");
    let (status, output, errors) = run(&mut mllp_sandbox(folder.path(), &line));
    assert_eq!((status, output.as_str()), (Some(1), ""));
    assert!(errors.contains("1.hl7"), "{errors}");
    assert!(receiver.finish().is_empty());
}

/// Files of three messages each, whose control ids are file and place.
fn files() -> Vec<(String, Vec<u8>)> {
    let file = |name: char| {
        let framed = (1..=3).flat_map(|place| frame(&message(&format!("{name}{place}"))));
        (format!("{name}.hl7"), framed.collect())
    };
    ('a'..='h').map(file).collect()
}

#[test]
fn several_instances_send_at_once_and_keep_the_order_within_each_file() {
    built();
    const INSTANCES: usize = 4;
    let files = files();
    let named: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), &bytes[..]))
        .collect();
    let folder = Folder::new("sandbox-instances", &named);
    let names: Vec<_> = named.iter().map(|(name, _)| *name).collect();
    let crowd = Crowd::of(INSTANCES);
    let here = crowd.address;
    let line = format!(
        "--allow {here} --read-only . --instances {INSTANCES} -- {here} -- {}",
        names.join(" ")
    );
    let (status, output, errors) = run(&mut mllp_sandbox(folder.path(), &line));
    assert_eq!(status, Some(0), "{errors}");
    assert!(
        errors.contains("4 instances: 4 ended with 0, 0 with 1"),
        "{errors}"
    );

    let mut received: BTreeMap<char, Vec<String>> = BTreeMap::new();
    let connections = crowd.finish();
    for messages in &connections {
        let ids = messages
            .iter()
            .map(|message| String::from_utf8(control_id(message)).unwrap());
        for id in ids {
            let file = id.chars().next().unwrap();
            received.entry(file).or_default().push(id);
        }
    }
    let expected = |name| (1..=3).map(|place| format!("{name}{place}")).collect();
    let expected: BTreeMap<char, Vec<String>> =
        ('a'..='h').map(|name| (name, expected(name))).collect();
    assert_eq!(received, expected);
    // Each file went over one connection.
    for messages in &connections {
        let of_two_files = |messages: &[Vec<u8>]| messages.len() == 6;
        assert!(of_two_files(messages));
    }
    // No line is torn.
    assert_eq!(output.lines().count(), 24, "{output}");
    for line in output.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let [file, id, "applied", "AA", ..] = words[..] else {
            panic!("{line}");
        };
        assert_eq!(file.chars().next(), id.chars().next());
    }
}

#[test]
fn what_never_ends_is_stopped_and_the_status_is_neither_of_the_commands() {
    built();
    let folder = Folder::new("sandbox-spinning", &[("spin.wasm", &guests::spinning())]);
    let (status, output, errors) = run(program("mllp-sandbox").current_dir(folder.path()).args([
        "--component",
        "spin.wasm",
        "--time",
        "300ms",
    ]));
    assert_eq!((status, output.as_str()), (Some(2), ""));
    assert!(errors.contains("stopped"), "{errors}");
}

#[test]
fn a_memory_limit_is_one_for_the_command_too() {
    built();
    let pages = 40 * 16;
    let folder = Folder::new("sandbox-hungry", &[("hungry.wasm", &guests::hungry(pages))]);
    for (limit, expected) in [("32", 1), ("64", 0)] {
        let (status, _, _) = run(program("mllp-sandbox").current_dir(folder.path()).args([
            "--component",
            "hungry.wasm",
            "--memory",
            limit,
        ]));
        assert_eq!(status, Some(expected), "{limit} MiB");
    }
}
