//! Changes of a resource (RFC 7644 §3.5.2), as identity systems really write them: operations in any case, without a path
//! or with one, single values as lists.

use serde_json::Value;

use super::path::{Path, Target};
use super::{field, object};
use crate::error::{Error, Result};

/// Operations of one request.
const MOST_OPERATIONS: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Replace,
    Remove,
}

/// One change of one attribute.
#[derive(Clone, Debug)]
pub struct Operation<'v> {
    pub op: Op,
    pub target: Target,
    /// Null where it is removed without naming a value.
    pub value: &'v Value,
    /// Where it stands, as a JSON pointer.
    pub at: String,
}

/// The operations of a body `{"Operations": […]}`, those without a path taken apart by attribute.
///
/// # Errors
///
/// Faults with the codes `invalid_syntax`, `invalid_path`, `invalid_filter`, `no_target` and `invalid_value`.
pub fn read(body: &Value) -> Result<Vec<Operation<'_>>> {
    object(body)?;
    let Some(Value::Array(list)) = field(body, "Operations") else {
        return Err(Error::fault("/Operations", "invalid_syntax", "send a list of operations"));
    };
    if list.is_empty() || list.len() > MOST_OPERATIONS {
        let detail = format!("send 1 to {MOST_OPERATIONS} operations");
        return Err(Error::fault("/Operations", "invalid_syntax", detail));
    }
    let mut all = Vec::with_capacity(list.len());
    for (i, one) in list.iter().enumerate() {
        let at = format!("/Operations/{i}");
        let op = match field(one, "op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Op::Add,
            Some("replace") => Op::Replace,
            Some("remove") => Op::Remove,
            _ => {
                let detail = "`op` is `add`, `replace` or `remove`";
                return Err(Error::fault(format!("{at}/op"), "invalid_syntax", detail));
            }
        };
        let value = field(one, "value").unwrap_or(&Value::Null);
        let path = match field(one, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(Target::read(path, &format!("{at}/path"))?),
            Some(_) => return Err(Error::fault(format!("{at}/path"), "invalid_path", "send a string")),
        };
        match (path, op) {
            (Some(target), _) => take_apart(op, target, value, format!("{at}/value"), &mut all),
            (None, Op::Remove) => {
                return Err(Error::fault(format!("{at}/path"), "no_target", "say what is to be removed"));
            }
            (None, _) => {
                let Some(object) = value.as_object() else {
                    let detail = "without a path, send an object of attributes";
                    return Err(Error::fault(format!("{at}/value"), "invalid_value", detail));
                };
                for (name, value) in object {
                    let at = format!("{at}/value/{name}");
                    take_apart(op, Target::read(name, &at)?, value, at, &mut all);
                }
            }
        }
    }
    Ok(all)
}

/// The attributes of a whole resource, each as a replacement. Names that cannot be any are passed over.
///
/// # Errors
///
/// A fault `invalid_syntax` where it is no object.
pub fn of_resource(body: &Value) -> Result<Vec<Operation<'_>>> {
    let mut all = Vec::new();
    for (name, value) in object(body)? {
        let at = format!("/{name}");
        if let Ok(target) = Target::read(name, &at) {
            take_apart(Op::Replace, target, value, at, &mut all);
        }
    }
    Ok(all)
}

/// Attributes with parts become as many operations. A list of values stays whole: which of them counts is not known here.
fn take_apart<'v>(op: Op, target: Target, value: &'v Value, at: String, all: &mut Vec<Operation<'v>>) {
    let has_parts = target.which.is_none()
        && target.path.sub.is_none()
        && (target.path.schema.is_some() || target.path.is("name"));
    let parts = if has_parts { value.as_object() } else { None };
    let Some(parts) = parts else {
        all.push(Operation { op, target, value, at });
        return;
    };
    for (name, value) in parts {
        let path = if target.path.name.is_empty() {
            let (name, sub) = match name.split_once('.') {
                Some((name, sub)) => (name, Some(sub.to_owned())),
                None => (name.as_str(), None),
            };
            Path { name: name.to_owned(), sub, ..target.path.clone() }
        } else {
            target.path.part(name)
        };
        take_apart(op, Target { path, which: None }, value, format!("{at}/{name}"), all);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{BELLTOWER, ENTERPRISE};
    use super::*;

    fn said(all: &[Operation<'_>]) -> Vec<(Op, String, Value)> {
        let name = |path: &Path| {
            let schema = path.schema.map_or("", |schema| schema.rsplit(':').nth(2).unwrap_or_default());
            format!("{schema}/{}/{}", path.name, path.sub.as_deref().unwrap_or_default())
        };
        all.iter().map(|one| (one.op, name(&one.target.path), one.value.clone())).collect()
    }

    #[test]
    fn operations_are_taken_apart() {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "Replace", "path": "active", "value": "False"},
                {"op": "add", "value": {
                    "name": {"familyName": "李"}, "emails[type eq \"work\"].value": "a@b.example",
                    ENTERPRISE: {"department": "农学院"},
                    BELLTOWER: {"attributes": {"dorm": "3"}},
                }},
                {"OP": "remove", "PATH": "phoneNumbers"},
            ],
        });
        let all = read(&body).unwrap();
        let mut found = said(&all);
        found[1..5].sort_by(|a, b| a.1.cmp(&b.1));
        assert_eq!(
            found,
            [
                (Op::Replace, "/active/".to_owned(), json!("False")),
                (Op::Add, "/emails/value".to_owned(), json!("a@b.example")),
                (Op::Add, "/name/familyName".to_owned(), json!("李")),
                (Op::Add, "belltower/attributes/dorm".to_owned(), json!("3")),
                (Op::Add, "enterprise/department/".to_owned(), json!("农学院")),
                (Op::Remove, "/phoneNumbers/".to_owned(), Value::Null),
            ]
        );
        let email = all.iter().find(|one| one.target.path.is("emails")).unwrap();
        assert!(email.target.which.is_some());
        assert_eq!(email.at, "/Operations/1/value/emails[type eq \"work\"].value");
    }

    #[test]
    fn what_is_no_patch_is_told() {
        for (body, pointer, code) in [
            (json!([]), "", "invalid_syntax"),
            (json!({}), "/Operations", "invalid_syntax"),
            (json!({"Operations": []}), "/Operations", "invalid_syntax"),
            (json!({"Operations": [{"op": "move"}]}), "/Operations/0/op", "invalid_syntax"),
            (json!({"Operations": ["add"]}), "/Operations/0/op", "invalid_syntax"),
            (json!({"Operations": [{"op": "remove"}]}), "/Operations/0/path", "no_target"),
            (json!({"Operations": [{"op": "add", "value": 1}]}), "/Operations/0/value", "invalid_value"),
            (json!({"Operations": [{"op": "add", "path": 1}]}), "/Operations/0/path", "invalid_path"),
            (json!({"Operations": [{"op": "add", "path": "a b"}]}), "/Operations/0/path", "invalid_path"),
            (json!({"Operations": [{"op": "add", "path": "a[b]"}]}), "/Operations/0/path", "invalid_filter"),
        ] {
            let Err(Error::Invalid(faults)) = read(&body) else { panic!("{body}") };
            assert_eq!((faults[0].pointer.as_str(), faults[0].code.as_ref()), (pointer, code), "{body}");
        }
        let many: Vec<_> = (0..=MOST_OPERATIONS).map(|_| json!({"op": "remove", "path": "a"})).collect();
        assert!(read(&json!({ "Operations": many })).is_err());
    }

    #[test]
    fn a_resource_is_replaced_attribute_by_attribute() {
        let body = json!({"userName": "1", "": 2, "name": {"formatted": "x"}, "emails": [{"value": "a"}]});
        let mut found: Vec<_> =
            said(&of_resource(&body).unwrap()).into_iter().map(|(_, name, _)| name).collect();
        found.sort();
        assert_eq!(found, ["/emails/", "/name/formatted", "/userName/"]);
        assert!(of_resource(&json!("x")).is_err());
    }
}
