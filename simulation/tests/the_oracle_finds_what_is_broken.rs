//! An oracle that finds nothing proves nothing: each way to break the engine is found
//! within so many exchanges as stand here, a few times what it took. With the engine
//! whole, the same runs find nothing.

use mllp_client::breakage::{self, Breakage};
use simulation::batch::batch;
use simulation::run::run;

const PLAIN: bool = false;
const TLS: bool = true;

const FIRST_SEED: u64 = 21_000_000;

/// A way to break the engine, whether TLS is spoken, and within how many exchanges it
/// has to be found.
const TABLE: &[(Breakage, bool, u64)] = &[
    (Breakage::CorrelationForgotten, PLAIN, 10_000),
    (Breakage::IdByPrefix, PLAIN, 40_000),
    (Breakage::IdTrimmed, PLAIN, 40_000),
    (Breakage::LateCredited, PLAIN, 1_000),
    (Breakage::CommitStillDue, PLAIN, 40_000),
    (Breakage::DeadlineMovedByBytes, PLAIN, 1_000),
    (Breakage::NotSentAfterEndBlock, PLAIN, 1_000),
    (Breakage::CutShortAfterEndBlock, PLAIN, 1_000),
    (Breakage::InDoubtOfCutShort, PLAIN, 1_000),
    (Breakage::ErrorApplied, PLAIN, 1_000),
    (Breakage::CommitApplied, PLAIN, 1_000),
    (Breakage::SilenceAgreed, PLAIN, 1_000),
    (Breakage::QuietHalved, PLAIN, 1_000),
    (Breakage::KeptAfterTimeout, PLAIN, 1_000),
    (Breakage::KeptAfterDesync, PLAIN, 1_000),
    (Breakage::LookForgotten, PLAIN, 10_000),
    (Breakage::ResentInDoubt, PLAIN, 1_000),
    (Breakage::ResentCutShort, PLAIN, 40_000),
    (Breakage::WorstForgotten, PLAIN, 10_000),
    (Breakage::TransmissionsForgotten, PLAIN, 10_000),
    (Breakage::JunkSkipped, PLAIN, 10_000),
    (Breakage::ByteSentTwice, PLAIN, 1_000),
    (Breakage::ByteLost, PLAIN, 1_000),
    (Breakage::ShareForgotten, PLAIN, 1_000),
    (Breakage::ConnectingOverruns, PLAIN, 1_000),
    (Breakage::PauseOverruns, PLAIN, 40_000),
    (Breakage::ClosingTakesAll, TLS, 200_000),
    (Breakage::LimitForgotten, PLAIN, 10_000),
    (Breakage::GuardAsleep, PLAIN, 10_000),
    (Breakage::OwedForgotten, PLAIN, 1_000),
    (Breakage::WarningsUncounted, PLAIN, 1_000),
    (Breakage::RecordCountedLate, TLS, 1_000),
    (Breakage::PartUncounted, TLS, 10_000),
];

/// After how many exchanges something is found, and what; `None` where nothing is
/// within `most`.
fn found(breakage: Breakage, tls: bool, most: u64) -> Option<(u64, &'static str)> {
    breakage::set(Some(breakage));
    let mut exchanges = 0;
    let mut found = None;
    for seed in FIRST_SEED.. {
        let report = run(seed, tls);
        exchanges += report.tally.exchanges;
        found = report.violation.map(|violation| (exchanges, violation.0));
        if found.is_some() || exchanges > most {
            break;
        }
    }
    breakage::set(None);
    found.filter(|(exchanges, _)| *exchanges <= most)
}

#[test]
fn each_way_to_break_the_engine_is_found_soon() {
    for (breakage, tls, most) in TABLE {
        let found = found(*breakage, *tls, *most);
        let Some((exchanges, promise)) = found else {
            panic!("{breakage:?} is not found within {most} exchanges");
        };
        println!("{breakage:?}: after {exchanges} exchanges, {promise}");
    }
}

#[test]
fn where_nothing_is_broken_nothing_is_found() {
    for tls in [PLAIN, TLS] {
        let most = TABLE
            .iter()
            .filter(|row| row.1 == tls)
            .map(|row| row.2)
            .max();
        let most = most.expect("a row");
        let (mut first, mut exchanges) = (FIRST_SEED, 0);
        while exchanges <= most {
            let (tally, broken) = batch(first, 100, tls);
            assert!(broken.is_none(), "from seed {first}, tls {tls}");
            exchanges += tally.exchanges;
            first += 100;
        }
    }
}
