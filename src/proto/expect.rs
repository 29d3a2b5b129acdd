//! Which acknowledgments a message asks for, worked out from its own header, and
//! what silence means where none has come yet.
//!
//! HL7 v2.5 2.9 and table 0155. MSH-15 and MSH-16 both empty: original mode, one
//! application acknowledgment. Either valued: enhanced mode; the one that is empty
//! asks for nothing then.

use super::msh::Header;
use super::terms::{AcknowledgmentMode, SettleOn, Terms};
use crate::error::InvalidMessage;

/// When an acknowledgment is to come (HL7 v2.5 table 0155).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// AL: always.
    Always,
    /// NE: never.
    Never,
    /// ER: on error or rejection only.
    ErrorOnly,
    /// SU: on success only.
    SuccessOnly,
}

impl Condition {
    /// The two letters of table 0155.
    #[must_use]
    pub const fn letters(self) -> &'static str {
        match self {
            Self::Always => "AL",
            Self::Never => "NE",
            Self::ErrorOnly => "ER",
            Self::SuccessOnly => "SU",
        }
    }

    /// Whether a positive acknowledgment is to come.
    #[must_use]
    pub const fn asks_for_success(self) -> bool {
        matches!(self, Self::Always | Self::SuccessOnly)
    }

    /// Whether a negative acknowledgment is to come.
    #[must_use]
    pub const fn asks_for_errors(self) -> bool {
        matches!(self, Self::Always | Self::ErrorOnly)
    }

    /// `None` where the field is empty, or HL7's own null.
    fn read(field: &[u8]) -> Result<Option<Self>, ()> {
        match field {
            b"" | b"\"\"" => Ok(None),
            b"AL" => Ok(Some(Self::Always)),
            b"NE" => Ok(Some(Self::Never)),
            b"ER" => Ok(Some(Self::ErrorOnly)),
            b"SU" => Ok(Some(Self::SuccessOnly)),
            _ => Err(()),
        }
    }
}

/// Which acknowledgments settle the exchange of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Whether the message speaks of acknowledgments at all (enhanced mode).
    pub enhanced: bool,
    /// The accept acknowledgment: CA, CE, CR.
    pub accept: Condition,
    /// The application acknowledgment, as far as it is waited for: AA, AE, AR.
    pub application: Condition,
}

/// What silence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// An acknowledgment is overdue.
    Overdue,
    /// No error came where only an error would have: nobody promised anything.
    Agreed,
    /// No success came where only success would have: it hints at failure.
    Ominous,
}

/// What is waited for next, and what it means if that does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The limit that applies.
    pub limit: Limit,
    /// What it means when it has passed.
    pub silence: Silence,
}

/// How long something is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Not at all.
    Nothing,
    /// The accept acknowledgment's.
    Accept,
    /// The application acknowledgment's.
    Application,
    /// The quiet period.
    Quiet,
}

impl Expectation {
    /// What a message in original mode asks for.
    pub const ORIGINAL: Self = Self {
        enhanced: false,
        accept: Condition::Never,
        application: Condition::Always,
    };

    /// What the message with this header asks for, on these terms.
    ///
    /// # Errors
    /// `unknown-condition` where MSH-15 or MSH-16 is none of AL, NE, ER and SU.
    pub fn of(header: &Header<'_>, terms: &Terms) -> Result<Self, InvalidMessage> {
        if terms.mode == AcknowledgmentMode::Original {
            return Ok(Self::ORIGINAL);
        }
        let condition = |position: u8| {
            Condition::read(header.field(position.into()))
                .map_err(|()| InvalidMessage::UnknownCondition(position))
        };
        let (accept, application) = match (condition(15)?, condition(16)?) {
            (None, None) => return Ok(Self::ORIGINAL),
            (accept, application) => (
                accept.unwrap_or(Condition::Never),
                application.unwrap_or(Condition::Never),
            ),
        };
        // Where no accept acknowledgment is asked for, there is none to settle on.
        let elsewhere = terms.settle_on == SettleOn::Accept && accept != Condition::Never;
        Ok(Self {
            enhanced: true,
            accept,
            application: if elsewhere {
                Condition::Never
            } else {
                application
            },
        })
    }

    /// What is waited for while nothing has come.
    #[must_use]
    pub const fn at_first(self) -> Wait {
        use Condition::{Always, ErrorOnly, Never, SuccessOnly};
        let (limit, silence) = match (self.accept, self.application) {
            (Always, _) => (Limit::Accept, Silence::Overdue),
            // An accept acknowledgment may or may not come before it.
            (_, Always) => (Limit::Application, Silence::Overdue),
            (Never, Never) => (Limit::Nothing, Silence::Agreed),
            (SuccessOnly, _) | (_, SuccessOnly) => (Limit::Quiet, Silence::Ominous),
            (ErrorOnly | Never, ErrorOnly | Never) => (Limit::Quiet, Silence::Agreed),
        };
        Wait { limit, silence }
    }

    /// What is waited for once the message was accepted.
    #[must_use]
    pub const fn once_accepted(self) -> Wait {
        let (limit, silence) = match self.application {
            Condition::Always => (Limit::Application, Silence::Overdue),
            Condition::Never => (Limit::Nothing, Silence::Agreed),
            Condition::ErrorOnly => (Limit::Quiet, Silence::Agreed),
            Condition::SuccessOnly => (Limit::Quiet, Silence::Ominous),
        };
        Wait { limit, silence }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::{Condition, Expectation, Limit, Silence};
    use crate::error::InvalidMessage;
    use crate::proto::msh::Header;
    use crate::proto::terms::{AcknowledgmentMode, SettleOn, Terms};

    const WORDS: [(&str, Condition); 4] = [
        ("AL", Condition::Always),
        ("NE", Condition::Never),
        ("ER", Condition::ErrorOnly),
        ("SU", Condition::SuccessOnly),
    ];

    fn expectation(accept: &str, application: &str, terms: &Terms) -> Expectation {
        of(accept, application, terms).unwrap()
    }

    fn of(accept: &str, application: &str, terms: &Terms) -> Result<Expectation, InvalidMessage> {
        let message = format!("MSH|^~\\&|||||||ADT|1|P|2.5|||{accept}|{application}|DEU\r");
        Expectation::of(&Header::read(message.as_bytes()).unwrap(), terms)
    }

    #[test]
    fn a_message_that_says_nothing_is_in_original_mode() {
        for (accept, application) in [("", ""), ("\"\"", ""), ("", "\"\"")] {
            let expectation = expectation(accept, application, &Terms::default());
            assert_eq!(expectation, Expectation::ORIGINAL);
        }
    }

    #[test]
    fn every_pair_of_conditions_is_read() {
        for (accept, first) in WORDS {
            for (application, second) in WORDS {
                let expectation = expectation(accept, application, &Terms::default());
                assert!(expectation.enhanced);
                assert_eq!(
                    (expectation.accept, expectation.application),
                    (first, second)
                );
            }
        }
    }

    #[test]
    fn the_one_that_is_empty_asks_for_nothing() {
        let only_accept = expectation("AL", "", &Terms::default());
        assert_eq!(only_accept.application, Condition::Never);
        let only_application = expectation("", "AL", &Terms::default());
        assert_eq!(only_application.accept, Condition::Never);
    }

    #[test]
    fn what_is_not_in_the_table_is_refused_with_its_field() {
        for word in ["al", "Y", "AL ", "ALL", "A"] {
            let refused = |field| Err(InvalidMessage::UnknownCondition(field));
            assert_eq!(of(word, "AL", &Terms::default()), refused(15));
            assert_eq!(of("AL", word, &Terms::default()), refused(16));
        }
    }

    #[test]
    fn original_mode_can_be_insisted_on() {
        let terms = Terms {
            mode: AcknowledgmentMode::Original,
            ..Terms::default()
        };
        assert_eq!(expectation("NE", "Y", &terms), Expectation::ORIGINAL);
    }

    #[test]
    fn settling_on_the_accept_acknowledgment_needs_one() {
        let terms = Terms {
            settle_on: SettleOn::Accept,
            ..Terms::default()
        };
        for (accept, application, waited_for) in [
            ("AL", "AL", Condition::Never),
            ("ER", "AL", Condition::Never),
            ("NE", "AL", Condition::Always),
            ("", "SU", Condition::SuccessOnly),
        ] {
            let expectation = expectation(accept, application, &terms);
            assert_eq!(expectation.application, waited_for);
        }
        assert_eq!(expectation("", "", &terms), Expectation::ORIGINAL);
    }

    #[test]
    fn what_is_waited_for_first_and_what_silence_means_in_every_mode() {
        use Limit::{Accept, Application, Nothing, Quiet};
        use Silence::{Agreed, Ominous, Overdue};
        for (accept, application, limit, silence) in [
            ("", "", Application, Overdue),
            ("AL", "AL", Accept, Overdue),
            ("AL", "NE", Accept, Overdue),
            ("AL", "ER", Accept, Overdue),
            ("AL", "SU", Accept, Overdue),
            ("NE", "AL", Application, Overdue),
            ("NE", "NE", Nothing, Agreed),
            ("NE", "ER", Quiet, Agreed),
            ("NE", "SU", Quiet, Ominous),
            ("ER", "AL", Application, Overdue),
            ("ER", "NE", Quiet, Agreed),
            ("ER", "ER", Quiet, Agreed),
            ("ER", "SU", Quiet, Ominous),
            ("SU", "AL", Application, Overdue),
            ("SU", "NE", Quiet, Ominous),
            ("SU", "ER", Quiet, Ominous),
            ("SU", "SU", Quiet, Ominous),
        ] {
            let wait = expectation(accept, application, &Terms::default()).at_first();
            assert_eq!(
                (wait.limit, wait.silence),
                (limit, silence),
                "{accept}/{application}"
            );
        }
    }

    #[test]
    fn what_is_waited_for_once_accepted() {
        use Limit::{Application, Nothing, Quiet};
        use Silence::{Agreed, Ominous, Overdue};
        for (application, limit, silence) in [
            ("AL", Application, Overdue),
            ("NE", Nothing, Agreed),
            ("ER", Quiet, Agreed),
            ("SU", Quiet, Ominous),
        ] {
            let wait = expectation("AL", application, &Terms::default()).once_accepted();
            assert_eq!((wait.limit, wait.silence), (limit, silence));
        }
    }
}
