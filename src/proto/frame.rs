//! The MLLP frame (HL7 v2 MLLP Release 1): `<start block> content <end block>
//! <carriage return>`. A [`Payload`] goes out, a reply's content comes in, one
//! look at each byte, never more held than the limit allows.

use alloc::vec::Vec;
use core::fmt;

use super::payload::Payload;
use crate::error::{Cause, Desync, OverLimit};
use crate::limits::SPACE_BYTES_MAX;

/// Begins a frame.
pub const START_BLOCK: u8 = 0x0B;
/// Ends a frame's content; a carriage return follows.
pub const END_BLOCK: u8 = 0x1C;
/// Ends a frame.
pub const CARRIAGE_RETURN: u8 = 0x0D;

/// A message inside its frame, ready to be handed over, and its control id.
pub struct Outgoing {
    /// Start block, message, end block, carriage return.
    pub bytes: Vec<u8>,
    /// The message's MSH-10.
    pub control_id: Vec<u8>,
}

impl Outgoing {
    /// Puts `payload` into a frame, in the memory it already has where the
    /// allocator can extend that.
    ///
    /// # Errors
    /// [`Cause::OutOfMemory`] if it cannot grow by the three bytes.
    pub fn encode(payload: Payload) -> Result<Self, Cause> {
        let (mut bytes, control_id) = payload.into_parts();
        bytes.try_reserve_exact(3).map_err(|_| Cause::OutOfMemory)?;
        bytes.insert(0, START_BLOCK);
        bytes.extend_from_slice(&[END_BLOCK, CARRIAGE_RETURN]);
        Ok(Self { bytes, control_id })
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} bytes)", self.bytes.len())
    }
}

/// A frame that came in.
pub struct Incoming {
    /// What stood between start block and end block.
    pub content: Vec<u8>,
    /// How many bytes of white space stood before the start block.
    pub space_before: u32,
}

/// Finds one frame in bytes that come in any split.
///
/// ```text
///   white space      content        (CR)
///      ┌──┐           ┌──┐            │
///      ▼  │    SB     ▼  │    EB      │
///  Outside ─────▶ Inside ─────▶ Closing ─────▶ a frame
///      │              │              │
///      └─ other byte  ├─ SB          └─ other byte    ═▶ an error
///                     └─ over the limit
/// ```
///
/// Invariant: `content.len() <= limit`.
pub struct Decoder {
    limit: u64,
    state: State,
    content: Vec<u8>,
    space_before: u32,
}

#[derive(Clone, Copy)]
enum State {
    Outside,
    Inside,
    Closing,
}

impl Decoder {
    /// A decoder that bears content of `limit` bytes.
    #[must_use]
    pub const fn new(limit: u64) -> Self {
        Self {
            limit,
            state: State::Outside,
            content: Vec::new(),
            space_before: 0,
        }
    }

    /// Takes bytes as they came. Returns how many of them belong to the frame
    /// or stand before it, and the frame once it is whole; what follows it is
    /// the caller's.
    ///
    /// # Errors
    /// [`Cause::ProtocolDesync`] for bytes that are no frame,
    /// [`Cause::MessageTooLarge`] for content over the limit, and
    /// [`Cause::OutOfMemory`]. The connection cannot be read any further.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(usize, Option<Incoming>), Cause> {
        let mut rest = bytes;
        while let Some((&first, after_first)) = rest.split_first() {
            rest = match self.state {
                State::Outside => {
                    self.before(first)?;
                    after_first
                }
                State::Inside => self.inside(rest)?,
                State::Closing if first == CARRIAGE_RETURN => {
                    let frame = self.take();
                    return Ok((bytes.len() - after_first.len(), Some(frame)));
                }
                State::Closing => return Err(Desync::MissingCarriageReturn.into()),
            };
        }
        Ok((bytes.len(), None))
    }

    /// Whether a frame has begun and not ended.
    #[must_use]
    pub const fn is_inside_frame(&self) -> bool {
        !matches!(self.state, State::Outside)
    }

    fn before(&mut self, byte: u8) -> Result<(), Cause> {
        if byte == START_BLOCK {
            self.state = State::Inside;
        } else if is_space(byte) && self.space_before < SPACE_BYTES_MAX {
            self.space_before += 1;
        } else {
            return Err(Desync::BytesBeforeStartBlock.into());
        }
        Ok(())
    }

    fn inside<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Cause> {
        let block = memchr::memchr2(START_BLOCK, END_BLOCK, bytes);
        let (content, rest) = bytes.split_at(block.unwrap_or(bytes.len()));
        self.keep(content)?;
        match rest.split_first() {
            None => Ok(rest),
            Some((&END_BLOCK, after)) => {
                self.state = State::Closing;
                Ok(after)
            }
            Some(_) => Err(Desync::StartBlockInFrame.into()),
        }
    }

    fn keep(&mut self, content: &[u8]) -> Result<(), Cause> {
        let size = self.content.len() as u64 + content.len() as u64;
        if size > self.limit {
            return Err(Cause::MessageTooLarge(OverLimit {
                limit: self.limit,
                // Not `size`: that would depend on how the bytes were split.
                size: self.limit.saturating_add(1),
            }));
        }
        self.content
            .try_reserve(content.len())
            .map_err(|_| Cause::OutOfMemory)?;
        self.content.extend_from_slice(content);
        Ok(())
    }

    fn take(&mut self) -> Incoming {
        self.state = State::Outside;
        Incoming {
            content: core::mem::take(&mut self.content),
            space_before: core::mem::take(&mut self.space_before),
        }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({} bytes)", self.content.len())
    }
}

/// What receivers put between frames without meaning anything by it.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{Decoder, Outgoing};
    use crate::error::{Cause, Desync, OverLimit};
    use crate::limits::SPACE_BYTES_MAX;
    use crate::proto::payload::Payload;

    /// Content, white space before, and bytes left over; or the error.
    type Answer = Result<Option<(Vec<u8>, u32, usize)>, Cause>;

    fn decode_in(limit: u64, parts: &[&[u8]]) -> Answer {
        let mut decoder = Decoder::new(limit);
        for (index, part) in parts.iter().enumerate() {
            let (used, frame) = decoder.decode(part)?;
            if let Some(frame) = frame {
                let later: usize = parts[index + 1..].iter().map(|part| part.len()).sum();
                let left = part.len() - used + later;
                return Ok(Some((frame.content, frame.space_before, left)));
            }
        }
        Ok(None)
    }

    fn decode(bytes: &[u8]) -> Answer {
        let whole = decode_in(100, &[bytes]);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(
                    decode_in(100, &parts),
                    whole,
                    "split at {first} and {second}"
                );
            }
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(decode_in(100, &single), whole, "byte by byte");
        whole
    }

    #[test]
    fn a_frame_is_start_block_content_end_block_carriage_return() {
        let message = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5\r";
        let payload = Payload::parse(message.to_vec(), 100).unwrap();
        let frame = Outgoing::encode(payload).unwrap();
        assert_eq!(frame.bytes, [b"\x0B", &message[..], b"\x1C\r"].concat());
        assert_eq!(frame.control_id, b"1");
    }

    #[test]
    fn a_frame_comes_back_whole_in_every_split() {
        assert_eq!(
            decode(b"\x0BMSH|\r\x1C\r"),
            Ok(Some((b"MSH|\r".to_vec(), 0, 0)))
        );
        assert_eq!(decode(b"\x0B\x1C\r"), Ok(Some((Vec::new(), 0, 0))));
    }

    #[test]
    fn white_space_before_it_is_counted() {
        assert_eq!(
            decode(b"\r\n \t\x0Bx\x1C\r"),
            Ok(Some((b"x".to_vec(), 4, 0)))
        );
    }

    #[test]
    fn endless_white_space_is_no_frame() {
        let space = [b' '; SPACE_BYTES_MAX as usize + 1];
        assert_eq!(
            decode_in(100, &[&space]),
            Err(Cause::ProtocolDesync(Desync::BytesBeforeStartBlock))
        );
        assert_eq!(decode_in(100, &[&space[1..]]), Ok(None));
    }

    #[test]
    fn what_follows_it_is_left_to_the_caller() {
        assert_eq!(
            decode(b"\x0Bx\x1C\r\n\x0By"),
            Ok(Some((b"x".to_vec(), 0, 3)))
        );
    }

    #[test]
    fn bytes_before_it_are_an_error_at_once() {
        let desync = Err(Cause::ProtocolDesync(Desync::BytesBeforeStartBlock));
        assert_eq!(decode(b"HTTP/1.1 400"), desync);
        assert_eq!(decode(b"\x1C\r"), desync);
    }

    #[test]
    fn a_start_block_inside_it_is_an_error() {
        assert_eq!(
            decode(b"\x0Bab\x0Bc\x1C\r"),
            Err(Cause::ProtocolDesync(Desync::StartBlockInFrame))
        );
    }

    #[test]
    fn an_end_block_wants_its_carriage_return() {
        assert_eq!(
            decode(b"\x0Bab\x1C\n"),
            Err(Cause::ProtocolDesync(Desync::MissingCarriageReturn))
        );
        assert_eq!(decode(b"\x0Bab\x1C"), Ok(None));
    }

    #[test]
    fn content_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let parts: [&[u8]; 3] = [b"\x0B12", b"345", b"\x1C\r"];
        assert_eq!(decode_in(5, &parts), Ok(Some((b"12345".to_vec(), 0, 0))));
        let over = Err(Cause::MessageTooLarge(OverLimit { limit: 4, size: 5 }));
        assert_eq!(decode_in(4, &parts), over);
        assert_eq!(decode_in(4, &[b"\x0B12345678"]), over);
    }

    /// Four terabytes, if each piece had what came before it scanned anew.
    #[test]
    fn a_long_reply_in_small_pieces_is_scanned_once() {
        const SIZE: usize = 8_000_000;
        let mut decoder = Decoder::new(SIZE as u64);
        decoder.decode(b"\x0B").unwrap();
        for _ in 0..SIZE / 8 {
            decoder.decode(b"OBX|1|TX").unwrap();
        }
        let (_, frame) = decoder.decode(b"\x1C\r").unwrap();
        assert_eq!(frame.unwrap().content.len(), SIZE);
    }

    #[test]
    fn a_decoder_can_be_used_again() {
        let mut decoder = Decoder::new(100);
        for _ in 0..2 {
            let (used, frame) = decoder.decode(b"\n\x0Bx\x1C\r").unwrap();
            let frame = frame.unwrap();
            assert_eq!(
                (used, frame.content, frame.space_before),
                (5, b"x".to_vec(), 1)
            );
        }
    }
}
