//! The library component from Python.

use std::path::Path;
use std::process::Command;

use host_tests::certificates::{Authority, Key};
use host_tests::examples::{self, Ended};
use host_tests::folder::Folder;
use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::sandbox;

/// Runs Python with the releases of a list, in the example's folder, which is where
/// `mllp` is imported from. `None` if they are left out.
fn run(list: &str, arguments: &[&str]) -> Option<Ended> {
    sandbox::components();
    let python = examples::installed(&format!("python/{list}/bin/python"))?;
    let mut command = Command::new(python);
    command.current_dir(examples::folder("python"));
    Some(examples::run(command.arg("-B").args(arguments)))
}

fn path(folder: &Folder, file: &str) -> String {
    Path::new(folder.path()).join(file).display().to_string()
}

/// Connects to 127.0.0.1 or a name with these grants, and prints what failed.
fn denied(list: &str, host: &str, grants: &str) -> Option<Ended> {
    let script = format!(
        "from mllp import Failure, Mllp\n\
         mllp = Mllp('../../target/components/mllp_client.wasm', {grants})\n\
         try:\n    mllp.MllpClient.connect(mllp.ConnectOptions('{host}', 2575))\n\
         except Failure as failure:\n    \
         print(failure.cause.tag, failure.cause.payload, failure.delivery)\n"
    );
    run(list, &["-c", &script])
}

#[test]
fn a_script_of_twenty_lines_sends_in_the_clear_and_through_tls() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["localhost"]);
    let files: [(&str, &[u8]); 2] = [("a.hl7", &message("1")), ("ca.pem", &authority.pem())];
    let folder = Folder::new("python", &files);
    let (file, ca) = (path(&folder, "a.hl7"), path(&folder, "ca.pem"));

    let plain = Receiver::new().accept().serve(1, "AA").expect_end();
    let tls = Receiver::new().accept().shake_hands(issued.server());
    let tls = tls.serve(1, "AE").expect_closing();
    if examples::installed("python/requirements/installed").is_none() {
        return;
    }
    let (plain, tls) = (plain.start(), tls.start());
    let address = plain.address.to_string();
    let sent = run("requirements", &["send.py", &address, &file]).expect("Python");
    assert_eq!(sent.output, "applied\n", "{sent:?}");
    let _ = plain.finish();
    let name = format!("localhost:{}", tls.address.port());
    let sent = run("requirements", &["send.py", &name, &file, &ca]).expect("Python");
    assert_eq!(sent.output, "refused\n", "{sent:?}");
    let _ = tls.finish();

    let script = std::fs::read_to_string(examples::folder("python").join("send.py"));
    let lines = script.expect("the script").lines().count();
    assert!(lines <= 22, "{lines}");
}

#[test]
fn a_failure_is_an_exception_that_tells_what_is_known_about_the_message() {
    let folder = Folder::new("python-refused", &[("a.hl7", &message("1"))]);
    let file = path(&folder, "a.hl7");
    let refusing = host_tests::absent::Refusing::new();
    let address = refusing.address.to_string();
    let Some(sent) = run("requirements", &["send.py", &address, &file]) else {
        return;
    };
    assert!(!sent.success);
    assert!(sent.errors.starts_with("not-sent: "), "{sent:?}");
}

#[test]
fn what_is_not_granted_is_denied() {
    let Some(network) = denied("requirements", "127.0.0.1", "network=False") else {
        return;
    };
    assert_eq!(network.output, "access-denied address not-sent\n");
    let lookups = denied("requirements", "localhost", "lookups=False").expect("Python");
    assert_eq!(lookups.output, "access-denied name-lookup not-sent\n");
}

#[test]
fn the_newest_release_cannot_be_told_to_open_tcp() {
    let Some(newest) = denied("newest", "127.0.0.1", "network=True") else {
        return;
    };
    assert_eq!(newest.output, "access-denied tcp not-sent\n", "{newest:?}");
}
