//! MSH, the segment that names its own separators (HL7 v2.5 2.15.9). Bytes, not
//! text: a field is whatever stands between two separators, in any charset.

use super::scan;

/// The byte that ends a segment (HL7 v2.5 2.5.4).
pub const SEGMENT_END: u8 = b'\r';

/// The message header of a message or of a reply.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    segment: &'a [u8],
    separator: u8,
}

impl<'a> Header<'a> {
    /// Reads the header that `content` begins with. `None` if it begins with
    /// anything else, or names no separators.
    #[must_use]
    pub fn read(content: &'a [u8]) -> Option<Self> {
        let separator = *content.strip_prefix(b"MSH")?.first()?;
        if !is_separator(separator) {
            return None;
        }
        let segment = match segment_ends(content).next() {
            Some(end) => content.get(..end)?,
            None => content,
        };
        let header = Self { segment, separator };
        (!header.field(2).is_empty()).then_some(header)
    }

    /// MSH-1, the byte between fields.
    #[must_use]
    pub const fn separator(&self) -> u8 {
        self.separator
    }

    /// The field MSH-`position`, for positions from 2; empty where there is
    /// none. MSH-1 is the separator itself, so a field stands one place earlier
    /// than in other segments.
    #[must_use]
    pub fn field(&self, position: usize) -> &'a [u8] {
        between(self.segment, self.separator)
            .nth(position.saturating_sub(1))
            .unwrap_or_default()
    }

    /// MSH-10, the message control id.
    #[must_use]
    pub fn control_id(&self) -> &'a [u8] {
        self.field(10)
    }
}

/// Whether a segment named MSH begins `bytes`, whatever separator it names.
#[must_use]
pub fn begins_header(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"MSH").is_some_and(|rest| {
        rest.first()
            .is_none_or(|byte| !byte.is_ascii_alphanumeric())
    })
}

/// What stands between separators in `bytes`, as the slice's `split` has it, but found
/// many bytes at a time, and each looked at once.
pub(crate) fn between(bytes: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut ends = scan::places([separator], bytes);
    let mut next = Some(0);
    core::iter::from_fn(move || {
        let begin = next.take()?;
        let Some(end) = ends.next() else {
            return bytes.get(begin..);
        };
        next = Some(end.saturating_add(1));
        bytes.get(begin..end)
    })
}

/// Where in `bytes` segments end.
pub(crate) fn segment_ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    scan::places([SEGMENT_END, b'\n'], bytes)
}

/// Line feeds count too, since what follows one in the field's files, and in
/// some receivers' replies, is the next segment.
pub(crate) const fn is_segment_end(byte: u8) -> bool {
    matches!(byte, SEGMENT_END | b'\n')
}

const fn is_separator(byte: u8) -> bool {
    byte.is_ascii_punctuation()
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Header, between};

    #[test]
    fn what_stands_between_separators_is_what_the_slice_splits_into() {
        for bytes in [&b""[..], b"|", b"a", b"a|b", b"|a||b|", b"||"] {
            let expected: Vec<_> = bytes.split(|byte| *byte == b'|').collect();
            assert_eq!(between(bytes, b'|').collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn fields_are_counted_as_the_standard_counts_them() {
        let header = Header::read(b"MSH|^~\\&|APP|FAC|||2026||ADT^A01|42|P|2.5\rPID|1").unwrap();
        assert_eq!(header.field(2), b"^~\\&");
        assert_eq!(header.field(3), b"APP");
        assert_eq!(header.field(9), b"ADT^A01");
        assert_eq!(header.control_id(), b"42");
        assert_eq!(header.field(12), b"2.5");
        assert_eq!(header.field(13), b"");
    }

    #[test]
    fn a_message_names_its_own_separators() {
        let header = Header::read(b"MSH#*@!%#A#B#C#D#2026##ADT*A01#a|b#P#2.5\r").unwrap();
        assert_eq!(header.separator(), b'#');
        assert_eq!(header.control_id(), b"a|b");
    }

    #[test]
    fn what_names_no_separators_is_no_header() {
        for content in [
            &b""[..],
            b"MS",
            b"MSH",
            b"MSH|",
            b"MSH||x",
            b"MSHA^~\\&|x",
            b"MSH\r^~\\&|",
            b"MSH ^~\\& x",
            b"PID|^~\\&|",
            b"\rMSH|^~\\&|",
        ] {
            assert!(Header::read(content).is_none());
        }
    }

    #[test]
    fn a_control_id_of_high_bytes_is_read_as_bytes() {
        let header = Header::read(b"MSH|^~\\&|||||||ACK|\xE4\xF6\xFC|P|2.5\r").unwrap();
        assert_eq!(header.control_id(), b"\xE4\xF6\xFC");
    }
}
