//! As much of JSON Schema as the document uses, read strictly: a property that is not described is a mistake.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::Document;

const UNDESCRIBED: &str = "is not described";

/// Everything in which `value` is not what the schema says, each with the place in the value.
pub(super) fn mismatches(document: &Document, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

fn check(document: &Document, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = document.resolve(schema);
    for combined in ["oneOf", "anyOf"] {
        let Some(choices) = schema[combined].as_array() else { continue };
        let tried: Vec<_> = choices.iter().map(|choice| tried(document, choice, value, at)).collect();
        if let Some(best) = tried.into_iter().min_by_key(Vec::len).filter(|best| !best.is_empty()) {
            found.push(format!("{at}: fits none of {combined}; nearest: {}", best.join("; ")));
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        // What is not described by one of them may be by another.
        found.extend(
            tried(document, part, value, at).into_iter().filter(|wrong| !wrong.ends_with(UNDESCRIBED)),
        );
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        found.push(format!("{at}: {value} is not one of {allowed:?}"));
    }
    let kinds: Vec<_> = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is(kind, value)) {
        return found.push(format!("{at}: {value} is not {kinds:?}"));
    }
    if schema["format"] == "date-time"
        && let Some(text) = value.as_str()
        && text.parse::<jiff::Timestamp>().is_err()
    {
        found.push(format!("{at}: {text} is no time with an offset"));
    }
    match value {
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    found.push(format!("{at}/{name}: is missing"));
                }
            }
            let known = document.properties(schema);
            let more = &schema["additionalProperties"];
            for (name, value) in fields {
                let at = format!("{at}/{name}");
                match (schema["properties"].get(name), more) {
                    (Some(schema), _) => check(document, schema, value, &at, found),
                    (None, Value::Object(_)) => check(document, more, value, &at, found),
                    // An object of which nothing is said may hold anything.
                    _ if known.is_empty() || known.contains_key(name.as_str()) => {}
                    _ => found.push(format!("{at}: {UNDESCRIBED}")),
                }
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                check(document, &schema["items"], item, &format!("{at}/{place}"), found);
            }
        }
        _ => {}
    }
}

fn tried(document: &Document, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, at, &mut found);
    found
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
    }
}

/// What is wrong with the schema itself.
pub(super) fn faults(fields: &serde_json::Map<String, Value>) -> Vec<String> {
    const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];
    let mut found = Vec::new();
    let kinds = match fields.get("type") {
        Some(Value::Array(kinds)) => kinds.clone(),
        Some(kind) => vec![kind.clone()],
        None => Vec::new(),
    };
    for kind in &kinds {
        if !kind.as_str().is_some_and(|kind| TYPES.contains(&kind)) {
            found.push(format!("there is no type {kind}"));
        }
    }
    if kinds.contains(&"array".into()) && !fields.contains_key("items") {
        found.push("an array of what?".to_owned());
    }
    if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
        for name in fields.get("required").and_then(Value::as_array).into_iter().flatten() {
            if !name.as_str().is_some_and(|name| properties.contains_key(name)) {
                found.push(format!("{name} is required and not described"));
            }
        }
    }
    if let Some(values) = fields.get("enum").and_then(Value::as_array) {
        let unlike: BTreeSet<_> = values.iter().map(ToString::to_string).collect();
        if values.is_empty() || unlike.len() != values.len() {
            found.push("enum is empty, or says something twice".to_owned());
        }
    }
    found
}

#[test]
fn what_is_not_as_described_is_found() {
    use serde_json::json;
    let document = Document(json!({"components": {"schemas": {
        "Inner": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
    }}}));
    let schema = json!({
        "type": "object", "required": ["a"],
        "properties": {
            "a": {"type": ["string", "null"]}, "at": {"type": "string", "format": "date-time"},
            "kind": {"type": "string", "enum": ["x", "y"]},
            "list": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
            "one": {"oneOf": [{"$ref": "#/components/schemas/Inner"}, {"type": "null"}]},
            "map": {"type": "object", "additionalProperties": {"type": "integer"}},
            "free": {"type": "object"},
            "both": {"allOf": [
                {"$ref": "#/components/schemas/Inner"}, {"type": "object", "properties": {"m": {"type": "integer"}}},
            ]},
        },
    });
    let wrong = |value: Value| mismatches(&document, &schema, &value).len();
    assert_eq!(
        wrong(json!({"a": null, "at": "2026-09-21T14:13:20Z", "kind": "x", "list": [{"n": 1}], "one": null,
        "map": {"k": 1}, "free": {"k": [1]}, "both": {"n": 1, "m": 2}})),
        0
    );
    for value in [
        json!({}),
        json!({"a": 1}),
        json!({"a": "", "b": 1}),
        json!({"a": "", "at": "yesterday"}),
        json!({"a": "", "kind": "z"}),
        json!({"a": "", "list": [{"n": 1}, {"n": "1"}]}),
        json!({"a": "", "list": [{"n": 1, "m": 2}]}),
        json!({"a": "", "one": {"n": null}}),
        json!({"a": "", "map": {"k": "1"}}),
        json!({"a": "", "both": {"n": "1", "m": 2}}),
        json!({"a": "", "both": {"n": 1, "l": 2}}),
    ] {
        assert_eq!(wrong(value.clone()), 1, "{value}");
    }
}
