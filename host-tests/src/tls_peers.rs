//! TLS servers that nobody here wrote, each made a receiver of MLLP, and each
//! told to speak TLS in one way only, so that no other can be agreed on.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, LazyLock, mpsc};

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use rustls::version::{TLS12, TLS13};

use crate::certificates::{self, Authority, Issued, Key};
use crate::event::PATIENCE;
use crate::folder::Folder;
use crate::messages;
use crate::peers::leave_out;
use crate::receiver::{Receiver, Running};
use crate::sandbox::types::TlsVersion;

/// The name that the receivers' certificates are for.
pub const NAME: &str = "lab.example";

/// Messages that a receiver takes, each over a connection of its own.
pub const MESSAGES: usize = 2;

/// The cipher suites of TLS 1.3.
pub const SUITES_13: [&str; 3] = [
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
];

/// The cipher suites of TLS 1.2.
pub const SUITES_12: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
];

/// The groups that every one of them has.
pub const GROUPS: [&str; 3] = ["X25519", "secp256r1", "secp384r1"];

const HYBRID: &str = "X25519MLKEM768";

/// Software that nobody here wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// `openssl s_server`, answered for by the test.
    OpenSsl,
    /// `gnutls-serv --echo`, which gets a message that acknowledges itself.
    GnuTls,
    /// The JDK's TLS.
    Jsse,
    /// Node's `tls`.
    Node,
    /// Python's `ssl`.
    Python,
    /// stunnel before a scripted receiver without TLS.
    Stunnel,
    /// rustls with the cryptography of AWS-LC.
    AwsLc,
    /// rustls with the cryptography of ring.
    Ring,
}

impl Software {
    /// All of it.
    pub const ALL: [Self; 8] = [
        Self::OpenSsl,
        Self::GnuTls,
        Self::Jsse,
        Self::Node,
        Self::Python,
        Self::Stunnel,
        Self::AwsLc,
        Self::Ring,
    ];

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "OpenSSL `s_server`",
            Self::GnuTls => "GnuTLS `gnutls-serv`",
            Self::Jsse => "Java JSSE",
            Self::Node => "Node.js `tls`",
            Self::Python => "Python `ssl`",
            Self::Stunnel => "stunnel",
            Self::AwsLc => "rustls on AWS-LC",
            Self::Ring => "rustls on ring",
        }
    }

    /// Everything the component shall agree on with it: each suite, each group,
    /// each kind of key of the receiver and of the sender, in each version.
    #[must_use]
    pub fn cases(self) -> Vec<Case> {
        let mut cases = Vec::new();
        let mut add = |case| {
            if !cases.contains(&case) {
                cases.push(case);
            }
        };
        for base in [self.base(TlsVersion::Tls13), self.base(TlsVersion::Tls12)] {
            add(base);
            self.suites(base.version)
                .iter()
                .for_each(|suite| add(base.with_suite(suite)));
            self.groups(base.version)
                .iter()
                .for_each(|group| add(base.with_group(group)));
            for key in Key::ALL {
                add(base.with_key(key));
            }
            for key in Key::ALL {
                let sender = Some(key);
                add(Case { sender, ..base });
            }
        }
        cases
    }

    fn base(self, version: TlsVersion) -> Case {
        Case {
            version,
            suite: self.suites(version).first().copied(),
            group: GROUPS[0],
            key: Key::P256,
            sender: None,
        }
    }

    const fn suites(self, version: TlsVersion) -> &'static [&'static str] {
        match (self, version) {
            // Its `ssl` can tell OpenSSL only those of TLS 1.2.
            (Self::Python, TlsVersion::Tls13) => &[],
            (_, TlsVersion::Tls13) => &SUITES_13,
            (_, TlsVersion::Tls12) => &SUITES_12,
        }
    }

    const fn groups(self, version: TlsVersion) -> &'static [&'static str] {
        match (self, version) {
            (Self::AwsLc, TlsVersion::Tls13) => &[GROUPS[0], GROUPS[1], GROUPS[2], HYBRID],
            _ => &GROUPS,
        }
    }

    /// The command that tells the version, and what runs the software; none for
    /// what is part of this program.
    const fn version_command(self) -> Option<(&'static str, &'static [&'static str])> {
        Some(match self {
            Self::OpenSsl => ("openssl", &["version"]),
            Self::GnuTls => ("gnutls-serv", &["--version"]),
            Self::Jsse => ("java", &["--version"]),
            Self::Node => (
                "node",
                &[
                    "-p",
                    "`${process.version} with OpenSSL ${process.versions.openssl}`",
                ],
            ),
            Self::Python => (
                "python3",
                &[
                    "-c",
                    "import ssl, sys; print(sys.version, ssl.OPENSSL_VERSION)",
                ],
            ),
            Self::Stunnel => ("stunnel4", &["-version"]),
            Self::AwsLc | Self::Ring => return None,
        })
    }

    /// The receivers in `host-tests/peers/` made with it.
    fn script(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Jsse => Some(("java", "JsseReceiver.java")),
            Self::Node => Some(("node", "tls_receiver.mjs")),
            Self::Python => Some(("python3", "tls_receiver.py")),
            _ => None,
        }
    }
}

/// The one way in which a receiver speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite by its IANA name; none where the software cannot be told.
    pub suite: Option<&'static str>,
    /// The group by its IANA name.
    pub group: &'static str,
    /// The kind of all keys in the receiver's chain.
    pub key: Key,
    /// The kind of all keys in the sender's chain, where the receiver demands
    /// one.
    pub sender: Option<Key>,
}

impl Case {
    fn with_suite(self, suite: &'static str) -> Self {
        let key = if suite.contains("RSA_WITH") && !suite.contains("ECDSA") {
            Key::Rsa
        } else {
            self.key
        };
        Self {
            suite: Some(suite),
            key,
            ..self
        }
    }

    /// In TLS 1.2 the receiver's certificate has to be on the group's curve.
    fn with_group(self, group: &'static str) -> Self {
        let key = match (self.version, group) {
            (TlsVersion::Tls12, "secp384r1") => Key::P384,
            _ => self.key,
        };
        Self { group, key, ..self }
    }

    /// In TLS 1.2 the suite tells what the receiver signs with.
    fn with_key(self, key: Key) -> Self {
        let suite = match (self.version, key) {
            (TlsVersion::Tls12, Key::Rsa) => Some(SUITES_12[3]),
            _ => self.suite,
        };
        Self { suite, key, ..self }
    }

    /// The groups the receiver is given, by their IANA names, with colons between
    /// them. In TLS 1.2 they are also the curves that certificates may be on, so
    /// that X25519 never comes alone; everybody prefers it.
    fn groups(&self) -> String {
        match (self.version, self.group) {
            (TlsVersion::Tls12, "X25519") => GROUPS.join(":"),
            _ => self.group.to_owned(),
        }
    }

    const fn version_name(&self) -> &'static str {
        match self.version {
            TlsVersion::Tls13 => "TLSv1.3",
            TlsVersion::Tls12 => "TLSv1.2",
        }
    }

    /// The suite by OpenSSL's name, which differs in TLS 1.2.
    fn openssl_suite(&self) -> String {
        let suite = self.suite.unwrap_or("-");
        if self.version == TlsVersion::Tls13 {
            return suite.to_owned();
        }
        suite
            .replacen("TLS_", "", 1)
            .replace("_WITH_", "_")
            .replace("AES_", "AES")
            .replace('_', "-")
            .replace("-POLY1305-SHA256", "-POLY1305")
    }

    /// The same in GnuTLS's words.
    fn gnutls_priority(&self) -> String {
        let suite = self.suite.unwrap_or_default();
        let cipher = ["CHACHA20-POLY1305", "AES-256-GCM", "AES-128-GCM"]
            .into_iter()
            .find(|cipher| suite.contains(&cipher.replace('-', "_")))
            .unwrap_or_default();
        let version = self.version_name().replacen("TLSv", "TLS", 1);
        let groups = self.groups().replace(':', ":+GROUP-").to_uppercase();
        format!(
            "NONE:+VERS-{version}:+ECDHE-ECDSA:+ECDHE-RSA:+{cipher}:+AEAD:+SIGN-ALL:\
             +GROUP-{groups}:+CTYPE-ALL"
        )
    }

    /// What the scripts in `host-tests/peers/` take.
    fn line(&self, software: Software) -> String {
        let suite = match software {
            Software::Jsse => self.suite.unwrap_or("-").to_owned(),
            _ => self.openssl_suite(),
        };
        let (version, key) = (self.version_name(), file_name(self.key));
        let senders = self.sender.map_or("-", file_name);
        format!("{version} {suite} {key} {senders}\n")
    }

    fn server_config(&self, all: CryptoProvider) -> Arc<ServerConfig> {
        let mut provider = all;
        let suite = self.suite.unwrap_or_default();
        provider.cipher_suites.retain(|known| {
            let name = known.suite().as_str().unwrap_or_default();
            name.replacen("TLS13_", "TLS_", 1) == suite
        });
        let group = Some(self.group);
        provider
            .kx_groups
            .retain(|known| known.name().as_str() == group);
        let version = match self.version {
            TlsVersion::Tls13 => &TLS13,
            TlsVersion::Tls12 => &TLS12,
        };
        let senders = self.sender.map(|key| &chains(key).root);
        chains(self.key)
            .receiver
            .server_with(provider, &[version], senders)
    }
}

/// What proves who both ends are, in chains of three certificates.
pub struct Chains {
    /// The authority that both ends trust.
    pub root: Authority,
    /// The receiver's chain and key.
    pub receiver: Issued,
    /// The sender's chain and key.
    pub sender: Issued,
}

/// Chains with keys of this kind; made once in this process, since RSA keys take
/// their time.
#[must_use]
pub fn chains(key: Key) -> &'static Chains {
    static ALL: [LazyLock<Chains>; 4] = [
        LazyLock::new(|| Chains::new(Key::ALL[0])),
        LazyLock::new(|| Chains::new(Key::ALL[1])),
        LazyLock::new(|| Chains::new(Key::ALL[2])),
        LazyLock::new(|| Chains::new(Key::ALL[3])),
    ];
    let index = Key::ALL.iter().position(|one| *one == key);
    &ALL[index.unwrap_or_default()]
}

impl Chains {
    fn new(key: Key) -> Self {
        let root = Authority::new(key);
        let below = root.intermediate(|_| {});
        Self {
            receiver: below.receiver(&[NAME]),
            sender: below.sender(),
            root,
        }
    }

    fn files(&self, key: Key) -> Vec<(String, Vec<u8>)> {
        let name = file_name(key);
        let between = certificates::pem("CERTIFICATE", &self.receiver.chain[1]);
        vec![
            (format!("{name}.authority.pem"), self.root.pem()),
            (format!("{name}.chain.pem"), self.receiver.chain_pem()),
            (format!("{name}.between.pem"), between),
            (format!("{name}.key.pem"), key_file(&self.receiver, key)),
        ]
    }
}

/// A private key as everybody reads it.
fn key_file(issued: &Issued, key: Key) -> Vec<u8> {
    if key != Key::Ed25519 {
        return issued.key_pem();
    }
    // The keys made here are of PKCS#8's version 2, with the public key at the end
    // (RFC 8410 section 7); OpenSSL up to 3.0 knows version 1 only.
    const VERSION_1: [u8; 16] = [
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    let made = issued.key.serialize_der();
    certificates::pem("PRIVATE KEY", &[&VERSION_1, &made[16..48]].concat())
}

const fn file_name(key: Key) -> &'static str {
    match key {
        Key::P256 => "p256",
        Key::P384 => "p384",
        Key::Ed25519 => "ed25519",
        Key::Rsa => "rsa",
    }
}

/// One of them, ready to receive in any way; what runs of it ends with this
/// value.
pub struct Peer {
    software: Software,
    version: String,
    folder: Folder,
    /// By their groups, which JSSE can be told only once.
    scripts: HashMap<String, Process>,
}

impl Peer {
    /// Makes it ready. `None`, said loudly, if it is not installed.
    ///
    /// # Panics
    /// In CI if it is not installed.
    #[must_use]
    pub fn new(software: Software) -> Option<Self> {
        let version = match software.version_command() {
            None => env!("CARGO_PKG_VERSION").to_owned(),
            Some((program, arguments)) => {
                let Some(version) = version(program, arguments) else {
                    leave_out(software.name());
                    return None;
                };
                version
            }
        };
        let files: Vec<_> = Key::ALL
            .into_iter()
            .flat_map(|key| chains(key).files(key))
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
            .collect();
        let peer = Self {
            software,
            version,
            folder: Folder::new(&format!("{software:?}"), &files),
            scripts: HashMap::new(),
        };
        if software == Software::Jsse {
            Key::ALL
                .into_iter()
                .for_each(|key| peer.make_key_store(key));
        }
        Some(peer)
    }

    /// The version, as the software tells it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// A message that this software answers with an acknowledgment of it.
    #[must_use]
    pub fn message(&self, control_id: &str, size: usize) -> Vec<u8> {
        let message = messages::message_of(control_id, size);
        if !self.echoes() {
            return message;
        }
        // gnutls-serv hands back what it was given as soon as a line has ended:
        // an answer to a query, which holds MSA, acknowledges itself.
        [
            &message[..message.len() - 1],
            format!("\rMSA|AA|{control_id}\rNTE|2||\n\r").as_bytes(),
        ]
        .concat()
    }

    /// Whether what it answers is what it got.
    #[must_use]
    pub fn echoes(&self) -> bool {
        self.software == Software::GnuTls
    }

    /// Starts a receiver that speaks TLS in one way.
    ///
    /// # Panics
    /// If it does not start.
    pub fn listen(&mut self, case: &Case) -> Listening<'_> {
        match self.software {
            Software::OpenSsl => self.s_server(case),
            Software::GnuTls => self.gnutls_serv(case),
            Software::Jsse | Software::Node | Software::Python => self.script(case),
            Software::Stunnel => self.stunnel(case),
            Software::AwsLc => scripted(case.server_config(aws_lc_rs::default_provider())),
            Software::Ring => scripted(case.server_config(ring::default_provider())),
        }
    }

    fn s_server(&self, case: &Case) -> Listening<'static> {
        let key = file_name(case.key);
        let mut command = self.command("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-groups"]);
        command.arg(case.groups());
        command.args(["-cert", &format!("{key}.chain.pem")]);
        command.args(["-key", &format!("{key}.key.pem")]);
        command.args(["-cert_chain", &format!("{key}.between.pem")]);
        command.args(match case.version {
            TlsVersion::Tls13 => ["-tls1_3", "-ciphersuites"],
            TlsVersion::Tls12 => ["-tls1_2", "-cipher"],
        });
        command.arg(case.openssl_suite());
        if let Some(sender) = case.sender {
            let authority = format!("{}.authority.pem", file_name(sender));
            command.args([
                "-Verify",
                "3",
                "-verify_return_error",
                "-CAfile",
                &authority,
            ]);
        }
        let mut process = Process::start(command.stderr(Stdio::null()));
        let address = process.after("ACCEPT ").expect("it listens");
        let (told, received) = mpsc::channel();
        let (output, input) = process.hand_over();
        std::thread::spawn(move || acknowledge(output, input, &told));
        Listening {
            address: address.parse().expect("an address"),
            receipts: Receipts::Told(received),
            _process: Some(process),
        }
    }

    fn gnutls_serv(&self, case: &Case) -> Listening<'static> {
        let key = file_name(case.key);
        // Whoever else takes the free port in between has it once, not for ever.
        for port in (0..10).map(|_| free_port()) {
            let mut command = self.command("gnutls-serv");
            command.args(["--echo", "--crlf", "--port", &port.to_string()]);
            command.args(["--x509certfile", &format!("{key}.chain.pem")]);
            command.args(["--x509keyfile", &format!("{key}.key.pem")]);
            command.args(["--priority", &case.gnutls_priority()]);
            match case.sender {
                None => command.arg("--disable-client-cert"),
                Some(sender) => command
                    .args(["--require-client-cert", "--verify-client-cert"])
                    .arg("--x509cafile")
                    .arg(format!("{}.authority.pem", file_name(sender))),
            };
            let mut process = Process::start_heard_by_errors(&mut command);
            let outcome = process.after(&format!("IPv4 0.0.0.0 port {port}..."));
            if outcome.as_deref() == Some("done") {
                process.hear_out();
                return Listening {
                    address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                    receipts: Receipts::None,
                    _process: Some(process),
                };
            }
        }
        panic!("no port is free for gnutls-serv");
    }

    fn script(&mut self, case: &Case) -> Listening<'_> {
        let (program, file) = self.software.script().expect("a script");
        let mut command = self.command(program);
        command.args((program == "java").then_some("-XX:TieredStopAtLevel=1"));
        command.arg(components::root().join("host-tests/peers").join(file));
        let groups = case.groups();
        command.arg(&groups);
        let process = self
            .scripts
            .entry(groups)
            .or_insert_with(|| Process::start(&mut command));
        process.tell(&case.line(self.software));
        let port = process.after("listening ").expect("it listens");
        Listening {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().expect("a port"))),
            receipts: Receipts::Printed(process),
            _process: None,
        }
    }

    fn stunnel(&self, case: &Case) -> Listening<'static> {
        let mut receiver = Receiver::new();
        for _ in 0..MESSAGES {
            receiver = receiver.accept().serve(1, "AA").expect_end();
        }
        let receiver = receiver.start();
        let (key, version) = (file_name(case.key), case.version_name());
        let mut lines = vec![
            // Information: where it listens.
            "foreground = yes\nsyslog = no\ndebug = 6\n[mllp]\naccept = 127.0.0.1:0".to_owned(),
            format!("connect = {}", receiver.address),
            format!("cert = {key}.chain.pem\nkey = {key}.key.pem"),
            format!("sslVersionMin = {version}\nsslVersionMax = {version}"),
            format!("curves = {}", case.groups()),
            match case.version {
                TlsVersion::Tls13 => format!("ciphersuites = {}", case.openssl_suite()),
                TlsVersion::Tls12 => format!("ciphers = {}", case.openssl_suite()),
            },
        ];
        lines.extend(case.sender.map(|sender| {
            let sender = file_name(sender);
            format!("verifyChain = yes\nCAfile = {sender}.authority.pem")
        }));
        let file = self.folder.path().join("stunnel.conf");
        std::fs::write(&file, lines.join("\n") + "\n").expect("its configuration");
        let mut process = Process::start_heard_by_errors(self.command("stunnel4").arg(file));
        let address = process.after(" bound to ").expect("it listens");
        process.hear_out();
        Listening {
            address: address.parse().expect("an address"),
            receipts: Receipts::Kept(receiver),
            _process: Some(process),
        }
    }

    /// A key store as Java takes it.
    fn make_key_store(&self, key: Key) {
        let name = file_name(key);
        let made = self
            .command("openssl")
            .args(["pkcs12", "-export", "-passout", "pass:changeit"])
            .args(["-in", &format!("{name}.chain.pem")])
            .args(["-inkey", &format!("{name}.key.pem")])
            .args(["-out", &format!("{name}.p12")])
            .status();
        assert!(made.is_ok_and(|status| status.success()), "a key store");
    }

    /// A program that finds the certificates' files where it stands.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        command
    }
}

/// A receiver that speaks TLS in one way, until this value goes.
pub struct Listening<'p> {
    /// Where it listens.
    pub address: SocketAddr,
    receipts: Receipts<'p>,
    _process: Option<Process>,
}

/// Where a receiver says what it received.
enum Receipts<'p> {
    /// Its answer is all it says.
    None,
    Told(mpsc::Receiver<String>),
    Printed(&'p mut Process),
    Kept(Running),
}

impl Listening<'_> {
    /// What it received, as [`receipt`] puts it: [`MESSAGES`]; `None` if it does
    /// not say.
    ///
    /// # Panics
    /// If it received less.
    #[must_use]
    pub fn received(self) -> Option<Vec<String>> {
        let each = 0..MESSAGES;
        match self.receipts {
            Receipts::None => None,
            Receipts::Told(told) => Some(
                each.map(|_| told.recv_timeout(PATIENCE).expect("a message"))
                    .collect(),
            ),
            Receipts::Printed(process) => Some(
                each.map(|_| process.after("received ").expect("a message"))
                    .collect(),
            ),
            Receipts::Kept(running) => Some(
                running
                    .finish()
                    .iter()
                    .map(|message| receipt(message))
                    .collect(),
            ),
        }
    }
}

/// A message's control id and length.
#[must_use]
pub fn receipt(message: &[u8]) -> String {
    let control_id = messages::control_id(message);
    format!("{} {}", String::from_utf8_lossy(&control_id), message.len())
}

/// A receiver in this process, with this configuration.
fn scripted(config: Arc<ServerConfig>) -> Listening<'static> {
    let mut receiver = Receiver::new();
    for _ in 0..MESSAGES {
        receiver = receiver
            .accept()
            .shake_hands(Arc::clone(&config))
            .serve(1, "AA")
            .expect_closing();
    }
    let running = receiver.start();
    Listening {
        address: running.address,
        receipts: Receipts::Kept(running),
        _process: None,
    }
}

/// Answers the messages that `s_server` prints, among what else it has to say.
fn acknowledge(mut output: impl BufRead, mut input: impl Write, told: &mpsc::Sender<String>) {
    let mut next = || {
        let (mut talk, mut message) = (Vec::new(), Vec::new());
        output.read_until(0x0B, &mut talk).ok()?;
        output.read_until(0x1C, &mut message).ok()?;
        message.pop().map(|_| message)
    };
    while let Some(message) = next() {
        let control_id = messages::control_id(&message);
        let ack = messages::ack("AA", &String::from_utf8_lossy(&control_id));
        let sent = input.write_all(&messages::frame(&ack));
        if sent.and_then(|()| input.flush()).is_err() || told.send(receipt(&message)).is_err() {
            return;
        }
    }
}

/// The first line that a program says of its version; `None` if it is not there.
fn version(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let line = text
        .lines()
        .find(|line| line.contains(|c: char| c.is_ascii_digit()))?;
    Some(line.to_owned())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    listener.local_addr().expect("the port bound").port()
}

/// A process that ends with this value.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    said: Said,
}

type Said = BufReader<Box<dyn Read + Send>>;

impl Process {
    /// Starts it, to be heard on its standard output.
    fn start(command: &mut Command) -> Self {
        Self::start_heard(command.stdout(Stdio::piped()))
    }

    /// Starts it, to be heard on its standard error.
    fn start_heard_by_errors(command: &mut Command) -> Self {
        Self::start_heard(command.stdout(Stdio::null()).stderr(Stdio::piped()))
    }

    fn start_heard(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
        let output = child.stdout.take().map(|output| Box::new(output) as _);
        let errors = child.stderr.take().map(|errors| Box::new(errors) as _);
        Self {
            input: child.stdin.take(),
            said: BufReader::new(output.or(errors).expect("something to hear")),
            child,
        }
    }

    /// The rest of the next line that has `mark` in it; `None` if none comes.
    fn after(&mut self, mark: &str) -> Option<String> {
        let mut line = Vec::new();
        while self.said.read_until(b'\n', &mut line).ok()? > 0 {
            if let Some((_, rest)) = String::from_utf8_lossy(&line).split_once(mark) {
                return Some(rest.trim_end().to_owned());
            }
            line.clear();
        }
        None
    }

    fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("its input");
        input.write_all(line.as_bytes()).expect("it reads");
    }

    /// Hears it out from now on, for it would wait for somebody to.
    fn hear_out(&mut self) {
        let nothing = BufReader::new(Box::new(std::io::empty()) as _);
        let mut said = std::mem::replace(&mut self.said, nothing);
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    }

    /// Leaves its input and its output to somebody else.
    fn hand_over(&mut self) -> (Said, ChildStdin) {
        let nothing = BufReader::new(Box::new(std::io::empty()) as _);
        let input = self.input.take().expect("its input");
        (std::mem::replace(&mut self.said, nothing), input)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whether it ends by itself is not what is tested.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
