//! A registry of OCI artefacts on loopback: Debian's docker-registry, as
//! `examples/registry/install` unpacks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::event::PATIENCE;
use crate::peers::leave_out_until;

/// A registry in a process of its own, which ends with this value.
pub struct Registry {
    /// Where it listens.
    pub address: SocketAddr,
    process: Child,
    /// Kept, or what it has to say would end it.
    _told: BufReader<ChildStderr>,
}

impl Registry {
    /// Starts one that keeps what it is given in `folder`. `None`, said loudly, if it
    /// is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start; and in CI if it is not installed.
    #[must_use]
    pub fn start(folder: &Path) -> Option<Self> {
        let program = components::root().join("target/registry/usr/bin/docker-registry");
        if !program.exists() {
            leave_out_until("docker-registry", "examples/registry/install");
            return None;
        }
        let configuration = folder.join("registry.yml");
        let storage = folder.join("registry");
        let settings = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:0}}\n",
            storage.display()
        );
        std::fs::write(&configuration, settings).expect("its configuration");
        let mut process = Command::new(program)
            .arg("serve")
            .arg(configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the registry starts");
        let mut told = BufReader::new(process.stderr.take().expect("its log"));
        let address = loop {
            let mut line = String::new();
            let read = told.read_line(&mut line).expect("its log");
            assert_ne!(read, 0, "the registry has ended");
            if let Some((_, rest)) = line.split_once("listening on ") {
                let (address, _) = rest.split_once('"').expect("the sentence's end");
                break address.parse().expect("an address");
            }
        };
        Some(Self {
            address,
            process,
            _told: told,
        })
    }

    /// The manifest, in JSON, of what it was given under this name and tag.
    ///
    /// # Panics
    /// If it has none.
    #[must_use]
    pub fn manifest(&self, name: &str, tag: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the registry");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let request = format!(
            "GET /v2/{name}/manifests/{tag} HTTP/1.0\r\nHost: {}\r\n\
             Accept: application/vnd.oci.image.manifest.v1+json\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(" 200 "), "{answer}");
        body.to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // Whether it ends by itself is not what is tested.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
