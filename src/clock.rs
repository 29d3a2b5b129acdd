//! A point in time, as a number, and what makes a sound clock of an unsound one.
//! Nothing here reads a clock: the transport does, and hands the reading in.

use core::time::Duration;

use crate::limits::{ENDED_AT_ONE_READING_MAX, STANDSTILL_STEP_MS};

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

/// Makes of a host's monotonic clock one that deadlines can be measured on, for
/// there are hosts whose clock is set back, or stands still. Time passes for them
/// too: as the clock moves from where it was set to, as the host says that a moment
/// waited for has come, and if nothing else, as waits end.
/// A clock set back in the middle of a wait hides how long the wait lasted, and may
/// cost a call that much time, but no more. One that has shown the end of all time
/// leaves none for any call after it.
#[derive(Debug, Default)]
pub struct Watch {
    /// What the host's clock showed last.
    reading: u64,
    /// What it lacks to the time.
    behind: u64,
    /// The moment that the host says has come, since that reading.
    reached: Instant,
    /// How many waits, reads and writes ended at that reading.
    ended: u32,
}

impl Watch {
    /// A watch that has not been looked at.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            reading: 0,
            behind: 0,
            reached: Instant(0),
            ended: 0,
        }
    }

    /// The time, where the host's clock shows `reading`; a nanosecond later than at the
    /// last look at least, so that no two calls have the same deadline.
    pub const fn now(&mut self, reading: u64) -> Instant {
        if reading > self.reading {
            self.ended = 0;
        } else {
            let back = self.reading.saturating_sub(reading);
            let unnoticed = self.reached.0.saturating_sub(self.time_at(self.reading));
            let missed = back.saturating_add(unnoticed).saturating_add(1);
            self.behind = self.behind.saturating_add(missed);
        }
        self.reading = reading;
        self.reached = Instant(0);
        Instant(self.time_at(reading))
    }

    const fn time_at(&self, reading: u64) -> u64 {
        reading.saturating_add(self.behind)
    }

    /// What the host's clock will show at `moment`.
    #[must_use]
    pub const fn reading_at(&self, moment: Instant) -> u64 {
        moment.0.saturating_sub(self.behind)
    }

    /// A wait ended, or bytes came or went; with the moment waited for, if the host says
    /// that it has come. Believed only if neither the clock nor a byte has moved before
    /// the next look: many a host says so of what is not. Bytes that never stop leave
    /// nothing to wait for, and count as waits do.
    pub const fn passed(&mut self, reached: Option<Instant>) {
        self.reached = match reached {
            Some(moment) => moment,
            None => Instant(0),
        };
        self.ended = self.ended.saturating_add(1);
        if self.ended > ENDED_AT_ONE_READING_MAX {
            self.behind = self.behind.saturating_add(STANDSTILL_STEP_MS * 1_000_000);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_only_goes_forward_is_left_as_it_is() {
        let mut watch = Watch::new();
        for reading in [7, 8, 9, 1_000, u64::MAX] {
            assert_eq!(watch.now(reading), Instant(reading));
            assert_eq!(watch.reading_at(Instant(5)), 5);
        }
    }

    #[test]
    fn no_two_looks_show_the_same_time() {
        let mut watch = Watch::new();
        assert_eq!(watch.now(7), Instant(7));
        assert_eq!(watch.now(7), Instant(8));
        assert_eq!(watch.now(7), Instant(9));
        assert_eq!(watch.now(8), Instant(10));
        assert_eq!(watch.reading_at(Instant(12)), 10);
    }

    #[test]
    fn time_goes_on_from_where_a_clock_was_set_back() {
        let mut watch = Watch::new();
        assert_eq!(watch.now(1_000), Instant(1_000));
        assert_eq!(watch.now(10), Instant(1_001));
        assert_eq!(watch.now(15), Instant(1_006));
        assert_eq!(watch.reading_at(Instant(1_006)), 15);
        assert_eq!(watch.now(0), Instant(1_007));
    }

    #[test]
    fn a_moment_has_come_on_a_clock_that_stands_still_once_the_host_says_so() {
        let mut watch = Watch::new();
        assert_eq!(watch.now(10), Instant(10));
        watch.passed(Some(Instant(500)));
        assert_eq!(watch.now(10), Instant(501));
        watch.passed(None);
        assert_eq!(watch.now(10), Instant(502));
    }

    #[test]
    fn a_moment_has_come_on_a_clock_that_was_set_back_meanwhile() {
        let mut watch = Watch::new();
        assert_eq!(watch.now(1_000), Instant(1_000));
        watch.passed(Some(Instant(1_500)));
        assert_eq!(watch.now(20), Instant(1_501));
        assert_eq!(watch.now(21), Instant(1_502));
    }

    #[test]
    fn a_clock_that_moves_is_believed_and_not_the_host_that_says_a_moment_has_come() {
        let mut watch = Watch::new();
        assert_eq!(watch.now(10), Instant(10));
        watch.passed(Some(Instant(500)));
        assert_eq!(watch.now(11), Instant(11));
        assert_eq!(watch.now(11), Instant(12));
    }

    #[test]
    fn bytes_that_move_are_believed_and_not_the_host_that_says_a_moment_has_come() {
        let mut watch = Watch::new();
        assert_eq!(watch.now(10), Instant(10));
        watch.passed(Some(Instant(500)));
        watch.passed(None);
        assert_eq!(watch.now(10), Instant(11));
    }

    #[test]
    fn time_passes_by_waiting_on_a_clock_that_stands_still_for_too_long() {
        let mut watch = Watch::new();
        assert_eq!(watch.now(10), Instant(10));
        for _ in 0..ENDED_AT_ONE_READING_MAX {
            watch.passed(None);
        }
        assert_eq!(watch.now(10), Instant(11));
        watch.passed(None);
        let step = STANDSTILL_STEP_MS * 1_000_000;
        assert_eq!(watch.now(10), Instant(12 + step));
    }
}
