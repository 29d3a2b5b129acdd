//! What is put right in a message before it is sent, only where the caller asked
//! for it by name. Each repair comes back as a warning.

use alloc::vec::Vec;
use core::iter;

use super::frame::{CARRIAGE_RETURN, is_space};
use super::framing::Framing;
use super::scan;
use crate::memory::reserve_exact;

/// A thing that can be put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// A byte order mark of UTF-8 before the message, or before the message in its
    /// envelope, is taken away.
    ByteOrderMark,
    /// An envelope that is there already is taken away, with white space around
    /// it: a start block at the beginning and an end block at the end, with or
    /// without the trailer.
    Envelope,
    /// Line feeds, with or without carriage returns before them, become carriage
    /// returns.
    LineFeeds,
    /// The last segment gets its carriage return.
    FinalCarriageReturn,
}

impl Repair {
    /// All of them, in the order in which they are done.
    pub const ALL: [Self; 4] = [
        Self::ByteOrderMark,
        Self::Envelope,
        Self::LineFeeds,
        Self::FinalCarriageReturn,
    ];

    /// The word for it, as the WIT names the case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ByteOrderMark => "byte-order-mark",
            Self::Envelope => "envelope",
            Self::LineFeeds => "line-feeds",
            Self::FinalCarriageReturn => "final-carriage-return",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Which repairs are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs(u8);

impl Repairs {
    /// Asks for `repair`.
    pub const fn add(&mut self, repair: Repair) {
        self.0 |= repair.bit();
    }

    /// Whether `repair` is asked for.
    #[must_use]
    pub const fn contains(self, repair: Repair) -> bool {
        self.0 & repair.bit() != 0
    }

    /// Does what is asked for, where there is something to do, in the memory of
    /// `message`. Returns what was done, in the order of [`Repair::ALL`].
    #[must_use]
    pub fn mend(self, message: &mut Vec<u8>, framing: &Framing) -> Vec<Repair> {
        Repair::ALL
            .into_iter()
            .zip(self.mended(message, framing))
            .filter_map(|(repair, done)| done.then_some(repair))
            .collect()
    }

    fn mended(self, message: &mut Vec<u8>, framing: &Framing) -> [bool; 4] {
        let asked = |repair| self.contains(repair);
        let mut mark = asked(Repair::ByteOrderMark) && take_mark(message);
        let envelope = asked(Repair::Envelope) && take_envelope(message, framing);
        mark |= envelope && asked(Repair::ByteOrderMark) && take_mark(message);
        let line_feeds = asked(Repair::LineFeeds) && turn_line_feeds(message);
        let end = asked(Repair::FinalCarriageReturn) && end_segment(message, framing);
        [mark, envelope, line_feeds, end]
    }
}

fn take_mark(message: &mut Vec<u8>) -> bool {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    let found = message.starts_with(MARK);
    if found {
        message.drain(..MARK.len());
    }
    found
}

fn take_envelope(message: &mut Vec<u8>, framing: &Framing) -> bool {
    match content(message, framing) {
        None => false,
        Some((before, size)) => {
            message.truncate(before.saturating_add(size));
            message.drain(..before.min(message.len()));
            true
        }
    }
}

/// What stands before the content of `message`, and the content's size, if it is in
/// an envelope.
fn content(message: &[u8], framing: &Framing) -> Option<(usize, usize)> {
    let Framing {
        start,
        end,
        trailer,
    } = framing;
    let opened = shorter(message, <[u8]>::split_first)
        .find_map(|inner| inner.strip_prefix(start.as_slice()))?;
    let tails = || shorter(opened, <[u8]>::split_last);
    // The trailer first: an end block may be found in it.
    let content = tails()
        .find_map(|tail| {
            tail.strip_suffix(trailer.as_slice())?
                .strip_suffix(end.as_slice())
        })
        .or_else(|| tails().find_map(|tail| tail.strip_suffix(end.as_slice())))?;
    Some((message.len().saturating_sub(opened.len()), content.len()))
}

/// Takes a byte from either end.
type Cut = for<'a> fn(&'a [u8]) -> Option<(&'a u8, &'a [u8])>;

/// `bytes`, and what is left of them with more and more white space cut off.
fn shorter(bytes: &[u8], cut: Cut) -> impl Iterator<Item = &[u8]> {
    iter::successors(Some(bytes), move |bytes| {
        let (byte, rest) = cut(bytes)?;
        is_space(*byte).then_some(rest)
    })
}

fn turn_line_feeds(message: &mut Vec<u8>) -> bool {
    let found = scan::places([b'\n'], message).next().is_some();
    if found {
        let mut last = None;
        message.retain_mut(|byte| {
            let superfluous = *byte == b'\n' && last == Some(CARRIAGE_RETURN);
            last = Some(*byte);
            if *byte == b'\n' {
                *byte = CARRIAGE_RETURN;
            }
            !superfluous
        });
    }
    found
}

fn end_segment(message: &mut Vec<u8>, framing: &Framing) -> bool {
    let missing = message.last().is_some_and(|last| *last != CARRIAGE_RETURN);
    // Room for the frame too, so that the message moves once at most. A host that
    // refuses this refuses the frame as well: nothing is sent unmended.
    let room = framing.size().saturating_add(1);
    let mended = missing && reserve_exact(message, room).is_ok();
    if mended {
        message.push(CARRIAGE_RETURN);
    }
    mended
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::{Repair, Repairs};
    use crate::proto::framing::Framing;

    fn asked(repairs: &[Repair]) -> Repairs {
        let mut asked = Repairs::default();
        for repair in repairs {
            asked.add(*repair);
        }
        asked
    }

    fn mend_in(framing: &Framing, repairs: &[Repair], message: &[u8]) -> (Vec<u8>, Vec<Repair>) {
        let mut message = message.to_vec();
        let done = asked(repairs).mend(&mut message, framing);
        (message, done)
    }

    fn mend(repairs: &[Repair], message: &[u8]) -> (Vec<u8>, Vec<Repair>) {
        mend_in(&Framing::default(), repairs, message)
    }

    fn becomes(message: &[u8], repair: Repair) -> (Vec<u8>, Vec<Repair>) {
        (message.to_vec(), vec![repair])
    }

    fn stays(message: &[u8]) -> (Vec<u8>, Vec<Repair>) {
        (message.to_vec(), vec![])
    }

    #[test]
    fn nothing_is_done_that_was_not_asked_for() {
        let message = b"\xEF\xBB\xBF\x0BMSH|\n\x1C\r";
        assert_eq!(mend(&[], message), stays(message));
        for repair in Repair::ALL {
            let rest: Vec<_> = Repair::ALL.into_iter().filter(|r| *r != repair).collect();
            assert!(!mend(&rest, message).1.contains(&repair));
        }
    }

    #[test]
    fn nothing_is_done_to_a_message_that_is_right_or_not_there() {
        for message in [&b"MSH|^~\\&|\rPID|\r"[..], b""] {
            assert_eq!(mend(&Repair::ALL, message), stays(message));
        }
    }

    #[test]
    fn a_byte_order_mark_is_taken_from_the_beginning_alone() {
        let repair = [Repair::ByteOrderMark];
        assert_eq!(
            mend(&repair, b"\xEF\xBB\xBFMSH|"),
            becomes(b"MSH|", Repair::ByteOrderMark)
        );
        for message in [&b"MSH|\xEF\xBB\xBF"[..], b"\xEF\xBBMSH|", b"\xFF\xFEM\0"] {
            assert_eq!(mend(&repair, message), stays(message));
        }
    }

    #[test]
    fn an_envelope_is_taken_with_white_space_around_it_and_none_within() {
        for message in [
            &b"\x0B MSH|\r\x1C\r"[..],
            b"\x0B MSH|\r\x1C",
            b"\r\n \x0B MSH|\r\x1C\r\n\t ",
            b"\n\x0B MSH|\r\x1C \r\r",
        ] {
            assert_eq!(
                mend(&[Repair::Envelope], message),
                becomes(b" MSH|\r", Repair::Envelope)
            );
        }
        assert_eq!(
            mend(&[Repair::Envelope], b"\x0B\x1C\r"),
            becomes(b"", Repair::Envelope)
        );
    }

    #[test]
    fn half_an_envelope_is_none() {
        for message in [
            &b"\x0BMSH|\r"[..],
            b"MSH|\r\x1C\r",
            b"x\x0BMSH|\x1C\r",
            b"\x0BMSH|\x1C\rx",
            b"\x0B",
            b"\x1C",
            b" \r\n",
        ] {
            assert_eq!(mend(&[Repair::Envelope], message), stays(message));
        }
    }

    #[test]
    fn of_a_doubled_envelope_one_remains_to_be_refused() {
        assert_eq!(
            mend(&[Repair::Envelope], b"\x0B\x0BMSH|\x1C\r\x1C\r"),
            becomes(b"\x0BMSH|\x1C\r", Repair::Envelope)
        );
    }

    #[test]
    fn an_envelope_has_the_blocks_of_the_framing() {
        let envelope = |start: &[u8], end: &[u8], trailer: &[u8], message: &[u8]| {
            let framing = Framing {
                start: start.to_vec(),
                end: end.to_vec(),
                trailer: trailer.to_vec(),
            };
            assert_eq!(framing.check(), Ok(()));
            mend_in(&framing, &[Repair::Envelope], message)
        };
        let taken = becomes(b"MSH|", Repair::Envelope);
        assert_eq!(envelope(b"<<", b">>", b"!\r", b"\r<<MSH|>>!\r\n"), taken);
        assert_eq!(envelope(b"<<", b">>", b"!\r", b"<<MSH|>>\r\n"), taken);
        assert_eq!(envelope(b"\r<", b"\r>\r", b"", b"\n\r<MSH|\r>\r\r"), taken);
        assert_eq!(envelope(b"<", b">", b">", b"<MSH|>>\n"), taken);
        assert_eq!(envelope(b"<", b"\x1C\r", b"", b"<MSH|\x1C\r\n"), taken);
        let mllps = b"\x0BMSH|\x1C\r";
        assert_eq!(envelope(b"<", b">", b"\r", mllps), stays(mllps));
    }

    #[test]
    fn a_byte_order_mark_in_an_envelope_is_taken_with_it() {
        let both = (
            b"MSH|".to_vec(),
            vec![Repair::ByteOrderMark, Repair::Envelope],
        );
        for message in [
            &b"\xEF\xBB\xBF\x0BMSH|\x1C\r"[..],
            b"\x0B\xEF\xBB\xBFMSH|\x1C\r",
            b"\xEF\xBB\xBF\x0B\xEF\xBB\xBFMSH|\x1C\r",
        ] {
            assert_eq!(
                mend(&[Repair::Envelope, Repair::ByteOrderMark], message),
                both
            );
        }
        assert_eq!(
            mend(&[Repair::Envelope], b"\x0B\xEF\xBB\xBFMSH|\x1C\r"),
            becomes(b"\xEF\xBB\xBFMSH|", Repair::Envelope)
        );
        let twice = b"\xEF\xBB\xBF\xEF\xBB\xBFMSH|";
        assert_eq!(
            mend(&Repair::ALL[..2], twice),
            becomes(b"\xEF\xBB\xBFMSH|", Repair::ByteOrderMark)
        );
    }

    #[test]
    fn line_feeds_become_carriage_returns_one_for_one_line_end() {
        for (message, mended) in [
            (&b"MSH|\nPID|\n"[..], &b"MSH|\rPID|\r"[..]),
            (b"MSH|\r\nPID|\r\n", b"MSH|\rPID|\r"),
            (b"MSH|\r\n\nPID|\n\n", b"MSH|\r\rPID|\r\r"),
            (b"MSH|\r\r\nPID|", b"MSH|\r\rPID|"),
            (b"\n", b"\r"),
        ] {
            assert_eq!(
                mend(&[Repair::LineFeeds], message),
                becomes(mended, Repair::LineFeeds)
            );
        }
        assert_eq!(
            mend(&[Repair::LineFeeds], b"MSH|\r\rPID|"),
            stays(b"MSH|\r\rPID|")
        );
    }

    #[test]
    fn the_last_segment_gets_its_carriage_return() {
        assert_eq!(
            mend(&[Repair::FinalCarriageReturn], b"MSH|\rPID|"),
            becomes(b"MSH|\rPID|\r", Repair::FinalCarriageReturn)
        );
        assert_eq!(
            mend(&[Repair::FinalCarriageReturn], b"MSH|\n"),
            becomes(b"MSH|\n\r", Repair::FinalCarriageReturn)
        );
    }

    #[test]
    fn all_of_them_together_make_a_file_a_message() {
        assert_eq!(
            mend(&Repair::ALL, b"\xEF\xBB\xBF\x0BMSH|^~\\&|\r\nPID|\x1C\r\n"),
            (b"MSH|^~\\&|\rPID|\r".to_vec(), Repair::ALL.to_vec())
        );
    }

    /// Each takes minutes if what comes before a byte is moved, or looked at, anew.
    #[test]
    fn a_long_message_is_mended_in_one_go() {
        const SIZE: usize = 400_000;
        for message in [
            vec![b'\n'; SIZE],
            [&b"\x0B"[..], &vec![b'\r'; SIZE]].concat(),
            [vec![b' '; SIZE], b"\x0BMSH|".to_vec(), vec![b' '; SIZE]].concat(),
            b"MSH\r\n".repeat(SIZE / 5),
        ] {
            assert!(mend(&Repair::ALL, &message).0.len() <= message.len() + 1);
        }
    }
}
