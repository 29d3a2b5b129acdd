//! `mllp-sandbox`: `mllp-send.wasm` with exactly the receivers and folders that it is
//! given, which `wasmtime run` cannot say: its network is all or nothing.

mod args;
mod lines;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mllp_host::{Allowed, Command, Ended, Error, Limits, Sandbox};
use tokio::task::JoinSet;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};

use args::{Args, Folder};
use lines::Lines;

/// Neither of those of `mllp-send`: the sandbox could not run it, or stopped it.
const FAILED: u8 = 2;

/// Variables that begin so are for `mllp-send`.
const PREFIX: &str = "MLLP_";

const MIB: usize = 1 << 20;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::read();
    match run(&args).await {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            complain(&error);
            ExitCode::from(FAILED)
        }
    }
}

async fn run(args: &Args) -> Result<u8, Error> {
    let mut sandbox = Sandbox::new(Limits {
        instances: args.instances.into(),
        memory: usize::from(args.memory) * MIB,
        ..Limits::default()
    })?;
    if let Some(folder) = &args.compiled {
        sandbox = sandbox.keeping_compiled(folder);
    }
    let file = args.component.clone().unwrap_or_else(usual_component);
    let command = Command::load(&sandbox, &file)?;
    let allowed: Allowed = args.allow.iter().cloned().collect();
    let limit = args.time.map(Into::into);
    let mut lines = args.lines();
    match (args.instances, lines.pop()) {
        (1, Some(line)) => {
            let mut ctx = granted(args, &line)?;
            ctx.inherit_stdio();
            let ended = command.run(&allowed, ctx, limit).await?;
            explain(&ended);
            Ok(status(&ended))
        }
        (_, last) => {
            lines.extend(last);
            run_all(args, &command, &allowed, lines, limit).await
        }
    }
}

/// Several at once. The worst status is that of all.
async fn run_all(
    args: &Args,
    command: &Command,
    allowed: &Allowed,
    lines: Vec<Vec<String>>,
    limit: Option<Duration>,
) -> Result<u8, Error> {
    let began = Instant::now();
    let count = lines.len();
    let mut instances = JoinSet::new();
    for line in lines {
        let mut ctx = granted(args, &line)?;
        ctx.stdout(Lines::output()).stderr(Lines::errors());
        let (command, allowed) = (command.clone(), allowed.clone());
        instances.spawn(async move { command.run(&allowed, ctx, limit).await });
    }
    let mut worst = 0;
    let mut statuses = [0_usize; 3];
    let mut memory = 0;
    while let Some(ended) = instances.join_next().await {
        let status = match ended.unwrap_or(Err(Error::Ended)) {
            Ok(ended) => {
                explain(&ended);
                memory = memory.max(ended.memory);
                status(&ended)
            }
            Err(error) => {
                complain(&error);
                FAILED
            }
        };
        worst = worst.max(status);
        statuses[usize::from(status.min(FAILED))] += 1;
    }
    let [well, badly, stopped] = statuses;
    eprintln!(
        "mllp-sandbox: {count} instances: {well} ended with 0, {badly} with 1, {stopped} \
         could not be run to their end; {:.1} s, at most {} KiB of memory each",
        began.elapsed().as_secs_f64(),
        memory / 1024,
    );
    Ok(worst)
}

fn status(ended: &Ended) -> u8 {
    u8::try_from(ended.status).unwrap_or(u8::MAX)
}

/// What one instance may have, but for its streams and the network.
fn granted(args: &Args, line: &[String]) -> Result<WasiCtxBuilder, Error> {
    let mut ctx = WasiCtx::builder();
    ctx.arg("mllp-send").args(line);
    for (name, value) in std::env::vars_os() {
        // What is not UTF-8 is no value that mllp-send takes.
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
            && name.starts_with(PREFIX)
        {
            ctx.env(name, value);
        }
    }
    let writable = args.dir.iter().map(|folder| (folder, FsPerms::ReadWrite));
    let readable = args
        .read_only
        .iter()
        .map(|folder| (folder, FsPerms::ReadOnly));
    for (Folder { path, name }, permissions) in writable.chain(readable) {
        ctx.preopened_dir(path, name, permissions)
            .map_err(|reason| Error::File {
                file: path.clone(),
                reason: std::io::Error::other(reason),
            })?;
    }
    Ok(ctx)
}

/// mllp-send names the flags of `wasmtime run`; here they are others.
fn explain(ended: &Ended) {
    for denied in &ended.denied {
        // A name is denied before it has a port.
        let port = if denied.parse::<std::net::SocketAddr>().is_ok() {
            ""
        } else {
            ":PORT"
        };
        complain(&format!(
            "not allowed: {denied}; what allows it is --allow {denied}{port}"
        ));
    }
}

fn complain(what: &impl std::fmt::Display) {
    eprintln!("mllp-sandbox: {what}");
}

/// Next to this program, or where this repository puts it.
fn usual_component() -> PathBuf {
    const NAME: &str = "mllp-send.wasm";
    let program = std::env::current_exe().unwrap_or_default();
    let here = program.parent().unwrap_or(Path::new("."));
    let places = [here.join(NAME), here.join("../components").join(NAME)];
    let found = places.into_iter().find(|place| place.exists());
    found.unwrap_or_else(|| Path::new("target/components").join(NAME))
}
