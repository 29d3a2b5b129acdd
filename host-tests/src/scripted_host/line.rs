//! One connection, and the receiver at its other end.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::Arc;

use rustls::ServerConnection;

use super::script::Script;
use crate::messages::{ack, control_id, frame};

/// What a host took for a receiver, and what comes from it.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// All that the host took, in order; where TLS is spoken, what whole records held.
    pub(super) taken: Vec<u8>,
    /// The receiver's end of TLS.
    tls: Option<ServerConnection>,
    /// How much of it the receiver has dealt with.
    answered: usize,
    /// How many of its sayings are said.
    said: usize,
    /// When which bytes come, in nanoseconds.
    coming: VecDeque<(u64, Vec<u8>)>,
}

impl Line {
    /// A connection on which the receiver may speak first.
    pub(super) fn new(script: &Script, now: u64) -> Self {
        let tls = script.tls.as_ref().map(|config| {
            let connection = ServerConnection::new(Arc::clone(config));
            let mut connection = connection.expect("a receiver's configuration");
            // It may speak before the handshake is over.
            connection.set_buffer_limit(None);
            connection
        });
        let mut line = Self {
            tls,
            ..Self::default()
        };
        line.say(script, now);
        line
    }

    /// The host takes bytes; the receiver has them at once.
    pub(super) fn take(&mut self, bytes: &[u8], script: &Script, now: u64) {
        match &mut self.tls {
            Some(tls) => {
                hear(tls, bytes, &mut self.taken);
                // What TLS itself has to say.
                self.send(now, &[]);
            }
            None => self.taken.extend_from_slice(bytes),
        }
        self.say(script, now);
        while let Some(message) = self.next_message() {
            if let Some((delay, code)) = script.answers {
                let id = String::from_utf8_lossy(&control_id(&message)).into_owned();
                let mut reply = ack(code, &id);
                if script.filler > 0 {
                    reply.extend_from_slice(b"NTE|1||");
                    reply.extend(marks::NAME.bytes().cycle().take(script.filler));
                    reply.push(b'\r');
                }
                let delay = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX / 2);
                self.send(now + delay, &frame(&reply));
            }
        }
    }

    fn say(&mut self, script: &Script, now: u64) {
        while let Some((after, bytes)) = script.sayings.get(self.said)
            && *after <= self.taken.len()
        {
            self.said += 1;
            self.send(now, bytes);
        }
    }

    /// Sends bytes, in records where TLS is spoken, and what TLS adds.
    fn send(&mut self, at: u64, bytes: &[u8]) {
        let mut sent = Vec::new();
        match &mut self.tls {
            Some(tls) => {
                tls.writer().write_all(bytes).expect("memory takes it");
                while tls.wants_write() {
                    tls.write_tls(&mut sent).expect("memory takes it");
                }
            }
            None => sent.extend_from_slice(bytes),
        }
        if !sent.is_empty() {
            self.coming.push_back((at, sent));
        }
    }

    /// The content of the next frame that came whole.
    fn next_message(&mut self) -> Option<Vec<u8>> {
        let rest = &self.taken[self.answered..];
        let end = rest.windows(2).position(|pair| pair == b"\x1C\r")?;
        let message = rest[..end].strip_prefix(b"\x0B")?.to_vec();
        self.answered += end + 2;
        Some(message)
    }

    /// When there is something to read.
    pub(super) fn readable_at(&self) -> Option<u64> {
        self.coming.front().map(|(at, _)| *at)
    }

    /// At most so many of the bytes that have come.
    pub(super) fn read(&mut self, bytes: usize, now: u64) -> Vec<u8> {
        let mut read = Vec::new();
        while let Some((at, coming)) = self.coming.front_mut()
            && *at <= now
            && read.len() < bytes
        {
            let size = coming.len().min(bytes - read.len());
            read.extend(coming.drain(..size));
            if coming.is_empty() {
                self.coming.pop_front();
            }
        }
        read
    }
}

/// What whole records hold. After an error of TLS the receiver hears nothing more.
fn hear(tls: &mut ServerConnection, mut bytes: &[u8], plain: &mut Vec<u8>) {
    while !bytes.is_empty() {
        let is_heard = matches!(tls.read_tls(&mut bytes), Ok(1..));
        if !is_heard || tls.process_new_packets().is_err() {
            return;
        }
        // It says that it would block where there is no more.
        let _ = tls.reader().read_to_end(plain);
    }
}
