//! The host to copy from, `examples/rust-host`, and `mllp-sandbox`.

mod crowd;
mod guests;
mod library;
mod programs;
mod sandbox;
mod stopping;

use std::path::{Path, PathBuf};

use host_tests::receiver::Running;
use mllp_host::{Allowed, Error, Library, Limits, Options, Receiver, Sandbox, Sender};

/// The library component in a sandbox of the test's own.
fn library(sandbox: &Sandbox) -> Library {
    let sandbox = sandbox.clone().keeping_compiled(&compiled());
    let file = &host_tests::sandbox::components().library;
    Library::load(&sandbox, file).unwrap()
}

/// Where these tests keep what they compiled.
fn compiled() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn sandbox() -> Sandbox {
    Sandbox::new(few()).unwrap()
}

/// As many instances as a test needs; each takes of a machine's addresses.
fn few() -> Limits {
    Limits {
        instances: 2,
        ..Limits::default()
    }
}

fn at(receiver: &Running) -> Receiver {
    Receiver::Address(receiver.address)
}

/// A sender that may reach this receiver and is connected to it.
async fn connected(library: &Library, receiver: &Running) -> Result<Sender, Error> {
    let allowed = Allowed::from(at(receiver));
    library.connect(&allowed, &Options::to(at(receiver))).await
}
