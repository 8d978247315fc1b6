//! The policy as a form: from the document to its fields, and back with everything that is wrong at its field.

use serde_json::{Map, Value, json};

use super::super::form::{FieldFaults, Form, fault_text};
use super::super::view::View;
use crate::domain::calendar::DayKind;
use crate::domain::channel::ChannelKind;
use crate::domain::policy::{Policy, RepeatFor, ThenFor};
use crate::error::Fault;

/// Empty rows below the filled ones.
const MORE: usize = 3;
/// Rows that a form may bring.
const MOST_ROWS: usize = 600;

/// Days with a name.
#[derive(Clone, Debug, Default)]
pub struct PeriodRow {
    pub name: String,
    pub kind: String,
    pub first: String,
    pub last: String,
}

/// Hours of some days.
#[derive(Clone, Debug, Default)]
pub struct QuietRow {
    pub place: usize,
    pub days: Vec<DayKind>,
    pub channels: Vec<ChannelKind>,
    pub times: String,
    /// These days have no quiet hours.
    pub never: bool,
}

/// As it was filled in. Figures are texts, empty where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct LimitForm {
    pub caps: Vec<(ChannelKind, String)>,
    pub within_hours: String,
    pub percent: String,
    pub then: String,
    pub days: Vec<(ChannelKind, String)>,
    pub after: String,
    pub within_days: String,
    pub repeat: String,
    pub after_minutes: String,
}

pub fn periods(policy: &Policy) -> Vec<PeriodRow> {
    let row = |period: &crate::domain::calendar::Period| PeriodRow {
        name: period.name.clone(),
        kind: period.kind.to_string(),
        first: period.first.to_string(),
        last: period.last.to_string(),
    };
    policy.calendar.calendar.iter().map(row).collect()
}

/// The rows that say something, and some more.
pub fn with_more<R: Default>(mut rows: Vec<R>) -> Vec<R> {
    rows.extend((0..MORE).map(|_| R::default()));
    rows
}

pub fn typed_periods(form: &Form) -> Vec<PeriodRow> {
    let texts = |name| form.all(name).map(|text| text.trim().to_owned());
    let rows = texts("period_name")
        .zip(texts("period_kind"))
        .zip(texts("period_first").zip(texts("period_last")))
        .map(|((name, kind), (first, last))| PeriodRow { name, kind, first, last });
    rows.filter(|row| [&row.name, &row.first, &row.last].iter().any(|text| !text.is_empty()))
        .take(MOST_ROWS)
        .collect()
}

pub fn period_document(rows: &[PeriodRow]) -> Value {
    let row =
        |row: &PeriodRow| json!({"name": row.name, "kind": row.kind, "first": row.first, "last": row.last});
    rows.iter().map(row).collect()
}

pub fn quiet_rows(policy: &Policy) -> Vec<QuietRow> {
    let row = |(i, rule): (usize, &crate::domain::calendar::QuietRule)| QuietRow {
        place: i + 1,
        days: rule.days.clone(),
        channels: rule.channels.clone(),
        times: rule.times.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        never: rule.times.is_empty(),
    };
    policy.calendar.quiet_hours.iter().enumerate().map(row).collect()
}

/// Those that say something, in the order they were given.
pub fn typed_quiet_rows(form: &Form) -> Vec<QuietRow> {
    let rows = form.text("quiet_rows").parse().unwrap_or(0).min(MOST_ROWS);
    let row = |i: usize| {
        let name = |part: &str| format!("quiet_{i}_{part}");
        QuietRow {
            place: form.text(&name("place")).parse().unwrap_or(usize::MAX),
            days: form.all(&name("days")).filter_map(|day| day.parse().ok()).collect(),
            channels: form.all(&name("channels")).filter_map(|channel| channel.parse().ok()).collect(),
            times: form.text(&name("times")).to_owned(),
            never: !form.text(&name("never")).is_empty(),
        }
    };
    let says = |row: &QuietRow| {
        !row.days.is_empty() || !row.channels.is_empty() || !row.times.is_empty() || row.never
    };
    let mut rows: Vec<_> = (0..rows).map(row).filter(says).collect();
    rows.sort_by_key(|row| row.place);
    rows
}

/// What is wrong with rules that name times and say that there are none.
pub fn quiet_and_not(view: &View, rows: &[QuietRow]) -> FieldFaults {
    let both = rows.iter().enumerate().filter(|(_, row)| row.never && !row.times.is_empty());
    both.map(|(i, _)| (format!("quiet_hours_{i}_times"), view.t("fault-quiet_and_not"))).collect()
}

pub fn quiet_document(rows: &[QuietRow]) -> Value {
    let row = |row: &QuietRow| {
        let mut rule = json!({ "days": row.days, "channels": row.channels });
        let times: Vec<_> =
            row.times.split([',', '，', '、']).map(str::trim).filter(|time| !time.is_empty()).collect();
        if !times.is_empty() || row.never {
            rule["times"] = json!(times);
        }
        rule
    };
    rows.iter().map(row).collect()
}

impl LimitForm {
    pub fn of(policy: &Policy) -> Self {
        let text = |n: Option<&i64>| n.map(ToString::to_string).unwrap_or_default();
        let similar = policy.repeats.and_then(|repeats| repeats.similar);
        let suppression = policy.suppression;
        Self {
            caps: ChannelKind::ALL.map(|c| (c, text(policy.frequency_cap.get(&c)))).to_vec(),
            within_hours: policy.repeats.map(|r| r.within_hours.to_string()).unwrap_or_default(),
            percent: similar.map(|s| s.percent.to_string()).unwrap_or_default(),
            then: similar.map_or(ThenFor::Tell, |s| s.then).to_string(),
            days: ChannelKind::ALL.map(|c| (c, suppression.days(c).to_string())).to_vec(),
            after: suppression.soft_bounces.after.to_string(),
            within_days: suppression.soft_bounces.within_days.to_string(),
            repeat: policy.unknown.repeat.to_string(),
            after_minutes: policy.unknown.after_minutes.to_string(),
        }
    }

    pub fn typed(form: &Form) -> Self {
        let text = |name: &str| form.text(name).to_owned();
        Self {
            caps: ChannelKind::ALL.map(|c| (c, text(&format!("frequency_cap_{c}")))).to_vec(),
            within_hours: text("repeats_within_hours"),
            percent: text("repeats_similar_percent"),
            then: text("repeats_similar_then"),
            days: ChannelKind::ALL.map(|c| (c, text(&format!("suppression_{c}_days")))).to_vec(),
            after: text("suppression_soft_bounces_after"),
            within_days: text("suppression_soft_bounces_within_days"),
            repeat: text("unknown_repeat"),
            after_minutes: text("unknown_after_minutes"),
        }
    }

    /// Puts its parts into a document.
    pub fn write(&self, document: &mut Map<String, Value>) {
        let caps: Map<_, _> =
            self.caps.iter().filter_map(|(c, most)| Some((c.to_string(), number(most)?))).collect();
        document.insert("frequency_cap".to_owned(), caps.into());
        let similar = number(&self.percent).map(|percent| json!({ "percent": percent, "then": self.then }));
        let repeats = match (number(&self.within_hours), similar) {
            (None, None) => Value::Null,
            (within_hours, similar) => json!({ "within_hours": within_hours, "similar": similar }),
        };
        document.insert("repeats".to_owned(), repeats);
        let mut suppression: Map<_, _> =
            self.days.iter().filter_map(|(c, days)| Some((format!("{c}_days"), number(days)?))).collect();
        let soft = json!({ "after": number(&self.after), "within_days": number(&self.within_days) });
        suppression.insert("soft_bounces".to_owned(), soft);
        document.insert("suppression".to_owned(), suppression.into());
        let unknown = json!({ "repeat": self.repeat, "after_minutes": number(&self.after_minutes) });
        document.insert("unknown".to_owned(), unknown);
    }

    pub const fn repeats() -> &'static [RepeatFor] {
        RepeatFor::ALL
    }

    pub const fn thens() -> &'static [ThenFor] {
        ThenFor::ALL
    }
}

/// What is no number is a number that nobody may set.
fn number(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.parse::<u32>().map_or_else(|_| json!(-1), |n| json!(n)))
}

/// Faults by the names of their fields: `/quiet_hours/0/times/1` is about `quiet_hours_0_times`.
pub fn faults(view: &View, faults: &[Fault]) -> FieldFaults {
    let told = |fault: &Fault| {
        let mut parts: Vec<_> = fault.pointer.split('/').skip(1).collect();
        if parts.len() > 3 && parts[0] == "quiet_hours" {
            parts.truncate(3);
        }
        let text = match (fault.code.as_ref(), parts.last()) {
            ("out_of_range", Some(&"last")) => view.t("fault-last_before_first"),
            (code, _) => fault_text(view, code, &fault.detail),
        };
        // What has no field of its own stands above all of them.
        let has_none = parts.len() < 2 && matches!(parts[..], ["calendar" | "quiet_hours"])
            || matches!(parts.last(), Some(&("kind" | "days" | "channels")));
        (if has_none { "form".to_owned() } else { parts.join("_") }, text)
    };
    faults.iter().map(told).collect()
}
