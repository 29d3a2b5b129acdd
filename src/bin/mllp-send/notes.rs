//! What is told beside the messages' outcomes: what a journal leaves to the caller,
//! and what was not tried. As lines, and as the objects of `--json`.

use std::fmt;

use mllp_client::error::Delivery;
use mllp_client::proto::exchange::Verdict;
use serde::Serialize;

use crate::journal::Known;
use crate::output::About;
use crate::state::State;

/// A message that an earlier run left to the caller, and that was not sent.
#[derive(Serialize)]
pub(crate) struct Left<'a> {
    left: LeftFields<'a>,
}

#[derive(Serialize)]
struct LeftFields<'a> {
    file: &'a str,
    index: usize,
    control_id: Option<&'a str>,
    state: &'static str,
    reason: Option<&'a str>,
    at: &'a str,
}

impl<'a> Left<'a> {
    pub(crate) fn new(about: &'a About, known: &'a Known) -> Self {
        let left = LeftFields {
            file: &about.file,
            index: about.index,
            control_id: known.control_id.as_deref(),
            state: known.state.word(),
            reason: known.reason.as_deref(),
            at: &known.at,
        };
        Self { left }
    }

    pub(crate) const fn control_id(&self) -> Option<&str> {
        self.left.control_id
    }

    pub(crate) const fn word(&self) -> &'static str {
        self.left.state
    }

    /// Of a message whose run ended before it was answered, there is none.
    pub(crate) fn reason(&self) -> &str {
        self.left.reason.unwrap_or("interrupted")
    }

    pub(crate) const fn at(&self) -> &str {
        self.left.at
    }
}

/// What was not tried, since the work ended before.
#[derive(Debug, Default, Serialize)]
pub(crate) struct NotTried {
    not_tried: Rest,
}

/// The rest of the work.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Rest {
    /// Why: max, journal, or what it stopped on.
    pub(crate) why: &'static str,
    /// The file that was not sent to its end, and the first message that was not.
    pub(crate) file: Option<String>,
    pub(crate) index: Option<usize>,
    /// How many messages that file has from there on.
    pub(crate) messages: usize,
    /// How many files come after it.
    pub(crate) files: usize,
    /// How often all files were to be gone through after that.
    pub(crate) passes: u32,
}

impl Rest {
    /// Whether all was tried.
    pub(crate) const fn is_nothing(&self) -> bool {
        self.messages == 0 && self.files == 0 && self.passes == 0
    }
}

impl From<Rest> for NotTried {
    fn from(not_tried: Rest) -> Self {
        Self { not_tried }
    }
}

impl fmt::Display for NotTried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = &self.not_tried;
        write!(f, "stopped ({}); not tried:", rest.why)?;
        let mut separator = " ";
        if let (Some(file), Some(index), 1..) = (&rest.file, rest.index, rest.messages) {
            let file = crate::output::printable(file);
            write!(
                f,
                "{separator}{} of {file} from #{index} on",
                messages(rest.messages)
            )?;
            separator = ", ";
        }
        if rest.files > 0 {
            let more = if separator == ", " { " more" } else { "" };
            write!(f, "{separator}{}{more}", counted(rest.files, "file"))?;
            separator = ", ";
        }
        if rest.passes > 0 {
            write!(f, "{separator}{} of --repeat", counted(rest.passes, "pass"))?;
        }
        Ok(())
    }
}

/// What the journal has of the messages that were met.
#[derive(Debug, Default, Serialize)]
pub(crate) struct JournalRecord {
    journal: Totals,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    file: String,
    /// Messages that an earlier run had settled.
    settled_before: u64,
    left: LeftCounts,
}

/// Messages that are not settled.
#[derive(Debug, Default, Serialize)]
struct LeftCounts {
    in_doubt: u64,
    cut_short: u64,
    not_sent: u64,
    refused: u64,
    unjudged: u64,
}

impl Totals {
    pub(crate) fn new(file: String) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }

    pub(crate) const fn settled_before(&mut self) {
        self.settled_before = self.settled_before.saturating_add(1);
    }

    /// That is what is known of a message now.
    pub(crate) const fn add(&mut self, state: State) {
        let left = &mut self.left;
        let count = match state {
            State::Failed(Delivery::InDoubt) => &mut left.in_doubt,
            State::Failed(Delivery::CutShort) => &mut left.cut_short,
            State::Failed(Delivery::NotSent) => &mut left.not_sent,
            State::Told(Verdict::Refused) => &mut left.refused,
            State::Told(Verdict::Unjudged) => &mut left.unjudged,
            State::Told(Verdict::Applied | Verdict::Accepted | Verdict::Unacknowledged) => return,
        };
        *count = count.saturating_add(1);
    }
}

impl From<Totals> for JournalRecord {
    fn from(journal: Totals) -> Self {
        Self { journal }
    }
}

impl fmt::Display for JournalRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals {
            file,
            settled_before,
            left,
        } = &self.journal;
        let file = crate::output::printable(file);
        write!(f, "{file}: settled before: {settled_before}")?;
        for (count, what) in [
            (
                left.in_doubt,
                "in doubt: ask the receiver whether it has them; --resend in-doubt sends them again",
            ),
            (
                left.cut_short,
                "cut short: --resend cut-short sends them again",
            ),
            (left.not_sent, "not sent: the next run tries them"),
            (
                left.refused,
                "refused: --retry-refused with their code sends them again",
            ),
            (left.unjudged, "unjudged: read their replies"),
        ] {
            if count > 0 {
                write!(f, "; {count} {what}")?;
            }
        }
        Ok(())
    }
}

fn messages(count: usize) -> String {
    counted(count, "message")
}

fn counted(count: impl fmt::Display, what: &str) -> String {
    let count = count.to_string();
    let ending = match (count.as_str(), what.ends_with('s')) {
        ("1", _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use super::{JournalRecord, NotTried, Rest, Totals};
    use crate::state::State;

    #[test]
    fn what_was_not_tried_is_counted() {
        let rest = |messages, files, passes| {
            let rest = Rest {
                why: "refused",
                file: Some("a.hl7".to_owned()),
                index: Some(3),
                messages,
                files,
                passes,
            };
            NotTried::from(rest).to_string()
        };
        assert_eq!(
            rest(1, 0, 0),
            "stopped (refused); not tried: 1 message of a.hl7 from #3 on"
        );
        assert_eq!(
            rest(2, 3, 1),
            "stopped (refused); not tried: 2 messages of a.hl7 from #3 on, 3 files more, 1 pass \
             of --repeat"
        );
        assert_eq!(
            rest(0, 1, 2),
            "stopped (refused); not tried: 1 file, 2 passes of --repeat"
        );
    }

    #[test]
    fn a_journals_totals_say_what_is_left_and_how_to_go_on() {
        let mut totals = Totals::new("j".to_owned());
        totals.settled_before();
        for word in ["applied", "in-doubt", "not-sent", "in-doubt"] {
            totals.add(State::read(word).unwrap());
        }
        let told = JournalRecord::from(totals).to_string();
        assert!(
            told.starts_with("j: settled before: 1; 2 in doubt"),
            "{told}"
        );
        assert!(
            told.contains("--resend in-doubt") && told.contains("1 not sent"),
            "{told}"
        );
        assert!(!told.contains("refused"), "{told}");
    }
}
