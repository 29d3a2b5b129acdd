//! The contract between the driver and a host's network. Nothing here blocks
//! but [`Transport::resolve`], [`Transport::connect`], [`Transport::sleep`] and
//! [`Connection::wait`], and those never past the instant they are given.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::clock::Instant;
use crate::error::Cause;
use crate::options::KeepAlive;

#[cfg(target_family = "wasm")]
pub mod wasi02;

/// A way to reach receivers, and the clock that deadlines are read on.
pub trait Transport {
    /// What connecting yields.
    type Connection: Connection;

    /// The time now.
    fn now(&self) -> Instant;

    /// The time of day, since 1970-01-01T00:00:00Z.
    fn time_of_day(&self) -> Duration;

    /// A random number, to spread in time what many senders do at once.
    fn random(&self) -> u64;

    /// Waits until `moment`.
    fn sleep(&self, moment: Instant);

    /// Lets go of what earlier calls had to leave behind, as far as it can be.
    /// Called at the beginning of every call.
    fn tidy(&mut self) {}

    /// Looks `name` up, at most until `deadline`. At most
    /// [`ADDRESSES_MAX`](crate::limits::ADDRESSES_MAX) addresses.
    ///
    /// # Errors
    /// `access-denied`, `name-unresolvable`, `name-lookup-failed`, `timed-out`.
    fn resolve(&mut self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Cause>;

    /// Connects to `address`, at most until `deadline`.
    ///
    /// # Errors
    /// `access-denied`, `connection-refused`, `unreachable`, `timed-out`,
    /// `connection-broken`, `other`.
    fn connect(
        &mut self,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Self::Connection, Cause>;
}

/// A connection, whose dropping ends it and never waits.
pub trait Connection {
    /// Reads at most `bytes` of what is there, without waiting.
    fn read(&mut self, bytes: usize) -> Read;

    /// Hands over as much of `bytes` as the host takes now, without waiting. None
    /// of it is held back for more to come.
    fn write(&mut self, bytes: &[u8]) -> Write;

    /// Waits until there is something to read, or until `deadline`; with
    /// `writable` also until the host takes bytes again.
    fn wait(&mut self, writable: bool, deadline: Instant);

    /// Tells the host what to do about a connection that falls silent; whether it
    /// can do all of it.
    fn keep_alive(&mut self, settings: KeepAlive) -> bool;

    /// The connection's own address, where the host tells.
    fn local_address(&self) -> Option<SocketAddr>;
}

/// What a read found.
pub enum Read {
    /// These bytes, at least one.
    Bytes(Vec<u8>),
    /// Nothing at the moment.
    Nothing,
    /// The receiver ended the connection.
    Ended,
    /// The connection failed.
    Broken,
}

/// What became of bytes to be written.
pub enum Write {
    /// The host took this many, none if it takes none at the moment.
    Taken(usize),
    /// The connection had ended before: the host took none.
    Ended,
    /// The connection failed: the host may have taken this many.
    Broken(usize),
}
