//! What identity systems say of people and groups in SCIM 2.0 (RFC 7643, RFC 7644), and what the directory makes of it.
//!
//! [`path`] reads the names of attributes, [`filter`] questions about them, which [`question`] puts in the directory's own
//! terms, and [`order`] how a list is ordered; [`patch`] reads changes, and [`user`] and [`group`] say what is kept of a resource. Faults carry one of the codes
//! that `src/http/scim.rs` turns into a `scimType`.

pub mod filter;
pub mod group;
mod lexer;
pub mod order;
pub mod patch;
pub mod path;
pub mod question;
pub mod user;
pub mod version;

use serde_json::Value;

use crate::error::{Error, Result};

/// The schema of people (RFC 7643 §4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups (RFC 7643 §4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// What RFC 7643 §4.3 adds to people.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// What Belltower adds to people. Named as Entra ID wants extensions to be.
pub const BELLTOWER: &str = "urn:ietf:params:scim:schemas:extension:belltower:2.0:User";

/// Characters in a filter or path.
pub const MAX_LENGTH: usize = 4_000;
/// Comparisons in a filter.
pub const MAX_TERMS: usize = 100;
/// Parentheses, brackets and `not`s around one another.
pub const MAX_DEPTH: usize = 32;
/// Characters in an `externalId`.
const LONGEST_EXTERNAL_ID: usize = 256;

/// The text of a value, or nothing where it is null or empty. Entra ID writes some single values as a list of one
/// `{"value": …}`.
fn text_of(value: &Value, at: &str) -> Result<Option<String>> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Array(list) if list.is_empty() => Ok(None),
        Value::Array(list) if list.len() == 1 => text_of(&list[0], at),
        Value::Object(object) if object.contains_key("value") => text_of(&object["value"], at),
        _ => Err(Error::fault(at, "invalid_value", "send a string")),
    }
}

/// A boolean, also as the word that Entra ID sends. Nothing where it is null.
fn flag_of(value: &Value, at: &str) -> Result<Option<bool>> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Value::Array(list) if list.len() == 1 => flag_of(&list[0], at),
        Value::Object(object) if object.contains_key("value") => flag_of(&object["value"], at),
        _ => Err(Error::fault(at, "invalid_value", "send true or false")),
    }
}

/// The id by which an identity system knows something.
fn external_id_of(value: &Value, at: &str) -> Result<Option<String>> {
    let text = text_of(value, at)?;
    let is_wrong =
        |text: &String| text.chars().count() > LONGEST_EXTERNAL_ID || text.chars().any(char::is_control);
    if text.as_ref().is_some_and(is_wrong) {
        let detail = format!("at most {LONGEST_EXTERNAL_ID} characters, no control characters among them");
        return Err(Error::fault(at, "invalid_value", detail));
    }
    Ok(text)
}

/// A field of an object, whatever the case of its name (RFC 7643 §2.1).
fn field<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let object = object.as_object()?;
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// That a body is an object.
fn object(body: &Value) -> Result<&serde_json::Map<String, Value>> {
    body.as_object().ok_or_else(|| Error::fault("", "invalid_syntax", "send a JSON object"))
}
