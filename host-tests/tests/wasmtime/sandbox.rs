//! The component reaches what its host allows and nothing else, and cannot even ask
//! for more.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use host_tests::event::idle;
use host_tests::messages::message;
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{Cause, Delivery, Grant, Verdict};
use host_tests::sandbox::{self, Grants, Host, Sandbox, Settings};
use wasmtime::Store;
use wasmtime::component::Linker;
use wasmtime::component::types::ComponentItem;

/// All that the component can call: nothing that binds, listens or accepts; no
/// datagrams; no file, environment, argument or standard stream.
const FUNCTIONS: [&str; 25] = [
    "wasi:clocks/monotonic-clock@0.2.12 now",
    "wasi:clocks/monotonic-clock@0.2.12 subscribe-instant",
    "wasi:clocks/wall-clock@0.2.12 now",
    "wasi:io/poll@0.2.12 poll",
    "wasi:io/streams@0.2.12 [method]input-stream.read",
    "wasi:io/streams@0.2.12 [method]input-stream.subscribe",
    "wasi:io/streams@0.2.12 [method]output-stream.check-write",
    "wasi:io/streams@0.2.12 [method]output-stream.subscribe",
    "wasi:io/streams@0.2.12 [method]output-stream.write",
    "wasi:random/random@0.2.12 get-random-bytes",
    "wasi:random/random@0.2.12 get-random-u64",
    "wasi:sockets/instance-network@0.2.12 instance-network",
    "wasi:sockets/ip-name-lookup@0.2.12 [method]resolve-address-stream.resolve-next-address",
    "wasi:sockets/ip-name-lookup@0.2.12 [method]resolve-address-stream.subscribe",
    "wasi:sockets/ip-name-lookup@0.2.12 resolve-addresses",
    "wasi:sockets/tcp-create-socket@0.2.12 create-tcp-socket",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.finish-connect",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.local-address",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.set-keep-alive-count",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.set-keep-alive-enabled",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.set-keep-alive-idle-time",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.set-keep-alive-interval",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.shutdown",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.start-connect",
    "wasi:sockets/tcp@0.2.12 [method]tcp-socket.subscribe",
];

/// Somebody whom the host does not allow to be reached.
struct Forbidden(TcpListener);

impl Forbidden {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    fn assert_never_reached(&self) {
        let reached = self.0.accept().map(|(_, from)| from);
        assert_eq!(reached.unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

/// What the component imports: interfaces, and what it imports of each.
fn imports() -> Vec<(String, Vec<(String, ComponentItem)>)> {
    let engine = sandbox::engine();
    let component = sandbox::library().component_type();
    let interfaces = component.imports(engine).map(|(name, item)| {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            panic!("{name} is no interface");
        };
        let items = instance.exports(engine);
        let items = items.map(|(name, item)| (name.to_owned(), item.ty));
        (name.to_owned(), items.collect())
    });
    interfaces.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_reached_but_those_whom_the_host_allows() {
    let forbidden = Forbidden::new();
    let port = forbidden.address().port();
    let other_hosts = ["127.0.0.1", "0.0.0.0", "::ffff:127.0.0.1", "hl7.example"];
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let grants = Grants::none()
        .address(receiver.address)
        .name("hl7.example", &[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
    let mut sandbox = Sandbox::new(grants).await;
    for host in other_hosts {
        let connected = sandbox.connect_to(host, port, Settings::default()).await;
        let failure = connected.unwrap_err();
        assert_eq!(failure.delivery, Delivery::NotSent, "{host}");
    }
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let _ = receiver.finish();
    forbidden.assert_never_reached();
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_second_receiver_nor_reconnecting_leads_elsewhere() {
    let forbidden = Forbidden::new();
    let receiver = Receiver::new().accept().close().start();
    let grants = Grants::none().address(receiver.address);
    let mut sandbox = Sandbox::new(grants).await;
    let elsewhere = forbidden.address();
    let settings = Settings {
        second_receiver: Some((elsewhere.ip().to_string(), elsewhere.port())),
        reconnect: Some(true),
        reconnect_attempts: Some(3),
        reconnect_minimum_delay: Some(1),
        reconnect_maximum_delay: Some(1),
        ..Settings::default()
    };
    let connected = sandbox.connect_with(receiver.address, settings).await;
    let client = connected.unwrap();
    // Nobody is left to fall back on but the one who is not allowed.
    let _ = receiver.finish();
    idle().await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    let denied = failure
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.cause, Cause::AccessDenied(Grant::Address)));
    assert!(denied.count() > 0, "{failure:?}");
    forbidden.assert_never_reached();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_promised_interfaces_are_enough_and_each_of_them_is_needed() {
    if components::with_ring() {
        // The one promise that its README entry takes back.
        return;
    }
    for (name, _) in imports() {
        let mut linker = Linker::new(sandbox::engine());
        sandbox::link_only(&mut linker, |linked| {
            !name.starts_with(&format!("{linked}@"))
        })
        .unwrap();
        let store = Store::new(sandbox::engine(), Host::new(Grants::none()));
        let instantiated = Sandbox::instantiate(store, sandbox::library(), &linker).await;
        let missing = format!("{:?}", instantiated.err().unwrap());
        assert!(missing.contains(&name), "{missing}");
    }
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let _ = receiver.finish();
}

#[test]
fn it_imports_functions_of_the_network_time_and_chance_and_no_other() {
    if components::with_ring() {
        return;
    }
    let mut functions = Vec::new();
    for (interface, items) in imports() {
        for (name, item) in items {
            match item {
                ComponentItem::ComponentFunc(_) => functions.push(format!("{interface} {name}")),
                ComponentItem::Resource(_) | ComponentItem::Type(_) => {}
                other => panic!("{interface} {name} is {other:?}"),
            }
        }
    }
    functions.sort();
    assert_eq!(functions, FUNCTIONS);
}
