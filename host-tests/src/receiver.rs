//! A receiver whose script reads like a trace of the wire. It binds port 0,
//! waits for events and bytes, never for time, and fails loudly: what its
//! thread finds wrong comes out of [`Running::finish`].

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::event::{Event, PATIENCE};
use crate::{messages, watch};

/// What a script makes sure of in a message.
type Check = Box<dyn FnOnce(&[u8]) + Send>;

enum Step {
    Accept,
    ShakeHands(Arc<ServerConfig>),
    BeginHandshake(Arc<ServerConfig>, usize),
    RefuseHandshake(Arc<ServerConfig>),
    RefuseBegun,
    ExpectServerName(Option<String>),
    ExpectClosing,
    Cut,
    Expect(Vec<u8>),
    ExpectAny,
    ExpectThat(Check),
    ExpectEnd,
    ExpectHello,
    ExpectAlerts,
    ExpectPart(usize),
    Acknowledge(&'static str),
    Send(Vec<u8>),
    Offer(Vec<u8>),
    Pour(Vec<u8>, usize),
    SendInPieces(Vec<Vec<u8>>),
    Dribble(Vec<u8>, Duration),
    HalfClose,
    Reset,
    Close,
    Announce(Event),
    Await(Event),
    Serve(usize, &'static str),
}

/// The bytes that begin a frame, end its content, and end the frame.
struct Framing {
    start: Vec<u8>,
    end: Vec<u8>,
    trailer: Vec<u8>,
}

impl Framing {
    fn around(&self, content: &[u8]) -> Vec<u8> {
        [&self.start, content, &self.end, &self.trailer].concat()
    }
}

/// A script, written step by step.
pub struct Receiver {
    address: SocketAddr,
    framing: Framing,
    steps: Vec<Step>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// A script for a receiver at 127.0.0.1.
    #[must_use]
    pub fn new() -> Self {
        Self::at(IpAddr::from(Ipv4Addr::LOCALHOST))
    }

    /// A script for a receiver at this address.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self {
            address: SocketAddr::new(address, 0),
            framing: Framing {
                start: b"\x0B".to_vec(),
                end: b"\x1C".to_vec(),
                trailer: b"\r".to_vec(),
            },
            steps: Vec::new(),
        }
    }

    /// Has frames made of these bytes, from here on and for all that is read.
    #[must_use]
    pub fn framing(mut self, start: &[u8], end: &[u8], trailer: &[u8]) -> Self {
        self.framing = Framing {
            start: start.to_vec(),
            end: end.to_vec(),
            trailer: trailer.to_vec(),
        };
        self
    }

    /// Waits for a sender to connect.
    #[must_use]
    pub fn accept(self) -> Self {
        self.then(Step::Accept)
    }

    /// Completes a TLS handshake; everything after it is said through TLS.
    #[must_use]
    pub fn shake_hands(self, config: Arc<ServerConfig>) -> Self {
        self.then(Step::ShakeHands(config))
    }

    /// Takes part in a TLS handshake that must fail, before any message. Everything
    /// after it is said without TLS.
    #[must_use]
    pub fn refuse_handshake(self, config: Arc<ServerConfig>) -> Self {
        self.then(Step::RefuseHandshake(config))
    }

    /// Reads the first message of a TLS handshake and writes this many bytes of
    /// the answer, which is all of it where it is shorter.
    #[must_use]
    pub fn begin_handshake(self, config: Arc<ServerConfig>, bytes: usize) -> Self {
        self.then(Step::BeginHandshake(config, bytes))
    }

    /// Goes on with the handshake that was begun, as `refuse_handshake` does.
    #[must_use]
    pub fn refuse_begun(self) -> Self {
        self.then(Step::RefuseBegun)
    }

    /// Reads the first message of a TLS handshake and leaves it at that.
    #[must_use]
    pub fn expect_hello(self) -> Self {
        self.then(Step::ExpectHello)
    }

    /// Reads until the sender ends the connection; nothing but alerts of TLS, in
    /// the open or encrypted, may come.
    #[must_use]
    pub fn expect_alerts(self) -> Self {
        self.then(Step::ExpectAlerts)
    }

    /// The sender must have asked for this name in the handshake (SNI), or for
    /// none.
    #[must_use]
    pub fn expect_server_name(self, name: Option<&str>) -> Self {
        self.then(Step::ExpectServerName(name.map(str::to_owned)))
    }

    /// Reads TLS's closing; no byte of a message may come before it.
    #[must_use]
    pub fn expect_closing(self) -> Self {
        self.then(Step::ExpectClosing)
    }

    /// Ends a TLS connection without its closing.
    #[must_use]
    pub fn cut(self) -> Self {
        self.then(Step::Cut)
    }

    /// Reads a frame, which must hold exactly this message.
    #[must_use]
    pub fn expect(self, message: &[u8]) -> Self {
        self.then(Step::Expect(message.to_vec()))
    }

    /// Reads a frame, whatever it holds.
    #[must_use]
    pub fn expect_any(self) -> Self {
        self.then(Step::ExpectAny)
    }

    /// Reads a frame that is no message and must be as this says.
    #[must_use]
    pub fn expect_that(self, check: impl FnOnce(&[u8]) + Send + 'static) -> Self {
        self.then(Step::ExpectThat(Box::new(check)))
    }

    /// Reads the sender's commit block of MLLP Release 2.
    #[must_use]
    pub fn expect_commit(self) -> Self {
        self.expect_that(|content| assert_eq!(content, b"\x06", "no commit block"))
    }

    /// Reads the sender's CA for an acknowledgment with this control id.
    #[must_use]
    pub fn expect_accept(self, control_id: &str) -> Self {
        let msa = format!("\rMSA|CA|{control_id}\r");
        self.expect_that(move |content| {
            assert!(content.starts_with(b"MSH"), "no acknowledgment");
            assert!(content.ends_with(msa.as_bytes()), "no CA for this");
        })
    }

    /// Reads until the sender ends the connection; no byte may come.
    #[must_use]
    pub fn expect_end(self) -> Self {
        self.then(Step::ExpectEnd)
    }

    /// Reads this many bytes of a message and no more.
    #[must_use]
    pub fn expect_part(self, bytes: usize) -> Self {
        self.then(Step::ExpectPart(bytes))
    }

    /// Acknowledges the message read last, as it should be done.
    #[must_use]
    pub fn acknowledge(self, code: &'static str) -> Self {
        self.then(Step::Acknowledge(code))
    }

    /// Writes a frame with this content.
    #[must_use]
    pub fn reply(self, content: &[u8]) -> Self {
        let frame = self.framing.around(content);
        self.then(Step::Send(frame))
    }

    /// Writes MLLP Release 2's commit block: the message is in safe storage.
    #[must_use]
    pub fn commit(self) -> Self {
        self.reply(b"\x06")
    }

    /// Writes MLLP Release 2's negative commit block.
    #[must_use]
    pub fn refuse_to_commit(self) -> Self {
        self.reply(b"\x15")
    }

    /// Writes these bytes.
    #[must_use]
    pub fn send(self, bytes: &[u8]) -> Self {
        self.then(Step::Send(bytes.to_vec()))
    }

    /// Writes a frame with this content, as far as the sender takes it.
    #[must_use]
    pub fn offer(self, content: &[u8]) -> Self {
        let frame = self.framing.around(content);
        self.then(Step::Offer(frame))
    }

    /// Writes these bytes so many times over, as far as the sender takes them.
    #[must_use]
    pub fn pour(self, bytes: &[u8], times: usize) -> Self {
        self.then(Step::Pour(bytes.to_vec(), times))
    }

    /// Writes these pieces, each as a segment of its own as far as TCP lets it.
    #[must_use]
    pub fn send_in_pieces(self, pieces: Vec<Vec<u8>>) -> Self {
        self.then(Step::SendInPieces(pieces))
    }

    /// Writes a byte, waits, writes the next, until the sender goes away.
    #[must_use]
    pub fn dribble(self, bytes: &[u8], pause: Duration) -> Self {
        self.then(Step::Dribble(bytes.to_vec(), pause))
    }

    /// Ends its own direction of the connection and keeps reading.
    #[must_use]
    pub fn half_close(self) -> Self {
        self.then(Step::HalfClose)
    }

    /// Ends the connection by a reset.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// Ends the connection.
    #[must_use]
    pub fn close(self) -> Self {
        self.then(Step::Close)
    }

    /// Lets the test know that the script has come this far.
    #[must_use]
    pub fn announce(self, event: &Event) -> Self {
        self.then(Step::Announce(event.clone()))
    }

    /// Waits for the test.
    #[must_use]
    pub fn wait_for(self, event: &Event) -> Self {
        self.then(Step::Await(event.clone()))
    }

    /// Reads and acknowledges so many messages on one connection.
    #[must_use]
    pub fn serve(self, messages: usize, code: &'static str) -> Self {
        self.then(Step::Serve(messages, code))
    }

    /// Starts listening.
    ///
    /// # Panics
    /// If the machine has no such address.
    #[must_use]
    pub fn start(self) -> Running {
        // What is built and compiled by now takes nothing of its patience.
        crate::sandbox::library();
        let listener = TcpListener::bind(self.address).expect("a free port on loopback");
        let address = listener.local_addr().expect("the port bound");
        let mut play = Play {
            listener,
            connection: None,
            framing: self.framing,
            unread: Vec::new(),
            received: Vec::new(),
        };
        let thread = std::thread::spawn(move || {
            for step in self.steps {
                play.step(step);
            }
            play.received
        });
        Running { address, thread }
    }

    fn then(mut self, step: Step) -> Self {
        match &step {
            Step::Send(bytes)
            | Step::Offer(bytes)
            | Step::Pour(bytes, _)
            | Step::Dribble(bytes, _) => {
                watch::is_marked(bytes);
            }
            Step::SendInPieces(pieces) => watch::is_marked(&pieces.concat()),
            _ => {}
        }
        self.steps.push(step);
        self
    }
}

/// A receiver that follows its script.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    thread: JoinHandle<Vec<Vec<u8>>>,
}

impl Running {
    /// Waits for the script's end and returns the messages received.
    ///
    /// # Panics
    /// With what the script found wrong.
    #[must_use]
    pub fn finish(self) -> Vec<Vec<u8>> {
        match self.thread.join() {
            Ok(received) => received,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// As [`Self::finish`], for many at a time: what the sandboxes have still to do
    /// goes on meanwhile.
    ///
    /// # Panics
    /// With what the script found wrong.
    pub async fn finished(self) -> Vec<Vec<u8>> {
        match tokio::task::spawn_blocking(|| self.finish()).await {
            Ok(received) => received,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// The content types of records (RFC 8446 section 5.1).
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// The content type and the size of TLS 1.3's records that hold an alert, which
/// has two bytes; a message in its frame has more.
const ENCRYPTED_ALERT: (u8, usize) = (23, 2 + 1 + 16);

/// What the sender is heard and told through.
enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Line {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref(),
        }
    }

    fn into_socket(self) -> TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.into_parts().1,
        }
    }
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

struct Play {
    listener: TcpListener,
    connection: Option<Line>,
    framing: Framing,
    /// What came with the frame read last, and after it.
    unread: Vec<u8>,
    received: Vec<Vec<u8>>,
}

impl Play {
    fn step(&mut self, step: Step) {
        match step {
            Step::Accept => self.accept(),
            Step::ShakeHands(config) => self.shake_hands(config),
            Step::BeginHandshake(config, bytes) => self.begin_handshake(config, bytes),
            Step::RefuseHandshake(config) => {
                let connection = ServerConnection::new(config).expect("a server");
                let socket = self.socket();
                self.refuse(connection, socket);
            }
            Step::RefuseBegun => match self.connection.take() {
                Some(Line::Tls(stream)) => {
                    let (connection, socket) = stream.into_parts();
                    self.refuse(connection, socket);
                }
                _ => panic!("the script begins a handshake first"),
            },
            Step::ExpectServerName(name) => match self.connection() {
                Line::Tls(stream) => assert_eq!(stream.conn.server_name(), name.as_deref()),
                Line::Plain(_) => panic!("the script shakes hands first"),
            },
            Step::ExpectClosing => {
                self.nothing_is_unread();
                let read = self.connection().read(&mut [0; 1]);
                assert_eq!(read.expect("TLS's closing"), 0, "a byte before the closing");
            }
            Step::Cut => drop(self.connection.take().map(Line::into_socket)),
            Step::Expect(message) => {
                let received = self.read_frame();
                assert!(received == message, "the receiver got another message");
                self.received.push(received);
            }
            Step::ExpectAny => {
                let received = self.read_frame();
                self.received.push(received);
            }
            Step::ExpectThat(check) => check(&self.read_frame()),
            Step::ExpectEnd => self.expect_end(),
            Step::ExpectHello => {
                let (kind, _) = self.read_record().expect("the first message");
                assert_eq!(kind, HANDSHAKE, "TLS begins with a handshake");
            }
            Step::ExpectAlerts => {
                while let Some(record) = self.read_record() {
                    let alert = record.0 == ALERT || record == ENCRYPTED_ALERT;
                    assert!(alert, "{record:?} came, which is no alert");
                }
            }
            Step::ExpectPart(bytes) => {
                self.nothing_is_unread();
                let mut part = vec![0; bytes];
                self.connection().read_exact(&mut part).expect("a part");
            }
            Step::Acknowledge(code) => self.acknowledge(code),
            Step::Send(bytes) => self.write(&bytes),
            Step::Offer(bytes) => {
                // A sender that has had enough goes away.
                let _ = self.connection().write_all(&bytes);
            }
            Step::Pour(bytes, times) => {
                let connection = self.connection();
                // A sender that has had enough goes away.
                let _ = (0..times).try_for_each(|_| connection.write_all(&bytes));
            }
            Step::SendInPieces(pieces) => {
                for piece in pieces {
                    self.write(&piece);
                    // Lets the sender wake between the pieces. Nothing rests on
                    // it: every way of joining them must work too.
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
            Step::Dribble(bytes, pause) => self.dribble(&bytes, pause),
            Step::HalfClose => {
                let socket = self.connection().socket();
                socket.shutdown(Shutdown::Write).expect("half close");
            }
            Step::Reset => {
                let line = self.connection.take().expect("a connection");
                let socket = socket2::Socket::from(line.into_socket());
                socket.set_linger(Some(Duration::ZERO)).expect("linger");
            }
            Step::Close => self.close(),
            Step::Announce(event) => event.announce(),
            Step::Await(event) => event.wait(),
            Step::Serve(messages, code) => {
                for _ in 0..messages {
                    let received = self.read_frame();
                    self.received.push(received);
                    self.acknowledge(code);
                }
            }
        }
    }

    fn accept(&mut self) {
        self.nothing_is_unread();
        let connection = self.next_sender();
        connection.set_nodelay(true).expect("no delay");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("timeout");
        connection
            .set_write_timeout(Some(PATIENCE))
            .expect("timeout");
        self.connection = Some(Line::Plain(connection));
    }

    fn close(&mut self) {
        if let Some(Line::Tls(stream)) = &mut self.connection {
            stream.conn.send_close_notify();
            // The sender may be gone.
            let _ = stream.flush();
        }
        self.connection = None;
    }

    fn socket(&mut self) -> TcpStream {
        match self.connection.take() {
            Some(Line::Plain(socket)) => socket,
            _ => panic!("the script accepts first, and shakes hands once"),
        }
    }

    fn shake_hands(&mut self, config: Arc<ServerConfig>) {
        let mut socket = self.socket();
        let mut connection = ServerConnection::new(config).expect("a server");
        while connection.is_handshaking() || connection.wants_write() {
            connection.complete_io(&mut socket).expect("a handshake");
        }
        let stream = StreamOwned::new(connection, socket);
        self.connection = Some(Line::Tls(Box::new(stream)));
    }

    fn begin_handshake(&mut self, config: Arc<ServerConfig>, bytes: usize) {
        let mut socket = self.socket();
        let mut connection = ServerConnection::new(config).expect("a server");
        while !connection.wants_write() {
            connection.read_tls(&mut socket).expect("a first message");
            connection.process_new_packets().expect("a first message");
        }
        let mut flight = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut flight).expect("an answer");
        }
        flight.truncate(bytes);
        socket.write_all(&flight).expect("the sender reads");
        let stream = StreamOwned::new(connection, socket);
        self.connection = Some(Line::Tls(Box::new(stream)));
    }

    /// Whichever end refuses, and whether or not the handshake is over for the
    /// other by then: the end has to come, and before any message.
    fn refuse(&mut self, mut connection: ServerConnection, mut socket: TcpStream) {
        let mut failed = false;
        while connection.is_handshaking() && !failed {
            // Of a failure it tells the sender, too.
            failed = connection.complete_io(&mut socket).is_err();
        }
        let mut stream = StreamOwned::new(connection, socket);
        if !failed {
            let read = stream.read(&mut [0; 1]);
            assert!(!matches!(read, Ok(1)), "a byte of a message came");
        }
        self.connection = Some(Line::Plain(stream.into_parts().1));
    }

    /// The content type and the size of the next record; `None` at the end.
    fn read_record(&mut self) -> Option<(u8, usize)> {
        let mut header = [0; 5];
        match self.connection().read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return None,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("reading a record: {error}"),
        }
        let [kind, _, _, size @ ..] = header;
        let size = u16::from_be_bytes(size).into();
        let mut content = vec![0; size];
        self.connection()
            .read_exact(&mut content)
            .expect("a whole record");
        Some((kind, size))
    }

    /// The standard library's `accept` knows no patience.
    fn next_sender(&self) -> TcpStream {
        self.listener.set_nonblocking(true).expect("non-blocking");
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            match self.listener.accept() {
                Ok((connection, _)) => {
                    connection.set_nonblocking(false).expect("blocking");
                    return connection;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(error) => panic!("accepting a sender: {error}"),
            }
        }
        panic!("no sender connected");
    }

    fn connection(&mut self) -> &mut Line {
        self.connection.as_mut().expect("the script accepts first")
    }

    fn write(&mut self, bytes: &[u8]) {
        self.connection()
            .write_all(bytes)
            .expect("the sender reads");
    }

    fn acknowledge(&mut self, code: &str) {
        let last = self.received.last().expect("the script expects first");
        let control_id = messages::control_id(last);
        let control_id = String::from_utf8_lossy(&control_id).into_owned();
        let frame = self.framing.around(&messages::ack(code, &control_id));
        self.write(&frame);
    }

    /// Reads one frame. What the sender wrote beyond it, the next step finds.
    fn read_frame(&mut self) -> Vec<u8> {
        let end = [&self.framing.end[..], &self.framing.trailer].concat();
        let mut frame = std::mem::take(&mut self.unread);
        let mut buffer = vec![0; 64 * 1024];
        let mut searched = 0;
        let size = loop {
            let mut windows = frame[searched..].windows(end.len());
            if let Some(found) = windows.position(|window| window == end) {
                break searched + found;
            }
            searched = frame.len().saturating_sub(end.len() - 1);
            let read = self.connection().read(&mut buffer).expect("a message");
            assert!(read > 0, "the sender ended the connection inside a frame");
            frame.extend_from_slice(&buffer[..read]);
        };
        self.unread = frame.split_off(size + end.len());
        let content = frame[..size].strip_prefix(&self.framing.start[..]);
        content.expect("a frame begins with a start block").to_vec()
    }

    fn nothing_is_unread(&self) {
        let bytes = self.unread.len();
        assert_eq!(bytes, 0, "the sender wrote more than the script reads");
    }

    fn expect_end(&mut self) {
        self.nothing_is_unread();
        match self.connection().read(&mut [0; 1]) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("waited for the end of the connection, got {other:?}"),
        }
    }

    fn dribble(&mut self, bytes: &[u8], pause: Duration) {
        for byte in bytes {
            if self.connection().write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(pause);
        }
        panic!("the sender waited for the whole reply");
    }
}
