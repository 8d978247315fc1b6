//! What comes back: at once, later, and when it is asked for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::answer::{Rules, Success};
use super::super::document::{FORMATS, Pointer, scalar};
use super::super::receipt::Shape;
use super::super::template::{Placeholder, Secrets};
use super::{Poll, request};
use crate::channel::fields::{Fields, segment};
use crate::domain::delivery::{OutcomeClass, State};

/// A pointer, or nothing where it is left out or none.
fn pointer(fields: &mut Fields<'_>, key: &'static str) -> Option<Pointer> {
    let parsed = match fields.take(key)? {
        Value::String(text) => Pointer::parse(text),
        _ => None,
    };
    if parsed.is_none() {
        let detail = format!("`{key}` is a JSON pointer such as /data/0/id, or empty for the whole answer");
        fields.fault(key, "not_a_pointer", detail);
    }
    parsed
}

/// One value or a list of them, as texts; `None` where it is left out.
fn values(fields: &mut Fields<'_>, key: &'static str) -> Option<Vec<String>> {
    let value = fields.take(key)?;
    Some(texts(fields, key, value))
}

fn texts(fields: &mut Fields<'_>, key: &'static str, value: &Value) -> Vec<String> {
    let texts: Option<Vec<String>> = match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        value => scalar(value).map(|value| vec![value]),
    };
    let texts = texts.unwrap_or_default();
    if texts.is_empty() {
        fields.fault(key, "wrong_type", format!("`{key}` is a text or a number, or a list of them"));
    }
    texts
}

fn class(word: &str) -> Option<OutcomeClass> {
    OutcomeClass::ALL.into_iter().find(|class| class.name() == word)
}

pub(super) fn answer(fields: &mut Fields<'_>) -> Rules {
    let words = OutcomeClass::ALL.map(OutcomeClass::name).join(", ");
    let success = fields.object("success", |fields| {
        let pointer = pointer(fields, "pointer").unwrap_or_default();
        let equals = values(fields, "equals").unwrap_or_else(|| {
            fields.fault("equals", "required", "`equals` says what stands there when it went well");
            Vec::new()
        });
        Success { pointer, equals }
    });
    let mut codes = BTreeMap::new();
    for (code, value) in fields.entries("codes") {
        match value.as_str().and_then(class) {
            Some(class) => drop(codes.insert(code.to_owned(), class)),
            None => {
                let detail = format!("a code means one of {words}");
                fields.fault(&format!("codes/{}", segment(code)), "unknown_value", detail);
            }
        }
    }
    let otherwise = fields.choice(
        "otherwise",
        &OutcomeClass::ALL.map(|class| (class.name(), class)),
        Some(OutcomeClass::Unknown),
    );
    Rules {
        success,
        message_id: pointer(fields, "message_id"),
        failed_numbers: pointer(fields, "failed_numbers"),
        code: pointer(fields, "code"),
        codes,
        otherwise: otherwise.unwrap_or(OutcomeClass::Unknown),
    }
}

pub(super) fn receipt(fields: &mut Fields<'_>) -> Shape {
    let usual = Shape::default();
    let format = fields.choice("format", &FORMATS, Some(usual.format)).unwrap_or(usual.format);
    let records = pointer(fields, "records").unwrap_or(usual.records);
    let id = pointer(fields, "id").unwrap_or(usual.id);
    let number = pointer(fields, "number").unwrap_or(usual.number);
    let status = pointer(fields, "status").unwrap_or(usual.status);
    let delivered = values(fields, "delivered").unwrap_or(usual.delivered);
    let bounced = match fields.take("bounced") {
        None => usual.bounced,
        Some(Value::Array(items)) if items.is_empty() => Vec::new(),
        Some(value) => texts(fields, "bounced", value),
    };
    let (acknowledge, content_type) = fields
        .object("acknowledge", |fields| {
            let body = match fields.take("body") {
                None => usual.acknowledge.clone(),
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
            };
            let content_type = fields.text("content_type").unwrap_or_else(|| usual.content_type.clone());
            if content_type.contains(|c: char| c.is_control() || !c.is_ascii()) {
                fields.fault("content_type", "not_a_media_type", "such as text/plain or application/json");
            }
            (body, content_type)
        })
        .unwrap_or((usual.acknowledge.clone(), usual.content_type.clone()));
    let shape = Shape { format, records, id, number, status, delivered, bounced, acknowledge, content_type };
    if shape.bounced.iter().any(|status| shape.state(status) != State::Failed) {
        fields.fault(
            "bounced",
            "contradicts",
            "a status that means it arrived, or nothing yet, is no bounce",
        );
    }
    shape
}

/// A search for one text: by `{id}`, the reference it was taken under, or by its number.
pub(super) fn poll(fields: &mut Fields<'_>, secrets: &Secrets) -> Option<Poll> {
    let request = fields.object("request", |fields| request::request(fields, secrets)).unwrap_or_else(|| {
        fields.fault("request/url", "required", "`url` is required");
        None
    });
    let shape = receipt(fields);
    let request = request?;
    if !request.uses(&Placeholder::Id) && !request.uses(&Placeholder::To) {
        let detail = "the request nowhere says {id} or {to}, so nobody knows what is asked about";
        fields.fault("request/body", "no_id", detail);
    }
    Some(Poll { request, shape })
}
