//! A person in the directory, as departments' systems write it.

mod attributes;
mod cells;
mod columns;
mod headers;
mod language;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address;
use super::channel::{AddressKind, ChannelKind};
use super::fields::Fields;
use super::filter;
use super::topic::TopicPattern;
use crate::error::Result;

pub use self::attributes::Attributes;
pub use self::columns::{CellFault, Columns, FIELDS, Row, guessed};
pub use self::headers::REASON;

const LONGEST_CAMPUS_ID: usize = 64;
const LONGEST_NAME: usize = 200;
const LONGEST_DEPARTMENT: usize = 200;

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
        let mut input = Self::known(&mut fields, Some(campus_id), true);
        input.attributes = attributes::read(&mut fields);
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
        let mut input = Self::known(&mut fields, None, true);
        input.attributes = attributes::read(&mut fields);
        attributes::read_rest(&mut fields, &mut input.attributes);
        fields.close()?;
        Ok(input)
    }

    /// Reads a table's row, in which names may have no column.
    fn read_row(record: &Value, has_name: bool) -> Result<Self> {
        let mut fields = Fields::of(record)?;
        let mut input = Self::known(&mut fields, None, has_name);
        input.attributes = attributes::read(&mut fields);
        fields.finish()?;
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

    /// Where they are reached, if they are, by that kind of address.
    pub fn address(&self, kind: AddressKind) -> Option<&str> {
        match kind {
            AddressKind::Email => self.email.as_deref(),
            AddressKind::Mobile => self.mobile.as_deref(),
            AddressKind::WecomUserid => self.wecom_userid.as_deref(),
            AddressKind::WechatOpenid => self.wechat_openid.as_deref(),
        }
    }

    /// What a filter that asks for this name is answered.
    pub fn value(&self, name: &str) -> Option<filter::Value<'_>> {
        let text = |text: &'_ str| filter::Value::Text(std::borrow::Cow::Owned(text.to_owned()));
        match name {
            "campus_id" => Some(text(&self.campus_id)),
            "department" => self.department.as_deref().map(text),
            "language" => self.language.as_deref().map(text),
            _ => self.attributes.get(name).and_then(filter::Value::from_json),
        }
    }

    fn known(fields: &mut Fields<'_>, expected: Option<&str>, has_name: bool) -> Self {
        Self {
            campus_id: campus_id(fields, expected),
            name: if has_name { fields.required("name", LONGEST_NAME) } else { String::new() },
            email: an_address(fields, AddressKind::Email),
            mobile: an_address(fields, AddressKind::Mobile),
            wecom_userid: an_address(fields, AddressKind::WecomUserid),
            wechat_openid: an_address(fields, AddressKind::WechatOpenid),
            language: language::read(fields),
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
    } else if matches!(text, "." | "..") {
        // In an address they mean the folder and the one above.
        Some("a campus id is more than dots")
    } else {
        None
    }
}

/// The campus id that a table's cell says, read as imports read it; nothing where what was meant is lost.
pub fn campus_id_in(cell: &str) -> Option<String> {
    cells::read(cell, cells::Kind::Number).ok()
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

fn an_address(fields: &mut Fields<'_>, kind: AddressKind) -> Option<String> {
    let name = kind.name();
    // Longer than any address is; which one it is says itself what is too long.
    let text = match fields.value(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) if kind == AddressKind::Mobile => number.to_string(),
        _ => {
            fields.fault(name, "not_a_string", "send a string");
            return None;
        }
    };
    if text.is_empty() {
        return None;
    }
    match address::normalise(kind, &text) {
        Ok(address) => Some(address),
        Err(why) => {
            fields.fault(name, "bad_address", why.to_string());
            None
        }
    }
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

    pub(super) fn faults<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, String)> {
        match result {
            Err(Error::Invalid(faults)) => {
                faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
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
        for id in ["", " ", "a b", "a\u{3000}b", "a\u{7f}", ".", "..", &"x".repeat(65)] {
            let found = faults(RecipientInput::read(id, &json!({"name": "x"})));
            assert_eq!(found, pairs(&[("/campus_id", "bad_campus_id")]), "{id:?}");
        }
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
