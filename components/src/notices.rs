//! The licences of all crates that are compiled into the components, word for word: whoever
//! passes a component on has to pass them on, too.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::{bill, root};

/// How the files are called that hold them.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// Part by part, with the files that its authors put beside it.
///
/// # Errors
/// If cargo fails, or a part has neither such a file nor a licence by name.
pub fn all(features: &[&str]) -> io::Result<String> {
    let mut built = BTreeSet::new();
    for feature in features {
        built.extend(bill::built(&bill::options(feature))?);
    }
    let output = crate::cargo()
        .current_dir(root())
        .args([
            "metadata",
            "--locked",
            "--format-version=1",
            "--all-features",
        ])
        .arg("--filter-platform=wasm32-wasip2")
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!(
            "cargo metadata: {}",
            output.status
        )));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let mut notices = String::new();
    // Most have the same: each text stands where it comes first.
    let mut told = HashMap::new();
    for package in packages {
        let text = |field: &str| package[field].as_str().unwrap_or_default();
        let (name, version) = (text("name"), text("version"));
        if !built.remove(&(name.to_owned(), version.to_owned())) {
            continue;
        }
        let folder = Path::new(text("manifest_path")).parent();
        let files = files(folder.unwrap_or(Path::new("")))?;
        if files.is_empty() && text("license").is_empty() {
            return Err(io::Error::other(format!("{name} has no licence")));
        }
        let head = format!("\n{:=<80}\n{name} {version}: {}\n", "", text("license"));
        notices.push_str(&head);
        for (file, content) in files {
            match told.get(&content) {
                Some(first) => write!(notices, "\n--- {file}: as {first}\n"),
                None => write!(notices, "\n--- {file}\n\n{content}\n"),
            }
            .map_err(io::Error::other)?;
            told.entry(content)
                .or_insert_with(|| format!("{file} of {name} {version}"));
        }
    }
    if !built.is_empty() {
        return Err(io::Error::other(format!("cargo does not know {built:?}")));
    }
    Ok(notices)
}

/// The files with a licence in a package's folder, by their names.
fn files(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_one = NAMES
            .iter()
            .any(|begin| name.to_uppercase().starts_with(begin));
        if is_one && entry.file_type()?.is_file() {
            let content = fs::read(entry.path())?;
            files.push((name, String::from_utf8_lossy(&content).into_owned()));
        }
    }
    files.sort();
    Ok(files)
}
