//! What a component says about itself, in the sections that registries and
//! `wasm-tools metadata show` read: a custom section a field, its text as it is.
//! All of it but the revision comes from `Cargo.toml`.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::Path;

use toml::{Table, Value};
use wasm_encoder::{ComponentSection, CustomSection};

/// The name of a section, and what it says.
pub type Field = (&'static str, String);

/// The section for the commit that a component was made from.
pub const REVISION: &str = "revision";

/// The sections, and the keys of `Cargo.toml` they are filled from.
const KEYS: [(&str, &str); 6] = [
    ("authors", "authors"),
    ("description", "description"),
    ("licenses", "license"),
    ("source", "repository"),
    ("homepage", "homepage"),
    ("version", "version"),
];

/// What the component in this file says about itself. What `Cargo.toml` does not
/// know, it does not say.
///
/// # Errors
/// If `Cargo.toml` cannot be read.
pub fn of(root: &Path, file: &str) -> io::Result<Vec<Field>> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let manifest: Table = manifest.parse().map_err(io::Error::other)?;
    let named = file.strip_suffix(".wasm").unwrap_or(file);
    let own = lookup(&manifest, &["package", "metadata", named]);
    let package = lookup(&manifest, &["package"]);
    let workspace = lookup(&manifest, &["workspace", "package"]);
    let fields = KEYS.into_iter().filter_map(|(section, key)| {
        let places = [own, package, workspace].into_iter().flatten();
        let mut said = places.filter_map(|place| text(place.get(key)?));
        Some((section, said.next()?))
    });
    Ok(fields.collect())
}

/// Puts sections at a component's end.
pub fn add(component: &mut Vec<u8>, fields: &[Field]) {
    for (name, said) in fields {
        let section = CustomSection {
            name: Cow::Borrowed(name),
            data: Cow::Borrowed(said.as_bytes()),
        };
        section.append_to_component(component);
    }
}

fn lookup<'m>(manifest: &'m Table, path: &[&str]) -> Option<&'m Table> {
    let mut tables = path.iter();
    let first = manifest.get(*tables.next()?)?.as_table();
    tables.fold(first, |table, name| table?.get(*name)?.as_table())
}

/// A list becomes its parts; what is inherited from the workspace is not said here.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(said) => Some(said.clone()),
        Value::Array(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(Value::as_str).collect();
            Some(parts?.join(", "))
        }
        _ => None,
    }
}
