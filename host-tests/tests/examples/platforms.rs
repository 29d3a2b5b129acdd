//! The manifests for Spin and wasmCloud.
