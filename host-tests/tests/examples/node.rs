//! The library component under Node.js.
