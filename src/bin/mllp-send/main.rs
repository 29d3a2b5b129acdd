//! `mllp-send`: HL7 v2 messages from files or standard input to one receiver,
//! as a command for `wasmtime run`. What it prints may hold file names, control
//! ids and codes, and nothing else of a message, unless `--ack` asks for it.
//!
//! ```text
//!                paths ──► input ─► content, batch, ndjson
//!                (name→files)       (file→messages)
//!                   │          ┌───► explain
//!  environment      │          │     (no network)
//!    │              │          │     pace, journal, copies, refusals
//!    │              │          │      │
//! args ─► tls ──────┴──────────┴───► run ─► send ────► output, summary, acks
//!  │      (PEM,DER)                  (all)  (one)      (a line a message)
//!  │          │                       └──────────────► progress, notes
//!  │          └────────────────────► check ──────────► finding
//!  │                                 (no message)      (a line a fact)
//! options, own_options, work, values, help             records
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

mod acks;
mod args;
mod batch;
mod check;
mod content;
mod copies;
mod environment;
mod explain;
mod finding;
mod help;
mod input;
mod journal;
#[cfg(not(target_family = "wasm"))]
mod manual;
mod ndjson;
mod notes;
mod options;
mod output;
mod own_options;
mod pace;
mod paths;
mod progress;
mod records;
mod refusals;
mod run;
mod send;
mod state;
mod stop;
mod summary;
mod tls;
mod values;
mod work;
#[cfg(test)]
mod wrapper;

use std::io::{self, Write};
use std::process::ExitCode;

use mllp_client::tls::options::TlsOptions;
use mllp_client::transport::Transport;

use crate::acks::{Acks, Unsaved};
use crate::args::{CheckArgs, Job, SendArgs};
use crate::explain::Explainer;
use crate::input::Source;
use crate::output::Output;
use crate::run::Run;

#[cfg(target_family = "wasm")]
fn main() -> ExitCode {
    use mllp_client::transport::wasi02::Wasi02;

    for name in args::unknown_variables() {
        complain(&format!("warning: {name} is no option's variable"));
    }
    match Job::parse(std::env::args_os()) {
        Ok(job) => status(run(&job, Wasi02::new)),
        Err(refusal) => usage(&refusal),
    }
}

/// Natively it can do one thing: write its manual pages.
#[cfg(not(target_family = "wasm"))]
fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let written = match arguments.as_slice() {
        [option, folder] if option == "--manual" => {
            manual::write_to(folder.as_ref(), args::definition())
        }
        _ => Err(io::Error::other(
            "this is a WebAssembly command: build it for wasm32-wasip2, run it by `wasmtime run`",
        )),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well. Options that cannot be had as they are asked for keep
/// everything from being tried.
fn run<T: Transport>(job: &Job, transport: impl FnMut() -> T) -> io::Result<bool> {
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
        Job::Send(args) if args.output.dry_run => explain(args, tls),
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
    let sources = sources(args);
    let names = sources.iter().map(ToString::to_string);
    let mut output = Output::new(args.style(), names, io::stdout(), io::stderr());
    if let Some(folder) = &args.output.save_acks {
        match Acks::new(folder) {
            Ok(acks) => output.save_in(acks),
            Err(unsaved) => {
                complain(&unsaved.to_string());
                return Ok(false);
            }
        }
    }
    let run = match Run::begin(args, tls, transport) {
        Ok(run) => run,
        Err(trouble) => {
            complain(&trouble.to_string());
            return Ok(false);
        }
    };
    let mut run = run.with_progress(args, sources.len());
    let all_taken = run.send(&sources, &args.input, &mut output)?;
    let counters = run.close(&mut output)?;
    output.summarize()?;
    output.count(&counters)?;
    Ok(all_taken)
}

/// The files, and standard input, that the arguments come to.
fn sources(args: &SendArgs) -> Vec<Source> {
    args.sources().iter().flat_map(paths::expand).collect()
}

/// Whether every message would go out.
fn explain(args: &SendArgs, tls: Option<TlsOptions>) -> io::Result<bool> {
    let mut explainer = Explainer::new(args, io::stdout(), io::stderr());
    let mut all_pass = match tls::check(tls, args) {
        Ok(()) => true,
        Err(objection) => {
            complain(&objection.to_string());
            false
        }
    };
    for source in &sources(args) {
        let file = source.to_string();
        all_pass &= match source.read(&args.input) {
            Ok(content) => {
                for fault in &content.faults {
                    explainer.complain(&file, &format_args!("warning: {fault}"));
                }
                explainer.explain_all(&file, &content.messages)?
            }
            Err(trouble) => {
                explainer.refuse(&file, &trouble);
                false
            }
        };
    }
    explainer.summarize()?;
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
            let unsaved = error.get_ref().and_then(|error| error.downcast_ref());
            complain(&match unsaved {
                Some(unsaved @ Unsaved { .. }) => format!("stopped: {unsaved}"),
                None => format!("stopped: standard output: {error}"),
            });
            ExitCode::FAILURE
        }
    }
}

/// `--help` and `--version` come this way too. Clap would end with 2.
fn usage(refusal: &clap::Error) -> ExitCode {
    let printed = refusal.print();
    if !refusal.use_stderr() && printed.is_ok() {
        return ExitCode::SUCCESS;
    }
    if let Some(name) = args::suspect(refusal) {
        complain(&format!("{name} is set in the environment"));
    }
    ExitCode::FAILURE
}

/// Unlike `eprintln`, does not panic where nobody listens.
fn complain(sentence: &str) {
    let _ = writeln!(io::stderr(), "mllp-send: {sentence}");
}
