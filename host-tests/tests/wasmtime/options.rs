//! Options as the WIT documents them: their defaults, and the values that cannot
//! work; and what a client tells of itself.

use host_tests::event::idle;
use host_tests::messages::{ack, frame, message};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{
    AcknowledgmentMode, Cause, Correlation, Delivery, DeliveryCounts, Direction, FramingPart,
    InvalidOption, Judging, Leniency, MllpRelease, Phase, Settling, VerdictCounts,
};
use host_tests::sandbox::{Grants, Sandbox, Settings};

/// Every option that has a default value, set to it.
fn documented_defaults() -> Settings {
    Settings {
        timeout: Some(30_000),
        connect_timeout: Some(30_000),
        max_message_size: Some(10_485_760),
        max_send_size: Some(10_485_760),
        acknowledgment_mode: Some(AcknowledgmentMode::FromMessage),
        settle_on: Some(Settling::Application),
        accept_timeout: Some(30_000),
        application_timeout: Some(30_000),
        quiet_period: Some(2_000),
        mllp_release: Some(MllpRelease::One),
        commit_retries: Some(0),
        correlation: Some(Correlation::Required),
        judging: Some(Judging::Required),
        allow: vec![
            Leniency::SpaceBeforeStartBlock,
            Leniency::SpaceAfterFrame,
            Leniency::LineFeedSegments,
        ],
        forbid: vec![
            Leniency::JunkBeforeStartBlock,
            Leniency::MissingStartBlock,
            Leniency::MissingCarriageReturn,
            Leniency::DoubledEnvelope,
            Leniency::OtherAcknowledgment,
        ],
        start_block: Some(vec![0x0B]),
        end_block: Some(vec![0x1C]),
        trailer: Some(vec![0x0D]),
        reconnect: Some(false),
        reconnect_minimum_delay: Some(100),
        reconnect_maximum_delay: Some(30_000),
        reconnect_attempts: Some(10),
        reconnect_time_limit: Some(30_000),
        resend: Some(Delivery::NotSent),
        keep_alive: Some(false),
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_set_to_their_defaults_change_nothing() {
    for settings in [Settings::default(), documented_defaults()] {
        let receiver = Receiver::new().accept().serve(1, "AA").start();
        let mut sandbox = Sandbox::for_receiver(&receiver).await;
        let client = sandbox
            .connect_with(receiver.address, settings)
            .await
            .unwrap();
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!(reply.message, ack("AA", "1"));
        assert_eq!(reply.warnings, []);
        assert_eq!((reply.transmissions, reply.retries), (1, vec![]));
        assert_eq!((reply.accept, reply.commit), (None, None));
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_counts_what_it_does() {
    let receiver = Receiver::new()
        .accept()
        .serve(1, "AA")
        .serve(1, "AE")
        .close()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    sandbox.send(client, &message("1")).await.unwrap();
    sandbox.send(client, &message("2")).await.unwrap();
    let _ = receiver.finish();
    idle().await;
    sandbox.send(client, &message("3")).await.unwrap_err();
    let counters = sandbox.counters(client).await;
    assert_eq!((counters.connections, counters.reconnections), (1, 0));
    assert_eq!((counters.stale_connections, counters.replaced_idle), (1, 0));
    let exchanges = VerdictCounts {
        applied: 1,
        accepted: 0,
        refused: 1,
        unacknowledged: 0,
        unjudged: 0,
    };
    assert_eq!(counters.exchanges, exchanges);
    let failures = DeliveryCounts {
        not_sent: 1,
        cut_short: 0,
        in_doubt: 0,
    };
    assert_eq!(counters.failures, failures);
    let [cause] = counters.failures_by_cause.as_slice() else {
        panic!("one failure has one cause");
    };
    assert_eq!((cause.name.as_str(), cause.count), ("connection-ended", 1));
    assert_eq!((counters.warnings, counters.retransmissions), (vec![], 0));
    let sent = [frame(&message("1")), frame(&message("2"))].concat();
    assert_eq!(counters.bytes_sent, sent.len() as u64);
    let received = [frame(&ack("AA", "1")), frame(&ack("AE", "2"))].concat();
    assert_eq!(counters.bytes_received, received.len() as u64);

    let times = counters.times;
    assert_eq!(times.count, 2);
    assert!(times.shortest <= times.longest && times.longest <= times.sum);
    let bounds: Vec<_> = times.buckets.iter().map(|bucket| bucket.up_to).collect();
    let documented = [
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000,
    ];
    let documented: Vec<_> = documented.into_iter().map(Some).chain([None]).collect();
    assert_eq!(bounds, documented);
    let counts = times.buckets.iter().map(|bucket| bucket.count);
    assert_eq!(counts.sum::<u64>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_transcript_tells_the_last_call_in_structure_alone() {
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let connecting = sandbox.transcript(client).await.entries;
    let connected = format!("connected to {}", receiver.address);
    assert!(connecting.iter().any(|entry| entry.event == connected));

    sandbox.send(client, &message("1")).await.unwrap();
    let _ = receiver.finish();
    let transcript = sandbox.transcript(client).await;
    assert_eq!(transcript.left_out, 0);
    let entries = transcript.entries;
    assert!(entries.is_sorted_by_key(|entry| entry.at));
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.direction, entry.event.as_str(), entry.bytes))
        .collect();
    let bytes = |bytes: Vec<u8>| bytes.len() as u64;
    assert_eq!(
        told,
        [
            (Direction::Here, "looked: nothing unread", 0),
            (Direction::Sent, "message begun", bytes(message("1"))),
            (Direction::Sent, "handed over", bytes(frame(&message("1")))),
            (Direction::Sent, "end block handed over", 0),
            (Direction::Received, "came", bytes(frame(&ack("AA", "1")))),
            (
                Direction::Received,
                "acknowledgment AA",
                bytes(ack("AA", "1"))
            ),
            (Direction::Here, "settled: applied", 0),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_work_is_told_before_anything_is_done() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        settings
    };
    let long = || Some(vec![b'x'; 32]);
    let framing = |part| InvalidOption::Framing(part);
    for (settings, option) in [
        (
            with(|it| it.second_receiver = Some((String::new(), 2575))),
            InvalidOption::SecondReceiver,
        ),
        (
            with(|it| it.second_receiver = Some(("127.0.0.1".into(), 0))),
            InvalidOption::SecondReceiver,
        ),
        (
            with(|it| it.accept_timeout = Some(0)),
            InvalidOption::AcceptTimeout,
        ),
        (
            with(|it| it.application_timeout = Some(0)),
            InvalidOption::ApplicationTimeout,
        ),
        (
            with(|it| it.quiet_period = Some(0)),
            InvalidOption::QuietPeriod,
        ),
        (with(|it| it.idle_limit = Some(0)), InvalidOption::IdleLimit),
        (
            with(|it| it.start_block = Some(vec![])),
            framing(FramingPart::StartBlock),
        ),
        (
            Settings {
                start_block: long(),
                ..Settings::default()
            },
            framing(FramingPart::StartBlock),
        ),
        (
            with(|it| it.end_block = Some(vec![])),
            framing(FramingPart::EndBlock),
        ),
        (
            with(|it| it.end_block = Some(vec![0x0B, 0x1C])),
            framing(FramingPart::EndBlock),
        ),
        (
            Settings {
                trailer: long(),
                ..Settings::default()
            },
            framing(FramingPart::Trailer),
        ),
        (
            with(|it| it.reconnect_minimum_delay = Some(0)),
            InvalidOption::Reconnect,
        ),
        (
            with(|it| it.reconnect_maximum_delay = Some(99)),
            InvalidOption::Reconnect,
        ),
        (
            with(|it| it.reconnect_attempts = Some(0)),
            InvalidOption::Reconnect,
        ),
        (
            with(|it| it.reconnect_time_limit = Some(0)),
            InvalidOption::Reconnect,
        ),
        (
            with(|it| it.keep_alive_idle = Some(0)),
            InvalidOption::KeepAlive,
        ),
        (
            with(|it| it.keep_alive_interval = Some(0)),
            InvalidOption::KeepAlive,
        ),
        (
            with(|it| it.keep_alive_count = Some(0)),
            InvalidOption::KeepAlive,
        ),
    ] {
        let mut sandbox = Sandbox::new(Grants::none()).await;
        let failure = sandbox.connect_to("127.0.0.1", 2575, settings).await;
        let failure = failure.unwrap_err();
        assert_eq!(
            (failure.cause, failure.phase, failure.delivery),
            (
                Cause::InvalidOption(option),
                Phase::Prepare,
                Delivery::NotSent
            )
        );
    }
}
