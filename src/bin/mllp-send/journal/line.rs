//! The lines of a journal, as `docs/journal.md` describes them: fields with tabs
//! between them. A digest or a number of fixed length stands last, so that no part
//! of a line, cut anywhere, reads as a line that says something else.

use std::fmt::Write;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use crate::state::State;

/// What every journal of this version begins with.
pub(crate) const FIRST_LINE: &str = "mllp-send journal 1\n";

/// What every journal of any version begins with.
pub(crate) const NAME: &str = "mllp-send journal ";

/// For a field that holds nothing.
const NOTHING: &str = "-";

/// The word of a line that stands before a message goes out.
const SENDING: &str = "sending";

/// The word of a line that begins a run.
const RUN: &str = "run";

/// SHA-256 of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(message: &[u8]) -> Self {
        Self(Sha256::digest(message).into())
    }

    fn read(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            // Of these alone, lest `+f` be read as a number.
            let is_digit = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
            let pair = pair.iter().all(is_digit).then_some(pair)?;
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(digest))
    }

    fn text(&self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// Which message a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file, fit to stand in a line.
    pub(crate) file: String,
    /// Which message of the file, from 1.
    pub(crate) index: usize,
    /// The how manieth with this very content in the file, counted through all
    /// passes of `--repeat`.
    pub(crate) nth: u32,
    pub(crate) digest: Digest,
}

/// What a line says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// It is about to go out.
    Sending,
    /// That is what became of it.
    Ended(State),
}

impl Word {
    const fn text(self) -> &'static str {
        match self {
            Self::Sending => SENDING,
            Self::Ended(state) => state.word(),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if text == SENDING {
            return Some(Self::Sending);
        }
        State::read(text).map(Self::Ended)
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A run begins.
    Run {
        at: String,
        version: String,
        receiver: String,
        /// Drawn by chance.
        number: u64,
    },
    /// Something is known of a message.
    Message {
        word: Word,
        at: String,
        place: Place,
        /// MSH-10 as it went out, fit to stand in a line.
        control_id: Option<String>,
        /// What the word rests on: MSA-1 with the codes of errors, or a cause.
        reason: Option<String>,
    },
}

impl Line {
    /// Reads a line without its end.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let fields: Vec<_> = text.split('\t').collect();
        if text
            .chars()
            .any(|character| character.is_control() && character != '\t')
        {
            return None;
        }
        match *fields.as_slice() {
            [RUN, at, version, receiver, number] if number.len() == 16 => Some(Self::Run {
                at: at.to_owned(),
                version: version.to_owned(),
                receiver: receiver.to_owned(),
                number: u64::from_str_radix(number, 16).ok()?,
            }),
            [word, at, file, index, nth, control_id, reason, digest] => Some(Self::Message {
                word: Word::read(word)?,
                at: at.to_owned(),
                place: Place {
                    file: file.to_owned(),
                    index: index.parse().ok()?,
                    nth: nth.parse().ok()?,
                    digest: Digest::read(digest)?,
                },
                control_id: something(control_id),
                reason: something(reason),
            }),
            _ => None,
        }
    }

    /// The line with its end.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Run {
                at,
                version,
                receiver,
                number,
            } => {
                format!("{RUN}\t{at}\t{version}\t{receiver}\t{number:016x}\n")
            }
            Self::Message {
                word,
                at,
                place,
                control_id,
                reason,
            } => {
                let word = word.text();
                let Place {
                    file,
                    index,
                    nth,
                    digest,
                } = place;
                let control_id = control_id.as_deref().unwrap_or(NOTHING);
                let reason = reason.as_deref().unwrap_or(NOTHING);
                let digest = digest.text();
                format!("{word}\t{at}\t{file}\t{index}\t{nth}\t{control_id}\t{reason}\t{digest}\n")
            }
        }
    }
}

fn something(field: &str) -> Option<String> {
    (field != NOTHING).then(|| field.to_owned())
}

/// A file's name as it stands in a line: whether or not it begins with `./`, it is
/// the same file.
pub(crate) fn file_field(name: &str) -> String {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./") {
        name = rest.trim_start_matches('/');
    }
    let mut field = String::with_capacity(name.len());
    for character in name.chars() {
        if character.is_control() || character == '\\' {
            field.extend(character.escape_default());
        } else {
            field.push(character);
        }
    }
    field
}

/// The time of day; a clock beyond all years is not told.
pub(crate) fn time_field() -> String {
    let mut text = String::new();
    let time = humantime::format_rfc3339_millis(SystemTime::now());
    match write!(text, "{time}") {
        Ok(()) => text,
        Err(_) => NOTHING.to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use mllp_client::error::Delivery;
    use mllp_client::proto::exchange::Verdict;

    use super::{Digest, Line, Place, Word, file_field, time_field};
    use crate::state::State;

    pub(crate) fn message(word: Word) -> Line {
        Line::Message {
            word,
            at: "2026-11-26T12:00:00.000Z".to_owned(),
            place: Place {
                file: "a.hl7".to_owned(),
                index: 3,
                nth: 1,
                digest: Digest::of(b"MSH"),
            },
            control_id: Some("MSG\\x09".to_owned()),
            reason: Some("AE:206".to_owned()),
        }
    }

    fn run() -> Line {
        Line::Run {
            at: time_field(),
            version: "0.1.0".to_owned(),
            receiver: "[::1]:2575".to_owned(),
            number: 7,
        }
    }

    fn lines() -> Vec<Line> {
        let refused = State::Told(Verdict::Refused);
        let in_doubt = State::Failed(Delivery::InDoubt);
        let words = [Word::Sending, Word::Ended(refused), Word::Ended(in_doubt)];
        words.map(message).into_iter().chain([run()]).collect()
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for line in lines() {
            let text = line.text();
            assert_eq!(Line::read(text.strip_suffix('\n').unwrap()), Some(line));
        }
    }

    #[test]
    fn no_part_of_a_line_is_a_line() {
        for line in lines() {
            let text = line.text();
            let text = text.trim_end_matches('\n');
            for size in 0..text.len() {
                assert_eq!(Line::read(&text[..size]), None, "{}", &text[..size]);
            }
        }
    }

    #[test]
    fn a_damaged_line_is_none() {
        let text = message(Word::Sending).text();
        let text = text.trim_end();
        for (from, to) in [
            ("sending", "sent"),
            ("\t3\t", "\tx\t"),
            ("\t1\t", "\t-1\t"),
            ("a.hl7", "a\0hl7"),
            ("a.hl7", "a.hl7\r"),
            ("a.hl7", "a\thl7"),
        ] {
            assert!(text.contains(from), "{from:?}");
            assert_eq!(Line::read(&text.replacen(from, to, 1)), None, "{to:?}");
        }
        let upper = text
            .replace("MSG", "msg")
            .to_uppercase()
            .replace("SENDING", "sending");
        assert_eq!(Line::read(&upper), None);
    }

    #[test]
    fn a_line_holds_the_digest_that_other_tools_compute() {
        // As sha256sum has it of nothing.
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").text(), expected);
        assert_eq!(Digest::read(expected), Some(Digest::of(b"")));
    }

    #[test]
    fn a_files_name_neither_breaks_a_line_nor_is_taken_for_another() {
        assert_eq!(file_field("a b\u{e4}.hl7"), "a b\u{e4}.hl7");
        assert_eq!(file_field("a\tb\nc\\t"), "a\\tb\\nc\\\\t");
        assert_eq!(file_field("././/x/a.hl7"), "x/a.hl7");
        assert_eq!(file_field("../a.hl7"), "../a.hl7");
        assert_eq!(file_field("-"), "-");
    }
}
