//! Other people's receivers, as `host-tests/peers/install` installs them.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::messages;

/// Software that nobody here wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// `hl7.mllp` of PyPI `hl7`.
    PythonHl7,
    /// npm `node-hl7-server`.
    NodeHl7Server,
}

impl Software {
    /// All of it.
    pub const ALL: [Self; 2] = [Self::PythonHl7, Self::NodeHl7Server];

    fn command(self) -> (PathBuf, &'static str) {
        match self {
            Self::PythonHl7 => (folder().join("venv/bin/python"), "python_hl7_server.py"),
            Self::NodeHl7Server => (PathBuf::from("node"), "node_hl7_server.mjs"),
        }
    }

    fn is_installed(self) -> bool {
        folder()
            .join(match self {
                Self::PythonHl7 => "venv/bin/python",
                Self::NodeHl7Server => "node/node_modules/node-hl7-server/package.json",
            })
            .exists()
    }
}

/// A receiver in a process of its own, which ends with this value.
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
    software: Software,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts a receiver that acknowledges with `code`. `None`, said loudly, if
    /// it is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start; and in CI if it is not installed,
    /// since a peer left out in silence would be a lie.
    #[must_use]
    pub fn start(software: Software, code: &str) -> Option<Self> {
        if !software.is_installed() {
            leave_out(&format!("{software:?}"));
            return None;
        }
        let (program, script) = software.command();
        let mut process = Command::new(program)
            .arg(components::root().join("host-tests/peers").join(script))
            .args(["--code", code])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its first line");
        let port = line.trim().strip_prefix("listening ").expect("its port");
        let port = port.parse().expect("a number");
        Some(Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            process,
            software,
            output,
        })
    }

    /// Whether the next message that the peer says it received has the control
    /// id and the length of this one.
    ///
    /// # Panics
    /// If it has ended.
    pub fn received(&mut self, message: &[u8]) -> bool {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("its next line");
        let length = match self.software {
            Software::PythonHl7 => message.len(),
            // It trims the last carriage return.
            Software::NodeHl7Server => message.len() - 1,
        };
        let control_id = messages::control_id(message);
        let control_id = String::from_utf8_lossy(&control_id);
        line.trim_end() == format!("received {control_id} {length}")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Whether it ends by itself is not what is tested.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The `wasmtime` command line. `None`, said loudly, if it is not installed.
///
/// # Panics
/// In CI if it is not installed.
#[must_use]
pub fn wasmtime() -> Option<PathBuf> {
    let program = folder().join("venv/bin/wasmtime");
    if !program.exists() {
        leave_out("the wasmtime command line");
        return None;
    }
    Some(program)
}

/// Says loudly that a peer is left out.
///
/// # Panics
/// In CI.
pub(crate) fn leave_out(what: &str) {
    let advice = format!("LEFT OUT: {what} is not installed; run host-tests/peers/install first");
    assert!(std::env::var_os("CI").is_none(), "{advice}");
    // Not by `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "\n{advice}").expect("standard error");
}

fn folder() -> PathBuf {
    components::root().join("target/peers")
}
