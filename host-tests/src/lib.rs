//! The test bench: the components in a real wasmtime, with a network that
//! allows exactly what a test names, against receivers that follow a script.

pub mod absent;
pub mod certificates;
pub mod chance;
pub mod command;
pub mod event;
pub mod examples;
pub mod folder;
pub mod memory;
pub mod messages;
pub mod mortal;
pub mod narrow;
pub mod openssl;
pub mod peers;
pub mod platform;
pub mod plugins;
pub mod receiver;
pub mod registry;
pub mod samples;
pub mod sandbox;
pub mod scripted_host;
pub mod soak;
pub mod tables;
pub mod tally;
pub mod tls_peers;
pub mod watch;
