//! The shell command `mllp-send`, which grants what its arguments need.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use host_tests::folder::Folder;
use host_tests::messages::message;
use host_tests::peers;
use host_tests::receiver::Receiver;
use host_tests::{sandbox, watch};

/// In the place of wasmtime: tells what it is called with.
const TELLTALE: &[u8] = b"#!/bin/sh\nfor word; do echo \"$word\"; done\n";

const NETWORK: &str = "-Sinherit-network";
const LOOKUPS: &str = "-Sallow-ip-name-lookup";

fn script() -> PathBuf {
    components::root().join("script/mllp-send")
}

/// The script in a folder, with a wasmtime that only tells, and nothing of the
/// variables it knows.
fn command(script: &Path, folder: &Path) -> Command {
    let telltale = folder.join("telltale");
    fs::write(&telltale, TELLTALE).unwrap();
    fs::set_permissions(&telltale, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(script);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MLLP_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).env("MLLP_WASMTIME", telltale);
    command
}

/// What it calls wasmtime with: the flags, the component, and the rest.
fn called(command: &mut Command) -> (Vec<String>, String, Vec<String>) {
    let output = command.output().expect("the script runs");
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let mut words = told.lines().map(str::to_owned);
    assert_eq!(words.next().as_deref(), Some("run"));
    let mut flags: Vec<_> = words.collect();
    let at = flags.iter().position(|word| !word.starts_with('-'));
    let mut rest = flags.split_off(at.expect("a component"));
    let component = rest.remove(0);
    (flags, component, rest)
}

/// A folder with messages in some places.
fn places(test: &str) -> Folder {
    let folder = Folder::new(test, &[("a.hl7", &message("1")), ("ca.pem", b"")]);
    for below in ["lab/new", "of the ward"] {
        fs::create_dir_all(folder.path().join(below)).unwrap();
    }
    for file in ["lab/b.hl7", "lab/new/c.hl7", "of the ward/d.hl7"] {
        fs::write(folder.path().join(file), message("2")).unwrap();
    }
    folder
}

/// Holds what is granted for a command line, whose words stand between bars.
fn granted(folder: &Folder, line: &str, expected: &[&str]) {
    granted_with(folder, &[], line, expected);
}

fn granted_with(folder: &Folder, variables: &[(&str, &str)], line: &str, expected: &[&str]) {
    let arguments: Vec<_> = line.split('|').filter(|word| !word.is_empty()).collect();
    let mut command = command(&script(), folder.path());
    command.args(&arguments).envs(variables.iter().copied());
    command.env("MLLP_SEND_COMPONENT", "a.hl7");
    let (flags, component, rest) = called(&mut command);
    assert_eq!(flags, expected, "{line}");
    assert_eq!(component, "a.hl7");
    assert_eq!(rest, arguments, "the arguments are passed on as they are");
}

#[test]
fn an_address_needs_the_network_and_a_name_the_lookup_of_names_too() {
    let folder = places("wrapper-network");
    for address in ["10.0.0.5:2575", "[::1]:2575", "[2001:db8::5]:2575"] {
        granted(&folder, address, &[NETWORK]);
        granted(&folder, &format!("check|{address}"), &[NETWORK]);
    }
    for name in ["lab:2575", "lab.example:2575", "10.0.0.5.example:2575"] {
        granted(&folder, name, &[NETWORK, LOOKUPS]);
        granted(&folder, &format!("check|--tls|{name}"), &[NETWORK, LOOKUPS]);
    }
    let second = "--second-receiver|lab:2575|10.0.0.5:2575";
    granted(&folder, second, &[NETWORK, LOOKUPS]);
    let second = "--second-receiver=10.0.0.6:2575|10.0.0.5:2575";
    granted(&folder, second, &[NETWORK]);
}

#[test]
fn what_sends_nothing_gets_no_network() {
    let folder = places("wrapper-nothing");
    for option in ["--help", "-h", "--version", "-V"] {
        granted(&folder, option, &[]);
    }
    granted(&folder, "--dry-run|lab:2575|a.hl7", &["--dir=."]);
    granted(&folder, "lab:2575|lab/b.hl7|--dry-run", &["--dir=lab"]);
    let refused = "10.0.0.5:2575|--|--help";
    granted(&folder, refused, &["--dir=.", NETWORK]);
}

#[test]
fn a_file_needs_the_folder_that_it_lies_in_and_no_other() {
    let folder = places("wrapper-folders");
    let receiver = "10.0.0.5:2575";
    let absolute = folder.path().join("lab/b.hl7").display().to_string();
    let absolute_folder = format!("--dir={}/lab", folder.path().display());
    for (files, expected) in [
        ("", &[][..]),
        ("-", &[]),
        ("a.hl7", &["--dir=."]),
        ("lab/b.hl7", &["--dir=lab"]),
        ("lab/b.hl7|lab/none.hl7|lab/b.hl7", &["--dir=lab"]),
        ("a.hl7|lab/new/c.hl7", &["--dir=.", "--dir=lab/new"]),
        ("of the ward/d.hl7", &["--dir=of the ward"]),
        ("lab|lab/", &["--dir=lab"]),
        ("/", &["--dir=/"]),
        ("lab/*.hl7", &["--dir=lab"]),
        ("lab/n*/c.hl7", &["--dir=lab"]),
        ("*.hl7", &["--dir=."]),
        ("./lab/b.hl7", &["--dir=."]),
        ("../no such folder/x.hl7", &[]),
        (&absolute, &[absolute_folder.as_str()]),
    ] {
        let expected = [expected, &[NETWORK]].concat();
        granted(&folder, &format!("{receiver}|{files}"), &expected);
    }
}

#[test]
fn an_option_that_names_a_file_needs_its_folder_and_another_options_value_nothing() {
    let folder = places("wrapper-options");
    let expected = ["--dir=.", "--dir=lab", NETWORK];
    let line = "--journal|lab/done|--save-acks=new folder|10.0.0.5:2575";
    granted(&folder, line, &["--dir=lab", "--dir=.", NETWORK]);
    let line = "--tls|--ca|ca.pem|--crl=lab/crl.pem|10.0.0.5:2575";
    granted(&folder, line, &expected);
    granted(&folder, &format!("check|{line}"), &expected);
    let line = "--timeout|5s|--server-name|lab|10.0.0.5:2575|--settle-on=accept|--json";
    granted(&folder, line, &[NETWORK]);
}

#[test]
fn the_variables_of_options_are_passed_on_and_need_what_the_options_need() {
    let folder = places("wrapper-variables");
    let address = "10.0.0.5:2575";
    let timeout = [("MLLP_TIMEOUT", "5s"), ("OTHER", "1")];
    let expected = ["--env=MLLP_TIMEOUT", NETWORK];
    granted_with(&folder, &timeout, address, &expected);
    let expected = ["--env=MLLP_CA", "--dir=lab", NETWORK];
    granted_with(&folder, &[("MLLP_CA", "lab/ca.pem")], address, &expected);
    let second = [("MLLP_SECOND_RECEIVER", "lab:2575")];
    let expected = ["--env=MLLP_SECOND_RECEIVER", NETWORK, LOOKUPS];
    granted_with(&folder, &second, address, &expected);
    let flag = "--env=MLLP_DRY_RUN";
    granted_with(&folder, &[("MLLP_DRY_RUN", "Yes")], address, &[flag]);
    granted_with(
        &folder,
        &[("MLLP_DRY_RUN", "Off")],
        address,
        &[flag, NETWORK],
    );
}

#[test]
fn the_component_is_found_near_the_script_and_through_a_link_to_it() {
    for place in ["bin", "lib", "share/mllp-send"] {
        let folder = Folder::new("wrapper-places", &[]);
        for below in ["bin", "lib", "share/mllp-send"] {
            fs::create_dir_all(folder.path().join(below)).unwrap();
        }
        let installed = folder.path().join("bin/mllp-send");
        fs::copy(script(), &installed).unwrap();
        let link = folder.path().join("link");
        symlink("bin/mllp-send", &link).unwrap();

        let output = command(&installed, folder.path()).output().unwrap();
        assert!(!output.status.success());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("MLLP_SEND_COMPONENT"), "{errors}");

        let component = folder.path().join(place).join("mllp-send.wasm");
        fs::write(&component, "").unwrap();
        for script in [&installed, &link] {
            let (_, found, _) = called(&mut command(script, folder.path()));
            let found = folder.path().join(found).canonicalize().unwrap();
            assert_eq!(found, component.canonicalize().unwrap());
        }
    }
}

#[test]
fn what_wasmtime_cannot_be_told_is_refused() {
    let folder = places("wrapper-refused");
    fs::create_dir(folder.path().join("a::b")).unwrap();
    let mut with_colons = command(&script(), folder.path());
    let output = with_colons.args(["10.0.0.5:2575", "a::b/c.hl7"]).output();
    let output = output.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("a::b"));

    let mut without_wasmtime = command(&script(), folder.path());
    without_wasmtime.env("MLLP_WASMTIME", "no-such-wasmtime");
    let output = without_wasmtime.arg("10.0.0.5:2575").output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-wasmtime"));
}

/// Runs the script with the true wasmtime; `None` if that is left out.
fn run(folder: &Folder, arguments: &[&str]) -> Option<Output> {
    let mut command = command(&script(), folder.path());
    command.env("MLLP_WASMTIME", peers::wasmtime()?);
    command.env("MLLP_SEND_COMPONENT", &sandbox::components().command);
    let output = command.args(arguments).output().expect("the script runs");
    watch::nothing_in_text("standard error", &output.stderr);
    watch::nothing_in_text("standard output", &output.stdout);
    Some(output)
}

#[test]
fn the_grants_are_enough_wherever_the_files_lie() {
    let folder = places("wrapper-sends");
    let receiver = Receiver::new().accept().serve(6, "AA").start();
    let name = format!("localhost:{}", receiver.address.port());
    let absolute = folder.path().join("lab/b.hl7").display().to_string();
    let beside = folder.path().file_name().unwrap().to_str().unwrap();
    let beside = format!("../{beside}/lab/b.hl7");
    let files = [
        "a.hl7",
        "lab/new/c.hl7",
        "of the ward/d.hl7",
        "./lab/b.hl7",
        &absolute,
        &beside,
    ];
    let arguments = [&[name.as_str()][..], &files].concat();
    let Some(output) = run(&folder, &arguments) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(told.matches("applied").count(), files.len(), "{told}");
    let _ = receiver.finish();
}

#[test]
fn help_needs_no_grant() {
    let folder = places("wrapper-help");
    let Some(output) = run(&folder, &["--help"]) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("--timeout"));
}

#[test]
fn shellcheck_finds_nothing_in_the_script() {
    let found = Command::new("shellcheck").arg(script()).output();
    let Ok(output) = found else {
        peers::leave_out_until("shellcheck", "examples/registry/install");
        return;
    };
    assert!(output.status.success(), "{output:?}");
}
