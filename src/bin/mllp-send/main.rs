//! `mllp-send`: HL7 v2 messages from files or standard input to one receiver,
//! as a command for `wasmtime run`. What it prints may hold file names, control
//! ids and codes, and nothing else of a message, unless `--ack` asks for it.
//!
//! ```text
//!  ┌──────────────► input ─────────► explain
//!  │                (file→messages)  (no network)
//! args ─► tls ────► input ─────────► send ───────────► output
//!  │      (PEM,DER) (file→messages)  (one connection)  (a line a message)
//!  │          └───► check ─────────► finding
//!  │                (no message)     (a line a fact)
//! options, values, help                                records
//! (what it may hold)                                   (JSON of them all)
//! ```

// A panic is a trap: whatever is excepted has its proof beside it.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::expect_used,
        clippy::get_unwrap,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_in_result,
        clippy::unwrap_used
    )
)]
#![cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "natively only the tests use what `main` cannot")
)]

mod args;
mod check;
mod explain;
mod finding;
mod help;
mod input;
mod options;
mod output;
mod records;
mod send;
mod tls;
mod values;

use std::io::{self, Write};
use std::process::ExitCode;

use mllp_client::tls::options::TlsOptions;
use mllp_client::transport::Transport;

use crate::args::{CheckArgs, Job, SendArgs};
use crate::explain::Explainer;
use crate::output::Output;
use crate::send::Sender;

#[cfg(target_family = "wasm")]
fn main() -> ExitCode {
    use mllp_client::transport::wasi02::Wasi02;

    match Job::parse(std::env::args_os()) {
        Ok(job) => status(run(&job, Wasi02::new)),
        Err(refusal) => usage(&refusal),
    }
}

#[cfg(not(target_family = "wasm"))]
fn main() -> ExitCode {
    complain("this is a WebAssembly command: build it for wasm32-wasip2, run it by `wasmtime run`");
    ExitCode::FAILURE
}

/// Whether all went well. Options that cannot be had as they are asked for keep
/// everything from being tried.
fn run<T: Transport>(job: &Job, transport: impl FnMut() -> T) -> io::Result<bool> {
    if let Job::Send(args) = job
        && args.explain
    {
        return explain(args);
    }
    let tls = match tls::options(job.tls()) {
        Ok(tls) => tls,
        Err(unreadable) => {
            complain(&unreadable.to_string());
            return Ok(false);
        }
    };
    if tls.as_ref().is_some_and(|tls| tls.insecure) {
        complain(tls::INSECURE);
    }
    match job {
        Job::Send(args) => send(args, tls, transport),
        Job::Check(args) => check(args, tls, transport),
    }
}

/// Whether every message was taken.
fn send<T: Transport>(
    args: &SendArgs,
    tls: Option<TlsOptions>,
    transport: impl FnMut() -> T,
) -> io::Result<bool> {
    let sources = args.sources();
    let names = sources.iter().map(ToString::to_string);
    let mut output = Output::new(args.style(), names, io::stdout(), io::stderr());
    let mut sender = Sender::new(args, tls, transport);
    let mut all_taken = true;
    for source in &sources {
        all_taken &= match source.read(args.loose) {
            Ok(messages) => sender.send_all(&source.to_string(), messages, &mut output)?,
            Err(trouble) => {
                output.complain(&source.to_string(), &trouble);
                false
            }
        };
    }
    output.count(&sender.close())?;
    Ok(all_taken)
}

/// Whether every message may be sent.
fn explain(args: &SendArgs) -> io::Result<bool> {
    let mut explainer = Explainer::new(args, io::stdout(), io::stderr());
    let mut all_pass = true;
    for source in &args.sources() {
        all_pass &= match source.read(args.loose) {
            Ok(messages) => explainer.explain_all(&source.to_string(), &messages)?,
            Err(trouble) => {
                explainer.complain(&source.to_string(), &trouble);
                false
            }
        };
    }
    Ok(all_pass)
}

/// Whether a message could be sent now.
fn check<T: Transport>(
    args: &CheckArgs,
    tls: Option<TlsOptions>,
    mut transport: impl FnMut() -> T,
) -> io::Result<bool> {
    let finding = check::check(args, tls, transport());
    finding.tell(args.json, io::stdout(), io::stderr())?;
    Ok(finding.is_ready())
}

/// WASI 0.2 knows no other status than these two.
fn status(outcome: io::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // To send on without being able to tell what became of it would
            // leave the caller with messages in doubt.
            complain(&format!("stopped: standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// `--help` and `--version` come this way too. Clap would end with 2.
fn usage(refusal: &clap::Error) -> ExitCode {
    match refusal.print() {
        Ok(()) if !refusal.use_stderr() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Unlike `eprintln`, does not panic where nobody listens.
fn complain(sentence: &str) {
    let _ = writeln!(io::stderr(), "mllp-send: {sentence}");
}
