//! A host that follows a script: its own `wasi:sockets`, `wasi:io`, `wasi:clocks`
//! and `wasi:random`, with no more functions than the component imports. It may
//! deny, stall, shorten, wake for nothing and set its clocks as it likes.
//!
//! Time passes only as it says, so nothing here waits. What a good host would trap
//! on, it traps on too: a write beyond the permit, a resource that outlives its
//! parent, waiting for what never comes, dropping an output stream whose bytes the
//! receiver does not take, and calls without end.

mod line;
mod linking;
mod script;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;

use wasmtime::component::{Component, Linker, Resource, ResourceTable};
use wasmtime::{Config, Engine, Result, Store, bail, ensure};
use wasmtime_wasi::p2::bindings::sockets::network::{IpAddress, IpSocketAddress};

use crate::sandbox::{Sandbox, components};
use line::Line;
use linking::StreamError;
pub use script::{
    ERROR_CODES, ErrorCode, Listing, Loss, Place, STREAM_CALLS, Script, StreamCall, Wait,
};

/// How many calls the component may make before it counts as hung.
const CALLS_MAX: u64 = 5_000_000;

/// How much it may compute, in wasmtime's measure, before it counts as hung.
const FUEL: u64 = 100_000_000_000;

/// What the monotonic clock shows at first, in nanoseconds.
const BEGINNING: u64 = 1_000_000_000_000_000;

/// What one call of the host takes, in nanoseconds.
const CALL: u64 = 1_000;

const MILLISECOND: u64 = 1_000_000;

/// What a poll takes that need not wait, or is woken for nothing: so that polling in
/// vain leads on to the deadline.
const IN_VAIN: u64 = 10 * MILLISECOND;

/// What a function answers, unless it traps.
type Answer<T, E = ErrorCode> = Result<Result<T, E>>;

/// A capability to use the network.
struct Network;

/// An error of a stream.
struct StreamFault;

/// A lookup, and how many addresses it gave.
struct Lookup(usize);

/// A socket, and where it was told to connect to.
struct Socket(Option<SocketAddr>);

/// What can be read of a line.
struct Input(usize);

/// What can be written to a line, and how much now.
struct Output {
    line: usize,
    permit: u64,
}

/// What is waited for.
#[derive(Clone, Copy)]
enum Pollable {
    /// In nanoseconds of the host's own time, which no jump changes.
    Deadline(u64),
    Lookup,
    Connecting(Option<SocketAddr>),
    Readable(usize),
    Writable,
}

impl Pollable {
    const fn wait(self) -> Wait {
        match self {
            Self::Deadline(_) => Wait::Deadline,
            Self::Lookup => Wait::Lookup,
            Self::Connecting(_) => Wait::Connecting,
            Self::Readable(_) => Wait::Readable,
            Self::Writable => Wait::Writable,
        }
    }
}

/// The host, and what it has seen.
pub struct ScriptedHost {
    script: Script,
    table: ResourceTable,
    /// In nanoseconds since the beginning.
    time: u64,
    /// How far the monotonic clock is set forward or back, in nanoseconds.
    set_forward: i64,
    calls: u64,
    called: BTreeMap<&'static str, u32>,
    /// The sizes of the writes.
    writes: Vec<usize>,
    lines: Vec<Line>,
    looked_up: Vec<String>,
    dialled: Vec<SocketAddr>,
}

/// The engine of these hosts: it counts what the component computes.
fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut config = Config::new();
        config.consume_fuel(true);
        Engine::new(&config).expect("an engine")
    })
}

fn library() -> &'static Component {
    static LIBRARY: OnceLock<Component> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        Component::from_file(engine(), &components().library).expect("the library compiles")
    })
}

fn linker() -> &'static Linker<ScriptedHost> {
    static LINKER: OnceLock<Linker<ScriptedHost>> = OnceLock::new();
    LINKER.get_or_init(|| {
        let mut linker = Linker::new(engine());
        linking::link(&mut linker).expect("the functions link");
        linker
    })
}

impl Sandbox<ScriptedHost> {
    /// An instance in a host that follows this script.
    ///
    /// # Panics
    /// If the component asks for a function that the host does not have.
    pub async fn scripted(script: Script) -> Self {
        let mut store = Store::new(engine(), ScriptedHost::new(script));
        store.set_fuel(FUEL).expect("fuel is counted");
        Self::instantiate(store, library(), linker())
            .await
            .expect("the component asks for no more than the host has")
    }
}

/// What the component asked of the host, and the host's own time. None of it is
/// known to the component.
impl ScriptedHost {
    fn new(script: Script) -> Self {
        Self {
            script,
            table: ResourceTable::new(),
            time: 0,
            set_forward: 0,
            calls: 0,
            called: BTreeMap::new(),
            writes: Vec::new(),
            lines: Vec::new(),
            looked_up: Vec::new(),
            dialled: Vec::new(),
        }
    }

    /// Follows another script from now on.
    pub fn follow(&mut self, script: Script) {
        self.script = script;
        self.called.clear();
        self.writes.clear();
    }

    /// The time that has really passed, in milliseconds.
    #[must_use]
    pub const fn milliseconds(&self) -> u64 {
        self.time / MILLISECOND
    }

    /// What it took on the connections, one by one.
    #[must_use]
    pub fn taken(&self) -> Vec<&[u8]> {
        self.lines.iter().map(|line| &*line.taken).collect()
    }

    /// The names that it was asked for.
    #[must_use]
    pub fn looked_up(&self) -> &[String] {
        &self.looked_up
    }

    /// The addresses that sockets were told to connect to.
    #[must_use]
    pub fn dialled(&self) -> &[SocketAddr] {
        &self.dialled
    }

    /// How often this function was called since the script began.
    #[must_use]
    pub fn calls_of(&self, function: &str) -> u32 {
        self.called.get(function).copied().unwrap_or_default()
    }

    /// How often each function was called since the script began.
    #[must_use]
    pub const fn calls(&self) -> &BTreeMap<&'static str, u32> {
        &self.called
    }

    /// How many bytes each write handed over since the script began.
    #[must_use]
    pub fn writes(&self) -> &[usize] {
        &self.writes
    }

    /// The resources that the component still holds.
    pub fn held(&mut self) -> Vec<&'static str> {
        let mut held: Vec<_> = self
            .table
            .iter_mut()
            .map(|entry| match entry {
                _ if entry.is::<Network>() => "network",
                _ if entry.is::<Socket>() => "tcp-socket",
                _ if entry.is::<Input>() => "input-stream",
                _ if entry.is::<Output>() => "output-stream",
                _ if entry.is::<Pollable>() => "pollable",
                _ if entry.is::<Lookup>() => "resolve-address-stream",
                _ => "error",
            })
            .collect();
        held.sort_unstable();
        held
    }
}

/// The functions.
impl ScriptedHost {
    /// Counts a call; how often this function was called, this time included.
    fn called(&mut self, function: &'static str) -> Result<u32> {
        self.calls += 1;
        self.time += CALL;
        ensure!(self.calls <= CALLS_MAX, "the component calls without end");
        let count = self.called.entry(function).or_default();
        *count += 1;
        Ok(*count)
    }

    fn refusal(&self, place: Place) -> Result<(), ErrorCode> {
        self.script
            .refusals
            .get(&place)
            .map_or(Ok(()), |code| Err(*code))
    }

    /// Whether this call of a stream, the nth, is to fail.
    fn loss(&self, call: StreamCall, nth: u32) -> Option<Loss> {
        let (from, loss) = self.script.losses.get(&call)?;
        (nth >= *from).then_some(*loss)
    }

    fn stream_error(&mut self, loss: Loss) -> Result<StreamError> {
        Ok(match loss {
            Loss::Closed => StreamError::Closed,
            Loss::Failed => StreamError::LastOperationFailed(self.table.push(StreamFault)?),
        })
    }

    fn reading(&self) -> u64 {
        let passed = if self.script.stands_still {
            0
        } else {
            self.time
        };
        (BEGINNING + passed).saturating_add_signed(self.set_forward)
    }

    fn now(&mut self) -> Result<u64> {
        let nth = self.called("now")?;
        for (_, milliseconds) in self.script.jumps.iter().filter(|(at, _)| *at == nth) {
            self.set_forward += milliseconds * 1_000_000;
        }
        Ok(self.reading())
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<Pollable>> {
        self.called("subscribe-instant")?;
        let left = when.saturating_sub(self.reading());
        let at = self.time.saturating_add(left);
        Ok(self.table.push(Pollable::Deadline(at))?)
    }

    fn time_of_day(&mut self) -> Result<(u64, u32)> {
        let nth = self.called("wall-clock")?;
        Ok(step(&self.script.times_of_day, nth))
    }

    fn random_bytes(&mut self, bytes: u64) -> Result<Vec<u8>> {
        self.called("get-random-bytes")?;
        let bytes = bytes.saturating_add_signed(self.script.random_surplus);
        // No test asks whether it is random.
        Ok((0..bytes)
            .map(|n| (n as u8).wrapping_mul(151) ^ 0x5A)
            .collect())
    }

    fn random_u64(&mut self) -> Result<u64> {
        let nth = self.called("get-random-u64")?;
        Ok(u64::from(nth).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn poll(&mut self, all: &[Resource<Pollable>]) -> Result<Vec<u32>> {
        let nth = self.called("poll")?;
        ensure!(!all.is_empty(), "the component waits for nothing at all");
        let all: Vec<_> = all
            .iter()
            .map(|pollable| self.table.get(pollable).copied())
            .collect::<Result<_, _>>()?;
        if nth <= self.script.idle_wakes {
            self.time += IN_VAIN;
            return Ok(self.listed(&vec![false; all.len()]));
        }
        let due: Vec<_> = all.iter().map(|pollable| self.due(*pollable)).collect();
        let Some(first) = due.iter().flatten().min() else {
            bail!("the component waits for what never comes");
        };
        self.time = match self.time < *first {
            true => *first,
            false => self.time + IN_VAIN,
        };
        let ready: Vec<_> = due
            .iter()
            .map(|due| due.is_some_and(|due| due <= self.time))
            .collect();
        Ok(self.listed(&ready))
    }

    fn listed(&self, ready: &[bool]) -> Vec<u32> {
        let places = 0..u32::try_from(ready.len()).unwrap_or(u32::MAX);
        match self.script.listing {
            Listing::Truthful => places
                .zip(ready)
                .filter_map(|(place, ready)| ready.then_some(place))
                .collect(),
            Listing::Empty => Vec::new(),
            Listing::OutOfRange => vec![u32::MAX, places.end, 0, 0, 0, places.end],
            Listing::Everything => places.collect(),
        }
    }

    /// When this is ready, if ever.
    fn due(&self, pollable: Pollable) -> Option<u64> {
        let blocks = |place| self.refusal(place) == Err(ErrorCode::WouldBlock);
        if self.script.unheard.contains(&pollable.wait()) {
            return None;
        }
        match pollable {
            Pollable::Deadline(at) => Some(at),
            Pollable::Lookup => (!blocks(Place::NextAddress)).then_some(0),
            Pollable::Connecting(address) => {
                let answers = address.is_some_and(|address| self.answers(address));
                (answers && !blocks(Place::FinishConnect)).then_some(0)
            }
            Pollable::Readable(line) => match self.loss(StreamCall::Read, u32::MAX) {
                Some(_) => Some(0),
                None => self.lines.get(line)?.readable_at(),
            },
            Pollable::Writable => {
                let nth = self.calls_of("check-write");
                match (self.permit(nth + 1), self.script.permits.last()) {
                    (0, Some(0)) => None,
                    // The receiver takes a moment.
                    (0, _) => Some(self.time + MILLISECOND),
                    _ => Some(0),
                }
            }
        }
    }

    fn permit(&self, nth: u32) -> u64 {
        step(&self.script.permits, nth)
    }

    fn answers(&self, address: SocketAddr) -> bool {
        !self.script.silent.contains(&address.ip())
    }

    fn network(&mut self) -> Result<Resource<Network>> {
        self.called("instance-network")?;
        Ok(self.table.push(Network)?)
    }

    fn resolve(&mut self, name: String) -> Answer<Resource<Lookup>> {
        self.called("resolve-addresses")?;
        self.looked_up.push(name);
        if let Err(code) = self.refusal(Place::Resolve) {
            return Ok(Err(code));
        }
        Ok(Ok(self.table.push(Lookup(0))?))
    }

    fn next_address(&mut self, lookup: &Resource<Lookup>) -> Answer<Option<IpAddress>> {
        self.called("resolve-next-address")?;
        let Lookup(given) = self.table.get_mut(lookup)?;
        let nth = *given;
        *given += 1;
        let addresses = &self.script.addresses;
        let address = match self.script.endless {
            true => addresses.get(nth % addresses.len().max(1)),
            false => addresses.get(nth),
        };
        Ok(match (self.refusal(Place::NextAddress), address) {
            // What is refused is what comes after the addresses.
            (Err(code), None) => Err(code),
            (_, address) => Ok(address.map(|address| IpAddress::from(*address))),
        })
    }

    fn create(&mut self) -> Answer<Resource<Socket>> {
        self.called("create-tcp-socket")?;
        if let Err(code) = self.refusal(Place::Create) {
            return Ok(Err(code));
        }
        Ok(Ok(self.table.push(Socket(None))?))
    }

    fn start_connect(&mut self, socket: &Resource<Socket>, address: IpSocketAddress) -> Answer<()> {
        self.called("start-connect")?;
        let address = SocketAddr::from(address);
        self.dialled.push(address);
        let Socket(to) = self.table.get_mut(socket)?;
        ensure!(to.is_none(), "the component uses a spent socket");
        *to = Some(address);
        Ok(self.refusal(Place::StartConnect))
    }

    fn finish_connect(
        &mut self,
        socket: &Resource<Socket>,
    ) -> Answer<(Resource<Input>, Resource<Output>)> {
        self.called("finish-connect")?;
        let Socket(Some(address)) = *self.table.get(socket)? else {
            bail!("the component finishes what it did not start");
        };
        if let Err(code) = self.refusal(Place::FinishConnect) {
            return Ok(Err(code));
        }
        if !self.answers(address) {
            return Ok(Err(ErrorCode::WouldBlock));
        }
        let line = self.lines.len();
        self.lines.push(Line::new(&self.script, self.time));
        let input = self.table.push_child(Input(line), socket)?;
        let output = Output { line, permit: 0 };
        let output = self.table.push_child(output, socket)?;
        Ok(Ok((input, output)))
    }

    fn set_option(&mut self, function: &'static str, place: Place) -> Answer<()> {
        self.called(function)?;
        Ok(self.refusal(place))
    }

    fn local_address(&mut self) -> Answer<IpSocketAddress> {
        self.called("local-address")?;
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50_000);
        Ok(self.refusal(Place::LocalAddress).map(|()| address.into()))
    }

    fn read(&mut self, input: &Resource<Input>, bytes: u64) -> Answer<Vec<u8>, StreamError> {
        let nth = self.called("read")?;
        let Input(line) = *self.table.get(input)?;
        if let Some(loss) = self.loss(StreamCall::Read, nth) {
            return Ok(Err(self.stream_error(loss)?));
        }
        let asked = match self.script.reads_beyond {
            true => usize::MAX,
            false => usize::try_from(bytes)?,
        };
        let given = step(&self.script.reads, nth).min(asked);
        Ok(Ok(self.lines[line].read(given, self.time)))
    }

    fn check_write(&mut self, output: &Resource<Output>) -> Answer<u64, StreamError> {
        let nth = self.called("check-write")?;
        let permit = self.permit(nth);
        self.table.get_mut(output)?.permit = permit;
        if let Some(loss) = self.loss(StreamCall::CheckWrite, nth) {
            return Ok(Err(self.stream_error(loss)?));
        }
        Ok(Ok(permit))
    }

    fn write(&mut self, output: &Resource<Output>, bytes: &[u8]) -> Answer<(), StreamError> {
        let nth = self.called("write")?;
        let Output { line, permit } = self.table.get_mut(output)?;
        let (line, permitted) = (*line, std::mem::take(permit));
        ensure!(
            bytes.len() as u64 <= permitted,
            "the component writes more than it may"
        );
        let loss = self.loss(StreamCall::Write, nth);
        self.writes.push(bytes.len());
        let taken = match loss {
            Some(_) => self.script.taken_by_failing_write.min(bytes.len()),
            None => bytes.len(),
        };
        self.lines[line].take(&bytes[..taken], &self.script, self.time);
        match loss {
            Some(loss) => Ok(Err(self.stream_error(loss)?)),
            None => Ok(Ok(())),
        }
    }

    /// A good host waits here until the receiver has all of it.
    fn drop_output(&mut self, output: Resource<Output>) -> Result<()> {
        let nth = self.called("drop output-stream")?;
        let asked = self.calls_of("check-write");
        let lost = self.loss(StreamCall::CheckWrite, asked).is_some();
        ensure!(
            lost || self.permit(asked) > 0,
            "the component drops a stream that the receiver does not read: {nth}"
        );
        self.table.delete(output)?;
        Ok(())
    }
}

/// What a list says of the nth call; its last entry stands for all that follow.
fn step<T: Copy + Default>(steps: &[T], nth: u32) -> T {
    let place = usize::try_from(nth).unwrap_or(usize::MAX).saturating_sub(1);
    let entry = steps.get(place).or(steps.last());
    entry.copied().unwrap_or_default()
}
