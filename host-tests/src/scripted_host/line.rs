//! One connection, and the receiver at its other end.

use std::collections::VecDeque;

use super::script::Script;
use crate::messages::{ack, control_id, frame};

/// What a host took for a receiver, and what comes from it.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// All that the host took, in order.
    pub(super) taken: Vec<u8>,
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
        let mut line = Self::default();
        line.say(script, now);
        line
    }

    /// The host takes bytes; the receiver has them at once.
    pub(super) fn take(&mut self, bytes: &[u8], script: &Script, now: u64) {
        self.taken.extend_from_slice(bytes);
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
                self.coming.push_back((now + delay, frame(&reply)));
            }
        }
    }

    fn say(&mut self, script: &Script, now: u64) {
        while let Some((after, bytes)) = script.sayings.get(self.said)
            && *after <= self.taken.len()
        {
            self.said += 1;
            self.coming.push_back((now, bytes.clone()));
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
