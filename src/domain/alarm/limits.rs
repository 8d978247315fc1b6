//! From which figure on something is an alarm. What opens one is higher than what keeps it open, so that a figure that
//! wavers makes one alarm and not many.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Severity;
use crate::domain::fields::Fields;
use crate::domain::message::Lane;
use crate::error::Result;

/// Lanes by the name of their limit.
pub const WAITS: [(Lane, &str); 4] = [
    (Lane::Emergency, "emergency_minutes"),
    (Lane::High, "high_minutes"),
    (Lane::Normal, "normal_minutes"),
    (Lane::Low, "low_minutes"),
];

/// What the administrators set. Every field has a default, so that a document of an earlier version is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// How long a delivery of the lane may have been due.
    pub emergency_minutes: u32,
    pub high_minutes: u32,
    pub normal_minutes: u32,
    pub low_minutes: u32,
    /// Of a daily quota.
    pub quota_percent: u32,
    /// Of the last hour's deliveries by a channel.
    pub failed_percent: u32,
    /// Fewer deliveries are no share of anything.
    pub failed_of: u32,
    /// Left on the disk.
    pub disk_percent: u32,
    pub clock_seconds: u32,
    /// How long a message may wait for a reviewer, or for somebody to say whom it is for.
    pub waiting_minutes: u32,
    /// How often whoever was told of an open alarm is told again; 0: never.
    pub remind_hours: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            emergency_minutes: 1,
            high_minutes: 5,
            normal_minutes: 30,
            low_minutes: 240,
            quota_percent: 90,
            failed_percent: 20,
            failed_of: 50,
            disk_percent: 10,
            clock_seconds: 5,
            waiting_minutes: 120,
            remind_hours: 4,
        }
    }
}

impl Limits {
    /// All of them as one word: whoever has another before their eyes has not seen these.
    pub fn word(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads `{emergency_minutes?, …}`; what is left out is as usual.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with every fault.
    pub fn read(value: &Value) -> Result<Self> {
        const DAY: u32 = 1_440;
        let usual = Self::default();
        let mut fields = Fields::of(value)?;
        let mut number = |name, bounds, usual| fields.number(name, bounds).unwrap_or(usual);
        let limits = Self {
            emergency_minutes: number("emergency_minutes", 1..=DAY, usual.emergency_minutes),
            high_minutes: number("high_minutes", 1..=DAY, usual.high_minutes),
            normal_minutes: number("normal_minutes", 1..=DAY, usual.normal_minutes),
            low_minutes: number("low_minutes", 1..=DAY, usual.low_minutes),
            quota_percent: number("quota_percent", 50..=100, usual.quota_percent),
            failed_percent: number("failed_percent", 1..=100, usual.failed_percent),
            failed_of: number("failed_of", 1..=1_000_000, usual.failed_of),
            disk_percent: number("disk_percent", 1..=50, usual.disk_percent),
            clock_seconds: number("clock_seconds", 1..=3_600, usual.clock_seconds),
            waiting_minutes: number("waiting_minutes", 1..=7 * DAY, usual.waiting_minutes),
            remind_hours: number("remind_hours", 0..=168, usual.remind_hours),
        };
        fields.finish()?;
        Ok(limits)
    }

    pub const fn minutes(&self, lane: Lane) -> u32 {
        match lane {
            Lane::Emergency => self.emergency_minutes,
            Lane::High => self.high_minutes,
            Lane::Normal => self.normal_minutes,
            Lane::Low => self.low_minutes,
        }
    }

    /// A lane's oldest delivery: how grave it is, and whether it opens an alarm. Half the limit keeps one open.
    pub fn backlog(&self, lane: Lane, waiting_ms: i64) -> Option<(Severity, bool)> {
        let limit = i64::from(self.minutes(lane)) * 60_000;
        let grave = lane == Lane::Emergency || waiting_ms >= 4 * limit;
        (2 * waiting_ms >= limit).then_some((severity(grave), waiting_ms >= limit))
    }

    pub fn quota(&self, used: i64, daily: i64) -> Option<(Severity, bool)> {
        let reached = used > 0 && at_least(used, daily, self.quota_percent);
        reached.then_some((severity(used >= daily), true))
    }

    /// Half the share, of half as many, keeps one open.
    pub fn failures(&self, failed: i64, ended: i64) -> Option<(Severity, bool)> {
        let (of, percent) = (i64::from(self.failed_of), self.failed_percent);
        let holds = failed > 0 && 2 * ended >= of && at_least(2 * failed, ended, percent);
        let opens = ended >= of && at_least(failed, ended, percent);
        holds.then_some((severity(at_least(failed, ended, 50.max(percent))), opens))
    }

    /// Two parts in a hundred more keep one open; a third of the limit is the last moment.
    pub fn disk(&self, free: u64, total: u64) -> Option<(Severity, bool)> {
        let (free, total) = (u128::from(free) * 300, u128::from(total));
        let limit = u128::from(self.disk_percent);
        let holds = total > 0 && free < total * 3 * (limit + 2);
        holds.then_some((severity(free < total * limit), free < total * 3 * limit))
    }

    /// Half the limit keeps one open.
    pub fn clock(&self, off_ms: i64) -> Option<(Severity, bool)> {
        let (off, limit) = (off_ms.unsigned_abs(), u64::from(self.clock_seconds) * 1_000);
        (off * 2 >= limit).then_some((Severity::Look, off >= limit))
    }
}

const fn severity(grave: bool) -> Severity {
    if grave { Severity::Act } else { Severity::Look }
}

fn at_least(part: i64, whole: i64, percent: u32) -> bool {
    i128::from(part) * 100 >= i128::from(whole) * i128::from(percent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOOK: Severity = Severity::Look;
    const ACT: Severity = Severity::Act;

    #[test]
    fn what_keeps_an_alarm_open_is_less_than_what_opens_it() {
        let limits = Limits::default();
        let minutes = |n: i64| n * 60_000;
        assert_eq!(limits.backlog(Lane::Normal, minutes(14)), None);
        assert_eq!(limits.backlog(Lane::Normal, minutes(15)), Some((LOOK, false)));
        assert_eq!(limits.backlog(Lane::Normal, minutes(30)), Some((LOOK, true)));
        assert_eq!(limits.backlog(Lane::Normal, minutes(120)), Some((ACT, true)));
        assert_eq!(limits.backlog(Lane::Emergency, minutes(1)), Some((ACT, true)));
        assert_eq!(limits.failures(9, 49), Some((LOOK, false)), "too few to be a share");
        assert_eq!(limits.failures(9, 100), None);
        assert_eq!(limits.failures(10, 100), Some((LOOK, false)));
        assert_eq!(limits.failures(20, 100), Some((LOOK, true)));
        assert_eq!(limits.failures(50, 100), Some((ACT, true)));
        assert_eq!(limits.failures(0, 0), None);
        assert_eq!(limits.disk(12, 100), None);
        assert_eq!(limits.disk(11, 100), Some((LOOK, false)));
        assert_eq!(limits.disk(9, 100), Some((LOOK, true)));
        assert_eq!(limits.disk(3, 100), Some((ACT, true)));
        assert_eq!(limits.disk(0, 0), None, "nothing is known");
        assert_eq!(limits.clock(-2_499), None);
        assert_eq!(limits.clock(-2_500), Some((LOOK, false)));
        assert_eq!(limits.clock(5_000), Some((LOOK, true)));
        assert_eq!(limits.quota(89, 100), None);
        assert_eq!(limits.quota(90, 100), Some((LOOK, true)));
        assert_eq!(limits.quota(100, 100), Some((ACT, true)));
        assert_eq!(limits.quota(0, 0), None, "nothing was sent");
    }

    #[test]
    fn limits_are_read_with_every_fault() {
        let read = Limits::read(&json!({ "normal_minutes": 45 })).unwrap();
        assert_eq!(read, Limits { normal_minutes: 45, ..Limits::default() });
        let document = json!({ "quota_percent": 101, "disk_percent": 0, "remind_hours": 0, "pigeons": 1 });
        let Err(crate::Error::Invalid(faults)) = Limits::read(&document) else { panic!("read") };
        let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(at, ["/quota_percent", "/disk_percent", "/pigeons"]);
    }
}
