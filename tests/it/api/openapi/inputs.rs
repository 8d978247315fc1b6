//! What the document says may be sent, the code takes, and what the code takes the document says: where a request names
//! something unknown, the refusal lists all that is known, and that must be what is described.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::document::{Document, Operation};
use crate::support::app::{Answer, TestApp};

const UNKNOWN: &str = "zzz";

/// An app in which `campus_id` and `slug` name something, so that bodies are read to the end.
async fn app() -> TestApp {
    let app = TestApp::start().await;
    Answer::of(app.api(Method::PUT, "/recipients/x").json(&json!({"name": "王敏"}))).await.expect(201);
    let group = json!({"name": "g", "kind": "static"});
    Answer::of(app.api(Method::PUT, "/groups/x").json(&group)).await.expect(201);
    app
}

async fn ask(app: &TestApp, operation: &Operation, query: &str, body: Option<&Value>) -> Answer {
    let path = operation
        .path
        .replace("{id}", "msg_0000000000000")
        .replace("{campus_id}", "x")
        .replace("{slug}", "x");
    let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
    let request = app.plain(method, &format!("{path}{query}")).bearer_auth(&app.live_key);
    let media =
        operation.says["requestBody"]["content"].as_object().and_then(|content| content.keys().next());
    Answer::of(match (body, media) {
        (Some(body), _) => request.json(body),
        (None, Some(media)) => request.header("Content-Type", media).body("{}"),
        (None, None) => request,
    })
    .await
}

/// The names between backticks in the detail of the fault at `pointer`.
fn known(errors: &Value, pointer: &str) -> Option<BTreeSet<String>> {
    let fault = errors.as_array()?.iter().find(|fault| fault["pointer"] == pointer)?;
    assert!(["unknown_parameter", "unknown_field"].contains(&fault["code"].as_str()?), "{fault}");
    let (_, names) = fault["detail"].as_str()?.split_once("; use ").unwrap_or_default();
    let names = names.split('`').skip(1).step_by(2).filter(|name| !name.is_empty());
    Some(names.map(str::to_owned).collect())
}

#[tokio::test]
async fn query_parameters_are_those_described() {
    let app = app().await;
    let mut asked = 0;
    for operation in Document::new().operations().iter().filter(|operation| operation.is_for_sources()) {
        let answer = ask(&app, operation, &format!("?{UNKNOWN}=1"), None).await;
        let problem = answer.problem(422, "invalid");
        let found = known(&problem["errors"], &format!("?{UNKNOWN}"));
        let found = found.unwrap_or_else(|| panic!("{}: {problem}", operation.name()));
        assert_eq!(operation.parameters("query"), found, "{}", operation.name());
        asked += 1;
    }
    assert!(asked > 20);
}

#[tokio::test]
async fn headers_that_are_described_are_those_that_are_read() {
    let app = TestApp::start().await;
    let message = json!({"topic": "a.b", "title": "t", "body": "b", "audience": {"everyone": true}});
    let batch = json!({"messages": [message]});
    let press = super::walk::press();
    for operation in Document::new().operations().into_iter().filter(|operation| !operation.is_buttons()) {
        // What a request with each of the two is answered with tells whether it was read.
        let mut read = BTreeSet::new();
        let bodies = [
            ("/api/v1/messages", &message),
            ("/api/v1/messages/batch", &batch),
            ("/api/v1/broadcasts", &press),
        ];
        if let Some(body) = bodies
            .into_iter()
            .find_map(|(path, body)| (operation.name() == format!("POST {path}")).then_some(body))
        {
            let request = || app.plain(Method::POST, &operation.path).bearer_auth(&app.live_key).json(body);
            if Answer::of(request().header("Prefer", "wait=0")).await.header("preference-applied").is_some() {
                read.insert("Prefer".to_owned());
            }
            let too_long = request().header("Idempotency-Key", "k".repeat(256));
            if Answer::of(too_long).await.status == 422 {
                read.insert("Idempotency-Key".to_owned());
            }
        }
        assert_eq!(operation.parameters("header"), read, "{}", operation.name());
    }
}

/// A body that holds something unknown in each object it describes, and where.
fn hostile(
    document: &Document,
    schema: &Value,
    at: &str,
    into: &mut Vec<(String, BTreeSet<String>)>,
) -> Value {
    let properties = document.properties(schema);
    if properties.is_empty() {
        return Value::Null;
    }
    let names = properties.keys().map(|name| (*name).to_owned()).collect();
    into.push((format!("{at}/{UNKNOWN}"), names));
    let mut body = json!({ UNKNOWN: 1 });
    for (name, schema) in properties {
        let schema = document.resolve(schema);
        let (more, items) = (&schema["additionalProperties"], &schema["items"]);
        let nested = if more.is_object() {
            json!({"sms": hostile(document, more, &format!("{at}/{name}/sms"), into)})
        } else if items.is_object() {
            json!([hostile(document, items, &format!("{at}/{name}/0"), into)])
        } else {
            hostile(document, schema, &format!("{at}/{name}"), into)
        };
        if nested.to_string().contains(UNKNOWN) {
            body[name] = nested;
        }
    }
    body
}

#[tokio::test]
async fn fields_of_bodies_are_those_described_however_deep() {
    let (app, document) = (app().await, Document::new());
    let mut seen = BTreeSet::new();
    for operation in document.operations().into_iter().filter(|operation| !operation.is_buttons()) {
        let Some(schema) = operation.body() else { continue };
        let name = operation.name();
        // A batch answers for each message apart.
        if name == "POST /api/v1/messages/batch" {
            let mut places = Vec::new();
            hostile(&document, schema, "", &mut places);
            let fields = &places.iter().find(|(at, _)| at == "/messages/0/zzz").unwrap().1;
            let single = document.operation("POST", "/api/v1/messages");
            let single = document.properties(single.body().unwrap());
            let mut expected: BTreeSet<_> = single.keys().map(|name| (*name).to_owned()).collect();
            expected.insert("idempotency_key".to_owned());
            assert_eq!(*fields, expected);
            let problem = ask(&app, &operation, "", Some(&json!({"messages": [], UNKNOWN: 1}))).await;
            let found = known(&problem.problem(422, "invalid")["errors"], "/zzz").unwrap();
            assert_eq!(found, BTreeSet::from(["messages".to_owned()]));
            continue;
        }
        let mut places = Vec::new();
        let body = hostile(&document, schema, "", &mut places);
        let sent = if body.is_null() { json!({ UNKNOWN: 1 }) } else { body };
        if places.is_empty() {
            places.push((format!("/{UNKNOWN}"), BTreeSet::new()));
        }
        let problem = ask(&app, &operation, "", Some(&sent)).await.problem(422, "invalid");
        for (at, described) in places {
            let found = known(&problem["errors"], &at);
            let found = found.unwrap_or_else(|| panic!("{name}: nothing about {at}: {problem:#}"));
            assert_eq!(described, found, "{name}: {at}");
            seen.insert(at);
        }
    }
    for nested in
        ["/audience/zzz", "/audience/exclude/zzz", "/to/0/zzz", "/personalise/0/zzz", "/variants/sms/zzz"]
    {
        assert!(seen.contains(nested), "{nested}: {seen:?}");
    }
}

#[tokio::test]
async fn operations_without_a_body_described_read_none() {
    let app = app().await;
    for operation in Document::new().operations() {
        if operation.says.get("requestBody").is_some() || !operation.is_api() || operation.method == "DELETE"
        {
            continue;
        }
        let answer = ask(&app, &operation, "", Some(&json!({ UNKNOWN: 1 }))).await;
        assert!([200, 404].contains(&answer.status), "{}: {answer:?}", operation.name());
    }
}
