//! A session outlives its connection, so that connecting again costs a tenth;
//! but only between connections that would have made the same checks.

use std::sync::Arc;

use host_tests::certificates::{Authority, Issued, Key};
use host_tests::messages::message;
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    Cause, CertificateProblem, ClientCertificate, Delivery, TlsProblem, TlsVersion, Verdict,
};
use host_tests::sandbox::{Client, Clock, Grants, Sandbox, Settings, Tls};
use rcgen::CertificateParams;
use rustls::ServerConfig;

/// A receiver that takes one message on each of so many connections.
fn receiver(server: &Arc<ServerConfig>, connections: usize) -> Running {
    let mut script = Receiver::new();
    for _ in 0..connections {
        script = script
            .accept()
            .shake_hands(server.clone())
            .serve(1, "AA")
            .expect_closing()
            .close();
    }
    script.start()
}

/// Sends a message, closes, and tells whether the session had been resumed.
async fn sent_and_closed(sandbox: &mut Sandbox, client: Client) -> bool {
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    sandbox.close(client).await.unwrap();
    sandbox.tls(client).await.unwrap().resumed
}

async fn connected(sandbox: &mut Sandbox, receiver: &Running, tls: &Tls) -> Client {
    sandbox
        .connect_with(receiver.address, Settings::tls(tls.clone()))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconnected_client_resumes_its_session() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let receiver = receiver(&server, 3);
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = connected(&mut sandbox, &receiver, &Tls::trusting(&authority)).await;
    assert!(!sent_and_closed(&mut sandbox, client).await);
    for _ in 0..2 {
        sandbox.reconnect(client).await.unwrap();
        assert!(sent_and_closed(&mut sandbox, client).await);
        let session = sandbox.tls(client).await.unwrap();
        assert!(session.certificate.is_some());
    }
    assert_eq!(receiver.finish().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_tls_1_2_is_resumed_too() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server_with(
        rustls::crypto::aws_lc_rs::default_provider(),
        &[&rustls::version::TLS12],
        None,
    );
    let receiver = receiver(&server, 2);
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = connected(&mut sandbox, &receiver, &Tls::trusting(&authority)).await;
    assert!(!sent_and_closed(&mut sandbox, client).await);
    sandbox.reconnect(client).await.unwrap();
    assert!(sent_and_closed(&mut sandbox, client).await);
    let session = sandbox.tls(client).await.unwrap();
    assert_eq!((session.version, session.group), (TlsVersion::Tls12, None));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_with_the_same_options_resumes_it() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let receiver = receiver(&server, 2);
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let tls = Tls::trusting(&authority);
    for resumed in [false, true] {
        let client = connected(&mut sandbox, &receiver, &tls).await;
        assert_eq!(sent_and_closed(&mut sandbox, client).await, resumed);
        sandbox.drop(client).await;
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_decides_trust_keeps_sessions_apart() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&["127.0.0.1", "lab.example"]);
    let tls = Tls::trusting(&authority);
    let all = [
        tls.clone(),
        Tls {
            authorities: vec![authority.pem(), Authority::new(Key::P256).pem()],
            ..tls.clone()
        },
        Tls {
            own_authorities_only: false,
            ..tls.clone()
        },
        Tls {
            pins: vec![issued.pin()],
            ..tls.clone()
        },
        Tls {
            pins: vec![issued.pin()],
            pins_instead_of_chain: true,
            ..tls.clone()
        },
        Tls {
            identity: Some(authority.sender().identity()),
            ..tls.clone()
        },
        Tls {
            revocations: vec![authority.revocation_list(&[], 30)],
            ..tls.clone()
        },
        Tls {
            server_name: Some("lab.example".into()),
            ..tls.clone()
        },
        Tls {
            insecure: true,
            ..tls.clone()
        },
        tls,
    ];
    let receiver = receiver(&issued.server(), all.len());
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let mut resumed = Vec::new();
    for tls in &all {
        let client = connected(&mut sandbox, &receiver, tls).await;
        resumed.push(sent_and_closed(&mut sandbox, client).await);
    }
    // The last one's options are the first one's.
    let (last, others) = resumed.split_last().unwrap();
    assert!(*last && !others.contains(&true), "{resumed:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_revocation_lists_every_connection_looks_into_them() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let receiver = receiver(&server, 2);
    let tls = Tls {
        revocations: vec![authority.revocation_list(&[], 30)],
        ..Tls::trusting(&authority)
    };
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = connected(&mut sandbox, &receiver, &tls).await;
    assert!(!sent_and_closed(&mut sandbox, client).await);
    sandbox.reconnect(client).await.unwrap();
    assert!(!sent_and_closed(&mut sandbox, client).await);
    let _ = receiver.finish();
}

/// Connects, and again past the time at which something in the chain expires. The
/// second time must be a full handshake, which finds it.
async fn found_expired(authority: &Authority, issued: &Issued) {
    let server = issued.server();
    let receiver = Receiver::new()
        .accept()
        .shake_hands(server.clone())
        .serve(1, "AA")
        .expect_closing()
        .close()
        .accept()
        .refuse_handshake(server)
        .start();
    let clock = Clock::now();
    let grants = Grants::none().address(receiver.address).clock(&clock);
    let mut sandbox = Sandbox::new(grants).await;
    let client = connected(&mut sandbox, &receiver, &Tls::trusting(authority)).await;
    assert!(!sent_and_closed(&mut sandbox, client).await);
    // Within the life of a session, past the certificate's.
    clock.advance_days(2);
    let failure = sandbox.reconnect(client).await.unwrap_err();
    assert_eq!(failure.delivery, Delivery::NotSent);
    let Cause::Tls(failure) = failure.cause else {
        panic!("a failure of TLS");
    };
    let problem = failure.problem;
    assert!(
        matches!(
            problem,
            TlsProblem::Certificate(CertificateProblem::Expired(_))
        ),
        "{problem:?}"
    );
    let _ = receiver.finish();
}

fn expire_tomorrow(params: &mut CertificateParams) {
    params.not_after = params.not_before + time::Duration::days(31);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_not_resumed_beyond_its_certificates_expiry() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver_with(&["127.0.0.1"], expire_tomorrow);
    found_expired(&authority, &issued).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_beyond_that_of_an_authority_between() {
    let authority = Authority::new(Key::P256);
    let between = authority.intermediate(expire_tomorrow);
    found_expired(&authority, &between.receiver(&["127.0.0.1"])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_client_certificate_is_shown_from_the_next_connect_on() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).mutual_server(&authority);
    let receiver = receiver(&server, 2);
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let with = |identity| Tls {
        identity: Some(identity),
        ..Tls::trusting(&authority)
    };
    let old = with(authority.sender().identity());
    let client = connected(&mut sandbox, &receiver, &old).await;
    let new = with(authority.sender().identity());
    sandbox.set_tls(client, &new).await.unwrap();
    assert!(sandbox.is_open(client).await, "the connection lives on");
    assert!(!sent_and_closed(&mut sandbox, client).await);
    sandbox.reconnect(client).await.unwrap();
    let session = sandbox.tls(client).await.unwrap();
    assert_eq!(session.client_certificate, ClientCertificate::Given);
    assert!(
        !sent_and_closed(&mut sandbox, client).await,
        "another identity"
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_cannot_work_leave_the_old_ones_in_place() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let receiver = receiver(&server, 2);
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = connected(&mut sandbox, &receiver, &Tls::trusting(&authority)).await;
    let broken = Tls {
        authorities: vec![b"garbage".to_vec()],
        ..Tls::default()
    };
    let failure = sandbox.set_tls(client, &broken).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::InvalidOption(_)));
    assert!(!sent_and_closed(&mut sandbox, client).await);
    sandbox.reconnect(client).await.unwrap();
    assert!(sent_and_closed(&mut sandbox, client).await);
    let _ = receiver.finish();
}
