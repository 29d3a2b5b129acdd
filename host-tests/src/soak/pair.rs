//! A client with its receiver, and what it was told of each message held against
//! what the receiver knows of it.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use super::restarting::{Known, Restarting};
use crate::certificates::{Authority, Key};
use crate::chance::Chance;
use crate::messages::message_of;
use crate::mortal;
use crate::sandbox::types::{Delivery, Failure, Reply, Verdict};
use crate::sandbox::{Client, Grants, Sandbox, Settings, Tls};

/// How long an exchange may take, in milliseconds.
const TIMEOUT_MS: u32 = 2_000;
/// What takes longer.
const OUTAGE: Duration = Duration::from_millis(2_500);
/// How many messages later a verdict is held against the receiver's knowledge: by
/// then it has read what it will ever read.
const LATER: usize = 200;
/// How many messages in a row must be applied before a connection counts as calm.
const CALM: u32 = 3;
/// How many messages that may take.
const CALM_WITHIN: u32 = 200;
/// More than all buffers on the way hold, in bytes.
pub(super) const LONG: usize = 9_000_000;

/// What was told so far, and what did not agree.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Calls by what they told.
    pub told: BTreeMap<&'static str, u64>,
    /// Tries that did not settle a message, beside the last of each.
    pub retries: u64,
    /// Where the receiver knows it better.
    pub contradictions: Vec<String>,
}

/// See above.
pub(super) struct Pair {
    name: &'static str,
    sandbox: Sandbox,
    client: Client,
    receiver: Restarting,
    chance: Chance,
    last: u64,
    /// Verdicts that are yet to be looked at.
    lately: VecDeque<Told>,
    pub(super) tally: Tally,
}

/// What a caller was told of a message.
#[derive(Clone, Copy, Debug)]
struct Told {
    id: u64,
    word: &'static str,
    transmissions: u32,
}

impl Pair {
    /// Without TLS.
    pub(super) async fn plain(port: u16, seed: u64) -> io::Result<Self> {
        let receiver = Restarting::start(port, None, OUTAGE, seed)?;
        Ok(Self::new("plain", receiver, supervised(), seed).await)
    }

    /// With TLS.
    pub(super) async fn through_tls(port: u16, seed: u64) -> io::Result<Self> {
        let authority = Authority::new(Key::P256);
        let certificate = authority.receiver(&[&mortal::own_address().to_string()]);
        let receiver = Restarting::start(port, Some(certificate.server()), OUTAGE, seed)?;
        let settings = Settings {
            tls: Some(Tls::trusting(&authority)),
            ..supervised()
        };
        Ok(Self::new("TLS", receiver, settings, seed).await)
    }

    async fn new(name: &'static str, receiver: Restarting, settings: Settings, seed: u64) -> Self {
        let mut sandbox = Sandbox::new(Grants::none().address(receiver.address)).await;
        let client = sandbox.connect_with(receiver.address, settings).await;
        Self {
            name,
            sandbox,
            client: client.expect("the receiver comes back"),
            receiver,
            chance: Chance::new(seed ^ u64::MAX),
            last: 0,
            lately: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    /// Sends a message of any size.
    pub(super) async fn exchange(&mut self) {
        let size = size(&mut self.chance);
        self.send(size).await;
    }

    /// Sends a message of this size; whether it was applied.
    pub(super) async fn send(&mut self, size: usize) -> bool {
        self.last += 1;
        let message = message_of(&self.last.to_string(), size);
        let outcome = self.sandbox.send(self.client, &message).await;
        let told = Told::new(self.last, &outcome);
        let retries = match &outcome {
            Ok(reply) => reply.retries.len(),
            Err(failure) => failure.retries.len(),
        };
        self.tally.retries += retries as u64;
        *self.tally.told.entry(told.word).or_default() += 1;
        self.lately.push_back(told);
        if self.lately.len() > LATER
            && let Some(told) = self.lately.pop_front()
        {
            self.reconcile(told);
        }
        told.word == "applied"
    }

    /// Has the receiver live on for now, and sends until all goes well.
    pub(super) async fn calm(&mut self) {
        self.receiver.keep_calm(true);
        let mut in_a_row = 0;
        for _ in 0..CALM_WITHIN {
            in_a_row = match self.send(LONG / 100).await {
                true => in_a_row + 1,
                false => 0,
            };
            if in_a_row == CALM {
                return;
            }
        }
        self.contradict("the receiver lives, and messages are not applied");
    }

    /// Has the receiver die again.
    pub(super) fn go_on(&self) {
        self.receiver.keep_calm(false);
    }

    pub(super) fn restarts(&self) -> u64 {
        self.receiver.restarts()
    }

    pub(super) fn linear_memory(&self) -> usize {
        self.sandbox.host().linear_memory()
    }

    pub(super) async fn set_aside(&mut self) -> u32 {
        self.sandbox.connections_set_aside().await
    }

    /// Ends both, and looks at all that is left to look at.
    pub(super) async fn finish(mut self) -> Tally {
        self.compare_counters().await;
        if self.sandbox.close(self.client).await.is_err() {
            self.contradict("a calm connection does not close");
        }
        while let Some(told) = self.lately.pop_front() {
            self.reconcile(told);
        }
        if self.receiver.finish() > 0 {
            let found = format!("{}: the receiver has messages that nobody sent", self.name);
            self.tally.contradictions.push(found);
        }
        self.tally
    }

    fn reconcile(&mut self, told: Told) {
        let known = self.receiver.take_known(told.id);
        if !told.agrees_with(known) {
            self.contradict(&format!("{told:?}, the receiver knows {known:?}"));
        }
    }

    /// The component has counted the same.
    async fn compare_counters(&mut self) {
        let counters = self.sandbox.counters(self.client).await;
        for (word, counted) in [
            ("applied", counters.exchanges.applied),
            ("not-sent", counters.failures.not_sent),
            ("cut-short", counters.failures.cut_short),
            ("in-doubt", counters.failures.in_doubt),
        ] {
            let told = self.tally.told.get(word).copied().unwrap_or_default();
            if told != counted {
                self.contradict(&format!("{told} times {word}, and {counted} counted"));
            }
        }
    }

    fn contradict(&mut self, found: &str) {
        let found = format!("{}: {found}", self.name);
        self.tally.contradictions.push(found);
    }
}

impl Told {
    fn new(id: u64, outcome: &Result<Reply, Failure>) -> Self {
        let (word, transmissions) = match outcome {
            Ok(reply) => match reply.verdict {
                Verdict::Applied => ("applied", reply.transmissions),
                _ => ("what the receiver never says", reply.transmissions),
            },
            Err(failure) => {
                let word = match failure.delivery {
                    Delivery::NotSent => "not-sent",
                    Delivery::CutShort => "cut-short",
                    Delivery::InDoubt => "in-doubt",
                };
                (word, failure.transmissions)
            }
        };
        Self {
            id,
            word,
            transmissions,
        }
    }

    fn agrees_with(self, known: Known) -> bool {
        let is_true = match self.word {
            "applied" => known.acknowledged && known.taken > 0,
            "not-sent" => self.transmissions == 0,
            "cut-short" => known.taken == 0,
            word => word == "in-doubt",
        };
        // What is sent again by default has not been sent at all.
        is_true && self.transmissions <= 1 && known.taken <= self.transmissions
    }
}

/// Short delays, and far more tries than a restart takes.
fn supervised() -> Settings {
    Settings {
        timeout: Some(TIMEOUT_MS),
        reconnect: Some(true),
        reconnect_minimum_delay: Some(2),
        reconnect_maximum_delay: Some(50),
        reconnect_attempts: Some(10_000),
        ..Settings::default()
    }
}

/// Most are small, some take several writes, few do not fit into any buffer.
fn size(chance: &mut Chance) -> usize {
    match chance.below(400) {
        0 => LONG,
        1..=8 => chance.between(100_000, 400_000),
        _ => chance.between(400, 4_000),
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Told};

    #[test]
    fn a_verdict_that_is_not_true_is_found() {
        for (word, transmissions, taken, acknowledged, agree) in [
            ("applied", 1, 1, true, true),
            ("applied", 1, 1, false, false),
            ("applied", 1, 0, false, false),
            ("applied", 1, 2, true, false),
            ("applied", 2, 2, true, false),
            ("in-doubt", 1, 0, false, true),
            ("in-doubt", 1, 1, true, true),
            ("in-doubt", 1, 2, true, false),
            ("cut-short", 1, 0, false, true),
            ("cut-short", 1, 1, false, false),
            ("not-sent", 0, 0, false, true),
            ("not-sent", 0, 1, false, false),
            ("not-sent", 1, 0, false, false),
            ("what the receiver never says", 1, 1, true, false),
        ] {
            let told = Told {
                id: 1,
                word,
                transmissions,
            };
            let known = Known {
                taken,
                acknowledged,
            };
            assert_eq!(told.agrees_with(known), agree, "{told:?}, {known:?}");
        }
    }
}
