//! The cryptography under TLS: a [`CryptoProvider`] for rustls, put together from RustCrypto.
//!
//! Nothing here invents cryptography. Each file joins one kind of primitive to the trait rustls
//! wants it behind, and adds the checks that the RFCs lay on the user of a primitive:
//!
//! | file        | joins                                          | to                            |
//! |-------------|------------------------------------------------|-------------------------------|
//! | `hash`      | SHA-256, SHA-384, HMAC                         | transcripts, HKDF, the PRF    |
//! | `aead`      | ChaCha20-Poly1305, AES-GCM                     | one direction of a connection |
//! | `tls13`     | `aead`, `hash`                                 | the suites of TLS 1.3         |
//! | `tls12`     | `aead`, `hash`                                 | the ECDHE suites of TLS 1.2   |
//! | `agree`     | X25519, P-256, P-384, ML-KEM-768               | key exchange groups           |
//! | `verify`    | ECDSA, Ed25519, RSA                            | certificates and handshakes   |
//! | `sign`      | ECDSA, Ed25519, RSA                            | client certificates           |
//! | `random`    | `wasi:random`                                  | every secret above            |
//!
//! The feature `ring` puts *ring*'s suites, signatures and client keys in the place of these. The
//! groups stay: *ring* has no ML-KEM, and its curves are no faster in WebAssembly.
//!
//! It is a provider for *clients*: see [`Hybrid`] for the one thing a server would miss.

mod aead;
mod agree;
mod hash;
mod random;
#[cfg(feature = "ring")]
mod ring;
mod sign;
#[cfg(test)]
mod tests;
mod tls12;
mod tls13;
mod verify;

use alloc::vec::Vec;

use rustls::crypto::{CryptoProvider, SupportedKxGroup};

/// Whether to offer X25519MLKEM768, which keeps a recorded connection secret from whoever owns a
/// quantum computer later.
///
/// It makes the first message about 1.2 kB longer, which a few old middleboxes cannot bear: they
/// are why it can be withheld. The X25519 share is sent beside the hybrid one, so a server that
/// knows only the classical group costs no extra round trip.
///
/// Only the client's half is here. A server that chose this group with this provider would fail
/// the handshake: it would have to encapsulate, and nothing in this crate ever does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hybrid {
    /// Offer it, before every other group.
    Offered,
    /// Offer the classical groups only.
    Withheld,
}

/// The provider: TLS 1.3 and 1.2, forward secrecy and authenticated encryption throughout.
///
/// ChaCha20-Poly1305 leads the suites because WebAssembly has no AES instructions; ChaCha20 is
/// several times as fast there. The server may still choose otherwise.
#[must_use]
pub fn provider(hybrid: Hybrid) -> CryptoProvider {
    #[cfg(feature = "ring")]
    let provider = ring::with_groups;
    #[cfg(not(feature = "ring"))]
    let provider = rustcrypto;
    provider(groups(hybrid))
}

/// RustCrypto's provider, whatever the features are.
#[must_use]
pub fn rustcrypto(kx_groups: Vec<&'static dyn SupportedKxGroup>) -> CryptoProvider {
    CryptoProvider {
        cipher_suites: tls13::SUITES.iter().chain(tls12::SUITES).copied().collect(),
        kx_groups,
        signature_verification_algorithms: verify::ALGORITHMS,
        secure_random: &random::HostRandom,
        key_provider: &sign::Keys,
    }
}

fn groups(hybrid: Hybrid) -> Vec<&'static dyn SupportedKxGroup> {
    let mut groups = Vec::from(agree::CLASSICAL);
    if hybrid == Hybrid::Offered {
        groups.insert(0, agree::X25519_MLKEM768);
    }
    groups
}
