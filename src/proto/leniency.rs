//! What is borne from a receiver that does not keep to the rules. Each leniency
//! has a name and a default, and each use of one comes back as a warning.

/// A departure from the rules that can be borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// White space before a start block.
    SpaceBeforeStartBlock,
    /// White space after a frame, a line feed above all. Between two frames it is
    /// both, and borne if either is.
    SpaceAfterFrame,
    /// Line feeds for carriage returns in the reply.
    LineFeedSegments,
    /// Any bytes before a start block.
    JunkBeforeStartBlock,
    /// A reply that begins with `MSH` and a field separator, without a start
    /// block.
    MissingStartBlock,
    /// An end block without the carriage return, or whatever else ends a frame.
    ///
    /// The reply is whole with its end block: nothing tells a carriage return that
    /// is late from one that never comes. So the warning may also be about a
    /// receiver, or a network, that was only slow. What comes late is passed over
    /// if it comes next.
    MissingCarriageReturn,
    /// A frame within a frame: two start blocks at the beginning. The reply is
    /// whole with the first end of a frame; the second one is passed over if it
    /// comes next.
    DoubledEnvelope,
    /// Acknowledgments of other messages, on the idle connection and during an
    /// exchange: skipped, and credited to nobody.
    OtherAcknowledgment,
}

impl Leniency {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SpaceBeforeStartBlock,
        Self::SpaceAfterFrame,
        Self::LineFeedSegments,
        Self::JunkBeforeStartBlock,
        Self::MissingStartBlock,
        Self::MissingCarriageReturn,
        Self::DoubledEnvelope,
        Self::OtherAcknowledgment,
    ];

    /// The word for it, as the WIT names the case.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SpaceBeforeStartBlock => "space-before-start-block",
            Self::SpaceAfterFrame => "space-after-frame",
            Self::LineFeedSegments => "line-feed-segments",
            Self::JunkBeforeStartBlock => "junk-before-start-block",
            Self::MissingStartBlock => "missing-start-block",
            Self::MissingCarriageReturn => "missing-carriage-return",
            Self::DoubledEnvelope => "doubled-envelope",
            Self::OtherAcknowledgment => "other-acknowledgment",
        }
    }

    /// Whether it is borne unless the caller forbids it.
    #[must_use]
    pub const fn is_allowed_by_default(self) -> bool {
        matches!(
            self,
            Self::SpaceBeforeStartBlock | Self::SpaceAfterFrame | Self::LineFeedSegments
        )
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// Which leniencies are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leniencies(u16);

impl Default for Leniencies {
    fn default() -> Self {
        let mut defaults = Self::none();
        for leniency in Leniency::ALL {
            if leniency.is_allowed_by_default() {
                defaults.allow(leniency);
            }
        }
        defaults
    }
}

impl Leniencies {
    /// None at all.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// Whether `leniency` is allowed.
    #[must_use]
    pub const fn contains(self, leniency: Leniency) -> bool {
        self.0 & leniency.bit() != 0
    }

    /// Allows `leniency`.
    pub const fn allow(&mut self, leniency: Leniency) {
        self.0 |= leniency.bit();
    }

    /// Forbids `leniency`.
    pub const fn forbid(&mut self, leniency: Leniency) {
        self.0 &= !leniency.bit();
    }
}

#[cfg(test)]
mod tests {
    use super::{Leniencies, Leniency};

    #[test]
    fn what_is_allowed_by_default_can_be_forbidden_and_the_other_way_round() {
        for leniency in Leniency::ALL {
            let mut leniencies = Leniencies::default();
            let by_default = leniency.is_allowed_by_default();
            assert_eq!(leniencies.contains(leniency), by_default);
            leniencies.forbid(leniency);
            assert!(!leniencies.contains(leniency));
            leniencies.allow(leniency);
            assert!(leniencies.contains(leniency));
        }
    }
}
