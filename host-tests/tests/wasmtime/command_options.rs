//! Every option of the component can be had from `mllp-send`, under the same name and
//! with the same default: the WIT's setters are held against `--help`.

use std::collections::{BTreeMap, BTreeSet};

use host_tests::command::Call;

const CLIENT: &str = include_str!("../../../wit/client.wit");
const TYPES: &str = include_str!("../../../wit/types.wit");
const MANUAL: &str = include_str!("../../../docs/command.md");

/// The setters whose options have other names: those of TLS, which has no settings of
/// its own on a command line, and takes files for bytes.
const OTHER_NAMES: [(&str, &[&str]); 8] = [
    ("add-authorities", &["ca"]),
    ("set-own-authorities-only", &["ca-only"]),
    ("set-pins-instead-of-chain", &["pin-only"]),
    ("set-identity", &["cert", "key"]),
    ("set-minimum-version", &["tls-min"]),
    ("set-hybrid", &["no-hybrid"]),
    ("add-revocations", &["crl"]),
    ("add-pin", &["pin"]),
];

/// What the command has beside: its input, its output, and help.
const ITS_OWN: [&str; 25] = [
    "loose",
    "ndjson",
    "batch-counts",
    "dry-run",
    "json",
    "ack",
    "save-acks",
    "transcript",
    "summary",
    "counters",
    "quiet",
    "verbose",
    "rate",
    "delay",
    "max",
    "repeat",
    "stop-on",
    "progress",
    "journal",
    "retry-refused",
    "retry-refused-count",
    "retry-refused-delay",
    "one-per-connection",
    "help",
    "version",
];

/// A setter of the WIT.
struct Setter {
    name: String,
    /// The type of its parameter.
    parameter: String,
    /// Its documentation, in one line.
    documentation: String,
}

impl Setter {
    /// The names of its options.
    fn options(&self) -> Vec<&str> {
        let other = OTHER_NAMES.iter().find(|(setter, _)| *setter == self.name);
        match other {
            Some((_, options)) => options.to_vec(),
            None => {
                let prefix = ["set-", "add-"]
                    .iter()
                    .find_map(|prefix| self.name.strip_prefix(prefix));
                vec![prefix.unwrap_or(&self.name)]
            }
        }
    }

    /// The default that its documentation names, as the help has to have it.
    fn default(&self) -> Option<Default> {
        let (_, rest) = self.documentation.split_once("Default ")?;
        if let Some(word) = rest.strip_prefix('`') {
            let (word, _) = word.split_once('`').expect("a word in backquotes");
            return Some(match word {
                "false" | "true" => Default::Switch,
                word => Default::Value(word.to_owned()),
            });
        }
        if let Some(digits) = rest.strip_prefix("0x") {
            let digits: String = digits.chars().take_while(char::is_ascii_hexdigit).collect();
            return Some(Default::Value(digits));
        }
        if let Some(version) = rest.strip_prefix("TLS ") {
            return Some(Default::Value(version.get(..3)?.to_owned()));
        }
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != ' ');
        let (number, unit) = rest.split_at(end.unwrap_or(rest.len()));
        let digits: String = number.split(' ').collect();
        let number: u64 = digits.parse().unwrap_or_else(|_| {
            panic!("{}: no known kind of default: {rest}", self.name);
        });
        let value = match (unit.starts_with("ms"), number % 1_000) {
            (true, 0) => format!("{}s", number / 1_000),
            (true, _) => format!("{number}ms"),
            (false, _) => number.to_string(),
        };
        Some(Default::Value(value))
    }
}

/// What the help has to say about a default.
#[derive(Debug, PartialEq, Eq)]
enum Default {
    /// The option takes no value: to give it is to choose the other way.
    Switch,
    Value(String),
}

/// The setters of a resource.
fn setters(wit: &str, resource: &str) -> Vec<Setter> {
    let begin = format!("  resource {resource} {{\n");
    let (_, rest) = wit.split_once(&begin).expect("the resource");
    let (body, _) = rest.split_once("\n  }\n").expect("its end");
    let mut setters = Vec::new();
    let mut documentation = String::new();
    for line in body.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            documentation.push_str(text);
        } else if let Some((name, function)) = line.split_once(": func(") {
            let parameter = function.trim_end_matches(");");
            setters.push(Setter {
                name: name.to_owned(),
                parameter: parameter
                    .split_once(": ")
                    .map_or(parameter, |(_, kind)| kind)
                    .to_owned(),
                documentation: std::mem::take(&mut documentation),
            });
        } else if !line.starts_with('@') {
            documentation.clear();
        }
    }
    setters
}

/// The cases of each enumeration of the WIT, with their documentation.
fn enumerations(wit: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut enumerations = BTreeMap::new();
    for part in wit.split("\n  enum ").skip(1) {
        let (name, rest) = part.split_once(" {\n").expect("a name");
        let (body, _) = rest.split_once("\n  }\n").expect("an end");
        let mut cases = BTreeMap::new();
        let mut documentation = String::new();
        for line in body.lines().map(str::trim) {
            match line.strip_prefix("///") {
                Some(text) => documentation.push_str(text),
                None => {
                    let case = line.trim_end_matches(',').to_owned();
                    cases.insert(case, std::mem::take(&mut documentation));
                }
            }
        }
        enumerations.insert(name.to_owned(), cases);
    }
    enumerations
}

/// What the help says about one option.
struct Help {
    /// Whether it takes a value.
    value: bool,
    /// The value it has if it is not given.
    default: Option<String>,
    /// The words that may be given, with what they mean.
    words: BTreeMap<String, String>,
}

/// The long help, option by option.
fn options(help: &str) -> BTreeMap<String, Help> {
    let mut options = BTreeMap::new();
    let mut lines = help.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(name) = option_name(line) else {
            continue;
        };
        let mut text = String::new();
        let mut words: BTreeMap<String, String> = BTreeMap::new();
        // The word whose meaning is being told.
        let mut current = None;
        // What is told of an option stands further in.
        while let Some(line) =
            lines.next_if(|line| line.trim().is_empty() || line.starts_with("          "))
        {
            let line = line.trim();
            if line.is_empty() {
                current = None;
            } else if let Some((word, meaning)) = line
                .strip_prefix("- ")
                .and_then(|rest| rest.split_once(": "))
            {
                words.insert(word.to_owned(), meaning.trim().to_owned());
                current = Some(word);
            } else if let Some(meaning) = current.and_then(|word| words.get_mut(word)) {
                *meaning = format!("{meaning} {line}");
            } else {
                text = format!("{text} {line}");
            }
        }
        let default = text.split_once("[default: ").map(|(_, rest)| {
            let (default, _) = rest.split_once(']').expect("its end");
            default.to_owned()
        });
        let help = Help {
            value: line.contains('<'),
            default,
            words,
        };
        options.insert(name, help);
    }
    options
}

fn option_name(line: &str) -> Option<String> {
    let is_option = line.starts_with("      --") || line.starts_with("  -");
    let (_, rest) = line.split_once("--").filter(|_| is_option)?;
    rest.split_whitespace().next().map(str::to_owned)
}

fn all_setters(client: &str) -> Vec<Setter> {
    let mut all = setters(client, "connect-options");
    all.extend(setters(client, "tls-options"));
    all
}

/// The setters that have no option.
fn without_option(client: &str, help: &BTreeMap<String, Help>) -> Vec<String> {
    all_setters(client)
        .into_iter()
        .filter(|setter| {
            let mut options = setter.options().into_iter();
            options.any(|option| !help.contains_key(option))
        })
        .map(|setter| setter.name)
        .collect()
}

/// The options that the command has with these words.
pub(crate) async fn names(command: &[&str]) -> Vec<String> {
    let arguments = [command, &["--help"]].concat();
    let outcome = Call::new(&arguments).run().await;
    assert!(outcome.success, "{outcome:?}");
    options(&outcome.output).into_keys().collect()
}

async fn help() -> BTreeMap<String, Help> {
    let outcome = Call::new(&["--help"]).run().await;
    assert!(outcome.success, "{outcome:?}");
    options(&outcome.output)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_setter_has_an_option_of_its_name() {
    let help = help().await;
    assert_eq!(without_option(CLIENT, &help), Vec::<String>::new());
    // Or the setters were not found.
    assert!(all_setters(CLIENT).len() > 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setter_without_an_option_does_not_go_unnoticed() {
    let new = "  resource connect-options {\n    set-novelty: func(on: bool);\n";
    let client = CLIENT.replace("  resource connect-options {\n", new);
    assert_eq!(without_option(&client, &help().await), ["set-novelty"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_option_is_a_setters_or_the_commands_own() {
    let setters = all_setters(CLIENT);
    let known: BTreeSet<_> = setters
        .iter()
        .flat_map(Setter::options)
        .chain(ITS_OWN)
        .collect();
    let help = help().await;
    let options: BTreeSet<_> = help.keys().map(String::as_str).collect();
    assert_eq!(options, known);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_default_is_the_one_that_the_wit_names() {
    let help = help().await;
    let mut defaults = 0;
    for setter in all_setters(CLIENT) {
        let Some(default) = setter.default() else {
            continue;
        };
        for option in setter.options() {
            let told = &help[option];
            let told = match &told.default {
                Some(value) if told.value => Default::Value(value.clone()),
                None if !told.value => Default::Switch,
                _ => panic!("{option}: neither a switch nor an option with a default"),
            };
            assert_eq!(told, default, "{option}");
        }
        defaults += 1;
    }
    assert!(defaults > 20, "{defaults}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_that_may_be_given_are_the_cases_of_the_wit() {
    let help = help().await;
    let enumerations = enumerations(TYPES);
    let mut found = 0;
    for setter in setters(CLIENT, "connect-options") {
        let Some(cases) = enumerations.get(&setter.parameter) else {
            continue;
        };
        let cases: BTreeSet<_> = cases.keys().collect();
        for option in setter.options() {
            let words: BTreeSet<_> = help[option].words.keys().collect();
            assert_eq!(words, cases, "{option}");
            found += 1;
        }
    }
    assert!(found >= 9, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leniencies_allowed_by_default_are_those_of_the_wit() {
    let help = help().await;
    let enumerations = enumerations(TYPES);
    for (case, documentation) in &enumerations["leniency"] {
        for option in ["allow", "forbid"] {
            let told = help[option].words[case].contains("allowed by default");
            let wit = documentation.contains("Allowed by default");
            assert_eq!(told, wit, "{option} {case}");
        }
    }
}

/// The options of the manual's tables, with what stands as their default.
fn manual() -> BTreeMap<&'static str, &'static str> {
    let rows = MANUAL.lines().filter_map(|line| line.strip_prefix("| `--"));
    rows.map(|row| {
        let name = row.split([' ', '`']).next().expect("a name");
        let cells = row.trim_end_matches('|').rsplit(" |");
        (name, cells.map(str::trim).next().unwrap_or_default())
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_has_every_option_with_its_default() {
    let (help, manual) = (help().await, manual());
    let options: BTreeSet<_> = help.keys().map(String::as_str).collect();
    let told: BTreeSet<_> = manual.keys().copied().collect();
    assert_eq!(told, options);
    for (option, help) in &help {
        let told = manual[option.as_str()];
        match help.default.as_deref() {
            Some(default) if !default.contains(' ') => {
                assert_eq!(told.trim_matches('`'), default, "{option}");
            }
            // Told in words, which are the manual's own.
            Some(_) => assert!(!told.is_empty(), "{option}"),
            None => assert!(!told.contains('`') || !help.value, "{option}: {told}"),
        }
    }
}
