//! A host that never wakes the component, wakes it for nothing or says nonsense about
//! what is ready: the call ends by its deadline all the same.

use std::net::IpAddr;

use host_tests::sandbox::Settings;
use host_tests::sandbox::types::{Cause, Delivery, Phase, Verdict};
use host_tests::scripted_host::{Listing, Script, Wait};

use super::{Exchange, TIMEOUT};

const LISTINGS: [Listing; 4] = [
    Listing::Truthful,
    Listing::Empty,
    Listing::OutOfRange,
    Listing::Everything,
];

#[tokio::test(flavor = "multi_thread")]
async fn what_poll_returns_is_not_relied_upon() {
    for listing in LISTINGS {
        let exchange = Exchange::of(Script::new().lists(listing)).await;
        assert_eq!(exchange.reply().verdict, Verdict::Applied, "{listing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_about_readiness_does_not_change_the_deadline() {
    for listing in LISTINGS {
        let script = Script::new().lists(listing).answers_nothing();
        let exchange = Exchange::of(script).await;
        assert!(matches!(exchange.cause(), Cause::TimedOut), "{listing:?}");
        assert_eq!(exchange.took, TIMEOUT, "{listing:?}");
        assert_eq!(exchange.delivery(), Delivery::InDoubt);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waking_for_nothing_a_few_times_does_no_harm() {
    for listing in LISTINGS {
        let script = Script::new().wakes_for_nothing(100).lists(listing);
        let exchange = Exchange::of(script).await;
        assert_eq!(exchange.reply().verdict, Verdict::Applied, "{listing:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waking_for_nothing_without_end_ends_at_the_deadline() {
    for listing in LISTINGS {
        let script = Script::new()
            .wakes_for_nothing(u32::MAX)
            .lists(listing)
            .answers_nothing();
        let exchange = Exchange::of(script).await;
        assert!(matches!(exchange.cause(), Cause::TimedOut), "{listing:?}");
        assert!(exchange.took >= TIMEOUT, "{} ms", exchange.took);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_wakes_nobody_is_found_at_the_deadline() {
    let exchange = Exchange::of(Script::new().never_wakes(Wait::Readable)).await;
    assert_eq!(exchange.reply().verdict, Verdict::Applied);
    assert_eq!(exchange.took, TIMEOUT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_that_wakes_nobody_comes_too_late() {
    let script = Script::new()
        .permits(&[0, 65_536])
        .never_wakes(Wait::Writable);
    let exchange = Exchange::of(script).await;
    let failure = exchange.failure();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert_eq!(
        (failure.phase, failure.delivery, exchange.took),
        (Phase::Write, Delivery::NotSent, TIMEOUT)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_connections_that_wake_nobody_need_no_waking() {
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    for wait in [Wait::Lookup, Wait::Connecting] {
        let script = Script::new().addresses(&[address]).never_wakes(wait);
        let exchange = Exchange::with(script, "hl7.example", Settings::default()).await;
        assert_eq!(exchange.reply().verdict, Verdict::Applied, "{wait:?}");
    }
}
