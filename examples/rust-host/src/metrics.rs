//! What went on in a sandbox, as Prometheus reads it: names, numbers, and names of
//! cases.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::types::{Counters, NamedCount};

/// What went on in a sandbox. Displayed, it is what a scrape of Prometheus wants.
#[derive(Default)]
pub struct Metrics {
    instances: AtomicU64,
    instances_total: AtomicU64,
    memory: AtomicU64,
    memory_peak: AtomicU64,
    stopped: AtomicU64,
    denied_addresses: AtomicU64,
    denied_names: AtomicU64,
    senders: Mutex<Senders>,
}

#[derive(Default)]
struct Senders {
    next: u64,
    /// What each of the living ones told last.
    living: HashMap<u64, Counters>,
    ended: Sum,
}

/// What a sender told last of itself, kept beyond its end.
pub(crate) struct Report {
    metrics: Arc<Metrics>,
    sender: u64,
}

impl Metrics {
    /// How many instances there are.
    #[must_use]
    pub fn instances(&self) -> u64 {
        self.instances.load(Ordering::Relaxed)
    }

    /// How much linear memory they have together, in bytes.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.memory.load(Ordering::Relaxed)
    }

    /// The most that it ever was, in bytes.
    #[must_use]
    pub fn memory_peak(&self) -> u64 {
        self.memory_peak.load(Ordering::Relaxed)
    }

    pub(crate) fn instance_began(&self) {
        self.instances.fetch_add(1, Ordering::Relaxed);
        self.instances_total.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn instance_ended(&self, memory: usize) {
        self.instances.fetch_sub(1, Ordering::Relaxed);
        self.memory.fetch_sub(memory as u64, Ordering::Relaxed);
    }

    pub(crate) fn memory_grew(&self, more: usize) {
        let before = self.memory.fetch_add(more as u64, Ordering::Relaxed);
        self.memory_peak
            .fetch_max(before + more as u64, Ordering::Relaxed);
    }

    pub(crate) fn stopped(&self) {
        self.stopped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn denied_address(&self) {
        self.denied_addresses.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn denied_name(&self) {
        self.denied_names.fetch_add(1, Ordering::Relaxed);
    }

    fn senders(&self) -> std::sync::MutexGuard<'_, Senders> {
        self.senders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        let mut senders = metrics.senders();
        senders.next += 1;
        let sender = senders.next;
        drop(senders);
        Self { metrics, sender }
    }

    pub(crate) fn set(&self, counters: Counters) {
        self.metrics.senders().living.insert(self.sender, counters);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let mut senders = self.metrics.senders();
        if let Some(last) = senders.living.remove(&self.sender) {
            senders.ended.add(&last);
        }
    }
}

/// The counters of many senders, added up.
#[derive(Clone, Default)]
struct Sum {
    connections: u64,
    reconnections: u64,
    bytes_sent: u64,
    bytes_received: u64,
    retransmissions: u64,
    exchanges: BTreeMap<&'static str, u64>,
    failures: BTreeMap<&'static str, u64>,
    causes: BTreeMap<String, u64>,
    warnings: BTreeMap<String, u64>,
    /// By the longest time in milliseconds; the last, without bound, as `u64::MAX`.
    times: BTreeMap<u64, u64>,
    times_sum: u64,
}

impl Sum {
    fn add(&mut self, counters: &Counters) {
        self.connections += counters.connections;
        self.reconnections += counters.reconnections;
        self.bytes_sent += counters.bytes_sent;
        self.bytes_received += counters.bytes_received;
        self.retransmissions += counters.retransmissions;
        let (verdicts, deliveries) = (&counters.exchanges, &counters.failures);
        let exchanges = [
            ("applied", verdicts.applied),
            ("accepted", verdicts.accepted),
            ("refused", verdicts.refused),
            ("unacknowledged", verdicts.unacknowledged),
            ("unjudged", verdicts.unjudged),
        ];
        let failures = [
            ("not-sent", deliveries.not_sent),
            ("cut-short", deliveries.cut_short),
            ("in-doubt", deliveries.in_doubt),
        ];
        add_all(&mut self.exchanges, exchanges);
        add_all(&mut self.failures, failures);
        let named = |count: &NamedCount| (count.name.clone(), count.count);
        add_all(
            &mut self.causes,
            counters.failures_by_cause.iter().map(named),
        );
        add_all(&mut self.warnings, counters.warnings.iter().map(named));
        let buckets = counters.times.buckets.iter();
        let bounded = buckets.map(|bucket| (bucket.up_to.unwrap_or(u64::MAX), bucket.count));
        add_all(&mut self.times, bounded);
        self.times_sum += counters.times.sum;
    }
}

fn add_all<K: Ord>(sums: &mut BTreeMap<K, u64>, counts: impl IntoIterator<Item = (K, u64)>) {
    for (key, count) in counts {
        *sums.entry(key).or_default() += count;
    }
}

impl Display for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let mut gauge = |name, help, value| {
            begin(out, name, "gauge", help)?;
            writeln!(out, "mllp_{name} {value}")
        };
        gauge("instances", "Instances alive.", at(&self.instances))?;
        gauge("memory_bytes", "Their linear memory.", at(&self.memory))?;
        let peak = at(&self.memory_peak);
        gauge("memory_peak_bytes", "The most it was at a time.", peak)?;

        let started = [("", at(&self.instances_total))];
        counter(out, "instances_total", "Instances made.", "", started)?;
        let stopped = [("", at(&self.stopped))];
        counter(
            out,
            "stopped_total",
            "Calls that took too long.",
            "",
            stopped,
        )?;
        let denied = [
            ("address", at(&self.denied_addresses)),
            ("name", at(&self.denied_names)),
        ];
        counter(
            out,
            "denied_total",
            "What was not on the list.",
            "grant",
            denied,
        )?;

        let senders = self.senders();
        let mut sum = senders.ended.clone();
        senders
            .living
            .values()
            .for_each(|counters| sum.add(counters));
        drop(senders);
        Display::fmt(&sum, out)
    }
}

impl Display for Sum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = [
            ("first", self.connections.saturating_sub(self.reconnections)),
            ("again", self.reconnections),
        ];
        counter(out, "connections_total", "Connections made.", "which", made)?;
        let bytes = [("sent", self.bytes_sent), ("received", self.bytes_received)];
        counter(out, "bytes_total", "Bytes on the wire.", "direction", bytes)?;
        let again = [("", self.retransmissions)];
        counter(
            out,
            "retransmissions_total",
            "Frames sent again.",
            "",
            again,
        )?;
        counter(
            out,
            "exchanges_total",
            "Answers.",
            "verdict",
            &self.exchanges,
        )?;
        counter(
            out,
            "failures_total",
            "Failures.",
            "delivery",
            &self.failures,
        )?;
        counter(
            out,
            "causes_total",
            "Failures by cause.",
            "cause",
            &self.causes,
        )?;
        counter(
            out,
            "warnings_total",
            "Warnings.",
            "warning",
            &self.warnings,
        )?;

        let name = "acknowledgment_seconds";
        begin(out, name, "histogram", "From handing over to the answer.")?;
        let mut count = 0;
        for (&bound, &within) in &self.times {
            count += within;
            if bound != u64::MAX {
                let bound = bound as f64 / 1e3;
                writeln!(out, "mllp_{name}_bucket{{le=\"{bound}\"}} {count}")?;
            }
        }
        writeln!(out, "mllp_{name}_bucket{{le=\"+Inf\"}} {count}")?;
        writeln!(out, "mllp_{name}_sum {}", self.times_sum as f64 / 1e6)?;
        writeln!(out, "mllp_{name}_count {count}")
    }
}

/// A counter, by the values of a label; without one, by none.
fn counter<V: Display, N: Display>(
    out: &mut fmt::Formatter<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (V, N)>,
) -> fmt::Result {
    begin(out, name, "counter", help)?;
    for (value, count) in values {
        match label {
            "" => writeln!(out, "mllp_{name} {count}")?,
            // Names of cases: nothing in them is to be escaped.
            _ => writeln!(out, "mllp_{name}{{{label}=\"{value}\"}} {count}")?,
        }
    }
    Ok(())
}

fn begin(out: &mut fmt::Formatter<'_>, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP mllp_{name} {help}")?;
    writeln!(out, "# TYPE mllp_{name} {kind}")
}
