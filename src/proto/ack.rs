//! A reply's content becomes an [`Acknowledgment`] with the codes of its errors,
//! and, where it asks for one, gets an acknowledgment of its own. Knows MSH, MSA and
//! ERR, not sockets, and not whether the reply is the one that was waited for.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use der::DateTime;

use super::msh::{self, Header};
use super::scan;
use crate::error::InvalidReply;
use crate::limits::{ERROR_CODE_BYTES_MAX, ERROR_DETAILS_MAX};
use crate::memory::reserve;

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

    /// Whether it is an accept acknowledgment's: CA, CE or CR (HL7 v2.5 2.9.3).
    #[must_use]
    pub const fn is_accept_level(self) -> bool {
        matches!(
            self,
            Self::CommitAccept | Self::CommitError | Self::CommitReject
        )
    }

    /// Whether it says that all went well: AA or CA.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        matches!(self, Self::ApplicationAccept | Self::CommitAccept)
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

/// How severe an error is (HL7 v2.5 table 0516).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// I: the transaction was successful, and there is something to tell.
    Information,
    /// W: the transaction was successful, but there may be issues.
    Warning,
    /// E: the transaction was unsuccessful.
    Error,
    /// F: it was not processed, since an application or the network failed.
    Fatal,
}

impl Severity {
    /// The word for it, as the WIT names the case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    const fn read(field: &[u8]) -> Option<Self> {
        match field {
            b"I" => Some(Self::Information),
            b"W" => Some(Self::Warning),
            b"E" => Some(Self::Error),
            b"F" => Some(Self::Fatal),
            _ => None,
        }
    }
}

/// Where in the message an error is: ERR-2 (HL7 v2.5 2.15.5.2), or what ERR-1 has of
/// it. A number that the receiver left out, or that is none, is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLocation {
    /// The name of the segment.
    pub segment: String,
    /// Which segment of that name, counted from 1.
    pub sequence: Option<u32>,
    /// Which field of the segment, counted from 1.
    pub field: Option<u32>,
    /// Which repetition of the field, counted from 1.
    pub repetition: Option<u32>,
    /// Which component of the field, counted from 1.
    pub component: Option<u32>,
    /// Which subcomponent of the component, counted from 1.
    pub subcomponent: Option<u32>,
}

/// One error that a reply tells of. Its codes are as they stand in the reply, and
/// `None` where they might be text: text may hold patient data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetail {
    /// Where in the message it is.
    pub location: Option<ErrorLocation>,
    /// What it is (HL7 v2.5 table 0357, for the most part).
    pub code: Option<String>,
    /// How severe it is.
    pub severity: Option<Severity>,
    /// What it is in the receiver's own terms.
    pub application_code: Option<String>,
}

impl ErrorDetail {
    const fn tells_anything(&self) -> bool {
        self.location.is_some()
            || self.code.is_some()
            || self.severity.is_some()
            || self.application_code.is_some()
    }
}

/// What a reply's content says.
#[derive(Clone, PartialEq, Eq)]
pub struct Reading<'a> {
    /// MSA-1 of its first MSA segment.
    pub code: Code,
    /// MSA-2 of the same: which message it acknowledges.
    pub control_id: &'a [u8],
    /// Line feeds stand where carriage returns should.
    pub line_feeds: bool,
    /// Its own MSH-15 asks for an accept acknowledgment: `AL`, or `SU`, since it did
    /// arrive. An application acknowledgment is itself a message (HL7 v2.5 2.9.3);
    /// an accept acknowledgment is never acknowledged, whatever header it copied, or
    /// there would be no end.
    pub wants_acknowledgment: bool,
    separators: Separators,
    segments: Segments<'a>,
    /// Whether any segment is an ERR.
    has_errors: bool,
    /// What follows `MSA` and a separator.
    msa: &'a [u8],
}

impl Reading<'_> {
    /// The codes of the reply's errors, in its order; at most [`ERROR_DETAILS_MAX`],
    /// and none that would tell nothing.
    ///
    /// From ERR-2 to ERR-5 (HL7 v2.5 2.15.5), one for each repetition of ERR-2; where
    /// both ERR-2 and ERR-3 are empty from ERR-1, one for each repetition (2.15.5.1);
    /// and where no ERR segment holds anything from MSA-6 (2.15.8.6).
    #[must_use]
    pub fn errors(&self) -> Vec<ErrorDetail> {
        let separators = self.separators;
        let mut segments = self
            .has_errors
            .then(|| self.segments.parts().map(without_line_feed))
            .into_iter()
            .flatten()
            .filter_map(|segment| separators.fields(segment, b"ERR"))
            .filter(|error| separators.any_field_holds(error))
            .peekable();
        if segments.peek().is_none() {
            let detail = |code| ErrorDetail {
                location: None,
                code: Some(code),
                severity: None,
                application_code: None,
            };
            let code = separators.code(nth(self.msa, separators.field, 6));
            return code.map(detail).into_iter().collect();
        }
        segments
            .flat_map(|error| separators.details(error))
            .filter(ErrorDetail::tells_anything)
            .take(ERROR_DETAILS_MAX)
            .collect()
    }
}

impl fmt::Debug for Reading<'_> {
    /// Tells lengths alone: a reply may quote patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("code", &self.code)
            .field("control_id_bytes", &self.control_id.len())
            .field("line_feeds", &self.line_feeds)
            .field("wants_acknowledgment", &self.wants_acknowledgment)
            .finish_non_exhaustive()
    }
}

/// Reads the acknowledgment in `content`, under the separators that its own MSH
/// names. `line_feeds`: whether line feeds may stand where carriage returns should.
///
/// # Errors
/// What keeps it from being an acknowledgment.
pub fn read(content: &[u8], line_feeds: bool) -> Result<Reading<'_>, InvalidReply> {
    if content.is_empty() {
        return Err(InvalidReply::Empty);
    }
    let header = Header::read(content).ok_or(InvalidReply::NoHeader)?;
    let separators = Separators::of(&header);
    let segments = Segments::of(content);
    // A reply may be long: all that is asked of it is found in one look.
    let mut has_line_feeds = false;
    let mut msa = None;
    let mut has_errors = false;
    for part in segments.parts().skip(1) {
        has_line_feeds |= segments.end == b'\n' || part.starts_with(b"\n");
        let segment = without_line_feed(part);
        msa = msa.or_else(|| separators.fields(segment, b"MSA"));
        has_errors |= separators.fields(segment, b"ERR").is_some();
    }
    if has_line_feeds && !line_feeds {
        return Err(InvalidReply::LineFeedSegments);
    }
    let msa = msa.ok_or(InvalidReply::NoAcknowledgment)?;
    let code = Code::read(nth(msa, separators.field, 1)).ok_or(InvalidReply::UnknownCode)?;
    Ok(Reading {
        code,
        control_id: nth(msa, separators.field, 2),
        line_feeds: has_line_feeds,
        wants_acknowledgment: !code.is_accept_level() && matches!(header.field(15), b"AL" | b"SU"),
        separators,
        segments,
        has_errors,
        msa,
    })
}

/// The accept acknowledgment, a CA without its frame, that is owed for `reply` where
/// [`Reading::wants_acknowledgment`]. `at` is the time since 1970-01-01T00:00:00Z;
/// its nanoseconds become MSH-10, in 16 hexadecimal digits, so two calls must not name
/// the same.
///
/// The reply's bytes are copied as they are. What came in a frame of the usual blocks
/// holds none of them; with other blocks the caller has to look.
///
/// `None` if the reply has no header or no control id, if `at` is after the year
/// 9999, and if the host refuses the memory.
#[must_use]
pub fn accept(reply: &[u8], at: Duration) -> Option<Vec<u8>> {
    let header = Header::read(reply)?;
    if header.control_id().is_empty() {
        return None;
    }
    let Separators {
        field, component, ..
    } = Separators::of(&header);
    let time = time(at)?;
    let seconds = at.as_secs().wrapping_mul(1_000_000_000);
    let nanoseconds = seconds.wrapping_add(at.subsec_nanos().into());
    let id = format!("{nanoseconds:016X}");
    let kind = match nth(header.field(9), component, 2) {
        b"" => joined(&[b"ACK"], component)?,
        event => joined(&[b"ACK", event, b"ACK"], component)?,
    };
    let msh = joined(
        &[
            b"MSH",
            header.field(2),
            header.field(5),
            header.field(6),
            header.field(3),
            header.field(4),
            time.as_bytes(),
            b"",
            &kind,
            id.as_bytes(),
            header.field(11),
            header.field(12),
        ],
        field,
    )?;
    let code = Code::CommitAccept.letters().as_bytes();
    let msa = joined(&[b"MSA", code, header.control_id()], field)?;
    joined(&[&msh, &msa, b""], msh::SEGMENT_END)
}

/// A time since 1970 as HL7 writes it (v2.5 2.A.22), in UTC.
fn time(at: Duration) -> Option<String> {
    let time = DateTime::from_unix_duration(at).ok()?;
    Some(format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}+0000",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minutes(),
        time.seconds(),
    ))
}

/// The pieces with `separator` between them. A reply's fields may be as long as the
/// reply: `None` if the host refuses the memory.
fn joined(pieces: &[&[u8]], separator: u8) -> Option<Vec<u8>> {
    let bytes = pieces.iter().fold(0_usize, |bytes, piece| {
        bytes.saturating_add(piece.len()).saturating_add(1)
    });
    let mut joined = Vec::new();
    reserve(&mut joined, bytes).ok()?;
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            joined.push(separator);
        }
        joined.extend_from_slice(piece);
    }
    Some(joined)
}

/// What stands at `position`, counted from 1, between separators; empty where there
/// is nothing.
fn nth(bytes: &[u8], separator: u8, position: usize) -> &[u8] {
    msh::between(bytes, separator)
        .nth(position.saturating_sub(1))
        .unwrap_or_default()
}

/// What says that a field is empty on purpose (HL7 v2.5 2.5.3).
const NULL: &[u8] = b"\"\"";

/// The bytes that take a reply apart. The escape character is not among them: what it escapes is
/// written without the byte itself (HL7 v2.5 2.7).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Separators {
    field: u8,
    component: u8,
    repetition: u8,
    subcomponent: u8,
}

impl Separators {
    /// Where MSH-2 is cut short, the suggested ones stand in (HL7 v2.5 2.5.4).
    fn of(header: &Header<'_>) -> Self {
        let named = header.field(2);
        let or = |place: usize, usual| named.get(place).copied().unwrap_or(usual);
        Self {
            field: header.separator(),
            component: or(0, b'^'),
            repetition: or(1, b'~'),
            subcomponent: or(3, b'&'),
        }
    }

    /// The fields of a segment, if it is one of this name that has any.
    fn fields<'a>(self, segment: &'a [u8], name: &[u8; 3]) -> Option<&'a [u8]> {
        let (named, rest) = segment.split_first_chunk()?;
        let (separator, fields) = rest.split_first()?;
        (named == name && *separator == self.field).then_some(fields)
    }

    fn any_field_holds(self, fields: &[u8]) -> bool {
        fields
            .split(|byte| *byte == self.field)
            .any(|field| self.holds(field))
    }

    /// Whether a field has more in it than separators.
    fn holds(self, field: &[u8]) -> bool {
        field != NULL && !field.iter().all(|byte| self.divides_field(*byte))
    }

    const fn divides_field(self, byte: u8) -> bool {
        byte == self.component || byte == self.repetition || byte == self.subcomponent
    }

    /// What an ERR segment's fields tell, a detail for each location.
    fn details(self, fields: &[u8]) -> impl Iterator<Item = ErrorDetail> {
        let field = |position| nth(fields, self.field, position);
        let code = field(3);
        let is_old = !self.holds(field(2)) && !self.holds(code);
        let severity = Severity::read(field(4));
        let application_code = self.code(field(5));
        field(if is_old { 1 } else { 2 })
            .split(move |byte| *byte == self.repetition)
            .map(move |location| {
                let old_code = nth(location, self.component, 4);
                ErrorDetail {
                    // In ERR-1 the code comes fourth.
                    location: self.location(location, if is_old { 3 } else { 6 }),
                    code: self.code(if is_old { old_code } else { code }),
                    severity,
                    application_code: application_code.clone(),
                }
            })
    }

    /// The location in the first `parts` components.
    fn location(self, components: &[u8], parts: usize) -> Option<ErrorLocation> {
        let number = |position| {
            let digits = nth(components, self.component, position);
            let number = core::str::from_utf8(digits).ok()?.parse().ok()?;
            (position <= parts).then_some(number)
        };
        Some(ErrorLocation {
            segment: segment(nth(components, self.component, 1))?,
            sequence: number(2),
            field: number(3),
            repetition: number(4),
            component: number(5),
            subcomponent: number(6),
        })
    }

    /// The code that a field or a component begins with, if it has the form of one:
    /// short, letters and digits with little between them, and a digit at least, as
    /// those of table 0357 have, and as a name has not.
    fn code(self, field: &[u8]) -> Option<String> {
        let code = field.split(|byte| self.divides_field(*byte)).next()?;
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:".contains(byte);
        let is_code = code.len() <= ERROR_CODE_BYTES_MAX
            && code.iter().all(fits)
            && code.iter().any(u8::is_ascii_digit);
        is_code.then(|| text(code)).flatten()
    }
}

/// The name of a segment (HL7 v2.5 2.5.2): three letters or digits, a letter first.
fn segment(name: &[u8]) -> Option<String> {
    let fits = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_name = matches!(name, [first, _, _] if first.is_ascii_uppercase());
    (is_name && name.iter().all(fits))
        .then(|| text(name))
        .flatten()
}

fn text(ascii: &[u8]) -> Option<String> {
    core::str::from_utf8(ascii).ok().map(String::from)
}

/// The segments of a reply, whichever of the field's three line ends it uses.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Segments<'a> {
    content: &'a [u8],
    end: u8,
}

impl<'a> Segments<'a> {
    fn of(content: &'a [u8]) -> Self {
        // Only line ends: a blank before them belongs to the last field.
        let last = content.iter().rposition(|byte| !msh::is_segment_end(*byte));
        let body = content.get(..=last.unwrap_or_default()).unwrap_or_default();
        let carriage_returns = scan::places([msh::SEGMENT_END], body).next().is_some();
        Self {
            content: body,
            end: if carriage_returns {
                msh::SEGMENT_END
            } else {
                b'\n'
            },
        }
    }

    /// With the line feed that stands before a segment where one follows a carriage
    /// return.
    fn parts(self) -> impl Iterator<Item = &'a [u8]> {
        msh::between(self.content, self.end)
    }
}

fn without_line_feed(part: &[u8]) -> &[u8] {
    part.strip_prefix(b"\n").unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::{
        Acknowledgment, Code, ErrorDetail, ErrorLocation, Reading, Severity, accept, read,
    };
    use crate::error::InvalidReply;
    use crate::limits::{ERROR_CODE_BYTES_MAX, ERROR_DETAILS_MAX};

    fn code_and_id(content: &[u8]) -> Result<(Code, Vec<u8>, bool), InvalidReply> {
        read(content, true).map(|reading| {
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
    fn a_code_has_a_level_and_a_sign() {
        let accept_level = ["CA", "CE", "CR"];
        let positive = ["AA", "CA"];
        for code in Code::ALL {
            let letters = code.letters();
            assert_eq!(code.is_accept_level(), accept_level.contains(&letters));
            assert_eq!(code.is_positive(), positive.contains(&letters));
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
    fn line_feeds_for_carriage_returns_are_refused_where_the_caller_forbids_them() {
        for content in [
            &b"MSH|^~\\&|B\nMSA|AA|42\n"[..],
            b"MSH|^~\\&|B\r\nMSA|AA|42\r\n",
            b"MSH|^~\\&|B\nMSA|AA|42\r",
        ] {
            assert_eq!(
                read(content, false).err(),
                Some(InvalidReply::LineFeedSegments)
            );
        }
        for content in [
            &b"MSH|^~\\&|B\rMSA|AA|42\r\n"[..],
            b"MSH|^~\\&|B\rMSA|AA|42\n",
            b"MSH|^~\\&|B\rNTE|1||text\ntext\rMSA|AA|42\r",
        ] {
            let reading = read(content, false).unwrap();
            assert_eq!(
                (reading.control_id, reading.line_feeds),
                (&b"42"[..], false)
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
    fn an_application_acknowledgment_is_acknowledged_if_its_own_msh_15_asks_for_it() {
        let wants = |condition: &str, code: &str| {
            let content = format!("MSH|^~\\&|||||||ACK|7|P|2.5|||{condition}|NE\rMSA|{code}|42\r");
            read(content.as_bytes(), false)
                .unwrap()
                .wants_acknowledgment
        };
        for code in ["AA", "AE", "AR"] {
            assert!(wants("AL", code) && wants("SU", code));
            for condition in ["NE", "ER", "", "\"\"", "al", "XX"] {
                assert!(!wants(condition, code));
            }
        }
    }

    #[test]
    fn an_accept_acknowledgment_is_never_acknowledged() {
        for code in ["CA", "CE", "CR"] {
            let content = format!("MSH|^~\\&|||||||ACK|7|P|2.5|||AL|AL\rMSA|{code}|42\r");
            let reading = read(content.as_bytes(), false).unwrap();
            assert!(!reading.wants_acknowledgment);
        }
    }

    const NOTHING: ErrorDetail = ErrorDetail {
        location: None,
        code: None,
        severity: None,
        application_code: None,
    };

    /// The segment's name, and the numbers as far as they go.
    fn at(segment: &str, numbers: &[u32]) -> Option<ErrorLocation> {
        let number = |index: usize| numbers.get(index).copied();
        Some(ErrorLocation {
            segment: segment.into(),
            sequence: number(0),
            field: number(1),
            repetition: number(2),
            component: number(3),
            subcomponent: number(4),
        })
    }

    fn code(code: &str) -> Option<alloc::string::String> {
        Some(code.into())
    }

    /// The details in a reply of this MSA segment and the segments after it.
    fn errors(segments: &str) -> Vec<ErrorDetail> {
        let content = format!("MSH|^~\\&|B|A\r{segments}\r");
        read(content.as_bytes(), false).unwrap().errors()
    }

    #[test]
    fn an_error_has_a_location_a_code_a_severity_and_a_code_of_the_receivers_own() {
        assert_eq!(
            errors(
                "MSA|AE|42\rERR||PID^1^3^2^4^1|101^Required field missing^HL70357|E|X12^Own^L|no \
                 id|text|text"
            ),
            [ErrorDetail {
                location: at("PID", &[1, 3, 2, 4, 1]),
                code: code("101"),
                severity: Some(Severity::Error),
                application_code: code("X12"),
            }]
        );
    }

    #[test]
    fn every_severity_has_a_word_and_any_other_letter_is_none() {
        for (letter, word) in [
            ("I", "information"),
            ("W", "warning"),
            ("E", "error"),
            ("F", "fatal"),
        ] {
            let told = errors(&format!("MSA|AE|42\rERR||||{letter}"));
            let severity = told.first().and_then(|detail| detail.severity);
            assert_eq!(severity.map(Severity::word), Some(word));
        }
        assert_eq!(errors("MSA|AE|42\rERR||||X"), []);
    }

    #[test]
    fn each_repetition_of_err_2_and_each_err_segment_is_a_detail_of_its_own() {
        let detail = |location, told| ErrorDetail {
            location,
            code: code(told),
            ..NOTHING
        };
        assert_eq!(
            errors("MSA|AE|42\rERR||PID^1^3~PV1^1|101\rNTE|1||text\rERR||OBX^2^5|103"),
            [
                detail(at("PID", &[1, 3]), "101"),
                detail(at("PV1", &[1]), "101"),
                detail(at("OBX", &[2, 5]), "103"),
            ]
        );
    }

    #[test]
    fn before_version_2_5_each_repetition_of_err_1_is_a_detail() {
        assert_eq!(
            errors("MSA|AE|42\rERR|PID^1^11^103&Table value not found&HL70357~PV1^1^2^101&text"),
            [
                ErrorDetail {
                    location: at("PID", &[1, 11]),
                    code: code("103"),
                    ..NOTHING
                },
                ErrorDetail {
                    location: at("PV1", &[1, 2]),
                    code: code("101"),
                    ..NOTHING
                },
            ]
        );
    }

    #[test]
    fn err_1_is_read_only_where_err_2_and_err_3_are_empty() {
        let told = |rest: &str| errors(&format!("MSA|AE|42\rERR|PID^1^11^103&text|{rest}"));
        let old = [ErrorDetail {
            location: at("PID", &[1, 11]),
            code: code("103"),
            severity: Some(Severity::Warning),
            application_code: None,
        }];
        assert_eq!(told("||W"), old);
        assert_eq!(told("^^^|\"\"|W"), old);
        let location_only = ErrorDetail {
            location: at("PV1", &[1]),
            ..NOTHING
        };
        assert_eq!(told("PV1^1"), [location_only]);
        let code_only = ErrorDetail {
            code: code("207"),
            ..NOTHING
        };
        assert_eq!(told("|207^text"), [code_only]);
    }

    #[test]
    fn without_an_err_segment_that_holds_anything_msa_6_tells_the_code() {
        let detail = [ErrorDetail {
            code: code("207"),
            ..NOTHING
        }];
        let msa = "MSA|AE|42|text|||207^Application internal error^HL70357";
        assert_eq!(errors(msa), detail);
        for empty in ["ERR", "ERR|", "ERR|^^^~^|&||", "ERR||\"\""] {
            assert_eq!(errors(&format!("{msa}\r{empty}")), detail);
        }
        assert_eq!(errors(&format!("{msa}\rERR||||||||text")), []);
    }

    #[test]
    fn a_reply_without_errors_tells_none() {
        assert_eq!(errors("MSA|AA|42|Message accepted"), []);
        assert_eq!(errors("MSA|AA|42||||\"\"\rERRX||PID|101"), []);
    }

    #[test]
    fn what_may_be_text_is_never_told() {
        for text in [
            "Value of MARK",
            "M\u{c4}RK",
            "MARK\t",
            "MARK-MARK-MARK-MARK-MARK",
            "MARKED",
            "Mark",
            "MARK 47",
            "\"\"",
        ] {
            for segments in [
                format!("MSA|AE|42\rERR||{text}^1^2|{text}^x||{text}"),
                format!("MSA|AE|42\rERR|{text}^1^2^{text}&x"),
                format!("MSA|AE|42||||{text}"),
            ] {
                assert_eq!(errors(&segments), []);
            }
        }
    }

    #[test]
    fn a_code_of_just_the_limit_is_told_and_one_byte_more_is_not() {
        let longest = "9".repeat(ERROR_CODE_BYTES_MAX);
        let told = errors(&format!("MSA|AE|42\rERR|||{longest}"));
        assert_eq!(
            told.first().and_then(|told| told.code.clone()),
            code(&longest)
        );
        assert_eq!(errors(&format!("MSA|AE|42\rERR|||{longest}9")), []);
    }

    #[test]
    fn a_number_that_is_none_is_left_out_of_a_location() {
        let told = errors("MSA|AE|42\rERR||PID^x^3^-1^99999999999^ 1|101");
        let location = ErrorLocation {
            field: Some(3),
            ..at("PID", &[]).unwrap()
        };
        assert_eq!(
            told.first().and_then(|told| told.location.clone()),
            Some(location)
        );
    }

    #[test]
    fn numbers_without_a_segment_are_no_location() {
        assert_eq!(errors("MSA|AE|42\rERR||^1^3"), []);
    }

    #[test]
    fn a_reply_with_errors_without_end_is_told_up_to_the_limit() {
        let segments = "ERR|||101\r".repeat(ERROR_DETAILS_MAX + 1);
        assert_eq!(
            errors(&format!("MSA|AE|42\r{segments}")).len(),
            ERROR_DETAILS_MAX
        );
        let repetitions = "PID^1~".repeat(ERROR_DETAILS_MAX + 1);
        assert_eq!(
            errors(&format!("MSA|AE|42\rERR||{repetitions}|101")).len(),
            ERROR_DETAILS_MAX
        );
        let untold = "ERR||text text\r".repeat(ERROR_DETAILS_MAX + 1);
        assert_eq!(errors(&format!("MSA|AE|42\r{untold}ERR|||101")).len(), 1);
    }

    #[test]
    fn errors_are_read_under_the_replys_own_separators() {
        let content = b"MSH#*@!%#B\rMSA#AE#42\rERR#PID*1*3*101%text@PV1*1*2*10.2%text\r";
        let told = read(content, false).unwrap().errors();
        let detail = |segment, field, told| ErrorDetail {
            location: at(segment, &[1, field]),
            code: code(told),
            ..NOTHING
        };
        assert_eq!(told, [detail("PID", 3, "101"), detail("PV1", 2, "10.2")]);
    }

    #[test]
    fn the_suggested_separators_stand_in_where_msh_2_is_cut_short() {
        let content = b"MSH|^|B\rMSA|AE|42\rERR|PID^1^3^101&text~PV1^1^2^102&text\r";
        let told = read(content, false).unwrap().errors();
        let codes: Vec<_> = told
            .iter()
            .filter_map(|told| told.code.as_deref())
            .collect();
        assert_eq!(codes, ["101", "102"]);
    }

    #[test]
    fn errors_are_told_of_replies_with_line_feeds_too() {
        let content = b"MSH|^~\\&|B\r\nMSA|AE|42\r\nERR|||101\r\n";
        assert_eq!(read(content, true).unwrap().errors().len(), 1);
    }

    /// 2026-11-23T15:03:26.5Z.
    const TIME: Duration = Duration::from_millis(1_795_446_206_500);

    #[test]
    fn the_acknowledgment_of_a_reply_goes_back_to_where_that_came_from() {
        let reply = b"MSH|^~\\&|LAB|HOSPITAL|APP|WARD|20261123||ACK^A01^ACK|R7|P|2.5|||AL|NE\r\
                      MSA|AA|42\r";
        assert_eq!(
            accept(reply, TIME).as_deref(),
            Some(
                &b"MSH|^~\\&|APP|WARD|LAB|HOSPITAL|20261123150326+0000||ACK^A01^ACK|\
                   18EAB4CFE7C15100|P|2.5\rMSA|CA|R7\r"[..]
            )
        );
    }

    #[test]
    fn the_acknowledgment_of_a_reply_can_be_read_as_one() {
        let reply = b"MSH#*@!%#A|#B^#C#D#2026##ORR*O02*ORR_O02#\xE4 7#T#2.3.1###SU\nMSA#AE#42\n";
        let owed = accept(reply, TIME).unwrap();
        let reading = read(&owed, false).unwrap();
        assert_eq!(
            (reading.code, reading.control_id),
            (Code::CommitAccept, &b"\xE4 7"[..])
        );
        assert!(!reading.wants_acknowledgment);
        let text = alloc::string::String::from_utf8_lossy(&owed);
        assert!(text.starts_with("MSH#*@!%#C#D#A|#B^#2026"));
        assert!(text.contains("##ACK*O02*ACK#"));
    }

    #[test]
    fn a_reply_without_a_trigger_event_is_acknowledged_without_one() {
        for kind in ["ACK", "ACK^", ""] {
            let reply = format!("MSH|^~\\&|||||||{kind}|R7|P|2.3|||AL\rMSA|AA|42\r");
            let owed = accept(reply.as_bytes(), TIME).unwrap();
            let text = alloc::string::String::from_utf8(owed).unwrap();
            assert!(text.starts_with("MSH|^~\\&|||||20261123150326+0000||ACK|1"));
            assert!(text.ends_with("|P|2.3\rMSA|CA|R7\r"));
        }
    }

    #[test]
    fn at_every_moment_the_acknowledgment_of_a_reply_has_another_control_id() {
        let reply = b"MSH|^~\\&|||||||ACK|R7|P|2.5\rMSA|AA|42\r";
        let mut control_ids: Vec<_> = [
            Duration::ZERO,
            Duration::from_nanos(1),
            TIME,
            TIME + Duration::from_nanos(1),
            TIME + Duration::from_secs(1),
            // The last second that has a date of four digits.
            Duration::from_secs(253_402_300_799),
        ]
        .into_iter()
        .map(|at| {
            let owed = accept(reply, at).unwrap();
            crate::proto::msh::Header::read(&owed)
                .unwrap()
                .control_id()
                .to_vec()
        })
        .collect();
        assert!(control_ids.iter().all(|control_id| control_id.len() == 16));
        control_ids.sort();
        control_ids.dedup();
        assert_eq!(control_ids.len(), 6);
    }

    #[test]
    fn what_cannot_be_acknowledged_is_not() {
        let reply = b"MSH|^~\\&|||||||ACK|R7|P|2.5\rMSA|AA|42\r";
        assert!(accept(reply, Duration::MAX).is_none());
        assert!(accept(b"", TIME).is_none());
        assert!(accept(b"MSA|AA|42\r", TIME).is_none());
        assert!(accept(b"MSH|^~\\&|||||||ACK||P|2.5\rMSA|AA|42\r", TIME).is_none());
        assert!(accept(b"MSH|^~\\&\rMSA|AA|42\r", TIME).is_none());
    }

    #[test]
    fn its_debug_print_holds_no_bytes_of_the_reply() {
        let acknowledgment = Acknowledgment {
            code: Code::ApplicationAccept,
            control_id: b"MARK".to_vec(),
        };
        let printed = format!("{acknowledgment:?}");
        assert!(!printed.contains("MARK") && !printed.contains("77"));
        let reading: Reading<'_> = read(b"MSH|^~\\&|MARK\rMSA|AA|MARK|MARK\r", false).unwrap();
        let printed = format!("{reading:?}");
        assert!(!printed.contains("MARK") && !printed.contains("77"));
    }
}
