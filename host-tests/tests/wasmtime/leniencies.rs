//! What is borne from a receiver that does not keep to the rules, and what is not;
//! and that `docs/leniencies.md` tells all of it.

use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{
    Cause, Delivery, Desync, Failure, Leniency, Phase, Verdict, Warning,
};
use host_tests::sandbox::{Client, Sandbox, Settings};
use mllp_client::proto::leniency::Leniency as Known;

use crate::common::{word, words};

const ALL: [Leniency; 8] = [
    Leniency::SpaceBeforeStartBlock,
    Leniency::SpaceAfterFrame,
    Leniency::LineFeedSegments,
    Leniency::JunkBeforeStartBlock,
    Leniency::MissingStartBlock,
    Leniency::MissingCarriageReturn,
    Leniency::DoubledEnvelope,
    Leniency::OtherAcknowledgment,
];

/// A departure from the rules.
struct Departure {
    leniency: Leniency,
    /// What comes back for the message `1`.
    bytes: Vec<u8>,
    /// The same, as it has to be for a decoder that does not bear it to see at once.
    plain: Vec<u8>,
    /// What is told where it is borne.
    warning: Warning,
}

fn departures() -> Vec<Departure> {
    let ack = ack("AA", "1");
    let whole = frame(&ack);
    let of = |leniency, bytes: Vec<u8>, warning| Departure {
        leniency,
        plain: bytes.clone(),
        bytes,
        warning,
    };
    let text = String::from_utf8(ack.clone()).expect("text");
    let without_end = whole[..whole.len() - 1].to_vec();
    vec![
        of(
            Leniency::SpaceBeforeStartBlock,
            [b"\r\n \t", &whole[..]].concat(),
            Warning::SpaceBeforeStartBlock(4),
        ),
        of(
            Leniency::SpaceAfterFrame,
            [&whole[..], b"\r\n"].concat(),
            Warning::SpaceAfterFrame(2),
        ),
        of(
            Leniency::LineFeedSegments,
            frame(text.replace('\r', "\n").as_bytes()),
            Warning::LineFeedSegments,
        ),
        of(
            Leniency::JunkBeforeStartBlock,
            [b"HELO\r\n", &whole[..]].concat(),
            Warning::JunkBeforeStartBlock(6),
        ),
        of(
            Leniency::MissingStartBlock,
            whole[1..].to_vec(),
            Warning::MissingStartBlock,
        ),
        Departure {
            leniency: Leniency::MissingCarriageReturn,
            plain: [&without_end[..], b"|"].concat(),
            bytes: without_end,
            warning: Warning::MissingCarriageReturn,
        },
        of(
            Leniency::DoubledEnvelope,
            frame(&whole),
            Warning::DoubledEnvelope,
        ),
        of(
            Leniency::OtherAcknowledgment,
            [frame(&ack_of_another()), whole].concat(),
            Warning::OtherAcknowledgment(1),
        ),
    ]
}

fn ack_of_another() -> Vec<u8> {
    ack("AA", "0")
}

/// Everything is forbidden but this.
fn bearing(allowed: &[Leniency]) -> Settings {
    Settings {
        allow: allowed.to_vec(),
        forbid: ALL
            .into_iter()
            .filter(|one| !allowed.contains(one))
            .collect(),
        ..Settings::default()
    }
}

fn is_default(leniency: Leniency) -> bool {
    matches!(
        leniency,
        Leniency::SpaceBeforeStartBlock | Leniency::SpaceAfterFrame | Leniency::LineFeedSegments
    )
}

/// Sends `1`, of which `bytes` come back, then `2`, which is acknowledged as it should
/// be, both over one connection; tells the warnings of both.
async fn borne(bytes: &[u8], settings: Settings) -> Vec<Warning> {
    let arrived = Event::new();
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .send(bytes)
        .announce(&arrived)
        .expect(&message("2"))
        .acknowledge("AA")
        .expect(&message("3"))
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    let first = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(first.verdict, Verdict::Applied);
    arrived.wait();
    idle().await;
    let second = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(second.verdict, Verdict::Applied);
    let third = sandbox.send(client, &message("3")).await.unwrap();
    assert_eq!((third.verdict, third.warnings), (Verdict::Applied, vec![]));
    let _ = receiver.finish();
    [first.warnings, second.warnings].concat()
}

/// The failure of `1`, of which `bytes` come back, or, where they come after its
/// acknowledgment, of `2`, which never leaves. The next connection is free of it.
async fn not_borne(bytes: &[u8], settings: Settings) -> Failure {
    let arrived = Event::new();
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .send(bytes)
        .announce(&arrived)
        .expect_end()
        .accept()
        .expect(&message("3"))
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    let failure = match sandbox.send(client, &message("1")).await {
        Err(failure) => failure,
        Ok(first) => {
            assert_eq!(first.verdict, Verdict::Applied);
            arrived.wait();
            idle().await;
            sandbox.send(client, &message("2")).await.unwrap_err()
        }
    };
    is_free_again(&mut sandbox, client).await;
    let _ = receiver.finish();
    failure
}

/// The client has ended, and the next connection has none of what was wrong.
async fn is_free_again(sandbox: &mut Sandbox, client: Client) {
    assert!(!sandbox.is_open(client).await);
    sandbox.reconnect(client).await.unwrap();
    let next = sandbox.send(client, &message("3")).await.unwrap();
    assert_eq!((next.verdict, next.warnings), (Verdict::Applied, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_leniency_allowed_alone_bears_its_departure_and_tells_of_it() {
    for departure in departures() {
        let warnings = borne(&departure.bytes, bearing(&[departure.leniency])).await;
        assert_eq!(warnings, [departure.warning]);
        assert_eq!(words(&departure.leniency), word(&warnings[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_departure_is_an_error_of_its_exchange_alone_where_nothing_is_borne() {
    let table = rows("leniencies");
    for departure in departures() {
        let name = words(&departure.leniency);
        let failure = not_borne(&departure.plain, bearing(&[])).await;
        let row = table.iter().find(|row| row[0] == format!("`{name}`"));
        let told = &row.expect("a row of the document")[3];
        assert_eq!(format!("`{}`", words(&failure.cause)), *told, "{name}");
        let known = if failure.phase == Phase::Write {
            Delivery::NotSent
        } else {
            Delivery::InDoubt
        };
        assert_eq!(failure.delivery, known, "{name}");
        assert_eq!(failure.warnings, [], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_defaults_are_what_the_document_says() {
    for departure in departures() {
        if is_default(departure.leniency) {
            let warnings = borne(&departure.bytes, Settings::default()).await;
            assert_eq!(warnings, [departure.warning]);
        } else {
            let failure = not_borne(&departure.plain, Settings::default()).await;
            assert_eq!(failure.delivery, Delivery::InDoubt);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_departures_at_once_are_borne_where_all_are_allowed() {
    let text = String::from_utf8(ack("AA", "1")).expect("text");
    let ugly = [
        &frame(&ack_of_another())[..],
        b"\r\nHELO\n\x0B\x0B",
        text.replace('\r', "\r\n").as_bytes(),
        b"\x1C\x1C\r\n",
    ]
    .concat();
    let warnings = borne(&ugly, bearing(&ALL)).await;
    let names: Vec<_> = warnings.iter().map(word).collect();
    for leniency in ALL {
        // There was a start block, and white space among other bytes.
        let is_met = !matches!(
            leniency,
            Leniency::MissingStartBlock | Leniency::SpaceBeforeStartBlock
        );
        assert_eq!(names.contains(&words(&leniency)), is_met, "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_stand_before_a_start_block_has_a_limit() {
    let whole = frame(&ack("AA", "1"));
    for (byte, leniency) in [
        (b' ', Leniency::SpaceBeforeStartBlock),
        (b'x', Leniency::JunkBeforeStartBlock),
    ] {
        let most = [vec![byte; 1024], whole.clone()].concat();
        let warnings = borne(&most, bearing(&[leniency])).await;
        assert_eq!(warnings.len(), 1);
        let more = [vec![byte; 1025], whole.clone()].concat();
        let failure = not_borne(&more, bearing(&[leniency])).await;
        let desync = Cause::ProtocolDesync(Desync::BytesBeforeStartBlock);
        assert_eq!(failure.cause, desync);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_whose_end_block_nothing_follows_is_not_whole_unless_that_is_borne() {
    let whole = frame(&ack("AA", "1"));
    let settings = Settings {
        application_timeout: Some(300),
        ..Settings::default()
    };
    let failure = not_borne(&whole[..whole.len() - 1], settings).await;
    assert_eq!(failure.cause, Cause::TimedOut);
    assert_eq!(failure.delivery, Delivery::InDoubt);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carriage_return_that_was_only_late_belongs_to_its_frame() {
    let whole = frame(&ack("AA", "1"));
    let (without, late) = whole.split_at(whole.len() - 1);
    let settled = Event::new();
    let arrived = Event::new();
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .send(without)
        .wait_for(&settled)
        .send(late)
        .announce(&arrived)
        .expect(&message("2"))
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = bearing(&[Leniency::MissingCarriageReturn]);
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    let first = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(first.warnings, [Warning::MissingCarriageReturn]);
    settled.announce();
    arrived.wait();
    idle().await;
    let second = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(second.warnings, []);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgments_of_others_are_skipped_on_the_idle_connection_too() {
    let (settled, arrived) = (Event::new(), Event::new());
    let old = frame(&ack_of_another());
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .wait_for(&settled)
        .send(&old.repeat(3))
        .announce(&arrived)
        .expect(&message("2"))
        .send(&old.repeat(2))
        .acknowledge("AE")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = bearing(&[Leniency::OtherAcknowledgment]);
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    sandbox.send(client, &message("1")).await.unwrap();
    settled.announce();
    arrived.wait();
    idle().await;
    let reply = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Refused);
    let skipped = reply.warnings.iter().map(|warning| match warning {
        Warning::OtherAcknowledgment(count) => *count,
        other => panic!("{other:?}"),
    });
    assert_eq!(skipped.sum::<u32>(), 5);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_borne_never_makes_a_success_of_another_messages_reply() {
    let settings = bearing(&[
        Leniency::JunkBeforeStartBlock,
        Leniency::MissingStartBlock,
        Leniency::MissingCarriageReturn,
        Leniency::DoubledEnvelope,
    ]);
    let foreign = ack_of_another();
    for bytes in [
        [b"junk", &frame(&foreign)[..]].concat(),
        [&foreign[..], b"\x1C\r"].concat(),
        [b"\x0B", &foreign[..], b"\x1C"].concat(),
        frame(&frame(&foreign)),
    ] {
        let failure = not_borne(&bytes, settings.clone()).await;
        assert_eq!(failure.cause, Cause::ProtocolDesync(Desync::OtherControlId));
        assert_eq!(failure.delivery, Delivery::InDoubt);
    }
}

const DOCUMENT: &str = include_str!("../../../docs/leniencies.md");
const WIT: &str = include_str!("../../../wit/types.wit");
const SOURCE: &str = include_str!("../../../src/proto/warning.rs");

/// The rows of a table of the document, without its head.
fn rows(name: &str) -> Vec<Vec<String>> {
    let begin = format!("<!-- {name}: begin -->");
    let (_, rest) = DOCUMENT.split_once(&begin).expect("the table's begin");
    let end = format!("<!-- {name}: end -->");
    let (table, _) = rest.split_once(&end).expect("the table's end");
    let lines = table.lines().filter(|line| line.starts_with('|')).skip(2);
    lines
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// The names in the first column.
fn named(name: &str) -> Vec<String> {
    let rows = rows(name).into_iter();
    rows.map(|row| row[0].trim_matches('`').to_owned())
        .collect()
}

/// The cases of an enumeration or a variant in the WIT, and what each holds.
fn cases(of: &str) -> Vec<(String, Option<String>)> {
    let (_, rest) = WIT.split_once(&format!("  {of} {{\n")).expect("its begin");
    let (cases, _) = rest.split_once("\n  }").expect("its end");
    let lines = cases.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("///"));
    lines
        .map(|line| {
            let case = line.trim_end_matches(',');
            match case.split_once('(') {
                Some((name, held)) => {
                    (name.to_owned(), Some(held.trim_end_matches(')').to_owned()))
                }
                None => (case.to_owned(), None),
            }
        })
        .collect()
}

#[test]
fn the_document_tells_every_leniency_with_its_default_and_no_other() {
    let known: Vec<_> = Known::ALL.iter().map(|one| one.word()).collect();
    assert_eq!(named("leniencies"), known);
    let in_wit: Vec<_> = cases("enum leniency")
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(in_wit, known);
    let here: Vec<_> = ALL.iter().map(words).collect();
    assert_eq!(here, known);
    for (row, leniency) in rows("leniencies").iter().zip(Known::ALL) {
        let allowed = leniency.is_allowed_by_default();
        let default = if allowed { "allowed" } else { "forbidden" };
        assert_eq!(row[2], default, "{}", row[0]);
    }
    for (leniency, known) in ALL.into_iter().zip(Known::ALL) {
        assert_eq!(is_default(leniency), known.is_allowed_by_default());
    }
}

#[test]
fn the_document_tells_every_warning_and_no_other() {
    let in_wit = cases("variant warning");
    let names: Vec<_> = in_wit.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(named("warnings"), names);
    for (row, (name, held)) in rows("warnings").iter().zip(&in_wit) {
        assert_eq!(row[1] == "nothing", held.is_none(), "{name}");
    }
    // In the code, `other` is not made: it is for later versions.
    let (_, words) = SOURCE.split_once("pub const fn word").expect("the words");
    let (words, _) = words.split_once("\n    }\n").expect("their end");
    let words: Vec<_> = words.split('"').skip(1).step_by(2).collect();
    let (other, known) = names.split_last().expect("cases");
    assert_eq!(
        (words, other.as_str()),
        (known.iter().map(String::as_str).collect(), "other")
    );
}

#[test]
fn every_leniency_has_a_warning_of_its_name() {
    let warnings = named("warnings");
    assert!(
        named("leniencies")
            .iter()
            .all(|name| warnings.contains(name))
    );
}
