//! Exchanges that are settled on the accept acknowledgment, and the application
//! acknowledgments that come for them afterwards: told with the next result, credited
//! to nobody.

use host_tests::certificates::{Authority, Key};
use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    Acknowledgment, AcknowledgmentCode, Cause, Delivery, Desync, Settling, Verdict, Warning,
};
use host_tests::sandbox::{Client, Sandbox, Settings, Tls};

use crate::common::{ack_asking, asking, together};

use AcknowledgmentCode::{ApplicationAccept, ApplicationError, ApplicationReject};

/// What settles on the accept acknowledgment.
fn settling() -> Settings {
    Settings {
        settle_on: Some(Settling::Accept),
        ..Settings::default()
    }
}

async fn connected(script: Receiver, settings: Settings) -> (Sandbox, Client, Running) {
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    (sandbox, connected.expect("the receiver accepts"), receiver)
}

/// A message that asks for both acknowledgments.
fn both(id: &str) -> Vec<u8> {
    asking(id, "AL", "AL")
}

fn late(code: AcknowledgmentCode, id: &str) -> Warning {
    Warning::LateAcknowledgment(Acknowledgment {
        code,
        control_id: id.into(),
    })
}

/// The message goes out and is accepted, without anything to be told.
async fn accepted(sandbox: &mut Sandbox, client: Client, id: &str) {
    let reply = sandbox.send(client, &both(id)).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    assert_eq!(reply.warnings, []);
    assert_eq!(reply.message, ack("CA", id));
}

#[tokio::test(flavor = "multi_thread")]
async fn settling_on_the_accept_acknowledgment_waits_for_no_other() {
    let kinds = ["AL", "NE", "ER", "SU"];
    let mut script = Receiver::new().accept();
    for application in kinds {
        let message = asking(application, "AL", application);
        script = script.expect(&message).acknowledge("CA");
    }
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    for application in kinds {
        let message = asking(application, "AL", application);
        let reply = sandbox.send(client, &message).await.unwrap();
        assert_eq!((reply.verdict, reply.warnings), (Verdict::Accepted, vec![]));
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn settling_on_the_accept_acknowledgment_changes_nothing_where_none_is_asked_for() {
    let message = asking("1", "NE", "AL");
    let script = Receiver::new().accept().expect(&message).acknowledge("AE");
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    let reply = sandbox.send(client, &message).await.unwrap();
    assert_eq!((reply.verdict, reply.warnings), (Verdict::Refused, vec![]));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_on_the_idle_connection_is_told_with_the_next_result() {
    let (settled, arrived) = (Event::new(), Event::new());
    let script = Receiver::new()
        .accept()
        .expect(&both("1"))
        .acknowledge("CA")
        .wait_for(&settled)
        .reply(&ack("AE", "1"))
        .announce(&arrived)
        .expect(&both("2"))
        .acknowledge("CA");
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    accepted(&mut sandbox, client, "1").await;
    settled.announce();
    arrived.wait();
    idle().await;
    let reply = sandbox.send(client, &both("2")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    assert_eq!(reply.warnings, [late(ApplicationError, "1")]);
    assert_eq!(reply.message, ack("CA", "2"));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_during_the_next_exchange_is_told_with_it_and_not_credited_to_it() {
    // Whatever the next message asks for, and whatever came late.
    let pairs = [
        ("", ""),
        ("AL", "AL"),
        ("NE", "AL"),
        ("ER", "ER"),
        ("SU", "SU"),
    ];
    let codes = [
        ("AA", ApplicationAccept),
        ("AE", ApplicationError),
        ("AR", ApplicationReject),
    ];
    let cases = pairs
        .into_iter()
        .flat_map(|pair| codes.map(|code| (pair, code)));
    together(
        cases.map(|((accept, application), (letters, code))| async move {
            let case = format!("{letters} is late during {accept}/{application}");
            let next = asking("2", accept, application);
            // What is the next one's own, and of no success.
            let own = if accept.is_empty() { "AR" } else { "CR" };
            let script = Receiver::new()
                .accept()
                .expect(&both("1"))
                .acknowledge("CA")
                .expect(&next)
                .reply(&ack(letters, "1"))
                .acknowledge(own);
            let (mut sandbox, client, receiver) = connected(script, settling()).await;
            accepted(&mut sandbox, client, "1").await;
            let reply = sandbox.send(client, &next).await.unwrap();
            assert_eq!(reply.verdict, Verdict::Refused, "{case}");
            assert_eq!(reply.message, ack(own, "2"), "{case}");
            assert!(reply.warnings.contains(&late(code, "1")), "{case}");
            let _ = receiver.finished().await;
        }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_in_pieces_before_and_during_the_next_exchange_is_told_with_it() {
    let whole = frame(&ack("AA", "1"));
    let cuts = [1, 2, 10, whole.len() - 2, whole.len() - 1];
    together(cuts.map(|cut| async move {
        let (before, during) = whole_at(cut);
        let (settled, arrived) = (Event::new(), Event::new());
        let script = Receiver::new()
            .accept()
            .expect(&both("1"))
            .acknowledge("CA")
            .wait_for(&settled)
            .send(&before)
            .announce(&arrived)
            .expect(&both("2"))
            .send(&during)
            .acknowledge("CE");
        let (mut sandbox, client, receiver) = connected(script, settling()).await;
        accepted(&mut sandbox, client, "1").await;
        settled.announce();
        let waited = tokio::task::spawn_blocking(move || arrived.wait()).await;
        waited.expect("a part of it");
        idle().await;
        let reply = sandbox.send(client, &both("2")).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Refused, "cut at {cut}");
        assert_eq!(reply.warnings, [late(ApplicationAccept, "1")]);
        let _ = receiver.finished().await;
    }))
    .await;
}

fn whole_at(cut: usize) -> (Vec<u8>, Vec<u8>) {
    let mut before = frame(&ack("AA", "1"));
    let during = before.split_off(cut);
    (before, during)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_before_a_failure_is_told_with_the_failure() {
    let script = Receiver::new()
        .accept()
        .expect(&both("1"))
        .acknowledge("CA")
        .expect(&both("2"))
        .reply(&ack("AE", "1"))
        .close();
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    accepted(&mut sandbox, client, "1").await;
    let failure = sandbox.send(client, &both("2")).await.unwrap_err();
    assert_eq!(failure.cause, Cause::ConnectionEnded);
    assert_eq!(failure.delivery, Delivery::InDoubt);
    assert_eq!(failure.warnings, [late(ApplicationError, "1")]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_doubled_is_told_once_and_keeps_the_next_message_from_leaving() {
    let (settled, arrived) = (Event::new(), Event::new());
    let twice = [frame(&ack("AA", "1")), frame(&ack("AA", "1"))].concat();
    let script = Receiver::new()
        .accept()
        .expect(&both("1"))
        .acknowledge("CA")
        .wait_for(&settled)
        .send(&twice)
        .announce(&arrived)
        .expect_end();
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    accepted(&mut sandbox, client, "1").await;
    settled.announce();
    arrived.wait();
    idle().await;
    let failure = sandbox.send(client, &both("2")).await.unwrap_err();
    assert_eq!(failure.cause, Cause::ProtocolDesync(Desync::UnreadFrame));
    assert_eq!(failure.delivery, Delivery::NotSent);
    assert_eq!(failure.warnings, [late(ApplicationAccept, "1")]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_after_its_own_timeout_is_late_too() {
    let script = Receiver::new()
        .accept()
        .expect(&both("1"))
        .acknowledge("CA")
        .expect(&both("2"))
        .reply(&ack("AR", "1"))
        .acknowledge("CA")
        .acknowledge("AA");
    let settings = Settings {
        // As long as the second message's may take, too.
        application_timeout: Some(1_500),
        ..Settings::default()
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let first = sandbox.send(client, &both("1")).await.unwrap();
    assert_eq!(first.verdict, Verdict::Accepted);
    let missing = Warning::AcknowledgmentMissing(Cause::TimedOut);
    assert_eq!(first.warnings, [missing]);
    let second = sandbox.send(client, &both("2")).await.unwrap();
    assert_eq!(second.verdict, Verdict::Applied);
    assert_eq!(second.warnings, [late(ApplicationReject, "1")]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_for_a_ca_gets_it_before_the_next_message() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    for secured in [false, true] {
        let (settled, arrived) = (Event::new(), Event::new());
        let mut script = Receiver::new().accept();
        let mut settings = settling();
        if secured {
            script = script.shake_hands(server.clone());
            settings.tls = Some(Tls::trusting(&authority));
        }
        let script = script
            .expect(&both("1"))
            .acknowledge("CA")
            .wait_for(&settled)
            .reply(&ack_asking("AA", "1", "AL"))
            .announce(&arrived)
            .expect_accept("R1")
            .expect(&both("2"))
            .acknowledge("CA");
        let (mut sandbox, client, receiver) = connected(script, settings).await;
        accepted(&mut sandbox, client, "1").await;
        settled.announce();
        arrived.wait();
        idle().await;
        let reply = sandbox.send(client, &both("2")).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Accepted);
        assert_eq!(reply.warnings, [late(ApplicationAccept, "1")]);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_asks_for_a_ca_during_the_next_exchange_gets_it_at_once() {
    let script = Receiver::new()
        .accept()
        .expect(&both("1"))
        .acknowledge("CA")
        .expect(&both("2"))
        .reply(&ack_asking("AA", "1", "AL"))
        .expect_accept("R1")
        .reply(&ack("CA", "2"))
        .expect(&both("3"))
        .acknowledge("CA");
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    accepted(&mut sandbox, client, "1").await;
    let reply = sandbox.send(client, &both("2")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    assert_eq!(reply.warnings, [late(ApplicationAccept, "1")]);
    accepted(&mut sandbox, client, "3").await;
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_several_messages_may_come_in_any_order() {
    let (settled, arrived) = (Event::new(), Event::new());
    let script = Receiver::new()
        .accept()
        .expect(&both("1"))
        .acknowledge("CA")
        .expect(&both("2"))
        .acknowledge("CA")
        .expect(&both("3"))
        .acknowledge("CA")
        .wait_for(&settled)
        .reply(&ack("AA", "2"))
        .reply(&ack("AE", "1"))
        .announce(&arrived)
        .expect(&message("4"))
        .reply(&ack("AR", "3"))
        .acknowledge("AA");
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    for id in ["1", "2", "3"] {
        accepted(&mut sandbox, client, id).await;
    }
    settled.announce();
    arrived.wait();
    idle().await;
    let reply = sandbox.send(client, &message("4")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let told = [
        late(ApplicationAccept, "2"),
        late(ApplicationError, "1"),
        late(ApplicationReject, "3"),
    ];
    assert_eq!(reply.warnings, told);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_for_a_message_of_an_earlier_connection_is_nobodys() {
    let arrived = Event::new();
    let script = Receiver::new()
        .accept()
        .expect(&both("1"))
        .acknowledge("CA")
        .expect_end()
        .accept()
        .reply(&ack("AA", "1"))
        .announce(&arrived)
        .expect_end();
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    accepted(&mut sandbox, client, "1").await;
    sandbox.reconnect(client).await.unwrap();
    arrived.wait();
    idle().await;
    let failure = sandbox.send(client, &both("2")).await.unwrap_err();
    assert_eq!(failure.cause, Cause::ProtocolDesync(Desync::UnreadFrame));
    assert_eq!(failure.delivery, Delivery::NotSent);
    assert_eq!(failure.warnings, []);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_256_messages_are_known_and_the_one_before_is_not() {
    let ids: Vec<_> = (0..257).map(|id| id.to_string()).collect();
    for (id, known) in [("1", true), ("0", false)] {
        let mut script = Receiver::new().accept();
        for id in &ids {
            script = script.expect(&both(id)).acknowledge("CA");
        }
        let script = script
            .expect(&both("next"))
            .reply(&ack("AA", id))
            .reply(&ack("CA", "next"));
        let (mut sandbox, client, receiver) = connected(script, settling()).await;
        for id in &ids {
            accepted(&mut sandbox, client, id).await;
        }
        match sandbox.send(client, &both("next")).await {
            Ok(reply) => {
                assert!(known);
                assert_eq!(reply.warnings, [late(ApplicationAccept, id)]);
            }
            Err(failure) => {
                assert!(!known);
                let desync = Cause::ProtocolDesync(Desync::OtherControlId);
                assert_eq!(failure.cause, desync);
            }
        }
        let _ = receiver.finish();
    }
}

/// Receivers that send both write them together: nobody must be made to wait for the
/// second one, and it must not stand in anybody's way.
#[tokio::test(flavor = "multi_thread")]
async fn one_right_behind_the_accept_acknowledgment_is_told_once_and_stands_in_nobodys_way() {
    let mut script = Receiver::new().accept();
    for id in ["1", "2", "3"] {
        let together = [frame(&ack("CA", id)), frame(&ack("AE", id))].concat();
        script = script.expect(&both(id)).send(&together);
    }
    let script = script.expect(&message("4")).acknowledge("AA");
    let (mut sandbox, client, receiver) = connected(script, settling()).await;
    let mut told = Vec::new();
    for id in ["1", "2", "3"] {
        let reply = sandbox.send(client, &both(id)).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Accepted);
        told.extend(reply.warnings);
    }
    let reply = sandbox.send(client, &message("4")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    told.extend(reply.warnings);
    // Each with its own result or with the next one.
    assert_eq!(told.len(), 3);
    for id in ["1", "2", "3"] {
        assert!(told.contains(&late(ApplicationError, id)));
    }
    let _ = receiver.finish();
}
