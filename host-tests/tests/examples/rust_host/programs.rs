//! The programs `send` and `many`, and how they are run here.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use host_tests::certificates::{Authority, Key};
use host_tests::folder::Folder;
use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::{sandbox, watch};

use super::compiled;
use super::crowd::Crowd;

const PROGRAMS: [&str; 3] = ["send", "many", "mllp-sandbox"];

/// Has the example's programs built, as `cargo build` makes them. They are another
/// package's, so cargo does not have them ready for these tests. That takes a while: a
/// receiver's patience begins after it.
pub(crate) fn built() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked"]);
        for program in PROGRAMS {
            cargo.args(["--bin", program]);
        }
        let built = cargo.current_dir(components::root()).status().unwrap();
        assert!(built.success(), "the programs do not build");
    });
}

/// One of the example's programs.
pub(crate) fn program(name: &str) -> Command {
    built();
    // Of host-tests itself, so in the same folder.
    let neighbour = Path::new(env!("CARGO_BIN_EXE_embed"));
    Command::new(neighbour.with_file_name(name))
}

/// Runs it to its end; nothing that it prints is content.
pub(crate) fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    watch::nothing_in_text("standard output", &stdout);
    watch::nothing_in_text("standard error", &stderr);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn send() -> Command {
    let mut send = program("send");
    send.arg("--component").arg(&sandbox::components().library);
    send.arg("--compiled").arg(compiled());
    send
}

#[test]
fn a_file_is_sent_in_the_clear() {
    built();
    let folder = Folder::new("send", &[("1.hl7", &message("1"))]);
    for (code, status, told) in [("AA", 0, "Applied"), ("AE", 1, "Refused")] {
        let receiver = Receiver::new().accept().serve(1, code).start();
        let (ended, output, errors) = run(send()
            .arg(receiver.address.to_string())
            .arg(folder.path().join("1.hl7")));
        assert_eq!((ended, errors.as_str()), (Some(status), ""));
        assert_eq!(output, format!("Verdict::{told}\n"));
        assert_eq!(receiver.finish(), [message("1")]);
    }
}

#[test]
fn a_file_is_sent_through_tls_to_a_receiver_that_proves_itself() {
    built();
    let authority = Authority::new(Key::P256);
    let other = Authority::new(Key::P256);
    let issued = authority.receiver(&["127.0.0.1"]);
    let files: [(&str, &[u8]); 3] = [
        ("1.hl7", &message("1")),
        ("ca.pem", &authority.pem()),
        ("other.pem", &other.pem()),
    ];
    let folder = Folder::new("send-tls", &files);
    let sent = |receiver: &host_tests::receiver::Running, ca: &str| {
        run(send()
            .current_dir(folder.path())
            .args(["--tls", "--ca", ca])
            .arg(receiver.address.to_string())
            .arg("1.hl7"))
    };
    let receiver = Receiver::new()
        .accept()
        .shake_hands(issued.server())
        .serve(1, "AA")
        .expect_closing()
        .start();
    let (ended, output, errors) = sent(&receiver, "ca.pem");
    assert_eq!((ended, errors.as_str()), (Some(0), ""));
    assert_eq!(output, "Verdict::Applied\n");
    assert_eq!(receiver.finish(), [message("1")]);

    let receiver = Receiver::new()
        .accept()
        .refuse_handshake(issued.server())
        .start();
    let (ended, output, errors) = sent(&receiver, "other.pem");
    assert_eq!((ended, output.as_str()), (Some(1), ""));
    assert!(errors.contains("authority"), "{errors}");
    let _ = receiver.finish();
}

#[test]
fn many_senders_tell_what_they_counted() {
    built();
    let crowd = Crowd::of(8);
    let folder = Folder::new("many", &[("1.hl7", &message("1"))]);
    let (ended, output, errors) = run(program("many")
        .arg("--component")
        .arg(&sandbox::components().library)
        .args(["--instances", "8", "--messages", "5"])
        .arg(crowd.address.to_string())
        .arg(folder.path().join("1.hl7")));
    assert_eq!((ended, errors.as_str()), (Some(0), ""));
    let told = |line: &str| assert!(output.lines().any(|told| told == line), "{output}");
    told("mllp_instances_total 8");
    told("mllp_connections_total{which=\"first\"} 8");
    told("mllp_exchanges_total{verdict=\"applied\"} 40");
    told("mllp_acknowledgment_seconds_count 40");
    assert_eq!(crowd.finish(), vec![vec![message("1"); 5]; 8]);
}

#[test]
fn a_copy_of_the_folder_stands_alone() {
    let copy = Folder::new("copy", &[]);
    let copied = Command::new("cp")
        .args(["-RL", "examples/rust-host"])
        .arg(copy.path())
        .current_dir(components::root())
        .status();
    assert!(copied.unwrap().success());
    let folder = copy.path().join("rust-host");
    assert!(folder.join("wit/world.wit").is_file());
    // Everything that it inherits or depends on is there: cargo reads it.
    let read = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("path ="),
        "it depends on this repository"
    );
}
