//! The directory as identity systems keep it, through real HTTP.

mod both;
mod discovery;
mod groups;
mod patches;
mod provider;
mod users;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const BELLTOWER: &str = "urn:ietf:params:scim:schemas:extension:belltower:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A request below `/scim/v2` with the live key.
fn request(app: &TestApp, method: Method, path: &str) -> RequestBuilder {
    app.plain(method, &format!("/scim/v2{path}")).bearer_auth(&app.live_key)
}

fn with_body(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header("Content-Type", "application/scim+json").body(body.to_string())
}

async fn get(app: &TestApp, path: &str) -> Answer {
    Answer::of(request(app, Method::GET, path)).await
}

async fn send(app: &TestApp, method: Method, path: &str, body: &Value) -> Answer {
    Answer::of(with_body(request(app, method, path), body)).await
}

async fn delete(app: &TestApp, path: &str) -> Answer {
    Answer::of(request(app, Method::DELETE, path)).await
}

async fn patch(app: &TestApp, path: &str, operations: Value) -> Answer {
    send(app, Method::PATCH, path, &json!({ "schemas": [PATCH], "Operations": operations })).await
}

/// What a filter finds; the filter is escaped here.
async fn find(app: &TestApp, kind: &str, filter: &str) -> Value {
    let query: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
    get(app, &format!("/{kind}?{query}")).await.expect(200)
}

/// The body of an error in the form of the standard.
#[track_caller]
fn refused(answer: &Answer, status: u16, scim_type: Option<&str>) -> Value {
    let body = answer.expect(status);
    assert_eq!(answer.header("content-type"), Some("application/scim+json"), "{answer:?}");
    assert_eq!(body["schemas"], json!([ERROR]), "{body}");
    assert_eq!(body["status"], status.to_string(), "{body}");
    assert_eq!(body.get("scimType").and_then(Value::as_str), scim_type, "{body}");
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    body
}

/// Somebody as identity systems write them.
fn somebody(user_name: &str, name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": user_name,
        "externalId": format!("ext-{user_name}"),
        "displayName": name,
        "active": true,
        "emails": [{"value": format!("{user_name}@x.example"), "type": "work", "primary": true}],
        ENTERPRISE: {"department": "农学院"},
    })
}

/// Creates them; answers their id.
async fn created(app: &TestApp, user_name: &str) -> String {
    let answer = send(app, Method::POST, "/Users", &somebody(user_name, user_name)).await;
    text(&answer.expect(201)["id"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
