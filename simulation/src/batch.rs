//! Many runs, on all cores. What comes of them depends on their seeds alone.

use std::thread;

use crate::run::{Report, run};
use crate::tally::Tally;

/// As many threads may run at once. With more of them, clients under TLS would no
/// longer find the sessions of their own run: the client keeps those of the last
/// sixteen sets of options, and each thread has four.
const THREADS_MAX: usize = 4;

/// Makes `count` runs, the first with the seed `first`, each next one with the next.
/// Their sum, and the first that broke a promise.
///
/// # Panics
/// If a thread cannot be had.
#[must_use]
pub fn batch(first: u64, count: u64, tls: bool) -> (Tally, Option<Report>) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(THREADS_MAX) as u64;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                let indices = (thread..count).step_by(threads as usize);
                scope.spawn(move || part(first, indices, tls))
            })
            .collect();
        let mut tally = Tally::default();
        let mut broken: Option<(u64, Report)> = None;
        for thread in threads {
            let (more, other) = thread.join().expect("runs catch their panics");
            tally.add(&more);
            broken = broken
                .into_iter()
                .chain(other)
                .min_by_key(|(index, _)| *index);
        }
        (tally, broken.map(|(_, report)| report))
    })
}

fn part(
    first: u64,
    indices: impl Iterator<Item = u64>,
    tls: bool,
) -> (Tally, Option<(u64, Report)>) {
    let mut tally = Tally::default();
    let mut broken = None;
    for index in indices {
        let report = run(first.wrapping_add(index), tls);
        tally.add(&report.tally);
        if broken.is_none() && report.violation.is_some() {
            broken = Some((index, report));
        }
    }
    (tally, broken)
}
