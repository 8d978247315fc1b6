//! Reads a policy from JSON and finds everything that is wrong with it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;

use super::{Policy, RepeatFor, Repeats, Similar, SoftBounces, Suppression, ThenFor, Unanswered};
use crate::domain::calendar::{Calendar, DayKind, Period, QuietRule};
use crate::domain::channel::ChannelKind;
use crate::domain::fields::{Fields, below, faults_of};
use crate::error::Result;

const MOST_PERIODS: usize = 500;
const MOST_QUIET_RULES: usize = 50;
const MOST_TIMES: usize = 10;
const LONGEST_NAME: usize = 100;
const LONGEST_NOTE: usize = 500;
/// A person may be sent more, but then nobody needs a cap.
const HIGHEST_CAP: u32 = 1_000;
const LONGEST_MEMORY: u32 = 168;
const MOST_DAYS: u32 = 3_650;
const MOST_SOFT_BOUNCES: u32 = 100;
/// They are kept as long.
const LONGEST_WITHIN: u32 = 365;
/// A vendor's receipt that has not come by then does not.
const LONGEST_WAIT: u32 = 1_440;

/// A policy as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The version it was made from, where it must still be the latest.
    pub version: Option<i64>,
    /// What the change is about.
    pub note: Option<String>,
    pub policy: Policy,
}

/// Reads `{version?, note?, calendar?, quiet_hours?, frequency_cap?, repeats?, suppression?, unknown?}`.
///
/// # Errors
///
/// [`Error::Invalid`](crate::Error::Invalid) with every fault.
pub fn read(value: &Value) -> Result<Written> {
    let mut fields = Fields::of(value)?;
    let note = fields.text("note", LONGEST_NOTE);
    let version = fields.version();
    let calendar = Calendar {
        calendar: each(&mut fields, "calendar", MOST_PERIODS, period),
        quiet_hours: each(&mut fields, "quiet_hours", MOST_QUIET_RULES, quiet_rule),
    };
    let policy = Policy {
        calendar,
        frequency_cap: fields.nested("frequency_cap", frequency_cap).unwrap_or_default(),
        repeats: fields.nested("repeats", repeats),
        suppression: fields.nested("suppression", suppression).unwrap_or_default(),
        unknown: fields.nested("unknown", unanswered).unwrap_or_default(),
    };
    fields.finish()?;
    Ok(Written { version, note, policy })
}

fn each<T>(
    fields: &mut Fields<'_>,
    name: &'static str,
    most: usize,
    read: fn(&Value) -> Result<T>,
) -> Vec<T> {
    let list = match fields.value(name) {
        Some(Value::Array(list)) if list.len() <= most => list.as_slice(),
        Some(Value::Array(_)) => {
            fields.fault(name, "too_many", format!("at most {most} entries"));
            &[]
        }
        Some(_) => {
            fields.fault(name, "not_a_list", "send a list");
            &[]
        }
        None => &[],
    };
    let mut entries = Vec::with_capacity(list.len());
    for (i, value) in list.iter().enumerate() {
        match read(value) {
            Ok(entry) => entries.push(entry),
            Err(error) => fields.extend(below(&format!("/{name}/{i}"), faults_of(error))),
        }
    }
    entries
}

fn period(value: &Value) -> Result<Period> {
    let mut fields = Fields::of(value)?;
    let name = fields.required("name", LONGEST_NAME);
    let kind = fields.required("kind", LONGEST_NAME);
    let kind = match kind.parse() {
        Ok(DayKind::Weekend) => {
            fields.fault(
                "kind",
                "not_allowed",
                "weekends are known; use workday, holiday, exams or vacation",
            );
            DayKind::Weekend
        }
        Ok(kind) => kind,
        Err(why) => {
            if !kind.is_empty() {
                fields.fault("kind", "unknown_value", why);
            }
            DayKind::Holiday
        }
    };
    let mut date = |name: &'static str| -> Option<Date> {
        let text = fields.required(name, LONGEST_NAME);
        let date = text.parse().ok();
        if date.is_none() && !text.is_empty() {
            fields.fault(name, "invalid_date", "send a day such as 2026-10-01");
        }
        date
    };
    let (first, last) = (date("first"), date("last"));
    if let (Some(first), Some(last)) = (first, last)
        && last < first
    {
        fields.fault("last", "out_of_range", "the last day comes before the first");
    }
    fields.finish()?;
    Ok(Period { name, kind, first: first.unwrap_or_default(), last: last.unwrap_or_default() })
}

fn quiet_rule(value: &Value) -> Result<QuietRule> {
    let mut fields = Fields::of(value)?;
    let rule = QuietRule {
        days: fields.parsed("days", DayKind::ALL.len(), "unknown_value"),
        channels: fields.parsed("channels", ChannelKind::ALL.len(), "unknown_value"),
        times: fields.parsed("times", MOST_TIMES, "invalid_time"),
    };
    if value.get("times").is_none_or(Value::is_null) {
        let detail = "say when it is quiet, as in [\"22:30-07:00\"]; an empty list: never";
        fields.fault("times", "required", detail);
    }
    fields.finish()?;
    Ok(rule)
}

fn frequency_cap(value: &Value) -> Result<BTreeMap<ChannelKind, i64>> {
    let mut fields = Fields::of(value)?;
    let mut caps = BTreeMap::new();
    for channel in ChannelKind::ALL {
        if let Some(most) = fields.number(channel.name(), 1..=HIGHEST_CAP) {
            caps.insert(channel, i64::from(most));
        }
    }
    fields.finish()?;
    Ok(caps)
}

fn repeats(value: &Value) -> Result<Repeats> {
    let mut fields = Fields::of(value)?;
    let within_hours = fields.number("within_hours", 1..=LONGEST_MEMORY);
    if value.get("within_hours").is_none_or(Value::is_null) {
        fields.fault("within_hours", "required", "say for how many hours a text is remembered");
    }
    let similar = fields.nested("similar", similar);
    fields.finish()?;
    Ok(Repeats { within_hours: within_hours.unwrap_or_default(), similar })
}

fn similar(value: &Value) -> Result<Similar> {
    let mut fields = Fields::of(value)?;
    // Less is another text more often than not, and would not be found reliably.
    let percent = fields.number("percent", 80..=99).unwrap_or(90);
    let then = match fields.text("then", LONGEST_NAME).as_deref().map(str::parse) {
        Some(Ok(then)) => then,
        Some(Err(why)) => {
            fields.fault("then", "unknown_value", why);
            ThenFor::Tell
        }
        None => ThenFor::Tell,
    };
    fields.finish()?;
    Ok(Similar { percent, then })
}

fn suppression(value: &Value) -> Result<Suppression> {
    let mut fields = Fields::of(value)?;
    let defaults = Suppression::default();
    let suppression = Suppression {
        email_days: fields.number("email_days", 0..=MOST_DAYS).unwrap_or(defaults.email_days),
        sms_days: fields.number("sms_days", 0..=MOST_DAYS).unwrap_or(defaults.sms_days),
        wechat_days: fields.number("wechat_days", 0..=MOST_DAYS).unwrap_or(defaults.wechat_days),
        soft_bounces: fields.nested("soft_bounces", soft_bounces).unwrap_or_default(),
    };
    fields.finish()?;
    Ok(suppression)
}

fn soft_bounces(value: &Value) -> Result<SoftBounces> {
    let mut fields = Fields::of(value)?;
    let defaults = SoftBounces::default();
    let soft_bounces = SoftBounces {
        after: fields.number("after", 0..=MOST_SOFT_BOUNCES).unwrap_or(defaults.after),
        within_days: fields.number("within_days", 1..=LONGEST_WITHIN).unwrap_or(defaults.within_days),
    };
    fields.finish()?;
    Ok(soft_bounces)
}

fn unanswered(value: &Value) -> Result<Unanswered> {
    let mut fields = Fields::of(value)?;
    let defaults = Unanswered::default();
    let repeat = match fields.text("repeat", LONGEST_NAME).as_deref().map(str::parse::<RepeatFor>) {
        Some(Ok(repeat)) => repeat,
        Some(Err(why)) => {
            fields.fault("repeat", "unknown_value", why);
            defaults.repeat
        }
        None => defaults.repeat,
    };
    let after_minutes = fields.number("after_minutes", 1..=LONGEST_WAIT).unwrap_or(defaults.after_minutes);
    fields.finish()?;
    Ok(Unanswered { repeat, after_minutes })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Error;

    #[test]
    fn what_is_written_is_read_and_kept_as_it_is() {
        let document = json!({
            "version": 3, "note": "寒假",
            "calendar": [{"name": "国庆节", "kind": "holiday", "first": "2026-10-01", "last": "2026-10-07"}],
            "quiet_hours": [
                {"days": ["exams"], "times": ["12:30-14:00", "21:30-07:30"]},
                {"channels": ["sms", "wechat"], "times": ["22:30-07:00"]},
            ],
            "frequency_cap": {"sms": 3},
            "repeats": {"within_hours": 24, "similar": {"percent": 90, "then": "hold"}},
            "suppression": {"sms_days": 0, "soft_bounces": {"after": 5, "within_days": 7}},
            "unknown": {"repeat": "always", "after_minutes": 10},
        });
        let written = read(&document).unwrap();
        let soft_bounces = SoftBounces { after: 5, within_days: 7 };
        assert_eq!((written.version, written.note.as_deref()), (Some(3), Some("寒假")));
        assert_eq!(
            written.policy.suppression,
            Suppression { sms_days: 0, soft_bounces, ..Suppression::default() }
        );
        let unknown = Unanswered { repeat: RepeatFor::Always, after_minutes: 10 };
        assert_eq!(written.policy.unknown, unknown);
        let kept = serde_json::to_value(&written.policy).unwrap();
        assert_eq!(serde_json::from_value::<Policy>(kept.clone()).unwrap(), written.policy);
        assert_eq!(read(&kept).unwrap().policy, written.policy, "what is exported can be applied");
        assert_eq!(read(&json!({})).unwrap().policy, Policy::default());
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let document = json!({
            "calendar": [{"name": "", "kind": "weekend", "first": "1 October", "last": "2026-10-07", "x": 1},
                {"name": "n", "kind": "holiday", "first": "2026-10-07", "last": "2026-10-01"}],
            "quiet_hours": [{"days": ["sunday"], "times": ["22:30"]}, {}],
            "frequency_cap": {"sms": 0, "pigeon": 1},
            "repeats": {"similar": {"percent": 50, "then": "drop"}},
            "suppression": [],
            "unknown": {"repeat": "sometimes", "after_minutes": 0, "then": 1},
            "quiet": {},
        });
        let Err(Error::Invalid(faults)) = read(&document) else { panic!("read") };
        let mut at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        at.sort_unstable();
        let expected = [
            "/calendar/0/first",
            "/calendar/0/kind",
            "/calendar/0/name",
            "/calendar/0/x",
            "/calendar/1/last",
            "/frequency_cap/pigeon",
            "/frequency_cap/sms",
            "/quiet",
            "/quiet_hours/0/days/0",
            "/quiet_hours/0/times/0",
            "/quiet_hours/1/times",
            "/repeats/similar/percent",
            "/repeats/similar/then",
            "/repeats/within_hours",
            "/suppression",
            "/unknown/after_minutes",
            "/unknown/repeat",
            "/unknown/then",
        ];
        assert_eq!(at, expected);
    }
}
