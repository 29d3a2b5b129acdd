//! The parts of the client that do no I/O, each beside a peer that does the same, or as
//! much of it as there is one for.

// A benchmark states what must be; a failed expectation is how it speaks.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hl7_mllp_codec::MllpCodec;
use mllp_client::clock::Instant;
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::ack;
use mllp_client::proto::frame::{Decoder, Outgoing};
use mllp_client::proto::framing::Framing;
use mllp_client::proto::leniency::Leniencies;
use mllp_client::proto::payload::Payload;
use mllp_client::proto::terms::Terms;
use mllp_client::tls::config::Tls;
use mllp_client::tls::handshake::Handshake;
use mllp_client::tls::options::TlsOptions;
use mllp_client::tls::pump::Pump;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::{Decoder as _, Encoder as _};

/// A small message, one that fills a record of TLS, and a document.
const SIZES: [usize; 3] = [460, 16_000, 1_000_000];

/// What one read brings of a long reply.
const PIECE: usize = 64 * 1024;

const HOST: &str = "lab.example";
const NOW: Instant = Instant::from_nanoseconds(1);

fn message(size: usize) -> Vec<u8> {
    let mut message = b"MSH|^~\\&|A|B|C|D|2026||ORU^R01|42|P|2.5.1\r".to_vec();
    while message.len() < size {
        message.extend_from_slice(b"OBX|1|NM|718-7^HGB^LN||13.5|g/dL|12-16|N|||F\r");
    }
    message.truncate(size - 1);
    message.push(b'\r');
    message
}

fn reply(size: usize) -> Vec<u8> {
    let mut reply = b"MSH|^~\\&|C|D|A|B|2026||ACK^R01|7|P|2.5.1\rMSA|AA|42\r".to_vec();
    if size > reply.len() {
        reply.extend_from_slice(b"NTE|1||");
        reply.resize(size, b'x');
    }
    reply
}

/// The guard looks for blocks and for a second header: two scans, at least.
fn guard(c: &mut Criterion) {
    let terms = Terms::default();
    let mut group = c.benchmark_group("guard");
    for size in SIZES {
        let message = message(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("ours/{size}"), |b| {
            b.iter_batched(
                || message.clone(),
                |message| Payload::parse(message, u64::MAX, &terms).unwrap(),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("memchr2, once/{size}"), |b| {
            b.iter_batched(
                || message.clone(),
                |message| memchr::memchr2(0x0B, 0x1C, black_box(&message)),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn encode(c: &mut Criterion) {
    let terms = Terms::default();
    let mut group = c.benchmark_group("encode");
    for size in SIZES {
        let message = message(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("ours/{size}"), |b| {
            b.iter_batched(
                || Payload::parse(message.clone(), u64::MAX, &terms).unwrap(),
                |payload| Outgoing::encode(payload, &terms.framing).unwrap(),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("hl7-mllp-codec/{size}"), |b| {
            b.iter_batched(
                || BytesMut::from(&message[..]),
                |message| {
                    let mut frame = BytesMut::new();
                    MllpCodec::new().encode(message, &mut frame).unwrap();
                    frame
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// A reply as reads bring it.
fn scan(c: &mut Criterion) {
    let mut group = c.benchmark_group("scan");
    for size in [110, 16_000, 1_000_000] {
        let frame = Framing::default().around(&reply(size));
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(format!("ours/{size}"), |b| {
            b.iter(|| {
                let leniencies = Leniencies::default();
                let mut decoder = Decoder::new(Framing::default(), leniencies, u64::MAX);
                let mut pieces = frame.chunks(PIECE);
                pieces.find_map(|piece| decoder.decode(piece).unwrap().1)
            });
        });
        group.bench_function(format!("hl7-mllp-codec/{size}"), |b| {
            b.iter(|| {
                let mut codec = MllpCodec::new();
                let mut buffer = BytesMut::new();
                let mut pieces = frame.chunks(PIECE);
                pieces.find_map(|piece| {
                    buffer.extend_from_slice(piece);
                    codec.decode(&mut buffer).unwrap()
                })
            });
        });
        group.bench_function(format!("memchr, once/{size}"), |b| {
            b.iter(|| memchr::memchr(0x1C, black_box(&frame)));
        });
    }
    group.finish();
}

fn judge(c: &mut Criterion) {
    let reply = reply(0);
    c.bench_function("judge/ours", |b| {
        b.iter(|| ack::read(black_box(&reply), false).unwrap().code);
    });
    c.bench_function("judge/memmem for the code", |b| {
        b.iter(|| memchr::memmem::find(black_box(&reply), b"MSA|AA|"));
    });
}

/// What goes out, put into records.
fn records(c: &mut Criterion) {
    let receiver = Receiver::new();
    let mut group = c.benchmark_group("records");
    for size in [460, 16_000] {
        let message = message(size);
        group.throughput(Throughput::Bytes(size as u64));
        let mut pump = receiver.pump();
        group.bench_function(format!("ours/{size}"), |b| {
            b.iter(|| {
                pump.encrypt(&message).unwrap();
                let bytes = pump.to_transmit().len();
                pump.transmitted(bytes)
            });
        });
        let mut connection = receiver.connection(ring::default_provider());
        let mut wire = Vec::new();
        group.bench_function(format!("rustls with ring/{size}"), |b| {
            b.iter(|| {
                connection.writer().write_all(&message).unwrap();
                wire.clear();
                connection.write_tls(&mut wire).unwrap()
            });
        });
    }
    group.finish();
}

/// A receiver in memory.
struct Receiver {
    config: Arc<ServerConfig>,
    certificate: CertificateDer<'static>,
}

impl Receiver {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![HOST.into()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        Self {
            config: Arc::new(config),
            certificate,
        }
    }

    fn serve(&self) -> ServerConnection {
        ServerConnection::new(self.config.clone()).unwrap()
    }

    fn pump(&self) -> Pump {
        let options = TlsOptions {
            authorities: vec![self.certificate.to_vec().into()],
            own_authorities_only: true,
            ..TlsOptions::new()
        };
        let tls = Tls::new(&options, HOST).unwrap();
        tls.set_time(std::time::UNIX_EPOCH.elapsed().unwrap());
        let mut handshake = Handshake::new(tls, Instant::from_nanoseconds(u64::MAX)).unwrap();
        let mut server = self.serve();
        loop {
            let bytes = match handshake.poll(NOW) {
                Output::Transmit(bytes, _) => bytes.to_vec(),
                Output::Wait(_) => {
                    let said = said(&mut server);
                    handshake.handle(Input::Received(&said));
                    continue;
                }
                _ => break,
            };
            handshake.handle(Input::Transmitted(bytes.len()));
            hear(&mut server, &bytes);
        }
        assert_eq!(handshake.failure(), None);
        handshake.into_parts().0
    }

    /// The same of rustls alone, with the suite that ours agrees on.
    fn connection(&self, mut provider: CryptoProvider) -> ClientConnection {
        let suite = ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256;
        provider.cipher_suites = vec![suite];
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(HOST).unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut server = self.serve();
        while client.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            hear(&mut server, &bytes);
            let said = said(&mut server);
            client.read_tls(&mut &said[..]).unwrap();
            client.process_new_packets().unwrap();
        }
        client.write_tls(&mut Vec::new()).unwrap();
        client
    }
}

fn hear(server: &mut ServerConnection, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        server.read_tls(&mut bytes).unwrap();
        server.process_new_packets().unwrap();
    }
}

fn said(server: &mut ServerConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut bytes).unwrap();
    }
    bytes
}

criterion_group!(benches, guard, encode, scan, judge, records);
criterion_main!(benches);
