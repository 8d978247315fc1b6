//! Changes word for word as Entra ID, Okta and Keycloak send them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ENTERPRISE, created, get, patch, refused, send, text};
use crate::support::app::TestApp;

async fn patched(app: &TestApp, id: &str, operations: Value) -> Value {
    patch(app, &format!("/Users/{id}"), operations).await.expect(200)
}

#[tokio::test]
async fn entra_id_changes_attributes_and_switches_people_off() {
    let app = TestApp::start().await;
    let id = created(&app, "2024001").await;
    let user = patched(
        &app,
        &id,
        json!([
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "updatedEmail@microsoft.example"},
            {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
            {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "13812345678"},
            {
                "op": "Add",
                "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
                "value": "77",
            },
        ]),
    )
    .await;
    assert_eq!(user["emails"][0]["value"], "updatedEmail@microsoft.example");
    assert_eq!(
        (&user["displayName"], &user["phoneNumbers"][0]["value"]),
        (&json!("2024001"), &json!("+8613812345678"))
    );
    assert_eq!(user[ENTERPRISE], json!({"department": "农学院", "employeeNumber": "77"}));

    let off = patched(&app, &id, json!([{"op": "Replace", "path": "active", "value": "False"}])).await;
    assert_eq!(off["active"], false);
    let whole = json!([{"op": "replace", "value": {
        "active": "True", "displayName": "李伟",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "理学院",
        "emails[type eq \"work\"].value": "li@x.example",
    }}]);
    let on = patched(&app, &id, whole).await;
    assert_eq!((&on["active"], &on["displayName"]), (&json!(true), &json!("李伟")));
    assert_eq!(
        (&on["emails"][0]["value"], &on[ENTERPRISE]["department"]),
        (&json!("li@x.example"), &json!("理学院"))
    );
}

#[tokio::test]
async fn okta_switches_people_off_and_keycloak_replaces_lists() {
    let app = TestApp::start().await;
    let id = created(&app, "2024001").await;
    let off = patched(&app, &id, json!([{"op": "replace", "value": {"active": false}}])).await;
    assert_eq!(off["active"], false);
    let user = patched(
        &app,
        &id,
        json!([
            {"op": "replace", "path": "active", "value": true},
            {"op": "replace", "path": "emails", "value": [{"value": "k@x.example", "primary": true}]},
            {"op": "replace", "path": "name", "value": {"familyName": "李", "givenName": "伟"}},
            {"op": "replace", "path": "displayName", "value": "李伟"},
        ]),
    )
    .await;
    assert_eq!((&user["active"], &user["displayName"]), (&json!(true), &json!("李伟")));
    assert_eq!(user["emails"], json!([{"value": "k@x.example", "type": "work", "primary": true}]));
    let without = patched(&app, &id, json!([{"op": "remove", "path": "emails"}])).await;
    assert!(without.get("emails").is_none(), "{without}");
}

#[tokio::test]
async fn all_of_a_patch_is_done_or_nothing() {
    let app = TestApp::start().await;
    let id = created(&app, "2024001").await;
    let path = format!("/Users/{id}");
    let before = get(&app, &path).await.expect(200);
    for (operations, status, scim_type) in [
        (json!([{"op": "replace", "path": "userName", "value": "2"}]), 400, "mutability"),
        (json!([{"op": "replace", "path": "emails[type eq", "value": "x"}]), 400, "invalidFilter"),
        (json!([{"op": "replace", "path": "emails[type eq \"work\"]]", "value": "x"}]), 400, "invalidPath"),
        (json!([{"op": "remove"}]), 400, "noTarget"),
        (json!([{"op": "copy", "path": "displayName"}]), 400, "invalidSyntax"),
        (json!([{"op": "replace", "path": "active", "value": "perhaps"}]), 400, "invalidValue"),
        (
            json!([{"op": "replace", "path": "emails[value eq \"other@x.example\"].value", "value": "y@x.example"}]),
            400,
            "noTarget",
        ),
    ] {
        let mut all = vec![json!({"op": "replace", "path": "displayName", "value": "王敏"})];
        all.extend(operations.as_array().unwrap().iter().cloned());
        refused(&patch(&app, &path, json!(all)).await, status, Some(scim_type));
        assert_eq!(get(&app, &path).await.expect(200), before, "{operations}");
    }
    let bare = send(&app, Method::PATCH, &path, &json!({"displayName": "王敏"})).await;
    refused(&bare, 400, Some("invalidSyntax"));
    app.clock.turn(5_000);
    let same = patched(
        &app,
        &id,
        json!([{"op": "add", "path": "displayName", "value": text(&before["displayName"])}]),
    );
    assert_eq!(same.await, before, "what is the same is not written");
}
