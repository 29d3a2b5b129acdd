//! Every block for a shell is run, or says why not. What CI runs by itself is not run
//! once more, but has to stand there. With `MLLP_DOCUMENT` only that document's are run.

use std::fs;

use crate::bench::Bench;
use crate::console::Command;
use crate::document::{Block, Document};

/// How commands begin that CI runs: they compile, install or take their time.
const RUN_BY_CI: [&str; 7] = [
    "cargo ",
    ".ci/",
    "bash .ci/",
    "docs/build",
    "examples/install",
    "fuzz/run",
    "host-tests/peers/install",
];

/// What the test can run of these.
const RUN_HERE: &str = "cargo run --quiet --bin embed -- ";

#[test]
fn every_command_does_what_its_document_says() {
    let only = std::env::var("MLLP_DOCUMENT").ok();
    let mut wrong = Vec::new();
    for document in Document::all() {
        if only.as_ref().is_some_and(|only| *only != document.path) {
            continue;
        }
        let commands = commands(&document);
        if commands.is_empty() {
            continue;
        }
        let Some(bench) = Bench::new(&document.path) else {
            return;
        };
        let outcomes = bench.run(&commands);
        for (command, outcome) in commands.iter().zip(outcomes) {
            let as_told =
                outcome.status == Some(command.status()) && command.shows(&outcome.output);
            if !as_told {
                wrong.push(format!(
                    "{}: {}\nends with {:?} and tells\n{}",
                    document.path, command.typed, outcome.status, outcome.output
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_a_document_leaves_to_ci_stands_there() {
    let ci = fs::read_to_string(components::root().join(".ci/run")).expect("what CI runs");
    let ci: Vec<_> = ci.lines().map(str::trim).collect();
    let mut missing = Vec::new();
    for document in Document::all() {
        for block in shell_blocks(&document) {
            for command in Command::all(block) {
                let itself = command.bare() == "bash .ci/run";
                if is_left_to_ci(&command) && !itself && !ci.contains(&command.bare()) {
                    missing.push(format!("{}: {}", document.path, command.typed));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "not in .ci/run:\n{}",
        missing.join("\n")
    );
}

#[test]
fn a_block_that_is_not_run_says_why() {
    for document in Document::all() {
        for block in document
            .blocks
            .iter()
            .filter(|block| block.is_for_a_shell())
        {
            let reason = block.not_run.as_deref();
            let told = reason.is_none_or(|reason| reason.split(' ').count() > 2);
            assert!(told, "{}, line {}: {reason:?}", document.path, block.line);
        }
    }
}

/// The commands of a document that are to be run here.
fn commands(document: &Document) -> Vec<Command> {
    let commands = shell_blocks(document).flat_map(Command::all);
    commands.filter(|command| !is_left_to_ci(command)).collect()
}

fn shell_blocks(document: &Document) -> impl Iterator<Item = &Block> {
    let blocks = document.blocks.iter();
    blocks.filter(|block| block.is_for_a_shell() && block.not_run.is_none())
}

fn is_left_to_ci(command: &Command) -> bool {
    let typed = &command.typed;
    !typed.starts_with(RUN_HERE) && RUN_BY_CI.iter().any(|begin| typed.starts_with(begin))
}
