//! However a host answers a lookup, no more than the deadline is spent on it, and a
//! literal never asks for one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use host_tests::sandbox::types::{Cause, Delivery, Grant, Phase, Verdict};
use host_tests::sandbox::{Sandbox, Settings};
use host_tests::scripted_host::{ERROR_CODES, ErrorCode, Place, Script};

use super::{Exchange, TIMEOUT};
use crate::common::words;

const NAME: &str = "hl7.example";

/// How many addresses of a name are tried.
const TRIED_MAX: usize = 64;

async fn look_up(script: Script) -> Exchange {
    Exchange::with(script, NAME, Settings::default()).await
}

fn address(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, n))
}

/// What a caller is told of each error of a lookup.
fn cause_of(code: ErrorCode) -> String {
    match code {
        ErrorCode::AccessDenied | ErrorCode::PermanentResolverFailure => {
            words(&Cause::AccessDenied(Grant::NameLookup))
        }
        ErrorCode::NameUnresolvable | ErrorCode::InvalidArgument => words(&Cause::NameUnresolvable),
        ErrorCode::TemporaryResolverFailure => words(&Cause::NameLookupFailed),
        ErrorCode::Timeout => words(&Cause::TimedOut),
        other => words(&Cause::Other(other.name().to_owned())),
    }
}

fn assert_unresolved(exchange: &Exchange, cause: &str) {
    let failure = exchange.failure();
    assert_eq!(words(&failure.cause), cause);
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Resolve, Delivery::NotSent)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_beginning_a_lookup_is_told() {
    for code in ERROR_CODES {
        let exchange = look_up(Script::new().refuses(Place::Resolve, code)).await;
        assert_unresolved(&exchange, &cause_of(code));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_of_a_lookup_is_told_and_one_without_an_answer_is_given_up() {
    for code in ERROR_CODES {
        let exchange = look_up(Script::new().refuses(Place::NextAddress, code)).await;
        match code {
            ErrorCode::WouldBlock => {
                assert_unresolved(&exchange, "timed-out");
                assert_eq!(exchange.took, TIMEOUT);
            }
            code => assert_unresolved(&exchange, &cause_of(code)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_an_address_leaves_the_address_to_be_tried() {
    for code in ERROR_CODES {
        if code == ErrorCode::WouldBlock {
            continue;
        }
        let script = Script::new()
            .addresses(&[address(1)])
            .refuses(Place::NextAddress, code);
        let exchange = look_up(script).await;
        assert_eq!(exchange.reply().verdict, Verdict::Applied, "{code:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_addresses_is_unresolvable() {
    let exchange = look_up(Script::new()).await;
    assert_unresolved(&exchange, "name-unresolvable");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_addresses_sixty_four_are_tried_each_with_its_share_of_the_time() {
    let addresses: Vec<_> = (1..=100).map(address).collect();
    let script = addresses
        .iter()
        .fold(Script::new().addresses(&addresses), |script, address| {
            script.silent(*address)
        });
    let exchange = look_up(script).await;
    assert!(matches!(exchange.cause(), Cause::TimedOut));
    assert_eq!(exchange.failure().attempts.len(), TRIED_MAX);
    assert_eq!(exchange.sandbox.host().dialled().len(), TRIED_MAX);
    assert!(exchange.took >= TIMEOUT - 1, "{} ms", exchange.took);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_many_addresses_is_reached() {
    let addresses: Vec<_> = (1..=64).map(address).collect();
    let script = addresses[..63]
        .iter()
        .fold(Script::new().addresses(&addresses), |script, address| {
            script.silent(*address)
        });
    let exchange = look_up(script).await;
    assert_eq!(exchange.reply().verdict, Verdict::Applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_without_end_is_cut_off() {
    let script = Script::new()
        .addresses(&[address(1), address(2)])
        .endless_lookup()
        .silent(address(1))
        .silent(address(2));
    let exchange = look_up(script).await;
    assert!(matches!(exchange.cause(), Cause::TimedOut));
    assert_eq!(exchange.failure().attempts.len(), TRIED_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_both_families_are_tried_in_the_hosts_order() {
    let old = address(1);
    let new = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let unspecified = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 9).to_ipv6_mapped());
    let script = [new, old, mapped]
        .iter()
        .fold(Script::new(), |script, address| script.silent(*address))
        .addresses(&[new, old, mapped, unspecified]);
    let exchange = look_up(script).await;
    assert_eq!(exchange.reply().verdict, Verdict::Applied);
    let dialled = exchange.sandbox.host().dialled();
    let dialled: Vec<_> = dialled.iter().map(|address| address.ip()).collect();
    assert_eq!(dialled, [new, old, mapped, unspecified]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_literal_is_never_looked_up_and_a_name_is_asked_for_as_it_is() {
    for literal in [
        "192.0.2.1",
        "2001:db8::1",
        "[2001:db8::1]",
        "::1",
        "0.0.0.0",
    ] {
        let mut sandbox = Sandbox::scripted(Script::new()).await;
        let connected = sandbox.connect_to(literal, 2575, Settings::default()).await;
        assert!(connected.is_ok(), "{literal}");
        assert!(sandbox.host().looked_up().is_empty(), "{literal}");
    }
    let exchange = look_up(Script::new()).await;
    assert_eq!(exchange.sandbox.host().looked_up(), [NAME]);
}
