//! Batches: messages between the headers and trailers of HL7's batch protocol (v2.5
//! 2.10.3). These are not sent, and what the trailers count is held against what is
//! there: a file that was cut short must not pass for the whole.

use mllp_client::proto::msh::begins_header;
use thiserror::Error;

/// What is done if a batch is not what its trailers count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BatchCounts {
    #[default]
    Required,
    Warned,
}

/// What is wrong with a batch. Batches are numbered through their file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Fault {
    #[error("batch {batch}: BTS-1 says {said} messages, and there are {found}")]
    Messages { batch: u64, said: u64, found: u64 },
    #[error("FTS-1 says {said} batches, and there are {found}")]
    Batches { said: u64, found: u64 },
    #[error("batch {0}: BTS-1 is no number")]
    NoMessageCount(u64),
    #[error("FTS-1 is no number")]
    NoBatchCount,
    #[error("batch {0} has no BTS: it may be cut short")]
    NoBatchTrailer(u64),
    #[error("there is an FHS without its FTS: the file may be cut short")]
    NoFileTrailer,
}

/// What a segment is to a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    FileHeader,
    BatchHeader,
    Message,
    BatchTrailer,
    FileTrailer,
    /// A part of the message before it.
    Other,
}

impl Kind {
    fn of(segment: &[u8]) -> Self {
        let is = |name: &[u8]| {
            segment.strip_prefix(name).is_some_and(|rest| {
                rest.first()
                    .is_none_or(|byte| !byte.is_ascii_alphanumeric())
            })
        };
        match segment {
            _ if begins_header(segment) => Self::Message,
            _ if is(b"FHS") => Self::FileHeader,
            _ if is(b"BHS") => Self::BatchHeader,
            _ if is(b"BTS") => Self::BatchTrailer,
            _ if is(b"FTS") => Self::FileTrailer,
            _ => Self::Other,
        }
    }
}

/// Whether a batch, or a file of batches, begins here.
pub(crate) fn begins_batch(content: &[u8]) -> bool {
    matches!(Kind::of(content), Kind::FileHeader | Kind::BatchHeader)
}

/// Whether the segment belongs to a batch and to no message.
pub(crate) fn is_of_batch(segment: &[u8]) -> bool {
    !matches!(Kind::of(segment), Kind::Message | Kind::Other)
}

/// Messages, and what is wrong with the batches that they stood in.
#[derive(Default)]
pub(crate) struct Batches {
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) faults: Vec<Fault>,
    current: Vec<u8>,
    separator: Option<u8>,
    /// Within FHS and FTS, or what lacks one of them.
    in_file: bool,
    batch: Option<Batch>,
    /// Since the last FHS or FTS.
    batches_in_file: u64,
    batches: u64,
}

/// A batch that has not ended yet.
#[derive(Default)]
struct Batch {
    has_header: bool,
    messages: u64,
}

/// Splits segments, each with its end, into messages. What stands before the first
/// header makes a message of its own, for the guard to refuse, so that nothing is
/// lost in silence.
pub(crate) fn split<'a>(segments: impl Iterator<Item = &'a [u8]>) -> Batches {
    let mut batches = Batches::default();
    for segment in segments {
        batches.take(segment);
    }
    batches.end_message();
    batches.end_batch(None);
    batches.end_file(None);
    batches
}

impl Batches {
    fn take(&mut self, segment: &[u8]) {
        let kind = Kind::of(segment);
        if kind != Kind::Other {
            self.end_message();
        }
        match kind {
            Kind::Other => self.current.extend_from_slice(segment),
            Kind::Message => {
                let batch = self.batch.get_or_insert_default();
                batch.messages = batch.messages.saturating_add(1);
                self.current.extend_from_slice(segment);
            }
            Kind::FileHeader => {
                self.end_batch(None);
                self.end_file(None);
                self.in_file = true;
                self.separator = segment.get(3).copied();
            }
            Kind::BatchHeader => {
                self.end_batch(None);
                self.batch = Some(Batch {
                    has_header: true,
                    messages: 0,
                });
                self.separator = segment.get(3).copied();
            }
            Kind::BatchTrailer => {
                self.batch.get_or_insert_default();
                self.end_batch(Some(self.count(segment)));
            }
            Kind::FileTrailer => {
                self.end_batch(None);
                self.in_file = true;
                self.end_file(Some(self.count(segment)));
            }
        }
    }

    fn end_message(&mut self) {
        if !self.current.is_empty() {
            self.messages.push(std::mem::take(&mut self.current));
        }
    }

    fn end_batch(&mut self, trailer: Option<Count>) {
        let Some(batch) = self.batch.take() else {
            return;
        };
        self.batches = self.batches.saturating_add(1);
        self.batches_in_file = self.batches_in_file.saturating_add(1);
        let number = self.batches;
        let fault = match trailer {
            None if batch.has_header => Some(Fault::NoBatchTrailer(number)),
            Some(Count::Unreadable) => Some(Fault::NoMessageCount(number)),
            Some(Count::Said(said)) if said != batch.messages => Some(Fault::Messages {
                batch: number,
                said,
                found: batch.messages,
            }),
            _ => None,
        };
        self.faults.extend(fault);
    }

    fn end_file(&mut self, trailer: Option<Count>) {
        let found = std::mem::take(&mut self.batches_in_file);
        if !std::mem::take(&mut self.in_file) {
            return;
        }
        let fault = match trailer {
            None => Some(Fault::NoFileTrailer),
            Some(Count::Unreadable) => Some(Fault::NoBatchCount),
            Some(Count::Said(said)) if said != found => Some(Fault::Batches { said, found }),
            Some(_) => None,
        };
        self.faults.extend(fault);
    }

    /// The first field of a trailer, which may be empty.
    fn count(&self, segment: &[u8]) -> Count {
        let separator = self.separator.unwrap_or(b'|');
        let mut fields = segment.split(|byte| *byte == separator);
        let field = fields.nth(1).unwrap_or_default().trim_ascii();
        if field.is_empty() {
            return Count::Absent;
        }
        let digits = std::str::from_utf8(field).ok();
        digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map_or(Count::Unreadable, Count::Said)
    }
}

/// What a trailer says.
#[derive(Clone, Copy)]
enum Count {
    Absent,
    Said(u64),
    Unreadable,
}

#[cfg(test)]
mod tests {
    use super::{Batches, Fault, begins_batch, is_of_batch};

    fn split(content: &[u8]) -> Batches {
        super::split(content.split_inclusive(|byte| *byte == b'\r'))
    }

    fn faults(content: &[u8]) -> Vec<Fault> {
        split(content).faults
    }

    #[test]
    fn messages_come_out_of_their_batches_as_they_are() {
        let batches = split(
            b"FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|^~\\&|1\rPID|\xE4\rMSH|^~\\&|2\rBTS|2\r\
              BHS|^~\\&|A\rMSH|^~\\&|3\rNTE|BTS\rBTS|1|note\rFTS|2\r",
        );
        assert_eq!(
            batches.messages,
            [
                &b"MSH|^~\\&|1\rPID|\xE4\r"[..],
                b"MSH|^~\\&|2\r",
                b"MSH|^~\\&|3\rNTE|BTS\r"
            ]
        );
        assert_eq!(batches.faults, []);
    }

    #[test]
    fn trailers_need_not_count_and_headers_of_either_kind_may_be_missing() {
        for content in [
            &b"BHS|^~\\&\rMSH|a\rBTS\r"[..],
            b"BHS|^~\\&\rMSH|a\rBTS||note\r",
            b"FHS|^~\\&\rMSH|a\rMSH|b\rFTS|1\r",
            b"FHS|^~\\&\rBHS|^~\\&\rMSH|a\rBTS|1\rFTS\r",
            b"MSH|a\rMSH|b\rBTS|2\r",
            b"MSH|a\rMSH|b\r",
        ] {
            assert_eq!(faults(content), []);
        }
    }

    #[test]
    fn the_count_is_the_first_field_by_the_separator_of_the_last_header() {
        assert_eq!(
            faults(b"BHS#^~\\&\rMSH|a\rBTS#1|1\r"),
            [Fault::NoMessageCount(1)]
        );
        assert_eq!(faults(b"BHS#^~\\&\rMSH|a\rBTS#1#2\r"), []);
    }

    #[test]
    fn what_the_trailers_count_must_be_there() {
        let messages = Fault::Messages {
            batch: 2,
            said: 2,
            found: 1,
        };
        let batches = Fault::Batches { said: 3, found: 2 };
        assert_eq!(
            faults(b"FHS|^~\\&\rBHS|^~\\&\rMSH|a\rBTS|1\rBHS|^~\\&\rMSH|b\rBTS|2\rFTS|3\r"),
            [messages, batches]
        );
        assert_eq!(
            faults(b"FHS|^~\\&\rBHS|^~\\&\rMSH|a\rBTS|one\rFTS|-1\r"),
            [Fault::NoMessageCount(1), Fault::NoBatchCount]
        );
    }

    #[test]
    fn what_has_a_header_and_no_trailer_may_be_cut_short() {
        for (content, expected) in [
            (
                &b"FHS|^~\\&\rBHS|^~\\&\rMSH|a\r"[..],
                vec![Fault::NoBatchTrailer(1), Fault::NoFileTrailer],
            ),
            (
                b"BHS|^~\\&\rMSH|a\rBHS|^~\\&\rMSH|b\rBTS|1\r",
                vec![Fault::NoBatchTrailer(1)],
            ),
            (
                b"FHS|^~\\&\rMSH|a\rFHS|^~\\&\rMSH|b\rFTS|1\r",
                vec![Fault::NoFileTrailer],
            ),
        ] {
            assert_eq!(faults(content), expected);
        }
    }

    #[test]
    fn what_belongs_to_no_message_is_left_for_the_guard_to_refuse() {
        let batches = split(b"BHS|^~\\&\rNTE|1\rMSH|a\rBTS|1\rZZZ|1\r");
        assert_eq!(batches.messages, [&b"NTE|1\r"[..], b"MSH|a\r", b"ZZZ|1\r"]);
        assert_eq!(batches.faults, []);
    }

    #[test]
    fn a_batch_is_known_by_its_first_segment() {
        assert!(begins_batch(b"FHS|^~\\&\r") && begins_batch(b"BHS|"));
        for other in [&b"MSH|^~\\&\r"[..], b"BHSX|", b"BTS|1\r", b""] {
            assert!(!begins_batch(other));
        }
        assert!(is_of_batch(b"BTS|1\r") && is_of_batch(b"FTS"));
        assert!(!is_of_batch(b"MSH|") && !is_of_batch(b"PID|"));
    }
}
