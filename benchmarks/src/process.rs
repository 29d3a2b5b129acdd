//! One process of a client, against a receiver of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::clients::{Call, Client, Places};
use crate::launch::{self, Ended};
use crate::messages;
use crate::receiver::{Many, Plan, Running, Single, Trace};
use crate::tls::Certificates;
use crate::work::{Kind, Work};

/// Where processes are started, and what with.
pub(crate) struct Stage {
    pub(crate) places: Places,
    pub(crate) certificates: Certificates,
    /// Where the authority, the messages and what clients say are put.
    pub(crate) folder: PathBuf,
    /// How long a process may take.
    pub(crate) patience: Duration,
}

/// What a process did.
pub(crate) struct Ran {
    pub(crate) begun: Instant,
    pub(crate) traces: Vec<Trace>,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// The most memory it had, in bytes.
    pub(crate) peak: u64,
    /// What it had once all connections had sent, in bytes, where there were many.
    pub(crate) memory: Option<u64>,
}

impl Stage {
    /// Has a client send so many messages over each connection of this work.
    ///
    /// # Errors
    /// What went wrong, without a word of a message.
    pub(crate) fn run(&self, client: Client, work: &Work, messages: usize) -> Result<Ran, String> {
        let message = work.message.bytes();
        let plan = Plan {
            size: messages::frame(&message).len(),
            reply: work.reply,
            delay: work.delay,
            tls: work.tls.then(|| self.certificates.server.clone()),
        };
        let file = self.folder.join("message.hl7");
        let authority = self.folder.join("authority.pem");
        let log = self
            .folder
            .join(format!("{}-{}.txt", client.name(), work.name));
        let write = || {
            std::fs::write(&file, message)?;
            std::fs::write(&authority, &self.certificates.authority)?;
            File::create(&log)
        };
        let said = write().map_err(told)?;
        let connections = work.connection_count();
        let receiver: Box<dyn Running> = match work.kind {
            Kind::Connections(count) => Box::new(Many::start(plan, count).map_err(told)?),
            Kind::RoundTrips | Kind::ColdStart => Box::new(Single::start(plan).map_err(told)?),
        };
        let call = Call {
            work,
            address: receiver.address(),
            messages,
            message: &file,
            authority: work.tls.then_some(authority.as_path()),
        };
        let command = client.command(&self.places, &call).map_err(told)?;
        let ended = finish(&command, said, self.patience);
        let traces = receiver.finish();
        let ended = ended.map_err(told)?;
        check(&ended, &traces, messages * connections, &log)?;
        Ok(Ran {
            begun: instant(ended.begun),
            traces,
            cpu: ended.cpu,
            peak: ended.peak,
            memory: ended.told,
        })
    }
}

fn told(error: std::io::Error) -> String {
    error.to_string()
}

fn finish(command: &Command, said: File, patience: Duration) -> std::io::Result<Ended> {
    let output = launch::launched(command, patience)?
        .stdin(Stdio::null())
        .stderr(said)
        .output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A time of day as a point of the clock that receivers use.
fn instant(after_1970: Duration) -> Instant {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let ago = now.saturating_sub(after_1970);
    Instant::now().checked_sub(ago).unwrap_or_else(Instant::now)
}

fn check(ended: &Ended, traces: &[Trace], messages: usize, log: &Path) -> Result<(), String> {
    if let Some(failed) = &ended.failed {
        return Err(format!("{failed}; what it said is in {}", log.display()));
    }
    if let Some(problem) = traces.iter().find_map(|trace| trace.problem.clone()) {
        return Err(problem);
    }
    let arrived: usize = traces.iter().map(|trace| trace.arrivals.len()).sum();
    match arrived == messages {
        true => Ok(()),
        false => Err(format!("{arrived} messages of {messages} arrived")),
    }
}
