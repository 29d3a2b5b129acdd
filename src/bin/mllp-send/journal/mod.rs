//! What became of each message, kept in a file from run to run: nothing is lost,
//! and nothing is doubled that the caller did not ask for.
//!
//! A line is on disk before a message goes out, and another when it is known what
//! became of it. A crash at any moment leaves the message of the first kind of line
//! in doubt, and no other.

mod book;
mod line;
mod past;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use thiserror::Error;

use crate::journal::book::{Book, OnDisk};
use crate::journal::line::{Digest, FIRST_LINE, Line, Word, file_field, time_field};
use crate::journal::past::{Past, Unusable, is_beginning};
use crate::output::printable;
use crate::state::State;

pub(crate) use crate::journal::line::Place;
pub(crate) use crate::journal::past::Known;

/// What keeps a run from going on.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    #[error(
        "journal {path}: cannot be read: {error}; nothing was sent (its folder must be one that \
         the command may write to: wasmtime run --dir)"
    )]
    Unreadable { path: String, error: io::Error },
    #[error("journal {path} {reason}")]
    Unusable { path: String, reason: Unusable },
    #[error(
        "journal {path}: cannot be written: {error}; without it nothing is sent (its folder must \
         be one that the command may write to: wasmtime run --dir)"
    )]
    Unwritable { path: String, error: io::Error },
    #[error(
        "journal {path}: somebody else writes to it, another run perhaps; nothing more is sent"
    )]
    Shared { path: String },
}

/// What a message is told to be in a line.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) place: &'a Place,
    pub(crate) control_id: Option<&'a str>,
}

/// A journal in use.
pub(crate) struct Journal {
    /// Its name, fit to be printed.
    path: String,
    book: Box<dyn Book>,
    /// How long it is if nobody else writes to it.
    length: u64,
    past: Past,
    /// How often each content was met in each file in this run.
    met: HashMap<(String, Digest), u32>,
}

impl Journal {
    /// Reads the journal, or begins one, and begins a run in it. `number` is drawn
    /// by chance.
    pub(crate) fn open(path: &Path, receiver: &str, number: u64) -> Result<Self, Trouble> {
        let name = || printable(&path.to_string_lossy());
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                return Err(Trouble::Unreadable {
                    path: name(),
                    error,
                });
            }
        };
        let past = Past::read(&content)
            .and_then(|past| past.is_of(receiver).map(|()| past))
            .map_err(|reason| Trouble::Unusable {
                path: name(),
                reason,
            })?;
        let book = OnDisk::open(path);
        let book = book.map_err(|error| Trouble::Unwritable {
            path: name(),
            error,
        })?;
        Self::begin(name(), Box::new(book), &content, past, receiver, number)
    }

    fn begin(
        path: String,
        book: Box<dyn Book>,
        content: &[u8],
        past: Past,
        receiver: &str,
        number: u64,
    ) -> Result<Self, Trouble> {
        let mut journal = Self {
            path,
            book,
            length: u64::try_from(content.len()).unwrap_or(u64::MAX),
            past,
            met: HashMap::new(),
        };
        let run = Line::Run {
            at: time_field(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            receiver: receiver.to_owned(),
            number,
        };
        let missing = match is_beginning(content) {
            true => FIRST_LINE.get(content.len()..).unwrap_or_default(),
            // What a crash left of a line must not become a part of the next.
            false if !content.ends_with(b"\n") => "\n",
            false => "",
        };
        journal.is_ours()?;
        journal.add(&[missing, &run.text()].concat())?;
        journal.is_ours()?;
        Ok(journal)
    }

    /// Where this message stands, the next of its content in this file.
    pub(crate) fn place(&mut self, file: &str, index: usize, message: &[u8]) -> Place {
        let file = file_field(file);
        let digest = Digest::of(message);
        let met = self.met.entry((file.clone(), digest)).or_default();
        *met = met.saturating_add(1);
        Place {
            nth: *met,
            file,
            index,
            digest,
        }
    }

    /// What earlier runs know of it.
    pub(crate) fn known(&self, place: &Place) -> Option<&Known> {
        self.past.of(place)
    }

    /// Whether an earlier run met another message at this place.
    pub(crate) fn had_another_at(&self, place: &Place) -> bool {
        self.past.has_another_at(place)
    }

    /// The message is about to go out. Once this returns well it is on disk, and
    /// nobody else writes.
    pub(crate) fn sending(&mut self, told: Told<'_>) -> Result<(), Trouble> {
        self.is_ours()?;
        self.message(Word::Sending, told, None)?;
        self.is_ours()
    }

    /// That is what became of the message.
    pub(crate) fn ended(
        &mut self,
        state: State,
        told: Told<'_>,
        reason: &str,
    ) -> Result<(), Trouble> {
        self.message(Word::Ended(state), told, Some(reason))
    }

    fn message(&mut self, word: Word, told: Told<'_>, reason: Option<&str>) -> Result<(), Trouble> {
        let line = Line::Message {
            word,
            at: time_field(),
            place: told.place.clone(),
            control_id: told.control_id.map(str::to_owned),
            reason: reason.map(str::to_owned),
        };
        self.add(&line.text())
    }

    fn add(&mut self, text: &str) -> Result<(), Trouble> {
        let added = self.book.add(text.as_bytes());
        added.map_err(|error| Trouble::Unwritable {
            path: self.path.clone(),
            error,
        })?;
        let size = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(size);
        Ok(())
    }

    fn is_ours(&self) -> Result<(), Trouble> {
        match self.book.length() {
            Ok(length) if length == self.length => Ok(()),
            Ok(_) => Err(Trouble::Shared {
                path: self.path.clone(),
            }),
            Err(error) => Err(Trouble::Unwritable {
                path: self.path.clone(),
                error,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::rc::Rc;

    use mllp_client::error::Delivery;
    use mllp_client::proto::exchange::Verdict;

    use super::book::Book;
    use super::past::Past;
    use super::{Journal, Told, Trouble};
    use crate::state::State;

    /// A file in memory, and how much more room there is on the disk.
    #[derive(Clone, Default)]
    struct Memory(Rc<RefCell<(Vec<u8>, Option<usize>)>>);

    impl Memory {
        fn content(&self) -> Vec<u8> {
            self.0.borrow().0.clone()
        }

        fn full_after(&self, bytes: usize) {
            self.0.borrow_mut().1 = Some(bytes);
        }

        fn journal(&self) -> Result<Journal, Trouble> {
            let content = self.content();
            let past = Past::read(&content).unwrap();
            let book = Box::new(self.clone());
            Journal::begin("j".to_owned(), book, &content, past, "lab:1", 7)
        }
    }

    impl Book for Memory {
        fn add(&mut self, text: &[u8]) -> io::Result<()> {
            let (content, room) = &mut *self.0.borrow_mut();
            let size = room.unwrap_or(text.len()).min(text.len());
            content.extend_from_slice(&text[..size]);
            *room = room.map(|room| room - size);
            match size == text.len() {
                true => Ok(()),
                false => Err(io::ErrorKind::StorageFull.into()),
            }
        }

        fn length(&self) -> io::Result<u64> {
            Ok(self.0.borrow().0.len() as u64)
        }
    }

    /// What is known of the first message with this content, after another look.
    fn known(memory: &Memory, message: &[u8]) -> Option<&'static str> {
        let mut journal = memory.journal().unwrap();
        let place = journal.place("a", 1, message);
        journal.known(&place).map(|known| known.state.word())
    }

    #[test]
    fn what_is_about_to_go_out_is_in_doubt_until_it_is_known() {
        let memory = Memory::default();
        let mut journal = memory.journal().unwrap();
        let place = journal.place("a", 1, b"1");
        assert_eq!(journal.known(&place), None);
        let told = Told {
            place: &place,
            control_id: Some("1"),
        };
        journal.sending(told).unwrap();
        assert_eq!(known(&memory, b"1"), Some("in-doubt"));
        let mut journal = memory.journal().unwrap();
        let applied = State::Told(Verdict::Applied);
        journal.ended(applied, told, "AA").unwrap();
        assert_eq!(known(&memory, b"1"), Some("applied"));
    }

    #[test]
    fn the_same_content_in_one_file_is_counted() {
        let memory = Memory::default();
        let mut journal = memory.journal().unwrap();
        let mut nth = |file, message: &[u8]| journal.place(file, 1, message).nth;
        assert_eq!((nth("a", b"1"), nth("a", b"1"), nth("a", b"2")), (1, 2, 1));
        assert_eq!((nth("b", b"1"), nth("./a", b"1")), (1, 3));
    }

    #[test]
    fn of_two_runs_at_once_each_notices_the_other_before_it_sends() {
        let memory = Memory::default();
        let mut one = memory.journal().unwrap();
        let mut two = memory.journal().unwrap();
        let place = one.place("a", 1, b"1");
        let told = Told {
            place: &place,
            control_id: None,
        };
        assert!(matches!(one.sending(told), Err(Trouble::Shared { .. })));
        // What became of a message that had gone out is told nevertheless.
        let in_doubt = State::Failed(Delivery::InDoubt);
        one.ended(in_doubt, told, "timed-out").unwrap();
        assert!(matches!(two.sending(told), Err(Trouble::Shared { .. })));
    }

    #[test]
    fn a_disk_that_is_full_at_any_byte_leaves_a_journal_that_can_be_read() {
        let memory = Memory::default();
        let lines = |memory: &Memory| -> Result<(), Trouble> {
            let mut journal = memory.journal()?;
            let place = journal.place("a", 1, b"1");
            let told = Told {
                place: &place,
                control_id: Some("1"),
            };
            journal.sending(told)?;
            journal.ended(State::Told(Verdict::Applied), told, "AA")
        };
        lines(&memory).unwrap();
        let size = memory.content().len();
        for room in 0..size {
            let memory = Memory::default();
            memory.full_after(room);
            let trouble = lines(&memory).unwrap_err();
            assert!(matches!(trouble, Trouble::Unwritable { .. }));
            memory.full_after(usize::MAX);
            let before = known(&memory, b"1");
            assert!(
                matches!(before, None | Some("in-doubt")),
                "{room}: {before:?}"
            );
            lines(&memory).unwrap();
            assert_eq!(known(&memory, b"1"), Some("applied"), "{room}");
        }
    }
}
