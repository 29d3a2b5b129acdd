//! The benchmark itself, with a handful of messages: what it says is all there.

// A test states what must be; a failed expectation is how it speaks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder of this test's own, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn bench(into: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench-peers"));
    command.arg("--into").arg(into).args(arguments);
    command.output().expect("the benchmark starts")
}

fn results(into: &Path) -> Value {
    let text = fs::read(into.join("results.json")).expect("results");
    serde_json::from_slice(&text).expect("JSON")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const CLIENTS: [&str; 12] = [
    "floor",
    "tokio-ct",
    "tokio-mt",
    "component-ct",
    "component-mt",
    "component-mts",
    "wasmtime-run",
    "py-hl7",
    "node-net",
    "node-hl7-client",
    "simple-hl7",
    "medplum-hl7",
];

#[test]
fn every_client_that_is_there_does_every_work_that_it_can_and_all_of_it_is_told() {
    let into = folder("everything");
    let works = [
        "adt",
        "adt-tls",
        "oru",
        "reply-10kb",
        "cold",
        "connections-1",
        "connections-8",
    ];
    let asked = works.join(",");
    let output = bench(
        &into,
        &["--work", &asked, "--messages", "2", "--rounds", "1"],
    );
    assert!(output.status.success(), "{}", said(&output));
    let results = results(&into);
    let missing: Vec<&str> = results["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|missing| missing["client"].as_str().unwrap())
        .collect();
    assert!(
        missing.is_empty() || std::env::var_os("CI").is_none(),
        "not installed: {missing:?}"
    );
    for client in CLIENTS.iter().filter(|client| !missing.contains(client)) {
        for work in works {
            let outcome = results["results"]
                .as_array()
                .unwrap()
                .iter()
                .find(|outcome| outcome["client"] == *client && outcome["work"] == work)
                .unwrap_or_else(|| panic!("nothing of {client} in {work}"));
            if outcome["cannot"].is_string() {
                continue;
            }
            let medians = &outcome["medians"];
            let number = match work {
                "cold" => "cold_start_ms",
                _ => "messages_per_second",
            };
            assert!(medians[number].as_f64() > Some(0.0), "{client} in {work}");
            assert!(medians["peak_memory_bytes"].as_f64() > Some(1e5));
            let memory = medians["memory_of_connections_bytes"].as_f64();
            assert_eq!(memory > Some(1e5), work.starts_with("connections"));
            assert_eq!(outcome["suite"].is_string(), work == "adt-tls");
        }
    }
    assert!(results["versions"]["wasmtime"].is_string());
    for file in [
        "bench-round-trip.svg",
        "bench-cold-start.svg",
        "bench-sizes.svg",
        "bench-replies.svg",
        "bench-connections.svg",
    ] {
        let picture = fs::read_to_string(into.join(file)).expect(file);
        assert!(picture.starts_with("<svg") && picture.contains("component"));
    }
    let tables = fs::read_to_string(into.join("performance.md")).unwrap();
    assert!(tables.contains("| this component, wasmtime run |"));
    assert!(!tables.contains("failed"), "{tables}");

    let again = folder("again");
    let json = into.join("results.json");
    let output = bench(&again, &["--from", json.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    let same = fs::read_to_string(again.join("performance.md")).unwrap();
    assert_eq!(same, tables, "of the same results");
}

#[test]
fn a_client_that_is_not_installed_is_said_to_be_missing() {
    let into = folder("missing");
    let nowhere = into.join("nowhere");
    let output = bench(
        &into,
        &[
            "--work",
            "adt",
            "--only",
            "py-hl7,tokio-ct",
            "--messages",
            "2",
            "--rounds",
            "1",
            "--peers",
            nowhere.to_str().unwrap(),
        ],
    );
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("MISSING: py-hl7"));
    let results = results(&into);
    assert_eq!(results["missing"][0]["client"], "py-hl7");
    assert_eq!(results["results"].as_array().unwrap().len(), 2);
    let tables = fs::read_to_string(into.join("performance.md")).unwrap();
    assert!(tables.contains("| PyPI hl7 | missing |"), "{tables}");
}

#[cfg(unix)]
#[test]
fn a_client_that_fails_is_told_and_fails_the_benchmark() {
    use std::os::unix::fs::PermissionsExt;

    let into = folder("failing");
    let python = into.join("peers/venv/bin/python");
    fs::create_dir_all(python.parent().unwrap()).unwrap();
    fs::write(&python, "#!/bin/sh\nexit 3\n").unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let output = bench(
        &into,
        &[
            "--work",
            "adt",
            "--only",
            "py-hl7",
            "--messages",
            "2",
            "--rounds",
            "2",
            "--peers",
            into.join("peers").to_str().unwrap(),
        ],
    );
    assert!(!output.status.success());
    assert!(said(&output).contains("FAILED: py-hl7 in adt: exit status: 3"));
    let tables = fs::read_to_string(into.join("performance.md")).unwrap();
    assert!(tables.contains("| PyPI hl7 | failed |"), "{tables}");
}
