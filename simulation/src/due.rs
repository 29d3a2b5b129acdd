//! The outcome that is due where nothing stands in its way: read from the tables of
//! `docs/acknowledgments.md`, not from the engine.

use std::sync::OnceLock;

use mllp_client::proto::terms::{AcknowledgmentMode, Judging, SettleOn, Terms};

use crate::message::Message;
use crate::receiver::Said;

#[allow(
    dead_code,
    clippy::redundant_pub_crate,
    reason = "shared with the tests of the engine, which use all of it"
)]
#[path = "../../tests/support/modes.rs"]
mod modes;

use modes::{Cell, Mode};

/// What silence means for the message, by the first table.
pub(crate) fn of_silence(message: &Message, terms: &Terms) -> &'static str {
    &mode(message, terms).nothing.word
}

/// The verdict, or the cause of a failure, that is due for this message where the
/// receiver says this; and whether by a code that nobody asked for.
pub(crate) fn outcome(message: &Message, terms: &Terms, said: &[Said]) -> (&'static str, bool) {
    let mode = mode(message, terms);
    let asks_for_nothing = mode.replies.is_empty();
    let is_judged = terms.judging != Judging::Off;
    let (mut committed, mut accepted, mut wrong_mode) = (false, false, false);
    for said in said {
        let code = match said {
            Said::Commit(true) => {
                if asks_for_nothing || terms.settle_on == SettleOn::Accept {
                    return ("accepted", wrong_mode);
                }
                committed = true;
                continue;
            }
            Said::Commit(false) => return ("refused", wrong_mode),
            // Nobody waits for it.
            Said::Code(_) if asks_for_nothing => break,
            Said::Code(code) => code,
            Said::Other => return ("invalid-reply", wrong_mode),
        };
        let letters = code.letters();
        let column = modes::CODES.iter().position(|known| *known == letters);
        let column = column.expect("every code has a column");
        let cell: &Cell = if accepted {
            &mode.after_ca[column]
        } else {
            &mode.replies[column]
        };
        match cell.word.as_str() {
            "skipped" => continue,
            "→" => {
                accepted = true;
                wrong_mode |= cell.wrong_mode;
                continue;
            }
            _ => {}
        }
        wrong_mode |= cell.wrong_mode;
        if is_judged || letters == "CA" {
            return (&cell.word, wrong_mode);
        }
        let unjudged = if accepted || committed {
            "accepted"
        } else {
            "unjudged"
        };
        return (unjudged, false);
    }
    let word = if accepted || committed {
        "accepted"
    } else {
        &mode.nothing.word
    };
    (word, wrong_mode)
}

/// A row of the first table, with that of the second.
struct Row {
    accept: String,
    application: String,
    nothing: Cell,
    replies: Vec<Cell>,
    after_ca: Vec<Cell>,
}

fn mode(message: &Message, terms: &Terms) -> &'static Row {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    let rows = ROWS.get_or_init(|| modes::all().into_iter().map(row).collect());
    let (mut accept, mut application) = (message.accept, message.application);
    if terms.mode == AcknowledgmentMode::Original {
        (accept, application) = ("", "");
    } else if !(accept.is_empty() && application.is_empty()) {
        // The one that is empty asks for nothing.
        let or_never = |condition: &'static str| {
            if condition.is_empty() {
                "NE"
            } else {
                condition
            }
        };
        (accept, application) = (or_never(accept), or_never(application));
        if terms.settle_on == SettleOn::Accept && accept != "NE" {
            application = "NE";
        }
    }
    rows.iter()
        .find(|row| row.accept == accept && row.application == application)
        .expect("every pair has a row")
}

fn row(mode: Mode) -> Row {
    let goes_on = mode.replies.iter().any(Cell::goes_on);
    Row {
        after_ca: if goes_on {
            mode.after_ca().replies
        } else {
            Vec::new()
        },
        accept: mode.accept,
        application: mode.application,
        nothing: mode.nothing,
        replies: mode.replies,
    }
}
