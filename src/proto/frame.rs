//! The frame: `<start block> content <end block> <trailer>`, which in MLLP (HL7 v2
//! MLLP Release 1) are 0x0B, 0x1C and a carriage return. A [`Payload`] goes out,
//! replies' contents come in, one look at each byte, never more held than the
//! limit allows.

use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::slice;

use super::expect::Expectation;
use super::framing::Framing;
use super::leniency::{Leniencies, Leniency};
use super::payload::Payload;
use super::scan;
use super::warning::Warning;
use crate::error::{Cause, Desync, OverLimit};
use crate::limits::{SPACE_BYTES_MAX, WRITE_BYTES_MAX};
use crate::memory::{append, reserve_exact};

/// Begins a frame.
pub const START_BLOCK: u8 = 0x0B;
/// Ends a frame's content; a carriage return follows.
pub const END_BLOCK: u8 = 0x1C;
/// Ends a frame.
pub const CARRIAGE_RETURN: u8 = 0x0D;

/// A message ready to be handed over inside its frame, and what is known of it.
pub struct Outgoing {
    content: Vec<u8>,
    /// The frame's bytes from `begin` on where they do not lie in one piece in
    /// `content`, for the blocks around it: a long message is not moved for three
    /// bytes.
    piece: Vec<u8>,
    begin: usize,
    /// How many bytes the start block has.
    start: usize,
    /// How many the end block and the trailer have.
    end: usize,
    /// How many of the bytes come after the end block.
    pub trailer: usize,
    /// The message's MSH-10.
    pub control_id: Vec<u8>,
    /// Which acknowledgments the message asks for.
    pub expectation: Expectation,
}

impl Outgoing {
    /// Takes `payload` to be put into a frame. `framing` is the one that the guard
    /// knew.
    ///
    /// # Errors
    /// [`Cause::OutOfMemory`] if there is no room for the frame, as much of it as goes
    /// in one write, or for a copy of the control id.
    pub fn encode(payload: Payload, framing: &Framing) -> Result<Self, Cause> {
        let mut control_id = Vec::new();
        append(&mut control_id, payload.control_id())?;
        let (content, expectation) = payload.into_parts();
        Self::around(content, control_id, expectation, framing)
    }

    /// Takes `content`, of which this much is known.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode).
    pub fn around(
        content: Vec<u8>,
        control_id: Vec<u8>,
        expectation: Expectation,
        framing: &Framing,
    ) -> Result<Self, Cause> {
        let mut piece = Vec::new();
        let whole = content.len().saturating_add(framing.size());
        reserve_exact(&mut piece, whole.min(WRITE_BYTES_MAX))?;
        Ok(Self {
            content,
            piece,
            begin: 0,
            start: framing.start.len(),
            end: framing.end.len().saturating_add(framing.trailer.len()),
            trailer: framing.trailer.len(),
            control_id,
            expectation,
        })
    }

    /// How many bytes the frame has.
    #[must_use]
    pub const fn size(&self) -> usize {
        let beside = self.start.saturating_add(self.end);
        self.content.len().saturating_add(beside)
    }

    /// The `most` bytes of the frame from `offset` on, as far as there are so many, and
    /// as they go in one write: [`WRITE_BYTES_MAX`] or fewer.
    pub fn part(&mut self, framing: &Framing, offset: usize, most: usize) -> &[u8] {
        let last = offset.saturating_add(most.min(WRITE_BYTES_MAX));
        let last = last.min(self.size());
        if let (Some(first), Some(last)) =
            (offset.checked_sub(self.start), last.checked_sub(self.start))
            && last <= self.content.len()
        {
            return self.content.get(first..last).unwrap_or_default();
        }
        let held = self.begin.saturating_add(self.piece.len());
        if offset < self.begin || last > held {
            self.assemble(framing, offset, last);
        }
        let place = |offset: usize| offset.saturating_sub(self.begin);
        self.piece
            .get(place(offset)..place(last))
            .unwrap_or_default()
    }

    fn assemble(&mut self, framing: &Framing, first: usize, last: usize) {
        let Framing {
            start,
            end,
            trailer,
        } = framing;
        self.piece.clear();
        self.begin = first;
        let mut passed = 0_usize;
        for bytes in [start, &self.content, end, trailer] {
            let place = |offset: usize| offset.saturating_sub(passed).min(bytes.len());
            let part = bytes.get(place(first)..place(last)).unwrap_or_default();
            self.piece.extend_from_slice(part);
            passed = passed.saturating_add(bytes.len());
        }
    }

    /// Lets the message go, and keeps what is known of it.
    pub(super) fn forget(&mut self) {
        (self.content, self.piece) = (Vec::new(), Vec::new());
    }

    /// Whether the message is there.
    pub(super) const fn is_whole(&self) -> bool {
        !self.content.is_empty()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} bytes)", self.size())
    }
}

/// A frame that came in.
pub struct Incoming {
    /// What stood between start block and end block.
    pub content: Vec<u8>,
    /// What was borne for it, in the order in which it was met.
    pub warnings: Vec<Warning>,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incoming({} bytes)", self.content.len())
    }
}

/// Finds the frames of one connection in bytes that come in any split.
///
/// ```text
///   white space,      content       part of the
///     junk             ┌──┐           trailer
///      ┌──┐            │  │            ┌──┐
///      ▼  │     SB     ▼  │     EB     ▼  │ trailer
///    Outside ───────▶ Inside ───────▶ Closing ───────▶ a frame
///      │                │                │
///      └─ other byte    ├─ SB            └─ other byte    ═▶ an error
///                       └─ over the limit
/// ```
///
/// After a frame it is outside again. Only where leniencies were used may some of
/// the frame still be to come, and is passed over if it comes next:
///
/// ```text
///  trailer missed: LateTrailer ─┬─▶ Outside
///  doubled: ────────────────────┴─▶ SecondEnd ─▶ SecondTrailer ─▶ Outside
/// ```
///
/// Invariants: `content.len() <= limit`; `held` is shorter than the longest block,
/// or than a header's first four bytes.
pub struct Decoder {
    framing: Framing,
    leniencies: Leniencies,
    limit: u64,
    state: State,
    /// What may yet turn out to be a block.
    held: Vec<u8>,
    content: Vec<u8>,
    /// What was borne for the frame in progress.
    warnings: Vec<Warning>,
    /// The frame in progress, or the last one, had its start block twice.
    doubled: bool,
    /// There was a frame on this connection.
    any_frame: bool,
    /// The white space skipped where a start block was due.
    space: u32,
    /// The other bytes skipped there.
    junk: u32,
}

#[derive(Clone, Copy)]
enum State {
    Outside,
    Inside,
    Closing,
    LateTrailer,
    SecondEnd,
    SecondTrailer,
}

/// What a look at the next bytes led to.
enum Step {
    /// So many of them are done with.
    Past(usize),
    /// So many are done with, and the frame is whole.
    Frame(usize),
    /// All of them together may be the beginning of a block.
    Undecided,
}

/// Whether bytes begin with a block.
enum Front {
    /// With the whole block, which has so many bytes.
    Whole(usize),
    /// As far as they have come.
    Begun,
    Other,
}

impl Decoder {
    /// A decoder for a new connection, which bears contents of `limit` bytes.
    /// [`Framing::check`] has no objection to `framing`.
    #[must_use]
    pub const fn new(framing: Framing, leniencies: Leniencies, limit: u64) -> Self {
        Self {
            framing,
            leniencies,
            limit,
            state: State::Outside,
            held: Vec::new(),
            content: Vec::new(),
            warnings: Vec::new(),
            doubled: false,
            any_frame: false,
            space: 0,
            junk: 0,
        }
    }

    /// Takes bytes as they came. Returns how many of them belong to the frame
    /// or stand before it, and the frame once it is whole; what follows it is
    /// the caller's, and may be handed in next.
    ///
    /// # Errors
    /// [`Cause::ProtocolDesync`] for bytes that are no frame,
    /// [`Cause::MessageTooLarge`] for content over the limit, and
    /// [`Cause::OutOfMemory`]. The connection cannot be read any further.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(usize, Option<Incoming>), Cause> {
        let mut rest = bytes;
        let mut frame = None;
        while frame.is_none() || self.state.is_after_frame() {
            let mut held = mem::take(&mut self.held);
            let window = if held.is_empty() { rest } else { &held };
            let past = match self.step(window)? {
                Step::Past(past) => past,
                Step::Frame(past) => {
                    frame = Some(self.take());
                    past
                }
                Step::Undecided => {
                    self.held = held;
                    // One byte at a time, so that none is held that comes after a
                    // frame.
                    let Some((byte, after)) = rest.split_first() else {
                        break;
                    };
                    append(&mut self.held, slice::from_ref(byte))?;
                    rest = after;
                    continue;
                }
            };
            if held.is_empty() {
                rest = rest.get(past..).unwrap_or_default();
            } else {
                held.drain(..past.min(held.len()));
            }
            self.held = held;
        }
        Ok((bytes.len().saturating_sub(rest.len()), frame))
    }

    /// Whether a frame has begun, or may have, and not ended. What may still
    /// follow a frame that was returned does not count.
    #[must_use]
    pub fn is_inside_frame(&self) -> bool {
        match self.state {
            State::Inside | State::Closing => true,
            State::Outside => !self.held.iter().copied().all(is_space),
            State::LateTrailer | State::SecondEnd | State::SecondTrailer => false,
        }
    }

    /// Counts the white space skipped since the last frame, or since last asked.
    /// Once a frame begins after it, it is told with that frame instead.
    pub const fn take_space(&mut self) -> u32 {
        mem::replace(&mut self.space, 0)
    }

    fn step(&mut self, window: &[u8]) -> Result<Step, Cause> {
        let Framing { end, trailer, .. } = &self.framing;
        match self.state {
            State::Outside => self.outside(window),
            State::Inside => self.inside(window),
            State::Closing => self.closing(window),
            State::LateTrailer => {
                let next = self.after_frame();
                Ok(self.may_come(Front::of(trailer, window), next, next))
            }
            State::SecondEnd => {
                let (came, missing) = (State::SecondTrailer, State::Outside);
                Ok(self.may_come(Front::of(end, window), came, missing))
            }
            State::SecondTrailer => {
                let next = State::Outside;
                Ok(self.may_come(Front::of(trailer, window), next, next))
            }
        }
    }

    fn outside(&mut self, window: &[u8]) -> Result<Step, Cause> {
        match Front::of(&self.framing.start, window) {
            Front::Whole(size) => {
                self.begin();
                return Ok(Step::Past(size));
            }
            Front::Begun => return Ok(Step::Undecided),
            Front::Other => {}
        }
        if self.bears(Leniency::MissingStartBlock) {
            match Front::of_header(window) {
                Front::Whole(_) => {
                    self.begin();
                    self.warnings.push(Warning::MissingStartBlock);
                    return Ok(Step::Past(0));
                }
                Front::Begun => return Ok(Step::Undecided),
                Front::Other => {}
            }
        }
        match window.first() {
            Some(byte) => self.skip(*byte),
            None => Ok(Step::Undecided),
        }
    }

    fn inside(&mut self, window: &[u8]) -> Result<Step, Cause> {
        let candidate = scan::places(self.framing.firsts(), window).next();
        let (content, rest) = candidate
            .and_then(|offset| window.split_at_checked(offset))
            .unwrap_or((window, &[]));
        if !content.is_empty() {
            return self.keep(content);
        }
        let start = Front::of(&self.framing.start, rest);
        let end = Front::of(&self.framing.end, rest);
        match (start, end) {
            (_, Front::Whole(size)) => {
                self.state = State::Closing;
                Ok(Step::Past(size))
            }
            (Front::Whole(size), _) if self.may_be_doubled() => {
                self.doubled = true;
                self.warnings.push(Warning::DoubledEnvelope);
                Ok(Step::Past(size))
            }
            (Front::Whole(_), _) => Err(Desync::StartBlockInFrame.into()),
            (Front::Begun, _) | (_, Front::Begun) => Ok(Step::Undecided),
            (Front::Other, Front::Other) => self.keep(rest.get(..1).unwrap_or_default()),
        }
    }

    fn closing(&mut self, window: &[u8]) -> Result<Step, Cause> {
        match Front::of(&self.framing.trailer, window) {
            Front::Whole(size) => {
                self.state = self.after_frame();
                Ok(Step::Frame(size))
            }
            // Without waiting for it: who leaves it out sends nothing more.
            _ if self.bears(Leniency::MissingCarriageReturn) => {
                self.state = State::LateTrailer;
                self.warnings.push(Warning::MissingCarriageReturn);
                Ok(Step::Frame(0))
            }
            Front::Begun => Ok(Step::Undecided),
            Front::Other => Err(Desync::MissingCarriageReturn.into()),
        }
    }

    const fn may_come(&mut self, front: Front, came: State, missing: State) -> Step {
        match front {
            Front::Whole(size) => {
                self.state = came;
                Step::Past(size)
            }
            Front::Begun => Step::Undecided,
            Front::Other => {
                self.state = missing;
                Step::Past(0)
            }
        }
    }

    fn begin(&mut self) {
        let skipped = self.take_space();
        let junk = mem::take(&mut self.junk);
        if junk > 0 {
            let all = junk.saturating_add(skipped);
            self.warnings.push(Warning::JunkBeforeStartBlock(all));
        } else if skipped > 0 && self.any_frame && !self.bears(Leniency::SpaceBeforeStartBlock) {
            self.warnings.push(Warning::SpaceAfterFrame(skipped));
        } else if skipped > 0 {
            self.warnings.push(Warning::SpaceBeforeStartBlock(skipped));
        }
        self.doubled = false;
        self.state = State::Inside;
    }

    fn skip(&mut self, byte: u8) -> Result<Step, Cause> {
        let space = self.bears(Leniency::SpaceBeforeStartBlock)
            || self.any_frame && self.bears(Leniency::SpaceAfterFrame);
        let borne = self.bears(Leniency::JunkBeforeStartBlock)
            || is_space(byte) && space
            || broken!(JunkSkipped);
        if !borne || self.space.saturating_add(self.junk) >= SPACE_BYTES_MAX {
            return Err(Desync::BytesBeforeStartBlock.into());
        }
        if is_space(byte) {
            self.space = self.space.saturating_add(1);
        } else {
            self.junk = self.junk.saturating_add(1);
        }
        Ok(Step::Past(1))
    }

    fn keep(&mut self, content: &[u8]) -> Result<Step, Cause> {
        let size = self.content.len().saturating_add(content.len());
        if size as u64 > self.limit && !broken!(LimitForgotten) {
            return Err(Cause::MessageTooLarge(OverLimit {
                limit: self.limit,
                // Not `size`: that would depend on how the bytes were split.
                size: self.limit.saturating_add(1),
            }));
        }
        append(&mut self.content, content)?;
        Ok(Step::Past(content.len()))
    }

    fn take(&mut self) -> Incoming {
        self.any_frame = true;
        Incoming {
            content: mem::take(&mut self.content),
            warnings: mem::take(&mut self.warnings),
        }
    }

    const fn after_frame(&self) -> State {
        if self.doubled {
            State::SecondEnd
        } else {
            State::Outside
        }
    }

    fn may_be_doubled(&self) -> bool {
        self.bears(Leniency::DoubledEnvelope) && !self.doubled && self.content.is_empty()
    }

    const fn bears(&self, leniency: Leniency) -> bool {
        self.leniencies.contains(leniency)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoder({} bytes)", self.content.len())
    }
}

impl State {
    const fn is_after_frame(self) -> bool {
        matches!(
            self,
            Self::LateTrailer | Self::SecondEnd | Self::SecondTrailer
        )
    }
}

impl Front {
    fn of(block: &[u8], bytes: &[u8]) -> Self {
        if bytes.starts_with(block) {
            Self::Whole(block.len())
        } else if block.starts_with(bytes) {
            Self::Begun
        } else {
            Self::Other
        }
    }

    /// The same of MSH and its first separator.
    fn of_header(bytes: &[u8]) -> Self {
        const NAME: &[u8] = b"MSH";
        match bytes.strip_prefix(NAME).map(<[u8]>::first) {
            Some(Some(separator)) if separator.is_ascii_punctuation() => {
                Self::Whole(NAME.len().saturating_add(1))
            }
            Some(None) => Self::Begun,
            None if NAME.starts_with(bytes) => Self::Begun,
            _ => Self::Other,
        }
    }
}

/// What receivers put between frames without meaning anything by it.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::{Decoder, Outgoing};
    use crate::error::{Cause, Desync, OverLimit};
    use crate::limits::{BLOCK_BYTES_MAX, SPACE_BYTES_MAX, WRITE_BYTES_MAX};
    use crate::proto::expect::Expectation;
    use crate::proto::framing::Framing;
    use crate::proto::leniency::Leniency::{
        DoubledEnvelope, JunkBeforeStartBlock, MissingCarriageReturn, MissingStartBlock,
        SpaceAfterFrame, SpaceBeforeStartBlock,
    };
    use crate::proto::leniency::{Leniencies, Leniency};
    use crate::proto::payload::Payload;
    use crate::proto::terms::{Correlation, Terms};
    use crate::proto::warning::Warning;

    const LIMIT: u64 = 100;

    /// Those that the decoder knows.
    const LENIENCIES: [Leniency; 6] = [
        SpaceBeforeStartBlock,
        SpaceAfterFrame,
        JunkBeforeStartBlock,
        MissingStartBlock,
        MissingCarriageReturn,
        DoubledEnvelope,
    ];

    /// What a connection's bytes came to: the frames with their warnings, and at
    /// the end the white space skipped since, and whether a frame has begun; or the
    /// error.
    type Answer = (Vec<(Vec<u8>, Vec<Warning>)>, Result<(u32, bool), Cause>);

    fn only(allowed: &[Leniency]) -> Leniencies {
        let mut leniencies = Leniencies::none();
        for leniency in allowed {
            leniencies.allow(*leniency);
        }
        leniencies
    }

    fn framing(start: &[u8], end: &[u8], trailer: &[u8]) -> Framing {
        let framing = Framing {
            start: start.to_vec(),
            end: end.to_vec(),
            trailer: trailer.to_vec(),
        };
        assert_eq!(framing.check(), Ok(()));
        framing
    }

    fn mllp(leniencies: Leniencies) -> Decoder {
        Decoder::new(Framing::default(), leniencies, LIMIT)
    }

    /// Everything in `parts`, each as a read of its own.
    fn decode_in<'a>(mut decoder: Decoder, parts: impl IntoIterator<Item = &'a [u8]>) -> Answer {
        let mut frames = Vec::new();
        for part in parts {
            let mut rest = part;
            loop {
                let (used, frame) = match decoder.decode(rest) {
                    Ok(decoded) => decoded,
                    Err(cause) => return (frames, Err(cause)),
                };
                rest = &rest[used..];
                match frame {
                    Some(frame) => frames.push((frame.content, frame.warnings)),
                    None => break assert!(rest.is_empty()),
                }
            }
        }
        let inside = decoder.is_inside_frame();
        (frames, Ok((decoder.take_space(), inside)))
    }

    /// What is the same in every split: a trailer counts as missing where it comes
    /// in another read than the end block.
    fn settled(mut answer: Answer) -> Answer {
        for (_, warnings) in &mut answer.0 {
            warnings.retain(|warning| *warning != Warning::MissingCarriageReturn);
        }
        answer
    }

    /// What comes of `bytes` in one read, after it was seen to be the same in any
    /// two and three, and byte by byte.
    fn decode_by(decoder: impl Fn() -> Decoder, bytes: &[u8]) -> Answer {
        let whole = decode_in(decoder(), [bytes]);
        let same = settled(whole.clone());
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let parts = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let split = decode_in(decoder(), parts);
                assert_eq!(settled(split), same, "split at {first} and {second}");
            }
        }
        let single = decode_in(decoder(), bytes.chunks(1));
        assert_eq!(settled(single), same, "byte by byte");
        whole
    }

    fn decode(leniencies: Leniencies, bytes: &[u8]) -> Answer {
        decode_by(|| mllp(leniencies), bytes)
    }

    /// Whole frames of these contents and warnings, and nothing after them.
    fn frames<const N: usize>(frames: [(&[u8], &[Warning]); N]) -> Answer {
        let frames = frames.map(|(content, warnings)| (content.to_vec(), warnings.to_vec()));
        (frames.to_vec(), Ok((0, false)))
    }

    fn nothing_yet(inside: bool) -> Answer {
        (vec![], Ok((0, inside)))
    }

    fn error(desync: Desync) -> Answer {
        (vec![], Err(desync.into()))
    }

    /// Pseudo-random numbers (Marsaglia's xorshift), the same in every run.
    struct Random(u32);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            self.0 as usize % bound
        }

        fn leniencies(&mut self) -> Leniencies {
            let mut leniencies = only(&LENIENCIES);
            for leniency in LENIENCIES {
                if self.below(2) == 0 {
                    leniencies.forbid(leniency);
                }
            }
            leniencies
        }
    }

    /// MLLP's, and some whose blocks look like each other, like white space, like
    /// the trailer, or like MSH.
    fn framings() -> [Framing; 7] {
        [
            Framing::default(),
            framing(b"\x0B", b"\x1C\r", b""),
            framing(b"\x02", b"\x1C\x1C", b"\x1C\x1C\r"),
            framing(b"\r\x0B", b"\r\r", b"\r"),
            framing(b"aab", b"aba", b"ab"),
            framing(b"MSH#", b"MSHM", b"MS"),
            framing(b"\x0B\x0B", b"|\x0B|", b"\x0B\x0B"),
        ]
    }

    /// Every sequence of up to four pieces of frames, and of what is not in frames.
    fn every_sequence(mut look: impl FnMut(&Framing, &[u8])) {
        for framing in framings() {
            let pieces: [&[u8]; 10] = [
                b"",
                &framing.start,
                &framing.end,
                &framing.trailer,
                &framing.start[..1],
                &framing.end[..1],
                b"MSH|",
                b"M",
                b"\n",
                b"x",
            ];
            let mut bytes = Vec::new();
            for number in 0..10_000 {
                bytes.clear();
                for place in [1000, 100, 10, 1] {
                    bytes.extend_from_slice(pieces[number / place % 10]);
                }
                look(&framing, &bytes);
            }
        }
    }

    // Out.

    fn whole(mut frame: Outgoing, framing: &Framing) -> Vec<u8> {
        let mut whole = Vec::new();
        while whole.len() < frame.size() {
            let part = frame.part(framing, whole.len(), usize::MAX);
            whole.extend_from_slice(part);
        }
        whole
    }

    #[test]
    fn a_frame_is_start_block_content_end_block_carriage_return() {
        let message = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5\r";
        let terms = Terms::default();
        let payload = Payload::parse(message.to_vec(), 100, &terms).unwrap();
        let frame = Outgoing::encode(payload, &terms.framing).unwrap();
        assert_eq!(frame.control_id, b"1");
        assert_eq!(frame.expectation, Expectation::ORIGINAL);
        assert_eq!(frame.trailer, 1);
        let expected = [b"\x0B", &message[..], b"\x1C\r"].concat();
        assert_eq!(whole(frame, &terms.framing), expected);
    }

    #[test]
    fn a_frame_may_have_other_blocks() {
        let message = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5\r";
        let terms = Terms {
            framing: framing(b"<<", b">", b""),
            ..Terms::default()
        };
        let payload = Payload::parse(message.to_vec(), 100, &terms).unwrap();
        let frame = Outgoing::encode(payload, &terms.framing).unwrap();
        assert_eq!(frame.trailer, 0);
        let expected = [b"<<", &message[..], b">"].concat();
        assert_eq!(whole(frame, &terms.framing), expected);
    }

    #[test]
    fn any_part_of_a_frame_is_the_same_bytes_whichever_was_asked_for_before() {
        let mut random = Random(7);
        for framing in [framing(b"\x0B", b"\x1C", b"\r"), framing(b"<<<", b">", b"")] {
            for size in [
                1,
                100,
                WRITE_BYTES_MAX - 3,
                WRITE_BYTES_MAX,
                3 * WRITE_BYTES_MAX,
            ] {
                let content: Vec<u8> = (0..size).map(|place| place.to_le_bytes()[0]).collect();
                let expected = framing.around(&content);
                let id = Vec::new();
                let frame = Outgoing::around(content, id, Expectation::ORIGINAL, &framing);
                let mut frame = frame.unwrap();
                assert_eq!(frame.size(), expected.len());
                let ends = [0, 1, 2, 3, 4, size, expected.len() - 1, expected.len()];
                let anywhere = (0..200).map(|_| random.below(expected.len()));
                let offsets: Vec<_> = ends.into_iter().chain(anywhere).collect();
                for offset in offsets {
                    let most = [1, 3, 5_000, WRITE_BYTES_MAX, usize::MAX][random.below(5)];
                    let part = frame.part(&framing, offset, most);
                    let left = expected.len() - offset;
                    assert_eq!(part.len(), left.min(most).min(WRITE_BYTES_MAX));
                    assert!(expected[offset..].starts_with(part), "{size} {offset}");
                }
                assert_eq!(whole(frame, &framing), expected);
            }
        }
    }

    // In, by the rules.

    #[test]
    fn a_frame_comes_back_whole_in_every_split() {
        let none = Leniencies::none();
        assert_eq!(
            decode(none, b"\x0BMSH|\r\x1C\r"),
            frames([(b"MSH|\r", &[])])
        );
        assert_eq!(decode(none, b"\x0B\x1C\r"), frames([(b"", &[])]));
    }

    #[test]
    fn frames_may_follow_one_another() {
        assert_eq!(
            decode(Leniencies::none(), b"\x0Bx\x1C\r\x0By\x1C\r"),
            frames([(b"x", &[]), (b"y", &[])])
        );
    }

    #[test]
    fn what_follows_a_frame_is_left_to_the_caller() {
        let mut decoder = mllp(only(&LENIENCIES));
        let (used, frame) = decoder.decode(b"\x0Bx\x1C\r\n\x0By").unwrap();
        assert_eq!((used, frame.unwrap().content), (4, b"x".to_vec()));
        assert_eq!(decoder.take_space(), 0);
    }

    #[test]
    fn bytes_before_a_frame_are_an_error_at_once() {
        for bytes in [&b"HTTP/1.1 400"[..], b"\x1C\r", b"MSH|", b"\0\x0B"] {
            assert_eq!(
                decode(Leniencies::default(), bytes),
                error(Desync::BytesBeforeStartBlock)
            );
        }
    }

    #[test]
    fn a_start_block_inside_a_frame_is_an_error() {
        for bytes in [&b"\x0Bab\x0Bc\x1C\r"[..], b"\x0B\x0Bc\x1C\r"] {
            assert_eq!(
                decode(Leniencies::default(), bytes),
                error(Desync::StartBlockInFrame)
            );
        }
    }

    #[test]
    fn an_end_block_wants_its_carriage_return() {
        let default = Leniencies::default();
        assert_eq!(
            decode(default, b"\x0Bab\x1C\n"),
            error(Desync::MissingCarriageReturn)
        );
        assert_eq!(decode(default, b"\x0Bab\x1C"), nothing_yet(true));
    }

    #[test]
    fn content_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        for framing in framings() {
            let bytes = framing.around(b"12345");
            let decoder = |limit| Decoder::new(framing.clone(), Leniencies::none(), limit);
            assert_eq!(decode_by(|| decoder(5), &bytes), frames([(b"12345", &[])]));
            let over = Cause::MessageTooLarge(OverLimit { limit: 4, size: 5 });
            assert_eq!(decode_by(|| decoder(4), &bytes), (vec![], Err(over)));
        }
    }

    #[test]
    fn a_frame_has_begun_with_the_first_byte_of_its_start_block() {
        let mut decoder = Decoder::new(framing(b"<<", b">", b"!!"), Leniencies::none(), LIMIT);
        for (bytes, inside) in [
            (&b""[..], false),
            (b"<", true),
            (b"<", true),
            (b">", true),
            (b"!", true),
            (b"!", false),
        ] {
            decoder.decode(bytes).unwrap();
            assert_eq!(decoder.is_inside_frame(), inside);
        }
    }

    // In, with leniencies.

    #[test]
    fn white_space_before_a_start_block_is_borne_and_counted() {
        let bytes = b"\r\n \t\x0Bx\x1C\r";
        assert_eq!(
            decode(only(&[SpaceBeforeStartBlock]), bytes),
            frames([(b"x", &[Warning::SpaceBeforeStartBlock(4)])])
        );
        // Before the first frame it follows none.
        assert_eq!(
            decode(only(&[SpaceAfterFrame]), bytes),
            error(Desync::BytesBeforeStartBlock)
        );
    }

    #[test]
    fn white_space_between_two_frames_is_borne_if_either_is_and_told_as_that() {
        let bytes = b"\x0Bx\x1C\r\n\x0By\x1C\r";
        for (leniency, warning) in [
            (SpaceBeforeStartBlock, Warning::SpaceBeforeStartBlock(1)),
            (SpaceAfterFrame, Warning::SpaceAfterFrame(1)),
        ] {
            assert_eq!(
                decode(only(&[leniency]), bytes),
                frames([(b"x", &[]), (b"y", &[warning])])
            );
        }
        let (frames, end) = decode(Leniencies::none(), bytes);
        assert_eq!(frames.len(), 1);
        assert_eq!(end, Err(Desync::BytesBeforeStartBlock.into()));
    }

    #[test]
    fn white_space_is_told_once_by_the_next_frame_or_to_who_asks_before() {
        let mut decoder = mllp(Leniencies::default());
        decoder.decode(b"\x0Bx\x1C\r").unwrap();
        decoder.decode(b"\n").unwrap();
        decoder.decode(b"\r ").unwrap();
        assert_eq!((decoder.take_space(), decoder.take_space()), (3, 0));
        decoder.decode(b"\n\x0B").unwrap();
        assert_eq!(decoder.take_space(), 0);
        let (_, frame) = decoder.decode(b"y\x1C\r").unwrap();
        assert_eq!(frame.unwrap().warnings, [Warning::SpaceBeforeStartBlock(1)]);
    }

    #[test]
    fn endless_white_space_and_endless_junk_are_no_frame() {
        let most = SPACE_BYTES_MAX as usize;
        for (leniencies, byte) in [
            (Leniencies::default(), b' '),
            (only(&[JunkBeforeStartBlock]), b'x'),
        ] {
            let mut decoder = mllp(leniencies);
            decoder.decode(&vec![byte; most]).unwrap();
            assert_eq!(
                decoder.decode(b"\n").unwrap_err(),
                Desync::BytesBeforeStartBlock.into()
            );
        }
    }

    #[test]
    fn each_frame_may_have_as_much_white_space_before_it() {
        let mut decoder = mllp(Leniencies::default());
        let space = [b' '; SPACE_BYTES_MAX as usize];
        for _ in 0..3 {
            decoder.decode(&space).unwrap();
            assert!(decoder.decode(b"\x0Bx\x1C\r").unwrap().1.is_some());
        }
    }

    #[test]
    fn junk_before_a_start_block_can_be_borne() {
        let junk = only(&[JunkBeforeStartBlock]);
        for bytes in [
            &b"OK\n\x0Bx\x1C\r"[..],
            b"MSH\x0Bx\x1C\r",
            b"\x1C\r\n\x0Bx\x1C\r",
        ] {
            assert_eq!(
                decode(junk, bytes),
                frames([(b"x", &[Warning::JunkBeforeStartBlock(3)])])
            );
        }
        assert_eq!(
            decode(junk, b"\n\x0Bx\x1C\r"),
            frames([(b"x", &[Warning::SpaceBeforeStartBlock(1)])])
        );
    }

    #[test]
    fn of_skipped_junk_the_white_space_alone_is_told_to_who_asks() {
        let mut decoder = mllp(only(&[JunkBeforeStartBlock]));
        decoder.decode(b"\nOK\n").unwrap();
        assert_eq!(decoder.take_space(), 2);
        assert!(!decoder.is_inside_frame());
        let (_, frame) = decoder.decode(b" \x0Bx\x1C\r").unwrap();
        assert_eq!(frame.unwrap().warnings, [Warning::JunkBeforeStartBlock(3)]);
    }

    #[test]
    fn a_start_block_can_be_missing_before_a_header() {
        let missing = [MissingStartBlock, SpaceBeforeStartBlock];
        assert_eq!(
            decode(only(&missing), b"MSH|x\x1C\r\nMSH#y\x1C\r\x0BMSH|\x1C\r"),
            frames([
                (b"MSH|x", &[Warning::MissingStartBlock]),
                (
                    b"MSH#y",
                    &[
                        Warning::SpaceBeforeStartBlock(1),
                        Warning::MissingStartBlock
                    ]
                ),
                (b"MSH|", &[]),
            ])
        );
        assert_eq!(decode(only(&missing), b"MSH|"), nothing_yet(true));
        assert_eq!(decode(only(&missing), b"MSH"), nothing_yet(true));
        for bytes in [&b"MSA|"[..], b"MSHA|", b"MSH\r", b"MS\x0B", b"MMSH|"] {
            assert_eq!(
                decode(only(&missing), bytes),
                error(Desync::BytesBeforeStartBlock)
            );
        }
    }

    #[test]
    fn a_header_in_junk_begins_a_frame_where_both_are_borne() {
        assert_eq!(
            decode(
                only(&[MissingStartBlock, JunkBeforeStartBlock]),
                b"MMSHMSMSH|x\x1C\r"
            ),
            frames([(
                b"MSH|x",
                &[Warning::JunkBeforeStartBlock(6), Warning::MissingStartBlock]
            )])
        );
    }

    #[test]
    fn a_carriage_return_can_be_missing() {
        let missing = only(&[MissingCarriageReturn]);
        let warning = &[Warning::MissingCarriageReturn][..];
        assert_eq!(decode(missing, b"\x0Bx\x1C"), frames([(b"x", warning)]));
        assert_eq!(
            decode(missing, b"\x0Bx\x1C\x0By\x1C\r\x0Bz\x1C"),
            frames([(b"x", warning), (b"y", &[]), (b"z", warning)])
        );
    }

    #[test]
    fn a_late_carriage_return_belongs_to_its_frame_and_is_no_white_space() {
        let mut decoder = mllp(only(&[MissingCarriageReturn]));
        for _ in 0..2 {
            let (_, frame) = decoder.decode(b"\x0Bx\x1C").unwrap();
            assert_eq!(frame.unwrap().warnings, [Warning::MissingCarriageReturn]);
            assert!(!decoder.is_inside_frame());
            assert_eq!(decoder.decode(b"\r").unwrap().0, 1);
            assert_eq!(decoder.take_space(), 0);
        }
    }

    #[test]
    fn a_late_carriage_return_has_to_come_next() {
        let mut decoder = mllp(only(&[MissingCarriageReturn, SpaceAfterFrame]));
        decoder.decode(b"\x0Bx\x1C").unwrap();
        decoder.decode(b"\n\r").unwrap();
        assert_eq!(decoder.take_space(), 2);
    }

    #[test]
    fn half_a_late_trailer_is_what_else_it_may_be() {
        let framing = framing(b"<", b">", b"\r\n");
        let leniencies = only(&[MissingCarriageReturn, SpaceAfterFrame]);
        assert_eq!(
            decode_by(
                || Decoder::new(framing.clone(), leniencies, LIMIT),
                b"<x>\r<y>\r\n"
            ),
            frames([
                (b"x", &[Warning::MissingCarriageReturn]),
                (b"y", &[Warning::SpaceAfterFrame(1)])
            ])
        );
    }

    #[test]
    fn an_empty_trailer_is_never_missing() {
        let framing = framing(b"\x0B", b"\x1C\r", b"");
        for leniencies in [only(&[]), only(&LENIENCIES)] {
            assert_eq!(
                decode_by(
                    || Decoder::new(framing.clone(), leniencies, LIMIT),
                    b"\x0Bx\x1C\x1C\r\x0B\x1C\x1Cy\x1C\r"
                ),
                frames([(b"x\x1C", &[]), (b"\x1C\x1Cy", &[])])
            );
        }
    }

    #[test]
    fn an_envelope_can_be_doubled() {
        let doubled = only(&[DoubledEnvelope]);
        let warning = &[Warning::DoubledEnvelope][..];
        assert_eq!(
            decode(
                doubled,
                b"\x0B\x0Bx\x1C\r\x1C\r\x0By\x1C\r\x0B\x0B\x1C\r\x1C\r"
            ),
            frames([(b"x", warning), (b"y", &[]), (b"", warning)])
        );
        for bytes in [&b"\x0B\x0B\x0Bx"[..], b"\x0B\x0Bx\x0B", b"\x0Bx\x0B"] {
            assert_eq!(decode(doubled, bytes), error(Desync::StartBlockInFrame));
        }
    }

    #[test]
    fn the_second_end_of_a_doubled_envelope_is_taken_with_the_frame_or_passed_over_later() {
        let bytes = b"\x0B\x0Bx\x1C\r\x1C\r";
        for split in 5..=bytes.len() {
            let mut decoder = mllp(only(&[DoubledEnvelope]));
            let (used, frame) = decoder.decode(&bytes[..split]).unwrap();
            assert_eq!((used, frame.unwrap().content), (split, b"x".to_vec()));
            assert!(!decoder.is_inside_frame());
            assert_eq!(
                decoder.decode(&bytes[split..]).unwrap().0,
                bytes.len() - split
            );
            assert_eq!(decoder.take_space(), 0);
            assert!(decoder.decode(b"\x1C").is_err());
        }
    }

    #[test]
    fn the_second_end_of_a_doubled_envelope_need_not_come_but_has_to_come_next() {
        let leniencies = only(&[DoubledEnvelope, SpaceAfterFrame]);
        let doubled = (b"x".to_vec(), vec![Warning::DoubledEnvelope]);
        assert_eq!(
            decode(leniencies, b"\x0B\x0Bx\x1C\r\x0By\x1C\r"),
            frames([(&doubled.0, &doubled.1), (b"y", &[])])
        );
        assert_eq!(
            decode(leniencies, b"\x0B\x0Bx\x1C\r\n\x1C\r"),
            (vec![doubled], Err(Desync::BytesBeforeStartBlock.into()))
        );
        let mut decoder = mllp(leniencies);
        decoder.decode(b"\x0B\x0Bx\x1C\r").unwrap();
        decoder.decode(b"\r").unwrap();
        assert_eq!(decoder.take_space(), 1);
    }

    #[test]
    fn a_doubled_envelope_can_miss_either_carriage_return() {
        let both = only(&[DoubledEnvelope, MissingCarriageReturn]);
        let warned = &[Warning::DoubledEnvelope, Warning::MissingCarriageReturn][..];
        for (bytes, warnings) in [
            (&b"\x0B\x0Bx\x1C\r\x1C\r"[..], &warned[..1]),
            (b"\x0B\x0Bx\x1C\r\x1C", &warned[..1]),
            (b"\x0B\x0Bx\x1C\x1C\r", warned),
            (b"\x0B\x0Bx\x1C\x1C", warned),
            (b"\x0B\x0Bx\x1C", warned),
        ] {
            let twice = [bytes, b"\x0By\x1C\r"].concat();
            assert_eq!(
                decode(both, &twice),
                frames([(b"x", warnings), (b"y", &[])])
            );
        }
    }

    #[test]
    fn all_leniencies_can_be_used_at_once() {
        assert_eq!(
            decode(only(&LENIENCIES), b"OK \x0B\x0Bx\x1C\x1C\rMSH|\x1C"),
            frames([
                (
                    b"x",
                    &[
                        Warning::JunkBeforeStartBlock(3),
                        Warning::DoubledEnvelope,
                        Warning::MissingCarriageReturn
                    ]
                ),
                (
                    b"MSH|",
                    &[Warning::MissingStartBlock, Warning::MissingCarriageReturn]
                )
            ])
        );
    }

    // In, with blocks of one's own.

    #[test]
    fn blocks_may_have_several_bytes_and_half_a_block_is_content() {
        let framing = framing(b"<<", b"1C\x1C\r", b"!?");
        assert_eq!(
            decode_by(
                || Decoder::new(framing.clone(), Leniencies::none(), LIMIT),
                b"<<a<1C\x1C1C1C\x1C\r!?<<1\x1C1C\x1C\r!?"
            ),
            frames([(b"a<1C\x1C1C", &[]), (b"1\x1C", &[])])
        );
    }

    #[test]
    fn blocks_may_be_as_long_as_they_are_allowed_to_be() {
        let framing = framing(
            &[b'<'; BLOCK_BYTES_MAX],
            &[b'>'; BLOCK_BYTES_MAX],
            &[b'!'; BLOCK_BYTES_MAX],
        );
        let half = [b'>'; BLOCK_BYTES_MAX - 1];
        let content = [&half[..], b"x", &half, b"y"].concat();
        assert_eq!(
            decode_by(
                || Decoder::new(framing.clone(), Leniencies::none(), LIMIT),
                &framing.around(&content)
            ),
            frames([(&content, &[])])
        );
    }

    #[test]
    fn a_start_block_may_begin_with_white_space() {
        let framing = framing(b"\r\x0B", b"\x1C", b"\r");
        assert_eq!(
            decode_by(
                || Decoder::new(framing.clone(), Leniencies::default(), LIMIT),
                b"\r\r\x0Bx\x1C\r\r\x0By\x1C\r"
            ),
            frames([(b"x", &[Warning::SpaceBeforeStartBlock(1)]), (b"y", &[])])
        );
        let mut decoder = Decoder::new(framing, Leniencies::default(), LIMIT);
        decoder.decode(b"\r").unwrap();
        assert!(!decoder.is_inside_frame());
    }

    // In every case.

    /// Four terabytes, if each piece had what came before it scanned anew.
    #[test]
    fn a_long_reply_in_small_pieces_is_scanned_once() {
        const SIZE: usize = 8_000_000;
        let mut decoder = Decoder::new(Framing::default(), only(&LENIENCIES), SIZE as u64);
        decoder.decode(b"\x0B").unwrap();
        for _ in 0..SIZE / 8 {
            decoder.decode(b"OBX|1|TX").unwrap();
        }
        let (_, frame) = decoder.decode(b"\x1C\r").unwrap();
        assert_eq!(frame.unwrap().content.len(), SIZE);
    }

    #[test]
    fn a_reply_of_half_blocks_is_scanned_once() {
        const SIZE: usize = 100_000;
        let end = [&[b'x'; BLOCK_BYTES_MAX - 1][..], b">"].concat();
        let framing = framing(b"<", &end, b"");
        let bytes = framing.around(&vec![b'x'; SIZE]);
        let decoder = || Decoder::new(framing.clone(), Leniencies::none(), SIZE as u64);
        for read in [1, 7, bytes.len()] {
            let (frames, _) = decode_in(decoder(), bytes.chunks(read));
            assert_eq!(frames[0].0.len(), SIZE);
        }
    }

    #[test]
    fn a_message_that_passes_the_guard_comes_back_as_it_was_under_any_leniencies() {
        let mut random = Random(0x2026_1123);
        for framing in framings() {
            let Framing {
                start,
                end,
                trailer,
            } = &framing;
            let mut letters = [start, end, trailer].map(Clone::clone).concat();
            letters.extend_from_slice(b"MSH|\rx");
            letters.sort_unstable();
            letters.dedup();
            let terms = Terms {
                framing: framing.clone(),
                correlation: Correlation::Off,
                ..Terms::default()
            };
            let mut passed = 0;
            for _ in 0..1_000 {
                let mut message = b"MSH|~".to_vec();
                for _ in 0..random.below(9) {
                    message.push(letters[random.below(letters.len())]);
                }
                let Ok(payload) = Payload::parse(message.clone(), LIMIT, &terms) else {
                    continue;
                };
                passed += 1;
                let frame = whole(Outgoing::encode(payload, &framing).unwrap(), &framing);
                let twice = [&frame[..], &frame].concat();
                let expected = frames([(&message, &[]), (&message, &[])]);
                let split = random.below(twice.len());
                for leniencies in [only(&[]), only(&LENIENCIES), random.leniencies()] {
                    let decoder = || Decoder::new(framing.clone(), leniencies, LIMIT);
                    assert_eq!(decode_in(decoder(), [&twice[..]]), expected);
                    for parts in [
                        vec![&twice[..split], &twice[split..]],
                        twice.chunks(1).collect(),
                    ] {
                        let split = decode_in(decoder(), parts.iter().copied());
                        assert_eq!(
                            settled(split),
                            expected,
                            "{framing:?} {leniencies:?} {parts:?}"
                        );
                    }
                }
            }
            assert!(passed > 50, "{passed} messages in {framing:?}");
        }
    }

    #[test]
    fn any_bytes_mean_the_same_in_any_split() {
        let mut random = Random(0x0B1C_0D0A);
        every_sequence(|framing, bytes| {
            let limit = random.below(7) as u64;
            let split = random.below(bytes.len() + 1);
            for leniencies in [only(&[]), only(&LENIENCIES), random.leniencies()] {
                let decoder = || Decoder::new(framing.clone(), leniencies, limit);
                let whole = settled(decode_in(decoder(), [bytes]));
                let halves = decode_in(decoder(), [&bytes[..split], &bytes[split..]]);
                assert_eq!(
                    settled(halves),
                    whole,
                    "{framing:?} {leniencies:?} {bytes:?} at {split}"
                );
                let single = decode_in(decoder(), bytes.chunks(1));
                assert_eq!(
                    settled(single),
                    whole,
                    "{framing:?} {leniencies:?} {bytes:?} byte by byte"
                );
            }
        });
    }

    #[test]
    fn what_the_rules_allow_means_the_same_under_any_leniencies() {
        let mut random = Random(0x1C0B_0A0D);
        every_sequence(|framing, bytes| {
            let decode = |leniencies| {
                let decoder = Decoder::new(framing.clone(), leniencies, LIMIT);
                decode_in(decoder, [bytes])
            };
            let strict = decode(Leniencies::none());
            if strict.1 == Ok((0, false)) {
                for leniencies in [only(&LENIENCIES), random.leniencies()] {
                    assert_eq!(
                        decode(leniencies),
                        strict,
                        "{framing:?} {leniencies:?} {bytes:?}"
                    );
                }
            }
        });
    }

    #[test]
    fn debug_prints_tell_lengths_alone() {
        let mut decoder = mllp(Leniencies::none());
        decoder.decode(b"\x0Bxyz").unwrap();
        assert_eq!(format!("{decoder:?}"), "Decoder(3 bytes)");
        let (_, frame) = decoder.decode(b"\x1C\r").unwrap();
        assert_eq!(format!("{:?}", frame.unwrap()), "Incoming(3 bytes)");
    }
}
