//! `cargo simulate`: any number of exchanges under simulated time, on all cores.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use simulation::batch::batch;
use simulation::run::{Report, run};
use simulation::tally::Tally;

/// How many runs are made before it is seen whether there are enough: how many there
/// are depends on the seed alone, then, and not on which thread was faster.
const RUNS_AT_A_TIME: u64 = 2_000;

/// Simulates exchanges with a receiver and a network that fail in every way, and
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
    /// Prints what happened in the run with the seed, in structure only.
    #[arg(long, conflicts_with_all = ["runs", "exchanges"])]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.trace {
        let report = run(arguments.seed, arguments.tls);
        print!("{}", report.trace);
        return tell(report.violation.is_some().then_some(report), arguments.tls);
    }
    let begun = Instant::now();
    let (tally, broken) = simulate(&arguments);
    print!("{tally}");
    let seconds = begun.elapsed().as_secs_f64();
    println!("{:.0} exchanges/s", tally.exchanges as f64 / seconds);
    if let Some(report) = &broken {
        println!("\n{}", report.trace);
    }
    tell(broken, arguments.tls)
}

/// Says which promise was broken, and how to see it again.
fn tell(broken: Option<Report>, tls: bool) -> ExitCode {
    let Some(Report {
        seed,
        violation: Some(violation),
        ..
    }) = broken
    else {
        return ExitCode::SUCCESS;
    };
    let tls = if tls { " --tls" } else { "" };
    println!("broken: {violation}");
    println!("again: cargo simulate --trace --seed {seed}{tls}");
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
        let (more, broken) = batch(first, count, arguments.tls);
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
