//! A component's bill of materials, in CycloneDX and with the component's hash. It
//! needs `.ci/tools cargo-cyclonedx` to have run once.
//!
//! The tool that makes it knows whole workspaces, and would list what the tests of
//! this one need. It is therefore shown one that holds the library alone. It also
//! lists what features that are off would bring (`cargo metadata` does, for weak
//! ones): what cargo does not build here is struck out, and nothing that it builds
//! may be missing.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use toml::Table;

/// A crate's name and version.
type Part = (String, String);

/// A bill, and how many parts it lists.
#[derive(Debug)]
pub struct Bill {
    /// The document.
    pub json: Vec<u8>,
    /// What the component is made of, without our own crate.
    pub parts: usize,
}

/// The bill of a component that is made with this feature of our crate.
///
/// # Errors
/// If cargo or the tool fails, or the tool leaves out what cargo builds.
pub fn of(component: &[u8], feature: &str) -> io::Result<Bill> {
    let options = options(feature);
    let workspace = library_alone()?;
    let mut bill = bill(&workspace, &options)?;
    let built = built(&options)?;
    strike_out(&mut bill, &built);
    let missing: Vec<_> = built.difference(&listed(&bill)).cloned().collect();
    if !missing.is_empty() {
        return Err(io::Error::other(format!("not in the bill: {missing:?}")));
    }
    let hash = HEXLOWER.encode(&Sha256::digest(component));
    bill["metadata"]["component"]["hashes"] = json!([{ "alg": "SHA-256", "content": hash }]);
    Ok(Bill {
        json: serde_json::to_vec_pretty(&bill)?,
        parts: built.len(),
    })
}

/// What cargo is told to tell of a component.
pub(crate) fn options(feature: &str) -> [String; 4] {
    [
        "--no-default-features",
        &format!("--features={feature}"),
        "--target=wasm32-wasip2",
        "--quiet",
    ]
    .map(str::to_owned)
}

/// A workspace of the library alone, without its tests and the command.
fn library_alone() -> io::Result<PathBuf> {
    let root = crate::root();
    let alone = root.join("target/sbom");
    fs::create_dir_all(&alone)?;
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let mut manifest: Table = manifest.parse().map_err(io::Error::other)?;
    for left_out in ["bin", "dev-dependencies", "profile"] {
        manifest.remove(left_out);
    }
    if let Some(targets) = manifest
        .get_mut("target")
        .and_then(toml::Value::as_table_mut)
    {
        for (_, target) in targets {
            target
                .as_table_mut()
                .map(|target| target.remove("dev-dependencies"));
        }
    }
    let table = |name: &str| {
        let found = manifest.get(name).and_then(toml::Value::as_table);
        found.cloned().unwrap_or_default()
    };
    let (mut workspace, mut package) = (table("workspace"), table("package"));
    for members in ["members", "default-members"] {
        workspace.insert(members.into(), vec!["."].into());
    }
    package.insert("autobins".into(), false.into());
    package.insert("autotests".into(), false.into());
    manifest.insert("workspace".into(), workspace.into());
    manifest.insert("package".into(), package.into());
    fs::write(alone.join("Cargo.toml"), manifest.to_string())?;
    fs::copy(root.join("Cargo.lock"), alone.join("Cargo.lock"))?;
    fs::create_dir_all(alone.join("src"))?;
    fs::copy(root.join("src/lib.rs"), alone.join("src/lib.rs"))?;
    Ok(alone)
}

/// What the tool makes of it, without the names of this machine's folders.
fn bill(workspace: &Path, options: &[String]) -> io::Result<Value> {
    let status = Command::new(crate::tool("cargo-cyclonedx")?)
        .current_dir(workspace)
        .args(["cyclonedx", "--format=json", "--spec-version=1.5"])
        .args(options)
        .args(["--no-build-deps", "--override-filename", "bill"])
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("cargo-cyclonedx: {status}")));
    }
    let written = fs::read_to_string(workspace.join("bill.json"))?;
    let here = format!("path+file://{}", workspace.display());
    Ok(serde_json::from_str(
        &written.replace(&here, "mllp-client"),
    )?)
}

/// Takes out what is not built, also as what others depend on.
fn strike_out(bill: &mut Value, built: &BTreeSet<Part>) {
    let mut struck_out = BTreeSet::new();
    retain(bill, "components", |entry| {
        let is_built = built.contains(&part(entry));
        if !is_built {
            struck_out.insert(text(entry, "bom-ref"));
        }
        is_built
    });
    retain(bill, "dependencies", |entry| {
        retain(entry, "dependsOn", |reference| {
            !reference.as_str().is_some_and(|it| struck_out.contains(it))
        });
        !struck_out.contains(&text(entry, "ref"))
    });
}

/// Keeps of a list what `is_kept`.
fn retain(value: &mut Value, list: &str, is_kept: impl FnMut(&mut Value) -> bool) {
    if let Some(entries) = value[list].as_array_mut() {
        entries.retain_mut(is_kept);
    }
}

fn listed(bill: &Value) -> BTreeSet<Part> {
    let parts = bill["components"].as_array().into_iter().flatten();
    parts.map(part).collect()
}

fn part(entry: &Value) -> Part {
    (text(entry, "name"), text(entry, "version"))
}

fn text(entry: &Value, field: &str) -> String {
    entry[field].as_str().unwrap_or_default().to_owned()
}

/// What cargo makes the component of.
pub(crate) fn built(options: &[String]) -> io::Result<BTreeSet<Part>> {
    let output = crate::cargo()
        .current_dir(crate::root())
        .args(["tree", "--locked", "--package=mllp-client"])
        .args(["--edges=normal", "--prefix=none", "--format={p}"])
        .args(options)
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("cargo tree: {}", output.status)));
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let part = |line: &str| {
        let mut words = line.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        (name != "mllp-client").then(|| (name.to_owned(), version.to_owned()))
    };
    Ok(lines.lines().filter_map(part).collect())
}
