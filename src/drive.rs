//! The blocking loop between a machine and a connection: poll, do, handle.
//!
//! A small message's time goes into calls of the host, so none is made whose answer is
//! known. The clock is read again only after what may have taken time, and a connection
//! that was just found to be empty is waited for before it is read.

use crate::clock::Instant;
use crate::limits::{
    LONG_WRITE_BYTES, READ_BYTES_MAX, READ_BYTES_MIN, READS_AFTER_LOSS_MAX, SPARE_BYTES,
};
use crate::machine::{Input, Machine, Output};
use crate::memory::room;
use crate::transport::{Connection, Read, Transport, Write};

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// How many bytes went to the receiver.
    pub sent: u64,
    /// How many came from the receiver.
    pub received: u64,
    /// What the clock showed when it was read last.
    pub now: Instant,
}

/// Runs `machine` until it is done. The clock has just shown `now`.
pub fn run<T: Transport>(
    machine: &mut impl Machine,
    transport: &T,
    connection: &mut T::Connection,
    mut now: Instant,
) -> Ran {
    let mut reader = Reader::default();
    let mut sent = 0_u64;
    loop {
        match machine.poll(now) {
            Output::Done => {
                return Ran {
                    sent,
                    received: reader.received,
                    now,
                };
            }
            Output::Look(moment) => {
                let mut found = reader.read(machine, connection);
                if !found && moment > now {
                    connection.wait(false, moment);
                    found = reader.read(machine, connection);
                    now = transport.now();
                } else if found {
                    now = transport.now();
                }
                if !found {
                    machine.handle(Input::Quiet);
                }
            }
            Output::Transmit(bytes, deadline) => {
                let size = bytes.len();
                match connection.write(bytes) {
                    Write::Taken(0) => {
                        connection.wait(true, deadline);
                        reader.read(machine, connection);
                        now = transport.now();
                    }
                    Write::Taken(taken) => {
                        sent = sent.saturating_add(taken as u64);
                        machine.handle(Input::Transmitted(taken));
                        if taken < size || size >= LONG_WRITE_BYTES {
                            now = transport.now();
                        }
                    }
                    Write::Ended => {
                        reader.read_rest(machine, connection);
                        machine.handle(Input::Ended);
                    }
                    Write::Broken(perhaps) => {
                        machine.handle(Input::Transmitted(perhaps));
                        reader.read_rest(machine, connection);
                        machine.handle(Input::Broken);
                    }
                }
            }
            Output::Wait(deadline) => {
                if reader.is_dry || !reader.read(machine, connection) {
                    connection.wait(false, deadline);
                    // What came with the deadline still counts.
                    reader.read(machine, connection);
                }
                now = transport.now();
            }
        }
    }
}

/// Reads in steps that grow while they come back full, since the host zeroes
/// whatever it is asked for.
struct Reader {
    step: usize,
    received: u64,
    /// Whether the last read found nothing. Before the first one, too: either a look
    /// has just found nothing, or the receiver has yet to be spoken to.
    is_dry: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            step: READ_BYTES_MIN,
            received: 0,
            is_dry: true,
        }
    }
}

impl Reader {
    /// Reads once and tells the machine; `false` if there was nothing.
    fn read<C: Connection>(&mut self, machine: &mut impl Machine, connection: &mut C) -> bool {
        if room(SPARE_BYTES).is_err() {
            machine.handle(Input::OutOfMemory);
            return true;
        }
        match connection.read(self.step) {
            Read::Bytes(bytes) => {
                self.is_dry = false;
                if bytes.len() >= self.step {
                    self.step = self.step.saturating_mul(2).min(READ_BYTES_MAX);
                }
                self.received = self.received.saturating_add(bytes.len() as u64);
                machine.handle(Input::Received(&bytes));
            }
            Read::Nothing => {
                self.is_dry = true;
                return false;
            }
            Read::Ended => machine.handle(Input::Ended),
            Read::Broken => machine.handle(Input::Broken),
        }
        true
    }

    /// Reads what the receiver said before the connection was lost: it may say
    /// why.
    fn read_rest<C: Connection>(&mut self, machine: &mut impl Machine, connection: &mut C) {
        for _ in 0..READS_AFTER_LOSS_MAX {
            if room(SPARE_BYTES).is_err() {
                return;
            }
            let Read::Bytes(bytes) = connection.read(self.step) else {
                return;
            };
            self.received = self.received.saturating_add(bytes.len() as u64);
            machine.handle(Input::Received(&bytes));
        }
    }
}
