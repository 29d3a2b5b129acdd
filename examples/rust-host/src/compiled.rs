//! Compiled components, kept from one process to the next: the only file with
//! `unsafe` in it.
#![allow(unsafe_code)] // `Component::deserialize`; the proof stands there

use std::fmt::Write;
use std::fs::{self, File, Metadata};
use std::hash::{Hash, Hasher};
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Result};

/// The component, compiled by this call or by an earlier one. What is kept is under
/// the hash of the component and of all that its compilation depends on.
pub(crate) fn component(engine: &Engine, bytes: &[u8], folder: &Path) -> Result<Component> {
    let mut key = Key(Sha256::new());
    key.0.update(bytes);
    engine.precompile_compatibility_hash().hash(&mut key);
    let file = folder.join(format!("{}.compiled", key.name()));
    if let Some(component) = load(engine, &file, folder) {
        return Ok(component);
    }
    let component = Component::new(engine, bytes)?;
    // Where it cannot be kept, it is compiled again.
    let _ = keep(&component, &file, folder);
    Ok(component)
}

fn load(engine: &Engine, file: &Path, folder: &Path) -> Option<Component> {
    let compiled = fs::read(file).ok()?;
    if !is_ours_alone(folder).ok()? {
        return None;
    }
    // SAFETY: `deserialize` asks for bytes that wasmtime's `serialize` gave. Files of
    // this name in this folder are written by `keep` alone, which writes just those,
    // and appear whole, by being renamed. Nobody but our own user, who could change
    // this process too, can write to the folder: we looked. That the bytes are of this
    // wasmtime and this configuration the hash in the name says, and wasmtime checks.
    unsafe { Component::deserialize(engine, compiled) }.ok()
}

fn keep(component: &Component, file: &Path, folder: &Path) -> Result<()> {
    make(folder)?;
    let partial = file.with_extension(std::process::id().to_string());
    fs::write(&partial, component.serialize()?)?;
    fs::rename(&partial, file)?;
    Ok(())
}

/// Makes the folder, for this process's user alone.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Whether the folder is this process's user's, and only theirs to write to.
#[cfg(unix)]
fn is_ours_alone(folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    const GROUP_OR_OTHERS_WRITE: u32 = 0o022;

    // A file that we make is ours.
    let probe = folder.join(format!("probe.{}", std::process::id()));
    let ours = File::create(&probe).and_then(|file| file.metadata());
    let _ = fs::remove_file(&probe);
    let ours: Metadata = ours?;
    let folder = fs::symlink_metadata(folder)?;
    Ok(folder.is_dir() && folder.uid() == ours.uid() && folder.mode() & GROUP_OR_OTHERS_WRITE == 0)
}

/// Nobody knows.
#[cfg(not(unix))]
fn is_ours_alone(_: &Path) -> io::Result<bool> {
    Ok(false)
}

struct Key(Sha256);

impl Key {
    fn name(self) -> String {
        let mut name = String::new();
        for byte in self.0.finalize() {
            let _ = write!(name, "{byte:02x}");
        }
        name
    }
}

/// wasmtime gives what compilation depends on to a hasher, and this one is wider than
/// the usual.
impl Hasher for Key {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_others_can_write_to_is_not_trusted() {
        let name = format!("mllp-host-compiled-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        for (mode, trusted) in [(0o700, true), (0o755, true), (0o770, false), (0o777, false)] {
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_ours_alone(&folder).unwrap(), trusted, "{mode:o}");
        }
        fs::remove_dir(&folder).unwrap();
        assert!(is_ours_alone(&folder).is_err());
    }
}
