//! Groups: a name, an id of the identity system's own, and who is in them.

use serde_json::Value;

use super::filter::{Filter, Literal, Operator, Test};
use super::patch::{self, Op, Operation};
use super::{external_id_of, text_of};
use crate::domain::group::is_slug;
use crate::domain::id::RecipientId;
use crate::error::{Error, Result};

/// Members that one request may name.
pub const MOST_MEMBERS: usize = 100_000;
const LONGEST_NAME: usize = 200;
/// Letters of a name in a slug; what tells it from others comes after.
const LONGEST_STEM: usize = 48;

/// What becomes of who is in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    Add(Vec<RecipientId>),
    Remove(Vec<RecipientId>),
    /// They and nobody else.
    Replace(Vec<RecipientId>),
}

/// What one request says of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub name: Option<String>,
    pub external_id: Option<Option<String>>,
    /// In the order in which it is to be done.
    pub members: Vec<Members>,
}

impl Said {
    /// A whole resource. Who is in it stays as it is where `members` is left out.
    ///
    /// # Errors
    ///
    /// Faults with codes of [`super`].
    pub fn of_resource(body: &Value) -> Result<Self> {
        let said = Self::of(&patch::of_resource(body)?)?;
        if said.name.is_none() {
            return Err(Error::fault("/displayName", "invalid_value", "a group has a `displayName`"));
        }
        Ok(said)
    }

    /// # Errors
    ///
    /// Faults with codes of [`super`].
    pub fn of_patch(body: &Value) -> Result<Self> {
        Self::of(&patch::read(body)?)
    }

    fn of(operations: &[Operation<'_>]) -> Result<Self> {
        let mut said = Self::default();
        let mut named = 0;
        for operation in operations {
            said.take(operation, &mut named)?;
        }
        Ok(said)
    }

    fn take(&mut self, operation: &Operation<'_>, named: &mut usize) -> Result<()> {
        let Operation { op, target, value, at } = operation;
        let path = &target.path;
        let removed = *op == Op::Remove;
        if path.is("displayName") && path.sub.is_none() {
            let name = if removed { None } else { text_of(value, at)? };
            self.name = Some(check_name(name, at)?);
        } else if path.is("externalId") && path.sub.is_none() {
            self.external_id = Some(if removed { None } else { external_id_of(value, at)? });
        } else if path.is("members") {
            let ids = match &target.which {
                Some(which) if path.sub.is_none() && removed => of_filter(which, at)?,
                Some(_) => {
                    let detail =
                        "members are added and replaced by the list; only what is removed can be chosen";
                    return Err(Error::fault(at, "invalid_path", detail));
                }
                None if path.sub.is_none() || path.sub_is("value") => of_list(value, at)?,
                None => return Ok(()),
            };
            *named += ids.len();
            if *named > MOST_MEMBERS {
                let detail = format!("at most {MOST_MEMBERS} members in one request");
                return Err(Error::fault(at, "invalid_value", detail));
            }
            self.members.push(match op {
                Op::Add => Members::Add(ids),
                Op::Replace => Members::Replace(ids),
                Op::Remove if target.which.is_none() && value.is_null() => Members::Replace(Vec::new()),
                Op::Remove => Members::Remove(ids),
            });
        }
        Ok(())
    }
}

fn check_name(name: Option<String>, at: &str) -> Result<String> {
    let name = name.ok_or_else(|| Error::fault(at, "invalid_value", "a group has a `displayName`"))?;
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let detail = format!("at most {LONGEST_NAME} characters in one line");
        return Err(Error::fault(at, "invalid_value", detail));
    }
    Ok(name)
}

/// `[{"value": "rcp_…"}, …]`; also one alone, and the ids as they are.
fn of_list(value: &Value, at: &str) -> Result<Vec<RecipientId>> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => {
            let each = list.iter().enumerate();
            each.map(|(i, one)| of_member(one, &format!("{at}/{i}"))).collect()
        }
        one => Ok(vec![of_member(one, at)?]),
    }
}

fn of_member(value: &Value, at: &str) -> Result<RecipientId> {
    let is_group =
        value.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("group"));
    let id = value.get("value").unwrap_or(value).as_str();
    match id.map(str::parse) {
        Some(Ok(id)) if !is_group => Ok(id),
        _ => Err(nobody(at)),
    }
}

/// A fault for a member that is nobody.
pub fn nobody(at: &str) -> Error {
    Error::fault(at, "invalid_value", "a member is the `id` of a user; groups within groups are not kept")
}

/// Whom `members[value eq "rcp_…" or value eq "rcp_…"]` names.
fn of_filter(which: &Filter, at: &str) -> Result<Vec<RecipientId>> {
    match which {
        Filter::Any(all) => {
            let each: Result<Vec<_>> = all.iter().map(|one| of_filter(one, at)).collect();
            Ok(each?.concat())
        }
        Filter::Is { path, test: Test::Compare(Operator::Eq, Literal::Text(id)), .. } if path.is("value") => {
            // Nobody of that id is in it.
            Ok(id.parse().ok().into_iter().collect())
        }
        _ => Err(Error::fault(at, "invalid_filter", "members are chosen by `value eq`, and several by `or`")),
    }
}

/// A slug for a group of that name, which it keeps whatever it is called later. `attempt`: from 0, another one each time.
pub fn slug(name: &str, attempt: u32) -> String {
    use sha2::{Digest as _, Sha256};

    let mut stem = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            stem.push(c.to_ascii_lowercase());
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
        if stem.len() >= LONGEST_STEM {
            break;
        }
    }
    let stem = stem.trim_matches(['-', '_']);
    // What is lost of a name in another script tells it from others.
    if attempt == 0 && name.is_ascii() && is_slug(stem) {
        return stem.to_owned();
    }
    let digest = Sha256::digest(format!("{attempt} {name}"));
    let mark: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    if stem.is_empty() { format!("group-{mark}") } else { format!("{stem}-{mark}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(operations: Value) -> Result<Said> {
        Said::of_patch(&Value::from_iter([("Operations", operations)]))
    }

    fn id(n: i64) -> String {
        RecipientId(n).to_string()
    }

    #[test]
    fn members_are_changed_as_identity_systems_write_it() {
        let ids = |list: &[i64]| list.iter().map(|n| RecipientId(*n)).collect::<Vec<_>>();
        for (what, operations, members) in [
            (
                "Entra ID adds",
                json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": id(1)}]}]),
                vec![Members::Add(ids(&[1]))],
            ),
            (
                "Entra ID removes",
                json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": id(1)}]}]),
                vec![Members::Remove(ids(&[1]))],
            ),
            (
                "Okta removes",
                json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", id(2))}]),
                vec![Members::Remove(ids(&[2]))],
            ),
            (
                "Okta replaces",
                json!([
                    {"op": "replace", "path": "members", "value": [
                        {"value": id(1), "display": "李伟"}, {"value": id(2), "display": "王敏"},
                    ]},
                ]),
                vec![Members::Replace(ids(&[1, 2]))],
            ),
            (
                "several without a path",
                json!([{"op": "add", "value": {"members": [{"value": id(1)}, {"value": id(3)}]}}]),
                vec![Members::Add(ids(&[1, 3]))],
            ),
            ("all", json!([{"op": "remove", "path": "members"}]), vec![Members::Replace(vec![])]),
            (
                "several chosen",
                json!([{"op": "remove", "path": format!(
                    "members[value eq \"{}\" or value eq \"{}\"]", id(1), id(2)
                )}]),
                vec![Members::Remove(ids(&[1, 2]))],
            ),
        ] {
            assert_eq!(patch(operations).unwrap().members, members, "{what}");
        }
    }

    #[test]
    fn names_and_ids_are_read() {
        let said = patch(json!([
            {"op": "replace", "value": {"id": "grp_x", "displayName": " 合唱团 "}},
            {"op": "Replace", "path": "externalId", "value": "8aa1"},
        ]));
        let expected = Said {
            name: Some("合唱团".to_owned()),
            external_id: Some(Some("8aa1".to_owned())),
            members: Vec::new(),
        };
        assert_eq!(said.unwrap(), expected);
        let whole = Said::of_resource(&json!({"displayName": "x", "members": []})).unwrap();
        assert_eq!((whole.members, whole.external_id), (vec![Members::Replace(vec![])], None));
        assert!(Said::of_resource(&json!({"displayName": "x"})).unwrap().members.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (operations, code) in [
            (json!([{"op": "add", "path": "members", "value": [{"value": "me"}]}]), "invalid_value"),
            (
                json!([{"op": "add", "path": "members", "value": [{"value": id(1), "type": "Group"}]}]),
                "invalid_value",
            ),
            (json!([{"op": "remove", "path": "members[display eq \"x\"]"}]), "invalid_filter"),
            (
                json!([{"op": "replace", "path": "members[value eq \"x\"].value", "value": "y"}]),
                "invalid_path",
            ),
            (json!([{"op": "remove", "path": "displayName"}]), "invalid_value"),
            (json!([{"op": "replace", "path": "displayName", "value": "a\nb"}]), "invalid_value"),
        ] {
            let Err(Error::Invalid(faults)) = patch(operations.clone()) else { panic!("{operations}") };
            assert_eq!(faults[0].code, code, "{operations}");
        }
        assert!(Said::of_resource(&json!({})).is_err());
    }

    #[test]
    fn every_name_has_a_slug() {
        assert_eq!(slug("Choir 2024", 0), "choir-2024");
        assert_eq!(slug("  (All) Staff! ", 0), "all-staff");
        let long = "x".repeat(300);
        for name in ["合唱团", "合唱团 A", "Choir 2024", "---", "_", "é", long.as_str()] {
            let all: Vec<_> = (0..3).map(|attempt| slug(name, attempt)).collect();
            assert!(all.iter().all(|slug| is_slug(slug)), "{all:?}");
            assert!(all[0] != all[1] && all[1] != all[2], "{all:?}");
        }
        assert_ne!(slug("合唱团", 0), slug("篮球队", 0));
    }
}
