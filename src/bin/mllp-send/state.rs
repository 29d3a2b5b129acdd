//! What is known of a message, in one word: a verdict, or a delivery.

use mllp_client::error::{Delivery, Failure};
use mllp_client::proto::exchange::{Reply, Verdict};

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The receiver answered, or agreed to be silent.
    Told(Verdict),
    /// It did not, or not usably.
    Failed(Delivery),
}

impl State {
    const ALL: [Self; 8] = [
        Self::Told(Verdict::Applied),
        Self::Told(Verdict::Accepted),
        Self::Told(Verdict::Refused),
        Self::Told(Verdict::Unacknowledged),
        Self::Told(Verdict::Unjudged),
        Self::Failed(Delivery::NotSent),
        Self::Failed(Delivery::CutShort),
        Self::Failed(Delivery::InDoubt),
    ];

    pub(crate) const fn of(outcome: &Result<Reply, Failure>) -> Self {
        match outcome {
            Ok(reply) => Self::Told(reply.verdict),
            Err(failure) => Self::Failed(failure.delivery),
        }
    }

    /// The state that this word stands for.
    pub(crate) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Told(verdict) => verdict.word(),
            Self::Failed(delivery) => delivery.word(),
        }
    }

    /// What is known of a message that was tried again and ended so, where `earlier` was
    /// known of it before: a try that did not reach the receiver takes nothing back.
    pub(crate) const fn after(self, earlier: Option<Self>) -> Self {
        match (self, earlier) {
            (Self::Failed(Delivery::NotSent), Some(earlier))
            | (Self::Failed(Delivery::CutShort), Some(earlier @ Self::Failed(Delivery::InDoubt))) => {
                earlier
            }
            _ => self,
        }
    }

    /// Whether the receiver took the message, or the message asks for no more than
    /// came.
    pub(crate) const fn is_taken(self) -> bool {
        matches!(
            self,
            Self::Told(Verdict::Applied | Verdict::Accepted | Verdict::Unacknowledged)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn each_state_is_read_from_its_word() {
        for state in State::ALL {
            assert_eq!(State::read(state.word()), Some(state));
        }
        assert_eq!(State::read("sending"), None);
    }
}
