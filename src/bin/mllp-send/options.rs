//! An option for each setter of the WIT's `connect-options`, by the same name, and
//! of `tls-options`, with the same default.
//! `host-tests/tests/wasmtime/command_options.rs` holds them to it.

use std::path::PathBuf;

use mllp_client::error::Delivery;
use mllp_client::limits::{
    MESSAGE_BYTES_MAX_DEFAULT, QUIET_PERIOD_MS_DEFAULT, RECONNECT_ATTEMPTS_DEFAULT,
    RECONNECT_MAXIMUM_DELAY_MS_DEFAULT, RECONNECT_MINIMUM_DELAY_MS_DEFAULT, TIMEOUT_MS_DEFAULT,
};
use mllp_client::options::{self, ConnectOptions, KeepAlive, Reconnect};
use mllp_client::proto::frame::{CARRIAGE_RETURN, END_BLOCK, START_BLOCK};
use mllp_client::proto::framing::Framing;
use mllp_client::proto::leniency::{Leniencies, Leniency};
use mllp_client::proto::repair::{Repair, Repairs};
use mllp_client::proto::terms::{
    AcknowledgmentMode, Correlation, Judging, Release, SettleOn, Terms,
};
use mllp_client::tls::options::{TlsOptions, TlsVersion};

use crate::values::{
    Bytes, Choice, Milliseconds, Receiver, choice, pin, positive, size, times, version,
};

/// How to reach a receiver.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ReachArgs {
    /// How long one exchange may take: 500ms, 5s, 2m, or milliseconds
    #[arg(long, value_name = "DURATION", default_value_t = Milliseconds(TIMEOUT_MS_DEFAULT))]
    timeout: Milliseconds,

    /// How long connecting may take [default: as --timeout]
    #[arg(long, value_name = "DURATION")]
    connect_timeout: Option<Milliseconds>,

    /// The receiver to fall back on where the first cannot be connected
    ///
    /// The first gets half of the time for connecting then. What goes to the
    /// second has the warning `second-receiver`.
    #[arg(long, value_name = "HOST:PORT")]
    second_receiver: Option<Receiver>,
}

impl ReachArgs {
    pub(crate) fn connect_options(
        &self,
        receiver: &Receiver,
        tls: Option<TlsOptions>,
    ) -> ConnectOptions {
        let Receiver { host, port } = receiver.clone();
        let second = self.second_receiver.clone();
        ConnectOptions {
            second_receiver: second.map(|Receiver { host, port }| options::Receiver { host, port }),
            timeout_ms: self.timeout.0,
            connect_timeout_ms: limit(self.connect_timeout),
            tls,
            ..ConnectOptions::new(host, port)
        }
    }
}

/// What goes over a connection, and for how long there is one.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct KeepArgs {
    /// The largest acknowledgment, in bytes
    #[arg(long, value_name = "BYTES", value_parser = size, default_value_t = MESSAGE_BYTES_MAX_DEFAULT)]
    max_message_size: u64,

    /// The largest message, in bytes
    #[arg(long, value_name = "BYTES", value_parser = size, default_value_t = MESSAGE_BYTES_MAX_DEFAULT)]
    max_send_size: u64,

    /// Connect anew for each message, for receivers that serve but one
    #[arg(long)]
    pub(crate) one_per_connection: bool,

    /// Replace a connection that was idle for longer than this [default: never]
    #[arg(long, value_name = "DURATION")]
    idle_limit: Option<Milliseconds>,

    /// Have the host probe a connection that is silent
    ///
    /// A host that has no such settings, or not all of them, is told by the warning
    /// `keep-alive-unavailable`.
    #[arg(long)]
    keep_alive: bool,

    /// After how much silence the first probe is sent [default: the host's]
    #[arg(long, value_name = "DURATION", requires = "keep_alive")]
    keep_alive_idle: Option<Milliseconds>,

    /// The time between two probes [default: the host's]
    #[arg(long, value_name = "DURATION", requires = "keep_alive")]
    keep_alive_interval: Option<Milliseconds>,

    /// How many probes may go unanswered [default: the host's]
    #[arg(long, value_name = "NUMBER", value_parser = positive, requires = "keep_alive")]
    keep_alive_count: Option<u32>,
}

/// Which acknowledgments are waited for, and how they are judged.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Acknowledgments")]
pub(crate) struct AcknowledgmentArgs {
    /// Which acknowledgments are waited for
    #[arg(
        long,
        value_name = "MODE",
        value_parser = choice::<AcknowledgmentMode>(),
        default_value = AcknowledgmentMode::default().word()
    )]
    acknowledgment_mode: AcknowledgmentMode,

    /// Which acknowledgment settles an exchange
    #[arg(
        long,
        value_name = "WHICH",
        value_parser = choice::<SettleOn>(),
        default_value = SettleOn::default().word()
    )]
    settle_on: SettleOn,

    /// How long the accept acknowledgment may take [default: as --timeout]
    ///
    /// From the moment the message was handed over, and within --timeout. It holds
    /// for the commit block of MLLP Release 2 too.
    #[arg(long, value_name = "DURATION")]
    accept_timeout: Option<Milliseconds>,

    /// How long the application acknowledgment may take [default: as --timeout]
    ///
    /// From the accept acknowledgment on, or from the moment the message was handed
    /// over if none is due; within --timeout.
    #[arg(long, value_name = "DURATION")]
    application_timeout: Option<Milliseconds>,

    /// How long silence must last to be an answer, if MSH-15 or MSH-16 is ER or SU
    #[arg(long, value_name = "DURATION", default_value_t = Milliseconds(QUIET_PERIOD_MS_DEFAULT))]
    quiet_period: Milliseconds,

    /// Which release of MLLP the receiver speaks
    #[arg(
        long,
        value_name = "RELEASE",
        value_parser = choice::<Release>(),
        default_value = Release::default().word()
    )]
    mllp_release: Release,

    /// How often a message is sent again on a negative commit block
    #[arg(long, value_name = "NUMBER", value_parser = times, default_value_t = 0)]
    commit_retries: u32,

    /// Whether a reply must be the message's own
    #[arg(
        long,
        value_name = "WHETHER",
        value_parser = choice::<Correlation>(),
        default_value = Correlation::default().word()
    )]
    correlation: Correlation,

    /// Whether replies are judged
    #[arg(
        long,
        value_name = "WHETHER",
        value_parser = choice::<Judging>(),
        default_value = Judging::default().word()
    )]
    judging: Judging,
}

/// How messages are framed, and what is borne from a receiver.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Framing and leniencies")]
pub(crate) struct FramingArgs {
    /// The bytes that begin a frame, in hexadecimal
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(vec![START_BLOCK]))]
    start_block: Bytes,

    /// The bytes that end a frame's content, in hexadecimal
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(vec![END_BLOCK]))]
    end_block: Bytes,

    /// The bytes that follow the end block, in hexadecimal; '' for none
    #[arg(long, value_name = "BYTES", default_value_t = Bytes(vec![CARRIAGE_RETURN]))]
    trailer: Bytes,

    /// Bear this from the receiver; may be repeated
    ///
    /// Each use comes back as the warning of the same name.
    #[arg(long, value_delimiter = ',', value_name = "LENIENCY", value_parser = choice::<Leniency>())]
    allow: Vec<Leniency>,

    /// Do not bear this, which is borne by default; may be repeated
    #[arg(long, value_delimiter = ',', value_name = "LENIENCY", value_parser = choice::<Leniency>())]
    forbid: Vec<Leniency>,
}

impl FramingArgs {
    fn leniencies(&self) -> Leniencies {
        let mut leniencies = Leniencies::default();
        for leniency in &self.allow {
            leniencies.allow(*leniency);
        }
        for leniency in &self.forbid {
            leniencies.forbid(*leniency);
        }
        leniencies
    }

    /// What is to be borne and is not.
    fn contradiction(&self) -> Option<Leniency> {
        let mut allowed = self.allow.iter().copied();
        allowed.find(|leniency| self.forbid.contains(leniency))
    }
}

/// What is put right before a message is sent.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Repair")]
pub(crate) struct RepairArgs {
    /// Put this right in every message before it is sent; may be repeated
    ///
    /// Each repair that was done comes back as the warning `repaired`.
    #[arg(long, value_delimiter = ',', value_name = "KIND", value_parser = choice::<Repair>())]
    repair: Vec<Repair>,
}

/// What is done about a connection that was lost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Reconnecting")]
pub(crate) struct ReconnectArgs {
    /// Connect as often as it takes within a message's time; those below need it
    ///
    /// Without it one failure to connect, or a connection found ended, is one
    /// message's failure, and the next message gets a connection of its own. What
    /// another try cannot mend is not tried again: a denial, a refused certificate.
    #[arg(long)]
    reconnect: bool,

    /// The shortest time between two tries
    ///
    /// The time is drawn by chance between this and a bound that doubles with every
    /// try.
    #[arg(
        long,
        value_name = "DURATION",
        default_value_t = Milliseconds(RECONNECT_MINIMUM_DELAY_MS_DEFAULT),
        requires = "reconnect"
    )]
    reconnect_minimum_delay: Milliseconds,

    /// The longest time between two tries
    #[arg(
        long,
        value_name = "DURATION",
        default_value_t = Milliseconds(RECONNECT_MAXIMUM_DELAY_MS_DEFAULT),
        requires = "reconnect"
    )]
    reconnect_maximum_delay: Milliseconds,

    /// How many tries to connect there are for a message
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = positive,
        default_value_t = RECONNECT_ATTEMPTS_DEFAULT,
        requires = "reconnect"
    )]
    reconnect_attempts: u32,

    /// For how long connecting is tried for a message [default: as --timeout]
    #[arg(long, value_name = "DURATION", requires = "reconnect")]
    reconnect_time_limit: Option<Milliseconds>,

    /// When a message that may have arrived is sent again
    ///
    /// After the connection was lost, with --reconnect; and in a later run, with
    /// --journal. Both may be given.
    #[arg(
        long,
        value_name = "WHEN",
        value_parser = choice::<Delivery>(),
        default_value = Delivery::NotSent.word(),
        requires = "resends"
    )]
    resend: Delivery,
}

/// All that `check` has no use for.
#[derive(Debug, clap::Args)]
pub(crate) struct ExchangeArgs {
    #[command(flatten)]
    pub(crate) keep: KeepArgs,

    #[command(flatten)]
    acknowledgment: AcknowledgmentArgs,

    #[command(flatten)]
    framing: FramingArgs,

    #[command(flatten)]
    repair: RepairArgs,

    #[command(flatten)]
    reconnect: ReconnectArgs,
}

impl ExchangeArgs {
    /// Adds them to how the receiver is reached.
    pub(crate) fn connect_options(&self, reach: ConnectOptions) -> ConnectOptions {
        let KeepArgs {
            max_message_size,
            max_send_size,
            one_per_connection: _,
            idle_limit,
            keep_alive,
            keep_alive_idle,
            keep_alive_interval,
            keep_alive_count,
        } = self.keep;
        let ReconnectArgs {
            reconnect,
            reconnect_minimum_delay,
            reconnect_maximum_delay,
            reconnect_attempts,
            reconnect_time_limit,
            resend,
        } = self.reconnect;
        ConnectOptions {
            max_send_size,
            terms: self.terms(max_message_size),
            repairs: self.repairs(),
            reconnect: Reconnect {
                on: reconnect,
                minimum_delay_ms: reconnect_minimum_delay.0,
                maximum_delay_ms: reconnect_maximum_delay.0,
                attempts: reconnect_attempts,
                time_limit_ms: limit(reconnect_time_limit),
            },
            resend,
            idle_limit_ms: limit(idle_limit),
            keep_alive: KeepAlive {
                on: keep_alive,
                idle_ms: limit(keep_alive_idle),
                interval_ms: limit(keep_alive_interval),
                count: keep_alive_count,
            },
            ..reach
        }
    }

    fn terms(&self, max_message_size: u64) -> Terms {
        let AcknowledgmentArgs {
            acknowledgment_mode,
            settle_on,
            accept_timeout,
            application_timeout,
            quiet_period,
            mllp_release,
            commit_retries,
            correlation,
            judging,
        } = self.acknowledgment;
        let framing = &self.framing;
        Terms {
            mode: acknowledgment_mode,
            settle_on,
            accept_timeout_ms: limit(accept_timeout),
            application_timeout_ms: limit(application_timeout),
            quiet_period_ms: quiet_period.0,
            release: mllp_release,
            commit_retries,
            correlation,
            judging,
            framing: Framing {
                start: framing.start_block.0.clone(),
                end: framing.end_block.0.clone(),
                trailer: framing.trailer.0.clone(),
            },
            leniencies: framing.leniencies(),
            max_message_size,
        }
    }

    fn repairs(&self) -> Repairs {
        let mut repairs = Repairs::default();
        for repair in &self.repair.repair {
            repairs.add(*repair);
        }
        repairs
    }

    /// What cannot be had as it is asked for, and no single option shows.
    pub(crate) fn objection(&self) -> Option<String> {
        let acknowledgment = &self.acknowledgment;
        if let Some(leniency) = self.framing.contradiction() {
            let word = leniency.word();
            return Some(format!("--allow {word} and --forbid {word} contradict"));
        }
        if acknowledgment.commit_retries > 0 && acknowledgment.mllp_release == Release::One {
            let advice = "--commit-retries needs --mllp-release two or auto: Release 1 has no \
                          commit blocks";
            return Some(advice.to_owned());
        }
        None
    }
}

/// How to prove who the receiver is, and to it who the sender is. Any of it
/// without --tls is refused: it must not seem to protect what goes in the clear.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Speak TLS; the options below need it
    ///
    /// TLS 1.2 or 1.3. The receiver's certificate must be for HOST and come from
    /// an authority that Mozilla trusts, unless the options below say otherwise.
    /// Their files are read as messages are: --dir must let the command see them.
    #[arg(long)]
    pub(crate) tls: bool,

    /// Trust these certificate authorities too, PEM or DER; may be repeated
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) ca: Vec<PathBuf>,

    /// Trust those of --ca alone, and not Mozilla's
    #[arg(long, requires_all = ["tls", "ca"])]
    pub(crate) ca_only: bool,

    /// Show this client certificate, with its chain, to a receiver that asks
    ///
    /// PEM or DER. A PEM file that holds the private key too, as
    /// `openssl pkcs12 -in FILE -nodes` writes it, needs no --key.
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) cert: Option<PathBuf>,

    /// The private key of --cert, not encrypted [default: in the file of --cert]
    #[arg(long, value_name = "FILE", requires_all = ["tls", "cert"])]
    pub(crate) key: Option<PathBuf>,

    /// The name or address the receiver's certificate must be for [default: HOST]
    #[arg(long, value_name = "NAME", requires = "tls")]
    pub(crate) server_name: Option<String>,

    /// Demand this public key as well, as `check` prints it; may be repeated
    ///
    /// In the receiver's certificate or in any that its chain was proven with;
    /// one of several has to match. `sha256/` and base64, or hexadecimal digits.
    #[arg(long, value_delimiter = ',', value_name = "PIN", value_parser = pin, requires = "tls")]
    pub(crate) pin: Vec<String>,

    /// Take --pin instead of authorities, names and dates, not beside them
    ///
    /// The receiver's own certificate must have a pinned key then.
    #[arg(long, requires_all = ["tls", "pin"], conflicts_with_all = ["ca", "crl"])]
    pub(crate) pin_only: bool,

    /// The lowest version of TLS to speak: 1.2 or 1.3
    #[arg(long, value_name = "VERSION", value_parser = version, default_value = "1.2", requires = "tls")]
    pub(crate) tls_min: TlsVersion,

    /// Do not offer X25519MLKEM768, whose size some old middleboxes cannot bear
    #[arg(long, requires = "tls")]
    pub(crate) no_hybrid: bool,

    /// Hold the chain to these revocation lists, PEM or DER; may be repeated
    ///
    /// With any, every certificate of the chain must be told about by one that
    /// has not expired.
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) crl: Vec<PathBuf>,

    /// Go on with whoever answers: not for patient data
    ///
    /// Encrypted, but to anybody. Every reply has the warning `insecure` in
    /// --json; otherwise it is said once, on standard error.
    #[arg(long, requires = "tls", conflicts_with_all = ["pin", "ca", "crl"])]
    pub(crate) insecure: bool,
}

fn limit(duration: Option<Milliseconds>) -> Option<u32> {
    duration.map(|Milliseconds(milliseconds)| milliseconds)
}
