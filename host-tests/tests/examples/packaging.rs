//! What a release holds, and that it survives a registry.
