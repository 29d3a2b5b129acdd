//! The options that are the command's own: what it reads, and what it tells.

use std::path::PathBuf;

use crate::batch::BatchCounts;
use crate::content::Manner;
use crate::ndjson::Field;
use crate::output::Style;
use crate::values::{Choice, choice};

/// How the messages stand in the files.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    /// Take messages whose segments end with LF or CRLF, one after another
    ///
    /// A message begins at each line that begins with MSH. Segments are sent
    /// with CR at their end; blank lines are dropped.
    #[arg(long)]
    pub(crate) loose: bool,

    /// Take JSON lines, with a message as the string in this field
    ///
    /// A name is that of a field of each line's object; what begins with a slash is a
    /// JSON pointer (RFC 6901), as /event/hl7. The message is sent in UTF-8.
    #[arg(long, value_name = "FIELD")]
    pub(crate) ndjson: Option<Field>,

    /// What is done if a batch is not what its trailers count
    #[arg(
        long,
        value_name = "WHAT",
        value_parser = choice::<BatchCounts>(),
        default_value = BatchCounts::default().word()
    )]
    pub(crate) batch_counts: BatchCounts,
}

impl InputArgs {
    pub(crate) const fn manner(&self) -> Manner<'_> {
        Manner {
            loose: self.loose,
            ndjson: self.ndjson.as_ref(),
            batch_counts: self.batch_counts,
        }
    }
}

/// What is told, and where it goes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Tell what would be sent and waited for, and send nothing
    ///
    /// No connection is made. Each message's size, repairs and expected
    /// acknowledgments are told; the status is 0 only if every message would go out.
    #[arg(long, conflicts_with_all = ["ack", "save_acks", "transcript", "counters"])]
    pub(crate) dry_run: bool,

    /// Print one JSON object a line; --help names its fields
    #[arg(long)]
    json: bool,

    /// Print the acknowledgments themselves, which may hold patient data
    #[arg(long)]
    ack: bool,

    /// Save each acknowledgment in a file of its own in this folder
    ///
    /// FILE-INDEX-CONTROLID.ack, of the message, with `_` for all but letters, digits
    /// and `.-_`; if there is such a file, FILE-INDEX-CONTROLID-2.ack and so on.
    /// Nothing is overwritten. The files may hold patient data.
    #[arg(long, value_name = "DIR")]
    pub(crate) save_acks: Option<PathBuf>,

    /// Tell what happened to each message, step by step, without its content
    ///
    /// Times, directions, sizes, addresses and codes, for a support ticket; on
    /// standard error, or in the message's object.
    #[arg(long)]
    transcript: bool,

    /// Tell at the end what became of all, and how long acknowledgments took
    ///
    /// On standard error, where it is told of several messages anyway, or as an object
    /// of its own.
    #[arg(long)]
    summary: bool,

    /// Tell at the end what was counted
    ///
    /// On standard error, or as an object of its own.
    #[arg(long)]
    counters: bool,

    /// Tell of no message that was taken, and of nothing that is no failure
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,

    /// Tell of each file what it holds, and of each failure step by step
    #[arg(long, short)]
    verbose: bool,
}

impl OutputArgs {
    pub(crate) const fn style(&self) -> Style {
        Style {
            json: self.json,
            ack: self.ack,
            transcript: self.transcript,
            summary: self.summary,
            counters: self.counters,
            quiet: self.quiet,
            verbose: self.verbose,
        }
    }
}
