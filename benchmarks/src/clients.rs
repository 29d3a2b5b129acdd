//! The clients: what each is, whether it is there, and how it is called.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::work::{Kind, Work};

/// A client. Each runs in a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// Rust's blocking sockets, frames made beforehand, no checks
    Floor,
    /// `hl7-mllp-codec` on a current-thread tokio
    TokioCt,
    /// `hl7-mllp-codec` on a multi-thread tokio
    TokioMt,
    /// The component in a wasmtime embedder, current-thread
    ComponentCt,
    /// The component in a wasmtime embedder, the main thread blocked on a multi-thread tokio
    ComponentMt,
    /// The component in a wasmtime embedder, its calls spawned on a worker
    ComponentMts,
    /// `mllp-send.wasm` under the `wasmtime run` command line
    WasmtimeRun,
    /// PyPI `hl7`
    PyHl7,
    /// Bare Node.js
    NodeNet,
    /// npm `node-hl7-client`
    #[value(name = "node-hl7-client")]
    NodePackage,
    /// npm `simple-hl7`
    SimpleHl7,
    /// npm `@medplum/hl7`
    MedplumHl7,
}

/// What runs a client.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runner {
    Here,
    Wasmtime,
    Python,
    Node(&'static str),
}

/// Of what clients cannot do, that which is worth telling.
pub(crate) const ONE_READ: &str = "takes the first read of a reply for all of it";
/// See [`ONE_READ`].
pub(crate) const NO_TLS: &str = "its client knows no TLS";

/// Where things lie that clients need.
pub(crate) struct Places {
    /// What `host-tests/peers/install` made.
    pub(crate) peers: PathBuf,
    /// The library component, and what wasmtime compiled it to.
    pub(crate) library: PathBuf,
    pub(crate) compiled_library: PathBuf,
    /// The command, and what the command line compiled it to.
    pub(crate) command: PathBuf,
    pub(crate) compiled_command: PathBuf,
}

/// What one process of a client is asked to do.
pub(crate) struct Call<'a> {
    pub(crate) work: &'a Work,
    pub(crate) address: SocketAddr,
    /// Over each connection.
    pub(crate) messages: usize,
    pub(crate) message: &'a Path,
    pub(crate) authority: Option<&'a Path>,
}

impl Client {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Floor,
        Self::TokioCt,
        Self::TokioMt,
        Self::ComponentCt,
        Self::ComponentMt,
        Self::ComponentMts,
        Self::WasmtimeRun,
        Self::PyHl7,
        Self::NodeNet,
        Self::NodePackage,
        Self::SimpleHl7,
        Self::MedplumHl7,
    ];

    /// As `--only` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::TokioCt => "tokio-ct",
            Self::TokioMt => "tokio-mt",
            Self::ComponentCt => "component-ct",
            Self::ComponentMt => "component-mt",
            Self::ComponentMts => "component-mts",
            Self::WasmtimeRun => "wasmtime-run",
            Self::PyHl7 => "py-hl7",
            Self::NodeNet => "node-net",
            Self::NodePackage => "node-hl7-client",
            Self::SimpleHl7 => "simple-hl7",
            Self::MedplumHl7 => "medplum-hl7",
        }
    }

    /// As tables and plots say it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Floor => "floor: blocking Rust, no checks",
            Self::TokioCt => "hl7-mllp-codec, tokio current-thread",
            Self::TokioMt => "hl7-mllp-codec, tokio multi-thread",
            Self::ComponentCt => "this component, embedder, current-thread",
            Self::ComponentMt => "this component, embedder, multi-thread",
            Self::ComponentMts => "this component, embedder, on a worker",
            Self::WasmtimeRun => "this component, wasmtime run",
            Self::PyHl7 => "PyPI hl7",
            Self::NodeNet => "Node.js, bare net",
            Self::NodePackage => "npm node-hl7-client",
            Self::SimpleHl7 => "npm simple-hl7",
            Self::MedplumHl7 => "npm @medplum/hl7",
        }
    }

    /// Whether it is this component in one of its hosts.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(
            self,
            Self::ComponentCt | Self::ComponentMt | Self::ComponentMts | Self::WasmtimeRun
        )
    }

    /// How many messages it sends in a run of this work.
    pub(crate) const fn messages(self, work: &Work) -> usize {
        match self {
            Self::NodePackage | Self::SimpleHl7 | Self::MedplumHl7 => work.messages_of_slow,
            _ => work.messages,
        }
    }

    /// Why it has no part in this work, where it has none.
    pub(crate) const fn cannot(self, work: &Work) -> Option<&'static str> {
        if let Kind::Connections(_) = work.kind {
            return match self {
                Self::TokioCt | Self::TokioMt | Self::ComponentCt | Self::ComponentMt => None,
                _ => Some("not measured with many connections"),
            };
        }
        match self {
            Self::ComponentCt | Self::WasmtimeRun => None,
            Self::ComponentMt | Self::ComponentMts if !work.compiled => {
                Some("compiles as component-ct does")
            }
            Self::ComponentMt | Self::ComponentMts => None,
            _ if !work.compiled => Some("has nothing to compile ahead"),
            Self::SimpleHl7 | Self::MedplumHl7 if work.tls => Some(NO_TLS),
            Self::PyHl7 if work.reply > 4096 => Some(ONE_READ),
            Self::NodePackage if work.reply > 4096 => Some(ONE_READ),
            _ => None,
        }
    }

    const fn runner(self) -> Runner {
        match self {
            Self::WasmtimeRun => Runner::Wasmtime,
            Self::PyHl7 => Runner::Python,
            Self::NodeNet => Runner::Node("node_net.mjs"),
            Self::NodePackage => Runner::Node("node_hl7_client.mjs"),
            Self::SimpleHl7 => Runner::Node("simple_hl7.mjs"),
            Self::MedplumHl7 => Runner::Node("medplum_hl7.mjs"),
            _ => Runner::Here,
        }
    }

    /// What is missing for it to run, where something is.
    pub(crate) fn missing(self, peers: &Path) -> Option<String> {
        let modules = peers.join("node/node_modules");
        let needed = match self {
            Self::WasmtimeRun => peers.join("venv/bin/wasmtime"),
            Self::PyHl7 => python(peers),
            Self::NodePackage => modules.join("node-hl7-client"),
            Self::SimpleHl7 => modules.join("simple-hl7"),
            Self::MedplumHl7 => modules.join("@medplum/hl7"),
            _ => PathBuf::new(),
        };
        if !needed.as_os_str().is_empty() && !needed.exists() {
            return Some("not installed; run host-tests/peers/install first".to_owned());
        }
        match self.runner() {
            Runner::Node(_) if !is_in_path("node") => Some("there is no node".to_owned()),
            _ => None,
        }
    }

    /// A process of it that does this.
    pub(crate) fn command(self, places: &Places, call: &Call<'_>) -> std::io::Result<Command> {
        let scripts = components::root().join("benchmarks/clients");
        let mut command = match self.runner() {
            Runner::Here => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["client", self.name()]);
                if self.is_ours() {
                    let (option, file) = match call.work.compiled {
                        true => ("--compiled", &places.compiled_library),
                        false => ("--component", &places.library),
                    };
                    command.arg(option).arg(file);
                }
                let connections = match call.work.kind {
                    Kind::Connections(count) => count,
                    Kind::RoundTrips | Kind::ColdStart => 0,
                };
                command.args(["--connections", &connections.to_string()]);
                if call.work.pooled {
                    command.arg("--pooled");
                }
                command
            }
            Runner::Wasmtime => return Ok(wasmtime_run(places, call)),
            Runner::Python => {
                let mut command = Command::new(python(&places.peers));
                command.arg(scripts.join("python_hl7.py"));
                command
            }
            Runner::Node(script) => {
                let mut command = Command::new("node");
                command.arg(scripts.join(script));
                command
            }
        };
        command
            .args(["--host", &call.address.ip().to_string()])
            .args(["--port", &call.address.port().to_string()])
            .args(["--messages", &call.messages.to_string()])
            .arg("--message")
            .arg(call.message);
        if self.runner() != Runner::Here {
            command.arg("--peers").arg(&places.peers);
        }
        if let Some(authority) = call.authority {
            command.arg("--ca").arg(authority);
        }
        Ok(command)
    }
}

/// As `script/mllp-send` grants it.
fn wasmtime_run(places: &Places, call: &Call<'_>) -> Command {
    let mut command = Command::new(wasmtime(&places.peers));
    command.args(["run", "-Sinherit-network"]);
    let folders = [Some(call.message), call.authority];
    for folder in folders.iter().flatten().filter_map(|file| file.parent()) {
        command.arg("--dir").arg(folder);
    }
    if call.work.compiled {
        command.arg("--allow-precompiled");
        command.arg(&places.compiled_command);
    } else {
        // By default the command line keeps what it compiled.
        command.arg("-Ccache=n").arg(&places.command);
    }
    command.arg("--quiet");
    command.args(["--repeat", &call.messages.to_string()]);
    if let Some(authority) = call.authority {
        command.arg("--tls").arg("--ca").arg(authority);
    }
    command.arg(call.address.to_string()).arg(call.message);
    command
}

/// The command line that `host-tests/peers/install` installs.
pub(crate) fn wasmtime(peers: &Path) -> PathBuf {
    peers.join("venv/bin/wasmtime")
}

/// The Python that has what `host-tests/peers/install` installs.
pub(crate) fn python(peers: &Path) -> PathBuf {
    peers.join("venv/bin/python")
}

fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_called_by_the_name_that_only_takes() {
        for client in Client::ALL {
            let value = client.to_possible_value();
            let name = value.map(|value| value.get_name().to_owned());
            assert_eq!(name.as_deref(), Some(client.name()));
        }
        assert_eq!(Client::value_variants().len(), Client::ALL.len());
    }
}
