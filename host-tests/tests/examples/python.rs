//! The library component from Python.

use std::path::Path;
use std::process::Command;

use host_tests::absent::Refusing;
use host_tests::certificates::{Authority, Key};
use host_tests::examples::{self, Ended};
use host_tests::folder::Folder;
use host_tests::messages::{message, message_of};
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

/// Connects as the last arguments of `Mllp` allow it, and prints what came of it.
fn connecting(list: &str, module: &str, host: &str, allowed: &str) -> Option<Ended> {
    let script = format!(
        "from mllp import Failure\nfrom {module} import Mllp\n\
         mllp = Mllp('../../target/components/mllp_client.wasm', {allowed})\n\
         try:\n    mllp.MllpClient.connect(mllp.ConnectOptions('{host}', 2575))\n\
         except Failure as failure:\n    \
         print(failure.cause.tag, failure.cause.payload, failure.delivery)\n"
    );
    run(list, &["-c", &script])
}

/// The same with the network of Python.
fn denied(host: &str, allowed: &str) -> Option<String> {
    let ended = connecting("requirements", "mllp", host, allowed)?;
    assert!(ended.success, "{ended:?}");
    Some(ended.output)
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
    let refusing = Refusing::new();
    let address = refusing.address.to_string();
    let Some(sent) = run("requirements", &["send.py", &address, &file]) else {
        return;
    };
    assert!(!sent.success);
    assert!(sent.errors.starts_with("not-sent: "), "{sent:?}");
}

#[test]
fn the_receivers_that_are_named_can_be_reached_and_no_others() {
    let refused = "access-denied address not-sent\n";
    let Some(another_port) = denied("127.0.0.1", "['127.0.0.1:2576']") else {
        return;
    };
    assert_eq!(another_port, refused);
    let another_address = denied("127.0.0.1", "['127.0.0.2:2575', '[::1]:2575']");
    assert_eq!(another_address.as_deref(), Some(refused));
    // It resolves to the address, and is no grant for it.
    let by_name = denied("localhost", "['127.0.0.1:2575']");
    let looked_up = "access-denied name-lookup not-sent\n";
    assert_eq!(by_name.as_deref(), Some(looked_up));
    let another_port_of_a_name = denied("localhost", "['localhost:2576']");
    assert_eq!(another_port_of_a_name.as_deref(), Some(refused));
}

#[test]
fn a_message_larger_than_a_write_and_a_deadline_pass_through_the_network_of_python() {
    // The package takes a list byte by byte, and a second for this.
    let large = message_of("1", 300_000);
    let small = message_of("2", 300);
    let folder = Folder::new(
        "python-large",
        &[("large.hl7", &large), ("small.hl7", &small)],
    );
    if examples::installed("python/requirements/installed").is_none() {
        return;
    }
    let receiver = Receiver::new().accept().expect(&large).acknowledge("AA");
    let receiver = receiver.expect_end().start();
    let address = receiver.address.to_string();
    let file = path(&folder, "large.hl7");
    let sent = run("requirements", &["send.py", &address, &file]).expect("Python");
    assert_eq!(sent.output, "applied\n", "{sent:?}");
    let _ = receiver.finish();

    let silent = Receiver::new().accept().expect_any().expect_end().start();
    let port = silent.address.port();
    let file = path(&folder, "small.hl7");
    let script = format!(
        "from mllp import Failure, Mllp\n\
         mllp = Mllp('../../target/components/mllp_client.wasm', ['127.0.0.1:{port}'])\n\
         options = mllp.ConnectOptions('127.0.0.1', {port})\n\
         options.set_timeout(2000)\noptions.set_keep_alive(True)\n\
         options.set_keep_alive_interval(5000)\n\
         try:\n    mllp.MllpClient.connect(options).send(open('{file}', 'rb').read())\n\
         except Failure as failure:\n    print(failure.cause.tag, failure.delivery)\n"
    );
    let ended = run("requirements", &["-c", &script]).expect("Python");
    assert_eq!(ended.output, "timed-out in-doubt\n", "{ended:?}");
    let _ = silent.finish();
}

#[test]
fn releases_45_to_47_can_be_granted_the_network_of_wasmtime() {
    let denied = |host: &str, allowed: &str| connecting("granting", "granted", host, allowed);
    let Some(network) = denied("127.0.0.1", "network=False") else {
        return;
    };
    assert_eq!(network.output, "access-denied address not-sent\n");
    let lookups = denied("localhost", "lookups=False").expect("Python");
    assert_eq!(lookups.output, "access-denied name-lookup not-sent\n");

    let folder = Folder::new("python-granted", &[("a.hl7", &message("1"))]);
    let receiver = Receiver::new().accept().serve(1, "AA").expect_end().start();
    let script = format!(
        "from granted import Mllp\n\
         mllp = Mllp('../../target/components/mllp_client.wasm')\n\
         client = mllp.MllpClient.connect(mllp.ConnectOptions('127.0.0.1', {}))\n\
         print(client.send(open('{}', 'rb').read()).verdict)\nclient.close()\n",
        receiver.address.port(),
        path(&folder, "a.hl7"),
    );
    let sent = run("granting", &["-c", &script]).expect("Python");
    assert_eq!(sent.output, "applied\n", "{sent:?}");
    let _ = receiver.finish();
}

#[test]
fn later_releases_cannot_be_granted_it() {
    let Some(newest) = connecting("requirements", "granted", "127.0.0.1", "network=True") else {
        return;
    };
    assert_eq!(newest.output, "access-denied tcp not-sent\n", "{newest:?}");
}

#[test]
fn release_50_fails_when_python_supplies_the_network() {
    let Some(broken) = connecting("broken", "mllp", "127.0.0.1", "['127.0.0.1:2575']") else {
        return;
    };
    assert!(!broken.success);
    let reason = "deferred host scope has no call context";
    assert!(broken.errors.contains(reason), "{broken:?}");
}
