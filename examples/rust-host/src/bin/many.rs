//! Many senders at once, each an instance with a connection of its own, and what was
//! counted, as Prometheus reads it.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mllp_host::{Allowed, Library, Limits, Options, Receiver, Sandbox};
use tokio::task::JoinSet;

/// Sends a message many times, over many connections at once.
#[derive(Parser)]
struct Args {
    /// The receiver, as HOST:PORT
    receiver: Receiver,
    /// The message, whose control id is the same each time
    file: PathBuf,
    /// How many senders
    #[arg(long, value_name = "N", default_value_t = 16)]
    instances: u32,
    /// How many messages each sends
    #[arg(long, value_name = "M", default_value_t = 100)]
    messages: u32,
    /// The component
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/components/mllp_client.wasm"
    )]
    component: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let message = std::fs::read(&args.file)?;
    let sandbox = Sandbox::new(Limits {
        instances: args.instances,
        ..Limits::default()
    })?;
    let library = Library::load(&sandbox, &args.component)?;
    let mut senders = JoinSet::new();
    for _ in 0..args.instances {
        let (library, message) = (library.clone(), message.clone());
        let receiver = args.receiver.clone();
        senders.spawn(async move {
            let options = Options::to(receiver.clone());
            let mut sender = library.connect(&Allowed::from(receiver), &options).await?;
            for _ in 0..args.messages {
                sender.send(&message).await?;
            }
            sender.close().await
        });
    }
    let mut failed = 0;
    while let Some(ended) = senders.join_next().await {
        if let Err(error) = ended? {
            eprintln!("{error}");
            failed += 1;
        }
    }
    print!("{}", sandbox.metrics());
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} of {} senders failed", args.instances).into()),
    }
}
