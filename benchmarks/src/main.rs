//! `cargo bench-peers`: the component beside other MLLP clients. Every client is a
//! process of its own; what it does is measured by the receiver, in the same way for
//! all, and told as a ratio to a native floor of the same round.

mod bench;
mod child;
mod clients;
mod embedded;
mod launch;
mod measure;
mod messages;
mod native;
mod plot;
mod process;
mod receiver;
mod report;
mod results;
mod tls;
mod versions;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::bench::Asked;
use crate::child::{Failure, Task};
use crate::clients::Client;
use crate::launch::Launch;
use crate::results::Results;
use crate::work::Work;

/// Measures MLLP clients side by side, against the same receiver on loopback
#[derive(Parser)]
#[command(name = "bench-peers", args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    options: Options,
}

#[derive(Subcommand)]
enum Part {
    /// Is one of the clients
    #[command(hide = true)]
    Client(Task),
    /// Starts one, and tells what it used
    #[command(hide = true)]
    Launch(Launch),
}

#[derive(Args)]
struct Options {
    /// Measure every work, TLS at every size too, in more rounds
    #[arg(long)]
    full: bool,
    /// Measure these clients alone, with commas between them; the floor is always there
    #[arg(long, value_delimiter = ',')]
    only: Vec<Client>,
    /// Measure these works alone, with commas between them; `--list` names them
    #[arg(long, value_delimiter = ',')]
    work: Vec<String>,
    /// Name the works and the clients, and measure nothing
    #[arg(long)]
    list: bool,
    /// How many rounds; 5, and 9 with `--full`
    #[arg(long)]
    rounds: Option<usize>,
    /// No more messages than this in a run
    #[arg(long, value_name = "NUMBER")]
    messages: Option<usize>,
    /// How long a process may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// Write the results here, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure nothing: take the results of an earlier run
    #[arg(long, value_name = "FILE", conflicts_with_all = ["full", "only", "work", "rounds", "messages"])]
    from: Option<PathBuf>,
    /// Write tables and plots into `docs/performance.md`, the first plot into `README.md`
    #[arg(long)]
    docs: bool,
    /// Where results, tables and plots are put; `target/bench-peers` otherwise
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
    /// What `host-tests/peers/install` made; `target/peers` otherwise
    #[arg(long, value_name = "FOLDER")]
    peers: Option<PathBuf>,
}

const ROUNDS: usize = 5;
const ROUNDS_IN_FULL: usize = 9;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.part {
        Some(Part::Client(task)) => task.run().map(|()| true),
        Some(Part::Launch(launch)) => launch.run().map(|()| true),
        None => whole(&arguments.options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-peers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every client did what it was asked to.
fn whole(options: &Options) -> Result<bool, Failure> {
    if options.list {
        list();
        return Ok(true);
    }
    let folder = options.into.clone().unwrap_or_else(bench::folder);
    std::fs::create_dir_all(&folder)?;
    let results = match &options.from {
        Some(file) => Results::read(file)?,
        None => bench::measure(&asked(options, folder.clone())?)?,
    };
    results.write(&folder.join("results.json"))?;
    if let Some(file) = &options.json {
        results.write(file)?;
    }
    let tables = report::tables(&results);
    std::fs::write(folder.join("performance.md"), &tables)?;
    let draw =
        |folder: &std::path::Path| plot::draw(&results, folder).map_err(|error| error.to_string());
    let plots = draw(&folder)?;
    if options.docs {
        let root = components::root();
        let drawn = draw(&root.join("docs/pictures"))?;
        let page = report::pictures(&drawn, "pictures") + &tables;
        report::into_document(&page, &root.join("docs/performance.md"))?;
        // Of the pictures the first says the most.
        let first = drawn.get(..1).unwrap_or_default();
        let picture = report::pictures(first, "docs/pictures");
        report::into_document(&picture, &root.join("README.md"))?;
    }
    println!("{tables}");
    println!(
        "In {}: results.json, performance.md, {}",
        folder.display(),
        plots.join(", ")
    );
    Ok(results
        .results
        .iter()
        .all(|outcome| outcome.failed.is_none()))
}

fn list() {
    for work in Work::all() {
        let when = match (work.by_name, work.full) {
            (true, _) => " (only if named)",
            (false, true) => " (with --full)",
            (false, false) => "",
        };
        println!("{:18} {}{when}", work.name, work.title);
    }
    println!();
    for client in Client::ALL {
        println!("{:18} {}", client.name(), client.title());
    }
}

fn asked(options: &Options, folder: PathBuf) -> Result<Asked, Failure> {
    let is_asked = |work: &Work| match options.work.as_slice() {
        [] => !work.by_name && (options.full || !work.full),
        words => words.iter().any(|word| work.is(word)),
    };
    for word in &options.work {
        if !Work::all().iter().any(|work| work.is(word)) {
            return Err(format!("there is no work {word}; --list names them").into());
        }
    }
    let works: Vec<Work> = Work::all().into_iter().filter(is_asked).collect();
    let is_wanted = |client: &Client| {
        let referred_to = works.iter().any(|work| results::reference(work) == *client);
        options.only.is_empty() || options.only.contains(client) || referred_to
    };
    // As many connections as the system lets anybody have.
    rlimit::increase_nofile_limit(u64::MAX)?;
    Ok(Asked {
        clients: Client::ALL.into_iter().filter(is_wanted).collect(),
        works,
        rounds: options.rounds.unwrap_or(match options.full {
            true => ROUNDS_IN_FULL,
            false => ROUNDS,
        }),
        cap: options.messages,
        patience: Duration::from_secs(options.patience),
        peers: options.peers.clone().unwrap_or_else(bench::peers),
        folder,
    })
}
