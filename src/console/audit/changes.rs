//! What the audit log keeps of changed settings, policies and sources, in words: of each field what it was and what it is.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::policy;
use crate::console::settings::limits::PARTS;
use crate::console::view::View;
use crate::domain::channel::ChannelKind;
use crate::domain::sign_in::FactorFor;
use crate::domain::source::Right;

/// Fields of one act that a list has room for; the file has all of them.
const MOST: usize = 8;
/// Characters of a field's value.
const LONGEST: usize = 120;
/// What a field is called by that nobody may read, should one ever be written down.
const SECRET: [&str; 4] = ["secret", "password", "token", "credential"];
const BEFORE: &str = "before";
const AFTER: &str = "after";

/// A field, and what of it went and came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub what: String,
    pub was: String,
    pub is: String,
}

/// What changed, as much of it as there is room for, and how many more fields did. Nothing of other acts.
pub(super) fn said(view: &View, action: &str, object: &str, detail: &Value) -> Option<(Vec<Change>, u64)> {
    let mut all = match (action, object) {
        ("policy.change", _) => policy::said(view, detail)?,
        ("settings.change", "words") => words(view, detail)?,
        ("settings.change" | "source.update", _) => fields(view, action, object, detail.as_object()?)?,
        _ => return None,
    };
    let more = all.len().saturating_sub(MOST) as u64;
    all.truncate(MOST);
    for change in &mut all {
        for text in [&mut change.was, &mut change.is] {
            if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                text.truncate(end);
                text.push('…');
            }
        }
    }
    Some((all, more))
}

/// Fields as `{name: {before, after}}`; where one is anything else, none of them.
fn fields(view: &View, action: &str, object: &str, detail: &Map<String, Value>) -> Option<Vec<Change>> {
    let mut all = Vec::new();
    for (name, value) in detail {
        let both = value.as_object().filter(|both| both.contains_key(AFTER))?;
        let before = both.get(BEFORE).unwrap_or(&Value::Null);
        let after = both.get(AFTER).unwrap_or(&Value::Null);
        match (object, name.as_str()) {
            ("costs", "providers" | "budgets") => all.extend(amounts(view, name, before, after)),
            _ => {
                let what = field(view, action, object, name);
                let is_known = what.is_some();
                let hidden = !is_known && SECRET.iter().any(|word| name.contains(word));
                let say = |value: &Value| if hidden { "***".to_owned() } else { word(view, name, value) };
                let what = what.unwrap_or_else(|| name.clone());
                all.push(Change { what, was: say(before), is: say(after) });
            }
        }
    }
    Some(all)
}

/// What a field is called.
fn field(view: &View, action: &str, object: &str, name: &str) -> Option<String> {
    let key = match (action, object, name) {
        ("source.update", _, "department") => "source-department",
        ("source.update", _, "topics") => "column-topics",
        ("source.update", _, "channels") => "column-channels",
        ("source.update", _, "rights") => "rights-extra",
        ("source.update", _, "groups") => "source-groups",
        ("source.update", _, "rate_per_second") => "source-rate",
        ("source.update", _, "daily_messages") => "source-daily",
        ("source.update", _, "broker_user") => "source-broker-user",
        (_, "sign_in", "factor_for") => "rules-factor",
        (_, "sign_in", "campus_sign_in") => "rules-campus",
        (_, "sign_in", "second_administrator") => "rules-second",
        (_, "sign_in", "shortest_password" | "idle_minutes" | "session_hours") => {
            return Some(view.t(&format!("rule-{name}")));
        }
        (_, "campus", "logo") => "campus-logo",
        (_, "campus", "name_zh" | "name_en" | "short_name" | "contact") => {
            return Some(view.t(&format!("campus-{name}")));
        }
        (_, "costs", "currency") => "costs-currency",
        (_, "costs", "price") => "costs-price",
        (_, "alarms", _) => {
            let mut known = PARTS.iter().flat_map(|(_, figures)| figures.iter());
            return known.any(|figure| figure.name == name).then(|| view.t(&format!("limit-{name}")));
        }
        _ => return None,
    };
    Some(view.t(key))
}

/// A value as whoever reads knows it.
fn word(view: &View, name: &str, value: &Value) -> String {
    match value {
        Value::Null => view.t("said-none"),
        Value::Bool(true) => view.t("matrix-yes"),
        Value::Bool(false) => view.t("matrix-no"),
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), |n| view.number(n)),
        Value::String(text) if text.is_empty() => view.t("said-none"),
        Value::String(text) => coded(view, name, text),
        Value::Array(all) if all.is_empty() => {
            view.t(if name == "groups" { "source-groups-any" } else { "said-none" })
        }
        Value::Array(all) => {
            let all: Vec<_> = all.iter().map(|one| word(view, name, one)).collect();
            view.listed(&all)
        }
        // A picture by what its bytes come to: that it is another one is what there is to say.
        Value::Object(picture) if name == "logo" => {
            let kind = picture.get("kind").and_then(Value::as_str).unwrap_or_default();
            let print = picture.get("print").and_then(Value::as_str).unwrap_or_default();
            format!("{} {}", kind.to_uppercase(), print.chars().take(8).collect::<String>())
        }
        Value::Object(_) => value.to_string(),
    }
}

/// Words of the program in the reader's language.
fn coded(view: &View, name: &str, text: &str) -> String {
    match name {
        "channels" => {
            text.parse::<ChannelKind>().map_or_else(|_| text.to_owned(), |one| view.channel_text(one))
        }
        "rights" => text.parse::<Right>().map_or_else(|_| text.to_owned(), |one| view.right_text(one)),
        "factor_for" => match FactorFor::ALL.iter().find(|who| who.name() == text) {
            Some(who) => view.t(&format!("factor-for-{}", who.name())),
            None => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}

/// Amounts by provider or department, each that is another one.
fn amounts(view: &View, name: &str, before: &Value, after: &Value) -> Vec<Change> {
    let names =
        |value: &Value| value.as_object().into_iter().flat_map(Map::keys).cloned().collect::<BTreeSet<_>>();
    let all: BTreeSet<String> = names(before).union(&names(after)).cloned().collect();
    let say = |value: &Value, of: &str| word(view, "", value.get(of).unwrap_or(&Value::Null));
    let change = |of: String| {
        let what = match (name, of.as_str()) {
            ("budgets", "") => view.t1("said-budget", "name", view.t("said-operators")),
            ("budgets", of) => view.t1("said-budget", "name", of),
            (_, of) => view.t1("costs-price-of", "provider", of),
        };
        Change { what, was: say(before, &of), is: say(after, &of) }
    };
    let changes = all.into_iter().map(change);
    changes.filter(|change| change.was != change.is).collect()
}

/// Words of the administrators' list that were added, taken out or given another treatment.
fn words(view: &View, detail: &Value) -> Option<Vec<Change>> {
    let detail = detail.as_object()?;
    let listed = |name: &str| {
        let all: Vec<String> = detail
            .get(name)?
            .as_array()?
            .iter()
            .filter_map(|entry| entry.get("word")?.as_str().map(str::to_owned))
            .collect();
        Some(view.listed(&all))
    };
    let mut all = Vec::new();
    if let Some(is) = listed("added") {
        all.push(Change { what: view.t("said-words-added"), is, ..Change::default() });
    }
    if let Some(was) = listed("removed") {
        all.push(Change { what: view.t("said-words-removed"), was, ..Change::default() });
    }
    if let Some(is) = listed("changed") {
        all.push(Change { what: view.t("said-words-changed"), is, ..Change::default() });
    }
    if detail.contains_key("reordered") {
        all.push(Change { what: view.t("said-words-reordered"), ..Change::default() });
    }
    Some(all)
}
