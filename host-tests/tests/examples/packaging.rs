//! What a release holds, and that it survives a registry.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use components::release::{self, Release};
use components::{metadata, tool};
use host_tests::folder::Folder;
use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::registry::Registry;
use host_tests::{peers, sandbox, watch};
use serde_json::Value;
use wasmtime::component::Component;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const COMPONENTS: [&str; 2] = ["mllp_client.wasm", "mllp-send.wasm"];

/// Where the tests' release lies.
fn dist() -> PathBuf {
    components::root().join("target/dist-of-tests")
}

/// A release, made once; `None`, said loudly, where a tool that makes it is not
/// installed.
fn release() -> Option<&'static Release> {
    static MADE: OnceLock<Option<Release>> = OnceLock::new();
    let make = || {
        for name in ["cargo-cyclonedx", "wkg"] {
            if tool(name).is_err() {
                peers::leave_out_until(name, ".ci/tools");
                return None;
            }
        }
        Some(release::make(&dist()).expect("the release is made"))
    };
    MADE.get_or_init(make).as_ref()
}

/// The sections at a component's end, by their names. Of the parts before, it needs
/// to know how long they are.
fn sections(component: &[u8]) -> BTreeMap<String, String> {
    let mut rest = component.get(8..).expect("a head");
    let mut sections = BTreeMap::new();
    while let Some((kind, after)) = rest.split_first() {
        let (length, after) = number(after);
        let (content, after) = after.split_at(length);
        if *kind == 0 {
            let (length, content) = number(content);
            let (name, said) = content.split_at(length);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let before = sections.insert(text(name), text(said));
            assert!(before.is_none(), "two sections of one name");
        }
        rest = after;
    }
    sections
}

/// A number in LEB128, and what follows it.
fn number(bytes: &[u8]) -> (usize, &[u8]) {
    let digits = bytes.iter().take_while(|byte| **byte > 127).count() + 1;
    let (number, rest) = bytes.split_at(digits);
    let number = number.iter().rev();
    let number = number.fold(0, |sum, digit| (sum << 7) | usize::from(digit & 127));
    (number, rest)
}

fn git(arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    let output = git.current_dir(components::root()).args(arguments).output();
    String::from_utf8(output.expect("git").stdout).unwrap()
}

#[test]
fn each_component_says_what_it_is_and_no_component_of_a_commit() {
    let built = sandbox::components();
    for file in [&built.library, &built.command] {
        let said = sections(&fs::read(file).unwrap());
        assert_eq!(said["version"], VERSION);
        assert_eq!(said["licenses"], "MIT OR Apache-2.0");
        assert_eq!(said["authors"], "The mllp-client authors");
        assert!(said["description"].contains("HL7 v2"), "{said:?}");
        assert!(!said.contains_key(metadata::REVISION));
    }
}

#[test]
fn wkg_is_told_of_the_wit_package_what_cargo_is_told_of_the_components() {
    let read = |file: &str| fs::read_to_string(components::root().join(file)).unwrap();
    let wkg = read("wkg.toml");
    let fields = metadata::of(components::root(), "mllp_client.wasm").unwrap();
    for (name, said) in fields {
        match name {
            // The package has its own, and its own version.
            "description" | "version" => {}
            name => assert!(wkg.contains(&format!("{name} = \"{said}\"")), "{name}"),
        }
    }
    let dependencies = fs::read_dir(components::root().join("wit/deps")).unwrap();
    for file in dependencies {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            wkg.contains(&format!("path = \"wit/deps/{name}\"")),
            "{name}"
        );
    }
    assert!(read("wit/world.wit").starts_with(&format!("package hl7:mllp@{VERSION};")));
}

#[test]
fn a_release_holds_all_that_a_user_needs_and_says_what_it_was_made_from() {
    let Some(release) = release() else {
        return;
    };
    let dist = dist();
    for needed in [
        "mllp_client.wasm",
        "mllp_client.cdx.json",
        "mllp-send.wasm",
        "mllp-send.cdx.json",
        "mllp-send",
        "mllp-send.1",
        "mllp-send-check.1",
        release::WIT,
        "mllp-send.schema.json",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        release::NOTICES,
        release::SUMS,
    ] {
        assert!(release.files.iter().any(|file| file == needed), "{needed}");
    }
    sums_are_right(&dist, release);
    components_are_as_built(&dist, release);
    wit_is_the_package(&dist);
    bills_are_of_these_components(&dist);
    pages_are_fit_for_man(&dist);
}

fn sums_are_right(dist: &Path, release: &Release) {
    let mut sha256sum = Command::new("sha256sum");
    sha256sum.current_dir(dist).args(["--check", "--strict"]);
    let output = sha256sum.arg(release::SUMS).output().expect("sha256sum");
    assert!(output.status.success(), "{output:?}");
    let checked = String::from_utf8_lossy(&output.stdout).lines().count();
    let there: BTreeSet<_> = fs::read_dir(dist)
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert_eq!(checked, there.len() - 1, "but for the sums themselves");
    assert_eq!(there.len(), release.files.len());
}

/// To the byte, but for the commit, which only a release tells.
fn components_are_as_built(dist: &Path, release: &Release) {
    // Whether the sources are those of a commit may change while other tests run; which
    // commit it would be may not.
    let expected = release.revision.clone();
    if let Some(revision) = &expected {
        assert_eq!(*revision, git(&["rev-parse", "HEAD"]).trim());
    }
    let built = sandbox::components();
    for file in [&built.library, &built.command] {
        let released = fs::read(dist.join(file.file_name().unwrap())).unwrap();
        let built = fs::read(file).unwrap();
        assert_eq!(
            sections(&released).get(metadata::REVISION),
            expected.as_ref()
        );
        assert!(released.starts_with(&built), "{}", file.display());
        assert!(expected.is_some() || released == built);
    }
}

/// A WIT package is a component that holds types only: one for each interface and
/// world.
fn wit_is_the_package(dist: &Path) {
    let package = fs::read(dist.join(release::WIT)).unwrap();
    let said = sections(&package);
    assert_eq!(said["version"], VERSION);
    assert_eq!(said["licenses"], "MIT OR Apache-2.0");
    let package = Component::new(sandbox::engine(), &package).expect("a component");
    let package = package.component_type();
    assert_eq!(package.imports(sandbox::engine()).count(), 0);
    let exports = package.exports(sandbox::engine());
    let names: BTreeSet<_> = exports.map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["client", "mllp", "types"].map(str::to_owned).into());
}

fn bills_are_of_these_components(dist: &Path) {
    for component in COMPONENTS {
        let bill = dist.join(component).with_extension("cdx.json");
        let bill: Value = serde_json::from_slice(&fs::read(bill).unwrap()).unwrap();
        let hash = bill["metadata"]["component"]["hashes"][0]["content"].as_str();
        let sums = fs::read_to_string(dist.join(release::SUMS)).unwrap();
        let sum = format!("{}  {component}\n", hash.unwrap());
        assert!(sums.contains(&sum), "{component}");
        let parts = bill["components"].as_array().unwrap();
        let has = |name: &str| parts.iter().any(|part| part["name"] == name);
        assert!(has("rustls"));
        assert_eq!(has("clap"), component == "mllp-send.wasm");
        let notices = fs::read_to_string(dist.join(release::NOTICES)).unwrap();
        for part in parts {
            let text = |field: &str| part[field].as_str().unwrap();
            let head = format!("\n{} {}: ", text("name"), text("version"));
            assert!(notices.contains(&head), "{head}");
        }
    }
}

fn pages_are_fit_for_man(dist: &Path) {
    for page in ["mllp-send.1", "mllp-send-check.1"] {
        let mut mandoc = Command::new("mandoc");
        let checked = mandoc
            .current_dir(dist)
            .args(["-T", "lint", "-W", "error", page]);
        let Ok(output) = checked.output() else {
            peers::leave_out_until("mandoc", "examples/registry/install");
            return;
        };
        assert!(output.status.success(), "{output:?}");
    }
}

/// `wkg`, told to speak to this registry without TLS.
fn wkg(registry: &Registry, folder: &Folder, arguments: &[&str]) {
    let address = registry.address;
    let configuration = folder.path().join("wkg-config.toml");
    let settings = format!(
        "[registry.\"{address}\"]\ntype = \"oci\"\n\
         [registry.\"{address}\".oci]\nprotocol = \"http\"\n"
    );
    fs::write(&configuration, settings).unwrap();
    let mut wkg = Command::new(tool("wkg").expect("it made the release"));
    wkg.current_dir(dist())
        .args(arguments)
        .env("WKG_CONFIG_FILE", configuration)
        .env("WKG_OCI_INSECURE", address.to_string());
    let output = wkg.output().expect("wkg runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// What is told of an artefact where it is listed: by `wkg publish` from the package
/// itself, of a component by whoever pushes it.
const ANNOTATED: [&str; 4] = ["authors", "description", "licenses", "version"];

fn annotation(name: &str) -> String {
    format!("org.opencontainers.image.{name}")
}

#[test]
fn what_is_pulled_from_a_registry_is_what_was_pushed_and_sends() {
    if release().is_none() {
        return;
    }
    let folder = Folder::new("registry", &[("a.hl7", &message("1"))]);
    let Some(registry) = Registry::start(folder.path()) else {
        return;
    };
    let dist = dist();
    let address = registry.address.to_string();
    for (file, name) in [
        ("mllp-send.wasm", "mllp-send"),
        ("mllp_client.wasm", "mllp-client"),
        (release::WIT, "mllp"),
    ] {
        let said = sections(&fs::read(dist.join(file)).unwrap());
        let reference = format!("{address}/hl7/{name}:{VERSION}");
        let annotations = ANNOTATED.map(|name| format!("{}={}", annotation(name), said[name]));
        let mut push = vec!["oci", "push", &reference, file];
        for annotation in &annotations {
            push.extend(["--annotation", annotation]);
        }
        if file == release::WIT {
            push = vec!["publish", "--registry", &address, file];
        }
        wkg(&registry, &folder, &push);

        let manifest = registry.manifest(&format!("hl7/{name}"), VERSION);
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let layer = manifest["layers"][0]["digest"].as_str().unwrap();
        let sums = fs::read_to_string(dist.join(release::SUMS)).unwrap();
        let sum = layer.strip_prefix("sha256:").unwrap();
        assert!(sums.contains(&format!("{sum}  {file}\n")), "{file}");
        for name in ANNOTATED {
            let told = &manifest["annotations"][annotation(name)];
            assert_eq!(*told, said[name], "{file}");
        }

        let pulled = folder.path().join(file);
        let pulled_to = pulled.to_str().unwrap();
        wkg(
            &registry,
            &folder,
            &["oci", "pull", &reference, "-o", pulled_to],
        );
        let same = fs::read(&pulled).unwrap() == fs::read(dist.join(file)).unwrap();
        assert!(same, "{file} came back as another");
    }
    sends(folder.path(), "mllp-send.wasm");
}

/// Sends a message by `wasmtime run`.
fn sends(folder: &Path, component: &str) {
    let Some(wasmtime) = peers::wasmtime() else {
        return;
    };
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let mut wasmtime = Command::new(wasmtime);
    wasmtime.current_dir(folder);
    wasmtime.args(["run", "-S", "inherit-network", "--dir", ".", component]);
    let output = wasmtime
        .args([&receiver.address.to_string(), "a.hl7"])
        .output();
    let output = output.expect("wasmtime runs");
    watch::nothing_in_text("standard error", &output.stderr);
    watch::nothing_in_text("standard output", &output.stdout);
    assert!(output.status.success(), "{output:?}");
    let _ = receiver.finish();
}
