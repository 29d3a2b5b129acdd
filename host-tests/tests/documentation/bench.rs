//! A place as the documents presume it: the repository from its top, with the
//! components built, certificates and keys to try with, and receivers that acknowledge
//! everything.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};

use host_tests::folder::Folder;
use host_tests::{peers, sandbox};

use crate::console::Command;

/// How long the commands of one document may take, in seconds: some compile a plugin.
const PATIENCE: &str = "300";

/// The addresses of the documents, and with what `receive.py` listens in their place.
const RECEIVERS: [(&str, &str, &str); 4] = [
    ("127.0.0.1:2575", "127.0.0.1:0", ""),
    ("[::1]:2575", "[::1]:0", ""),
    (
        "127.0.0.1:27575",
        "127.0.0.1:0",
        "--tls receiver.pem receiver.key",
    ),
    (
        "127.0.0.1:27576",
        "127.0.0.1:0",
        "--tls receiver.pem receiver.key --senders ca.pem",
    ),
];

/// What came of a command.
pub(crate) struct Outcome {
    /// Its exit status; none if it was not reached.
    pub(crate) status: Option<i32>,
    /// What a terminal would have shown.
    pub(crate) output: String,
}

/// The place of one document.
pub(crate) struct Bench {
    folder: Folder,
    receivers: Vec<Receiver>,
}

/// A receiver, which ends with this value.
struct Receiver {
    documented: &'static str,
    address: String,
    process: Child,
}

impl Bench {
    /// A new one. `None`, said loudly, where other people's software is not installed.
    pub(crate) fn new(document: &str) -> Option<Self> {
        let wasmtime = peers::wasmtime()?;
        let _ = sandbox::components();
        let folder = Folder::new(&document.replace('/', "-"), &[]);
        lay_out(folder.path(), &wasmtime);
        let script = components::root().join("examples/receiver/certificates");
        let made = Process::new(script).current_dir(folder.path()).output();
        let made = made.expect("certificates");
        assert!(made.status.success(), "{made:?}");
        let receivers = RECEIVERS.map(|(documented, at, options)| {
            Receiver::start(documented, at, options, folder.path())
        });
        Some(Self {
            folder,
            receivers: receivers.into(),
        })
    }

    /// Runs the commands one after the other in one shell.
    pub(crate) fn run(&self, commands: &[Command]) -> Vec<Outcome> {
        let told = self.folder.path().join("told");
        fs::create_dir(&told).expect("a folder");
        let mut script = String::from("trap 'kill $(jobs -p) 2>/dev/null' EXIT\n");
        for (number, command) in commands.iter().enumerate() {
            let told = told.join(number.to_string());
            let typed = self.here(&command.typed);
            writeln!(
                script,
                "{{\n{typed}\n}} >{told}.output 2>&1 </dev/null\necho $? >{told}.status",
                told = told.display(),
            )
            .expect("text");
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [self.folder.path().join("bin")]
            .into_iter()
            .chain(std::env::split_paths(&path));
        Process::new("timeout")
            .args(["--kill-after=5", PATIENCE, "bash", "-c", &script])
            .current_dir(self.folder.path())
            .env("PATH", std::env::join_paths(path).expect("a path"))
            // What CI has for its own lints.
            .env_remove("RUSTC_WORKSPACE_WRAPPER")
            .stdin(Stdio::null())
            .status()
            .expect("a shell");
        let outcomes = (0..commands.len()).map(|number| {
            let told = told.join(number.to_string());
            let status = fs::read_to_string(told.with_extension("status"));
            let output = fs::read(told.with_extension("output")).unwrap_or_default();
            Outcome {
                status: status.ok().and_then(|status| status.trim().parse().ok()),
                output: String::from_utf8_lossy(&output).into_owned(),
            }
        });
        outcomes.collect()
    }

    /// A command with the addresses of the receivers that are there. The name that the
    /// documents use for a receiver is one that every machine knows.
    fn here(&self, typed: &str) -> String {
        let mut typed = run_directly(typed);
        for receiver in &self.receivers {
            let documented = receiver.documented;
            let address = &receiver.address;
            typed = replace(&typed, documented, address);
            if let Some(port) = documented.strip_prefix("127.0.0.1:") {
                let named = address.replace("127.0.0.1", "localhost");
                for name in ["localhost", "receiver.example"] {
                    typed = replace(&typed, &format!("{name}:{port}"), &named);
                }
            }
        }
        typed
    }
}

/// Replaces an address where its port ends with it.
fn replace(text: &str, documented: &str, by: &str) -> String {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some((ahead, behind)) = rest.split_once(documented) {
        replaced.push_str(ahead);
        let whole = !behind.starts_with(|next: char| next.is_ascii_digit());
        replaced.push_str(if whole { by } else { documented });
        rest = behind;
    }
    replaced + rest
}

/// `cargo run` of a program of this repository: built where it lies, since cargo would
/// take the place for another workspace and build everything anew.
fn run_directly(typed: &str) -> String {
    let run = typed.strip_prefix("cargo run ");
    let run = run.map(|run| run.trim_start_matches("--quiet "));
    let run = run.and_then(|run| run.strip_prefix("--bin ")?.split_once(" -- "));
    let Some((program, arguments)) = run else {
        return typed.to_owned();
    };
    let built = Process::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--bin", program])
        .current_dir(components::root())
        .status();
    assert!(built.expect("cargo").success(), "{program} does not build");
    let neighbour = Path::new(env!("CARGO_BIN_EXE_embed"));
    let program = neighbour.with_file_name(program);
    format!("{} {arguments}", program.display())
}

/// The repository as it lies, but for what a guest may be let into: it follows no link
/// out of its folder.
fn lay_out(place: &Path, wasmtime: &Path) {
    let root = components::root();
    for entry in fs::read_dir(root).expect("the repository") {
        let entry = entry.expect("an entry");
        match entry.file_name().to_str() {
            Some(".git" | "samples") => {}
            _ => symlink(entry.path(), place.join(entry.file_name())).expect("a link"),
        }
    }
    for folder in ["samples", "bin"] {
        fs::create_dir(place.join(folder)).expect("a folder");
    }
    for sample in fs::read_dir(root.join("samples")).expect("samples") {
        let sample = sample.expect("a sample");
        let copy = place.join("samples").join(sample.file_name());
        fs::copy(sample.path(), copy).expect("a copy");
    }
    symlink(wasmtime, place.join("bin/wasmtime")).expect("a link");
}

impl Receiver {
    fn start(documented: &'static str, at: &str, options: &str, folder: &Path) -> Self {
        let mut process = Process::new("python3")
            .arg(components::root().join("examples/receiver/receive.py"))
            .arg(at)
            .args(options.split_whitespace())
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let mut line = String::new();
        output.read_line(&mut line).expect("its first line");
        // It goes on telling what it receives.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let address = line.trim().strip_prefix("listening ");
        Self {
            documented,
            address: address.expect("its address").to_owned(),
            process,
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Whether it ends by itself is not what is tested.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
