//! What a block for a shell asks for: commands, and what comes out of them.

use crate::document::Block;

/// A command of a block, with what the document says of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Command {
    /// As it is typed.
    pub(crate) typed: String,
    /// What is shown to come out of it; nothing where nothing is shown.
    pub(crate) output: Vec<String>,
}

impl Command {
    /// The commands of a block: of `console` those behind a `$ `, with the lines that
    /// go on with them; of others each line that is no comment.
    pub(crate) fn all(block: &Block) -> Vec<Self> {
        let mut commands: Vec<Self> = Vec::new();
        let mut goes_on = false;
        for line in block.text.lines() {
            let begins = match block.language.as_str() {
                "console" => line.strip_prefix("$ "),
                _ => (!line.is_empty() && !line.starts_with('#')).then_some(line),
            };
            match (commands.last_mut(), begins) {
                (Some(command), _) if goes_on => {
                    command.typed.push('\n');
                    command.typed.push_str(line);
                }
                (_, Some(typed)) => commands.push(Self {
                    typed: typed.to_owned(),
                    output: Vec::new(),
                }),
                (Some(command), None) if block.language == "console" => {
                    command.output.push(line.to_owned());
                    continue;
                }
                (_, None) => continue,
            }
            let typed = commands.last().map_or("", |command| &command.typed);
            goes_on =
                has_open_quote(typed) || ["\\", "|", "&&"].iter().any(|end| line.ends_with(end));
        }
        commands
    }

    /// The exit status the document speaks of, behind the command.
    pub(crate) fn status(&self) -> i32 {
        let told = self.typed.split_once("# exit status ");
        told.map_or(0, |(_, status)| status.trim().parse().expect("a number"))
    }

    /// The command without what is said about it.
    pub(crate) fn bare(&self) -> &str {
        let told = self.typed.split_once(" # ");
        told.map_or(&*self.typed, |(bare, _)| bare).trim()
    }

    /// Whether this is the output that is shown: times, counts, dates and keys may
    /// differ, and `...` stands for any lines.
    pub(crate) fn shows(&self, output: &str) -> bool {
        let shown: Vec<_> = self.output.iter().map(|line| mask(line)).collect();
        let given: Vec<_> = output.lines().map(mask).collect();
        let shown = trim(&shown);
        shown.is_empty() || matches(shown, trim(&given))
    }
}

/// Whether a quotation goes on in the next line.
fn has_open_quote(typed: &str) -> bool {
    let mut open = None;
    let mut letters = typed.chars();
    while let Some(letter) = letters.next() {
        match (open, letter) {
            (None | Some('"'), '\\') => drop(letters.next()),
            (None, '\'' | '"') => open = Some(letter),
            (Some(quote), _) if quote == letter => open = None,
            _ => {}
        }
    }
    open.is_some()
}

fn trim(mut lines: &[String]) -> &[String] {
    while let [rest @ .., last] = lines
        && last.is_empty()
    {
        lines = rest;
    }
    lines
}

fn matches(shown: &[String], given: &[String]) -> bool {
    match shown {
        [] => given.is_empty(),
        [any, rest @ ..] if any == "..." => {
            (0..=given.len()).any(|skipped| matches(rest, &given[skipped..]))
        }
        [line, rest @ ..] => given
            .split_first()
            .is_some_and(|(first, others)| line == first && matches(rest, others)),
    }
}

/// A line without what differs from run to run.
fn mask(line: &str) -> String {
    let words = line.split_whitespace().map(|word| {
        if let Some((kind, _)) = word.split_once("sha256") {
            return format!("{kind}sha256");
        }
        let mut masked = String::new();
        for letter in word.chars() {
            match letter {
                '0'..='9' if masked.ends_with('#') => {}
                '0'..='9' => masked.push('#'),
                _ => masked.push(letter),
            }
        }
        masked.replace("#.#", "#")
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Block, Command};

    fn console(text: &str) -> Vec<Command> {
        Command::all(&Block {
            language: "console".to_owned(),
            line: 1,
            text: text.to_owned(),
            not_run: None,
        })
    }

    #[test]
    fn a_command_goes_on_behind_a_pipe_and_output_belongs_to_the_command_before_it() {
        let commands = console("$ a |\n    b  # exit status 3\nout\n$ c\n");
        assert_eq!(commands.len(), 2);
        assert_eq!(commands[0].typed, "a |\n    b  # exit status 3");
        assert_eq!(commands[0].bare(), "a |\n    b");
        assert_eq!(commands[0].status(), 3);
        assert_eq!(commands[0].output, ["out"]);
        assert_eq!((commands[1].status(), commands[1].output.len()), (0, 0));
    }

    #[test]
    fn a_command_goes_on_in_an_open_quotation() {
        let commands = console("$ a 'b \"\nc' \"it's\"\nout\n");
        assert_eq!(commands.len(), 1);
        assert_eq!(commands[0].typed, "a 'b \"\nc' \"it's\"");
        assert_eq!(commands[0].output, ["out"]);
    }

    #[test]
    fn output_may_differ_in_numbers_and_blanks_and_nowhere_else() {
        let command = &console("$ a\nx 6 ms\n...\npin sha256/Fa4=\n")[0];
        assert!(command.shows("x   12.5 ms\npin sha256/00+/=\n"));
        assert!(command.shows("x 1 ms\nmore\nand more\npin sha256/0\n\n"));
        assert!(!command.shows("y 6 ms\npin sha256/Fa4=\n"));
        assert!(!command.shows("x 6 ms\npin sha256/Fa4=\nmore\n"));
        assert!(!command.shows(""));
    }
}
