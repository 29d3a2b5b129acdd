//! What is measured: which messages, over what, and how many of them.

use std::time::Duration;

use crate::messages;

/// A cycle longer than this is a stall.
pub(crate) const STALL: Duration = Duration::from_millis(20);

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Many messages, one after the other over one connection.
    RoundTrips,
    /// One message of a process that has just been started.
    ColdStart,
    /// Many connections of one process at a time.
    Connections(usize),
}

/// Which message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// See [`messages::admission`].
    Admission,
    /// See [`messages::results`].
    Results,
    /// See [`messages::many_results`].
    ManyResults,
    /// See [`messages::document`].
    Document,
}

impl Message {
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Admission => messages::admission(),
            Self::Results => messages::results(),
            Self::ManyResults => messages::many_results(),
            Self::Document => messages::document(),
        }
    }
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// As `--work` takes it.
    pub(crate) name: String,
    /// As the documents say it.
    pub(crate) title: String,
    pub(crate) kind: Kind,
    pub(crate) message: Message,
    pub(crate) tls: bool,
    /// How long the receiver takes.
    pub(crate) delay: Duration,
    /// How many bytes it answers with, at the least.
    pub(crate) reply: usize,
    /// Whether what can be compiled ahead is.
    pub(crate) compiled: bool,
    /// Whether instances come from wasmtime's pool: by themselves each would need more
    /// mappings than Linux grants to ten thousand (`vm.max_map_count`).
    pub(crate) pooled: bool,
    /// Messages of a run, of all connections together.
    pub(crate) messages: usize,
    /// The same for clients that are far slower.
    pub(crate) messages_of_slow: usize,
    /// Only with `--full`.
    pub(crate) full: bool,
    /// Only if it is named.
    pub(crate) by_name: bool,
}

const HALF_A_MILLISECOND: Duration = Duration::from_micros(500);
const MEGABYTE: usize = 1_000_000;

/// The connections of the headline, and of the scale.
const CONNECTIONS: [usize; 4] = [1, 8, 64, 512];
const SCALE: [usize; 7] = [1, 8, 64, 512, 2_048, 5_000, 10_000];

impl Work {
    /// All there is, in the order of the tables.
    pub(crate) fn all() -> Vec<Self> {
        let adt = Self::round_trips("adt", "460 B", Message::Admission, 8_000, 800);
        let oru = Self::round_trips("oru", "5 KB", Message::Results, 6_000, 600);
        let many = Self::round_trips("100kb", "100 KB", Message::ManyResults, 600, 60);
        let mdm = Self::round_trips("mdm", "1 MB", Message::Document, 100, 20);
        let short_reply = Self {
            reply: MEGABYTE / 100,
            ..Self::round_trips("reply-10kb", "10 KB reply", Message::Admission, 3_000, 300)
        };
        let long_reply = Self {
            reply: MEGABYTE / 10,
            ..Self::round_trips("reply-100kb", "100 KB reply", Message::Admission, 400, 40)
        };
        let reply = Self {
            reply: MEGABYTE,
            ..Self::round_trips("reply", "1 MB reply", Message::Admission, 40, 10)
        };
        let cold = Self {
            kind: Kind::ColdStart,
            ..Self::round_trips("cold", "cold start", Message::Admission, 1, 1)
        };
        let delayed = Self {
            delay: HALF_A_MILLISECOND,
            ..adt.named("adt-delayed", "460 B, answered after 0.5 ms", 1_000, 300)
        };
        let adt_tls = adt.over_tls(6_000, 600);
        let delayed_tls = Self {
            full: true,
            ..delayed.over_tls(1_000, 300)
        };
        let oru_tls = Self {
            full: true,
            ..oru.over_tls(3_000, 300)
        };
        let many_tls = Self {
            full: true,
            ..many.over_tls(200, 30)
        };
        let reply_tls = Self {
            full: true,
            ..reply.over_tls(30, 10)
        };
        let mdm_tls = mdm.over_tls(40, 10);
        let cold_tls = cold.over_tls(1, 1);
        let uncompiled = Self {
            compiled: false,
            ..cold.named("cold-uncompiled", "cold start, compiling", 1, 1)
        };
        let mut all = vec![
            adt.clone(),
            adt_tls,
            delayed,
            delayed_tls,
            oru,
            oru_tls,
            many,
            many_tls,
            mdm,
            mdm_tls,
            short_reply,
            long_reply,
            reply,
            reply_tls,
            cold,
            cold_tls,
            uncompiled,
        ];
        all.extend(CONNECTIONS.map(|count| adt.connections("connections", count, 40_000)));
        for count in SCALE {
            let scaled = Self {
                by_name: true,
                pooled: true,
                ..adt.connections("scale", count, 40_000.max(count * 8))
            };
            let tls = Self {
                name: format!("scale-tls-{count}"),
                ..scaled.over_tls(20_000.max(count * 4), 0)
            };
            all.extend([scaled, tls]);
        }
        all
    }

    fn round_trips(
        name: &str,
        title: &str,
        message: Message,
        messages: usize,
        messages_of_slow: usize,
    ) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            kind: Kind::RoundTrips,
            message,
            tls: false,
            delay: Duration::ZERO,
            reply: 0,
            compiled: true,
            pooled: false,
            messages,
            messages_of_slow,
            full: false,
            by_name: false,
        }
    }

    fn named(&self, name: &str, title: &str, messages: usize, messages_of_slow: usize) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            messages,
            messages_of_slow,
            ..self.clone()
        }
    }

    fn over_tls(&self, messages: usize, messages_of_slow: usize) -> Self {
        let (name, title) = (format!("{}-tls", self.name), format!("{}, TLS", self.title));
        Self {
            tls: true,
            ..self.named(&name, &title, messages, messages_of_slow)
        }
    }

    fn connections(&self, group: &str, count: usize, messages: usize) -> Self {
        let title = match count {
            1 => "1 connection".to_owned(),
            _ => format!("{count} connections"),
        };
        Self {
            kind: Kind::Connections(count),
            ..self.named(&format!("{group}-{count}"), &title, messages, 0)
        }
    }

    /// How many connections there are at a time.
    pub(crate) const fn connection_count(&self) -> usize {
        match self.kind {
            Kind::Connections(count) => count,
            Kind::RoundTrips | Kind::ColdStart => 1,
        }
    }

    /// How many bytes a reply has.
    pub(crate) fn reply_bytes(&self) -> usize {
        messages::Acknowledgment::new(self.reply).bytes()
    }

    /// Whether it is what this word of `--work` asks for: it, or all of its group.
    pub(crate) fn is(&self, word: &str) -> bool {
        let group = match self.kind {
            Kind::Connections(_) => self.name.split('-').next(),
            Kind::RoundTrips | Kind::ColdStart => None,
        };
        self.name == word || group == Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_work_has_a_name_of_its_own() {
        let all = Work::all();
        for (place, work) in all.iter().enumerate() {
            let same = all.iter().position(|other| other.name == work.name);
            assert_eq!(same, Some(place), "{}", work.name);
        }
    }
}
