//! Randomness that is the same in every run, so that a handshake can be told again
//! byte by byte. It is in the place of the operating system's where the flags say
//! `--cfg getrandom_backend="custom"`, as `fuzz/run` has them.

use std::sync::atomic::{AtomicU64, Ordering};

use getrandom::Error;

static STATE: AtomicU64 = AtomicU64::new(0);

/// Begins anew.
pub fn reset() {
    STATE.store(0, Ordering::Relaxed);
}

/// SplitMix64.
fn next() -> u64 {
    const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;
    let state = STATE
        .fetch_add(GAMMA, Ordering::Relaxed)
        .wrapping_add(GAMMA);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Fills `size` bytes from `buffer` on.
///
/// # Safety
/// They are the caller's to write.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(buffer: *mut u8, size: usize) -> Result<(), Error> {
    for offset in 0..size {
        // SAFETY: below `size`, as the caller promises.
        unsafe { buffer.add(offset).write(next().to_le_bytes()[0]) };
    }
    Ok(())
}
