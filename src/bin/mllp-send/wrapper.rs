//! The script `script/mllp-send` has to tell the value of an option from a file, and a
//! file from other values. It is held to the command line's definition here.

use std::collections::BTreeSet;

use clap::ValueHint;

use crate::args::definition;

const SCRIPT: &str = include_str!("../../../script/mllp-send");

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
fn the_script_tells_a_path_from_any_other_value_of_every_option() {
    let (values, paths) = (list("values"), list("paths"));
    assert!(options(false).len() > 20 && options(true).len() > 3);
    let unknown: Vec<_> = options(false).difference(&values).cloned().collect();
    assert_eq!(unknown, [""; 0], "values");
    let unknown: Vec<_> = options(true).difference(&paths).cloned().collect();
    assert_eq!(unknown, [""; 0], "paths");
    assert!(values.is_disjoint(&paths));
}
