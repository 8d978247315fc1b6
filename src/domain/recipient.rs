//! A person in the directory, as departments' systems write it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::address::BadAddress;
use super::channel::ChannelKind;
use super::fields::{Fields, pointer};
use super::filter;
use super::topic::TopicPattern;
use crate::error::{Fault, Result};

pub use super::address::{normalise_email, normalise_mobile};

const LONGEST_CAMPUS_ID: usize = 64;
const LONGEST_NAME: usize = 200;
const LONGEST_DEPARTMENT: usize = 200;
/// RFC 5646 §4.4.1.
const LONGEST_LANGUAGE: usize = 35;
/// <https://developer.work.weixin.qq.com/document/path/90195>: 1 to 64 bytes.
const LONGEST_WECOM_USERID: usize = 64;
const LONGEST_OPENID: usize = 128;
const MOST_ATTRIBUTES: usize = 64;
const LONGEST_ATTRIBUTE: usize = 1_000;

/// Numbers beyond this are not whole in every reader of JSON (RFC 8259 §6).
const LARGEST_WHOLE: f64 = 9_007_199_254_740_991.0;

/// Strings, numbers and booleans by name; never null.
pub type Attributes = BTreeMap<String, Value>;

/// A person's record, checked, with every address in its one spelling.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecipientInput {
    pub campus_id: String,
    pub name: String,
    pub email: Option<String>,
    pub mobile: Option<String>,
    pub wecom_userid: Option<String>,
    pub wechat_openid: Option<String>,
    /// A language tag such as `zh-CN`.
    pub language: Option<String>,
    pub department: Option<String>,
    pub attributes: Attributes,
}

impl RecipientInput {
    /// Reads a body about the person `campus_id`, who may be named in it again.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Invalid`] with every fault of the body.
    pub fn read(campus_id: &str, body: &Value) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        let mut input = Self::known(&mut fields, Some(campus_id));
        input.attributes = attributes(&mut fields);
        fields.finish()?;
        Ok(input)
    }

    /// Reads one record of an import, where fields of other names are attributes.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Invalid`] with every fault of the record.
    pub fn read_record(record: &Value) -> Result<Self> {
        let mut fields = Fields::of(record)?;
        let mut input = Self::known(&mut fields, None);
        input.attributes = attributes(&mut fields);
        let others: Vec<_> = fields.rest().collect();
        for (name, value) in others {
            if let Some(value) = attribute(&mut fields, pointer(name), name, value) {
                input.attributes.insert(name.clone(), value);
            }
        }
        if input.attributes.len() > MOST_ATTRIBUTES {
            fields.fault("attributes", "too_many", format!("at most {MOST_ATTRIBUTES} attributes"));
        }
        fields.close()?;
        Ok(input)
    }

    /// This record after a JSON merge patch (RFC 7396): null clears, `attributes` are merged one by one.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Invalid`] with every fault of the patch.
    pub fn patched(&self, patch: &Value) -> Result<Self> {
        Fields::of(patch)?;
        let mut merged = serde_json::to_value(self).map_err(crate::Error::internal)?;
        for (name, value) in patch.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                ("attributes", Value::Object(changes)) => {
                    let Some(kept) = merged["attributes"].as_object_mut() else { continue };
                    for (name, value) in changes {
                        // A null is no attribute when it is read below.
                        kept.insert(name.clone(), value.clone());
                    }
                }
                _ => merged[name.as_str()] = value.clone(),
            }
        }
        Self::read(&self.campus_id, &merged)
    }

    fn known(fields: &mut Fields<'_>, expected: Option<&str>) -> Self {
        Self {
            campus_id: campus_id(fields, expected),
            name: fields.required("name", LONGEST_NAME),
            email: an_address(fields, "email", normalise_email),
            mobile: an_address(fields, "mobile", normalise_mobile),
            wecom_userid: an_address(fields, "wecom_userid", wecom_userid),
            wechat_openid: an_address(fields, "wechat_openid", wechat_openid),
            language: language(fields),
            department: fields.text("department", LONGEST_DEPARTMENT),
            attributes: Attributes::new(),
        }
    }
}

/// Why a text cannot be a campus id.
pub fn check_campus_id(text: &str) -> Option<&'static str> {
    let length = text.chars().count();
    if length == 0 || length > LONGEST_CAMPUS_ID {
        Some("a campus id has 1 to 64 characters")
    } else if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        Some("a campus id has no spaces and no control characters")
    } else {
        None
    }
}

/// Student systems write ids as numbers, so a whole number is taken as its digits.
fn campus_id(fields: &mut Fields<'_>, expected: Option<&str>) -> String {
    let written = match fields.value("campus_id") {
        Some(Value::String(text)) => Some(text.trim().to_owned()),
        Some(Value::Number(number)) if number.is_u64() => Some(number.to_string()),
        Some(_) => {
            fields.fault("campus_id", "not_a_string", "send a string");
            return String::new();
        }
        None => None,
    };
    let id = match (written, expected) {
        (Some(written), Some(expected)) if written != expected => {
            fields.fault("campus_id", "mismatch", format!("the address names `{expected}`"));
            return String::new();
        }
        (Some(id), _) => id,
        (None, Some(expected)) => expected.to_owned(),
        (None, None) => {
            fields.fault("campus_id", "required", "`campus_id` is needed and must not be empty");
            return String::new();
        }
    };
    if let Some(why) = check_campus_id(&id) {
        fields.fault("campus_id", "bad_campus_id", why);
    }
    id
}

fn an_address(
    fields: &mut Fields<'_>,
    name: &'static str,
    normalise: fn(&str) -> Result<String, BadAddress>,
) -> Option<String> {
    // Longer than any address is; which one it is says itself what is too long.
    let text = match fields.value(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if name == "mobile" => number.to_string(),
        _ => {
            fields.fault(name, "not_a_string", "send a string");
            return None;
        }
    };
    if text.is_empty() {
        return None;
    }
    match normalise(&text) {
        Ok(address) => Some(address),
        Err(why) => {
            fields.fault(name, "bad_address", why.to_string());
            None
        }
    }
}

pub fn wecom_userid(text: &str) -> Result<String, BadAddress> {
    let right = text.len() <= LONGEST_WECOM_USERID
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-@.".contains(&b));
    if right {
        Ok(text.to_owned())
    } else {
        Err(BadAddress("a WeCom user id has 1 to 64 letters, digits and `_-@.`, a letter or digit first"))
    }
}

pub fn wechat_openid(text: &str) -> Result<String, BadAddress> {
    let right =
        text.len() <= LONGEST_OPENID && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if right {
        Ok(text.to_owned())
    } else {
        Err(BadAddress("an openid has letters, digits, `_` and `-` only"))
    }
}

/// A language tag in the case that RFC 5646 §2.1.1 recommends: `zh-Hans-CN`.
fn language(fields: &mut Fields<'_>) -> Option<String> {
    let text = fields.text("language", LONGEST_LANGUAGE)?.replace('_', "-");
    let mut tag = String::with_capacity(text.len());
    for (i, part) in text.split('-').enumerate() {
        let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
        let right = match i {
            0 => letters && (2..=8).contains(&part.len()),
            _ => part.bytes().all(|b| b.is_ascii_alphanumeric()) && (1..=8).contains(&part.len()),
        };
        if !right {
            fields.fault("language", "bad_language", "send a language tag such as `zh-CN` or `en`");
            return None;
        }
        match (i, part.len()) {
            (0, _) => tag.push_str(&part.to_ascii_lowercase()),
            (_, 2) => tag.push_str(&format!("-{}", part.to_ascii_uppercase())),
            (_, 4) if letters => {
                let (first, rest) = part.split_at(1);
                tag.push_str(&format!("-{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase()));
            }
            _ => tag.push_str(&format!("-{}", part.to_ascii_lowercase())),
        }
    }
    Some(tag)
}

fn attributes(fields: &mut Fields<'_>) -> Attributes {
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
    if read.len() > MOST_ATTRIBUTES {
        fields.fault("attributes", "too_many", format!("at most {MOST_ATTRIBUTES} attributes"));
    }
    read
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

/// What a person does not want to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOut {
    /// `None`: by no channel at all.
    pub channel: Option<ChannelKind>,
    pub topic: TopicPattern,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use serde_json::json;

    fn faults<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, String)> {
        match result {
            Err(Error::Invalid(faults)) => {
                faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    fn li() -> RecipientInput {
        let body = json!({
            "name": " 李伟 ", "email": "li@Example.EDU.cn", "mobile": "138 1234 5678", "wecom_userid": "",
            "wechat_openid": null, "language": "ZH_hans_cn", "department": "农学院",
            "attributes": {"role": "student", "year": 2024.0, "gpa": 3.5, "party": true, "gone": null},
        });
        RecipientInput::read("2024001", &body).unwrap()
    }

    #[test]
    fn a_record_is_kept_in_one_spelling() {
        let li = li();
        assert_eq!(li.name, "李伟");
        assert_eq!(li.email.as_deref(), Some("li@example.edu.cn"));
        assert_eq!(li.mobile.as_deref(), Some("+8613812345678"));
        assert_eq!((li.wecom_userid, li.wechat_openid), (None, None));
        assert_eq!(li.language.as_deref(), Some("zh-Hans-CN"));
        assert_eq!(
            serde_json::to_value(&li.attributes).unwrap(),
            json!({"gpa": 3.5, "party": true, "role": "student", "year": 2024})
        );
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let body = json!({
            "campus_id": "other", "name": " ", "email": "x", "mobile": 110, "wecom_userid": "a b",
            "wechat_openid": 7, "language": "中文", "department": "a\nb", "colour": "red",
            "attributes": {"a/b": [], "department": "x", "": 1, "nul": "\u{0}"},
        });
        let expected = pairs(&[
            ("/attributes/", "bad_name"),
            ("/attributes/a~1b", "not_flat"),
            ("/attributes/department", "reserved"),
            ("/attributes/nul", "control_character"),
            ("/campus_id", "mismatch"),
            ("/colour", "unknown_field"),
            ("/department", "control_character"),
            ("/email", "bad_address"),
            ("/language", "bad_language"),
            ("/mobile", "bad_address"),
            ("/name", "required"),
            ("/wechat_openid", "not_a_string"),
            ("/wecom_userid", "bad_address"),
        ]);
        let mut found = faults(RecipientInput::read("2024001", &body));
        found.sort();
        assert_eq!(found, expected);
        assert_eq!(faults(RecipientInput::read("1", &json!([]))), pairs(&[("", "not_an_object")]));
        for id in ["", " ", "a b", "a\u{3000}b", "a\u{7f}", &"x".repeat(65)] {
            let found = faults(RecipientInput::read(id, &json!({"name": "x"})));
            assert_eq!(found, pairs(&[("/campus_id", "bad_campus_id")]), "{id:?}");
        }
    }

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
    fn a_patch_clears_by_null_and_merges_attributes() {
        let patch =
            json!({"email": null, "department": "理学院", "attributes": {"role": null, "dorm": "3-201"}});
        let patched = li().patched(&patch).unwrap();
        assert_eq!(patched.email, None);
        assert_eq!(patched.mobile, li().mobile);
        assert_eq!(patched.department.as_deref(), Some("理学院"));
        assert_eq!(
            serde_json::to_value(&patched.attributes).unwrap(),
            json!({"dorm": "3-201", "gpa": 3.5, "party": true, "year": 2024})
        );
        assert!(li().patched(&json!({"attributes": null})).unwrap().attributes.is_empty());
        assert_eq!(li().patched(&json!({})).unwrap(), li());
    }

    #[test]
    fn a_patch_obeys_the_same_rules() {
        let patch = json!({"name": null, "campus_id": "2", "colour": null, "attributes": {"x": {}}});
        let mut found = faults(li().patched(&patch));
        found.sort();
        assert_eq!(
            found,
            pairs(&[
                ("/attributes/x", "not_flat"),
                ("/campus_id", "mismatch"),
                ("/colour", "unknown_field"),
                ("/name", "required"),
            ])
        );
        assert_eq!(faults(li().patched(&json!("x"))), pairs(&[("", "not_an_object")]));
    }
}
