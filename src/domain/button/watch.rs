//! What is expected of a button between two presses.

use std::time::Duration;

use super::{ButtonState, Power};
use crate::clock::Timestamp;

/// Between two presses of the test.
pub const TEST_EVERY: Duration = Duration::from_hours(7 * 24);
/// Percent from which on down a battery is to be changed.
pub const BATTERY_LOW: u32 = 20;
/// Percent above it from which on an alarm about it is over: a battery that warms up is not a new one.
const BATTERY_RECOVERED: u32 = 5;
/// How long somebody should know that a press was refused.
const REFUSED_FOR: Duration = Duration::from_hours(24);
/// Signs of life that may be missing.
const MISSED: u32 = 3;

impl Power {
    /// How often a device says that it is there.
    pub const fn beats_every(self) -> Duration {
        match self {
            Self::Mains => Duration::from_mins(1),
            Self::Battery => Duration::from_hours(6),
        }
    }
}

/// What is known of one button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    pub state: ButtonState,
    pub power: Power,
    /// Since when it is in use.
    pub from: Option<Timestamp>,
    /// When it was armed last.
    pub armed_at: Option<Timestamp>,
    pub seen_at: Option<Timestamp>,
    pub tested_at: Option<Timestamp>,
    /// Percent.
    pub battery: Option<u32>,
    /// What it said of the time last was far from ours.
    pub clock_off: bool,
    /// When it was pressed last, armed, and that was not taken.
    pub refused_at: Option<Timestamp>,
}

/// What ails it at some moment. All is well with one that is not in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Since when it should have been heard of.
    pub offline_since: Option<Timestamp>,
    pub battery_low: bool,
    /// The battery is not low, and not far from it.
    pub battery_near: bool,
    /// Since when its test is overdue.
    pub test_due_since: Option<Timestamp>,
    pub clock_off: bool,
    /// When a press of it was refused, within the last day.
    pub refused_at: Option<Timestamp>,
}

impl Watched {
    /// When its next test is due, where it is armed.
    pub fn test_due(&self) -> Option<Timestamp> {
        (self.state == ButtonState::Armed)
            .then(|| self.armed_at.max(self.tested_at))
            .flatten()
            .map(|at| at.plus(TEST_EVERY))
    }

    /// When a press of it was refused, while that is news, whatever it is by now.
    pub fn refused_lately(&self, now: Timestamp) -> Option<Timestamp> {
        self.refused_at.filter(|at| now.since(*at) < REFUSED_FOR)
    }

    pub fn health(&self, now: Timestamp) -> Health {
        if !self.state.is_in_use() {
            return Health::default();
        }
        let silent_from = self.seen_at.max(self.from);
        let offline = silent_from.map(|at| at.plus(self.power.beats_every() * MISSED));
        let is_low = |percent: u32| self.battery.is_some_and(|left| left <= percent);
        Health {
            offline_since: offline.filter(|at| *at < now),
            battery_low: is_low(BATTERY_LOW),
            battery_near: is_low(BATTERY_LOW + BATTERY_RECOVERED),
            test_due_since: self.test_due().filter(|at| *at <= now),
            clock_off: self.clock_off,
            refused_at: self.refused_lately(now),
        }
    }
}

impl Health {
    pub const fn is_good(&self) -> bool {
        self.offline_since.is_none()
            && !self.battery_low
            && self.test_due_since.is_none()
            && !self.clock_off
            && self.refused_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn watched(power: Power, seen: i64) -> Watched {
        Watched {
            state: ButtonState::Armed,
            power,
            from: Some(Timestamp(0)),
            armed_at: Some(Timestamp(0)),
            seen_at: Some(Timestamp(seen)),
            tested_at: None,
            battery: None,
            clock_off: false,
            refused_at: None,
        }
    }

    #[test]
    fn three_signs_of_life_may_be_missing() {
        let offline = |watched: Watched, now| watched.health(Timestamp(now)).offline_since;
        let mains = watched(Power::Mains, 10 * MINUTE);
        assert_eq!(offline(mains, 13 * MINUTE), None);
        assert_eq!(offline(mains, 13 * MINUTE + 1), Some(Timestamp(13 * MINUTE)));
        let battery = watched(Power::Battery, 0);
        assert_eq!(offline(battery, 18 * HOUR), None);
        assert_eq!(offline(battery, 18 * HOUR + 1), Some(Timestamp(18 * HOUR)));
        let never = Watched { seen_at: None, from: Some(Timestamp(HOUR)), ..mains };
        assert_eq!(offline(never, HOUR + 4 * MINUTE), Some(Timestamp(HOUR + 3 * MINUTE)));
        for state in [ButtonState::Disarmed, ButtonState::Revoked] {
            assert_eq!(Watched { state, ..never }.health(Timestamp(99 * HOUR)), Health::default());
        }
    }

    #[test]
    fn a_test_is_due_each_week_and_only_of_what_is_armed() {
        let day = 24 * HOUR;
        let armed = watched(Power::Mains, 0);
        assert_eq!(armed.test_due(), Some(Timestamp(7 * day)));
        let tested = Watched { tested_at: Some(Timestamp(3 * day)), ..armed };
        assert_eq!(tested.health(Timestamp(10 * day - 1)).test_due_since, None);
        assert_eq!(tested.health(Timestamp(10 * day)).test_due_since, Some(Timestamp(10 * day)));
        assert_eq!(Watched { state: ButtonState::Test, ..armed }.test_due(), None);
    }

    #[test]
    fn a_refused_press_is_news_for_a_day() {
        let day = 24 * HOUR;
        let refused = Watched { refused_at: Some(Timestamp(HOUR)), ..watched(Power::Mains, 2 * day) };
        assert_eq!(refused.health(Timestamp(day)).refused_at, Some(Timestamp(HOUR)));
        assert!(!refused.health(Timestamp(day)).is_good());
        assert!(refused.health(Timestamp(day + HOUR)).is_good());
        let off = Watched { clock_off: true, ..watched(Power::Mains, 2 * day) };
        assert!(!off.health(Timestamp(day)).is_good());
    }

    #[test]
    fn what_keeps_a_battery_low_is_more_than_what_makes_it() {
        let of = |battery| {
            let health =
                Watched { battery: Some(battery), ..watched(Power::Battery, 0) }.health(Timestamp(0));
            (health.battery_low, health.battery_near)
        };
        assert_eq!([20, 21, 25, 26].map(of), [(true, true), (false, true), (false, true), (false, false)]);
    }
}
