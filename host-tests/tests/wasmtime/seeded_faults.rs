//! Ten thousand exchanges in which a seed decides what goes wrong, at the receiver or
//! in the host. What is told of each message is held against what the receiver has.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use host_tests::certificates::{Authority, Key};
use host_tests::chance::Chance;
use host_tests::event::{Event, idle};
use host_tests::messages::{ack, control_id, frame, message, pad};
use host_tests::narrow::Narrow;
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{Failure, Reply};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings, Tls};
use rustls::ServerConfig;
use tokio::task::JoinSet;

use crate::common::word;

/// So many instances send so many messages each, and so many of them through TLS.
const INSTANCES: u64 = 10;
const MESSAGES: usize = 1_000;
const THROUGH_TLS: u64 = 2;
/// What decides it all. Another may be set in the environment, as `MLLP_SEED`.
const SEED: u64 = 5;
/// The largest reply that is taken.
const LARGEST: usize = 1_000;

/// What befalls an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Nothing,
    /// The reply comes in two segments.
    Pieces,
    /// The host hands bytes over one by one.
    Dribble,
    /// The reply says AE.
    Refusal,
    /// The receiver ends the connection after its answer, and is found gone.
    GoneWhileIdle,
    /// The answer comes twice: what is left over must meet no other message.
    Twice,
    /// Another message is acknowledged.
    OtherMessage,
    Junk,
    TooLong,
    NoAcknowledgment,
    /// The receiver ends the connection without an answer, or within it.
    Unanswered,
    Truncated,
    TruncatedByReset,
    /// It dies when it has read some of the message.
    ResetInMessage,
    /// The host tells that the connection ended, within the answer.
    LostInAnswer,
    /// The host tells so before it took all of the message.
    LostInMessage,
}

const FAULTS: [Fault; 16] = [
    Fault::Nothing,
    Fault::Pieces,
    Fault::Dribble,
    Fault::Refusal,
    Fault::GoneWhileIdle,
    Fault::Twice,
    Fault::OtherMessage,
    Fault::Junk,
    Fault::TooLong,
    Fault::NoAcknowledgment,
    Fault::Unanswered,
    Fault::Truncated,
    Fault::TruncatedByReset,
    Fault::ResetInMessage,
    Fault::LostInAnswer,
    Fault::LostInMessage,
];

/// One exchange, as the seed decided it.
#[derive(Clone)]
struct Planned {
    id: String,
    fault: Fault,
    /// Where in the answer, or in the message, it happens: a byte that is not the
    /// first and not the last.
    at: usize,
    /// The receiver has ended the connection.
    gone: Event,
}

impl Planned {
    fn message(&self) -> Vec<u8> {
        message(&self.id)
    }

    fn answer(&self) -> Vec<u8> {
        frame(&ack("AA", &self.id))
    }

    fn new(number: usize, chance: &mut Chance) -> Self {
        let mut planned = Self {
            id: number.to_string(),
            fault: chance.of(&FAULTS),
            at: 0,
            gone: Event::new(),
        };
        let answer = planned.answer();
        planned.at = match planned.fault {
            Fault::LostInMessage => chance.between(1, frame(&planned.message()).len()),
            // What is cut within a field could not be traced where it must not be.
            Fault::Truncated | Fault::TruncatedByReset => {
                let fields = answer.split_inclusive(|byte| *byte == b'|');
                let whole = chance.between(1, fields.clone().count());
                fields.take(whole).map(<[u8]>::len).sum()
            }
            _ => chance.between(1, answer.len()),
        };
        planned
    }

    /// The receiver's part.
    fn play(&self, script: Receiver) -> Receiver {
        let answer = self.answer();
        let (begin, rest) = answer.split_at(self.at.min(answer.len()));
        let read = |script: Receiver| script.expect(&self.message());
        match self.fault {
            Fault::Nothing | Fault::Dribble | Fault::LostInAnswer => read(script).send(&answer),
            Fault::Pieces => read(script).send_in_pieces(vec![begin.to_vec(), rest.to_vec()]),
            Fault::Refusal => read(script).acknowledge("AE"),
            Fault::GoneWhileIdle => read(script).send(&answer).close().announce(&self.gone),
            Fault::Twice => read(script).send(&answer.repeat(2)),
            Fault::OtherMessage => read(script).reply(&ack("AA", "another")),
            Fault::Junk => read(script).send(&[b"junk", &answer[..]].concat()),
            Fault::TooLong => {
                let mut long = ack("AA", &self.id);
                pad(&mut long, LARGEST + 1);
                read(script).reply(&long)
            }
            Fault::NoAcknowledgment => read(script).reply(b"OK"),
            Fault::Unanswered => read(script).close(),
            Fault::Truncated => read(script).send(begin).close(),
            Fault::TruncatedByReset => read(script).send(begin).reset(),
            Fault::ResetInMessage => script.expect_part(self.at.min(20)).reset(),
            Fault::LostInMessage => script,
        }
    }

    /// Whether the host loses its connection.
    const fn is_the_hosts(&self) -> bool {
        matches!(self.fault, Fault::LostInAnswer | Fault::LostInMessage)
    }

    /// Whether the next exchange needs another connection.
    const fn ends_the_connection(&self) -> bool {
        !matches!(
            self.fault,
            Fault::Nothing | Fault::Pieces | Fault::Dribble | Fault::Refusal
        )
    }

    /// The host's part.
    fn narrow(&self) -> Narrow {
        let at = self.at as u64;
        match self.fault {
            Fault::Dribble => Narrow::new().cut_everywhere().permit(1),
            Fault::LostInAnswer => Narrow::new().ends_after(at),
            Fault::LostInMessage => Narrow::new().breaks_after(at),
            _ => Narrow::new(),
        }
    }

    /// What must be told of it, and whether the receiver has it then.
    fn truth(&self, through_tls: bool) -> (&'static str, usize) {
        match self.fault {
            Fault::Nothing
            | Fault::Pieces
            | Fault::Dribble
            | Fault::GoneWhileIdle
            | Fault::Twice => ("applied", 1),
            Fault::Refusal => ("refused", 1),
            // All of the message is with the network.
            Fault::ResetInMessage => ("in-doubt", 0),
            Fault::LostInMessage => {
                let trailer = frame(&self.message()).len() - 1;
                let was_the_end_block_taken = !through_tls && self.at == trailer;
                match was_the_end_block_taken {
                    true => ("in-doubt", 0),
                    false => ("cut-short", 0),
                }
            }
            _ => ("in-doubt", 1),
        }
    }
}

fn seed() -> u64 {
    std::env::var("MLLP_SEED").map_or(SEED, |seed| seed.parse().expect("a number"))
}

/// The name of what was told, and how often the message went out.
fn told(outcome: &Result<Reply, Failure>) -> (String, u32) {
    match outcome {
        Ok(reply) => (word(&reply.verdict), reply.transmissions),
        Err(failure) => (word(&failure.delivery), failure.transmissions),
    }
}

/// Sends it, and waits where the next look at the connection is to find it ended.
async fn exchange(
    sandbox: &mut Sandbox,
    client: Client,
    planned: &Planned,
    is_connection_needed: bool,
) -> Result<Reply, Failure> {
    if is_connection_needed && planned.is_the_hosts() {
        // What befalls this connection is not to befall its handshake.
        sandbox.reconnect(client).await?;
    }
    sandbox.host_mut().narrow(planned.narrow());
    let outcome = sandbox.send(client, &planned.message()).await;
    sandbox.host_mut().narrow(Narrow::new());
    if planned.fault == Fault::GoneWhileIdle {
        planned.gone.wait();
        idle().await;
    }
    outcome
}

fn accept(script: Receiver, server: Option<&Arc<ServerConfig>>) -> Receiver {
    match server {
        Some(server) => script.accept().shake_hands(Arc::clone(server)),
        None => script.accept(),
    }
}

/// The exchanges of one instance; how many there were of each kind.
async fn instance(seed: u64, tls: Option<(Arc<ServerConfig>, Tls)>) -> BTreeMap<Fault, u64> {
    let mut chance = Chance::new(seed);
    let plan: Vec<_> = (1..=MESSAGES)
        .map(|number| Planned::new(number, &mut chance))
        .collect();
    let server = tls.as_ref().map(|(server, _)| server);
    let mut script = accept(Receiver::new(), server);
    let mut is_needed = false;
    for planned in &plan {
        if is_needed {
            script = accept(script, server);
        }
        script = planned.play(script);
        is_needed = planned.ends_the_connection();
    }
    let all_sent = Event::new();
    let receiver = script.wait_for(&all_sent).start();
    let mut sandbox = Sandbox::new(Grants::none().address(receiver.address).narrow()).await;
    let settings = Settings {
        max_message_size: Some(LARGEST as u64),
        reconnect: Some(true),
        reconnect_minimum_delay: Some(1),
        reconnect_maximum_delay: Some(10),
        tls: tls.as_ref().map(|(_, tls)| tls.clone()),
        ..Settings::default()
    };
    let client = sandbox.connect_with(receiver.address, settings).await;
    let client = client.unwrap();
    let mut outcomes = Vec::new();
    let mut is_needed = false;
    for planned in &plan {
        let outcome = exchange(&mut sandbox, client, planned, is_needed).await;
        is_needed = planned.ends_the_connection();
        let (told, transmissions) = told(&outcome);
        let (truth, _) = planned.truth(tls.is_some());
        let of = format!(
            "MLLP_SEED={}: {} {:?}",
            self::seed(),
            planned.id,
            planned.fault
        );
        assert_eq!((&*told, transmissions), (truth, 1), "{of}: {outcome:?}");
        outcomes.push(of);
    }
    all_sent.announce();
    let mut taken: HashMap<Vec<u8>, usize> = HashMap::new();
    for message in receiver.finished().await {
        *taken.entry(control_id(&message)).or_default() += 1;
    }
    let mut kinds = BTreeMap::new();
    for (planned, of) in plan.iter().zip(outcomes) {
        let (_, times) = planned.truth(tls.is_some());
        let known = taken.remove(planned.id.as_bytes()).unwrap_or_default();
        assert_eq!(known, times, "{of}: the receiver's log");
        *kinds.entry(planned.fault).or_default() += 1;
    }
    assert!(taken.is_empty(), "the receiver has what was not sent");
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_ten_thousand_exchanges_with_faults_is_what_the_receiver_has() {
    let seed = seed();
    eprintln!("MLLP_SEED={seed}");
    let authority = Authority::new(Key::Ed25519);
    let mut server = Arc::unwrap_or_clone(authority.receiver(&["127.0.0.1"]).server());
    // So that an answer's bytes are all that comes.
    server.send_tls13_tickets = 0;
    let server = Arc::new(server);
    let mut instances = JoinSet::new();
    for number in 0..INSTANCES {
        let tls = Tls {
            hybrid: false,
            ..Tls::trusting(&authority)
        };
        let tls = (number < THROUGH_TLS).then(|| (Arc::clone(&server), tls));
        instances.spawn(instance(seed.wrapping_mul(INSTANCES) + number, tls));
    }
    let mut kinds = BTreeMap::new();
    for kind in instances.join_all().await.into_iter().flatten() {
        *kinds.entry(kind.0).or_insert(0) += kind.1;
    }
    assert_eq!(kinds.values().sum::<u64>(), INSTANCES * MESSAGES as u64);
    assert_eq!(kinds.len(), FAULTS.len(), "{kinds:?}");
}
