//! The WIT's `client` interface over [`MllpClient`]: types to types and nothing
//! else. The only user of exported bindings.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::client;
use crate::error::{self, Cause, Desync, Failure, Grant, InvalidMessage, InvalidOption};
use crate::error::{InvalidReply, Phase};
use crate::proto::{ack, exchange};
use crate::transport::wasi02::{self, Wasi02};

#[allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic)]
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "mllp",
        with: {
            "wasi:io/poll@0.2.12": wasi::io::poll,
            "wasi:io/error@0.2.12": wasi::io::error,
            "wasi:io/streams@0.2.12": wasi::io::streams,
            "wasi:clocks/monotonic-clock@0.2.12": wasi::clocks::monotonic_clock,
            "wasi:sockets/instance-network@0.2.12": wasi::sockets::instance_network,
            "wasi:sockets/network@0.2.12": wasi::sockets::network,
            "wasi:sockets/ip-name-lookup@0.2.12": wasi::sockets::ip_name_lookup,
            "wasi:sockets/tcp@0.2.12": wasi::sockets::tcp,
            "wasi:sockets/tcp-create-socket@0.2.12": wasi::sockets::tcp_create_socket,
        },
    });

    use super::Component;
    export!(Component with_types_in self);
}

use bindings::exports::hl7::mllp::{client as wit_client, types as wit};
use wit_client::{Guest, GuestConnectOptions, GuestMllpClient, GuestSendOptions};

struct Component;

impl Guest for Component {
    type ConnectOptions = ConnectOptions;
    type SendOptions = SendOptions;
    type MllpClient = MllpClient;

    fn connections_set_aside() -> u32 {
        wasi02::connections_set_aside()
    }
}

struct ConnectOptions(RefCell<client::ConnectOptions>);

impl ConnectOptions {
    fn set(&self, change: impl FnOnce(&mut client::ConnectOptions)) {
        // Never held across a call of the host, so it is always free.
        if let Ok(mut options) = self.0.try_borrow_mut() {
            change(&mut options);
        }
    }
}

impl GuestConnectOptions for ConnectOptions {
    fn new(host: String, port: u16) -> Self {
        Self(RefCell::new(client::ConnectOptions::new(host, port)))
    }

    fn set_timeout(&self, timeout: u32) {
        self.set(|options| options.timeout_ms = timeout);
    }

    fn set_connect_timeout(&self, timeout: u32) {
        self.set(|options| options.connect_timeout_ms = Some(timeout));
    }

    fn set_max_message_size(&self, bytes: u64) {
        self.set(|options| options.max_message_size = bytes);
    }

    fn set_max_send_size(&self, bytes: u64) {
        self.set(|options| options.max_send_size = bytes);
    }
}

#[derive(Default)]
struct SendOptions(core::cell::Cell<client::SendOptions>);

impl GuestSendOptions for SendOptions {
    fn new() -> Self {
        Self::default()
    }

    fn set_timeout(&self, timeout: u32) {
        self.0.set(client::SendOptions {
            timeout_ms: Some(timeout),
        });
    }
}

struct MllpClient {
    inner: RefCell<client::MllpClient<Wasi02>>,
    peer_address: String,
    local_address: Option<String>,
}

impl MllpClient {
    fn exchange(
        &self,
        message: Vec<u8>,
        options: client::SendOptions,
    ) -> Result<wit::Reply, wit::Failure> {
        // Under WASI 0.2 an instance is never entered while a call is on the
        // stack; a host that does so all the same gets an answer, not a trap.
        self.inner
            .try_borrow_mut()
            .map_err(|_| Failure::not_sent(Phase::Prepare, Cause::Other("concurrent call")))
            .and_then(|mut client| client.send_with(message, options))
            .map(Into::into)
            .map_err(Into::into)
    }
}

impl GuestMllpClient for MllpClient {
    fn connect(
        options: wit_client::ConnectOptions,
    ) -> Result<wit_client::MllpClient, wit::Failure> {
        let options = options.into_inner::<ConnectOptions>().0.into_inner();
        let client = client::MllpClient::connect(Wasi02::new(), options)?;
        Ok(wit_client::MllpClient::new(Self {
            peer_address: client.peer_address().to_string(),
            local_address: client.local_address().map(|address| address.to_string()),
            inner: RefCell::new(client),
        }))
    }

    fn send(&self, message: Vec<u8>) -> Result<wit::Reply, wit::Failure> {
        self.exchange(message, client::SendOptions::default())
    }

    fn send_with(
        &self,
        message: Vec<u8>,
        options: wit_client::SendOptionsBorrow<'_>,
    ) -> Result<wit::Reply, wit::Failure> {
        self.exchange(message, options.get::<SendOptions>().0.get())
    }

    fn close(&self) -> Result<(), wit::Failure> {
        if let Ok(mut client) = self.inner.try_borrow_mut() {
            client.close();
        }
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.inner.try_borrow().is_ok_and(|client| client.is_open())
    }

    fn peer_address(&self) -> String {
        self.peer_address.clone()
    }

    fn local_address(&self) -> Option<String> {
        self.local_address.clone()
    }
}

impl From<exchange::Reply> for wit::Reply {
    fn from(reply: exchange::Reply) -> Self {
        Self {
            message: reply.message,
            verdict: reply.verdict.into(),
            acknowledgment: reply.acknowledgment.map(Into::into),
            warnings: reply.warnings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<exchange::Verdict> for wit::Verdict {
    fn from(verdict: exchange::Verdict) -> Self {
        match verdict {
            exchange::Verdict::Applied => Self::Applied,
            exchange::Verdict::Accepted => Self::Accepted,
            exchange::Verdict::Refused => Self::Refused,
            exchange::Verdict::Unacknowledged => Self::Unacknowledged,
            exchange::Verdict::Unjudged => Self::Unjudged,
        }
    }
}

impl From<ack::Acknowledgment> for wit::Acknowledgment {
    fn from(acknowledgment: ack::Acknowledgment) -> Self {
        Self {
            code: acknowledgment.code.into(),
            control_id: acknowledgment.control_id,
        }
    }
}

impl From<ack::Code> for wit::AcknowledgmentCode {
    fn from(code: ack::Code) -> Self {
        match code {
            ack::Code::ApplicationAccept => Self::ApplicationAccept,
            ack::Code::ApplicationError => Self::ApplicationError,
            ack::Code::ApplicationReject => Self::ApplicationReject,
            ack::Code::CommitAccept => Self::CommitAccept,
            ack::Code::CommitError => Self::CommitError,
            ack::Code::CommitReject => Self::CommitReject,
        }
    }
}

impl From<exchange::Warning> for wit::Warning {
    fn from(warning: exchange::Warning) -> Self {
        use exchange::Warning;
        match warning {
            Warning::SpaceBeforeStartBlock(count) => Self::SpaceBeforeStartBlock(count),
            Warning::SpaceAfterFrame(count) => Self::SpaceAfterFrame(count),
            Warning::LineFeedSegments => Self::LineFeedSegments,
            Warning::BytesAfterFrame(count) => Self::BytesAfterFrame(count),
        }
    }
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        Self {
            explanation: failure.explanation(),
            cause: failure.cause.into(),
            phase: failure.phase.into(),
            delivery: failure.delivery.into(),
            attempts: failure.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<error::Attempt> for wit::Attempt {
    fn from(attempt: error::Attempt) -> Self {
        Self {
            address: attempt.address.to_string(),
            cause: attempt.cause.into(),
        }
    }
}

impl From<error::Delivery> for wit::Delivery {
    fn from(delivery: error::Delivery) -> Self {
        match delivery {
            error::Delivery::NotSent => Self::NotSent,
            error::Delivery::CutShort => Self::CutShort,
            error::Delivery::InDoubt => Self::InDoubt,
        }
    }
}

impl From<Phase> for wit::Phase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Prepare => Self::Prepare,
            Phase::Resolve => Self::Resolve,
            Phase::Connect => Self::Connect,
            Phase::Tls => Self::Tls,
            Phase::Write => Self::Write,
            Phase::Commit => Self::Commit,
            Phase::Reply => Self::Reply,
            Phase::Close => Self::Close,
        }
    }
}

impl From<Cause> for wit::Cause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::InvalidOption(option) => Self::InvalidOption(option.into()),
            Cause::InvalidMessage(reason) => Self::InvalidMessage(reason.into()),
            Cause::Closed => Self::Closed,
            Cause::AccessDenied(grant) => Self::AccessDenied(grant.into()),
            Cause::NameUnresolvable => Self::NameUnresolvable,
            Cause::NameLookupFailed => Self::NameLookupFailed,
            Cause::ConnectionRefused => Self::ConnectionRefused,
            Cause::Unreachable => Self::Unreachable,
            Cause::TimedOut => Self::TimedOut,
            Cause::ConnectionEnded => Self::ConnectionEnded,
            Cause::ConnectionBroken => Self::ConnectionBroken,
            Cause::ProtocolDesync(desync) => Self::ProtocolDesync(desync.into()),
            Cause::MessageTooLarge(over) => Self::MessageTooLarge(over.into()),
            Cause::InvalidReply(reason) => Self::InvalidReply(reason.into()),
            Cause::OutOfMemory => Self::OutOfMemory,
            Cause::Other(name) => Self::Other(name.to_owned()),
        }
    }
}

impl From<InvalidOption> for wit::InvalidOption {
    fn from(option: InvalidOption) -> Self {
        match option {
            InvalidOption::Host => Self::Host,
            InvalidOption::Port => Self::Port,
            InvalidOption::Timeout => Self::Timeout,
            InvalidOption::ConnectTimeout => Self::ConnectTimeout,
            InvalidOption::MaxMessageSize => Self::MaxMessageSize,
            InvalidOption::MaxSendSize => Self::MaxSendSize,
        }
    }
}

impl From<InvalidMessage> for wit::InvalidMessage {
    fn from(reason: InvalidMessage) -> Self {
        match reason {
            InvalidMessage::Empty => Self::Empty,
            InvalidMessage::NoHeader => Self::NoHeader,
            InvalidMessage::WideEncoding => Self::WideEncoding,
            InvalidMessage::SecondHeader(offset) => Self::SecondHeader(offset),
            InvalidMessage::ReservedByte(error::ReservedByte { offset, byte }) => {
                Self::ReservedByte(wit::ReservedByte { offset, byte })
            }
            InvalidMessage::NoControlId => Self::NoControlId,
            InvalidMessage::TooLarge(over) => Self::TooLarge(over.into()),
        }
    }
}

impl From<error::OverLimit> for wit::OverLimit {
    fn from(error::OverLimit { limit, size }: error::OverLimit) -> Self {
        Self { limit, size }
    }
}

impl From<Grant> for wit::Grant {
    fn from(grant: Grant) -> Self {
        match grant {
            Grant::Tcp => Self::Tcp,
            Grant::Address => Self::Address,
            Grant::NameLookup => Self::NameLookup,
        }
    }
}

impl From<Desync> for wit::Desync {
    fn from(desync: Desync) -> Self {
        match desync {
            Desync::UnreadBytes => Self::UnreadBytes,
            Desync::UnreadFrame => Self::UnreadFrame,
            Desync::EarlyReply => Self::EarlyReply,
            Desync::BytesBeforeStartBlock => Self::BytesBeforeStartBlock,
            Desync::StartBlockInFrame => Self::StartBlockInFrame,
            Desync::MissingCarriageReturn => Self::MissingCarriageReturn,
            Desync::OtherControlId => Self::OtherControlId,
        }
    }
}

impl From<InvalidReply> for wit::InvalidReply {
    fn from(reason: InvalidReply) -> Self {
        match reason {
            InvalidReply::Empty => Self::Empty,
            InvalidReply::NoHeader => Self::NoHeader,
            InvalidReply::NoAcknowledgment => Self::NoAcknowledgment,
            InvalidReply::UnknownCode => Self::UnknownCode,
        }
    }
}
