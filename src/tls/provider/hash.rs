//! SHA-2 for transcripts and HMAC for key schedules.
//!
//! HKDF (RFC 5869) and the PRF of TLS 1.2 (RFC 5246, section 5) are rustls' own, over this HMAC.

use alloc::boxed::Box;
use core::marker::PhantomData;

use hmac::{EagerHash, Hmac, KeyInit, Mac};
use rustls::crypto::{hash, hmac as tls_hmac};
use sha2::{Digest, Sha256, Sha384};

/// What a transcript asks of a digest.
pub(super) trait Transcript: Digest + Clone + Send + Sync + 'static {
    /// The name of the digest on the wire.
    const NAME: hash::HashAlgorithm;
}

impl Transcript for Sha256 {
    const NAME: hash::HashAlgorithm = hash::HashAlgorithm::SHA256;
}

impl Transcript for Sha384 {
    const NAME: hash::HashAlgorithm = hash::HashAlgorithm::SHA384;
}

/// A digest as rustls' [`hash::Hash`].
pub(super) struct Hash<D>(PhantomData<D>);

/// The digest of the suites that end in `SHA256`.
pub(super) static SHA256: Hash<Sha256> = Hash(PhantomData);
/// The digest of the suites that end in `SHA384`.
pub(super) static SHA384: Hash<Sha384> = Hash(PhantomData);

impl<D: Transcript> hash::Hash for Hash<D> {
    fn start(&self) -> Box<dyn hash::Context> {
        Box::new(Context(D::new()))
    }

    fn hash(&self, data: &[u8]) -> hash::Output {
        hash::Output::new(&D::digest(data))
    }

    fn output_len(&self) -> usize {
        <D as Digest>::output_size()
    }

    fn algorithm(&self) -> hash::HashAlgorithm {
        D::NAME
    }
}

/// A digest under way.
struct Context<D>(D);

impl<D: Transcript> hash::Context for Context<D> {
    fn fork_finish(&self) -> hash::Output {
        hash::Output::new(&self.0.clone().finalize())
    }

    fn fork(&self) -> Box<dyn hash::Context> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>) -> hash::Output {
        hash::Output::new(&self.0.finalize())
    }

    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
}

/// HMAC over a digest as rustls' [`tls_hmac::Hmac`].
pub(super) struct HmacOver<D>(PhantomData<D>);

/// HMAC-SHA256.
pub(super) static HMAC_SHA256: HmacOver<Sha256> = HmacOver(PhantomData);
/// HMAC-SHA384.
pub(super) static HMAC_SHA384: HmacOver<Sha384> = HmacOver(PhantomData);

impl<D> tls_hmac::Hmac for HmacOver<D>
where
    D: Transcript + EagerHash,
    Hmac<D>: Mac + KeyInit + Clone + Send + Sync,
{
    fn with_key(&self, key: &[u8]) -> Box<dyn tls_hmac::Key> {
        // The length is checked by the trait, not by HMAC: RFC 2104, section 2, takes any.
        #[expect(clippy::expect_used, reason = "HMAC knows no wrong length")]
        let mac =
            <Hmac<D> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
        Box::new(Keyed(mac))
    }

    fn hash_output_len(&self) -> usize {
        <D as Digest>::output_size()
    }
}

/// HMAC with its key.
struct Keyed<M>(M);

impl<M: Mac + Clone + Send + Sync> tls_hmac::Key for Keyed<M> {
    fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> tls_hmac::Tag {
        let mut mac = self.0.clone();
        mac.update(first);
        for part in middle {
            mac.update(part);
        }
        mac.update(last);
        tls_hmac::Tag::new(&mac.finalize().into_bytes())
    }

    fn tag_len(&self) -> usize {
        M::output_size()
    }
}
