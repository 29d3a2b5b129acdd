//! Certificates made for one test: authorities, what they issue, what they
//! revoke. Nothing here outlives the test, so no file of a key is ever kept.

use std::sync::Arc;

use data_encoding::BASE64;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    RevokedCertParams, SerialNumber,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::{RootCertStore, SupportedProtocolVersion};
use time::{Duration, OffsetDateTime};

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// Ed25519.
    Ed25519,
    /// RSA with 2048 bits.
    Rsa,
}

impl Key {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::P256, Self::P384, Self::Ed25519, Self::Rsa];

    /// A new key.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn generate(self) -> KeyPair {
        KeyPair::generate_for(match self {
            Self::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
            Self::Rsa => &rcgen::PKCS_RSA_SHA256,
        })
        .expect("a key")
    }
}

/// A certificate authority, at the root or below another.
pub struct Authority {
    kind: Key,
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// The authorities between this one and the root, itself first; a root has
    /// none.
    between: Vec<CertificateDer<'static>>,
}

/// A certificate that an authority issued, with its chain and its key.
pub struct Issued {
    /// The certificate and the authorities below the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key.
    pub key: KeyPair,
    serial: SerialNumber,
}

impl Authority {
    /// A root whose keys, and those it issues, are of this kind.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new(kind: Key) -> Self {
        let key = kind.generate();
        let params = authority("Test root");
        let certificate = params.self_signed(&key).expect("a root").der().clone();
        Self {
            kind,
            issuer: Issuer::new(params, key),
            certificate,
            between: Vec::new(),
        }
    }

    /// An authority below this one; `change` may constrain it.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn intermediate(&self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = self.kind.generate();
        let mut params = authority("Test intermediate");
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer);
        let certificate = certificate.expect("an intermediate").der().clone();
        let mut between = vec![certificate.clone()];
        between.extend(self.between.iter().cloned());
        Self {
            kind: self.kind,
            issuer: Issuer::new(params, key),
            certificate,
            between,
        }
    }

    /// A receiver's certificate for these names and addresses.
    #[must_use]
    pub fn receiver(&self, names: &[&str]) -> Issued {
        self.receiver_with(names, |_| {})
    }

    /// A receiver's certificate that `change` makes special.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn receiver_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Issued {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        subject(&mut params, "Test receiver");
        change(&mut params);
        self.issue(params)
    }

    /// A sender's certificate.
    #[must_use]
    pub fn sender(&self) -> Issued {
        self.sender_with(|_| {})
    }

    /// A sender's certificate that `change` makes special.
    #[must_use]
    pub fn sender_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        subject(&mut params, "Test sender");
        change(&mut params);
        self.issue(params)
    }

    /// The root as PEM.
    #[must_use]
    pub fn pem(&self) -> Vec<u8> {
        pem("CERTIFICATE", &self.certificate)
    }

    /// The root as DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        self.certificate.to_vec()
    }

    /// The pin of the root's key.
    #[must_use]
    pub fn pin(&self) -> String {
        pin(self.issuer.key())
    }

    /// A revocation list of this authority, in DER, that expires so many days
    /// from now.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn revocation_list(&self, revoked: &[&Issued], days: i64) -> Vec<u8> {
        let now = OffsetDateTime::now_utc();
        let params = CertificateRevocationListParams {
            this_update: now - Duration::days(30),
            next_update: now + Duration::days(days),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|issued| RevokedCertParams {
                    serial_number: issued.serial.clone(),
                    revocation_time: now - Duration::days(1),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params
            .signed_by(&self.issuer)
            .expect("a list")
            .der()
            .to_vec()
    }

    /// What checks a sender's certificate on a receiver's behalf.
    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        Arc::new(roots)
    }

    fn issue(&self, mut params: CertificateParams) -> Issued {
        let key = self.kind.generate();
        let serial = SerialNumber::from(u64::from(std::process::id()) << 16 | next_serial());
        params.serial_number = Some(serial.clone());
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.between.iter().cloned());
        Issued { chain, key, serial }
    }
}

impl Issued {
    /// The chain as PEM, the certificate first.
    #[must_use]
    pub fn chain_pem(&self) -> Vec<u8> {
        let pems = self.chain.iter().map(|one| pem("CERTIFICATE", one));
        pems.collect::<Vec<_>>().concat()
    }

    /// The key as PEM.
    #[must_use]
    pub fn key_pem(&self) -> Vec<u8> {
        self.key.serialize_pem().into_bytes()
    }

    /// The chain and the key as the component takes them.
    #[must_use]
    pub fn identity(&self) -> (Vec<u8>, Vec<u8>) {
        (self.chain_pem(), self.key_pem())
    }

    /// The pin of the key.
    #[must_use]
    pub fn pin(&self) -> String {
        pin(&self.key)
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The configuration of a receiver that shows this certificate, on AWS-LC
    /// and with everything it has.
    #[must_use]
    pub fn server(&self) -> Arc<ServerConfig> {
        self.server_with(aws_lc_rs::default_provider(), rustls::ALL_VERSIONS, None)
    }

    /// The same, demanding a sender's certificate of this authority.
    #[must_use]
    pub fn mutual_server(&self, senders: &Authority) -> Arc<ServerConfig> {
        self.server_with(
            aws_lc_rs::default_provider(),
            rustls::ALL_VERSIONS,
            Some(senders),
        )
    }

    /// The configuration of a receiver with this cryptography and these versions
    /// alone.
    ///
    /// # Panics
    /// If they do not go together.
    #[must_use]
    pub fn server_with(
        &self,
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
        senders: Option<&Authority>,
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(provider);
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("versions");
        let config = match senders {
            None => config.with_no_client_auth(),
            Some(senders) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(senders.roots(), provider);
                config.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let mut config = config
            .with_single_cert(self.chain.clone(), self.key_der())
            .expect("a certificate with its key");
        config.ticketer = aws_lc_rs::Ticketer::new().expect("tickets");
        Arc::new(config)
    }
}

/// A certificate that issued itself, for these names.
#[must_use]
pub fn self_signed(names: &[&str]) -> Issued {
    self_signed_with(names, |_| {})
}

/// A certificate that issued itself and that `change` makes special.
///
/// # Panics
/// If it cannot be made.
#[must_use]
pub fn self_signed_with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let key = Key::P256.generate();
    let mut params = CertificateParams::new(names).expect("names");
    subject(&mut params, "Test self-signed");
    change(&mut params);
    let certificate = params.self_signed(&key).expect("a certificate");
    Issued {
        chain: vec![certificate.der().clone()],
        key,
        serial: SerialNumber::from(1),
    }
}

/// DER as PEM.
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in BASE64.encode(der).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text.into_bytes()
}

fn pin(key: &KeyPair) -> String {
    let digest = aws_lc_rs_digest(&key.subject_public_key_info());
    format!("sha256/{}", BASE64.encode(&digest))
}

fn aws_lc_rs_digest(bytes: &[u8]) -> Vec<u8> {
    let suite = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite
        .tls13()
        .expect("a suite of TLS 1.3")
        .common
        .hash_provider;
    hash.hash(bytes).as_ref().to_vec()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    subject(&mut params, name);
    params
}

/// Gives it a name, and a validity around now.
fn subject(params: &mut CertificateParams, name: &str) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(30);
    params.not_after = now + Duration::days(90);
    let number = next_serial();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("{name} {number}"));
}

fn next_serial() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
