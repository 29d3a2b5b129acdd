//! The only user of `wasi:sockets`, `wasi:io` and `wasi:clocks` 0.2.
//!
//! Traps of the platform that this file answers for: a write beyond the permit
//! traps; a pollable must be dropped before its stream, a stream before its
//! socket; and dropping an output stream that still holds bytes for a receiver
//! that does not read waits for ever, so such a connection is set aside.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::time::Duration;

use spin::Mutex;
use wasi::clocks::{monotonic_clock, wall_clock};
use wasi::io::poll::{Pollable, poll};
use wasi::io::streams::{InputStream, OutputStream, StreamError};
use wasi::random::random::get_random_u64;
use wasi::sockets::instance_network::instance_network;
use wasi::sockets::ip_name_lookup::resolve_addresses;
use wasi::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
    Network,
};
use wasi::sockets::tcp::TcpSocket;
use wasi::sockets::tcp_create_socket::create_tcp_socket;

use super::{Connection, Read, Transport, Write};
use crate::clock::{Instant, Watch};
use crate::error::{Cause, Grant};
use crate::limits::{ADDRESSES_MAX, DEADLINE_SLACK_NS};
use crate::options::KeepAlive;

/// The host's network as WASI 0.2 offers it.
pub struct Wasi02 {
    network: Network,
}

impl Wasi02 {
    /// The network that the host gave this instance.
    #[must_use]
    pub fn new() -> Self {
        Self {
            network: instance_network(),
        }
    }
}

impl Default for Wasi02 {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for Wasi02 {
    type Connection = Wasi02Connection;

    fn now(&self) -> Instant {
        WATCH.lock().now(monotonic_clock::now())
    }

    fn time_of_day(&self) -> Duration {
        let now = wall_clock::now();
        Duration::new(now.seconds, now.nanoseconds.min(999_999_999))
    }

    fn random(&self) -> u64 {
        get_random_u64()
    }

    fn sleep(&self, moment: Instant) {
        wait_for(&[], moment);
    }

    fn tidy(&mut self) {
        release_set_aside();
    }

    fn resolve(&mut self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Cause> {
        let answers = resolve_addresses(&self.network, name).map_err(resolve_cause)?;
        let ready = answers.subscribe();
        let mut addresses = Vec::new();
        while addresses.len() < ADDRESSES_MAX {
            match answers.resolve_next_address() {
                Ok(Some(address)) => addresses.push(ip_address(address)),
                Ok(None) => break,
                Err(ErrorCode::WouldBlock) if self.now() >= deadline => {
                    return Err(Cause::TimedOut);
                }
                Err(ErrorCode::WouldBlock) => wait_for(&[&ready], deadline),
                // What was found so far is worth a try.
                Err(_) if !addresses.is_empty() => break,
                Err(code) => return Err(resolve_cause(code)),
            }
        }
        if addresses.is_empty() {
            return Err(Cause::NameUnresolvable);
        }
        Ok(addresses)
    }

    fn connect(
        &mut self,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Wasi02Connection, Cause> {
        let family = match address {
            SocketAddr::V4(_) => IpAddressFamily::Ipv4,
            SocketAddr::V6(_) => IpAddressFamily::Ipv6,
        };
        let socket = create_tcp_socket(family).map_err(|code| match code {
            ErrorCode::AccessDenied => Cause::AccessDenied(Grant::Tcp),
            other => connect_cause(other),
        })?;
        socket
            .start_connect(&self.network, socket_address(address))
            .map_err(connect_cause)?;
        let (input, output) = self.finish_connect(&socket, deadline)?;
        Ok(Wasi02Connection {
            alarm: None,
            streams: Some(Streams {
                readable: input.subscribe(),
                writable: output.subscribe(),
                input,
                output,
                socket,
            }),
        })
    }
}

impl Wasi02 {
    fn finish_connect(
        &self,
        socket: &TcpSocket,
        deadline: Instant,
    ) -> Result<(InputStream, OutputStream), Cause> {
        let ready = socket.subscribe();
        loop {
            match socket.finish_connect() {
                Err(ErrorCode::WouldBlock) if self.now() >= deadline => {
                    return Err(Cause::TimedOut);
                }
                Err(ErrorCode::WouldBlock) => wait_for(&[&ready], deadline),
                Err(code) => return Err(connect_cause(code)),
                Ok(streams) => return Ok(streams),
            }
        }
    }
}

/// A TCP connection.
pub struct Wasi02Connection {
    /// A moment of the clock to be woken at, which serves until it has come whatever
    /// is waited for after it: to make another one for each exchange is a call of the
    /// host more. And on a clock that stands still another one would begin to wait
    /// anew.
    alarm: Option<Alarm>,
    /// `None` only while being dropped.
    streams: Option<Streams>,
}

/// The clock's pollable for a moment, and the reading it was made for.
struct Alarm {
    moment: Instant,
    reading: u64,
    reached: Pollable,
    /// Whether the host said that it has come.
    rang: bool,
}

impl Alarm {
    fn at(moment: Instant) -> Self {
        let reading = WATCH.lock().reading_at(moment);
        Self {
            moment,
            reading,
            reached: monotonic_clock::subscribe_instant(reading),
            rang: false,
        }
    }

    /// Whether it will wake whoever waits until `deadline`: an alarm that comes too
    /// early does no harm. One that was made before the clock was set back would come
    /// too late.
    fn serves(&self, deadline: Instant) -> bool {
        let is_early = self.moment < deadline && !self.rang;
        let reading = WATCH.lock().reading_at(self.moment);
        (is_early || self.moment == deadline) && self.reading.abs_diff(reading) < DEADLINE_SLACK_NS
    }
}

/// The fields stand in the order in which they must be dropped.
struct Streams {
    readable: Pollable,
    writable: Pollable,
    input: InputStream,
    output: OutputStream,
    socket: TcpSocket,
}

impl Streams {
    /// Whether the host holds no bytes that it would wait for when the output
    /// stream is dropped.
    fn can_be_dropped(&self) -> bool {
        !matches!(self.output.check_write(), Ok(0))
    }
}

impl Connection for Wasi02Connection {
    fn read(&mut self, bytes: usize) -> Read {
        let Some(streams) = &self.streams else {
            return Read::Ended;
        };
        match streams.input.read(bytes as u64) {
            Ok(bytes) if bytes.is_empty() => Read::Nothing,
            Ok(bytes) => {
                WATCH.lock().passed(None);
                Read::Bytes(bytes)
            }
            Err(StreamError::Closed) => Read::Ended,
            Err(StreamError::LastOperationFailed(_)) => Read::Broken,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Write {
        let Some(streams) = &self.streams else {
            return Write::Ended;
        };
        let permit = match streams.output.check_write() {
            Ok(permit) => usize::try_from(permit).unwrap_or(usize::MAX),
            Err(StreamError::Closed) => return Write::Ended,
            Err(StreamError::LastOperationFailed(_)) => return Write::Broken(0),
        };
        let permitted = bytes.get(..permit).unwrap_or(bytes);
        if permitted.is_empty() {
            return Write::Taken(0);
        }
        // Without a `flush`: the standard libraries of C and Rust for this platform
        // never call it on a socket, so that no host can wait for it.
        match streams.output.write(permitted) {
            Ok(()) => {
                WATCH.lock().passed(None);
                Write::Taken(permitted.len())
            }
            // Whichever it is: a host may tell so after a part of it went out.
            Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => {
                Write::Broken(permitted.len())
            }
        }
    }

    fn wait(&mut self, writable: bool, deadline: Instant) {
        let Some(streams) = &self.streams else {
            return;
        };
        let mut alarm = match self.alarm.take() {
            Some(alarm) if alarm.serves(deadline) => alarm,
            _ => Alarm::at(deadline),
        };
        let all = [&alarm.reached, &streams.readable, &streams.writable];
        let [reached, readable, _] = all;
        alarm.rang |= if writable {
            poll_until(&all, alarm.moment)
        } else {
            poll_until(&[reached, readable], alarm.moment)
        };
        self.alarm = Some(alarm);
    }

    fn keep_alive(&mut self, settings: KeepAlive) -> bool {
        let Some(Streams { socket, .. }) = &self.streams else {
            return false;
        };
        let nanoseconds = |milliseconds: u32| u64::from(milliseconds).saturating_mul(1_000_000);
        let KeepAlive {
            on,
            idle_ms,
            interval_ms,
            count,
        } = settings;
        [
            Some(socket.set_keep_alive_enabled(on)),
            idle_ms.map(|span| socket.set_keep_alive_idle_time(nanoseconds(span))),
            interval_ms.map(|span| socket.set_keep_alive_interval(nanoseconds(span))),
            count.map(|count| socket.set_keep_alive_count(count)),
        ]
        .into_iter()
        .flatten()
        .all(|set| set.is_ok())
    }

    fn local_address(&self) -> Option<SocketAddr> {
        let address = self.streams.as_ref()?.socket.local_address().ok()?;
        Some(match address {
            IpSocketAddress::Ipv4(v4) => {
                SocketAddr::new(ip_address(IpAddress::Ipv4(v4.address)), v4.port)
            }
            IpSocketAddress::Ipv6(v6) => {
                SocketAddr::new(ip_address(IpAddress::Ipv6(v6.address)), v6.port)
            }
        })
    }
}

impl Drop for Wasi02Connection {
    fn drop(&mut self) {
        if let Some(streams) = self.streams.take()
            && !streams.can_be_dropped()
        {
            // Once the receiver has read what the host still holds, the host
            // ends the connection by itself.
            let _ = streams
                .socket
                .shutdown(wasi::sockets::tcp::ShutdownType::Both);
            SET_ASIDE.lock().push(streams);
        }
    }
}

static SET_ASIDE: Mutex<Vec<Streams>> = Mutex::new(Vec::new());

/// How many connections stand aside, after letting go of those that can be.
pub fn connections_set_aside() -> u32 {
    release_set_aside();
    u32::try_from(SET_ASIDE.lock().len()).unwrap_or(u32::MAX)
}

fn release_set_aside() {
    SET_ASIDE.lock().retain(|streams| !streams.can_be_dropped());
}

/// What the host's clock is read by.
static WATCH: Mutex<Watch> = Mutex::new(Watch::new());

fn wait_for(pollables: &[&Pollable], deadline: Instant) {
    let reading = WATCH.lock().reading_at(deadline);
    let reached = monotonic_clock::subscribe_instant(reading);
    let mut all = Vec::from([&reached]);
    all.extend(pollables);
    poll_until(&all, deadline);
}

/// Waits for these, the first of which is the clock's for `moment`; whether the host
/// says that it has come.
fn poll_until(all: &[&Pollable], moment: Instant) -> bool {
    let has_come = poll(all).contains(&0);
    WATCH.lock().passed(has_come.then_some(moment));
    has_come
}

/// Hosts tell a denied lookup by `permanent-resolver-failure`; a name that does
/// not exist is `name-unresolvable`.
fn resolve_cause(code: ErrorCode) -> Cause {
    match code {
        ErrorCode::AccessDenied | ErrorCode::PermanentResolverFailure => {
            Cause::AccessDenied(Grant::NameLookup)
        }
        ErrorCode::NameUnresolvable | ErrorCode::InvalidArgument => Cause::NameUnresolvable,
        ErrorCode::TemporaryResolverFailure => Cause::NameLookupFailed,
        ErrorCode::Timeout => Cause::TimedOut,
        other => Cause::Other(other.name()),
    }
}

/// A denial comes from `start-connect` on some hosts and from `finish-connect`
/// on others; both mean the address.
fn connect_cause(code: ErrorCode) -> Cause {
    match code {
        ErrorCode::AccessDenied => Cause::AccessDenied(Grant::Address),
        ErrorCode::ConnectionRefused => Cause::ConnectionRefused,
        ErrorCode::RemoteUnreachable => Cause::Unreachable,
        ErrorCode::ConnectionReset | ErrorCode::ConnectionAborted => Cause::ConnectionBroken,
        ErrorCode::Timeout => Cause::TimedOut,
        ErrorCode::OutOfMemory => Cause::OutOfMemory,
        ErrorCode::Unknown
        | ErrorCode::NotSupported
        | ErrorCode::InvalidArgument
        | ErrorCode::ConcurrencyConflict
        | ErrorCode::NotInProgress
        | ErrorCode::WouldBlock
        | ErrorCode::InvalidState
        | ErrorCode::NewSocketLimit
        | ErrorCode::AddressNotBindable
        | ErrorCode::AddressInUse
        | ErrorCode::DatagramTooLarge
        | ErrorCode::NameUnresolvable
        | ErrorCode::TemporaryResolverFailure
        | ErrorCode::PermanentResolverFailure => Cause::Other(code.name()),
    }
}

fn ip_address(address: IpAddress) -> IpAddr {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => IpAddr::from([a, b, c, d]),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => {
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h))
        }
    }
}

fn socket_address(address: SocketAddr) -> IpSocketAddress {
    match address {
        SocketAddr::V4(address) => IpSocketAddress::Ipv4(v4(address)),
        SocketAddr::V6(address) => IpSocketAddress::Ipv6(v6(address)),
    }
}

fn v4(address: SocketAddrV4) -> Ipv4SocketAddress {
    let [a, b, c, d] = address.ip().octets();
    Ipv4SocketAddress {
        port: address.port(),
        address: (a, b, c, d),
    }
}

fn v6(address: SocketAddrV6) -> Ipv6SocketAddress {
    let [a, b, c, d, e, f, g, h] = address.ip().segments();
    Ipv6SocketAddress {
        port: address.port(),
        flow_info: address.flowinfo(),
        address: (a, b, c, d, e, f, g, h),
        scope_id: address.scope_id(),
    }
}
