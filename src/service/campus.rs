//! The installation as its people know it, and its calendar day.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::Url;

use crate::clock::Timestamp;
use crate::config::Language;

#[derive(Clone, Debug)]
pub struct Campus {
    pub name: String,
    /// Days, quotas and schedules are reckoned in it.
    pub time_zone: TimeZone,
    /// Of pages and texts for whoever has chosen none.
    pub language: Language,
    /// What links start with.
    pub public_url: Url,
}

impl Campus {
    /// The campus's day at that moment, `YYYY-MM-DD`, as the store names days.
    pub fn day(&self, at: Timestamp) -> String {
        self.date(at).to_string()
    }

    /// When the day of that moment ends and daily quotas begin anew.
    pub fn day_ends(&self, at: Timestamp) -> Timestamp {
        self.date(at).tomorrow().map_or(Timestamp::NEVER, |day| self.day_begins(day))
    }

    /// When the day began that is so many before the one of that moment: whatever happened on that day, or later, is not yet
    /// older than so many whole days.
    pub fn days_before(&self, at: Timestamp, days: u32) -> Timestamp {
        self.day_begins(self.date(at).saturating_sub(jiff::Span::new().days(i64::from(days))))
    }

    /// When the clock hour of that moment began.
    pub fn hour(&self, at: Timestamp) -> Timestamp {
        let offset = i64::from(self.time_zone.to_offset(at.to_jiff()).seconds()) * 1_000;
        Timestamp((at.0 + offset).div_euclid(3_600_000) * 3_600_000 - offset)
    }

    /// When that campus day begins.
    pub fn day_begins(&self, day: Date) -> Timestamp {
        self.time_zone.to_timestamp(day.into()).map_or(Timestamp::NEVER, Timestamp::from)
    }

    /// That moment as the campus's clocks show it.
    pub fn zoned(&self, at: Timestamp) -> jiff::Zoned {
        at.to_jiff().to_zoned(self.time_zone.clone())
    }

    fn date(&self, at: Timestamp) -> Date {
        self.time_zone.to_datetime(at.to_jiff()).date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campus(time_zone: &str) -> Campus {
        Campus {
            name: "钟楼大学".to_owned(),
            time_zone: TimeZone::get(time_zone).unwrap(),
            language: Language::SimplifiedChinese,
            public_url: "http://localhost".parse().unwrap(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse::<jiff::Timestamp>().unwrap().into()
    }

    #[test]
    fn a_day_is_the_campuss_own() {
        let shanghai = campus("Asia/Shanghai");
        assert_eq!(shanghai.day(at("2026-09-21T15:59:59Z")), "2026-09-21");
        assert_eq!(shanghai.day(at("2026-09-21T16:00:00Z")), "2026-09-22");
        assert_eq!(shanghai.day_ends(at("2026-09-21T15:59:59Z")), at("2026-09-21T16:00:00Z"));
        assert_eq!(shanghai.day_ends(at("2026-09-21T16:00:00Z")), at("2026-09-22T16:00:00Z"));
    }

    #[test]
    fn what_is_not_older_than_so_many_whole_days_is_told_by_the_campuss_days() {
        let shanghai = campus("Asia/Shanghai");
        // 23:59:59.999 and midnight there.
        for (now, begins) in [
            ("2026-09-21T15:59:59.999Z", "2026-08-21T16:00:00Z"),
            ("2026-09-21T16:00:00Z", "2026-08-22T16:00:00Z"),
        ] {
            assert_eq!(shanghai.days_before(at(now), 30), at(begins), "{now}");
        }
        // Clocks went back an hour in between.
        let berlin = campus("Europe/Berlin");
        assert_eq!(berlin.days_before(at("2026-10-26T12:00:00Z"), 2), at("2026-10-23T22:00:00Z"));
    }

    #[test]
    fn hours_begin_on_the_campus_clock() {
        assert_eq!(campus("Asia/Shanghai").hour(at("2026-09-21T15:59:59Z")), at("2026-09-21T15:00:00Z"));
        assert_eq!(campus("Asia/Kolkata").hour(at("2026-09-21T15:29:59Z")), at("2026-09-21T14:30:00Z"));
        let day = "2026-09-22".parse().unwrap();
        assert_eq!(campus("Asia/Shanghai").day_begins(day), at("2026-09-21T16:00:00Z"));
    }

    #[test]
    fn a_day_ends_where_clocks_change_at_midnight() {
        let cairo = campus("Africa/Cairo");
        let ends = cairo.day_ends(at("2026-04-23T12:00:00Z"));
        assert_eq!(cairo.day(Timestamp(ends.0 - 1)), "2026-04-23");
        assert_eq!(cairo.day(ends), "2026-04-24");
    }
}
