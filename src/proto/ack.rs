//! A reply's content becomes an [`Acknowledgment`]. Knows MSH and MSA, not
//! sockets, and not whether the reply is the one that was waited for.

use alloc::vec::Vec;
use core::fmt;

use super::msh::{self, Header};
use crate::error::InvalidReply;

/// MSA-1, the acknowledgment code (HL7 v2.5 table 0008).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// AA, application accept.
    ApplicationAccept,
    /// AE, application error.
    ApplicationError,
    /// AR, application reject.
    ApplicationReject,
    /// CA, commit accept.
    CommitAccept,
    /// CE, commit error.
    CommitError,
    /// CR, commit reject.
    CommitReject,
}

impl Code {
    const ALL: [Self; 6] = [
        Self::ApplicationAccept,
        Self::ApplicationError,
        Self::ApplicationReject,
        Self::CommitAccept,
        Self::CommitError,
        Self::CommitReject,
    ];

    /// The two letters that stand in MSA-1.
    #[must_use]
    pub const fn letters(self) -> &'static str {
        match self {
            Self::ApplicationAccept => "AA",
            Self::ApplicationError => "AE",
            Self::ApplicationReject => "AR",
            Self::CommitAccept => "CA",
            Self::CommitError => "CE",
            Self::CommitReject => "CR",
        }
    }

    fn read(field: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|code| code.letters().as_bytes() == field)
    }
}

/// The MSA segment of a reply (HL7 v2.5 2.15.8).
#[derive(Clone, PartialEq, Eq)]
pub struct Acknowledgment {
    /// MSA-1.
    pub code: Code,
    /// MSA-2, the control id of the acknowledged message: bytes, as received.
    pub control_id: Vec<u8>,
}

impl fmt::Debug for Acknowledgment {
    /// The control id is the receiver's bytes, which may be anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acknowledgment")
            .field("code", &self.code)
            .field("control_id_bytes", &self.control_id.len())
            .finish()
    }
}

/// What a reply's content says.
#[derive(PartialEq, Eq)]
pub struct Reading<'a> {
    /// MSA-1 of its first MSA segment.
    pub code: Code,
    /// MSA-2 of the same: which message it acknowledges.
    pub control_id: &'a [u8],
    /// Line feeds stand where carriage returns should.
    pub line_feeds: bool,
}

/// Reads the acknowledgment in `content`, under the separators that its own MSH
/// names.
///
/// # Errors
/// What keeps it from being an acknowledgment.
pub fn read(content: &[u8]) -> Result<Reading<'_>, InvalidReply> {
    if content.is_empty() {
        return Err(InvalidReply::Empty);
    }
    let header = Header::read(content).ok_or(InvalidReply::NoHeader)?;
    let segments = Segments::of(content);
    let separator = header.separator();
    let mut fields = segments
        .iter()
        .find_map(|segment| segment.strip_prefix(b"MSA")?.strip_prefix(&[separator]))
        .ok_or(InvalidReply::NoAcknowledgment)?
        .split(|byte| *byte == separator);
    let code = fields
        .next()
        .and_then(Code::read)
        .ok_or(InvalidReply::UnknownCode)?;
    Ok(Reading {
        code,
        control_id: fields.next().unwrap_or_default(),
        line_feeds: segments.line_feeds,
    })
}

/// The segments of a reply, whichever of the field's three line ends it uses.
struct Segments<'a> {
    content: &'a [u8],
    end: u8,
    line_feeds: bool,
}

impl<'a> Segments<'a> {
    fn of(content: &'a [u8]) -> Self {
        // Only line ends: a blank before them belongs to the last field.
        let last = content.iter().rposition(|byte| !msh::is_segment_end(*byte));
        let body = content.get(..=last.unwrap_or_default()).unwrap_or_default();
        let carriage_returns = memchr::memchr(b'\r', body).is_some();
        let line_feeds = if carriage_returns {
            memchr::memmem::find(body, b"\r\n").is_some()
        } else {
            memchr::memchr(b'\n', body).is_some()
        };
        Self {
            content: body,
            end: if carriage_returns { b'\r' } else { b'\n' },
            line_feeds,
        }
    }

    fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let end = self.end;
        self.content
            .split(move |byte| *byte == end)
            .map(|segment| segment.strip_prefix(b"\n").unwrap_or(segment))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::{Acknowledgment, Code, read};
    use crate::error::InvalidReply;

    fn code_and_id(content: &[u8]) -> Result<(Code, Vec<u8>, bool), InvalidReply> {
        read(content).map(|reading| {
            let control_id = reading.control_id.to_vec();
            (reading.code, control_id, reading.line_feeds)
        })
    }

    #[test]
    fn each_of_the_six_codes_is_read() {
        for code in Code::ALL {
            let content = format!("MSH|^~\\&|B|A\rMSA|{}|42|text\r", code.letters());
            assert_eq!(
                code_and_id(content.as_bytes()),
                Ok((code, b"42".to_vec(), false))
            );
        }
    }

    #[test]
    fn any_other_code_is_no_acknowledgment() {
        for code in ["", "aa", "AA ", "XX", "A", "AAA"] {
            let content = format!("MSH|^~\\&|B\rMSA|{code}|42\r");
            assert_eq!(
                code_and_id(content.as_bytes()),
                Err(InvalidReply::UnknownCode)
            );
        }
    }

    #[test]
    fn text_that_is_not_hl7_is_no_acknowledgment() {
        assert_eq!(code_and_id(b""), Err(InvalidReply::Empty));
        assert_eq!(code_and_id(b"OK"), Err(InvalidReply::NoHeader));
        assert_eq!(code_and_id(b"MSA|AA|42\r"), Err(InvalidReply::NoHeader));
    }

    #[test]
    fn a_reply_without_msa_is_no_acknowledgment() {
        for content in [
            &b"MSH|^~\\&|B\r"[..],
            b"MSH|^~\\&|B\rMSAX|AA|1\r",
            b"MSH|^~\\&|MSA|AA\r",
        ] {
            assert_eq!(code_and_id(content), Err(InvalidReply::NoAcknowledgment));
        }
    }

    #[test]
    fn the_replys_own_separator_rules() {
        let content = b"MSH#*@!%#B\rMSA#AE#a|b*c#\r";
        assert_eq!(
            code_and_id(content),
            Ok((Code::ApplicationError, b"a|b*c".to_vec(), false))
        );
        let foreign = b"MSH#*@!%#B\rMSA|AE|42\r";
        assert_eq!(code_and_id(foreign), Err(InvalidReply::NoAcknowledgment));
    }

    #[test]
    fn a_missing_control_id_is_read_as_empty() {
        for content in [&b"MSH|^~\\&|B\rMSA|AA"[..], b"MSH|^~\\&|B\rMSA|AA|\r"] {
            assert_eq!(
                code_and_id(content),
                Ok((Code::ApplicationAccept, alloc::vec![], false))
            );
        }
    }

    #[test]
    fn blanks_in_a_control_id_are_part_of_it() {
        let content = b"MSH|^~\\&|B\rMSA|AA| 42 \r";
        assert_eq!(
            code_and_id(content),
            Ok((Code::ApplicationAccept, b" 42 ".to_vec(), false))
        );
    }

    #[test]
    fn line_feeds_for_carriage_returns_are_borne_and_told() {
        for content in [
            &b"MSH|^~\\&|B\nMSA|AA|42\n"[..],
            b"MSH|^~\\&|B\r\nMSA|AA|42\r\n",
            b"MSH|^~\\&|B\nMSA|AA|42\r",
        ] {
            assert_eq!(
                code_and_id(content),
                Ok((Code::ApplicationAccept, b"42".to_vec(), true))
            );
        }
    }

    #[test]
    fn a_line_feed_inside_a_field_begins_no_segment() {
        let content = b"MSH|^~\\&|B\rNTE|1||text\nMSA|AA|42\rMSA|AE|42\r";
        assert_eq!(
            code_and_id(content),
            Ok((Code::ApplicationError, b"42".to_vec(), false))
        );
    }

    #[test]
    fn its_debug_print_holds_no_bytes_of_the_reply() {
        let acknowledgment = Acknowledgment {
            code: Code::ApplicationAccept,
            control_id: b"MARK".to_vec(),
        };
        let printed = format!("{acknowledgment:?}");
        assert!(!printed.contains("MARK") && !printed.contains("77"));
    }
}
