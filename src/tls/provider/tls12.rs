//! The cipher suites of TLS 1.2 that are still fit for use, ECDHE with AES-GCM (RFC 5289) or
//! ChaCha20-Poly1305 (RFC 7905), and their records (RFC 5246, section 6.2.3.3).

use alloc::boxed::Box;
use core::marker::PhantomData;

use aes_gcm::aead::KeySizeUser;
use aes_gcm::aead::array::typenum::Unsigned;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use rustls::crypto::KeyExchangeAlgorithm;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, NONCE_LEN, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
    Tls12AeadAlgorithm, UnsupportedOperationError, make_tls12_aad,
};
use rustls::crypto::hash::Hash;
use rustls::crypto::tls12::{Prf, PrfUsingHmac};
use rustls::{
    CipherSuite, CipherSuiteCommon, ConnectionTrafficSecrets, Error, SignatureScheme,
    SupportedCipherSuite, Tls12CipherSuite,
};

use super::aead::{AES_GCM_LIMIT, CHACHA20_POLY1305_LIMIT, Cipher, Direction, TAG_LEN};
use super::hash::{HMAC_SHA256, HMAC_SHA384, SHA256, SHA384};

/// The suites, most wanted first.
pub(super) static SUITES: &[SupportedCipherSuite] = &[
    SupportedCipherSuite::Tls12(&ECDSA_CHACHA20_POLY1305),
    SupportedCipherSuite::Tls12(&RSA_CHACHA20_POLY1305),
    SupportedCipherSuite::Tls12(&ECDSA_AES_256_GCM),
    SupportedCipherSuite::Tls12(&RSA_AES_256_GCM),
    SupportedCipherSuite::Tls12(&ECDSA_AES_128_GCM),
    SupportedCipherSuite::Tls12(&RSA_AES_128_GCM),
];

static ECDSA_CHACHA20_POLY1305: Tls12CipherSuite = suite(
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ECDSA_AND_EDDSA,
    CHACHA20_POLY1305_SHA256,
);
static RSA_CHACHA20_POLY1305: Tls12CipherSuite = suite(
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    RSA,
    CHACHA20_POLY1305_SHA256,
);
static ECDSA_AES_256_GCM: Tls12CipherSuite = suite(
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ECDSA_AND_EDDSA,
    AES_256_GCM_SHA384,
);
static RSA_AES_256_GCM: Tls12CipherSuite = suite(
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    RSA,
    AES_256_GCM_SHA384,
);
static ECDSA_AES_128_GCM: Tls12CipherSuite = suite(
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ECDSA_AND_EDDSA,
    AES_128_GCM_SHA256,
);
static RSA_AES_128_GCM: Tls12CipherSuite = suite(
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    RSA,
    AES_128_GCM_SHA256,
);

/// What may sign the key exchange of an `ECDHE_ECDSA` suite. Ed25519 counts as ECDSA here:
/// RFC 8422, section 2.2.
const ECDSA_AND_EDDSA: &[SignatureScheme] = &[
    SignatureScheme::ED25519,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP256_SHA256,
];

/// What may sign the key exchange of an `ECDHE_RSA` suite.
const RSA: &[SignatureScheme] = super::sign::RSA_SCHEMES;

/// The half of a suite that both its ECDSA and its RSA form share.
struct Protection {
    hash: &'static dyn Hash,
    prf: &'static dyn Prf,
    aead: &'static dyn Tls12AeadAlgorithm,
    limit: u64,
}

const CHACHA20_POLY1305_SHA256: Protection = Protection {
    hash: &SHA256,
    prf: &PrfUsingHmac(&HMAC_SHA256),
    aead: &Algorithm::<ChaCha20Poly1305, 0>(PhantomData),
    limit: CHACHA20_POLY1305_LIMIT,
};

const AES_256_GCM_SHA384: Protection = Protection {
    hash: &SHA384,
    prf: &PrfUsingHmac(&HMAC_SHA384),
    aead: &Algorithm::<Aes256Gcm, GCM_EXPLICIT>(PhantomData),
    limit: AES_GCM_LIMIT,
};

const AES_128_GCM_SHA256: Protection = Protection {
    hash: &SHA256,
    prf: &PrfUsingHmac(&HMAC_SHA256),
    aead: &Algorithm::<Aes128Gcm, GCM_EXPLICIT>(PhantomData),
    limit: AES_GCM_LIMIT,
};

const fn suite(
    suite: CipherSuite,
    sign: &'static [SignatureScheme],
    Protection {
        hash,
        prf,
        aead,
        limit,
    }: Protection,
) -> Tls12CipherSuite {
    Tls12CipherSuite {
        common: CipherSuiteCommon {
            suite,
            hash_provider: hash,
            confidentiality_limit: limit,
        },
        prf_provider: prf,
        kx: KeyExchangeAlgorithm::ECDHE,
        sign,
        aead_alg: aead,
    }
}

/// How much of the nonce an AES-GCM record carries (RFC 5288, section 3). A ChaCha20 record
/// carries none of it (RFC 7905, section 2).
const GCM_EXPLICIT: usize = 8;

/// The longest plaintext of a record: RFC 5246, section 6.2.1.
const MAX_PLAINTEXT: usize = 1 << 14;

/// Makes the two directions of a connection whose records carry `EXPLICIT` bytes of the nonce.
struct Algorithm<A, const EXPLICIT: usize>(PhantomData<A>);

impl<A: Cipher, const EXPLICIT: usize> Algorithm<A, EXPLICIT> {
    /// The explicit part of the nonce starts as zeros and so becomes the sequence number itself,
    /// which RFC 5288, section 3, allows and which can never repeat.
    fn records(key: &AeadKey, fixed: &[u8]) -> Records<A, EXPLICIT> {
        let mut iv = [0; NONCE_LEN];
        iv.iter_mut().zip(fixed).for_each(|(to, from)| *to = *from);
        Records(Direction::new(key.as_ref(), Iv::new(iv)))
    }
}

impl<A: Cipher, const EXPLICIT: usize> Tls12AeadAlgorithm for Algorithm<A, EXPLICIT> {
    fn encrypter(&self, key: AeadKey, fixed: &[u8], _: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(Self::records(&key, fixed))
    }

    fn decrypter(&self, key: AeadKey, fixed: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(Self::records(&key, fixed))
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        KeyBlockShape {
            enc_key_len: <A as KeySizeUser>::KeySize::USIZE,
            fixed_iv_len: Records::<A, EXPLICIT>::FIXED,
            // Would draw a random start for the explicit part from the key block.
            explicit_nonce_len: 0,
        }
    }

    /// Only for handing a connection to an operating system: a component has none.
    fn extract_keys(
        &self,
        _: AeadKey,
        _: &[u8],
        _: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

/// A direction that speaks in `GenericAEADCipher`.
struct Records<A, const EXPLICIT: usize>(Direction<A>);

impl<A, const EXPLICIT: usize> Records<A, EXPLICIT> {
    /// How much of a nonce is not in the record.
    const FIXED: usize = NONCE_LEN - EXPLICIT;
    /// How much longer a record is than its plaintext.
    const OVERHEAD: usize = EXPLICIT + TAG_LEN;
}

impl<A: Cipher, const EXPLICIT: usize> MessageEncrypter for Records<A, EXPLICIT> {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let (typ, version, length) = (message.typ, message.version, message.payload.len());
        let nonce = self.0.nonce(sequence);
        let mut record = PrefixedPayload::with_capacity(self.encrypted_payload_len(length));
        record.extend_from_slice(nonce.get(Self::FIXED..).ok_or(Error::EncryptError)?);
        record.extend_from_chunks(&message.payload);
        let aad = make_tls12_aad(sequence, typ, version, length);
        self.0.seal(nonce, &aad, &mut record, EXPLICIT)?;
        Ok(OutboundOpaqueMessage::new(typ, version, record))
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        payload_len.saturating_add(Self::OVERHEAD)
    }
}

impl<A: Cipher, const EXPLICIT: usize> MessageDecrypter for Records<A, EXPLICIT> {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let Some(length) = message.payload.len().checked_sub(Self::OVERHEAD) else {
            return Err(Error::DecryptError);
        };
        let aad = make_tls12_aad(sequence, message.typ, message.version, length);
        let (explicit, sealed) = message
            .payload
            .split_at_mut_checked(EXPLICIT)
            .ok_or(Error::DecryptError)?;
        // The peer may count its explicit nonces as it likes: they are read, never predicted.
        let mut nonce = self.0.nonce(sequence);
        let theirs = nonce.iter_mut().skip(Self::FIXED);
        theirs.zip(explicit).for_each(|(to, from)| *to = *from);
        let length = self.0.open(nonce, &aad, sealed)?;
        if length > MAX_PLAINTEXT {
            return Err(Error::PeerSentOversizedRecord);
        }
        Ok(message.into_plain_message_range(EXPLICIT..EXPLICIT.saturating_add(length)))
    }
}
