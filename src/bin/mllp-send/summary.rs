//! What became of all messages of a run together. Its memory does not grow with them.

use std::collections::BTreeMap;
use std::time::Duration;

use mllp_client::counters::Times;
use mllp_client::error::Delivery;
use mllp_client::proto::exchange::Verdict;
use serde::Serialize;

use crate::output::Report;
use crate::records::{NamedCount, milliseconds};

const VERDICTS: [Verdict; 5] = [
    Verdict::Applied,
    Verdict::Accepted,
    Verdict::Refused,
    Verdict::Unacknowledged,
    Verdict::Unjudged,
];

const DELIVERIES: [Delivery; 3] = [Delivery::NotSent, Delivery::CutShort, Delivery::InDoubt];

/// The shares of acknowledgments whose times are told, in parts of a hundred, with
/// their names.
const PERCENTILES: [(u64, &str); 3] = [(50, "half"), (90, "90 %"), (99, "99 %")];

/// What became of messages so far.
#[derive(Default)]
pub(crate) struct Summary {
    messages: u64,
    taken: u64,
    /// Files that could not be read.
    unread: u64,
    bytes: u64,
    elapsed: Duration,
    /// By the words of verdicts and deliveries.
    ends: BTreeMap<&'static str, u64>,
    causes: BTreeMap<&'static str, u64>,
    acknowledgments: Spread,
}

impl Summary {
    pub(crate) fn add(&mut self, report: &Report) {
        increment(&mut self.messages);
        if report.is_taken() {
            increment(&mut self.taken);
        }
        let bytes = u64::try_from(report.about.bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
        self.elapsed = self.elapsed.saturating_add(report.elapsed);
        let end = match &report.outcome {
            Ok(reply) => reply.verdict.word(),
            Err(failure) => {
                increment(self.causes.entry(failure.cause.word()).or_default());
                failure.delivery.word()
            }
        };
        increment(self.ends.entry(end).or_default());
        if let Some(took) = report.acknowledged {
            self.acknowledgments.add(took);
        }
    }

    pub(crate) const fn add_unread(&mut self) {
        increment(&mut self.unread);
    }

    /// Whether a line or two of what became of it say less.
    pub(crate) const fn is_of_several(&self) -> bool {
        self.messages > 1
    }

    /// Lines for a person.
    pub(crate) fn lines(&self) -> Vec<String> {
        let (messages, taken) = (self.messages, self.taken);
        let words = VERDICTS.map(Verdict::word).into_iter();
        let words = words.chain(DELIVERIES.map(Delivery::word));
        let ends = words.filter_map(|word| Some(format!("{word} {}", self.ends.get(word)?)));
        let unread = (self.unread > 0).then(|| format!("files not read {}", self.unread));
        let ends: Vec<_> = ends.chain(unread).collect();
        let mut lines = vec![format!(
            "{taken} of {messages} messages taken: {}",
            ends.join(", ")
        )];
        if !self.causes.is_empty() {
            let causes = self.causes.iter();
            let causes: Vec<_> = causes
                .map(|(word, count)| format!("{word} {count}"))
                .collect();
            lines.push(format!("causes: {}", causes.join(", ")));
        }
        if let Some(longest) = self.acknowledgments.longest() {
            let shares = PERCENTILES.iter().filter_map(|(percent, name)| {
                let time = self.acknowledgments.percentile(*percent)?;
                Some(format!("{name} within {} ms, ", milliseconds(time)))
            });
            lines.push(format!(
                "{} acknowledgments: {}longest {} ms",
                self.acknowledgments.count,
                shares.collect::<String>(),
                milliseconds(longest)
            ));
        }
        lines
    }
}

/// How long it took from handing a message over to its acknowledgment, by what the
/// client had counted before it and after.
pub(crate) fn acknowledged(before: &Times, after: &Times) -> Option<Duration> {
    let is_one = after.count.checked_sub(before.count) == Some(1);
    let took = after.sum_us.checked_sub(before.sum_us)?;
    is_one.then_some(Duration::from_micros(took))
}

/// How many there were of each time, which is told to three digits: there are no
/// more than nine hundred for each power of ten.
#[derive(Default)]
struct Spread {
    count: u64,
    times: BTreeMap<Duration, u64>,
}

impl Spread {
    fn add(&mut self, time: Duration) {
        increment(&mut self.count);
        increment(self.times.entry(three_digits(time)).or_default());
    }

    /// The time within which so many of a hundred were there.
    fn percentile(&self, percent: u64) -> Option<Duration> {
        let due = self.count.saturating_mul(percent).div_ceil(100);
        let mut seen = 0_u64;
        let found = self.times.iter().find(|(_, count)| {
            seen = seen.saturating_add(**count);
            seen >= due
        });
        found.map(|(time, _)| *time)
    }

    fn longest(&self) -> Option<Duration> {
        self.times.keys().next_back().copied()
    }
}

/// In whole microseconds, rounded up.
fn three_digits(time: Duration) -> Duration {
    let mut microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let mut zeros = 1_u64;
    while microseconds > 999 {
        microseconds = microseconds.div_ceil(10);
        zeros = zeros.saturating_mul(10);
    }
    Duration::from_micros(microseconds.saturating_mul(zeros))
}

const fn increment(count: &mut u64) {
    *count = count.saturating_add(1);
}

/// The object of `--json`.
#[derive(Serialize)]
pub(crate) struct SummaryRecord {
    summary: SummaryFields,
}

#[derive(Serialize)]
struct SummaryFields {
    messages: u64,
    taken: u64,
    files_not_read: u64,
    verdicts: Vec<NamedCount>,
    deliveries: Vec<NamedCount>,
    causes: Vec<NamedCount>,
    bytes: u64,
    elapsed_ms: f64,
    acknowledgments: SpreadRecord,
}

#[derive(Serialize)]
struct SpreadRecord {
    count: u64,
    p50_ms: Option<f64>,
    p90_ms: Option<f64>,
    p99_ms: Option<f64>,
    longest_ms: Option<f64>,
}

impl From<&Summary> for SummaryRecord {
    fn from(summary: &Summary) -> Self {
        let ends = |words: &[&'static str]| {
            let words = words.iter();
            words
                .map(|name| NamedCount {
                    name,
                    count: summary.ends.get(name).copied().unwrap_or_default(),
                })
                .collect()
        };
        let causes = summary.causes.iter();
        Self {
            summary: SummaryFields {
                messages: summary.messages,
                taken: summary.taken,
                files_not_read: summary.unread,
                verdicts: ends(&VERDICTS.map(Verdict::word)),
                deliveries: ends(&DELIVERIES.map(Delivery::word)),
                causes: causes
                    .map(|(&name, &count)| NamedCount { name, count })
                    .collect(),
                bytes: summary.bytes,
                elapsed_ms: milliseconds(summary.elapsed),
                acknowledgments: (&summary.acknowledgments).into(),
            },
        }
    }
}

impl From<&Spread> for SpreadRecord {
    fn from(spread: &Spread) -> Self {
        let percentile = |percent| spread.percentile(percent).map(milliseconds);
        Self {
            count: spread.count,
            p50_ms: percentile(50),
            p90_ms: percentile(90),
            p99_ms: percentile(99),
            longest_ms: spread.longest().map(milliseconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mllp_client::counters::Times;

    use super::{Spread, acknowledged, three_digits};

    fn times(count: u64, sum_us: u64) -> Times {
        Times {
            count,
            sum_us,
            ..Times::default()
        }
    }

    #[test]
    fn a_percentile_is_a_time_within_which_so_many_were_there() {
        let mut spread = Spread::default();
        assert_eq!(spread.percentile(50), None);
        for milliseconds in 1..=100 {
            spread.add(Duration::from_millis(milliseconds));
        }
        let told = [50, 90, 99].map(|percent| spread.percentile(percent));
        let expected = [50, 90, 99].map(|time| Some(Duration::from_millis(time)));
        assert_eq!(told, expected);
        assert_eq!(spread.longest(), Some(Duration::from_millis(100)));
        let mut two = Spread::default();
        two.add(Duration::from_millis(1));
        two.add(Duration::from_millis(9));
        assert_eq!(two.percentile(50), Some(Duration::from_millis(1)));
        assert_eq!(two.percentile(99), Some(Duration::from_millis(9)));
    }

    #[test]
    fn a_million_times_need_no_more_room_than_a_few_thousand() {
        let mut spread = Spread::default();
        for microseconds in 0..1_000_000 {
            spread.add(Duration::from_micros(microseconds * 61));
        }
        assert!(spread.times.len() < 9_000, "{}", spread.times.len());
        let half = spread.percentile(50).unwrap().as_secs_f64();
        assert!((half / 30.5 - 1.0).abs() < 0.01, "{half}");
    }

    #[test]
    fn a_time_has_three_digits_and_is_never_told_too_short() {
        for (microseconds, expected) in [(0, 0), (999, 999), (1_001, 1_010), (99_999, 100_000)] {
            let told = three_digits(Duration::from_micros(microseconds));
            assert_eq!(told, Duration::from_micros(expected));
        }
        let _ = three_digits(Duration::MAX);
    }

    #[test]
    fn a_message_that_was_not_acknowledged_has_no_time() {
        let before = times(3, 100);
        assert_eq!(acknowledged(&before, &before), None);
        let took = acknowledged(&before, &times(4, 150));
        assert_eq!(took, Some(Duration::from_micros(50)));
        assert_eq!(acknowledged(&before, &times(5, 150)), None);
    }
}
