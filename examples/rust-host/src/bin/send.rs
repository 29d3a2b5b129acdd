//! Sends one file, with one message in it, to one receiver.

use std::error::Error;
use std::fs::read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mllp_host::types::Verdict;
use mllp_host::{Allowed, Library, Limits, Options, Receiver, Sandbox, Tls};

/// Sends a message to a receiver, and can reach no other.
#[derive(Parser)]
struct Args {
    /// The receiver, as HOST:PORT
    receiver: Receiver,
    /// The message
    file: PathBuf,
    /// Speak TLS
    #[arg(long)]
    tls: bool,
    /// Trust this certificate authority, and not Mozilla's
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// The component
    #[arg(
        long,
        value_name = "FILE",
        default_value = "target/components/mllp_client.wasm"
    )]
    component: PathBuf,
    /// Keep the compiled component here
    #[arg(long, value_name = "FOLDER")]
    compiled: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(Verdict::Applied | Verdict::Accepted) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<Verdict, Box<dyn Error>> {
    let mut sandbox = Sandbox::new(Limits::default())?;
    if let Some(folder) = &args.compiled {
        sandbox = sandbox.keeping_compiled(folder);
    }
    let library = Library::load(&sandbox, &args.component)?;

    let mut options = Options::to(args.receiver.clone());
    if args.tls {
        let authorities = args.ca.iter().map(read).collect::<Result<_, _>>()?;
        options.tls = Some(Tls {
            authorities,
            ..Tls::default()
        });
    }
    let message = read(&args.file)?;
    let mut sender = library
        .connect(&Allowed::from(args.receiver), &options)
        .await?;
    let reply = sender.send(&message).await?;
    println!("{:?}", reply.verdict);
    sender.close().await?;
    Ok(reply.verdict)
}
