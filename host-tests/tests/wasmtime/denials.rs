//! What the host withholds becomes `access-denied`, with the grant to give.

use std::net::{IpAddr, Ipv4Addr};

use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{Cause, Delivery, Failure, Grant, Phase};
use host_tests::sandbox::{Grants, Sandbox, Settings};

fn assert_denied(failure: &Failure, grant: Grant, phase: Phase, flag: &str) {
    assert!(
        matches!(failure.cause, Cause::AccessDenied(denied) if denied == grant),
        "{failure:?}"
    );
    assert_eq!(
        (failure.phase, failure.delivery),
        (phase, Delivery::NotSent)
    );
    assert!(
        failure.explanation.contains(flag),
        "{}",
        failure.explanation
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_tcp() {
    let mut sandbox = Sandbox::new(Grants::none()).await;
    let outcome = sandbox
        .connect_to("127.0.0.1", 2575, Settings::default())
        .await;
    let failure = outcome.unwrap_err();
    assert_denied(&failure, Grant::Tcp, Phase::Connect, "-S inherit-network");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_allows_another_address() {
    let receiver = Receiver::new().start();
    let allowed = "127.0.0.1:1".parse().unwrap();
    let mut sandbox = Sandbox::new(Grants::none().address(allowed)).await;
    let outcome = sandbox
        .connect_with(receiver.address, Settings::default())
        .await;
    let failure = outcome.unwrap_err();
    assert_denied(
        &failure,
        Grant::Address,
        Phase::Connect,
        "socket_addr_check",
    );
    assert_eq!(failure.attempts.len(), 1);
    assert_eq!(failure.attempts[0].address, receiver.address.to_string());
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_lookups() {
    let mut sandbox = Sandbox::new(Grants::none().tcp()).await;
    let outcome = sandbox
        .connect_to("hl7.example", 2575, Settings::default())
        .await;
    let failure = outcome.unwrap_err();
    assert_denied(
        &failure,
        Grant::NameLookup,
        Phase::Resolve,
        "-S allow-ip-name-lookup",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_whose_addresses_are_not_allowed() {
    let grants = Grants::none()
        .tcp()
        .name("hl7.example", &[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    let mut sandbox = Sandbox::new(grants).await;
    let outcome = sandbox
        .connect_to("hl7.example", 2575, Settings::default())
        .await;
    let failure = outcome.unwrap_err();
    assert_denied(
        &failure,
        Grant::Address,
        Phase::Connect,
        "socket_addr_check",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_denies_as_soon_as_connecting_starts() {
    let mut sandbox = Sandbox::new(Grants::none().denied_early()).await;
    let outcome = sandbox
        .connect_to("127.0.0.1", 2575, Settings::default())
        .await;
    let failure = outcome.unwrap_err();
    assert_denied(
        &failure,
        Grant::Address,
        Phase::Connect,
        "socket_addr_check",
    );
}
