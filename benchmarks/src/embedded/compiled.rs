//! A component that was compiled ahead: the only file with `unsafe` in it.
#![allow(unsafe_code)] // `Component::deserialize_file`; the proof stands there

use std::path::Path;

use wasmtime::component::Component;
use wasmtime::{Engine, Result};

/// What this benchmark itself compiled.
pub(crate) fn component(engine: &Engine, file: &Path) -> Result<Component> {
    // SAFETY: it asks for a file that wasmtime's `serialize` gave and that nobody changes.
    // The process that started this one wrote it so, a moment ago, into its own target
    // folder; that it is of this wasmtime and this configuration wasmtime checks.
    unsafe { Component::deserialize_file(engine, file) }
}
