//! The results as tables in Markdown.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::clients::{Client, NO_TLS, ONE_READ};
use crate::measure::{COLD, CPU, CYCLES, MEMORY, P50, P99, PEAK, RATE, STALLS, UNFAIRNESS};
use crate::plot::PICTURES;
use crate::results::{Results, reference};
use crate::work::{Kind, Work};

/// Between these the documents have what is written here.
const BEGIN: &str = "<!-- bench-peers: begin -->";
const END: &str = "<!-- bench-peers: end -->";

/// All tables.
pub(crate) fn tables(results: &Results) -> String {
    let works: Vec<Work> = Work::all()
        .into_iter()
        .filter(|work| results.has(&work.name))
        .collect();
    let of = |kind: fn(Kind) -> bool| -> Vec<&Work> {
        works.iter().filter(|work| kind(work.kind)).collect()
    };
    let round_trips = of(|kind| kind == Kind::RoundTrips);
    let cold = of(|kind| kind == Kind::ColdStart);
    let machine = &results.machine;
    let mut text = format!(
        "Medians of {} rounds on {} processors of {}, {}.\n",
        results.rounds, machine.processors, machine.model, machine.system
    );
    let versions: Vec<String> = results
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let _ = writeln!(text, "{}.", versions.join(", "));
    if !round_trips.is_empty() {
        text += "\nThe median cycle: the floor's own, and the others' as multiples of it.\n\n";
        text += &to_reference(results, &round_trips, P50, microseconds);
        text += "\nProcessor time for a message, start-up taken off, in the same way.\n\n";
        text += &to_reference(results, &round_trips, CPU, microseconds);
        text += &stalls(results, &round_trips);
        for work in &round_trips {
            if work.name == "adt" || work.name == "adt-tls" {
                let _ = write!(text, "\nIn full, for {}.\n\n", work.title);
                text += &in_full(results, work);
            }
        }
    }
    if !cold.is_empty() {
        text += "\nFrom the start of the process to when its first message was acknowledged.\n\n";
        text += &to_reference(results, &cold, COLD, milliseconds);
    }
    let mut connections = of(|kind| matches!(kind, Kind::Connections(_)));
    // What has another host, or TLS, is another table.
    let alike = |one: &&Work, other: &&Work| (one.pooled, one.tls) == (other.pooled, other.tls);
    connections.sort_by_key(|work| (work.pooled, work.tls));
    for alike in connections.chunk_by(alike) {
        text += &many(results, alike);
    }
    text + &left_out(results)
}

/// The table's head, and its rule.
fn head(columns: &[String]) -> String {
    let rule = "---:|".repeat(columns.len());
    format!("| | {} |\n|---|{rule}\n", columns.join(" | "))
}

fn row(title: &str, cells: &[String]) -> String {
    format!("| {title} | {} |\n", cells.join(" | "))
}

fn shown(results: &Results, works: &[&Work]) -> Vec<Client> {
    let has = |client: &Client| {
        let of = |work: &&Work| results.of(&work.name, *client);
        let mut outcomes = works.iter().filter_map(of);
        outcomes.any(|outcome| outcome.cannot.is_none()) || results.is_missing(*client)
    };
    Client::ALL.into_iter().filter(has).collect()
}

/// What stands where there is no number.
fn nothing(results: &Results, work: &Work, client: Client) -> String {
    if client.cannot(work).is_some() {
        return "–".to_owned();
    }
    match results.of(&work.name, client) {
        _ if results.is_missing(client) => "missing".to_owned(),
        Some(outcome) if outcome.failed.is_some() => "failed".to_owned(),
        _ => "–".to_owned(),
    }
}

/// A row for each client and a column for each work: of the reference the number, of
/// the others what it is to that.
fn to_reference(results: &Results, works: &[&Work], name: &str, unit: fn(f64) -> String) -> String {
    let titles: Vec<String> = works.iter().map(|work| work.title.clone()).collect();
    let mut table = head(&titles);
    for client in shown(results, works) {
        let cell = |work: &&Work| {
            let outcome = results.of(&work.name, client);
            let outcome = outcome.filter(|outcome| outcome.failed.is_none());
            let number = outcome.and_then(|outcome| outcome.medians.get(name));
            let ratio = outcome.and_then(|outcome| outcome.ratios.get(name));
            match (number, ratio) {
                (Some(number), None) => unit(*number),
                (Some(number), Some(_)) if client == reference(work) => unit(*number),
                (_, Some(ratio)) => times(*ratio),
                (None, None) => nothing(results, work, client),
            }
        };
        let cells: Vec<String> = works.iter().map(cell).collect();
        table += &row(client.title(), &cells);
    }
    table
}

fn in_full(results: &Results, work: &Work) -> String {
    let columns = [
        "messages a second",
        "p50",
        "p99",
        "processor time",
        "peak memory",
    ];
    let mut table = head(&columns.map(str::to_owned));
    for client in shown(results, &[work]) {
        let number = |name: &str, unit: fn(f64) -> String| {
            let number = results.number(&work.name, client, name);
            number.map_or_else(|| nothing(results, work, client), unit)
        };
        let cells = [
            number(RATE, count),
            number(P50, microseconds),
            number(P99, microseconds),
            number(CPU, microseconds),
            number(PEAK, megabytes),
        ];
        table += &row(client.title(), &cells);
    }
    table
}

/// Who stalled, where anybody did.
fn stalls(results: &Results, works: &[&Work]) -> String {
    let mut list = String::new();
    for work in works {
        for client in Client::ALL {
            let Some(outcome) = results.of(&work.name, client) else {
                continue;
            };
            let sum = |name: &str| -> f64 {
                let numbers = outcome.rounds.iter().filter_map(|round| round.get(name));
                numbers.sum()
            };
            if sum(STALLS) > 0.0 {
                let (stalls, cycles) = (count(sum(STALLS)), count(sum(CYCLES)));
                let (title, client) = (&work.title, client.title());
                let _ = writeln!(list, "- {title}: {client}, {stalls} of {cycles}");
            }
        }
    }
    match list.is_empty() {
        true => "\nNo cycle took longer than 20 ms.\n".to_owned(),
        false => format!("\nCycles that took longer than 20 ms, of all rounds:\n\n{list}"),
    }
}

/// A table for each thing that is worth knowing.
fn many(results: &Results, works: &[&Work]) -> String {
    let number = |name: &'static str, unit: fn(f64) -> String| {
        move |work: &Work, client: Client| results.number(&work.name, client, name).map(unit)
    };
    let rate = |work: &Work, client: Client| {
        let outcome = results.of(&work.name, client)?;
        let rate = count(*outcome.medians.get(RATE)?);
        match outcome.ratios.get(RATE) {
            Some(ratio) if client != reference(work) => Some(format!("{rate} ({})", times(*ratio))),
            _ => Some(rate),
        }
    };
    let memory = |work: &Work, client: Client| memory_of_each(results, work, client).map(kilobytes);
    let titles: Vec<String> = works.iter().map(|work| work.title.clone()).collect();
    let table = |cell: &dyn Fn(&Work, Client) -> Option<String>| {
        let mut table = head(&titles);
        for client in shown(results, works) {
            let cells: Vec<String> = works
                .iter()
                .map(|work| cell(work, client).unwrap_or_else(|| nothing(results, work, client)))
                .collect();
            table += &row(client.title(), &cells);
        }
        table
    };
    let how = match works {
        [Work { pooled: false, .. }, ..] => "",
        [Work { tls: true, .. }, ..] => ", over TLS, instances from wasmtime's pool",
        _ => ", instances from wasmtime's pool",
    };
    [
        &format!(
            "\nMessages a second over all connections of one process{how}; in brackets to tokio \
             current-thread.\n\n"
        ),
        &table(&rate),
        "\nProcessor time for a message.\n\n",
        &table(&number(CPU, microseconds)),
        "\nMemory that each connection beyond the first takes.\n\n",
        &table(&memory),
        "\nThe mean cycle of the slowest connection, to the median connection's.\n\n",
        &table(&number(UNFAIRNESS, times)),
    ]
    .concat()
}

/// What the process has more than the one with a single connection, for each.
pub(crate) fn memory_of_each(results: &Results, work: &Work, client: Client) -> Option<f64> {
    let connections = work.connection_count();
    let single = work.name.replace(&format!("-{connections}"), "-1");
    let all = results.number(&work.name, client, MEMORY)?;
    let one = results.number(&single, client, MEMORY)?;
    (connections > 1).then(|| (all - one).max(0.0) / (connections - 1) as f64)
}

/// What is not in the tables, and why.
fn left_out(results: &Results) -> String {
    let mut list = String::new();
    for missing in &results.missing {
        let _ = writeln!(list, "- {}: missing, {}", missing.client, missing.why);
    }
    for outcome in &results.results {
        // Where its log lies says nothing to a reader.
        let why = outcome.failed.as_deref().map(|why| {
            let end = why.find("; ").unwrap_or(why.len());
            &why[..end]
        });
        if let Some(why) = why {
            let _ = writeln!(
                list,
                "- {}, {}: failed, {why}",
                outcome.client, outcome.work
            );
        }
    }
    for client in Client::ALL {
        let mut told = Vec::new();
        for outcome in &results.results {
            if let Some(cannot) = &outcome.cannot
                && outcome.client == client.name()
                && [ONE_READ, NO_TLS].contains(&cannot.as_str())
                && !told.contains(cannot)
            {
                let _ = writeln!(list, "- {}: {cannot}", client.title());
                told.push(cannot.clone());
            }
        }
    }
    match list.is_empty() {
        true => list,
        false => format!("\nLeft out:\n\n{list}"),
    }
}

/// The pictures of these files as a document takes them, which lie in this folder.
pub(crate) fn pictures(files: &[String], folder: &str) -> String {
    let mut text = String::new();
    for (file, shows) in PICTURES {
        if files.iter().any(|drawn| drawn == file) {
            let _ = writeln!(text, "![{shows}]({folder}/{file})\n");
        }
    }
    text
}

/// Writes this into a document, between its marks.
///
/// # Errors
/// If it has no marks, or cannot be written.
pub(crate) fn into_document(what: &str, document: &Path) -> std::io::Result<()> {
    let text = fs::read_to_string(document)?;
    let no_marks = || std::io::Error::other(format!("{} has no marks", document.display()));
    let (before, rest) = text.split_once(BEGIN).ok_or_else(no_marks)?;
    let (_, after) = rest.split_once(END).ok_or_else(no_marks)?;
    fs::write(document, format!("{before}{BEGIN}\n{what}{END}{after}"))
}

fn times(ratio: f64) -> String {
    match ratio {
        10.0.. => format!("{ratio:.0}"),
        _ => format!("{ratio:.2}"),
    }
}

fn microseconds(number: f64) -> String {
    match number {
        10_000.0.. => format!("{:.1} ms", number / 1e3),
        100.0.. => format!("{number:.0} µs"),
        _ => format!("{number:.1} µs"),
    }
}

fn milliseconds(number: f64) -> String {
    format!("{number:.1} ms")
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}

fn kilobytes(bytes: f64) -> String {
    format!("{:.0} KB", bytes / 1e3)
}

/// With a space between thousands.
fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut spaced = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_have_marks_to_write_between() {
        let root = components::root();
        for document in ["README.md", "docs/performance.md"] {
            let text = fs::read_to_string(root.join(document)).unwrap_or_default();
            let (_, rest) = text.split_once(BEGIN).unwrap_or_default();
            assert!(rest.contains(END), "{document}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(7.0, "7"), (999.0, "999"), (1000.0, "1 000")] {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(1_234_567.0), "1 234 567");
    }
}
