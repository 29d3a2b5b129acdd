//! Finding bytes, sixteen at a time. `memchr` knows the vectors of WebAssembly only
//! where all of a component is compiled for them, which makes this one 47 KB larger,
//! and looks for three bytes at most.

/// How many bytes are looked at before it is asked whether there was any.
const BLOCK: usize = 64;

/// Where in `bytes` any of these stand, in order.
pub(crate) fn places<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Places<'_, N> {
    let (blocks, rest) = bytes.as_chunks();
    Places {
        wanted,
        blocks,
        rest,
        passed: 0,
        base: 0,
        found: 0,
    }
}

/// See [`places`].
pub(crate) struct Places<'a, const N: usize> {
    wanted: [u8; N],
    blocks: &'a [[u8; BLOCK]],
    rest: &'a [u8],
    /// How many bytes were looked at.
    passed: usize,
    /// Where the block begins that `found` is about.
    base: usize,
    /// The places in it that were not told yet, a bit each.
    found: u64,
}

impl<const N: usize> Iterator for Places<'_, N> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            self.base = self.passed;
            if let Some((before, found)) = first_block(self.wanted, self.blocks) {
                let skipped = before.saturating_mul(BLOCK);
                self.base = self.passed.saturating_add(skipped);
                self.passed = self.base.saturating_add(BLOCK);
                self.blocks = self.blocks.get(before.saturating_add(1)..)?;
                self.found = found;
                continue;
            }
            let skipped = self.blocks.len().saturating_mul(BLOCK);
            self.base = self.passed.saturating_add(skipped);
            self.blocks = &[];
            let rest = core::mem::take(&mut self.rest);
            self.passed = self.base.saturating_add(rest.len());
            let mut last = [0; BLOCK];
            last.get_mut(..rest.len())?.copy_from_slice(rest);
            let (_, found) = first_block(self.wanted, &[last])?;
            // What fills the block up may be wanted, too.
            let beyond = u32::try_from(rest.len()).ok()?;
            self.found = found & !u64::MAX.checked_shl(beyond).unwrap_or_default();
            if self.found == 0 {
                return None;
            }
        }
        let place = usize::try_from(self.found.trailing_zeros()).ok()?;
        self.found &= self.found.wrapping_sub(1);
        Some(self.base.saturating_add(place))
    }
}

/// How many blocks come before the first that holds any of these, and where in it they
/// stand, a bit each.
#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
fn first_block<const N: usize>(wanted: [u8; N], blocks: &[[u8; BLOCK]]) -> Option<(usize, u64)> {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_splat, v128, v128_any_true, v128_or};

    let wanted = wanted.map(|byte| u8x16_splat(byte));
    let none = u8x16_splat(0);
    blocks.iter().enumerate().find_map(|(place, block)| {
        let block: [v128; 4] = bytemuck::cast(*block);
        let found = block.map(|bytes| {
            wanted
                .iter()
                .fold(none, |any, one| v128_or(any, u8x16_eq(bytes, *one)))
        });
        let [a, b, c, d] = found;
        if !v128_any_true(v128_or(v128_or(a, b), v128_or(c, d))) {
            return None;
        }
        let bits = |found: v128| u64::from(u8x16_bitmask(found));
        let [a, b, c, d] = found.map(bits);
        Some((place, a | b << 16 | c << 32 | d << 48))
    })
}

/// The same for tests, in the plainest way.
#[cfg(not(target_family = "wasm"))]
fn first_block<const N: usize>(wanted: [u8; N], blocks: &[[u8; BLOCK]]) -> Option<(usize, u64)> {
    blocks.iter().enumerate().find_map(|(place, block)| {
        if !block
            .iter()
            .fold(false, |any, byte| any | wanted.contains(byte))
        {
            return None;
        }
        let found = block.iter().rev().fold(0, |found, byte| {
            found << 1 | u64::from(wanted.contains(byte))
        });
        Some((place, found))
    })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::places;

    /// Around the ends of blocks, with what is wanted anywhere, and often.
    #[test]
    fn every_place_is_found_once_and_in_order() {
        let mut state = 7_u32;
        let mut random = |bound: usize| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as usize % bound
        };
        for size in (0..200).chain([1_000, 4_096, 5_000]) {
            for rarity in [1, 3, 50, 10_000] {
                let bytes: Vec<u8> = (0..size)
                    .map(|_| match random(rarity) {
                        0 => [0, 0x0B, 0x1C, b'\r'][random(4)],
                        _ => [b'x', 0x0A, 0x0C, 0xFF][random(4)],
                    })
                    .collect();
                for wanted in [[0, 0], [0x0B, 0x1C], [b'\r', 0]] {
                    let expected: Vec<_> = (0..size)
                        .filter(|place| wanted.contains(&bytes[*place]))
                        .collect();
                    assert_eq!(places(wanted, &bytes).collect::<Vec<_>>(), expected);
                }
                let four: Vec<_> = places([0, 0x0B, 0x1C, b'\r'], &bytes).collect();
                let expected =
                    (0..size).filter(|place| matches!(bytes[*place], 0 | 0x0B | 0x1C | b'\r'));
                assert_eq!(four, expected.collect::<Vec<_>>());
            }
        }
    }
}
