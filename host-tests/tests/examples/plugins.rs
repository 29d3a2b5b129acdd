//! Plugins composed with the library component.
