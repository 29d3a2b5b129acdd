//! The TLS pump and the handshake, fed with records of any kind, and with those of a
//! real server on whose way somebody stands. Whatever he does, no byte comes out that
//! the server did not say, in its order; and where he does nothing, all of it does.

#![no_main]

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arbitrary::Arbitrary;
use fuzz::draw::Split;
use fuzz::random;
use libfuzzer_sys::fuzz_target;
use mllp_client::clock::Instant;
use mllp_client::error::{Delivery, Phase};
use mllp_client::limits::SPACE_BYTES_MAX;
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::tls::certificate::Certificate;
use mllp_client::tls::config::Tls;
use mllp_client::tls::handshake::{Farewell, Handshake};
use mllp_client::tls::options::{Identity, TlsOptions};
use mllp_client::tls::provider::{Hybrid, provider};
use mllp_client::tls::pump::Pump;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, version};

const AUTHORITY: &[u8] = include_bytes!("../fixtures/authority.der");
const CERTIFICATE: &[u8] = include_bytes!("../fixtures/certificate.der");
const KEY: &[u8] = include_bytes!("../fixtures/key.der");
/// 2027-01-15T08:00:00Z, which the certificates are valid at.
const TIME: Duration = Duration::from_secs(1_800_000_000);
const DEADLINE: Instant = Instant::from_nanoseconds(1_000);
/// Enough for two records.
const SAID_BYTES_MAX: u16 = 20_000;
const MESSAGE: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\r";

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    /// Whether the bytes are all that there is.
    alone: bool,
    setting: Setting,
    resume: bool,
    split: Split,
    changes: [Change; 2],
    /// How much the server has to say.
    said: u16,
    bytes: &'a [u8],
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Setting {
    hybrid: bool,
    old_version: bool,
    mutual: bool,
    trust: u8,
}

/// What happens to the server's stream at one place.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Change {
    at: u16,
    how: u8,
    by: u8,
}

fuzz_target!(|case: Case<'_>| {
    random::reset();
    let options = case.setting.options();
    if case.alone {
        meet_strangers(&tls(&options, "lab.example"), case.split, case.bytes);
        return;
    }
    // A name of its own, since sessions are remembered by names.
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let tls = tls(&options, &format!("h{run:016x}.lab.example"));
    let server = case.setting.server();
    let said = (0..case.said % SAID_BYTES_MAX).map(|index| index.to_le_bytes()[0]);
    let said: Vec<u8> = said.collect();
    if case.resume {
        let first = converse(&tls, server, Wire::default(), Split::WHOLE, &said);
        assert!(!first);
    }
    let wire = Wire {
        changes: &case.changes,
        spare: case.bytes,
        ..Wire::default()
    };
    let resumed = converse(&tls, server, wire, case.split, &said);
    assert!(case.resume || !resumed, "a session from nowhere");
});

impl Setting {
    fn options(self) -> TlsOptions {
        let pin = || {
            let certificate = Certificate::read(CERTIFICATE).unwrap();
            certificate.pin.to_string()
        };
        let identity = || Identity {
            chain: CERTIFICATE.to_vec().into(),
            key: KEY.to_vec().into(),
        };
        let options = TlsOptions {
            hybrid: self.hybrid,
            identity: self.mutual.then(identity),
            own_authorities_only: true,
            ..TlsOptions::new()
        };
        match self.trust % 3 {
            0 => TlsOptions {
                authorities: vec![AUTHORITY.to_vec().into()],
                ..options
            },
            1 => TlsOptions {
                pins: vec![pin()],
                pins_instead_of_chain: true,
                ..options
            },
            _ => TlsOptions {
                insecure: true,
                ..options
            },
        }
    }

    fn server(self) -> &'static Arc<ServerConfig> {
        static SERVERS: LazyLock<[Arc<ServerConfig>; 4]> = LazyLock::new(|| {
            [(false, false), (false, true), (true, false), (true, true)]
                .map(|(old_version, mutual)| Arc::new(server(old_version, mutual)))
        });
        &SERVERS[usize::from(self.old_version) * 2 + usize::from(self.mutual)]
    }
}

fn server(old_version: bool, mutual: bool) -> ServerConfig {
    // The server's half of the hybrid group is nowhere in the provider.
    let provider = Arc::new(provider(Hybrid::Withheld));
    let versions = if old_version {
        [&version::TLS12]
    } else {
        [&version::TLS13]
    };
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)
        .unwrap();
    let config = if mutual {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(AUTHORITY)).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        config.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        config.with_no_client_auth()
    };
    let key = PrivatePkcs8KeyDer::from(KEY).into();
    config
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], key)
        .unwrap()
}

fn tls(options: &TlsOptions, host: &str) -> Tls {
    let tls = Tls::new(options, host).unwrap();
    tls.set_time(TIME);
    tls
}

/// Nobody who has no key gets anywhere.
fn meet_strangers(tls: &Tls, split: Split, bytes: &[u8]) {
    let mut handshake = Handshake::new(tls.clone(), DEADLINE).unwrap();
    let hello = match handshake.poll(Instant::default()) {
        Output::Transmit(hello, DEADLINE) => hello.len(),
        _ => panic!("the sender speaks first"),
    };
    handshake.handle(Input::Transmitted(hello));
    for piece in split.pieces(bytes) {
        handshake.handle(Input::Received(piece));
    }
    handshake.handle(Input::Ended);
    assert!(matches!(handshake.poll(Instant::default()), Output::Done));
    let failure = handshake.failure().unwrap();
    assert_eq!(failure.delivery, Delivery::NotSent);
    assert_eq!(failure.phase, Phase::Tls);
    let (mut pump, plain) = handshake.into_parts();
    assert!(pump.is_handshaking());
    assert!(plain.is_empty() && plain.len() <= SPACE_BYTES_MAX as usize);
    assert!(pump.encrypt(MESSAGE).is_err());
    say_farewell(&mut pump);
}

fn say_farewell(pump: &mut Pump) {
    let waiting = pump.to_transmit().len();
    let mut farewell = Farewell::new(pump, DEADLINE);
    if let Output::Transmit(bytes, DEADLINE) = farewell.poll(Instant::default()) {
        let size = bytes.len();
        assert!(size >= waiting);
        farewell.handle(Input::Transmitted(size));
    }
    assert!(matches!(farewell.poll(Instant::default()), Output::Done));
}

/// The way from the server to the sender, and who stands on it.
#[derive(Default)]
struct Wire<'a> {
    changes: &'a [Change],
    spare: &'a [u8],
    position: usize,
    cut: bool,
    changed: bool,
}

impl Wire<'_> {
    fn carry(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut carried = Vec::new();
        for byte in bytes {
            self.carry_byte(*byte, &mut carried);
            self.position += 1;
        }
        self.changed |= carried != bytes;
        carried
    }

    fn carry_byte(&mut self, byte: u8, carried: &mut Vec<u8>) {
        let is_here = |change: &&Change| usize::from(change.at) == self.position;
        let change = self.changes.iter().find(is_here);
        if self.cut {
            return;
        }
        let Some(Change { how, by, .. }) = change else {
            return carried.push(byte);
        };
        let size = usize::from(*by);
        match how % 6 {
            0 => carried.push(byte ^ by),
            1 => {}
            2 => {
                carried.extend(self.spare.iter().take(size));
                carried.push(byte);
            }
            3 => {
                carried.extend(self.spare);
                self.cut = true;
            }
            4 => {
                carried.push(byte);
                carried.extend_from_within(carried.len().saturating_sub(size)..);
            }
            _ => self.cut = true,
        }
    }
}

/// A sender and a server talk to each other; whether they took up an earlier session.
fn converse(
    tls: &Tls,
    server: &Arc<ServerConfig>,
    mut wire: Wire<'_>,
    split: Split,
    said: &[u8],
) -> bool {
    let mut pump = Pump::new(tls.clone()).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    server.set_buffer_limit(None);
    let mut sender = Sender::default();
    let mut has_spoken = false;
    loop {
        let from_sender = sender.speak(&mut pump);
        let alive = hear(&mut server, &from_sender);
        if alive && !server.is_handshaking() && !has_spoken {
            has_spoken = true;
            server.writer().write_all(said).unwrap();
            server.send_close_notify();
        }
        let from_server = say(&mut server);
        if from_sender.is_empty() && from_server.is_empty() {
            break;
        }
        for piece in split.pieces(&wire.carry(&from_server)) {
            sender.hear(&mut pump, piece);
        }
    }
    assert!(
        said.starts_with(&sender.plain),
        "what the server never said"
    );
    if sender.ended && !pump.is_handshaking() {
        assert_eq!(sender.plain, said, "cut short, and taken for whole");
    }
    if !pump.is_handshaking() {
        let shown = pump.agreed().certificate;
        assert_eq!(shown, Certificate::read(CERTIFICATE));
    }
    if !wire.changed {
        assert!(sender.ended && !sender.failed);
        assert_eq!(sender.plain, said);
        let mut heard = Vec::new();
        // It blocks where there is no more.
        let _ = server.reader().read_to_end(&mut heard);
        assert_eq!(heard, MESSAGE);
    }
    let resumed = !pump.is_handshaking() && pump.agreed().resumed;
    say_farewell(&mut pump);
    resumed
}

/// What the sender heard and did.
#[derive(Default)]
struct Sender {
    plain: Vec<u8>,
    ended: bool,
    failed: bool,
    has_spoken: bool,
}

impl Sender {
    fn speak(&mut self, pump: &mut Pump) -> Vec<u8> {
        if !pump.is_handshaking() && !self.failed && !self.has_spoken {
            self.has_spoken = true;
            pump.encrypt(MESSAGE).unwrap();
        }
        let bytes = pump.to_transmit().to_vec();
        let holds_message = pump.holds_application_data();
        let progress = pump.transmitted(bytes.len());
        assert_eq!(
            progress.whole,
            if holds_message { MESSAGE.len() } else { 0 }
        );
        assert!(!progress.part);
        bytes
    }

    fn hear(&mut self, pump: &mut Pump, bytes: &[u8]) {
        let received = pump.receive(bytes);
        if self.failed {
            assert!(received.plain.is_empty() && received.failure.is_none());
        }
        assert!(received.plain.is_empty() || !pump.is_handshaking());
        self.plain.extend(received.plain);
        self.ended |= received.ended;
        self.failed |= received.failure.is_some();
    }
}

/// Whether the server goes on.
fn hear(server: &mut ServerConnection, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        let read = server.read_tls(&mut bytes);
        if read.is_err() || server.process_new_packets().is_err() {
            return false;
        }
    }
    true
}

fn say(server: &mut ServerConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut bytes).unwrap();
    }
    bytes
}
