//! A file's bytes become the messages it holds. Segments keep their bytes in
//! every charset: nothing here reads text.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use mllp_client::proto::frame::{END_BLOCK, START_BLOCK};
use mllp_client::proto::msh::{SEGMENT_END, begins_header};
use thiserror::Error;

/// Where messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    StandardInput,
    File(PathBuf),
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" {
            Self::StandardInput
        } else {
            Self::File(path)
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardInput => f.write_str("-"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Why a file is of no use, so that none of a source's messages is sent.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("no such file in the folder given by --dir: check its name")]
    Missing,
    /// A component cannot tell a folder that is not there from one that it was
    /// not given.
    #[error(
        "cannot be read: {0}. If the file is there, give the command its folder: \
         wasmtime run --dir FOLDER … (--dir . for the current one)"
    )]
    OutOfSight(io::Error),
    #[error("the frame that begins at byte {0} has no end block: nothing of the file was sent")]
    UnfinishedFrame(usize),
    #[error("byte {0} stands between two frames: nothing of the file was sent")]
    BytesBetweenFrames(usize),
}

impl Source {
    /// All the messages of this source, at least one.
    pub(crate) fn read(&self, loose: bool) -> Result<Vec<Vec<u8>>, Trouble> {
        messages(self.bytes()?, loose)
    }

    fn bytes(&self) -> Result<Vec<u8>, Trouble> {
        match self {
            Self::StandardInput => {
                let mut bytes = Vec::new();
                io::stdin()
                    .read_to_end(&mut bytes)
                    .map_err(Trouble::Unreadable)?;
                Ok(bytes)
            }
            Self::File(path) => read_file(path),
        }
    }
}

/// The bytes of a file in a folder that the command was given.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Trouble> {
    fs::read(path).map_err(|error| trouble(path, error))
}

fn trouble(path: &Path, error: io::Error) -> Trouble {
    if !is_in_sight(path) && !is_in_sight(folder(path)) {
        Trouble::OutOfSight(error)
    } else if error.kind() == io::ErrorKind::NotFound {
        Trouble::Missing
    } else {
        Trouble::Unreadable(error)
    }
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn is_in_sight(path: &Path) -> bool {
    fs::metadata(path).is_ok()
}

/// A file without any message counts as one empty message, which the guard
/// then refuses: no file passes without a line of output.
pub(crate) fn messages(content: Vec<u8>, loose: bool) -> Result<Vec<Vec<u8>>, Trouble> {
    let framed = content.trim_ascii_start().first() == Some(&START_BLOCK);
    Ok(match (framed, loose) {
        (true, true) => frames(&content)?
            .into_iter()
            .flat_map(split_loose)
            .collect(),
        (true, false) => frames(&content)?.into_iter().map(Vec::from).collect(),
        (false, true) => split_loose(&content),
        (false, false) => vec![content],
    })
}

fn frames(content: &[u8]) -> Result<Vec<&[u8]>, Trouble> {
    let mut messages = Vec::new();
    let mut rest = content.trim_ascii_start();
    while !rest.is_empty() {
        let offset = content.len().saturating_sub(rest.len());
        let inside = rest
            .strip_prefix(&[START_BLOCK])
            .ok_or(Trouble::BytesBetweenFrames(offset))?;
        let (message, after) =
            split_at_frame_end(inside).ok_or(Trouble::UnfinishedFrame(offset))?;
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

/// Lines before the first header make a message of their own, for the guard to
/// refuse, so that nothing is lost in silence.
fn split_loose(content: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut current = Vec::new();
    let lines = content.split(|byte| is_line_end(*byte));
    for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
        if begins_header(line) && !current.is_empty() {
            messages.push(std::mem::take(&mut current));
        }
        current.extend_from_slice(line);
        current.push(SEGMENT_END);
    }
    messages.push(current);
    messages
}

/// Whether `message` has line feeds where carriage returns should be.
pub(crate) fn looks_line_feed_separated(message: &[u8]) -> bool {
    begins_header(message)
        && memchr::memchr(b'\n', message).is_some()
        && memchr::memchr(SEGMENT_END, message).is_none()
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Source, Trouble, folder, looks_line_feed_separated, messages};

    fn strict(content: &[u8]) -> Vec<Vec<u8>> {
        messages(content.to_vec(), false).unwrap()
    }

    fn loose(content: &[u8]) -> Vec<Vec<u8>> {
        messages(content.to_vec(), true).unwrap()
    }

    fn trouble(content: &[u8]) -> Trouble {
        messages(content.to_vec(), false).unwrap_err()
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
        assert!(matches!(trouble(content), Trouble::UnfinishedFrame(9)));
        assert!(matches!(trouble(b"\n\x0B"), Trouble::UnfinishedFrame(1)));
    }

    #[test]
    fn bytes_between_frames_are_refused_with_their_offset() {
        let content = b"\x0BMSH|a\r\x1C\rMSH|b\r\x0BMSH|c\r\x1C\r";
        assert!(matches!(trouble(content), Trouble::BytesBetweenFrames(9)));
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
        assert_eq!(loose(b"FHS|x\nMSH|a\n"), [&b"FHS|x\r"[..], b"MSH|a\r"]);
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
    fn line_feeds_are_noticed_only_where_carriage_returns_are_missing() {
        assert!(looks_line_feed_separated(b"MSH|a\nPID|1\n"));
        assert!(!looks_line_feed_separated(b"MSH|a\rPID|1\r\n"));
        assert!(!looks_line_feed_separated(b"MSH|a\rPID|1\r"));
        assert!(!looks_line_feed_separated(b"no message\n"));
    }

    #[test]
    fn a_file_out_of_sight_names_the_grant_and_a_missing_one_its_name() {
        let advice = |path: &str| {
            Source::File(path.into())
                .read(false)
                .unwrap_err()
                .to_string()
        };
        assert!(advice("no-such-folder/a.hl7").contains("wasmtime run --dir"));
        assert!(advice("no-such-file.hl7").contains("check its name"));
    }

    #[test]
    fn a_bare_file_name_stands_in_the_current_folder() {
        assert_eq!(folder(Path::new("a.hl7")), Path::new("."));
        assert_eq!(folder(Path::new("x/a.hl7")), Path::new("x"));
        assert_eq!(folder(Path::new("/a.hl7")), Path::new("/"));
    }
}
