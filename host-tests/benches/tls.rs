//! What handshakes cost in the guest: the component in wasmtime, the same code compiled
//! natively, and a native rustls with *ring*, against the same receiver. What round
//! trips cost, `cargo bench-peers` tells.
//!
//! The three take turns within each round, so that a noisy machine is noisy for
//! all of them; what is told is the median of the rounds, and ratios.

// A benchmark states what must be; a failed expectation is how it speaks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use host_tests::certificates::{Authority, Key};
use host_tests::messages::{ack, control_id, frame, message};
use host_tests::sandbox::{Grants, Sandbox, Settings, Tls};
use mllp_client::client::MllpClient;
use mllp_client::clock;
use mllp_client::error::Cause;
use mllp_client::options::{ConnectOptions, KeepAlive};
use mllp_client::proto::exchange::Verdict;
use mllp_client::tls::options::{Identity, TlsOptions};
use mllp_client::transport::{Connection, Read as Found, Transport, Write as Taken};
use rustls::client::Resumption;
use rustls::crypto::{aws_lc_rs, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

const ROUNDS: usize = 15;

/// How many times in a round: connect, send one message, close.
const CONNECTIONS: usize = 20;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("medians of {ROUNDS} rounds; lower is better, ratios are of wasm to the other\n");
    println!(
        "| {:<44} | {:>9} | {:>9} | {:>9} | {:>9} | {:>7} |",
        "", "wasm", "native", "ring", "to native", "to ring"
    );
    println!(
        "|{:-<46}|{:->11}|{:->11}|{:->11}|{:->11}|{:->9}|",
        "", ":", ":", ":", ":", ":"
    );
    for scenario in Scenario::ALL {
        runtime.block_on(scenario.measure());
    }
}

/// What is measured.
struct Scenario {
    name: &'static str,
    key: Key,
    hybrid: bool,
    mutual: bool,
    resumable: bool,
}

impl Scenario {
    const HANDSHAKE: Self = Self {
        name: "",
        key: Key::P256,
        hybrid: false,
        mutual: false,
        resumable: false,
    };

    const ALL: [Self; 5] = [
        Self {
            name: "full handshake, ECDSA P-256, X25519",
            ..Self::HANDSHAKE
        },
        Self {
            name: "full handshake, RSA 2048, X25519",
            key: Key::Rsa,
            ..Self::HANDSHAKE
        },
        Self {
            name: "full handshake, ECDSA P-256, X25519MLKEM768",
            hybrid: true,
            ..Self::HANDSHAKE
        },
        Self {
            name: "full handshake, mutual, ECDSA P-256, X25519",
            mutual: true,
            ..Self::HANDSHAKE
        },
        Self {
            name: "resumed handshake, X25519",
            resumable: true,
            ..Self::HANDSHAKE
        },
    ];

    async fn measure(self) {
        let authority = Authority::new(self.key);
        let issued = authority.receiver(&["127.0.0.1"]);
        let server = if self.mutual {
            issued.mutual_server(&authority)
        } else {
            issued.server()
        };
        let address = receiver(server, self.resumable);
        let identity = self.mutual.then(|| authority.sender().identity());
        let mut wasm = Wasm::new(address, self.hybrid, &authority, identity.as_ref()).await;
        let native = Native::new(address, self.hybrid, &authority, identity.as_ref());
        let ring = Ring::new(address, &authority, identity.as_ref());
        let mut times: [Vec<Duration>; 3] = Default::default();
        // One round more than counted: the first warms up, and brings tickets.
        for round in 0..=ROUNDS {
            let taken = [wasm.work().await, native.work(), ring.work()];
            if round > 0 {
                for (all, one) in times.iter_mut().zip(taken) {
                    all.push(one);
                }
            }
        }
        self.report(times.map(median));
    }

    fn report(&self, [wasm, native, ring]: [Duration; 3]) {
        let each = |time: Duration| time.as_secs_f64() * 1e3 / CONNECTIONS as f64;
        let (wasm, native, ring) = (each(wasm), each(native), each(ring));
        println!(
            "| {:<44} | {wasm:>6.3} ms | {native:>6.3} ms | {ring:>6.3} ms | {:>9.2} | {:>7.2} |",
            self.name,
            wasm / native,
            wasm / ring,
        );
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// A receiver that acknowledges whatever comes, until the process ends. Either way
/// it hands out tickets; a receiver that says nothing after the handshake would
/// leave the first message to wait for a delayed TCP acknowledgment.
fn receiver(config: Arc<ServerConfig>, resumable: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let mut config = ServerConfig::clone(&config);
            if !resumable {
                // It cannot read the tickets of any other connection.
                config.ticketer = aws_lc_rs::Ticketer::new().unwrap();
            }
            let config = Arc::new(config);
            std::thread::spawn(move || serve(config, socket));
        }
    });
    address
}

fn serve(config: Arc<ServerConfig>, socket: TcpStream) {
    socket.set_nodelay(true).unwrap();
    let connection = ServerConnection::new(config).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    let mut received = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        received.extend_from_slice(&buffer[..read]);
        if received.ends_with(b"\x1C\r") {
            let id = control_id(&received[1..]);
            let reply = frame(&ack("AA", &String::from_utf8_lossy(&id)));
            if stream.write_all(&reply).is_err() {
                return;
            }
            received.clear();
        }
    }
}

/// The component in wasmtime.
struct Wasm {
    sandbox: Sandbox,
    address: SocketAddr,
    settings: Settings,
}

impl Wasm {
    async fn new(
        address: SocketAddr,
        hybrid: bool,
        authority: &Authority,
        identity: Option<&(Vec<u8>, Vec<u8>)>,
    ) -> Self {
        Self {
            sandbox: Sandbox::new(Grants::none().address(address)).await,
            address,
            settings: Settings::tls(Tls {
                identity: identity.cloned(),
                hybrid,
                ..Tls::trusting(authority)
            }),
        }
    }

    async fn work(&mut self) -> Duration {
        let message = message("1");
        let begun = Instant::now();
        for _ in 0..CONNECTIONS {
            let settings = self.settings.clone();
            let connected = self.sandbox.connect_with(self.address, settings);
            let client = connected.await.unwrap();
            self.sandbox.send(client, &message).await.unwrap();
            self.sandbox.close(client).await.unwrap();
            self.sandbox.drop(client).await;
        }
        begun.elapsed()
    }
}

/// The component's code, compiled for this machine.
struct Native {
    options: ConnectOptions,
}

impl Native {
    fn new(
        address: SocketAddr,
        hybrid: bool,
        authority: &Authority,
        identity: Option<&(Vec<u8>, Vec<u8>)>,
    ) -> Self {
        let tls = TlsOptions {
            authorities: vec![authority.pem().into()],
            own_authorities_only: true,
            identity: identity.map(|(chain, key)| Identity {
                chain: chain.clone().into(),
                key: key.clone().into(),
            }),
            hybrid,
            ..TlsOptions::new()
        };
        Self {
            options: ConnectOptions {
                tls: Some(tls),
                ..ConnectOptions::new(address.ip().to_string(), address.port())
            },
        }
    }

    fn work(&self) -> Duration {
        let message = message("1");
        let begun = Instant::now();
        for _ in 0..CONNECTIONS {
            let connected = MllpClient::connect(Network::default(), self.options.clone());
            let mut client = connected.unwrap();
            let reply = client.send(message.clone()).unwrap();
            assert_eq!(reply.verdict, Verdict::Applied);
            client.close();
        }
        begun.elapsed()
    }
}

/// The machine's own network, as far as a benchmark needs it.
struct Network(Instant);

impl Default for Network {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Transport for Network {
    type Connection = Line;

    fn now(&self) -> clock::Instant {
        clock::Instant::default().after(self.0.elapsed())
    }

    fn time_of_day(&self) -> Duration {
        SystemTime::UNIX_EPOCH.elapsed().unwrap()
    }

    fn random(&self) -> u64 {
        unreachable!("nothing is tried twice")
    }

    fn sleep(&self, _: clock::Instant) {
        unreachable!("nothing is tried twice")
    }

    fn resolve(&mut self, _: &str, _: clock::Instant) -> Result<Vec<IpAddr>, Cause> {
        Err(Cause::NameUnresolvable)
    }

    fn connect(&mut self, address: SocketAddr, _: clock::Instant) -> Result<Line, Cause> {
        let socket = TcpStream::connect(address).map_err(|_| Cause::ConnectionRefused)?;
        socket.set_nonblocking(true).unwrap();
        Ok(Line {
            socket,
            clock: self.0,
        })
    }
}

struct Line {
    socket: TcpStream,
    clock: Instant,
}

impl Connection for Line {
    fn read(&mut self, bytes: usize) -> Found {
        let mut buffer = vec![0; bytes];
        match self.socket.read(&mut buffer) {
            Ok(0) => Found::Ended,
            Ok(read) => {
                buffer.truncate(read);
                Found::Bytes(buffer)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Found::Nothing,
            Err(_) => Found::Broken,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Taken {
        match self.socket.write(bytes) {
            Ok(taken) => Taken::Taken(taken),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Taken::Taken(0),
            Err(_) => Taken::Broken(0),
        }
    }

    fn wait(&mut self, writable: bool, deadline: clock::Instant) {
        if writable {
            return std::thread::yield_now();
        }
        let now = clock::Instant::default().after(self.clock.elapsed());
        let patience = now.until(deadline).max(Duration::from_micros(1));
        self.socket.set_read_timeout(Some(patience)).unwrap();
        self.socket.set_nonblocking(false).unwrap();
        let _ = self.socket.peek(&mut [0; 1]);
        self.socket.set_nonblocking(true).unwrap();
    }

    fn keep_alive(&mut self, _: KeepAlive) -> bool {
        false
    }

    fn local_address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }
}

/// rustls with *ring*, which has no hybrid group, and the least of MLLP.
struct Ring {
    config: Arc<ClientConfig>,
    address: SocketAddr,
}

impl Ring {
    fn new(
        address: SocketAddr,
        authority: &Authority,
        identity: Option<&(Vec<u8>, Vec<u8>)>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().into()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = CertificateDer::pem_slice_iter(chain).map(Result::unwrap);
                let key = PrivateKeyDer::from_pem_slice(key).unwrap();
                config.with_client_auth_cert(chain.collect(), key).unwrap()
            }
        };
        config.resumption = Resumption::in_memory_sessions(8);
        Self {
            config: Arc::new(config),
            address,
        }
    }

    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let name = self.address.ip().into();
        let connection = ClientConnection::new(self.config.clone(), name).unwrap();
        StreamOwned::new(connection, TcpStream::connect(self.address).unwrap())
    }

    fn work(&self) -> Duration {
        let frame = frame(&message("1"));
        let begun = Instant::now();
        for _ in 0..CONNECTIONS {
            let mut stream = self.connect();
            exchange(&mut stream, &frame);
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
        begun.elapsed()
    }
}

fn exchange(stream: &mut StreamOwned<ClientConnection, TcpStream>, frame: &[u8]) {
    stream.write_all(frame).unwrap();
    stream.flush().unwrap();
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while !received.ends_with(b"\x1C\r") {
        let read = stream.read(&mut buffer).unwrap();
        received.extend_from_slice(&buffer[..read]);
    }
}
