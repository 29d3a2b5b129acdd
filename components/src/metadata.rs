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

/// How the section begins with the names of a component's inner parts: with the length
/// of its own.
const NAMES: &[u8] = b"\x0ecomponent-name";

/// The component without the names of its inner parts, which linking gives it whatever
/// is to be stripped: more than one byte in a hundred, for a debugger alone.
///
/// # Errors
/// If the component is none.
pub fn without_names(component: &[u8]) -> io::Result<Vec<u8>> {
    bare(component).ok_or_else(|| io::Error::other("what was built is not a component"))
}

fn bare(component: &[u8]) -> Option<Vec<u8>> {
    let (preamble, mut rest) = component.split_at_checked(8)?;
    let mut kept = preamble.to_vec();
    while let [kind, sized @ ..] = rest {
        let length = sized.iter().position(|byte| byte & 0x80 == 0)? + 1;
        let (length, content) = sized.split_at_checked(length)?;
        let digits = length.iter().rev().map(|digit| usize::from(digit & 0x7F));
        let size = digits.fold(0, |size, digit| size << 7 | digit);
        let (content, next) = content.split_at_checked(size)?;
        if *kind != 0 || !content.starts_with(NAMES) {
            kept.extend_from_slice(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(kept)
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
