//! *ring* in the place of RustCrypto, with the suites in the same order.

use alloc::vec::Vec;

use rustls::crypto::ring::{cipher_suite as suite, default_provider};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};

use super::random::HostRandom;

/// The provider, with these groups.
pub(super) fn with_groups(kx_groups: Vec<&'static dyn SupportedKxGroup>) -> CryptoProvider {
    CryptoProvider {
        cipher_suites: Vec::from([
            suite::TLS13_CHACHA20_POLY1305_SHA256,
            suite::TLS13_AES_256_GCM_SHA384,
            suite::TLS13_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        ]),
        kx_groups,
        secure_random: &HostRandom,
        ..default_provider()
    }
}
