//! Policies as the audit log keeps them, whole, and what differs between two of them in words.

use serde_json::Value;

use super::changes::Change;
use crate::console::view::View;
use crate::domain::calendar::{Period, QuietRule};
use crate::domain::channel::ChannelKind;
use crate::domain::policy::{PARTS, Policy};

/// The parts of the policy that say something else, entry by entry.
pub(super) fn said(view: &View, detail: &Value) -> Option<Vec<Change>> {
    let read = |name: &str| serde_json::from_value::<Policy>(detail.get(name)?.clone()).ok();
    let (old, new) = (lines(view, &read("before")?), lines(view, &read("after")?));
    let parts = PARTS.into_iter().zip(old.into_iter().zip(new)).filter(|(_, (old, new))| old != new);
    Some(parts.map(|(part, (old, new))| change(view, part, &old, &new)).collect())
}

fn change(view: &View, part: &str, old: &[String], new: &[String]) -> Change {
    let without = |lines: &[String], other: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !other.contains(line)).cloned().collect()
    };
    let (mut was, mut is) = (without(old, new), without(new, old));
    // The same lines in another order, which decides for quiet hours and periods.
    if was.is_empty() && is.is_empty() {
        (was, is) = (old.to_vec(), new.to_vec());
    }
    let joined = |lines: &[String]| {
        if lines.is_empty() { view.t("said-none") } else { lines.join(&view.t("part-separator")) }
    };
    Change { what: view.t(&format!("policy-part-{part}")), was: joined(&was), is: joined(&is) }
}

fn lines(view: &View, policy: &Policy) -> [Vec<String>; 6] {
    let Policy { calendar, frequency_cap, repeats, suppression, unknown } = policy;
    let cap = |(channel, most): (&ChannelKind, &i64)| {
        view.t2("said-cap", "channel", view.channel_text(*channel), "most", most)
    };
    let days = |channel: ChannelKind| {
        view.t2("said-days", "channel", view.channel_text(channel), "days", suppression.days(channel))
    };
    let soft = suppression.soft_bounces;
    let soft = view.t2("said-soft", "after", soft.after, "days", soft.within_days);
    let mut repeated = Vec::new();
    if let Some(repeats) = repeats {
        repeated.push(view.t1("said-repeats", "hours", repeats.within_hours));
        repeated.extend(repeats.similar.map(|similar| {
            let then = view.t(&format!("then-{}", similar.then));
            view.t2("said-similar", "percent", similar.percent, "then", then)
        }));
    }
    let again = view.t(&format!("unknown-repeat-{}", unknown.repeat));
    [
        calendar.calendar.iter().map(|period| named(view, period)).collect(),
        calendar.quiet_hours.iter().map(|rule| quiet(view, rule)).collect(),
        frequency_cap.iter().map(cap).collect(),
        repeated,
        ChannelKind::ALL.into_iter().map(days).chain([soft]).collect(),
        vec![view.t2("said-unknown", "repeat", again, "minutes", unknown.after_minutes)],
    ]
}

fn named(view: &View, period: &Period) -> String {
    let Period { name, kind, first, last } = period;
    let of = view.t2("said-named", "name", name, "kind", view.t(&format!("day-{kind}")));
    if first == last { format!("{of} {first}") } else { format!("{of} {first} – {last}") }
}

fn quiet(view: &View, rule: &QuietRule) -> String {
    let days: Vec<_> = rule.days.iter().map(|day| view.t(&format!("day-{day}"))).collect();
    let days = if days.is_empty() { view.t("said-every-day") } else { view.listed(&days) };
    let channels: Vec<_> = rule.channels.iter().map(|channel| view.channel_text(*channel)).collect();
    let channels = if channels.is_empty() { view.t("said-every-channel") } else { view.listed(&channels) };
    let times: Vec<_> = rule.times.iter().map(ToString::to_string).collect();
    let times = if times.is_empty() { view.t("said-not-quiet") } else { view.listed(&times) };
    format!("{days} · {channels} · {times}")
}
