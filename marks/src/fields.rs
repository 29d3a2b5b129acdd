//! Which fields of a message must carry marks: all that a patient's data could
//! stand in.

use std::fmt;

use crate::PART;

/// The fields of MSH that say how a message is read and handled: the separators,
/// MSH-9 to MSH-12, and MSH-15 to MSH-18.
const STRUCTURE: [usize; 10] = [1, 2, 9, 10, 11, 12, 15, 16, 17, 18];

/// The field of MSA that names a message, after its code, which is short.
const ACKNOWLEDGED: usize = 2;

/// How long what has the form of a code may be.
const CODE_BYTES_MAX: usize = 20;

/// A field whose value nobody could tell from other text, should it come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untraceable {
    segment: String,
    field: usize,
}

impl fmt::Display for Untraceable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}-{} carries no mark: put marks::NAME into it",
            self.segment, self.field
        )
    }
}

/// The first field of the messages in `content` that has a value of five bytes or
/// more which is not traceable.
///
/// `content` may be framed or cut anywhere. Codes in ERR and MSA are passed over:
/// they are told on purpose.
#[must_use]
pub fn untraceable_field(
    content: &[u8],
    is_traceable: impl Fn(&[u8]) -> bool,
) -> Option<Untraceable> {
    let mut separators = *b"|^~\\&";
    let ends = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x0B | 0x1C);
    for segment in content.split(ends) {
        let is_header = segment.starts_with(b"MSH");
        if let (true, Some(own)) = (is_header, segment.get(3..8)) {
            separators.copy_from_slice(own);
        }
        let mut fields = segment.split(|byte| *byte == separators[0]);
        let name = fields.next().unwrap_or_default();
        if name.len() != 3 || !name.iter().all(u8::is_ascii_alphanumeric) {
            continue;
        }
        // MSH-1 stands between the segment's name and MSH-2.
        let first = if is_header { 2 } else { 1 };
        for (number, value) in (first..).zip(fields) {
            let told = match name {
                b"MSH" => STRUCTURE.contains(&number),
                b"MSA" => number == ACKNOWLEDGED,
                _ => false,
            };
            let may_be_code = matches!(name, b"ERR" | b"MSA");
            let is_separator = |byte: &u8| separators[1..].contains(byte);
            let must_be = |part: &&[u8]| part.len() >= PART && !(may_be_code && is_code(part));
            let mut parts = value.split(is_separator).filter(must_be);
            // A mark may stand in a component or consist of several.
            if !told && !is_traceable(value) && parts.any(|part| !is_traceable(part)) {
                return Some(Untraceable {
                    segment: String::from_utf8_lossy(name).into_owned(),
                    field: number,
                });
            }
        }
    }
    None
}

/// Whether it has the form of a code, as `error-detail` in the WIT describes it.
fn is_code(value: &[u8]) -> bool {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:".contains(byte);
    value.len() <= CODE_BYTES_MAX
        && value.iter().all(belongs)
        && value.iter().any(u8::is_ascii_digit)
}
