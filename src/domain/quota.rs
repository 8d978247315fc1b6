//! What a vendor takes in one of its days, and what of it is kept for emergencies.

use std::time::Duration;

use serde::Serialize;

use crate::clock::Timestamp;

const CHINA: Duration = Duration::from_hours(8);
const DAY: Duration = Duration::from_hours(24);

/// How many deliveries a provider takes in one of its vendor's days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quota {
    pub daily: i64,
    /// The part of them that only emergencies may use.
    pub reserve: i64,
}

impl Quota {
    /// What an emergency may still use.
    pub fn left_for_emergencies(self, used: i64) -> i64 {
        (self.daily - used).max(0)
    }

    /// What everything else may.
    pub fn left(self, used: i64) -> i64 {
        (self.daily - self.reserve - used).max(0)
    }

    /// Why a provider is given no routine deliveries any more today.
    pub fn used_up(self, used: i64) -> String {
        let Self { daily, .. } = self;
        match self.left_for_emergencies(used) {
            0 => format!("its daily quota of {daily} is used up"),
            kept => format!("its daily quota of {daily} is used up but for {kept} kept for emergencies"),
        }
    }
}

/// The vendor's day, `2026-09-21`: mainland vendors count in UTC+8, wherever the campus is.
pub fn vendor_day(at: Timestamp) -> String {
    at.plus(CHINA).to_jiff().strftime("%F").to_string()
}

/// When the vendor's day is over.
pub fn day_ends(at: Timestamp) -> Timestamp {
    let day = DAY.as_millis() as i64;
    Timestamp(at.0 + day - at.plus(CHINA).0.rem_euclid(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routine_messages_leave_what_is_kept_for_emergencies() {
        let quota = Quota { daily: 100, reserve: 20 };
        let left: Vec<_> =
            [0, 79, 80, 95, 130].map(|n| (quota.left(n), quota.left_for_emergencies(n))).to_vec();
        assert_eq!(left, [(80, 100), (1, 21), (0, 20), (0, 5), (0, 0)]);
        assert!(quota.used_up(80).ends_with("but for 20 kept for emergencies"));
        assert!(quota.used_up(100).ends_with("used up"));
    }

    #[test]
    fn a_vendors_day_begins_at_four_in_the_afternoon_of_utc() {
        // 21 September 2026, 15:59:59.999 and 16:00:00 UTC.
        let last = Timestamp(1_790_006_399_999);
        let first = Timestamp(last.0 + 1);
        assert_eq!((vendor_day(last), vendor_day(first)), ("2026-09-21".into(), "2026-09-22".into()));
        assert_eq!(day_ends(last), first);
        assert_eq!(day_ends(first), first.plus(DAY));
    }
}
