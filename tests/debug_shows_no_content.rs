//! Whoever writes down what a public type of the library prints, writes down no
//! content of a message and no secret: not by `Debug`, and not by `Display`.

use std::any::type_name;
use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::fs;
use std::io::{Read as _, Write as _};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use marks::{MOMENT, NAME, Net, PLACE};
use mllp_client::client::MllpClient;
use mllp_client::clock::{Instant, Watch};
use mllp_client::counters::{ByDelivery, ByVerdict, Counters, Times};
use mllp_client::drive::Ran;
use mllp_client::error::{
    Attempt, Cause, CertificateProblem, ClockAndBound, Delivery, Desync, Failure, FramingPart,
    Grant, Hint, InvalidItem, InvalidItemReason, InvalidMessage, InvalidOption, OverLimit, Phase,
    ReservedByte, Retry, TlsFailure, TlsProblem,
};
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::options::{ConnectOptions, KeepAlive, Receiver, Reconnect, SendOptions};
use mllp_client::proto::ack::{self, Acknowledgment, Code, ErrorDetail, ErrorLocation, Severity};
use mllp_client::proto::exchange::{
    Commit, CommitBlock, Exchange, Finished, Receipt, Reply, Verdict,
};
use mllp_client::proto::expect::{Condition, Expectation, Limit, Silence, Wait};
use mllp_client::proto::frame::{Decoder, Incoming, Outgoing};
use mllp_client::proto::framing::Framing;
use mllp_client::proto::leniency::{Leniencies, Leniency};
use mllp_client::proto::msh::Header;
use mllp_client::proto::outstanding::Outstanding;
use mllp_client::proto::payload::Payload;
use mllp_client::proto::repair::{Repair, Repairs};
use mllp_client::proto::terms::{
    AcknowledgmentMode, Correlation, Judging, Release, SettleOn, Terms,
};
use mllp_client::proto::warning::Warning;
use mllp_client::segments::Segments;
use mllp_client::session::{Look, Session};
use mllp_client::tls::certificate::Certificate;
use mllp_client::tls::config::Tls;
use mllp_client::tls::handshake::{Farewell, Handshake};
use mllp_client::tls::options::{Identity, TlsOptions, TlsVersion};
use mllp_client::tls::provider::Hybrid;
use mllp_client::tls::pump::{ClientCertificate, Progress, Received, TlsSession};
use mllp_client::transcript::{Direction, Event, Notes, Transcript};
use mllp_client::transport;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{KeyLog, ServerConfig, ServerConnection, SupportedProtocolVersion, version};

#[path = "support/network.rs"]
#[expect(
    dead_code,
    reason = "of the network, only its type and its messages are used"
)]
mod network;
#[path = "support/session.rs"]
mod support;
use network::{Script, acknowledgment, frame, message};
use support::{TIME_OF_DAY, begin, terms};

const START: Instant = Instant::from_nanoseconds(1_000_000_000);
const DEADLINE: Instant = Instant::from_nanoseconds(31_000_000_000);

/// Types that cannot be printed, each of which is shown not to be.
const UNPRINTABLE: [&str; 7] = [
    "client::MllpClient",
    "machine::Input",
    "machine::Output",
    "proto::msh::Header",
    "proto::outstanding::Outstanding",
    "transport::Read",
    "transport::Write",
];

/// Types that exist in the component alone, and hold sockets.
const IN_THE_COMPONENT: [&str; 2] = [
    "transport::wasi02::Wasi02",
    "transport::wasi02::Wasi02Connection",
];

/// Nobody else can make one: it is printed within [`Notes`].
const WITHIN_ANOTHER: [&str; 1] = ["transcript::Note"];

/// A name without anything in it, for the simulator.
const BARE: [&str; 1] = ["breakage::Breakage"];

/// What was printed, and searched.
struct Printed {
    nets: Vec<Net>,
    types: BTreeSet<String>,
}

impl Printed {
    fn new() -> Self {
        Self {
            nets: vec![Net::marks()],
            types: BTreeSet::new(),
        }
    }

    fn debug<T: Debug>(&mut self, value: &T) {
        let name = path_of::<T>();
        for text in [format!("{value:?}"), format!("{value:#?}")] {
            self.search(&name, &text);
        }
        self.types.insert(name);
    }

    fn display<T: Debug + Display>(&mut self, value: &T) {
        self.search(&path_of::<T>(), &value.to_string());
        self.debug(value);
    }

    fn search(&self, name: &str, text: &str) {
        for net in &self.nets {
            if let Some(find) = net.find(text.as_bytes()) {
                panic!("{name} prints {find}");
            }
        }
    }
}

/// Where a type is defined, in this library.
fn path_of<T>() -> String {
    let path = type_name::<T>().split('<').next().unwrap_or_default();
    path.replacen("mllp_client::", "", 1)
}

#[test]
fn every_public_type_is_among_those_shown_here() {
    let mut shown = Printed::new();
    print_what_failed(&mut shown);
    print_what_is_asked_for(&mut shown);
    print_an_exchange(&mut shown);
    print_what_is_known(&mut shown);
    print_tls(&mut shown, &version::TLS13);

    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut defined = BTreeSet::new();
    public_types(&source, "", &mut defined);
    assert!(defined.len() > 80, "the sources are not read any more");
    let otherwise = UNPRINTABLE.iter().chain(&IN_THE_COMPONENT);
    let otherwise = otherwise.chain(&WITHIN_ANOTHER).chain(&BARE);
    let not_shown: Vec<_> = defined
        .iter()
        .filter(|path| !shown.types.contains(*path))
        .filter(|path| otherwise.clone().all(|known| known != path))
        .collect();
    assert!(not_shown.is_empty(), "show what these print: {not_shown:?}");
}

/// Those that a scan of the sources finds.
fn public_types(folder: &Path, module: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the sources") {
        let path = entry.expect("a source").path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let inner = match (&*stem, module) {
            ("bin" | "tests", _) => continue,
            ("lib" | "mod", _) => module.to_owned(),
            (stem, "") => stem.to_owned(),
            (stem, module) => format!("{module}::{stem}"),
        };
        if path.is_dir() {
            public_types(&path, &inner, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source");
        for line in text.lines() {
            let public = line.trim_start().strip_prefix("pub ");
            let kind = |line| {
                ["struct ", "enum ", "union "]
                    .into_iter()
                    .find_map(|kind| str::strip_prefix(line, kind))
            };
            if let Some(rest) = public.and_then(kind) {
                let name: String = rest
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect();
                found.insert(format!("{inner}::{name}"));
            }
        }
    }
}

/// Whether a type can be printed: what is defined for the type itself goes before
/// what a trait has.
struct Probe<T>(PhantomData<T>);

trait Unprintable {
    fn is_printable(&self) -> bool {
        false
    }
}

impl<T> Unprintable for Probe<T> {}

impl<T: Debug> Probe<T> {
    const fn is_printable(&self) -> bool {
        true
    }
}

#[test]
fn what_is_not_shown_cannot_be_printed() {
    macro_rules! printable {
        ($($type:ty),+) => {
            [$((path_of::<$type>(), Probe::<$type>(PhantomData).is_printable())),+]
        };
    }
    assert_eq!(
        printable!(
            MllpClient<Script>,
            Input<'_>,
            Output<'_>,
            Header<'_>,
            Outstanding,
            transport::Read,
            transport::Write
        ),
        UNPRINTABLE.map(|path| (path.to_owned(), false))
    );
    assert_eq!(
        printable!(Reply),
        [("proto::exchange::Reply".to_owned(), true)]
    );
}

#[test]
fn what_failed_is_told_without_content() {
    print_what_failed(&mut Printed::new());
}

fn print_what_failed(shown: &mut Printed) {
    let parsed = |content: &[u8]| Payload::parse(content.to_vec(), 300, &terms());
    let header = format!("MSH|^~\\&|{NAME}|||||{MOMENT}|ADT^A01|42|P|2.5\r");
    // The place that each error is about is made of content.
    let refused: [(&str, InvalidMessage); 7] = [
        (PLACE, InvalidMessage::NoHeader),
        (
            &format!("{header}PID|{NAME}\rMSH|{PLACE}\r"),
            InvalidMessage::SecondHeader(0),
        ),
        (
            &format!("{header}PID|{NAME}\x0B{PLACE}\r"),
            InvalidMessage::ReservedByte(ReservedByte { offset: 0, byte: 0 }),
        ),
        (
            &format!("{header}PID|{NAME}\x1C{PLACE}\r"),
            InvalidMessage::ReservedByte(ReservedByte { offset: 0, byte: 0 }),
        ),
        (
            &format!("MSH|^~\\&|||||||ADT|42|P|2.5|||{NAME}|{PLACE}\r"),
            InvalidMessage::UnknownCondition(0),
        ),
        (
            &format!("MSH|^~\\&|||||||{NAME}||{PLACE}\r"),
            InvalidMessage::NoControlId,
        ),
        (
            &format!("{header}{}", NAME.repeat(100)),
            InvalidMessage::TooLarge(OverLimit { limit: 0, size: 0 }),
        ),
    ];
    for (content, like) in refused {
        let reason = parsed(content.as_bytes()).expect_err("the guard refuses it");
        assert_eq!(
            std::mem::discriminant(&reason),
            std::mem::discriminant(&like)
        );
        shown.display(&reason);
        shown.display(&Failure::not_sent(Phase::Prepare, reason.into()));
    }
    let replies = [
        NAME.to_owned(),
        header.clone(),
        format!("{header}MSA|{NAME}|{PLACE}|{NAME}\r"),
        format!("{header}MSA|AA{NAME}\r").replace('\r', "\n"),
    ];
    for content in replies {
        let reason = ack::read(content.as_bytes(), false).expect_err("it is none");
        shown.display(&reason);
        shown.display(&Cause::from(reason));
    }
    let address = SocketAddr::from(([192, 0, 2, 1], 2575));
    let item = InvalidItem {
        position: 1,
        reason: InvalidItemReason::Malformed,
    };
    let bound = ClockAndBound { clock: 1, bound: 2 };
    let problem = TlsProblem::Certificate(CertificateProblem::Expired(bound));
    let cause = Cause::from(problem.clone());
    let attempt = Attempt {
        address,
        cause: cause.clone(),
    };
    shown.debug(&bound);
    shown.display(&CertificateProblem::Expired(bound));
    shown.display(&problem);
    shown.display(&TlsFailure {
        problem,
        certificate: None,
    });
    shown.display(&item);
    shown.display(&item.reason);
    shown.display(&InvalidOption::IdentityKey(item));
    shown.display(&FramingPart::EndBlock);
    shown.display(&Grant::Address);
    shown.display(&Desync::UnreadBytes);
    shown.display(&attempt);
    shown.debug(&ReservedByte {
        offset: 1,
        byte: 0x0B,
    });
    shown.debug(&OverLimit { limit: 1, size: 2 });
    shown.debug(&Hint::LargeHello);
    shown.debug(&Phase::Reply);
    shown.debug(&Delivery::InDoubt);
    let retry = Retry::Failed {
        cause: cause.clone(),
        phase: Phase::Reply,
        delivery: Delivery::InDoubt,
    };
    shown.debug(&retry);
    let late = Acknowledgment {
        code: Code::ApplicationAccept,
        control_id: NAME.into(),
    };
    shown.display(&Failure {
        attempts: vec![attempt],
        hint: Some(Hint::Hello),
        retries: vec![retry],
        warnings: vec![Warning::LateAcknowledgment(late)],
        ..Failure::not_sent(Phase::Reply, cause)
    });
}

#[test]
fn what_is_asked_for_is_told_without_secrets() {
    print_what_is_asked_for(&mut Printed::new());
}

fn print_what_is_asked_for(shown: &mut Printed) {
    // As if a key or a message had been handed in in its place.
    let identity = Identity {
        chain: PLACE.as_bytes().to_vec().into(),
        key: format!("-----BEGIN PRIVATE KEY-----\n{NAME}\n")
            .into_bytes()
            .into(),
    };
    let tls = TlsOptions {
        authorities: vec![NAME.as_bytes().to_vec().into()],
        identity: Some(identity.clone()),
        revocations: vec![PLACE.as_bytes().to_vec().into()],
        ..TlsOptions::new()
    };
    let unusable = Tls::new(&tls, "lab.example").expect_err("nothing of it can be read");
    shown.display(&unusable);
    let mut options = ConnectOptions::new("lab.example".to_owned(), 2575);
    options.tls = Some(tls.clone());
    shown.debug(&options);
    shown.debug(&options.receiver);
    shown.debug(&options.terms);
    shown.debug(&tls);
    shown.debug(&identity);
    shown.debug(&TlsVersion::Tls12);
    shown.debug(&Hybrid::Offered);
    shown.debug(&SendOptions::default());
    shown.debug(&KeepAlive::default());
    shown.debug(&Reconnect::default());
    shown.debug(&Receiver {
        host: "lab.example".to_owned(),
        port: 1,
    });
    shown.debug(&Terms::default());
    shown.debug(&Framing::default());
    shown.debug(&Leniencies::default());
    shown.debug(&Leniency::LineFeedSegments);
    shown.debug(&Repairs::default());
    shown.debug(&Repair::Envelope);
    shown.debug(&AcknowledgmentMode::default());
    shown.debug(&SettleOn::default());
    shown.debug(&Release::default());
    shown.debug(&Correlation::default());
    shown.debug(&Judging::default());
    shown.debug(&START);
}

#[test]
fn an_exchange_is_told_without_content_at_every_step() {
    print_an_exchange(&mut Printed::new());
}

/// A message that asks for both acknowledgments; even its control id is a mark here.
fn asking() -> Vec<u8> {
    let content = String::from_utf8(message(NAME)).expect("text");
    content.replacen("|P|2.5", "|P|2.5|||AL|AL", 1).into_bytes()
}

/// An acknowledgment that asks for one itself and reports errors by name.
fn asking_acknowledgment(code: &str) -> Vec<u8> {
    let content = String::from_utf8(acknowledgment(code, NAME)).expect("text");
    let content = content.replacen("|P|2.5", "|P|2.5|||AL|NE", 1);
    format!("{content}ERR|{NAME}^{PLACE}|{NAME}^1^{PLACE}|{PLACE}^{NAME}|{NAME}|{NAME}^{PLACE}\r")
        .into_bytes()
}

fn print_an_exchange(shown: &mut Printed) {
    let terms = terms();
    let payload = Payload::parse(asking(), 1 << 20, &terms).expect("a message");
    shown.debug(&payload);
    let outgoing = Outgoing::encode(payload, &terms.framing).expect("memory");
    shown.debug(&outgoing);
    let mut session = Session::new(terms.clone(), START);
    shown.debug(&session);
    session.set_time_of_day(TIME_OF_DAY);
    let look: Look<'_> = session.look(DEADLINE);
    shown.debug(&look);
    session.begin(outgoing, DEADLINE, true);
    shown.debug(&session);
    let size = match session.poll(START) {
        Output::Transmit(bytes, _) => bytes.len(),
        _ => panic!("it has something to send"),
    };
    for part in [size - 5, 5] {
        session.handle(Input::Transmitted(part));
        shown.debug(&session);
    }
    let accept = frame(&acknowledgment("CA", NAME));
    for byte in accept.chunks(7) {
        session.handle(Input::Received(byte));
        shown.debug(&session);
    }
    let settling = frame(&asking_acknowledgment("AE"));
    let (inside, rest) = settling.split_at(100);
    session.handle(Input::Received(inside));
    shown.debug(&session);
    session.handle(Input::Received(&[rest, NAME.as_bytes()].concat()));
    shown.debug(&session);
    shown.debug(session.notes());
    let finished: Finished = session.finish();
    shown.debug(&finished);
    let reply: Reply = finished.outcome.expect("a reply");
    assert!(!reply.message.is_empty() && reply.accept.is_some());
    shown.debug(&reply);
    shown.debug(&reply.verdict);

    print_parts_of_an_exchange(shown, &terms);
}

fn print_parts_of_an_exchange(shown: &mut Printed, terms: &Terms) {
    let settling = asking_acknowledgment("AE");
    let mut decoder = Decoder::new(terms.framing.clone(), terms.leniencies, 1_000);
    let framed = frame(&settling);
    decoder.decode(&framed[..50]).expect("a part");
    shown.debug(&decoder);
    let incoming = decoder.decode(&framed[50..]).expect("the rest").1;
    let incoming: Incoming = incoming.expect("a frame");
    shown.debug(&incoming);

    let reading = ack::read(&settling, false).expect("an acknowledgment");
    shown.debug(&reading);
    for detail in reading.errors() {
        shown.debug(&detail);
    }
    let payload = Payload::parse(message(NAME), 1 << 20, terms).expect("a message");
    let message = Outgoing::encode(payload, &terms.framing).expect("memory");
    let size = message_size(&message);
    let mut exchange: Exchange = Exchange::new(message, DEADLINE, CommitBlock::None, false, terms);
    exchange.begun();
    exchange.transmitted(size);
    shown.debug(&exchange);
    let receipt: Receipt = exchange.receive(incoming, terms, TIME_OF_DAY);
    assert!(
        receipt.owed.is_some(),
        "it holds what an acknowledgment is made of"
    );
    shown.debug(&receipt);
    shown.debug(&exchange);
}

fn message_size(message: &Outgoing) -> usize {
    format!("{message:?}")
        .chars()
        .filter(char::is_ascii_digit)
        .collect::<String>()
        .parse()
        .expect("a size")
}

#[test]
fn what_is_known_afterwards_is_told_without_content() {
    print_what_is_known(&mut Printed::new());
}

fn print_what_is_known(shown: &mut Printed) {
    let refusal = asking_acknowledgment("AE");
    let reading = ack::read(&refusal, false).expect("an acknowledgment");
    let acknowledgment = Acknowledgment {
        code: reading.code,
        control_id: NAME.into(),
    };
    let mut reply = Reply {
        message: refusal.clone(),
        verdict: Verdict::Refused,
        acknowledgment: Some(acknowledgment.clone()),
        accept: Some(acknowledgment.clone()),
        commit: Some(Commit::Positive),
        errors: reading.errors(),
        warnings: vec![Warning::LateAcknowledgment(acknowledgment.clone())],
        transmissions: 1,
        retries: Vec::new(),
    };
    shown.debug(&reply);
    reply.errors.clear();
    let mut counters = Counters::default();
    counters.reply(&reply, Some(Duration::from_millis(3)));
    shown.debug(&counters);
    shown.debug(&ByVerdict::default());
    shown.debug(&ByDelivery::default());
    shown.debug(&Times::default());
    shown.debug(&acknowledgment);
    shown.debug(&Warning::LateAcknowledgment(acknowledgment));
    shown.debug(&Code::ApplicationError);
    shown.debug(&Severity::Error);
    shown.debug(&Commit::Negative);
    shown.debug(&CommitBlock::Due);
    let location = ErrorLocation {
        segment: "PID".to_owned(),
        sequence: Some(1),
        field: None,
        repetition: None,
        component: None,
        subcomponent: None,
    };
    shown.debug(&location);
    shown.debug(&ErrorDetail {
        location: Some(location),
        code: None,
        severity: None,
        application_code: None,
    });
    shown.debug(&Condition::Always);
    shown.debug(&Expectation::ORIGINAL);
    shown.debug(&Wait {
        limit: Limit::Quiet,
        silence: Silence::Ominous,
    });
    shown.debug(&Limit::Quiet);
    shown.debug(&Silence::Ominous);
    shown.debug(&Watch::new());
    shown.debug(&Segments::ETHERNET);
    shown.debug(&Ran {
        sent: 0,
        received: 0,
        now: START,
    });
    shown.debug(&Direction::Here);
    shown.display(&Event::Failed("timed-out", "in-doubt"));
    let mut notes = Notes::default();
    notes.note(Event::Came, 7);
    shown.debug(&notes);
    let mut transcript = Transcript::begin(START);
    transcript.take(&mut notes, START);
    shown.debug(&transcript);
    shown.debug(&transcript.entries()[0]);
}

/// Remembers the secrets that a handshake agreed on.
#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<Vec<u8>>>);

impl KeyLog for Secrets {
    fn log(&self, _: &str, _: &[u8], secret: &[u8]) {
        self.0.lock().expect("a lock").push(secret.to_vec());
    }
}

#[test]
fn tls_is_told_without_content_and_without_secrets() {
    for version in [&version::TLS12, &version::TLS13] {
        print_tls(&mut Printed::new(), version);
    }
}

/// Handshake, exchange and farewell with a receiver that talks first.
fn print_tls(shown: &mut Printed, version: &'static SupportedProtocolVersion) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["lab.example".to_owned()]).expect("a certificate");
    let key = signing_key.serialize_der();
    let secrets = Arc::new(Secrets::default());
    let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_no_client_auth();
    let own_key = PrivatePkcs8KeyDer::from(key.clone()).into();
    let mut server = server
        .with_single_cert(vec![cert.der().clone()], own_key)
        .expect("a server");
    server.key_log = secrets.clone();
    let mut server = ServerConnection::new(Arc::new(server)).expect("a server");
    let options = TlsOptions {
        insecure: true,
        // The receiver's key is the sender's too: one more secret.
        identity: Some(Identity {
            chain: cert.pem().into_bytes().into(),
            key: signing_key.serialize_pem().into_bytes().into(),
        }),
        ..TlsOptions::new()
    };
    shown.nets.push(Net::secret(&key, cert.der()));
    shown.debug(&options);
    let tls = Tls::new(&options, "lab.example").expect("options");
    tls.set_time(std::time::UNIX_EPOCH.elapsed().expect("a time"));
    let mut handshake = Handshake::new(tls.clone(), DEADLINE).expect("randomness");
    loop {
        shown.debug(&handshake);
        let sent = match handshake.poll(START) {
            Output::Transmit(bytes, _) => bytes.to_vec(),
            Output::Wait(_) => {
                // It says something as soon as it may.
                if !server.is_handshaking() {
                    server.writer().write_all(PLACE.as_bytes()).expect("memory");
                }
                handshake.handle(Input::Received(&said(&mut server)));
                continue;
            }
            _ => break,
        };
        handshake.handle(Input::Transmitted(sent.len()));
        hear(&mut server, &sent);
    }
    assert_eq!(handshake.failure(), None);
    server.writer().write_all(NAME.as_bytes()).expect("memory");
    handshake.handle(Input::Received(&said(&mut server)));
    for secret in secrets.0.lock().expect("a lock").iter() {
        shown.nets.push(Net::secret(secret, &[]));
    }
    shown.debug(&handshake);
    let (mut pump, early) = handshake.into_parts();
    assert!(!early.is_empty(), "the receiver talked first");
    shown.debug(&tls);
    shown.debug(&pump);

    server.writer().write_all(NAME.as_bytes()).expect("memory");
    let received: Received = pump.receive(&said(&mut server));
    assert!(received.plain.ends_with(NAME.as_bytes()));
    shown.debug(&received);
    pump.encrypt(&message("1")).expect("room");
    shown.debug(&pump);
    let agreed: TlsSession = pump.agreed();
    shown.debug(&agreed);
    let certificate = Certificate::read(cert.der()).expect("a certificate");
    shown.debug(&certificate);
    shown.display(&certificate.pin);
    shown.debug(&ClientCertificate::Given);
    let size = pump.to_transmit().len();
    let progress: Progress = pump.transmitted(size);
    shown.debug(&progress);
    shown.debug(&Farewell::new(&mut pump, DEADLINE));
    let mut session = Session::new(terms(), START).secured(pump, &early, Duration::ZERO);
    shown.debug(&session);
    begin(&mut session, &message("1"), &terms(), DEADLINE);
    shown.debug(&session);
}

fn said(server: &mut ServerConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut bytes).expect("memory");
    }
    bytes
}

fn hear(server: &mut ServerConnection, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        server.read_tls(&mut bytes).expect("memory");
        server.process_new_packets().expect("records");
    }
    let mut content = Vec::new();
    let _ = server.reader().read_to_end(&mut content);
}
