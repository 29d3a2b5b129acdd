//! The cipher suites of TLS 1.3 (RFC 8446, appendix B.4) and their records (section 5.2).

use alloc::boxed::Box;
use core::marker::PhantomData;

use aes_gcm::aead::KeySizeUser;
use aes_gcm::aead::array::typenum::Unsigned;
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, MessageDecrypter, MessageEncrypter,
    OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload, Tls13AeadAlgorithm,
    UnsupportedOperationError, make_tls13_aad,
};
use rustls::crypto::tls13::HkdfUsingHmac;
use rustls::{
    CipherSuite, CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion,
    SupportedCipherSuite, Tls13CipherSuite,
};

use super::aead::{AES_GCM_LIMIT, CHACHA20_POLY1305_LIMIT, Cipher, Direction, TAG_LEN};
use super::hash::{HMAC_SHA256, HMAC_SHA384, SHA256, SHA384};

/// The suites, most wanted first.
pub(super) static SUITES: &[SupportedCipherSuite] = &[
    SupportedCipherSuite::Tls13(&CHACHA20_POLY1305_SHA256),
    SupportedCipherSuite::Tls13(&AES_256_GCM_SHA384),
    SupportedCipherSuite::Tls13(&AES_128_GCM_SHA256),
];

static CHACHA20_POLY1305_SHA256: Tls13CipherSuite = Tls13CipherSuite {
    common: CipherSuiteCommon {
        suite: CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
        hash_provider: &SHA256,
        confidentiality_limit: CHACHA20_POLY1305_LIMIT,
    },
    hkdf_provider: &HkdfUsingHmac(&HMAC_SHA256),
    aead_alg: &Algorithm::<ChaCha20Poly1305>(PhantomData),
    quic: None,
};

static AES_256_GCM_SHA384: Tls13CipherSuite = Tls13CipherSuite {
    common: CipherSuiteCommon {
        suite: CipherSuite::TLS13_AES_256_GCM_SHA384,
        hash_provider: &SHA384,
        confidentiality_limit: AES_GCM_LIMIT,
    },
    hkdf_provider: &HkdfUsingHmac(&HMAC_SHA384),
    aead_alg: &Algorithm::<Aes256Gcm>(PhantomData),
    quic: None,
};

static AES_128_GCM_SHA256: Tls13CipherSuite = Tls13CipherSuite {
    common: CipherSuiteCommon {
        suite: CipherSuite::TLS13_AES_128_GCM_SHA256,
        hash_provider: &SHA256,
        confidentiality_limit: AES_GCM_LIMIT,
    },
    hkdf_provider: &HkdfUsingHmac(&HMAC_SHA256),
    aead_alg: &Algorithm::<Aes128Gcm>(PhantomData),
    quic: None,
};

/// Makes the two directions of a connection.
struct Algorithm<A>(PhantomData<A>);

impl<A: Cipher> Tls13AeadAlgorithm for Algorithm<A> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Records(Direction::<A>::new(key.as_ref(), iv)))
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Records(Direction::<A>::new(key.as_ref(), iv)))
    }

    fn key_len(&self) -> usize {
        <A as KeySizeUser>::KeySize::USIZE
    }

    /// Only for handing a connection to an operating system: a component has none.
    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

/// A direction that speaks in `TLSCiphertext`.
pub(super) struct Records<A>(pub(super) Direction<A>);

/// How much longer a record's content is than its plaintext: the content type, one byte, and the
/// tag (RFC 8446, section 5.2).
const OVERHEAD: usize = size_of::<u8>() + TAG_LEN;

impl<A: Cipher> MessageEncrypter for Records<A> {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut record = PrefixedPayload::with_capacity(length);
        record.extend_from_chunks(&message.payload);
        record.extend_from_slice(&message.typ.to_array());
        self.0.seal(
            self.0.nonce(sequence),
            &make_tls13_aad(length),
            &mut record,
            0,
        )?;
        // RFC 8446, section 5.2: outside, every record says application data of TLS 1.2.
        Ok(OutboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            record,
        ))
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        payload_len.saturating_add(OVERHEAD)
    }
}

impl<A: Cipher> MessageDecrypter for Records<A> {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let aad = make_tls13_aad(message.payload.len());
        let length = self
            .0
            .open(self.0.nonce(sequence), &aad, &mut message.payload)?;
        message.payload.truncate(length);
        message.into_tls13_unpadded_message()
    }
}
