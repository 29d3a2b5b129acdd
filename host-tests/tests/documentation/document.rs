//! A document, taken apart: its blocks of code, its links and what can be linked to.

use std::collections::HashSet;
use std::fs;
use std::process::Command;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// What is said before a block that no test runs.
const NOT_RUN: &str = "<!-- not run: ";

/// A block of code.
pub(crate) struct Block {
    /// The language it names.
    pub(crate) language: String,
    /// The line of the document it begins on.
    pub(crate) line: usize,
    /// What it holds.
    pub(crate) text: String,
    /// Why it is not run, where that is said.
    pub(crate) not_run: Option<String>,
}

impl Block {
    /// Whether it holds commands for a shell.
    pub(crate) fn is_for_a_shell(&self) -> bool {
        matches!(self.language.as_str(), "console" | "sh" | "bash" | "shell")
    }
}

/// A document.
pub(crate) struct Document {
    /// Its path in the repository.
    pub(crate) path: String,
    /// Its blocks of code.
    pub(crate) blocks: Vec<Block>,
    /// Where its links lead, pictures too.
    pub(crate) links: Vec<String>,
    /// The anchors of its headings.
    pub(crate) anchors: HashSet<String>,
}

impl Document {
    /// The document at this path of the repository.
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(components::root().join(path)).expect(path);
        let mut document = Self {
            path: path.to_owned(),
            blocks: Vec::new(),
            links: Vec::new(),
            anchors: HashSet::new(),
        };
        let mut not_run = None;
        let mut heading: Option<String> = None;
        let mut block: Option<Block> = None;
        let parser = Parser::new_ext(&text, Options::ENABLE_TABLES);
        for (event, range) in parser.into_offset_iter() {
            match event {
                Event::Html(html) => not_run = reason(&html).or(not_run),
                Event::Start(Tag::CodeBlock(kind)) => {
                    block = Some(Block {
                        language: match kind {
                            CodeBlockKind::Fenced(language) => language.to_string(),
                            CodeBlockKind::Indented => String::new(),
                        },
                        line: text[..range.start].lines().count() + 1,
                        text: String::new(),
                        not_run: not_run.take(),
                    });
                }
                Event::End(TagEnd::CodeBlock) => document.blocks.extend(block.take()),
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    document.add_anchor(&heading.take().unwrap_or_default());
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    document.links.push(dest_url.to_string());
                }
                Event::Text(words) | Event::Code(words) => {
                    if let Some(block) = &mut block {
                        block.text.push_str(&words);
                    }
                    if let Some(heading) = &mut heading {
                        heading.push_str(&words);
                    }
                }
                Event::Start(Tag::Paragraph) => not_run = None,
                _ => {}
            }
        }
        document
    }

    /// Every document of the repository, in the order of their paths.
    pub(crate) fn all() -> Vec<Self> {
        paths().iter().map(|path| Self::read(path)).collect()
    }

    /// As GitHub and mdBook make them of headings.
    fn add_anchor(&mut self, heading: &str) {
        let kept = heading.chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
            _ => None,
        });
        let anchor: String = kept.collect();
        let mut free = anchor.clone();
        let mut more = 0;
        while !self.anchors.insert(free) {
            more += 1;
            free = format!("{anchor}-{more}");
        }
    }
}

/// The paths of all documents. What examples install is none of them.
pub(crate) fn paths() -> Vec<String> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.md",
        ])
        .current_dir(components::root())
        .output()
        .expect("git");
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).expect("names");
    let exists = |path: &&str| components::root().join(path).exists();
    let mut paths: Vec<_> = listed.lines().filter(exists).map(str::to_owned).collect();
    paths.sort();
    paths
}

fn reason(html: &str) -> Option<String> {
    let reason = html.trim().strip_prefix(NOT_RUN)?.strip_suffix("-->")?;
    Some(reason.trim().to_owned())
}
