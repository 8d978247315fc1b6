//! When an endpoint that did not take an event is called again: the schedule that Standard Webhooks 1.0.0 recommends.

use std::time::Duration;

/// Waits before the second try and the following ones.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// Tries, the first included.
pub const ATTEMPTS: usize = WAITS.len() + 1;
/// Nobody has us wait longer.
const LONGEST_ASKED: Duration = Duration::from_hours(24);

/// The wait after so many failures in a row, or `None` after the last try. Up to a tenth of itself is added by `jitter`
/// (0..1), so that endpoints that failed together are not called together.
pub fn wait(failures: i64, jitter: f64) -> Option<Duration> {
    let place = usize::try_from(failures).ok()?.checked_sub(1)?;
    let wait = *WAITS.get(place)?;
    Some(wait + wait.mul_f64(jitter.clamp(0.0, 1.0) / 10.0))
}

/// The wait where the endpoint asked for one by `Retry-After`: at least the schedule's, at most a day.
pub fn wait_asked(scheduled: Duration, asked: Option<Duration>) -> Duration {
    scheduled.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_ten_times_over_three_days_and_no_more() {
        let waits: Vec<_> = (1..).map_while(|failures| wait(failures, 0.0)).collect();
        assert_eq!(waits.len() + 1, ATTEMPTS);
        assert!(waits.is_sorted());
        let seconds: Vec<_> = waits.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(wait(ATTEMPTS as i64, 0.0), None);
        assert_eq!(wait(0, 0.0), None, "nothing failed");
    }

    #[test]
    fn jitter_adds_a_tenth_at_most() {
        assert_eq!(wait(2, 1.0), Some(Duration::from_secs(330)));
        assert_eq!(wait(2, 9.0), Some(Duration::from_secs(330)));
    }

    #[test]
    fn what_is_asked_for_is_heeded_within_bounds() {
        let of = |scheduled, asked| {
            wait_asked(Duration::from_secs(scheduled), Some(Duration::from_secs(asked))).as_secs()
        };
        assert_eq!(of(5, 60), 60);
        assert_eq!(of(300, 60), 300, "it cannot use up its tries in a minute");
        assert_eq!(of(5, 1_000_000), 86_400);
        assert_eq!(wait_asked(Duration::from_secs(5), None).as_secs(), 5);
    }
}
