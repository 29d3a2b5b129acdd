//! Whole handshakes in memory, with this provider, *ring* and AWS-LC on either side.

use std::sync::Arc;
use std::vec::Vec;
use std::{println, vec};

use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, Connection, Error, HandshakeKind, NamedGroup,
    RootCertStore, ServerConfig, ServerConnection, SupportedCipherSuite,
};

use super::super::{Hybrid, provider};

/// A certificate authority of one kind of key, and a certificate of the same kind under it that
/// serves both ends.
struct Identity {
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    rsa: bool,
}

impl Identity {
    fn new(kind: &'static rcgen::SignatureAlgorithm) -> Self {
        let authority_key = KeyPair::generate_for(kind).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::new(params, authority_key);
        let key = KeyPair::generate_for(kind).unwrap();
        let params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        Self {
            roots: Arc::new(roots),
            chain: vec![leaf.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            rsa: kind == &rcgen::PKCS_RSA_SHA256,
        }
    }

    fn all() -> [Self; 4] {
        [
            Self::new(&rcgen::PKCS_ECDSA_P256_SHA256),
            Self::new(&rcgen::PKCS_ECDSA_P384_SHA384),
            Self::new(&rcgen::PKCS_ED25519),
            Self::new(&rcgen::PKCS_RSA_SHA256),
        ]
    }

    /// A client that shows this identity and trusts its authority.
    fn client(&self, provider: CryptoProvider) -> Arc<ClientConfig> {
        let provider = Arc::new(provider);
        let roots = Arc::clone(&self.roots);
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_webpki_verifier(verifier.unwrap())
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key());
        Arc::new(config.unwrap())
    }

    /// A server that shows this identity and demands one of the same authority.
    fn server(&self, provider: CryptoProvider) -> Arc<ServerConfig> {
        let provider = Arc::new(provider);
        let roots = Arc::clone(&self.roots);
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.unwrap())
            .with_single_cert(self.chain.clone(), self.key.clone_key());
        Arc::new(config.unwrap())
    }
}

/// Moves what `from` has to say to `to`.
fn carry(from: &mut Connection, to: &mut Connection) -> Result<(), Error> {
    let mut wire = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut wire).unwrap();
    }
    let mut wire = wire.as_slice();
    while !wire.is_empty() {
        to.read_tls(&mut wire).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

/// Completes a handshake and sends a text of several records both ways.
fn converse(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> Result<(Connection, Connection), Error> {
    let name = "localhost".try_into().unwrap();
    let mut client = Connection::from(ClientConnection::new(Arc::clone(client), name)?);
    let mut server = Connection::from(ServerConnection::new(Arc::clone(server))?);
    while client.is_handshaking() || server.is_handshaking() {
        carry(&mut client, &mut server)?;
        carry(&mut server, &mut client)?;
    }
    let text: Vec<u8> = (0..40_000_u32).map(|n| (n % 251) as u8).collect();
    say(&mut client, &mut server, &text)?;
    say(&mut server, &mut client, &text)?;
    Ok((client, server))
}

fn say(from: &mut Connection, to: &mut Connection, text: &[u8]) -> Result<(), Error> {
    use std::io::{Read, Write};
    // rustls holds back no more than 16 kB of plaintext that nobody has read.
    for part in text.chunks(10_000) {
        from.writer().write_all(part).unwrap();
        carry(from, to)?;
        let mut heard = vec![0; part.len()];
        to.reader().read_exact(&mut heard).unwrap();
        assert_eq!(heard, part);
    }
    Ok(())
}

type Named = (&'static str, fn() -> CryptoProvider);

const OURS: Named = ("ours", || provider(Hybrid::Offered));
const RING: Named = ("ring", ring::default_provider);
const AWS_LC: Named = ("aws-lc", aws_lc_rs::default_provider);

/// Whether a certificate of this kind can serve in this suite.
fn fits(suite: CipherSuite, identity: &Identity) -> bool {
    match suite.as_str() {
        Some(name) if name.contains("_RSA_") => identity.rsa,
        Some(name) if name.contains("_ECDSA_") => !identity.rsa,
        _ => true,
    }
}

/// Every suite, with every group both ends know, with every kind of certificate, on both sides.
fn matrix((client_name, client): Named, (server_name, server): Named) -> usize {
    let mut count = 0;
    for identity in Identity::all() {
        let server_config = identity.server(server());
        for suite in provider(Hybrid::Offered).cipher_suites {
            for group in provider(Hybrid::Offered).kx_groups {
                let mut narrow = client();
                narrow
                    .cipher_suites
                    .retain(|one| one.suite() == suite.suite());
                narrow.kx_groups.retain(|one| one.name() == group.name());
                let hybrid = group.name() == NamedGroup::X25519MLKEM768;
                let tls12 = matches!(suite, SupportedCipherSuite::Tls12(_));
                // We do not serve the hybrid group, ring does not know it, TLS 1.2 has none.
                let shared =
                    !hybrid || (server_name == AWS_LC.0 && client_name != RING.0 && !tls12);
                if !shared || !fits(suite.suite(), &identity) {
                    continue;
                }
                let (client, server) = converse(&identity.client(narrow), &server_config).unwrap();
                assert_eq!(
                    client.negotiated_cipher_suite().unwrap().suite(),
                    suite.suite()
                );
                assert_eq!(
                    client.negotiated_key_exchange_group().unwrap().name(),
                    group.name()
                );
                assert_eq!(client.peer_certificates(), server.peer_certificates());
                assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
                count += 1;
            }
        }
    }
    println!("{client_name} to {server_name}: {count} handshakes");
    count
}

/// TLS 1.3: three suites, groups, four kinds. TLS 1.2: each kind fits three suites.
fn expected(groups13: usize) -> usize {
    3 * groups13 * 4 + 3 * 3 * 4
}

#[test]
fn ours_to_ours() {
    assert_eq!(matrix(OURS, OURS), expected(3));
}

#[test]
fn ours_to_ring() {
    assert_eq!(matrix(OURS, RING), expected(3));
}

#[test]
fn ours_to_aws_lc() {
    assert_eq!(matrix(OURS, AWS_LC), expected(4));
}

#[test]
fn ring_to_ours() {
    assert_eq!(matrix(RING, OURS), expected(3));
}

#[test]
fn aws_lc_to_ours() {
    assert_eq!(matrix(AWS_LC, OURS), expected(3));
}

/// Both full lists meet: the hybrid is taken where the server has it, and where it has not, the
/// X25519 share beside it saves the second hello. A server that wants another group asks for it.
#[test]
fn the_first_hello_is_enough_or_a_second_follows() {
    let identity = &Identity::all()[0];
    let client = identity.client(provider(Hybrid::Offered));
    let group = |server: CryptoProvider| {
        let (client, _) = converse(&client, &identity.server(server)).unwrap();
        let suite = client.negotiated_cipher_suite().unwrap().suite();
        (
            client.negotiated_key_exchange_group().unwrap().name(),
            client.handshake_kind(),
            suite,
        )
    };
    let (name, kind, _) = group(aws_lc_rs::default_provider());
    assert_eq!(
        (name, kind),
        (NamedGroup::X25519MLKEM768, Some(HandshakeKind::Full))
    );
    let (name, kind, _) = group(ring::default_provider());
    assert_eq!(
        (name, kind),
        (NamedGroup::X25519, Some(HandshakeKind::Full))
    );
    let mut picky = ring::default_provider();
    picky
        .kx_groups
        .retain(|one| one.name() == NamedGroup::secp384r1);
    let (name, kind, _) = group(picky);
    assert_eq!(
        (name, kind),
        (
            NamedGroup::secp384r1,
            Some(HandshakeKind::FullWithHelloRetryRequest)
        )
    );
}

/// A second connection of the same configuration resumes, in either version.
#[test]
fn connections_resume() {
    let identity = &Identity::all()[0];
    for tls12 in [false, true] {
        let mut ours = provider(Hybrid::Offered);
        ours.cipher_suites
            .retain(|one| matches!(one, SupportedCipherSuite::Tls12(_)) == tls12);
        let client = identity.client(ours);
        let server = identity.server(aws_lc_rs::default_provider());
        let kinds = [(); 2].map(|()| converse(&client, &server).unwrap().0.handshake_kind());
        assert_eq!(
            kinds,
            [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]
        );
    }
}

/// RFC 8446, section 4.6.3: records go on under the next generation of keys.
#[test]
fn traffic_keys_are_renewed() {
    let identity = &Identity::all()[0];
    let client = identity.client(provider(Hybrid::Offered));
    let server = identity.server(ring::default_provider());
    let (mut client, mut server) = converse(&client, &server).unwrap();
    client.refresh_traffic_keys().unwrap();
    say(&mut client, &mut server, b"after").unwrap();
    say(&mut server, &mut client, b"after").unwrap();
}

/// A server under another authority, and a client certificate with a key that is not its own.
#[test]
fn foreign_authorities_and_keys_are_refused() {
    let [one, other, ..] = Identity::all();
    let client = one.client(provider(Hybrid::Offered));
    let error = converse(&client, &other.server(ring::default_provider())).unwrap_err();
    assert!(matches!(error, Error::InvalidCertificate(_)), "{error}");
    let error = ClientConfig::builder_with_provider(Arc::new(provider(Hybrid::Offered)))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(Arc::clone(&one.roots))
        .with_client_auth_cert(one.chain.clone(), other.key.clone_key())
        .unwrap_err();
    assert!(matches!(error, Error::InconsistentKeys(_)), "{error}");
}

/// One byte of the server's answer changed, wherever it stands, never ends in a connection.
#[test]
fn damaged_handshakes_fail() {
    let identity = &Identity::all()[0];
    for hybrid in [Hybrid::Offered, Hybrid::Withheld] {
        let config = identity.client(provider(hybrid));
        let server_config = identity.server(aws_lc_rs::default_provider());
        let mut at = 0;
        loop {
            let name = "localhost".try_into().unwrap();
            let mut client =
                Connection::from(ClientConnection::new(Arc::clone(&config), name).unwrap());
            let mut server =
                Connection::from(ServerConnection::new(Arc::clone(&server_config)).unwrap());
            carry(&mut client, &mut server).unwrap();
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let Some(byte) = wire.get_mut(at) else { break };
            *byte ^= 0x40;
            let mut rest = wire.as_slice();
            let mut outcome = Ok(());
            while outcome.is_ok() && !rest.is_empty() {
                client.read_tls(&mut rest).unwrap();
                outcome = client.process_new_packets().map(drop);
            }
            assert!(outcome.is_err() || client.is_handshaking(), "byte {at}");
            at += 7;
        }
    }
}
