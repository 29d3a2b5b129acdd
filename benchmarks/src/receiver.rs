//! The receiver that all clients talk to: it measures them, each in the same way.

mod many;
mod single;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::ServerConfig;

use crate::messages::{self, Acknowledgment, END, START};

pub(crate) use many::Many;
pub(crate) use single::Single;

/// How much longer or shorter a message may be than the one that was handed out:
/// clients may number it, or drop a last carriage return.
const TOLERANCE: usize = 40;

/// What a receiver is to do.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The size of a message in its frame.
    pub(crate) size: usize,
    /// The size of an acknowledgment, at the least.
    pub(crate) reply: usize,
    /// How long it takes.
    pub(crate) delay: Duration,
    /// What it shows, under TLS.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// What went on over one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// When each message was complete.
    pub(crate) arrivals: Vec<Instant>,
    /// When the first acknowledgment was written.
    pub(crate) acknowledged: Option<Instant>,
    /// The TLS suite.
    pub(crate) suite: Option<String>,
    /// What was wrong, of the messages.
    pub(crate) problem: Option<String>,
}

impl Trace {
    /// Takes note of a whole frame, or of what is wrong with it.
    fn arrived(&mut self, frame: &[u8], plan: &Plan) {
        self.arrivals.push(Instant::now());
        if frame.first() != Some(&START) || frame.len().abs_diff(plan.size) > TOLERANCE {
            let (is, ought) = (frame.len(), plan.size);
            self.problem = Some(format!("a frame of {is} bytes arrived in place of {ought}"));
        }
    }

    /// Takes note of bytes that nothing came after.
    fn ended(&mut self, bytes: usize) {
        if bytes > 0 {
            self.problem = Some(format!("a frame ended after {bytes} bytes"));
        }
    }
}

/// What a frame is read into. It is never copied: that would count as the client's time.
struct Incoming {
    buffer: Vec<u8>,
    filled: usize,
}

impl Incoming {
    fn new(plan: &Plan) -> Self {
        Self {
            buffer: vec![0; plan.size + TOLERANCE + 1],
            filled: 0,
        }
    }

    /// Where to read to.
    fn room(&mut self) -> &mut [u8] {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        &mut self.buffer[self.filled..]
    }

    /// A whole frame, if these bytes more end one.
    fn read(&mut self, bytes: usize) -> Option<&[u8]> {
        self.filled += bytes;
        if !self.buffer[..self.filled].ends_with(&END) {
            return None;
        }
        let frame = &self.buffer[..self.filled];
        self.filled = 0;
        Some(frame)
    }
}

/// Where traces are put when their connections end.
#[derive(Clone, Default)]
struct Traces(Arc<Mutex<Vec<Trace>>>);

impl Traces {
    fn put(&self, trace: Trace) {
        self.lock().push(trace);
    }

    fn take(&self) -> Vec<Trace> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Trace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The acknowledgment of this frame.
fn acknowledge<'a>(acknowledgment: &'a mut Acknowledgment, frame: &[u8]) -> &'a [u8] {
    acknowledgment.of(messages::control_id(frame))
}

/// A receiver that runs until it is told to stop.
pub(crate) trait Running {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Ends it, once its connections have ended, and gives what it saw.
    fn finish(self: Box<Self>) -> Vec<Trace>;
}
