//! Our own signatures: the private keys of client certificates.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use p256::ecdsa::signature::{SignatureEncoding, Signer as _};
use p256::pkcs8::DecodePrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::traits::{PublicKeyParts, SignatureScheme as Padding};
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey};
use rustls::crypto::KeyProvider;
use rustls::pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer, alg_id};
use rustls::sign::{Signer, SigningKey, public_key_to_spki};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use sha2::digest::FixedOutputReset;
use sha2::digest::const_oid::AssociatedOid;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::random::HostRandom;
use super::verify::RSA_BITS;

/// The ways to sign with RSA, most wanted first: TLS 1.3 allows PSS only (RFC 8446,
/// section 4.2.3), and the larger hashes add nothing to a signature that lives for a handshake.
pub(super) const RSA_SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Reads private keys.
#[derive(Debug)]
pub(super) struct Keys;

impl KeyProvider for Keys {
    fn load_private_key(&self, der: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        let key = Key::read(&Zeroizing::new(der)).ok_or_else(|| {
            Error::General(String::from(
                "the private key is not one for ECDSA P-256 or P-384, Ed25519, or RSA with 2048 \
                 to 8192 bits",
            ))
        })?;
        Ok(Arc::new(key))
    }
}

/// A private key and the public one that goes with it.
#[derive(Debug)]
struct Key {
    secret: Arc<Secret>,
    /// Lets rustls notice a certificate that belongs to another key before the server does.
    public: Vec<u8>,
}

impl Key {
    fn read(der: &PrivateKeyDer<'_>) -> Option<Self> {
        let secret = match der {
            PrivateKeyDer::Pkcs8(key) => Secret::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Sec1(key) => Secret::from_sec1(key.secret_sec1_der()),
            PrivateKeyDer::Pkcs1(key) => Secret::from_pkcs1(key.secret_pkcs1_der()),
            _ => None,
        }?;
        Some(Self {
            public: secret.public()?.to_vec(),
            secret: Arc::new(secret),
        })
    }
}

impl SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = *self
            .secret
            .schemes()
            .iter()
            .find(|scheme| offered.contains(scheme))?;
        Some(Box::new(Choice {
            secret: Arc::clone(&self.secret),
            scheme,
        }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.public.as_slice()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match *self.secret {
            Secret::P256(_) | Secret::P384(_) => SignatureAlgorithm::ECDSA,
            Secret::Ed25519(_) => SignatureAlgorithm::ED25519,
            Secret::Rsa(_) => SignatureAlgorithm::RSA,
        }
    }
}

/// A private key and the one way to sign with it that the peer and we agreed on.
#[derive(Debug)]
struct Choice {
    secret: Arc<Secret>,
    scheme: SignatureScheme,
}

impl Signer for Choice {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.secret
            .sign(self.scheme, message)
            .ok_or_else(|| Error::General(String::from("the private key could not sign")))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// The private keys there are. Each wipes itself when dropped.
enum Secret {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
    Rsa(RsaPrivateKey),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256(_) => "P256(..)",
            Self::P384(_) => "P384(..)",
            Self::Ed25519(_) => "Ed25519(..)",
            Self::Rsa(_) => "Rsa(..)",
        })
    }
}

impl Secret {
    /// A key that names its own kind: RFC 5958.
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        use DecodePrivateKey as Key;
        Key::from_pkcs8_der(der)
            .map(Self::P256)
            .or_else(|_| Key::from_pkcs8_der(der).map(Self::P384))
            .or_else(|_| Key::from_pkcs8_der(der).map(Self::Ed25519))
            .ok()
            .or_else(|| Self::fair_rsa(RsaPrivateKey::from_pkcs8_der(der).ok()?))
    }

    /// A key on a curve: RFC 5915. Where the curve is left unnamed, the length of the key tells.
    fn from_sec1(der: &[u8]) -> Option<Self> {
        p256::SecretKey::from_sec1_der(der)
            .map(|key| Self::P256(key.into()))
            .or_else(|_| p384::SecretKey::from_sec1_der(der).map(|key| Self::P384(key.into())))
            .ok()
    }

    /// An RSA key: RFC 8017, appendix A.1.2.
    fn from_pkcs1(der: &[u8]) -> Option<Self> {
        Self::fair_rsa(RsaPrivateKey::from_pkcs1_der(der).ok()?)
    }

    fn fair_rsa(key: RsaPrivateKey) -> Option<Self> {
        RSA_BITS
            .contains(&key.n().bits_vartime())
            .then_some(Self::Rsa(key))
    }

    /// The `SubjectPublicKeyInfo` of RFC 5280, section 4.1.
    fn public(&self) -> Option<SubjectPublicKeyInfoDer<'static>> {
        Some(match self {
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                public_key_to_spki(&alg_id::ECDSA_P256, point)
            }
            Self::P384(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                public_key_to_spki(&alg_id::ECDSA_P384, point)
            }
            Self::Ed25519(key) => public_key_to_spki(&alg_id::ED25519, key.verifying_key()),
            Self::Rsa(key) => {
                let numbers = key.as_public_key().to_pkcs1_der().ok()?;
                public_key_to_spki(&alg_id::RSA_ENCRYPTION, numbers.as_bytes())
            }
        })
    }

    /// The ways to sign with this key, most wanted first.
    fn schemes(&self) -> &'static [SignatureScheme] {
        match self {
            Self::P256(_) => &[SignatureScheme::ECDSA_NISTP256_SHA256],
            Self::P384(_) => &[SignatureScheme::ECDSA_NISTP384_SHA384],
            Self::Ed25519(_) => &[SignatureScheme::ED25519],
            Self::Rsa(_) => RSA_SCHEMES,
        }
    }

    /// Signs in one of [`Self::schemes`]. The nonces of ECDSA come from the key and the message
    /// (RFC 6979), so that no weakness of the host's generator can give the key away.
    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Option<Vec<u8>> {
        use SignatureScheme as S;
        match (self, scheme) {
            (Self::P256(key), S::ECDSA_NISTP256_SHA256) => {
                let signature: p256::ecdsa::DerSignature = key.try_sign(message).ok()?;
                Some(signature.to_vec())
            }
            (Self::P384(key), S::ECDSA_NISTP384_SHA384) => {
                let signature: p384::ecdsa::DerSignature = key.try_sign(message).ok()?;
                Some(signature.to_vec())
            }
            (Self::Ed25519(key), S::ED25519) => Some(key.try_sign(message).ok()?.to_vec()),
            (Self::Rsa(key), S::RSA_PSS_SHA256) => rsa_pss::<Sha256>(key, message),
            (Self::Rsa(key), S::RSA_PSS_SHA384) => rsa_pss::<Sha384>(key, message),
            (Self::Rsa(key), S::RSA_PSS_SHA512) => rsa_pss::<Sha512>(key, message),
            (Self::Rsa(key), S::RSA_PKCS1_SHA256) => rsa_pkcs1::<Sha256>(key, message),
            (Self::Rsa(key), S::RSA_PKCS1_SHA384) => rsa_pkcs1::<Sha384>(key, message),
            (Self::Rsa(key), S::RSA_PKCS1_SHA512) => rsa_pkcs1::<Sha512>(key, message),
            _ => None,
        }
    }
}

/// RSASSA-PSS: RFC 8017, section 8.1.1, with a salt as long as the hash.
fn rsa_pss<D: Digest + FixedOutputReset>(key: &RsaPrivateKey, message: &[u8]) -> Option<Vec<u8>> {
    rsa(key, Pss::<D>::new_blinded(), &D::digest(message))
}

/// RSASSA-PKCS1-v1_5: RFC 8017, section 8.2.1.
fn rsa_pkcs1<D: Digest + AssociatedOid>(key: &RsaPrivateKey, message: &[u8]) -> Option<Vec<u8>> {
    rsa(key, Pkcs1v15Sign::new::<D>(), &D::digest(message))
}

/// Every private operation is blinded: RSA arithmetic takes a time that depends on its operands
/// (RUSTSEC-2023-0071), and a random factor makes them ones that nobody outside knows.
fn rsa(key: &RsaPrivateKey, padding: impl Padding, hash: &[u8]) -> Option<Vec<u8>> {
    padding.sign(Some(&mut HostRandom), key, hash).ok()
}
