use serde_json::{Value, json};

use super::*;

/// What is kept of a body, as the directory writes it.
fn created(body: &Value) -> User {
    Said::of_resource(body).unwrap().applied(&User::unknown("2024001"), true).unwrap()
}

fn li() -> User {
    created(&json!({
        "schemas": [super::super::USER], "userName": "2024001", "externalId": "e-1", "displayName": "李伟",
        "name": {"formatted": "Wei Li"}, "active": true, "title": "ignored", "preferredLanguage": "zh-CN",
        "emails": [{"value": "home@x.example", "type": "home"}, {"value": "li@X.example", "type": "work"}],
        "phoneNumbers": [{"value": "0571 8697 0000", "type": "work"}, {"value": "13812345678", "type": "mobile"}],
        "userType": "student",
        ENTERPRISE: {"department": "农学院", "employeeNumber": "77", "manager": {"value": "x"}},
        BELLTOWER: {"wecomUserid": "li", "wechatOpenid": "o_1", "attributes": {"year": 2024, "dorm": "3-201"}},
    }))
}

fn patched(before: &User, operations: Value) -> Result<User> {
    Said::of_patch(&Value::from_iter([("Operations", operations)]), before)?.applied(before, false)
}

#[track_caller]
fn code(result: Result<User>) -> String {
    match result {
        Err(Error::Invalid(faults)) => faults[0].code.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn attributes_become_what_the_directory_calls_them() {
    let user = li();
    assert_eq!(
        serde_json::to_value(&user.person).unwrap(),
        json!({
            "campus_id": "2024001", "name": "李伟", "email": "li@x.example", "mobile": "+8613812345678",
            "wecom_userid": "li", "wechat_openid": "o_1", "language": "zh-CN", "department": "农学院",
            "attributes": {
                "role": "student", "employee_number": "77", "year": 2024, "dorm": "3-201",
            },
        })
    );
    assert!(user.active);
    assert_eq!((user.external_id.as_deref(), user.told), (Some("e-1"), 255));
}

#[test]
fn a_name_is_the_best_that_is_said() {
    for (body, name) in [
        (json!({"displayName": "李伟", "name": {"formatted": "Wei Li"}}), "李伟"),
        (json!({"displayName": "", "name": {"formatted": "Wei Li"}}), "Wei Li"),
        (json!({"name": {"familyName": "李", "givenName": "伟"}}), "李伟"),
        (json!({"name": {"familyName": "Jensen", "givenName": "Barbara"}}), "Barbara Jensen"),
        (json!({"NAME": {"GIVENNAME": "Barbara"}}), "Barbara"),
    ] {
        assert_eq!(created(&body).person.name, name, "{body}");
    }
    let nameless = Said::of_resource(&json!({"userName": "2024001"})).unwrap();
    assert_eq!(code(nameless.applied(&User::unknown("2024001"), true)), "invalid_value");
    assert_eq!(nameless.applied(&li(), true).unwrap().person.name, "李伟", "it stays where none is said");
}

#[test]
fn one_address_of_several_is_kept() {
    for (list, email) in [
        (json!([{"value": "a@x.example"}]), Some("a@x.example")),
        (json!(["a@x.example"]), Some("a@x.example")),
        (json!([{"value": "a@x.example", "type": "home"}]), Some("a@x.example")),
        (
            json!([{"value": "a@x.example", "type": "work"}, {"value": "b@x.example", "primary": "True"}]),
            Some("b@x.example"),
        ),
        (
            json!([{"value": "a@x.example", "type": "home"}, {"value": "b@x.example", "type": "Work"}]),
            Some("b@x.example"),
        ),
        (json!([]), None),
        (json!(null), None),
    ] {
        let user = created(&json!({"displayName": "x", "emails": list}));
        assert_eq!(user.person.email.as_deref(), email, "{list}");
    }
    let landline = json!([{"value": "0571 8697 0000", "type": "work", "primary": true}]);
    assert_eq!(created(&json!({"displayName": "x", "phoneNumbers": landline})).person.mobile, None);
}

#[test]
fn a_whole_record_clears_what_was_told_and_leaves_what_others_know() {
    let said = Said::of_resource(&json!({"userName": "2024001", "displayName": "李伟"})).unwrap();
    let cleared = said.applied(&li(), true).unwrap();
    assert_eq!((cleared.person.email, cleared.person.mobile, cleared.person.department), (None, None, None));
    assert_eq!((cleared.external_id, cleared.told), (None, 0));
    assert_eq!(
        serde_json::to_value(&cleared.person.attributes).unwrap(),
        json!({"year": 2024, "dorm": "3-201"}),
        "attributes are merged"
    );
    let imported = User { told: 0, ..li() };
    let landline =
        json!({"displayName": "李伟", "phoneNumbers": [{"value": "0571 8697 0000", "type": "work"}]});
    let landline = Said::of_resource(&landline).unwrap();
    assert_eq!(landline.applied(&li(), true).unwrap().person.mobile, None);
    assert_eq!(landline.applied(&imported, true).unwrap().person.mobile, imported.person.mobile);
    let kept = said.applied(&imported, true).unwrap();
    assert_eq!(kept.person, imported.person);
    let inactive = User { active: false, ..li() };
    assert!(!said.applied(&inactive, true).unwrap().active);
}

#[test]
fn patches_are_read_as_identity_systems_write_them() {
    let li = li();
    let entra = patched(
        &li,
        json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@x.example"},
            {"op": "Replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "13912345678"},
            {"op": "Replace", "path": "phoneNumbers[type eq \"work\"].value", "value": "0571 1"},
            {"op": "Replace", "path": "name.familyName", "value": "王"},
            {"op": "Add", "path": "userType", "value": [{"$ref": null, "value": "staff"}]},
            {
                "op": "Add",
                "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                "value": "理学院",
            },
            {"op": "Replace", "path": "active", "value": "False"},
        ]),
    )
    .unwrap();
    assert_eq!(entra.person.email.as_deref(), Some("new@x.example"));
    assert_eq!(entra.person.mobile.as_deref(), Some("+8613912345678"));
    assert_eq!((entra.person.name.as_str(), entra.active), ("李伟", false));
    assert_eq!(entra.person.department.as_deref(), Some("理学院"));
    assert_eq!(entra.person.attributes["role"], "staff");

    let okta = patched(&li, json!([{"op": "replace", "value": {"active": false}}])).unwrap();
    assert_eq!(okta, User { active: false, ..li.clone() });

    let keycloak = patched(
        &li,
        json!([{"op": "replace", "value": {
            "displayName": "李炜", "emails": [{"value": "k@x.example", "primary": true}], "locale": "zh",
        }}]),
    )
    .unwrap();
    assert_eq!(
        (keycloak.person.name.as_str(), keycloak.person.email.as_deref()),
        ("李炜", Some("k@x.example"))
    );

    let removed = patched(
        &li,
        json!([
            {"op": "remove", "path": "emails[type eq \"work\"]"},
            {"op": "remove", "path": "phoneNumbers[value eq \"13812345678\"]"},
            {"op": "remove", "path": "externalId"},
            {"op": "remove", "path": "urn:ietf:params:scim:schemas:extension:belltower:2.0:User:attributes.dorm"},
        ]),
    )
    .unwrap();
    assert_eq!((removed.person.email, removed.person.mobile, removed.external_id), (None, None, None));
    assert!(!removed.person.attributes.contains_key("dorm"));
    assert_eq!(removed.told & 3, 0);
}

#[test]
fn another_kind_of_address_changes_nothing() {
    let li = li();
    for operations in [
        json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": "h@x.example"}]),
        json!([{"op": "remove", "path": "emails[type eq \"home\"]"}]),
        json!([{"op": "remove", "path": "emails", "value": [{"value": "home@x.example"}]}]),
        json!([{"op": "add", "path": "phoneNumbers", "value": [{"value": "0571 1", "type": "work"}]}]),
        json!([{"op": "replace", "path": "emails[type eq \"work\"].primary", "value": "True"}]),
        json!([{"op": "add", "path": "nickName", "value": "Wei"}]),
        json!([{"op": "add", "path": "urn:example:schemas:2.0:User:shoeSize", "value": 44}]),
        json!([{"op": "replace", "path": "addresses[type eq \"work\"].locality", "value": "杭州"}]),
        json!([{"op": "replace", "path": "userName", "value": "2024001"}]),
        json!([{"op": "replace", "value": {"id": "x", "meta": {}, "schemas": []}}]),
    ] {
        assert_eq!(patched(&li, operations.clone()).unwrap(), li, "{operations}");
    }
    let nobody = User { told: 0, ..created(&json!({"displayName": "x"})) };
    let added = json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "a@x.example"}]);
    assert_eq!(patched(&nobody, added).unwrap().person.email.as_deref(), Some("a@x.example"));
}

#[test]
fn what_is_wrong_is_told() {
    let li = li();
    for (operations, expected) in [
        (json!([{"op": "replace", "path": "userName", "value": "2"}]), "mutability"),
        (json!([{"op": "remove", "path": "userName"}]), "invalid_value"),
        (json!([{"op": "remove", "path": "displayName"}]), "invalid_value"),
        (json!([{"op": "replace", "path": "active", "value": "perhaps"}]), "invalid_value"),
        (json!([{"op": "replace", "path": "displayName", "value": {"a": 1}}]), "invalid_value"),
        (json!([{"op": "replace", "path": "externalId", "value": "a\u{0}"}]), "invalid_value"),
        (
            json!([{"op": "replace", "path": "emails[value eq \"x\"].value", "value": "y@x.example"}]),
            "no_target",
        ),
        (json!([{"op": "replace", "path": "emails.value", "value": "nonsense"}]), "bad_address"),
        (json!([{"op": "remove", "path": format!("{BELLTOWER}:attributes")}]), "invalid_path"),
        (json!([{"op": "add", "path": format!("{BELLTOWER}:attributes"), "value": 1}]), "invalid_value"),
        (json!([{"op": "add", "path": format!("{BELLTOWER}:attributes.a"), "value": []}]), "not_flat"),
    ] {
        assert_eq!(code(patched(&li, operations.clone())), expected, "{operations}");
    }
}

#[test]
fn a_version_is_of_what_is_shown() {
    let (li, id) = (li(), RecipientId(1));
    let version = li.version(id).unwrap();
    assert_eq!(User { told: 0, ..li.clone() }.version(id).unwrap(), version);
    assert_ne!(User { active: false, ..li.clone() }.version(id).unwrap(), version);
    assert_ne!(li.version(RecipientId(2)).unwrap(), version);
}
