//! When it is told that nothing came from a source.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::calendar::{Calendar, DayKind, Window};
use crate::clock::Timestamp;

/// A silence is looked through this many days ahead; whoever is that rarely awaited is not missed.
const LOOK_AHEAD: usize = 400;

/// The usual limit, for a source that sent within the time after which it counts as given up.
const USUAL: Silence = Silence { hours: 7 * 24, days: Vec::new(), times: None };
const GIVEN_UP: Duration = Duration::from_hours(60 * 24);

/// Whether somebody is told that nothing comes from a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// After a week, where it used to send.
    #[default]
    Usual,
    Never,
    /// By a limit of its own, also where it never sent anything since it was set.
    After(Silence),
}

impl Watch {
    /// Since when a source is missed: its last live message was at `last`, and it is watched from `from` on.
    pub fn missed(
        &self,
        calendar: &Calendar,
        zone: &TimeZone,
        last: Option<Timestamp>,
        from: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let silence = match self {
            Self::Never => return None,
            Self::Usual if last.is_none_or(|last| now.since(last) > GIVEN_UP) => return None,
            Self::Usual => &USUAL,
            Self::After(silence) => silence,
        };
        silence.due(calendar, zone, last.max(from)?).filter(|due| *due <= now)
    }
}

/// How long nothing may come from a source. Only hours in which something is awaited count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub hours: u32,
    /// Days of any of these kinds; none: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<DayKind>,
    /// None: all day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Window>,
}

impl Silence {
    /// When it has been silent for too long if nothing came since then.
    pub fn due(&self, calendar: &Calendar, zone: &TimeZone, since: Timestamp) -> Option<Timestamp> {
        let mut left = Duration::from_hours(u64::from(self.hours));
        let first = zone.to_datetime(since.to_jiff()).date();
        for day in first.series(jiff::Span::new().days(1)).take(LOOK_AHEAD) {
            if !self.days.is_empty() && !self.days.iter().any(|kind| calendar.is(day, *kind)) {
                continue;
            }
            for (from, until) in self.times.map_or_else(|| vec![(0, 1_440)], Window::parts) {
                // Where clocks are changed a minute comes twice or not at all: the first that is there counts.
                let moment = |minute| super::calendar::moments(zone, day, minute).into_iter().min();
                let (Some(begins), Some(ends)) = (moment(from), moment(until)) else { continue };
                let begins = begins.max(since);
                let awaited = ends.since(begins);
                if awaited >= left {
                    return Some(begins.plus(left));
                }
                left -= awaited;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(silence: &Silence, since: &str) -> Option<String> {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let since: jiff::Timestamp = since.parse().unwrap();
        let at = silence.due(&Calendar::default(), &zone, since.into())?;
        Some(zone.to_datetime(at.to_jiff()).strftime("%a %F %H:%M").to_string())
    }

    fn silence(hours: u32, days: &[DayKind], times: Option<&str>) -> Silence {
        Silence { hours, days: days.to_vec(), times: times.map(|text| text.parse().unwrap()) }
    }

    #[test]
    fn without_hours_of_its_own_every_hour_counts() {
        let all_day = silence(30, &[], None);
        assert_eq!(due(&all_day, "2026-09-18T17:00:00+08:00").as_deref(), Some("Sat 2026-09-19 23:00"));
    }

    #[test]
    fn only_hours_in_which_something_is_awaited_count() {
        let office = silence(4, &[DayKind::Workday], Some("08:00-18:00"));
        // An hour is left on Friday; Monday has the other three.
        assert_eq!(due(&office, "2026-09-18T17:00:00+08:00").as_deref(), Some("Mon 2026-09-21 11:00"));
        assert_eq!(due(&office, "2026-09-19T12:00:00+08:00").as_deref(), Some("Mon 2026-09-21 12:00"));
        assert_eq!(due(&office, "2026-09-21T14:00:00+08:00").as_deref(), Some("Mon 2026-09-21 18:00"));
    }

    #[test]
    fn a_night_is_the_morning_and_the_evening_of_a_day() {
        let night = silence(3, &[], Some("22:00-02:00"));
        assert_eq!(due(&night, "2026-09-21T12:00:00+08:00").as_deref(), Some("Tue 2026-09-22 01:00"));
    }

    #[test]
    fn the_usual_limit_is_for_those_that_used_to_send() {
        let (calendar, zone) = (Calendar::default(), TimeZone::UTC);
        let day = |n: i64| Some(Timestamp(n * 86_400_000));
        let missed = |watch: &Watch, last: i64, from, now| {
            watch.missed(&calendar, &zone, day(last), from, day(now).unwrap())
        };
        assert_eq!(missed(&Watch::Usual, 10, None, 16), None);
        assert_eq!(missed(&Watch::Usual, 10, None, 17), day(17));
        assert_eq!(missed(&Watch::Usual, 10, day(12), 17), None, "let in again on the twelfth");
        assert_eq!(missed(&Watch::Usual, 10, None, 70), day(17));
        assert_eq!(missed(&Watch::Usual, 10, None, 71), None, "given up");
        assert_eq!(Watch::Usual.missed(&calendar, &zone, None, day(1), day(40).unwrap()), None, "never sent");
        assert_eq!(missed(&Watch::Never, 10, None, 17), None);
        let own = Watch::After(silence(24, &[], None));
        assert_eq!(missed(&own, 10, day(1), 11), day(11));
        assert_eq!(own.missed(&calendar, &zone, None, day(1), day(3).unwrap()), day(2), "it never sent");
    }

    #[test]
    fn who_is_never_awaited_is_never_missed() {
        let holidays = silence(1, &[DayKind::Holiday], None);
        assert_eq!(due(&holidays, "2026-09-21T12:00:00+08:00"), None);
    }
}
