//! A point in time, as a number. Nothing here reads a clock: the transport
//! does, and hands the reading in.

use core::time::Duration;

/// A reading of the host's monotonic clock, in nanoseconds. Only differences
/// mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// The instant that reads `nanoseconds`.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// The reading, in nanoseconds.
    #[must_use]
    pub const fn as_nanoseconds(self) -> u64 {
        self.0
    }

    /// The instant that lies `span` later, or the last there is.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let nanoseconds = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanoseconds))
    }

    /// The time from here to `later`; nothing if that has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }
}
