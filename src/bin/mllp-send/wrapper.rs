//! The script `bin/mllp-send` has to tell the value of an option from a file, and a
//! file from other values. It is held to the command line's definition here.

use std::collections::BTreeSet;

use clap::ValueHint;

use crate::args::definition;

const SCRIPT: &str = include_str!("../../../bin/mllp-send");

/// The words of one of the script's lists.
fn list(name: &str) -> BTreeSet<String> {
    let (_, rest) = SCRIPT.split_once(&format!("\n{name}='\n")).unwrap();
    let (list, _) = rest.split_once("\n'\n").unwrap();
    list.split_whitespace().map(str::to_owned).collect()
}

/// The options that take a value, by whether the value is a path.
fn options(path: bool) -> BTreeSet<String> {
    let mut command = definition();
    command.build();
    let subcommands = command.get_subcommands().cloned();
    let mut options = BTreeSet::new();
    for command in subcommands.chain([command.clone()]) {
        for option in command.get_opts() {
            let takes_value = option.get_action().takes_values();
            let is_path = option.get_value_hint() != ValueHint::Unknown;
            if !takes_value || is_path != path {
                continue;
            }
            assert!(option.get_short().is_none(), "the script knows no {option}");
            options.extend(option.get_long().map(|name| format!("--{name}")));
        }
    }
    options
}

#[test]
fn the_script_knows_every_option_that_takes_a_value() {
    assert_eq!(list("values"), options(false));
}

#[test]
fn the_script_knows_every_option_that_names_a_path() {
    assert_eq!(list("paths"), options(true));
    assert!(list("paths").len() > 3);
}
