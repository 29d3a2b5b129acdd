//! What a scripted host does otherwise than a good one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
pub use wasmtime_wasi::p2::bindings::sockets::network::ErrorCode;

/// Every error that `wasi:sockets` knows.
pub const ERROR_CODES: [ErrorCode; 21] = [
    ErrorCode::Unknown,
    ErrorCode::AccessDenied,
    ErrorCode::NotSupported,
    ErrorCode::InvalidArgument,
    ErrorCode::OutOfMemory,
    ErrorCode::Timeout,
    ErrorCode::ConcurrencyConflict,
    ErrorCode::NotInProgress,
    ErrorCode::WouldBlock,
    ErrorCode::InvalidState,
    ErrorCode::NewSocketLimit,
    ErrorCode::AddressNotBindable,
    ErrorCode::AddressInUse,
    ErrorCode::RemoteUnreachable,
    ErrorCode::ConnectionRefused,
    ErrorCode::ConnectionReset,
    ErrorCode::ConnectionAborted,
    ErrorCode::DatagramTooLarge,
    ErrorCode::NameUnresolvable,
    ErrorCode::TemporaryResolverFailure,
    ErrorCode::PermanentResolverFailure,
];

/// A function of `wasi:sockets` that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// `create-tcp-socket`.
    Create,
    /// `start-connect`.
    StartConnect,
    /// `finish-connect`.
    FinishConnect,
    /// `resolve-addresses`.
    Resolve,
    /// `resolve-next-address`.
    NextAddress,
    /// `set-keep-alive-enabled`.
    KeepAlive,
    /// `set-keep-alive-idle-time`.
    KeepAliveIdle,
    /// `set-keep-alive-interval`.
    KeepAliveInterval,
    /// `set-keep-alive-count`.
    KeepAliveCount,
    /// `local-address`.
    LocalAddress,
    /// `shutdown`.
    Shutdown,
}

/// A function of a stream that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StreamCall {
    /// `read`.
    Read,
    /// `check-write`.
    CheckWrite,
    /// `write`.
    Write,
}

/// Every one of them.
pub const STREAM_CALLS: [StreamCall; 3] =
    [StreamCall::Read, StreamCall::CheckWrite, StreamCall::Write];

/// How a stream tells that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// `closed`.
    Closed,
    /// `last-operation-failed`, with an error.
    Failed,
}

/// Something that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// For a moment.
    Deadline,
    /// For an answer to a lookup.
    Lookup,
    /// For a connection.
    Connecting,
    /// For bytes.
    Readable,
    /// For a permit.
    Writable,
}

/// What `poll` returns once something is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// What is ready.
    #[default]
    Truthful,
    /// Nothing.
    Empty,
    /// Places that are not in the list, and one of them more than once.
    OutOfRange,
    /// All, ready or not.
    Everything,
}

/// How a host and the receiver behind it go about their work; well, until told
/// otherwise.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) refusals: BTreeMap<Place, ErrorCode>,
    pub(super) losses: BTreeMap<StreamCall, (u32, Loss)>,
    pub(super) taken_by_failing_write: usize,
    pub(super) permits: Vec<u64>,
    pub(super) reads: Vec<usize>,
    pub(super) reads_beyond: bool,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) endless: bool,
    pub(super) silent: BTreeSet<IpAddr>,
    pub(super) listing: Listing,
    pub(super) idle_wakes: u32,
    pub(super) unheard: BTreeSet<Wait>,
    pub(super) jumps: Vec<(u32, i64)>,
    pub(super) stands_still: bool,
    pub(super) times_of_day: Vec<(u64, u32)>,
    pub(super) random_surplus: i64,
    pub(super) answers: Option<(Duration, &'static str)>,
    pub(super) filler: usize,
    pub(super) sayings: Vec<(usize, Vec<u8>)>,
    pub(super) tls: Option<Arc<ServerConfig>>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            refusals: BTreeMap::new(),
            losses: BTreeMap::new(),
            taken_by_failing_write: 0,
            permits: vec![65_536],
            reads: vec![usize::MAX],
            reads_beyond: false,
            addresses: Vec::new(),
            endless: false,
            silent: BTreeSet::new(),
            listing: Listing::Truthful,
            idle_wakes: 0,
            unheard: BTreeSet::new(),
            jumps: Vec::new(),
            stands_still: false,
            times_of_day: vec![(1_800_000_000, 0)],
            random_surplus: 0,
            answers: Some((Duration::from_millis(1), "AA")),
            filler: 0,
            sayings: Vec::new(),
            tls: None,
        }
    }
}

impl Script {
    /// A host without fault, and a receiver that accepts whatever comes whole.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This function answers with this error whenever it is called. What would
    /// block never becomes ready.
    #[must_use]
    pub fn refuses(mut self, place: Place, code: ErrorCode) -> Self {
        self.refusals.insert(place, code);
        self
    }

    /// This function of the streams fails like this from its nth call on.
    #[must_use]
    pub fn loses(mut self, call: StreamCall, nth: u32, loss: Loss) -> Self {
        self.losses.insert(call, (nth, loss));
        self
    }

    /// A write that fails has taken so many of its bytes before.
    #[must_use]
    pub fn failing_write_takes(mut self, bytes: usize) -> Self {
        self.taken_by_failing_write = bytes;
        self
    }

    /// What `check-write` permits, call by call; the last for ever after.
    #[must_use]
    pub fn permits(mut self, permits: &[u64]) -> Self {
        self.permits = permits.to_vec();
        self
    }

    /// How many bytes a read gives, call by call, of those that are there and were
    /// asked for; the last for ever after.
    #[must_use]
    pub fn reads(mut self, reads: &[usize]) -> Self {
        self.reads = reads.to_vec();
        self
    }

    /// A read gives more than it was asked for.
    #[must_use]
    pub fn reads_beyond(mut self) -> Self {
        self.reads_beyond = true;
        self
    }

    /// What names stand for.
    #[must_use]
    pub fn addresses(mut self, addresses: &[IpAddr]) -> Self {
        self.addresses = addresses.to_vec();
        self
    }

    /// A lookup that gives its addresses again and again.
    #[must_use]
    pub fn endless_lookup(mut self) -> Self {
        self.endless = true;
        self
    }

    /// Nobody answers there.
    #[must_use]
    pub fn silent(mut self, address: IpAddr) -> Self {
        self.silent.insert(address);
        self
    }

    /// What `poll` returns.
    #[must_use]
    pub fn lists(mut self, listing: Listing) -> Self {
        self.listing = listing;
        self
    }

    /// So many polls return soon, though nothing is ready.
    #[must_use]
    pub fn wakes_for_nothing(mut self, polls: u32) -> Self {
        self.idle_wakes = polls;
        self
    }

    /// This never wakes a poll.
    #[must_use]
    pub fn never_wakes(mut self, wait: Wait) -> Self {
        self.unheard.insert(wait);
        self
    }

    /// At its nth reading the monotonic clock is set forward by so many
    /// milliseconds, or back.
    #[must_use]
    pub fn clock_jumps(mut self, nth: u32, milliseconds: i64) -> Self {
        self.jumps.push((nth, milliseconds));
        self
    }

    /// The monotonic clock always reads the same. What waits for a moment is woken
    /// all the same.
    #[must_use]
    pub fn clock_stands_still(mut self) -> Self {
        self.stands_still = true;
        self
    }

    /// What the wall clock shows, call by call, in seconds and nanoseconds; the
    /// last for ever after.
    #[must_use]
    pub fn times_of_day(mut self, times: &[(u64, u32)]) -> Self {
        self.times_of_day = times.to_vec();
        self
    }

    /// Random bytes are so many more than asked for, or fewer.
    #[must_use]
    pub fn random_surplus(mut self, bytes: i64) -> Self {
        self.random_surplus = bytes;
        self
    }

    /// The receiver answers what came whole after so long, with this code.
    #[must_use]
    pub fn answers_after(mut self, delay: Duration, code: &'static str) -> Self {
        self.answers = Some((delay, code));
        self
    }

    /// The receiver answers nothing.
    #[must_use]
    pub fn answers_nothing(mut self) -> Self {
        self.answers = None;
        self
    }

    /// The receiver's answers hold so many bytes more than they need.
    #[must_use]
    pub fn fills_replies(mut self, bytes: usize) -> Self {
        self.filler = bytes;
        self
    }

    /// The receiver speaks TLS.
    #[must_use]
    pub fn speaks_tls(mut self, config: &Arc<ServerConfig>) -> Self {
        self.tls = Some(Arc::clone(config));
        self
    }

    /// The receiver says this once it has so many bytes on a connection.
    #[must_use]
    pub fn says(mut self, after: usize, bytes: &[u8]) -> Self {
        self.sayings.push((after, bytes.to_vec()));
        self
    }
}
