//! The guard: bytes become a [`Payload`] here or not at all, and only a
//! `Payload` can be framed. A start or end block cannot get past it.

use alloc::vec::Vec;
use core::fmt;

use super::expect::Expectation;
use super::framing::Framing;
use super::msh::{self, Header};
use super::scan;
use super::terms::{Correlation, Terms};
use crate::error::{InvalidMessage, OverLimit, ReservedByte};

/// A message that may be framed and sent on the terms it was looked at for: not
/// empty, begins with its only MSH segment, asks for acknowledgments that exist,
/// has a control id if replies are told apart by it, makes no block of the framing
/// and is within the limit.
pub struct Payload {
    bytes: Vec<u8>,
    expectation: Expectation,
}

impl Payload {
    /// Looks at `message`, which may have at most `limit` bytes.
    ///
    /// # Errors
    /// The first objection found, with its offset where it has one.
    pub fn parse(message: Vec<u8>, limit: u64, terms: &Terms) -> Result<Self, InvalidMessage> {
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
        look_inside(&message, &terms.framing)?;
        let expectation = Expectation::of(&header, terms)?;
        if header.control_id().is_empty() && terms.correlation == Correlation::Required {
            return Err(InvalidMessage::NoControlId);
        }
        Ok(Self {
            bytes: message,
            expectation,
        })
    }

    /// The message's MSH-10.
    pub(crate) fn control_id(&self) -> &[u8] {
        Header::read(&self.bytes).map_or(&[], |header| header.control_id())
    }

    /// The message, and which acknowledgments it asks for.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Expectation) {
        (self.bytes, self.expectation)
    }
}

impl fmt::Debug for Payload {
    /// Tells the length alone: the content is patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.bytes.len())
    }
}

/// A frame is not transparent to the bytes of its own framing (MLLP Release 1), so
/// that none but the first start block and the last end block may stand in it, not
/// even made by a block and the message together. And two messages in one frame would
/// share one acknowledgment, so that there may be one MSH segment.
fn look_inside(message: &[u8], framing: &Framing) -> Result<(), InvalidMessage> {
    let Framing { start, end, .. } = framing;
    let block_begins_at = |position: usize| {
        let frame = start.iter().chain(message).chain(end).skip(position);
        [start, end]
            .iter()
            .any(|block| frame.clone().take(block.len()).eq(*block))
    };
    let reserved = |offset: usize| {
        InvalidMessage::ReservedByte(ReservedByte {
            offset: offset as u64,
            byte: message.get(offset).copied().unwrap_or_default(),
        })
    };
    if (1..start.len()).any(block_begins_at) {
        return Err(reserved(0));
    }
    let [start_block, end_block] = framing.firsts();
    let mut second_header = None;
    // One look for all of it: nothing of the message goes out before that is over.
    let ends = [msh::SEGMENT_END, b'\n'];
    for place in scan::places_and_pairs([start_block, end_block], ends, b'M', message) {
        let byte = message.get(place).copied().unwrap_or_default();
        if (byte == start_block || byte == end_block)
            && block_begins_at(start.len().saturating_add(place))
        {
            return Err(reserved(place));
        }
        let after = place.saturating_add(1);
        if second_header.is_none()
            && msh::is_segment_end(byte)
            && message.get(after..).is_some_and(msh::begins_header)
        {
            second_header = Some(after as u64);
        }
    }
    match second_header.filter(|_| !broken!(GuardAsleep)) {
        Some(offset) => Err(InvalidMessage::SecondHeader(offset)),
        None => Ok(()),
    }
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
    use crate::proto::expect::Expectation;
    use crate::proto::framing::Framing;
    use crate::proto::terms::{Correlation, Terms};

    const ADT: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|42|P|2.5\rPID|1\r";

    fn parse(message: &[u8], limit: u64) -> Result<Payload, InvalidMessage> {
        Payload::parse(message.to_vec(), limit, &Terms::default())
    }

    fn refused(message: &[u8]) -> InvalidMessage {
        parse(message, 1000).unwrap_err()
    }

    fn with(appendix: &[u8]) -> Vec<u8> {
        [ADT, appendix].concat()
    }

    /// Which byte, and where, is in the way of these blocks.
    fn reserved(start: &[u8], end: &[u8], message: &[u8]) -> Option<(u64, u8)> {
        let framing = Framing {
            start: start.to_vec(),
            end: end.to_vec(),
            ..Framing::default()
        };
        let terms = Terms {
            framing,
            ..Terms::default()
        };
        match Payload::parse(message.to_vec(), 1000, &terms) {
            Ok(_) => None,
            Err(InvalidMessage::ReservedByte(ReservedByte { offset, byte })) => {
                Some((offset, byte))
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_plain_message_passes_untouched() {
        let payload = parse(ADT, 1000).unwrap();
        assert_eq!(payload.control_id(), b"42");
        let (bytes, expectation) = payload.into_parts();
        assert_eq!(bytes, ADT);
        assert_eq!(expectation, Expectation::ORIGINAL);
    }

    #[test]
    fn exactly_the_limit_passes_and_one_byte_more_does_not() {
        let size = ADT.len() as u64;
        assert!(parse(ADT, size).is_ok());
        assert_eq!(
            parse(ADT, size - 1).unwrap_err(),
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
    fn mllps_own_bytes_pass_where_the_framing_is_another() {
        let message = with(b"NTE|\x0B\x1C\r");
        assert_eq!(reserved(b"\x02", b"\x03", &message), None);
        let (offset, byte) = (ADT.len() as u64 + 2, 0x02);
        let message = with(b"NT\x02E");
        assert_eq!(reserved(b"\x02", b"\x03", &message), Some((offset, byte)));
    }

    #[test]
    fn only_a_whole_block_is_in_the_way() {
        let (start, end) = (b"{{", b"\x1C\r");
        assert_eq!(reserved(start, end, &with(b"NTE|{\x1C{\x1C")), None);
        let offset = ADT.len() as u64 + 4;
        let message = with(b"NTE|{{");
        assert_eq!(reserved(start, end, &message), Some((offset, b'{')));
        let message = with(b"NTE|\x1C\r");
        assert_eq!(reserved(start, end, &message), Some((offset, 0x1C)));
    }

    #[test]
    fn the_end_of_a_message_and_the_end_block_may_not_make_a_block() {
        let last = ADT.len() as u64;
        let message = with(b"\x1C");
        assert_eq!(reserved(b"\x0B", b"\x1C", ADT), None);
        assert_eq!(reserved(b"\x0B", b"\x1C\x1C", &message), Some((last, 0x1C)));
        assert_eq!(reserved(b"\x1C{", b"{}", &message), Some((last, 0x1C)));
    }

    #[test]
    fn a_start_block_and_the_beginning_of_a_message_may_not_make_a_block() {
        for end in [b"\x02MSH|", b"\x02MSH#"] {
            let found = reserved(b"\x01\x02", end, ADT);
            assert_eq!(found.is_some(), end[4] == b'|');
            assert!(found.is_none_or(|found| found == (0, b'M')));
        }
    }

    #[test]
    fn a_message_shorter_than_the_blocks_may_not_make_one_with_both() {
        let message = b"MSH|x";
        let terms = Terms {
            correlation: Correlation::Off,
            framing: Framing {
                start: b"{<".to_vec(),
                end: b"><MSH|x".to_vec(),
                trailer: Vec::new(),
            },
            ..Terms::default()
        };
        assert!(Payload::parse(message.to_vec(), 10, &terms).is_ok());
        let terms = Terms {
            framing: Framing {
                end: b"<MSH|x<".to_vec(),
                ..terms.framing
            },
            ..terms
        };
        assert_eq!(
            Payload::parse(message.to_vec(), 10, &terms).unwrap_err(),
            InvalidMessage::ReservedByte(ReservedByte {
                offset: 0,
                byte: b'M'
            })
        );
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
            assert!(parse(&with(text), 1000).is_ok());
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
    fn it_may_have_none_where_replies_are_not_told_apart_by_it() {
        let message = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01||P|2.5\r";
        for correlation in [Correlation::Warned, Correlation::Off] {
            let terms = Terms {
                correlation,
                ..Terms::default()
            };
            let payload = Payload::parse(message.to_vec(), 1000, &terms).unwrap();
            assert_eq!(payload.control_id(), b"");
        }
    }

    #[test]
    fn a_message_that_asks_for_an_unknown_acknowledgment_is_refused_with_its_field() {
        assert_eq!(
            refused(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|42|P|2.5|||AL|Y\r"),
            InvalidMessage::UnknownCondition(16)
        );
    }

    #[test]
    fn the_first_objection_is_the_one_that_is_told() {
        let ladder: [(&[u8], InvalidMessage); 7] = [
            (b"", InvalidMessage::Empty),
            (
                b"\xEF\xBB\xBFPID|0123456789012345678901234567890123456789\x0B",
                InvalidMessage::TooLarge(OverLimit {
                    limit: 45,
                    size: 48,
                }),
            ),
            (b"\xEF\xBB\xBFPID|\x0B\rMSH|", InvalidMessage::WideEncoding),
            (b"PID|\x0B\rMSH|", InvalidMessage::NoHeader),
            (
                b"MSH|^~\\&|||||||||||||?\rMSH|\x0B",
                InvalidMessage::ReservedByte(ReservedByte {
                    offset: 27,
                    byte: 0x0B,
                }),
            ),
            (
                b"MSH|^~\\&|||||||||||||?\rMSH|",
                InvalidMessage::SecondHeader(23),
            ),
            (
                b"MSH|^~\\&|||||||||||||?\r",
                InvalidMessage::UnknownCondition(15),
            ),
        ];
        for (message, objection) in ladder {
            assert_eq!(parse(message, 45).unwrap_err(), objection);
        }
    }

    #[test]
    fn its_debug_print_tells_the_length_alone() {
        let payload = parse(ADT, 1000).unwrap();
        assert_eq!(
            format!("{payload:?}"),
            format!("Payload({} bytes)", ADT.len())
        );
    }
}
