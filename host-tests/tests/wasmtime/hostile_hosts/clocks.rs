//! Whatever a host's clocks show, every call ends.

use host_tests::messages::{ack, frame, message};
use host_tests::sandbox::types::{Cause, Verdict, Warning};
use host_tests::sandbox::{Sandbox, Settings};
use host_tests::scripted_host::{Listing, Script};

use super::{Exchange, GRACE, TIMEOUT};
use crate::common::{ack_asking, asking};

const HOUR: i64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_forward_may_end_the_call_early() {
    for nth in 1..=12 {
        let exchange = Exchange::of(Script::new().clock_jumps(nth, HOUR)).await;
        match &exchange.outcome {
            Ok(reply) => assert_eq!(reply.verdict, Verdict::Applied),
            Err(failure) => assert!(matches!(failure.cause, Cause::TimedOut)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_does_not_make_the_call_longer() {
    for nth in 1..=12 {
        let script = Script::new().clock_jumps(nth, -HOUR).answers_nothing();
        let exchange = Exchange::of(script).await;
        assert!(matches!(exchange.cause(), Cause::TimedOut), "{nth}");
    }
}

/// It hides how long the wait lasted.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_during_a_wait_makes_the_call_longer_by_as_much_at_most() {
    const BACK: u64 = 20_000;
    for nth in 1..=12 {
        let back = i64::try_from(BACK).unwrap();
        let script = Script::new().clock_jumps(nth, -back).answers_nothing();
        let mut sandbox = Sandbox::scripted(script).await;
        let connected = sandbox.connect_to("192.0.2.1", 2575, Settings::default());
        let client = connected.await.unwrap();
        let begun = sandbox.host().milliseconds();
        let failure = sandbox.send(client, &message("1")).await.unwrap_err();
        assert!(matches!(failure.cause, Cause::TimedOut), "{nth}");
        let took = sandbox.host().milliseconds() - begun;
        assert!(took <= TIMEOUT + BACK + GRACE, "{nth}: {took} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_stands_still_does_not_keep_a_call_for_ever() {
    let script = Script::new().clock_stands_still().answers_nothing();
    let exchange = Exchange::of(script).await;
    assert!(matches!(exchange.cause(), Cause::TimedOut));
    assert_eq!(exchange.took, TIMEOUT);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_works_on_a_clock_that_stands_still() {
    let exchange = Exchange::of(Script::new().clock_stands_still()).await;
    assert_eq!(exchange.reply().verdict, Verdict::Applied);
}

/// One clock, one reading, and a silence for each message all the same.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_clock_that_stands_still_each_exchange_lasts_its_own_time() {
    const QUIET: u64 = 2_000;
    let script = Script::new().clock_stands_still().answers_nothing();
    let mut sandbox = Sandbox::scripted(script).await;
    let settings = Settings {
        quiet_period: Some(u32::try_from(QUIET).unwrap()),
        ..Settings::default()
    };
    let connected = sandbox.connect_to("192.0.2.1", 2575, settings).await;
    let client = connected.unwrap();
    for id in ["1", "2", "3"] {
        let begun = sandbox.host().milliseconds();
        let reply = sandbox.send(client, &asking(id, "NE", "ER")).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Unacknowledged);
        let took = sandbox.host().milliseconds() - begun;
        assert!((QUIET..=QUIET + GRACE).contains(&took), "{id}: {took} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_clock_that_stands_still_what_is_ready_beside_the_deadline_does_not_bring_it() {
    // The look; the reply's first bytes once it has waited, and no more until it has
    // waited once more.
    let script = Script::new()
        .clock_stands_still()
        .lists(Listing::Everything)
        .reads(&[0, 10, 0, usize::MAX]);
    let exchange = Exchange::of(script).await;
    assert_eq!(exchange.sandbox.host().calls_of("poll"), 2);
    assert_eq!(exchange.reply().verdict, Verdict::Applied);
}

/// More of them than could be read one after another between two steps of any clock.
#[tokio::test(flavor = "multi_thread")]
async fn on_a_clock_that_stands_still_a_receiver_that_never_stops_talking_is_left() {
    let repeated = frame(&ack("CA", "1")).repeat(20_000);
    let begin = frame(&message("1")).len();
    let script = Script::new()
        .clock_stands_still()
        .answers_nothing()
        .reads(&[0, 8])
        .says(begin, &repeated);
    let mut sandbox = Sandbox::scripted(script).await;
    let connected = sandbox.connect_to("192.0.2.1", 2575, Settings::default());
    let client = connected.await.unwrap();
    let message = asking("1", "AL", "AL");
    let reply = sandbox.send(client, &message).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    assert!(sandbox.host().calls_of("read") < 150_000);
}

/// How long such a host lets a wait last is its own; how many waits there are is not.
#[tokio::test(flavor = "multi_thread")]
async fn where_neither_clock_nor_poll_tells_the_time_the_call_ends_all_the_same() {
    let script = Script::new()
        .clock_stands_still()
        .lists(Listing::Empty)
        .wakes_for_nothing(u32::MAX)
        .answers_nothing();
    let mut sandbox = Sandbox::scripted(script).await;
    let connected = sandbox.connect_to("192.0.2.1", 2575, Settings::default());
    let client = connected.await.unwrap();
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert!(sandbox.host().calls_of("poll") < 150_000);
}

/// It is written into the acknowledgment that the sender owes, which HL7 can write up
/// to the year 9999.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_of_day_that_is_none_costs_the_receiver_what_it_is_owed_and_no_more() {
    let last = 253_402_300_799;
    let times = [
        ((0, 0), true),
        ((0, u32::MAX), true),
        ((last, 0), true),
        ((last + 1, 0), false),
        ((u64::MAX, 999_999_999), false),
        ((u64::MAX, u32::MAX), false),
    ];
    let reply = frame(&ack_asking("AA", "1", "AL"));
    let after = frame(&message("1")).len();
    for (time, can_be_written) in times {
        let script = Script::new()
            .times_of_day(&[time])
            .answers_nothing()
            .says(after, &reply);
        let exchange = Exchange::of(script).await;
        let warnings = &exchange.reply().warnings;
        assert_eq!(exchange.taken.len() > after, can_be_written, "{time:?}");
        let unsent = warnings.contains(&Warning::OwedAcknowledgmentUnsent);
        assert_eq!(unsent, !can_be_written, "{time:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_of_day_that_is_set_back_and_forward_does_no_harm() {
    let script = Script::new().times_of_day(&[(2_000_000_000, 0), (0, 0), (u64::MAX, 0)]);
    let exchange = Exchange::of(script).await;
    assert_eq!(exchange.reply().verdict, Verdict::Applied);
}
