//! What runs came to, in numbers.

use std::fmt;

use mllp_client::error::Delivery;
use mllp_client::proto::exchange::Verdict;

use crate::fault::Fault;

/// The verdicts, and what is known of a message where there is none.
pub const WORDS: [&str; 8] = [
    Verdict::Applied.word(),
    Verdict::Accepted.word(),
    Verdict::Refused.word(),
    Verdict::Unacknowledged.word(),
    Verdict::Unjudged.word(),
    Delivery::NotSent.word(),
    Delivery::CutShort.word(),
    Delivery::InDoubt.word(),
];

/// Sums over runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Calls that sent a message, or tried to.
    pub exchanges: u64,
    /// Of these, those in which nothing stood in the way of the outcome that is due,
    /// so that the oracle demanded that one.
    pub exact: u64,
    /// How the exchanges ended, in the order of [`WORDS`].
    pub words: [u64; WORDS.len()],
    /// Faults, in the order of [`Fault::ALL`].
    pub faults: Vec<u64>,
    /// How the failures were named, each cause with its number.
    pub causes: Vec<(&'static str, u64)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            runs: 0,
            exchanges: 0,
            exact: 0,
            words: [0; WORDS.len()],
            faults: vec![0; Fault::ALL.len()],
            causes: Vec::new(),
        }
    }
}

impl Tally {
    /// Counts an exchange that ended with this word.
    pub fn word(&mut self, word: &str) {
        self.exchanges += 1;
        if let Some(place) = WORDS.iter().position(|known| *known == word) {
            self.words[place] += 1;
        }
    }

    /// Counts a failure.
    pub fn cause(&mut self, word: &'static str, times: u64) {
        match self.causes.iter_mut().find(|(known, _)| *known == word) {
            Some((_, counter)) => *counter += times,
            None => self.causes.push((word, times)),
        }
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.exchanges += other.exchanges;
        self.exact += other.exact;
        for (sum, more) in self.words.iter_mut().zip(other.words) {
            *sum += more;
        }
        for (sum, more) in self.faults.iter_mut().zip(&other.faults) {
            *sum += more;
        }
        for (word, times) in &other.causes {
            self.cause(word, *times);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "runs {}, exchanges {}", self.runs, self.exchanges)?;
        writeln!(f, "held to one exact outcome {}", self.exact)?;
        for (word, times) in WORDS.iter().zip(self.words) {
            writeln!(f, "  {word:<16} {times}")?;
        }
        let mut causes = self.causes.clone();
        causes.sort_unstable();
        writeln!(f, "causes")?;
        for (word, times) in causes {
            writeln!(f, "  {word:<20} {times}")?;
        }
        writeln!(f, "faults {}", self.faults.iter().sum::<u64>())?;
        for (fault, times) in Fault::ALL.iter().zip(&self.faults) {
            writeln!(f, "  {:<22} {times}", fault.word())?;
        }
        Ok(())
    }
}
