//! The manual pages, from the command line's own definition: natively, by
//! `cargo manual FOLDER`. They are for the script `script/mllp-send`, which grants what
//! its arguments need.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap::builder::StyledStr;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

const SOURCE: &str = "mllp-client";
const MANUAL: &str = "HL7 v2 over MLLP";

/// What is said of the script, and not of the command.
const GRANTS: &str = "\
mllp-send runs a WebAssembly component by wasmtime, which lets it see and reach nothing but:
the folders of the files and the folders that are named, for reading and writing, since
wasmtime's command line knows no other way;
the network, unless nothing is to be sent or checked;
the lookup of names, if the receiver is named and not given by its address;
the variables MLLP_* of the environment.
Within the network no address is closed to it: wasmtime's command line knows no list.";

/// What the examples of the help begin with, and where their arguments begin.
const WASMTIME: &str = "wasmtime run";
const COMPONENT: &str = "mllp-send.wasm";

const VARIABLES: [(&str, &str); 2] = [
    (
        "MLLP_SEND_COMPONENT",
        "The file mllp-send.wasm, where it lies neither beside mllp-send nor in ../lib or \
         ../share/mllp-send, seen from there.",
    ),
    ("MLLP_WASMTIME", "The wasmtime to run, if not that of PATH."),
];

/// Writes a page for the command and one for each of its subcommands.
pub(crate) fn write_to(folder: &Path, mut command: Command) -> io::Result<()> {
    command.build();
    let version = format!("version {}", command.get_version().unwrap_or_default());
    let subcommands = command.get_subcommands().cloned();
    for command in subcommands.chain([command.clone()]) {
        let manual = Man::new(command.clone())
            // It stands where a date would, and is never wrong.
            .date(&version)
            .source(SOURCE)
            .manual(MANUAL);
        let mut file = fs::File::create(folder.join(manual.get_filename()))?;
        write(&manual, &command, &mut file)?;
        file.flush()?;
    }
    Ok(())
}

fn write(manual: &Man, command: &Command, page: &mut dyn Write) -> io::Result<()> {
    manual.render_title(page)?;
    manual.render_name_section(page)?;
    manual.render_synopsis_section(page)?;
    manual.render_description_section(page)?;
    manual.render_options_section(page)?;
    if command.has_subcommands() {
        manual.render_subcommands_section(page)?;
    }
    let mut roff = Roff::new();
    let after = command.get_after_long_help();
    let after = after.or_else(|| command.get_after_help());
    for line in after.into_iter().flat_map(lines) {
        line.render(&mut roff);
    }
    roff.control("fi", []);
    roff.control("SH", ["WHAT THE SCRIPT GRANTS"]);
    roff.text([roman(GRANTS.replace(";\n", ";\n\n"))]);
    roff.control("SH", ["THE SCRIPT'S OWN ENVIRONMENT"]);
    for (name, meaning) in VARIABLES {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(meaning)]);
    }
    roff.to_writer(page)
}

/// A line of what stands after the options: tables and commands, which a page must
/// not fill, and between them now and then a sentence.
enum Line {
    Heading(String),
    Sentence(String),
    AsItIs(String),
}

/// What stands furthest out is a heading up to its colon, and may take several lines.
fn lines(text: &StyledStr) -> Vec<Line> {
    let text = calls(&text.to_string());
    let mut lines = Vec::new();
    let mut outside: Vec<&str> = Vec::new();
    for line in text.lines().chain([""]) {
        if !line.is_empty() && !line.starts_with(' ') {
            outside.push(line);
            continue;
        }
        if !outside.is_empty() {
            let whole = outside.join(" ");
            outside.clear();
            let heading = whole.strip_suffix(':').unwrap_or(&whole);
            let (heading, sentence) = heading.split_once(": ").unwrap_or((heading, ""));
            lines.push(Line::Heading(heading.to_owned()));
            lines.push(Line::Sentence(sentence.to_owned()));
        }
        lines.push(Line::AsItIs(
            line.strip_prefix("  ").unwrap_or(line).to_owned(),
        ));
    }
    lines
}

/// The examples, as the script is called.
fn calls(text: &str) -> String {
    let mut parts = text.split(WASMTIME);
    let mut called = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        called.push_str("mllp-send");
        called.push_str(part.split_once(COMPONENT).map_or(part, |(_, rest)| rest));
    }
    called
}

impl Line {
    fn render(self, roff: &mut Roff) {
        match self {
            Self::Heading(heading) => {
                roff.control("fi", []);
                roff.control("SH", [heading.as_str()]);
                roff.control("nf", []);
            }
            Self::Sentence(sentence) if sentence.is_empty() => {}
            Self::Sentence(sentence) => {
                roff.control("fi", []);
                roff.text([roman(sentence)]);
                roff.control("nf", []);
            }
            Self::AsItIs(line) => {
                roff.text([roman(line)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;
    use clap_mangen::Man;

    use super::{calls, write};
    use crate::args::definition;

    fn page(command: &Command) -> String {
        let mut page = Vec::new();
        write(&Man::new(command.clone()), command, &mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    /// Letters and digits: how the others are written in a page is not for us to say.
    fn letters(text: &str) -> String {
        // Requests are none of the text, but for headings.
        let words = text
            .lines()
            .filter_map(|line| match line.strip_prefix(".SH ") {
                Some(heading) => Some(heading),
                None => (!line.starts_with('.')).then_some(line),
            });
        let text: String = words.collect();
        let marks = [r"\fB", r"\fI", r"\fR", r"\*(Aq"];
        let text = marks.iter().fold(text, |text, mark| text.replace(mark, ""));
        text.chars().filter(char::is_ascii_alphanumeric).collect()
    }

    fn all() -> Vec<Command> {
        let mut command = definition();
        command.build();
        let subcommands = command.get_subcommands().cloned();
        subcommands.chain([command.clone()]).collect()
    }

    #[test]
    fn every_option_stands_in_its_page() {
        for command in all() {
            let page = page(&command);
            let options: Vec<_> = command.get_opts().filter_map(|it| it.get_long()).collect();
            assert!(options.len() > 5, "{options:?}");
            for option in options {
                let escaped = option.replace('-', r"\-");
                assert!(page.contains(&format!(r"\-\-{escaped}")), "{option}");
            }
        }
    }

    #[test]
    fn what_follows_the_options_stands_there_word_for_word() {
        for command in all() {
            let page = letters(&page(&command));
            let after = calls(&command.get_after_long_help().unwrap().to_string());
            let untold: Vec<_> = after
                .lines()
                .filter(|line| !page.contains(&letters(line)))
                .collect();
            assert_eq!(untold, Vec::<&str>::new());
        }
    }

    #[test]
    fn the_examples_call_the_script() {
        let help = "\
Examples:
  wasmtime run --dir . \\
    mllp-send.wasm lab:1 a
  wasmtime run mllp-send.wasm lab:1
";
        let expected = "Examples:\n  mllp-send lab:1 a\n  mllp-send lab:1\n";
        assert_eq!(calls(help), expected);
        for command in all() {
            assert!(!page(&command).contains("mllp-send.wasm "));
        }
    }
}
