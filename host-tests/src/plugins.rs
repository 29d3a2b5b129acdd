//! The plugins of `examples/`, built, and composed by `wac plug` with the library
//! component or with the stub; each at most once in a process.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use wasmtime::component::Component;

use crate::sandbox;

/// The language a plugin is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `examples/plugin-rust`.
    Rust,
    /// `examples/plugin-javascript`.
    JavaScript,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Rust, Self::JavaScript];

    const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
        }
    }

    /// The plugin by itself. `None`, said loudly, if what builds it is not installed.
    fn built(self) -> Option<PathBuf> {
        match self {
            Self::Rust => Some(guest("plugin-rust", "plugin")),
            Self::JavaScript => {
                let example = example("plugin-javascript");
                if !example.join("node_modules/lock.installed").exists() {
                    leave_out("componentize-js", "examples/plugin-javascript/install");
                    return None;
                }
                run(&mut Command::new(example.join("build")));
                Some(folder().join("plugin-javascript.wasm"))
            }
        }
    }
}

/// What a plugin is composed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// The library component.
    Client,
    /// `examples/plugin-stub`.
    Stub,
}

/// A plugin, composed and compiled. `None`, said loudly, if what is needed for it is
/// not installed.
///
/// # Panics
/// If it does not build, compose or compile; and in CI if something is not installed.
#[must_use]
pub fn composed(language: Language, with: With) -> Option<&'static Component> {
    static COMPOSED: [OnceLock<Option<Component>>; 4] = [const { OnceLock::new() }; 4];
    let place = &COMPOSED[language as usize * 2 + with as usize];
    place.get_or_init(|| compose(language, with)).as_ref()
}

/// The stub by itself, compiled.
///
/// # Panics
/// If it does not build or compile.
#[must_use]
pub fn stub() -> &'static Component {
    static STUB: OnceLock<Component> = OnceLock::new();
    STUB.get_or_init(|| {
        Component::from_file(sandbox::engine(), stub_file()).expect("the stub compiles")
    })
}

fn compose(language: Language, with: With) -> Option<Component> {
    let wac = components::root().join("target/tools/bin/wac");
    if !wac.exists() {
        leave_out("wac", ".ci/tools wac");
        return None;
    }
    let plugin = built(language)?;
    let (name, plug) = match with {
        With::Client => ("client", sandbox::components().library.clone()),
        With::Stub => ("stub", stub_file()),
    };
    let composed = folder().join(format!("{}-with-{name}.wasm", language.name()));
    let mut command = Command::new(wac);
    command.arg("plug").arg(plugin).arg("--plug").arg(plug);
    run(command.arg("--output").arg(&composed));
    let component = Component::from_file(sandbox::engine(), &composed);
    Some(component.expect("the composition compiles"))
}

fn built(language: Language) -> Option<&'static Path> {
    static BUILT: [OnceLock<Option<PathBuf>>; 2] = [const { OnceLock::new() }; 2];
    let place = &BUILT[language as usize];
    place.get_or_init(|| language.built()).as_deref()
}

fn stub_file() -> PathBuf {
    guest("plugin-stub", "stub")
}

/// A package of its own, built into a target folder of the plugins' own: the build
/// that runs this holds the lock of the other one.
fn guest(example_name: &str, library: &str) -> PathBuf {
    const TARGET: &str = "wasm32-wasip2";
    let mut command = Command::new("cargo");
    // What the outer cargo was told about its own build is not for this one; how to
    // reach a registry is.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let kept = ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR"];
        let inherited =
            name.starts_with("CARGO") && !kept.iter().any(|kept| name.starts_with(kept));
        if inherited || name.starts_with("RUSTC") || name == "RUSTFLAGS" {
            command.env_remove(&*name);
        }
    }
    command
        .current_dir(example(example_name))
        .args(["build", "--release", "--quiet", "--locked"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(folder());
    run(&mut command);
    folder().join(format!("{TARGET}/release/{library}.wasm"))
}

fn example(name: &str) -> PathBuf {
    components::root().join("examples").join(name)
}

fn folder() -> PathBuf {
    components::root().join("target/plugins")
}

fn run(command: &mut Command) {
    let status = command.status().expect("the program starts");
    assert!(status.success(), "{command:?} ended with {status}");
}

/// Says loudly that something is left out.
fn leave_out(what: &str, install: &str) {
    let advice = format!("LEFT OUT: {what} is not installed; run {install} first");
    assert!(std::env::var_os("CI").is_none(), "{advice}");
    // Not by `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "\n{advice}").expect("standard error");
}
