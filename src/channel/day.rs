//! Days as vendors of the mainland count them.

use std::time::Duration;

use crate::clock::Timestamp;

const CHINA: Duration = Duration::from_hours(8);
const DAY: Duration = Duration::from_hours(24);

/// Until a quota of the day is there again.
pub(super) fn until_tomorrow(now: Timestamp) -> Duration {
    until_next(DAY, now)
}

/// Until the next whole minute, hour or day begins.
pub(super) fn until_next(span: Duration, now: Timestamp) -> Duration {
    let span = span.as_millis() as i64;
    Duration::from_millis((span - now.plus(CHINA).0.rem_euclid(span)) as u64)
}

/// Until it is next so late in the day; no time at all where it is just then.
pub(super) fn until_time(since_midnight: Duration, now: Timestamp) -> Duration {
    let day = DAY.as_millis() as i64;
    let missing = since_midnight.as_millis() as i64 - now.plus(CHINA).0;
    Duration::from_millis(missing.rem_euclid(day) as u64)
}

/// Until the first day of the next month begins.
pub(super) fn until_next_month(now: Timestamp) -> Duration {
    let date = date_of(now);
    let days = i64::from(date.days_in_month()) - i64::from(date.day());
    until_tomorrow(now) + DAY * days as u32
}

/// One more each day.
pub(super) fn number(now: Timestamp) -> i64 {
    now.plus(CHINA).0.div_euclid(DAY.as_millis() as i64)
}

/// `20260921`.
pub(super) fn compact(now: Timestamp) -> String {
    let date = date_of(now);
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

fn date_of(now: Timestamp) -> jiff::civil::Date {
    jiff::tz::Offset::constant(8).to_datetime(now.to_jiff()).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_in_china() {
        // 21 September 2026, 22:13:20 in China.
        let now = Timestamp(1_790_000_000_000);
        let at = |wait: Duration| now.plus(wait).to_string();
        assert_eq!(at(until_tomorrow(now)), "2026-09-21T16:00:00.000Z");
        assert_eq!(at(until_next(Duration::from_hours(1), now)), "2026-09-21T15:00:00.000Z");
        assert_eq!(at(until_next(Duration::from_mins(1), now)), "2026-09-21T14:14:00.000Z");
        assert_eq!(at(until_time(Duration::from_hours(8), now)), "2026-09-22T00:00:00.000Z");
        assert_eq!(at(until_time(Duration::from_hours(23), now)), "2026-09-21T15:00:00.000Z");
        assert_eq!(at(until_next_month(now)), "2026-09-30T16:00:00.000Z");
        assert_eq!(compact(now), "20260921");
        let midnight = now.plus(until_tomorrow(now));
        assert_eq!(compact(midnight), "20260922");
        assert_eq!(number(midnight), number(now) + 1);
        assert_eq!(until_tomorrow(midnight), DAY, "the whole of it is left");
        assert_eq!(until_time(Duration::ZERO, midnight), Duration::ZERO);
    }
}
