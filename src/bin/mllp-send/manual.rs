//! The manual pages, from the command line's own definition: natively, by
//! `cargo manual FOLDER`. They are for the script `bin/mllp-send`, which grants what
//! its arguments need.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

const MANUAL: &str = "mllp-client";

/// What is said of the script, and not of the command.
const GRANTS: &str = "\
mllp-send runs a WebAssembly component by wasmtime, which lets it see and reach nothing but:
the folders of the files and the folders that are named, for reading and writing, since
wasmtime's command line knows no other way;
the network, unless nothing is to be sent or checked;
the lookup of names, if the receiver is named and not given by its address;
the variables MLLP_* of the environment.
Within the network no address is closed to it: wasmtime's command line knows no list.";

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
    let subcommands = command.get_subcommands().cloned();
    for command in subcommands.chain([command.clone()]) {
        let manual = Man::new(command.clone()).manual(MANUAL);
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
    roff.control("SH", ["GRANTS"]);
    roff.text([roman(GRANTS.replace(";\n", ";\n\n"))]);
    roff.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in VARIABLES {
        roff.control("TP", []);
        roff.text([bold(name)]);
        roff.text([roman(meaning)]);
    }
    roff.to_writer(page)
}

/// A line of what stands after the options: tables and commands, which a page must
/// not fill.
enum Line {
    Heading(String),
    AsItIs(String),
}

fn lines(text: &clap::builder::StyledStr) -> Vec<Line> {
    let text = text.to_string();
    let lines = text.lines().map(|line| match line.strip_suffix(':') {
        Some(heading) if !line.starts_with(' ') => Line::Heading(heading.to_owned()),
        _ => Line::AsItIs(line.strip_prefix("  ").unwrap_or(line).to_owned()),
    });
    lines.collect()
}

impl Line {
    fn render(self, roff: &mut Roff) {
        match self {
            Self::Heading(heading) => {
                roff.control("fi", []);
                roff.control("SH", [heading.as_str()]);
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

    use super::write;
    use crate::args::definition;

    fn page(command: &Command) -> String {
        let mut page = Vec::new();
        write(&Man::new(command.clone()), command, &mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    /// Letters and digits: how the others are written in a page is not for us to say.
    fn letters(text: &str) -> String {
        let marks = [r"\fB", r"\fI", r"\fR", r"\*(Aq"];
        let text = marks
            .iter()
            .fold(text.to_owned(), |text, mark| text.replace(mark, ""));
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
            let after = command.get_after_long_help().unwrap().to_string();
            let untold: Vec<_> = after
                .lines()
                .filter(|line| !page.contains(&letters(line)))
                .collect();
            assert_eq!(untold, Vec::<&str>::new());
        }
    }
}
