//! A stored set of recipients, as it is written.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::Fields;
use super::filter::Filter;
use super::message::coded;
use crate::error::Result;

const LONGEST_SLUG: usize = 64;
const LONGEST_NAME: usize = 200;
/// Campus ids one call may add, and remove.
pub const MOST_MEMBERS: usize = 10_000;

coded! {
    /// Where a group's members come from.
    GroupKind {
        /// They are listed.
        Static = 0 "static",
        /// A filter finds them whenever the group is used.
        Dynamic = 1 "dynamic",
    }
}

/// A group, checked. It has a filter exactly where it is dynamic.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupInput {
    pub slug: String,
    pub name: String,
    pub kind: GroupKind,
    #[serde(rename = "where")]
    pub filter: Option<Filter>,
}

impl GroupInput {
    /// Reads the body `{name, kind, where?}` about the group `slug`.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Invalid`] with every fault of the body.
    pub fn read(slug: &str, body: &Value) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        if !is_slug(slug) {
            let detail = "1 to 64 of `a-z`, `0-9`, `-` and `_`, a letter or digit first";
            fields.fault("slug", "bad_slug", detail);
        }
        let name = fields.required("name", LONGEST_NAME);
        let kind = match fields.text("kind", LONGEST_NAME).as_deref().map(str::parse) {
            Some(Ok(kind)) => kind,
            Some(Err(why)) => {
                fields.fault("kind", "unknown_value", why);
                GroupKind::Static
            }
            None => {
                fields.fault("kind", "required", "`kind` is `static` or `dynamic`");
                GroupKind::Static
            }
        };
        let filter = filter(&mut fields);
        let given = body.get("where").is_some_and(|value| !value.is_null());
        match kind {
            GroupKind::Static if given && body["kind"] == "static" => {
                fields.fault("where", "not_wanted", "a static group has members, not a filter");
            }
            GroupKind::Dynamic if !given => {
                fields.fault("where", "required", "a dynamic group needs a filter");
            }
            _ => {}
        }
        fields.finish()?;
        Ok(Self { slug: slug.to_owned(), name, kind, filter })
    }
}

/// The `where` of a body, or nothing with a fault where it cannot be read.
fn filter(fields: &mut Fields<'_>) -> Option<Filter> {
    let Value::String(text) = fields.value("where")? else {
        fields.fault("where", "not_a_string", "send a string");
        return None;
    };
    match Filter::parse(text) {
        Ok(filter) => Some(filter),
        Err(error) => {
            fields.extend([error.into_fault("/where")]);
            None
        }
    }
}

/// Reads the body `{where}` of a preview.
///
/// # Errors
///
/// [`crate::Error::Invalid`] with every fault of the body.
pub fn read_filter(body: &Value) -> Result<Filter> {
    let mut fields = Fields::of(body)?;
    let filter = filter(&mut fields);
    if body.get("where").is_none_or(Value::is_null) {
        fields.fault("where", "required", "`where` is needed");
    }
    fields.finish()?;
    filter.ok_or_else(|| crate::Error::fault("/where", "required", "`where` is needed"))
}

/// Campus ids to put into a static group and to take out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChanges {
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

impl MemberChanges {
    /// Reads the body `{add: […], remove: […]}`.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Invalid`] with every fault of the body.
    pub fn read(body: &Value) -> Result<Self> {
        let mut fields = Fields::of(body)?;
        let add = fields.texts("add", MOST_MEMBERS);
        let remove = fields.texts("remove", MOST_MEMBERS);
        fields.finish()?;
        Ok(Self { add, remove })
    }
}

/// Whether a text can name a group or a template.
pub fn is_slug(text: &str) -> bool {
    (1..=LONGEST_SLUG).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use serde_json::json;

    fn faults<T: fmt::Debug>(result: Result<T>) -> Vec<(String, String)> {
        let Err(Error::Invalid(faults)) = result else { panic!("{result:?}") };
        let mut faults: Vec<_> = faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect();
        faults.sort();
        faults
    }

    fn pair(pointer: &str, code: &str) -> (String, String) {
        (pointer.to_owned(), code.to_owned())
    }

    #[test]
    fn a_dynamic_group_has_a_filter_and_a_static_one_has_none() {
        let group = GroupInput::read(
            "freshers-2024",
            &json!({"name": "新生", "kind": "dynamic", "where": "year = 2024"}),
        );
        assert_eq!(group.unwrap().filter.unwrap().as_str(), "year = 2024");
        let group = GroupInput::read("choir", &json!({"name": "合唱团", "kind": "static"})).unwrap();
        assert_eq!((group.kind, group.filter), (GroupKind::Static, None));
        let body = json!({"name": "x", "kind": "dynamic"});
        assert_eq!(faults(GroupInput::read("x", &body)), [pair("/where", "required")]);
        let body = json!({"name": "x", "kind": "static", "where": "a = 1"});
        assert_eq!(faults(GroupInput::read("x", &body)), [pair("/where", "not_wanted")]);
    }

    #[test]
    fn every_fault_is_told_at_its_place() {
        let body = json!({"kind": "lively", "where": "a = ", "size": 3});
        assert_eq!(
            faults(GroupInput::read("No Slug", &body)),
            [
                pair("/kind", "unknown_value"),
                pair("/name", "required"),
                pair("/size", "unknown_field"),
                pair("/slug", "bad_slug"),
                pair("/where", "filter_syntax"),
            ]
        );
        assert_eq!(faults(read_filter(&json!({}))), [pair("/where", "required")]);
        assert_eq!(faults(read_filter(&json!({"where": 1}))), [pair("/where", "not_a_string")]);
        let many = vec!["1"; MOST_MEMBERS + 1];
        assert_eq!(
            faults(MemberChanges::read(&json!({"add": many, "remove": ["1", 2]}))),
            [pair("/add", "too_many"), pair("/remove/1", "not_a_string")]
        );
    }
}
