//! What differs between two policies.

use serde::Serialize;

use super::{Policy, Suppression};
use crate::domain::calendar::{Period, QuietRule};
use crate::domain::channel::ChannelKind;

/// A part of the policy that says something else now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field of the document.
    pub part: &'static str,
    /// What it said and does no more, each entry as one line.
    pub removed: Vec<String>,
    pub added: Vec<String>,
}

/// The parts by their fields, in the order of the document.
pub const PARTS: [&str; 6] =
    ["calendar", "quiet_hours", "frequency_cap", "repeats", "suppression", "unknown"];

/// Every part that differs, in the order of the document.
pub fn differences(before: &Policy, after: &Policy) -> Vec<Difference> {
    let (old, new) = (lines(before), lines(after));
    let parts = PARTS.into_iter().zip(old.into_iter().zip(new));
    parts
        .filter(|(_, (old, new))| old != new)
        .map(|(part, (old, new))| difference(part, &old, &new))
        .collect()
}

fn difference(part: &'static str, old: &[String], new: &[String]) -> Difference {
    let without = |lines: &[String], other: &[String]| -> Vec<_> {
        lines.iter().filter(|line| !other.contains(line)).cloned().collect()
    };
    let (removed, added) = (without(old, new), without(new, old));
    // The same lines in another order, which decides for quiet hours and periods.
    if removed.is_empty() && added.is_empty() {
        return Difference { part, removed: old.to_vec(), added: new.to_vec() };
    }
    Difference { part, removed, added }
}

fn lines(policy: &Policy) -> [Vec<String>; 6] {
    let Policy { calendar, frequency_cap, repeats, suppression, unknown } = policy;
    [
        calendar.calendar.iter().map(period).collect(),
        calendar.quiet_hours.iter().map(quiet_rule).collect(),
        frequency_cap.iter().map(|(channel, most)| format!("{channel} {most}")).collect(),
        repeats
            .iter()
            .map(|repeats| {
                let similar = repeats.similar.map(|s| format!(", similar {} % {}", s.percent, s.then));
                format!("{} h{}", repeats.within_hours, similar.unwrap_or_default())
            })
            .collect(),
        suppressions(*suppression),
        vec![format!("{} {} min", unknown.repeat, unknown.after_minutes)],
    ]
}

fn period(period: &Period) -> String {
    let Period { name, kind, first, last } = period;
    format!("{name} ({kind}) {first} – {last}")
}

fn quiet_rule(rule: &QuietRule) -> String {
    let list = |names: Vec<String>| if names.is_empty() { "*".to_owned() } else { names.join(", ") };
    let days = list(rule.days.iter().map(ToString::to_string).collect());
    let channels = list(rule.channels.iter().map(ToString::to_string).collect());
    let times: Vec<_> = rule.times.iter().map(ToString::to_string).collect();
    format!("{days} / {channels}: {}", if times.is_empty() { "–".to_owned() } else { times.join(", ") })
}

fn suppressions(suppression: Suppression) -> Vec<String> {
    let days = |channel: ChannelKind| format!("{channel} {} d", suppression.days(channel));
    let soft = suppression.soft_bounces;
    let soft = format!("soft_bounces {} / {} d", soft.after, soft.within_days);
    ChannelKind::ALL.into_iter().map(days).chain([soft]).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::read;
    use super::*;

    #[test]
    fn only_what_differs_is_told_entry_by_entry() {
        let period = |name: &str| json!({"name": name, "kind": "holiday", "first": "2026-10-01", "last": "2026-10-07"});
        let policy = |value| read(&value).unwrap().policy;
        let before = policy(json!({
            "calendar": [period("国庆节"), period("校庆")], "frequency_cap": {"sms": 3},
            "quiet_hours": [{"days": ["exams"], "times": []}, {"times": ["22:30-07:00"]}],
        }));
        let after = policy(json!({
            "calendar": [period("国庆节")], "frequency_cap": {"sms": 4}, "suppression": {"sms_days": 0},
            "quiet_hours": [{"times": ["22:30-07:00"]}, {"days": ["exams"], "times": []}],
        }));
        let told = differences(&before, &after);
        let parts: Vec<_> = told.iter().map(|d| d.part).collect();
        assert_eq!(parts, ["calendar", "quiet_hours", "frequency_cap", "suppression"]);
        assert_eq!(
            (&told[0].removed[..], &told[0].added[..]),
            (&["校庆 (holiday) 2026-10-01 – 2026-10-07".to_owned()][..], &[][..])
        );
        assert_eq!(told[1].added, ["* / *: 22:30-07:00", "exams / *: –"], "another order");
        assert_eq!((&told[2].removed[0], &told[2].added[0]), (&"sms 3".to_owned(), &"sms 4".to_owned()));
        assert_eq!(told[3].added, ["sms 0 d"]);
        assert_eq!(differences(&before, &before), []);
    }
}
