//! A scenario as a form: fields named by their place in its document, and what is wrong told at each of them.

use serde_json::{Map, Value, json};

use crate::console::filter_builder::{Place as Builder, Typed};
use crate::console::form::{FieldFaults, Form, fault_text};
use crate::console::rules::form::of_people;
use crate::console::view::View;
use crate::domain::emergency::Remark;
use crate::domain::emergency::lint::CODES;
use crate::error::Fault;

/// Rows of lists to choose from.
pub const ROWS: usize = crate::domain::emergency::scenario::MOST_PLACEHOLDERS;
/// What is prepared, in the order it is written.
pub const PARTS: [&str; 3] = ["alert", "correction", "all_clear"];
/// What each of them says in a language, with the lines a field shows.
pub const TEXTS: [(&str, u32); 4] = [("title", 1), ("sms", 3), ("wechat", 4), ("body", 6)];

/// The document that a form says. What is not filled in is not in it.
pub(super) fn document(form: &Form) -> (Value, bool) {
    let filter = Typed::read(form, Builder::Sole).text();
    let is_unfinished = filter.is_err();
    let mut document = Map::new();
    document.insert("name".to_owned(), spoken(form, "name"));
    document.insert("code".to_owned(), form.text("code").to_uppercase().into());
    document.insert("level".to_owned(), form.text("level").into());
    document.insert("life_threatening".to_owned(), ticked(form, "life_threatening"));
    document.insert("cap".to_owned(), cap(form));
    document.insert("audience".to_owned(), audience(form, &filter.unwrap_or_default()));
    document.insert("channels".to_owned(), form.all("channels").collect());
    document.insert("placeholders".to_owned(), (0..ROWS).filter_map(|row| placeholder(form, row)).collect());
    for part in PARTS {
        document.insert(part.to_owned(), said(form, part));
    }
    document.insert("roll_call".to_owned(), ticked(form, "roll_call"));
    for name in ["expires_in_minutes", "tile"] {
        put(&mut document, name, number(form.text(name)));
    }
    for name in ["owner", "review_on"] {
        document.insert(name.to_owned(), form.text(name).into());
    }
    if form.text("escalates") == "true" {
        let mut escalation = Map::new();
        put(&mut escalation, "after_minutes", number(form.text("escalation_after_minutes")));
        escalation.insert("channels".to_owned(), form.all("escalation_channels").collect());
        document.insert("escalation".to_owned(), escalation.into());
    }
    (document.into(), is_unfinished)
}

fn put(into: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        into.insert(name.to_owned(), value);
    }
}

/// What was typed; a number where it is one.
fn number(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.parse::<u32>().map_or_else(|_| text.into(), Value::from))
}

fn ticked(form: &Form, name: &str) -> Value {
    (form.text(name) == "true").into()
}

fn spoken(form: &Form, name: &str) -> Value {
    json!({ "zh": form.text(&format!("{name}_zh")), "en": form.text(&format!("{name}_en")) })
}

fn cap(form: &Form) -> Value {
    let mut cap = Map::new();
    for name in ["category", "urgency", "certainty", "response_type"] {
        cap.insert(name.to_owned(), form.text(&format!("cap_{name}")).into());
    }
    cap.insert("event".to_owned(), spoken(form, "cap_event"));
    cap.into()
}

fn audience(form: &Form, filter: &str) -> Value {
    if form.text("everyone") == "true" {
        return json!({ "everyone": true });
    }
    let groups: Vec<_> = form.all("groups").collect();
    let mut audience = Map::new();
    put(&mut audience, "groups", (!groups.is_empty()).then(|| json!(groups)));
    put(&mut audience, "where", (!filter.is_empty()).then(|| json!(filter)));
    audience.into()
}

/// `None`: nothing of the row is filled in.
fn placeholder(form: &Form, row: usize) -> Option<Value> {
    let field = |name: &str| format!("placeholders_{row}_{name}");
    let (name, choices) = (form.text(&field("name")), form.text(&field("choices")));
    let label = spoken(form, &field("label"));
    let is_blank = name.is_empty() && choices.is_empty() && label == json!({ "zh": "", "en": "" });
    let choice = |line: &str| {
        let (zh, en) = line.split_once(['|', '｜']).unwrap_or((line, ""));
        json!({ "zh": zh.trim(), "en": en.trim() })
    };
    let lines = choices.lines().filter(|line| !line.trim().is_empty());
    (!is_blank)
        .then(|| json!({ "name": name, "label": label, "choices": lines.map(choice).collect::<Vec<_>>() }))
}

fn said(form: &Form, part: &str) -> Value {
    let of = |language: &str| {
        let text = |name: &str| form.text(&format!("{part}_{language}_{name}")).to_owned();
        let sms = text("sms").split_whitespace().collect::<Vec<_>>().join(" ");
        json!({ "title": text("title"), "sms": sms, "wechat": text("wechat"), "body": text("body") })
    };
    json!({ "zh": of("zh"), "en": of("en") })
}

/// The choices of a list, one on each line.
pub(super) fn choice_lines(document: &Value, row: usize) -> String {
    let choices = document.pointer(&format!("/placeholders/{row}/choices")).and_then(Value::as_array);
    let line = |choice: &Value| {
        let of = |language: &str| choice.get(language).and_then(Value::as_str).unwrap_or_default();
        format!("{} | {}", of("zh"), of("en"))
    };
    choices.into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

/// The field that a place of the document is filled in at.
pub(super) fn field(pointer: &str) -> String {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    match parts.as_slice() {
        ["audience", "where", ..] => "where".to_owned(),
        [name @ ("audience" | "channels"), ..] => (*name).to_owned(),
        ["escalation", "channels", ..] => "escalation_channels".to_owned(),
        ["escalation"] => "escalates".to_owned(),
        ["placeholders", row, "choices", ..] => format!("placeholders_{row}_choices"),
        ["placeholders"] => "placeholders_0_name".to_owned(),
        ["placeholders", row] => format!("placeholders_{row}_name"),
        ["cap", name] => format!("cap_{name}"),
        parts => parts.join("_"),
    }
}

/// A remark in this person's words.
pub(super) fn remark_text(view: &View, remark: &Remark) -> String {
    let figures = remark.figures.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (*name, text)
    });
    view.with(&format!("remark-{}", remark.code), figures)
}

/// Which line of a list of choices a place is about, from 1.
fn line(pointer: &str) -> Option<usize> {
    let mut parts = pointer.split('/').skip(1);
    let is_choice = parts.next() == Some("placeholders") && parts.nth(1) == Some("choices");
    parts.next().filter(|_| is_choice)?.parse::<usize>().ok().map(|at| at + 1)
}

/// Where in the form something is, for whoever reads of it away from its field.
pub(super) fn place(view: &View, pointer: &str) -> String {
    let parts: Vec<&str> = pointer.split('/').skip(1).collect();
    match parts.as_slice() {
        [part, language, text] if PARTS.contains(part) => [
            view.t(&format!("scenario-{part}")),
            view.t(&format!("notice-words-{language}")),
            view.t(&format!("notice-words-{text}")),
        ]
        .join(" · "),
        ["placeholders", ..] => view.t("scenario-placeholders"),
        ["cap", ..] => view.t("scenario-cap"),
        ["escalation", ..] => view.t("scenario-escalation"),
        [name @ ("name" | "code" | "tile" | "review_on" | "owner" | "channels"), ..] => {
            view.t(&format!("scenario-{name}"))
        }
        ["audience", ..] => view.t("notice-whom"),
        ["expires_in_minutes"] => view.t("scenario-expires"),
        _ => view.t("scenario-title-one"),
    }
}

/// What is wrong with a document, at the fields of its form. `figures`: what the lint said of it, with what its sentences
/// need.
pub(super) fn faults(view: &View, document: &Value, faults: &[Fault], remarks: &[Remark]) -> FieldFaults {
    let told = |fault: &Fault| {
        let of_lint = remarks.iter().find(|one| one.pointer == fault.pointer && one.code == fault.code);
        let text = match of_lint {
            Some(remark) => remark_text(view, remark),
            None if CODES.contains(&fault.code.as_ref()) => fault.detail.clone(),
            None => own_text(view, document, fault),
        };
        let text = match line(&fault.pointer) {
            Some(n) => view.t2("scenario-choice-fault", "line", n, "why", text),
            None => text,
        };
        (field(&fault.pointer), text)
    };
    faults.iter().map(told).collect()
}

fn own_text(view: &View, document: &Value, fault: &Fault) -> String {
    let value = document.pointer(&fault.pointer).and_then(Value::as_str).unwrap_or_default();
    match fault.code.as_ref() {
        "unknown_group" => view.t1("fault-unknown_group", "value", value),
        "taken" => view.t("scenario-slug-taken"),
        "code_taken" => view.t("scenario-code-taken"),
        "tile_taken" => view.t("scenario-tile-taken"),
        "bad_name" | "reserved" => view.t("scenario-bad-name"),
        "bad_slug" => view.t("scenario-bad-slug"),
        "duplicate" => view.t("scenario-duplicate"),
        "not_a_date" => view.t("fault-invalid_date"),
        "unknown_word" => view.t("fault-required"),
        "out_of_range" | "not_a_number" => view.t("scenario-not-minutes"),
        _ if fault.pointer.starts_with("/audience") => of_people(view, value, fault),
        code => fault_text(view, code, &fault.detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_the_document_are_fields_of_the_form() {
        for (pointer, expected) in [
            ("/name/zh", "name_zh"),
            ("/alert/en/sms", "alert_en_sms"),
            ("/cap/event/zh", "cap_event_zh"),
            ("/cap/category", "cap_category"),
            ("/placeholders/1/choices/3/en", "placeholders_1_choices"),
            ("/placeholders/1/label/en", "placeholders_1_label_en"),
            ("/placeholders/2", "placeholders_2_name"),
            ("/audience/groups/0", "audience"),
            ("/audience/where", "where"),
            ("/escalation/channels", "escalation_channels"),
            ("/escalation/after_minutes", "escalation_after_minutes"),
            ("/escalation", "escalates"),
            ("/tile", "tile"),
        ] {
            assert_eq!(field(pointer), expected, "{pointer}");
        }
        assert_eq!(line("/placeholders/1/choices/3/en"), Some(4));
        assert_eq!(line("/placeholders/1/label/en"), None);
        assert_eq!(line("/alert/zh/sms"), None);
    }
}
