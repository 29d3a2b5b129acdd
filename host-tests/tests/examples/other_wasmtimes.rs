//! The components on older and newer releases of wasmtime.
