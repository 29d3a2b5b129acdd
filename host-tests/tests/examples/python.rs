//! The library component from Python.
