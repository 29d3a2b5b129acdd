//! However little a host takes or gives at a time, the exchange works; and where it
//! fails, what may have been taken counts as taken.

use host_tests::messages::{ack, frame, message};
use host_tests::sandbox::types::{Cause, Delivery, Desync, Phase, Verdict};
use host_tests::sandbox::{Sandbox, Settings};
use host_tests::scripted_host::{Loss, STREAM_CALLS, Script, StreamCall};

use super::{Exchange, TIMEOUT};
use crate::common::words;

const LOSSES: [Loss; 2] = [Loss::Closed, Loss::Failed];

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_of_any_size_is_kept_to() {
    let permits: [&[u64]; 7] = [
        &[1],
        &[u64::MAX],
        &[u64::from(u32::MAX) + 1],
        &[100, 50, 25, 12, 6, 3, 1],
        &[1, 2, 4, 8, 16, 32, 64],
        &[3, 0, 0, 0, 5, 0, 1],
        &[0, 0, 0, 0, 0, 65_536],
    ];
    for permits in permits {
        let exchange = Exchange::of(Script::new().permits(permits)).await;
        assert_eq!(exchange.reply().verdict, Verdict::Applied, "{permits:?}");
        assert_eq!(exchange.taken, frame(&message("1")));
        assert_eq!(exchange.set_aside, 0, "{permits:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_never_takes_a_byte_leaves_the_message_unsent() {
    let exchange = Exchange::of(Script::new().permits(&[0])).await;
    let failure = exchange.failure();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert_eq!(
        (failure.phase, failure.delivery, exchange.took),
        (Phase::Write, Delivery::NotSent, TIMEOUT)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_taking_cuts_the_message_short() {
    let exchange = Exchange::of(Script::new().permits(&[20, 10, 0])).await;
    assert!(matches!(exchange.cause(), Cause::TimedOut));
    assert_eq!(exchange.delivery(), Delivery::CutShort);
    assert_eq!((exchange.taken.len(), exchange.took), (30, TIMEOUT));
    assert_eq!(exchange.set_aside, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_aside_is_dropped_once_the_host_takes_bytes_again_or_fails() {
    let ends = [
        Script::new(),
        Script::new().loses(StreamCall::CheckWrite, 1, Loss::Closed),
        Script::new().loses(StreamCall::CheckWrite, 1, Loss::Failed),
    ];
    for end in ends {
        let mut exchange = Exchange::of(Script::new().permits(&[20, 0])).await;
        assert_eq!(exchange.set_aside, 1);
        exchange.sandbox.host_mut().follow(end);
        assert_eq!(exchange.sandbox.connections_set_aside().await, 0);
        assert!(exchange.sandbox.host_mut().held().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_aside_is_dropped_by_the_next_call_of_any_client() {
    let mut exchange = Exchange::of(Script::new().permits(&[20, 0])).await;
    let sandbox = &mut exchange.sandbox;
    sandbox.host_mut().follow(Script::new());
    let connected = sandbox.connect_to("192.0.2.1", 2575, Settings::default());
    let client = connected.await.unwrap();
    sandbox.drop(client).await;
    assert!(sandbox.host_mut().held().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_any_size_make_the_same_reply() {
    let reads: [&[usize]; 5] = [
        &[1],
        &[0, 0, 1],
        &[0, 1, 0, 2, 0, 3, 4_096],
        &[4_096, 1],
        &[usize::MAX],
    ];
    for reads in reads {
        let script = Script::new().reads(reads).fills_replies(10_000);
        let exchange = Exchange::of(script).await;
        let reply = exchange.reply();
        assert_eq!(reply.verdict, Verdict::Applied, "{reads:?}");
        assert!(reply.message.starts_with(&ack("AA", "1")) && reply.message.len() > 10_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_more_than_was_asked_for_is_borne() {
    for filler in [10_000, 1_000_000] {
        let script = Script::new().reads_beyond().fills_replies(filler);
        let exchange = Exchange::of(script).await;
        assert!(exchange.reply().message.len() > filler);
        assert_eq!(exchange.sandbox.host().calls_of("read"), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_give_nothing_for_ever_end_at_the_deadline() {
    let exchange = Exchange::of(Script::new().reads(&[0]).wakes_for_nothing(u32::MAX)).await;
    assert!(matches!(exchange.cause(), Cause::TimedOut));
    assert_eq!(exchange.delivery(), Delivery::InDoubt);
}

/// `closed` and `last-operation-failed`, in every function of a stream, from each of
/// its first calls on.
#[tokio::test(flavor = "multi_thread")]
async fn a_loss_anywhere_is_told_as_one() {
    for call in STREAM_CALLS {
        for loss in LOSSES {
            for nth in 1..=4 {
                let script = Script::new().permits(&[30]).loses(call, nth, loss);
                let exchange = Exchange::of(script).await;
                let told = match &exchange.outcome {
                    Ok(reply) => words(&reply.verdict),
                    Err(failure) => words(&failure.cause),
                };
                let expected = match (call, loss) {
                    (_, Loss::Closed) if exchange.outcome.is_err() => "connection-ended",
                    (_, Loss::Failed) if exchange.outcome.is_err() => "connection-broken",
                    _ => "applied",
                };
                // That a write failed is never known to be an orderly end.
                let expected = match (call, expected) {
                    (StreamCall::Write, "connection-ended") => "connection-broken",
                    (_, expected) => expected,
                };
                assert_eq!(told, expected, "{call:?} {nth} {loss:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_write_counts_as_handed_over_even_where_the_host_calls_it_closed() {
    for loss in LOSSES {
        for taken in [0, 10, usize::MAX] {
            let script = Script::new()
                .loses(StreamCall::Write, 1, loss)
                .failing_write_takes(taken)
                .answers_nothing();
            let exchange = Exchange::of(script).await;
            assert!(matches!(exchange.cause(), Cause::ConnectionBroken));
            assert_eq!(exchange.delivery(), Delivery::InDoubt, "{loss:?} {taken}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_write_of_a_part_cuts_the_message_short() {
    for loss in LOSSES {
        for nth in [1, 2] {
            let script = Script::new()
                .permits(&[10])
                .loses(StreamCall::Write, nth, loss)
                .failing_write_takes(usize::MAX);
            let exchange = Exchange::of(script).await;
            assert!(matches!(exchange.cause(), Cause::ConnectionBroken));
            assert_eq!(exchange.delivery(), Delivery::CutShort, "{loss:?} {nth}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_closed_before_a_write_took_nothing_of_it() {
    let script = Script::new().loses(StreamCall::CheckWrite, 1, Loss::Closed);
    let exchange = Exchange::of(script).await;
    assert!(matches!(exchange.cause(), Cause::ConnectionEnded));
    assert_eq!(exchange.delivery(), Delivery::NotSent);
    let script = Script::new()
        .permits(&[10])
        .loses(StreamCall::CheckWrite, 2, Loss::Closed);
    let exchange = Exchange::of(script).await;
    assert_eq!(exchange.delivery(), Delivery::CutShort);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_said_before_a_write_failed_is_read() {
    for loss in LOSSES {
        let script = Script::new()
            .loses(StreamCall::Write, 1, loss)
            .failing_write_takes(usize::MAX)
            .answers_after(std::time::Duration::ZERO, "AA");
        let exchange = Exchange::of(script).await;
        assert_eq!(exchange.reply().verdict, Verdict::Applied, "{loss:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_said_of_half_a_message_before_it_was_lost_answers_nothing() {
    let lost = [
        (StreamCall::Write, 2, Loss::Closed),
        (StreamCall::Write, 2, Loss::Failed),
        (StreamCall::CheckWrite, 2, Loss::Closed),
        (StreamCall::CheckWrite, 2, Loss::Failed),
    ];
    for (call, nth, loss) in lost {
        let script = Script::new()
            .permits(&[10])
            .loses(call, nth, loss)
            .says(10, &frame(&ack("AA", "1")));
        let exchange = Exchange::of(script).await;
        let failure = exchange.failure();
        assert!(
            matches!(failure.cause, Cause::ProtocolDesync(Desync::EarlyReply)),
            "{call:?} {loss:?}: {failure:?}"
        );
        assert_eq!(
            (failure.phase, failure.delivery),
            (Phase::Write, Delivery::CutShort)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_stops_talking_after_the_loss_is_not_listened_to_for_ever() {
    let script = Script::new()
        .reads(&[0, 1])
        .says(0, &vec![b' '; 1_000])
        .loses(StreamCall::Write, 1, Loss::Failed);
    let mut sandbox = Sandbox::scripted(script).await;
    let connected = sandbox.connect_to("192.0.2.1", 2575, Settings::default());
    let client = connected.await.unwrap();
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(
        matches!(failure.cause, Cause::ConnectionBroken),
        "{failure:?}"
    );
    assert!(sandbox.host().calls_of("read") < 100);
}
