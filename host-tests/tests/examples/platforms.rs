//! The gateway, HTTP in and MLLP out, on the hosts that its manifests are for: in
//! wasmCloud and under `wasmtime serve`; Spin's manifest is held to its files.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;

use host_tests::certificates::{Authority, Key};
use host_tests::event::PATIENCE;
use host_tests::examples;
use host_tests::folder::Folder;
use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::{sandbox, watch};

/// Builds the gateway with the client inside, once. `None` if it is left out.
fn gateway() -> Option<PathBuf> {
    static BUILT: OnceLock<bool> = OnceLock::new();
    let built = *BUILT.get_or_init(|| {
        if examples::tool("wac").is_none() {
            return false;
        }
        sandbox::components();
        let build = examples::folder("gateway").join("build");
        let ended = examples::run(&mut Command::new(build));
        assert!(ended.success, "{ended:?}");
        true
    });
    built.then(|| components::root().join("target/examples/gateway/gateway-with-client.wasm"))
}

/// A host of HTTP, which ends with this value.
struct Host {
    process: Child,
    address: SocketAddr,
    log: Option<JoinHandle<()>>,
}

impl Host {
    /// Starts it and reads what it prints, up to the line that holds `ready`; the
    /// address stands behind `before` in one of these lines.
    fn start(command: &mut Command, before: &str, ready: &str) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the host starts");
        let mut output = BufReader::new(process.stderr.take().expect("its output"));
        let mut address = None;
        let mut line = String::new();
        while !line.contains(ready) {
            line.clear();
            let read = output.read_line(&mut line).expect("its next line");
            assert!(read > 0, "the host has ended");
            if let Some((_, rest)) = line.split_once(before) {
                let found = rest.split(['/', ' ', '\n']).next();
                address = found.and_then(|found| found.parse().ok());
            }
        }
        // What it prints from here on is watched, too, and never fills the pipe.
        let log = std::thread::spawn(move || {
            let mut rest = Vec::new();
            let _ = output.read_to_end(&mut rest);
            watch::nothing_in_text("a host's log", &rest);
        });
        Self {
            process,
            address: address.expect("its address"),
            log: Some(log),
        }
    }

    fn wasmtime(program: &Path, receiver: SocketAddr, flags: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(["serve", "--addr", "127.0.0.1:0", "-S", "cli"]);
        command.args(flags);
        command.args(["--env", &format!("MLLP_RECEIVER={receiver}")]);
        command.arg(gateway().expect("the gateway"));
        Self::start(&mut command, "http://", "Serving HTTP on")
    }

    fn wasmcloud(program: &Path, project: &Folder) -> Self {
        let mut command = Command::new(program);
        command.current_dir(project.path());
        command.args(["--non-interactive", "dev"]);
        Self::start(
            &mut command,
            "HTTP server listening addr=",
            "listening for HTTP requests",
        )
    }

    /// Posts a message: the status and the text of the answer.
    fn post(&self, message: &[u8]) -> (u16, String) {
        let mut connection = TcpStream::connect(self.address).expect("the host listens");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("timeout");
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.address,
            message.len()
        );
        connection.write_all(head.as_bytes()).expect("a request");
        connection.write_all(message).expect("a request");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        watch::nothing_in_text("an answer", answer.as_bytes());
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        (status.expect("a status"), unchunked(body))
    }
}

/// A body whose chunks each stand behind their size (RFC 9112 section 7.1).
fn unchunked(body: &str) -> String {
    let mut lines = body.split("\r\n");
    let mut text = String::new();
    while let (Some(size), Some(chunk)) = (lines.next(), lines.next()) {
        let size = usize::from_str_radix(size, 16).expect("a size");
        assert_eq!(size, chunk.len(), "no text of ours has line ends");
        text.push_str(chunk);
    }
    text
}

impl Drop for Host {
    fn drop(&mut self) {
        // Whether it ends by itself is not what is tested.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let told = self.log.take().map(JoinHandle::join);
        let is_clean = !matches!(told, Some(Err(_)));
        assert!(is_clean || std::thread::panicking(), "its log has content");
    }
}

/// The example's project, with another receiver and other settings beside it.
fn project(test: &str, port: u16, changes: &[(&str, &str)]) -> Folder {
    let config = examples::folder("wasmcloud").join(".wash/config.yaml");
    let mut config = std::fs::read_to_string(config).expect("the example's configuration");
    let component = gateway().expect("the gateway");
    let component = component.display().to_string();
    let port = port.to_string();
    let own = [
        ("2575", port.as_str()),
        ("127.0.0.1:8000", "127.0.0.1:0"),
        (
            "../../target/examples/gateway/gateway-with-client.wasm",
            component.as_str(),
        ),
    ];
    for (from, to) in own.iter().chain(changes) {
        assert!(config.contains(from), "{from}");
        config = config.replace(from, to);
    }
    let folder = Folder::new(test, &[]);
    std::fs::create_dir(folder.path().join(".wash")).expect("a folder");
    std::fs::write(folder.path().join(".wash/config.yaml"), config).expect("a file");
    folder
}

#[test]
fn wasmcloud_sends_to_the_receiver_that_its_manifest_allows() {
    let Some(program) = examples::installed("wasmcloud/wash") else {
        return;
    };
    if gateway().is_none() {
        return;
    }
    let plain = Receiver::new().accept().expect(&message("1"));
    let plain = plain.acknowledge("AA").expect_end().start();
    let folder = project("wasmcloud", plain.address.port(), &[]);
    let host = Host::wasmcloud(&program, &folder);
    assert_eq!(host.post(&message("1")), (200, "applied".to_owned()));
    let _ = plain.finish();
}

#[test]
fn wasmcloud_sends_through_tls() {
    let Some(program) = examples::installed("wasmcloud/wash") else {
        return;
    };
    if gateway().is_none() {
        return;
    }
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["host.wasmcloud.internal"]);
    let tls = Receiver::new().accept().shake_hands(issued.server());
    let tls = tls.serve(1, "AE").expect_closing().start();
    let pem = String::from_utf8(authority.pem()).expect("PEM");
    let entry = "      MLLP_RECEIVER:";
    let with_ca = format!("      MLLP_CA: {pem:?}\n{entry}");
    let changes = [(entry, with_ca.as_str())];
    let folder = project("wasmcloud-tls", tls.address.port(), &changes);
    let host = Host::wasmcloud(&program, &folder);
    assert_eq!(host.post(&message("1")), (422, "refused".to_owned()));
    let _ = tls.finish();
}

#[test]
fn wasmcloud_denies_what_its_manifest_does_not_allow() {
    let Some(program) = examples::installed("wasmcloud/wash") else {
        return;
    };
    if gateway().is_none() {
        return;
    }
    let receiver = Receiver::new().start();
    let port = receiver.address.port();
    let closed = [(
        "allowedHostLoopbackPorts: [",
        "allowedHostLoopbackPorts: [] #",
    )];
    let folder = project("wasmcloud-port", port, &closed);
    let (status, text) = Host::wasmcloud(&program, &folder).post(&message("1"));
    assert_eq!(status, 503);
    assert!(text.contains("connect to this address"), "{text}");

    let elsewhere = [("host.wasmcloud.internal:", "receiver.example:")];
    let folder = project("wasmcloud-name", port, &elsewhere);
    let (status, text) = Host::wasmcloud(&program, &folder).post(&message("1"));
    assert_eq!(status, 503);
    assert!(text.contains("look up names"), "{text}");
    let _ = receiver.finish();
}

#[test]
fn wasmtime_serves_the_gateway() {
    let Some(program) = examples::installed("wasmtime/49.0.4/wasmtime") else {
        return;
    };
    if gateway().is_none() {
        return;
    }
    let receiver = Receiver::new().accept().serve(1, "AA").expect_end().start();
    let network = ["-S", "inherit-network"];
    let host = Host::wasmtime(&program, receiver.address, &network);
    assert_eq!(host.post(&message("1")), (200, "applied".to_owned()));
    let _ = receiver.finish();

    let (status, text) = host.post(b"no message");
    assert_eq!(status, 503);
    assert!(text.starts_with("not-sent: "), "{text}");

    let denying = Host::wasmtime(&program, host.address, &[]);
    let (status, text) = denying.post(&message("1"));
    assert_eq!(status, 503);
    assert!(text.contains("-S inherit-network"), "{text}");
}

/// What Spin's manifest may consist of, as far as this one uses it.
#[test]
fn the_manifest_for_spin_joins_the_gateway_and_the_client() {
    let file = examples::folder("spin").join("spin.toml");
    let manifest = std::fs::read_to_string(file).expect("the manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    assert_eq!(
        manifest.keys().collect::<Vec<_>>(),
        [
            "application",
            "component",
            "spin_manifest_version",
            "trigger"
        ]
    );
    assert_eq!(manifest["spin_manifest_version"].as_integer(), Some(2));
    let trigger = &manifest["trigger"]["http"][0];
    let name = trigger["component"].as_str().expect("a component");
    assert!(
        trigger["route"]
            .as_str()
            .is_some_and(|route| route.starts_with('/'))
    );
    let component = manifest["component"][name].as_table().expect("a table");
    let known = [
        "source",
        "environment",
        "allowed_outbound_hosts",
        "dependencies",
    ];
    assert!(component.keys().all(|key| known.contains(&key.as_str())));

    let receiver = component["environment"]["MLLP_RECEIVER"].as_str();
    let receiver: SocketAddr = receiver.expect("a receiver").parse().expect("by address");
    let allowed = component["allowed_outbound_hosts"]
        .as_array()
        .expect("hosts");
    assert_eq!(allowed.len(), 1);
    assert_eq!(
        allowed[0].as_str(),
        Some(format!("tcp://{receiver}").as_str())
    );

    let dependencies = component["dependencies"].as_table().expect("a table");
    let package = format!("hl7:mllp@{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(dependencies.keys().collect::<Vec<_>>(), [&package]);
    let client = dependencies[&package].as_table().expect("a table");
    assert_eq!(
        client.keys().collect::<Vec<_>>(),
        ["inherit_configuration", "path"]
    );
    assert_eq!(
        client["inherit_configuration"][0],
        "allowed_outbound_hosts".into()
    );

    if gateway().is_some() {
        for path in [&component["source"], &client["path"]] {
            let path = path.as_str().expect("a path");
            assert!(examples::folder("spin").join(path).exists(), "{path}");
        }
    }
}
