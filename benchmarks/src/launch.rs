//! Between the benchmark and a client stands a small process that starts the client and
//! waits for it. A process that was started counts the memory of the one that started it
//! as its own peak (Linux keeps that over `exec`), and the benchmark's is large.

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
    /// The most memory it had, in bytes.
    pub(crate) memory: u64,
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
            let ended = output.map(|mut output| output.read_to_end(&mut Vec::new()));
            let _ = tell.send(ended.is_some());
        });
        let late = end
            .recv_timeout(Duration::from_secs(self.patience))
            .is_err();
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
            memory: used.rusage.maxrss,
            failed,
        };
        println!("{}", serde_json::to_string(&ended)?);
        Ok(())
    }
}
