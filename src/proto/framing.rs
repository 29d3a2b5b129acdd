//! The bytes of the framing: MLLP's own, or those of a receiver that has blocks
//! of its own.

use alloc::vec::Vec;

use super::frame::{CARRIAGE_RETURN, END_BLOCK, START_BLOCK};
use super::scan;
use crate::error::{FramingPart, InvalidOption};
use crate::limits::BLOCK_BYTES_MAX;

/// What begins a frame, what ends its content, and what ends the frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Begins a frame: the start block.
    pub start: Vec<u8>,
    /// Ends its content: the end block.
    pub end: Vec<u8>,
    /// Ends the frame: the carriage return. May be empty.
    pub trailer: Vec<u8>,
}

impl Default for Framing {
    /// MLLP's (HL7 v2 MLLP Release 1).
    fn default() -> Self {
        Self {
            start: [START_BLOCK].into(),
            end: [END_BLOCK].into(),
            trailer: [CARRIAGE_RETURN].into(),
        }
    }
}

impl Framing {
    /// Whether these bytes can frame anything.
    ///
    /// # Errors
    /// `framing` with the part that cannot: a start or end block without bytes,
    /// any part of more than [`BLOCK_BYTES_MAX`], an end block that contains the
    /// start block or is contained in it, or one of them that is a part of `MSH`.
    pub fn check(&self) -> Result<(), InvalidOption> {
        let too_long = |part: &[u8]| part.len() > BLOCK_BYTES_MAX;
        let unusable = |block: &[u8]| too_long(block) || is_in_every_message(block);
        if unusable(&self.start) {
            Err(InvalidOption::Framing(FramingPart::StartBlock))
        } else if unusable(&self.end) || self.is_entangled() {
            Err(InvalidOption::Framing(FramingPart::EndBlock))
        } else if too_long(&self.trailer) {
            Err(InvalidOption::Framing(FramingPart::Trailer))
        } else {
            Ok(())
        }
    }

    /// How many bytes a frame has beside its content.
    #[must_use]
    pub fn size(&self) -> usize {
        let beside = self.end.len().saturating_add(self.trailer.len());
        self.start.len().saturating_add(beside)
    }

    /// `content` in a frame, for contents of ours that are short.
    #[must_use]
    pub fn around(&self, content: &[u8]) -> Vec<u8> {
        [&self.start, content, &self.end, &self.trailer].concat()
    }

    /// What a start block, and what an end block, begins with.
    pub(super) fn firsts(&self) -> [u8; 2] {
        [&self.start, &self.end].map(|block| block.first().copied().unwrap_or_default())
    }

    /// Where the end block is a part of a start block, content that ends as the
    /// start block begins would make one reach across the frame's end, and no
    /// frame would be known to have ended before the next one began. The other way
    /// round, each end would be a start as well.
    fn is_entangled(&self) -> bool {
        contains(&self.start, &self.end) || contains(&self.end, &self.start)
    }
}

/// Every message begins with MSH, and none may hold a block. The block without bytes
/// is in every message, too.
fn is_in_every_message(block: &[u8]) -> bool {
    block.is_empty() || contains(b"MSH", block)
}

/// Whether `part`, which is not empty, stands anywhere in `whole`.
pub(crate) fn contains(whole: &[u8], part: &[u8]) -> bool {
    let first = part.first().copied().unwrap_or_default();
    scan::places([first], whole).any(|place| {
        let rest = whole.get(place..).unwrap_or_default();
        rest.starts_with(part)
    })
}

#[cfg(test)]
mod tests {
    use super::Framing;
    use crate::error::{FramingPart, InvalidOption};
    use crate::limits::BLOCK_BYTES_MAX;

    fn check(start: &[u8], end: &[u8], trailer: &[u8]) -> Result<(), FramingPart> {
        let framing = Framing {
            start: start.to_vec(),
            end: end.to_vec(),
            trailer: trailer.to_vec(),
        };
        framing.check().map_err(|option| match option {
            InvalidOption::Framing(part) => part,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn mllps_own_is_the_default() {
        let framing = Framing::default();
        assert_eq!(framing.check(), Ok(()));
        assert_eq!(framing.around(b"\x06"), b"\x0B\x06\x1C\r");
        assert_eq!(framing.size(), 3);
    }

    #[test]
    fn a_trailer_may_be_empty_and_a_block_may_not() {
        assert_eq!(check(b"\x02", b"\x03", b""), Ok(()));
        assert_eq!(check(b"", b"\x03", b""), Err(FramingPart::StartBlock));
        assert_eq!(check(b"\x02", b"", b"\r"), Err(FramingPart::EndBlock));
    }

    #[test]
    fn a_part_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let most = [0x1F; BLOCK_BYTES_MAX];
        let more = [0x1F; BLOCK_BYTES_MAX + 1];
        assert_eq!(check(&most, b"\x03", b""), Ok(()));
        assert_eq!(check(b"\x02", &most, b""), Ok(()));
        assert_eq!(check(b"\x02", b"\x03", &most), Ok(()));
        assert_eq!(check(&more, b"\x03", b""), Err(FramingPart::StartBlock));
        assert_eq!(check(b"\x02", &more, b""), Err(FramingPart::EndBlock));
        assert_eq!(check(b"\x02", b"\x03", &more), Err(FramingPart::Trailer));
    }

    #[test]
    fn neither_block_may_contain_the_other() {
        for (inner, outer) in [
            (&b"\x02"[..], &b"\x02"[..]),
            (b"\x02", b"\x02\x03"),
            (b"\x02", b"\x03\x02"),
            (b"\x02\x02", b"\x03\x02\x02\x03"),
        ] {
            assert_eq!(check(inner, outer, b"\r"), Err(FramingPart::EndBlock));
            assert_eq!(check(outer, inner, b"\r"), Err(FramingPart::EndBlock));
        }
    }

    #[test]
    fn no_block_may_be_a_part_of_what_every_message_begins_with() {
        for block in [&b"M"[..], b"S", b"H", b"MS", b"SH", b"MSH"] {
            assert_eq!(check(block, b"\x03", b""), Err(FramingPart::StartBlock));
            assert_eq!(check(b"\x02", block, b""), Err(FramingPart::EndBlock));
        }
        assert_eq!(check(b"MSH0", b"HM", b"MSH"), Ok(()));
    }

    #[test]
    fn blocks_may_share_bytes_with_each_other_and_with_the_trailer() {
        assert_eq!(check(b"\x02\x01", b"\x01\x03", b"\x02\x01"), Ok(()));
        assert_eq!(check(b"\r\x0B", b"\x1C\x1C", b"\x1C\r"), Ok(()));
    }
}
