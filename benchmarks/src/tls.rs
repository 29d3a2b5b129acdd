//! One authority and one receiver's certificate for a run of the benchmark, and the
//! native clients' side.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The suite that the component prefers, and so negotiates with a receiver that has
/// everything.
const SUITE: rustls::SupportedCipherSuite = ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;

/// A receiver's configuration, and the authority to trust as PEM.
pub(crate) struct Certificates {
    pub(crate) server: Arc<ServerConfig>,
    pub(crate) authority: String,
}

impl Certificates {
    /// New ones, for 127.0.0.1.
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        name(&mut params, "Benchmark authority");
        let authority = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);

        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()])?;
        name(&mut params, "Benchmark receiver");
        let certificate = params.signed_by(&key, &issuer)?.der().clone();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        server.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self {
            server: Arc::new(server),
            authority,
        })
    }
}

/// Without a name of its own a certificate would seem to have issued itself.
fn name(params: &mut CertificateParams, name: &str) {
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
}

/// The native clients' configuration: *ring*, and the component's suite alone, so that
/// what is compared is not the suites.
pub(crate) fn client(authority: &Path) -> Result<Arc<ClientConfig>, Box<dyn Error + Send + Sync>> {
    let provider = CryptoProvider {
        cipher_suites: vec![SUITE],
        ..ring::default_provider()
    };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
