//! What a host may read of a client's life so far: numbers alone. Whoever drives the
//! client says what happened; nothing here does I/O or reads a clock. Every counter
//! stops at its largest value instead of beginning anew.

use alloc::vec::Vec;
use core::time::Duration;

use crate::error::{Delivery, Failure};
use crate::proto::exchange::{Reply, Verdict};
use crate::proto::warning::Warning;

/// The counters of one client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections made.
    pub connections: u64,
    /// Of these, those after the first.
    pub reconnections: u64,
    /// Connections that the look before writing found ended, broken or out of step.
    pub stale_connections: u64,
    /// Connections closed because they had been idle for longer than the limit.
    pub replaced_idle: u64,
    /// Exchanges that ended with an answer or an agreed silence.
    pub exchanges: ByVerdict,
    /// Calls that failed.
    pub failures: ByDelivery,
    /// The same, each under the word of its cause, in the order of their first coming.
    pub failures_by_cause: Vec<(&'static str, u64)>,
    /// Warnings of replies and of failures, each under its word, in the order of their
    /// first coming. A warning counts once, whatever number it bears itself.
    pub warnings: Vec<(&'static str, u64)>,
    /// Frames sent again.
    pub retransmissions: u64,
    /// Bytes sent on the wire, TLS records included.
    pub bytes_sent: u64,
    /// Bytes received on the wire, TLS records included.
    pub bytes_received: u64,
    /// How long acknowledgments took.
    pub times: Times,
}

/// How many exchanges ended with each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByVerdict {
    /// Those `applied`.
    pub applied: u64,
    /// Those `accepted`.
    pub accepted: u64,
    /// Those `refused`.
    pub refused: u64,
    /// Those `unacknowledged`.
    pub unacknowledged: u64,
    /// Those `unjudged`.
    pub unjudged: u64,
}

/// How many calls failed with each knowledge of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByDelivery {
    /// Those `not-sent`.
    pub not_sent: u64,
    /// Those `cut-short`.
    pub cut_short: u64,
    /// Those `in-doubt`.
    pub in_doubt: u64,
}

impl Counters {
    /// A connection was made.
    pub const fn connected(&mut self) {
        if self.connections > 0 {
            increment(&mut self.reconnections);
        }
        increment(&mut self.connections);
    }

    /// The look before writing found the connection ended, broken or out of step.
    pub const fn found_stale(&mut self) {
        increment(&mut self.stale_connections);
    }

    /// A connection was closed because it had been idle for longer than the limit.
    pub const fn replaced_idle(&mut self) {
        increment(&mut self.replaced_idle);
    }

    /// So many frames were sent again.
    pub const fn retransmitted(&mut self, frames: u64) {
        self.retransmissions = self.retransmissions.saturating_add(frames);
    }

    /// `bytes` went out on the wire.
    pub const fn sent(&mut self, bytes: u64) {
        self.bytes_sent = self.bytes_sent.saturating_add(bytes);
    }

    /// `bytes` came in on the wire.
    pub const fn received(&mut self, bytes: u64) {
        self.bytes_received = self.bytes_received.saturating_add(bytes);
    }

    /// An exchange ended with `reply`, `took` after its whole frame was handed over,
    /// where that is known. The time counts where an acknowledgment, or a commit block,
    /// settled it: not that of an agreed silence, nor that of a reply that nobody
    /// judged.
    pub fn reply(&mut self, reply: &Reply, took: Option<Duration>) {
        let (counter, is_acknowledged) = match reply.verdict {
            Verdict::Applied => (&mut self.exchanges.applied, true),
            Verdict::Accepted => (&mut self.exchanges.accepted, true),
            Verdict::Refused => (&mut self.exchanges.refused, true),
            Verdict::Unacknowledged => (&mut self.exchanges.unacknowledged, false),
            Verdict::Unjudged => (&mut self.exchanges.unjudged, false),
        };
        increment(counter);
        if let Some(took) = took.filter(|_| is_acknowledged) {
            self.times.record(took);
        }
        if !broken!(WarningsUncounted) {
            self.warn(&reply.warnings);
        }
    }

    /// A call failed.
    pub fn failure(&mut self, failure: &Failure) {
        increment(match failure.delivery {
            Delivery::NotSent => &mut self.failures.not_sent,
            Delivery::CutShort => &mut self.failures.cut_short,
            Delivery::InDoubt => &mut self.failures.in_doubt,
        });
        count(&mut self.failures_by_cause, failure.cause.word(), 1);
        self.warn(&failure.warnings);
    }

    /// Adds what another client counted, for who goes on with a new client where the
    /// last one ended: its first connection is a reconnection then.
    pub fn add(&mut self, other: &Self) {
        // Taken apart, lest a counter be forgotten.
        let Self {
            connections,
            reconnections,
            stale_connections,
            replaced_idle,
            exchanges,
            failures,
            failures_by_cause,
            warnings,
            retransmissions,
            bytes_sent,
            bytes_received,
            times,
        } = other;
        if self.connections > 0 && *connections > 0 {
            increment(&mut self.reconnections);
        }
        for (counter, more) in [
            (&mut self.connections, connections),
            (&mut self.reconnections, reconnections),
            (&mut self.stale_connections, stale_connections),
            (&mut self.replaced_idle, replaced_idle),
            (&mut self.retransmissions, retransmissions),
            (&mut self.bytes_sent, bytes_sent),
            (&mut self.bytes_received, bytes_received),
        ] {
            *counter = counter.saturating_add(*more);
        }
        self.exchanges.add(*exchanges);
        self.failures.add(*failures);
        for (word, times) in failures_by_cause {
            count(&mut self.failures_by_cause, word, *times);
        }
        for (word, times) in warnings {
            count(&mut self.warnings, word, *times);
        }
        self.times.add(times);
    }

    fn warn(&mut self, warnings: &[Warning]) {
        for warning in warnings {
            count(&mut self.warnings, warning.word(), 1);
        }
    }
}

impl ByVerdict {
    const fn add(&mut self, other: Self) {
        let Self {
            applied,
            accepted,
            refused,
            unacknowledged,
            unjudged,
        } = other;
        self.applied = self.applied.saturating_add(applied);
        self.accepted = self.accepted.saturating_add(accepted);
        self.refused = self.refused.saturating_add(refused);
        self.unacknowledged = self.unacknowledged.saturating_add(unacknowledged);
        self.unjudged = self.unjudged.saturating_add(unjudged);
    }
}

impl ByDelivery {
    const fn add(&mut self, other: Self) {
        let Self {
            not_sent,
            cut_short,
            in_doubt,
        } = other;
        self.not_sent = self.not_sent.saturating_add(not_sent);
        self.cut_short = self.cut_short.saturating_add(cut_short);
        self.in_doubt = self.in_doubt.saturating_add(in_doubt);
    }
}

/// How long acknowledgments took, each from the moment the whole frame was handed
/// over to the acknowledgment that settled the exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// How many took as long as each bound of [`Self::BOUNDS_MS`] or less, but longer
    /// than the one before; the last, longer than all bounds.
    pub buckets: [u64; Self::BOUNDS_MS.len() + 1],
    /// How many there were.
    pub count: u64,
    /// How long they took together, in whole microseconds each.
    pub sum_us: u64,
    /// The shortest, in whole microseconds; zero while there is none.
    pub min_us: u64,
    /// The longest, in whole microseconds; zero while there is none.
    pub max_us: u64,
}

impl Times {
    /// The longest time that each bucket but the last holds, in milliseconds: from an
    /// acknowledgment within one machine up to twice the usual timeout, in steps that
    /// tell a slow receiver from one that is about to fail.
    pub const BOUNDS_MS: [u64; 16] = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000,
    ];

    fn record(&mut self, took: Duration) {
        let bounds = Self::BOUNDS_MS
            .into_iter()
            .map(Duration::from_millis)
            .chain([Duration::MAX]);
        let bucket = self
            .buckets
            .iter_mut()
            .zip(bounds)
            .find(|(_, bound)| took <= *bound);
        if let Some((bucket, _)) = bucket {
            increment(bucket);
        }
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.min_us = if self.count == 0 {
            took_us
        } else {
            self.min_us.min(took_us)
        };
        self.max_us = self.max_us.max(took_us);
        self.sum_us = self.sum_us.saturating_add(took_us);
        increment(&mut self.count);
    }

    fn add(&mut self, other: &Self) {
        let Self {
            buckets,
            count,
            sum_us,
            min_us,
            max_us,
        } = *other;
        if count == 0 {
            return;
        }
        for (bucket, more) in self.buckets.iter_mut().zip(buckets) {
            *bucket = bucket.saturating_add(more);
        }
        self.min_us = if self.count == 0 {
            min_us
        } else {
            self.min_us.min(min_us)
        };
        self.max_us = self.max_us.max(max_us);
        self.sum_us = self.sum_us.saturating_add(sum_us);
        self.count = self.count.saturating_add(count);
    }
}

const fn increment(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// There are as many entries at most as the word's type has cases. A word that the
/// host refuses the memory for goes uncounted: no message fails for a statistic.
fn count(words: &mut Vec<(&'static str, u64)>, word: &'static str, times: u64) {
    if let Some((_, counter)) = words.iter_mut().find(|(known, _)| *known == word) {
        *counter = counter.saturating_add(times);
    } else if words.try_reserve(1).is_ok() {
        words.push((word, times));
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;
    use core::time::Duration;

    use super::{ByDelivery, ByVerdict, Counters, Times};
    use crate::error::{Cause, Delivery, Failure, Phase};
    use crate::proto::exchange::{Reply, Verdict};
    use crate::proto::warning::Warning;

    const MILLISECOND: Option<Duration> = Some(Duration::from_millis(1));

    fn reply(verdict: Verdict, warnings: Vec<Warning>) -> Reply {
        Reply {
            message: b"MARK".to_vec(),
            verdict,
            acknowledgment: None,
            accept: None,
            commit: None,
            errors: Vec::new(),
            warnings,
            transmissions: 1,
            retries: Vec::new(),
        }
    }

    fn failure(cause: Cause, delivery: Delivery, warnings: Vec<Warning>) -> Failure {
        Failure {
            delivery,
            warnings,
            ..Failure::not_sent(Phase::Write, cause)
        }
    }

    fn times(took: &[Duration]) -> Times {
        let mut counters = Counters::default();
        for took in took {
            counters.reply(&reply(Verdict::Applied, Vec::new()), Some(*took));
        }
        counters.times
    }

    #[test]
    fn every_connection_but_the_first_is_a_reconnection() {
        let mut counters = Counters::default();
        for _ in 0..3 {
            counters.connected();
        }
        assert_eq!((counters.connections, counters.reconnections), (3, 2));
    }

    #[test]
    fn what_happens_to_connections_and_frames_is_counted_one_by_one() {
        let mut counters = Counters::default();
        counters.found_stale();
        counters.replaced_idle();
        counters.retransmitted(1);
        counters.sent(70);
        counters.sent(7);
        counters.received(50);
        counters.received(5);
        let expected = Counters {
            stale_connections: 1,
            replaced_idle: 1,
            retransmissions: 1,
            bytes_sent: 77,
            bytes_received: 55,
            ..Counters::default()
        };
        assert_eq!(counters, expected);
    }

    #[test]
    fn exchanges_are_counted_by_their_verdict() {
        let mut counters = Counters::default();
        for (times, verdict) in [
            (1, Verdict::Applied),
            (2, Verdict::Accepted),
            (3, Verdict::Refused),
            (4, Verdict::Unacknowledged),
            (5, Verdict::Unjudged),
        ] {
            for _ in 0..times {
                counters.reply(&reply(verdict, Vec::new()), MILLISECOND);
            }
        }
        let expected = ByVerdict {
            applied: 1,
            accepted: 2,
            refused: 3,
            unacknowledged: 4,
            unjudged: 5,
        };
        assert_eq!(counters.exchanges, expected);
        assert_eq!(counters.failures, ByDelivery::default());
    }

    #[test]
    fn failures_are_counted_by_what_is_known_of_the_message_and_by_cause() {
        let mut counters = Counters::default();
        for (cause, delivery) in [
            (Cause::ConnectionRefused, Delivery::NotSent),
            (Cause::TimedOut, Delivery::CutShort),
            (Cause::TimedOut, Delivery::InDoubt),
            (Cause::TimedOut, Delivery::InDoubt),
        ] {
            counters.failure(&failure(cause, delivery, Vec::new()));
        }
        let expected = ByDelivery {
            not_sent: 1,
            cut_short: 1,
            in_doubt: 2,
        };
        assert_eq!(counters.failures, expected);
        assert_eq!(
            counters.failures_by_cause,
            [("connection-refused", 1), ("timed-out", 3)]
        );
        assert_eq!(counters.exchanges, ByVerdict::default());
    }

    #[test]
    fn warnings_of_replies_and_of_failures_are_counted_by_their_word() {
        let mut counters = Counters::default();
        let warnings = [
            Warning::SpaceAfterFrame(9),
            Warning::LineFeedSegments,
            Warning::SpaceAfterFrame(1),
        ];
        counters.reply(&reply(Verdict::Applied, warnings.to_vec()), MILLISECOND);
        counters.failure(&failure(
            Cause::TimedOut,
            Delivery::InDoubt,
            [Warning::LineFeedSegments].to_vec(),
        ));
        assert_eq!(
            counters.warnings,
            [("space-after-frame", 2), ("line-feed-segments", 2)]
        );
    }

    #[test]
    fn only_an_acknowledgment_has_an_acknowledgment_time() {
        for (verdict, count) in [
            (Verdict::Applied, 1),
            (Verdict::Accepted, 1),
            (Verdict::Refused, 1),
            (Verdict::Unacknowledged, 0),
            (Verdict::Unjudged, 0),
        ] {
            let mut counters = Counters::default();
            counters.reply(&reply(verdict, Vec::new()), MILLISECOND);
            assert_eq!(counters.times.count, count);
        }
        let mut counters = Counters::default();
        counters.failure(&failure(Cause::TimedOut, Delivery::InDoubt, Vec::new()));
        counters.reply(&reply(Verdict::Applied, Vec::new()), None);
        assert_eq!(counters.times, Times::default());
    }

    #[test]
    fn a_time_of_just_a_bound_is_in_its_bucket_and_a_nanosecond_more_in_the_next() {
        for (index, bound) in Times::BOUNDS_MS.into_iter().enumerate() {
            let bound = Duration::from_millis(bound);
            let told = times(&[bound, bound + Duration::from_nanos(1)]);
            let mut expected = Times::default().buckets;
            expected[index] = 1;
            expected[index + 1] = 1;
            assert_eq!(told.buckets, expected);
        }
    }

    #[test]
    fn no_time_is_too_short_or_too_long_for_a_bucket() {
        let told = times(&[Duration::ZERO, Duration::MAX]);
        assert_eq!(told.buckets.first(), Some(&1));
        assert_eq!(told.buckets.last(), Some(&1));
        assert_eq!((told.min_us, told.max_us), (0, u64::MAX));
    }

    #[test]
    fn count_sum_shortest_and_longest_are_told_in_microseconds() {
        let told = times(&[
            Duration::from_micros(700),
            Duration::from_nanos(300_999),
            Duration::from_millis(40),
        ]);
        assert_eq!(
            (told.count, told.sum_us, told.min_us, told.max_us),
            (3, 41_000, 300, 40_000)
        );
        assert_eq!(told.buckets.iter().sum::<u64>(), told.count);
    }

    /// Counters of a client with a bit of everything.
    fn lived(connections: usize, took: u64) -> Counters {
        let mut counters = Counters::default();
        for _ in 0..connections {
            counters.connected();
        }
        counters.found_stale();
        counters.replaced_idle();
        counters.retransmitted(2);
        counters.sent(70);
        counters.received(50);
        let warnings = [Warning::LineFeedSegments].to_vec();
        let took = Some(Duration::from_micros(took));
        counters.reply(&reply(Verdict::Accepted, warnings), took);
        counters.failure(&failure(Cause::TimedOut, Delivery::CutShort, Vec::new()));
        counters
    }

    #[test]
    fn the_counters_of_one_client_after_another_are_those_of_one_that_went_on() {
        let mut counters = lived(2, 700);
        counters.add(&lived(1, 300));
        assert_eq!((counters.connections, counters.reconnections), (3, 2));
        let expected = Counters {
            connections: 3,
            reconnections: 2,
            stale_connections: 2,
            replaced_idle: 2,
            exchanges: ByVerdict {
                accepted: 2,
                ..ByVerdict::default()
            },
            failures: ByDelivery {
                cut_short: 2,
                ..ByDelivery::default()
            },
            failures_by_cause: [("timed-out", 2)].to_vec(),
            warnings: [("line-feed-segments", 2)].to_vec(),
            retransmissions: 4,
            bytes_sent: 140,
            bytes_received: 100,
            times: times(&[Duration::from_micros(700), Duration::from_micros(300)]),
        };
        assert_eq!(counters, expected);
    }

    #[test]
    fn to_add_to_nothing_or_to_add_nothing_changes_nothing() {
        let (lived, nothing) = (lived(2, 700), Counters::default());
        for (mut counters, other) in [(lived.clone(), &nothing), (nothing.clone(), &lived)] {
            counters.add(other);
            assert_eq!(counters, lived);
        }
    }

    #[test]
    fn a_full_counter_stays_full() {
        let full = Counters {
            connections: u64::MAX,
            reconnections: u64::MAX,
            stale_connections: u64::MAX,
            replaced_idle: u64::MAX,
            exchanges: ByVerdict {
                applied: u64::MAX,
                ..ByVerdict::default()
            },
            failures: ByDelivery {
                in_doubt: u64::MAX,
                ..ByDelivery::default()
            },
            failures_by_cause: [("timed-out", u64::MAX)].to_vec(),
            warnings: [("insecure", u64::MAX)].to_vec(),
            retransmissions: u64::MAX,
            bytes_sent: u64::MAX,
            bytes_received: u64::MAX,
            times: Times {
                buckets: [u64::MAX; Times::BOUNDS_MS.len() + 1],
                count: u64::MAX,
                sum_us: u64::MAX,
                min_us: 1,
                max_us: u64::MAX,
            },
        };
        let mut counters = full.clone();
        counters.connected();
        counters.found_stale();
        counters.replaced_idle();
        counters.retransmitted(1);
        counters.sent(u64::MAX);
        counters.received(u64::MAX);
        let insecure = [Warning::Insecure].to_vec();
        counters.reply(&reply(Verdict::Applied, insecure), MILLISECOND);
        counters.failure(&failure(Cause::TimedOut, Delivery::InDoubt, Vec::new()));
        assert_eq!(counters, full);
        counters.add(&full);
        assert_eq!(counters, full);
    }

    #[test]
    fn its_debug_print_holds_numbers_and_words_alone() {
        let mut counters = Counters::default();
        counters.reply(
            &reply(Verdict::Refused, [Warning::OtherControlId].to_vec()),
            MILLISECOND,
        );
        let printed = format!("{counters:?}");
        assert!(printed.contains("other-control-id"));
        assert!(!printed.contains("MARK") && !printed.contains("77"));
    }
}
