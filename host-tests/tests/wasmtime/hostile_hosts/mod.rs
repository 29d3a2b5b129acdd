//! A host that denies, stalls, lies about readiness or sets its clocks as it likes
//! cannot make the component trap or hang, nor make it say of a message what is not
//! so.

mod chance;
mod clocks;
mod lookups;
mod refusals;
mod secured;
mod streams;
mod waits;

use host_tests::messages::{frame, message};
use host_tests::sandbox::types::{Cause, Delivery, Failure, Reply, Verdict};
use host_tests::sandbox::{Client, Sandbox, Settings};
use host_tests::scripted_host::{Script, ScriptedHost};

/// The component's own timeout, in milliseconds.
const TIMEOUT: u64 = 30_000;

/// How long closing waits for TLS's closing to be taken, in milliseconds.
const CLOSING: u64 = 1_000;

/// How long a call may take beyond its deadline, in milliseconds of the host's time:
/// for the calls it makes, a microsecond each.
const GRACE: u64 = 100;

/// What every connection that stands aside holds.
const SET_ASIDE: [&str; 5] = [
    "input-stream",
    "output-stream",
    "pollable",
    "pollable",
    "tcp-socket",
];

/// One message, in a host that follows a script.
struct Exchange {
    /// The reply, or what failed while connecting or sending.
    outcome: Result<Reply, Failure>,
    /// What the host took for the receiver, on all connections.
    taken: Vec<u8>,
    /// How long the last call took, in milliseconds of the host's time.
    took: u64,
    /// How many connections stand aside at the end.
    set_aside: u32,
    /// The host, after the client is dropped.
    sandbox: Sandbox<ScriptedHost>,
}

impl Exchange {
    /// Connects to a literal address, sends one message, closes.
    async fn of(script: Script) -> Self {
        Self::with(script, "192.0.2.1", Settings::default()).await
    }

    /// The same with a host by name or literal and settings.
    async fn with(script: Script, host: &str, settings: Settings) -> Self {
        let mut sandbox = Sandbox::scripted(script).await;
        let begun = sandbox.host().milliseconds();
        let connected = sandbox.connect_to(host, 2575, settings).await;
        let took = sandbox.host().milliseconds() - begun;
        assert!(took <= TIMEOUT + GRACE, "connecting took {took} ms");
        let (outcome, took) = match connected {
            Ok(client) => send(&mut sandbox, client).await,
            Err(failure) => (Err(failure), took),
        };
        let set_aside = sandbox.connections_set_aside().await;
        let exchange = Self {
            outcome,
            taken: sandbox.host().taken().concat(),
            took,
            set_aside,
            sandbox,
        };
        exchange.checked()
    }

    /// Nothing is said that is not so, and nothing is held that need not be.
    fn checked(mut self) -> Self {
        let whole = frame(&message("1"));
        let is_whole = self.taken.windows(whole.len()).any(|part| part == whole);
        match &self.outcome {
            Ok(reply) => {
                assert!(is_whole, "{reply:?} to a message not taken");
                assert_eq!(reply.verdict, Verdict::Applied);
            }
            Err(failure) => match failure.delivery {
                Delivery::NotSent => assert!(self.taken.is_empty(), "{failure:?}"),
                Delivery::CutShort => assert!(!self.taken.contains(&0x1C), "{failure:?}"),
                Delivery::InDoubt => {}
            },
        }
        let standing = usize::try_from(self.set_aside).unwrap();
        let mut expected = SET_ASIDE.repeat(standing);
        expected.sort_unstable();
        assert_eq!(self.sandbox.host_mut().held(), expected);
        self
    }

    fn reply(&self) -> &Reply {
        self.outcome.as_ref().unwrap()
    }

    fn failure(&self) -> &Failure {
        self.outcome.as_ref().unwrap_err()
    }

    fn cause(&self) -> &Cause {
        &self.failure().cause
    }

    fn delivery(&self) -> Delivery {
        self.failure().delivery
    }
}

/// Sends a message, closes and drops the client; the first of it told, with how long
/// it took.
async fn send(
    sandbox: &mut Sandbox<ScriptedHost>,
    client: Client,
) -> (Result<Reply, Failure>, u64) {
    let begun = sandbox.host().milliseconds();
    let outcome = sandbox.send(client, &message("1")).await;
    let took = sandbox.host().milliseconds() - begun;
    assert!(took <= TIMEOUT + GRACE, "sending took {took} ms");
    let begun = sandbox.host().milliseconds();
    sandbox.close(client).await.unwrap();
    sandbox.drop(client).await;
    let closing = sandbox.host().milliseconds() - begun;
    assert!(closing <= CLOSING + GRACE, "closing took {closing} ms");
    (outcome, took)
}
