//! The client certificate, shown to a receiver that asks for one.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU8, Ordering};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

use super::material;
use super::options::Identity;
use crate::error::{InvalidItem, InvalidItemReason, InvalidOption};

/// What became of the client certificate in a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// The receiver did not ask for one.
    NotAsked,
    /// The receiver asked for one, and there is none, or none that suits it.
    NotGiven,
    /// The receiver asked for one and was given it.
    Given,
}

impl ClientCertificate {
    /// The word for it, as the WIT has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::NotGiven => "not-given",
            Self::Given => "given",
        }
    }
}

/// The identity, if there is one, and what was last asked of it: a configuration,
/// and so this, serves many connections, one step at a time.
#[derive(Debug)]
pub(super) struct Presented {
    identity: Option<Arc<CertifiedKey>>,
    last: AtomicU8,
}

impl Presented {
    pub(super) fn new(
        identity: Option<&Identity>,
        provider: &CryptoProvider,
    ) -> Result<Self, InvalidOption> {
        let identity = identity.map(|identity| read(identity, provider));
        Ok(Self {
            identity: identity.transpose()?.map(Arc::new),
            last: AtomicU8::new(0),
        })
    }

    /// What was asked for since this was last called, if anything.
    pub(super) fn take_asked(&self) -> Option<ClientCertificate> {
        match self.last.swap(0, Ordering::Relaxed) {
            0 => None,
            1 => Some(ClientCertificate::NotGiven),
            _ => Some(ClientCertificate::Given),
        }
    }
}

impl ResolvesClientCert for Presented {
    /// Authorities that the receiver hints at are not looked at: hints are often
    /// incomplete, and the receiver's refusal says more than our silence would.
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let suits = |identity: &&Arc<CertifiedKey>| identity.key.choose_scheme(schemes).is_some();
        let identity = self.identity.as_ref().filter(suits).map(Arc::clone);
        let given = if identity.is_some() { 2 } else { 1 };
        self.last.store(given, Ordering::Relaxed);
        identity
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}

fn read(identity: &Identity, provider: &CryptoProvider) -> Result<CertifiedKey, InvalidOption> {
    let chain = material::certificates(&[identity.chain.as_slice()])
        .map_err(InvalidOption::IdentityCertificate)?;
    let key: PrivateKeyDer<'static> =
        material::private_key(&identity.key).map_err(InvalidOption::IdentityKey)?;
    for (index, certificate) in chain.iter().enumerate() {
        webpki::EndEntityCert::try_from(certificate).map_err(|_| {
            InvalidOption::IdentityCertificate(InvalidItem {
                position: material::position(index),
                reason: InvalidItemReason::Malformed,
            })
        })?;
    }
    let key = provider.key_provider.load_private_key(key).map_err(|_| {
        InvalidOption::IdentityKey(InvalidItem {
            position: 1,
            reason: InvalidItemReason::Unsupported,
        })
    })?;
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        Ok(()) => Ok(identity),
        Err(_) => Err(InvalidOption::IdentityMismatch),
    }
}
