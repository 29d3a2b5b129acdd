//! The programs of `examples/`, run as their READMEs say, and what they print.

use std::path::PathBuf;
use std::process::Command;

use crate::{peers, watch};

/// What a program did.
#[derive(Debug)]
pub struct Ended {
    /// Whether its exit status was 0.
    pub success: bool,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

/// The folder of an example.
#[must_use]
pub fn folder(example: &str) -> PathBuf {
    components::root().join("examples").join(example)
}

/// What an example's `install` put under `target/examples/`. `None`, said loudly, if it
/// did not run.
///
/// # Panics
/// In CI if it did not run.
#[must_use]
pub fn installed(path: &str) -> Option<PathBuf> {
    there(components::root().join("target/examples").join(path))
}

/// The same for what it put into the example's own folder.
///
/// # Panics
/// In CI if it did not run.
#[must_use]
pub fn installed_in_place(path: &str) -> Option<PathBuf> {
    there(folder(path))
}

/// A program that `.ci/tools` installs. `None`, said loudly, if it did not run.
///
/// # Panics
/// In CI if it did not run.
#[must_use]
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = components::root().join("target/tools/bin").join(name);
    there_by(path, &format!(".ci/tools {name}"))
}

fn there(path: PathBuf) -> Option<PathBuf> {
    there_by(path, "examples/install")
}

fn there_by(path: PathBuf, script: &str) -> Option<PathBuf> {
    let is_there = path.exists();
    if !is_there {
        peers::leave_out_until(&path.display().to_string(), script);
    }
    is_there.then_some(path)
}

/// Runs it to its end. Nothing of a message may be in what it prints.
///
/// # Panics
/// If it does not start, or tells content.
#[must_use]
pub fn run(command: &mut Command) -> Ended {
    let output = command.output().expect("the program starts");
    watch::nothing_in_text("standard error", &output.stderr);
    watch::nothing_in_text("standard output", &output.stdout);
    Ended {
        success: output.status.success(),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
