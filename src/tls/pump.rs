//! Records in, records out. The only file that knows which connection type of
//! rustls it is: the unbuffered one of 0.23, which 0.24 takes away.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

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
use crate::error::{Cause, CertificateProblem, TlsFailure, TlsProblem};
use crate::limits::{RECORD_BYTES_MAX, RESUMPTION_SECONDS_MAX, TLS_PENDING_BYTES_MAX};
use crate::memory::{append, append_zeros};
use crate::proto::frame::START_BLOCK;
use crate::segments::Segments;

/// One TLS connection, without the connection.
pub struct Pump {
    tls: Tls,
    connection: Box<UnbufferedClientConnection>,
    /// The receiver's bytes that are not a whole record, or message, yet.
    incoming: Vec<u8>,
    outgoing: Outgoing,
    heard: Heard,
    /// What became of the client certificate, so far.
    asked: ClientCertificate,
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
#[derive(Default)]
pub struct Received {
    /// Application data, in its order.
    pub plain: Vec<u8>,
    /// The receiver closed its direction, properly.
    pub ended: bool,
    /// The connection is over; what was to be told the receiver about it is among
    /// the bytes to transmit.
    pub failure: Option<Cause>,
}

impl fmt::Debug for Received {
    /// Tells lengths alone: a reply may quote patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("plain_bytes", &self.plain.len())
            .field("ended", &self.ended)
            .field("failure", &self.failure)
            .finish()
    }
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
        let config = &tls.config;
        if config.trust.looks_at_dates() {
            let now = config.time.seconds().unwrap_or_default();
            config.tickets.forget_expired(&tls.name, now);
        }
        let connection = UnbufferedClientConnection::new(config.client.clone(), tls.name.clone())
            .map_err(|error| problem(&error, ClientCertificate::NotAsked))?;
        let mut pump = Self {
            tls,
            connection: Box::new(connection),
            incoming: Vec::new(),
            outgoing: Outgoing::default(),
            heard: Heard::Nothing,
            asked: ClientCertificate::NotAsked,
            ended: false,
            failed: false,
        };
        match pump.receive(&[]).failure {
            None => Ok(pump),
            Some(cause) => Err(cause),
        }
    }

    /// Tells the time of day, as [`Tls::set_time`] does.
    pub fn set_time(&self, time: Duration) {
        self.tls.set_time(time);
    }

    /// Takes bytes from the receiver.
    pub fn receive(&mut self, bytes: &[u8]) -> Received {
        let mut received = Received::default();
        if self.failed {
            return received;
        }
        let outcome = self.take(bytes, &mut received.plain);
        received.failure = outcome.err();
        self.failed |= received.failure.is_some();
        received.ended = self.ended;
        received
    }

    fn take(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), Cause> {
        if let (Heard::Nothing, Some(first)) = (self.heard, bytes.first()) {
            self.heard = Heard::Handshake;
            foreign(*first)?;
        }
        append(&mut self.incoming, bytes)?;
        let before = (self.is_handshaking(), self.incoming.len());
        let outcome = self.process(plain);
        if let Some(asked) = self.tls.config.identity.take_asked() {
            self.asked = asked;
        }
        if let Err(trouble) = outcome {
            let cause = self.cause(trouble);
            self.append_alert();
            return Err(cause);
        }
        match (before, self.is_handshaking()) {
            ((true, _), false) => self.remember(),
            // A part of a record says nothing yet.
            ((false, bytes), false) if self.incoming.len() < bytes => {
                self.heard = Heard::AfterHandshake;
            }
            _ => {}
        }
        if self.incoming.len() > TLS_PENDING_BYTES_MAX {
            let reason = String::from("a message without end");
            return Err(TlsProblem::BrokenRules(reason).into());
        }
        Ok(())
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
            && self.asked != ClientCertificate::NotAsked
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

    /// How much of `plain` bytes of application data makes the records that go in the
    /// next write.
    #[must_use]
    pub fn next_part(&self, segments: Segments, plain: usize) -> usize {
        let overhead = self.outgoing.overhead;
        let beside = |records: usize| records.saturating_mul(overhead);
        let all = plain.saturating_add(beside(plain.div_ceil(RECORD_BYTES_MAX)));
        let next = segments.next_write(all);
        if next == all {
            return plain;
        }
        let records = next.div_ceil(RECORD_BYTES_MAX.saturating_add(overhead));
        next.saturating_sub(beside(records))
    }

    /// Puts application data into records to be transmitted.
    ///
    /// # Errors
    /// `tls` if the connection's keys are used up or the handshake goes on;
    /// `out-of-memory`.
    pub fn encrypt(&mut self, plain: &[u8]) -> Result<(), Cause> {
        let mut rest = plain;
        while !rest.is_empty() {
            let (record, after) = rest
                .split_at_checked(part(rest.len(), RECORD_BYTES_MAX))
                .unwrap_or((rest, &[]));
            self.write(record.len(), |traffic, room| traffic.encrypt(record, room))?;
            rest = after;
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
    #[must_use]
    pub fn agreed(&self) -> TlsSession {
        let connection = &self.connection;
        let chain = connection.peer_certificates().unwrap_or_default();
        let suite = connection.negotiated_cipher_suite();
        let suite = suite.and_then(|suite| suite.suite().as_str());
        let group = connection.negotiated_key_exchange_group();
        TlsSession {
            version: match connection.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
                _ => TlsVersion::Tls12,
            },
            // rustls tells the suites of TLS 1.3 by a prefix of its own.
            suite: suite.unwrap_or_default().replacen("TLS13_", "TLS_", 1),
            group: group
                .and_then(|group| group.name().as_str())
                .map(String::from),
            resumed: self.is_resumed(),
            client_certificate: self.asked,
            certificate: chain.first().and_then(|own| Certificate::read(own)),
            insecure: self.tls.is_insecure(),
        }
    }

    fn is_resumed(&self) -> bool {
        self.connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// How long what was just checked lets sessions be resumed without another
    /// look.
    fn remember(&self) {
        if self.is_resumed() {
            return;
        }
        let config = &self.tls.config;
        let now = config.time.seconds().unwrap_or_default();
        let chain = self.connection.peer_certificates().unwrap_or_default();
        let until = chain
            .iter()
            .map(|one| Certificate::read(one).map_or(0, |certificate| certificate.not_after))
            .fold(now.saturating_add(RESUMPTION_SECONDS_MAX), u64::min);
        config.tickets.good_until(&self.tls.name, until);
    }

    fn process(&mut self, plain: &mut Vec<u8>) -> Result<(), Trouble> {
        let mut begin = 0;
        let outcome = loop {
            let bytes = self.incoming.get_mut(begin..).unwrap_or_default();
            let status = self.connection.process_tls_records(bytes);
            let mut discard = status.discard;
            let more = match status.state {
                Err(error) => Err(error.into()),
                Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
                    match traffic.next_record() {
                        None => break Ok(true),
                        Some(Err(error)) => break Err(error.into()),
                        Some(Ok(record)) => {
                            discard = discard.saturating_add(record.discard);
                            if append(plain, record.payload).is_err() {
                                break Err(Trouble::Memory);
                            }
                        }
                    }
                },
                Ok(ConnectionState::EncodeTlsData(mut message)) => {
                    self.outgoing.append_message(&mut message).map(|()| true)
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
                Err(trouble) => break Err(trouble),
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
            // Where there is no memory for it, it stays unsaid.
            let _ = self.outgoing.append_message(&mut alert);
        }
    }

    /// Writes one record of `plain` bytes of application data by `seal`.
    fn write(
        &mut self,
        plain: usize,
        mut seal: impl FnMut(&mut Traffic<'_>, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> Result<(), Cause> {
        if self.failed {
            return Err(TlsProblem::UsedUp.into());
        }
        // Without a byte that was not there before; but rustls remembers where in
        // these the parts of a message stand.
        let status = self.connection.process_tls_records(&mut self.incoming);
        let Ok(ConnectionState::WriteTraffic(mut traffic)) = status.state else {
            return Err(TlsProblem::UsedUp.into());
        };
        let begin = self.outgoing.bytes.len();
        let sealed = self.outgoing.append(plain, |room| {
            seal(&mut traffic, room).map_err(|error| match error {
                EncryptError::InsufficientSize(size) => Some(size),
                EncryptError::EncryptExhausted => None,
            })
        });
        let end = sealed.map_err(|trouble| self.cause(trouble))?;
        if plain > 0 {
            let bytes = end.saturating_sub(begin);
            self.outgoing.overhead = bytes.saturating_sub(plain);
            self.outgoing
                .records
                .push_back(Record { begin, end, plain });
        }
        Ok(())
    }

    fn cause(&self, trouble: Trouble) -> Cause {
        let config = &self.tls.config;
        match (trouble, config.trust.take_refusal()) {
            (Trouble::Memory, _) => Cause::OutOfMemory,
            (Trouble::UsedUp, _) => TlsProblem::UsedUp.into(),
            (Trouble::Rustls(Error::InvalidCertificate(_)), Some(refusal)) => TlsFailure {
                problem: TlsProblem::Certificate(refusal.problem),
                certificate: refusal.certificate,
            }
            .into(),
            (Trouble::Rustls(Error::InvalidCertificate(_)), None) => {
                TlsProblem::Certificate(CertificateProblem::Malformed).into()
            }
            (Trouble::Rustls(error), _) => problem(&error, self.asked).into(),
        }
    }
}

/// Why the pump stops.
enum Trouble {
    Rustls(Error),
    UsedUp,
    Memory,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Rustls(error)
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
struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
    records: VecDeque<Record>,
    /// How many bytes the last record with application data had beside it.
    overhead: usize,
}

/// A record with application data, and where it stands.
struct Record {
    begin: usize,
    end: usize,
    plain: usize,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            sent: 0,
            records: VecDeque::new(),
            overhead: RECORD_OVERHEAD_BYTES,
        }
    }
}

impl Outgoing {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Appends what `write` makes, which says how much room it needs where the
    /// `expected` and a little more is too small, or that it makes nothing more.
    /// Returns where it ends.
    fn append(
        &mut self,
        expected: usize,
        mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<InsufficientSizeError>>,
    ) -> Result<usize, Trouble> {
        let begin = self.bytes.len();
        let mut room = expected.saturating_add(RECORD_OVERHEAD_BYTES_MAX);
        loop {
            self.bytes.truncate(begin);
            append_zeros(&mut self.bytes, room).map_err(|_| Trouble::Memory)?;
            match write(self.bytes.get_mut(begin..).unwrap_or_default()) {
                Ok(written) => {
                    self.bytes.truncate(begin.saturating_add(written));
                    return Ok(self.bytes.len());
                }
                Err(Some(InsufficientSizeError { required_size })) if required_size > room => {
                    room = required_size;
                }
                Err(_) => {
                    self.bytes.truncate(begin);
                    return Err(Trouble::UsedUp);
                }
            }
        }
    }

    /// Appends a message of TLS itself.
    fn append_message(
        &mut self,
        message: &mut EncodeTlsData<'_, ClientConnectionData>,
    ) -> Result<(), Trouble> {
        let end = self.append(0, |room| {
            message.encode(room).map_err(|error| match error {
                EncodeError::InsufficientSize(size) => Some(size),
                EncodeError::AlreadyEncoded => None,
            })
        });
        end.map(|_| ())
    }

    fn advance(&mut self, bytes: usize) -> Progress {
        self.sent = self.sent.saturating_add(bytes).min(self.bytes.len());
        let mut progress = Progress::default();
        let sent = if broken!(RecordCountedLate) {
            self.sent.saturating_sub(1)
        } else {
            self.sent
        };
        while let Some(record) = self.records.pop_front_if(|record| record.end <= sent) {
            progress.whole = progress.whole.saturating_add(record.plain);
        }
        let next = self.records.front();
        progress.part =
            next.is_some_and(|record| record.begin < self.sent) && !broken!(PartUncounted);
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        }
        progress
    }
}

/// How much of `bytes` goes into one of several parts of `most` bytes. The last
/// part is never a single byte: a receiver that answers the end block would answer
/// before the carriage return was handed over.
const fn part(bytes: usize, most: usize) -> usize {
    if bytes <= most {
        bytes
    } else if bytes.saturating_sub(most) == 1 {
        most.saturating_sub(1)
    } else {
        most
    }
}

/// Header, nonce, content type and tag of a record take no more, in bytes.
const RECORD_OVERHEAD_BYTES_MAX: usize = 64;

/// What they take under TLS 1.3 (RFC 8446 section 5.2), in bytes.
const RECORD_OVERHEAD_BYTES: usize = 22;

/// TLS begins with one of its content types (RFC 8446 section 5.1), MLLP with a
/// start block.
const fn foreign(first: u8) -> Result<(), TlsProblem> {
    match first {
        20..=24 => Ok(()),
        START_BLOCK => Err(TlsProblem::PlainMllp),
        _ => Err(TlsProblem::NotTls),
    }
}
