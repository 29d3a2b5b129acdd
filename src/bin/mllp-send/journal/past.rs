//! What a journal tells of earlier runs.

use std::collections::HashMap;

use mllp_client::error::Delivery;
use thiserror::Error;

use crate::journal::line::{Digest, FIRST_LINE, Line, NAME, Place, Word};
use crate::state::State;

/// Why a file cannot serve as the journal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Unusable {
    /// It does not begin as a journal does.
    #[error("is no journal: it does not begin with \"mllp-send journal\"; nothing was sent")]
    NoJournal,
    /// It begins as one of another version.
    #[error("is a journal of version {0}, and this command reads version 1; nothing was sent")]
    Version(String),
    /// A line is none, and not where a crash leaves one.
    #[error("is damaged: line {0} is none of a journal's; nothing was sent")]
    Damaged(usize),
    /// It is of messages to somebody else.
    #[error(
        "is of messages to {0}; for another receiver take another journal, lest messages be \
         skipped that it never got; nothing was sent"
    )]
    OtherReceiver(String),
}

/// What is known of a message that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) state: State,
    pub(crate) at: String,
    pub(crate) control_id: Option<String>,
    pub(crate) reason: Option<String>,
}

/// What is known of a message now, and what was before it went out the last time.
#[derive(Debug)]
struct Course {
    known: Known,
    is_going_out: bool,
    before: Option<Known>,
}

/// Which message: its file, its content, and the how manieth of that content.
type Key = (u32, Digest, u32);

/// What is known of messages that were tried.
#[derive(Debug, Default)]
pub(crate) struct Past {
    receiver: Option<String>,
    files: HashMap<String, u32>,
    messages: HashMap<Key, Course>,
    /// The content that was last met at each place.
    places: HashMap<(u32, usize), Digest>,
}

impl Past {
    /// Reads a journal. What a crash left of its last line, or of the last lines
    /// before a run, is passed over: such a line was never acted upon.
    pub(crate) fn read(content: &[u8]) -> Result<Self, Unusable> {
        let mut past = Self::default();
        if is_beginning(content) {
            return Ok(past);
        }
        let Some(lines) = content.strip_prefix(FIRST_LINE.as_bytes()) else {
            return Err(unusable(content));
        };
        let mut damaged = None;
        let mut lines: Vec<_> = lines.split(|byte| *byte == b'\n').collect();
        // Nothing, or a line that was not written to its end.
        lines.pop();
        for (line, number) in lines.into_iter().zip(2..) {
            let line = str::from_utf8(line).ok().and_then(Line::read);
            match (line, damaged) {
                (None, _) => damaged = damaged.or(Some(number)),
                (Some(Line::Message { .. }), Some(number)) => {
                    return Err(Unusable::Damaged(number));
                }
                (Some(line), _) => {
                    damaged = None;
                    past.add(line);
                }
            }
        }
        Ok(past)
    }

    fn add(&mut self, line: Line) {
        match line {
            Line::Run { receiver, .. } => self.receiver = Some(receiver),
            Line::Message {
                word,
                at,
                place,
                control_id,
                reason,
            } => {
                let file = self.file(&place.file);
                let key = (file, place.digest, place.nth);
                let state = match word {
                    // Until a line says more, all of it may have arrived.
                    Word::Sending => State::Failed(Delivery::InDoubt),
                    Word::Ended(state) => state,
                };
                let is_going_out = word == Word::Sending;
                let before = self.messages.remove(&key);
                let before = before.and_then(|course| match course.is_going_out && !is_going_out {
                    true => course.before,
                    false => Some(course.known),
                });
                let now = Known {
                    state,
                    at,
                    control_id,
                    reason,
                };
                let known = match &before {
                    Some(before) if state.after(Some(before.state)) != state => before.clone(),
                    _ => now,
                };
                let course = Course {
                    known,
                    is_going_out,
                    before,
                };
                self.messages.insert(key, course);
                self.places.insert((file, place.index), place.digest);
            }
        }
    }

    fn file(&mut self, name: &str) -> u32 {
        if let Some(number) = self.files.get(name) {
            return *number;
        }
        let number = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.insert(name.to_owned(), number);
        number
    }

    /// Whether it is of messages to this receiver, or of none at all.
    pub(crate) fn is_of(&self, receiver: &str) -> Result<(), Unusable> {
        match &self.receiver {
            Some(other) if other != receiver => Err(Unusable::OtherReceiver(other.clone())),
            _ => Ok(()),
        }
    }

    /// What is known of this message; nothing if it was never tried.
    pub(crate) fn of(&self, place: &Place) -> Option<&Known> {
        let file = self.files.get(&place.file)?;
        let course = self.messages.get(&(*file, place.digest, place.nth))?;
        Some(&course.known)
    }

    /// Whether another message stood at this place.
    pub(crate) fn has_another_at(&self, place: &Place) -> bool {
        let file = self.files.get(&place.file);
        file.and_then(|file| self.places.get(&(*file, place.index)))
            .is_some_and(|digest| *digest != place.digest)
    }
}

/// Whether the file is empty, or ends within its first line: a crash left it so
/// before anything was sent.
pub(crate) fn is_beginning(content: &[u8]) -> bool {
    content.len() < FIRST_LINE.len() && FIRST_LINE.as_bytes().starts_with(content)
}

fn unusable(content: &[u8]) -> Unusable {
    let Some(rest) = content.strip_prefix(NAME.as_bytes()) else {
        return Unusable::NoJournal;
    };
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    // No version has more.
    let digits: Vec<_> = rest.iter().take(9).take_while(is_digit).copied().collect();
    match String::from_utf8(digits) {
        Ok(version) if !version.is_empty() => Unusable::Version(version),
        _ => Unusable::NoJournal,
    }
}

#[cfg(test)]
mod tests {
    use super::{Past, Unusable, is_beginning};
    use crate::journal::line::{Digest, FIRST_LINE, Line, Place, Word};
    use crate::state::State;

    const RUN: &str = "run\t-\t0.1.0\tlab:1\t0000000000000007\n";

    fn place(file: &str, index: usize, nth: u32, message: &[u8]) -> Place {
        Place {
            file: file.to_owned(),
            index,
            nth,
            digest: Digest::of(message),
        }
    }

    fn line(word: &str, place: &Place) -> String {
        let word = match word {
            "sending" => Word::Sending,
            word => Word::Ended(State::read(word).unwrap()),
        };
        let line = Line::Message {
            word,
            at: "-".to_owned(),
            place: place.clone(),
            control_id: None,
            reason: None,
        };
        line.text()
    }

    fn read(lines: &[&str]) -> Result<Past, Unusable> {
        Past::read([&[FIRST_LINE], lines].concat().concat().as_bytes())
    }

    fn word(past: &Past, place: &Place) -> Option<&'static str> {
        past.of(place).map(|known| known.state.word())
    }

    #[test]
    fn the_last_line_of_a_message_is_what_is_known() {
        let (one, two, three) = (
            place("a", 1, 1, b"1"),
            place("a", 2, 1, b"2"),
            place("b", 1, 1, b"1"),
        );
        let past = read(&[
            RUN,
            &line("sending", &one),
            &line("refused", &one),
            &line("sending", &one),
            &line("applied", &one),
            &line("sending", &two),
        ])
        .unwrap();
        assert_eq!(word(&past, &one), Some("applied"));
        assert_eq!(word(&past, &two), Some("in-doubt"));
        assert_eq!(word(&past, &three), None);
    }

    #[test]
    fn the_same_content_twice_is_two_messages_wherever_they_stand() {
        let past = read(&[RUN, &line("applied", &place("a", 1, 1, b"1"))]).unwrap();
        assert_eq!(word(&past, &place("a", 5, 1, b"1")), Some("applied"));
        assert_eq!(word(&past, &place("a", 1, 2, b"1")), None);
        assert_eq!(word(&past, &place("b", 1, 1, b"1")), None);
    }

    #[test]
    fn another_message_at_the_same_place_is_noticed() {
        let past = read(&[RUN, &line("applied", &place("a", 1, 1, b"1"))]).unwrap();
        assert!(past.has_another_at(&place("a", 1, 1, b"2")));
        assert!(!past.has_another_at(&place("a", 1, 2, b"1")));
        assert!(!past.has_another_at(&place("a", 2, 1, b"2")));
    }

    #[test]
    fn what_a_crash_leaves_of_a_line_is_passed_over() {
        let (one, two) = (place("a", 1, 1, b"1"), place("a", 2, 1, b"2"));
        let (sending, applied) = (line("sending", &two), line("applied", &two));
        let content = [FIRST_LINE, RUN, &line("applied", &one), &sending, &applied].concat();
        let whole = content.len();
        for size in 0..=whole {
            let past = Past::read(&content.as_bytes()[..size]).unwrap();
            let expected = match whole - size {
                0 => Some("applied"),
                lacking if lacking <= applied.len() => Some("in-doubt"),
                _ => None,
            };
            assert_eq!(word(&past, &two), expected, "{size} of {whole} bytes");
        }
    }

    #[test]
    fn a_run_goes_on_after_what_a_crash_left() {
        let (one, two) = (place("a", 1, 1, b"1"), place("a", 2, 1, b"2"));
        for torn in ["sen\n", "sen\nrun\t-\n", "\0\0\0\n", "\u{e4}\n\n"] {
            let past = read(&[
                RUN,
                &line("sending", &one),
                torn,
                RUN,
                &line("applied", &two),
            ]);
            let past = past.unwrap();
            assert_eq!(word(&past, &one), Some("in-doubt"));
            assert_eq!(word(&past, &two), Some("applied"));
        }
    }

    #[test]
    fn a_damaged_line_that_no_crash_leaves_is_refused_with_its_number() {
        let one = line("sending", &place("a", 1, 1, b"1"));
        assert_eq!(
            read(&[RUN, &one, "damaged\n", &one]).unwrap_err(),
            Unusable::Damaged(4)
        );
        assert_eq!(
            read(&["damaged\n", &one]).unwrap_err(),
            Unusable::Damaged(2)
        );
    }

    #[test]
    fn what_is_no_journal_or_of_another_version_is_refused() {
        for (content, expected) in [
            ("MSH|^~\\&|A\r", Unusable::NoJournal),
            ("\n", Unusable::NoJournal),
            ("mllp-send journal \n", Unusable::NoJournal),
            ("mllp-send journal x\n", Unusable::NoJournal),
            ("mllp-send journal 2\n", Unusable::Version("2".to_owned())),
            ("mllp-send journal 10\n", Unusable::Version("10".to_owned())),
            ("mllp-send journal 2", Unusable::Version("2".to_owned())),
        ] {
            assert_eq!(
                Past::read(content.as_bytes()).unwrap_err(),
                expected,
                "{content}"
            );
        }
        assert!(is_beginning(b"") && is_beginning(b"mllp-send journal 1"));
        assert!(!is_beginning(b"mllp-send journal 2"));
    }

    #[test]
    fn a_journal_is_of_one_receiver() {
        let past = read(&[RUN]).unwrap();
        assert_eq!(past.is_of("lab:1"), Ok(()));
        assert!(past.is_of("lab:2").is_err());
        assert_eq!(read(&[]).unwrap().is_of("lab:2"), Ok(()));
    }

    #[test]
    fn a_try_that_did_not_reach_the_receiver_takes_nothing_back() {
        let place = place("a", 1, 1, b"1");
        for (words, known) in [
            (&["not-sent"][..], "not-sent"),
            (&["sending", "not-sent"], "not-sent"),
            (&["sending", "in-doubt", "not-sent"], "in-doubt"),
            (&["sending", "in-doubt", "sending", "not-sent"], "in-doubt"),
            (&["sending", "sending", "not-sent"], "in-doubt"),
            (&["sending", "in-doubt", "sending", "cut-short"], "in-doubt"),
            (
                &["sending", "cut-short", "sending", "not-sent"],
                "cut-short",
            ),
            (&["sending", "refused", "not-sent", "not-sent"], "refused"),
            (
                &["sending", "in-doubt", "not-sent", "sending", "applied"],
                "applied",
            ),
            (
                &["sending", "not-sent", "sending", "cut-short"],
                "cut-short",
            ),
        ] {
            let lines: String = words.iter().map(|word| line(word, &place)).collect();
            let journal = [FIRST_LINE, RUN, &lines].concat();
            let past = Past::read(journal.as_bytes()).unwrap();
            assert_eq!(past.of(&place).unwrap().state.word(), known, "{words:?}");
        }
    }
}
