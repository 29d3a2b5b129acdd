//! Between the benchmark and a client stands a small process that starts the client and
//! waits for it. A process that was started counts the memory of the one that started it
//! as its own peak (Linux keeps that over `exec`), and the benchmark's is large. It also
//! hears what a client with many connections tells of its memory.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde::{Deserialize, Serialize};
use wait4::Wait4;

use crate::child::Failure;

/// What is to be started.
#[derive(Args)]
pub(crate) struct Launch {
    /// How long it may take, in seconds
    #[arg(long)]
    patience: u64,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<std::ffi::OsString>,
}

/// What became of it, as one line of JSON.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ended {
    /// When it was started, after 1970.
    pub(crate) begun: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// The most memory it had, in bytes; a page that it mapped often counts as often.
    pub(crate) peak: u64,
    /// The memory that it told of, if it did.
    pub(crate) told: Option<u64>,
    /// Why it counts as failed, if it does.
    pub(crate) failed: Option<String>,
}

/// `command`, started by this.
pub(crate) fn launched(command: &Command, patience: Duration) -> std::io::Result<Command> {
    let mut launcher = Command::new(std::env::current_exe()?);
    launcher
        .args(["launch", "--patience", &patience.as_secs().to_string()])
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    Ok(launcher)
}

impl Launch {
    /// Starts it, waits for it or ends it, and prints what became of it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let (program, arguments) = self.command.split_first().ok_or("no command")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let begun = SystemTime::UNIX_EPOCH.elapsed()?;
        let mut child = command.spawn()?;
        // Standard output ends when the process does, and can be waited for with patience.
        let (tell, end) = mpsc::channel();
        let output = child.stdout.take();
        std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = output.map(|mut output| output.read_to_end(&mut said));
            let _ = tell.send(said);
        });
        let said = end.recv_timeout(Duration::from_secs(self.patience));
        let late = said.is_err();
        if late {
            let _ = child.kill();
        }
        let used = child.wait4()?;
        let failed = match (late, used.status.success()) {
            (true, _) => Some(format!("not done after {} s", self.patience)),
            (false, false) => Some(used.status.to_string()),
            (false, true) => None,
        };
        let ended = Ended {
            begun,
            cpu: used.rusage.utime + used.rusage.stime,
            peak: used.rusage.maxrss,
            told: said.ok().as_deref().and_then(told_memory),
            failed,
        };
        println!("{}", serde_json::to_string(&ended)?);
        Ok(())
    }
}

/// Before the number, so that it is told from whatever else clients print.
const MEMORY: &str = "bytes of memory: ";

/// Tells the memory of this process, where the system does. What many instances map of
/// one file counts once: it is there once.
pub(crate) fn tell_memory() {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    if let Some(bytes) = proportional(&rollup) {
        println!("{MEMORY}{bytes}");
    }
}

/// The proportional set size in a file of the kind of `smaps_rollup`.
fn proportional(rollup: &str) -> Option<u64> {
    let size = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kibibytes: u64 = size.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn told_memory(said: &[u8]) -> Option<u64> {
    let said = str::from_utf8(said).ok()?;
    let told = said.lines().find_map(|line| line.strip_prefix(MEMORY))?;
    told.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_set_is_told_and_heard() {
        let rollup = "Rss:    900 kB\nPss:                 123 kB\nPss_Dirty:     7 kB\n";
        assert_eq!(proportional(rollup), Some(123 * 1024));
        assert_eq!(proportional("Rss: 900 kB\n"), None);
        let said = format!("something\n{MEMORY}4096\n");
        assert_eq!(told_memory(said.as_bytes()), Some(4096));
        assert_eq!(told_memory(b"something\n"), None);
    }
}
