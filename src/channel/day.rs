//! Days as vendors of the mainland count them: in UTC+8, wherever the campus is.

use std::time::Duration;

use crate::clock::Timestamp;

const CHINA: Duration = Duration::from_hours(8);
const DAY: Duration = Duration::from_hours(24);

/// Until a quota of the day is there again.
pub(super) fn until_tomorrow(now: Timestamp) -> Duration {
    let day = DAY.as_millis() as i64;
    Duration::from_millis((day - now.plus(CHINA).0.rem_euclid(day)) as u64)
}
