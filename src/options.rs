//! What a caller may ask of a client.

use alloc::string::String;
use core::net::IpAddr;

use crate::error::{Delivery, InvalidOption};
use crate::limits::{
    MESSAGE_BYTES_MAX_DEFAULT, RECONNECT_ATTEMPTS_DEFAULT, RECONNECT_MAXIMUM_DELAY_MS_DEFAULT,
    RECONNECT_MINIMUM_DELAY_MS_DEFAULT, TIMEOUT_MS_DEFAULT,
};
use crate::proto::repair::Repairs;
use crate::proto::terms::Terms;
use crate::tls::options::TlsOptions;

/// Where a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// A name, an IPv4 literal or an IPv6 literal, with or without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Receiver {
    /// The address that the host spells out, if it does.
    #[must_use]
    pub fn literal(&self) -> Option<IpAddr> {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
            .parse()
            .ok()
    }

    fn check(&self) -> Result<(), InvalidOption> {
        // No name has these: it is a literal, and none that can be used.
        let broken = self.literal().is_none() && self.host.contains([':', '%']);
        if self.host.is_empty() || broken {
            Err(InvalidOption::Host)
        } else if self.port == 0 {
            Err(InvalidOption::Port)
        } else {
            Ok(())
        }
    }
}

/// How to reach a receiver, and what to bear from it.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The receiver.
    pub receiver: Receiver,
    /// The one to fall back on where the first cannot be connected.
    pub second_receiver: Option<Receiver>,
    /// How long one exchange may take, in milliseconds.
    pub timeout_ms: u32,
    /// How long connecting may take, in milliseconds; `None`: as an exchange.
    pub connect_timeout_ms: Option<u32>,
    /// The largest message, in bytes.
    pub max_send_size: u64,
    /// How to speak TLS; `None`: plain MLLP.
    pub tls: Option<TlsOptions>,
    /// On what terms messages are exchanged.
    pub terms: Terms,
    /// What is put right before a message is sent.
    pub repairs: Repairs,
    /// Whether and how to connect anew.
    pub reconnect: Reconnect,
    /// Up to which delivery a message is sent again, where `reconnect` is on.
    pub resend: Delivery,
    /// After how much idleness a connection is replaced before the next exchange,
    /// in milliseconds; `None`: never.
    pub idle_limit_ms: Option<u32>,
    /// What the host is to do about connections that fall silent.
    pub keep_alive: KeepAlive,
}

/// When a client that lost its connection connects anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// Whether it does.
    pub on: bool,
    /// The shortest time between two tries, in milliseconds.
    pub minimum_delay_ms: u32,
    /// The longest, in milliseconds.
    pub maximum_delay_ms: u32,
    /// How many tries to connect one call makes at most.
    pub attempts: u32,
    /// For how long one call tries at most, in milliseconds; `None`: until its
    /// deadline.
    pub time_limit_ms: Option<u32>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            on: false,
            minimum_delay_ms: RECONNECT_MINIMUM_DELAY_MS_DEFAULT,
            maximum_delay_ms: RECONNECT_MAXIMUM_DELAY_MS_DEFAULT,
            attempts: RECONNECT_ATTEMPTS_DEFAULT,
            time_limit_ms: None,
        }
    }
}

/// The host's keep-alive probes. What is `None` stays as the host has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// Whether there are any.
    pub on: bool,
    /// After how much silence the first is sent, in milliseconds.
    pub idle_ms: Option<u32>,
    /// The time between two, in milliseconds.
    pub interval_ms: Option<u32>,
    /// How many go unanswered before the connection is given up.
    pub count: Option<u32>,
}

impl ConnectOptions {
    /// A receiver at `host` and `port`, with the documented defaults.
    #[must_use]
    pub fn new(host: String, port: u16) -> Self {
        Self {
            receiver: Receiver { host, port },
            second_receiver: None,
            timeout_ms: TIMEOUT_MS_DEFAULT,
            connect_timeout_ms: None,
            max_send_size: MESSAGE_BYTES_MAX_DEFAULT,
            tls: None,
            terms: Terms::default(),
            repairs: Repairs::default(),
            reconnect: Reconnect::default(),
            resend: Delivery::NotSent,
            idle_limit_ms: None,
            keep_alive: KeepAlive::default(),
        }
    }

    /// Whether a connection can work with these values. Those of TLS are looked
    /// at where they are used.
    ///
    /// # Errors
    /// The first that cannot.
    pub fn check(&self) -> Result<(), InvalidOption> {
        let terms = &self.terms;
        let zero = Some(0);
        self.receiver.check()?;
        if let Some(second) = &self.second_receiver {
            second.check().map_err(|_| InvalidOption::SecondReceiver)?;
        }
        for (is_wrong, option) in [
            (self.timeout_ms == 0, InvalidOption::Timeout),
            (
                self.connect_timeout_ms == zero,
                InvalidOption::ConnectTimeout,
            ),
            (terms.max_message_size == 0, InvalidOption::MaxMessageSize),
            (self.max_send_size == 0, InvalidOption::MaxSendSize),
            (
                terms.accept_timeout_ms == zero,
                InvalidOption::AcceptTimeout,
            ),
            (
                terms.application_timeout_ms == zero,
                InvalidOption::ApplicationTimeout,
            ),
            (terms.quiet_period_ms == 0, InvalidOption::QuietPeriod),
            (self.idle_limit_ms == zero, InvalidOption::IdleLimit),
        ] {
            if is_wrong {
                return Err(option);
            }
        }
        terms.framing.check()?;
        self.reconnect.check()?;
        self.keep_alive.check()
    }
}

impl Reconnect {
    fn check(self) -> Result<(), InvalidOption> {
        let delays = self.minimum_delay_ms > 0 && self.minimum_delay_ms <= self.maximum_delay_ms;
        if delays && self.attempts > 0 && self.time_limit_ms != Some(0) {
            Ok(())
        } else {
            Err(InvalidOption::Reconnect)
        }
    }
}

impl KeepAlive {
    fn check(self) -> Result<(), InvalidOption> {
        let zero = Some(0);
        if self.idle_ms == zero || self.interval_ms == zero || self.count == zero {
            Err(InvalidOption::KeepAlive)
        } else {
            Ok(())
        }
    }
}

/// What is to be different for one call of `send-with`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SendOptions {
    /// How long this exchange may take, in milliseconds.
    pub timeout_ms: Option<u32>,
}
