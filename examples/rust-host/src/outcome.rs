//! The component's answers, which hold content, made safe to print.

use std::fmt::{self, Debug, Display};
use std::ops::Deref;

use crate::types;

/// A reply. Reads as [`types::Reply`]; printing it prints no content.
pub struct Reply(pub(crate) types::Reply);

impl Deref for Reply {
    type Target = types::Reply;

    fn deref(&self) -> &types::Reply {
        &self.0
    }
}

impl Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.acknowledgment.as_ref().map(|msa| msa.code);
        out.debug_struct("Reply")
            .field("verdict", &self.verdict)
            .field("code", &code)
            .field("bytes", &self.message.len())
            .field("warnings", &self.warnings.len())
            .field("transmissions", &self.transmissions)
            .finish()
    }
}

/// A failure. Reads as [`types::Failure`]; printing it prints no content, and no
/// control id either.
pub struct Failure(pub(crate) Box<types::Failure>);

impl Deref for Failure {
    type Target = types::Failure;

    fn deref(&self) -> &types::Failure {
        &self.0
    }
}

impl Debug for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Failure")
            .field("cause", &self.cause)
            .field("phase", &self.phase)
            .field("delivery", &self.delivery)
            .field("attempts", &self.attempts)
            .field("transmissions", &self.transmissions)
            .finish()
    }
}

impl Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.explanation)
    }
}

impl std::error::Error for Failure {}
