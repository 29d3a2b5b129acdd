//! The receiver's certificate must be for the host that was asked for, or for the
//! server name set apart from it; a name is sent in the handshake, an address
//! never is.

use std::net::{IpAddr, Ipv4Addr};

use host_tests::certificates::{Authority, Key};
use host_tests::messages::message;
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{Cause, CertificateProblem, TlsProblem, Verdict};
use host_tests::sandbox::{Grants, Sandbox, Settings, Tls};

/// Options that trust the authority, with this server name if any.
fn settings(authority: &Authority, server_name: Option<&str>) -> Settings {
    Settings::tls(Tls {
        server_name: server_name.map(str::to_owned),
        ..Tls::trusting(authority)
    })
}

/// A receiver with a certificate for these names, that is to be asked for `asked`.
fn receiver(authority: &Authority, names: &[&str], asked: Option<&str>) -> Running {
    Receiver::new()
        .accept()
        .shake_hands(authority.receiver(names).server())
        .expect_server_name(asked)
        .serve(1, "AA")
        .start()
}

/// A sandbox in which `lab.example` is the receiver.
async fn sandbox(receiver: &Running) -> Sandbox {
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    let grants = Grants::none().address(receiver.address);
    let grants = grants.name("lab.example", &[loopback]);
    Sandbox::new(grants.name("hl7.lab.example", &[loopback])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_name_is_sent_and_checked() {
    let authority = Authority::new(Key::P256);
    let receiver = receiver(&authority, &["lab.example"], Some("lab.example"));
    let mut sandbox = sandbox(&receiver).await;
    let client = sandbox
        .connect_to(
            "lab.example",
            receiver.address.port(),
            settings(&authority, None),
        )
        .await
        .unwrap();
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_checked_and_not_sent() {
    let authority = Authority::new(Key::P256);
    let receiver = receiver(&authority, &["127.0.0.1"], None);
    let mut sandbox = sandbox(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, settings(&authority, None))
        .await
        .unwrap();
    sandbox.send(client, &message("1")).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_name_stands_in_for_an_address() {
    let authority = Authority::new(Key::P256);
    let receiver = receiver(&authority, &["lab.example"], Some("lab.example"));
    let mut sandbox = sandbox(&receiver).await;
    let settings = settings(&authority, Some("lab.example"));
    let client = sandbox
        .connect_with(receiver.address, settings)
        .await
        .unwrap();
    sandbox.send(client, &message("1")).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_covers_one_label() {
    let authority = Authority::new(Key::P256);
    let receiver = receiver(&authority, &["*.lab.example"], Some("hl7.lab.example"));
    let mut sandbox = sandbox(&receiver).await;
    let client = sandbox
        .connect_to(
            "hl7.lab.example",
            receiver.address.port(),
            settings(&authority, None),
        )
        .await
        .unwrap();
    sandbox.send(client, &message("1")).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_name_takes_the_hosts_place_and_does_not_join_it() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["lab.example"]);
    let receiver = Receiver::new()
        .accept()
        .refuse_handshake(issued.server())
        .start();
    let mut sandbox = sandbox(&receiver).await;
    let settings = settings(&authority, Some("other.example"));
    let port = receiver.address.port();
    let failure = sandbox.connect_to("lab.example", port, settings).await;
    let Cause::Tls(failure) = failure.unwrap_err().cause else {
        panic!("a failure of TLS");
    };
    let wrong = CertificateProblem::WrongName("other.example".into());
    assert_eq!(failure.problem, TlsProblem::Certificate(wrong));
    assert_eq!(failure.certificate.unwrap().names, ["lab.example"]);
    let _ = receiver.finish();
}
