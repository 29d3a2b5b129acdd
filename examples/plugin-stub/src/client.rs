//! A client that is open or ended as the real one would be, and answers by script.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use crate::answers::{failure, reply};
use crate::guard;
use crate::options::SendOptions;
use crate::script::Script;
use crate::steps::{Sending, What};
use crate::types::{AcknowledgmentTimes, Cause, Counters, Delivery, DeliveryCounts, Direction};
use crate::types::{Failure, InvalidOption, Phase, Reply, TlsSession, Transcript, TranscriptEntry};
use crate::types::{Verdict, VerdictCounts};
use crate::wit::{self, ConnectOptions, GuestMllpClient, SendOptionsBorrow, TlsOptionsBorrow};

/// A client of one script.
pub(crate) struct MllpClient {
    script: Script,
    reconnect: bool,
    state: Cell<State>,
    counters: RefCell<Counters>,
    last: RefCell<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// By a failure.
    Ended,
    /// By the caller.
    Closed,
}

impl GuestMllpClient for MllpClient {
    fn connect(options: ConnectOptions) -> Result<wit::MllpClient, Failure> {
        let options: crate::options::ConnectOptions = options.into_inner();
        let invalid = |option, why: &str| {
            let cause = Cause::InvalidOption(option);
            failure(Phase::Prepare, Delivery::NotSent, cause, why)
        };
        if options.port == 0 {
            return Err(invalid(InvalidOption::Port, "nothing: the port is zero"));
        }
        if options.timeout.get() == 0 {
            return Err(invalid(InvalidOption::Timeout, "nothing: no time is given"));
        }
        let script = Script::read(&options.host, options.port).map_err(|label| {
            let why = format!("nothing: `{label}` is no step, see its README.md");
            invalid(InvalidOption::Host, &why)
        })?;
        let client = Self {
            script,
            reconnect: options.reconnect.get(),
            state: Cell::new(State::Ended),
            counters: RefCell::new(nothing_counted()),
            last: RefCell::default(),
        };
        client.open()?;
        Ok(wit::MllpClient::new(client))
    }

    fn send(&self, message: Vec<u8>) -> Result<Reply, Failure> {
        let outcome = self.exchange(&message);
        let mut counters = self.counters.borrow_mut();
        match &outcome {
            Ok(reply) => {
                count(verdict_count(&mut counters, reply.verdict));
                let again = u64::from(reply.transmissions).saturating_sub(1);
                counters.retransmissions = counters.retransmissions.saturating_add(again);
            }
            Err(failure) => count(match failure.delivery {
                Delivery::NotSent => &mut counters.failures.not_sent,
                Delivery::CutShort => &mut counters.failures.cut_short,
                Delivery::InDoubt => &mut counters.failures.in_doubt,
            }),
        }
        outcome
    }

    fn send_with(
        &self,
        message: Vec<u8>,
        options: SendOptionsBorrow<'_>,
    ) -> Result<Reply, Failure> {
        if options.get::<SendOptions>().timeout.get() == Some(0) {
            let cause = Cause::InvalidOption(InvalidOption::Timeout);
            let why = "nothing: no time is given";
            return Err(failure(Phase::Prepare, Delivery::NotSent, cause, why));
        }
        self.send(message)
    }

    fn reconnect(&self) -> Result<(), Failure> {
        self.state.set(State::Ended);
        self.open()
    }

    fn set_tls(&self, _: TlsOptionsBorrow<'_>) -> Result<(), Failure> {
        Ok(())
    }

    fn tls(&self) -> Option<TlsSession> {
        None
    }

    fn close(&self) -> Result<(), Failure> {
        self.state.set(State::Closed);
        Ok(())
    }

    fn is_open(&self) -> bool {
        self.state.get() == State::Open
    }

    fn peer_address(&self) -> String {
        // Of the addresses for documentation (RFC 5737).
        format!("192.0.2.1:{}", self.script.port())
    }

    fn local_address(&self) -> Option<String> {
        None
    }

    fn counters(&self) -> Counters {
        self.counters.borrow().clone()
    }

    fn transcript(&self) -> Transcript {
        let entry = TranscriptEntry {
            at: 0,
            direction: Direction::Here,
            event: format!("the stub's script says {}", self.last.borrow()),
            bytes: 0,
        };
        Transcript {
            entries: Vec::from([entry]),
            left_out: 0,
        }
    }
}

impl MllpClient {
    /// Connects, unless the next step says otherwise.
    fn open(&self) -> Result<(), Failure> {
        let refusal = self.script.take(|what| match what {
            What::Connecting(phase, cause) => Some((*phase, cause())),
            What::Sending(_) => None,
        });
        if let Some((label, (phase, cause))) = refusal {
            self.state.set(State::Ended);
            self.tell(label);
            return Err(failure(phase, Delivery::NotSent, cause, label));
        }
        self.tell("connected");
        self.state.set(State::Open);
        let mut counters = self.counters.borrow_mut();
        if counters.connections > 0 {
            count(&mut counters.reconnections);
        }
        count(&mut counters.connections);
        Ok(())
    }

    fn exchange(&self, message: &[u8]) -> Result<Reply, Failure> {
        let not_sent = |cause, why| failure(Phase::Prepare, Delivery::NotSent, cause, why);
        let state = self.state.get();
        if state == State::Closed || state == State::Ended && !self.reconnect {
            return Err(not_sent(Cause::Closed, "nothing: the client has ended"));
        }
        let control_id = guard::control_id(message).map_err(|problem| {
            let why = "nothing: the guard refused the message";
            not_sent(Cause::InvalidMessage(problem), why)
        })?;
        if state == State::Ended {
            self.open()?;
        }
        let sending = self.script.take(|what| match what {
            What::Sending(sending) => Some(sending),
            What::Connecting(..) => None,
        });
        let Some((label, sending)) = sending else {
            return Err(self.lost());
        };
        self.tell(label);
        match sending {
            Sending::Answer(answer) => Ok(reply(answer, control_id)),
            Sending::Failure(phase, delivery, cause) => {
                if *phase != Phase::Prepare {
                    self.state.set(State::Ended);
                }
                Err(failure(*phase, *delivery, cause(), label))
            }
        }
    }

    /// Connecting is to fail, so the connection that there is has ended before: the
    /// look before writing finds that.
    fn lost(&self) -> Failure {
        self.state.set(State::Ended);
        count(&mut self.counters.borrow_mut().stale_connections);
        if self.reconnect
            && let Err(failure) = self.open()
        {
            return failure;
        }
        let cause = Cause::ConnectionEnded;
        let why = "that connecting fails, so that the connection has ended";
        failure(Phase::Write, Delivery::NotSent, cause, why)
    }

    fn tell(&self, what: &str) {
        *self.last.borrow_mut() = what.into();
    }
}

fn verdict_count(counters: &mut Counters, verdict: Verdict) -> &mut u64 {
    let exchanges = &mut counters.exchanges;
    match verdict {
        Verdict::Applied => &mut exchanges.applied,
        Verdict::Accepted => &mut exchanges.accepted,
        Verdict::Refused => &mut exchanges.refused,
        Verdict::Unacknowledged => &mut exchanges.unacknowledged,
        Verdict::Unjudged => &mut exchanges.unjudged,
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

const fn nothing_counted() -> Counters {
    Counters {
        connections: 0,
        reconnections: 0,
        stale_connections: 0,
        replaced_idle: 0,
        exchanges: VerdictCounts {
            applied: 0,
            accepted: 0,
            refused: 0,
            unacknowledged: 0,
            unjudged: 0,
        },
        failures: DeliveryCounts {
            not_sent: 0,
            cut_short: 0,
            in_doubt: 0,
        },
        failures_by_cause: Vec::new(),
        warnings: Vec::new(),
        retransmissions: 0,
        bytes_sent: 0,
        bytes_received: 0,
        times: AcknowledgmentTimes {
            buckets: Vec::new(),
            count: 0,
            sum: 0,
            shortest: 0,
            longest: 0,
        },
    }
}
