//! The options of long work: how fast, how much, how often, when to stop, and what
//! is kept of it.

use std::path::PathBuf;

use clap::ArgGroup;

use crate::progress::Shown;
use crate::refusals::Refusal;
use crate::stop::StopOn;
use crate::values::{Milliseconds, Rate, choice, positive};

/// How often a refused message is sent again unless the caller says otherwise.
const REFUSED_COUNT_DEFAULT: u32 = 3;

/// What lies between two tries of a refused message unless the caller says
/// otherwise, in milliseconds.
const REFUSED_DELAY_MS_DEFAULT: u32 = 10_000;

/// How fast, how much, and when to stop.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Long work")]
pub(crate) struct WorkArgs {
    /// Send no more messages a second than this; 0.5 is one in two seconds
    ///
    /// Counted from the beginning of one message to that of the next. Time lost by
    /// a slow answer is made up for by no more than one message.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) rate: Option<Rate>,

    /// Wait so long between the end of one message and the next
    #[arg(long, value_name = "DURATION")]
    pub(crate) delay: Option<Milliseconds>,

    /// Send this many messages at most; the rest is not tried
    #[arg(long, value_name = "NUMBER", value_parser = positive)]
    pub(crate) max: Option<u32>,

    /// Send everything so many times over, each copy with an MSH-10 of its own
    ///
    /// The first time goes as it is. Copies get a control id of 20 letters and
    /// digits that no other run gives.
    #[arg(long, value_name = "NUMBER", value_parser = positive, default_value_t = 1)]
    pub(crate) repeat: u32,

    /// After such a message, try no other; may be repeated, or a list with commas
    ///
    /// What the journal has of an earlier run counts as if it happened now.
    #[arg(long, value_name = "WHAT", value_parser = choice::<StopOn>(), value_delimiter = ',')]
    pub(crate) stop_on: Vec<StopOn>,

    /// How progress is told on standard error
    #[arg(
        long,
        value_name = "HOW",
        value_parser = choice::<Shown>(),
        default_value = crate::values::Choice::word(Shown::default())
    )]
    pub(crate) progress: Shown,

    /// Keep in this file what became of each message, and go by it the next time
    ///
    /// What it has as settled is not sent again; what it has in doubt is listed,
    /// and sent again only where --resend says so. It holds no content, and is
    /// written to disk before a message goes out. --dir must let the command write
    /// there.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
}

/// Messages that were refused for now.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Retries")]
// --resend needs one of them.
#[command(group(ArgGroup::new("resends").args(["reconnect", "journal"]).multiple(true)))]
pub(crate) struct RetryArgs {
    /// Send again what is refused like this: AE, AR, CE, CR, as AE:206 with an error
    ///
    /// For receivers whose refusal means "later". What stands behind a colon must
    /// be among the codes of ERR-3 or ERR-5 of the reply. Several stand with commas
    /// between them. Nothing else is sent meanwhile, so that the order is kept.
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    pub(crate) retry_refused: Vec<Refusal>,

    /// How often a refused message is sent again
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = positive,
        default_value_t = REFUSED_COUNT_DEFAULT,
        requires = "retry_refused"
    )]
    pub(crate) retry_refused_count: u32,

    /// How long to wait before a refused message is sent again
    #[arg(
        long,
        value_name = "DURATION",
        default_value_t = Milliseconds(REFUSED_DELAY_MS_DEFAULT),
        requires = "retry_refused"
    )]
    pub(crate) retry_refused_delay: Milliseconds,
}
