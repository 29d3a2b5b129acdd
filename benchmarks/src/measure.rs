//! What a run comes to, in numbers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::clients::Client;
use crate::process::{Ran, Stage};
use crate::receiver::Trace;
use crate::work::{Kind, STALL, Work};

/// Numbers by their names. Those that a work does not give are not there.
pub(crate) type Numbers = BTreeMap<String, f64>;

/// Messages a second.
pub(crate) const RATE: &str = "messages_per_second";
/// The median of the cycles, in microseconds.
pub(crate) const P50: &str = "p50_us";
/// What 99 of 100 cycles are within, in microseconds.
pub(crate) const P99: &str = "p99_us";
/// The longest cycle, in microseconds.
pub(crate) const LONGEST: &str = "longest_us";
/// How many cycles were counted.
pub(crate) const CYCLES: &str = "cycles";
/// How many of them were longer than [`STALL`].
pub(crate) const STALLS: &str = "stalls";
/// User and system time of the process for a message, start-up taken off, in
/// microseconds.
pub(crate) const CPU: &str = "cpu_us_per_message";
/// The most memory that the process had, in bytes.
pub(crate) const PEAK: &str = "peak_memory_bytes";
/// What the process had once all its connections had sent, in bytes, where there are
/// many. Other than of the peak, what they share is counted once.
pub(crate) const MEMORY: &str = "memory_of_connections_bytes";
/// From the start of the process to when its first message was acknowledged, in
/// milliseconds.
pub(crate) const COLD: &str = "cold_start_ms";
/// User and system time of a process that sends one message, in milliseconds.
pub(crate) const COLD_CPU: &str = "cold_cpu_ms";
/// The mean cycle of the slowest connection, to the median connection's.
pub(crate) const UNFAIRNESS: &str = "slowest_to_median_connection";

/// How many processes a cold start is measured by.
const COLD_STARTS: usize = 3;

/// The share of a run's messages, one in so many, that warm it up and are not counted.
const WARM_UP: usize = 10;

/// What one round of a client gave.
pub(crate) struct Round {
    pub(crate) numbers: Numbers,
    /// The TLS suite.
    pub(crate) suite: Option<String>,
}

/// Measures a client once; not more messages than `cap`, where there is one. What its
/// start-up costs is measured by the first round, and kept in `start_up`.
///
/// # Errors
/// What went wrong.
pub(crate) fn round(
    stage: &Stage,
    client: Client,
    work: &Work,
    cap: Option<usize>,
    start_up: &mut Option<Duration>,
) -> Result<Round, String> {
    match work.kind {
        Kind::ColdStart => cold(stage, client, work, cap),
        Kind::RoundTrips | Kind::Connections(_) => {
            let base = match *start_up {
                Some(base) => base,
                None => *start_up.insert(start_up_of(stage, client, work)?),
            };
            warm(stage, client, work, cap, base)
        }
    }
}

/// The processor time of a process that sends one message over each connection.
fn start_up_of(stage: &Stage, client: Client, work: &Work) -> Result<Duration, String> {
    let mut times = Vec::new();
    for _ in 0..COLD_STARTS {
        times.push(stage.run(client, work, 1)?.cpu.as_secs_f64());
    }
    Ok(Duration::from_secs_f64(median(&mut times)))
}

fn cold(stage: &Stage, client: Client, work: &Work, cap: Option<usize>) -> Result<Round, String> {
    let starts = match work.compiled {
        true => COLD_STARTS.min(cap.unwrap_or(COLD_STARTS)),
        // Compiling takes seconds, and differs the less.
        false => 1,
    };
    let mut rounds = Vec::new();
    let mut suite = None;
    for _ in 0..starts {
        let ran = stage.run(client, work, 1)?;
        let mut numbers = cold_start(&ran)?;
        numbers.insert(PEAK.to_owned(), ran.peak as f64);
        rounds.push(numbers);
        suite = suite_of(&ran);
    }
    let numbers = medians(&rounds);
    Ok(Round { numbers, suite })
}

fn warm(
    stage: &Stage,
    client: Client,
    work: &Work,
    cap: Option<usize>,
    base: Duration,
) -> Result<Round, String> {
    let connections = work.connection_count();
    let all = client.messages(work);
    let each = all.min(cap.unwrap_or(all)).div_ceil(connections).max(2);
    let ran = stage.run(client, work, each)?;
    let cpu = ran.cpu.saturating_sub(base) / ((each - 1) * connections) as u32;
    let mut numbers = Numbers::new();
    let mut insert = |name: &str, number: f64| numbers.insert(name.to_owned(), number);
    insert(CPU, microseconds(cpu));
    insert(PEAK, ran.peak as f64);
    if let Some(memory) = ran.memory {
        insert(MEMORY, memory as f64);
    }
    let mut cycles: Vec<Duration> = ran.traces.iter().flat_map(counted).collect();
    cycles.sort_unstable();
    insert(CYCLES, cycles.len() as f64);
    insert(P50, microseconds(quantile(&cycles, 0.5)));
    insert(P99, microseconds(quantile(&cycles, 0.99)));
    insert(LONGEST, microseconds(quantile(&cycles, 1.0)));
    match work.kind {
        // With many connections a cycle is long for want of a processor.
        Kind::Connections(_) => {
            insert(RATE, rate_of_all(&ran.traces));
            insert(UNFAIRNESS, unfairness(&ran.traces));
        }
        Kind::RoundTrips | Kind::ColdStart => {
            let stalls = cycles.iter().filter(|cycle| **cycle > STALL).count();
            insert(STALLS, stalls as f64);
            let time: Duration = cycles.iter().sum();
            insert(RATE, cycles.len() as f64 / time.as_secs_f64());
        }
    }
    Ok(Round {
        numbers,
        suite: suite_of(&ran),
    })
}

fn cold_start(ran: &Ran) -> Result<Numbers, String> {
    let first = ran.traces.iter().filter_map(|trace| trace.acknowledged);
    let first = first.min().ok_or("nothing was acknowledged")?;
    let taken = first.saturating_duration_since(ran.begun);
    Ok(Numbers::from([
        (COLD.to_owned(), milliseconds(taken)),
        (COLD_CPU.to_owned(), milliseconds(ran.cpu)),
    ]))
}

fn suite_of(ran: &Ran) -> Option<String> {
    ran.traces.first().and_then(|trace| trace.suite.clone())
}

/// The cycles after the warm-up: from one message complete to the next.
fn counted(trace: &Trace) -> impl Iterator<Item = Duration> {
    let warm_up = (trace.arrivals.len() / WARM_UP).min(trace.arrivals.len().saturating_sub(2));
    let arrivals = trace.arrivals.get(warm_up..).unwrap_or_default();
    arrivals.windows(2).map(|pair| pair[1] - pair[0])
}

/// Of all connections together, without their first messages.
fn rate_of_all(traces: &[Trace]) -> f64 {
    let mut arrivals: Vec<Instant> = traces
        .iter()
        .flat_map(|trace| trace.arrivals.iter().copied())
        .collect();
    arrivals.sort_unstable();
    let warm_up = arrivals.len() / WARM_UP;
    let counted = arrivals.get(warm_up..).unwrap_or_default();
    match counted {
        [first, .., last] => (counted.len() - 1) as f64 / (*last - *first).as_secs_f64(),
        _ => 0.0,
    }
}

fn unfairness(traces: &[Trace]) -> f64 {
    let mut means: Vec<f64> = traces
        .iter()
        .filter_map(|trace| {
            let (count, sum) = counted(trace).fold((0_u32, Duration::ZERO), |(count, sum), one| {
                (count + 1, sum + one)
            });
            (count > 0).then(|| sum.as_secs_f64() / f64::from(count))
        })
        .collect();
    let slowest = means.iter().copied().fold(0.0, f64::max);
    slowest / median(&mut means)
}

/// Of numbers of several rounds, number by number.
pub(crate) fn medians(rounds: &[Numbers]) -> Numbers {
    let mut all: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, number) in rounds.iter().flatten() {
        all.entry(name).or_default().push(*number);
    }
    all.into_iter()
        .map(|(name, mut numbers)| (name.to_owned(), median(&mut numbers)))
        .collect()
}

/// What each number is to the other's of the same name, where that says something.
pub(crate) fn ratios(numbers: &Numbers, to: &Numbers) -> Numbers {
    let ratio = |(name, number): (&String, &f64)| {
        let other = to.get(name).filter(|other| **other > 0.0)?;
        Some((name.clone(), number / other))
    };
    numbers.iter().filter_map(ratio).collect()
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    match (numbers.len(), numbers.len() / 2) {
        (0, _) => 0.0,
        (count, middle) if count % 2 == 0 => f64::midpoint(numbers[middle - 1], numbers[middle]),
        (_, middle) => numbers[middle],
    }
}

/// Of sorted durations.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    let place = place.saturating_sub(1).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(milliseconds: &[u64]) -> Trace {
        let begun = Instant::now();
        Trace {
            arrivals: milliseconds
                .iter()
                .map(|at| begun + Duration::from_millis(*at))
                .collect(),
            ..Trace::default()
        }
    }

    #[test]
    fn a_cycle_is_from_one_message_to_the_next_and_the_first_tenth_is_not_counted() {
        let arrivals: Vec<u64> = (0..20).map(|place| place * place).collect();
        let cycles: Vec<Duration> = counted(&trace(&arrivals)).collect();
        assert_eq!(cycles.len(), 17);
        assert_eq!(cycles[0], Duration::from_millis(5));
        assert_eq!(counted(&trace(&[1, 4])).count(), 1);
        assert_eq!(counted(&trace(&[1])).count(), 0);
    }

    #[test]
    fn medians_and_quantiles_are_those_of_the_book() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        let hundred: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        for (share, place) in [(0.5, 50), (0.99, 99), (1.0, 100)] {
            assert_eq!(quantile(&hundred, share), Duration::from_millis(place));
        }
    }

    #[test]
    fn a_slow_connection_among_quick_ones_is_seen() {
        let quick = trace(&[0, 1, 2, 3]);
        let slow = trace(&[0, 5, 10, 15]);
        let unfair = unfairness(&[quick.clone(), quick, slow]);
        assert!((unfair - 5.0).abs() < 0.01, "{unfair}");
    }
}
