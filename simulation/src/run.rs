//! One run: a client, a receiver and what lies between, from one seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use marks::Net;
use mllp_client::client::MllpClient;
use mllp_client::error::{Cause, Delivery, Failure};
use mllp_client::limits::CLOSE_MS_MAX;
use mllp_client::options::SendOptions;
use mllp_client::proto::exchange::{Reply, Verdict};

use crate::chance::Chance;
use crate::message::Message;
use crate::oracle::{self, Around, Expected, Violation};
use crate::plan::Plan;
use crate::secure;
use crate::tally::Tally;
use crate::trace::{Event, Trace};
use crate::world::Network;

/// How often a first connection is tried.
const CONNECTS_MAX: u32 = 3;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// In numbers.
    pub tally: Tally,
    /// What happened.
    pub trace: Trace,
    /// The promise that was broken, if one was.
    pub violation: Option<Violation>,
}

/// How many runs there were: each has a receiver of another name, lest it resumes the
/// sessions that another left. All names are as long.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// Runs what `seed` says.
#[must_use]
pub fn run(seed: u64, tls: bool) -> Report {
    let mut chance = Chance::new(seed);
    let name = format!(
        "run-{:016x}.lab.example",
        RUNS.fetch_add(1, Ordering::Relaxed)
    );
    let plan = Plan::draw(&mut chance, tls, &name);
    let network = Network::new(plan, chance);
    let mut run = Run {
        tally: Tally::default(),
        expected: Expected::default(),
        closed: false,
        ids: Vec::new(),
        network: network.clone(),
    };
    let ended = catch_unwind(AssertUnwindSafe(|| run.all(&name)));
    let violation = match ended {
        Ok(held) => held.err(),
        Err(_) => Some(Violation("nothing panics")),
    };
    let mut state = network.state();
    let mut tally = run.tally;
    tally.runs = 1;
    tally.faults.clone_from(&state.faults);
    Report {
        seed,
        tally,
        trace: std::mem::take(&mut state.trace),
        violation,
    }
}

struct Run {
    tally: Tally,
    expected: Expected,
    /// The caller closed the client.
    closed: bool,
    ids: Vec<Vec<u8>>,
    network: Network,
}

type Client = MllpClient<Network>;

impl Run {
    fn all(&mut self, name: &str) -> Result<(), Violation> {
        let Some(mut client) = self.connect(name)? else {
            return Ok(());
        };
        let calls = self.network.look().plan.calls;
        for _ in 0..calls {
            self.pause();
            let reconnects = self.network.look().plan.options.reconnect.on && !self.closed;
            let kind = self.network.state().chance.below(50);
            if !client.is_open() && !reconnects && kind < 40 {
                self.reconnect(&mut client)?;
            }
            match kind {
                0 => self.close(&mut client)?,
                1 => self.reconnect(&mut client)?,
                2 => self.probe(&mut client)?,
                _ => self.send(&mut client)?,
            }
        }
        self.close(&mut client)?;
        let state = self.network.look();
        self.expected.check(&state, client.counters())
    }

    /// Lets some time pass, in which something may happen on the connection.
    fn pause(&self) {
        let mut state = self.network.state();
        state.idle();
        let most = [0, 0, 5_000_000, 30_000_000, 3_000_000_000, 100_000_000_000];
        let most = state.chance.one_of(&most);
        state.now += state.chance.below(most);
    }

    fn connect(&self, name: &str) -> Result<Option<Client>, Violation> {
        for _ in 0..CONNECTS_MAX {
            let mut options = self.network.look().plan.options.clone();
            let tls = self.network.look().plan.tls;
            options.tls = tls.map(|tls| secure::options(tls, name));
            self.begin("connect", self.connect_timeout_ms());
            self.network.state().forget_numbers();
            let connected = MllpClient::connect(self.network.clone(), options);
            match connected {
                Ok(client) => {
                    self.connected(&Ok(()))?;
                    return Ok(Some(client));
                }
                Err(failure) => self.connected(&Err(failure))?,
            }
        }
        Ok(None)
    }

    fn reconnect(&mut self, client: &mut Client) -> Result<(), Violation> {
        self.begin("reconnect", self.connect_timeout_ms());
        self.closed = false;
        let reconnected = client.reconnect();
        self.connected(&reconnected)
    }

    /// What holds of connecting.
    fn connected(&self, connected: &Result<(), Failure>) -> Result<(), Violation> {
        let (word, cause) = match connected {
            Ok(()) => ("open", ""),
            Err(failure) => (failure.delivery.word(), failure.cause.word()),
        };
        self.returned(word, cause, 0);
        let state = self.network.look();
        oracle::check_call(&state)?;
        if let Err(failure) = connected {
            if failure.delivery != Delivery::NotSent {
                return Err(Violation("connecting sends no message"));
            }
            if state.call.harmful == 0 {
                return Err(Violation("where nothing fails, connecting succeeds"));
            }
        }
        if !state.call.handed.is_empty() {
            return Err(Violation("connecting sends no message"));
        }
        Ok(())
    }

    fn close(&mut self, client: &mut Client) -> Result<(), Violation> {
        self.begin("close", CLOSE_MS_MAX as u32);
        self.closed = true;
        client.close();
        self.returned("closed", "", 0);
        if client.is_open() {
            return Err(Violation("a closed client is not open"));
        }
        oracle::check_call(&self.network.look())
    }

    fn probe(&self, client: &mut Client) -> Result<(), Violation> {
        let was_open = client.is_open();
        let unusable = oracle::unusable(&self.network.look());
        let timeout_ms = self.network.look().plan.options.timeout_ms;
        self.begin("probe", timeout_ms);
        let probed = client.probe();
        let (word, cause) = match &probed {
            Ok(()) => ("usable", ""),
            Err(failure) => (failure.delivery.word(), failure.cause.word()),
        };
        self.returned(word, cause, 0);
        oracle::check_call(&self.network.look())?;
        match probed {
            Ok(()) if unusable.is_some() => Err(Violation("a look finds what is there to find")),
            Ok(()) => Ok(()),
            Err(failure) if client.is_open() || (failure.cause == Cause::Closed) == was_open => {
                Err(Violation("a look that fails ends the connection"))
            }
            Err(_) => Ok(()),
        }
    }

    fn send(&mut self, client: &mut Client) -> Result<(), Violation> {
        let (number, timeout_ms) = self.draw();
        let around = self.before(client, timeout_ms);
        let given = {
            let mut state = self.network.state();
            state.begin(Some(number), timeout_ms.unwrap_or(around.timeout_ms));
            let given = state.messages[number].given.clone();
            state.add(Event::Call("send", given.len()));
            given
        };
        let outcome = client.send_with(given, SendOptions { timeout_ms });
        let around = Around {
            is_open: client.is_open(),
            ..around
        };
        self.returned_from_send(number, &outcome);
        let exact = oracle::check_send(&self.network.look(), number, &outcome, &around)?;
        self.tally.exact += u64::from(exact);
        let resend = self.network.look().plan.options.resend;
        oracle::check_retries(&outcome, resend)?;
        // Searching takes longer than all else.
        if number.is_multiple_of(8) {
            NET.with(|net| oracle::check_secrecy(net, &outcome, client.transcript()))?;
        }
        Ok(())
    }

    /// The next message, and a timeout of its own, if it has one.
    fn draw(&mut self) -> (usize, Option<u32>) {
        let mut state = self.network.state();
        let mut chance = state.chance.clone();
        let number = state.messages.len();
        let message = Message::draw(&mut chance, number, &self.ids, &state.plan.options);
        self.ids.push(message.id.clone());
        state.messages.push(message);
        let timeout_ms = chance.one_of(&[None, None, None, Some(5), Some(150), Some(10_000)]);
        state.chance = chance;
        (number, timeout_ms)
    }

    fn before(&self, client: &Client, timeout_ms: Option<u32>) -> Around {
        let state = self.network.look();
        Around {
            began: state.now,
            timeout_ms: timeout_ms.unwrap_or(state.plan.options.timeout_ms),
            was_open: client.is_open(),
            is_open: false,
            may_connect: state.plan.options.reconnect.on && !self.closed,
            was_unusable: oracle::unusable(&state),
        }
    }

    fn returned_from_send(&mut self, number: usize, outcome: &Result<Reply, Failure>) {
        let (word, cause, transmissions) = match outcome {
            Ok(reply) => (reply.verdict.word(), "", reply.transmissions),
            Err(failure) => {
                self.tally.cause(failure.cause.word(), 1);
                let word = failure.delivery.word();
                (word, failure.cause.word(), failure.transmissions)
            }
        };
        self.returned(word, cause, transmissions);
        self.tally.word(word);
        self.expected.count(outcome);
        let is_accepted = matches!(outcome, Ok(reply) if reply.verdict == Verdict::Accepted);
        let mut state = self.network.state();
        if is_accepted {
            state.accepted(number);
        }
    }

    fn begin(&self, call: &'static str, timeout_ms: u32) {
        let mut state = self.network.state();
        state.begin(None, timeout_ms);
        state.add(Event::Call(call, 0));
    }

    fn returned(&self, word: &'static str, cause: &'static str, transmissions: u32) {
        let mut state = self.network.state();
        state.add(Event::Returned(word, cause, transmissions));
    }

    fn connect_timeout_ms(&self) -> u32 {
        let options = &self.network.look().plan.options;
        options.connect_timeout_ms.unwrap_or(options.timeout_ms)
    }
}

thread_local! {
    static NET: Net = Net::marks();
}
