//! [`MllpClient`]: options, a connection, and what ends it. Everything that the
//! WIT's `client` interface promises is decided here, on any transport.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::clock::Instant;
use crate::drive;
use crate::error::{Attempt, Cause, Failure, InvalidOption, Phase};
use crate::limits::{CLOSE_MS_MAX, MESSAGE_BYTES_MAX_DEFAULT, TIMEOUT_MS_DEFAULT};
use crate::proto::exchange::Reply;
use crate::proto::idle::Idle;
use crate::proto::payload::Payload;
use crate::session::Session;
use crate::tls::config::Tls;
use crate::tls::handshake::{Farewell, Handshake};
use crate::tls::options::TlsOptions;
use crate::tls::pump::{Pump, TlsSession};
use crate::transport::{Connection, Transport};

/// How to reach a receiver, and what to bear from it.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// A name, an IPv4 literal or an IPv6 literal, with or without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How long one exchange may take, in milliseconds.
    pub timeout_ms: u32,
    /// How long connecting may take, in milliseconds; `None`: as an exchange.
    pub connect_timeout_ms: Option<u32>,
    /// The largest reply, in bytes of content.
    pub max_message_size: u64,
    /// The largest message, in bytes.
    pub max_send_size: u64,
    /// How to speak TLS; `None`: plain MLLP.
    pub tls: Option<TlsOptions>,
}

impl ConnectOptions {
    /// A receiver at `host` and `port`, with the documented defaults.
    #[must_use]
    pub const fn new(host: String, port: u16) -> Self {
        Self {
            host,
            port,
            timeout_ms: TIMEOUT_MS_DEFAULT,
            connect_timeout_ms: None,
            max_message_size: MESSAGE_BYTES_MAX_DEFAULT,
            max_send_size: MESSAGE_BYTES_MAX_DEFAULT,
            tls: None,
        }
    }

    fn check(&self) -> Result<(), InvalidOption> {
        match self {
            // No name has these: it is a literal, and none that can be used.
            Self { host, .. } if self.literal().is_none() && host.contains([':', '%']) => {
                Err(InvalidOption::Host)
            }
            Self { host, .. } if host.is_empty() => Err(InvalidOption::Host),
            Self { port: 0, .. } => Err(InvalidOption::Port),
            Self { timeout_ms: 0, .. } => Err(InvalidOption::Timeout),
            Self {
                connect_timeout_ms: Some(0),
                ..
            } => Err(InvalidOption::ConnectTimeout),
            Self {
                max_message_size: 0,
                ..
            } => Err(InvalidOption::MaxMessageSize),
            Self {
                max_send_size: 0, ..
            } => Err(InvalidOption::MaxSendSize),
            _ => Ok(()),
        }
    }

    /// The address that the host spells out, if it does.
    fn literal(&self) -> Option<IpAddr> {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
            .parse()
            .ok()
    }
}

/// What is to be different for one call of [`MllpClient::send_with`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SendOptions {
    /// How long this exchange may take, in milliseconds.
    pub timeout_ms: Option<u32>,
}

/// One connection to one receiver. Open from [`connect`](Self::connect) until
/// [`close`](Self::close) or a failure ends it; [`reconnect`](Self::reconnect)
/// opens it again.
pub struct MllpClient<T: Transport> {
    transport: T,
    options: ConnectOptions,
    tls: Option<Tls>,
    peer: SocketAddr,
    local: Option<SocketAddr>,
    agreed: Option<TlsSession>,
    open: Option<(Session, T::Connection)>,
}

impl<T: Transport> MllpClient<T> {
    /// Connects: looks a name up, tries its addresses in turn, each with an
    /// equal share of the time left, and shakes hands if TLS is to be spoken.
    ///
    /// # Errors
    /// As the WIT lists them; always `not-sent`.
    pub fn connect(mut transport: T, mut options: ConnectOptions) -> Result<Self, Failure> {
        options.check().map_err(invalid_option)?;
        // Not kept: they hold a key.
        let tls = options.tls.take();
        let tls = tls.map(|tls| Tls::new(&tls, &options.host));
        let tls = tls.transpose().map_err(invalid_option)?;
        let link = Link::new(&mut transport, &options, tls.as_ref())?;
        Ok(Self {
            transport,
            options,
            tls,
            peer: link.peer,
            local: link.connection.local_address(),
            agreed: link.agreed,
            open: Some((link.session, link.connection)),
        })
    }

    /// Connects anew to the same receiver, with the TLS options set last. An open
    /// client is closed first.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn reconnect(&mut self) -> Result<(), Failure> {
        self.close();
        let link = Link::new(&mut self.transport, &self.options, self.tls.as_ref())?;
        self.peer = link.peer;
        self.local = link.connection.local_address();
        self.agreed = link.agreed;
        self.open = Some((link.session, link.connection));
        Ok(())
    }

    /// Replaces the TLS options from the next [`reconnect`](Self::reconnect) on.
    ///
    /// # Errors
    /// `invalid-option`: the options stay as they were.
    pub fn set_tls(&mut self, options: &TlsOptions) -> Result<(), Failure> {
        let tls = Tls::new(options, &self.options.host).map_err(invalid_option)?;
        self.tls = Some(tls);
        Ok(())
    }

    /// Sends one message and returns its reply.
    ///
    /// # Errors
    /// As the WIT lists them. All but `invalid-message` end the client.
    pub fn send(&mut self, message: Vec<u8>) -> Result<Reply, Failure> {
        self.send_with(message, SendOptions::default())
    }

    /// As [`send`](Self::send), with something different for this one call.
    ///
    /// # Errors
    /// `invalid-option`, and those of [`send`](Self::send).
    pub fn send_with(&mut self, message: Vec<u8>, options: SendOptions) -> Result<Reply, Failure> {
        self.transport.tidy();
        let deadline = match options.timeout_ms.unwrap_or(self.options.timeout_ms) {
            0 => return Err(invalid_option(InvalidOption::Timeout)),
            timeout_ms => deadline(&self.transport, timeout_ms),
        };
        let Some((session, connection)) = &mut self.open else {
            return Err(Failure::not_sent(Phase::Prepare, Cause::Closed));
        };
        let payload = Payload::parse(message, self.options.max_send_size)
            .map_err(|reason| Failure::not_sent(Phase::Prepare, reason.into()))?;
        let outcome = look(&self.transport, session, connection, deadline)
            .and_then(|()| session.begin(payload, deadline))
            .and_then(|()| {
                drive::run(session, &self.transport, connection);
                session.finish()
            });
        if outcome.is_err() {
            // The call's time is up, or the receiver has had its say.
            self.end(Duration::ZERO);
        }
        outcome
    }

    /// Looks whether a message could be sent now, as [`send`](Self::send) does
    /// before it writes, and sends nothing.
    ///
    /// # Errors
    /// `closed`, and what a look finds: an ended or broken connection, unread
    /// bytes, a refused client certificate. All but the first end the client.
    pub fn probe(&mut self) -> Result<(), Failure> {
        self.transport.tidy();
        let deadline = deadline(&self.transport, self.options.timeout_ms);
        let Some((session, connection)) = &mut self.open else {
            return Err(Failure::not_sent(Phase::Prepare, Cause::Closed));
        };
        let outcome = look(&self.transport, session, connection, deadline);
        if outcome.is_err() {
            self.end(Duration::ZERO);
        }
        outcome
    }

    /// Ends the connection. Calling it again is no error.
    pub fn close(&mut self) {
        self.transport.tidy();
        self.end(Duration::from_millis(CLOSE_MS_MAX));
    }

    fn end(&mut self, patience: Duration) {
        if let Some((mut session, mut connection)) = self.open.take()
            && let Some(pump) = session.pump()
        {
            say_farewell(&self.transport, pump, &mut connection, patience);
        }
    }

    /// What the TLS handshake agreed on, also after the client has ended.
    pub const fn tls(&self) -> Option<&TlsSession> {
        self.agreed.as_ref()
    }

    /// Whether the client is open. It asks no one.
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The receiver's address.
    pub const fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// The connection's own address, where the host tells.
    pub const fn local_address(&self) -> Option<SocketAddr> {
        self.local
    }
}

fn deadline<T: Transport>(transport: &T, timeout_ms: u32) -> Instant {
    transport
        .now()
        .after(Duration::from_millis(timeout_ms.into()))
}

const fn invalid_option(option: InvalidOption) -> Failure {
    Failure::not_sent(Phase::Prepare, Cause::InvalidOption(option))
}

/// A connection that is ready for messages.
struct Link<C> {
    session: Session,
    connection: C,
    peer: SocketAddr,
    agreed: Option<TlsSession>,
}

impl<C: Connection> Link<C> {
    fn new<T: Transport<Connection = C>>(
        transport: &mut T,
        options: &ConnectOptions,
        tls: Option<&Tls>,
    ) -> Result<Self, Failure> {
        transport.tidy();
        let timeout_ms = options.connect_timeout_ms.unwrap_or(options.timeout_ms);
        let deadline = deadline(transport, timeout_ms);
        let addresses = match options.literal() {
            Some(address) => alloc::vec![address],
            None => transport
                .resolve(&options.host, deadline)
                .map_err(|cause| Failure::not_sent(Phase::Resolve, cause))?,
        };
        let (mut connection, peer) = connect_to_any(transport, &addresses, options.port, deadline)?;
        let begun = transport.now();
        let secured = match tls {
            None => None,
            Some(tls) => Some(shake_hands(transport, tls, &mut connection, deadline)?),
        };
        let now = transport.now();
        let plain = Session::new(options.max_message_size, now);
        let (session, agreed) = match secured {
            None => (plain, None),
            Some((pump, idle, agreed)) => {
                (plain.secured(pump, idle, begun.until(now)), Some(agreed))
            }
        };
        Ok(Self {
            session,
            connection,
            peer,
            agreed,
        })
    }
}

fn shake_hands<T: Transport>(
    transport: &T,
    tls: &Tls,
    connection: &mut T::Connection,
    deadline: Instant,
) -> Result<(Pump, Idle, TlsSession), Failure> {
    tls.set_time(transport.time_of_day());
    let mut handshake = Handshake::new(tls.clone(), deadline)?;
    drive::run(&mut handshake, transport, connection);
    let failed = handshake.failure();
    let (mut pump, idle) = handshake.into_parts();
    match failed {
        None => {
            let agreed = pump.agreed();
            Ok((pump, idle, agreed))
        }
        Some(failure) => {
            say_farewell(transport, &mut pump, connection, Duration::ZERO);
            Err(failure)
        }
    }
}

fn look<T: Transport>(
    transport: &T,
    session: &mut Session,
    connection: &mut T::Connection,
    deadline: Instant,
) -> Result<(), Failure> {
    if let Some(pump) = session.pump() {
        pump.set_time(transport.time_of_day());
    }
    let mut look = session.look(deadline);
    drive::run(&mut look, transport, connection);
    look.finish()
}

/// Tells the receiver that this is the end, or why, as far as it takes that
/// within `patience`.
fn say_farewell<T: Transport>(
    transport: &T,
    pump: &mut Pump,
    connection: &mut T::Connection,
    patience: Duration,
) {
    let deadline = transport.now().after(patience);
    drive::run(&mut Farewell::new(pump, deadline), transport, connection);
}

fn connect_to_any<T: Transport>(
    transport: &mut T,
    addresses: &[IpAddr],
    port: u16,
    deadline: Instant,
) -> Result<(T::Connection, SocketAddr), Failure> {
    let mut failure = Failure::not_sent(Phase::Connect, Cause::NameUnresolvable);
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for &address in addresses {
        let now = transport.now();
        if now >= deadline {
            failure.cause = Cause::TimedOut;
            break;
        }
        // A silent address must leave time for those after it.
        let share = now.until(deadline) / left.max(1);
        left = left.saturating_sub(1);
        let address = SocketAddr::new(address, port);
        match transport.connect(address, now.after(share)) {
            Ok(connection) => return Ok((connection, address)),
            Err(cause) => {
                failure.cause = cause.clone();
                failure.attempts.push(Attempt { address, cause });
            }
        }
    }
    Err(failure)
}
