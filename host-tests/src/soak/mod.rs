//! A long run: components that send, plain and through TLS, to receivers that are
//! restarted all the while. What they tell of each message is held against what the
//! receiver knows of it, and what is used of the machine has to stay the same.

mod pair;
mod process;
mod restarting;

use std::io;
use std::time::{Duration, Instant};

use crate::memory::bound;
use pair::Pair;
pub use pair::Tally;

/// When nothing may grow any more, a tenth of an hour; half of a run that is too short
/// for it. Before, sizes that a seed draws still find gaps in the linear memory too
/// narrow, now and then.
const WARM_UP: Duration = Duration::from_secs(6 * 60);
/// How often it is looked what is used.
const LOOK: Duration = Duration::from_secs(1);
/// By how much the process may have grown after the warm-up, in bytes: by what its
/// allocator keeps of the longest messages, for both receivers and the senders.
const RESIDENT_GROWTH_MAX: u64 = 48 * 1024 * 1024;

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What decides messages and restarts.
    pub seed: u64,
    /// How long it takes.
    pub span: Duration,
    /// The pause after an exchange of each pair: the machine stays of use for others.
    pub pause: Duration,
    /// The first of two ports, at an address of this process's own.
    pub port: u16,
}

/// What a run uses of the machine at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The linear memories, without TLS and with it, in bytes.
    pub linear_memory: [usize; 2],
    /// The process's open file descriptors.
    pub descriptors: usize,
    /// Connections that stand aside.
    pub set_aside: u32,
    /// The process's resident memory, in bytes.
    pub resident: u64,
}

/// What a run has done so far.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// What was told without TLS.
    pub plain: Tally,
    /// What was told through TLS.
    pub tls: Tally,
    /// How often the receivers were restarted.
    pub restarts: u64,
    /// Last looked at.
    pub now: Usage,
    /// After the warm-up, while nobody dies.
    pub warm: Usage,
    /// At the end, while nobody dies.
    pub end: Usage,
}

impl Summary {
    /// How many messages were sent, or were to be.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        let told = self.plain.told.values().chain(self.tls.told.values());
        told.sum()
    }

    /// What should not be: verdicts that are not true, and what grew.
    #[must_use]
    pub fn objections(&self) -> Vec<String> {
        let contradictions = [&self.plain, &self.tls].map(|tally| tally.contradictions.clone());
        let mut objections = contradictions.concat();
        objections.extend(growth(self.warm, self.end).map(str::to_owned));
        objections
    }
}

/// What is not flat.
fn growth(warm: Usage, end: Usage) -> impl Iterator<Item = &'static str> {
    let most = bound(pair::LONG, restarting::LONG_REPLY);
    let grown = [
        (
            end.linear_memory.iter().any(|bytes| *bytes > most),
            "a linear memory is larger than it ever need be",
        ),
        (
            end.linear_memory != warm.linear_memory,
            "the linear memories grew",
        ),
        (
            end.descriptors != warm.descriptors,
            "not as many descriptors are open as before",
        ),
        (end.set_aside > 0, "connections stand aside for good"),
        (
            end.resident > warm.resident + RESIDENT_GROWTH_MAX,
            "the process grew",
        ),
    ];
    grown
        .into_iter()
        .filter_map(|(grown, what)| grown.then_some(what))
}

/// Runs it; `look` is told how far it is after each round.
///
/// # Errors
/// If a receiver cannot listen, or `/proc` cannot be read.
pub async fn run(plan: Plan, mut look: impl FnMut(&Summary)) -> io::Result<Summary> {
    let mut run = Run {
        pairs: [
            Pair::plain(plan.port, plan.seed).await?,
            Pair::through_tls(plan.port + 1, !plan.seed).await?,
        ],
        summary: Summary::default(),
        pause: plan.pause,
        looked: Instant::now(),
    };
    for pair in &mut run.pairs {
        pair.send(pair::LONG).await;
    }
    let begun = Instant::now();
    let warm_up = WARM_UP.min(plan.span / 2);
    run.until(begun + warm_up, &mut look).await?;
    run.summary.warm = run.calm_usage().await?;
    run.until(begun + plan.span, &mut look).await?;
    run.summary.end = run.calm_usage().await?;
    let [plain, tls] = run.pairs;
    run.summary.plain = plain.finish().await;
    run.summary.tls = tls.finish().await;
    Ok(run.summary)
}

struct Run {
    pairs: [Pair; 2],
    summary: Summary,
    pause: Duration,
    looked: Instant,
}

impl Run {
    async fn until(&mut self, end: Instant, look: &mut impl FnMut(&Summary)) -> io::Result<()> {
        while Instant::now() < end {
            for pair in &mut self.pairs {
                pair.exchange().await;
            }
            if self.looked.elapsed() >= LOOK {
                self.looked = Instant::now();
                self.summary.now = self.usage().await?;
                self.summary.restarts = self.pairs.iter().map(Pair::restarts).sum();
                let [plain, tls] = &self.pairs;
                self.summary.plain = plain.tally.clone();
                self.summary.tls = tls.tally.clone();
                look(&self.summary);
            }
            tokio::time::sleep(self.pause).await;
        }
        Ok(())
    }

    /// What is used while both receivers live and both connections stand.
    async fn calm_usage(&mut self) -> io::Result<Usage> {
        for pair in &mut self.pairs {
            pair.calm().await;
        }
        let usage = self.usage().await?;
        self.pairs.iter().for_each(Pair::go_on);
        Ok(usage)
    }

    async fn usage(&mut self) -> io::Result<Usage> {
        let mut usage = Usage {
            descriptors: process::descriptors()?,
            resident: process::resident()?,
            ..Usage::default()
        };
        for (pair, linear_memory) in self.pairs.iter_mut().zip(&mut usage.linear_memory) {
            usage.set_aside += pair.set_aside().await;
            *linear_memory = pair.linear_memory();
        }
        Ok(usage)
    }
}

#[cfg(test)]
mod tests {
    use super::{RESIDENT_GROWTH_MAX, Usage, growth};

    #[test]
    fn what_is_not_flat_is_found() {
        let flat = Usage {
            linear_memory: [1, 1],
            descriptors: 20,
            set_aside: 0,
            resident: 100,
        };
        assert_eq!(growth(flat, flat).count(), 0);
        let resident = flat.resident + RESIDENT_GROWTH_MAX + 1;
        for end in [
            Usage {
                linear_memory: [1, 2],
                ..flat
            },
            Usage {
                descriptors: 21,
                ..flat
            },
            Usage {
                set_aside: 1,
                ..flat
            },
            Usage { resident, ..flat },
        ] {
            assert_eq!(growth(flat, end).count(), 1, "{end:?}");
        }
    }
}
