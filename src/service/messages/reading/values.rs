//! Values by name: a text's variables, and what rules may ask about.

use serde_json::Value;

use crate::domain::audience::Params;
use crate::domain::content::clean_text;
use crate::domain::fields::{Fields, pointer};
use crate::domain::filter::is_attribute_name;
use crate::error::Fault;

const LONGEST_ATTRIBUTE: usize = 1_000;
const MOST_ATTRIBUTES: usize = 32;
const MOST_PARAMS: usize = 100;

/// Variables by name, their texts without what no channel should carry.
pub(super) fn params(fields: &mut Fields<'_>, name: &'static str) -> Params {
    let object = match fields.value(name) {
        None => return Params::new(),
        Some(Value::Object(object)) => object,
        Some(_) => {
            fields.fault(name, "not_an_object", "send an object of variables by name");
            return Params::new();
        }
    };
    if object.len() > MOST_PARAMS {
        fields.fault(name, "too_many", format!("at most {MOST_PARAMS} variables"));
        return Params::new();
    }
    object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (clean_text(key), clean(value)))
        .collect()
}

fn clean(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean_text(text)),
        Value::Array(items) => Value::Array(items.iter().map(clean).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, value)| (clean_text(key), clean(value))).collect())
        }
        other => other.clone(),
    }
}

/// What routing rules may ask about.
pub(super) fn attributes(fields: &mut Fields<'_>) -> Params {
    let object = match fields.value("attributes") {
        None => return Params::new(),
        Some(Value::Object(object)) => object,
        Some(_) => {
            fields.fault("attributes", "not_an_object", "send an object of strings, numbers and booleans");
            return Params::new();
        }
    };
    if object.len() > MOST_ATTRIBUTES {
        fields.fault("attributes", "too_many", format!("at most {MOST_ATTRIBUTES} attributes"));
    }
    let mut read = Params::new();
    for (name, value) in object {
        let (code, detail) = match value {
            _ if !is_attribute_name(name) => {
                ("bad_name", "a name has 1 to 64 characters, no control characters, `\"` or `\\`".to_owned())
            }
            Value::Null => continue,
            Value::Array(_) | Value::Object(_) => {
                ("not_flat", "send a string, a number or a boolean".to_owned())
            }
            Value::String(text) if text.chars().count() > LONGEST_ATTRIBUTE => {
                ("too_long", format!("at most {LONGEST_ATTRIBUTE} characters"))
            }
            _ => {
                read.insert(name.clone(), clean(value));
                continue;
            }
        };
        fields.extend([Fault::new(format!("/attributes{}", pointer(name)), code, detail)]);
    }
    read
}
