//! The tables of `docs/acknowledgments.md`, which both the engine and the component
//! are held to.

const DOCUMENT: &str = include_str!("../../docs/acknowledgments.md");

/// The codes that the columns are for, after the one for silence.
pub(crate) const CODES: [&str; 6] = ["CA", "CE", "CR", "AA", "AE", "AR"];

/// What the document says about one reply, or about silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    /// The verdict, or the cause of a failure; `→` where the exchange goes on,
    /// `skipped` where the reply changes nothing.
    pub(crate) word: String,
    /// Why the acknowledgment that is missing is.
    pub(crate) missing: Option<String>,
    /// Whether the warning `wrong-mode` comes.
    pub(crate) wrong_mode: bool,
}

impl Cell {
    fn read(text: &str) -> Option<Self> {
        let (text, wrong_mode) = match text.strip_suffix('!') {
            Some(text) => (text.trim(), true),
            None => (text, false),
        };
        let (word, missing) = match text.split_once(", missing: ") {
            Some((word, cause)) => (word, Some(cause.to_owned())),
            None => (text, None),
        };
        (!word.is_empty()).then(|| Self {
            word: word.to_owned(),
            missing,
            wrong_mode,
        })
    }

    /// Whether the exchange goes on.
    pub(crate) fn goes_on(&self) -> bool {
        self.word == "→"
    }
}

/// A row of the first table: a message, what silence means, and what each code does
/// that comes first.
#[derive(Clone, Debug)]
pub(crate) struct Mode {
    /// MSH-15.
    pub(crate) accept: String,
    /// MSH-16.
    pub(crate) application: String,
    /// What silence means.
    pub(crate) nothing: Cell,
    /// In the order of [`CODES`]; empty where nothing is waited for.
    pub(crate) replies: Vec<Cell>,
}

impl Mode {
    /// MSH-15 and MSH-16.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.accept, self.application)
    }

    /// What comes after CA, if anything does.
    pub(crate) fn after_ca(&self) -> AfterCa {
        let rows = table("after CA");
        let row = rows
            .iter()
            .find(|row| row.first() == Some(&self.application));
        let cells: Vec<Cell> = row
            .expect("a row")
            .iter()
            .skip(1)
            .map(|text| cell(text))
            .collect();
        let (nothing, replies) = cells.split_first().expect("columns");
        AfterCa {
            nothing: nothing.clone(),
            replies: replies.to_vec(),
        }
    }
}

/// A row of the second table.
#[derive(Clone, Debug)]
pub(crate) struct AfterCa {
    /// What silence means.
    pub(crate) nothing: Cell,
    /// In the order of [`CODES`].
    pub(crate) replies: Vec<Cell>,
}

/// Every row of the first table.
pub(crate) fn all() -> Vec<Mode> {
    let modes: Vec<Mode> = table("first reply")
        .into_iter()
        .map(|row| {
            let [accept, application, nothing, replies @ ..] = row.as_slice() else {
                panic!("a row of the first table is short");
            };
            Mode {
                accept: accept.clone(),
                application: application.clone(),
                nothing: cell(nothing),
                replies: replies.iter().filter_map(|text| Cell::read(text)).collect(),
            }
        })
        .collect();
    assert_eq!(modes.len(), 17, "original mode, and every pair of four");
    modes
}

fn cell(text: &str) -> Cell {
    Cell::read(text).expect("a cell")
}

/// The rows of a table, without its head.
fn table(name: &str) -> Vec<Vec<String>> {
    let begin = format!("<!-- {name}: begin -->");
    let end = format!("<!-- {name}: end -->");
    let (_, rest) = DOCUMENT.split_once(&begin).expect("the table's begin");
    let (table, _) = rest.split_once(&end).expect("the table's end");
    table
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}
