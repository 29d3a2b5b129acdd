//! Messages go through TLS as they do without: the same exchange, encrypted, with
//! a receiver that proved who it is.

use host_tests::certificates::{Authority, Key};
use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{ClientCertificate, TlsVersion, Verdict};
use host_tests::sandbox::{Sandbox, Settings, Tls};

/// Trust in one authority alone.
fn trusting(authority: &Authority) -> Settings {
    Settings::tls(Tls {
        authorities: vec![authority.pem()],
        own_authorities_only: true,
        ..Tls::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_through_tls_and_the_facts_are_told() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["127.0.0.1", "lab.example"]);
    let receiver = Receiver::new()
        .accept()
        .shake_hands(issued.server())
        .serve(2, "AA")
        .expect_closing()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, trusting(&authority))
        .await
        .unwrap();
    for id in ["1", "2"] {
        let reply = sandbox.send(client, &message(id)).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied);
        assert!(reply.warnings.is_empty());
    }
    let session = sandbox.tls(client).await.unwrap();
    assert_eq!(session.version, TlsVersion::Tls13);
    assert_eq!(session.suite, "TLS_CHACHA20_POLY1305_SHA256");
    assert_eq!(session.group.as_deref(), Some("X25519MLKEM768"));
    assert!(!session.resumed && !session.insecure);
    assert_eq!(session.client_certificate, ClientCertificate::NotAsked);
    let certificate = session.certificate.unwrap();
    assert!(certificate.subject.starts_with("CN=Test receiver"));
    assert!(certificate.issuer.starts_with("CN=Test root"));
    assert_eq!(certificate.names, ["127.0.0.1", "lab.example"]);
    assert_eq!(certificate.pin, issued.pin());
    sandbox.close(client).await.unwrap();
    assert_eq!(receiver.finish().len(), 2);
}
