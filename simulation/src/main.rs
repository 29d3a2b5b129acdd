//! `cargo simulate`: any number of exchanges under simulated time, on all cores.

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use simulation::run::{Report, run};
use simulation::tally::Tally;

/// How many runs are made before the threads meet again: what comes of all depends
/// on the seed alone, and not on which thread was faster.
const RUNS_AT_A_TIME: u64 = 2_000;

/// Simulates exchanges against a receiver and a network that fail in every way, and
/// holds what the client says of each to what really happened.
#[derive(Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// The first run's seed; the next run has the next number.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many exchanges there are to be, at least.
    #[arg(long, default_value_t = 1_000_000, conflicts_with = "runs")]
    exchanges: u64,
    /// How many runs there are to be, instead.
    #[arg(long)]
    runs: Option<u64>,
    /// Speaks TLS.
    #[arg(long)]
    tls: bool,
    /// Prints what happened in each run, in structure only.
    #[arg(long, requires = "runs")]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let (tally, broken) = simulate(&arguments);
    print!("{tally}");
    let seconds = begun.elapsed().as_secs_f64();
    println!("{:.0} exchanges/s", tally.exchanges as f64 / seconds);
    let Some(Report {
        seed,
        trace,
        violation: Some(violation),
        ..
    }) = broken
    else {
        return ExitCode::SUCCESS;
    };
    let tls = if arguments.tls { " --tls" } else { "" };
    println!("\n{trace}");
    println!("broken: {violation}");
    println!("again: cargo simulate --seed {seed} --runs 1{tls}");
    ExitCode::FAILURE
}

/// Until there are enough, or a promise is broken.
fn simulate(arguments: &Arguments) -> (Tally, Option<Report>) {
    let mut tally = Tally::default();
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {per_sec} {eta}");
    let aim = arguments.runs.unwrap_or(arguments.exchanges);
    let bar = ProgressBar::new(aim).with_style(style.expect("a template"));
    let mut first = arguments.seed;
    loop {
        let done = arguments.runs.map_or(tally.exchanges, |_| tally.runs);
        bar.set_position(done.min(aim));
        if done >= aim {
            break;
        }
        let left = arguments.runs.map_or(u64::MAX, |runs| runs - tally.runs);
        let count = RUNS_AT_A_TIME.min(left);
        let (more, broken) = batch(first, count, arguments);
        tally.add(&more);
        if broken.is_some() {
            bar.abandon();
            return (tally, broken);
        }
        first = first.wrapping_add(count);
    }
    bar.finish();
    (tally, None)
}

/// So many runs, on all cores; the first that broke a promise.
fn batch(first: u64, count: u64, arguments: &Arguments) -> (Tally, Option<Report>) {
    // With more of them, runs under TLS would no longer have sessions of their own.
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4) as u64;
    let part = |thread: u64| {
        let mut tally = Tally::default();
        let mut broken: Option<(u64, Report)> = None;
        for index in (thread..count).step_by(threads as usize) {
            let report = run(first.wrapping_add(index), arguments.tls);
            tally.add(&report.tally);
            if arguments.trace {
                println!("seed {}\n{}", report.seed, report.trace);
            }
            if broken.is_none() && report.violation.is_some() {
                broken = Some((index, report));
            }
        }
        (tally, broken)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || part(thread)))
            .collect();
        let mut tally = Tally::default();
        let mut broken: Option<(u64, Report)> = None;
        for thread in threads {
            let (more, other) = thread.join().expect("runs catch their panics");
            tally.add(&more);
            broken = broken
                .into_iter()
                .chain(other)
                .min_by_key(|(index, _)| *index);
        }
        (tally, broken.map(|(_, report)| report))
    })
}
