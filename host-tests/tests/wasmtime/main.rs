//! What the project promises, shown through the real components in a real
//! wasmtime. One file per behaviour; one program, so that wasmtime is linked and
//! the components are compiled once.

// Tests state what must be; a failed expectation is how they speak.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod acknowledgment_modes;
mod acknowledgments;
mod command;
mod command_environment;
mod command_exchange;
mod command_explain;
mod command_input;
mod command_journal;
mod command_line;
mod command_options;
mod command_output;
mod command_pace;
mod command_retry_refused;
mod command_tls;
mod common;
mod counters;
mod cryptography;
mod deadlines;
mod denials;
mod embedding;
mod every_boundary;
mod foreign_receivers;
mod foreign_tls;
mod framing;
mod guard;
mod host_calls;
mod hostile_hosts;
mod idle_connections;
mod imports;
mod judging;
mod late_acknowledgments;
mod leniencies;
mod lifecycle;
mod limits;
mod memory;
mod mllp_release_2;
#[path = "../../../tests/support/modes.rs"]
mod modes;
mod no_panics;
mod options;
mod own_framing;
mod patient_data;
mod reaching;
mod refused_memory;
mod repair;
mod sandbox;
mod scanning;
mod schema;
mod second_receiver;
mod seeded_faults;
mod soak;
mod stalled_receivers;
mod supervised_run;
mod supervision;
mod tls_closing;
mod tls_exchange;
mod tls_names;
mod tls_refusals;
mod tls_resumption;
mod transcript;
