//! Every sample goes to software that nobody here wrote, and comes back with the
//! verdict that software gives. What became of each is the tables of
//! `docs/receivers.md`.

use host_tests::messages::{control_id, message};
use host_tests::peers::{Peer, Software};
use host_tests::samples::{self, Sample};
use host_tests::sandbox::types::{
    Acknowledgment, AcknowledgmentCode, Cause, Delivery, Desync, Failure, Leniency, Reply, Verdict,
    Warning,
};
use host_tests::sandbox::{Grants, Sandbox, Settings};
use host_tests::tables::Table;

use crate::common::{self, asking, letters, together, words};
use crate::modes::{self, CODES as ALL_CODES, Cell, Mode};

const CODES: [&str; 3] = ["AA", "AE", "AR"];

/// How long hl7apy gets for a message of 1 MB, in milliseconds: longer than this it
/// takes on any machine, and longer than a test should on most.
const HL7APY_TIMEOUT: u32 = 3_000;

fn verdicts() -> Table {
    Table::new("docs/receivers.md", "foreign receivers")
}

fn encodings() -> Table {
    Table::new("docs/receivers.md", "foreign encodings")
}

fn enhanced() -> Table {
    Table::new("docs/receivers.md", "foreign modes")
}

/// Sends a sample over a connection of its own: hl7apy ends it after one message,
/// and node-hl7-server repeats acknowledgments from the second on.
async fn send(
    sandbox: &mut Sandbox,
    software: Software,
    peer: &Peer,
    message: &[u8],
) -> Result<Reply, Failure> {
    let connected = sandbox.connect_with(peer.address, Settings::default());
    let client = connected.await.expect("the peer accepts");
    let outcome = if software == Software::Hl7apy && message.len() > 1_000_000 {
        sandbox.send_within(client, message, HL7APY_TIMEOUT).await
    } else {
        sandbox.send(client, message).await
    };
    sandbox.drop(client).await;
    outcome
}

/// Whether the receiver has answered, be it with nonsense.
const fn answered(outcome: &Result<Reply, Failure>) -> bool {
    match outcome {
        Ok(_) => true,
        Err(failure) => matches!(
            failure.cause,
            Cause::ProtocolDesync(_) | Cause::InvalidReply(_)
        ),
    }
}

/// Sends every sample with every code and holds the table to what comes out.
async fn hold(software: Software) {
    let samples = samples::all();
    let mut rows = vec![Row::default(); samples.len()];
    for code in CODES {
        let Some(mut peer) = Peer::start(software, code) else {
            return;
        };
        let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
        for (sample, row) in samples.iter().zip(&mut rows) {
            let outcome = send(&mut sandbox, software, &peer, &sample.message).await;
            assert!(
                !answered(&outcome) || peer.received(&sample.message),
                "{software:?} got another message than {}",
                sample.name
            );
            row.add(&outcome);
        }
    }
    let rows: Vec<_> = samples
        .iter()
        .zip(rows)
        .map(|(sample, row)| row.told(software, sample))
        .collect();
    verdicts().hold(software.name(), &Software::ALL.map(Software::name), &rows);
}

/// What became of a sample.
#[derive(Clone, Default)]
struct Row {
    outcomes: Vec<String>,
    warnings: Vec<String>,
}

impl Row {
    fn add(&mut self, outcome: &Result<Reply, Failure>) {
        self.outcomes.push(told(outcome));
        for warning in outcome.iter().flat_map(|reply| &reply.warnings) {
            let warning = words(warning);
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    fn told(self, software: Software, sample: &Sample) -> String {
        let warnings = match self.warnings.as_slice() {
            [] => "none".to_owned(),
            warnings => warnings.join(", "),
        };
        let outcomes = self.outcomes.join(" | ");
        let (receiver, sample) = (software.name(), &sample.name);
        format!("| {receiver} | `{sample}` | {outcomes} | {warnings} |")
    }
}

/// The verdict and the code; or what is known of the delivery, and the cause.
fn told(outcome: &Result<Reply, Failure>) -> String {
    match outcome {
        Ok(reply) => {
            let code = reply.acknowledgment.as_ref().map(|ack| letters(ack.code));
            format!(
                "{} {}",
                words(&reply.verdict),
                code.unwrap_or("without MSA")
            )
        }
        Err(failure) => format!("{}: {}", words(&failure.delivery), words(&failure.cause)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn medplum_hl7_answers_every_sample_as_in_the_table() {
    hold(Software::MedplumHl7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simple_hl7_answers_every_sample_as_in_the_table() {
    hold(Software::SimpleHl7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_hl7_server_answers_every_sample_as_in_the_table() {
    hold(Software::NodeHl7Server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_hl7_answers_every_sample_as_in_the_table() {
    hold(Software::PythonHl7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hl7apy_answers_every_sample_as_in_the_table() {
    hold(Software::Hl7apy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn elixir_answers_every_sample_as_in_the_table() {
    hold(Software::Elixir).await;
}

/// What is acknowledged may be damaged all the same: no receiver looks at MSH-18.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_decodes_by_its_own_configuration_and_not_by_the_message() {
    let samples = samples::all();
    for software in Software::ALL {
        let Some(encoding) = software.own_encoding() else {
            continue;
        };
        let Some(mut peer) = Peer::start_with(software, &["--encoding", encoding]) else {
            continue;
        };
        let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
        let mut rows = Vec::new();
        for sample in samples.iter().filter(|one| !one.message.is_ascii()) {
            let outcome = send(&mut sandbox, software, &peer, &sample.message).await;
            let arrived = if !answered(&outcome) {
                "not at all"
            } else if peer.received(&sample.message) {
                "whole"
            } else {
                "damaged"
            };
            rows.push(format!(
                "| {} | {encoding} | `{}` | {} | {arrived} |",
                software.name(),
                sample.name,
                told(&outcome),
            ));
        }
        encodings().hold(software.name(), &Software::ALL.map(Software::name), &rows);
    }
}

#[test]
fn the_tables_hold_no_rows_but_of_these() {
    for table in [verdicts(), encodings(), enhanced()] {
        let known = Software::ALL.map(Software::name);
        let mut givers = table.givers().into_iter();
        let unknown = givers.find(|giver| !known.contains(&giver.as_str()));
        assert_eq!(unknown, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_hl7_takes_every_sample_over_one_connection() {
    let Some(mut peer) = Peer::start(Software::PythonHl7, "AA") else {
        return;
    };
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    let connected = sandbox.connect_with(peer.address, Settings::default());
    let client = connected.await.expect("the peer accepts");
    for sample in samples::all() {
        let reply = sandbox.send(client, &sample.message).await;
        assert_eq!(reply.expect("a reply").verdict, Verdict::Applied);
        assert!(peer.received(&sample.message), "{}", sample.name);
    }
}

/// It answers the second message on a connection with the first one's
/// acknowledgment before the second's: a receiver's defect that a sender without
/// correlation would take for success.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_acknowledgment_of_node_hl7_server_is_credited_to_nobody() {
    let Some(peer) = Peer::start(Software::NodeHl7Server, "AA") else {
        return;
    };
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    let connected = sandbox.connect_with(peer.address, Settings::default());
    let client = connected.await.expect("the peer accepts");
    let first = sandbox.send(client, &message("first")).await;
    assert_eq!(first.expect("a reply").verdict, Verdict::Applied);
    let second = sandbox.send(client, &message("second")).await;
    let failure = second.expect_err("the first acknowledgment again");
    assert_eq!(failure.cause, Cause::ProtocolDesync(Desync::OtherControlId));
    assert_eq!(failure.delivery, Delivery::InDoubt);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_acknowledgments_of_node_hl7_server_can_be_borne_and_are_counted() {
    for (code, verdict) in [("AA", Verdict::Applied), ("AE", Verdict::Refused)] {
        let Some(mut peer) = Peer::start(Software::NodeHl7Server, code) else {
            return;
        };
        let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
        let settings = Settings {
            allow: vec![Leniency::OtherAcknowledgment],
            ..Settings::default()
        };
        let connected = sandbox.connect_with(peer.address, settings).await;
        let client = connected.expect("the peer accepts");
        // One with separators of its own it does not answer behind others.
        let mut samples = samples::all();
        samples.retain(|sample| sample.message.starts_with(b"MSH|"));
        for (at, sample) in samples.iter().enumerate() {
            let reply = sandbox.send(client, &sample.message).await;
            let reply = reply.unwrap_or_else(|failure| panic!("{}: {failure:?}", sample.name));
            assert_eq!(reply.verdict, verdict, "{}", sample.name);
            let own = reply.acknowledgment.expect("an MSA").control_id;
            assert_eq!(own, control_id(&sample.message), "{}", sample.name);
            let skipped = reply.warnings.iter().map(|warning| match warning {
                Warning::OtherAcknowledgment(count) => *count as usize,
                other => panic!("{other:?}"),
            });
            // Those of all messages before it, once more.
            assert_eq!(skipped.sum::<usize>(), at, "{}", sample.name);
            for again in &samples[..=at] {
                assert!(peer.received(&again.message), "{}", again.name);
            }
        }
    }
}

/// What comes of a message in this mode and these replies, by the tables of
/// `docs/acknowledgments.md`.
fn by_the_document(mode: &Mode, replies: &[&str]) -> Cell {
    let column = |code: &str| {
        ALL_CODES
            .iter()
            .position(|one| *one == code)
            .expect("a code")
    };
    let Some((first, rest)) = replies.split_first().filter(|_| !mode.replies.is_empty()) else {
        return mode.nothing.clone();
    };
    let told = &mode.replies[column(first)];
    if !told.goes_on() {
        return told.clone();
    }
    let after = mode.after_ca();
    let last = rest
        .first()
        .map_or(&after.nothing, |code| &after.replies[column(code)]);
    Cell {
        wrong_mode: last.wrong_mode || told.wrong_mode,
        ..last.clone()
    }
}

/// As the tables of that document write it.
fn written(cell: &Cell) -> String {
    let missing = cell
        .missing
        .iter()
        .map(|cause| format!(", missing: {cause}"));
    let missing: String = missing.collect();
    let wrong_mode = if cell.wrong_mode { " !" } else { "" };
    format!("{}{missing}{wrong_mode}", cell.word)
}

/// The rows of a receiver: for every mode what it came to with each of these codes.
fn in_modes(software: Software, columns: &[Vec<Cell>]) -> Vec<String> {
    let modes = modes::all();
    let rows = modes.iter().enumerate().map(|(at, mode)| {
        let cells: Vec<_> = columns.iter().map(|column| written(&column[at])).collect();
        format!(
            "| {} | {} | {} | {} |",
            software.name(),
            mode.accept,
            mode.application,
            cells.join(" | ")
        )
    });
    rows.map(|row| row.replace("|  |", "| |").replace("|  |", "| |"))
        .collect()
}

/// Limits for those who say nothing; long enough for a receiver that does.
fn hasty() -> Settings {
    Settings {
        accept_timeout: Some(2_000),
        application_timeout: Some(2_000),
        quiet_period: Some(2_000),
        ..Settings::default()
    }
}

/// Elixir's receiver keeps to MSH-15 and MSH-16. All over one connection, for as long
/// as that lasts.
async fn elixir_in_every_mode(code: &'static str, commit: &'static str) -> Option<Vec<Cell>> {
    let arguments = ["--code", code, "--commit", commit];
    let mut peer = Peer::start_with(Software::Elixir, &arguments)?;
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    let connected = sandbox.connect_with(peer.address, hasty()).await;
    let client = connected.expect("the peer accepts");
    let due = |condition: &str, code: &str| match condition {
        "AL" => true,
        "ER" => !code.ends_with('A'),
        "SU" => code.ends_with('A'),
        _ => false,
    };
    let mut cells = Vec::new();
    for mode in modes::all() {
        if !sandbox.is_open(client).await {
            sandbox.reconnect(client).await.expect("the peer accepts");
        }
        let id = format!("{code}{commit}{}", cells.len());
        let sent = asking(&id, &mode.accept, &mode.application);
        let outcome = sandbox.send(client, &sent).await;
        assert!(peer.received(&sent), "{}", mode.name());
        let mut replies = Vec::new();
        if mode.accept.is_empty() {
            replies.push(code);
        } else {
            replies.extend(due(&mode.accept, commit).then_some(commit));
            let follows = commit == "CA" && due(&mode.application, code);
            replies.extend(follows.then_some(code));
        }
        let told = common::told(&outcome);
        let expected = by_the_document(&mode, &replies);
        assert_eq!(told, expected, "{} and {replies:?}", mode.name());
        assert!(!told.wrong_mode, "it gets no mode wrong");
        cells.push(told);
    }
    Some(cells)
}

#[tokio::test(flavor = "multi_thread")]
async fn elixir_acknowledges_in_every_mode_as_in_the_table() {
    let kinds = [
        ("AA", "CA"),
        ("AE", "CA"),
        ("AR", "CA"),
        ("AA", "CE"),
        ("AA", "CR"),
    ];
    let running = kinds.map(|(code, commit)| tokio::spawn(elixir_in_every_mode(code, commit)));
    let mut columns = Vec::new();
    for column in running {
        match column.await.expect("it holds") {
            Some(column) => columns.push(column),
            None => return,
        }
    }
    let rows = in_modes(Software::Elixir, &columns);
    let order = Software::ALL.map(Software::name);
    enhanced().hold(Software::Elixir.name(), &order, &rows);
}

/// In its enhanced mode it sends CA and the other code to every message, whatever that
/// asks for. Each over a connection of its own: what it sends too much stays on it.
async fn medplum_in_every_mode(code: &'static str) -> Option<Vec<Cell>> {
    let peer = Peer::start_with(Software::MedplumHl7, &["--enhanced", "--code", code])?;
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    let mut cells = Vec::new();
    for mode in modes::all() {
        let connected = sandbox.connect_with(peer.address, Settings::default());
        let client = connected.await.expect("the peer accepts");
        let sent = asking("1", &mode.accept, &mode.application);
        let outcome = sandbox.send(client, &sent).await;
        let told = common::told(&outcome);
        let expected = by_the_document(&mode, &["CA", code]);
        assert_eq!(told, expected, "{} and CA, {code}", mode.name());
        sandbox.drop(client).await;
        cells.push(told);
    }
    Some(cells)
}

#[tokio::test(flavor = "multi_thread")]
async fn medplum_hl7_acknowledges_in_every_mode_as_in_the_table() {
    let mut columns = Vec::new();
    for code in CODES {
        match medplum_in_every_mode(code).await {
            Some(column) => columns.push(column),
            None => return,
        }
    }
    // It has no other accept acknowledgment than CA.
    let rows = in_modes(Software::MedplumHl7, &columns);
    let rows: Vec<_> = rows
        .iter()
        .map(|row| format!("{row} never | never |"))
        .collect();
    let order = Software::ALL.map(Software::name);
    enhanced().hold(Software::MedplumHl7.name(), &order, &rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn medplum_hl7_sends_both_acknowledgments_of_every_message_over_one_connection() {
    let kinds = [("AA", Verdict::Applied), ("AE", Verdict::Refused)];
    together(kinds.map(|(code, verdict)| async move {
        let arguments = ["--enhanced", "--code", code];
        let Some(mut peer) = Peer::start_with(Software::MedplumHl7, &arguments) else {
            return;
        };
        let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
        let connected = sandbox.connect_with(peer.address, Settings::default());
        let client = connected.await.expect("the peer accepts");
        for id in 0..50 {
            let sent = asking(&id.to_string(), "AL", "AL");
            let reply = sandbox.send(client, &sent).await.expect("a reply");
            assert_eq!((reply.verdict, reply.warnings), (verdict, vec![]));
            assert!(reply.accept.is_some());
            assert!(peer.received(&sent));
        }
    }))
    .await;
}

/// The samples ask for no accept acknowledgment: a CA settles them all the same, and
/// what follows is late. Each is told once, with this result or the next one.
#[tokio::test(flavor = "multi_thread")]
async fn medplum_hl7_in_its_enhanced_mode_takes_every_sample_over_one_connection() {
    let arguments = ["--enhanced", "--code", "AR"];
    let Some(mut peer) = Peer::start_with(Software::MedplumHl7, &arguments) else {
        return;
    };
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    let connected = sandbox.connect_with(peer.address, Settings::default());
    let client = connected.await.expect("the peer accepts");
    let (mut sent, mut told) = (Vec::new(), Vec::new());
    for sample in samples::all() {
        let reply = sandbox.send(client, &sample.message).await;
        let reply = reply.unwrap_or_else(|failure| panic!("{}: {failure:?}", sample.name));
        assert_eq!(reply.verdict, Verdict::Accepted, "{}", sample.name);
        assert_eq!(
            common::wrong_modes(&reply.warnings),
            ["CA"],
            "{}",
            sample.name
        );
        assert!(peer.received(&sample.message), "{}", sample.name);
        sent.push(control_id(&sample.message));
        told.extend(late(reply.warnings));
    }
    // The last one's is there before this one's.
    let last = sandbox.send(client, &asking("last", "AL", "AL")).await;
    told.extend(late(last.expect("a reply").warnings));
    told.sort_by(|one, other| one.control_id.cmp(&other.control_id));
    sent.sort();
    let code = AcknowledgmentCode::ApplicationReject;
    let each = sent
        .into_iter()
        .map(|control_id| Acknowledgment { code, control_id });
    assert_eq!(told, each.collect::<Vec<_>>());
}

fn late(warnings: Vec<Warning>) -> Vec<Acknowledgment> {
    let late = warnings.into_iter().filter_map(|warning| match warning {
        Warning::LateAcknowledgment(late) => Some(late),
        _ => None,
    });
    late.collect()
}
