//! `wasmtime run mllp-send.wasm`, as people call it, against other people's
//! receivers.

use std::path::Path;
use std::process::{Command, Output};

use host_tests::certificates::{Authority, Key};
use host_tests::folder::Folder;
use host_tests::messages::message;
use host_tests::openssl;
use host_tests::peers::{self, Peer, Software};
use host_tests::receiver::Receiver;
use host_tests::samples::{self, Sample};
use host_tests::{sandbox, watch};

/// Runs the command in `folder`; `None` if wasmtime is left out.
fn run(folder: &Path, flags: &[&str], arguments: &[String]) -> Option<Output> {
    let output = Command::new(peers::wasmtime()?)
        .current_dir(folder)
        .args(["run", "--dir", "."])
        .args(flags)
        .arg(&sandbox::components().command)
        .args(arguments)
        .output();
    let output = output.expect("wasmtime runs");
    watch::nothing_in_text("standard error", &output.stderr);
    watch::nothing_in_text("standard output", &output.stdout);
    Some(output)
}

/// Whether the command is to send it this sample: `docs/receivers.md` tells why not.
fn takes(software: Software, sample: &Sample) -> bool {
    match software {
        Software::SimpleHl7 => sample.message.starts_with(b"MSH|"),
        // Of a message of 1 MB it takes so long that nobody should wait for it here.
        Software::Hl7apy => sample.message.len() < 1_000_000,
        _ => true,
    }
}

#[test]
fn every_sample_goes_to_every_receiver_that_takes_it() {
    let samples = samples::all();
    let files: Vec<_> = samples
        .iter()
        .map(|sample| (sample.name.as_str(), sample.message.as_slice()))
        .collect();
    let folder = Folder::new("samples", &files);
    for software in Software::ALL {
        let Some(peer) = Peer::start(software, "AA") else {
            continue;
        };
        let mut arguments = vec![peer.address.to_string()];
        let taken = samples.iter().filter(|sample| takes(software, sample));
        arguments.extend(taken.map(|sample| sample.name.clone()));
        let sent = arguments.len() - 1;
        if matches!(software, Software::NodeHl7Server | Software::Hl7apy) {
            // The one repeats old acknowledgments from a connection's second message on,
            // the other ends it after the first.
            arguments.insert(0, "--one-per-connection".to_owned());
        }
        let Some(output) = run(folder.path(), &["-S", "inherit-network"], &arguments) else {
            return;
        };
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{software:?}: {output:?}");
        assert_eq!(told.lines().count(), sent, "{told}");
        assert!(told.lines().all(|line| line.contains("applied")), "{told}");
    }
}

#[test]
fn a_name_is_reached_with_the_grant_for_lookups_and_denied_without() {
    let folder = Folder::new("names", &[("a.hl7", &message("1"))]);
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let name = format!("localhost:{}", receiver.address.port());
    let arguments = [name, "a.hl7".to_owned()];
    let network = ["-S", "inherit-network"];
    let Some(denied) = run(folder.path(), &network, &arguments) else {
        return;
    };
    assert!(!denied.status.success());
    let errors = String::from_utf8_lossy(&denied.stderr);
    assert!(errors.contains("-S allow-ip-name-lookup"), "{errors}");
    let lookups = ["-S", "inherit-network", "-S", "allow-ip-name-lookup"];
    let reached = run(folder.path(), &lookups, &arguments).expect("wasmtime");
    assert!(reached.status.success(), "{reached:?}");
    let _ = receiver.finish();
}

#[test]
fn without_the_grant_it_says_which_to_give() {
    let arguments = ["127.0.0.1:2575".to_owned(), "adt_a01.hl7".to_owned()];
    let Some(output) = run(&samples::folder(), &[], &arguments) else {
        return;
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains("-S inherit-network"), "{errors}");
}

#[test]
fn a_check_shakes_hands_with_openssl_and_sends_nothing() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["127.0.0.1"]);
    let files: [(&str, &[u8]); 3] = [
        ("ca.pem", &authority.pem()),
        ("cert.pem", &issued.chain_pem()),
        ("key.pem", &issued.key_pem()),
    ];
    let folder = Folder::new("openssl", &files);
    let server = openssl::Server::start(folder.path(), "-cert cert.pem -key key.pem");
    let address = server.address.to_string();
    let arguments = ["check", "--tls", "--ca", "ca.pem", &address].map(str::to_owned);
    let Some(output) = run(folder.path(), &["-S", "inherit-network"], &arguments) else {
        return;
    };
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(told.contains(&issued.pin()), "{told}");
    assert!(told.ends_with("ready     yes\n"), "{told}");
    let printed = server.finish();
    assert!(!printed.contains(&0x0B), "a start block was sent");
}
