//! The blocking loop between a machine and a connection: poll, do, handle.

use crate::limits::{READ_BYTES_MAX, READ_BYTES_MIN, READS_AFTER_LOSS_MAX, SPARE_BYTES};
use crate::machine::{Input, Machine, Output};
use crate::memory::room;
use crate::transport::{Connection, Read, Transport, Write};

/// How many bytes went over the connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// To the receiver.
    pub sent: u64,
    /// From the receiver.
    pub received: u64,
}

/// Runs `machine` until it is done.
pub fn run<T: Transport>(
    machine: &mut impl Machine,
    transport: &T,
    connection: &mut T::Connection,
) -> Traffic {
    let mut reader = Reader::default();
    let mut sent = 0_u64;
    loop {
        let now = transport.now();
        match machine.poll(now) {
            Output::Done => {
                return Traffic {
                    sent,
                    received: reader.received,
                };
            }
            Output::Look(moment) => {
                let mut found = reader.read(machine, connection);
                if !found && moment > now {
                    connection.wait(false, moment);
                    found = reader.read(machine, connection);
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
                    }
                    Write::Taken(taken) => {
                        sent = sent.saturating_add(taken as u64);
                        machine.handle(Input::Transmitted(taken));
                        if taken >= size {
                            connection.flush();
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
                if !reader.read(machine, connection) {
                    connection.wait(false, deadline);
                    // What came with the deadline still counts.
                    reader.read(machine, connection);
                }
            }
        }
    }
}

/// Reads in steps that grow while they come back full, since the host zeroes
/// whatever it is asked for.
struct Reader {
    step: usize,
    received: u64,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            step: READ_BYTES_MIN,
            received: 0,
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
                if bytes.len() >= self.step {
                    self.step = self.step.saturating_mul(2).min(READ_BYTES_MAX);
                }
                self.received = self.received.saturating_add(bytes.len() as u64);
                machine.handle(Input::Received(&bytes));
            }
            Read::Nothing => return false,
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
