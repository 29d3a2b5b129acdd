//! `mllp-send` through TLS, and `mllp-send check`: with the files that people
//! have, from a folder that they grant.

use host_tests::certificates::{Authority, Issued, Key};
use host_tests::command::{Call, Outcome};
use host_tests::folder::Folder;
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};
use time::{Duration, OffsetDateTime};

const NAMES: [&str; 2] = ["127.0.0.1", "lab.example"];

/// Runs a command line, in which `HERE` is where the receiver is.
async fn run(folder: &Folder, receiver: &Running, line: &str) -> Outcome {
    let line = line.replace("HERE", &receiver.address.to_string());
    let arguments: Vec<_> = line.split_whitespace().collect();
    Call::new(&arguments)
        .folder(folder.path())
        .allow(receiver.address)
        .run()
        .await
}

/// A time a little more than so many days from now.
fn in_days(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::days(days) + Duration::hours(1)
}

/// A folder with a message, the authority and, if there is one, a sender's files.
fn folder(test: &str, authority: &Authority, sender: Option<&Issued>) -> Folder {
    let (chain, key) = sender.map(Issued::identity).unwrap_or_default();
    let both = [chain.clone(), key.clone()].concat();
    Folder::new(
        test,
        &[
            ("1.hl7", &message("1")),
            ("2.hl7", &message("2")),
            ("ca.pem", &authority.pem()),
            ("ca.der", &authority.der()),
            ("me.pem", &chain),
            ("me.key", &key),
            ("both.pem", &both),
        ],
    )
}

fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(&outcome.output).unwrap_or_else(|_| panic!("{outcome:?}"))
}

/// The words of a message's line after its control id.
fn words(outcome: &Outcome) -> Vec<&str> {
    outcome.output.split_whitespace().skip(2).take(2).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_through_tls_and_the_stream_ends_with_its_closing() {
    let authority = Authority::new(Key::P256);
    let receiver = Receiver::new()
        .accept()
        .shake_hands(authority.receiver(&NAMES).server())
        .serve(2, "AA")
        .expect_closing()
        .start();
    let folder = folder("tls-messages", &authority, None);
    let line = "--tls --ca ca.pem --ca-only HERE 1.hl7 2.hl7";
    let outcome = run(&folder, &receiver, line).await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(outcome.remarks(), "");
    assert_eq!(receiver.finish(), [message("1"), message("2")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_connection_of_its_own_ends_with_its_closing_too() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&NAMES).server();
    let receiver = Receiver::new()
        .accept()
        .shake_hands(server.clone())
        .serve(1, "AA")
        .expect_closing()
        .accept()
        .shake_hands(server)
        .serve(1, "AA")
        .expect_closing()
        .start();
    let folder = folder("tls-connections", &authority, None);
    let line = "--tls --ca ca.der --one-per-connection HERE 1.hl7 2.hl7";
    let outcome = run(&folder, &receiver, line).await;
    assert!(outcome.success, "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_certificate_comes_from_two_files_or_from_one() {
    let authority = Authority::new(Key::P256);
    let sender = authority.sender();
    let server = authority.receiver(&NAMES).mutual_server(&authority);
    let folder = folder("tls-mutual", &authority, Some(&sender));
    for identity in ["--cert me.pem --key me.key", "--cert both.pem"] {
        let receiver = Receiver::new()
            .accept()
            .shake_hands(server.clone())
            .serve(1, "AA")
            .expect_closing()
            .start();
        let line = format!("--tls --ca ca.pem {identity} HERE 1.hl7");
        let outcome = run(&folder, &receiver, &line).await;
        assert!(outcome.success, "{identity}: {outcome:?}");
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_cannot_prove_itself_gets_nothing() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&NAMES);
    let folder = folder("tls-unknown", &Authority::new(Key::P256), None);
    for options in ["--json", ""] {
        let receiver = Receiver::new()
            .accept()
            .refuse_handshake(issued.server())
            .start();
        let line = format!("--tls --ca ca.pem {options} HERE 1.hl7");
        let outcome = run(&folder, &receiver, &line).await;
        assert!(!outcome.success);
        let _ = receiver.finish();
        if options == "--json" {
            let told = json(&outcome);
            assert_eq!(told["delivery"], "not-sent");
            assert_eq!(told["cause"], "tls");
            assert_eq!(told["tls"], "unknown-issuer");
            assert_eq!(told["phase"], "tls");
        } else {
            assert_eq!(words(&outcome), ["not-sent", "tls"]);
            assert!(outcome.errors.contains("no trusted authority issued it"));
            assert!(outcome.errors.contains(&issued.pin()), "{outcome:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_demanded_beside_the_chain_or_in_its_place() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&NAMES);
    let folder = folder("tls-pin", &authority, None);
    let (pin, root, other) = (issued.pin(), authority.pin(), "00".repeat(32));
    for line in [
        format!("--tls --ca ca.pem --pin {pin} HERE 1.hl7"),
        format!("--tls --ca ca.pem --pin {other} --pin {root} HERE 1.hl7"),
        format!("--tls --pin-only --pin {pin} HERE 1.hl7"),
    ] {
        let receiver = Receiver::new()
            .accept()
            .shake_hands(issued.server())
            .serve(1, "AA")
            .start();
        let outcome = run(&folder, &receiver, &line).await;
        assert!(outcome.success, "{line}: {outcome:?}");
        let _ = receiver.finish();
    }
    let receiver = Receiver::new()
        .accept()
        .refuse_handshake(issued.server())
        .start();
    let line = format!("--tls --json --ca ca.pem --pin {other} HERE 1.hl7");
    let outcome = run(&folder, &receiver, &line).await;
    assert_eq!(json(&outcome)["tls"], "pin-mismatch");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_name_is_what_the_certificate_is_held_to() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["lab.example"]).server();
    let folder = folder("tls-name", &authority, None);
    let receiver = Receiver::new()
        .accept()
        .shake_hands(server.clone())
        .serve(1, "AA")
        .accept()
        .refuse_handshake(server)
        .start();
    let line = "--tls --ca ca.pem --server-name lab.example HERE 1.hl7";
    let outcome = run(&folder, &receiver, line).await;
    assert!(outcome.success, "{outcome:?}");
    let outcome = run(&folder, &receiver, "--tls --ca ca.pem --json HERE 1.hl7").await;
    assert_eq!(json(&outcome)["tls"], "wrong-name");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn insecure_is_said_once_a_run_and_in_json_with_every_reply() {
    let server = Authority::new(Key::P256).receiver(&["other"]).server();
    let folder = folder("tls-insecure", &Authority::new(Key::P256), None);
    for (option, in_output) in [("--ack", 0), ("--json", 2)] {
        let receiver = Receiver::new()
            .accept()
            .shake_hands(server.clone())
            .serve(2, "AA")
            .start();
        let line = format!("--tls --insecure {option} HERE 1.hl7 2.hl7");
        let outcome = run(&folder, &receiver, &line).await;
        assert!(outcome.success, "{outcome:?}");
        assert_eq!(outcome.remarks().lines().count(), 1, "{outcome:?}");
        assert!(
            outcome
                .errors
                .starts_with("mllp-send: warning: --insecure: ")
        );
        assert_eq!(outcome.output.matches("insecure").count(), in_output);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revocation_lists_and_versions_are_obeyed() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&NAMES);
    let files: [(&str, &[u8]); 4] = [
        ("1.hl7", &message("1")),
        ("ca.pem", &authority.pem()),
        ("none.crl", &authority.revocation_list(&[], 30)),
        ("this.crl", &authority.revocation_list(&[&issued], 30)),
    ];
    let folder = Folder::new("tls-crl", &files);
    let receiver = Receiver::new()
        .accept()
        .shake_hands(issued.server())
        .serve(1, "AA")
        .accept()
        .refuse_handshake(issued.server())
        .start();
    let line = "--tls --tls-min 1.3 --no-hybrid --ca ca.pem --crl none.crl HERE 1.hl7";
    let outcome = run(&folder, &receiver, line).await;
    assert!(outcome.success, "{outcome:?}");
    let line = "--tls --json --ca ca.pem --crl this.crl HERE 1.hl7";
    assert_eq!(json(&run(&folder, &receiver, line).await)["tls"], "revoked");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_keeps_everything_from_being_tried() {
    let receiver = Receiver::new().start();
    let folder = folder("tls-missing", &Authority::new(Key::P256), None);
    for (line, advice) in [
        ("--tls --ca no.pem HERE 1.hl7", "no.pem: no such file"),
        ("--tls --crl /etc/x.crl HERE 1.hl7", "wasmtime run --dir"),
        ("check --tls --cert no.pem HERE", "no.pem: no such file"),
    ] {
        let outcome = run(&folder, &receiver, line).await;
        assert!(!outcome.success);
        assert_eq!(outcome.output, "");
        assert!(outcome.errors.contains(advice), "{line}: {outcome:?}");
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_holds_is_never_said() {
    let files: [(&str, &[u8]); 2] = [
        ("1.hl7", &message("1")),
        (
            "bad.pem",
            b"-----BEGIN CERTIFICATE-----\nSECRET?\n-----END CERTIFICATE-----\n",
        ),
    ];
    let folder = Folder::new("tls-bad", &files);
    let receiver = Receiver::new().start();
    for options in ["--ca bad.pem", "--cert bad.pem", "--crl bad.pem"] {
        for line in [
            format!("--tls {options} HERE 1.hl7"),
            format!("check --tls {options} HERE"),
        ] {
            let outcome = run(&folder, &receiver, &line).await;
            assert!(!outcome.success);
            assert!(outcome.output.contains("invalid-option"), "{outcome:?}");
            assert!(!format!("{outcome:?}").contains("SECRET"), "{outcome:?}");
        }
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_what_it_found_and_sends_nothing() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver_with(&NAMES, |params| params.not_after = in_days(40));
    let server = issued.server();
    let receiver = Receiver::new()
        .accept()
        .shake_hands(server.clone())
        .expect_closing()
        .accept()
        .shake_hands(server)
        .expect_closing()
        .start();
    let folder = folder("check-good", &authority, None);
    let outcome = run(&folder, &receiver, "check --tls --ca ca.pem HERE").await;
    assert!(outcome.success, "{outcome:?}");
    assert_eq!(outcome.errors, "");
    for fact in [
        &format!("address   {} connected\n", receiver.address),
        "tls       TLS 1.3, TLS_CHACHA20_POLY1305_SHA256, X25519MLKEM768, not resumed\n",
        "subject   CN=Test receiver",
        "issuer    CN=Test root",
        "names     127.0.0.1, lab.example\n",
        "days left: 40\n",
        &format!("pin       {}\n", issued.pin()),
        "client    certificate not asked for\n",
        "ready     yes\n",
    ] {
        assert!(outcome.output.contains(fact), "{fact}: {}", outcome.output);
    }
    let outcome = run(&folder, &receiver, "check --tls --ca ca.pem --json HERE").await;
    assert!(outcome.success, "{outcome:?}");
    let told = json(&outcome);
    assert_eq!(told["ready"], true);
    assert_eq!(told["address"], receiver.address.to_string());
    assert_eq!(told["session"]["version"], "1.3");
    assert_eq!(told["session"]["client_certificate"], "not-asked");
    assert_eq!(told["certificate"]["pin"], issued.pin());
    assert_eq!(told["certificate"]["days_left"], 40);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_warns_of_a_certificate_that_expires_soon() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver_with(&NAMES, |params| params.not_after = in_days(10));
    let receiver = Receiver::new()
        .accept()
        .shake_hands(issued.server())
        .expect_closing()
        .start();
    let folder = folder("check-soon", &authority, None);
    let outcome = run(&folder, &receiver, "check --tls --ca ca.pem HERE").await;
    assert!(outcome.success, "{outcome:?}");
    assert!(outcome.output.contains("days left: 10\n"), "{outcome:?}");
    assert!(outcome.errors.contains("warning: "), "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_shows_the_certificate_that_it_does_not_accept() {
    let authority = Authority::new(Key::P256);
    let expired = authority.receiver_with(&NAMES, |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let unknown = Authority::new(Key::P256).receiver(&NAMES);
    let folder = folder("check-refused", &authority, None);
    for (issued, word) in [(expired, "expired"), (unknown, "unknown-issuer")] {
        let receiver = Receiver::new()
            .accept()
            .refuse_handshake(issued.server())
            .start();
        let outcome = run(&folder, &receiver, "check --tls --ca ca.pem HERE").await;
        assert!(!outcome.success);
        for fact in [
            &format!("address   {} connected\n", receiver.address),
            &format!("pin       {}\n", issued.pin()),
            &format!("ready     no: tls {word}\n"),
        ] {
            assert!(outcome.output.contains(fact), "{fact}: {outcome:?}");
        }
        assert!(outcome.errors.contains("certificate is not accepted"));
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_waits_for_the_verdict_on_the_client_certificate() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&NAMES).mutual_server(&authority);
    let stranger = Authority::new(Key::P256).sender();
    let folder = folder("check-mutual", &authority, Some(&stranger));
    for (identity, client, word) in [
        ("", "none given", "client-certificate-required"),
        ("--cert both.pem", "and given", "client-certificate-refused"),
    ] {
        let receiver = Receiver::new()
            .accept()
            .refuse_handshake(server.clone())
            .start();
        let line = format!("check --tls --ca ca.pem {identity} HERE");
        let outcome = run(&folder, &receiver, &line).await;
        assert!(!outcome.success, "{outcome:?}");
        assert!(outcome.output.contains(client), "{outcome:?}");
        let end = format!("ready     no: tls {word}\n");
        assert!(outcome.output.ends_with(&end), "{outcome:?}");
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_with_the_right_client_certificate_succeeds() {
    let authority = Authority::new(Key::P256);
    let receiver = Receiver::new()
        .accept()
        .shake_hands(authority.receiver(&NAMES).mutual_server(&authority))
        .expect_closing()
        .start();
    let folder = folder("check-given", &authority, Some(&authority.sender()));
    let line = "check --tls --ca ca.pem --cert both.pem HERE";
    let outcome = run(&folder, &receiver, line).await;
    assert!(outcome.success, "{outcome:?}");
    assert!(
        outcome.output.contains("asked for and given\n"),
        "{outcome:?}"
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_without_tls_looks_at_the_connection_alone() {
    let folder = folder("check-plain", &Authority::new(Key::P256), None);
    let receiver = Receiver::new().accept().expect_end().start();
    let outcome = run(&folder, &receiver, "check HERE").await;
    assert!(outcome.success, "{outcome:?}");
    let connected = format!("address   {} connected\n", receiver.address);
    assert!(outcome.output.starts_with(&connected), "{outcome:?}");
    assert!(outcome.output.contains("in the clear\n"), "{outcome:?}");
    let _ = receiver.finish();
    let nobody = Receiver::new().start();
    let outcome = Call::new(&["check", &nobody.address.to_string()]);
    let outcome = outcome.allow("127.0.0.1:1".parse().unwrap()).run().await;
    assert!(!outcome.success);
    assert!(outcome.output.contains(" access-denied\n"), "{outcome:?}");
    assert!(outcome.output.ends_with("ready     no: access-denied\n"));
    let _ = nobody.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_finds_out_that_a_receiver_speaks_no_tls() {
    let folder = folder("check-mllp", &Authority::new(Key::P256), None);
    let receiver = Receiver::new()
        .accept()
        .expect_hello()
        .send(&frame(&ack("AR", "1")))
        .expect_alerts()
        .start();
    let outcome = run(&folder, &receiver, "check --tls HERE").await;
    assert!(!outcome.success);
    let end = "ready     no: tls plain-mllp\n";
    assert!(outcome.output.ends_with(end), "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_option_without_tls_is_refused() {
    for line in [
        &["--ca", "ca.pem", "h:1"][..],
        &["--insecure", "h:1"],
        &["check", "--pin-only", "h:1"],
    ] {
        let outcome = Call::new(line).run().await;
        assert!(!outcome.success);
        assert!(outcome.errors.contains("\n  --tls\n"), "{outcome:?}");
    }
}
