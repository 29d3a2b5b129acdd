//! The receiver's end of TLS: rustls' own server, in memory. Its randomness, and the
//! client's, are the machine's and not the seed's: nothing that is decided depends on
//! them, and with Ed25519 not even a length does.

use std::cell::OnceCell;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use mllp_client::tls::options::{Identity, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ED25519};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig, ServerConnection, version};

use crate::plan::TlsPlan;

/// The receivers' name in the certificate.
const WILDCARD: &str = "*.lab.example";

/// The time of day at the beginning of each run, in seconds since 1970.
pub(crate) const TIME_OF_DAY_S: u64 = 1_795_420_800;

/// The time of day in a receiver, which never changes.
#[derive(Debug)]
struct StoppedClock;

impl TimeProvider for StoppedClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(
            TIME_OF_DAY_S,
        )))
    }
}

/// Certificates and what is made from them, once for each thread: clients of equal
/// options share sessions to resume, and a run must not see what others left.
struct Fixture {
    authority: CertificateDer<'static>,
    identity: Identity,
    servers: [Arc<ServerConfig>; 4],
}

thread_local! {
    static FIXTURE: OnceCell<Fixture> = const { OnceCell::new() };
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ED25519).expect("a key")
}

impl Fixture {
    fn new() -> Self {
        let authority_key = key();
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params
            .self_signed(&authority_key)
            .expect("an authority")
            .der()
            .clone();
        let issuer = Issuer::new(params, authority_key);
        let issue = |name: &str| {
            let key = key();
            let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
            let certificate = params.signed_by(&key, &issuer).expect("a certificate");
            (certificate.der().clone(), key)
        };
        let (own, own_key) = issue("sender.example");
        let (certificate, key) = issue(WILDCARD);
        let server = |tls12: bool, mutual: bool| {
            let provider = Arc::new(aws_lc_rs::default_provider());
            let versions = if tls12 {
                &[&version::TLS12]
            } else {
                &[&version::TLS13]
            };
            let config =
                ServerConfig::builder_with_details(provider.clone(), Arc::new(StoppedClock))
                    .with_protocol_versions(versions)
                    .expect("versions");
            let config = if mutual {
                let mut roots = RootCertStore::empty();
                roots.add(authority.clone()).expect("an authority");
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                config.with_client_cert_verifier(verifier.build().expect("a verifier"))
            } else {
                config.with_no_client_auth()
            };
            let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
            let config = config.with_single_cert(vec![certificate.clone()], key);
            Arc::new(config.expect("a configuration"))
        };
        Self {
            servers: [
                server(false, false),
                server(false, true),
                server(true, false),
                server(true, true),
            ],
            identity: Identity {
                chain: own.to_vec().into(),
                key: own_key.serialize_der().into(),
            },
            authority,
        }
    }
}

/// What the client needs for TLS. The server name is the run's own, so that no run
/// resumes another's sessions.
#[must_use]
pub(crate) fn options(plan: TlsPlan, server_name: &str) -> TlsOptions {
    FIXTURE.with(|fixture| {
        let fixture = fixture.get_or_init(Fixture::new);
        TlsOptions {
            authorities: vec![fixture.authority.to_vec().into()],
            own_authorities_only: true,
            identity: (plan.mutual && plan.identity).then(|| fixture.identity.clone()),
            server_name: Some(server_name.to_owned()),
            hybrid: plan.hybrid,
            ..TlsOptions::new()
        }
    })
}

/// A run's receiver, as far as TLS goes.
#[must_use]
pub(crate) fn server(plan: TlsPlan) -> Arc<ServerConfig> {
    FIXTURE.with(|fixture| {
        let fixture = fixture.get_or_init(Fixture::new);
        let index = usize::from(plan.tls12) * 2 + usize::from(plan.mutual);
        let mut config = ServerConfig::clone(&fixture.servers[index]);
        config.session_storage = ServerSessionMemoryCache::new(64);
        Arc::new(config)
    })
}

/// One connection's TLS.
pub(crate) struct Secured {
    connection: ServerConnection,
    records: Records,
    /// It has said its closing.
    closed: bool,
    /// It has failed: what comes cannot be read any more.
    failed: bool,
}

/// Which record the client is in the middle of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    header: [u8; 5],
    header_bytes: usize,
    left: usize,
}

impl Records {
    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(byte) = bytes.first() {
            if self.left > 0 {
                let taken = self.left.min(bytes.len());
                self.left -= taken;
                bytes = &bytes[taken..];
            } else {
                self.header[self.header_bytes] = *byte;
                self.header_bytes += 1;
                bytes = &bytes[1..];
                if self.header_bytes == 5 {
                    self.header_bytes = 0;
                    self.left = self.size();
                }
            }
        }
    }

    fn size(self) -> usize {
        usize::from(u16::from_be_bytes([self.header[3], self.header[4]]))
    }

    /// Whether a record has gone in part that may be so many bytes of application
    /// data; `None` where too little of it has gone to tell.
    #[must_use]
    pub(crate) fn holds_part(self, least: usize) -> Option<bool> {
        if self.left > 0 {
            Some(self.size() >= least)
        } else if self.header_bytes > 0 {
            None
        } else {
            Some(false)
        }
    }
}

impl Secured {
    /// Of a new connection.
    #[must_use]
    pub(crate) fn new(config: Arc<ServerConfig>) -> Self {
        let mut connection = ServerConnection::new(config).expect("a connection");
        connection.set_buffer_limit(None);
        Self {
            connection,
            records: Records::default(),
            closed: false,
            failed: false,
        }
    }

    /// Whether the handshake goes on.
    #[must_use]
    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether nothing more is said.
    #[must_use]
    pub(crate) const fn is_over(&self) -> bool {
        self.closed || self.failed
    }

    /// Whether nothing more can be read.
    #[must_use]
    pub(crate) const fn is_deaf(&self) -> bool {
        self.failed
    }

    /// The record that the client is in the middle of.
    #[must_use]
    pub(crate) const fn records(&self) -> Records {
        self.records
    }

    /// Takes the client's bytes; the application data in them.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.records.take(bytes);
        let mut plain = Vec::new();
        for mut piece in bytes.chunks(4_096) {
            while !piece.is_empty() && !self.failed {
                self.failed |= !matches!(self.connection.read_tls(&mut piece), Ok(1..));
                self.failed |= self.connection.process_new_packets().is_err();
            }
            // It says that it would block where there is no more.
            let _ = self.connection.reader().read_to_end(&mut plain);
        }
        plain
    }

    /// What there is to say for TLS itself.
    pub(crate) fn say(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection
                .write_tls(&mut bytes)
                .expect("memory takes it");
        }
        bytes
    }

    /// The records for this.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        self.connection
            .writer()
            .write_all(plain)
            .expect("memory takes it");
        self.say()
    }

    /// TLS's closing.
    pub(crate) fn close(&mut self) -> Vec<u8> {
        self.connection.send_close_notify();
        self.closed = true;
        self.say()
    }
}
