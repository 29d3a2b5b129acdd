//! What the fuzz targets have in common. A target is a law, told by assertions, and
//! the input that is to break it.
//!
//! Options stand first in every input and take a fixed number of bytes as far as that
//! is possible, so that a file behind a few bytes is a seed.

pub mod draw;
pub mod random;
