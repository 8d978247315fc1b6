//! What is known about a person besides name and addresses, and what filters ask for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::domain::fields::{Fields, pointer};
use crate::domain::filter;
use crate::error::Fault;

pub(super) const MOST_ATTRIBUTES: usize = 64;
const LONGEST_ATTRIBUTE: usize = 1_000;

/// Numbers beyond this are not whole in every reader of JSON (RFC 8259 §6).
const LARGEST_WHOLE: f64 = 9_007_199_254_740_991.0;

/// Strings, numbers and booleans by name; never null.
pub type Attributes = BTreeMap<String, Value>;

/// The object `attributes` of a record.
pub(super) fn read(fields: &mut Fields<'_>) -> Attributes {
    let empty = Map::new();
    let object = match fields.value("attributes") {
        None => &empty,
        Some(Value::Object(object)) => object,
        Some(_) => {
            fields.fault("attributes", "not_an_object", "send an object of strings, numbers and booleans");
            &empty
        }
    };
    let mut read = Attributes::new();
    for (name, value) in object {
        if let Some(value) = attribute(fields, format!("/attributes{}", pointer(name)), name, value) {
            read.insert(name.clone(), value);
        }
    }
    limit(fields, &read);
    read
}

/// The fields nobody asked for, which are attributes as well where a file has a column for each.
pub(super) fn read_rest(fields: &mut Fields<'_>, into: &mut Attributes) {
    let rest: Vec<_> = fields.rest().collect();
    for (name, value) in rest {
        if name == "active" {
            let detail = "leave it out: whoever stands in the file is active, and an import that deactivates the \
                          missing makes the others inactive";
            fields.fault(name, "reserved", detail);
        } else if let Some(value) = attribute(fields, pointer(name), name, value)
            && into.insert(name.clone(), value).is_some()
        {
            fields.fault(name, "duplicate", format!("`{name}` stands in `attributes` as well"));
        }
    }
    limit(fields, into);
}

fn limit(fields: &mut Fields<'_>, read: &Attributes) {
    if read.len() > MOST_ATTRIBUTES {
        fields.fault("attributes", "too_many", format!("at most {MOST_ATTRIBUTES} attributes"));
    }
}

/// A value in the form it is kept in, or `None` for null and for what is wrong.
fn attribute(fields: &mut Fields<'_>, at: String, name: &str, value: &Value) -> Option<Value> {
    let (code, detail) = match value {
        _ if filter::COLUMNS.contains(&name) => {
            ("reserved", format!("`{name}` is a field of its own, not an attribute"))
        }
        _ if !filter::is_attribute_name(name) => (
            "bad_name",
            "an attribute's name has 1 to 64 characters, no control characters, `\"` or `\\`".to_owned(),
        ),
        Value::Null => return None,
        Value::Bool(_) => return Some(value.clone()),
        // 2024.0 is kept as 2024, so that the same record is seen to be the same.
        Value::Number(number) => {
            let whole =
                number.as_f64().filter(|n| number.is_f64() && n.fract() == 0.0 && n.abs() <= LARGEST_WHOLE);
            return Some(whole.map_or_else(|| value.clone(), |n| Value::from(n as i64)));
        }
        Value::String(text) if text.chars().count() > LONGEST_ATTRIBUTE => {
            ("too_long", format!("at most {LONGEST_ATTRIBUTE} characters"))
        }
        Value::String(text) if text.contains('\0') => {
            ("control_character", "the character U+0000 is not allowed".to_owned())
        }
        Value::String(_) => return Some(value.clone()),
        Value::Array(_) | Value::Object(_) => ("not_flat", "send a string, a number or a boolean".to_owned()),
    };
    fields.extend([Fault::new(at, code, detail)]);
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RecipientInput;
    use super::super::tests::{faults, pairs};
    use super::*;

    #[test]
    fn there_is_a_limit_to_attributes() {
        let many: Map<String, Value> = (0..65).map(|n| (format!("a{n}"), json!(n))).collect();
        let body = json!({"name": "x", "attributes": many});
        assert_eq!(faults(RecipientInput::read("1", &body)), pairs(&[("/attributes", "too_many")]));
        let mut record = Value::Object(many);
        record["campus_id"] = json!("1");
        record["name"] = json!("x");
        assert_eq!(faults(RecipientInput::read_record(&record)), pairs(&[("/attributes", "too_many")]));
    }

    #[test]
    fn other_fields_of_a_record_are_attributes() {
        let record =
            json!({"campus_id": 2_024_001, "name": "李伟", "role": "student", "attributes": {"year": 1}});
        let input = RecipientInput::read_record(&record).unwrap();
        assert_eq!(input.campus_id, "2024001");
        assert_eq!(serde_json::to_value(&input.attributes).unwrap(), json!({"role": "student", "year": 1}));
        let record = json!({"campus_id": "1", "name": "x", "list": [1]});
        assert_eq!(faults(RecipientInput::read_record(&record)), pairs(&[("/list", "not_flat")]));
    }

    #[test]
    fn what_a_record_says_twice_or_cannot_say_is_told() {
        let record = |active: Value| json!({"campus_id": "1", "name": "x", "active": active});
        for active in [json!(false), json!(true), json!(null)] {
            assert_eq!(
                faults(RecipientInput::read_record(&record(active))),
                pairs(&[("/active", "reserved")])
            );
        }
        let twice = json!({"campus_id": "1", "name": "x", "year": 2, "attributes": {"year": 1}});
        assert_eq!(faults(RecipientInput::read_record(&twice)), pairs(&[("/year", "duplicate")]));
    }
}
