//! What failed, where, and what is known about the message. No type here can
//! hold message content: codes, lengths and offsets only.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use thiserror::Error;

use crate::limits::ATTEMPTS_TOLD_MAX;
use crate::proto::warning::Warning;
use crate::tls::certificate::{Certificate, time};

/// What is known about the message when a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Nothing of the frame reached the transport. It may be sent again.
    NotSent,
    /// Some of the frame reached the transport, but never its end block. A
    /// conforming receiver discards it.
    CutShort,
    /// The whole frame may have arrived and nothing judged it.
    InDoubt,
}

impl Delivery {
    /// The word for it, as the README's table has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotSent => "not-sent",
            Self::CutShort => "cut-short",
            Self::InDoubt => "in-doubt",
        }
    }
}

/// Where a call was when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before anything left: options, the guard, or a client that has ended.
    Prepare,
    /// Looking up the host's addresses.
    Resolve,
    /// Connecting, one address after another.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Handing the frame over, or looking at the idle connection just before.
    Write,
    /// Waiting for the commit (accept) acknowledgment of enhanced mode.
    Commit,
    /// Waiting for the acknowledgment.
    Reply,
    /// Closing the connection.
    Close,
}

impl Phase {
    /// The word for it, as the WIT has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Write => "write",
            Self::Commit => "commit",
            Self::Reply => "reply",
            Self::Close => "close",
        }
    }
}

/// The option that holds a value no connection can work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidOption {
    /// The host is empty, or neither a name nor an address.
    #[error("the host is empty, or neither a name nor an address")]
    Host,
    /// The port is zero.
    #[error("the port is zero")]
    Port,
    /// The timeout of an exchange is zero.
    #[error("the timeout is zero")]
    Timeout,
    /// The timeout of connecting is zero.
    #[error("the timeout of connecting is zero")]
    ConnectTimeout,
    /// The limit on a reply's content is zero.
    #[error("the largest reply allowed has zero bytes")]
    MaxMessageSize,
    /// The limit on what may be sent is zero.
    #[error("the largest message allowed has zero bytes")]
    MaxSendSize,
    /// The second receiver's host is empty, or neither a name nor an address, or
    /// its port is zero.
    #[error("the second receiver's host is empty or unusable, or its port is zero")]
    SecondReceiver,
    /// The timeout of the accept acknowledgment is zero.
    #[error("the timeout of the accept acknowledgment is zero")]
    AcceptTimeout,
    /// The timeout of the application acknowledgment is zero.
    #[error("the timeout of the application acknowledgment is zero")]
    ApplicationTimeout,
    /// The quiet period is zero.
    #[error("the quiet period is zero")]
    QuietPeriod,
    /// The idle limit is zero.
    #[error("the idle limit is zero")]
    IdleLimit,
    /// These bytes cannot frame anything.
    #[error("{0}")]
    Framing(FramingPart),
    /// The delays of reconnecting are zero or the wrong way round, or no attempt or
    /// no time is allowed.
    #[error(
        "reconnecting cannot work: its minimum delay is zero or above its maximum, or it may \
         make no attempt, or has no time"
    )]
    Reconnect,
    /// A time or a number of keep-alive probes is zero.
    #[error("a time or a number of keep-alive probes is zero")]
    KeepAlive,
    /// The server name, or the host where none is set, is no DNS name and no
    /// address.
    #[error(
        "no certificate can be checked against the server name: it is no DNS name and no address"
    )]
    ServerName,
    /// A certificate authority.
    #[error("certificate authority {0}")]
    Authority(InvalidItem),
    /// A certificate revocation list.
    #[error("certificate revocation list {0}")]
    RevocationList(InvalidItem),
    /// A pin, counted from 1.
    #[error(
        "pin {0} is none: write sha256/ and the base64 of a SHA-256, or its 64 hexadecimal digits"
    )]
    Pin(u32),
    /// A certificate of the identity's chain.
    #[error("client certificate {0}")]
    IdentityCertificate(InvalidItem),
    /// The identity's private key.
    #[error("private key {0}")]
    IdentityKey(InvalidItem),
    /// The private key belongs to another certificate.
    #[error("the private key does not belong to the first client certificate")]
    IdentityMismatch,
    /// Nothing could be trusted.
    #[error("nothing is trusted: neither Mozilla's authorities nor one's own, or no pin")]
    NoTrust,
}

/// A part of the framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FramingPart {
    /// The start block.
    #[error("the start block is empty or longer than 31 bytes, or a part of MSH")]
    StartBlock,
    /// The end block.
    #[error(
        "the end block is empty or longer than 31 bytes, or a part of MSH, or contains the start \
         block, or is contained in it"
    )]
    EndBlock,
    /// The trailer.
    #[error("the trailer is longer than 31 bytes")]
    Trailer,
}

/// A thing among handed-in bytes, told by where it stands and never by what it
/// holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{position} {reason}")]
pub struct InvalidItem {
    /// Which of its kind, counted from 1.
    pub position: u32,
    /// What is wrong with it.
    pub reason: InvalidItemReason,
}

/// Why handed-in bytes are not what they ought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidItemReason {
    /// There is none of its kind in the bytes.
    #[error("is missing: the bytes hold none, neither in PEM nor in DER")]
    Missing,
    /// It is neither PEM nor DER of its kind, or is damaged.
    #[error("is damaged, or is something else")]
    Malformed,
    /// It is encrypted.
    #[error("is encrypted; open it with: openssl pkey -in KEY -out OPEN.pem")]
    Encrypted,
    /// It is a PKCS#12 file.
    #[error(
        "is in a PKCS#12 file; take it apart with: openssl pkcs12 -in FILE -nodes -out BOTH.pem"
    )]
    Pkcs12,
    /// It is a Java key store.
    #[error(
        "is in a Java key store; take it apart with: keytool -importkeystore -srckeystore FILE \
         -destkeystore FILE.p12 -deststoretype pkcs12, then openssl pkcs12 -in FILE.p12 -nodes \
         -out BOTH.pem"
    )]
    JavaKeyStore,
    /// It is of a kind that cannot be worked with.
    #[error(
        "is of a kind that cannot be used: keys are ECDSA P-256 or P-384, Ed25519, or RSA of \
         2048 to 8192 bits"
    )]
    Unsupported,
}

/// A byte of the framing inside a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservedByte {
    /// Where it stands, in bytes from the message's start.
    pub offset: u64,
    /// Which byte.
    pub byte: u8,
}

/// A size and the limit it went over, in bytes of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// The limit.
    pub limit: u64,
    /// The size; for a reply, which is not read to its end, the least it can
    /// be.
    pub size: u64,
}

/// Why the guard refused a message before its first byte was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidMessage {
    /// It has no bytes.
    #[error("it is empty")]
    Empty,
    /// It does not begin with an MSH segment that names its separators.
    #[error("it does not begin with an MSH segment")]
    NoHeader,
    /// It is in UTF-16 or UTF-32, or begins with a byte order mark.
    #[error("it is in UTF-16 or UTF-32, or begins with a byte order mark")]
    WideEncoding,
    /// A second MSH segment begins at this offset.
    #[error("a second MSH segment begins at byte {0}")]
    SecondHeader(u64),
    /// It contains a byte of the framing.
    #[error("byte {} is 0x{:02X}, which belongs to the framing", .0.offset, .0.byte)]
    ReservedByte(ReservedByte),
    /// MSH-15 or MSH-16, whose number this is, is none of AL, NE, ER and SU.
    #[error("MSH-{0} is none of AL, NE, ER and SU")]
    UnknownCondition(u8),
    /// MSH-10 is empty.
    #[error("MSH-10, the control id, is empty")]
    NoControlId,
    /// It is larger than what may be sent.
    #[error("it has {} bytes where {} are allowed", .0.size, .0.limit)]
    TooLarge(OverLimit),
}

/// The grant that the host withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Grant {
    /// TCP sockets at all.
    #[error(
        "the host does not let this component use TCP: grant it the network \
         (wasmtime run: -S inherit-network; wasmtime crate: WasiCtxBuilder::allow_tcp \
         and socket_addr_check)"
    )]
    Tcp,
    /// This address.
    #[error(
        "the host does not let this component connect to this address: allow it \
         (wasmtime run: -S inherit-network; wasmtime crate: socket_addr_check; \
         Spin: allowed_outbound_hosts; wasmCloud: allowedHosts)"
    )]
    Address,
    /// Looking up names.
    #[error(
        "the host does not let this component look up names: grant it \
         (wasmtime run: -S allow-ip-name-lookup; wasmtime crate: \
         WasiCtxBuilder::allow_ip_name_lookup), or name the receiver by its address"
    )]
    NameLookup,
}

/// How the receiver's bytes and the exchange came apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Desync {
    /// Unread bytes that begin no frame stood on the idle connection.
    #[error("unread bytes that begin no frame stood on the idle connection")]
    UnreadBytes,
    /// A frame that nobody asked for stood on the idle connection.
    #[error("a frame that belongs to no message in progress stood on the idle connection")]
    UnreadFrame,
    /// The receiver answered before it had been given the end block.
    #[error("the receiver answered before it had the whole message")]
    EarlyReply,
    /// Bytes other than white space came where a start block was due.
    #[error("the receiver sent bytes where a start block was due")]
    BytesBeforeStartBlock,
    /// A second start block came inside the reply.
    #[error("the receiver began a frame inside a frame")]
    StartBlockInFrame,
    /// The end block was not followed by a carriage return.
    #[error("the reply's end block was not followed by a carriage return")]
    MissingCarriageReturn,
    /// The reply acknowledges another message: MSA-2 is not MSH-10.
    #[error("the reply acknowledges another message")]
    OtherControlId,
    /// A commit block of MLLP Release 2 came where none was due.
    #[error("a commit block came where none was due")]
    UnexpectedCommit,
}

/// Why a framed reply is no acknowledgment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidReply {
    /// The frame is empty.
    #[error("the frame is empty")]
    Empty,
    /// It does not begin with an MSH segment that names its separators.
    #[error("it does not begin with an MSH segment")]
    NoHeader,
    /// It has no MSA segment.
    #[error("it has no MSA segment")]
    NoAcknowledgment,
    /// MSA-1 is none of AA, AE, AR, CA, CE and CR.
    #[error("MSA-1 is no acknowledgment code")]
    UnknownCode,
    /// Its segments end with line feeds, and the caller forbade that.
    #[error("its segments end with line feeds, which is forbidden")]
    LineFeedSegments,
}

/// A time the certificate sets, and the time the host's clock showed, in seconds
/// since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockAndBound {
    /// What the host's clock showed.
    pub clock: u64,
    /// What the certificate says.
    pub bound: u64,
}

/// Why the receiver's certificate does not prove who it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateProblem {
    /// No trusted authority issued it.
    #[error(
        "no trusted authority issued it: its authority is not among those trusted, or the \
         receiver leaves out a certificate in between"
    )]
    UnknownIssuer,
    /// It issued itself.
    #[error("it issued itself, and is not trusted: trust it as an authority, or pin it")]
    SelfSigned,
    /// It has expired.
    #[error("it expired at {}, and the host's clock reads {}", time(.0.bound), time(.0.clock))]
    Expired(ClockAndBound),
    /// It is not valid yet.
    #[error(
        "it is not valid before {}, and the host's clock reads {}",
        time(.0.bound), time(.0.clock)
    )]
    NotYetValid(ClockAndBound),
    /// It is for other names than this.
    #[error("it is not for {0}")]
    WrongName(String),
    /// It is not for servers.
    #[error("it is not for servers: its extended key usage says so")]
    WrongUsage,
    /// It is an authority's own.
    #[error(
        "it is an authority's own certificate, shown as the receiver's, as openssl req -x509 \
         makes them; no chain can prove it: pin it instead"
    )]
    AuthorityAsReceiver,
    /// It, or one on the way, is revoked.
    #[error("it is revoked, or one on the way to its authority is")]
    Revoked,
    /// The revocation lists do not tell.
    #[error(
        "the revocation lists do not tell about it or about one on the way to its authority, or \
         have expired, or are another issuer's"
    )]
    RevocationUnknown,
    /// A signature in the chain is wrong.
    #[error("a signature in its chain is wrong")]
    BadSignature,
    /// A signature or key of a kind no longer trusted.
    #[error(
        "a signature or a key in its chain is of a kind that is not trusted: SHA-1, RSA below \
         2048 bits, or something unknown"
    )]
    WeakSignature,
    /// An authority was not allowed to issue it.
    #[error(
        "an authority in its chain was not allowed to issue it: a constraint on names or on the \
         chain's length"
    )]
    ConstraintViolated,
    /// The chain is too long.
    #[error("its chain is too long, or takes too much work to check")]
    ChainTooLong,
    /// It cannot be read.
    #[error("it cannot be read, or holds a critical extension that nobody here knows")]
    Malformed,
    /// Its public key has none of the pins.
    #[error("its public key has none of the pins")]
    PinMismatch,
}

/// Why TLS did not come about, or ended.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TlsProblem {
    /// Plain MLLP came.
    #[error("the receiver does not speak TLS on this port: it speaks plain MLLP")]
    PlainMllp,
    /// Something came that is not TLS.
    #[error("the receiver does not speak TLS on this port")]
    NotTls,
    /// No version in common.
    #[error("the receiver speaks no version of TLS in common: 1.2 and 1.3, or what is allowed")]
    NoCommonVersion,
    /// No suite, group or signature scheme in common.
    #[error(
        "the receiver has no cipher suite, group or signature scheme in common; CBC suites and \
         RSA key exchange, as the old suite of IHE ITI-19 has them, do not exist here"
    )]
    NoCommonSuite,
    /// The certificate does not prove who the receiver is.
    #[error("the receiver's certificate is not accepted: {0}")]
    Certificate(CertificateProblem),
    /// A client certificate is wanted, and none was given.
    #[error("the receiver wants a client certificate, and none was given that suits it")]
    ClientCertificateRequired,
    /// The client certificate was refused, with this alert.
    #[error("the receiver refused the client certificate: {0}")]
    ClientCertificateRefused(&'static str),
    /// The receiver refused, with this alert.
    #[error("the receiver refused: {0}")]
    Refused(&'static str),
    /// The stream ended in the middle of a reply without a close_notify.
    #[error("the receiver's stream was cut off in the middle of a reply")]
    Truncated,
    /// The receiver broke the rules of TLS.
    #[error("the receiver broke the rules of TLS: {0}")]
    BrokenRules(String),
    /// The connection's keys have encrypted all that they may.
    #[error("the connection's keys are used up; connect anew")]
    UsedUp,
    /// The host gave no randomness or no time of day.
    #[error("the host gave no {0}")]
    Host(&'static str),
}

impl TlsProblem {
    /// The word for it, as the WIT names the case; of a certificate, the word
    /// for its problem.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::PlainMllp => "plain-mllp",
            Self::NotTls => "not-tls",
            Self::NoCommonVersion => "no-common-version",
            Self::NoCommonSuite => "no-common-suite",
            Self::Certificate(problem) => problem.word(),
            Self::ClientCertificateRequired => "client-certificate-required",
            Self::ClientCertificateRefused(_) => "client-certificate-refused",
            Self::Refused(_) => "refused",
            Self::Truncated => "truncated",
            Self::BrokenRules(_) => "broken-rules",
            Self::UsedUp => "used-up",
            Self::Host(_) => "host",
        }
    }
}

impl CertificateProblem {
    /// The word for it, as the WIT names the case.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::UnknownIssuer => "unknown-issuer",
            Self::SelfSigned => "self-signed",
            Self::Expired(_) => "expired",
            Self::NotYetValid(_) => "not-yet-valid",
            Self::WrongName(_) => "wrong-name",
            Self::WrongUsage => "wrong-usage",
            Self::AuthorityAsReceiver => "authority-as-receiver",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation-unknown",
            Self::BadSignature => "bad-signature",
            Self::WeakSignature => "weak-signature",
            Self::ConstraintViolated => "constraint-violated",
            Self::ChainTooLong => "chain-too-long",
            Self::Malformed => "malformed",
            Self::PinMismatch => "pin-mismatch",
        }
    }
}

/// A failure of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFailure {
    /// Why.
    pub problem: TlsProblem,
    /// The receiver's certificate, where the failure is about it.
    pub certificate: Option<Certificate>,
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem)?;
        match &self.certificate {
            Some(certificate) => write!(f, " [{certificate}]"),
            None => Ok(()),
        }
    }
}

impl From<TlsFailure> for Cause {
    fn from(failure: TlsFailure) -> Self {
        Self::Tls(Box::new(failure))
    }
}

impl From<TlsProblem> for Cause {
    fn from(problem: TlsProblem) -> Self {
        Self::from(TlsFailure {
            problem,
            certificate: None,
        })
    }
}

/// What may be behind a failure that does not say so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Nothing came back after a first message that offered the hybrid group.
    LargeHello,
    /// Nothing came back after the first message of the handshake.
    Hello,
    /// The receiver had asked for a client certificate, and has not said what it
    /// makes of it.
    ClientCertificate,
}

impl Hint {
    const fn sentence(self) -> &'static str {
        match self {
            Self::LargeHello => {
                "nothing came after the first message: a receiver that does not speak TLS does \
                 that, and so does an old middlebox that does not let the hybrid group's larger \
                 message through; try without it (--no-hybrid, set-hybrid)"
            }
            Self::Hello => {
                "nothing came after the first message, as from a receiver that does not speak TLS"
            }
            Self::ClientCertificate => {
                "the receiver had asked for a client certificate; under TLS 1.3 one that it does \
                 not accept may end like this"
            }
        }
    }
}

/// What failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Cause {
    /// An option holds a value that cannot work.
    #[error("{0}")]
    InvalidOption(InvalidOption),
    /// The guard refused the message.
    #[error("the message cannot be sent: {0}")]
    InvalidMessage(InvalidMessage),
    /// The client was closed, or an earlier failure ended it.
    #[error("the client has ended; connect anew")]
    Closed,
    /// The host's sandbox does not allow it.
    #[error("{0}")]
    AccessDenied(Grant),
    /// The name has no address.
    #[error("the name has no address")]
    NameUnresolvable,
    /// The name could not be looked up just now.
    #[error("the name could not be looked up just now")]
    NameLookupFailed,
    /// Nothing listens there.
    #[error("connection refused: nothing listens there")]
    ConnectionRefused,
    /// No way leads there.
    #[error("unreachable: no way leads there")]
    Unreachable,
    /// The deadline of the call, or the limit of the acknowledgment waited for,
    /// passed.
    #[error("the deadline passed")]
    TimedOut,
    /// The quiet period passed without the acknowledgment that the message asks
    /// for on success only.
    #[error("silence, where the message asks for an acknowledgment on success only")]
    Silence,
    /// The receiver ended the connection.
    #[error("the receiver ended the connection")]
    ConnectionEnded,
    /// The connection broke.
    #[error("the connection broke")]
    ConnectionBroken,
    /// The receiver's bytes do not fit the exchange.
    #[error("out of step: {0}")]
    ProtocolDesync(Desync),
    /// The reply's content is over the limit.
    #[error("the reply has at least {} bytes where {} are allowed", .0.size, .0.limit)]
    MessageTooLarge(OverLimit),
    /// A whole frame came, but it is no acknowledgment.
    #[error("the reply is no acknowledgment: {0}")]
    InvalidReply(InvalidReply),
    /// TLS did not come about, or ended.
    #[error("{0}")]
    Tls(Box<TlsFailure>),
    /// The host refuses the memory that the message or its reply needs.
    #[error("the host refuses the memory needed")]
    OutOfMemory,
    /// Something the host reported that fits no other case.
    #[error("the host reported: {0}")]
    Other(&'static str),
}

impl Cause {
    /// The word for it, as the WIT names the case.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::InvalidOption(_) => "invalid-option",
            Self::InvalidMessage(_) => "invalid-message",
            Self::Closed => "closed",
            Self::AccessDenied(_) => "access-denied",
            Self::NameUnresolvable => "name-unresolvable",
            Self::NameLookupFailed => "name-lookup-failed",
            Self::ConnectionRefused => "connection-refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Silence => "silence",
            Self::ConnectionEnded => "connection-ended",
            Self::ConnectionBroken => "connection-broken",
            Self::ProtocolDesync(_) => "protocol-desync",
            Self::MessageTooLarge(_) => "message-too-large",
            Self::InvalidReply(_) => "invalid-reply",
            Self::Tls(_) => "tls",
            Self::OutOfMemory => "out-of-memory",
            Self::Other(_) => "other",
        }
    }
}

impl Cause {
    /// Whether it may be gone the next time: what lies with the network or the
    /// receiver's process does, what lies with options, grants, identities or the
    /// message does not.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::NameUnresolvable
            | Self::NameLookupFailed
            | Self::ConnectionRefused
            | Self::Unreachable
            | Self::TimedOut
            | Self::Silence
            | Self::ConnectionEnded
            | Self::ConnectionBroken
            | Self::ProtocolDesync(_)
            | Self::Other(_) => true,
            Self::Tls(failure) => {
                matches!(failure.problem, TlsProblem::Truncated | TlsProblem::UsedUp)
            }
            Self::InvalidOption(_)
            | Self::InvalidMessage(_)
            | Self::Closed
            | Self::AccessDenied(_)
            | Self::MessageTooLarge(_)
            | Self::InvalidReply(_)
            | Self::OutOfMemory => false,
        }
    }
}

impl From<InvalidMessage> for Cause {
    fn from(reason: InvalidMessage) -> Self {
        Self::InvalidMessage(reason)
    }
}

impl From<Desync> for Cause {
    fn from(desync: Desync) -> Self {
        Self::ProtocolDesync(desync)
    }
}

impl From<InvalidReply> for Cause {
    fn from(reason: InvalidReply) -> Self {
        Self::InvalidReply(reason)
    }
}

/// One address that was tried, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{address}: {cause}")]
pub struct Attempt {
    /// The address.
    pub address: SocketAddr,
    /// Why it failed.
    pub cause: Cause,
}

/// A call that failed: what, where, and what is known about the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub cause: Cause,
    /// Where the call was.
    pub phase: Phase,
    /// What is known about the message.
    pub delivery: Delivery,
    /// The addresses tried while connecting, in order.
    pub attempts: Vec<Attempt>,
    /// What may be behind it.
    pub hint: Option<Hint>,
    /// How often any of the message's frame went to the transport.
    pub transmissions: u32,
    /// Why it was tried again, in order.
    pub retries: Vec<Retry>,
    /// What is worth knowing beside.
    pub warnings: Vec<Warning>,
}

/// Forgets the first of what one call has to tell too many of.
pub(crate) fn keep_last<T>(told: &mut Vec<T>) {
    let too_many = told.len().saturating_sub(ATTEMPTS_TOLD_MAX);
    told.drain(..too_many);
}

/// Why a message was tried again in the same call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retry {
    /// A negative commit block of MLLP Release 2 came: the receiver did not keep
    /// the message.
    NegativeCommit,
    /// The try before failed.
    Failed {
        /// What failed.
        cause: Cause,
        /// Where it was.
        phase: Phase,
        /// What was known about the message then.
        delivery: Delivery,
    },
}

impl Retry {
    /// Adds it to those there are; of too many the last ones are kept, so that no
    /// receiver can make them grow.
    pub(crate) fn join(self, retries: &mut Vec<Self>) {
        retries.push(self);
        keep_last(retries);
    }

    /// The word for it: of a failure, its cause's.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NegativeCommit => "negative-commit",
            Self::Failed { cause, .. } => cause.word(),
        }
    }
}

impl Failure {
    /// A failure before anything of a message reached the transport.
    #[must_use]
    pub const fn not_sent(phase: Phase, cause: Cause) -> Self {
        Self {
            cause,
            phase,
            delivery: Delivery::NotSent,
            attempts: Vec::new(),
            hint: None,
            transmissions: 0,
            retries: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The failure as a sentence for a person.
    #[must_use]
    pub fn explanation(&self) -> String {
        alloc::format!("{self}")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.phase {
            Phase::Prepare => "",
            Phase::Resolve => "looking up the host: ",
            Phase::Connect => "connecting: ",
            Phase::Tls => "TLS handshake: ",
            Phase::Write => "sending: ",
            Phase::Commit => "waiting for the commit acknowledgment: ",
            Phase::Reply => "waiting for the acknowledgment: ",
            Phase::Close => "closing: ",
        };
        let known = match self.delivery {
            Delivery::NotSent => "nothing was sent",
            Delivery::CutShort => "a part was sent, without its end block",
            Delivery::InDoubt => "the message may have arrived",
        };
        f.write_str(place)?;
        for (index, attempt) in self.attempts.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{attempt}")?;
        }
        let is_told = |attempt: &Attempt| attempt.cause == self.cause;
        if !self.attempts.iter().any(is_told) {
            let separator = if self.attempts.is_empty() { "" } else { "; " };
            write!(f, "{separator}{}", self.cause)?;
        }
        if self.phase != Phase::Close {
            write!(f, " ({known})")?;
        }
        if !self.retries.is_empty() {
            write!(f, "; tries before: {}", self.retries.len())?;
        }
        match self.hint {
            Some(hint) => write!(f, "; {}", hint.sentence()),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Failure {}
