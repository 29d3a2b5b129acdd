//! When no other message is to be tried.

use mllp_client::error::Delivery;
use mllp_client::proto::exchange::Verdict;

use crate::state::State;
use crate::values::Choice;

/// After which message no other is to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopOn {
    Refused,
    InDoubt,
    Any,
}

impl StopOn {
    pub(crate) const fn is(self, state: State) -> bool {
        match self {
            Self::Refused => matches!(state, State::Told(Verdict::Refused)),
            Self::InDoubt => matches!(state, State::Failed(Delivery::InDoubt)),
            Self::Any => !state.is_taken(),
        }
    }
}

impl Choice for StopOn {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Refused, "refused", "one that was refused"),
        (Self::InDoubt, "in-doubt", "one that may have arrived"),
        (
            Self::Any,
            "any",
            "one that was neither applied nor accepted nor unacknowledged",
        ),
    ];
}

#[cfg(test)]
mod tests {
    use super::StopOn;
    use crate::state::State;

    #[test]
    fn each_stops_on_what_it_names() {
        for (word, stops) in [
            ("applied", &[][..]),
            ("accepted", &[]),
            ("unacknowledged", &[]),
            ("refused", &[StopOn::Refused, StopOn::Any]),
            ("in-doubt", &[StopOn::InDoubt, StopOn::Any]),
            ("not-sent", &[StopOn::Any]),
            ("cut-short", &[StopOn::Any]),
            ("unjudged", &[StopOn::Any]),
        ] {
            let state = State::read(word).unwrap();
            for kind in [StopOn::Refused, StopOn::InDoubt, StopOn::Any] {
                assert_eq!(kind.is(state), stops.contains(&kind), "{word}, {kind:?}");
            }
        }
    }
}
