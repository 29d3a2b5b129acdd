//! MLLP Release 2: commit blocks, both ways, and receivers of which it has to be
//! found out whether they send any.

use std::time::{Duration, Instant};

use host_tests::certificates::{Authority, Key};
use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message};
use host_tests::peers::{Peer, Software};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{
    Acknowledgment, AcknowledgmentCode, Cause, CommitBlock, Delivery, Desync, InvalidReply,
    Judging, MllpRelease, Phase, Retry, Settling, Verdict, Warning,
};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings, Tls};
use marks::NAME;

use crate::common::{ack_asking, asking, together};

/// The ways to a receiver of Release 2.
const EITHER: [MllpRelease; 2] = [MllpRelease::Two, MllpRelease::Auto];

const COMMIT: &[u8] = b"\x0B\x06\x1C\r";

fn speaking(release: MllpRelease) -> Settings {
    Settings {
        mllp_release: Some(release),
        ..Settings::default()
    }
}

async fn connected(script: Receiver, settings: Settings) -> (Sandbox, Client, Running) {
    let receiver = script.start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    (sandbox, connected.expect("the receiver accepts"), receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_commits_what_the_other_sends() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    for release in EITHER {
        for secured in [false, true] {
            let mut script = Receiver::new().accept();
            let mut settings = speaking(release);
            if secured {
                script = script.shake_hands(server.clone());
                settings.tls = Some(Tls::trusting(&authority));
            }
            let script = script
                .expect(&message("1"))
                .commit()
                .acknowledge("AA")
                .expect_commit()
                .expect(&message("2"))
                .commit()
                .acknowledge("AE")
                .expect_commit();
            let (mut sandbox, client, receiver) = connected(script, settings).await;
            for (id, code, verdict) in
                [("1", "AA", Verdict::Applied), ("2", "AE", Verdict::Refused)]
            {
                let reply = sandbox.send(client, &message(id)).await.unwrap();
                assert_eq!((reply.verdict, reply.message), (verdict, ack(code, id)));
                assert_eq!(reply.commit, Some(CommitBlock::Positive));
                assert_eq!((reply.warnings, reply.transmissions), (vec![], 1));
            }
            let _ = receiver.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_block_and_a_reply_may_come_in_any_split() {
    let both = [COMMIT, &frame(&ack("AA", "1"))].concat();
    let mut script = Receiver::new().accept();
    for boundary in 1..12 {
        let (first, second) = both.split_at(boundary);
        script = script
            .expect(&message("1"))
            .send_in_pieces(vec![first.to_vec(), second.to_vec()])
            .expect_commit();
    }
    let script = script.expect(&message("1")).send(&both).expect_commit();
    let (mut sandbox, client, receiver) = connected(script, speaking(MllpRelease::Two)).await;
    for _ in 1..=12 {
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied);
        assert_eq!(reply.commit, Some(CommitBlock::Positive));
        assert_eq!(reply.warnings, []);
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_enhanced_mode_both_acknowledgments_follow_the_commit_block_and_are_committed() {
    let sent = asking("1", "AL", "AL");
    for release in EITHER {
        let script = Receiver::new()
            .accept()
            .expect(&sent)
            .commit()
            .reply(&ack("CA", "1"))
            .expect_commit()
            .reply(&ack("AR", "1"))
            .expect_commit()
            .expect(&message("2"))
            .commit()
            .acknowledge("AA")
            .expect_commit();
        let (mut sandbox, client, receiver) = connected(script, speaking(release)).await;
        let reply = sandbox.send(client, &sent).await.unwrap();
        assert_eq!((reply.verdict, reply.warnings), (Verdict::Refused, vec![]));
        assert!(reply.accept.is_some());
        let next = sandbox.send(client, &message("2")).await.unwrap();
        assert_eq!(next.verdict, Verdict::Applied);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_block_alone_settles_where_nothing_else_is_due() {
    for release in EITHER {
        for (accept, application, settle_on) in [
            ("NE", "NE", Settling::Application),
            ("", "", Settling::Accept),
            ("AL", "AL", Settling::Accept),
        ] {
            let sent = asking("1", accept, application);
            let script = Receiver::new()
                .accept()
                .expect(&sent)
                .commit()
                .expect(&sent)
                .commit()
                .expect_end();
            let settings = Settings {
                settle_on: Some(settle_on),
                ..speaking(release)
            };
            let (mut sandbox, client, receiver) = connected(script, settings).await;
            for _ in 0..2 {
                let reply = sandbox.send(client, &sent).await.unwrap();
                assert_eq!((reply.verdict, reply.warnings), (Verdict::Accepted, vec![]));
                assert_eq!(reply.commit, Some(CommitBlock::Positive));
                assert_eq!((reply.message, reply.acknowledgment), (vec![], None));
            }
            sandbox.close(client).await.unwrap();
            let _ = receiver.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_accepted_although_the_reply_fails_to_come() {
    let script = Receiver::new()
        .accept()
        .expect(&message("1"))
        .commit()
        .close();
    let (mut sandbox, client, receiver) = connected(script, speaking(MllpRelease::Two)).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    let missing = Warning::AcknowledgmentMissing(Cause::ConnectionEnded);
    assert_eq!(reply.warnings, [missing]);
    assert!(!sandbox.is_open(client).await);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_late_is_told_with_the_next_result_and_committed_before_that_message() {
    let (settled, arrived) = (Event::new(), Event::new());
    let script = Receiver::new()
        .accept()
        .expect(&message("1"))
        .commit()
        .wait_for(&settled)
        .reply(&ack("AE", "1"))
        .announce(&arrived)
        .expect_commit()
        .expect(&message("2"))
        .commit()
        .acknowledge("AA")
        .expect_commit();
    let settings = Settings {
        application_timeout: Some(1_500),
        ..speaking(MllpRelease::Two)
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let first = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(first.verdict, Verdict::Accepted);
    let missing = Warning::AcknowledgmentMissing(Cause::TimedOut);
    assert_eq!(first.warnings, [missing]);
    settled.announce();
    arrived.wait();
    idle().await;
    let second = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(second.verdict, Verdict::Applied);
    let late = Warning::LateAcknowledgment(Acknowledgment {
        code: AcknowledgmentCode::ApplicationError,
        control_id: b"1".to_vec(),
    });
    assert_eq!(second.warnings, [late]);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_negative_commit_block_is_a_refusal_and_ends_nothing() {
    for release in EITHER {
        let script = Receiver::new()
            .accept()
            .expect(&message("1"))
            .refuse_to_commit()
            .expect(&message("2"))
            .commit()
            .acknowledge("AA")
            .expect_commit();
        let (mut sandbox, client, receiver) = connected(script, speaking(release)).await;
        let first = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!((first.verdict, first.warnings), (Verdict::Refused, vec![]));
        assert_eq!(first.commit, Some(CommitBlock::Negative));
        assert_eq!((first.acknowledgment, first.transmissions), (None, 1));
        let second = sandbox.send(client, &message("2")).await.unwrap();
        assert_eq!(second.verdict, Verdict::Applied);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_negative_commit_block_the_same_message_goes_out_again_so_often_and_no_more() {
    for release in EITHER {
        let settings = Settings {
            commit_retries: Some(2),
            ..speaking(release)
        };
        let script = Receiver::new()
            .accept()
            .expect(&message("1"))
            .refuse_to_commit()
            .expect(&message("1"))
            .refuse_to_commit()
            .expect(&message("1"))
            .commit()
            .acknowledge("AA")
            .expect_commit()
            .expect(&message("2"))
            .refuse_to_commit()
            .expect(&message("2"))
            .refuse_to_commit()
            .expect(&message("2"))
            .refuse_to_commit()
            .expect_end();
        let (mut sandbox, client, receiver) = connected(script, settings).await;
        for (id, verdict, commit) in [
            ("1", Verdict::Applied, CommitBlock::Positive),
            ("2", Verdict::Refused, CommitBlock::Negative),
        ] {
            let reply = sandbox.send(client, &message(id)).await.unwrap();
            assert_eq!((reply.verdict, reply.commit), (verdict, Some(commit)));
            assert_eq!(reply.transmissions, 3);
            let why = [Retry::NegativeCommit, Retry::NegativeCommit];
            assert_eq!(reply.retries, why);
        }
        sandbox.close(client).await.unwrap();
        let _ = receiver.finish();
    }
}

#[derive(Clone, Copy, Debug)]
enum Doubt {
    Silence,
    End,
    Rubbish,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_doubt_is_a_reason_to_send_again() {
    let doubts = [Doubt::Silence, Doubt::End, Doubt::Rubbish];
    // At once, and after a negative block that was a reason.
    let cases = doubts
        .into_iter()
        .flat_map(|doubt| [(doubt, 0), (doubt, 1)]);
    let cases = cases.flat_map(|case| EITHER.map(|release| (release, case)));
    together(cases.map(|(release, (doubt, before))| async move {
        let mut script = Receiver::new().accept().expect(&message("1"));
        for _ in 0..before {
            script = script.refuse_to_commit().expect(&message("1"));
        }
        let script = match doubt {
            Doubt::Silence => script.expect_end(),
            Doubt::End => script.close(),
            Doubt::Rubbish => script.send(b"rubbish").expect_end(),
        };
        let settings = Settings {
            commit_retries: Some(9),
            accept_timeout: Some(1_500),
            application_timeout: Some(1_500),
            ..speaking(release)
        };
        let (mut sandbox, client, receiver) = connected(script, settings).await;
        let failure = sandbox.send(client, &message("1")).await.unwrap_err();
        assert_eq!(failure.delivery, Delivery::InDoubt, "{doubt:?}");
        assert_eq!(failure.transmissions, 1 + before, "{doubt:?}");
        assert_eq!(failure.retries.len(), before as usize, "{doubt:?}");
        let _ = receiver.finished().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_commit_block_nothing_is_known_in_any_mode() {
    let pairs = [
        ("", ""),
        ("NE", "NE"),
        ("ER", "NE"),
        ("AL", "AL"),
        ("SU", "SU"),
    ];
    together(pairs.map(|(accept, application)| async move {
        let sent = asking("1", accept, application);
        let script = Receiver::new().accept().expect(&sent).expect_end();
        let settings = Settings {
            accept_timeout: Some(200),
            ..speaking(MllpRelease::Two)
        };
        let (mut sandbox, client, receiver) = connected(script, settings).await;
        let failure = sandbox.send(client, &sent).await.unwrap_err();
        assert_eq!(failure.cause, Cause::TimedOut, "{accept}/{application}");
        let known = (failure.phase, failure.delivery);
        assert_eq!(known, (Phase::Commit, Delivery::InDoubt));
        let _ = receiver.finished().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_without_its_commit_block_counts_is_told_gets_none_and_ends_the_connection() {
    let script = Receiver::new()
        .accept()
        .expect(&message("1"))
        .acknowledge("AA")
        .expect_end()
        .accept()
        .expect(&message("2"))
        .acknowledge("AE")
        .expect_end();
    let (mut sandbox, client, receiver) = connected(script, speaking(MllpRelease::Two)).await;
    for (id, verdict) in [("1", Verdict::Applied), ("2", Verdict::Refused)] {
        let reply = sandbox.send(client, &message(id)).await.unwrap();
        assert_eq!((reply.verdict, reply.commit), (verdict, None));
        assert_eq!(reply.warnings, [Warning::CommitMissing]);
        assert!(!sandbox.is_open(client).await);
        if id == "1" {
            sandbox.reconnect(client).await.unwrap();
        }
    }
    sandbox.close(client).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_not_judged_tells_that_its_commit_block_is_missing_too() {
    for (judging, said) in [
        (Judging::Off, ack("AA", "1")),
        (Judging::WherePossible, NAME.as_bytes().to_vec()),
    ] {
        let script = Receiver::new()
            .accept()
            .expect(&message("1"))
            .reply(&said)
            .expect_end();
        let settings = Settings {
            judging: Some(judging),
            ..speaking(MllpRelease::Two)
        };
        let (mut sandbox, client, receiver) = connected(script, settings).await;
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!((reply.verdict, reply.commit), (Verdict::Unjudged, None));
        assert!(reply.warnings.contains(&Warning::CommitMissing));
        assert!(!sandbox.is_open(client).await);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_release_1_gets_not_one_byte_of_a_commit_block_under_auto() {
    let enhanced = asking("3", "AL", "AL");
    let asked = ack_asking("AA", "4", "AL");
    let script = Receiver::new()
        .accept()
        .serve(2, "AA")
        .expect(&enhanced)
        .acknowledge("CA")
        .acknowledge("AE")
        .expect(&message("4"))
        .reply(&asked)
        // Not a commit block, and nothing before it.
        .expect_accept("R4")
        .expect(&message("5"))
        .acknowledge("AR")
        .expect_end();
    let (mut sandbox, client, receiver) = connected(script, speaking(MllpRelease::Auto)).await;
    for sent in [
        message("1"),
        message("2"),
        enhanced,
        message("4"),
        message("5"),
    ] {
        let reply = sandbox.send(client, &sent).await.unwrap();
        assert_eq!((reply.commit, reply.warnings), (None, vec![]));
    }
    sandbox.close(client).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn under_auto_a_commit_block_on_a_connection_of_release_1_is_out_of_step() {
    let script = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect(&message("2"))
        .commit()
        .expect_end();
    let (mut sandbox, client, receiver) = connected(script, speaking(MllpRelease::Auto)).await;
    sandbox.send(client, &message("1")).await.unwrap();
    let failure = sandbox.send(client, &message("2")).await.unwrap_err();
    let desync = Cause::ProtocolDesync(Desync::UnexpectedCommit);
    assert_eq!(
        (failure.cause, failure.delivery),
        (desync, Delivery::InDoubt)
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn under_auto_each_connection_is_found_out_anew() {
    let script = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect_end()
        .accept()
        .expect(&message("2"))
        .commit()
        .acknowledge("AA")
        .expect_commit();
    let (mut sandbox, client, receiver) = connected(script, speaking(MllpRelease::Auto)).await;
    let first = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(first.commit, None);
    sandbox.reconnect(client).await.unwrap();
    let second = sandbox.send(client, &message("2")).await.unwrap();
    assert_eq!(second.commit, Some(CommitBlock::Positive));
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn under_auto_a_message_that_asks_for_nothing_waits_for_the_quiet_period_once() {
    let sent = asking("1", "NE", "NE");
    let script = Receiver::new()
        .accept()
        .expect(&sent)
        .expect(&sent)
        .expect_end();
    let quiet = Duration::from_millis(1_000);
    let settings = Settings {
        quiet_period: Some(1_000),
        ..speaking(MllpRelease::Auto)
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let mut waited = Vec::new();
    for _ in 0..2 {
        let begun = Instant::now();
        let reply = sandbox.send(client, &sent).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Unacknowledged);
        waited.push(begun.elapsed() >= quiet);
    }
    assert_eq!(waited, [true, false]);
    sandbox.close(client).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_commit_block_takes_nothing_back_and_ends_the_connection() {
    for second in [&b"\x06"[..], b"\x15"] {
        let script = Receiver::new()
            .accept()
            .expect(&message("1"))
            .commit()
            .reply(second)
            .expect_end();
        let (mut sandbox, client, receiver) = connected(script, speaking(MllpRelease::Two)).await;
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Accepted);
        let desync = Cause::ProtocolDesync(Desync::UnexpectedCommit);
        assert_eq!(reply.warnings, [Warning::AcknowledgmentMissing(desync)]);
        assert!(!sandbox.is_open(client).await);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_block_on_the_idle_connection_keeps_the_next_message_from_leaving() {
    let arrived = Event::new();
    let script = Receiver::new()
        .accept()
        .commit()
        .announce(&arrived)
        .expect_end();
    let (mut sandbox, client, receiver) = connected(script, speaking(MllpRelease::Two)).await;
    arrived.wait();
    idle().await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    let desync = Cause::ProtocolDesync(Desync::UnreadFrame);
    assert_eq!(
        (failure.cause, failure.delivery),
        (desync, Delivery::NotSent)
    );
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_block_is_no_acknowledgment_under_release_1() {
    for (release, script) in [
        (None, Receiver::new().accept()),
        (Some(MllpRelease::One), Receiver::new().accept()),
    ] {
        let script = script.expect(&message("1")).commit().expect_end();
        let settings = Settings {
            mllp_release: release,
            ..Settings::default()
        };
        let (mut sandbox, client, receiver) = connected(script, settings).await;
        let failure = sandbox.send(client, &message("1")).await.unwrap_err();
        let cause = Cause::InvalidReply(InvalidReply::NoHeader);
        assert_eq!(
            (failure.cause, failure.delivery),
            (cause, Delivery::InDoubt)
        );
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_senders_own_ca_is_committed_by_the_receiver_before_the_next_message() {
    for release in EITHER {
        let script = Receiver::new()
            .accept()
            .expect(&message("1"))
            .commit()
            .reply(&ack_asking("AA", "1", "AL"))
            .expect_commit()
            .expect_accept("R1")
            .commit()
            .expect(&message("2"))
            .commit()
            .acknowledge("AA")
            .expect_commit();
        let (mut sandbox, client, receiver) = connected(script, speaking(release)).await;
        for id in ["1", "2"] {
            let reply = sandbox.send(client, &message(id)).await.unwrap();
            assert_eq!((reply.verdict, reply.warnings), (Verdict::Applied, vec![]));
        }
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_senders_own_ca_that_is_not_committed_is_told_and_ends_the_connection() {
    let script = Receiver::new()
        .accept()
        .expect(&message("1"))
        .commit()
        .reply(&ack_asking("AA", "1", "AL"))
        .expect_commit()
        .expect_accept("R1")
        .expect_end();
    let settings = Settings {
        timeout: Some(2_000),
        ..speaking(MllpRelease::Two)
    };
    let (mut sandbox, client, receiver) = connected(script, settings).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(reply.warnings, [Warning::OwedAcknowledgmentUnsent]);
    assert!(!sandbox.is_open(client).await);
    let _ = receiver.finish();
}

/// A client of the receiver in Elixir that was started with these arguments.
async fn of_elixir(arguments: &[&str], settings: Settings) -> Option<(Sandbox, Client, Peer)> {
    let peer = Peer::start_with(Software::Elixir, arguments)?;
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    let connected = sandbox.connect_with(peer.address, settings).await;
    Some((sandbox, connected.expect("the peer accepts"), peer))
}

#[tokio::test(flavor = "multi_thread")]
async fn elixirs_receiver_commits_every_message_and_sees_every_reply_committed() {
    for release in EITHER {
        for (code, verdict) in [
            ("AA", Verdict::Applied),
            ("AE", Verdict::Refused),
            ("AR", Verdict::Refused),
        ] {
            let arguments = ["--release", "two", "--code", code];
            let elixir = of_elixir(&arguments, speaking(release)).await;
            let Some((mut sandbox, client, mut peer)) = elixir else {
                return;
            };
            for sent in [
                message("1"),
                asking("2", "NE", "AL"),
                asking("3", "AL", "AL"),
            ] {
                let reply = sandbox.send(client, &sent).await.unwrap();
                assert_eq!((reply.verdict, reply.warnings), (verdict, vec![]));
                assert_eq!(reply.commit, Some(CommitBlock::Positive));
                assert!(peer.received(&sent));
                assert_eq!(peer.line(), "committed");
                if reply.accept.is_some() {
                    assert_eq!(peer.line(), "committed");
                }
            }
            let silent = asking("4", "NE", "NE");
            let reply = sandbox.send(client, &silent).await.unwrap();
            assert_eq!((reply.verdict, reply.warnings), (Verdict::Accepted, vec![]));
            assert!(peer.received(&silent));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn elixirs_receiver_gets_again_what_it_did_not_commit_and_no_more_often() {
    for release in EITHER {
        let arguments = ["--release", "two", "--negative", "5"];
        let settings = Settings {
            commit_retries: Some(2),
            ..speaking(release)
        };
        let elixir = of_elixir(&arguments, settings).await;
        let Some((mut sandbox, client, mut peer)) = elixir else {
            return;
        };
        let first = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!(first.verdict, Verdict::Refused);
        assert_eq!(first.commit, Some(CommitBlock::Negative));
        assert_eq!(first.transmissions, 3);
        let second = sandbox.send(client, &message("2")).await.unwrap();
        assert_eq!(second.verdict, Verdict::Applied);
        assert_eq!((second.transmissions, second.retries.len()), (3, 2));
        for _ in 0..5 {
            assert_eq!(peer.line(), "negative");
        }
        assert!(peer.received(&message("2")));
        assert_eq!(peer.line(), "committed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn elixirs_receiver_of_release_1_is_content_under_auto() {
    let elixir = of_elixir(&["--code", "AA"], speaking(MllpRelease::Auto)).await;
    let Some((mut sandbox, client, mut peer)) = elixir else {
        return;
    };
    for id in ["1", "2", "3"] {
        let sent = asking(id, "AL", "AL");
        let reply = sandbox.send(client, &sent).await.unwrap();
        assert_eq!((reply.verdict, reply.warnings), (Verdict::Applied, vec![]));
        assert_eq!(reply.commit, None);
        // One that got a commit block would end the connection.
        assert!(peer.received(&sent));
    }
}
