//! `wasmtime run mllp-send.wasm`, as people call it, against other people's
//! receivers.

use std::process::{Command, Output};

use host_tests::peers::{self, Peer, Software};
use host_tests::{samples, sandbox};

/// Runs the command in the folder of the samples; `None` if wasmtime is left
/// out.
fn run(flags: &[&str], arguments: &[String]) -> Option<Output> {
    let output = Command::new(peers::wasmtime()?)
        .current_dir(samples::folder())
        .args(["run", "--dir", "."])
        .args(flags)
        .arg(&sandbox::components().command)
        .args(arguments)
        .output();
    Some(output.expect("wasmtime runs"))
}

fn sample_files() -> Vec<String> {
    let files = std::fs::read_dir(samples::folder()).expect("the samples");
    files
        .map(|file| file.expect("a sample").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".hl7"))
        .collect()
}

#[test]
fn every_sample_file_goes_to_either_receiver() {
    for software in Software::ALL {
        let Some(peer) = Peer::start(software, "AA") else {
            continue;
        };
        let files = sample_files();
        let mut arguments = vec![peer.address.to_string()];
        arguments.extend(files.clone());
        if software == Software::NodeHl7Server {
            // It repeats old acknowledgments from a connection's second message on.
            arguments.insert(0, "--one-per-connection".to_owned());
        }
        let Some(output) = run(&["-S", "inherit-network"], &arguments) else {
            return;
        };
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{software:?}: {output:?}");
        assert_eq!(told.lines().count(), files.len(), "{told}");
        assert!(told.lines().all(|line| line.contains("applied")), "{told}");
    }
}

#[test]
fn without_the_grant_it_says_which_to_give() {
    let arguments = ["127.0.0.1:2575".to_owned(), "adt_a01.hl7".to_owned()];
    let Some(output) = run(&[], &arguments) else {
        return;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains("-S inherit-network"), "{errors}");
}
