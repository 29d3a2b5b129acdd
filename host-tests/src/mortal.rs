//! A receiver that dies and is restarted by plan, at any moment of an exchange. It
//! keeps a log of what reached it, to be held against what the sender was told.

use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::Socket;

use crate::event::PATIENCE;
use crate::messages;

/// How long nobody listens while a message is already being sent.
const OUTAGE: Duration = Duration::from_millis(10);

/// How much of a message it reads that it will not read to its end.
const PART: usize = 20;

/// When it dies, seen from a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the message is sent; it is back at once.
    WhileIdle,
    /// Before the message is sent; it is back while the sender tries.
    Down,
    /// Before the message is sent; it is not back before the sender gave up.
    DownForLong,
    /// Right after it accepted the connection that the message is for.
    AfterAccept,
    /// When the message is there and unread.
    BeforeReading,
    /// In the middle of the message, all of which the network has.
    InMessage,
    /// In the middle of a message that is too long for the network to have.
    InLongMessage,
    /// When it has processed the message, before it answers.
    AfterFrame,
    /// When it has sent half of its acknowledgment.
    InAcknowledgment,
    /// When it has sent all of it.
    AfterAcknowledgment,
    /// It ends its own direction before the message is sent, and dies when it has
    /// read what came nevertheless.
    HalfClosed,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::WhileIdle,
        Self::Down,
        Self::DownForLong,
        Self::AfterAccept,
        Self::BeforeReading,
        Self::InMessage,
        Self::InLongMessage,
        Self::AfterFrame,
        Self::InAcknowledgment,
        Self::AfterAcknowledgment,
        Self::HalfClosed,
    ];

    /// Whether it does something after its answer to the message before. The test
    /// waits for that ([`Mortal::has_begun`]) before it sends.
    #[must_use]
    pub const fn begins_before(self) -> bool {
        matches!(
            self,
            Self::WhileIdle | Self::Down | Self::DownForLong | Self::AfterAccept | Self::HalfClosed
        )
    }
}

/// How its connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As its host ends it for a process that died; if bytes are unread, that is a
    /// reset, too.
    Orderly,
    /// By a reset.
    Reset,
}

/// One death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Death {
    /// The number of the message, which is its control id.
    pub message: usize,
    /// When.
    pub moment: Moment,
    /// How.
    pub end: End,
}

/// What it did with a message of which it read the end block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It processed it.
    Processed(usize),
    /// It had processed it before, and dropped it.
    Dropped(usize),
    /// It sent all of an acknowledgment, which says that it processed it.
    Acknowledged(usize),
}

/// The receiver, running.
pub struct Mortal {
    /// Where it listens, while it does.
    pub address: SocketAddr,
    begun: Receiver<usize>,
    go_on: Sender<()>,
    thread: JoinHandle<(Vec<Entry>, Vec<Death>)>,
}

impl Mortal {
    /// Starts it. It ends when the sender ends the connection after the message
    /// `last`. With `drops_duplicates` it processes no control id twice.
    ///
    /// # Panics
    /// If the port cannot be had at an address of this process's own: nobody else
    /// may get it while it is dead.
    #[must_use]
    pub fn start(port: u16, plan: &[Death], last: usize, drops_duplicates: bool) -> Self {
        // What is built and compiled by now takes nothing of its patience.
        crate::sandbox::library();
        let address = SocketAddr::from((own_address(), port));
        let (begin, begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let mut life = Life {
            address,
            listener: Some(listen(address)),
            plan: plan.to_vec(),
            last,
            drops_duplicates,
            seen: 0,
            processed: HashSet::new(),
            log: Vec::new(),
            deaths: Vec::new(),
            begin,
            may_go_on,
        };
        let thread = std::thread::spawn(move || {
            while life.serve() {}
            (life.log, life.deaths)
        });
        Self {
            address,
            begun,
            go_on,
            thread,
        }
    }

    /// Waits until it has begun the death that the plan has for this message.
    ///
    /// # Panics
    /// If it does not.
    pub fn has_begun(&self, message: usize) {
        let begun = self.begun.recv_timeout(PATIENCE);
        assert_eq!(begun, Ok(message), "it dies by plan");
    }

    /// Lets it come back: of [`Moment::Down`] when the message is sent, of
    /// [`Moment::DownForLong`] when that has failed.
    pub fn may_come_back(&self) {
        // If it is gone, `finish` tells why.
        let _ = self.go_on.send(());
    }

    /// Waits for its end, and returns its log and the deaths it died, in order.
    ///
    /// # Panics
    /// With what it found wrong.
    #[must_use]
    pub fn finish(self) -> (Vec<Entry>, Vec<Death>) {
        match self.thread.join() {
            Ok(told) => told,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

struct Life {
    address: SocketAddr,
    listener: Option<TcpListener>,
    plan: Vec<Death>,
    last: usize,
    drops_duplicates: bool,
    /// The last message that it read, or died of.
    seen: usize,
    processed: HashSet<usize>,
    log: Vec<Entry>,
    deaths: Vec<Death>,
    begin: Sender<usize>,
    may_go_on: Receiver<()>,
}

impl Life {
    /// Serves one connection until it ends; whether there will be another.
    fn serve(&mut self) -> bool {
        let mut connection = self.accept();
        let next = self.seen + 1;
        if let Some(death) = self.due(next, &[Moment::AfterAccept]) {
            self.die(connection, death);
            return true;
        }
        loop {
            let next = self.seen + 1;
            if let Some(death) = self.due(next, &[Moment::BeforeReading]) {
                let waiting = connection.peek(&mut [0]).expect("a message");
                assert_eq!(waiting, 1, "the sender ends the connection instead");
                self.die(connection, death);
                return true;
            }
            if let Some(death) = self.due(next, &[Moment::InMessage, Moment::InLongMessage]) {
                connection.read_exact(&mut [0; PART]).expect("a part");
                self.die(connection, death);
                return true;
            }
            let Some(id) = read_message(&mut connection) else {
                return self.seen < self.last;
            };
            self.process(id);
            match self.answer(&mut connection, id) {
                None => {}
                Some(death) => {
                    self.die(connection, death);
                    return true;
                }
            }
            let begins_before = self.planned(id + 1);
            if let Some(death) = begins_before.filter(|death| death.moment.begins_before()) {
                self.begin(connection, death);
                return true;
            }
        }
    }

    fn process(&mut self, id: usize) {
        self.seen = self.seen.max(id);
        let is_new = self.processed.insert(id);
        self.log.push(if is_new || !self.drops_duplicates {
            Entry::Processed(id)
        } else {
            Entry::Dropped(id)
        });
    }

    /// Acknowledges the message, unless it has to die.
    fn answer(&mut self, connection: &mut TcpStream, id: usize) -> Option<Death> {
        let answer = messages::frame(&messages::ack("AA", &id.to_string()));
        let (half, _) = answer.split_at(answer.len() / 2);
        if let Some(death) = self.due(id, &[Moment::AfterFrame]) {
            return Some(death);
        }
        if let Some(death) = self.due(id, &[Moment::InAcknowledgment]) {
            connection.write_all(half).expect("the sender reads");
            return Some(death);
        }
        connection.write_all(&answer).expect("the sender reads");
        self.log.push(Entry::Acknowledged(id));
        self.due(id, &[Moment::AfterAcknowledgment])
    }

    /// Begins a death of which the next message is.
    fn begin(&mut self, mut connection: TcpStream, death: Death) {
        let begun = death.message;
        match death.moment {
            Moment::AfterAccept => drop(connection),
            Moment::HalfClosed => {
                connection.shutdown(Shutdown::Write).expect("half close");
                self.tell(begun);
                if let Some(id) = read_message(&mut connection) {
                    self.process(id);
                }
                return self.die(connection, death);
            }
            Moment::Down | Moment::DownForLong => {
                self.end(connection, death);
                self.tell(begun);
                let go = self.may_go_on.recv_timeout(PATIENCE);
                go.expect("the test lets it come back");
                if death.moment == Moment::Down {
                    std::thread::sleep(OUTAGE);
                }
                return self.listener = Some(listen(self.address));
            }
            _ => self.die(connection, death),
        }
        self.tell(begun);
    }

    fn tell(&self, begun: usize) {
        // If the test is over, it has failed.
        let _ = self.begin.send(begun);
    }

    fn planned(&self, message: usize) -> Option<Death> {
        let planned = self.plan.iter().find(|death| death.message == message);
        planned.copied()
    }

    /// The death that is due at this message, if it is at one of these moments and
    /// it has not been died.
    fn due(&self, message: usize, moments: &[Moment]) -> Option<Death> {
        self.planned(message)
            .filter(|death| moments.contains(&death.moment) && !self.deaths.contains(death))
    }

    /// Dies, and is restarted.
    fn die(&mut self, connection: TcpStream, death: Death) {
        self.end(connection, death);
        self.listener = Some(listen(self.address));
    }

    fn end(&mut self, connection: TcpStream, death: Death) {
        self.deaths.push(death);
        self.seen = self.seen.max(death.message);
        // First, so that nobody who finds the connection ended gets another from it.
        self.listener = None;
        if death.end == End::Reset {
            let socket = Socket::from(connection);
            socket.set_linger(Some(Duration::ZERO)).expect("linger");
        }
    }

    /// The standard library's `accept` knows no patience.
    fn accept(&self) -> TcpStream {
        let listener = self.listener.as_ref().expect("it listens while it lives");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match listener.accept() {
                Ok((connection, _)) => {
                    connection.set_nonblocking(false).expect("blocking");
                    connection.set_nodelay(true).expect("no delay");
                    let patience = Some(PATIENCE);
                    connection.set_read_timeout(patience).expect("timeout");
                    connection.set_write_timeout(patience).expect("timeout");
                    return connection;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(error) => panic!("accepting the sender: {error}"),
            }
        }
        panic!("the sender did not come back");
    }
}

/// An address that no other process uses: a port there stays free while nobody
/// listens.
#[must_use]
pub fn own_address() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | (high & 63), middle, low)
}

fn listen(address: SocketAddr) -> TcpListener {
    let listener = TcpListener::bind(address).expect("its own port");
    listener.set_nonblocking(true).expect("non-blocking");
    listener
}

/// The number of the next message; `None` where the connection ends without one.
fn read_message(connection: &mut TcpStream) -> Option<usize> {
    let mut frame = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    while !frame.ends_with(b"\x1C\r") {
        match connection.read(&mut buffer) {
            Ok(0) => return None,
            Ok(read) => frame.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("reading a message: {error}"),
        }
    }
    let id = messages::control_id(frame.strip_prefix(b"\x0B").expect("a frame"));
    let id = String::from_utf8(id).expect("a number");
    Some(id.parse().expect("a number"))
}
