//! [`MllpClient`]: options, a connection, and what ends it. Everything that the
//! WIT's `client` interface promises is decided here, on any transport.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::clock::Instant;
use crate::counters::Counters;
use crate::drive::{self, Ran};
use crate::error::{Attempt, Cause, Delivery, Failure, InvalidOption, Phase, Retry, keep_last};
use crate::limits::{CLOSE_MS_MAX, TIME_OF_DAY_MS_MAX};
use crate::options::{ConnectOptions, KeepAlive, Receiver, Reconnect, SendOptions};
use crate::proto::exchange::{Finished, Reply};
use crate::proto::frame::Outgoing;
use crate::proto::payload::Payload;
use crate::proto::warning::Warning;
use crate::session::Session;
use crate::tls::config::Tls;
use crate::tls::handshake::{Farewell, Handshake};
use crate::tls::options::TlsOptions;
use crate::tls::pump::{Pump, TlsSession};
use crate::transcript::{Event, Transcript};
use crate::transport::{Connection, Transport};

/// One connection to one receiver, or to a second one where the first cannot be
/// had. Open from [`connect`](Self::connect) until [`close`](Self::close) or a
/// failure ends it; [`reconnect`](Self::reconnect) opens it again, and so does the
/// next call where the options have a reconnect policy.
pub struct MllpClient<T: Transport> {
    network: Network<T>,
    options: ConnectOptions,
    tls: Option<ReceiversTls>,
    facts: Facts,
    link: Option<Link<T::Connection>>,
    /// Whether the caller closed it.
    closed: bool,
}

/// What is known of the last connection, also after it ended.
struct Facts {
    peer: SocketAddr,
    local: Option<SocketAddr>,
    agreed: Option<TlsSession>,
}

/// How to speak TLS with each receiver: the name that is asked for differs.
struct ReceiversTls {
    first: Tls,
    second: Option<Tls>,
}

impl ReceiversTls {
    fn new(tls: &TlsOptions, options: &ConnectOptions) -> Result<Self, InvalidOption> {
        let second = options.second_receiver.as_ref();
        Ok(Self {
            first: Tls::new(tls, &options.receiver.host)?,
            second: second
                .map(|receiver| Tls::new(tls, &receiver.host))
                .transpose()?,
        })
    }
}

impl<T: Transport> MllpClient<T> {
    /// Connects: looks a name up, tries its addresses in turn, each with an
    /// equal share of the time left, and shakes hands if TLS is to be spoken; then
    /// the same with the second receiver, if there is one. With a reconnect policy
    /// all of it again.
    ///
    /// # Errors
    /// As the WIT lists them; always `not-sent`.
    pub fn connect(transport: T, mut options: ConnectOptions) -> Result<Self, Failure> {
        options.check().map_err(invalid_option)?;
        // Not kept: they hold a key.
        let tls = options.tls.take();
        let tls = tls.map(|tls| ReceiversTls::new(&tls, &options));
        let tls = tls.transpose().map_err(invalid_option)?;
        let mut network = Network::new(transport);
        let deadline = network.begin(connect_timeout_ms(&options));
        let mut tries = Tries::new(network.now, options.reconnect);
        let (link, facts) = network.establish(&options, tls.as_ref(), deadline, &mut tries)?;
        Ok(Self {
            network,
            options,
            tls,
            facts,
            link: Some(link),
            closed: false,
        })
    }

    /// Connects anew to the same receiver, with the TLS options set last. An open
    /// client is closed first.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn reconnect(&mut self) -> Result<(), Failure> {
        let deadline = self.network.begin(connect_timeout_ms(&self.options));
        // One that does not read must leave time to connect.
        let left = self.network.now.until(deadline);
        let half = if broken!(ClosingTakesAll) {
            left
        } else {
            share(left, 2)
        };
        self.end(Duration::from_millis(CLOSE_MS_MAX).min(half));
        let mut tries = Tries::new(self.network.now, self.options.reconnect);
        self.closed = false;
        self.open(deadline, &mut tries)
    }

    /// Replaces the TLS options from the next connection on.
    ///
    /// # Errors
    /// `invalid-option`: the options stay as they were.
    pub fn set_tls(&mut self, options: &TlsOptions) -> Result<(), Failure> {
        let tls = ReceiversTls::new(options, &self.options).map_err(invalid_option)?;
        self.tls = Some(tls);
        Ok(())
    }

    /// Sends one message and returns its reply.
    ///
    /// # Errors
    /// As the WIT lists them. All but those in phase `prepare` end the client, or
    /// its connection.
    pub fn send(&mut self, message: Vec<u8>) -> Result<Reply, Failure> {
        self.send_with(message, SendOptions::default())
    }

    /// As [`send`](Self::send), with something different for this one call.
    ///
    /// # Errors
    /// `invalid-option`, and those of [`send`](Self::send).
    pub fn send_with(
        &mut self,
        mut message: Vec<u8>,
        options: SendOptions,
    ) -> Result<Reply, Failure> {
        let timeout_ms = options.timeout_ms.unwrap_or(self.options.timeout_ms);
        if timeout_ms == 0 {
            return Err(invalid_option(InvalidOption::Timeout));
        }
        let deadline = self.network.begin(timeout_ms);
        let mut tries = Tries::new(self.network.now, self.options.reconnect);
        let terms = &self.options.terms;
        let repaired = self.options.repairs.mend(&mut message, &terms.framing);
        let outcome = match self.prepare(message) {
            Ok(message) => self.deliver(message, deadline, &mut tries),
            Err(failure) => Err(failure),
        };
        let mut outcome = tries.complete(outcome);
        let warnings = match &mut outcome {
            Ok(reply) => &mut reply.warnings,
            Err(failure) => &mut failure.warnings,
        };
        let repaired = repaired.into_iter().map(Warning::Repaired);
        warnings.splice(0..0, repaired);
        self.network.tell(&outcome);
        outcome
    }

    /// Looks whether a message could be sent now, as [`send`](Self::send) does
    /// before it writes, and sends nothing.
    ///
    /// # Errors
    /// `closed`, and what a look finds: an ended or broken connection, unread
    /// bytes, a refused client certificate. All but the first end the client.
    pub fn probe(&mut self) -> Result<(), Failure> {
        let deadline = self.network.begin(self.options.timeout_ms);
        if self.link.is_none() {
            return Err(Failure::not_sent(Phase::Prepare, Cause::Closed));
        }
        self.look(deadline)
    }

    /// Ends the connection. Calling it again is no error.
    pub fn close(&mut self) {
        self.network.transport.tidy();
        self.closed = true;
        self.end(Duration::from_millis(CLOSE_MS_MAX));
    }

    fn prepare(&self, message: Vec<u8>) -> Result<Outgoing, Failure> {
        if self.link.is_none() && (self.closed || !self.options.reconnect.on) {
            return Err(Failure::not_sent(Phase::Prepare, Cause::Closed));
        }
        let terms = &self.options.terms;
        Payload::parse(message, self.options.max_send_size, terms)
            .map_err(Cause::from)
            .and_then(|payload| Outgoing::encode(payload, &terms.framing))
            .map_err(|cause| Failure::not_sent(Phase::Prepare, cause))
    }

    /// Tries until the message is answered, or may not be tried again.
    fn deliver(
        &mut self,
        mut message: Outgoing,
        deadline: Instant,
        tries: &mut Tries,
    ) -> Result<Reply, Failure> {
        loop {
            let ready = self.ready(deadline, tries);
            let (failure, kept) = match ready {
                Err(failure) => (failure, Some(message)),
                Ok(()) => {
                    let Finished {
                        outcome,
                        message,
                        took,
                        connection_lost,
                        ..
                    } = self.exchange(message, deadline);
                    if connection_lost {
                        // The call's time is up, or the receiver has had its say.
                        self.end(Duration::ZERO);
                    }
                    match outcome {
                        Ok(reply) => {
                            self.network.took = took;
                            return Ok(reply);
                        }
                        Err(failure) => (failure, message),
                    }
                }
            };
            let now = self.network.look_at_clock();
            match kept {
                Some(kept) if tries.may_go_on(&failure, self.options.resend, now, deadline) => {
                    message = kept;
                    tries.failed(failure);
                }
                _ => return Err(failure),
            }
        }
    }

    /// A connection that was looked at.
    fn ready(&mut self, deadline: Instant, tries: &mut Tries) -> Result<(), Failure> {
        let now = self.network.now;
        let idle_limit = self.options.idle_limit_ms.map(milliseconds);
        let is_old =
            |link: &Link<_>| idle_limit.is_some_and(|limit| link.session.idle_for(now) > limit);
        if self.link.as_ref().is_some_and(is_old) {
            self.retire(deadline, tries);
        }
        if self.link.is_none() {
            let connecting = milliseconds(connect_timeout_ms(&self.options));
            let now = self.network.look_at_clock();
            self.open(deadline.min(now.after(connecting)), tries)?;
        }
        if broken!(LookForgotten) {
            return Ok(());
        }
        self.look(deadline)
    }

    /// Gives up a connection that is idle for too long; what came on it for earlier
    /// messages is still told.
    fn retire(&mut self, deadline: Instant, tries: &mut Tries) {
        let told = match (self.look(deadline), &mut self.link) {
            (Err(failure), _) => failure.warnings,
            (Ok(()), Some(link)) => link.session.take_warnings(),
            (Ok(()), None) => Vec::new(),
        };
        tries.warn(told);
        if self.link.is_some() {
            self.end(Duration::ZERO);
            self.network.counters.replaced_idle();
        }
    }

    fn open(&mut self, deadline: Instant, tries: &mut Tries) -> Result<(), Failure> {
        let tls = self.tls.as_ref();
        let (link, facts) = self
            .network
            .establish(&self.options, tls, deadline, tries)?;
        self.link = Some(link);
        self.facts = facts;
        Ok(())
    }

    fn look(&mut self, deadline: Instant) -> Result<(), Failure> {
        let Some(Link {
            session,
            connection,
            ..
        }) = &mut self.link
        else {
            return Err(Failure::not_sent(Phase::Write, Cause::Closed));
        };
        session.set_time_of_day(self.network.time_of_day());
        let mut look = session.look(deadline);
        self.network.run(&mut look, connection);
        let found = look.finish();
        self.network.take_notes(session);
        if let Err(failure) = &found {
            // Neither the call's time nor the instance's memory says anything about
            // the connection.
            if !matches!(failure.cause, Cause::TimedOut | Cause::OutOfMemory) {
                self.network.counters.found_stale();
            }
            self.end(Duration::ZERO);
        }
        found
    }

    fn exchange(&mut self, message: Outgoing, deadline: Instant) -> Finished {
        let Some(link) = &mut self.link else {
            return Finished::without_connection();
        };
        let session = &mut link.session;
        let keep = self.options.reconnect.on
            && (self.options.resend == Delivery::InDoubt || broken!(ResentInDoubt));
        session.begin(message, deadline, keep);
        self.network.run(session, &mut link.connection);
        let mut finished = session.finish();
        self.network.take_notes(session);
        if let Ok(reply) = &mut finished.outcome {
            reply.warnings.extend(link.warnings.iter().cloned());
            // Of the connection, it is said once.
            link.warnings
                .retain(|warning| *warning == Warning::SecondReceiver);
        }
        finished
    }

    fn end(&mut self, patience: Duration) {
        if let Some(mut link) = self.link.take()
            && let Some(pump) = link.session.pump()
        {
            self.network
                .say_farewell(pump, &mut link.connection, patience);
        }
    }

    /// What the TLS handshake agreed on, also after the client has ended.
    pub const fn tls(&self) -> Option<&TlsSession> {
        self.facts.agreed.as_ref()
    }

    /// Whether the client has a connection. It asks no one.
    pub const fn is_open(&self) -> bool {
        self.link.is_some()
    }

    /// The receiver's address.
    pub const fn peer_address(&self) -> SocketAddr {
        self.facts.peer
    }

    /// The connection's own address, where the host tells.
    pub const fn local_address(&self) -> Option<SocketAddr> {
        self.facts.local
    }

    /// What happened since the client is there.
    pub const fn counters(&self) -> &Counters {
        &self.network.counters
    }

    /// What happened in the last call that sent, or tried to.
    pub const fn transcript(&self) -> &Transcript {
        &self.network.transcript
    }
}

const fn milliseconds(milliseconds: u32) -> Duration {
    Duration::from_millis(milliseconds as u64)
}

fn connect_timeout_ms(options: &ConnectOptions) -> u32 {
    options.connect_timeout_ms.unwrap_or(options.timeout_ms)
}

/// What each of so many gets of `time`.
fn share(time: Duration, among: u32) -> Duration {
    time.checked_div(among).unwrap_or_default()
}

const fn invalid_option(option: InvalidOption) -> Failure {
    Failure::not_sent(Phase::Prepare, Cause::InvalidOption(option))
}

/// The tries of one call.
struct Tries {
    policy: Reconnect,
    begun: Instant,
    connections: u32,
    transmissions: u32,
    worst: Delivery,
    retries: Vec<Retry>,
    attempts: Vec<Attempt>,
    warnings: Vec<Warning>,
}

impl Tries {
    const fn new(begun: Instant, policy: Reconnect) -> Self {
        Self {
            policy,
            begun,
            connections: 0,
            transmissions: 0,
            worst: Delivery::NotSent,
            retries: Vec::new(),
            attempts: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Whether the policy allows one try more after this failure, and a message
    /// with this much known about it to be sent again.
    fn may_go_on(
        &self,
        failure: &Failure,
        resend: Delivery,
        now: Instant,
        deadline: Instant,
    ) -> bool {
        // Where connecting failed, its own tries are over.
        let was_connected = matches!(failure.phase, Phase::Write | Phase::Commit | Phase::Reply);
        self.policy.on
            && was_connected
            && (failure.delivery <= resend
                || broken!(ResentInDoubt)
                || (broken!(ResentCutShort) && failure.delivery == Delivery::CutShort))
            && failure.cause.is_transient()
            && self.connections < self.policy.attempts
            && self.has_time(now, deadline)
    }

    /// Whether there is time for one try more.
    fn has_time(&self, now: Instant, deadline: Instant) -> bool {
        let shortest = match self.connections {
            0 => Duration::ZERO,
            _ => self.delay(0),
        };
        // To wait in vain helps nobody.
        now.after(shortest) < self.time_limit(deadline)
    }

    fn time_limit(&self, deadline: Instant) -> Instant {
        let limit = self.policy.time_limit_ms.map(milliseconds);
        limit.map_or(deadline, |limit| self.begun.after(limit).min(deadline))
    }

    /// The time before the next try to connect: by chance, between the shortest and
    /// a bound that doubles with every try.
    fn delay(&self, random: u64) -> Duration {
        let shortest = u64::from(self.policy.minimum_delay_ms);
        let longest = u64::from(self.policy.maximum_delay_ms);
        let doubled = 1_u64.checked_shl(self.connections).unwrap_or(u64::MAX);
        let bound = shortest.saturating_mul(doubled).min(longest);
        let width = bound.saturating_sub(shortest).saturating_add(1);
        let chance = random.checked_rem(width).unwrap_or_default();
        Duration::from_millis(shortest.saturating_add(chance))
    }

    fn failed(&mut self, failure: Failure) {
        self.transmissions = self.transmissions.saturating_add(failure.transmissions);
        self.worst = self.worst.max(failure.delivery);
        self.retries.extend(failure.retries);
        let failed = Retry::Failed {
            cause: failure.cause,
            phase: failure.phase,
            delivery: failure.delivery,
        };
        failed.join(&mut self.retries);
        self.warn(failure.warnings);
    }

    fn warn(&mut self, warnings: Vec<Warning>) {
        for warning in warnings {
            warning.join(&mut self.warnings);
        }
    }

    /// The outcome, with what the tries before it add.
    fn complete(self, mut outcome: Result<Reply, Failure>) -> Result<Reply, Failure> {
        let (transmissions, retries, warnings) = match &mut outcome {
            Ok(reply) => (
                &mut reply.transmissions,
                &mut reply.retries,
                &mut reply.warnings,
            ),
            Err(failure) => {
                // What one try left in doubt, a later one cannot make undone.
                if !broken!(WorstForgotten) {
                    failure.delivery = failure.delivery.max(self.worst);
                }
                (
                    &mut failure.transmissions,
                    &mut failure.retries,
                    &mut failure.warnings,
                )
            }
        };
        if !broken!(TransmissionsForgotten) {
            *transmissions = transmissions.saturating_add(self.transmissions);
        }
        retries.splice(0..0, self.retries);
        keep_last(retries);
        for warning in core::mem::replace(warnings, self.warnings) {
            warning.join(warnings);
        }
        outcome
    }
}

/// A connection that is ready for messages.
struct Link<C> {
    session: Session,
    connection: C,
    /// What is worth telling of it with a reply.
    warnings: Vec<Warning>,
}

/// The transport, and what happens on it.
struct Network<T: Transport> {
    transport: T,
    /// What the clock showed when it was read last.
    now: Instant,
    /// When the time of day was asked for, and the answer.
    time_of_day: Option<(Instant, Duration)>,
    counters: Counters,
    transcript: Transcript,
    /// How long the acknowledgment of the exchange just over took.
    took: Option<Duration>,
}

impl<T: Transport> Network<T> {
    fn new(transport: T) -> Self {
        Self {
            transport,
            now: Instant::default(),
            time_of_day: None,
            counters: Counters::default(),
            transcript: Transcript::default(),
            took: None,
        }
    }

    /// Reads the clock: after whatever may have taken time.
    fn look_at_clock(&mut self) -> Instant {
        self.now = self.transport.now();
        self.now
    }

    /// The time of day, as the clock has gone on since it was asked for.
    fn time_of_day(&mut self) -> Duration {
        let longest = Duration::from_millis(TIME_OF_DAY_MS_MAX);
        match self.time_of_day {
            Some((at, time)) if at.until(self.now) < longest => {
                time.saturating_add(at.until(self.now))
            }
            _ => {
                let time = self.transport.time_of_day();
                self.time_of_day = Some((self.now, time));
                time
            }
        }
    }

    /// Begins a call that may take this long, and returns when that is over.
    fn begin(&mut self, timeout_ms: u32) -> Instant {
        self.transport.tidy();
        let now = self.look_at_clock();
        self.transcript = Transcript::begin(now);
        self.took = None;
        now.after(milliseconds(timeout_ms))
    }

    /// Counts an outcome, and ends the transcript with it.
    fn tell(&mut self, outcome: &Result<Reply, Failure>) {
        let transmissions = match outcome {
            Ok(reply) => reply.transmissions,
            Err(failure) => failure.transmissions,
        };
        let again = transmissions.saturating_sub(1);
        self.counters.retransmitted(again.into());
        let event = match outcome {
            Ok(reply) => {
                self.counters.reply(reply, self.took);
                Event::Settled(reply.verdict.word())
            }
            Err(failure) => {
                self.counters.failure(failure);
                Event::Failed(failure.cause.word(), failure.delivery.word())
            }
        };
        self.note(event);
    }

    fn note(&mut self, event: Event) {
        self.transcript.add(self.now, event, 0);
    }

    fn take_notes(&mut self, session: &mut Session) {
        self.transcript.take(session.notes(), self.now);
    }

    fn run(&mut self, machine: &mut impl crate::machine::Machine, connection: &mut T::Connection) {
        let Ran {
            sent,
            received,
            now,
        } = drive::run(machine, &self.transport, connection, self.now);
        self.now = now;
        self.counters.sent(sent);
        self.counters.received(received);
    }

    /// Connects as often as the policy allows, at most until `deadline`.
    fn establish(
        &mut self,
        options: &ConnectOptions,
        tls: Option<&ReceiversTls>,
        deadline: Instant,
        tries: &mut Tries,
    ) -> Result<(Link<T::Connection>, Facts), Failure> {
        loop {
            if tries.connections > 0 {
                self.pause(tries, deadline);
            }
            tries.connections = tries.connections.saturating_add(1);
            let mut failure = match self.connect_to_either(options, tls, deadline) {
                Ok(connected) => return Ok(connected),
                Err(failure) => failure,
            };
            let now = self.look_at_clock();
            self.note(Event::NotConnected(failure.cause.word()));
            tries.attempts.append(&mut failure.attempts);
            keep_last(&mut tries.attempts);
            let policy = tries.policy;
            let goes_on = policy.on
                && failure.cause.is_transient()
                && tries.connections < policy.attempts
                && tries.has_time(now, deadline);
            if !goes_on {
                failure.attempts = core::mem::take(&mut tries.attempts);
                return Err(failure);
            }
        }
    }

    /// Lets the time before the next try pass, and leaves some to the try itself.
    fn pause(&mut self, tries: &Tries, deadline: Instant) {
        let now = self.now;
        let left = now.until(tries.time_limit(deadline));
        let half = if broken!(PauseOverruns) {
            Duration::MAX
        } else {
            share(left, 2)
        };
        let delay = tries.delay(self.transport.random()).min(half);
        self.note(Event::Delay(delay));
        self.transport.sleep(now.after(delay));
    }

    /// Connects to the first receiver, or else to the second.
    fn connect_to_either(
        &mut self,
        options: &ConnectOptions,
        tls: Option<&ReceiversTls>,
        deadline: Instant,
    ) -> Result<(Link<T::Connection>, Facts), Failure> {
        let first = tls.map(|tls| &tls.first);
        let Some(second) = &options.second_receiver else {
            return self.connect_to(&options.receiver, options, first, deadline);
        };
        // A silent first one must leave time for the second.
        let now = self.look_at_clock();
        let half = now.after(share(now.until(deadline), 2));
        let failed = match self.connect_to(&options.receiver, options, first, half) {
            Ok(connected) => return Ok(connected),
            Err(failure) => failure,
        };
        let tls = tls.and_then(|tls| tls.second.as_ref());
        match self.connect_to(second, options, tls, deadline) {
            Ok((mut link, facts)) => {
                link.warnings.push(Warning::SecondReceiver);
                Ok((link, facts))
            }
            Err(mut failure) => {
                failure.attempts.splice(0..0, failed.attempts);
                // What may pass is worth another try, whichever it is.
                if failed.cause.is_transient() && !failure.cause.is_transient() {
                    failure.cause = failed.cause;
                    failure.phase = failed.phase;
                    failure.hint = failed.hint;
                }
                Err(failure)
            }
        }
    }

    fn connect_to(
        &mut self,
        receiver: &Receiver,
        options: &ConnectOptions,
        tls: Option<&Tls>,
        deadline: Instant,
    ) -> Result<(Link<T::Connection>, Facts), Failure> {
        let addresses = match receiver.literal() {
            Some(address) => alloc::vec![address],
            None => self
                .transport
                .resolve(&receiver.host, deadline)
                .map_err(|cause| Failure::not_sent(Phase::Resolve, cause))?,
        };
        let (mut connection, peer) = self.connect_to_any(&addresses, receiver.port, deadline)?;
        let mut warnings = Vec::new();
        if options.keep_alive != KeepAlive::default() && !connection.keep_alive(options.keep_alive)
        {
            warnings.push(Warning::KeepAliveUnavailable);
        }
        let begun = self.look_at_clock();
        self.note(Event::Connected(peer));
        let secured = match tls {
            None => None,
            Some(tls) => {
                let shaken = self.shake_hands(tls, &mut connection, deadline);
                // This address, too, was tried in vain: others may have been before it.
                Some(shaken.map_err(|mut failure| {
                    let cause = failure.cause.clone();
                    failure.attempts.push(Attempt {
                        address: peer,
                        cause,
                    });
                    failure
                })?)
            }
        };
        let now = self.look_at_clock();
        let plain = Session::new(options.terms.clone(), now).towards(peer.ip());
        let (session, agreed) = match secured {
            None => (plain, None),
            Some((pump, early, agreed)) => {
                self.note(Event::Secured);
                (plain.secured(pump, &early, begun.until(now)), Some(agreed))
            }
        };
        self.counters.connected();
        let facts = Facts {
            peer,
            local: connection.local_address(),
            agreed,
        };
        let link = Link {
            session,
            connection,
            warnings,
        };
        Ok((link, facts))
    }

    fn shake_hands(
        &mut self,
        tls: &Tls,
        connection: &mut T::Connection,
        deadline: Instant,
    ) -> Result<(Pump, Vec<u8>, TlsSession), Failure> {
        tls.set_time(self.transport.time_of_day());
        let mut handshake = Handshake::new(tls.clone(), deadline)?;
        self.run(&mut handshake, connection);
        let failed = handshake.failure();
        let (mut pump, early) = handshake.into_parts();
        match failed {
            None => {
                let agreed = pump.agreed();
                Ok((pump, early, agreed))
            }
            Some(failure) => {
                self.say_farewell(&mut pump, connection, Duration::ZERO);
                Err(failure)
            }
        }
    }

    /// Tells the receiver that this is the end, or why, as far as it takes that
    /// within `patience`.
    fn say_farewell(
        &mut self,
        pump: &mut Pump,
        connection: &mut T::Connection,
        patience: Duration,
    ) {
        let deadline = self.look_at_clock().after(patience);
        self.run(&mut Farewell::new(pump, deadline), connection);
    }

    fn connect_to_any(
        &mut self,
        addresses: &[IpAddr],
        port: u16,
        deadline: Instant,
    ) -> Result<(T::Connection, SocketAddr), Failure> {
        let mut failure = Failure::not_sent(Phase::Connect, Cause::NameUnresolvable);
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for &address in addresses {
            let now = self.look_at_clock();
            if now >= deadline {
                failure.cause = Cause::TimedOut;
                break;
            }
            // A silent address must leave time for those after it.
            let share = if broken!(ShareForgotten) {
                now.until(deadline)
            } else if broken!(ConnectingOverruns) {
                Duration::from_secs(3_600)
            } else {
                share(now.until(deadline), left)
            };
            left = left.saturating_sub(1);
            let address = SocketAddr::new(address, port);
            match self.transport.connect(address, now.after(share)) {
                Ok(connection) => return Ok((connection, address)),
                Err(cause) => {
                    failure.cause = cause.clone();
                    failure.attempts.push(Attempt { address, cause });
                }
            }
        }
        Err(failure)
    }
}
