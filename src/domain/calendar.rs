//! The campus calendar, and the hours in which people are left alone.
//!
//! A day is a workday or a weekend day unless a [`Period`] says otherwise, and may lie in an exam period or a vacation
//! besides. Of the [`QuietRule`]s the first about a day and a channel says when that day is quiet. Times are those of
//! the campus's clocks, and a window that passes midnight is a part of the morning and a part of the evening of the
//! same day: `22:00-09:00` at weekends leaves Saturday's and Sunday's mornings alone and not Monday's.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::channel::ChannelKind;
use super::message::coded;
use crate::clock::Timestamp;

/// Quiet hours are looked through this many days ahead; no message lives that long.
const LOOK_AHEAD: usize = 400;

coded! {
    /// What a day is. Every day is one of the first three, and perhaps one of the others too.
    DayKind {
        Workday = 1 "workday",
        Weekend = 2 "weekend",
        Holiday = 3 "holiday",
        Exams = 4 "exams",
        Vacation = 5 "vacation",
    }
}

/// Days that the calendar names. A weekend that is worked is a `workday` period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub name: String,
    pub kind: DayKind,
    pub first: Date,
    /// The last day of it.
    pub last: Date,
}

/// A span of the day in minutes; one that ends before it begins passes midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// 0 to 1439.
    from: u16,
    /// 1 to 1440, the first minute that is not in it.
    until: u16,
}

impl Window {
    fn has(self, minute: u16) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }

    /// Its minutes of one day, in their order.
    pub(super) fn parts(self) -> Vec<(u16, u16)> {
        let Self { from, until } = self;
        if from < until { vec![(from, until)] } else { vec![(0, until), (from, 1_440)] }
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no span of a day; write it as 22:30-07:00");
        let (from, until) = text.split_once(['-', '–']).ok_or_else(wrong)?;
        let minute = |text: &str| -> Option<u16> {
            let (hour, minute) = text.trim().split_once([':', '：'])?;
            let is_two =
                |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            if !is_two(hour) || !is_two(minute) {
                return None;
            }
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (minute < 60 && hour * 60 + minute <= 1_440).then_some(hour * 60 + minute)
        };
        let (from, until) = (minute(from).ok_or_else(wrong)?, minute(until).ok_or_else(wrong)?);
        if from == 1_440 || from == until {
            return Err(format!("`{text}` is empty; write a whole day as 00:00-24:00"));
        }
        // Until midnight is until the day ends.
        Ok(Self { from, until: if until == 0 { 1_440 } else { until } })
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

impl Serialize for Window {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// When days of some kinds are quiet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietRule {
    /// Any of these; none: every day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<DayKind>,
    /// None: every channel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelKind>,
    /// None: these days have no quiet hours.
    pub times: Vec<Window>,
}

/// The named days and the quiet hours of a campus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calendar: Vec<Period>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quiet_hours: Vec<QuietRule>,
}

impl Calendar {
    /// Whether a day is one of that kind. Of several periods the last in the list says whether it is worked.
    pub fn is(&self, day: Date, kind: DayKind) -> bool {
        let mut periods = self.calendar.iter().filter(|period| (period.first..=period.last).contains(&day));
        match kind {
            DayKind::Exams | DayKind::Vacation => periods.any(|period| period.kind == kind),
            DayKind::Workday | DayKind::Weekend | DayKind::Holiday => {
                let is_base = |kind: DayKind| !matches!(kind, DayKind::Exams | DayKind::Vacation);
                let named = periods.map(|period| period.kind).rfind(|kind| is_base(*kind));
                let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
                let by_itself = if weekend { DayKind::Weekend } else { DayKind::Workday };
                named.unwrap_or(by_itself) == kind
            }
        }
    }

    /// The windows of a day.
    fn times(&self, day: Date, channel: ChannelKind) -> &[Window] {
        let is_about = |rule: &&QuietRule| {
            (rule.channels.is_empty() || rule.channels.contains(&channel))
                && (rule.days.is_empty() || rule.days.iter().any(|kind| self.is(day, *kind)))
        };
        self.quiet_hours.iter().find(is_about).map_or(&[], |rule| rule.times.as_slice())
    }

    fn is_quiet(&self, at: DateTime, channel: ChannelKind) -> bool {
        let minute = at.hour() as u16 * 60 + at.minute() as u16;
        self.times(at.date(), channel).iter().any(|window| window.has(minute))
    }

    /// When the quiet hours of that moment end on a channel; `None` where it lies in none.
    pub fn quiet_until(&self, zone: &TimeZone, channel: ChannelKind, at: Timestamp) -> Option<Timestamp> {
        if self.quiet_hours.is_empty() || !self.is_quiet(zone.to_datetime(at.to_jiff()), channel) {
            return None;
        }
        let today = zone.to_datetime(at.to_jiff()).date();
        for day in today.series(jiff::Span::new().days(1)).take(LOOK_AHEAD) {
            // Quiet hours end where a window does, where another day begins, or where the clocks are changed.
            let mut ends: Vec<Timestamp> = [1_440]
                .into_iter()
                .chain(self.times(day, channel).iter().map(|window| window.until))
                .flat_map(|minute| moments(zone, day, minute))
                .collect();
            let begins = moments(zone, day, 0).into_iter().min().unwrap_or(at);
            let changes = zone.following(begins.to_jiff()).map(|change| change.timestamp().into());
            let over = ends.iter().copied().max().unwrap_or(at);
            ends.extend(changes.take_while(|change: &Timestamp| *change <= over));
            ends.sort_unstable();
            let is_over =
                |end: &Timestamp| *end > at && !self.is_quiet(zone.to_datetime(end.to_jiff()), channel);
            if let Some(end) = ends.into_iter().find(is_over) {
                return Some(end);
            }
        }
        Some(at.plus(std::time::Duration::from_hours(24 * LOOK_AHEAD as u64)))
    }
}

/// When the clocks show that minute of a day: twice where they are set back over it.
pub(super) fn moments(zone: &TimeZone, day: Date, minute: u16) -> Vec<Timestamp> {
    let date_time = match minute {
        1_440 => day.tomorrow().map(|day| day.to_datetime(Time::midnight())),
        minute => Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).map(|time| day.to_datetime(time)),
    };
    let Ok(date_time) = date_time else { return Vec::new() };
    let ambiguous = || zone.to_ambiguous_timestamp(date_time);
    [ambiguous().earlier(), ambiguous().later()].into_iter().flatten().map(Timestamp::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(zone: &str, text: &str) -> Timestamp {
        let local: DateTime = text.parse().unwrap();
        TimeZone::get(zone).unwrap().to_timestamp(local).unwrap().into()
    }

    fn period(name: &str, kind: DayKind, first: &str, last: &str) -> Period {
        Period { name: name.to_owned(), kind, first: first.parse().unwrap(), last: last.parse().unwrap() }
    }

    fn rule(days: &[DayKind], times: &[&str]) -> QuietRule {
        QuietRule {
            days: days.to_vec(),
            channels: Vec::new(),
            times: times.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    /// Nights, longer ones at weekends and holidays, noon rest in exam weeks; autumn of 2026 with its worked Sunday.
    fn campus() -> Calendar {
        Calendar {
            calendar: vec![
                period("国庆节", DayKind::Holiday, "2026-10-01", "2026-10-07"),
                period("国庆节调休", DayKind::Workday, "2026-10-10", "2026-10-10"),
                period("期末考试", DayKind::Exams, "2027-01-11", "2027-01-15"),
            ],
            quiet_hours: vec![
                rule(&[DayKind::Exams], &["12:30-14:00", "21:30-07:30"]),
                rule(&[DayKind::Holiday, DayKind::Weekend], &["22:00-09:00"]),
                rule(&[], &["22:30-07:00"]),
            ],
        }
    }

    fn until(calendar: &Calendar, zone: &str, text: &str) -> Option<String> {
        let zone_of = TimeZone::get(zone).unwrap();
        let end = calendar.quiet_until(&zone_of, ChannelKind::Sms, at(zone, text))?;
        Some(zone_of.to_datetime(end.to_jiff()).to_string())
    }

    #[test]
    fn quiet_hours_end_as_the_calendar_says() {
        for (moment, end) in [
            // A Tuesday.
            ("2026-09-22T12:00", None),
            ("2026-09-22T22:29:59.999", None),
            ("2026-09-22T22:30", Some("2026-09-23T07:00:00")),
            ("2026-09-23T06:59:59", Some("2026-09-23T07:00:00")),
            ("2026-09-23T07:00", None),
            // Friday night ends as Saturday's mornings do, Sunday night as Monday's.
            ("2026-09-25T23:00", Some("2026-09-26T09:00:00")),
            ("2026-09-27T22:10", Some("2026-09-28T07:00:00")),
            // The night into the holiday, and the one out of it.
            ("2026-09-30T22:30", Some("2026-10-01T09:00:00")),
            ("2026-10-07T22:15", Some("2026-10-08T07:00:00")),
            // A Saturday that is worked.
            ("2026-10-10T08:00", None),
            ("2026-10-10T22:10", None),
            ("2026-10-10T23:59:59", Some("2026-10-11T09:00:00")),
            // The first day of exams is a Monday.
            ("2027-01-10T23:00", Some("2027-01-11T07:30:00")),
            ("2027-01-11T13:00", Some("2027-01-11T14:00:00")),
        ] {
            assert_eq!(until(&campus(), "Asia/Shanghai", moment).as_deref(), end, "{moment}");
        }
    }

    #[test]
    fn clocks_that_change_move_the_end_with_them() {
        let nights = Calendar { calendar: Vec::new(), quiet_hours: vec![rule(&[], &["22:00-02:30"])] };
        for (moment, end) in [
            // 02:00 becomes 03:00: the night is over when the clocks pass its end.
            ("2026-03-28T23:00", "2026-03-29T03:00:00"),
            ("2026-03-27T23:00", "2026-03-28T02:30:00"),
            // 03:00 becomes 02:00: half past two comes twice, and what lies between is not quiet.
            ("2026-10-24T23:00", "2026-10-25T02:30:00"),
        ] {
            assert_eq!(until(&nights, "Europe/Berlin", moment).as_deref(), Some(end), "{moment}");
        }
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let second = berlin.to_ambiguous_timestamp("2026-10-25T02:10".parse().unwrap()).later().unwrap();
        let end = nights.quiet_until(&berlin, ChannelKind::Sms, second.into()).unwrap();
        assert_eq!(end.since(second.into()), std::time::Duration::from_mins(20));
    }

    #[test]
    fn a_channel_has_its_own_hours_and_a_day_may_have_none() {
        let mut calendar = campus();
        calendar.quiet_hours[2].channels = vec![ChannelKind::Sms];
        calendar.quiet_hours.insert(0, rule(&[DayKind::Vacation], &[]));
        calendar.calendar.push(period("寒假", DayKind::Vacation, "2027-01-25", "2027-02-20"));
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        let night = at("Asia/Shanghai", "2026-09-22T23:00");
        assert!(calendar.quiet_until(&shanghai, ChannelKind::Sms, night).is_some());
        assert_eq!(calendar.quiet_until(&shanghai, ChannelKind::Email, night), None);
        assert_eq!(until(&calendar, "Asia/Shanghai", "2027-01-26T23:00"), None);
    }

    #[test]
    fn windows_are_read_as_they_are_written() {
        for (text, shown) in
            [("22:30-07:00", "22:30-07:00"), ("7:00 – 8：05", "07:00-08:05"), ("20:00-0:00", "20:00-24:00")]
        {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), shown);
        }
        for text in ["", "22:30", "24:00-07:00", "25:00-07:00", "12:60-13:00", "07:00-07:00", "+7:00-08:00"] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }

    fn windows() -> impl Strategy<Value = Vec<Window>> {
        let window = (0..1_440_u16, 1..=1_440_u16)
            .prop_filter_map("empty", |(from, until)| (from != until).then_some(Window { from, until }));
        proptest::collection::vec(window, 0..3)
    }

    proptest! {
        /// Whatever the calendar and wherever the campus is, quiet hours end at the first minute that is not quiet.
        #[test]
        fn quiet_hours_end_at_the_first_minute_that_is_not_quiet(
            zone in prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe"]),
            minute in 29_500_000_i64..30_500_000,
            holiday in 0_i64..400,
            rules in proptest::collection::vec((prop::sample::subsequence(DayKind::ALL.to_vec(), 0..3), windows()), 0..4),
        ) {
            let zone = TimeZone::get(zone).unwrap();
            let now = Timestamp(minute * 60_000);
            let day = zone.to_datetime(now.to_jiff()).date();
            let first = day.checked_add(jiff::Span::new().days(holiday % 5 - 2)).unwrap();
            let calendar = Calendar {
                calendar: vec![Period { name: "x".into(), kind: DayKind::ALL[(holiday % 5) as usize], first, last: first }],
                quiet_hours: rules
                    .into_iter()
                    .map(|(days, times)| QuietRule { days, channels: Vec::new(), times })
                    .collect(),
            };
            let quiet = |at: Timestamp| calendar.is_quiet(zone.to_datetime(at.to_jiff()), ChannelKind::Email);
            match calendar.quiet_until(&zone, ChannelKind::Email, now) {
                None => prop_assert!(!quiet(now)),
                Some(end) => {
                    // Days without a break are looked through elsewhere; three are enough here.
                    for minutes in 0..(end.since(now).as_secs() / 60).min(3 * 1_440) {
                        let at = now.plus(std::time::Duration::from_mins(minutes));
                        prop_assert!(quiet(at), "{at} of {now}..{end}");
                    }
                    if end.since(now) < std::time::Duration::from_hours(24 * 390) {
                        prop_assert!(!quiet(end));
                    }
                }
            }
        }
    }
}
