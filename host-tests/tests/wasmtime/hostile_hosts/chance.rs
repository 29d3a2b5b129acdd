//! Several misbehaviours at once, drawn from a seed: nothing traps, nothing hangs,
//! nothing is said that is not so.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use host_tests::messages::{ack, frame};
use host_tests::sandbox::Settings;
use host_tests::sandbox::types::Delivery;
use host_tests::scripted_host::{ERROR_CODES, Listing, Loss, Place, STREAM_CALLS, Script, Wait};

use super::Exchange;
use super::secured::with_tls;
use crate::common::word;

/// How many hosts are drawn.
const HOSTS: u64 = 2_000;

/// What chance decides, the same for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let place = self.below(all.len() as u64);
        all[usize::try_from(place).unwrap()]
    }

    fn some_of<T: Copy>(&mut self, all: &[T]) -> Vec<T> {
        (0..=self.below(4)).map(|_| self.one_of(all)).collect()
    }

    fn nth(&mut self, bound: u32) -> u32 {
        u32::try_from(self.below(bound.into())).unwrap() + 1
    }
}

const PLACES: [Place; 11] = [
    Place::Create,
    Place::StartConnect,
    Place::FinishConnect,
    Place::Resolve,
    Place::NextAddress,
    Place::KeepAlive,
    Place::KeepAliveIdle,
    Place::KeepAliveInterval,
    Place::KeepAliveCount,
    Place::LocalAddress,
    Place::Shutdown,
];

const WAITS: [Wait; 4] = [
    Wait::Lookup,
    Wait::Connecting,
    Wait::Readable,
    Wait::Writable,
];

const LISTINGS: [Listing; 3] = [Listing::Empty, Listing::OutOfRange, Listing::Everything];

fn misbehave(script: Script, chance: &mut Chance) -> Script {
    match chance.below(10) {
        0 => script.refuses(chance.one_of(&PLACES), chance.one_of(&ERROR_CODES)),
        1 | 2 => {
            let loss = chance.one_of(&[Loss::Closed, Loss::Failed]);
            script
                .loses(chance.one_of(&STREAM_CALLS), chance.nth(6), loss)
                .failing_write_takes(chance.one_of(&[0, 1, 50, usize::MAX]))
        }
        3 => script.permits(&chance.some_of(&[0, 1, 2, 10, 100, 65_536, u64::MAX])),
        4 => script.reads(&chance.some_of(&[0, 1, 2, 10, 100, usize::MAX])),
        5 => script.reads_beyond(),
        6 => script.never_wakes(chance.one_of(&WAITS)),
        7 => match chance.below(2) {
            0 => script.answers_nothing(),
            _ => script.answers_after(Duration::from_millis(chance.below(40_000)), "AA"),
        },
        8 => {
            let own = frame(&ack("AA", "1"));
            let other = frame(&ack("AA", "2"));
            let junk = [0x0B, 0x0B, 0x1C, 0x0D, 0x00];
            let saying = chance.one_of(&[&own[..], &other[..], &junk[..], b" \r\n"]);
            let after = usize::try_from(chance.below(120)).unwrap();
            script.says(after, saying)
        }
        _ => script.fills_replies(usize::try_from(chance.below(100_000)).unwrap()),
    }
}

async fn exchange(seed: u64) -> Exchange {
    let mut chance = Chance(seed);
    let addresses = [1, 2, 3].map(|n| IpAddr::V4(Ipv4Addr::new(192, 0, 2, n)));
    let mut script = Script::new().addresses(&addresses);
    if chance.below(4) == 0 {
        script = script.silent(chance.one_of(&addresses));
    }
    // One of them: together they may leave nothing that tells the time.
    script = match chance.below(8) {
        0 => script.clock_stands_still(),
        1 => script.lists(chance.one_of(&LISTINGS)),
        2 => script.wakes_for_nothing(chance.nth(200)),
        // Forward: what one set back in a wait costs is shown elsewhere.
        3 => {
            let milliseconds = i64::try_from(chance.below(60_000)).unwrap();
            script.clock_jumps(chance.nth(20), milliseconds)
        }
        _ => script,
    };
    for _ in 0..=chance.below(3) {
        script = misbehave(script, &mut chance);
    }
    let host = chance.one_of(&["192.0.2.1", "hl7.example"]);
    let reconnects = chance.below(2) == 0;
    let settings = Settings {
        keep_alive: Some(true),
        reconnect: Some(reconnects),
        resend: reconnects
            .then(|| chance.one_of(&[Delivery::NotSent, Delivery::CutShort, Delivery::InDoubt])),
        ..Settings::default()
    };
    let through_tls = chance.below(3) == 0;
    let (script, settings) = match through_tls {
        true => with_tls(script, settings),
        false => (script, settings),
    };
    println!("seed {seed}: {host}, {:?}, {script:?}", settings.resend);
    Exchange::with(script, host, settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_host_does_the_answer_is_truthful() {
    let mut told = BTreeMap::<_, u64>::new();
    for seed in 0..HOSTS {
        let exchange = exchange(seed).await;
        let outcome = match &exchange.outcome {
            Ok(reply) => word(&reply.verdict),
            Err(failure) => word(&failure.delivery),
        };
        *told.entry(outcome).or_default() += 1;
    }
    for outcome in ["applied", "not-sent", "cut-short", "in-doubt"] {
        let times = told.get(outcome).copied().unwrap_or_default();
        assert!(times >= HOSTS / 100, "{outcome} {times} times: {told:?}");
    }
}
