//! The frame decoder: what it finds does not depend on how the bytes are split, and
//! without leniencies it is what a decoder says that has all of them before it.

#![no_main]

use arbitrary::Arbitrary;
use fuzz::draw::{AnyFraming, AnyLeniencies, Split};
use libfuzzer_sys::fuzz_target;
use mllp_client::error::{Cause, Desync, OverLimit};
use mllp_client::proto::frame::Decoder;
use mllp_client::proto::framing::Framing;
use mllp_client::proto::leniency::{Leniencies, Leniency};
use mllp_client::proto::warning::Warning;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    framing: AnyFraming,
    leniencies: AnyLeniencies,
    limit: u16,
    split: Split,
    bytes: &'a [u8],
}

/// What a stream holds.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    frames: Vec<(Vec<u8>, Vec<Warning>)>,
    ending: Result<Ending, Cause>,
}

#[derive(Clone, Debug, PartialEq)]
enum Ending {
    InFrame,
    BetweenFrames,
}

fuzz_target!(|input: Input<'_>| {
    let framing = &input.framing.0;
    let limit = u64::from(input.limit);
    let decode = |leniencies, split| decoded(framing, leniencies, limit, input.bytes, split);

    let whole = decode(input.leniencies.0, Split::WHOLE);
    let split = decode(input.leniencies.0, input.split);
    for (content, _) in &whole.frames {
        assert!(content.len() as u64 <= limit);
    }
    // A trailer that is late counts as missing, and is none where it came at once.
    let may_be_late = input.leniencies.0.contains(Leniency::MissingCarriageReturn);
    let settled = |found: &Found| settled(found, may_be_late);
    assert_eq!(settled(&whole), settled(&split), "the split counts");

    let expected = modelled(framing, limit, input.bytes);
    let strict = decode(Leniencies::none(), input.split);
    assert_eq!(strict, expected);
    if let Ok(ending) = &expected.ending {
        let contents = |found: &Found| -> Vec<Vec<u8>> {
            let contents = found.frames.iter().map(|(content, _)| content.clone());
            contents.collect()
        };
        let (lenient, strict) = (contents(&whole), contents(&expected));
        assert!(lenient.starts_with(&strict), "leniency takes frames away");
        // Who bears a trailer that is missing does not wait for it.
        let more = usize::from(*ending == Ending::InFrame && may_be_late);
        assert!(lenient.len() <= strict.len() + more, "leniency adds frames");
    }
});

fn settled(found: &Found, may_be_late: bool) -> Found {
    let mut found = found.clone();
    for (_, warnings) in &mut found.frames {
        warnings.retain(|warning| !may_be_late || *warning != Warning::MissingCarriageReturn);
    }
    found
}

fn decoded(
    framing: &Framing,
    leniencies: Leniencies,
    limit: u64,
    bytes: &[u8],
    split: Split,
) -> Found {
    let mut decoder = Decoder::new(framing.clone(), leniencies, limit);
    let mut frames = Vec::new();
    for mut piece in split.pieces(bytes) {
        while !piece.is_empty() {
            match decoder.decode(piece) {
                Ok((used, frame)) => {
                    assert!(used > 0 || frame.is_some(), "it stands still");
                    piece = &piece[used..];
                    frames.extend(frame.map(|frame| (frame.content, frame.warnings)));
                }
                Err(cause) => {
                    let ending = Err(cause);
                    return Found { frames, ending };
                }
            }
        }
    }
    let ending = Ok(if decoder.is_inside_frame() {
        Ending::InFrame
    } else {
        Ending::BetweenFrames
    });
    Found { frames, ending }
}

/// The rules of the frame, without leniencies, on a stream that is all there.
fn modelled(framing: &Framing, limit: u64, bytes: &[u8]) -> Found {
    let mut frames = Vec::new();
    let mut rest = bytes;
    let ending = loop {
        if rest.is_empty() {
            break Ok(Ending::BetweenFrames);
        }
        match frame(framing, limit, rest) {
            Ok(Some((content, size))) => {
                frames.push((content.to_vec(), Vec::new()));
                rest = &rest[size..];
            }
            Ok(None) => {
                let may_be_space = rest.len() < framing.start.len() && rest.iter().all(is_space);
                break Ok(if may_be_space {
                    Ending::BetweenFrames
                } else {
                    Ending::InFrame
                });
            }
            Err(cause) => break Err(cause),
        }
    };
    Found { frames, ending }
}

fn is_space(byte: &u8) -> bool {
    b"\r\n \t".contains(byte)
}

/// The content of the frame that `bytes` begin with, and the frame's size; `None` where
/// it goes on after them.
fn frame<'a>(
    framing: &Framing,
    limit: u64,
    bytes: &'a [u8],
) -> Result<Option<(&'a [u8], usize)>, Cause> {
    let Framing {
        start,
        end,
        trailer,
    } = framing;
    let begins = |rest: &[u8], block: &[u8]| rest.len() < block.len() && block.starts_with(rest);
    if begins(bytes, start) {
        return Ok(None);
    }
    let Some(inside) = bytes.strip_prefix(start.as_slice()) else {
        return Err(Desync::BytesBeforeStartBlock.into());
    };
    for position in 0..inside.len() {
        let (content, rest) = inside.split_at(position);
        if position as u64 > limit {
            let size = limit + 1;
            return Err(Cause::MessageTooLarge(OverLimit { limit, size }));
        }
        if let Some(after) = rest.strip_prefix(end.as_slice()) {
            let size = start.len() + position + end.len() + trailer.len();
            return if after.starts_with(trailer) {
                Ok(Some((content, size)))
            } else if begins(after, trailer) {
                Ok(None)
            } else {
                Err(Desync::MissingCarriageReturn.into())
            };
        }
        if rest.starts_with(start) {
            return Err(Desync::StartBlockInFrame.into());
        }
        if begins(rest, start) || begins(rest, end) {
            return Ok(None);
        }
    }
    if inside.len() as u64 > limit {
        let size = limit + 1;
        return Err(Cause::MessageTooLarge(OverLimit { limit, size }));
    }
    Ok(None)
}
