//! On what terms messages are exchanged over a connection: what is waited for,
//! how it is judged, how it is framed.

use super::framing::Framing;
use super::leniency::Leniencies;
use crate::limits::{MESSAGE_BYTES_MAX_DEFAULT, QUIET_PERIOD_MS_DEFAULT};

/// Which acknowledgments are waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcknowledgmentMode {
    /// Those that MSH-15 and MSH-16 of each message ask for.
    #[default]
    FromMessage,
    /// One application acknowledgment, whatever MSH-15 and MSH-16 say.
    Original,
}

/// Which acknowledgment settles an exchange in enhanced mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SettleOn {
    /// The application acknowledgment, where one is asked for.
    #[default]
    Application,
    /// The accept acknowledgment, where one is asked for: application
    /// acknowledgments come elsewhere.
    Accept,
}

/// Which release of MLLP the receiver speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// Release 1: no commit blocks.
    #[default]
    One,
    /// Release 2: a commit block after every message, either way.
    Two,
    /// Told by what arrives first on each connection.
    Auto,
}

/// Whether a reply must be the message's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Correlation {
    /// MSA-2 must equal MSH-10.
    #[default]
    Required,
    /// If it does not, a warning says so.
    Warned,
    /// MSA-2 is not looked at.
    Off,
}

/// Whether replies are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judging {
    /// A reply without an acknowledgment in it is a failure.
    #[default]
    Required,
    /// It is returned unjudged.
    WherePossible,
    /// Every reply is returned unjudged.
    Off,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Which acknowledgments are waited for.
    pub mode: AcknowledgmentMode,
    /// Which of them settles.
    pub settle_on: SettleOn,
    /// How long the accept acknowledgment, or the commit block, may take from the
    /// moment the message was handed over, in milliseconds; `None`: as long as
    /// the exchange.
    pub accept_timeout_ms: Option<u32>,
    /// How long the application acknowledgment may take from the accept
    /// acknowledgment on, or from the moment the message was handed over where
    /// there is none, in milliseconds; `None`: as long as the exchange.
    pub application_timeout_ms: Option<u32>,
    /// For how long silence has to last to be an answer, in milliseconds.
    pub quiet_period_ms: u32,
    /// The release of MLLP.
    pub release: Release,
    /// How often a message is sent again on a negative commit block.
    pub commit_retries: u32,
    /// Whether a reply must be the message's own.
    pub correlation: Correlation,
    /// Whether replies are judged.
    pub judging: Judging,
    /// The bytes of the framing.
    pub framing: Framing,
    /// What is borne.
    pub leniencies: Leniencies,
    /// The largest reply, in bytes of content.
    pub max_message_size: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            mode: AcknowledgmentMode::default(),
            settle_on: SettleOn::default(),
            accept_timeout_ms: None,
            application_timeout_ms: None,
            quiet_period_ms: QUIET_PERIOD_MS_DEFAULT,
            release: Release::default(),
            commit_retries: 0,
            correlation: Correlation::default(),
            judging: Judging::default(),
            framing: Framing::default(),
            leniencies: Leniencies::default(),
            max_message_size: MESSAGE_BYTES_MAX_DEFAULT,
        }
    }
}
