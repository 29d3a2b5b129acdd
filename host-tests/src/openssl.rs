//! The `openssl` command line, for what no library here makes any more: keys and
//! signatures that are too weak, old versions and suites, encrypted files.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Runs a command of `openssl` in this folder.
///
/// # Panics
/// If it fails, or is not installed.
pub fn openssl(folder: &Path, command: &str) {
    let output = openssl_command(folder, command)
        .output()
        .expect("openssl is installed");
    assert!(
        output.status.success(),
        "openssl {command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A receiver of one connection by `openssl s_server`.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts listening, with these further arguments; files are of this folder.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(folder: &Path, arguments: &str) -> Self {
        let command = format!("s_server -accept 127.0.0.1:0 -naccept 1 {arguments}");
        let mut process = openssl_command(folder, &command)
            // At the end of its input it would end the connection.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is installed");
        let mut output = BufReader::new(process.stdout.take().expect("a pipe"));
        let address = loop {
            let mut line = String::new();
            let read = output.read_line(&mut line).expect("what openssl prints");
            assert!(read > 0, "openssl {command} does not listen");
            if let Some(address) = line.strip_prefix("ACCEPT ") {
                break address.trim().parse().expect("an address");
            }
        };
        Self {
            address,
            process,
            output,
        }
    }

    /// Waits for the connection's end and returns what the server printed, with
    /// all that it was sent through TLS.
    ///
    /// # Panics
    /// If that cannot be read.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let mut printed = Vec::new();
        self.output
            .read_to_end(&mut printed)
            .expect("what openssl prints");
        printed
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn openssl_command(folder: &Path, command: &str) -> Command {
    let mut openssl = Command::new("openssl");
    openssl.current_dir(folder).args(command.split_whitespace());
    openssl
}
