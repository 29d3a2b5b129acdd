//! A receiver that is restarted again and again, at moments that a seed decides. It
//! knows of each message how often it took the whole of it and whether it
//! acknowledged it, until it is asked.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::Socket;

use crate::chance::Chance;
use crate::{messages, mortal};

/// One message in so many brings a restart; and one in so many of those that do not
/// come in one read, and that in their middle.
const RESTART_EVERY: u64 = 60;
const RESTART_IN_LONG_EVERY: u64 = 4;
/// One restart in so many takes longer than the sender waits.
const OUTAGE_EVERY: u64 = 40;
/// One reply in so many has so many bytes.
const LONG_REPLY_EVERY: u64 = 50;
pub(super) const LONG_REPLY: usize = 200_000;
/// How much of a message it reads that it will not read to its end.
const PART: usize = 20;

/// What it knows of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// How often it took the whole of it.
    pub(super) taken: u32,
    /// Whether it began to acknowledge it, and was to get to the end of that.
    pub(super) acknowledged: bool,
}

/// When it dies, seen from a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    WhileIdle,
    InMessage,
    AfterFrame,
    InAcknowledgment,
    AfterAcknowledgment,
}

const MOMENTS: [Moment; 5] = [
    Moment::WhileIdle,
    Moment::InMessage,
    Moment::AfterFrame,
    Moment::InAcknowledgment,
    Moment::AfterAcknowledgment,
];

/// What a connection ends with.
enum End {
    /// The sender ended it.
    Left,
    /// The receiver dies.
    Death,
    /// The receiver reads no more for longer than the sender waits, and dies.
    Stall,
}

#[derive(Default)]
struct Shared {
    log: Mutex<HashMap<u64, Known>>,
    restarts: AtomicU64,
    calm: AtomicBool,
    over: AtomicBool,
}

/// The receiver, running.
pub(super) struct Restarting {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Restarting {
    /// Starts it at this port, with TLS if it is given a certificate. What takes
    /// longer than the sender waits takes `outage`.
    pub(super) fn start(
        port: u16,
        tls: Option<Arc<ServerConfig>>,
        outage: Duration,
        seed: u64,
    ) -> io::Result<Self> {
        let address = SocketAddr::from((mortal::own_address(), port));
        let shared = Arc::new(Shared::default());
        let life = Life {
            address,
            tls,
            outage,
            chance: Chance::new(seed),
            shared: Arc::clone(&shared),
        };
        let listener = listen(address)?;
        let thread = std::thread::spawn(move || life.serve_all(listener));
        Ok(Self {
            address,
            shared,
            thread,
        })
    }

    /// Tells what it knows of this message, and forgets it.
    pub(super) fn take_known(&self, id: u64) -> Known {
        locked(&self.shared.log).remove(&id).unwrap_or_default()
    }

    /// How often it was restarted.
    pub(super) fn restarts(&self) -> u64 {
        self.shared.restarts.load(Ordering::Relaxed)
    }

    /// Lets it live on for now, or die again. What it decided before stands.
    pub(super) fn keep_calm(&self, calm: bool) {
        self.shared.calm.store(calm, Ordering::Relaxed);
    }

    /// Ends it, now that the sender has ended the connection, and tells how many
    /// messages it knows of that it was not asked about.
    pub(super) fn finish(self) -> usize {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
        locked(&self.shared.log).len()
    }
}

/// What the sender is heard and told through.
trait Line: Read + Write {
    fn into_socket(self: Box<Self>) -> TcpStream;
}

impl Line for TcpStream {
    fn into_socket(self: Box<Self>) -> TcpStream {
        *self
    }
}

impl Line for StreamOwned<ServerConnection, TcpStream> {
    fn into_socket(self: Box<Self>) -> TcpStream {
        self.into_parts().1
    }
}

struct Life {
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    outage: Duration,
    chance: Chance,
    shared: Arc<Shared>,
}

impl Life {
    fn serve_all(mut self, mut listener: TcpListener) {
        while let Some(mut line) = self.accept(&listener) {
            // A connection that breaks is over, too; the sender comes back.
            let end = self.serve(&mut *line).unwrap_or(End::Left);
            if matches!(end, End::Left) {
                continue;
            }
            self.shared.restarts.fetch_add(1, Ordering::Relaxed);
            // First, so that nobody who finds the connection ended gets another.
            drop(listener);
            if matches!(end, End::Stall) {
                std::thread::sleep(self.outage);
            }
            if self.chance.one_in(2) {
                let socket = Socket::from(line.into_socket());
                // If the sender was faster, it is over as well.
                let _ = socket.set_linger(Some(Duration::ZERO));
            } else {
                drop(line);
            }
            if self.chance.one_in(OUTAGE_EVERY) {
                std::thread::sleep(self.outage);
            }
            listener = listen(self.address).expect("its own port");
        }
    }

    /// The next connection; `None` once it is over.
    fn accept(&self, listener: &TcpListener) -> Option<Box<dyn Line>> {
        while !self.shared.over.load(Ordering::Relaxed) {
            match listener.accept() {
                Ok((socket, _)) => {
                    socket.set_nonblocking(false).expect("blocking");
                    socket.set_nodelay(true).expect("no delay");
                    return Some(match &self.tls {
                        None => Box::new(socket),
                        Some(config) => {
                            let tls = ServerConnection::new(Arc::clone(config)).expect("a server");
                            Box::new(StreamOwned::new(tls, socket))
                        }
                    });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("accepting the sender: {error}"),
            }
        }
        None
    }

    /// Serves a connection until it ends.
    fn serve(&mut self, line: &mut dyn Line) -> io::Result<End> {
        loop {
            let death = self.dies(RESTART_EVERY).then(|| self.chance.of(&MOMENTS));
            match death {
                Some(Moment::WhileIdle) => return Ok(End::Death),
                Some(Moment::InMessage) => {
                    line.read_exact(&mut [0; PART])?;
                    return Ok(End::Death);
                }
                _ => {}
            }
            let content = match self.read_message(line)? {
                Ok(content) => content,
                Err(end) => return Ok(end),
            };
            let id = number(&content);
            self.note(id, |known| known.taken += 1);
            if death == Some(Moment::AfterFrame) {
                return Ok(End::Death);
            }
            let answer = self.answer(id);
            if death == Some(Moment::InAcknowledgment) {
                line.write_all(&answer[..answer.len() / 2])?;
                line.flush()?;
                return Ok(End::Death);
            }
            // Before its first byte, so that the sender is not faster.
            self.note(id, |known| known.acknowledged = true);
            line.write_all(&answer)?;
            line.flush()?;
            if death.is_some() {
                return Ok(End::Death);
            }
        }
    }

    fn dies(&mut self, one_in: u64) -> bool {
        self.chance.one_in(one_in) && !self.shared.calm.load(Ordering::Relaxed)
    }

    /// The content of the next message, or what the connection ends with.
    fn read_message(&mut self, line: &mut dyn Line) -> io::Result<Result<Vec<u8>, End>> {
        let mut frame = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = line.read(&mut buffer)?;
            if read == 0 {
                return Ok(Err(End::Left));
            }
            let is_first = frame.is_empty();
            frame.extend_from_slice(&buffer[..read]);
            if frame.ends_with(b"\x1C\r") {
                break;
            }
            if is_first && self.dies(RESTART_IN_LONG_EVERY) {
                let stalls = self.chance.one_in(2);
                return Ok(Err(if stalls { End::Stall } else { End::Death }));
            }
        }
        let content = frame.strip_prefix(b"\x0B").expect("a start block");
        Ok(Ok(content.to_vec()))
    }

    fn answer(&mut self, id: u64) -> Vec<u8> {
        let mut answer = messages::ack("AA", &id.to_string());
        if self.chance.one_in(LONG_REPLY_EVERY) {
            messages::pad(&mut answer, LONG_REPLY);
        }
        messages::frame(&answer)
    }

    fn note(&self, id: u64, change: impl FnOnce(&mut Known)) {
        change(locked(&self.shared.log).entry(id).or_default());
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn number(content: &[u8]) -> u64 {
    let id = String::from_utf8(messages::control_id(content)).expect("a number");
    id.parse().expect("a number")
}

/// What a thread that panicked leaves behind is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
