//! The tables of `docs/acknowledgments.md`, cell by cell: every pair of MSH-15 and
//! MSH-16, and original mode, against every order of replies, in the component. The
//! engine alone is held to them by `tests/acknowledgments.rs`.

use host_tests::certificates::{Authority, Key};
use host_tests::event::idle;
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{Cause, Delivery, Desync, Failure, Reply, Verdict, Warning};
use host_tests::sandbox::{Client, Sandbox, Settings, Tls};
use marks::NAME;

use crate::common::{ack_asking, asking, letters, together, told, word, wrong_modes};
use crate::modes::{self, CODES, Cell, Mode};

/// In milliseconds: as long as no reply takes here, however busy the machine.
const SHORT: u32 = 3_000;
const LONG: u32 = 30_000;

/// The message that every case sends, and the one that follows it.
fn first(mode: &Mode) -> Vec<u8> {
    asking("1", &mode.accept, &mode.application)
}

fn next() -> Vec<u8> {
    message("2")
}

/// The modes in which anything is waited for.
fn waiting() -> Vec<Mode> {
    let mut modes = modes::all();
    modes.retain(|mode| !mode.replies.is_empty());
    modes
}

/// The modes in which the exchange goes on after CA, with what the tables say of the
/// CA and of what follows it.
fn going_on() -> Vec<(Mode, Cell, modes::AfterCa)> {
    let all = waiting().into_iter();
    all.filter_map(|mode| {
        let ca = mode.replies.first().filter(|cell| cell.goes_on())?.clone();
        let after = mode.after_ca();
        Some((mode, ca, after))
    })
    .collect()
}

/// Limits that no reply of a script exceeds.
fn patient() -> Settings {
    Settings {
        quiet_period: Some(LONG),
        ..Settings::default()
    }
}

/// Limits that a test can wait for.
fn hasty() -> Settings {
    Settings {
        accept_timeout: Some(SHORT),
        application_timeout: Some(SHORT),
        quiet_period: Some(SHORT),
        ..Settings::default()
    }
}

/// Sends one message to a receiver that follows this script, and tells what came of
/// it; the sandbox too, to go on.
async fn exchange(
    script: Receiver,
    message: &[u8],
    settings: Settings,
) -> (Result<Reply, Failure>, Sandbox, Client, Ending) {
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    let outcome = sandbox.send(client, message).await;
    (outcome, sandbox, client, Ending(receiver))
}

/// What is to be waited for at a case's end.
struct Ending(host_tests::receiver::Running);

impl Ending {
    /// The receiver has nothing left to say.
    async fn comes(self) {
        let _ = self.0.finished().await;
    }

    /// The message that follows goes over the same connection and is applied; the
    /// script reads and acknowledges it, and then waits for the end.
    async fn comes_after_another(self, mut sandbox: Sandbox, client: Client, case: &str) {
        assert!(sandbox.is_open(client).await, "{case}");
        let reply = sandbox.send(client, &next()).await;
        let reply = reply.unwrap_or_else(|failure| panic!("{case}: {failure:?}"));
        assert_eq!(
            (reply.verdict, reply.warnings),
            (Verdict::Applied, vec![]),
            "{case}"
        );
        sandbox.drop(client).await;
        self.comes().await;
    }

    /// The connection has ended, and with it the client; the next one is free of
    /// whatever was wrong.
    async fn comes_after_reconnecting(self, mut sandbox: Sandbox, client: Client, case: &str) {
        assert!(!sandbox.is_open(client).await, "{case}");
        let refused = sandbox.send(client, &next()).await.unwrap_err();
        assert_eq!(refused.cause, Cause::Closed, "{case}");
        sandbox.reconnect(client).await.unwrap();
        self.comes_after_another(sandbox, client, case).await;
    }
}

/// What a script does for `comes_after_another`.
fn and_another(script: Receiver) -> Receiver {
    script.expect(&next()).acknowledge("AA").expect_end()
}

/// What a script does for `comes_after_reconnecting`.
fn and_another_connection(script: Receiver) -> Receiver {
    and_another(script.expect_end().accept())
}

/// The same as the cell, where CA was not asked for either.
fn after_ca(cell: &Cell, ca: &Cell) -> Cell {
    Cell {
        wrong_mode: cell.wrong_mode || ca.wrong_mode,
        ..cell.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_means_in_every_mode_what_the_document_says() {
    together(modes::all().into_iter().map(|mode| async move {
        let case = format!("{} and silence", mode.name());
        let script = Receiver::new().accept().expect(&first(&mode));
        let goes_on = mode.nothing.word == "unacknowledged";
        let script = if goes_on {
            and_another(script)
        } else {
            and_another_connection(script)
        };
        let (outcome, sandbox, client, ending) = exchange(script, &first(&mode), hasty()).await;
        assert_eq!(told(&outcome), mode.nothing, "{case}");
        if goes_on {
            assert_eq!(outcome.unwrap().message, b"", "{case}");
            ending.comes_after_another(sandbox, client, &case).await;
        } else {
            ending
                .comes_after_reconnecting(sandbox, client, &case)
                .await;
        }
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_reply_means_in_every_mode_what_the_document_says() {
    let cases = waiting().into_iter().flat_map(|mode| {
        let cells = CODES.into_iter().zip(mode.replies.clone());
        cells.map(move |(code, cell)| (mode.clone(), code, cell))
    });
    let settled = cases.filter(|(_, _, cell)| !cell.goes_on());
    together(settled.map(|(mode, code, cell)| async move {
        let case = format!("{} and {code}", mode.name());
        let script = Receiver::new()
            .accept()
            .expect(&first(&mode))
            .acknowledge(code);
        let (outcome, sandbox, client, ending) =
            exchange(and_another(script), &first(&mode), patient()).await;
        assert_eq!(told(&outcome), cell, "{case}");
        let reply = outcome.unwrap();
        assert_eq!(reply.message, ack(code, "1"), "{case}");
        assert_eq!(
            reply.acknowledgment.map(|ack| letters(ack.code)),
            Some(code)
        );
        assert_eq!(reply.accept.is_some(), code == "CA", "{case}");
        let wrong = if cell.wrong_mode { vec![code] } else { vec![] };
        assert_eq!(wrong_modes(&reply.warnings), wrong, "{case}");
        ending.comes_after_another(sandbox, client, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_ca_means_what_the_document_says_in_one_segment_and_in_two() {
    let cases = going_on().into_iter().flat_map(|(mode, ca, after)| {
        let cells = CODES.into_iter().zip(after.replies);
        cells.flat_map(move |(code, cell)| {
            let of = (mode.clone(), ca.clone(), code, cell);
            [(of.clone(), true), (of, false)]
        })
    });
    let settled = cases.filter(|((_, _, _, cell), _)| cell.word != "skipped");
    together(settled.map(|((mode, ca, code, cell), in_one)| async move {
        let case = format!("{}, CA and {code}, in one segment: {in_one}", mode.name());
        let both = [frame(&ack("CA", "1")), frame(&ack(code, "1"))];
        let pieces = if in_one {
            vec![both.concat()]
        } else {
            both.to_vec()
        };
        let script = Receiver::new()
            .accept()
            .expect(&first(&mode))
            .send_in_pieces(pieces);
        let (outcome, sandbox, client, ending) =
            exchange(and_another(script), &first(&mode), patient()).await;
        assert_eq!(told(&outcome), after_ca(&cell, &ca), "{case}");
        let reply = outcome.unwrap();
        assert_eq!(reply.message, ack(code, "1"), "{case}");
        let accept = reply.accept.expect("the CA");
        assert_eq!(
            (letters(accept.code), accept.control_id),
            ("CA", b"1".to_vec())
        );
        let wrong = [("CA", ca.wrong_mode), (code, cell.wrong_mode)];
        let wrong = wrong.iter().filter(|(_, wrong)| *wrong);
        let wrong: Vec<_> = wrong.map(|(code, _)| *code).collect();
        assert_eq!(wrong_modes(&reply.warnings), wrong, "{case}");
        ending.comes_after_another(sandbox, client, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_ca_is_skipped_and_told_wherever_the_document_says_so() {
    together(going_on().into_iter().map(|(mode, _, after)| async move {
        let case = format!("{}, CA, CA and AE", mode.name());
        let skipped: Vec<_> = CODES
            .into_iter()
            .zip(&after.replies)
            .filter(|(_, cell)| cell.word == "skipped")
            .map(|(code, _)| code)
            .collect();
        assert_eq!(skipped, ["CA"], "{case}");
        let script = Receiver::new()
            .accept()
            .expect(&first(&mode))
            .acknowledge("CA")
            .acknowledge("CA")
            .acknowledge("AE");
        let (outcome, sandbox, client, ending) =
            exchange(and_another(script), &first(&mode), patient()).await;
        let reply = outcome.unwrap();
        assert_eq!(reply.verdict, Verdict::Refused, "{case}");
        let told = Warning::RepeatedAcknowledgment(1);
        assert!(reply.warnings.contains(&told), "{case}");
        ending.comes_after_another(sandbox, client, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_after_ca_means_what_the_document_says() {
    together(going_on().into_iter().map(|(mode, ca, after)| async move {
        let case = format!("{}, CA and silence", mode.name());
        let script = Receiver::new()
            .accept()
            .expect(&first(&mode))
            .acknowledge("CA");
        let (outcome, sandbox, client, ending) =
            exchange(and_another(script), &first(&mode), hasty()).await;
        assert_eq!(told(&outcome), after_ca(&after.nothing, &ca), "{case}");
        let reply = outcome.unwrap();
        assert_eq!(reply.message, ack("CA", "1"), "{case}");
        ending.comes_after_another(sandbox, client, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_limit_is_the_one_that_the_document_names() {
    let accept = Settings {
        accept_timeout: Some(100),
        ..patient()
    };
    let application = Settings {
        application_timeout: Some(100),
        ..patient()
    };
    let quiet = Settings {
        quiet_period: Some(100),
        ..patient()
    };
    let cases = [
        ("", "", false, application.clone()),
        ("AL", "NE", false, accept),
        ("NE", "AL", false, application.clone()),
        ("ER", "AL", false, application.clone()),
        ("SU", "NE", false, quiet.clone()),
        ("NE", "ER", false, quiet.clone()),
        ("AL", "AL", true, application),
        ("AL", "ER", true, quiet.clone()),
        ("AL", "SU", true, quiet),
    ];
    together(cases.map(|(accept, application, ca, settings)| async move {
        let case = format!("{accept}/{application}, after CA: {ca}");
        let sent = asking("1", accept, application);
        let script = Receiver::new().accept().expect(&sent);
        let script = if ca { script.acknowledge("CA") } else { script };
        let begun = std::time::Instant::now();
        let (outcome, mut sandbox, client, ending) =
            exchange(script.expect_end(), &sent, settings).await;
        let took = begun.elapsed().as_millis();
        assert!((100..u128::from(LONG)).contains(&took), "{case}: {took}");
        assert_eq!(outcome.is_ok(), ca || application == "ER", "{case}");
        sandbox.drop(client).await;
        ending.comes().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_connection_is_silence_in_no_mode() {
    let cases = waiting().into_iter().flat_map(|mode| {
        [
            ("connection-ended", mode.clone()),
            ("connection-broken", mode),
        ]
    });
    together(cases.map(|(cause, mode)| async move {
        let case = format!("{} and {cause}", mode.name());
        let script = Receiver::new().accept().expect(&first(&mode));
        let script = if cause == "connection-ended" {
            script.close()
        } else {
            script.reset()
        };
        let script = and_another(script.accept());
        let (outcome, sandbox, client, ending) = exchange(script, &first(&mode), patient()).await;
        let failure = outcome.unwrap_err();
        assert_eq!(word(&failure.cause), cause, "{case}");
        assert_eq!(failure.delivery, Delivery::InDoubt, "{case}");
        ending
            .comes_after_reconnecting(sandbox, client, &case)
            .await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_stays_accepted_when_the_connection_ends() {
    let cases = going_on().into_iter().flat_map(|(mode, ca, _)| {
        let of = (mode, ca);
        [("connection-ended", of.clone()), ("connection-broken", of)]
    });
    together(cases.map(|(cause, (mode, ca))| async move {
        let case = format!("{}, CA and {cause}", mode.name());
        let script = Receiver::new()
            .accept()
            .expect(&first(&mode))
            .acknowledge("CA");
        let script = if cause == "connection-ended" {
            script.close()
        } else {
            script.reset()
        };
        let script = and_another(script.accept());
        let (outcome, sandbox, client, ending) = exchange(script, &first(&mode), patient()).await;
        let expected = Cell {
            word: "accepted".to_owned(),
            missing: Some(cause.to_owned()),
            wrong_mode: ca.wrong_mode,
        };
        assert_eq!(told(&outcome), expected, "{case}");
        assert_eq!(outcome.unwrap().message, ack("CA", "1"), "{case}");
        ending
            .comes_after_reconnecting(sandbox, client, &case)
            .await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_for_another_message_settles_nothing_in_any_mode() {
    let cases = waiting()
        .into_iter()
        .flat_map(|mode| CODES.map(|code| (mode.clone(), code)));
    together(cases.map(|(mode, code)| async move {
        let case = format!("{} and {code} for another", mode.name());
        // Of two messages each would get the other's, if the second were sent.
        let script = Receiver::new()
            .accept()
            .expect(&first(&mode))
            .reply(&ack(code, "2"));
        let script = and_another_connection(script);
        let (outcome, sandbox, client, ending) = exchange(script, &first(&mode), patient()).await;
        let failure = outcome.unwrap_err();
        let desync = Cause::ProtocolDesync(Desync::OtherControlId);
        assert_eq!(failure.cause, desync, "{case}");
        assert_eq!(failure.delivery, Delivery::InDoubt, "{case}");
        ending
            .comes_after_reconnecting(sandbox, client, &case)
            .await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_for_another_message_after_ca_changes_nothing_but_ends_the_connection() {
    let cases = going_on()
        .into_iter()
        .flat_map(|(mode, ca, _)| CODES.map(|code| (mode.clone(), ca.clone(), code)));
    together(cases.map(|(mode, ca, code)| async move {
        let case = format!("{}, CA and {code} for another", mode.name());
        let script = Receiver::new()
            .accept()
            .expect(&first(&mode))
            .acknowledge("CA")
            .reply(&ack(code, "2"));
        let script = and_another_connection(script);
        let (outcome, sandbox, client, ending) = exchange(script, &first(&mode), patient()).await;
        let expected = Cell {
            word: "accepted".to_owned(),
            missing: Some("protocol-desync".to_owned()),
            wrong_mode: ca.wrong_mode,
        };
        assert_eq!(told(&outcome), expected, "{case}");
        ending
            .comes_after_reconnecting(sandbox, client, &case)
            .await;
    }))
    .await;
}

/// A message that must not leave: the receiver's next step is to see the end, without
/// a byte before it.
async fn stays_here(mut sandbox: Sandbox, client: Client, ending: Ending, case: &str) {
    idle().await;
    let failure = sandbox.send(client, &next()).await.unwrap_err();
    let desync = Cause::ProtocolDesync(Desync::UnreadFrame);
    assert_eq!(failure.cause, desync, "{case}");
    assert_eq!(failure.delivery, Delivery::NotSent, "{case}");
    ending.comes_after_reconnecting(sandbox, client, case).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_reply_settles_its_message_in_every_mode_and_never_the_next() {
    let cases = waiting().into_iter().flat_map(|mode| {
        let cells = CODES.into_iter().zip(mode.replies.clone());
        cells.map(move |(code, cell)| (mode.clone(), code, cell))
    });
    let settled = cases.filter(|(_, _, cell)| !cell.goes_on());
    together(settled.map(|(mode, code, cell)| async move {
        let case = format!("{} and {code} twice", mode.name());
        let twice = [frame(&ack(code, "1")), frame(&ack(code, "1"))].concat();
        let script = Receiver::new().accept().expect(&first(&mode)).send(&twice);
        let script = and_another_connection(script);
        let (outcome, sandbox, client, ending) = exchange(script, &first(&mode), patient()).await;
        assert_eq!(told(&outcome), cell, "{case}");
        stays_here(sandbox, client, ending, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubled_reply_after_ca_never_settles_the_next_message_either() {
    let cases = going_on().into_iter().flat_map(|(mode, ca, after)| {
        let cells = CODES.into_iter().zip(after.replies);
        cells.map(move |(code, cell)| (mode.clone(), ca.clone(), code, cell))
    });
    let settled = cases.filter(|(_, _, _, cell)| cell.word != "skipped");
    together(settled.map(|(mode, ca, code, cell)| async move {
        let case = format!("{}, CA and {code} twice", mode.name());
        let replies = ["CA", code, code].map(|code| frame(&ack(code, "1")));
        let script = Receiver::new()
            .accept()
            .expect(&first(&mode))
            .send(&replies.concat());
        let script = and_another_connection(script);
        let (outcome, sandbox, client, ending) = exchange(script, &first(&mode), patient()).await;
        assert_eq!(told(&outcome), after_ca(&cell, &ca), "{case}");
        stays_here(sandbox, client, ending, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_a_message_that_asks_for_none_keeps_the_next_one_from_leaving() {
    together(CODES.map(|code| async move {
        let case = format!("NE/NE and {code}");
        let sent = asking("1", "NE", "NE");
        let arrived = host_tests::event::Event::new();
        let script = Receiver::new()
            .accept()
            .expect(&sent)
            .acknowledge(code)
            .announce(&arrived);
        let script = and_another_connection(script);
        let (outcome, sandbox, client, ending) = exchange(script, &sent, patient()).await;
        assert_eq!(outcome.unwrap().verdict, Verdict::Unacknowledged, "{case}");
        let waited = tokio::task::spawn_blocking(move || arrived.wait()).await;
        waited.expect("the reply");
        stays_here(sandbox, client, ending, &case).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn original_mode_can_be_insisted_on_whatever_the_message_says() {
    use host_tests::sandbox::types::AcknowledgmentMode;
    for (accept, application) in [("AL", "AL"), ("NE", "NE"), ("Y", "N")] {
        let sent = asking("1", accept, application);
        let settings = Settings {
            acknowledgment_mode: Some(AcknowledgmentMode::Original),
            ..patient()
        };
        let script = Receiver::new().accept().expect(&sent).acknowledge("AE");
        let (outcome, sandbox, client, ending) =
            exchange(and_another(script), &sent, settings).await;
        let reply = outcome.unwrap();
        assert_eq!((reply.verdict, reply.warnings), (Verdict::Refused, vec![]));
        ending.comes_after_another(sandbox, client, "AE").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_asks_for_what_is_not_in_the_table_is_not_sent() {
    use host_tests::sandbox::types::InvalidMessage;
    let receiver = and_another(Receiver::new().accept()).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    for (accept, application, field) in [("AL ", "NE", 15), ("NE", "al", 16)] {
        let sent = asking("1", accept, application);
        let failure = sandbox.send(client, &sent).await.unwrap_err();
        let unknown = InvalidMessage::UnknownCondition(field);
        assert_eq!(failure.cause, Cause::InvalidMessage(unknown));
        assert_eq!(failure.delivery, Delivery::NotSent);
    }
    let ending = Ending(receiver);
    ending.comes_after_another(sandbox, client, "guard").await;
}

/// What must be in the CA for an application acknowledgment as `ack_asking` makes it.
fn is_a_ca_for_it(content: &[u8]) {
    let content = String::from_utf8(content.to_vec()).expect("text");
    let (header, msa) = content.split_once('\r').expect("two segments");
    assert_eq!(msa, "MSA|CA|R1\r");
    let fields: Vec<_> = header.split('|').collect();
    let [msh, separators, from, at, to, there, time, _, kind, id, ..] = fields[..] else {
        panic!("the header is short");
    };
    assert_eq!((msh, separators), ("MSH", "^~\\&"));
    // Back to where the acknowledgment came from.
    assert_eq!([from, at, to, there], [NAME; 4]);
    assert_eq!(time.len(), "20261123080000+0000".len());
    assert_eq!(kind, "ACK^A01^ACK");
    assert!(
        !id.is_empty() && id != "R1",
        "it has a control id of its own"
    );
    assert_eq!(fields[10..], ["T", "2.5"], "it asks for nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_acknowledgment_that_asks_for_one_gets_a_ca_before_the_next_message() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    for secured in [false, true] {
        for (accept, application, before, code) in [
            ("", "", None, "AA"),
            ("NE", "AL", None, "AE"),
            ("AL", "AL", Some("CA"), "AA"),
            ("AL", "AL", Some("CA"), "AR"),
            ("AL", "AL", None, "AA"),
        ] {
            let case = format!("{accept}/{application} and {code}, TLS: {secured}");
            let sent = asking("1", accept, application);
            let mut script = Receiver::new().accept();
            let mut settings = patient();
            if secured {
                script = script.shake_hands(server.clone());
                settings.tls = Some(Tls::trusting(&authority));
            }
            script = script.expect(&sent);
            if let Some(before) = before {
                script = script.acknowledge(before);
            }
            let script = script
                .reply(&ack_asking(code, "1", "AL"))
                .expect_that(is_a_ca_for_it)
                .expect(&next())
                .acknowledge("AA");
            let (outcome, mut sandbox, client, ending) = exchange(script, &sent, settings).await;
            let reply = outcome.unwrap();
            assert_eq!(reply.message, ack_asking(code, "1", "AL"), "{case}");
            let next = sandbox.send(client, &next()).await.unwrap();
            assert_eq!((next.verdict, next.warnings), (Verdict::Applied, vec![]));
            ending.comes().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_goes_out_where_it_is_asked_for_and_nowhere_else() {
    let conditions = [("AL", true), ("SU", true), ("ER", false), ("NE", false)];
    together(conditions.map(|(condition, asks)| async move {
        let script = Receiver::new()
            .accept()
            .expect(&message("1"))
            .reply(&ack_asking("AA", "1", condition));
        let script = if asks {
            script.expect_accept("R1")
        } else {
            script
        };
        let (outcome, sandbox, client, ending) =
            exchange(and_another(script), &message("1"), patient()).await;
        assert_eq!(outcome.unwrap().warnings, []);
        ending.comes_after_another(sandbox, client, condition).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accept_acknowledgment_is_never_acknowledged_whatever_it_asks_for() {
    let sent = asking("1", "AL", "NE");
    for code in ["CA", "CE", "CR"] {
        let script = Receiver::new()
            .accept()
            .expect(&sent)
            .reply(&ack_asking(code, "1", "AL"));
        let (outcome, sandbox, client, ending) =
            exchange(and_another(script), &sent, patient()).await;
        assert_eq!(outcome.unwrap().warnings, []);
        ending.comes_after_another(sandbox, client, code).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_ca_that_goes_out_has_a_control_id_of_its_own() {
    use std::sync::{Arc, Mutex};
    let ids = Arc::new(Mutex::new(Vec::new()));
    let mut script = Receiver::new().accept();
    for id in ["1", "2", "3"] {
        let ids = Arc::clone(&ids);
        script = script
            .expect(&message(id))
            .reply(&ack_asking("AA", id, "AL"))
            .expect_that(move |content| {
                let id = host_tests::messages::control_id(content);
                ids.lock().expect("its list").push(id);
            });
    }
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    for id in ["1", "2", "3"] {
        sandbox.send(client, &message(id)).await.unwrap();
    }
    let _ = receiver.finish();
    let mut ids = ids.lock().expect("the list").clone();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
