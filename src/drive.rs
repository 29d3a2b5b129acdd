//! The blocking loop between a session and a connection: poll, do, handle.

use crate::error::Failure;
use crate::limits::{READ_BYTES_MAX, READ_BYTES_MIN};
use crate::proto::exchange::Reply;
use crate::session::{Input, Output, Session};
use crate::transport::{Connection, Read, Transport, Write};

/// Runs the exchange that `session` has begun to its end.
///
/// # Errors
/// The exchange's failure.
pub fn run<T: Transport>(
    session: &mut Session,
    transport: &T,
    connection: &mut T::Connection,
) -> Result<Reply, Failure> {
    let mut reader = Reader::default();
    loop {
        let now = transport.now();
        match session.poll(now) {
            Output::Done => return session.finish(),
            Output::Look(moment) => {
                let mut found = reader.read(session, connection);
                if !found && moment > now {
                    connection.wait(false, moment);
                    found = reader.read(session, connection);
                }
                if !found {
                    session.handle(Input::Quiet);
                }
            }
            Output::Transmit(bytes, deadline) => {
                let size = bytes.len();
                match connection.write(bytes) {
                    Write::Taken(0) => {
                        connection.wait(true, deadline);
                        reader.read(session, connection);
                    }
                    Write::Taken(taken) => {
                        session.handle(Input::Transmitted(taken));
                        if taken >= size {
                            connection.flush();
                        }
                    }
                    Write::Ended => session.handle(Input::Ended),
                    Write::Broken(perhaps) => {
                        session.handle(Input::Transmitted(perhaps));
                        session.handle(Input::Broken);
                    }
                }
            }
            Output::Wait(deadline) => {
                if !reader.read(session, connection) {
                    connection.wait(false, deadline);
                }
            }
        }
    }
}

/// Reads in steps that grow while they come back full, since the host zeroes
/// whatever it is asked for.
struct Reader {
    step: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            step: READ_BYTES_MIN,
        }
    }
}

impl Reader {
    /// Reads once and tells the session; `false` if there was nothing.
    fn read<C: Connection>(&mut self, session: &mut Session, connection: &mut C) -> bool {
        match connection.read(self.step) {
            Read::Bytes(bytes) => {
                if bytes.len() >= self.step {
                    self.step = (self.step * 2).min(READ_BYTES_MAX);
                }
                session.handle(Input::Received(&bytes));
            }
            Read::Nothing => return false,
            Read::Ended => session.handle(Input::Ended),
            Read::Broken => session.handle(Input::Broken),
        }
        true
    }
}
