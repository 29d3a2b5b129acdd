//! `cargo run --bin platform`: an integration platform as small as it can be. It hands
//! each file to a composed plugin, which may reach one address and nothing else, and
//! prints what the plugin says is to be done with it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use host_tests::platform::Platform;
use host_tests::platform::channels::{NextStep, Receiver, Route, Settings, Tls};
use host_tests::sandbox::{self, Grants};
use wasmtime::component::Component;

/// Hands messages to a plugin that was composed with mllp_client.wasm or with the stub.
#[derive(Parser)]
struct Arguments {
    /// The only address that the plugin may reach; none, unless it is given.
    #[arg(long)]
    allow: Option<SocketAddr>,
    /// The certificate authority to trust, PEM or DER; speaks TLS.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Also tells, on standard error, how long it took to compile the plugin, and then
    /// to start it and get the first answer.
    #[arg(long)]
    times: bool,
    /// The composed plugin.
    plugin: PathBuf,
    /// The receiver, as HOST:PORT.
    receiver: String,
    /// The messages, one to a file.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("platform: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all messages are done with.
async fn run(arguments: Arguments) -> Result<bool, String> {
    let settings = settings(&arguments)?;
    let begun = Instant::now();
    let plugin = Component::from_file(sandbox::engine(), &arguments.plugin)
        .map_err(|error| format!("{}: {error}", arguments.plugin.display()))?;
    let grants = match arguments.allow {
        Some(address) => Grants::none().address(address),
        None => Grants::none(),
    };
    let compiled = Instant::now();
    let mut platform = Platform::new(&plugin, grants).await;
    let channel = platform.open(&settings).await?;
    let mut all_done = true;
    for (at, file) in arguments.files.iter().enumerate() {
        let name = file.display();
        let message = std::fs::read(file).map_err(|error| format!("{name}: {error}"))?;
        let (next, why) = match platform.handle_unwatched(channel, &message).await {
            Ok(outcome) => (outcome.next, outcome.code.unwrap_or_default()),
            Err(problem) => (problem.next, problem.explanation),
        };
        if arguments.times && at == 0 {
            let compiling = compiled - begun;
            eprintln!(
                "compiled in {compiling:.1?}, answered {:.1?} later",
                compiled.elapsed()
            );
        }
        let word = match next {
            NextStep::Done => "done",
            NextStep::Later => "later",
            NextStep::Mend => "mend",
            NextStep::Decide => "decide",
        };
        println!("{name}  {word}  {why}");
        all_done &= next == NextStep::Done;
    }
    Ok(all_done)
}

fn settings(arguments: &Arguments) -> Result<Settings, String> {
    let address = arguments.receiver.rsplit_once(':');
    let address = address.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = address.ok_or("the receiver is HOST:PORT")?;
    let read = |file: &PathBuf| {
        std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
    };
    let authorities = arguments.ca.as_ref().map(read).transpose()?;
    let tls = authorities.map(|authorities| Tls {
        authorities,
        identity: None,
    });
    let receiver = Receiver {
        name: "receiver".into(),
        host: host.into(),
        port,
        application: "LIS".into(),
        facility: "EAST".into(),
        tls,
        timeout: 30_000,
        discards_half_frames: false,
    };
    let everything = Route {
        message_type: None,
        sending_facility: None,
        receiver: "receiver".into(),
    };
    Ok(Settings {
        receivers: vec![receiver],
        routes: vec![everything],
    })
}
