//! What a caller may ask of TLS. Everything is bytes, as they were handed in:
//! what they are worth, [`Tls`](super::config::Tls) finds out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// The number after the name: `1.2`, `1.3`.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// How to prove who the receiver is, and to it who the sender is.
#[derive(Clone)]
pub struct TlsOptions {
    /// Certificate authorities to trust beside Mozilla's, PEM or DER. Wiped: a key
    /// may stand among them.
    pub authorities: Vec<Zeroizing<Vec<u8>>>,
    /// Whether Mozilla's are not trusted.
    pub own_authorities_only: bool,
    /// Pins of public keys, one of which must match. `sha256/` and base64, the
    /// base64 alone, or hexadecimal digits.
    pub pins: Vec<String>,
    /// Whether a pin takes the place of the chain, the name and the dates.
    pub pins_instead_of_chain: bool,
    /// The client certificate.
    pub identity: Option<Identity>,
    /// The name or address that the receiver's certificate must be for, where it
    /// is not the host.
    pub server_name: Option<String>,
    /// The lowest version to speak.
    pub minimum_version: TlsVersion,
    /// Whether X25519MLKEM768 is offered.
    pub hybrid: bool,
    /// Certificate revocation lists, PEM or DER.
    pub revocations: Vec<Zeroizing<Vec<u8>>>,
    /// Whether to go on with whoever answers.
    pub insecure: bool,
}

impl TlsOptions {
    /// Mozilla's authorities, no client certificate, TLS 1.2 or 1.3.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            authorities: Vec::new(),
            own_authorities_only: false,
            pins: Vec::new(),
            pins_instead_of_chain: false,
            identity: None,
            server_name: None,
            minimum_version: TlsVersion::Tls12,
            hybrid: true,
            revocations: Vec::new(),
            insecure: false,
        }
    }
}

impl fmt::Debug for TlsOptions {
    /// Tells the lengths of what was handed in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths = |items: &[Zeroizing<Vec<u8>>]| -> Vec<usize> {
            items.iter().map(|item| item.len()).collect()
        };
        f.debug_struct("TlsOptions")
            .field("authorities_bytes", &lengths(&self.authorities))
            .field("own_authorities_only", &self.own_authorities_only)
            .field("pins", &self.pins)
            .field("pins_instead_of_chain", &self.pins_instead_of_chain)
            .field("identity", &self.identity)
            .field("server_name", &self.server_name)
            .field("minimum_version", &self.minimum_version)
            .field("hybrid", &self.hybrid)
            .field("revocations_bytes", &lengths(&self.revocations))
            .field("insecure", &self.insecure)
            .finish()
    }
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A client certificate with its chain, and its private key, PEM or DER.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, and those between it and its authority. Wiped too: the
    /// key may stand among them.
    pub chain: Zeroizing<Vec<u8>>,
    /// The private key: PKCS#8, SEC1 or PKCS#1, not encrypted.
    pub key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Identity {
    /// Tells lengths alone: the key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("chain_bytes", &self.chain.len())
            .field("key_bytes", &self.key.len())
            .finish()
    }
}
