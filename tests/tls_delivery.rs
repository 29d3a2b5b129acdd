//! What is known about a message under TLS, whatever becomes of its records. No
//! host is needed: the session is driven by hand, against a rustls server in
//! memory.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::error::{Cause, Delivery, Desync, Failure, Hint, Phase, TlsProblem};
use mllp_client::limits::{RECORD_BYTES_MAX, WRITE_BYTES_MAX};
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::exchange::{Reply, Verdict};
use mllp_client::proto::warning::Warning;
use mllp_client::session::Session;
use mllp_client::tls::config::Tls;
use mllp_client::tls::handshake::{Farewell, Handshake};
use mllp_client::tls::options::{Identity, TlsOptions};
use mllp_client::tls::pump::{ClientCertificate, Pump};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion, version};

#[path = "support/session.rs"]
mod support;
use support::terms;

const START: Instant = Instant::from_nanoseconds(1_000_000_000);
const DEADLINE: Instant = Instant::from_nanoseconds(31_000_000_000);
const TLS13: &SupportedProtocolVersion = &version::TLS13;
const TLS12: &SupportedProtocolVersion = &version::TLS12;
const ACK: &[u8] = b"\x0BMSH|^~\\&|C|D|A|B|2026||ACK|1|P|2.5\rMSA|AA|42\r\x1C\r";

/// A message whose frame has this many bytes.
fn message(frame: usize) -> Vec<u8> {
    let mut message = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|42|P|2.5\rNTE|".to_vec();
    message.resize(frame - 4, b'x');
    message.push(b'\r');
    message
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    fn issue(&self) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["lab.example".into()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), key)
    }

    fn server(&self, version: &'static SupportedProtocolVersion, mutual: bool) -> ServerConfig {
        let (certificate, key) = self.issue();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let config = if mutual {
            config.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            config.with_no_client_auth()
        };
        config.with_single_cert(vec![certificate], key).unwrap()
    }

    fn options(&self) -> TlsOptions {
        TlsOptions {
            authorities: vec![self.certificate.to_vec().into()],
            own_authorities_only: true,
            ..TlsOptions::new()
        }
    }
}

/// A sender and a receiver with a wire between them.
struct Pair {
    session: Session,
    server: ServerConnection,
}

fn pair(version: &'static SupportedProtocolVersion) -> Pair {
    let authority = Authority::new();
    let (session, server) = shaken(authority.options(), authority.server(version, false));
    Pair { session, server }
}

/// The two ends of a handshake that is over for the sender. What the receiver
/// says after that is still with it.
fn shaken(options: TlsOptions, server: ServerConfig) -> (Session, ServerConnection) {
    let (handshake, server) = attempted(options, server);
    assert_eq!(handshake.failure(), None);
    let (pump, early) = handshake.into_parts();
    let session = Session::new(terms(), START).secured(pump, &early, Duration::from_millis(20));
    (session, server)
}

/// The same, however it ended.
fn attempted(options: TlsOptions, server: ServerConfig) -> (Handshake, ServerConnection) {
    let tls = Tls::new(&options, "lab.example").unwrap();
    tls.set_time(std::time::UNIX_EPOCH.elapsed().unwrap());
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let mut handshake = Handshake::new(tls, DEADLINE).unwrap();
    loop {
        match handshake.poll(START) {
            Output::Transmit(bytes, DEADLINE) => {
                let (bytes, size) = (bytes.to_vec(), bytes.len());
                handshake.handle(Input::Transmitted(size));
                hear(&mut server, &bytes);
            }
            Output::Wait(DEADLINE) => {
                let said = say(&mut server);
                handshake.handle(Input::Received(&said));
            }
            Output::Done => break,
            _ => panic!("a handshake sends or waits"),
        }
    }
    (handshake, server)
}

/// The server takes the sender's bytes; what it makes of them shows later.
fn hear(server: &mut ServerConnection, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        server.read_tls(&mut bytes).unwrap();
        if server.process_new_packets().is_err() {
            return;
        }
    }
}

/// The application data that the server reads in the sender's bytes.
fn heard(server: &mut ServerConnection, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    for piece in bytes.chunks(4096) {
        hear(server, piece);
        // It blocks where there is no more.
        let _ = server.reader().read_to_end(&mut plain);
    }
    plain
}

/// What the server has to say.
fn say(server: &mut ServerConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut bytes).unwrap();
    }
    bytes
}

impl Pair {
    fn look(&mut self) -> Result<(), Failure> {
        let said = say(&mut self.server);
        let mut look = self.session.look(DEADLINE);
        assert!(matches!(look.poll(START), Output::Look(_)));
        look.handle(Input::Received(&said));
        look.handle(Input::Quiet);
        assert!(matches!(look.poll(START), Output::Done));
        look.finish()
    }

    fn begin(&mut self, frame: usize) {
        self.look().unwrap();
        support::begin(&mut self.session, &message(frame), &terms(), DEADLINE);
    }

    /// Hands over at most `limit` bytes of what the session gives. Returns them,
    /// write by write.
    fn hand_over(&mut self, mut limit: usize) -> Vec<Vec<u8>> {
        let mut writes = Vec::new();
        while limit > 0
            && let Output::Transmit(bytes, DEADLINE) = self.session.poll(START)
        {
            let bytes = bytes.get(..limit).unwrap_or(bytes).to_vec();
            limit -= bytes.len();
            self.session.handle(Input::Transmitted(bytes.len()));
            writes.push(bytes);
        }
        writes
    }

    fn answer(&mut self, bytes: &[u8]) {
        self.server.writer().write_all(bytes).unwrap();
        let said = say(&mut self.server);
        self.session.handle(Input::Received(&said));
    }

    fn outcome(&mut self) -> Result<Reply, Failure> {
        assert!(matches!(self.session.poll(START), Output::Done));
        self.session.finish().outcome
    }

    fn known(&mut self) -> (Cause, Phase, Delivery) {
        let failure = self.outcome().unwrap_err();
        (failure.cause, failure.phase, failure.delivery)
    }
}

#[test]
fn a_message_and_its_answer_go_through_both_versions() {
    for version in [TLS13, TLS12] {
        let mut pair = pair(version);
        pair.begin(100);
        let sent = pair.hand_over(usize::MAX).concat();
        assert_eq!(heard(&mut pair.server, &sent)[1..98], message(100));
        pair.answer(ACK);
        let reply = pair.outcome().unwrap();
        assert_eq!((reply.verdict, reply.warnings), (Verdict::Applied, vec![]));
    }
}

#[test]
fn a_frame_whose_records_fit_goes_out_in_one_write() {
    let mut pair = pair(TLS13);
    for frame in [100, RECORD_BYTES_MAX, 40_000, 65_000] {
        pair.begin(frame);
        let writes = pair.hand_over(usize::MAX);
        assert_eq!(writes.len(), 1, "a frame of {frame} bytes");
        assert!(writes[0].len() <= 65_536);
        assert_eq!(heard(&mut pair.server, &writes.concat()).len(), frame);
        pair.answer(ACK);
        pair.outcome().unwrap();
    }
}

/// The size of the record that begins `bytes`.
fn record(bytes: &[u8]) -> usize {
    5 + usize::from(u16::from_be_bytes([bytes[3], bytes[4]]))
}

/// How many bytes are on the wire when the record that holds byte `plain` of the
/// frame has gone whole.
fn end_of_record(wire: &[u8], plain: usize) -> usize {
    // Header, content type and tag (RFC 8446 section 5.2).
    const OVERHEAD: usize = 5 + 1 + 16;
    let (mut end, mut sealed) = (0, 0);
    while sealed <= plain {
        let size = record(&wire[end..]);
        end += size;
        sealed += size - OVERHEAD;
    }
    end
}

/// The connection is lost after `taken` bytes of the wire.
fn lost_after(frame: usize, taken: usize, loss: Input<'_>) -> (Cause, Phase, Delivery) {
    let mut pair = pair(TLS13);
    pair.begin(frame);
    pair.hand_over(taken);
    pair.session.handle(loss);
    pair.known()
}

#[test]
fn nothing_is_known_to_have_arrived_before_the_end_blocks_record_went_whole() {
    for frame in [100, 20_000, RECORD_BYTES_MAX + 1] {
        let mut whole = pair(TLS13);
        whole.begin(frame);
        let wire = whole.hand_over(usize::MAX).concat();
        let end_block = end_of_record(&wire, frame - 2);
        for taken in [
            0,
            1,
            5,
            end_block / 2,
            end_block - 1,
            end_block,
            wire.len() - 1,
            wire.len(),
        ] {
            let delivery = match taken {
                0 => Delivery::NotSent,
                taken if taken < end_block => Delivery::CutShort,
                _ => Delivery::InDoubt,
            };
            let phase = if taken < wire.len() {
                Phase::Write
            } else {
                Phase::Reply
            };
            assert_eq!(
                lost_after(frame, taken, Input::Broken),
                (Cause::ConnectionBroken, phase, delivery),
                "{taken} of {} bytes for a frame of {frame}",
                wire.len()
            );
        }
    }
}

#[test]
fn the_end_block_and_its_carriage_return_share_a_record_and_a_write() {
    for frame in [100, RECORD_BYTES_MAX + 1, WRITE_BYTES_MAX + 1] {
        let mut pair = pair(TLS13);
        pair.begin(frame);
        let writes = pair.hand_over(usize::MAX);
        let last = writes.last().unwrap();
        assert!(record(last) > 5 + 1 + 16 + 1);
        let wire = writes.concat();
        assert_eq!(end_of_record(&wire, frame - 2), wire.len());
    }
}

#[test]
fn what_the_receiver_could_read_of_a_cut_short_message_has_no_end_block() {
    let mut pair = pair(TLS13);
    pair.begin(20_000);
    let wire = {
        let all = pair.hand_over(usize::MAX).concat();
        let end = end_of_record(&all, 19_998) - 1;
        all[..end].to_vec()
    };
    let plain = heard(&mut pair.server, &wire);
    assert!(!plain.is_empty() && !plain.contains(&0x1C));
}

#[test]
fn a_stream_cut_off_inside_a_reply_is_told_apart_from_one_that_ends() {
    let truncated = Cause::from(TlsProblem::Truncated);
    for (part, closing, cause) in [
        (&ACK[..20], false, truncated.clone()),
        (&ACK[..20], true, Cause::ConnectionEnded),
        (&ACK[..0], false, Cause::ConnectionEnded),
        (&ACK[..0], true, Cause::ConnectionEnded),
    ] {
        let mut pair = pair(TLS13);
        pair.begin(100);
        pair.hand_over(usize::MAX);
        if closing {
            pair.server.writer().write_all(part).unwrap();
            pair.server.send_close_notify();
        } else {
            pair.server.writer().write_all(part).unwrap();
        }
        let said = say(&mut pair.server);
        pair.session.handle(Input::Received(&said));
        pair.session.handle(Input::Ended);
        assert_eq!(pair.known(), (cause, Phase::Reply, Delivery::InDoubt));
    }
    let mut pair = pair(TLS13);
    pair.begin(100);
    pair.hand_over(usize::MAX);
    pair.server.writer().write_all(ACK).unwrap();
    let said = say(&mut pair.server);
    pair.session
        .handle(Input::Received(&said[..said.len() - 1]));
    pair.session.handle(Input::Ended);
    assert_eq!(pair.known().0, truncated);
}

#[test]
fn an_answer_with_the_closing_behind_it_counts_and_the_next_message_stays() {
    let mut pair = pair(TLS13);
    pair.begin(100);
    pair.hand_over(usize::MAX);
    pair.server.writer().write_all(ACK).unwrap();
    pair.server.send_close_notify();
    let said = say(&mut pair.server);
    pair.session.handle(Input::Received(&said));
    assert_eq!(pair.outcome().unwrap().verdict, Verdict::Applied);
    let mut look = pair.session.look(DEADLINE);
    assert!(matches!(look.poll(START), Output::Done));
    let ended = Failure::not_sent(Phase::Write, Cause::ConnectionEnded);
    assert_eq!(look.finish(), Err(ended));
}

#[test]
fn what_the_receiver_says_before_it_is_asked_stops_the_message() {
    let mut pair = pair(TLS13);
    pair.server.writer().write_all(ACK).unwrap();
    let desync = Cause::ProtocolDesync(Desync::UnreadFrame);
    let found = Failure::not_sent(Phase::Write, desync);
    assert_eq!(pair.look(), Err(found));
}

#[test]
fn what_the_receiver_says_inside_the_handshake_stops_the_message_too() {
    let authority = Authority::new();
    let mut config = authority.server(TLS13, false);
    config.send_half_rtt_data = true;
    let tls = Tls::new(&authority.options(), "lab.example").unwrap();
    tls.set_time(std::time::UNIX_EPOCH.elapsed().unwrap());
    let mut server = ServerConnection::new(Arc::new(config)).unwrap();
    server.writer().write_all(ACK).unwrap();
    let mut handshake = Handshake::new(tls, DEADLINE).unwrap();
    let Output::Transmit(hello, _) = handshake.poll(START) else {
        panic!("a handshake begins with a message");
    };
    let (hello, size) = (hello.to_vec(), hello.len());
    handshake.handle(Input::Transmitted(size));
    hear(&mut server, &hello);
    let said = say(&mut server);
    handshake.handle(Input::Received(&said));
    assert_eq!(handshake.failure(), None);
    let (pump, early) = handshake.into_parts();
    let mut session = Session::new(terms(), START).secured(pump, &early, Duration::ZERO);
    let mut look = session.look(DEADLINE);
    assert!(matches!(look.poll(START), Output::Done));
    let desync = Cause::ProtocolDesync(Desync::UnreadFrame);
    assert_eq!(look.finish(), Err(Failure::not_sent(Phase::Write, desync)));
}

/// A pair whose receiver demands a certificate, and a sender that has none.
fn without_certificate() -> Pair {
    let authority = Authority::new();
    let (session, server) = shaken(authority.options(), authority.server(TLS13, true));
    Pair { session, server }
}

#[test]
fn the_first_look_waits_for_the_verdict_on_the_client_certificate() {
    let mut pair = without_certificate();
    let mut look = pair.session.look(DEADLINE);
    // Twice the 20 ms that the handshake took.
    let due = START.after(Duration::from_millis(40));
    assert!(matches!(look.poll(START), Output::Look(moment) if moment == due));
    let refusal = say(&mut pair.server);
    look.handle(Input::Received(&refusal));
    assert!(matches!(look.poll(START), Output::Done));
    let required = Cause::from(TlsProblem::ClientCertificateRequired);
    let found = Failure::not_sent(Phase::Write, required);
    assert_eq!(look.finish(), Err(found));
}

#[test]
fn a_part_of_a_record_is_no_verdict() {
    let mut pair = without_certificate();
    let refusal = say(&mut pair.server);
    let mut look = pair.session.look(DEADLINE);
    look.handle(Input::Received(&refusal[..1]));
    let due = START.after(Duration::from_millis(40));
    assert!(matches!(look.poll(START), Output::Look(moment) if moment == due));
    look.handle(Input::Received(&refusal[1..]));
    assert!(matches!(look.poll(START), Output::Done));
    let required = Cause::from(TlsProblem::ClientCertificateRequired);
    let found = Failure::not_sent(Phase::Write, required);
    assert_eq!(look.finish(), Err(found));
}

#[test]
fn what_one_receiver_asks_for_is_not_held_against_another() {
    let authority = Authority::new();
    let (mut asked, _) = shaken(authority.options(), authority.server(TLS13, true));
    let (mut spared, _) = shaken(authority.options(), authority.server(TLS13, false));
    let (asked, spared) = (asked.pump().unwrap(), spared.pump().unwrap());
    assert!(asked.awaits_verdict_on_identity());
    assert!(!spared.awaits_verdict_on_identity());
    let fate = |pump: &Pump| pump.agreed().client_certificate;
    assert_eq!(fate(asked), ClientCertificate::NotGiven);
    assert_eq!(fate(spared), ClientCertificate::NotAsked);
}

#[test]
fn a_ticket_is_verdict_enough() {
    let authority = Authority::new();
    let (certificate, key) = authority.issue();
    let options = TlsOptions {
        identity: Some(Identity {
            chain: certificate.to_vec().into(),
            key: key.serialize_der().into(),
        }),
        ..authority.options()
    };
    let (session, server) = shaken(options, authority.server(TLS13, true));
    let mut pair = Pair { session, server };
    assert!(pair.session.pump().unwrap().awaits_verdict_on_identity());
    pair.look().unwrap();
    assert!(!pair.session.pump().unwrap().awaits_verdict_on_identity());
    let agreed = pair.session.pump().unwrap().agreed();
    assert_eq!(agreed.client_certificate, ClientCertificate::Given);
}

#[test]
fn a_refusal_that_comes_after_the_message_leaves_doubt_and_says_why() {
    let mut pair = without_certificate();
    // As if the receiver took longer than the look waited.
    let refusal = say(&mut pair.server);
    pair.begin(100);
    pair.hand_over(usize::MAX);
    pair.session.handle(Input::Received(&refusal));
    let required = Cause::from(TlsProblem::ClientCertificateRequired);
    assert_eq!(pair.known(), (required, Phase::Reply, Delivery::InDoubt));
}

#[test]
fn a_loss_without_a_word_hints_at_the_client_certificate() {
    let mut pair = without_certificate();
    let _refusal = say(&mut pair.server);
    pair.begin(100);
    pair.hand_over(usize::MAX);
    pair.session.handle(Input::Broken);
    let failure = pair.outcome().unwrap_err();
    assert_eq!(failure.cause, Cause::ConnectionBroken);
    assert_eq!(failure.hint, Some(Hint::ClientCertificate));
}

#[test]
fn a_garbled_record_ends_the_exchange_and_the_connection() {
    let mut pair = pair(TLS13);
    pair.begin(100);
    pair.hand_over(usize::MAX);
    pair.server.writer().write_all(ACK).unwrap();
    let mut said = say(&mut pair.server);
    *said.last_mut().unwrap() ^= 1;
    pair.session.handle(Input::Received(&said));
    let (cause, phase, delivery) = pair.known();
    assert!(matches!(cause, Cause::Tls(failure)
        if matches!(failure.problem, TlsProblem::BrokenRules(_))));
    assert_eq!((phase, delivery), (Phase::Reply, Delivery::InDoubt));
}

/// What a farewell says.
fn farewell(session: &mut Session) -> Vec<u8> {
    let mut farewell = Farewell::new(session.pump().unwrap(), START);
    match farewell.poll(START) {
        Output::Transmit(bytes, _) => bytes.to_vec(),
        _ => Vec::new(),
    }
}

#[test]
fn a_message_may_leave_while_a_ticket_is_on_its_way() {
    let tickets = say(&mut pair(TLS13).server).len();
    for arrived in 0..tickets {
        let mut pair = pair(TLS13);
        let said = say(&mut pair.server);
        let mut look = pair.session.look(DEADLINE);
        look.handle(Input::Received(&said[..arrived]));
        look.handle(Input::Quiet);
        look.finish().unwrap();
        support::begin(&mut pair.session, &message(100), &terms(), DEADLINE);
        let sent = pair.hand_over(usize::MAX).concat();
        assert_eq!(heard(&mut pair.server, &sent).len(), 100);
        pair.session.handle(Input::Received(&said[arrived..]));
        pair.answer(ACK);
        assert_eq!(pair.outcome().unwrap().verdict, Verdict::Applied);
    }
}

#[test]
fn a_receiver_whose_certificate_is_refused_is_told_why() {
    for version in [TLS13, TLS12] {
        let authority = Authority::new();
        let options = TlsOptions {
            server_name: Some("other.example".into()),
            ..authority.options()
        };
        let (handshake, mut server) = attempted(options, authority.server(version, false));
        let failure = handshake.failure().unwrap();
        assert_eq!(
            (failure.phase, failure.delivery),
            (Phase::Tls, Delivery::NotSent)
        );
        let (mut pump, _) = handshake.into_parts();
        let mut farewell = Farewell::new(&mut pump, START);
        let Output::Transmit(alert, _) = farewell.poll(START) else {
            panic!("an alert");
        };
        server.read_tls(&mut &*alert).unwrap();
        let heard = server.process_new_packets();
        let expected = rustls::Error::AlertReceived(rustls::AlertDescription::BadCertificate);
        assert_eq!(heard.unwrap_err(), expected);
    }
}

#[test]
fn a_farewell_closes_as_tls_demands() {
    let mut pair = pair(TLS13);
    let closing = farewell(&mut pair.session);
    hear(&mut pair.server, &closing);
    assert!(pair.server.process_new_packets().unwrap().peer_has_closed());
}

#[test]
fn a_farewell_never_sends_the_rest_of_a_message() {
    let mut pair = pair(TLS13);
    pair.begin(20_000);
    pair.hand_over(100);
    pair.session.handle(Input::Broken);
    assert_eq!(pair.known().2, Delivery::CutShort);
    assert_eq!(farewell(&mut pair.session), []);
}

#[test]
fn a_receiver_that_misbehaves_is_told() {
    let mut pair = pair(TLS13);
    pair.begin(100);
    let sent = pair.hand_over(usize::MAX).concat();
    hear(&mut pair.server, &sent);
    pair.server.writer().write_all(ACK).unwrap();
    let mut said = say(&mut pair.server);
    *said.last_mut().unwrap() ^= 1;
    pair.session.handle(Input::Received(&said));
    pair.outcome().unwrap_err();
    let alert = farewell(&mut pair.session);
    pair.server.read_tls(&mut alert.as_slice()).unwrap();
    let heard = pair.server.process_new_packets();
    let expected = rustls::Error::AlertReceived(rustls::AlertDescription::BadRecordMac);
    assert_eq!(heard.unwrap_err(), expected);
}

#[test]
fn insecure_mode_is_told_with_every_reply() {
    let authority = Authority::new();
    let options = TlsOptions {
        insecure: true,
        ..TlsOptions::new()
    };
    let (session, server) = shaken(options, authority.server(TLS13, false));
    let mut pair = Pair { session, server };
    for _ in 0..2 {
        pair.begin(100);
        let sent = pair.hand_over(usize::MAX).concat();
        hear(&mut pair.server, &sent);
        pair.answer(ACK);
        assert_eq!(pair.outcome().unwrap().warnings, [Warning::Insecure]);
    }
}

#[test]
fn a_second_connection_resumes_the_first_ones_session() {
    for version in [TLS13, TLS12] {
        let authority = Authority::new();
        let config = authority.server(version, false);
        let mut resumed = Vec::new();
        for _ in 0..2 {
            let (session, server) = shaken(authority.options(), config.clone());
            let mut pair = Pair { session, server };
            pair.look().unwrap();
            resumed.push(pair.session.pump().unwrap().agreed().resumed);
        }
        assert_eq!(resumed, [false, true]);
    }
}

#[test]
fn nothing_that_is_printed_holds_content() {
    let mut pair = pair(TLS13);
    pair.begin(100);
    pair.hand_over(10);
    let printed = format!("{:?}", pair.session);
    assert!(!printed.contains("120, 120") && !printed.contains("xx"));
}
