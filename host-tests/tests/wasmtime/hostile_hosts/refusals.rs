//! Whatever error a host answers with, wherever it can: the call returns, and says
//! what became of the message.

use host_tests::sandbox::types::{Cause, Delivery, Grant, Phase, TlsProblem, Verdict, Warning};
use host_tests::sandbox::{Settings, Tls};
use host_tests::scripted_host::{ERROR_CODES, ErrorCode, Place, Script};

use super::{Exchange, TIMEOUT};
use crate::common::words;

/// What a caller is told of each error while connecting.
fn cause_of(code: ErrorCode, grant: Grant) -> String {
    match code {
        ErrorCode::AccessDenied => words(&Cause::AccessDenied(grant)),
        ErrorCode::ConnectionRefused => words(&Cause::ConnectionRefused),
        ErrorCode::RemoteUnreachable => words(&Cause::Unreachable),
        ErrorCode::ConnectionReset | ErrorCode::ConnectionAborted => {
            words(&Cause::ConnectionBroken)
        }
        ErrorCode::Timeout => words(&Cause::TimedOut),
        ErrorCode::OutOfMemory => words(&Cause::OutOfMemory),
        other => words(&Cause::Other(other.name().to_owned())),
    }
}

async fn assert_refused(place: Place, code: ErrorCode, cause: &str) {
    let exchange = Exchange::of(Script::new().refuses(place, code)).await;
    let failure = exchange.failure();
    assert_eq!(words(&failure.cause), cause, "{place:?} {code:?}");
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Connect, Delivery::NotSent)
    );
    assert_eq!(failure.attempts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_making_a_socket_is_told() {
    for code in ERROR_CODES {
        assert_refused(Place::Create, code, &cause_of(code, Grant::Tcp)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_beginning_to_connect_is_told() {
    for code in ERROR_CODES {
        assert_refused(Place::StartConnect, code, &cause_of(code, Grant::Address)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_connecting_is_told_and_what_would_block_for_ever_is_given_up() {
    for code in ERROR_CODES {
        let cause = match code {
            ErrorCode::WouldBlock => words(&Cause::TimedOut),
            code => cause_of(code, Grant::Address),
        };
        assert_refused(Place::FinishConnect, code, &cause).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_given_up_took_its_time_and_no_more() {
    let script = Script::new().refuses(Place::FinishConnect, ErrorCode::WouldBlock);
    let exchange = Exchange::of(script).await;
    assert_eq!(exchange.took, TIMEOUT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_refuses_what_is_beside_the_point_does_no_harm() {
    for code in ERROR_CODES {
        for place in [Place::LocalAddress, Place::Shutdown] {
            let exchange = Exchange::of(Script::new().refuses(place, code)).await;
            assert_eq!(exchange.reply().verdict, Verdict::Applied);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_cannot_keep_a_connection_alive_is_told_of_in_the_reply() {
    let settings = Settings {
        keep_alive: Some(true),
        keep_alive_idle: Some(1_000),
        keep_alive_interval: Some(1_000),
        keep_alive_count: Some(3),
        ..Settings::default()
    };
    let places = [
        Place::KeepAlive,
        Place::KeepAliveIdle,
        Place::KeepAliveInterval,
        Place::KeepAliveCount,
    ];
    for code in ERROR_CODES {
        for place in places {
            let script = Script::new().refuses(place, code);
            let exchange = Exchange::with(script, "192.0.2.1", settings.clone()).await;
            let warnings = &exchange.reply().warnings;
            assert_eq!(*warnings, [Warning::KeepAliveUnavailable], "{place:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn randomness_of_the_wrong_length_makes_no_secrets() {
    for surplus in [i64::MIN, -1, 1] {
        let script = Script::new().random_surplus(surplus);
        let settings = Settings::tls(Tls::default());
        let exchange = Exchange::with(script, "192.0.2.1", settings).await;
        assert!(
            matches!(exchange.cause(), Cause::Tls(tls) if matches!(tls.problem, TlsProblem::Host(_))),
            "{:?}",
            exchange.outcome
        );
        assert!(exchange.taken.is_empty());
    }
}
