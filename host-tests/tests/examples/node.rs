//! The library component under Node.js, as the npm package that the example builds.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use host_tests::absent::Refusing;
use host_tests::certificates::{Authority, Key};
use host_tests::examples::{self, Ended};
use host_tests::folder::Folder;
use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::{samples, sandbox};

/// What the package must consist of, beside the component.
const FILES: [&str; 8] = [
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "component/interfaces/hl7-mllp-client.d.ts",
    "component/interfaces/hl7-mllp-types.d.ts",
    "index.d.ts",
    "index.js",
    "package.json",
];

/// Builds the package, once. `false` if it is left out.
fn is_built() -> bool {
    static BUILT: OnceLock<bool> = OnceLock::new();
    *BUILT.get_or_init(|| {
        if examples::installed_in_place("node/node_modules/lock.installed").is_none() {
            return false;
        }
        sandbox::components();
        let built = npm(&examples::folder("node"), &["run", "build"]);
        assert!(built.success, "{built:?}");
        true
    })
}

fn npm(folder: &Path, arguments: &[&str]) -> Ended {
    examples::run(Command::new("npm").current_dir(folder).args(arguments))
}

/// Runs Node.js in a folder from which the package can be imported.
fn node(folder: &Path, arguments: &[&str]) -> Ended {
    examples::run(Command::new("node").current_dir(folder).args(arguments))
}

/// Runs a module in the example's folder.
fn module(source: &str) -> Ended {
    let names = "ConnectOptions, MllpClient, denyNameLookups, denyTcp, failureOf";
    let source = format!("import {{ {names} }} from 'mllp-client';\n{source}");
    let arguments = ["--input-type=module", "--eval", &source];
    node(&examples::folder("node"), &arguments)
}

/// Connects, and prints what failed.
fn failing(before: &str, host: &str, port: u16) -> Ended {
    module(&format!(
        "{before}
         try {{
           MllpClient.connect(new ConnectOptions('{host}', {port}));
         }} catch (error) {{
           const {{ cause, delivery }} = failureOf(error);
           console.log(cause.tag, cause.val, delivery);
         }}"
    ))
}

#[test]
fn a_program_sends_in_the_clear_and_through_tls() {
    if !is_built() {
        return;
    }
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["localhost"]);
    let large = samples::all().pop().expect("the large sample").message;
    let files: [(&str, &[u8]); 3] = [
        ("a.hl7", &message("1")),
        ("large.hl7", &large),
        ("ca.pem", &authority.pem()),
    ];
    let folder = Folder::new("node", &files);
    let [a, large_file, ca] = ["a.hl7", "large.hl7", "ca.pem"].map(|file| {
        let path = folder.path().join(file);
        path.display().to_string()
    });
    let example = examples::folder("node");

    let plain = Receiver::new().accept().serve(2, "AA").expect_end();
    let plain = plain.start();
    let address = plain.address.to_string();
    let sent = node(&example, &["send.mjs", &address, &a, &large_file]);
    assert!(sent.success, "{sent:?}");
    assert_eq!(
        sent.output,
        format!("{a}  applied\n{large_file}  applied\n")
    );
    assert_eq!(plain.finish(), [message("1"), large.clone()]);

    let tls = Receiver::new().accept().shake_hands(issued.server());
    let tls = tls.serve(2, "AE").expect_closing().start();
    let name = format!("localhost:{}", tls.address.port());
    let sent = node(&example, &["send.mjs", "--ca", &ca, &name, &a, &large_file]);
    assert!(sent.success, "{sent:?}");
    assert_eq!(
        sent.output,
        format!("{a}  refused\n{large_file}  refused\n")
    );
    assert_eq!(tls.finish(), [message("1"), large]);
}

#[test]
fn a_failure_carries_what_is_known_about_the_message() {
    if !is_built() {
        return;
    }
    let refusing = Refusing::new();
    let address = refusing.address;
    let refused = failing("", &address.ip().to_string(), address.port());
    assert_eq!(refused.output, "connection-refused undefined not-sent\n");
}

#[test]
fn a_call_keeps_its_deadline_and_nothing_else_runs_meanwhile() {
    if !is_built() {
        return;
    }
    let file = Folder::new("node-silent", &[("a.hl7", &message("1"))]);
    let silent = Receiver::new().accept().expect_any().expect_end().start();
    let ended = module(&format!(
        "import {{ readFileSync }} from 'node:fs';
         const message = readFileSync('{}');
         const options = new ConnectOptions('127.0.0.1', {});
         options.setTimeout(400);
         let ticks = 0;
         const ticking = setInterval(() => {{ ticks += 1; }}, 1);
         try {{
           MllpClient.connect(options).send(message);
         }} catch (error) {{
           const failure = failureOf(error);
           console.log(failure.cause.tag, failure.delivery, ticks);
         }}
         clearInterval(ticking);",
        file.path().join("a.hl7").display(),
        silent.address.port()
    ));
    assert_eq!(ended.output, "timed-out in-doubt 0\n", "{ended:?}");
    let _ = silent.finish();
}

#[test]
fn what_the_host_is_told_to_deny_is_denied() {
    if !is_built() {
        return;
    }
    let tcp = failing("denyTcp();", "127.0.0.1", 2575);
    assert_eq!(tcp.output, "access-denied address not-sent\n", "{tcp:?}");
    let names = failing("denyNameLookups();", "localhost", 2575);
    assert_eq!(names.output, "access-denied name-lookup not-sent\n");
}

#[test]
fn keep_alive_settings_that_node_cannot_apply_are_taken_without_a_warning() {
    if !is_built() {
        return;
    }
    let file = Folder::new("node-keep-alive", &[("a.hl7", &message("1"))]);
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let sent = module(&format!(
        "import {{ readFileSync }} from 'node:fs';
         const options = new ConnectOptions('127.0.0.1', {});
         options.setKeepAlive(true);
         options.setKeepAliveInterval(5_000);
         options.setKeepAliveCount(3);
         const reply = MllpClient.connect(options).send(readFileSync('{}'));
         console.log(reply.verdict, reply.warnings.length);",
        receiver.address.port(),
        file.path().join("a.hl7").display(),
    ));
    assert_eq!(sent.output, "applied 0\n", "{sent:?}");
    let _ = receiver.finish();
}

#[test]
fn the_types_say_what_the_package_does() {
    if !is_built() {
        return;
    }
    let checked = npm(&examples::folder("node"), &["run", "types"]);
    assert!(checked.success, "{checked:?}");
}

#[test]
fn the_packed_package_works_in_an_empty_folder() {
    if !is_built() {
        return;
    }
    let example = examples::folder("node");
    let project = Folder::new("node-project", &[("a.hl7", &message("1"))]);
    let packing = project.path().display().to_string();
    let package = example.join("mllp-client");
    let packed = npm(
        &package,
        &["pack", "--json", "--pack-destination", &packing],
    );
    let told: serde_json::Value = serde_json::from_str(&packed.output).expect("JSON");
    let told = told.get(0).unwrap_or(&told);
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    let files: Vec<_> = told["files"].as_array().expect("files").iter().collect();
    for file in FILES {
        assert!(files.iter().any(|one| one["path"] == file), "{file}");
    }
    let tarball = format!("./{}", told["filename"].as_str().expect("a name"));
    let quiet = [
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefer-offline",
    ];
    let installed = npm(
        project.path(),
        &[&["install", &tarball], &quiet[..]].concat(),
    );
    assert!(installed.success, "{installed:?}");

    let send = std::fs::read(example.join("send.mjs")).expect("the script");
    std::fs::write(project.path().join("send.mjs"), send).expect("a copy");
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let address = receiver.address.to_string();
    let sent = node(project.path(), &["send.mjs", &address, "a.hl7"]);
    assert_eq!(sent.output, "a.hl7  applied\n", "{sent:?}");
    let _ = receiver.finish();
}
