//! Every option by the environment, too: `MLLP_` and its name, in capitals and with
//! `_` for `-`. What stands on the command line goes before it.

use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};

const PREFIX: &str = "MLLP_";

/// What says no to a switch, as clap reads it, and nothing at all.
const NO: [&str; 7] = ["n", "no", "f", "false", "off", "0", ""];

/// The variable of an option.
pub(crate) fn variable(option: &str) -> String {
    PREFIX.to_owned() + &option.to_uppercase().replace('-', "_")
}

/// Gives every option of `command`, and of its subcommands, its variable.
pub(crate) fn extend(
    command: Command,
    environment: impl Fn(&str) -> Option<OsString> + Copy,
) -> Command {
    command
        .mut_args(|option| with_variable(option, environment))
        .mut_subcommands(|command| extend_one(command, environment))
}

fn extend_one(command: Command, environment: impl Fn(&str) -> Option<OsString> + Copy) -> Command {
    command.mut_args(|option| with_variable(option, environment))
}

fn with_variable(option: Arg, environment: impl Fn(&str) -> Option<OsString>) -> Arg {
    let Some(name) = option.get_long().map(variable) else {
        return option;
    };
    let is_switch = matches!(option.get_action(), ArgAction::SetTrue);
    if is_switch && environment(&name).is_some_and(|value| says_no(&value)) {
        // To clap it would be there all the same: what needs --tls would be content,
        // and go in the clear.
        return option;
    }
    // Clap keeps names for as long as the program runs, which is this once.
    let name: &'static str = name.leak();
    // The rule is told once, in the help's end.
    let option = option.env(name).hide_env(true);
    if is_switch {
        option.value_parser(BoolishValueParser::new())
    } else {
        option
    }
}

fn says_no(value: &OsString) -> bool {
    let value = value.to_string_lossy().to_lowercase();
    NO.contains(&value.as_str())
}

/// Those of `names` that look like an option's variable and are none's: a slip in
/// MLLP_TLS must not pass for plain MLLP.
pub(crate) fn unknown(command: &Command, names: impl Iterator<Item = OsString>) -> Vec<String> {
    let commands = [command].into_iter().chain(command.get_subcommands());
    let options = commands.flat_map(Command::get_arguments);
    let known: Vec<_> = options.filter_map(Arg::get_long).map(variable).collect();
    names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !known.contains(name) && !is_the_scripts(name))
        .collect()
}

/// What `script/mllp-send` goes by.
fn is_the_scripts(name: &str) -> bool {
    matches!(name, "MLLP_SEND_COMPONENT" | "MLLP_WASMTIME")
}

/// The variable that the refused value may have come from.
pub(crate) fn suspect(
    refusal: &clap::Error,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Option<String> {
    let Some(ContextValue::String(option)) = refusal.get(ContextKind::InvalidArg) else {
        return None;
    };
    let (name, _) = option.split_once(' ').unwrap_or((option, ""));
    let name = variable(name.strip_prefix("--")?);
    environment(&name).is_some().then_some(name)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::{Arg, ArgAction, Command};

    use super::{extend, unknown, variable};

    fn command() -> Command {
        let switch = Arg::new("tls").long("tls").action(ArgAction::SetTrue);
        let value = Arg::new("ca").long("ca-only");
        let file = Arg::new("file");
        let check = Command::new("check").arg(Arg::new("deep").long("deep"));
        Command::new("x")
            .args([switch, value, file])
            .subcommand(check)
    }

    #[test]
    fn a_variable_is_named_after_its_option() {
        assert_eq!(variable("ca-only"), "MLLP_CA_ONLY");
    }

    #[test]
    fn every_option_has_its_variable_and_a_file_has_none() {
        let command = extend(command(), |_| None);
        let variables: Vec<_> = command
            .get_arguments()
            .chain(command.get_subcommands().flat_map(Command::get_arguments))
            .map(|argument| argument.get_env().map(|name| name.to_os_string()))
            .collect();
        let expected = ["MLLP_TLS", "MLLP_CA_ONLY", "", "MLLP_DEEP"]
            .map(|name| Some(OsString::from(name)).filter(|name| !name.is_empty()));
        assert_eq!(variables, expected);
    }

    #[test]
    fn a_switch_that_the_environment_says_no_to_is_not_there() {
        for (value, there) in [
            (Some("1"), true),
            (Some("maybe"), true),
            (Some("Off"), false),
            (Some("0"), false),
            (Some(""), false),
            (None, true),
        ] {
            let command = extend(command(), |_| value.map(OsString::from));
            let mut options = command.get_arguments();
            assert_eq!(options.next().unwrap().get_env().is_some(), there);
            assert!(options.next().unwrap().get_env().is_some());
        }
    }

    #[test]
    fn a_variable_of_no_option_is_noticed() {
        let names = ["MLLP_TSL", "MLLP_TLS", "MLLP_DEEP", "PATH"].map(OsString::from);
        assert_eq!(unknown(&command(), names.into_iter()), ["MLLP_TSL"]);
    }
}
