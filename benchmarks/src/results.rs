//! What was found, as it is kept in JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::clients::Client;
use crate::measure::{self, Numbers};
use crate::work::{Kind, Work};

/// All that a run of the benchmark found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) rounds: usize,
    pub(crate) missing: Vec<Missing>,
    pub(crate) results: Vec<Outcome>,
}

/// Where it ran.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    pub(crate) model: String,
    pub(crate) system: String,
    /// Since 1970, in seconds.
    pub(crate) time: u64,
}

/// A client that was not there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Missing {
    pub(crate) client: String,
    pub(crate) why: String,
}

/// What a client did in a work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) work: String,
    pub(crate) client: String,
    /// Why it has no part in the work, by its nature.
    pub(crate) cannot: Option<String>,
    /// What went wrong.
    pub(crate) failed: Option<String>,
    /// The TLS suite.
    pub(crate) suite: Option<String>,
    pub(crate) rounds: Vec<Numbers>,
    pub(crate) medians: Numbers,
    /// The client that the ratios are to.
    pub(crate) reference: String,
    /// Medians of each round's ratio to the reference in the same round.
    pub(crate) ratios: Numbers,
}

impl Machine {
    pub(crate) fn this() -> Self {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let processor = read("/proc/cpuinfo");
        let model = processor.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == "model name").then(|| value.trim().to_owned())
        });
        let release = read("/proc/sys/kernel/osrelease");
        let system = format!("{} {}", std::env::consts::OS, release.trim());
        Self {
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            model: model.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            system: system.trim().to_owned(),
            time: std::time::UNIX_EPOCH
                .elapsed()
                .map_or(0, |time| time.as_secs()),
        }
    }
}

impl Outcome {
    pub(crate) fn new(work: &Work, client: Client) -> Self {
        Self {
            work: work.name.clone(),
            client: client.name().to_owned(),
            cannot: client.cannot(work).map(str::to_owned),
            failed: None,
            suite: None,
            rounds: Vec::new(),
            medians: Numbers::new(),
            reference: reference(work).name().to_owned(),
            ratios: Numbers::new(),
        }
    }

    /// Once all rounds are there, the reference's too.
    pub(crate) fn sum_up(&mut self, reference: Option<&[Numbers]>) {
        self.medians = measure::medians(&self.rounds);
        let pairs = self.rounds.iter().zip(reference.unwrap_or_default());
        let ratios: Vec<Numbers> = pairs.map(|(own, to)| measure::ratios(own, to)).collect();
        self.ratios = measure::medians(&ratios);
    }
}

/// What the others of a work are compared with.
pub(crate) const fn reference(work: &Work) -> Client {
    match work.kind {
        Kind::Connections(_) => Client::TokioCt,
        Kind::RoundTrips | Kind::ColdStart => Client::Floor,
    }
}

impl Results {
    pub(crate) fn read(file: &Path) -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    }

    pub(crate) fn write(&self, file: &Path) -> std::io::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(file, text)
    }

    /// What a client did in a work, if it was measured at all.
    pub(crate) fn of(&self, work: &str, client: Client) -> Option<&Outcome> {
        self.results
            .iter()
            .find(|outcome| outcome.work == work && outcome.client == client.name())
    }

    /// A number of a client in a work.
    pub(crate) fn number(&self, work: &str, client: Client, name: &str) -> Option<f64> {
        self.of(work, client)?.medians.get(name).copied()
    }

    /// Whether anything was measured in a work.
    pub(crate) fn has(&self, work: &str) -> bool {
        let mut of_work = self.results.iter().filter(|outcome| outcome.work == work);
        of_work.any(|outcome| !outcome.rounds.is_empty())
    }

    pub(crate) fn is_missing(&self, client: Client) -> bool {
        let mut missing = self.missing.iter();
        missing.any(|missing| missing.client == client.name())
    }
}
