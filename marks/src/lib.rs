//! Content that can be told from everything else, and the net that finds it: whole
//! or in parts, as it stands or in another encoding.
//!
//! Messages and acknowledgments of the tests carry [`NAME`], [`PLACE`] and
//! [`MOMENT`] in their fields. What a sender tells anybody but its receiver goes
//! through a [`Net`].

use std::fmt;

use aho_corasick::AhoCorasick;

mod encodings;
mod fields;

pub use fields::{Untraceable, untraceable_field};

/// A mark with the form of a name. No five letters of it in a row stand in any
/// language, and none of base64 or of hexadecimal digits: there is always a hyphen.
/// Without a digit it is no code.
pub const NAME: &str = "Zaq-Wexo-Vyj-Quok";

/// A mark that is something else in each encoding of text.
pub const PLACE: &str = "Þüz-Qöxé-Jyß-Wøqv";

/// A mark with the form of a time.
pub const MOMENT: &str = "19370419232923.7531";

/// The shortest part of a name or place that is found, in characters.
pub const PART: usize = 5;

/// The shortest part of a secret that is found: so many bytes of it in a row, from
/// wherever they are, contain one of the pieces that are searched for.
pub const SECRET_PART: usize = 2 * SECRET_PIECE - 1;

/// Short enough for a part of a key, and long enough to be in no other bytes.
const SECRET_PIECE: usize = 8;

/// How much of a value is searched for: what is cut off behind it is found too.
pub const VALUE_BYTES_MAX: usize = 12;

/// What must not come out, in every form.
pub struct Net {
    automaton: AhoCorasick,
    /// The form of each pattern.
    forms: Vec<&'static str>,
}

/// What was found where nothing may be: told without saying what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Find {
    /// In which encoding it is.
    pub form: &'static str,
    /// Where, in bytes.
    pub offset: usize,
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "content as {}, about byte {}", self.form, self.offset)
    }
}

impl Net {
    /// A net for the marks, in parts too.
    #[must_use]
    pub fn marks() -> Self {
        let parts = [NAME, PLACE].into_iter().flat_map(|mark| {
            let short = parts(mark, PART);
            // Less of base64 could be anything.
            short.chain(parts(mark, encodings::BASE64_BYTES_MIN))
        });
        let parts = parts.chain([MOMENT]).map(str::as_bytes);
        Self::new(parts.flat_map(encodings::all))
    }

    /// A net for values as they stand in real messages, in the forms that programs
    /// print by themselves. Those below five bytes are passed over.
    #[must_use]
    pub fn values<'v>(values: impl IntoIterator<Item = &'v [u8]>) -> Self {
        let long_enough = |value: &&[u8]| value.len() >= PART;
        let values = values.into_iter().filter(long_enough);
        let values = values.map(|value| &value[..value.len().min(VALUE_BYTES_MAX)]);
        Self::new(values.flat_map(encodings::usual))
    }

    /// A net for a secret that looks like chance, but for what of it stands in
    /// `public` too: a key's file has the public key in it.
    #[must_use]
    pub fn secret(secret: &[u8], public: &[u8]) -> Self {
        let is_public = |piece: &&[u8]| public.windows(SECRET_PIECE).any(|part| part == *piece);
        let pieces = secret.chunks_exact(SECRET_PIECE);
        let pieces = pieces.filter(|piece| !is_public(piece));
        Self::new(pieces.flat_map(encodings::all))
    }

    fn new(patterns: impl Iterator<Item = encodings::Form>) -> Self {
        let mut patterns: Vec<_> = patterns.collect();
        for (_, pattern) in &mut patterns {
            pattern.make_ascii_lowercase();
        }
        patterns.sort_by(|a, b| a.1.cmp(&b.1));
        patterns.dedup_by(|a, b| a.1 == b.1);
        let (forms, patterns): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(patterns)
            .expect("patterns few and short enough");
        Self { automaton, forms }
    }

    /// The first thing in `told` that must not be there. Upper and lower case are the
    /// same, and nothing is hidden by white space, which whoever prints may add, nor
    /// by backslashes that are escaped themselves.
    #[must_use]
    pub fn find(&self, told: &[u8]) -> Option<Find> {
        let closed = encodings::closed_up(told);
        self.find_in(told).or_else(|| self.find_in(&closed))
    }

    fn find_in(&self, told: &[u8]) -> Option<Find> {
        let found = self.automaton.find(told)?;
        Some(Find {
            form: self.forms[found.pattern().as_usize()],
            offset: found.start(),
        })
    }
}

/// The parts of so many characters.
fn parts(text: &str, characters: usize) -> impl Iterator<Item = &str> {
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let starts = text.char_indices().map(|(at, _)| at);
    starts
        .zip(ends.skip(characters))
        .map(|(start, end)| &text[start..end])
}
