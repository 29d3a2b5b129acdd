//! The command line becomes [`Args`]. Pure: reads no file, opens no socket.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Parser;
use mllp_client::client::ConnectOptions;
use mllp_client::limits::{MESSAGE_BYTES_MAX_DEFAULT, TIMEOUT_MS_DEFAULT};

use crate::input::Source;
use crate::output::Style;

const EXAMPLES: &str = "\
Examples:
  wasmtime run -S inherit-network --dir . mllp-send.wasm 127.0.0.1:2575 message.hl7
  wasmtime run -S inherit-network --dir . mllp-send.wasm --loose [::1]:2575 a.txt b.txt
  wasmtime run -S inherit-network mllp-send.wasm 127.0.0.1:2575 < message.hl7

  A host name needs one grant more:
  wasmtime run -S inherit-network -S allow-ip-name-lookup --dir . \\
    mllp-send.wasm receiver.example:2575 message.hl7

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
  phase        where it failed, in a word; or null
  explanation  the same as a sentence; or null
  warnings     array of {code, count}: leniencies used; count may be null
  attempts     array of {address, cause}: addresses tried in vain
  bytes        the message's length
  elapsed_ms   how long connecting, if it was needed, and the exchange took
  ack          with --ack only: the acknowledgment, as far as it is UTF-8; or null";

/// Sends HL7 v2 messages over MLLP and tells what became of each.
///
/// Messages go in order over one connection, each after the acknowledgment of
/// the one before. One that fails does not keep the next from being tried.
#[derive(Debug, Parser)]
// Its own name, not the file's that wasmtime was given.
#[command(name = "mllp-send", bin_name = "mllp-send", version)]
#[command(after_help = EXAMPLES, after_long_help = [FIELDS, EXAMPLES].join("\n\n"))]
pub(crate) struct Args {
    /// The receiver: a name, an IPv4 address or an [IPv6 address], and its port
    #[arg(value_name = "HOST:PORT")]
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

    /// How long one exchange may take: 500ms, 5s, 2m, or milliseconds
    #[arg(long, value_name = "DURATION", default_value_t = Milliseconds(TIMEOUT_MS_DEFAULT))]
    timeout: Milliseconds,

    /// How long connecting may take [default: as --timeout]
    #[arg(long, value_name = "DURATION")]
    connect_timeout: Option<Milliseconds>,

    /// The largest message, and the largest acknowledgment, in bytes
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value_t = MESSAGE_BYTES_MAX_DEFAULT)]
    max_size: u64,

    /// Connect anew for each message, for receivers that serve but one
    #[arg(long)]
    pub(crate) one_per_connection: bool,
}

impl Args {
    pub(crate) fn connect_options(&self) -> ConnectOptions {
        let Receiver { host, port } = self.receiver.clone();
        ConnectOptions {
            timeout_ms: self.timeout.0,
            connect_timeout_ms: self.connect_timeout.map(|timeout| timeout.0),
            max_message_size: self.max_size,
            max_send_size: self.max_size,
            ..ConnectOptions::new(host, port)
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

#[derive(Clone, Debug, PartialEq, Eq)]
struct Receiver {
    host: String,
    port: u16,
}

impl FromStr for Receiver {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
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

#[cfg(test)]
pub(crate) mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Args, Milliseconds, Receiver};
    use crate::input::Source;

    /// The command line after the command's name.
    pub(crate) fn args(line: &str) -> Args {
        parse(line).unwrap()
    }

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(
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
        Args::command().debug_assert();
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
            args("--timeout 5s --connect-timeout 250 --max-size 99 lab:1 x").connect_options();
        assert_eq!(options.timeout_ms, 5_000);
        assert_eq!(options.connect_timeout_ms, Some(250));
        assert_eq!(options.max_message_size, 99);
        assert_eq!(options.max_send_size, 99);
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        let options = args("lab:2575").connect_options();
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
        ] {
            let refusal = parse(line).unwrap_err();
            assert!(refusal.use_stderr());
            assert!(refusal.to_string().contains(advice), "{line}: {refusal}");
        }
    }

    #[test]
    fn the_help_names_defaults_grants_and_json_fields() {
        let help = Args::command().render_long_help().to_string();
        for part in [
            "Usage: mllp-send ",
            "[default: 30s]",
            "[default: 10485760]",
            "-S inherit-network --dir .",
            "-S allow-ip-name-lookup",
            "Exit status:",
            "elapsed_ms",
        ] {
            assert!(help.contains(part), "{part}");
        }
    }
}
