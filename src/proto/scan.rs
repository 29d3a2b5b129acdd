//! Finding bytes, sixteen at a time. `memchr` knows the vectors of WebAssembly only
//! where all of a component is compiled for them, which makes this one 47 KB larger,
//! and looks for three bytes at most.

#[cfg(target_family = "wasm")]
use core::arch::wasm32::v128;

/// What is looked at before it is asked whether there was any.
type Block = [[u8; 16]; 4];

/// How many bytes that are.
const BLOCK: usize = 64;

/// Where in `bytes` any of these stand, in order.
pub(crate) fn places<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Places<'_> {
    const { assert!(N >= 1 && N <= 4) };
    let last = wanted.last().copied().unwrap_or_default();
    let nth = |place: usize| wanted.get(place).copied().unwrap_or(last);
    let (blocks, _) = bytes.as_chunks().0.as_chunks();
    let rest = bytes.get(blocks.len().saturating_mul(BLOCK)..);
    let rest = rest.unwrap_or_default();
    Places {
        wanted: [nth(0), nth(1), nth(2), nth(3)],
        blocks,
        rest,
        passed: 0,
        base: 0,
        found: 0,
    }
}

/// See [`places`].
pub(crate) struct Places<'a> {
    wanted: [u8; 4],
    blocks: &'a [Block],
    rest: &'a [u8],
    /// How many bytes were looked at.
    passed: usize,
    /// Where the block begins that `found` is about.
    base: usize,
    /// The places in it that were not told yet, a bit each.
    found: u64,
}

impl Iterator for Places<'_> {
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
            let mut last: Block = Default::default();
            let flat = last.as_flattened_mut();
            flat.get_mut(..rest.len())?.copy_from_slice(rest);
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
/// stand, a bit each. Written out in full: compiled for size, a loop over four vectors
/// would stay one, and a closure would not be inlined into code without vectors.
#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
fn first_block(wanted: [u8; 4], blocks: &[Block]) -> Option<(usize, u64)> {
    use core::arch::wasm32::u8x16_splat;

    let [one, two, three, four] = wanted;
    let (one, two) = (u8x16_splat(one), u8x16_splat(two));
    let (three, four) = (u8x16_splat(three), u8x16_splat(four));
    // Nearly all that is looked for is one byte or two.
    let are_two = wanted.get(1..3) == wanted.get(2..4);
    for (place, [a, b, c, d]) in blocks.iter().enumerate() {
        let (a, b) = (bytemuck::cast(*a), bytemuck::cast(*b));
        let (c, d) = (bytemuck::cast(*c), bytemuck::cast(*d));
        let found = if are_two {
            found(
                any_of_two(a, one, two),
                any_of_two(b, one, two),
                any_of_two(c, one, two),
                any_of_two(d, one, two),
            )
        } else {
            found(
                any_of_four(a, one, two, three, four),
                any_of_four(b, one, two, three, four),
                any_of_four(c, one, two, three, four),
                any_of_four(d, one, two, three, four),
            )
        };
        if found != 0 {
            return Some((place, found));
        }
    }
    None
}

/// Where four vectors say that there is something, a bit each.
#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
#[inline]
fn found(a: v128, b: v128, c: v128, d: v128) -> u64 {
    use core::arch::wasm32::{u8x16_bitmask, v128_any_true, v128_or};

    if !v128_any_true(v128_or(v128_or(a, b), v128_or(c, d))) {
        return 0;
    }
    let (a, b) = (u64::from(u8x16_bitmask(a)), u64::from(u8x16_bitmask(b)));
    let (c, d) = (u64::from(u8x16_bitmask(c)), u64::from(u8x16_bitmask(d)));
    a | b << 16 | c << 32 | d << 48
}

#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
#[inline]
fn any_of_two(bytes: v128, one: v128, two: v128) -> v128 {
    use core::arch::wasm32::{u8x16_eq, v128_or};

    v128_or(u8x16_eq(bytes, one), u8x16_eq(bytes, two))
}

#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
#[inline]
fn any_of_four(bytes: v128, one: v128, two: v128, three: v128, four: v128) -> v128 {
    use core::arch::wasm32::v128_or;

    v128_or(any_of_two(bytes, one, two), any_of_two(bytes, three, four))
}

/// The same for tests, in the plainest way.
#[cfg(not(target_family = "wasm"))]
fn first_block(wanted: [u8; 4], blocks: &[Block]) -> Option<(usize, u64)> {
    blocks.iter().enumerate().find_map(|(place, block)| {
        let bytes = block.as_flattened();
        if !bytes
            .iter()
            .fold(false, |any, byte| any | wanted.contains(byte))
        {
            return None;
        }
        let found = bytes.iter().rev().fold(0, |found, byte| {
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
