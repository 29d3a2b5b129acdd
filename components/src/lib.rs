//! Builds the two components into `target/components`, in a target folder of
//! their own: the build that asks for them holds the lock of the other one.
//! The same sources give the same bytes wherever they lie.
//!
//! With `MLLP_CRYPTO=ring` in the environment they are made with the feature
//! `ring`, into `target/components-ring`.

pub mod bill;
pub mod metadata;
pub mod notices;
pub mod release;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

/// Where the built components lie.
#[derive(Clone, Debug)]
pub struct Components {
    /// `mllp_client.wasm`, the library component.
    pub library: PathBuf,
    /// `mllp-send.wasm`, the command.
    pub command: PathBuf,
}

/// Builds both components, or finds that they are up to date.
///
/// # Errors
/// If rustup, cargo or the file system fails; what they print goes to standard
/// error.
pub fn build() -> io::Result<Components> {
    let cargo_home = cargo_home()?;
    build_from(root(), &cargo_home)
}

/// The same from a copy of the workspace, with cargo's own files in another place.
///
/// # Errors
/// As [`build`].
pub fn build_from(root: &Path, cargo_home: &Path) -> io::Result<Components> {
    add_target()?;
    let place = Place { root, cargo_home };
    let ring = if with_ring() { ",ring" } else { "" };
    run(&mut place.cargo(&[
        "rustc",
        "--release",
        "--lib",
        "--crate-type=cdylib",
        "--no-default-features",
        &format!("--features=component{ring}"),
    ]))?;
    run(&mut place.cargo(&[
        "build",
        "--release",
        "--bin=mllp-send",
        "--no-default-features",
        &format!("--features=command{ring}"),
    ]))?;
    Ok(Components {
        library: place.publish("mllp_client.wasm")?,
        command: place.publish("mllp-send.wasm")?,
    })
}

/// The library's own tests as a component, for what has to hold in WebAssembly as
/// it holds natively.
///
/// # Errors
/// As [`build`].
pub fn build_tests() -> io::Result<PathBuf> {
    add_target()?;
    let place = Place {
        root: root(),
        cargo_home: &cargo_home()?,
    };
    let output = place
        .cargo(&[
            "test",
            "--release",
            "--lib",
            "--no-run",
            "--no-default-features",
            "--message-format=json",
        ])
        .output()?;
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice(line).ok());
    messages
        .filter_map(|message: serde_json::Value| Some(message["executable"].as_str()?.into()))
        .next()
        .ok_or_else(|| io::Error::other("the tests do not build for WebAssembly"))
}

/// Whether the components are made with the feature `ring`.
#[must_use]
pub fn with_ring() -> bool {
    std::env::var_os("MLLP_CRYPTO").is_some_and(|crypto| crypto == "ring")
}

/// The workspace's root.
#[must_use]
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Rustup may be set not to install what `rust-toolchain.toml` names.
fn add_target() -> io::Result<()> {
    let installed = Command::new("rustup")
        .current_dir(root())
        .args(["target", "list", "--installed"])
        .output()?;
    let installed = String::from_utf8_lossy(&installed.stdout);
    if installed.lines().any(|line| line == TARGET) {
        return Ok(());
    }
    run(Command::new("rustup")
        .current_dir(root())
        .args(["target", "add", TARGET]))
}

/// Where cargo keeps what it downloads.
///
/// # Errors
/// If the environment has neither `CARGO_HOME` nor a home.
pub fn cargo_home() -> io::Result<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || std::env::home_dir().map(|home| home.join(".cargo"));
    let found = named.or_else(usual);
    found.ok_or_else(|| io::Error::other("there is no home for cargo"))
}

/// A tool that `.ci/tools` installs.
///
/// # Errors
/// If it is not installed.
pub fn tool(name: &str) -> io::Result<PathBuf> {
    let program = root().join("target/tools/bin").join(name);
    if program.exists() {
        return Ok(program);
    }
    let advice = format!("{name} is not installed; run .ci/tools {name} first");
    Err(io::Error::new(io::ErrorKind::NotFound, advice))
}

/// Cargo, as a person would call it.
fn cargo() -> Command {
    let mut command = Command::new("cargo");
    // What the outer cargo was told about its own build is not for this one; how
    // to reach a registry is.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let kept = ["CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_HOME"];
        let inherited =
            name.starts_with("CARGO") && !kept.iter().any(|kept| name.starts_with(kept));
        if inherited || name.starts_with("RUSTC") || name == "RUSTFLAGS" {
            command.env_remove(&*name);
        }
    }
    command
}

/// Sources, and what cargo downloaded for them.
struct Place<'p> {
    root: &'p Path,
    cargo_home: &'p Path,
}

impl Place<'_> {
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command
            .current_dir(self.root)
            .env("CARGO_HOME", self.cargo_home)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags())
            .args(arguments)
            .args(["--quiet", "--locked", "--package=mllp-client"])
            .arg(format!("--target={TARGET}"))
            .arg("--target-dir")
            .arg(self.folder("guests"));
        command
    }

    /// The names of this machine's folders stay out of what is built. So does the room
    /// that the linker leaves for addresses to grow, one byte in twenty, and what SHA-2
    /// takes written out in full: it hashes handshakes, and single messages for the
    /// command's journal.
    fn flags(&self) -> String {
        let renamed = [(self.root, "mllp-client"), (self.cargo_home, "cargo")];
        let renamed = renamed.map(|(path, name)| {
            let path = path.display();
            format!("--remap-path-prefix={path}=/{name}")
        });
        let others = [
            "-Clink-arg=--compress-relocations",
            "--cfg=sha2_backend_soft=\"compact\"",
        ];
        let flags: Vec<_> = renamed
            .into_iter()
            .chain(others.map(String::from))
            .collect();
        flags.join("\u{1f}")
    }

    /// A folder below `target`, apart for each cryptography.
    fn folder(&self, name: &str) -> PathBuf {
        let apart = if with_ring() { "-ring" } else { "" };
        self.root.join("target").join(format!("{name}{apart}"))
    }

    /// Puts a built component where the documentation says it lies. Whole or not at
    /// all: several test programs may do so at the same time.
    fn publish(&self, name: &str) -> io::Result<PathBuf> {
        let built = self.folder("guests").join(TARGET).join("release");
        let folder = self.folder("components");
        let mut component = metadata::without_names(&std::fs::read(built.join(name))?)?;
        metadata::add(&mut component, &metadata::of(self.root, name)?);
        let published = folder.join(name);
        if std::fs::read(&published).is_ok_and(|there| there == component) {
            return Ok(published);
        }
        std::fs::create_dir_all(&folder)?;
        let partial = folder.join(format!("{name}.{}", std::process::id()));
        std::fs::write(&partial, component)?;
        std::fs::rename(&partial, &published)?;
        Ok(published)
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?} ended with {status}")))
}
