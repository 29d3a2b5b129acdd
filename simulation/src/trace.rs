//! What happened in a run, in structure only: lengths, codes and times.

use std::fmt;

use crate::fault::Fault;
use crate::receiver::Said;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call began: which, with a message of so many bytes.
    Call(&'static str, usize),
    /// It ended: its verdict or delivery, the cause, how often the message went out.
    Returned(&'static str, &'static str, u32),
    /// A name was looked up: so many addresses.
    LookedUp(usize),
    /// An address was dialled; what came of it.
    Dialled(&'static str),
    /// The host was offered bytes on a connection and took some.
    Wrote(usize, usize, usize),
    /// A write failed, of which so many bytes may have gone.
    WriteFailed(usize, usize),
    /// So many bytes were read.
    Read(usize, usize),
    /// The end of the connection was read.
    ReadEnd(usize, &'static str),
    /// Time passed.
    Waited,
    /// A pause.
    Slept,
    /// The connection was let go.
    Dropped(usize),
    /// The receiver has a whole message, with so many bytes.
    Took(usize, usize),
    /// The receiver has something else: what is owed to it.
    TookOwed(usize, usize),
    /// The receiver says this, in so many bytes; it arrives so much later, in
    /// nanoseconds.
    Says(usize, Said, usize, u64),
    /// A fault.
    Fault(Fault),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call, 0) => write!(f, "call {call}"),
            Self::Call(call, size) => write!(f, "call {call}, {size} bytes"),
            Self::Returned(word, cause, transmissions) => {
                write!(f, "returned {word} {cause}, transmissions {transmissions}")
            }
            Self::LookedUp(addresses) => write!(f, "looked up: {addresses} addresses"),
            Self::Dialled(outcome) => write!(f, "dialled: {outcome}"),
            Self::Wrote(line, offered, taken) => {
                write!(f, "[{line}] host takes {taken} of {offered} bytes")
            }
            Self::WriteFailed(line, perhaps) => {
                write!(f, "[{line}] write fails, {perhaps} bytes perhaps gone")
            }
            Self::Read(line, bytes) => write!(f, "[{line}] read {bytes} bytes"),
            Self::ReadEnd(line, how) => write!(f, "[{line}] read: {how}"),
            Self::Waited => f.write_str("waited"),
            Self::Slept => f.write_str("slept"),
            Self::Dropped(line) => write!(f, "[{line}] let go"),
            Self::Took(line, bytes) => write!(f, "[{line}] receiver takes {bytes} bytes"),
            Self::TookOwed(line, bytes) => {
                write!(f, "[{line}] receiver takes what is owed, {bytes} bytes")
            }
            Self::Says(line, said, bytes, later) => write!(
                f,
                "[{line}] receiver says {said}, {bytes} bytes, whole {} us later",
                later / 1_000
            ),
            Self::Fault(fault) => write!(f, "fault: {}", fault.word()),
        }
    }
}

/// All of it, with the time of each in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(Vec<(u64, Event)>);

impl Trace {
    /// Adds what happened.
    pub fn add(&mut self, now: u64, event: Event) {
        // A byte at a time, a long message would fill the memory with its trace.
        if let Event::Wrote(line, offered, taken) = event
            && let Some((_, Event::Wrote(same, first, sum))) = self.0.last_mut()
            && *same == line
            && *first == offered + *sum
        {
            *sum += taken;
        } else if event != Event::Waited
            || !matches!(self.0.last(), Some((at, Event::Waited)) if *at == now)
        {
            self.0.push((now, event));
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, event) in &self.0 {
            writeln!(f, "{:>14.3} ms  {event}", *at as f64 / 1e6)?;
        }
        Ok(())
    }
}
