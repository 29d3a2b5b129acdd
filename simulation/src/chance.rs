//! What a seed decides: the same on every machine and in every version, so that a
//! seed that once found something finds it for ever.

/// Pseudo-random numbers (splitmix64).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// Neighbouring seeds have nothing in common.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, or 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        let number = self.next();
        match number.checked_rem(bound) {
            Some(number) => number,
            None => 0,
        }
    }

    /// The same for lengths.
    pub fn length(&mut self, bound: usize) -> usize {
        self.below(bound as u64) as usize
    }

    /// A length from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + self.length(most.saturating_sub(least) + 1)
    }

    /// Whether it happens that happens so often in a thousand.
    pub const fn per_mille(&mut self, often: u16) -> bool {
        often > 0 && self.below(1_000) < often as u64
    }

    /// One of these.
    pub fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let index = self.length(all.len());
        all[index].clone()
    }
}
