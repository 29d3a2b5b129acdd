//! How far the work has come, for a person who waits: a bar on a terminal, and a
//! line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::state::State;
use crate::values::Choice;

/// How long there is silence between two lines, and before the first.
const LINES_EVERY: Duration = Duration::from_secs(10);

/// WASI 0.2 does not tell how wide a terminal is: all of them are as wide as this.
const WIDTH: u16 = 80;

/// How progress is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    #[default]
    Auto,
    Bar,
    Lines,
    Never,
}

impl Choice for Shown {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (
            Self::Auto,
            "auto",
            "a bar where standard error is a terminal, else lines",
        ),
        (
            Self::Bar,
            "bar",
            "a bar, with a terminal's control sequences",
        ),
        (Self::Lines, "lines", "a line every ten seconds"),
        (Self::Never, "never", "nothing"),
    ];
}

/// How many messages came to what.
#[derive(Clone, Debug, Default)]
struct Tally(Vec<(&'static str, u64)>);

impl Tally {
    fn add(&mut self, word: &'static str) {
        match self.0.iter_mut().find(|(counted, _)| *counted == word) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.0.push((word, 1)),
        }
    }
}

/// What is known of how far the work has come.
#[derive(Debug, Default)]
struct Work {
    /// Messages tried in this run.
    tried: u64,
    /// Messages that needed no try.
    passed: u64,
    tally: Tally,
    /// Messages of the files read so far.
    read: u64,
    /// Files read so far, and files there are.
    files: (u64, u64),
    /// The most that are tried.
    most: Option<u64>,
}

impl Work {
    const fn done(&self) -> u64 {
        self.tried.saturating_add(self.passed)
    }

    /// How many messages there are; a guess, as long as there are files unread, from
    /// those that were read.
    fn total(&self) -> u64 {
        let (read, all) = self.files;
        let total = match read {
            0 => all,
            _ => {
                let unread = u128::from(all.saturating_sub(read));
                let guess = u128::from(self.read).saturating_mul(unread);
                let guess = guess.checked_div(read.into()).unwrap_or_default();
                self.read
                    .saturating_add(u64::try_from(guess).unwrap_or(u64::MAX))
            }
        };
        let most = self.most.map(|most| most.saturating_add(self.passed));
        total.min(most.unwrap_or(u64::MAX)).max(self.done())
    }

    const fn is_guessed(&self) -> bool {
        self.files.0 < self.files.1
    }

    fn words(&self, elapsed: Duration) -> String {
        let about = if self.is_guessed() { "about " } else { "" };
        let mut words = format!("{} of {about}{}", self.done(), self.total());
        let seconds = elapsed.as_secs_f64();
        let left = self.total().saturating_sub(self.done());
        if self.tried > 0 && seconds > 0.0 {
            let rate = self.tried as f64 / seconds;
            words += &format!(", {rate:.1}/s");
            if left > 0 {
                words += &format!(", {} left", span(left as f64 / rate));
            }
        }
        for (word, count) in &self.tally.0 {
            words += &format!(", {word} {count}");
        }
        words
    }
}

/// A span of time in whole seconds, for a person.
fn span(seconds: f64) -> String {
    // Longer than anybody waits, and far from what cannot be told.
    let seconds = Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).unwrap_or_default();
    let whole = Duration::from_secs(seconds.as_secs().max(1));
    humantime::format_duration(whole).to_string()
}

enum Teller {
    Nobody,
    Lines { told: Duration },
    Bar(ProgressBar),
}

/// Tells how far the work has come.
pub(crate) struct Progress {
    work: Work,
    teller: Teller,
}

impl Progress {
    /// Tells it for so many files, of which so many messages are tried at most.
    pub(crate) fn new(shown: Shown, files: u64, most: Option<u64>) -> Self {
        let bar = match shown {
            Shown::Never => None,
            Shown::Lines => Some(false),
            Shown::Bar => Some(true),
            Shown::Auto => Some(io::stderr().is_terminal()),
        };
        let teller = match bar {
            None => Teller::Nobody,
            Some(false) => Teller::Lines {
                told: Duration::ZERO,
            },
            Some(true) => Teller::Bar(bar_on(Box::new(Terminal))),
        };
        let work = Work {
            files: (0, files),
            most,
            ..Work::default()
        };
        Self { work, teller }
    }

    /// A file was read, and holds so many messages.
    pub(crate) fn read(&mut self, messages: usize) {
        let messages = u64::try_from(messages).unwrap_or(u64::MAX);
        self.work.read = self.work.read.saturating_add(messages);
        self.work.files.0 = self.work.files.0.saturating_add(1);
    }

    /// A message needs no try.
    pub(crate) const fn passed(&mut self) {
        self.work.passed = self.work.passed.saturating_add(1);
    }

    /// A message was tried; `elapsed` since the work began.
    pub(crate) fn tried(&mut self, state: State, elapsed: Duration) {
        self.work.tried = self.work.tried.saturating_add(1);
        self.work.tally.add(state.word());
        match &mut self.teller {
            Teller::Nobody => {}
            Teller::Lines { told } => {
                if elapsed.saturating_sub(*told) >= LINES_EVERY {
                    *told = elapsed;
                    let words = self.work.words(elapsed);
                    // It may be gone.
                    let _ = writeln!(io::stderr(), "mllp-send: {words}");
                }
            }
            Teller::Bar(bar) => {
                bar.set_length(self.work.total());
                bar.set_position(self.work.done());
                bar.set_message(self.work.words(elapsed));
            }
        }
    }

    /// Something else is printed: a bar gives way to it.
    pub(crate) fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        match &self.teller {
            Teller::Bar(bar) => bar.suspend(print),
            Teller::Nobody | Teller::Lines { .. } => print(),
        }
    }

    /// The work is over.
    pub(crate) fn end(&self) {
        if let Teller::Bar(bar) = &self.teller {
            bar.finish_and_clear();
        }
    }
}

fn bar_on(terminal: Box<dyn TermLike>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like(terminal));
    match ProgressStyle::with_template("[{bar:15}] {wide_msg}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// Standard error, driven as all terminals are.
#[derive(Debug)]
struct Terminal;

impl Terminal {
    fn move_cursor(count: usize, letter: char) -> io::Result<()> {
        match count {
            0 => Ok(()),
            _ => write!(io::stderr(), "\x1B[{count}{letter}"),
        }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        WIDTH
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        Self::move_cursor(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        Self::move_cursor(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        Self::move_cursor(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        Self::move_cursor(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        writeln!(io::stderr(), "{text}")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        write!(io::stderr(), "{text}")
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\x1B[2K")
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Tally, Work, span};

    const fn work(files: (u64, u64), read: u64, tried: u64, passed: u64) -> Work {
        Work {
            tried,
            passed,
            tally: Tally(Vec::new()),
            read,
            files,
            most: None,
        }
    }

    #[test]
    fn the_number_of_messages_is_guessed_from_the_files_read() {
        assert_eq!(work((0, 3), 0, 0, 0).total(), 3);
        assert_eq!(work((1, 3), 10, 1, 0).total(), 30);
        assert_eq!(work((3, 3), 17, 1, 0).total(), 17);
        assert!(work((1, 3), 10, 1, 0).is_guessed());
        assert!(!work((3, 3), 17, 1, 0).is_guessed());
    }

    #[test]
    fn no_more_are_expected_than_may_be_tried() {
        let work = Work {
            most: Some(5),
            ..work((1, 1), 100, 1, 20)
        };
        assert_eq!(work.total(), 25);
    }

    #[test]
    fn the_time_left_is_that_of_the_messages_left_at_the_rate_so_far() {
        let mut work = work((1, 1), 100, 20, 30);
        work.tally.add("applied");
        work.tally.add("refused");
        work.tally.add("applied");
        assert_eq!(
            work.words(Duration::from_secs(10)),
            "50 of 100, 2.0/s, 25s left, applied 2, refused 1"
        );
        assert_eq!(
            work.words(Duration::ZERO),
            "50 of 100, applied 2, refused 1"
        );
    }

    #[test]
    fn no_time_is_too_long_or_too_short_to_be_told() {
        assert_eq!(span(0.0), "1s");
        assert_eq!(span(3_661.2), "1h 1m 1s");
        assert!(span(f64::INFINITY).contains("years"));
        assert_eq!(span(f64::NAN), "1s");
    }
}
