//! The host to copy from, and `mllp-sandbox`.
