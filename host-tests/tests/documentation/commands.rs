//! Every block for a shell is run, or says why not. What CI runs by itself is not run
//! once more, but has to stand there. With `MLLP_DOCUMENT` only that document's are run.

use std::fs;
use std::io::Write as _;

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

/// What must be there for an example's commands to run: what its `install` writes last.
const INSTALLED: [(&str, &str); 2] = [
    (
        "examples/node/",
        "examples/node/node_modules/lock.installed",
    ),
    (
        "examples/plugin-javascript/",
        "examples/plugin-javascript/node_modules",
    ),
];

/// What the test can run of these: programs that were built, and small crates of others.
const RUN_HERE: [&str; 3] = [
    "cargo run --quiet --bin ",
    "cargo run --bin ",
    "cargo build --release --locked --manifest-path examples/",
];

#[test]
fn every_command_does_what_its_document_says() {
    let only = std::env::var("MLLP_DOCUMENT").ok();
    let mut wrong = Vec::new();
    for document in Document::all() {
        if only.as_ref().is_some_and(|only| *only != document.path) {
            continue;
        }
        let commands = commands(&document);
        if commands.is_empty() || !is_installed(&document.path, &commands) {
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
    let ci: Vec<_> = ci.split(['\n', '{', '}', ';']).map(str::trim).collect();
    let mut missing = Vec::new();
    for document in Document::all() {
        for block in shell_blocks(&document) {
            for command in Command::all(block) {
                if is_left_to_ci(&command) && !stands_in(&ci, command.bare()) {
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

/// Whether what the document's commands need is there; if not, that is said loudly.
fn is_installed(document: &str, commands: &[Command]) -> bool {
    let signs = INSTALLED.iter();
    let signs = signs.filter(|(example, _)| document.starts_with(example));
    let programs = commands.iter().filter_map(|command| {
        let program = command.typed.split(' ').next()?;
        let is_ours = ["target/tools/", "target/examples/"];
        is_ours
            .iter()
            .any(|folder| program.starts_with(folder))
            .then_some(program)
    });
    let mut needed = signs.map(|(_, sign)| *sign).chain(programs);
    let missing = needed.find(|path| !components::root().join(path).exists());
    if let Some(missing) = missing {
        let advice = format!(
            "LEFT OUT: the commands of {document}, which need {missing}; \
             run .ci/tools and examples/install first"
        );
        assert!(std::env::var_os("CI").is_none(), "{advice}");
        // Not by `eprintln`, which a test that passes keeps to itself.
        writeln!(std::io::stderr(), "\n{advice}").expect("standard error");
    }
    missing.is_none()
}

/// Tools are installed there all at once, and so are examples.
fn stands_in(ci: &[&str], command: &str) -> bool {
    let mut words = command.split(' ');
    match (words.next().unwrap_or_default(), command) {
        (".ci/tools", _) => words.all(|tool| {
            let installs = |line: &&&str| line.starts_with(".ci/tools ");
            ci.iter()
                .filter(installs)
                .any(|line| line.split(' ').any(|word| word == tool))
        }),
        (script, _) if is_install(script) => ci.contains(&"examples/install"),
        (_, "bash .ci/run") => true,
        _ => ci.contains(&command),
    }
}

/// Whether it is the script that installs what an example needs.
fn is_install(command: &str) -> bool {
    command.starts_with("examples/") && command.ends_with("/install")
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
    let begins = |with: &[&str]| with.iter().any(|with| command.typed.starts_with(with));
    is_install(command.bare()) || begins(&RUN_BY_CI) && !begins(&RUN_HERE)
}
