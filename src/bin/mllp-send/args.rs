//! The command line becomes a [`Job`]. Pure: reads no file, opens no socket.

use std::ffi::OsString;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use mllp_client::client::ConnectOptions;
use mllp_client::limits::{MESSAGE_BYTES_MAX_DEFAULT, TIMEOUT_MS_DEFAULT};
use mllp_client::tls::certificate::Pin;
use mllp_client::tls::options::{TlsOptions, TlsVersion};

use crate::input::Source;
use crate::output::Style;

const USAGE: &str = "\
mllp-send [OPTIONS] <HOST:PORT> [FILE]...
       mllp-send check [OPTIONS] <HOST:PORT>";

const EXAMPLES: &str = "\
Examples:
  wasmtime run -S inherit-network --dir . mllp-send.wasm 127.0.0.1:2575 message.hl7
  wasmtime run -S inherit-network --dir . mllp-send.wasm --loose [::1]:2575 a.txt b.txt
  wasmtime run -S inherit-network mllp-send.wasm 127.0.0.1:2575 < message.hl7

  A host name needs one grant more:
  wasmtime run -S inherit-network -S allow-ip-name-lookup --dir . \\
    mllp-send.wasm receiver.example:2575 message.hl7

  TLS, with an authority of one's own and a client certificate; and a look first:
  wasmtime run -S inherit-network --dir . mllp-send.wasm check --tls --ca ca.pem \\
    --cert me.pem --key me.key 127.0.0.1:2575
  wasmtime run -S inherit-network --dir . mllp-send.wasm --tls --ca ca.pem \\
    --cert me.pem --key me.key 127.0.0.1:2575 message.hl7

Exit status:
  0  every message was applied or accepted
  1  anything else; the output tells what became of each message";

const FIELDS: &str = "\
Files:
  A file holds one message, which is sent exactly as it is; or, if it begins with
  a start block (0x0B), any number of MLLP frames, each of which holds a message.
  --loose reads what editors and logs make of messages.

Plain output, one line a message:
  FILE[#N] CONTROL-ID VERDICT CODE TIME     if the receiver answered
  FILE[#N] CONTROL-ID DELIVERY CAUSE TIME   if it did not, or not usably

Verdicts:
  applied    AA: processed
  accepted   CA: in the receiver's safe keeping
  refused    AE, AR, CE, CR: not processed
Deliveries:
  not-sent   nothing left; may be sent again
  cut-short  a part left, without its end: a conforming receiver discards it
  in-doubt   the whole message may have arrived, and nothing judged it

Fields of --json, one object a line:
  file         as given; \"-\" is standard input
  index        which message of the file, from 1
  control_id   MSH-10, bytes other than graphic ASCII escaped; null if there is none
  verdict      applied, accepted, refused; null if delivery is set
  code         MSA-1: AA, AE, AR, CA, CE, CR; or null
  delivery     not-sent, cut-short, in-doubt; null if verdict is set
  cause        what failed, in a word; or null
  tls          if the cause is tls: what about it, in a word; else null
  phase        where it failed, in a word; or null
  explanation  the same as a sentence; or null
  warnings     array of {code, count}: leniencies used; count may be null
  attempts     array of {address, cause}: addresses tried in vain
  bytes        the message's length
  elapsed_ms   how long connecting, if it was needed, and the exchange took
  ack          with --ack only: the acknowledgment, as far as it is UTF-8; or null";

const CHECK_STATUS: &str = "\
Exit status:
  0  a message could be sent now
  1  anything else; the output tells why";

const CHECK_FIELDS: &str = "\
Fields of --json, one object:
  receiver     as given
  ready        whether a message could be sent now
  looked_up    array of the name's addresses; empty for an address
  address      the address connected to; or null
  session      {version, suite, group, resumed, client_certificate} that the TLS
               handshake agreed on; or null. client_certificate: not-asked,
               not-given, given
  certificate  {subject, issuer, names, not_before, not_after, days_left, pin} of
               the receiver, accepted or not; or null
  cause        what failed, in a word; or null
  tls          if the cause is tls: what about it, in a word; else null
  phase        where it failed, in a word; or null
  explanation  the same as a sentence; or null
  warnings     array of {code, count}: insecure, certificate-expires (in days),
               certificate-expired (days ago)
  attempts     array of {address, cause}: addresses tried in vain
  elapsed_ms   how long all of it took";

/// What the command is to do.
#[derive(Debug)]
pub(crate) enum Job {
    Send(Box<SendArgs>),
    Check(Box<CheckArgs>),
}

impl Job {
    /// Reads the command line, which begins with the command's name.
    pub(crate) fn parse(
        line: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        match CommandLine::try_parse_from(line)? {
            CommandLine {
                check: Some(Subcommand::Check(args)),
                ..
            } => Ok(Self::Check(args)),
            CommandLine {
                send: Some(args), ..
            } => Ok(Self::Send(Box::new(args))),
            CommandLine { .. } => Err(CommandLine::command()
                .error(ErrorKind::MissingRequiredArgument, "HOST:PORT is missing")),
        }
    }

    pub(crate) const fn tls(&self) -> &TlsArgs {
        match self {
            Self::Send(args) => &args.reach.tls,
            Self::Check(args) => &args.reach.tls,
        }
    }
}

/// Sends HL7 v2 messages over MLLP and tells what became of each.
///
/// Messages go in order over one connection, each after the acknowledgment of
/// the one before. One that fails does not keep the next from being tried.
#[derive(Debug, Parser)]
// Its own name, not the file's that wasmtime was given.
#[command(name = "mllp-send", bin_name = "mllp-send", version)]
#[command(after_help = EXAMPLES, after_long_help = [FIELDS, EXAMPLES].join("\n\n"))]
#[command(override_usage = USAGE)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(disable_help_subcommand = true)]
struct CommandLine {
    #[command(flatten)]
    send: Option<SendArgs>,

    #[command(subcommand)]
    check: Option<Subcommand>,
}

#[derive(Debug, clap::Subcommand)]
enum Subcommand {
    Check(Box<CheckArgs>),
}

/// How to send, and what.
#[derive(Debug, clap::Args)]
pub(crate) struct SendArgs {
    /// The receiver: a name, an IPv4 address or an [IPv6 address], and its port
    // Clap finds these arguments given by their group, which it leaves empty where
    // others are flattened into them.
    #[arg(value_name = "HOST:PORT", group = "SendArgs")]
    receiver: Receiver,

    /// The files to send; standard input for `-`, or if there is none
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Take messages whose segments end with LF or CRLF, one after another
    ///
    /// A message begins at each line that begins with MSH. Segments are sent
    /// with CR at their end; blank lines are dropped.
    #[arg(long)]
    pub(crate) loose: bool,

    /// Print one JSON object a line; --help names its fields
    #[arg(long)]
    json: bool,

    /// Print the acknowledgments themselves, which may hold patient data
    #[arg(long)]
    ack: bool,

    /// The largest message, and the largest acknowledgment, in bytes
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value_t = MESSAGE_BYTES_MAX_DEFAULT)]
    max_size: u64,

    /// Connect anew for each message, for receivers that serve but one
    #[arg(long)]
    pub(crate) one_per_connection: bool,

    #[command(flatten)]
    reach: ReachArgs,
}

impl SendArgs {
    pub(crate) fn connect_options(&self, tls: Option<TlsOptions>) -> ConnectOptions {
        ConnectOptions {
            max_message_size: self.max_size,
            max_send_size: self.max_size,
            ..self.reach.connect_options(&self.receiver, tls)
        }
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        if self.files.is_empty() {
            return vec![Source::StandardInput];
        }
        self.files.iter().cloned().map(Source::from).collect()
    }

    pub(crate) const fn style(&self) -> Style {
        Style {
            json: self.json,
            ack: self.ack,
        }
    }
}

/// Connects, shakes hands, tells what it finds, and sends nothing
///
/// Under TLS it tells the receiver's certificate with the days that are left to
/// it, by the host's clock, and waits a moment for a receiver that does not
/// accept the client certificate. Without --tls it looks at the connection alone.
#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_STATUS, after_long_help = [CHECK_FIELDS, CHECK_STATUS].join("\n\n"))]
pub(crate) struct CheckArgs {
    /// The receiver: a name, an IPv4 address or an [IPv6 address], and its port
    #[arg(value_name = "HOST:PORT")]
    pub(crate) receiver: Receiver,

    /// Print one JSON object; --help names its fields
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    reach: ReachArgs,
}

impl CheckArgs {
    pub(crate) fn connect_options(&self, tls: Option<TlsOptions>) -> ConnectOptions {
        self.reach.connect_options(&self.receiver, tls)
    }
}

/// How to reach a receiver.
#[derive(Debug, clap::Args)]
struct ReachArgs {
    /// How long one exchange may take: 500ms, 5s, 2m, or milliseconds
    #[arg(long, value_name = "DURATION", default_value_t = Milliseconds(TIMEOUT_MS_DEFAULT))]
    timeout: Milliseconds,

    /// How long connecting may take [default: as --timeout]
    #[arg(long, value_name = "DURATION")]
    connect_timeout: Option<Milliseconds>,

    #[command(flatten)]
    tls: TlsArgs,
}

impl ReachArgs {
    fn connect_options(&self, receiver: &Receiver, tls: Option<TlsOptions>) -> ConnectOptions {
        let Receiver { host, port } = receiver.clone();
        ConnectOptions {
            timeout_ms: self.timeout.0,
            connect_timeout_ms: self.connect_timeout.map(|timeout| timeout.0),
            tls,
            ..ConnectOptions::new(host, port)
        }
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
    #[arg(long, value_name = "PIN", value_parser = pin, requires = "tls")]
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

/// Where the receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receiver {
    host: String,
    port: u16,
}

impl FromStr for Receiver {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "check" {
            return Err("write check before its options: mllp-send check [OPTIONS] HOST:PORT");
        }
        let (host, port) = text
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .ok_or("write HOST:PORT, as in 127.0.0.1:2575")?;
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        match bracketed {
            Some(address) if address.parse::<Ipv6Addr>().is_err() => {
                return Err("between the brackets stands no IPv6 address; write as in [::1]:2575");
            }
            None if host.contains(':') => {
                return Err("write an IPv6 address in brackets, as in [::1]:2575");
            }
            _ => {}
        }
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or("write a port from 1 to 65535, as in 127.0.0.1:2575")?;
        Ok(Self {
            host: bracketed.unwrap_or(host).to_owned(),
            port,
        })
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Milliseconds(u32);

impl FromStr for Milliseconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration = match text.parse() {
            Ok(milliseconds) => Duration::from_millis(milliseconds),
            Err(_) => humantime::parse_duration(text)
                .map_err(|_| "write a duration as 500ms, 5s or 2m, or whole milliseconds")?,
        };
        match u32::try_from(duration.as_millis()) {
            Ok(0) => Err("too short; write 1ms or more, as in 500ms, 5s or 2m"),
            Ok(milliseconds) => Ok(Self(milliseconds)),
            Err(_) => Err("too long; write 49days or less, as in 500ms, 5s or 2m"),
        }
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(Duration::from_millis(self.0.into())).fmt(f)
    }
}

fn bytes(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .ok()
        .filter(|bytes| *bytes != 0)
        .ok_or("write a number of bytes without a unit, 1 or more, as in 1048576")
}

fn pin(text: &str) -> Result<String, &'static str> {
    match Pin::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write sha256/ and the base64 of a SHA-256, or its 64 hexadecimal digits"),
    }
}

fn version(text: &str) -> Result<TlsVersion, &'static str> {
    [TlsVersion::Tls12, TlsVersion::Tls13]
        .into_iter()
        .find(|version| version.number() == text)
        .ok_or("write 1.2 or 1.3")
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::CommandFactory;
    use mllp_client::tls::options::TlsVersion;

    use super::{CheckArgs, CommandLine, Job, Milliseconds, Receiver, SendArgs, TlsArgs};
    use crate::input::Source;

    const PIN: &str = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    /// The command line after the command's name, which says to send.
    pub(crate) fn args(line: &str) -> SendArgs {
        match parse(line) {
            Ok(Job::Send(args)) => *args,
            other => panic!("{line}: {other:?}"),
        }
    }

    /// The command line after `check`.
    pub(crate) fn check_args(line: &str) -> CheckArgs {
        match parse(&format!("check {line}")) {
            Ok(Job::Check(args)) => *args,
            other => panic!("{line}: {other:?}"),
        }
    }

    /// The TLS options after `--tls`.
    pub(crate) fn tls_args(line: &str) -> TlsArgs {
        args(&format!("--tls {line} lab:1")).reach.tls
    }

    fn parse(line: &str) -> Result<Job, clap::Error> {
        Job::parse(
            ["mllp-send.wasm"]
                .into_iter()
                .chain(line.split_whitespace()),
        )
    }

    fn receiver(text: &str) -> Result<(String, u16), &'static str> {
        text.parse()
            .map(|Receiver { host, port }: Receiver| (host, port))
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn a_receiver_is_a_name_or_an_address_of_either_family() {
        let at = |host: &str| Ok((host.to_owned(), 2575));
        assert_eq!(receiver("lab.example:2575"), at("lab.example"));
        assert_eq!(receiver("127.0.0.1:2575"), at("127.0.0.1"));
        assert_eq!(receiver("[::1]:2575"), at("::1"));
    }

    #[test]
    fn a_receiver_that_is_none_is_told_what_to_write() {
        for (text, advice) in [
            ("lab.example", "HOST:PORT"),
            (":2575", "HOST:PORT"),
            ("::1:2575", "in brackets"),
            ("[::1]2575", "in brackets"),
            ("[lab]:2575", "no IPv6 address"),
            ("lab:0", "from 1 to 65535"),
            ("lab:65536", "from 1 to 65535"),
            ("lab:", "from 1 to 65535"),
        ] {
            let refusal = receiver(text).unwrap_err();
            assert!(refusal.contains(advice), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_duration_has_a_unit_or_is_in_milliseconds() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("2m", 120_000),
            ("1m 30s", 90_000),
            ("250", 250),
            ("4294967295", u32::MAX),
            ("49days", 4_233_600_000),
        ] {
            assert_eq!(text.parse(), Ok(Milliseconds(milliseconds)));
        }
    }

    #[test]
    fn a_duration_that_cannot_work_is_told_what_to_write() {
        for (text, advice) in [
            ("0", "1ms or more"),
            ("0s", "1ms or more"),
            ("10us", "1ms or more"),
            ("4294967296", "49days or less"),
            ("50days", "49days or less"),
            ("", "500ms, 5s or 2m"),
            ("soon", "500ms, 5s or 2m"),
            ("1.5", "500ms, 5s or 2m"),
            ("-1", "500ms, 5s or 2m"),
        ] {
            let refusal = text.parse::<Milliseconds>().unwrap_err();
            assert!(refusal.contains(advice), "{text}: {refusal}");
        }
    }

    #[test]
    fn the_options_reach_the_client() {
        let options =
            args("--timeout 5s --connect-timeout 250 --max-size 99 lab:1 x").connect_options(None);
        assert_eq!(options.timeout_ms, 5_000);
        assert_eq!(options.connect_timeout_ms, Some(250));
        assert_eq!(options.max_message_size, 99);
        assert_eq!(options.max_send_size, 99);
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        let options = args("lab:2575").connect_options(None);
        let library = mllp_client::client::ConnectOptions::new("lab".to_owned(), 2575);
        assert_eq!(format!("{options:?}"), format!("{library:?}"));
    }

    #[test]
    fn no_file_and_a_dash_mean_standard_input() {
        assert_eq!(args("lab:1").sources(), [Source::StandardInput]);
        assert_eq!(
            args("lab:1 a.hl7 -").sources(),
            [Source::File("a.hl7".into()), Source::StandardInput]
        );
    }

    #[test]
    fn a_wrong_option_is_told_what_to_write() {
        for (line, advice) in [
            ("--max-size 10MB lab:1", "without a unit"),
            ("--max-size 0 lab:1", "1 or more"),
            ("--timeout soon lab:1", "500ms"),
            ("--lose lab:1", "--loose"),
            ("", "<HOST:PORT>"),
            ("check", "<HOST:PORT>"),
            ("--tls check lab:1", "mllp-send check [OPTIONS] HOST:PORT"),
            ("check --loose lab:1", "--loose"),
            ("--tls --tls-min 1.1 lab:1", "1.2 or 1.3"),
            ("--tls --pin sha256/AAAA lab:1", "64 hexadecimal digits"),
        ] {
            let refusal = parse(line).unwrap_err();
            assert!(refusal.use_stderr());
            assert!(refusal.to_string().contains(advice), "{line}: {refusal}");
        }
    }

    #[test]
    fn what_asks_for_tls_without_tls_is_told_to_add_it() {
        let pin = format!("--pin {PIN}");
        for option in [
            "--ca a",
            "--cert a",
            "--server-name a",
            "--tls-min 1.3",
            "--no-hybrid",
            "--crl a",
            "--insecure",
            pin.as_str(),
        ] {
            for line in [format!("{option} lab:1"), format!("check {option} lab:1")] {
                let refusal = parse(&line).unwrap_err().to_string();
                assert!(refusal.contains("\n  --tls\n"), "{line}: {refusal}");
            }
        }
    }

    #[test]
    fn options_that_only_go_together_say_so() {
        for (line, other) in [
            ("--ca-only", "--ca <FILE>".to_owned()),
            ("--key a", "--cert <FILE>".to_owned()),
            ("--pin-only", "--pin <PIN>".to_owned()),
            (
                &format!("--pin-only --pin {PIN} --ca a"),
                "--ca <FILE>".to_owned(),
            ),
            (
                &format!("--pin-only --pin {PIN} --crl a"),
                "--crl <FILE>".to_owned(),
            ),
            (&format!("--insecure --pin {PIN}"), "--pin <PIN>".to_owned()),
        ] {
            let refusal = parse(&format!("--tls {line} lab:1")).unwrap_err();
            assert!(refusal.to_string().contains(&other), "{line}: {refusal}");
        }
    }

    #[test]
    fn authorities_pins_and_revocation_lists_may_be_several() {
        let args = tls_args(&format!(
            "--ca a --ca b --crl c --crl d --pin {PIN} --pin {PIN}"
        ));
        assert_eq!(args.ca, ["a", "b"].map(std::path::PathBuf::from));
        assert_eq!(args.crl, ["c", "d"].map(std::path::PathBuf::from));
        assert_eq!(args.pin, [PIN, PIN]);
        assert_eq!(args.tls_min, TlsVersion::Tls12);
    }

    #[test]
    fn check_is_a_word_before_the_receiver_and_a_file_after_it() {
        let args = check_args("--tls --timeout 5s [::1]:2575");
        assert_eq!(args.receiver.to_string(), "[::1]:2575");
        assert_eq!(args.connect_options(None).timeout_ms, 5_000);
        let sources = super::tests::args("lab:1 check").sources();
        assert_eq!(sources, [Source::File("check".into())]);
    }

    #[test]
    fn a_receiver_is_written_as_it_is_read() {
        for text in ["lab.example:2575", "127.0.0.1:2575", "[::1]:2575"] {
            let receiver: Receiver = text.parse().unwrap();
            assert_eq!(receiver.to_string(), text);
        }
    }

    #[test]
    fn the_help_names_both_uses_defaults_grants_and_json_fields() {
        let help = CommandLine::command().render_long_help().to_string();
        for part in [
            "Usage: mllp-send [OPTIONS] <HOST:PORT> [FILE]...",
            "mllp-send check [OPTIONS] <HOST:PORT>",
            "[default: 30s]",
            "[default: 10485760]",
            "[default: 1.2]",
            "-S inherit-network --dir .",
            "-S allow-ip-name-lookup",
            "Exit status:",
            "elapsed_ms",
        ] {
            assert!(help.contains(part), "{part}: {help}");
        }
    }

    #[test]
    fn the_help_of_check_names_its_json_fields() {
        let refusal = parse("check --help").unwrap_err();
        assert!(!refusal.use_stderr());
        let help = refusal.to_string();
        for part in [
            "Usage: mllp-send check [OPTIONS] <HOST:PORT>",
            "days_left",
            "--ca <FILE>",
        ] {
            assert!(help.contains(part), "{part}: {help}");
        }
    }
}
