//! A receiver that applies every message that reaches it whole, over as many
//! connections as there are, and keeps a tally of them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::event::PATIENCE;
use crate::messages;

/// The receiver, running.
pub struct Tally {
    /// Where it listens.
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Tally {
    /// Starts it.
    ///
    /// # Panics
    /// If there is no port.
    #[must_use]
    pub fn start() -> Self {
        // What is built and compiled by now takes nothing of its patience.
        crate::sandbox::library();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("non-blocking");
        let address = listener.local_addr().expect("the port bound");
        let over = Arc::<AtomicBool>::default();
        let is_over = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            let mut received = Vec::new();
            loop {
                // Before the look at who waits: whoever connected by then is served.
                let last = is_over.load(Ordering::SeqCst);
                match listener.accept() {
                    Ok((connection, _)) => serve(connection, &mut received),
                    Err(error) if error.kind() != ErrorKind::WouldBlock => {
                        panic!("accepting a sender: {error}")
                    }
                    Err(_) if last => return received,
                    Err(_) => std::thread::sleep(Duration::from_micros(200)),
                }
            }
        });
        Self {
            address,
            over,
            thread,
        }
    }

    /// Waits for the end of its connections, and returns the control ids of the
    /// messages that reached it, in order.
    ///
    /// # Panics
    /// With what it found wrong.
    #[must_use]
    pub fn finish(self) -> Vec<String> {
        self.over.store(true, Ordering::SeqCst);
        match self.thread.join() {
            Ok(received) => received,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Serves a sender, which may be killed at any moment.
fn serve(mut connection: TcpStream, received: &mut Vec<String>) {
    connection.set_nonblocking(false).expect("blocking");
    let patience = Some(PATIENCE);
    connection.set_read_timeout(patience).expect("patience");
    let mut bytes = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        match connection.read(&mut buffer) {
            Ok(0) => return,
            Ok(size) => bytes.extend_from_slice(&buffer[..size]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            Err(error) => panic!("reading from a sender: {error}"),
        }
        while let Some(end) = bytes.windows(2).position(|two| two == b"\x1C\r") {
            let rest = bytes.split_off(end + 2);
            let frame = std::mem::replace(&mut bytes, rest);
            let content = frame.strip_prefix(b"\x0B").expect("a start block");
            let id = String::from_utf8_lossy(&messages::control_id(content)).into_owned();
            let answer = messages::frame(&messages::ack("AA", &id));
            received.push(id);
            // Whoever was killed reads no answer.
            let _ = connection.write_all(&answer);
        }
    }
}
