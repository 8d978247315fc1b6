//! What the server says of itself, and what it answers beside its paths.

use std::collections::BTreeSet;

use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::{Value, json};

use super::{BELLTOWER, ENTERPRISE, GROUP, USER, created, get, refused, request, send, text};
use crate::support::app::{Answer, TestApp, everything};

#[tokio::test]
async fn what_it_can_do_is_told() {
    let app = TestApp::start().await;
    let config = get(&app, "/ServiceProviderConfig").await.expect(200);
    let supported = |name: &str| config[name]["supported"].clone();
    assert_eq!(["patch", "filter", "sort", "etag"].map(supported), [true, true, true, true].map(Value::from));
    assert_eq!(["bulk", "changePassword"].map(supported), [json!(false), json!(false)]);
    assert_eq!(config["filter"]["maxResults"], 200);
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");

    let types = get(&app, "/ResourceTypes").await.expect(200);
    assert_eq!(types["totalResults"], 2);
    let user = get(&app, "/ResourceTypes/User").await.expect(200);
    assert_eq!((&user["endpoint"], &user["schema"]), (&json!("/Users"), &json!(USER)));
    assert_eq!(types["Resources"][0], user);
    refused(&get(&app, "/ResourceTypes/Device").await, 404, None);
    for schema in [USER, GROUP, ENTERPRISE, BELLTOWER] {
        assert_eq!(get(&app, &format!("/Schemas/{schema}")).await.expect(200)["id"], schema);
    }
    refused(&get(&app, "/Schemas/urn:example").await, 404, None);
}

/// The attributes of a schema by their names.
fn names(schema: &Value) -> BTreeSet<String> {
    schema["attributes"].as_array().unwrap().iter().map(|one| text(&one["name"])).collect()
}

#[tokio::test]
async fn schemas_name_what_is_shown() {
    let app = TestApp::start().await;
    let person = json!({
        "userName": "1", "externalId": "e", "displayName": "x", "preferredLanguage": "en", "userType": "staff",
        "emails": [{"value": "a@x.example"}], "phoneNumbers": [{"value": "13812345678", "type": "mobile"}],
        ENTERPRISE: {"department": "d", "employeeNumber": "7"},
        BELLTOWER: {"wecomUserid": "w", "wechatOpenid": "o", "attributes": {"year": 1}},
    });
    let user = send(&app, Method::POST, "/Users", &person).await.expect(201);
    let shown = |value: &Value| -> BTreeSet<String> {
        let common = ["schemas", "id", "meta", ENTERPRISE, BELLTOWER];
        value.as_object().unwrap().keys().filter(|name| !common.contains(&name.as_str())).cloned().collect()
    };
    let group = json!({"displayName": "g", "externalId": "e", "members": [{"value": user["id"]}]});
    let group = send(&app, Method::POST, "/Groups", &group).await.expect(201);
    for (schema, resource) in
        [(USER, &user), (ENTERPRISE, &user[ENTERPRISE]), (BELLTOWER, &user[BELLTOWER]), (GROUP, &group)]
    {
        let told = names(&get(&app, &format!("/Schemas/{schema}")).await.expect(200));
        assert_eq!(shown(resource), told, "{schema}");
    }
}

#[tokio::test]
async fn beside_its_paths_it_answers_in_its_own_form() {
    let app = TestApp::start().await;
    created(&app, "1").await;
    refused(&get(&app, "/Nowhere").await, 404, None);
    refused(&get(&app, "/Users/2024001").await, 404, None);
    let wrong = Answer::of(request(&app, Method::DELETE, "/Users")).await;
    refused(&wrong, 405, None);
    assert_eq!(wrong.header("allow"), Some("GET, POST, OPTIONS"));
    assert_eq!(wrong.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn what_the_standard_has_and_it_does_not_do_is_told_as_that() {
    let app = TestApp::start().await;
    let asked = [
        (Method::GET, ""),
        (Method::GET, "?filter=userName%20eq%20%22u01%22"),
        (Method::GET, "/"),
        (Method::POST, "/.search"),
        (Method::POST, "/Bulk"),
        (Method::GET, "/Me"),
        (Method::POST, "/Me"),
        (Method::PUT, "/Me"),
        (Method::PATCH, "/Me"),
        (Method::DELETE, "/Me"),
    ];
    for (n, (method, path)) in asked.into_iter().enumerate() {
        let answer = send(&app, method.clone(), path, &json!({})).await;
        let body = refused(&answer, 501, None);
        assert!(answer.header("x-request-id").is_some(), "{method} {path}: {body}");
        let stranger = Answer::of(app.plain(method.clone(), &format!("/scim/v2{path}"))).await;
        refused(&stranger, 401, None);
        let without = NewSource { rights: Vec::new(), ..everything(&format!("without-{n}")) };
        let key = app.add_source(without).await;
        let request = app.plain(method, &format!("/scim/v2{path}")).bearer_auth(key);
        refused(&Answer::of(request).await, 403, None);
    }
    refused(&get(&app, "/.search").await, 405, None);
}
