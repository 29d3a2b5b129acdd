//! What failed, where, and what is known about the message. No type here can
//! hold message content: codes, lengths and offsets only.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use thiserror::Error;

/// What is known about the message when a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// The deadline of the call passed.
    #[error("the deadline passed")]
    TimedOut,
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
            Self::ConnectionEnded => "connection-ended",
            Self::ConnectionBroken => "connection-broken",
            Self::ProtocolDesync(_) => "protocol-desync",
            Self::MessageTooLarge(_) => "message-too-large",
            Self::InvalidReply(_) => "invalid-reply",
            Self::OutOfMemory => "out-of-memory",
            Self::Other(_) => "other",
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
        match self.attempts.as_slice() {
            [] => write!(f, "{}", self.cause)?,
            attempts => {
                for (index, attempt) in attempts.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{attempt}")?;
                }
            }
        }
        match self.phase {
            Phase::Close => Ok(()),
            _ => write!(f, " ({known})"),
        }
    }
}

impl core::error::Error for Failure {}
