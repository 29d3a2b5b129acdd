//! All rounds of all clients in all works.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::child::Failure;
use crate::clients::{self, Client, Places};
use crate::process::Stage;
use crate::results::{Machine, Missing, Outcome, Results, reference};
use crate::tls::Certificates;
use crate::work::Work;
use crate::{embedded, measure, versions};

/// What to measure.
pub(crate) struct Asked {
    pub(crate) clients: Vec<Client>,
    pub(crate) works: Vec<Work>,
    pub(crate) rounds: usize,
    /// No more messages than this in a run.
    pub(crate) cap: Option<usize>,
    pub(crate) patience: Duration,
    pub(crate) peers: PathBuf,
    /// Where everything is put.
    pub(crate) folder: PathBuf,
}

/// Measures it all.
///
/// # Errors
/// If nothing can be measured; that a client fails is a result.
pub(crate) fn measure(asked: &Asked) -> Result<Results, Failure> {
    let folder = asked.folder.join("run");
    std::fs::create_dir_all(&folder)?;
    let mut results = Results {
        machine: Machine::this(),
        rounds: asked.rounds,
        ..Results::default()
    };
    let mut clients = Vec::new();
    for client in asked.clients.iter().copied() {
        match client.missing(&asked.peers) {
            None => clients.push(client),
            Some(why) => {
                eprintln!("MISSING: {} ({}): {why}", client.name(), client.title());
                results.missing.push(Missing {
                    client: client.name().to_owned(),
                    why,
                });
            }
        }
    }
    results.versions = versions::of(&clients, &asked.peers);
    let ours = clients.iter().any(|client| client.is_ours());
    let stage = Stage {
        places: places(asked, ours, clients.contains(&Client::WasmtimeRun))?,
        certificates: Certificates::new().map_err(|error| error.to_string())?,
        folder,
        patience: asked.patience,
    };
    let progress = progress(asked, &clients);
    for work in &asked.works {
        let begun = Instant::now();
        let outcomes = one_work(&stage, asked, work, &clients, &progress);
        results.results.extend(outcomes);
        if progress.is_hidden() {
            eprintln!("{}: {:.0} s", work.name, begun.elapsed().as_secs_f64());
        }
    }
    progress.finish_and_clear();
    Ok(results)
}

/// Builds and compiles what the clients need.
fn places(asked: &Asked, ours: bool, command_line: bool) -> Result<Places, Failure> {
    let mut places = Places {
        peers: asked.peers.clone(),
        library: PathBuf::new(),
        compiled_library: asked.folder.join("mllp_client.cwasm"),
        command: PathBuf::new(),
        compiled_command: asked.folder.join("mllp-send.cwasm"),
    };
    if ours {
        let components = components::build()?;
        places.library = components.library;
        places.command = components.command;
        embedded::compile_ahead(&places.library, &places.compiled_library)?;
    }
    if command_line {
        let status = Command::new(clients::wasmtime(&asked.peers))
            .arg("compile")
            .arg("-o")
            .args([&places.compiled_command, &places.command])
            .status()?;
        if !status.success() {
            return Err("wasmtime does not compile mllp-send.wasm".into());
        }
    }
    Ok(places)
}

fn progress(asked: &Asked, clients: &[Client]) -> ProgressBar {
    let of_work = |work: &Work| {
        let takes_part = |client: &&Client| client.cannot(work).is_none();
        clients.iter().filter(takes_part).count() * asked.rounds
    };
    let runs: usize = asked.works.iter().map(of_work).sum();
    let template = "[{elapsed_precise}] {bar:30} {pos} of {len} runs, {msg}; done in {eta}";
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(runs as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// The clients take turns within a round, and every other round in the opposite order.
fn one_work(
    stage: &Stage,
    asked: &Asked,
    work: &Work,
    clients: &[Client],
    progress: &ProgressBar,
) -> Vec<Outcome> {
    let mut outcomes: Vec<(Client, Outcome, Option<Duration>)> = clients
        .iter()
        .map(|client| (*client, Outcome::new(work, *client), None))
        .collect();
    for round in 0..asked.rounds {
        let mut order: Vec<usize> = (0..outcomes.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for place in order {
            let (client, outcome, start_up) = &mut outcomes[place];
            if outcome.cannot.is_some() {
                continue;
            }
            progress.set_message(format!("{}: {}", work.name, client.name()));
            progress.inc(1);
            if outcome.failed.is_some() {
                continue;
            }
            match measure::round(stage, *client, work, asked.cap, start_up) {
                Ok(round) => {
                    outcome.rounds.push(round.numbers);
                    outcome.suite = round.suite;
                }
                Err(why) => {
                    progress.suspend(|| {
                        eprintln!("FAILED: {} in {}: {why}", client.name(), work.name);
                    });
                    outcome.failed = Some(why);
                }
            }
        }
    }
    let to = outcomes
        .iter()
        .find(|(client, ..)| *client == reference(work))
        .map(|(_, outcome, _)| outcome.rounds.clone());
    let mut outcomes: Vec<Outcome> = outcomes
        .into_iter()
        .map(|(_, outcome, _)| outcome)
        .collect();
    for outcome in &mut outcomes {
        outcome.sum_up(to.as_deref());
    }
    outcomes
}

/// The folder that everything is put into, if it is not told another.
pub(crate) fn folder() -> PathBuf {
    components::root().join("target/bench-peers")
}

/// What `host-tests/peers/install` makes, if it is not told another.
pub(crate) fn peers() -> PathBuf {
    components::root().join("target/peers")
}
