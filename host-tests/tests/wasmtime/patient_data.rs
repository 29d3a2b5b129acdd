//! Nothing of a message, of an acknowledgment or of a key comes out but where it
//! belongs. Every test of this program is held to that: the bench searches whatever
//! the components tell (`host_tests::watch`) for what messages, acknowledgments and
//! keys carry. Here are the proof that it does, and content in the very places that
//! errors and warnings are about.
//!
//! What a caller says itself, in arguments and options, is no content, nor is what
//! the receiver's certificate says: both may be told.

use std::sync::{Arc, Mutex};

use host_tests::certificates::{Authority, Key, pem};
use host_tests::command::{Call, Outcome};
use host_tests::folder::Folder;
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    AcknowledgmentMode, Correlation, Judging, Leniency, MllpRelease, Settling,
};
use host_tests::sandbox::{Client, Sandbox, Settings, Tls};
use host_tests::{samples, watch};
use marks::{MOMENT, NAME, Net, PLACE};
use rustls::KeyLog;

use crate::common::{asking, word};

async fn connected(script: Receiver, settings: Settings) -> (Sandbox, Client, Running) {
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    (sandbox, connected.expect("the receiver accepts"), receiver)
}

/// Tells everything that it can be asked.
async fn tells_all(sandbox: &mut Sandbox, client: Client) {
    sandbox.counters(client).await;
    sandbox.transcript(client).await;
    sandbox.addresses(client).await;
    sandbox.tls(client).await;
    let _ = sandbox.close(client).await;
    sandbox.transcript(client).await;
}

#[test]
#[should_panic(expected = "a place: a mark, content as it stands, about byte 9")]
fn a_mark_is_found() {
    watch::nothing_in_text("a place", format!("it tells {NAME}").as_bytes());
}

#[test]
#[should_panic(expected = "a place: a sample's, content as it stands")]
fn what_a_sample_holds_is_found() {
    assert!(samples::all().iter().any(|sample| {
        let content = String::from_utf8_lossy(&sample.message);
        content.contains("Whimsical^Ambrosia")
    }));
    watch::nothing_in("a place", &"it tells Ambrosia");
}

#[test]
#[should_panic(expected = "a place: a private key, content as hexadecimal digits")]
fn a_part_of_a_key_is_found() {
    let key = Key::P256.generate();
    watch::watch_key(key.serialize_pem().as_bytes());
    let part = &key.serialize_der()[40..64];
    watch::nothing_in("a place", &format!("{part:02x?}"));
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(
    expected = "a reply, beside what is the caller's: a mark, content as decimal numbers"
)]
async fn what_the_component_tells_is_searched() {
    // A late acknowledgment is told with its control id, which no other test marks.
    let settings = Settings {
        settle_on: Some(Settling::Accept),
        ..Settings::default()
    };
    let script = Receiver::new()
        .accept()
        .expect_any()
        .reply(&ack("CA", NAME))
        .expect_any()
        .reply(&ack("AA", NAME))
        .reply(&ack("CA", "2"));
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let first = sandbox.send(client, &asking(NAME, "AL", "AL")).await;
    assert!(first.is_ok());
    let _ = sandbox.send(client, &asking("2", "AL", "AL")).await;
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "standard output: a mark, content as it stands")]
async fn what_the_command_prints_is_searched() {
    let arguments = ["--dry-run", "192.0.2.1:2575"];
    Call::new(&arguments).input(&message(NAME)).run().await;
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "PID-5 carries no mark")]
async fn a_message_without_marks_is_not_sent() {
    let receiver = Receiver::new().accept().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let message = b"MSH|^~\\&|||||||ADT^A01|1|P|2.5\rPID|1||||Example^Eve\r";
    let _ = sandbox.send(client, message).await;
}

#[test]
#[should_panic(expected = "MSA-3 carries no mark")]
fn an_acknowledgment_without_marks_is_not_sent() {
    let _ = Receiver::new().reply(b"MSH|^~\\&|R\rMSA|AE|1|no such patient\r");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_refuses_is_told_without_what_stands_there() {
    let (mut sandbox, client, receiver) = connected(
        Receiver::new().accept().expect_end(),
        Settings {
            max_send_size: Some(300),
            ..Settings::default()
        },
    )
    .await;
    let header = format!("MSH|^~\\&|{NAME}|||||{MOMENT}|ADT^A01|42|P|2.5");
    let cases: [(String, &str); 10] = [
        (String::new(), "empty"),
        (PLACE.to_owned(), "no-header"),
        (format!("MSH{NAME}"), "no-header"),
        (format!("\u{feff}{header}\r"), "wide-encoding"),
        (
            format!("{header}\rPID|{NAME}\rMSH|{PLACE}\r"),
            "second-header",
        ),
        (
            format!("{header}\rPID|{NAME}\x0B{PLACE}\r"),
            "reserved-byte",
        ),
        (
            format!("{header}\rPID|{NAME}\x1C{PLACE}\r"),
            "reserved-byte",
        ),
        (format!("{header}|||{NAME}|{PLACE}\r"), "unknown-condition"),
        (
            format!("MSH|^~\\&|{NAME}||||||{PLACE}||{NAME}\r"),
            "no-control-id",
        ),
        (format!("{header}\rNTE|{}\r", NAME.repeat(20)), "too-large"),
    ];
    for (content, reason) in cases {
        let failure = sandbox.send(client, content.as_bytes()).await.unwrap_err();
        let cause = format!("{:?}", failure.cause).to_lowercase();
        let reason = reason.replace('-', "");
        assert!(cause.contains(&reason), "{cause} is not {reason}");
        sandbox.transcript(client).await;
    }
    tells_all(&mut sandbox, client).await;
    let _ = receiver.finish();
}

/// What a receiver may say in place of an acknowledgment, made of content where it
/// can be, and the causes or verdicts that follow.
fn answers() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let msh = format!("MSH|^~\\&|{NAME}|{NAME}|||{MOMENT}||ACK|{PLACE}|P|2.5");
    let content = |segments: String| format!("{msh}\r{segments}\r").into_bytes();
    let framed = |segments: String| frame(&content(segments));
    let good = framed(format!("MSA|AA|1|{PLACE}"));
    let around = |before: &str, after: &str| [before.as_bytes(), &good, after.as_bytes()].concat();
    let errors = format!(
        "MSA|AE|1|{PLACE}|||{NAME}\rERR|{NAME}^{PLACE}^1|{NAME}^1^{PLACE}|{PLACE}^{NAME}|{NAME}|{PLACE}|{NAME}|{NAME}|{PLACE}"
    );
    let old_errors =
        format!("MSA|AR|1|{NAME}\rERR|{NAME}^1^2^{PLACE}&{NAME}~PID^{NAME}^{PLACE}^{NAME}");
    vec![
        ("errors", framed(errors), "refused"),
        ("errors of old", framed(old_errors), "refused"),
        ("no header", frame(PLACE.as_bytes()), "invalid-reply"),
        ("no MSA", framed(format!("PID|1||{NAME}")), "invalid-reply"),
        (
            "a name as code",
            framed(format!("MSA|{NAME}|1")),
            "invalid-reply",
        ),
        (
            "a name as control id",
            framed(format!("MSA|AA|{NAME}")),
            "protocol-desync",
        ),
        ("junk before", around(PLACE, ""), "protocol-desync"),
        ("junk after", around("", NAME), "applied"),
        (
            "a frame in a frame",
            around("\x0BMSH|^~\\&|", ""),
            "protocol-desync",
        ),
        (
            "too long",
            framed(format!("MSA|AA|1|{}", NAME.repeat(100))),
            "message-too-large",
        ),
        (
            "no end",
            format!("\x0B{msh}\r{NAME}").into_bytes(),
            "connection-ended",
        ),
        (
            "no trailer",
            [&good[..good.len() - 1], NAME.as_bytes()].concat(),
            "protocol-desync",
        ),
        ("no TLS, no MLLP", NAME.into(), "protocol-desync"),
    ]
}

fn limited(settings: Settings) -> Settings {
    Settings {
        max_message_size: Some(1_000),
        ..settings
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_says_wrongly_is_told_without_what_it_says() {
    for (name, said, told) in answers() {
        let script = Receiver::new().accept().expect_any().send(&said).close();
        let (mut sandbox, client, receiver) = connected(script, limited(Settings::default())).await;
        let outcome = sandbox.send(client, &message("1")).await;
        match outcome {
            Ok(reply) => assert_eq!(word(&reply.verdict), told, "{name}"),
            Err(failure) => assert_eq!(word(&failure.cause), told, "{name}"),
        }
        // What stands on the connection then is told with the next.
        let _ = sandbox.send(client, &message("2")).await;
        tells_all(&mut sandbox, client).await;
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_borne_is_told_without_what_it_is() {
    let all = [
        Leniency::SpaceBeforeStartBlock,
        Leniency::SpaceAfterFrame,
        Leniency::LineFeedSegments,
        Leniency::JunkBeforeStartBlock,
        Leniency::MissingStartBlock,
        Leniency::MissingCarriageReturn,
        Leniency::DoubledEnvelope,
        Leniency::OtherAcknowledgment,
    ];
    for (correlation, judging) in [
        (Correlation::Required, Judging::Required),
        (Correlation::Warned, Judging::WherePossible),
        (Correlation::Off, Judging::Off),
    ] {
        for (_, said, _) in answers() {
            let script = Receiver::new().accept().expect_any().send(&said).close();
            let settings = Settings {
                allow: all.to_vec(),
                correlation: Some(correlation),
                judging: Some(judging),
                acknowledgment_mode: Some(AcknowledgmentMode::FromMessage),
                mllp_release: Some(MllpRelease::Auto),
                ..Settings::default()
            };
            let (mut sandbox, client, receiver) = connected(script, limited(settings)).await;
            let _ = sandbox.send(client, &message("1")).await;
            let _ = sandbox.send(client, &message("2")).await;
            tells_all(&mut sandbox, client).await;
            let _ = receiver.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_used_is_told_by_its_place_alone() {
    let receiver = Receiver::new().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let (chain, key) = Authority::new(Key::P256).sender().identity();
    let other = Authority::new(Key::P256).sender().key_pem();
    let cut = key[..key.len() * 2 / 3].to_vec();
    let doubled = [&key[..], &PLACE.as_bytes().repeat(9)].concat();
    for key in [
        pem("PRIVATE KEY", NAME.repeat(8).as_bytes()),
        pem("ENCRYPTED PRIVATE KEY", NAME.repeat(8).as_bytes()),
        pem("EC PRIVATE KEY", PLACE.repeat(8).as_bytes()),
        format!("-----BEGIN PRIVATE KEY-----\n{PLACE}\n").into_bytes(),
        NAME.as_bytes().to_vec(),
        message("1"),
        chain.clone(),
        cut,
        other,
        doubled,
    ] {
        let tls = Tls {
            identity: Some((chain.clone(), key.clone())),
            ..Tls::default()
        };
        let settings = Settings::tls(tls);
        let tried = sandbox.connect_with(receiver.address, settings).await;
        assert!(tried.is_err(), "nobody listens, whatever it is");
        // Nor where it stands in the place of something public.
        for tls in [
            Tls {
                authorities: vec![key.clone()],
                ..Tls::default()
            },
            Tls {
                revocations: vec![key.clone()],
                ..Tls::default()
            },
            Tls {
                pins: vec![String::from_utf8_lossy(&key).into_owned()],
                ..Tls::default()
            },
        ] {
            let settings = Settings::tls(tls);
            let tried = sandbox.connect_with(receiver.address, settings).await;
            assert!(tried.is_err(), "nobody listens, whatever it is");
        }
    }
}

/// The secrets of the connections of a receiver.
#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<Vec<u8>>>);

impl KeyLog for Secrets {
    fn log(&self, _: &str, _: &[u8], secret: &[u8]) {
        self.0.lock().expect("a lock").push(secret.to_vec());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secrets_of_a_connection_are_told_nobody() {
    let authority = Authority::new(Key::P256);
    let secrets = Arc::new(Secrets::default());
    let mut server = Arc::unwrap_or_clone(authority.receiver(&["127.0.0.1"]).server());
    server.key_log = secrets.clone();
    let script = Receiver::new()
        .accept()
        .shake_hands(Arc::new(server))
        .serve(1, "AA")
        .expect_any()
        .cut();
    let settings = Settings::tls(Tls::trusting(&authority));
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let mut told = format!("{:?}", sandbox.tls(client).await);
    told += &format!("{:?}", sandbox.send(client, &message("1")).await);
    told += &format!("{:?}", sandbox.transcript(client).await);
    told += &format!("{:?}", sandbox.send(client, &message("2")).await);
    told += &format!("{:?}", sandbox.transcript(client).await);
    told += &format!("{:?}", sandbox.counters(client).await);
    let _ = receiver.finish();
    let secrets = secrets.0.lock().unwrap();
    assert!(secrets.len() >= 5, "a handshake of TLS 1.3 has that many");
    for secret in secrets.iter() {
        assert_eq!(Net::secret(secret, &[]).find(told.as_bytes()), None);
    }
}

/// Runs a command line in a folder where files stand in the place of others.
async fn run(folder: &Folder, line: &str) -> Outcome {
    let arguments: Vec<_> = line.split_whitespace().collect();
    Call::new(&arguments).folder(folder.path()).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_the_place_of_another_is_told_by_its_name() {
    let sender = Authority::new(Key::P256).sender();
    let (chain, key) = sender.identity();
    let whole = frame(&message("1"));
    let torn = &whole[..whole.len() - 5];
    let folder = Folder::new(
        "patient-data",
        &[
            ("me.pem", &chain),
            ("me.key", &key),
            ("wrong.key", &pem("PRIVATE KEY", NAME.repeat(8).as_bytes())),
            ("1.hl7", &message("1")),
            ("torn.hl7", torn),
            ("between.hl7", &[&whole[..], PLACE.as_bytes()].concat()),
            (
                "short.hl7",
                format!("BHS|^~\\&|{NAME}|{PLACE}\rBTS|{NAME}|{PLACE}\r").as_bytes(),
            ),
            (
                "lines.ndjson",
                format!("{{\"m\":[\"{NAME}\"],\"{PLACE}\":1}}\n").as_bytes(),
            ),
            (
                "notes.txt",
                format!("{NAME}\n{PLACE}\nMSH {MOMENT}\n").as_bytes(),
            ),
        ],
    );
    for (line, named) in [
        ("192.0.2.1:1 me.key", "me.key"),
        ("--loose 192.0.2.1:1 me.key", "me.key"),
        ("--dry-run 192.0.2.1:1 notes.txt", ""),
        ("--json --dry-run 192.0.2.1:1 notes.txt", ""),
        ("--loose 192.0.2.1:1 notes.txt", "notes.txt"),
        ("192.0.2.1:1 torn.hl7", "torn.hl7"),
        ("192.0.2.1:1 between.hl7", "between.hl7"),
        ("192.0.2.1:1 missing.hl7", "missing.hl7"),
        ("192.0.2.1:1 short.hl7", "short.hl7"),
        ("--ndjson m 192.0.2.1:1 notes.txt", "notes.txt"),
        ("--ndjson m 192.0.2.1:1 lines.ndjson", "lines.ndjson"),
        ("192.0.2.1:1 .", "."),
        ("--tls --ca 1.hl7 192.0.2.1:1 1.hl7", ""),
        ("--tls --ca me.key 192.0.2.1:1 1.hl7", ""),
        ("--tls --crl me.key 192.0.2.1:1 1.hl7", ""),
        ("--tls --cert 1.hl7 --key 1.hl7 192.0.2.1:1 1.hl7", ""),
        ("--tls --cert me.pem --key wrong.key 192.0.2.1:1 1.hl7", ""),
        ("--tls --cert me.key --key me.pem 192.0.2.1:1 1.hl7", ""),
        ("check --tls --cert me.pem --key notes.txt 192.0.2.1:1", ""),
        (
            "check --json --tls --cert me.key --key me.key 192.0.2.1:1",
            "",
        ),
    ] {
        let outcome = run(&folder, line).await;
        assert!(!outcome.success, "{line}: {outcome:?}");
        assert!(outcome.errors.contains(named), "{line}: {outcome:?}");
        assert!(!outcome.errors.contains("panicked"), "{line}: {outcome:?}");
    }
}
