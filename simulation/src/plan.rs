//! What a run is: the client's options, the receiver's habits, and how often what
//! goes wrong.

use std::time::Duration;

use mllp_client::error::Delivery;
use mllp_client::options::{ConnectOptions, KeepAlive, Receiver, Reconnect};
use mllp_client::proto::framing::Framing;
use mllp_client::proto::leniency::Leniency;
use mllp_client::proto::repair::Repair;
use mllp_client::proto::terms::{
    AcknowledgmentMode, Correlation, Judging, Release, SettleOn, Terms,
};

use crate::chance::Chance;
use crate::fault::{Fault, Odds};

/// A run as its seed has it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// What the client is asked for, but for TLS.
    pub options: ConnectOptions,
    /// How TLS is spoken, if it is.
    pub tls: Option<TlsPlan>,
    /// How often each fault happens.
    pub odds: Odds,
    /// How many calls there are.
    pub calls: usize,
    /// The release of MLLP that the receiver speaks.
    pub receiver_release: Release,
    /// Whether the host notices only while it waits what has come.
    pub late_notice: bool,
    /// Whether the host can do what it is asked to do about silent connections.
    pub keeps_alive: bool,
    /// How many addresses the name has.
    pub addresses: u8,
    /// How often, in a thousand, an application acknowledgment asks for one itself.
    pub asks: u16,
    /// How long anything that is in time takes at most.
    pub step: Duration,
}

/// How TLS is spoken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsPlan {
    /// Whether the receiver speaks 1.2 alone.
    pub tls12: bool,
    /// Whether X25519MLKEM768 is offered.
    pub hybrid: bool,
    /// Whether the receiver wants a client certificate.
    pub mutual: bool,
    /// Whether there is one.
    pub identity: bool,
}

impl Plan {
    /// Draws a run. `name` is what the receiver is called.
    #[must_use]
    pub(crate) fn draw(chance: &mut Chance, tls: bool, name: &str) -> Self {
        let odds = Odds::draw(chance, tls);
        let options = options(chance, name);
        let release = options.terms.release;
        let other_release = chance.per_mille(odds.of(Fault::OtherRelease));
        let receiver_release = match (release, other_release) {
            (Release::Auto, _) => chance.one_of(&[Release::One, Release::Two]),
            (Release::One, false) | (Release::Two, true) => Release::One,
            (Release::Two, false) | (Release::One, true) => Release::Two,
        };
        let tls = tls.then(|| {
            let mutual = chance.per_mille(300);
            TlsPlan {
                tls12: chance.per_mille(250),
                hybrid: chance.per_mille(500),
                mutual,
                // It has one chance in a run, where other faults have many.
                identity: odds.of(Fault::CertificateMissing) == 0 || chance.per_mille(600),
            }
        });
        let many = chance.per_mille(odds.of(Fault::ManyAddresses));
        Self {
            tls,
            calls: chance.between(6, 30),
            receiver_release,
            late_notice: chance.per_mille(odds.of(Fault::LateNotice)),
            keeps_alive: chance.per_mille(500),
            addresses: if many { chance.between(2, 9) as u8 } else { 1 },
            asks: chance.one_of(&[0, 0, 200, 700]),
            step: step(&options),
            options,
            odds,
        }
    }
}

/// So short that all that is in time together is in time.
fn step(options: &ConnectOptions) -> Duration {
    let terms = &options.terms;
    let limits = [
        Some(options.timeout_ms),
        options.connect_timeout_ms,
        terms.accept_timeout_ms,
        terms.application_timeout_ms,
        Some(terms.quiet_period_ms),
        options.reconnect.time_limit_ms,
    ];
    let shortest = limits.into_iter().flatten().min().unwrap_or_default();
    Duration::from_millis(shortest.into()) / 64
}

fn options(chance: &mut Chance, name: &str) -> ConnectOptions {
    let host = if chance.per_mille(300) {
        String::from("192.0.2.77")
    } else {
        name.to_owned()
    };
    let mut options = ConnectOptions::new(host, 2575);
    options.timeout_ms = chance.one_of(&[100, 500, 2_000, 30_000]);
    options.connect_timeout_ms = chance.one_of(&[None, None, Some(200), Some(5_000)]);
    if chance.per_mille(200) {
        let host = format!("second.{name}");
        options.second_receiver = Some(Receiver { host, port: 2576 });
    }
    options.max_send_size = chance.one_of(&[300, 5_000, 300_000, 10_485_760]);
    options.terms = terms(chance);
    for repair in Repair::ALL {
        if chance.per_mille(400) {
            options.repairs.add(repair);
        }
    }
    options.reconnect = Reconnect {
        on: chance.per_mille(600),
        minimum_delay_ms: chance.one_of(&[1, 10, 100]),
        maximum_delay_ms: chance.one_of(&[100, 1_000, 30_000]),
        attempts: chance.one_of(&[1, 2, 5, 10]),
        time_limit_ms: chance.one_of(&[None, None, Some(1_000)]),
    };
    options.resend = chance.one_of(&[
        Delivery::NotSent,
        Delivery::NotSent,
        Delivery::CutShort,
        Delivery::InDoubt,
    ]);
    options.idle_limit_ms = chance.one_of(&[None, None, Some(50), Some(5_000)]);
    if chance.per_mille(200) {
        options.keep_alive = KeepAlive {
            on: true,
            idle_ms: Some(60_000),
            interval_ms: None,
            count: None,
        };
    }
    options
}

fn terms(chance: &mut Chance) -> Terms {
    let mut terms = Terms {
        framing: framing(chance),
        ..Terms::default()
    };
    if chance.per_mille(150) {
        terms.mode = AcknowledgmentMode::Original;
    }
    if chance.per_mille(250) {
        terms.settle_on = SettleOn::Accept;
    }
    terms.accept_timeout_ms = chance.one_of(&[None, None, Some(80), Some(1_000)]);
    terms.application_timeout_ms = chance.one_of(&[None, None, Some(90), Some(1_500)]);
    terms.quiet_period_ms = chance.one_of(&[40, 200, 2_000]);
    terms.release = chance.one_of(&[Release::One, Release::One, Release::Two, Release::Auto]);
    terms.commit_retries = chance.one_of(&[0, 0, 1, 3]);
    terms.correlation = chance.one_of(&[
        Correlation::Required,
        Correlation::Required,
        Correlation::Required,
        Correlation::Required,
        Correlation::Warned,
        Correlation::Off,
    ]);
    terms.judging = chance.one_of(&[
        Judging::Required,
        Judging::Required,
        Judging::Required,
        Judging::WherePossible,
        Judging::Off,
    ]);
    for leniency in Leniency::ALL {
        if chance.per_mille(200) {
            if leniency.is_allowed_by_default() {
                terms.leniencies.forbid(leniency);
            } else {
                terms.leniencies.allow(leniency);
            }
        }
    }
    terms.max_message_size = chance.one_of(&[600, 5_000, 10_485_760]);
    terms
}

fn framing(chance: &mut Chance) -> Framing {
    let own: [(&[u8], &[u8], &[u8]); 5] = [
        (b"\x0B", b"\x1C\r", b""),
        (b"\x01", b"\x1C\x1C", b"\r\r"),
        (b"\x02\x01", b"\x01\x03", b"\r"),
        (b"\x02", b"\x03", b"\x03\x03\r"),
        (b"<SB>\x02", b"\x03<EB>", b""),
    ];
    if chance.per_mille(800) {
        return Framing::default();
    }
    let (start, end, trailer) = chance.one_of(&own);
    Framing {
        start: start.to_vec(),
        end: end.to_vec(),
        trailer: trailer.to_vec(),
    }
}
