//! The command line becomes a [`Job`]. Pure: reads no file, opens no socket.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, FromArgMatches, Parser};
use mllp_client::options::ConnectOptions;
use mllp_client::tls::options::TlsOptions;

use crate::environment;
use crate::help::{CHECK_FIELDS, CHECK_STATUS, EXAMPLES, FIELDS, USAGE};
use crate::input::Source;
use crate::options::{ExchangeArgs, ReachArgs, TlsArgs};
use crate::output::Style;
use crate::own_options::{InputArgs, OutputArgs};
use crate::values::Receiver;
use crate::work::{RetryArgs, WorkArgs};

/// What the command is to do.
#[derive(Debug)]
pub(crate) enum Job {
    Send(Box<SendArgs>),
    Check(Box<CheckArgs>),
}

impl Job {
    /// Reads the command line, which begins with the command's name, and what the
    /// environment says beside it.
    pub(crate) fn parse(
        line: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let job = match command_line(line)? {
            CommandLine {
                check: Some(Subcommand::Check(args)),
                ..
            } => Self::Check(args),
            CommandLine {
                send: Some(args), ..
            } => Self::Send(Box::new(args)),
            CommandLine { .. } => {
                return Err(
                    command().error(ErrorKind::MissingRequiredArgument, "HOST:PORT is missing")
                );
            }
        };
        match job.objection() {
            None => Ok(job),
            Some(objection) => Err(command().error(ErrorKind::ValueValidation, objection)),
        }
    }

    pub(crate) const fn tls(&self) -> &TlsArgs {
        match self {
            Self::Send(args) => &args.tls,
            Self::Check(args) => &args.tls,
        }
    }

    /// What would keep every message from being sent. That of TLS shows later, when
    /// its files are read.
    fn objection(&self) -> Option<String> {
        let (contradiction, options) = match self {
            Self::Send(args) => (args.exchange.objection(), args.connect_options(None)),
            Self::Check(args) => (None, args.connect_options(None)),
        };
        contradiction.or_else(|| options.check().err().map(|option| option.to_string()))
    }
}

fn command() -> Command {
    environment::extend(CommandLine::command(), |name| std::env::var_os(name))
}

fn command_line(
    line: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<CommandLine, clap::Error> {
    let mut matches = command().try_get_matches_from(line)?;
    CommandLine::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command()))
}

/// The variables that look like an option's and are none's.
pub(crate) fn unknown_variables() -> Vec<String> {
    let names = std::env::vars_os().map(|(name, _)| name);
    environment::unknown(&CommandLine::command(), names)
}

/// The variable that a refused value may have come from.
pub(crate) fn suspect(refusal: &clap::Error) -> Option<String> {
    environment::suspect(refusal, |name| std::env::var_os(name))
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

/// The command line as clap knows it.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn definition() -> clap::Command {
    CommandLine::command()
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
    pub(crate) receiver: Receiver,

    /// The files to send; standard input for `-`, or if there is none
    ///
    /// A folder stands for the files in it, in the order of their names, without
    /// hidden ones and those of folders within. What holds *, ? or [ and is no file
    /// stands for what matches it, as in a shell; ** for any folders.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) input: InputArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,

    #[command(flatten)]
    pub(crate) work: WorkArgs,

    #[command(flatten)]
    reach: ReachArgs,

    #[command(flatten)]
    pub(crate) exchange: ExchangeArgs,

    #[command(flatten)]
    pub(crate) retry: RetryArgs,

    #[command(flatten)]
    tls: TlsArgs,
}

impl SendArgs {
    pub(crate) fn connect_options(&self, tls: Option<TlsOptions>) -> ConnectOptions {
        let reach = self.reach.connect_options(&self.receiver, tls);
        self.exchange.connect_options(reach)
    }

    pub(crate) fn sources(&self) -> Vec<Source> {
        if self.files.is_empty() {
            return vec![Source::StandardInput];
        }
        self.files.iter().cloned().map(Source::from).collect()
    }

    pub(crate) const fn style(&self) -> Style {
        self.output.style()
    }
}

/// Connects, shakes hands, tells what it finds, and sends nothing
///
/// Under TLS it tells the receiver's certificate with the days that are left to
/// it, by the host's clock, and waits a moment for a receiver that does not
/// accept the client certificate. Without --tls it looks at the connection alone.
/// It tries once: what a reconnect policy would hide is what it is to find.
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

    #[command(flatten)]
    tls: TlsArgs,
}

impl CheckArgs {
    pub(crate) fn connect_options(&self, tls: Option<TlsOptions>) -> ConnectOptions {
        self.reach.connect_options(&self.receiver, tls)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::CommandFactory;
    use mllp_client::error::Delivery;
    use mllp_client::options::{ConnectOptions, KeepAlive, Receiver, Reconnect};
    use mllp_client::proto::leniency::Leniency;
    use mllp_client::proto::repair::Repair;
    use mllp_client::proto::terms::{AcknowledgmentMode, Correlation, Judging, Release, SettleOn};
    use mllp_client::tls::options::TlsVersion;

    use super::{CheckArgs, CommandLine, Job, SendArgs};
    use crate::input::Source;
    use crate::options::TlsArgs;

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
        args(&format!("--tls {line} lab:1")).tls
    }

    fn parse(line: &str) -> Result<Job, clap::Error> {
        Job::parse(
            ["mllp-send.wasm"]
                .into_iter()
                .chain(line.split_whitespace()),
        )
    }

    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }

    #[test]
    fn every_option_has_a_variable_of_its_own() {
        let command = super::command();
        let commands = [&command].into_iter().chain(command.get_subcommands());
        let options = commands.flat_map(clap::Command::get_arguments);
        for option in options.filter(|option| option.get_long().is_some()) {
            assert!(option.get_env().is_some(), "{option}");
        }
    }

    #[test]
    fn words_and_pins_may_stand_in_one_list() {
        let line = "--allow doubled-envelope,missing-start-block --forbid line-feed-segments";
        let leniencies = args(&format!("{line} lab:1"))
            .connect_options(None)
            .terms
            .leniencies;
        assert!(leniencies.contains(Leniency::DoubledEnvelope));
        assert!(leniencies.contains(Leniency::MissingStartBlock));
        assert_eq!(tls_args(&format!("--pin {PIN},{PIN}")).pin, [PIN, PIN]);
    }

    #[test]
    fn the_options_of_a_connection_reach_the_client() {
        let options = args(
            "--timeout 5s --connect-timeout 250 --second-receiver [::1]:2 --max-message-size 99 \
             --max-send-size 98 --idle-limit 1m --keep-alive --keep-alive-idle 30s \
             --keep-alive-interval 10s --keep-alive-count 3 lab:1 x",
        )
        .connect_options(None);
        assert_eq!(options.timeout_ms, 5_000);
        assert_eq!(options.connect_timeout_ms, Some(250));
        let second = Receiver {
            host: "::1".to_owned(),
            port: 2,
        };
        assert_eq!(options.second_receiver, Some(second));
        assert_eq!(options.terms.max_message_size, 99);
        assert_eq!(options.max_send_size, 98);
        assert_eq!(options.idle_limit_ms, Some(60_000));
        let keep_alive = KeepAlive {
            on: true,
            idle_ms: Some(30_000),
            interval_ms: Some(10_000),
            count: Some(3),
        };
        assert_eq!(options.keep_alive, keep_alive);
    }

    #[test]
    fn the_options_of_acknowledgments_reach_the_client() {
        let terms = args(
            "--acknowledgment-mode original --settle-on accept --accept-timeout 1s \
             --application-timeout 2s --quiet-period 3s --mllp-release auto --commit-retries 4 \
             --correlation warned --judging where-possible lab:1",
        )
        .connect_options(None)
        .terms;
        assert_eq!(terms.mode, AcknowledgmentMode::Original);
        assert_eq!(terms.settle_on, SettleOn::Accept);
        assert_eq!(terms.accept_timeout_ms, Some(1_000));
        assert_eq!(terms.application_timeout_ms, Some(2_000));
        assert_eq!(terms.quiet_period_ms, 3_000);
        assert_eq!(terms.release, Release::Auto);
        assert_eq!(terms.commit_retries, 4);
        assert_eq!(terms.correlation, Correlation::Warned);
        assert_eq!(terms.judging, Judging::WherePossible);
    }

    #[test]
    fn framing_leniencies_and_repairs_reach_the_client() {
        let options = args(
            "--start-block 0202 --end-block 03 --trailer= --allow doubled-envelope \
             --allow missing-start-block --forbid line-feed-segments --repair line-feeds \
             --repair envelope lab:1",
        )
        .connect_options(None);
        let framing = options.terms.framing;
        assert_eq!(framing.start, [2, 2]);
        assert_eq!(framing.end, [3]);
        assert!(framing.trailer.is_empty());
        let allowed: Vec<_> = Leniency::ALL
            .into_iter()
            .filter(|leniency| options.terms.leniencies.contains(*leniency))
            .collect();
        let expected = [
            Leniency::SpaceBeforeStartBlock,
            Leniency::SpaceAfterFrame,
            Leniency::MissingStartBlock,
            Leniency::DoubledEnvelope,
        ];
        assert_eq!(allowed, expected);
        let repairs: Vec<_> = Repair::ALL
            .into_iter()
            .filter(|repair| options.repairs.contains(*repair))
            .collect();
        assert_eq!(repairs, [Repair::Envelope, Repair::LineFeeds]);
    }

    #[test]
    fn the_reconnect_policy_reaches_the_client() {
        let options = args(
            "--reconnect --reconnect-minimum-delay 50ms --reconnect-maximum-delay 1s \
             --reconnect-attempts 7 --reconnect-time-limit 10s --resend in-doubt lab:1",
        )
        .connect_options(None);
        let policy = Reconnect {
            on: true,
            minimum_delay_ms: 50,
            maximum_delay_ms: 1_000,
            attempts: 7,
            time_limit_ms: Some(10_000),
        };
        assert_eq!(options.reconnect, policy);
        assert_eq!(options.resend, Delivery::InDoubt);
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        let library = format!("{:?}", ConnectOptions::new("lab".to_owned(), 2575));
        let sending = args("lab:2575").connect_options(None);
        assert_eq!(format!("{sending:?}"), library);
        let checking = check_args("lab:2575").connect_options(None);
        assert_eq!(format!("{checking:?}"), library);
    }

    #[test]
    fn a_journal_makes_room_for_resending_as_a_policy_does() {
        for line in ["--journal j", "--reconnect", "--journal j --reconnect"] {
            let options = args(&format!("{line} --resend in-doubt lab:1")).connect_options(None);
            assert_eq!(options.resend, Delivery::InDoubt, "{line}");
        }
    }

    #[test]
    fn refusals_may_be_several_in_one_list() {
        let args = args("--retry-refused AE:206,AR --retry-refused CE lab:1");
        assert_eq!(args.retry.retry_refused.len(), 3);
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
            ("--max-send-size 10MB lab:1", "without a unit"),
            ("--max-message-size 0 lab:1", "1 or more"),
            ("--trailer 0 lab:1", "hexadecimal digits"),
            ("--reconnect --reconnect-attempts 0 lab:1", "1 or more"),
            (
                "--settle-on never lab:1",
                "[possible values: application, accept]",
            ),
            ("--allow everything lab:1", "doubled-envelope"),
            ("--repair all lab:1", "byte-order-mark"),
            ("--timeout soon lab:1", "500ms"),
            ("--lose lab:1", "--loose"),
            ("", "<HOST:PORT>"),
            ("check", "<HOST:PORT>"),
            ("--tls check lab:1", "mllp-send check [OPTIONS] HOST:PORT"),
            ("check --loose lab:1", "--loose"),
            ("check --reconnect lab:1", "--reconnect"),
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
    fn what_has_no_effect_without_another_option_is_told_to_add_it() {
        for (line, other) in [
            ("--reconnect-minimum-delay 1s", "--reconnect"),
            ("--reconnect-maximum-delay 1s", "--reconnect"),
            ("--reconnect-attempts 2", "--reconnect"),
            ("--reconnect-time-limit 1s", "--reconnect"),
            ("--resend cut-short", "<--reconnect|--journal <FILE>>"),
            ("--retry-refused-count 2", "--retry-refused <CODES>"),
            ("--retry-refused-delay 1s", "--retry-refused <CODES>"),
            ("--keep-alive-idle 1s", "--keep-alive"),
            ("--keep-alive-interval 1s", "--keep-alive"),
            ("--keep-alive-count 2", "--keep-alive"),
        ] {
            let refusal = parse(&format!("{line} lab:1")).unwrap_err().to_string();
            assert!(
                refusal.contains(&format!("\n  {other}\n")),
                "{line}: {refusal}"
            );
        }
    }

    #[test]
    fn what_no_message_could_be_sent_with_is_refused_before_any_is() {
        for (line, objection) in [
            (
                "--allow line-feed-segments --forbid line-feed-segments",
                "contradict",
            ),
            ("--commit-retries 2", "--mllp-release two or auto"),
            ("--start-block=", "start block is empty"),
            ("--start-block 0B --end-block 0B", "end block"),
            (
                "--reconnect --reconnect-minimum-delay 2s --reconnect-maximum-delay 1s",
                "above its maximum",
            ),
        ] {
            let refusal = parse(&format!("{line} lab:1")).unwrap_err();
            assert!(refusal.use_stderr());
            assert!(refusal.to_string().contains(objection), "{line}: {refusal}");
        }
    }

    #[test]
    fn what_is_told_of_an_exchange_cannot_be_had_where_there_is_none() {
        for option in ["--ack", "--transcript", "--counters", "--save-acks=x"] {
            let refusal = parse(&format!("--dry-run {option} lab:1")).unwrap_err();
            let (option, _) = option.split_once('=').unwrap_or((option, ""));
            assert!(refusal.to_string().contains(option), "{refusal}");
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
        let args = check_args("--tls --timeout 5s --second-receiver lab:2 [::1]:2575");
        assert_eq!(args.receiver.to_string(), "[::1]:2575");
        assert!(args.connect_options(None).second_receiver.is_some());
        assert_eq!(args.connect_options(None).timeout_ms, 5_000);
        let sources = super::tests::args("lab:1 check").sources();
        assert_eq!(sources, [Source::File("check".into())]);
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
            "-S inherit-network --dir . mllp-send.wasm",
            "-S allow-ip-name-lookup",
            "Exit status:",
            "elapsed_ms",
            "\nInput:\n",
            "\nOutput:\n",
            "\nConnection:\n",
            "\nAcknowledgments:\n",
            "\nFraming and leniencies:\n",
            "\nRepair:\n",
            "\nReconnecting:\n",
            "\nLong work:\n",
            "\nRetries:\n",
            "\nTLS:\n",
        ] {
            assert!(help.contains(part), "{part}: {help}");
        }
    }

    /// A long one is for the long help.
    #[test]
    fn the_short_help_has_one_line_for_what_each_option_is() {
        for argument in CommandLine::command().get_arguments() {
            let help = argument.get_help().unwrap().to_string();
            assert!(help.lines().count() == 1 && help.len() <= 80, "{help}");
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
