//! Randomness. [`fill`] is the only function of the provider that reaches outside it.

use core::fmt;

use rand_core::{TryCryptoRng, TryRng};
use rustls::crypto::{GetRandomFailed, SecureRandom};

/// Fills `buffer` from the host's cryptographic generator.
#[cfg(target_family = "wasm")]
pub(super) fn fill(buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
    let wanted = u64::try_from(buffer.len()).map_err(|_| GetRandomFailed)?;
    let bytes = zeroize::Zeroizing::new(wasi::random::random::get_random_bytes(wanted));
    // A host that hands over fewer bytes than promised must not leave zeros behind as a key.
    if bytes.len() != buffer.len() {
        return Err(GetRandomFailed);
    }
    buffer.copy_from_slice(&bytes);
    Ok(())
}

/// Fills `buffer` from the operating system, for tests that run outside a component.
#[cfg(not(target_family = "wasm"))]
pub(super) fn fill(buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
    getrandom::fill(buffer).map_err(|_| GetRandomFailed)
}

/// The host's generator, as rustls and as RustCrypto ask for it.
///
/// RustCrypto is only ever given the fallible traits, so a host without randomness ends in an
/// error and not in a trap.
#[derive(Debug, Clone, Copy)]
pub(super) struct HostRandom;

impl SecureRandom for HostRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        fill(buffer)
    }
}

/// The host gave no randomness.
#[derive(Debug)]
pub(super) struct NoRandom;

impl fmt::Display for NoRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host gave no randomness")
    }
}

impl core::error::Error for NoRandom {}

impl TryRng for HostRandom {
    type Error = NoRandom;

    fn try_next_u32(&mut self) -> Result<u32, NoRandom> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandom> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), NoRandom> {
        fill(buffer).map_err(|_| NoRandom)
    }
}

impl TryCryptoRng for HostRandom {}
