//! Which versions were measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::clients::{self, Client};

/// What this program was built with.
const LOCK: &str = include_str!("../../Cargo.lock");

/// What runs these clients, and what they are made of, as far as it can be told.
pub(crate) fn of(clients: &[Client], peers: &Path) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    for client in clients {
        let found = match client {
            Client::Floor => Vec::new(),
            Client::TokioCt | Client::TokioMt => vec![locked("hl7-mllp-codec"), locked("tokio")],
            Client::ComponentCt | Client::ComponentMt | Client::ComponentMts => {
                vec![locked("mllp-client"), locked("wasmtime")]
            }
            Client::WasmtimeRun => vec![said("wasmtime run", &clients::wasmtime(peers), &[])],
            Client::PyHl7 => {
                let look = "import importlib.metadata as m; print(m.version('hl7'))";
                let python = clients::python(peers);
                vec![
                    said("PyPI hl7", &python, &["-c", look]),
                    said("Python", &python, &[]),
                ]
            }
            Client::NodeNet => vec![said("Node.js", Path::new("node"), &[])],
            Client::NodePackage => vec![package(peers, "node-hl7-client")],
            Client::SimpleHl7 => vec![package(peers, "simple-hl7")],
            Client::MedplumHl7 => vec![package(peers, "@medplum/hl7")],
        };
        versions.extend(found.into_iter().flatten());
    }
    versions
}

/// A crate's, of which there is one.
fn locked(name: &str) -> Option<(String, String)> {
    let (_, entry) = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    let (version, _) = entry.split_once('"')?;
    Some((name.to_owned(), version.to_owned()))
}

/// What a program says of itself, without its name.
fn said(name: &str, program: &Path, arguments: &[&str]) -> Option<(String, String)> {
    let arguments = match arguments {
        [] => &["--version"],
        given => given,
    };
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut words = text.split_whitespace();
    let version = words.find(|word| word.trim_start_matches('v').starts_with(char::is_numeric))?;
    Some((name.to_owned(), version.to_owned()))
}

fn package(peers: &Path, name: &str) -> Option<(String, String)> {
    let file = peers
        .join("node/node_modules")
        .join(name)
        .join("package.json");
    let package: serde_json::Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    Some((
        format!("npm {name}"),
        package["version"].as_str()?.to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_program_was_built_with_has_a_version() {
        for name in ["hl7-mllp-codec", "tokio", "mllp-client", "wasmtime"] {
            assert!(locked(name).is_some(), "{name}");
        }
    }
}
