//! All that a release holds, in one folder: nothing has to be built, or asked of this
//! repository, by who has it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::metadata::{self, REVISION};
use crate::{bill, notices, root, run, tool};

/// What lies in the folder.
#[derive(Clone, Debug)]
pub struct Release {
    /// The files' names.
    pub files: Vec<String>,
    /// The commit that the components were made from, if they were made from one.
    pub revision: Option<String>,
}

/// The sums of all the other files.
pub const SUMS: &str = "SHA256SUMS";

/// The licences of others.
pub const NOTICES: &str = "THIRD-PARTY-LICENSES";

/// The WIT package, in the form that registries and tools take.
pub const WIT: &str = "hl7-mllp.wasm";

/// Makes the folder anew.
///
/// # Errors
/// If anything of it cannot be made; what the tools say goes to standard error.
pub fn make(folder: &Path) -> io::Result<Release> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let revision = revision()?;
    let built = crate::build()?;
    let features = ["component", "command"];
    for (file, feature) in [built.library, built.command].iter().zip(features) {
        let mut component = fs::read(file)?;
        let revision = revision.iter().map(|it| (REVISION, it.clone()));
        metadata::add(&mut component, &revision.collect::<Vec<_>>());
        let name = Path::new(file.file_name().unwrap_or_default());
        fs::write(folder.join(name), &component)?;
        let bill = bill::of(&component, feature)?;
        fs::write(folder.join(name).with_extension("cdx.json"), bill.json)?;
    }
    fs::write(folder.join(NOTICES), notices::all(&features)?)?;
    build_wit(&folder.join(WIT))?;
    write_manual(folder)?;
    for file in copied()? {
        let name = file.file_name().unwrap_or_default();
        fs::copy(&file, folder.join(name))?;
    }
    let files = sum(folder)?;
    Ok(Release { files, revision })
}

/// The commit whose tree the sources are: none where they are changed, or not under
/// version control. Only a release tells it: every commit would be other bytes.
fn revision() -> io::Result<Option<String>> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .current_dir(root())
            .args(arguments)
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        io::Result::Ok(output.status.success().then_some(said))
    };
    let changes = git(&["status", "--porcelain"])?;
    if changes.is_some_and(|changes| changes.is_empty()) {
        return git(&["rev-parse", "HEAD"]);
    }
    Ok(None)
}

fn build_wit(package: &Path) -> io::Result<()> {
    run(Command::new(tool("wkg")?)
        .current_dir(root())
        .args(["build", "--wit-dir=wit", "--output"])
        .arg(package))
}

/// The command, compiled natively, knows its own manual.
fn write_manual(folder: &Path) -> io::Result<()> {
    run(crate::cargo()
        .current_dir(root())
        .args(["run", "--quiet", "--locked", "--bin=mllp-send", "--"])
        .arg("--manual")
        .arg(folder))
}

/// What is part of a release as it lies in the sources.
fn copied() -> io::Result<Vec<PathBuf>> {
    let mut files = vec![
        root().join("script/mllp-send"),
        root().join("LICENSE-APACHE"),
        root().join("LICENSE-MIT"),
    ];
    for entry in fs::read_dir(root().join("docs"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".schema.json") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Writes the sums of all that lies in a folder, as `sha256sum --check` reads them.
fn sum(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort();
    let mut sums = String::new();
    for name in &names {
        let sum = HEXLOWER.encode(&Sha256::digest(fs::read(folder.join(name))?));
        writeln!(sums, "{sum}  {name}").map_err(io::Error::other)?;
    }
    fs::write(folder.join(SUMS), sums)?;
    names.push(SUMS.to_owned());
    Ok(names)
}
