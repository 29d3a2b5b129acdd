//! When the next message may go. Reads no clock: it is told the time.

use std::time::Duration;

/// The spacing of messages.
#[derive(Debug)]
pub(crate) struct Pace {
    /// From the beginning of one to that of the next.
    interval: Duration,
    /// From the end of one to the beginning of the next.
    delay: Duration,
    /// When the next is due by the rate.
    due: Option<Duration>,
    /// When the last one ended.
    ended: Option<Duration>,
}

impl Pace {
    pub(crate) const fn new(interval: Duration, delay: Duration) -> Self {
        Self {
            interval,
            delay,
            due: None,
            ended: None,
        }
    }

    /// The moment at which the next message is to begin: now, or later. Times are
    /// counted from any one moment.
    pub(crate) fn next(&mut self, now: Duration) -> Duration {
        let rested = self.ended.map(|ended| ended.saturating_add(self.delay));
        let moment = [self.due, rested].into_iter().flatten().fold(now, Ord::max);
        // What a slow answer cost is made up for by one message, and not by a burst.
        let latest = moment.saturating_sub(self.interval);
        let due = self.due.unwrap_or(moment).max(latest);
        self.due = Some(due.saturating_add(self.interval));
        moment
    }

    /// The message that began last ended.
    pub(crate) const fn ended(&mut self, now: Duration) {
        self.ended = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Pace;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// When messages begin that take this long each.
    fn begun(mut pace: Pace, took: &[u64]) -> Vec<u64> {
        let mut now = ms(0);
        let mut begun = Vec::new();
        for took in took {
            now = pace.next(now);
            begun.push(u64::try_from(now.as_millis()).unwrap());
            now += ms(*took);
            pace.ended(now);
        }
        begun
    }

    #[test]
    fn without_a_pace_each_follows_the_one_before() {
        let pace = Pace::new(ms(0), ms(0));
        assert_eq!(begun(pace, &[5, 0, 7, 1]), [0, 5, 5, 12]);
    }

    #[test]
    fn a_rate_counts_from_beginning_to_beginning() {
        let pace = Pace::new(ms(100), ms(0));
        assert_eq!(begun(pace, &[10, 99, 1, 0]), [0, 100, 200, 300]);
    }

    #[test]
    fn what_a_slow_answer_cost_is_made_up_for_by_one_message() {
        let pace = Pace::new(ms(100), ms(0));
        let took = [10, 1_050, 10, 10, 10];
        assert_eq!(begun(pace, &took), [0, 100, 1_150, 1_160, 1_250]);
        let pace = Pace::new(ms(100), ms(0));
        assert_eq!(begun(pace, &[110, 10, 10, 10]), [0, 110, 200, 300]);
    }

    #[test]
    fn a_delay_counts_from_the_end_to_the_beginning() {
        let pace = Pace::new(ms(0), ms(50));
        assert_eq!(begun(pace, &[10, 200, 0]), [0, 60, 310]);
    }

    #[test]
    fn of_a_rate_and_a_delay_the_longer_one_holds() {
        let pace = Pace::new(ms(100), ms(50));
        assert_eq!(begun(pace, &[10, 80, 0]), [0, 100, 230]);
    }
}
