//! The guard: bytes become a [`Payload`] here or not at all, and only a
//! `Payload` can be framed. A start or end block byte cannot get past it.

use alloc::vec::Vec;
use core::fmt;

use super::frame::{END_BLOCK, START_BLOCK};
use super::msh::{self, Header};
use crate::error::{InvalidMessage, OverLimit, ReservedByte};

/// A message that may be framed and sent: not empty, begins with its only MSH
/// segment, has a control id, contains no byte of the framing and is within the
/// limit.
pub struct Payload {
    bytes: Vec<u8>,
    control_id: Vec<u8>,
}

impl Payload {
    /// Looks at `message`, which may have at most `limit` bytes.
    ///
    /// # Errors
    /// The first objection found, with its offset where it has one.
    pub fn parse(message: Vec<u8>, limit: u64) -> Result<Self, InvalidMessage> {
        let size = message.len() as u64;
        if message.is_empty() {
            return Err(InvalidMessage::Empty);
        }
        if size > limit {
            return Err(InvalidMessage::TooLarge(OverLimit { limit, size }));
        }
        if is_wide(&message) {
            return Err(InvalidMessage::WideEncoding);
        }
        let header = Header::read(&message).ok_or(InvalidMessage::NoHeader)?;
        if let Some(reserved) = reserved_byte(&message) {
            return Err(InvalidMessage::ReservedByte(reserved));
        }
        if let Some(offset) = second_header(&message) {
            return Err(InvalidMessage::SecondHeader(offset));
        }
        if header.control_id().is_empty() {
            return Err(InvalidMessage::NoControlId);
        }
        let control_id = header.control_id().to_vec();
        Ok(Self {
            bytes: message,
            control_id,
        })
    }

    /// The message and its MSH-10.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<u8>) {
        (self.bytes, self.control_id)
    }
}

impl fmt::Debug for Payload {
    /// Tells the length alone: the content is patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.bytes.len())
    }
}

/// MLLP is not transparent to its own bytes (MLLP Release 1).
fn reserved_byte(message: &[u8]) -> Option<ReservedByte> {
    let offset = memchr::memchr2(START_BLOCK, END_BLOCK, message)?;
    Some(ReservedByte {
        offset: offset as u64,
        byte: *message.get(offset)?,
    })
}

/// Where a second MSH segment begins. Two messages in one frame would share one
/// acknowledgment.
fn second_header(message: &[u8]) -> Option<u64> {
    memchr::memmem::find_iter(message, b"MSH")
        .skip(1)
        .find(|&offset| {
            let (before, rest) = message.split_at(offset);
            before.last().copied().is_some_and(msh::is_segment_end) && msh::begins_header(rest)
        })
        .map(|offset| offset as u64)
}

/// UTF-16 and UTF-32, which hold bytes of the framing by accident, and any byte
/// order mark, which would keep MSH from standing first.
fn is_wide(message: &[u8]) -> bool {
    const SIGNS: [&[u8]; 7] = [
        b"\xEF\xBB\xBF",
        b"\xFF\xFE",
        b"\xFE\xFF",
        b"\0\0\xFE\xFF",
        b"M\0",
        b"\0M",
        b"\0\0\0M",
    ];
    SIGNS.iter().any(|sign| message.starts_with(sign))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::Payload;
    use crate::error::{InvalidMessage, OverLimit, ReservedByte};

    const ADT: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|42|P|2.5\rPID|1\r";

    fn refused(message: &[u8]) -> InvalidMessage {
        Payload::parse(message.to_vec(), 1000).unwrap_err()
    }

    fn with(appendix: &[u8]) -> Vec<u8> {
        [ADT, appendix].concat()
    }

    #[test]
    fn a_plain_message_passes_untouched() {
        let (bytes, control_id) = Payload::parse(ADT.to_vec(), 1000).unwrap().into_parts();
        assert_eq!(bytes, ADT);
        assert_eq!(control_id, b"42");
    }

    #[test]
    fn exactly_the_limit_passes_and_one_byte_more_does_not() {
        let size = ADT.len() as u64;
        assert!(Payload::parse(ADT.to_vec(), size).is_ok());
        assert_eq!(
            Payload::parse(ADT.to_vec(), size - 1).unwrap_err(),
            InvalidMessage::TooLarge(OverLimit {
                limit: size - 1,
                size
            })
        );
    }

    #[test]
    fn an_empty_message_is_refused() {
        assert_eq!(refused(b""), InvalidMessage::Empty);
    }

    #[test]
    fn what_does_not_begin_with_msh_is_refused() {
        assert_eq!(refused(b"PID|1\r"), InvalidMessage::NoHeader);
        assert_eq!(refused(b"\rMSH|^~\\&|"), InvalidMessage::NoHeader);
    }

    #[test]
    fn framing_bytes_are_refused_with_their_offset() {
        let offset = ADT.len() as u64 + 2;
        for byte in [0x0B, 0x1C] {
            assert_eq!(
                refused(&with(&[b'N', b'T', byte, b'E'])),
                InvalidMessage::ReservedByte(ReservedByte { offset, byte })
            );
        }
    }

    #[test]
    fn a_second_header_is_refused_with_its_offset() {
        let offset = ADT.len() as u64;
        for second in [&b"MSH|^~\\&|x"[..], b"MSH#x", b"MSH"] {
            assert_eq!(refused(&with(second)), InvalidMessage::SecondHeader(offset));
        }
    }

    #[test]
    fn msh_inside_a_field_or_a_longer_name_is_no_second_header() {
        for text in [&b"NTE|1||MSH|x"[..], b"MSHX|1", b"ZMSH|1"] {
            assert!(Payload::parse(with(text), 1000).is_ok());
        }
    }

    #[test]
    fn wide_encodings_and_byte_order_marks_are_refused() {
        for message in [
            &b"\xEF\xBB\xBFMSH|^~\\&|"[..],
            b"\xFF\xFEM\0S\0H\0",
            b"\xFE\xFF\0M\0S\0H",
            b"M\0S\0H\0",
            b"\0M\0S\0H",
            b"M\0\0\0S\0\0\0",
            b"\0\0\0M\0\0\0S",
            b"\0\0\xFE\xFF\0\0\0M",
        ] {
            assert_eq!(refused(message), InvalidMessage::WideEncoding);
        }
    }

    #[test]
    fn a_message_without_a_control_id_is_refused() {
        assert_eq!(
            refused(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01||P|2.5\r"),
            InvalidMessage::NoControlId
        );
    }

    #[test]
    fn its_debug_print_tells_the_length_alone() {
        let payload = Payload::parse(ADT.to_vec(), 1000).unwrap();
        assert_eq!(
            format!("{payload:?}"),
            format!("Payload({} bytes)", ADT.len())
        );
    }
}
