//! Finding bytes, and pairs of them, sixteen at a time. `memchr` knows the vectors of
//! WebAssembly only where all of a component is compiled for them, which makes this one
//! some 70 KB larger, and looks for single bytes or for one needle.

#[cfg(target_family = "wasm")]
use core::arch::wasm32::v128;

/// What is looked at before it is asked whether there was any.
type Block = [[u8; 16]; 4];

/// How many bytes that are.
const BLOCK: usize = 64;

/// What is looked for.
#[derive(Clone, Copy)]
struct Wanted {
    /// Any of these.
    alone: [u8; 2],
    /// And any of these where the other stands behind it.
    before: Option<([u8; 2], u8)>,
}

/// Where in `bytes` any of these one or two stand, in order.
pub(crate) fn places<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Places<'_> {
    const { assert!(N >= 1 && N <= 2) };
    let first = wanted.first().copied().unwrap_or_default();
    let last = wanted.last().copied().unwrap_or_default();
    Places::of(
        Wanted {
            alone: [first, last],
            before: None,
        },
        bytes,
    )
}

/// The same, and where any `before` stands before `after`.
pub(crate) fn places_and_pairs(
    wanted: [u8; 2],
    before: [u8; 2],
    after: u8,
    bytes: &[u8],
) -> Places<'_> {
    Places::of(
        Wanted {
            alone: wanted,
            before: Some((before, after)),
        },
        bytes,
    )
}

/// See [`places`].
pub(crate) struct Places<'a> {
    wanted: Wanted,
    blocks: &'a [Block],
    /// The same bytes, but from the second on.
    shifted: &'a [Block],
    /// What is left of a block at the end.
    rest: &'a [u8],
    /// How many bytes were looked at.
    passed: usize,
    /// Where the block begins that `found` is about.
    base: usize,
    /// The places in it that were not told yet, a bit each.
    found: u64,
}

impl<'a> Places<'a> {
    fn of(wanted: Wanted, bytes: &'a [u8]) -> Self {
        let (shifted, _) = bytes.get(1..).unwrap_or_default().as_chunks().0.as_chunks();
        let (blocks, _) = bytes.as_chunks().0.as_chunks();
        let blocks = blocks.get(..shifted.len()).unwrap_or_default();
        let rest = bytes.get(shifted.len().saturating_mul(BLOCK)..);
        Self {
            wanted,
            blocks,
            shifted,
            rest: rest.unwrap_or_default(),
            passed: 0,
            base: 0,
            found: 0,
        }
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            self.base = self.passed;
            if let Some((before, found)) = first_block(self.wanted, self.blocks, self.shifted) {
                let skipped = before.saturating_mul(BLOCK);
                self.base = self.passed.saturating_add(skipped);
                self.passed = self.base.saturating_add(BLOCK);
                self.blocks = self.blocks.get(before.saturating_add(1)..)?;
                self.shifted = self.shifted.get(before.saturating_add(1)..)?;
                self.found = found;
                continue;
            }
            let skipped = self.blocks.len().saturating_mul(BLOCK);
            self.base = self.passed.saturating_add(skipped);
            (self.blocks, self.shifted) = (&[], &[]);
            let rest = core::mem::take(&mut self.rest);
            self.passed = self.base.saturating_add(rest.len());
            let no_after = self.wanted.before.map_or(0, |(_, after)| !after);
            let shifted = filled_up(rest.get(1..)?, no_after);
            let (_, found) = first_block(self.wanted, &[filled_up(rest, 0)], &[shifted])?;
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

/// At most a block of bytes, with others behind them.
fn filled_up(bytes: &[u8], with: u8) -> Block {
    let mut block = [[with; 16]; 4];
    if let Some(room) = block.as_flattened_mut().get_mut(..bytes.len()) {
        room.copy_from_slice(bytes);
    }
    block
}

/// How many blocks come before the first that holds anything wanted, and where in it
/// that stands, a bit each.
#[cfg(target_family = "wasm")]
fn first_block(wanted: Wanted, blocks: &[Block], shifted: &[Block]) -> Option<(usize, u64)> {
    match wanted.before {
        None => first_of_two(wanted.alone, blocks),
        Some((before, after)) => first_pair(wanted.alone, before, after, blocks, shifted),
    }
}

/// Written out in full: compiled for size, a loop over four vectors would stay one, and
/// a closure would not be inlined into code without vectors.
#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
fn first_of_two(wanted: [u8; 2], blocks: &[Block]) -> Option<(usize, u64)> {
    use core::arch::wasm32::u8x16_splat;

    let [one, two] = wanted;
    let (one, two) = (u8x16_splat(one), u8x16_splat(two));
    for (place, [a, b, c, d]) in blocks.iter().enumerate() {
        let found = bits(
            any_of(bytemuck::cast(*a), one, two),
            any_of(bytemuck::cast(*b), one, two),
            any_of(bytemuck::cast(*c), one, two),
            any_of(bytemuck::cast(*d), one, two),
        );
        if found != 0 {
            return Some((place, found));
        }
    }
    None
}

/// See [`first_of_two`].
#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
fn first_pair(
    wanted: [u8; 2],
    before: [u8; 2],
    after: u8,
    blocks: &[Block],
    shifted: &[Block],
) -> Option<(usize, u64)> {
    use core::arch::wasm32::u8x16_splat;

    let ([one, two], [three, four]) = (wanted, before);
    let (one, two) = (u8x16_splat(one), u8x16_splat(two));
    let (three, four, after) = (u8x16_splat(three), u8x16_splat(four), u8x16_splat(after));
    for (place, ([a, b, c, d], [e, f, g, h])) in blocks.iter().zip(shifted).enumerate() {
        let (a, b) = (bytemuck::cast(*a), bytemuck::cast(*b));
        let (c, d) = (bytemuck::cast(*c), bytemuck::cast(*d));
        let (e, f) = (bytemuck::cast(*e), bytemuck::cast(*f));
        let (g, h) = (bytemuck::cast(*g), bytemuck::cast(*h));
        let found = bits(
            or_pair(any_of(a, one, two), any_of(a, three, four), e, after),
            or_pair(any_of(b, one, two), any_of(b, three, four), f, after),
            or_pair(any_of(c, one, two), any_of(c, three, four), g, after),
            or_pair(any_of(d, one, two), any_of(d, three, four), h, after),
        );
        if found != 0 {
            return Some((place, found));
        }
    }
    None
}

#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
#[inline]
fn any_of(bytes: v128, one: v128, two: v128) -> v128 {
    use core::arch::wasm32::{u8x16_eq, v128_or};

    v128_or(u8x16_eq(bytes, one), u8x16_eq(bytes, two))
}

#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
#[inline]
fn or_pair(alone: v128, before: v128, shifted: v128, after: v128) -> v128 {
    use core::arch::wasm32::{u8x16_eq, v128_and, v128_or};

    v128_or(alone, v128_and(before, u8x16_eq(shifted, after)))
}

/// Where four vectors say that there is something, a bit each.
#[cfg(target_family = "wasm")]
#[target_feature(enable = "simd128")]
#[inline]
fn bits(a: v128, b: v128, c: v128, d: v128) -> u64 {
    use core::arch::wasm32::{u8x16_bitmask, v128_any_true, v128_or};

    if !v128_any_true(v128_or(v128_or(a, b), v128_or(c, d))) {
        return 0;
    }
    let (a, b) = (u64::from(u8x16_bitmask(a)), u64::from(u8x16_bitmask(b)));
    let (c, d) = (u64::from(u8x16_bitmask(c)), u64::from(u8x16_bitmask(d)));
    a | b << 16 | c << 32 | d << 48
}

/// The same elsewhere, in plain words: the compiler makes vectors of the first look.
#[cfg(not(target_family = "wasm"))]
fn first_block(wanted: Wanted, blocks: &[Block], shifted: &[Block]) -> Option<(usize, u64)> {
    let [one, two] = wanted.alone;
    let ([three, four], after) = wanted.before.unwrap_or_default();
    let pair = wanted.before.is_some();
    let is_wanted = |byte: u8, next: u8| {
        let begins_pair = (byte == three) | (byte == four);
        (byte == one) | (byte == two) | (pair & begins_pair & (next == after))
    };
    let mut both = blocks.iter().zip(shifted).enumerate();
    both.find_map(|(place, (block, shifted))| {
        let both = block.as_flattened().iter().zip(shifted.as_flattened());
        if !both
            .clone()
            .fold(false, |any, (byte, next)| any | is_wanted(*byte, *next))
        {
            return None;
        }
        let found = both.rev().fold(0, |found, (byte, next)| {
            found << 1 | u64::from(is_wanted(*byte, *next))
        });
        Some((place, found))
    })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::{places, places_and_pairs};

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
                        0 => [0, 0x0B, 0x1C, b'\r', b'\n', b'M'][random(6)],
                        _ => [b'x', 0x0C, 0xFF][random(3)],
                    })
                    .collect();
                for wanted in [[0, 0], [0x0B, 0x1C], [b'\r', 0]] {
                    let expected: Vec<_> = (0..size)
                        .filter(|place| wanted.contains(&bytes[*place]))
                        .collect();
                    assert_eq!(places(wanted, &bytes).collect::<Vec<_>>(), expected);
                }
                for (wanted, after) in [([0x0B, 0x1C], b'M'), ([0, 0x1C], 0)] {
                    let found = places_and_pairs(wanted, [b'\r', b'\n'], after, &bytes);
                    let begins_pair = |place: usize| {
                        matches!(bytes[place], b'\r' | b'\n')
                            && bytes.get(place + 1) == Some(&after)
                    };
                    let expected: Vec<_> = (0..size)
                        .filter(|place| wanted.contains(&bytes[*place]) || begins_pair(*place))
                        .collect();
                    assert_eq!(found.collect::<Vec<_>>(), expected);
                }
            }
        }
    }
}
