//! A fixed set of seeds, and what a set of seeds is worth: every fault, every verdict
//! and every delivery really happens in it, and a seed says all.

use simulation::batch::batch;
use simulation::fault::Fault;
use simulation::run::run;
use simulation::tally::{Tally, WORDS};

/// Makes so many runs, none of which may break a promise.
fn kept(count: u64, tls: bool) -> Tally {
    let (tally, broken) = batch(0, count, tls);
    if let Some(report) = broken {
        let violation = report.violation.map(|violation| violation.0);
        panic!(
            "seed {}, tls {tls}: {violation:?}\n{}",
            report.seed, report.trace
        );
    }
    for (word, times) in WORDS.iter().zip(tally.words) {
        assert!(times > 0, "nothing ends as {word}");
    }
    for (fault, times) in Fault::ALL.iter().zip(&tally.faults) {
        assert_eq!(*times > 0, tls || !fault.is_of_tls(), "{}", fault.word());
    }
    // Who may always say in-doubt proves nothing.
    assert!(tally.exact * 6 > tally.exchanges);
    tally
}

#[test]
fn a_hundred_thousand_exchanges_break_no_promise() {
    assert!(kept(6_200, false).exchanges >= 100_000);
}

#[test]
fn nor_do_six_thousand_under_tls() {
    assert!(kept(400, true).exchanges >= 6_000);
}

#[test]
fn a_seed_says_all_that_happens() {
    for (seeds, tls) in [(0..200, false), (0..40, true)] {
        for seed in seeds {
            let (once, again) = (run(seed, tls), run(seed, tls));
            assert!(once.trace == again.trace, "seed {seed}, tls {tls}");
            assert_eq!(once.tally, again.tally, "seed {seed}, tls {tls}");
        }
    }
}

#[test]
fn a_trace_holds_no_content() {
    let net = marks::Net::marks();
    for (seeds, tls) in [(0..50, false), (0..5, true)] {
        for seed in seeds {
            let told = run(seed, tls).trace.to_string();
            assert!(told.contains("call send"));
            assert!(net.find(told.as_bytes()).is_none());
        }
    }
}
