//! Signatures of others: on certificates, and on the handshake.
//!
//! SHA-1 is not here, nor is RSA below 2048 bits: neither would prove anything.

use core::fmt;
use core::ops::RangeInclusive;

use p256::NistP256;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::elliptic_curve::PublicKey;
use p384::NistP384;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use sha2::digest::FixedOutputReset;
use sha2::digest::const_oid::AssociatedOid;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::agree::{NamedCurve, point};

/// The sizes of an RSA modulus, in bits, that prove something and do not take seconds to check.
pub(super) const RSA_BITS: RangeInclusive<u32> = 2048..=8192;

/// What certificates may be signed with, and what each name in a handshake may mean.
pub(super) const ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        &ECDSA_P256_SHA256,
        &ECDSA_P256_SHA384,
        &ECDSA_P384_SHA256,
        &ECDSA_P384_SHA384,
        &ED25519,
        &RSA_PSS_SHA256,
        &RSA_PSS_SHA384,
        &RSA_PSS_SHA512,
        &RSA_PKCS1_SHA256,
        &RSA_PKCS1_SHA384,
        &RSA_PKCS1_SHA512,
        &RSA_PKCS1_SHA256_BARE,
        &RSA_PKCS1_SHA384_BARE,
        &RSA_PKCS1_SHA512_BARE,
    ],
    // TLS 1.3 reads the first of each line only, because there a name fixes the curve (RFC 8446,
    // section 4.2.3). In TLS 1.2 it fixes the hash alone (RFC 8422, section 5.1.3).
    mapping: &[
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[&ECDSA_P384_SHA384, &ECDSA_P256_SHA384],
        ),
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[&ECDSA_P256_SHA256, &ECDSA_P384_SHA256],
        ),
        (SignatureScheme::ED25519, &[&ED25519]),
        (SignatureScheme::RSA_PSS_SHA512, &[&RSA_PSS_SHA512]),
        (SignatureScheme::RSA_PSS_SHA384, &[&RSA_PSS_SHA384]),
        (SignatureScheme::RSA_PSS_SHA256, &[&RSA_PSS_SHA256]),
        (SignatureScheme::RSA_PKCS1_SHA512, &[&RSA_PKCS1_SHA512]),
        (SignatureScheme::RSA_PKCS1_SHA384, &[&RSA_PKCS1_SHA384]),
        (SignatureScheme::RSA_PKCS1_SHA256, &[&RSA_PKCS1_SHA256]),
    ],
};

static ECDSA_P256_SHA256: Algorithm = Algorithm::new(
    alg_id::ECDSA_P256,
    alg_id::ECDSA_SHA256,
    ecdsa::<NistP256, Sha256>,
);
static ECDSA_P256_SHA384: Algorithm = Algorithm::new(
    alg_id::ECDSA_P256,
    alg_id::ECDSA_SHA384,
    ecdsa::<NistP256, Sha384>,
);
static ECDSA_P384_SHA256: Algorithm = Algorithm::new(
    alg_id::ECDSA_P384,
    alg_id::ECDSA_SHA256,
    ecdsa::<NistP384, Sha256>,
);
static ECDSA_P384_SHA384: Algorithm = Algorithm::new(
    alg_id::ECDSA_P384,
    alg_id::ECDSA_SHA384,
    ecdsa::<NistP384, Sha384>,
);
static ED25519: Algorithm = Algorithm::new(alg_id::ED25519, alg_id::ED25519, ed25519);
static RSA_PSS_SHA256: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    alg_id::RSA_PSS_SHA256,
    rsa_pss::<Sha256>,
);
static RSA_PSS_SHA384: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    alg_id::RSA_PSS_SHA384,
    rsa_pss::<Sha384>,
);
static RSA_PSS_SHA512: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    alg_id::RSA_PSS_SHA512,
    rsa_pss::<Sha512>,
);
static RSA_PKCS1_SHA256: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    alg_id::RSA_PKCS1_SHA256,
    rsa_pkcs1::<Sha256>,
);
static RSA_PKCS1_SHA384: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    alg_id::RSA_PKCS1_SHA384,
    rsa_pkcs1::<Sha384>,
);
static RSA_PKCS1_SHA512: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    alg_id::RSA_PKCS1_SHA512,
    rsa_pkcs1::<Sha512>,
);

// The `NULL` parameters of these names must be written, and must not be required of others:
// RFC 4055, section 5.
static RSA_PKCS1_SHA256_BARE: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    bare_rsa::<11>(),
    rsa_pkcs1::<Sha256>,
);
static RSA_PKCS1_SHA384_BARE: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    bare_rsa::<12>(),
    rsa_pkcs1::<Sha384>,
);
static RSA_PKCS1_SHA512_BARE: Algorithm = Algorithm::new(
    alg_id::RSA_ENCRYPTION,
    bare_rsa::<13>(),
    rsa_pkcs1::<Sha512>,
);

/// The name of RSA PKCS#1 1.5 with the hash of object identifier `1.2.840.113549.1.1.LAST`,
/// without parameters.
const fn bare_rsa<const LAST: u8>() -> AlgorithmIdentifier {
    const { AlgorithmIdentifier::from_slice(&[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, LAST]) }
}

/// Checks a signature on a message with a key, all three straight from the peer.
type Check = fn(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()>;

/// A way to sign, as webpki looks it up.
struct Algorithm {
    key_name: AlgorithmIdentifier,
    signature_name: AlgorithmIdentifier,
    check: Check,
}

impl Algorithm {
    const fn new(
        key_name: AlgorithmIdentifier,
        signature_name: AlgorithmIdentifier,
        check: Check,
    ) -> Self {
        Self {
            key_name,
            signature_name,
            check,
        }
    }
}

impl fmt::Debug for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Algorithm")
            .field(&self.key_name)
            .field(&self.signature_name)
            .finish()
    }
}

impl SignatureVerificationAlgorithm for Algorithm {
    fn verify_signature(
        &self,
        key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        (self.check)(key, message, signature).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key_name
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature_name
    }
}

/// A curve to sign with.
trait SigningCurve: NamedCurve {
    /// Checks a signature in DER on a hash, which is cut to the size of the curve.
    fn check(key: PublicKey<Self>, hash: &[u8], signature: &[u8]) -> Option<()>;
}

impl SigningCurve for NistP256 {
    fn check(key: PublicKey<Self>, hash: &[u8], signature: &[u8]) -> Option<()> {
        let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
        p256::ecdsa::VerifyingKey::from(key)
            .verify_prehash(hash, &signature)
            .ok()
    }
}

impl SigningCurve for NistP384 {
    fn check(key: PublicKey<Self>, hash: &[u8], signature: &[u8]) -> Option<()> {
        let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
        p384::ecdsa::VerifyingKey::from(key)
            .verify_prehash(hash, &signature)
            .ok()
    }
}

/// ECDSA: FIPS 186-5, section 6.4.2.
fn ecdsa<C: SigningCurve, D: Digest>(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    C::check(point(key)?, &D::digest(message), signature)
}

/// Ed25519: RFC 8032, section 5.1.7. Keys of small order, under which one signature fits many
/// messages, are refused as well.
fn ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = ed25519_dalek::VerifyingKey::try_from(key).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    key.verify_strict(message, &signature).ok()
}

/// RSASSA-PKCS1-v1_5: RFC 8017, section 8.2.2.
fn rsa_pkcs1<D: Digest + AssociatedOid>(
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<()> {
    rsa_key(key)?
        .verify(Pkcs1v15Sign::new::<D>(), &D::digest(message), signature)
        .ok()
}

/// RSASSA-PSS: RFC 8017, section 8.1.2, with a salt as long as the hash, as RFC 8446,
/// section 4.2.3, demands.
fn rsa_pss<D: Digest + FixedOutputReset>(
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Option<()> {
    rsa_key(key)?
        .verify(Pss::<D>::new(), &D::digest(message), signature)
        .ok()
}

/// An RSA key of fair size. Its exponent is odd and below 2^33: the crate sees to that.
fn rsa_key(der: &[u8]) -> Option<RsaPublicKey> {
    let key = RsaPublicKey::from_pkcs1_der(der).ok()?;
    RSA_BITS.contains(&key.n().bits_vartime()).then_some(key)
}
