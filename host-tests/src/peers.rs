//! Other people's receivers, as `host-tests/peers/install` installs them.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::messages;

/// Software that nobody here wrote, or in Elixir's case at least its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// npm `@medplum/hl7`. Knows `--enhanced`.
    MedplumHl7,
    /// npm `simple-hl7`.
    SimpleHl7,
    /// npm `node-hl7-server`.
    NodeHl7Server,
    /// `hl7.mllp` of PyPI `hl7`.
    PythonHl7,
    /// `hl7apy.mllp` of PyPI `hl7apy`.
    Hl7apy,
    /// A receiver in Elixir. Knows `--commit`, `--release` and `--negative`.
    Elixir,
}

impl Software {
    /// All of it.
    pub const ALL: [Self; 6] = [
        Self::MedplumHl7,
        Self::SimpleHl7,
        Self::NodeHl7Server,
        Self::PythonHl7,
        Self::Hl7apy,
        Self::Elixir,
    ];

    /// What documents call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MedplumHl7 => "`@medplum/hl7`",
            Self::SimpleHl7 => "`simple-hl7`",
            Self::NodeHl7Server => "`node-hl7-server`",
            Self::PythonHl7 => "`hl7` (Python)",
            Self::Hl7apy => "`hl7apy`",
            Self::Elixir => "Elixir",
        }
    }

    /// The encoding it decodes messages in where it is not told another, by the
    /// name that `--encoding` takes; none for what leaves bytes as they are.
    #[must_use]
    pub const fn own_encoding(self) -> Option<&'static str> {
        match self {
            Self::MedplumHl7 | Self::SimpleHl7 | Self::NodeHl7Server | Self::Hl7apy => {
                Some("utf-8")
            }
            Self::PythonHl7 => Some("ascii"),
            Self::Elixir => None,
        }
    }

    fn command(self) -> (PathBuf, &'static str) {
        let python = folder().join("venv/bin/python");
        match self {
            Self::MedplumHl7 => ("node".into(), "medplum_hl7_server.mjs"),
            Self::SimpleHl7 => ("node".into(), "simple_hl7_server.mjs"),
            Self::NodeHl7Server => ("node".into(), "node_hl7_server.mjs"),
            Self::PythonHl7 => (python, "python_hl7_server.py"),
            Self::Hl7apy => (python, "hl7apy_server.py"),
            Self::Elixir => ("elixir".into(), "elixir_receiver.exs"),
        }
    }

    fn is_installed(self) -> bool {
        let modules = folder().join("node/node_modules");
        match self {
            Self::MedplumHl7 => modules.join("@medplum/hl7").exists(),
            Self::SimpleHl7 => modules.join("simple-hl7").exists(),
            Self::NodeHl7Server => modules.join("node-hl7-server").exists(),
            // `install` makes the environment anew where one of its packages is missing.
            Self::PythonHl7 | Self::Hl7apy => folder().join("venv/bin/python").exists(),
            Self::Elixir => std::env::var_os("PATH").is_some_and(|path| {
                std::env::split_paths(&path).any(|folder| folder.join("elixir").exists())
            }),
        }
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
    /// As [`Self::start_with`].
    #[must_use]
    pub fn start(software: Software, code: &str) -> Option<Self> {
        Self::start_with(software, &["--code", code])
    }

    /// Starts a receiver with these arguments, which the head of its script in
    /// `host-tests/peers/` explains. `None`, said loudly, if it is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start; and in CI if it is not installed,
    /// since a peer left out in silence would be a lie.
    #[must_use]
    pub fn start_with(software: Software, arguments: &[&str]) -> Option<Self> {
        if !software.is_installed() {
            leave_out(software.name());
            return None;
        }
        let (program, script) = software.command();
        let mut process = Command::new(program)
            .arg(components::root().join("host-tests/peers").join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer starts");
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let mut peer = Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            process,
            software,
            output,
        };
        let line = peer.line();
        let port = line.strip_prefix("listening ").expect("its port");
        peer.address.set_port(port.parse().expect("a number"));
        Some(peer)
    }

    /// Whether the next message that the peer says it received has the control
    /// id and the length of this one, as far as the software can tell.
    ///
    /// # Panics
    /// If it has ended.
    pub fn received(&mut self, message: &[u8]) -> bool {
        let control_id = messages::control_id(message);
        let control_id = match self.software {
            // It knows no separators but the usual ones.
            Software::SimpleHl7 if !message.starts_with(b"MSH|") => "".into(),
            _ => String::from_utf8_lossy(&control_id),
        };
        let length = match self.software {
            // It trims the last carriage return.
            Software::NodeHl7Server => message.len() - 1,
            _ => message.len(),
        };
        self.line() == format!("received {control_id} {length}")
    }

    /// The next line that the peer prints; what it may print is told at the head
    /// of its script.
    ///
    /// # Panics
    /// If it has ended.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("its next line");
        assert!(line.ends_with('\n'), "{:?} has ended", self.software);
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        line
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
    leave_out_until(what, "host-tests/peers/install");
}

/// The same of what another script installs.
///
/// # Panics
/// In CI.
pub fn leave_out_until(what: &str, script: &str) {
    let advice = format!("LEFT OUT: {what} is not installed; run {script} first");
    assert!(std::env::var_os("CI").is_none(), "{advice}");
    // Not by `eprintln`, which a test that passes keeps to itself.
    writeln!(std::io::stderr(), "\n{advice}").expect("standard error");
}

fn folder() -> PathBuf {
    components::root().join("target/peers")
}
