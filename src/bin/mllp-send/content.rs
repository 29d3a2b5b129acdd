//! A file's bytes become the messages it holds. Segments keep their bytes in
//! every charset: nothing here reads text. Pure, and fuzzed.

use mllp_client::proto::frame::{END_BLOCK, START_BLOCK};
use mllp_client::proto::msh::{SEGMENT_END, begins_header};
use thiserror::Error;

use crate::batch::{self, BatchCounts, Fault};
use crate::ndjson::{self, BadLine, Field};

/// What editors put before UTF-8. A batch may begin behind it.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How the messages stand in a file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner<'a> {
    /// Segments may end with line feeds, and messages follow one another.
    pub(crate) loose: bool,
    /// Each line is JSON, with a message in this field.
    pub(crate) ndjson: Option<&'a Field>,
    pub(crate) batch_counts: BatchCounts,
}

/// What a source holds.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// Its messages, at least one.
    pub(crate) messages: Vec<Vec<u8>>,
    /// What is wrong with its batches, and was borne.
    pub(crate) faults: Vec<Fault>,
}

/// Why nothing of a file is sent.
#[derive(Debug, Error)]
pub(crate) enum Malformed {
    #[error("the frame that begins at byte {0} has no end block: nothing of the file was sent")]
    UnfinishedFrame(usize),
    #[error("byte {0} stands between two frames: nothing of the file was sent")]
    BytesBetweenFrames(usize),
    #[error("{0}: nothing of the file was sent; --batch-counts warned sends it all the same")]
    BatchFault(Fault),
    #[error("it holds a batch without any message")]
    EmptyBatch,
    #[error("it holds a batch whose lines end with line feeds: try --loose")]
    LooseBatch,
    #[error(transparent)]
    BadLine(#[from] BadLine),
}

/// A file without any message counts as one empty message, which the guard
/// then refuses: no file passes without a line of output.
pub(crate) fn split(content: Vec<u8>, manner: Manner<'_>) -> Result<Content, Malformed> {
    let mut all = Content::default();
    let mut add = |part: Vec<u8>| {
        let part = split_part(part, manner)?;
        all.messages.extend(part.messages);
        all.faults.extend(part.faults);
        Ok::<_, Malformed>(())
    };
    if let Some(field) = manner.ndjson {
        let lines = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&content);
        for text in ndjson::messages(lines, field)? {
            add(text)?;
        }
    } else if content.trim_ascii_start().first() == Some(&START_BLOCK) {
        for inside in frames(&content)? {
            add(inside.to_vec())?;
        }
    } else {
        add(content)?;
    }
    if all.messages.is_empty() {
        all.messages.push(Vec::new());
    }
    Ok(all)
}

/// What stands in a file, in a frame of it, or in a field of a line.
fn split_part(content: Vec<u8>, manner: Manner<'_>) -> Result<Content, Malformed> {
    let rest = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&content);
    let rest = rest.trim_ascii_start();
    let is_batch = batch::begins_batch(rest);
    if manner.loose {
        return split_loose(if is_batch { rest } else { &content }, manner.batch_counts);
    }
    if !is_batch {
        return Ok(Content {
            messages: vec![content],
            faults: Vec::new(),
        });
    }
    let segments = || {
        rest.trim_ascii_end()
            .split_inclusive(|byte| *byte == SEGMENT_END)
    };
    let has_line_feed = |segment: &[u8]| match segment {
        // A carriage return and a line feed, or line feeds alone.
        [b'\n', ..] => true,
        _ => batch::is_of_batch(segment) && segment.contains(&b'\n'),
    };
    if segments().any(has_line_feed) {
        return Err(Malformed::LooseBatch);
    }
    split_batches(segments(), manner.batch_counts)
}

fn split_batches<'a>(
    segments: impl Iterator<Item = &'a [u8]>,
    counts: BatchCounts,
) -> Result<Content, Malformed> {
    let batches = batch::split(segments);
    match (batches.faults.first(), counts) {
        (Some(fault), BatchCounts::Required) => Err(Malformed::BatchFault(*fault)),
        _ if batches.messages.is_empty() => Err(Malformed::EmptyBatch),
        _ => Ok(Content {
            messages: batches.messages,
            faults: batches.faults,
        }),
    }
}

fn frames(content: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut messages = Vec::new();
    let mut rest = content.trim_ascii_start();
    while !rest.is_empty() {
        let offset = content.len().saturating_sub(rest.len());
        let inside = rest
            .strip_prefix(&[START_BLOCK])
            .ok_or(Malformed::BytesBetweenFrames(offset))?;
        let (message, after) =
            split_at_frame_end(inside).ok_or(Malformed::UnfinishedFrame(offset))?;
        messages.push(message);
        rest = after.trim_ascii_start();
    }
    Ok(messages)
}

/// An end block that no line end follows does not end the frame, lest a part of
/// a message be sent as the whole: it is left in the message, for the guard to
/// refuse. Editors turn the carriage return into a line feed, or drop it.
fn split_at_frame_end(inside: &[u8]) -> Option<(&[u8], &[u8])> {
    memchr::memchr_iter(END_BLOCK, inside).find_map(|end| {
        let (message, rest) = inside.split_at_checked(end)?;
        let after = rest.get(1..)?;
        let ends = after.first().is_none_or(|byte| is_line_end(*byte));
        ends.then_some((message, after))
    })
}

fn split_loose(content: &[u8], counts: BatchCounts) -> Result<Content, Malformed> {
    let lines = content.split(|byte| is_line_end(*byte));
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    let segments: Vec<_> = lines.map(|line| [line, &[SEGMENT_END]].concat()).collect();
    if segments.is_empty() {
        return Ok(Content {
            messages: vec![Vec::new()],
            faults: Vec::new(),
        });
    }
    split_batches(segments.iter().map(Vec::as_slice), counts)
}

/// Whether `message` has line feeds where carriage returns should be, or beside them.
/// One at its end is an editor's.
pub(crate) fn looks_line_feed_separated(message: &[u8]) -> bool {
    let inside = message.trim_ascii_end();
    begins_header(message)
        && match memchr::memchr(SEGMENT_END, message) {
            None => memchr::memchr(b'\n', message).is_some(),
            Some(_) => memchr::memmem::find(inside, b"\r\n").is_some(),
        }
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::{Content, Malformed, looks_line_feed_separated, split};
    use crate::args::tests::args;
    use crate::batch::Fault;
    use crate::ndjson::BadLine;

    fn read(line: &str, bytes: &[u8]) -> Result<Content, Malformed> {
        let args = args(&format!("{line} lab:1"));
        split(bytes.to_vec(), args.input.manner())
    }

    fn strict(content: &[u8]) -> Vec<Vec<u8>> {
        read("", content).unwrap().messages
    }

    fn loose(content: &[u8]) -> Vec<Vec<u8>> {
        read("--loose", content).unwrap().messages
    }

    fn trouble(content: &[u8]) -> Malformed {
        read("", content).unwrap_err()
    }

    #[test]
    fn an_unframed_file_is_one_message_exactly_as_it_is() {
        for content in [
            &b"MSH|^~\\&|A\rPID|1\r"[..],
            b"MSH|^~\\&|A\r\nPID|\xE4\r\n\r\n",
            b"MSH|^~\\&|A\rMSH|^~\\&|B\r",
            b" \n",
            b"",
        ] {
            assert_eq!(strict(content), [content]);
        }
    }

    #[test]
    fn frames_are_split_and_stripped() {
        assert_eq!(strict(b"\x0BMSH|a\r\x1C\r"), [b"MSH|a\r"]);
        assert_eq!(
            strict(b"\r\n \x0BMSH|a\r\x1C\r\x0BMSH|b\r\x1C\r\n\n\x0BMSH|c\r\x1C\r\n"),
            [b"MSH|a\r", b"MSH|b\r", b"MSH|c\r"]
        );
    }

    #[test]
    fn what_editors_do_to_a_frames_end_is_borne() {
        assert_eq!(
            strict(b"\x0BMSH|a\n\x1C\n\x0BMSH|b\n\x1C"),
            [b"MSH|a\n", b"MSH|b\n"]
        );
    }

    #[test]
    fn a_frame_without_an_end_is_refused_with_its_offset() {
        let content = b"\x0BMSH|a\r\x1C\r\x0BMSH|b\r";
        assert!(matches!(trouble(content), Malformed::UnfinishedFrame(9)));
        assert!(matches!(trouble(b"\n\x0B"), Malformed::UnfinishedFrame(1)));
    }

    #[test]
    fn bytes_between_frames_are_refused_with_their_offset() {
        let content = b"\x0BMSH|a\r\x1C\rMSH|b\r\x0BMSH|c\r\x1C\r";
        assert!(matches!(trouble(content), Malformed::BytesBetweenFrames(9)));
    }

    #[test]
    fn a_framing_byte_inside_a_frame_is_left_for_the_guard() {
        for content in [&b"MSH|a\x1Cb\r"[..], b"MSH|a\x0Bb\r"] {
            let framed = [b"\x0B", content, b"\x1C\r"].concat();
            assert_eq!(strict(&framed), [content]);
        }
    }

    #[test]
    fn loose_segments_end_with_carriage_returns_whatever_they_ended_with() {
        for content in [
            &b"MSH|a\nPID|\xE4\n"[..],
            b"MSH|a\r\nPID|\xE4",
            b"MSH|a\rPID|\xE4\r",
            b"\n\nMSH|a\n \nPID|\xE4\n\n",
        ] {
            assert_eq!(loose(content), [b"MSH|a\rPID|\xE4\r"]);
        }
    }

    #[test]
    fn a_loose_file_is_split_where_a_header_begins() {
        assert_eq!(
            loose(b"MSH|a\nPID|1\n\nMSH#b\nMSHX|c\nNTE|MSH|\n"),
            [&b"MSH|a\rPID|1\r"[..], b"MSH#b\rMSHX|c\rNTE|MSH|\r"]
        );
    }

    #[test]
    fn what_stands_before_the_first_loose_header_is_not_lost() {
        assert_eq!(loose(b"ZZZ|x\nMSH|a\n"), [&b"ZZZ|x\r"[..], b"MSH|a\r"]);
    }

    #[test]
    fn the_inside_of_frames_can_be_loose_too() {
        assert_eq!(loose(b"\x0BMSH|a\nPID|1\n\x1C\r"), [b"MSH|a\rPID|1\r"]);
    }

    #[test]
    fn a_file_without_messages_is_one_empty_message() {
        assert_eq!(loose(b" \n\r\n"), [b""]);
        assert_eq!(loose(b""), [b""]);
    }

    #[test]
    fn line_feeds_are_noticed_but_one_at_the_end_beside_carriage_returns() {
        assert!(looks_line_feed_separated(b"MSH|a\nPID|1\n"));
        assert!(looks_line_feed_separated(b"MSH|a\r\nPID|1\r\n"));
        assert!(!looks_line_feed_separated(b"MSH|a\rPID|1\r\n"));
        assert!(!looks_line_feed_separated(b"MSH|a\rPID|1\r"));
        assert!(!looks_line_feed_separated(b"no message\n"));
    }

    #[test]
    fn a_batch_is_split_whether_strict_framed_or_loose() {
        let batch = b"FHS|^~\\&\rBHS|^~\\&\rMSH|a\rPID|1\rMSH|b\rBTS|2\rFTS|1\r";
        let lines: Vec<u8> = batch
            .iter()
            .map(|byte| match byte {
                b'\r' => b'\n',
                byte => *byte,
            })
            .collect();
        let expected = [&b"MSH|a\rPID|1\r"[..], b"MSH|b\r"];
        assert_eq!(strict(batch), expected);
        assert_eq!(strict(&[b"\xEF\xBB\xBF", &batch[..]].concat()), expected);
        assert_eq!(strict(&[b"\x0B", &batch[..], b"\x1C\r"].concat()), expected);
        assert_eq!(loose(&lines), expected);
        let crlf = String::from_utf8(lines.clone())
            .unwrap()
            .replace('\n', "\r\n");
        assert_eq!(loose(crlf.as_bytes()), expected);
        for loose in [lines.as_slice(), crlf.as_bytes()] {
            assert!(matches!(trouble(loose), Malformed::LooseBatch));
        }
        // An editor's end.
        assert_eq!(strict(&[&batch[..], b"\n"].concat()), expected);
    }

    #[test]
    fn a_batch_that_is_not_what_it_counts_is_refused_unless_a_warning_will_do() {
        let short = b"BHS|^~\\&\rMSH|a\rBTS|2\r";
        let fault = Fault::Messages {
            batch: 1,
            said: 2,
            found: 1,
        };
        assert!(matches!(trouble(short), Malformed::BatchFault(told) if told == fault));
        let borne = read("--batch-counts warned", short).unwrap();
        assert_eq!(borne.messages, [b"MSH|a\r"]);
        assert_eq!(borne.faults, [fault]);
        assert!(matches!(
            trouble(b"BHS|^~\\&\rBTS|0\r"),
            Malformed::EmptyBatch
        ));
    }

    #[test]
    fn a_loose_file_may_hold_batches_after_messages() {
        let told = read("--loose", b"MSH|a\nBHS|^~\\&\nMSH|b\nBTS|1\n").unwrap();
        assert_eq!(told.messages, [b"MSH|a\r", b"MSH|b\r"]);
    }

    #[test]
    fn json_lines_are_read_where_they_are_asked_for() {
        let lines = b"{\"m\":\"MSH|a\\nPID|1\"}\n{\"m\":\"MSH|b\\nMSH|c\"}\n";
        let told = read("--ndjson m", lines).unwrap().messages;
        assert_eq!(told, [&b"MSH|a\nPID|1"[..], b"MSH|b\nMSH|c"]);
        let told = read("--ndjson m --loose", lines).unwrap().messages;
        assert_eq!(told, [&b"MSH|a\rPID|1\r"[..], b"MSH|b\r", b"MSH|c\r"]);
        let bad = read("--ndjson x", lines).unwrap_err();
        assert!(matches!(bad, Malformed::BadLine(BadLine::FieldMissing(1))));
        assert_eq!(read("--ndjson m", b"\n").unwrap().messages, [b""]);
    }
}
