//! Tables in documents that test runs give: held to them, and written by them
//! where `MLLP_WRITE_TABLES` is set.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A table between `<!-- NAME: begin -->` and `<!-- NAME: end -->`. Who gave a
/// row is told by its first cell.
pub struct Table {
    file: PathBuf,
    name: &'static str,
}

impl Table {
    /// The table of this name in a file of the repository.
    #[must_use]
    pub fn new(file: &str, name: &'static str) -> Self {
        Self {
            file: components::root().join(file),
            name,
        }
    }

    /// Holds `who`'s rows of the table to these. Where tables are written,
    /// replaces them, everybody's in the order of `order`.
    ///
    /// # Panics
    /// If they differ.
    pub fn hold(&self, who: &str, order: &[&str], rows: &[String]) {
        // Tests of one program write to one file.
        static WRITING: Mutex<()> = Mutex::new(());
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, table, after) = self.parts();
        let lines: Vec<&str> = table.lines().collect();
        let mine = |line: &&str| first_cell(line) == who;
        let held: Vec<&str> = lines.iter().copied().filter(mine).collect();
        if std::env::var_os("MLLP_WRITE_TABLES").is_none() {
            let given = rows.join("\n");
            assert!(
                held == rows,
                "{} says of {who}:\n{}\nThis run gives:\n{given}\n\
                 If that is as it should be: MLLP_WRITE_TABLES=1 cargo test -p host-tests",
                self.file.display(),
                held.join("\n"),
            );
            return;
        }
        let (header, others) = lines.split_at(2);
        let others = others.iter().copied().filter(|line| !mine(line));
        let mut all: Vec<&str> = others.chain(rows.iter().map(String::as_str)).collect();
        all.sort_by_key(|line| order.iter().position(|one| *one == first_cell(line)));
        let table = [header, &all].concat().join("\n");
        std::fs::write(&self.file, format!("{before}{table}\n{after}")).expect("the document");
    }

    /// The first cell of every row.
    #[must_use]
    pub fn givers(&self) -> Vec<String> {
        let (_, table, _) = self.parts();
        let rows = table.lines().skip(2);
        rows.map(|line| first_cell(line).to_owned()).collect()
    }

    /// The document before the table, the table, the document after it.
    fn parts(&self) -> (String, String, String) {
        let text = read(&self.file);
        let begin = format!("<!-- {}: begin -->\n", self.name);
        let end = format!("<!-- {}: end -->", self.name);
        let parts = text.split_once(&begin).and_then(|(before, rest)| {
            let (table, after) = rest.split_once(&end)?;
            Some((
                format!("{before}{begin}"),
                table.to_owned(),
                format!("{end}{after}"),
            ))
        });
        parts.unwrap_or_else(|| panic!("{} lacks {begin}", self.file.display()))
    }
}

fn first_cell(row: &str) -> &str {
    row.split('|').nth(1).unwrap_or_default().trim()
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
