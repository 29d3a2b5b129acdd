//! What a host can read of a client's life: numbers that are exactly what happened.

use std::time::{Duration, Instant};

use host_tests::certificates::{Authority, Key};
use host_tests::event::{Event, idle};
use host_tests::messages::{ack, frame, message, message_of};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{
    AcknowledgmentTimes, Counters, DeliveryCounts, Judging, MllpRelease, NamedCount, VerdictCounts,
};
use host_tests::sandbox::{Sandbox, Settings, Tls};

use crate::common::{asking, word};

fn named(counts: &[NamedCount]) -> Vec<(&str, u64)> {
    let pairs = counts
        .iter()
        .map(|count| (count.name.as_str(), count.count));
    pairs.collect()
}

/// A message, what comes back for it, and the verdict.
type Exchange<'a> = (Vec<u8>, &'a [&'a [u8]], &'a str);

/// The bounds of the distribution, in milliseconds.
const BOUNDS: [u64; 16] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000,
];

/// What must be true of any distribution of so many acknowledgments within this time.
fn is_sound(times: &AcknowledgmentTimes, count: u64, within: Duration) {
    let bounds: Vec<_> = times.buckets.iter().map(|bucket| bucket.up_to).collect();
    let expected = BOUNDS.into_iter().map(Some).chain([None]);
    assert_eq!(bounds, expected.collect::<Vec<_>>());
    let counted: u64 = times.buckets.iter().map(|bucket| bucket.count).sum();
    assert_eq!((times.count, counted), (count, count));
    assert!(times.shortest <= times.longest && times.longest <= times.sum);
    assert!(u128::from(times.sum) <= within.as_micros());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_client_has_counted_its_connection_and_nothing_else() {
    let receiver = Receiver::new().accept().expect_end().start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let mut counters = sandbox.counters(client).await;
    is_sound(&counters.times, 0, Duration::ZERO);
    counters.times.buckets.clear();
    let expected = Counters {
        connections: 1,
        reconnections: 0,
        stale_connections: 0,
        replaced_idle: 0,
        exchanges: VerdictCounts {
            applied: 0,
            accepted: 0,
            refused: 0,
            unacknowledged: 0,
            unjudged: 0,
        },
        failures: DeliveryCounts {
            not_sent: 0,
            cut_short: 0,
            in_doubt: 0,
        },
        failures_by_cause: vec![],
        warnings: vec![],
        retransmissions: 0,
        bytes_sent: 0,
        bytes_received: 0,
        times: AcknowledgmentTimes {
            buckets: vec![],
            count: 0,
            sum: 0,
            shortest: 0,
            longest: 0,
        },
    };
    assert_eq!(counters, expected);
    sandbox.close(client).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_sequence_of_exchanges_and_failures_the_counters_are_what_happened() {
    let settings = Settings {
        judging: Some(Judging::WherePossible),
        quiet_period: Some(200),
        ..Settings::default()
    };
    let exchanges: [Exchange<'_>; 9] = [
        (message("1"), &[&ack("AA", "1")], "applied"),
        (message("2"), &[&ack("AE", "2")], "refused"),
        (message("3"), &[&ack("AR", "3")], "refused"),
        (asking("4", "AL", "NE"), &[&ack("CA", "4")], "accepted"),
        (
            asking("5", "AL", "AL"),
            &[&ack("CA", "5"), &ack("AA", "5")],
            "applied",
        ),
        (asking("6", "NE", "NE"), &[], "unacknowledged"),
        (asking("7", "ER", "NE"), &[], "unacknowledged"),
        (message("8"), &[b"OK"], "unjudged"),
        // Two warnings: white space before it, and a CA that was not asked for.
        (message("9"), &[b"\n", &ack("CA", "9")], "accepted"),
    ];
    let ended = Event::new();
    let mut script = Receiver::new().accept();
    let (mut sent, mut received) = (0, 0);
    for (message, replies, _) in &exchanges {
        script = script.expect(message);
        sent += frame(message).len();
        for reply in *replies {
            let bytes = if *reply == b"\n" {
                reply.to_vec()
            } else {
                frame(reply)
            };
            script = script.send(&bytes);
            received += bytes.len();
        }
    }
    let foreign = ack("AA", "elsewhere");
    let receiver = script
        .expect(&message("10"))
        .reply(&foreign)
        .expect_end()
        .accept()
        .expect(&message("12"))
        .close()
        .accept()
        .half_close()
        .announce(&ended)
        .expect_end()
        .accept()
        .serve(1, "AA")
        .start();
    sent += [message("10"), message("12"), message("14")]
        .iter()
        .map(|message| frame(message).len())
        .sum::<usize>();
    received += frame(&foreign).len() + frame(&ack("AA", "14")).len();

    let begun = Instant::now();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    for (message, _, verdict) in &exchanges {
        let reply = sandbox.send(client, message).await.unwrap();
        assert_eq!(word(&reply.verdict), *verdict);
    }
    let mut failures = Vec::new();
    failures.push(sandbox.send(client, b"").await.unwrap_err());
    failures.push(sandbox.send(client, &message("10")).await.unwrap_err());
    failures.push(sandbox.send(client, &message("11")).await.unwrap_err());
    sandbox.reconnect(client).await.unwrap();
    failures.push(sandbox.send(client, &message("12")).await.unwrap_err());
    sandbox.reconnect(client).await.unwrap();
    ended.wait();
    idle().await;
    failures.push(sandbox.send(client, &message("13")).await.unwrap_err());
    let told = failures.iter().map(|failure| {
        let (delivery, cause) = (word(&failure.delivery), word(&failure.cause));
        format!("{delivery} {cause}")
    });
    let expected = [
        "not-sent invalid-message",
        "in-doubt protocol-desync",
        "not-sent closed",
        "in-doubt connection-ended",
        "not-sent connection-ended",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    // Of a timeout of zero nothing is counted.
    let zero = sandbox.send_within(client, &message("13"), 0).await;
    assert!(zero.is_err());
    sandbox.reconnect(client).await.unwrap();
    let last = sandbox.send(client, &message("14")).await;
    assert_eq!(last.unwrap().warnings, []);

    let counters = sandbox.counters(client).await;
    assert_eq!((counters.connections, counters.reconnections), (4, 3));
    assert_eq!((counters.stale_connections, counters.replaced_idle), (1, 0));
    let verdicts = VerdictCounts {
        applied: 3,
        accepted: 2,
        refused: 2,
        unacknowledged: 2,
        unjudged: 1,
    };
    assert_eq!(counters.exchanges, verdicts);
    let deliveries = DeliveryCounts {
        not_sent: 3,
        cut_short: 0,
        in_doubt: 2,
    };
    assert_eq!(counters.failures, deliveries);
    let causes = [
        ("invalid-message", 1),
        ("protocol-desync", 1),
        ("closed", 1),
        ("connection-ended", 2),
    ];
    assert_eq!(named(&counters.failures_by_cause), causes);
    let warnings = [("space-before-start-block", 1), ("wrong-mode", 1)];
    let mut counted = named(&counters.warnings);
    counted.sort_unstable();
    assert_eq!(counted, warnings);
    assert_eq!(counters.retransmissions, 0);
    assert_eq!(counters.bytes_sent, sent as u64);
    assert_eq!(counters.bytes_received, received as u64);
    is_sound(&counters.times, 7, begun.elapsed());

    // They stay when the client ends.
    sandbox.close(client).await.unwrap();
    assert_eq!(sandbox.counters(client).await, counters);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_cut_short_is_counted_as_such() {
    let done = Event::new();
    let receiver = Receiver::new()
        .accept()
        .expect_part(1)
        .wait_for(&done)
        .start();
    let settings = Settings {
        timeout: Some(500),
        max_send_size: Some(64_000_000),
        ..Settings::default()
    };
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    let large = message_of("1", 40_000_000);
    let failure = sandbox.send(client, &large).await.unwrap_err();
    assert_eq!(word(&failure.delivery), "cut-short");
    let counters = sandbox.counters(client).await;
    assert_eq!(counters.failures.cut_short, 1);
    assert_eq!(named(&counters.failures_by_cause), [("timed-out", 1)]);
    assert!((1..40_000_000).contains(&counters.bytes_sent));
    done.announce();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_sent_again_and_frames_that_are_owed_are_counted() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .refuse_to_commit()
        .expect(&message("1"))
        .refuse_to_commit()
        .expect(&message("1"))
        .commit()
        .acknowledge("AA")
        .expect_commit()
        .start();
    let settings = Settings {
        mllp_release: Some(MllpRelease::Two),
        commit_retries: Some(5),
        ..Settings::default()
    };
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    sandbox.send(client, &message("1")).await.unwrap();
    let counters = sandbox.counters(client).await;
    assert_eq!(counters.retransmissions, 2);
    let commit = frame(b"\x06").len();
    let sent = 3 * frame(&message("1")).len() + commit;
    assert_eq!(counters.bytes_sent, sent as u64);
    let received = 3 * commit + frame(&ack("AA", "1")).len();
    assert_eq!(counters.bytes_received, received as u64);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_idle_for_too_long_is_counted_where_it_is_replaced() {
    let receiver = Receiver::new()
        .accept()
        .serve(2, "AA")
        .expect_end()
        .accept()
        .serve(1, "AA")
        .start();
    let limit = Duration::from_millis(1_000);
    let settings = Settings {
        idle_limit: Some(1_000),
        ..Settings::default()
    };
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    for (id, replaced) in [("1", 0), ("2", 0), ("3", 1)] {
        if replaced > 0 {
            // Not to synchronise anything: it is the time that counts.
            tokio::time::sleep(limit + Duration::from_millis(50)).await;
        }
        sandbox.send(client, &message(id)).await.unwrap();
        let counters = sandbox.counters(client).await;
        assert_eq!(counters.replaced_idle, replaced);
        assert_eq!(counters.connections, 1 + replaced);
        assert_eq!(counters.stale_connections, 0);
    }
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgment_is_counted_with_the_time_it_took() {
    let (arrived, may_answer) = (Event::new(), Event::new());
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .expect(&message("2"))
        .announce(&arrived)
        .wait_for(&may_answer)
        .acknowledge("AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    sandbox.send(client, &message("1")).await.unwrap();
    let quick = sandbox.counters(client).await.times;
    let later = tokio::task::spawn_blocking(move || {
        arrived.wait();
        // Not to synchronise anything: it is the time that is to be counted.
        std::thread::sleep(Duration::from_millis(400));
        may_answer.announce();
    });
    let begun = Instant::now();
    sandbox.send(client, &message("2")).await.unwrap();
    later.await.unwrap();
    let times = sandbox.counters(client).await.times;
    is_sound(
        &times,
        2,
        begun.elapsed() + Duration::from_micros(quick.sum),
    );
    assert!(times.longest > 200_000, "{times:?}");
    let long = times.buckets.iter();
    let long = long.filter(|bucket| bucket.up_to.is_none_or(|bound| bound > 200));
    assert!(long.map(|bucket| bucket.count).sum::<u64>() >= 1);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn through_tls_the_bytes_of_the_records_are_counted() {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).server();
    let receiver = Receiver::new()
        .accept()
        .shake_hands(server)
        .serve(1, "AA")
        .expect_closing()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = Settings::tls(Tls::trusting(&authority));
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.expect("the receiver accepts");
    let handshake = sandbox.counters(client).await;
    assert!(handshake.bytes_sent > 200 && handshake.bytes_received > 500);
    sandbox.send(client, &message("1")).await.unwrap();
    let after = sandbox.counters(client).await;
    // One record of TLS 1.3: a header, a content type, a tag.
    let record = frame(&message("1")).len() + 5 + 1 + 16;
    assert_eq!(after.bytes_sent - handshake.bytes_sent, record as u64);
    let reply = frame(&ack("AA", "1")).len() + 5 + 1 + 16;
    // Tickets may come with it.
    assert!(after.bytes_received - handshake.bytes_received >= reply as u64);
    sandbox.close(client).await.unwrap();
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_counts_for_itself() {
    let one = Receiver::new().accept().serve(2, "AA").start();
    let other = Receiver::new().accept().serve(1, "AE").start();
    let grants = host_tests::sandbox::Grants::none()
        .address(one.address)
        .address(other.address);
    let mut sandbox = Sandbox::new(grants).await;
    let first = sandbox.connect(&one).await;
    let second = sandbox.connect(&other).await;
    for id in ["1", "2"] {
        sandbox.send(first, &message(id)).await.unwrap();
    }
    sandbox.send(second, &message("3")).await.unwrap();
    let (first, second) = (
        sandbox.counters(first).await.exchanges,
        sandbox.counters(second).await.exchanges,
    );
    assert_eq!((first.applied, first.refused), (2, 0));
    assert_eq!((second.applied, second.refused), (0, 1));
    let _ = (one.finish(), other.finish());
}
