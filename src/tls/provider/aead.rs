//! Authenticated encryption, before it is shaped into the records of a protocol version.

use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{AeadInOut, KeyInit};
use rustls::Error;
use rustls::crypto::cipher::{Iv, NONCE_LEN, Nonce, PrefixedPayload};

/// The length of the tag in every suite.
pub(super) const TAG_LEN: usize = 16;

/// How many records one AES-GCM key may protect.
///
/// RFC 8446, section 5.5, allows 2^24.5 full-sized ones.
pub(super) const AES_GCM_LIMIT: u64 = 1 << 24;

/// How many records one ChaCha20-Poly1305 key may protect: the sequence number ends first
/// (RFC 8446, section 5.5).
pub(super) const CHACHA20_POLY1305_LIMIT: u64 = u64::MAX;

/// The ciphers of TLS, all of one shape: a nonce of 12 bytes and a tag of 16 behind the text.
pub(super) trait Cipher:
    AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + Send + Sync + 'static
{
}

impl<A> Cipher for A where
    A: AeadInOut<NonceSize = U12, TagSize = U16> + KeyInit + Send + Sync + 'static
{
}

/// One direction of a connection: a key and the nonce its sequence numbers are mixed into.
pub(super) struct Direction<A> {
    /// `None` if the key had the wrong length. rustls cuts keys to the length a suite names, so
    /// this never happens; if it did, every record would fail and nothing would be sent in clear.
    cipher: Option<A>,
    iv: Iv,
}

impl<A: Cipher> Direction<A> {
    /// A direction that starts at sequence number zero.
    pub(super) fn new(key: &[u8], iv: Iv) -> Self {
        Self {
            cipher: A::new_from_slice(key).ok(),
            iv,
        }
    }

    /// The nonce of record `sequence`: RFC 8446, section 5.3, and RFC 7905, section 2.
    pub(super) fn nonce(&self, sequence: u64) -> [u8; NONCE_LEN] {
        Nonce::new(&self.iv, sequence).0
    }

    /// Encrypts what follows the first `clear` bytes of `record`, and appends the tag.
    pub(super) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        record: &mut PrefixedPayload,
        clear: usize,
    ) -> Result<(), Error> {
        let cipher = self.cipher.as_ref().ok_or(Error::EncryptError)?;
        let text = record
            .as_mut()
            .get_mut(clear..)
            .ok_or(Error::EncryptError)?;
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), aad, text.into())
            .map_err(|_| Error::EncryptError)?;
        record.extend_from_slice(&tag);
        Ok(())
    }

    /// Decrypts `sealed` in place and returns the length of the plaintext now at its start.
    pub(super) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<usize, Error> {
        let cipher = self.cipher.as_ref().ok_or(Error::DecryptError)?;
        let (text, tag) = sealed
            .split_last_chunk_mut::<TAG_LEN>()
            .ok_or(Error::DecryptError)?;
        cipher
            .decrypt_inout_detached(&nonce.into(), aad, (&mut *text).into(), &(*tag).into())
            .map_err(|_| Error::DecryptError)?;
        Ok(text.len())
    }
}
