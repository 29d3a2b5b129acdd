//! How the time to connect is shared between the addresses of a name. No host is
//! needed: the transport is a table, and time passes as it says.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use mllp_client::client::MllpClient;
use mllp_client::clock::Instant;
use mllp_client::error::{Attempt, Cause, Delivery, Failure, Grant, InvalidOption, Phase};
use mllp_client::options::{ConnectOptions, KeepAlive};
use mllp_client::transport::{Connection, Read, Transport, Write};

/// What an address does when it is connected to.
#[derive(Clone)]
enum Way {
    Answers,
    Fails(Cause),
    StaysSilent,
}

struct Table {
    now: Cell<Instant>,
    lookup_takes: Duration,
    ways: Vec<Way>,
    tried: Vec<(SocketAddr, Duration)>,
}

struct Idle;

impl Transport for &mut Table {
    type Connection = Idle;

    fn now(&self) -> Instant {
        self.now.get()
    }

    fn time_of_day(&self) -> Duration {
        panic!("no date is needed without TLS");
    }

    fn random(&self) -> u64 {
        panic!("nothing is tried twice");
    }

    fn sleep(&self, _: Instant) {
        panic!("nothing is tried twice");
    }

    fn resolve(&mut self, _: &str, _: Instant) -> Result<Vec<IpAddr>, Cause> {
        self.now.set(self.now.get().after(self.lookup_takes));
        let hosts = (1..=self.ways.len()).map(|host| u8::try_from(host).unwrap());
        Ok(hosts
            .map(|host| IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)))
            .collect())
    }

    fn connect(&mut self, address: SocketAddr, deadline: Instant) -> Result<Idle, Cause> {
        let way = self.ways[self.tried.len()].clone();
        self.tried.push((address, self.now().until(deadline)));
        match way {
            Way::Answers => Ok(Idle),
            Way::Fails(cause) => Err(cause),
            Way::StaysSilent => {
                self.now.set(deadline);
                Err(Cause::TimedOut)
            }
        }
    }
}

impl Connection for Idle {
    fn read(&mut self, _: usize) -> Read {
        Read::Nothing
    }

    fn write(&mut self, _: &[u8]) -> Write {
        Write::Taken(0)
    }

    fn wait(&mut self, _: bool, _: Instant) {}

    fn keep_alive(&mut self, _: KeepAlive) -> bool {
        panic!("nobody asks for it");
    }

    fn local_address(&self) -> Option<SocketAddr> {
        None
    }
}

/// Connects to a name with these ways, within 12 s of which the lookup takes 3.
fn connect(ways: &[Way]) -> (Result<SocketAddr, Failure>, Vec<(SocketAddr, Duration)>) {
    let mut table = Table {
        now: Cell::default(),
        lookup_takes: Duration::from_secs(3),
        ways: ways.to_vec(),
        tried: Vec::new(),
    };
    let mut options = ConnectOptions::new("hl7.example".into(), 2575);
    options.connect_timeout_ms = Some(12_000);
    let outcome = MllpClient::connect(&mut table, options).map(|client| client.peer_address());
    (outcome, table.tried)
}

fn seconds(tried: &[(SocketAddr, Duration)]) -> Vec<u64> {
    tried.iter().map(|(_, share)| share.as_secs()).collect()
}

#[test]
fn silent_addresses_leave_their_share_to_those_after_them() {
    let (outcome, tried) = connect(&[Way::StaysSilent, Way::StaysSilent, Way::Answers]);
    assert_eq!(outcome, Ok("127.0.0.3:2575".parse().unwrap()));
    assert_eq!(seconds(&tried), [3, 3, 3]);
}

#[test]
fn what_a_quick_failure_leaves_over_goes_to_the_others() {
    let refused = Way::Fails(Cause::ConnectionRefused);
    let (outcome, tried) = connect(&[refused.clone(), refused, Way::StaysSilent]);
    assert_eq!(seconds(&tried), [3, 4, 9]);
    let failure = outcome.unwrap_err();
    assert_eq!(failure.cause, Cause::TimedOut);
    assert_eq!(
        (failure.phase, failure.delivery),
        (Phase::Connect, Delivery::NotSent)
    );
    let causes: Vec<_> = failure
        .attempts
        .into_iter()
        .map(|attempt| attempt.cause)
        .collect();
    assert_eq!(
        causes,
        [
            Cause::ConnectionRefused,
            Cause::ConnectionRefused,
            Cause::TimedOut
        ]
    );
}

#[test]
fn no_address_is_tried_after_the_deadline() {
    let mut table = Table {
        now: Cell::default(),
        lookup_takes: Duration::from_secs(60),
        ways: vec![Way::Answers],
        tried: Vec::new(),
    };
    let options = ConnectOptions::new("hl7.example".into(), 2575);
    let outcome = MllpClient::connect(&mut table, options).map(|client| client.peer_address());
    assert_eq!(outcome.unwrap_err().cause, Cause::TimedOut);
    assert_eq!(table.tried, []);
}

#[test]
fn a_cause_that_no_attempt_has_is_told_beside_them() {
    let mut failure = Failure::not_sent(Phase::Connect, Cause::TimedOut);
    failure.attempts.push(Attempt {
        address: "127.0.0.1:2575".parse().unwrap(),
        cause: Cause::ConnectionRefused,
    });
    assert_eq!(
        failure.explanation(),
        "connecting: 127.0.0.1:2575: connection refused: nothing listens there; the deadline \
         passed (nothing was sent)"
    );
}

#[test]
fn a_literal_that_cannot_be_used_is_never_looked_up() {
    for host in ["", "fe80::1%2", "[fe80::1%2]", "127.0.0.1:2575", "::x"] {
        let mut table = Table {
            now: Cell::default(),
            lookup_takes: Duration::ZERO,
            ways: vec![Way::Answers],
            tried: Vec::new(),
        };
        let options = ConnectOptions::new(host.into(), 2575);
        let outcome = MllpClient::connect(&mut table, options).map(|client| client.peer_address());
        let cause = outcome.unwrap_err().cause;
        assert_eq!(cause, Cause::InvalidOption(InvalidOption::Host), "{host}");
    }
}

#[test]
fn the_first_address_that_answers_is_the_last_tried() {
    let denied = Way::Fails(Cause::AccessDenied(Grant::Address));
    let (outcome, tried) = connect(&[denied, Way::Answers, Way::Answers]);
    assert_eq!(outcome, Ok("127.0.0.2:2575".parse().unwrap()));
    assert_eq!(tried.len(), 2);
}
