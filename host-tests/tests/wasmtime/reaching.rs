//! Finding a way to the receiver: literals, names, and what stands in the way.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use host_tests::command::Call;
use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{Cause, Delivery, InvalidOption, Phase, Verdict};
use host_tests::sandbox::{Grants, Sandbox, Settings};
use socket2::{Domain, Socket, Type};

const LIVE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const REFUSING: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const SILENT: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
/// Loopback's broadcast address: no connection leads there, and no packet
/// leaves the machine on the attempt.
const UNREACHABLE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255));

/// An address that neither accepts nor refuses: its listener's queue is full.
struct SilentListener {
    address: SocketAddr,
    _listener: Socket,
    _queued: Vec<Socket>,
}

impl SilentListener {
    /// At port zero it takes any free one.
    fn bind(port: u16) -> Self {
        let address = SocketAddr::new(SILENT, port);
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&address.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let queued = (0..4).map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            // In progress or done: either way it takes a place in the queue.
            let _ = socket.connect(&address.into());
            socket
        });
        Self {
            address,
            _queued: queued.collect(),
            _listener: listener,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn literals_of_both_families_need_no_lookup() {
    for (address, host) in [
        (LIVE, "127.0.0.1"),
        (IpAddr::V6(Ipv6Addr::LOCALHOST), "::1"),
        (IpAddr::V6(Ipv6Addr::LOCALHOST), "[::1]"),
    ] {
        let receiver = Receiver::at(address).accept().serve(1, "AA").start();
        let mut sandbox = Sandbox::for_receiver(&receiver).await;
        let port = receiver.address.port();
        let connected = sandbox.connect_to(host, port, Settings::default()).await;
        let client = connected.unwrap();
        let reply = sandbox.send(client, &message("1")).await.unwrap();
        assert_eq!(reply.verdict, Verdict::Applied);
        let (peer, local) = sandbox.addresses(client).await;
        assert_eq!(peer, receiver.address.to_string());
        let local: SocketAddr = local.unwrap().parse().unwrap();
        assert_eq!(local.ip(), address);
        let _ = receiver.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_told() {
    let address = SocketAddr::new(REFUSING, 2575);
    let mut sandbox = Sandbox::new(Grants::none().address(address)).await;
    let outcome = sandbox.connect_with(address, Settings::default()).await;
    let failure = outcome.unwrap_err();
    assert!(matches!(failure.cause, Cause::ConnectionRefused));
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Connect, Delivery::NotSent)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_address_is_told() {
    let address = SocketAddr::new(UNREACHABLE, 2575);
    let mut sandbox = Sandbox::new(Grants::none().address(address)).await;
    let outcome = sandbox.connect_with(address, Settings::default()).await;
    let failure = outcome.unwrap_err();
    assert!(matches!(failure.cause, Cause::Unreachable), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_address_ends_at_the_connect_timeout() {
    let silent = SilentListener::bind(0);
    let address = silent.address;
    let mut sandbox = Sandbox::new(Grants::none().address(address)).await;
    let settings = Settings {
        connect_timeout: Some(300),
        ..Settings::default()
    };
    let failure = sandbox.connect_with(address, settings).await.unwrap_err();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert_eq!(failure.delivery, Delivery::NotSent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_one_address_refused_one_silent_and_one_live_is_reached() {
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let port = receiver.address.port();
    let _silent = SilentListener::bind(port);
    let addresses = [REFUSING, SILENT, LIVE];
    let mut grants = Grants::none().name("hl7.example", &addresses);
    for address in addresses {
        grants = grants.address(SocketAddr::new(address, port));
    }
    let mut sandbox = Sandbox::new(grants).await;
    let settings = Settings {
        connect_timeout: Some(2000),
        ..Settings::default()
    };
    let connected = sandbox.connect_to("hl7.example", port, settings).await;
    let client = connected.unwrap();
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_none_of_whose_addresses_answers_lists_what_failed() {
    let addresses = [REFUSING, UNREACHABLE];
    let mut grants = Grants::none().name("hl7.example", &addresses);
    for address in addresses {
        grants = grants.address(SocketAddr::new(address, 2575));
    }
    let mut sandbox = Sandbox::new(grants).await;
    let outcome = sandbox
        .connect_to("hl7.example", 2575, Settings::default())
        .await;
    let failure = outcome.unwrap_err();
    let attempts: Vec<_> = failure
        .attempts
        .iter()
        .map(|attempt| (attempt.address.as_str(), &attempt.cause))
        .collect();
    assert!(
        matches!(
            attempts[..],
            [
                ("127.0.0.2:2575", Cause::ConnectionRefused),
                ("127.255.255.255:2575", Cause::Unreachable)
            ]
        ),
        "{attempts:?}"
    );
    assert!(failure.explanation.contains("127.0.0.2:2575"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_addresses_is_told() {
    let grants = Grants::none().tcp().name("empty.example", &[]);
    let mut sandbox = Sandbox::new(grants).await;
    for name in ["empty.example", "unknown.example"] {
        let outcome = sandbox.connect_to(name, 2575, Settings::default()).await;
        let failure = outcome.unwrap_err();
        assert!(matches!(failure.cause, Cause::NameUnresolvable));
        assert_eq!(failure.phase, Phase::Resolve);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_is_never_answered_ends_at_the_connect_timeout() {
    let mut sandbox = Sandbox::new(Grants::none().silent_lookups()).await;
    let settings = Settings {
        connect_timeout: Some(200),
        ..Settings::default()
    };
    let outcome = sandbox.connect_to("hl7.example", 2575, settings).await;
    let failure = outcome.unwrap_err();
    assert!(matches!(failure.cause, Cause::TimedOut));
    assert_eq!(failure.phase, Phase::Resolve);
}

#[tokio::test(flavor = "multi_thread")]
async fn wasmtimes_own_lookup_finds_localhost() {
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let name = format!("localhost:{}", receiver.address.port());
    let call = Call::new(&[name]).input(&message("1"));
    let outcome = call.allow(receiver.address).allow_lookups().run().await;
    assert!(outcome.success, "{outcome:?}");
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_or_port_that_cannot_be_is_invalid() {
    let mut sandbox = Sandbox::new(Grants::none().tcp()).await;
    for (host, port, option) in [
        ("", 2575, InvalidOption::Host),
        ("fe80::1%2", 2575, InvalidOption::Host),
        ("127.0.0.1", 0, InvalidOption::Port),
    ] {
        let outcome = sandbox.connect_to(host, port, Settings::default()).await;
        let failure = outcome.unwrap_err();
        assert!(matches!(failure.cause, Cause::InvalidOption(named) if named == option));
        assert_eq!(failure.phase, Phase::Prepare);
    }
}
