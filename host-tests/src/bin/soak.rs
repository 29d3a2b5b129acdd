//! `cargo soak --minutes N`: see [`host_tests::soak`]. It fails if a verdict is not
//! what the receiver knows, or if what it uses of the machine is not flat.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use host_tests::soak::{self, Plan, Summary, Tally, Usage};
use indicatif::{ProgressBar, ProgressStyle};

/// How often a log is told how far it is.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Sends, plain and through TLS, to receivers that are restarted all the while
#[derive(Parser)]
struct Arguments {
    /// How long, in minutes
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// What decides messages and restarts
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The pause after each two exchanges, in milliseconds
    #[arg(long, default_value_t = 5)]
    pause: u64,
    /// The first of two ports, at an address of this process's own
    #[arg(long, default_value_t = 2595)]
    port: u16,
}

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let arguments = Arguments::parse();
    let plan = Plan {
        seed: arguments.seed,
        span: Duration::try_from_secs_f64(arguments.minutes * 60.0).map_err(io::Error::other)?,
        pause: Duration::from_millis(arguments.pause),
        port: arguments.port,
    };
    println!("seed {}", plan.seed);
    let mut progress = Progress::new(plan.span)?;
    let summary = soak::run(plan, |summary| progress.show(summary)).await?;
    progress.bar.finish_and_clear();
    print(&summary, progress.begun.elapsed());
    let objections = summary.objections();
    for objection in &objections {
        eprintln!("{objection}");
    }
    Ok(match objections.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// A line that lives on a terminal, and a line a minute elsewhere.
struct Progress {
    bar: ProgressBar,
    begun: Instant,
    logged: Instant,
}

impl Progress {
    fn new(span: Duration) -> io::Result<Self> {
        let bar = ProgressBar::new(span.as_secs());
        let style = ProgressStyle::with_template("{pos} of {len} s {wide_bar} {msg}");
        bar.set_style(style.map_err(io::Error::other)?);
        Ok(Self {
            bar,
            begun: Instant::now(),
            logged: Instant::now(),
        })
    }

    fn show(&mut self, summary: &Summary) {
        let line = format!(
            "{} exchanges, {} restarts, {} objections",
            summary.exchanges(),
            summary.restarts,
            summary.plain.contradictions.len() + summary.tls.contradictions.len(),
        );
        if !io::stderr().is_terminal() && self.logged.elapsed() >= LOG_EVERY {
            self.logged = Instant::now();
            let minutes = self.begun.elapsed().as_secs() / 60;
            eprintln!("{minutes} min: {line}, {}", told(summary.now));
        }
        self.bar.set_position(self.begun.elapsed().as_secs());
        self.bar.set_message(line);
    }
}

fn print(summary: &Summary, took: Duration) {
    println!(
        "{:.3} hours, {} exchanges, {} restarts",
        took.as_secs_f64() / 3600.0,
        summary.exchanges(),
        summary.restarts
    );
    for (name, tally) in [("plain", &summary.plain), ("TLS", &summary.tls)] {
        let Tally { told, retries, .. } = tally;
        let told: Vec<_> = told
            .iter()
            .map(|(word, times)| format!("{times} {word}"))
            .collect();
        println!("{name}: {}; {retries} retries", told.join(", "));
    }
    println!("after the warm-up: {}", told(summary.warm));
    println!("at the end: {}", told(summary.end));
}

fn told(usage: Usage) -> String {
    let [plain, tls] = usage.linear_memory.map(|bytes| bytes / 1024);
    format!(
        "linear memory {plain} KiB and {tls} KiB, {} descriptors, {} set aside, resident {} KiB",
        usage.descriptors,
        usage.set_aside,
        usage.resident / 1024
    )
}
