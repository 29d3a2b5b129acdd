//! The documents say what is so: their commands are run, their links lead
//! somewhere, their pictures are those of their sources, and the site has all of them.

// Tests state what must be; a failed expectation is how they speak.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bench;
mod commands;
mod console;
mod document;
mod links;
mod pictures;
mod site;
