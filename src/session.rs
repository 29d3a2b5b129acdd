//! One connection's life as machines: a look before each exchange, one exchange
//! at a time, and between two the memory of what stands unread. It joins the
//! exchange to the bytes of the connection, plain or TLS's, and does no I/O.

use core::time::Duration;

use crate::clock::Instant;
use crate::error::{Cause, Failure, Hint, Phase, TlsProblem};
use crate::limits::{ENCRYPT_BYTES_MAX, FIRST_LOOK_MS_MAX, IDLE_MS_BEFORE_WAITING_LOOK, LOOK_MS};
use crate::machine::{Input, Machine, Output};
use crate::proto::exchange::{Exchange, Reply, Warning};
use crate::proto::idle::Idle;
use crate::proto::payload::Payload;
use crate::tls::pump::{Progress, Pump, Received, part};

/// A connection and the exchange in progress on it, if any.
#[derive(Debug)]
pub struct Session {
    reply_bytes_max: u64,
    wire: Wire,
    idle: Idle,
    /// When the last exchange, or connecting, was over.
    idle_since: Instant,
    /// What ended the connection while no exchange was in progress.
    ended: Option<Cause>,
    exchange: Option<Exchange>,
}

/// What the connection's bytes are.
#[derive(Debug)]
enum Wire {
    Plain,
    Tls {
        pump: Pump,
        /// Until when the first look waits for a verdict on the client
        /// certificate.
        verdict_due: Instant,
    },
}

impl Session {
    /// A session on a plain connection that is new `now`, which bears replies of
    /// `reply_bytes_max` bytes of content.
    #[must_use]
    pub fn new(reply_bytes_max: u64, now: Instant) -> Self {
        Self {
            reply_bytes_max,
            wire: Wire::Plain,
            idle: Idle::default(),
            idle_since: now,
            ended: None,
            exchange: None,
        }
    }

    /// The same on a TLS connection, on which `idle` came already, and whose
    /// handshake took `took`.
    #[must_use]
    pub fn secured(mut self, pump: Pump, idle: Idle, took: Duration) -> Self {
        let patience = took
            .saturating_mul(2)
            .min(Duration::from_millis(FIRST_LOOK_MS_MAX));
        self.wire = Wire::Tls {
            pump,
            verdict_due: self.idle_since.after(patience),
        };
        self.idle = idle;
        self
    }

    /// Looks at the idle connection before anything is written, at most until
    /// `deadline`: what stands unread there belongs to no message, and an ended
    /// connection is found while the message is still `not-sent`.
    pub fn look(&mut self, deadline: Instant) -> Look<'_> {
        Look {
            session: self,
            deadline,
            over: false,
            failed: None,
        }
    }

    /// Begins the exchange of `payload`, to be over by `deadline`, on a connection
    /// that was looked at.
    ///
    /// # Errors
    /// `out-of-memory` if the frame cannot be made.
    pub fn begin(&mut self, payload: Payload, deadline: Instant) -> Result<(), Failure> {
        self.exchange = Some(Exchange::new(payload, deadline, self.reply_bytes_max)?);
        Ok(())
    }

    /// Ends the exchange and returns its outcome.
    ///
    /// # Errors
    /// The exchange's failure. The session must not be used again: what comes
    /// late would meet the next message.
    pub fn finish(&mut self) -> Result<Reply, Failure> {
        let space = self.idle.take_space();
        let mut exchange = self
            .exchange
            .take()
            .ok_or(Failure::not_sent(Phase::Prepare, Cause::Closed))?;
        if space > 0 {
            exchange.warn(Warning::SpaceAfterFrame(space));
        }
        let pump = self.pump();
        if pump.is_some_and(|pump| pump.is_insecure()) {
            exchange.warn(Warning::Insecure);
        }
        exchange
            .outcome()
            .unwrap_or(Err(Failure::not_sent(Phase::Prepare, Cause::Closed)))
            .map_err(|failure| self.explained(failure))
    }

    /// The TLS connection, if it is one.
    pub fn pump(&mut self) -> Option<&mut Pump> {
        match &mut self.wire {
            Wire::Plain => None,
            Wire::Tls { pump, .. } => Some(pump),
        }
    }

    /// Until when a look at the connection waits, as of `now`.
    fn look_until(&self, now: Instant) -> Instant {
        let idle = self.idle_since.until(now);
        let moment = if idle < Duration::from_millis(IDLE_MS_BEFORE_WAITING_LOOK) {
            now
        } else {
            now.after(Duration::from_millis(LOOK_MS))
        };
        match &self.wire {
            Wire::Tls { pump, verdict_due } if pump.awaits_verdict_on_identity() => {
                moment.max(*verdict_due)
            }
            _ => moment,
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        let Wire::Tls { pump, .. } = &mut self.wire else {
            return self.take(bytes);
        };
        let Received {
            plain,
            ended,
            failure,
        } = pump.receive(bytes);
        self.take(&plain);
        if let Some(cause) = failure.or(ended.then_some(Cause::ConnectionEnded)) {
            self.end(cause);
        }
    }

    fn transmitted(&mut self, bytes: usize) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let Wire::Tls { pump, .. } = &mut self.wire else {
            return exchange.transmitted(bytes);
        };
        let Progress { whole, part } = pump.transmitted(bytes);
        if part {
            exchange.begun();
        }
        if whole > 0 {
            exchange.transmitted(whole);
        }
    }

    /// Takes application data.
    fn take(&mut self, bytes: &[u8]) {
        let Some(exchange) = &mut self.exchange else {
            return self.idle.receive(bytes);
        };
        let surplus = exchange.receive(bytes);
        if surplus.is_empty() {
            return;
        }
        // The verdict of this exchange stands; what follows its frame is judged
        // before the next one, just as if it came later.
        self.idle.receive(surplus);
        if self.idle.desync().is_some() {
            let count = u32::try_from(surplus.len()).unwrap_or(u32::MAX);
            exchange.warn(Warning::BytesAfterFrame(count));
        }
    }

    /// Whether a stream that ends now, without TLS's closing, is cut off in the
    /// middle of something.
    fn is_cut_off(&self) -> bool {
        match (&self.wire, &self.exchange) {
            (Wire::Tls { pump, .. }, Some(exchange)) if exchange.is_handed_over() => {
                exchange.is_inside_reply() || pump.holds_part_of_a_record()
            }
            _ => false,
        }
    }

    /// A failure whose cause may lie in what the receiver thinks of the client
    /// certificate.
    fn explained(&self, failure: Failure) -> Failure {
        let lost = matches!(
            failure.cause,
            Cause::ConnectionEnded | Cause::ConnectionBroken
        );
        match &self.wire {
            Wire::Tls { pump, .. } if lost && pump.awaits_verdict_on_identity() => Failure {
                hint: Some(Hint::ClientCertificate),
                ..failure
            },
            _ => failure,
        }
    }

    /// The connection is over.
    fn end(&mut self, cause: Cause) {
        match &mut self.exchange {
            Some(exchange) if !exchange.is_settled() => exchange.fail(cause),
            _ => self.ended = Some(cause),
        }
    }
}

impl Machine for Session {
    fn poll(&mut self, now: Instant) -> Output<'_> {
        let Some(exchange) = &mut self.exchange else {
            return Output::Done;
        };
        exchange.check_deadline(now);
        let deadline = exchange.deadline();
        if exchange.is_settled() {
            self.idle_since = now;
            return Output::Done;
        }
        let bytes = match &mut self.wire {
            Wire::Plain => exchange.to_transmit(),
            Wire::Tls { pump, .. } => {
                if let Err(cause) = encrypt(exchange, pump) {
                    exchange.fail(cause);
                    return Output::Done;
                }
                pump.to_transmit()
            }
        };
        if bytes.is_empty() {
            Output::Wait(deadline)
        } else {
            Output::Transmit(bytes, deadline)
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        match input {
            Input::Received(bytes) => self.receive(bytes),
            Input::Quiet => {}
            Input::Ended if self.is_cut_off() => self.end(TlsProblem::Truncated.into()),
            Input::Ended => self.end(Cause::ConnectionEnded),
            Input::Broken => self.end(Cause::ConnectionBroken),
            Input::Transmitted(bytes) => self.transmitted(bytes),
        }
    }
}

/// A look at the idle connection.
#[derive(Debug)]
pub struct Look<'s> {
    session: &'s mut Session,
    deadline: Instant,
    over: bool,
    failed: Option<Cause>,
}

impl Look<'_> {
    /// What the look found.
    ///
    /// # Errors
    /// What keeps the connection from being used, `not-sent`.
    pub fn finish(self) -> Result<(), Failure> {
        match self.failed {
            None => Ok(()),
            Some(cause) => {
                let failure = Failure::not_sent(Phase::Write, cause);
                Err(self.session.explained(failure))
            }
        }
    }
}

impl Machine for Look<'_> {
    fn poll(&mut self, now: Instant) -> Output<'_> {
        let desync = self.session.idle.desync().map(Cause::from);
        self.failed = desync.or_else(|| self.session.ended.clone());
        if self.failed.is_none() && now >= self.deadline {
            self.failed = Some(Cause::TimedOut);
        }
        if self.over || self.failed.is_some() {
            Output::Done
        } else {
            Output::Look(self.session.look_until(now).min(self.deadline))
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        match input {
            Input::Quiet => self.over = true,
            other => self.session.handle(other),
        }
    }
}

/// Puts the next part of the frame into records, as soon as those of the last
/// part went: it joins what else TLS has to say in one write.
fn encrypt(exchange: &Exchange, pump: &mut Pump) -> Result<(), Cause> {
    let rest = exchange.to_transmit();
    if rest.is_empty() || pump.holds_application_data() {
        return Ok(());
    }
    let part = part(rest.len(), ENCRYPT_BYTES_MAX);
    pump.encrypt(rest.get(..part).unwrap_or(rest))
}
