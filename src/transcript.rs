//! What happened in one call, for a support ticket: structure only. Directions,
//! times, sizes, framing bytes and codes; nothing here can hold content.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use crate::clock::Instant;
use crate::limits::TRANSCRIPT_ENTRIES_MAX;
use crate::proto::ack::Code;

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the receiver.
    Sent,
    /// From the receiver.
    Received,
    /// Neither: something happened here.
    Here,
}

impl Direction {
    /// The word for it, as the WIT names the case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Here => "here",
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection to this address is there.
    Connected(SocketAddr),
    /// Connecting failed, for this reason.
    NotConnected(&'static str),
    /// The connection's TLS handshake is over.
    Secured,
    /// The look before writing found nothing.
    LookedQuiet,
    /// The exchange of a message with this many bytes of content began.
    MessageBegun,
    /// Bytes went to the host, as they go over the wire.
    HandedOver,
    /// The whole frame, its end block included, is with the host.
    WholeFrame,
    /// Bytes came, as they came over the wire.
    Came,
    /// A frame came that acknowledges by this code.
    Acknowledgment(Code),
    /// A frame came that acknowledges an earlier message by this code.
    LateAcknowledgment(Code),
    /// A frame came that acknowledges another message.
    OtherAcknowledgment,
    /// A frame came without an acknowledgment in it.
    OtherFrame,
    /// A commit block of MLLP Release 2 came; whether it was positive.
    Commit(bool),
    /// A frame is owed to the receiver: its commit block or accept acknowledgment.
    Owed(&'static str),
    /// The receiver ended the connection.
    Ended,
    /// The connection broke.
    Broken,
    /// The exchange has this verdict.
    Settled(&'static str),
    /// The exchange failed, for this reason, with this delivery.
    Failed(&'static str, &'static str),
    /// The time before connecting anew.
    Delay(Duration),
}

impl Event {
    /// Which way it went.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self {
            Self::MessageBegun | Self::HandedOver | Self::WholeFrame | Self::Owed(_) => {
                Direction::Sent
            }
            Self::Came
            | Self::Acknowledgment(_)
            | Self::LateAcknowledgment(_)
            | Self::OtherAcknowledgment
            | Self::OtherFrame
            | Self::Commit(_)
            | Self::Ended => Direction::Received,
            Self::Connected(_)
            | Self::NotConnected(_)
            | Self::Secured
            | Self::LookedQuiet
            | Self::Broken
            | Self::Settled(_)
            | Self::Failed(..)
            | Self::Delay(_) => Direction::Here,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(address) => write!(f, "connected to {address}"),
            Self::NotConnected(cause) => write!(f, "not connected: {cause}"),
            Self::Secured => f.write_str("TLS handshake over"),
            Self::LookedQuiet => f.write_str("looked: nothing unread"),
            Self::MessageBegun => f.write_str("message begun"),
            Self::HandedOver => f.write_str("handed over"),
            Self::WholeFrame => f.write_str("end block handed over"),
            Self::Came => f.write_str("came"),
            Self::Acknowledgment(code) => write!(f, "acknowledgment {}", code.letters()),
            Self::LateAcknowledgment(code) => {
                write!(f, "late acknowledgment {}", code.letters())
            }
            Self::OtherAcknowledgment => f.write_str("acknowledgment of another message"),
            Self::OtherFrame => f.write_str("frame without acknowledgment"),
            Self::Commit(true) => f.write_str("commit block 06"),
            Self::Commit(false) => f.write_str("negative commit block 15"),
            Self::Owed(what) => write!(f, "owed: {what}"),
            Self::Ended => f.write_str("connection ended"),
            Self::Broken => f.write_str("connection broken"),
            Self::Settled(verdict) => write!(f, "settled: {verdict}"),
            Self::Failed(cause, delivery) => write!(f, "failed: {cause}, {delivery}"),
            Self::Delay(delay) => {
                // Writing a `u128` takes code that nothing else needs.
                let milliseconds = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                write!(f, "waiting {milliseconds} ms before connecting")
            }
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, from the call's beginning.
    pub at: Duration,
    /// What.
    pub event: Event,
    /// How many bytes it is about, of the wire where bytes went or came, of content
    /// where it is a frame or a message; 0 where it is not about bytes.
    pub bytes: u64,
}

impl Entry {
    /// The event in words: a closed set of them, with codes and addresses.
    #[must_use]
    pub fn words(&self) -> String {
        self.event.to_string()
    }
}

/// Something that a machine noted, which knows the time only when it is asked what
/// to do next.
#[derive(Clone, Debug)]
pub struct Note {
    at: Option<Instant>,
    event: Event,
    bytes: u64,
}

/// What a machine noted.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    notes: Vec<Note>,
    left_out: u64,
}

impl Notes {
    /// Notes an event that is about `bytes` bytes. Bytes that go one after another,
    /// and bytes that come so, are one event.
    pub fn note(&mut self, event: Event, bytes: usize) {
        let bytes = bytes as u64;
        if matches!(event, Event::HandedOver | Event::Came)
            && let Some(last) = self.notes.last_mut()
            && last.event == event
        {
            last.bytes = last.bytes.saturating_add(bytes);
        } else if self.notes.len() < TRANSCRIPT_ENTRIES_MAX {
            let at = None;
            self.notes.push(Note { at, event, bytes });
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// What was noted since the last stamp happened `now`.
    pub fn stamp(&mut self, now: Instant) {
        let fresh = self.notes.iter_mut().rev();
        for note in fresh.take_while(|note| note.at.is_none()) {
            note.at = Some(now);
        }
    }
}

/// What happened in one call.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    begun: Instant,
    entries: Vec<Entry>,
    left_out: u64,
}

impl Transcript {
    /// Of a call that begins `now`.
    #[must_use]
    pub const fn begin(now: Instant) -> Self {
        Self {
            begun: now,
            entries: Vec::new(),
            left_out: 0,
        }
    }

    /// Adds what happened `now`.
    pub fn add(&mut self, now: Instant, event: Event, bytes: u64) {
        if self.entries.len() >= TRANSCRIPT_ENTRIES_MAX {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.entries.push(Entry {
            at: self.begun.until(now),
            event,
            bytes,
        });
    }

    /// Adds what a machine noted; what it had no time for happened `now`.
    pub fn take(&mut self, notes: &mut Notes, now: Instant) {
        for Note { at, event, bytes } in notes.notes.drain(..) {
            self.add(at.unwrap_or(now), event, bytes);
        }
        let left_out = core::mem::take(&mut notes.left_out);
        self.left_out = self.left_out.saturating_add(left_out);
    }

    /// What happened, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many entries found no room.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Notes, Transcript};
    use crate::clock::Instant;
    use crate::limits::TRANSCRIPT_ENTRIES_MAX;

    #[test]
    fn what_finds_no_room_is_counted() {
        let mut notes = Notes::default();
        for _ in 0..TRANSCRIPT_ENTRIES_MAX + 50 {
            notes.note(Event::OtherFrame, 1);
        }
        let mut transcript = Transcript::begin(Instant::default());
        transcript.take(&mut notes, Instant::default());
        transcript.add(Instant::default(), Event::Settled("applied"), 0);
        assert_eq!(transcript.entries().len(), TRANSCRIPT_ENTRIES_MAX);
        assert_eq!(transcript.left_out(), 51);
    }
}
