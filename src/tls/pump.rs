//! Records in, records out. The only file that knows which connection type of
//! rustls it is: the unbuffered one of 0.23, which 0.24 takes away.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError, WriteTraffic,
};
use rustls::{Error, HandshakeKind, ProtocolVersion};

use super::certificate::Certificate;
use super::config::Tls;
pub use super::identity::ClientCertificate;
use super::options::TlsVersion;
use super::problem::problem;
use super::trust::Refusal;
use crate::error::{Cause, CertificateProblem, ClockAndBound, TlsFailure, TlsProblem};
use crate::limits::{RECORD_BYTES_MAX, TLS_PENDING_BYTES_MAX};

/// One TLS connection, without the connection.
pub struct Pump {
    tls: Tls,
    connection: UnbufferedClientConnection,
    /// The receiver's bytes that are not a whole record, or message, yet.
    incoming: Vec<u8>,
    outgoing: Outgoing,
    heard: Heard,
    ended: bool,
    /// rustls must not be asked again.
    failed: bool,
}

/// How far the receiver has been heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    Nothing,
    Handshake,
    AfterHandshake,
}

/// What the receiver's bytes held.
#[derive(Debug, Default)]
pub struct Received {
    /// Application data, in its order.
    pub plain: Vec<u8>,
    /// The receiver closed its direction, properly.
    pub ended: bool,
    /// The connection is over; what was to be told the receiver about it is among
    /// the bytes to transmit.
    pub failure: Option<Cause>,
}

/// What it means that bytes were transmitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many bytes of application data are in records that went whole.
    pub whole: usize,
    /// A record with application data went in part.
    pub part: bool,
}

/// What a handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// The version.
    pub version: TlsVersion,
    /// The cipher suite, by its IANA name.
    pub suite: String,
    /// The group the keys were agreed in, by its IANA name; none in a resumed
    /// session of TLS 1.2.
    pub group: Option<String>,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// What became of the client certificate.
    pub client_certificate: ClientCertificate,
    /// The receiver's certificate; `None` where it cannot be read.
    pub certificate: Option<Certificate>,
    /// The receiver's identity was not checked.
    pub insecure: bool,
}

impl Pump {
    /// Begins a handshake: its first message waits to be transmitted.
    ///
    /// # Errors
    /// `tls` where the host gave no randomness or no time of day.
    pub fn new(tls: Tls) -> Result<Self, Cause> {
        tls.config.identity.begin();
        let config = tls.config.client.clone();
        let connection = UnbufferedClientConnection::new(config, tls.name.clone())
            .map_err(|error| problem(&error, ClientCertificate::NotAsked))?;
        let mut pump = Self {
            tls,
            connection,
            incoming: Vec::new(),
            outgoing: Outgoing::default(),
            heard: Heard::Nothing,
            ended: false,
            failed: false,
        };
        match pump.receive(&[]).failure {
            None => Ok(pump),
            Some(cause) => Err(cause),
        }
    }

    /// Takes bytes from the receiver.
    pub fn receive(&mut self, bytes: &[u8]) -> Received {
        let mut received = Received::default();
        if self.heard == Heard::Nothing
            && let Some(first) = bytes.first()
        {
            self.heard = Heard::Handshake;
            received.failure = foreign(*first).map(Cause::from);
        } else if !bytes.is_empty() && !self.is_handshaking() {
            self.heard = Heard::AfterHandshake;
        }
        if self.failed || received.failure.is_some() {
            return received;
        }
        self.incoming.extend_from_slice(bytes);
        if let Err(error) = self.process(&mut received.plain) {
            received.failure = Some(self.failure(&error));
            self.failed = true;
            self.append_alert();
        } else if self.incoming.len() > TLS_PENDING_BYTES_MAX {
            let reason = String::from("a message without end");
            received.failure = Some(TlsProblem::BrokenRules(reason).into());
        }
        received.ended = self.ended;
        received
    }

    /// Whether the handshake goes on.
    #[must_use]
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether nothing at all came from the receiver.
    #[must_use]
    pub fn has_heard_nothing(&self) -> bool {
        self.heard == Heard::Nothing
    }

    /// Whether a record, or a message of the handshake, has come in part.
    #[must_use]
    pub fn holds_part_of_a_record(&self) -> bool {
        !self.incoming.is_empty()
    }

    /// Whether the receiver asked for a client certificate and may yet say, under
    /// TLS 1.3, that it does not accept what it got (RFC 8446 section 4.4.2).
    #[must_use]
    pub fn awaits_verdict_on_identity(&self) -> bool {
        self.heard < Heard::AfterHandshake
            && self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3)
            && self.tls.config.identity.last() != ClientCertificate::NotAsked
    }

    /// Whether the receiver's identity is not checked.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.tls.is_insecure()
    }

    /// Whether X25519MLKEM768 is offered.
    #[must_use]
    pub fn offers_hybrid(&self) -> bool {
        self.tls.config.hybrid
    }

    /// What is to be transmitted, as far as it is there.
    #[must_use]
    pub fn to_transmit(&self) -> &[u8] {
        self.outgoing.rest()
    }

    /// Whether application data is among what is to be transmitted.
    #[must_use]
    pub fn holds_application_data(&self) -> bool {
        !self.outgoing.records.is_empty()
    }

    /// The next `bytes` of it are, or may be, with the transport.
    pub fn transmitted(&mut self, bytes: usize) -> Progress {
        self.outgoing.advance(bytes)
    }

    /// Puts application data into records to be transmitted.
    ///
    /// # Errors
    /// `tls` if the connection's keys are used up or the handshake goes on.
    pub fn encrypt(&mut self, plain: &[u8]) -> Result<(), Cause> {
        for record in plain.chunks(RECORD_BYTES_MAX) {
            self.write(record.len(), |traffic, room| traffic.encrypt(record, room))?;
        }
        Ok(())
    }

    /// Puts TLS's closing (RFC 8446 section 6.1) to what is to be transmitted.
    ///
    /// # Errors
    /// As [`encrypt`](Self::encrypt).
    pub fn close(&mut self) -> Result<(), Cause> {
        self.write(0, |traffic, room| traffic.queue_close_notify(room))
    }

    /// What the handshake agreed on.
    ///
    /// # Errors
    /// `tls` if a session was resumed whose certificate has expired since:
    /// resuming does not look.
    pub fn agreed(&self) -> Result<TlsSession, Cause> {
        let connection = &self.connection;
        let resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        let chain = connection.peer_certificates().unwrap_or_default();
        let certificate = chain.first().and_then(|own| Certificate::read(own));
        let clock = self.tls.config.time.seconds().unwrap_or_default();
        if let (true, true, Some(certificate)) = (
            resumed,
            self.tls.config.trust.looks_at_dates(),
            &certificate,
        ) && clock > certificate.not_after
        {
            self.tls.config.tickets.forget(&self.tls.name);
            let bound = certificate.not_after;
            let expired = CertificateProblem::Expired(ClockAndBound { clock, bound });
            return Err(Cause::Tls(alloc::boxed::Box::new(TlsFailure {
                problem: TlsProblem::Certificate(expired),
                certificate: Some(certificate.clone()),
            })));
        }
        let suite = connection.negotiated_cipher_suite();
        let suite = suite.and_then(|suite| suite.suite().as_str());
        let group = connection.negotiated_key_exchange_group();
        Ok(TlsSession {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
                _ => TlsVersion::Tls12,
            },
            // rustls tells the suites of TLS 1.3 by a prefix of its own.
            suite: suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1),
            group: group
                .and_then(|group| group.name().as_str())
                .map(String::from),
            resumed,
            client_certificate: self.tls.config.identity.last(),
            certificate,
            insecure: self.tls.is_insecure(),
        })
    }

    fn process(&mut self, plain: &mut Vec<u8>) -> Result<(), Error> {
        let mut begin = 0;
        let outcome = loop {
            let bytes = self.incoming.get_mut(begin..).unwrap_or_default();
            let status = self.connection.process_tls_records(bytes);
            let mut discard = status.discard;
            let more = match status.state {
                Err(error) => Err(error),
                Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                    match traffic.next_record() {
                        None => break Ok(true),
                        Some(Err(error)) => break Err(error),
                        Some(Ok(record)) => {
                            discard = discard.saturating_add(record.discard);
                            plain.extend_from_slice(record.payload);
                        }
                    }
                },
                Ok(ConnectionState::EncodeTlsData(mut message)) => {
                    self.outgoing.append_message(&mut message);
                    Ok(true)
                }
                Ok(ConnectionState::TransmitTlsData(transmit)) => {
                    transmit.done();
                    Ok(true)
                }
                Ok(ConnectionState::PeerClosed) => {
                    self.ended = true;
                    Ok(true)
                }
                Ok(_) => Ok(false),
            };
            begin = begin.saturating_add(discard);
            match more {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.incoming.drain(..begin.min(self.incoming.len()));
        outcome
    }

    /// What rustls has to tell the receiver about an error waits behind it.
    fn append_alert(&mut self) {
        while self.connection.wants_write() {
            let status = self.connection.process_tls_records(&mut self.incoming);
            let Ok(ConnectionState::EncodeTlsData(mut alert)) = status.state else {
                return;
            };
            self.outgoing.append_message(&mut alert);
        }
    }

    /// Writes one record of `plain` bytes of application data by `seal`.
    fn write(
        &mut self,
        plain: usize,
        mut seal: impl FnMut(&mut Traffic<'_>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> Result<(), Cause> {
        let used_up = || TlsProblem::BrokenRules(String::from("no more may be sent"));
        if self.failed {
            return Err(used_up().into());
        }
        // Without a byte that was not there before; but rustls remembers where in
        // these the parts of a message stand.
        let status = self.connection.process_tls_records(&mut self.incoming);
        let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state else {
            return Err(used_up().into());
        };
        let begin = self.outgoing.bytes.len();
        let sealed = self.outgoing.append(plain, |room| {
            seal(&mut traffic, room).map_err(|error| match error {
                EncryptError::InsufficientSize(size) => Some(size),
                EncryptError::EncryptExhausted => None,
            })
        });
        let end = sealed.ok_or_else(used_up)?;
        if plain > 0 {
            self.outgoing
                .records
                .push_back(Record { begin, end, plain });
        }
        Ok(())
    }

    fn failure(&self, error: &Error) -> Cause {
        let config = &self.tls.config;
        match (error, config.trust.take_refusal()) {
            (
                Error::InvalidCertificate(_),
                Some(Refusal {
                    problem,
                    certificate,
                }),
            ) => Cause::Tls(alloc::boxed::Box::new(TlsFailure {
                problem: TlsProblem::Certificate(problem),
                certificate,
            })),
            (Error::InvalidCertificate(_), None) => {
                TlsProblem::Certificate(CertificateProblem::Malformed).into()
            }
            (error, _) => problem(error, config.identity.last()).into(),
        }
    }
}

type Traffic<'c> = WriteTraffic<'c, ClientConnectionData>;

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pump")
            .field("incoming", &self.incoming.len())
            .field("outgoing", &self.outgoing.rest().len())
            .field("heard", &self.heard)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Bytes to be transmitted, and which of them are application data.
#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    records: VecDeque<Record>,
}

/// A record with application data, and where it stands.
struct Record {
    begin: usize,
    end: usize,
    plain: usize,
}

impl Outgoing {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Appends what `write` makes, which says how much room it needs where the
    /// `expected` and a little more is too small. Returns where it ends; `None`
    /// if it cannot be made.
    fn append(
        &mut self,
        expected: usize,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<InsufficientSizeError>>,
    ) -> Option<usize> {
        let begin = self.bytes.len();
        let mut room = expected.saturating_add(RECORD_OVERHEAD_BYTES);
        loop {
            self.bytes.resize(begin.saturating_add(room), 0);
            match write(self.bytes.get_mut(begin..).unwrap_or_default()) {
                Ok(written) => {
                    self.bytes.truncate(begin.saturating_add(written));
                    return Some(self.bytes.len());
                }
                Err(Some(InsufficientSizeError { required_size })) if required_size > room => {
                    room = required_size;
                }
                Err(_) => {
                    self.bytes.truncate(begin);
                    return None;
                }
            }
        }
    }

    /// Appends a message of TLS itself, which is always whole and always fits.
    fn append_message(&mut self, message: &mut EncodeTlsData<'_, ClientConnectionData>) {
        self.append(0, |room| {
            message.encode(room).map_err(|error| match error {
                EncodeError::InsufficientSize(size) => Some(size),
                EncodeError::AlreadyEncoded => None,
            })
        });
    }

    fn advance(&mut self, bytes: usize) -> Progress {
        self.sent = self.sent.saturating_add(bytes).min(self.bytes.len());
        let mut progress = Progress::default();
        while let Some(record) = self.records.pop_front_if(|record| record.end <= self.sent) {
            progress.whole = progress.whole.saturating_add(record.plain);
        }
        let next = self.records.front();
        progress.part = next.is_some_and(|record| record.begin < self.sent);
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        }
        progress
    }
}

/// Header, nonce, content type and tag of a record take no more, in bytes.
const RECORD_OVERHEAD_BYTES: usize = 64;

/// TLS begins with one of its content types (RFC 8446 section 5.1), MLLP with a
/// start block.
fn foreign(first: u8) -> Option<TlsProblem> {
    match first {
        20..=24 => None,
        crate::proto::frame::START_BLOCK => Some(TlsProblem::PlainMllp),
        _ => Some(TlsProblem::NotTls),
    }
}
