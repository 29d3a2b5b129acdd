//! Messages go through TLS as they do without: the same exchange, encrypted, with
//! a receiver that proved who it is.

use host_tests::certificates::{self, Authority, Issued, Key};
use host_tests::messages::{ack, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{ClientCertificate, Reply, TlsVersion, Verdict, Warning};
use host_tests::sandbox::{Sandbox, Settings, Tls};

/// Trust in one authority alone.
fn trusting(authority: &Authority) -> Settings {
    Settings::tls(Tls::trusting(authority))
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

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_proves_the_receiver_and_the_sender_in_both_versions() {
    for kind in Key::ALL {
        let authority = Authority::new(kind);
        let issued = authority.receiver(&["127.0.0.1"]);
        let identity = Some(authority.sender().identity());
        for (version, told) in [
            (&rustls::version::TLS13, TlsVersion::Tls13),
            (&rustls::version::TLS12, TlsVersion::Tls12),
        ] {
            let provider = rustls::crypto::aws_lc_rs::default_provider();
            let server = issued.server_with(provider, &[version], Some(&authority));
            let receiver = Receiver::new()
                .accept()
                .shake_hands(server)
                .serve(1, "AA")
                .start();
            let mut sandbox = Sandbox::for_receiver(&receiver).await;
            let mut settings = trusting(&authority);
            if let Some(tls) = &mut settings.tls {
                tls.identity.clone_from(&identity);
            }
            let client = sandbox
                .connect_with(receiver.address, settings)
                .await
                .unwrap();
            let reply = sandbox.send(client, &message("1")).await.unwrap();
            assert_eq!(reply.verdict, Verdict::Applied);
            let session = sandbox.tls(client).await.unwrap();
            assert_eq!(session.version, told, "{kind:?}");
            assert_eq!(session.client_certificate, ClientCertificate::Given);
            let _ = receiver.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_and_replies_of_any_size_arrive_untouched() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let sizes = [0, 16_384, 16_385, 65_420, 65_421, 1_000_000, 10_000_000];
    let messages: Vec<_> = sizes
        .iter()
        .map(|size| [message("1"), vec![b'x'; *size], b"\r".to_vec()].concat())
        .collect();
    let long = [ack("AA", "1"), vec![b'x'; 1_000_000], b"\r".to_vec()].concat();
    let mut script = Receiver::new().accept().shake_hands(server);
    for message in &messages {
        script = script.expect(message).reply(&long);
    }
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, trusting(&authority))
        .await
        .unwrap();
    for message in &messages {
        let reply = sandbox.send(client, message).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied);
        assert!(reply.message == long);
    }
    let _ = receiver.finish();
}

/// Sends one message with these options to a receiver that shows `issued`.
async fn sent(issued: &Issued, tls: Tls) -> Reply {
    let receiver = Receiver::new()
        .accept()
        .shake_hands(issued.server())
        .serve(1, "AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, Settings::tls(tls))
        .await
        .unwrap();
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    let _ = receiver.finish();
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_of_the_receiver_of_an_authority_between_or_of_the_root_is_enough() {
    let root = Authority::new(Key::P256);
    let between = root.intermediate(|_| {});
    let issued = between.receiver(&["127.0.0.1"]);
    for pin in [issued.pin(), between.pin(), root.pin()] {
        let reply = sent(
            &issued,
            Tls {
                authorities: vec![root.der()],
                own_authorities_only: true,
                pins: vec![Authority::new(Key::P256).pin(), pin],
                ..Tls::default()
            },
        );
        assert_eq!(reply.await.verdict, Verdict::Applied);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_instead_of_the_chain_needs_neither_authority_nor_name() {
    let issued = certificates::self_signed(&["elsewhere.example"]);
    let reply = sent(
        &issued,
        Tls {
            pins: vec![issued.pin()],
            pins_instead_of_chain: true,
            ..Tls::default()
        },
    );
    assert!(reply.await.warnings.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn insecure_mode_says_so_with_every_reply() {
    let issued = certificates::self_signed(&["elsewhere.example"]);
    let reply = sent(
        &issued,
        Tls {
            insecure: true,
            ..Tls::default()
        },
    );
    assert_eq!(reply.await.warnings, [Warning::Insecure]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_hybrid_group_a_classical_one_is_agreed_on() {
    let authority = Authority::new(Key::P256);
    let receiver = Receiver::new()
        .accept()
        .shake_hands(authority.receiver(&["127.0.0.1"]).server())
        .serve(1, "AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let mut settings = trusting(&authority);
    if let Some(tls) = &mut settings.tls {
        tls.hybrid = false;
    }
    let client = sandbox
        .connect_with(receiver.address, settings)
        .await
        .unwrap();
    sandbox.send(client, &message("1")).await.unwrap();
    let session = sandbox.tls(client).await.unwrap();
    assert_eq!(session.group.as_deref(), Some("X25519"));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_there_are_no_facts_about_it() {
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(sandbox.tls(client).await, None);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_connected_in_the_clear_speaks_tls_from_the_next_connect_on() {
    let authority = Authority::new(Key::P256);
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .accept()
        .shake_hands(authority.receiver(&["127.0.0.1"]).server())
        .serve(1, "AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let tls = Tls::trusting(&authority);
    sandbox.set_tls(client, &tls).await.unwrap();
    sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(sandbox.tls(client).await, None);
    sandbox.reconnect(client).await.unwrap();
    sandbox.send(client, &message("2")).await.unwrap();
    assert!(sandbox.tls(client).await.is_some());
    assert_eq!(receiver.finish().len(), 2);
}
