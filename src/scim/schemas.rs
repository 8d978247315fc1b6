//! The attributes that are kept, in the words of RFC 7643 §7.

use serde_json::{Value, json};

use super::answer;
use crate::Result;
use crate::domain::scim::{BELLTOWER, ENTERPRISE, GROUP, USER};
use crate::service::Services;

/// An attribute with one value that can be read and written.
fn text(name: &str, about: &str) -> Value {
    json!({
        "name": name, "type": "string", "multiValued": false, "description": about, "required": false,
        "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    })
}

/// The attribute with some characteristics that are other ones.
fn with(mut attribute: Value, changes: Value) -> Value {
    if let (Some(attribute), Value::Object(changes)) = (attribute.as_object_mut(), changes) {
        attribute.extend(changes);
    }
    attribute
}

fn flag(name: &str, about: &str) -> Value {
    let mut attribute = with(text(name, about), json!({ "type": "boolean" }));
    if let Some(attribute) = attribute.as_object_mut() {
        attribute.remove("caseExact");
        attribute.remove("uniqueness");
    }
    attribute
}

fn parts(name: &str, about: &str, several: bool, parts: &[Value]) -> Value {
    json!({
        "name": name, "type": "complex", "multiValued": several, "description": about, "required": false,
        "mutability": "readWrite", "returned": "default", "subAttributes": parts,
    })
}

/// A list of which one entry, of that type, is kept.
fn addresses(name: &str, about: &str, kind: &str) -> Value {
    let of = [
        text("value", "The address itself"),
        with(text("type", "Of what kind it is"), json!({ "canonicalValues": [kind] })),
        flag("primary", "True of the one that is kept"),
    ];
    parts(name, about, true, &of)
}

fn user() -> Vec<Value> {
    vec![
        with(
            text("userName", "The campus id (学号, 工号). A person keeps it."),
            json!({ "required": true, "mutability": "immutable", "uniqueness": "server" }),
        ),
        with(text("externalId", "The identity system's own id"), json!({ "caseExact": true })),
        text("displayName", "The person's name"),
        parts(
            "name",
            "The name where `displayName` is not sent",
            false,
            &[
                text("formatted", "The whole name"),
                with(text("familyName", "Read where no whole name is sent"), json!({ "returned": "never" })),
                with(text("givenName", "Read where no whole name is sent"), json!({ "returned": "never" })),
            ],
        ),
        flag("active", "Messages reach only who is"),
        addresses("emails", "The primary one, or the one of type work, is kept", "work"),
        addresses("phoneNumbers", "The one of type mobile is kept", "mobile"),
        text("preferredLanguage", "The language that the person reads, such as zh-CN"),
        text("userType", "The attribute `role` of the directory, such as student"),
    ]
}

fn enterprise() -> Vec<Value> {
    vec![
        text("department", "The department, by which administrators are limited"),
        text("employeeNumber", "The attribute `employee_number` of the directory"),
    ]
}

fn belltower() -> Vec<Value> {
    vec![
        text("wecomUserid", "The member's id in WeCom. What a person bound stays."),
        with(
            text("wechatOpenid", "The openid of the Official Account. What a person bound stays."),
            json!({ "caseExact": true }),
        ),
        parts(
            "attributes",
            "All other attributes of the directory by their names, merged one by one: strings, numbers, booleans; null takes \
             one away",
            false,
            &[],
        ),
    ]
}

fn group() -> Vec<Value> {
    vec![
        with(
            text("displayName", "The group's name; of several groups none is called like another"),
            json!({ "required": true, "uniqueness": "server" }),
        ),
        with(text("externalId", "The identity system's own id"), json!({ "caseExact": true })),
        parts(
            "members",
            "People; groups within groups are not kept. Left out of lists and of a group of more than 1,000 unless asked \
             for.",
            true,
            &[
                with(
                    text("value", "The `id` of a user"),
                    json!({ "caseExact": true, "mutability": "immutable" }),
                ),
                with(
                    text("$ref", "Where the user is"),
                    json!({ "type": "reference", "referenceTypes": ["User"], "mutability": "readOnly" }),
                ),
                with(text("display", "The person's name"), json!({ "mutability": "readOnly" })),
                with(
                    text("type", "`User`"),
                    json!({ "mutability": "immutable", "canonicalValues": ["User"] }),
                ),
            ],
        ),
    ]
}

/// Every schema.
pub(super) fn all(s: &Services) -> Result<[Value; 4]> {
    let one = |urn: &str, name: &str, about: &str, attributes: Vec<Value>| {
        Ok::<_, crate::Error>(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": urn,
            "name": name,
            "description": about,
            "attributes": attributes,
            "meta": { "resourceType": "Schema", "location": answer::location(s, &format!("Schemas/{urn}"))? },
        }))
    };
    Ok([
        one(USER, "User", "A person of the directory", user())?,
        one(GROUP, "Group", "A group that lists its members", group())?,
        one(ENTERPRISE, "EnterpriseUser", "What organisations add to a person", enterprise())?,
        one(BELLTOWER, "BelltowerUser", "What Belltower adds to a person", belltower())?,
    ])
}
