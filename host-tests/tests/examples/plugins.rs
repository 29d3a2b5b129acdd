//! Plugins composed with the library component, and with the stub in its place.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::SocketAddr;

use host_tests::certificates::{Authority, Key};
use host_tests::event::Event;
use host_tests::messages::message;
use host_tests::platform::channels::{Delivery, Identity, NextStep, Receiver as To};
use host_tests::platform::channels::{Outcome, Problem, Route, Settings, Tls, Verdict};
use host_tests::platform::{Channel, Platform};
use host_tests::plugins::{self, Language, With};
use host_tests::receiver::Receiver;
use host_tests::sandbox::{self, Client, Grants, Host, Sandbox, types};
use host_tests::tables::Table;
use marks::{MOMENT, NAME, PLACE};
use wasmtime::Store;
use wasmtime::component::{Component, Linker};

/// The plugin in every language that can be built here.
fn all(with: With) -> impl Iterator<Item = (Language, &'static Component)> {
    let composed = move |language| Some((language, plugins::composed(language, with)?));
    Language::ALL.into_iter().filter_map(composed)
}

/// A receiver in the clear, by the name `lab`.
fn at(host: &str, port: u16) -> To {
    To {
        name: "lab".into(),
        host: host.into(),
        port,
        application: "LIS".into(),
        facility: "EAST".into(),
        tls: None,
        timeout: 20_000,
        discards_half_frames: false,
    }
}

fn at_address(address: SocketAddr) -> To {
    at(&address.ip().to_string(), address.port())
}

fn route(message_type: Option<&str>, sending_facility: Option<&str>, receiver: &str) -> Route {
    Route {
        message_type: message_type.map(Into::into),
        sending_facility: sending_facility.map(Into::into),
        receiver: receiver.into(),
    }
}

/// Everything goes to this receiver.
fn everything_to(receiver: To) -> Settings {
    Settings {
        routes: vec![route(None, None, &receiver.name)],
        receivers: vec![receiver],
    }
}

/// An instance with one channel, which may reach what `grants` say.
async fn opened(plugin: &Component, grants: Grants, settings: &Settings) -> (Platform, Channel) {
    let mut platform = Platform::new(plugin, grants).await;
    let channel = platform.open(settings).await.unwrap();
    (platform, channel)
}

/// The same composed with the stub, with no network to be had from the host.
async fn opened_alone(plugin: &Component, settings: &Settings) -> (Platform, Channel) {
    let mut platform = Platform::alone(plugin).await;
    let channel = platform.open(settings).await.unwrap();
    (platform, channel)
}

/// A message of this type from the place marked, to whom `application` and
/// `facility` say, with segments between that are the sender's own or not.
fn addressed(kind: &str, id: &str, application: &str, facility: &str, own: &str) -> Vec<u8> {
    let text = format!(
        "MSH|^~\\&|{NAME}|{PLACE}|{application}|{facility}|{MOMENT}||{kind}|{id}|T|2.5\r\
         EVN||{MOMENT}\r{own}PID|1||{NAME}||{PLACE}"
    );
    // In Latin-1, for which no byte may be taken for a letter of UTF-8.
    [text.as_bytes(), b"\xE9\n\r"].concat()
}

/// A message as its sender wrote it.
fn written(kind: &str, id: &str) -> Vec<u8> {
    let own = format!("ZPI|1|{NAME}\rZ01\r");
    addressed(kind, id, NAME, NAME, &own)
}

fn imports(component: &Component) -> Vec<String> {
    let ty = component.component_type();
    let imports = ty.imports(component.engine());
    let mut names: Vec<_> = imports.map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_composed_plugin_imports_what_the_library_does_and_no_more() {
    for (language, plugin) in all(With::Client) {
        assert_eq!(imports(plugin), imports(sandbox::library()), "{language:?}");
    }
}

#[test]
fn composed_with_the_stub_it_imports_nothing() {
    assert_eq!(imports(plugins::stub()), [""; 0]);
    for (language, plugin) in all(With::Stub) {
        assert_eq!(imports(plugin), [""; 0], "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_route_that_fits_decides_who_gets_a_message_and_under_which_address() {
    for (_, plugin) in all(With::Client) {
        let lab = Receiver::new()
            .accept()
            .expect(&addressed("ORU^R01", "1", "LIS", "EAST", ""))
            .acknowledge("AA")
            .expect(&addressed("ADT^A01^ADT_A01", "2", "LIS", "EAST", ""))
            .acknowledge("AA")
            .start();
        let ward = Receiver::new()
            .accept()
            .expect(&addressed("ADT^A08", "3", "PAS", "WEST", ""))
            .acknowledge("AA")
            .start();
        let (to_lab, mut to_ward) = (at_address(lab.address), at_address(ward.address));
        to_ward.name = "ward".into();
        to_ward.application = "PAS".into();
        to_ward.facility = "WEST".into();
        let settings = Settings {
            receivers: vec![to_lab, to_ward],
            routes: vec![
                route(Some("ADT^A01"), Some(PLACE), "lab"),
                route(None, Some("ELSEWHERE"), "ward"),
                route(Some("ADT"), None, "ward"),
                route(Some("ORU"), None, "lab"),
            ],
        };
        let grants = Grants::none().address(lab.address).address(ward.address);
        let (mut platform, channel) = opened(plugin, grants, &settings).await;
        for (kind, id, receiver) in [
            ("ORU^R01", "1", "lab"),
            ("ADT^A01^ADT_A01", "2", "lab"),
            ("ADT^A08", "3", "ward"),
        ] {
            let outcome = platform.handle(channel, &written(kind, id)).await.unwrap();
            let expected = Outcome {
                next: NextStep::Done,
                receiver: receiver.into(),
                verdict: Verdict::Applied,
                code: Some("AA".into()),
                errors: Vec::new(),
                transmissions: 1,
            };
            assert_eq!(outcome, expected);
        }
        assert_eq!(lab.finish().len() + ward.finish().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_through_tls_with_certificates_on_both_sides_over_one_connection() {
    for (_, plugin) in all(With::Client) {
        let authority = Authority::new(Key::P256);
        let receiver = Receiver::new()
            .accept()
            .shake_hands(authority.receiver(&["127.0.0.1"]).mutual_server(&authority))
            .serve(3, "AA")
            .start();
        let (chain, key) = authority.sender().identity();
        let mut to = at_address(receiver.address);
        to.tls = Some(Tls {
            authorities: authority.pem(),
            identity: Some(Identity { chain, key }),
        });
        let grants = Grants::none().address(receiver.address);
        let (mut platform, channel) = opened(plugin, grants, &everything_to(to)).await;
        for id in ["1", "2", "3"] {
            let outcome = platform.handle(channel, &message(id)).await.unwrap();
            assert_eq!(outcome.next, NextStep::Done);
        }
        assert_eq!(receiver.finish().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ended_between_two_messages_is_made_anew() {
    for (_, plugin) in all(With::Client) {
        let ended = Event::new();
        let receiver = Receiver::new()
            .accept()
            .serve(1, "AA")
            .close()
            .announce(&ended)
            .accept()
            .serve(1, "AA")
            .start();
        let grants = Grants::none().address(receiver.address);
        let settings = everything_to(at_address(receiver.address));
        let (mut platform, channel) = opened(plugin, grants, &settings).await;
        for id in ["1", "2"] {
            let outcome = platform.handle(channel, &message(id)).await.unwrap();
            assert_eq!((outcome.next, outcome.transmissions), (NextStep::Done, 1));
            ended.wait();
            host_tests::event::idle().await;
        }
        assert_eq!(receiver.finish().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_arrived_is_for_the_platform_to_decide() {
    for (_, plugin) in all(With::Client) {
        let receiver = Receiver::new().accept().expect_any().close().start();
        let grants = Grants::none().address(receiver.address);
        let settings = everything_to(at_address(receiver.address));
        let (mut platform, channel) = opened(plugin, grants, &settings).await;
        let problem = platform.handle(channel, &message("1")).await.unwrap_err();
        assert_eq!(problem.next, NextStep::Decide);
        assert_eq!(problem.delivery, Delivery::InDoubt);
        assert_eq!(receiver.finish().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_than_the_one_allowed_is_denied_and_the_problem_says_so() {
    for (_, plugin) in all(With::Client) {
        let receiver = Receiver::new().accept().serve(1, "AA").start();
        let mut elsewhere = at_address(receiver.address);
        elsewhere.name = "elsewhere".into();
        elsewhere.host = "127.0.0.2".into();
        let settings = Settings {
            receivers: vec![at_address(receiver.address), elsewhere],
            routes: vec![
                route(Some("ADT^A01"), None, "lab"),
                route(None, None, "elsewhere"),
            ],
        };
        let grants = Grants::none().address(receiver.address);
        let (mut platform, channel) = opened(plugin, grants, &settings).await;
        let denied = platform.handle(channel, &written("ADT^A08", "1")).await;
        let problem = denied.unwrap_err();
        assert_eq!(problem.next, NextStep::Mend);
        assert_eq!(problem.delivery, Delivery::NotSent);
        assert_eq!(problem.receiver.as_deref(), Some("elsewhere"));
        let told = problem.explanation;
        assert!(told.contains("connect to this address: allow it"), "{told}");
        let outcome = platform.handle(channel, &message("2")).await.unwrap();
        assert_eq!(outcome.next, NextStep::Done);
        assert_eq!(receiver.finish().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_routed_or_addressed_is_to_be_mended_and_goes_to_nobody() {
    for (language, plugin) in all(With::Stub) {
        let mut settings = everything_to(at("aa.test", 2575));
        settings.routes = vec![route(Some("ADT"), None, "lab")];
        let (mut platform, channel) = opened_alone(plugin, &settings).await;
        let by_letters = format!("MSH|^~\\E|{NAME}|{NAME}|{NAME}|{NAME}|{MOMENT}||ADT|1|T|2.5\r");
        let without_type = format!("MSH|^~\\&|{NAME}|{NAME}|{NAME}|{NAME}|{MOMENT}\r");
        for (content, explanation) in [
            (&b""[..], "the message does not begin with an MSH segment"),
            (b"MSH", "the message does not begin with an MSH segment"),
            (b"EVN||\r", "the message does not begin with an MSH segment"),
            (without_type.as_bytes(), "the message has no MSH-9"),
            (&written("ORU^R01", "1"), "no route fits the message"),
            (&written("ADX^A01", "1"), "no route fits the message"),
            (
                by_letters.as_bytes(),
                "the receiver's name contains a separator of the message",
            ),
        ] {
            let problem = platform.handle(channel, content).await.unwrap_err();
            let expected = Problem {
                next: NextStep::Mend,
                receiver: None,
                delivery: Delivery::NotSent,
                explanation: explanation.into(),
            };
            assert_eq!(problem, expected, "{language:?}");
        }
        let after = platform.handle(channel, &written("ADT", "1")).await;
        assert_eq!(after.unwrap().next, NextStep::Done);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_work_are_not_taken() {
    for (_, plugin) in all(With::Stub) {
        let mut platform = Platform::alone(plugin).await;
        let mut unknown = everything_to(at("aa.test", 2575));
        unknown.routes.push(route(None, None, "nobody"));
        let refused = platform.open(&unknown).await;
        assert_eq!(
            refused.unwrap_err(),
            "a route leads to nobody, who is unknown"
        );
        let mut separating = at("aa.test", 2575);
        separating.facility = "EAST|1".into();
        let refused = platform.open(&everything_to(separating)).await;
        assert_eq!(
            refused.unwrap_err(),
            "the address of lab has more than letters, digits, points, hyphens and underscores"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_name_is_played_step_by_step_and_its_last_step_repeated() {
    use NextStep::{Decide, Done, Later};
    for (language, plugin) in all(With::Stub) {
        for (host, expected) in [
            (
                "refused.ar.ended-not-sent.unreachable.timed-out.aa.test",
                &[Later, Later, Later, Later, Decide, Done, Done][..],
            ),
            // A connection that cannot be made anew has ended before.
            ("aa.refused.aa.test", &[Done, Later, Done]),
        ] {
            let settings = everything_to(at(host, 2575));
            let (mut platform, channel) = opened_alone(plugin, &settings).await;
            for (call, expected) in expected.iter().enumerate() {
                let returned = platform.handle(channel, &message("1")).await;
                let told = format!("{language:?}, {host}, call {call}");
                assert_eq!(next(&returned), *expected, "{told}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_frame_may_be_sent_again_only_where_the_receiver_discards_it() {
    for (_, plugin) in all(With::Stub) {
        for (discards, expected) in [(false, NextStep::Decide), (true, NextStep::Later)] {
            let mut to = at("ended-cut-short.test", 2575);
            to.discards_half_frames = discards;
            let (mut platform, channel) = opened_alone(plugin, &everything_to(to)).await;
            let returned = platform.handle(channel, &message("1")).await;
            assert_eq!(next(&returned), expected);
        }
    }
}

/// The labels that the stub knows, from its source.
fn labels() -> Vec<String> {
    let file = components::root().join("examples/plugin-stub/src/steps.rs");
    let source = std::fs::read_to_string(file).unwrap();
    let (_, table) = source.split_once("static STEPS").unwrap();
    let label = |part: &str| {
        let (before, rest) = part.split_once('"')?;
        let is_label = before.trim().is_empty();
        let (label, _) = rest.split_once('"').filter(|_| is_label)?;
        Some(label.to_owned())
    };
    table.split("step(").filter_map(label).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stub_answers_each_step_as_its_readme_says() {
    let labels = labels();
    let order: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
    let order: Vec<_> = order.iter().map(String::as_str).collect();
    let table = Table::new("examples/plugin-stub/README.md", "steps");
    for (label, cell) in labels.iter().zip(&order) {
        let linker = Linker::new(sandbox::engine());
        let store = Store::new(sandbox::engine(), Host::new(Grants::none()));
        let mut stub = Sandbox::instantiate(store, plugins::stub(), &linker)
            .await
            .unwrap();
        let host = format!("{label}.test");
        let connected = stub.connect_to(&host, 2575, sandbox::Settings::default());
        let (call, says) = match connected.await {
            Err(failure) => ("`connect`", told_failure(&failure)),
            Ok(client) => ("`send`", told_exchange(&mut stub, client).await),
        };
        let row = format!("| {cell} | {call} | {says} |");
        table.hold(cell, &order, &[row]);
    }
    let rows = table.givers();
    assert_eq!(rows, order, "a row for each step, and no other");
}

/// Sends a message and puts the outcome into words.
async fn told_exchange(stub: &mut Sandbox<Host>, client: Client) -> String {
    let outcome = stub.send(client, &message("7")).await;
    let has_ended = !stub.is_open(client).await;
    match outcome {
        Ok(reply) => {
            assert!(!has_ended, "an answered message leaves the client open");
            told_reply(&reply)
        }
        Err(failure) => {
            let was_begun = failure.phase != types::Phase::Prepare;
            assert_eq!(has_ended, was_begun, "a failure ends the client");
            told_failure(&failure)
        }
    }
}

fn told_reply(reply: &types::Reply) -> String {
    let mut told = format!("`{}`", word(&reply.verdict));
    if let Some(acknowledgment) = &reply.acknowledgment {
        assert_eq!(acknowledgment.control_id, b"7");
        told += &format!(" by `{}`", word(&acknowledgment.code));
    }
    if let Some(commit) = reply.commit {
        told += &format!(" by a {} commit block", word(&commit));
    }
    for error in &reply.errors {
        told += &format!(
            ", error {}",
            error.code.as_deref().unwrap_or("without a code")
        );
    }
    for warning in &reply.warnings {
        told += &format!(", warning `{}`", word(warning));
    }
    for retry in &reply.retries {
        told += &format!(", tried before: `{}`", word(retry));
    }
    told
}

fn told_failure(failure: &types::Failure) -> String {
    let (cause, delivery) = (word(&failure.cause), word(&failure.delivery));
    format!(
        "`{cause}`, `{delivery}`, in phase `{}`",
        word(&failure.phase)
    )
}

/// The name that a case has in the WIT, without what it holds: `ConnectionEnded` is
/// `connection-ended`.
fn word(case: &impl Debug) -> String {
    let shown = format!("{case:?}");
    let name = shown.split(['(', ' ']).next().unwrap_or_default();
    let mut word = String::new();
    for letter in name.rsplit("::").next().unwrap_or_default().chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.extend(letter.to_lowercase());
    }
    word
}

const fn next(returned: &Result<Outcome, Problem>) -> NextStep {
    match returned {
        Ok(outcome) => outcome.next,
        Err(problem) => problem.next,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_makes_the_same_of_each_step_in_every_language() {
    let order = [
        NextStep::Done,
        NextStep::Later,
        NextStep::Mend,
        NextStep::Decide,
    ];
    let names = order.map(|next| format!("`{}`", word(&next)));
    let names = names.each_ref().map(String::as_str);
    let table = Table::new("examples/plugin-rust/README.md", "next-steps");
    for (_, plugin) in all(With::Stub) {
        let mut steps: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for label in labels() {
            let settings = everything_to(at(&format!("{label}.test"), 2575));
            let (mut platform, channel) = opened_alone(plugin, &settings).await;
            let returned = platform.handle(channel, &message("1")).await;
            let next = format!("`{}`", word(&next(&returned)));
            steps.entry(next).or_default().push(format!("`{label}`"));
        }
        for name in names {
            let row = format!("| {name} | {} |", steps[name].join(", "));
            table.hold(name, &names, &[row]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stub_takes_no_host_but_a_script() {
    for host in [
        "127.0.0.1",
        "test",
        "aa",
        "accept.test",
        ".test",
        "aa..test",
    ] {
        let linker = Linker::new(sandbox::engine());
        let store = Store::new(sandbox::engine(), Host::new(Grants::none()));
        let mut stub = Sandbox::instantiate(store, plugins::stub(), &linker)
            .await
            .unwrap();
        let connected = stub.connect_to(host, 2575, sandbox::Settings::default());
        let failure = connected.await.unwrap_err();
        let expected = types::Cause::InvalidOption(types::InvalidOption::Host);
        assert_eq!(failure.cause, expected, "{host}");
    }
}
