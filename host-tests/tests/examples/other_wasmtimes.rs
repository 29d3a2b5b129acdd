//! The command on older and newer releases of wasmtime than the one that the bench is
//! made with. What differs between them is how a write is permitted (all at once up to
//! 47, 64 KiB from 48 on), at which call a denial shows, and what dropping a stream does.

use std::path::{Path, PathBuf};
use std::process::Command;

use host_tests::certificates::{Authority, Key};
use host_tests::event::Event;
use host_tests::examples::{self, Ended};
use host_tests::folder::Folder;
use host_tests::messages::{message, message_of};
use host_tests::receiver::Receiver;
use host_tests::sandbox;

const NETWORK: [&str; 2] = ["-S", "inherit-network"];
const LOOKUPS: [&str; 2] = ["-S", "allow-ip-name-lookup"];

/// A release of the command line.
struct Release {
    version: String,
    program: PathBuf,
}

impl Release {
    /// Those of `examples/wasmtime/versions.txt` that are installed.
    fn all() -> Vec<Self> {
        let list = examples::folder("wasmtime").join("versions.txt");
        let list = std::fs::read_to_string(list).unwrap();
        list.lines()
            .filter_map(|version| {
                let program = examples::installed(&format!("wasmtime/{version}/wasmtime"))?;
                Some(Self {
                    version: version.to_owned(),
                    program,
                })
            })
            .collect()
    }

    fn send(&self, folder: &Path, flags: &[&str], arguments: &[&str]) -> Ended {
        let mut command = Command::new(&self.program);
        command.current_dir(folder).args(["run", "--dir", "."]);
        command.args(flags).arg(&sandbox::components().command);
        examples::run(command.args(arguments))
    }

    /// Whether its own help knows this flag of `-S`.
    fn knows(&self, flag: &str) -> bool {
        let help = examples::run(Command::new(&self.program).args(["run", "-S", "help"]));
        let told = help.output + &help.errors;
        told.split_whitespace()
            .any(|word| word.split('[').next() == Some(flag))
    }
}

#[test]
fn a_message_is_sent_in_the_clear_and_through_tls() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["127.0.0.1", "localhost"]);
    let files: [(&str, &[u8]); 2] = [("a.hl7", &message("1")), ("ca.pem", &authority.pem())];
    let folder = Folder::new("wasmtimes", &files);
    for release in Release::all() {
        let plain = Receiver::new().accept().serve(1, "AA").start();
        let address = plain.address.to_string();
        let sent = release.send(folder.path(), &NETWORK, &[&address, "a.hl7"]);
        assert!(sent.success, "{}: {sent:?}", release.version);
        let _ = plain.finish();

        let tls = Receiver::new().accept().shake_hands(issued.server());
        let tls = tls.serve(1, "AA").expect_closing().start();
        let name = format!("localhost:{}", tls.address.port());
        let flags = [NETWORK, LOOKUPS].concat();
        let arguments = ["--tls", "--ca", "ca.pem", &name, "a.hl7"];
        let sent = release.send(folder.path(), &flags, &arguments);
        assert!(sent.success, "{}: {sent:?}", release.version);
        let _ = tls.finish();
    }
}

#[test]
fn a_frame_larger_than_any_permit_arrives_whole_in_the_clear_and_through_tls() {
    let message = message_of("1", 5_000_000);
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["127.0.0.1"]);
    let files: [(&str, &[u8]); 2] = [("large.hl7", &message), ("ca.pem", &authority.pem())];
    let folder = Folder::new("wasmtimes-large", &files);
    for release in Release::all() {
        let plain = Receiver::new().accept();
        let tls = Receiver::new().accept().shake_hands(issued.server());
        for (receiver, options) in [(plain, &[][..]), (tls, &["--tls", "--ca", "ca.pem"])] {
            let receiver = receiver.expect(&message).acknowledge("AA").start();
            let address = receiver.address.to_string();
            let arguments = [options, &[&address, "large.hl7"]].concat();
            let sent = release.send(folder.path(), &NETWORK, &arguments);
            assert!(sent.success, "{}: {sent:?}", release.version);
            let _ = receiver.finish();
        }
    }
}

#[test]
fn what_is_not_granted_is_named_by_a_flag_that_the_release_has() {
    let folder = Folder::new("wasmtimes-denied", &[("a.hl7", &message("1"))]);
    let cases = [
        (&[][..], "127.0.0.1:2575", "inherit-network"),
        (&NETWORK[..], "localhost:2575", "allow-ip-name-lookup"),
    ];
    for release in Release::all() {
        for (flags, receiver, missing) in cases {
            let denied = release.send(folder.path(), flags, &[receiver, "a.hl7"]);
            assert!(!denied.success, "{}", release.version);
            assert!(denied.output.contains("access-denied"), "{denied:?}");
            assert!(
                denied.errors.contains(&format!("-S {missing}")),
                "{}: {denied:?}",
                release.version
            );
            assert!(release.knows(missing), "{}", release.version);
        }
        assert!(!release.knows("inherit-networks"), "any word is a flag");
    }
}

#[test]
fn a_receiver_that_stops_reading_ends_the_command_by_its_deadline() {
    let message = message_of("1", 9_000_000);
    let folder = Folder::new("wasmtimes-stalled", &[("large.hl7", &message)]);
    for release in Release::all() {
        let ended = Event::new();
        let receiver = Receiver::new().accept().expect_part(1).wait_for(&ended);
        let receiver = receiver.start();
        let address = receiver.address.to_string();
        let arguments = ["--timeout", "500ms", &address, "large.hl7"];
        let sent = release.send(folder.path(), &NETWORK, &arguments);
        ended.announce();
        assert!(!sent.success, "{}", release.version);
        assert!(sent.output.contains("timed-out"), "{sent:?}");
        let _ = receiver.finish();
    }
}
