//! What the document says may be sent, the code takes, and what the code takes the document says: where a request names
//! something unknown, the refusal lists all that is known, and that must be what is described.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::document::{Document, Operation};
use super::{schema, values};
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
        if operation.path.ends_with("/events") {
            let strange = app.plain(Method::GET, &operation.path).bearer_auth(&app.live_key);
            if Answer::of(strange.header("Last-Event-ID", "strange")).await.status == 422 {
                read.insert("Last-Event-ID".to_owned());
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
        if operation.says.get("requestBody").is_some()
            || !operation.is_api()
            || operation.is_registrations()
            || operation.method == "DELETE"
        {
            continue;
        }
        let answer = ask(&app, &operation, "", Some(&json!({ UNKNOWN: 1 }))).await;
        assert!([200, 404].contains(&answer.status), "{}: {answer:?}", operation.name());
    }
}

/// Every object in a body that has fields of its own, by its place.
fn objects<'v>(document: &'v Document, schema: &'v Value, at: &str, into: &mut Vec<(String, &'v Value)>) {
    let schema = document.resolve(schema);
    for choice in
        ["oneOf", "allOf", "anyOf"].iter().filter_map(|combined| schema[combined].as_array()).flatten()
    {
        objects(document, choice, at, into);
    }
    let properties = schema["properties"].as_object();
    if properties.is_some() || at.is_empty() && schema["type"] == "object" {
        into.push((at.to_owned(), schema));
    }
    for (name, property) in properties.into_iter().flatten() {
        objects(document, property, &format!("{at}/{name}"), into);
    }
    for nested in
        ["items", "additionalProperties"].map(|nested| &schema[nested]).into_iter().filter(|s| s.is_object())
    {
        objects(document, nested, &format!("{at}/*"), into);
    }
}

#[test]
fn the_document_says_that_nothing_else_may_stand_in_a_body() {
    let document = Document::new();
    let mut seen = BTreeSet::new();
    for operation in document.operations() {
        let Some(schema) = operation.body() else { continue };
        let mut found = Vec::new();
        objects(&document, schema, "", &mut found);
        assert!(!found.is_empty(), "{}", operation.name());
        for (at, schema) in found {
            assert_eq!(schema["additionalProperties"], false, "{} {at}", operation.name());
            seen.insert(at);
        }
    }
    for nested in
        ["/audience/exclude", "/to/*", "/personalise/*", "/variants/*", "/messages/*/audience", "/zh"]
    {
        assert!(seen.contains(nested), "{nested}: {seen:?}");
    }
}

/// How a body is refused, or that it is not: the status, and the places and codes of the faults.
async fn refusal(app: &TestApp, operation: &Operation, body: &Value) -> (u16, BTreeSet<(String, String)>) {
    let answer = ask(app, operation, "", Some(body)).await;
    let problem: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let faults = problem["errors"].as_array().into_iter().flatten();
    let told = |fault: &Value, name: &str| fault[name].as_str().unwrap().to_owned();
    (answer.status, faults.map(|fault| (told(fault, "pointer"), told(fault, "code"))).collect())
}

#[tokio::test]
async fn null_is_described_where_it_is_the_same_as_leaving_a_field_out() {
    let (app, document) = (app().await, Document::new());
    let mut asked = 0;
    for (name, bodies) in values::bodies() {
        let (method, path) = name.split_once(' ').unwrap();
        let operation = document.operation(method, path);
        let described = document.resolve(operation.body().unwrap());
        for (field, property) in document.properties(described) {
            let Some(mut body) = bodies.iter().find(|body| body.get(field).is_some()).cloned() else {
                continue;
            };
            // The second of two with the same key is no message of its own.
            body.as_object_mut().unwrap().remove("dedup_key");
            body[field] = Value::Null;
            let null = refusal(&app, &operation, &body).await;
            body.as_object_mut().unwrap().remove(field);
            let same = null == refusal(&app, &operation, &body).await;
            let required =
                described["required"].as_array().is_some_and(|names| names.contains(&field.into()));
            let may_be_null = schema::mismatches(&document, property, &Value::Null).is_empty();
            assert_eq!(may_be_null, same && !required, "{name}: {field}: {null:?}");
            asked += 1;
        }
    }
    assert!(asked > 50, "{asked}");
}

#[tokio::test]
async fn a_parameter_that_is_left_empty_is_described_as_left_out() {
    let (app, mut asked) = (app().await, 0);
    for operation in Document::new().operations().iter().filter(|operation| operation.method == "GET") {
        for parameter in operation.says["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                let name = parameter["name"].as_str().unwrap();
                assert_eq!(parameter["allowEmptyValue"], true, "{}: {name}", operation.name());
                let (without, empty) = (
                    ask(&app, operation, "", None).await,
                    ask(&app, operation, &format!("?{name}="), None).await,
                );
                assert_eq!(without.status, empty.status, "{}: {name}", operation.name());
                asked += 1;
            }
        }
    }
    assert!(asked > 20, "{asked}");
}

#[tokio::test]
async fn a_body_that_may_be_left_out_is_not_null() {
    let (app, document) = (app().await, Document::new());
    let mut asked = 0;
    for operation in document.operations().iter().filter(|operation| operation.is_for_sources()) {
        let Some(described) = operation.body().filter(|_| operation.says["requestBody"]["required"] != true)
        else {
            continue;
        };
        assert!(!schema::mismatches(&document, described, &Value::Null).is_empty(), "{}", operation.name());
        ask(&app, operation, "", Some(&Value::Null)).await.problem(422, "invalid");
        asked += 1;
    }
    assert_eq!(asked, 6);
    let receipts = document.operation("POST", "/callbacks/{provider}/{secret}");
    assert_ne!(receipts.says["requestBody"]["required"], true, "some vendors say all of it in the query");
}

#[tokio::test]
async fn the_states_that_can_be_sent_again_are_those_described() {
    let (app, document) = (app().await, Document::new());
    let operation = document.operation("POST", "/api/v1/messages/{id}/resend");
    let properties = document.properties(operation.body().unwrap());
    let described = properties["states"]["items"]["enum"].as_array().unwrap();
    for state in document.0["components"]["schemas"]["State"]["enum"].as_array().unwrap() {
        let answer = ask(&app, &operation, "", Some(&json!({"states": [state]}))).await;
        assert_eq!(answer.status == 404, described.contains(state), "{state}: {answer:?}");
    }
    for (count, taken) in [(0, false), (1, true), (16, true), (17, false)] {
        let states = vec!["failed"; count];
        assert_eq!(schema_takes(properties["states"], count), taken, "{count}");
        let answer = ask(&app, &operation, "", Some(&json!({"states": states}))).await;
        assert_eq!(answer.status == 404, taken, "{count}: {answer:?}");
    }
}

/// Whether so many entries are as described.
fn schema_takes(schema: &Value, count: usize) -> bool {
    let bound = |name: &str, otherwise| schema[name].as_u64().unwrap_or(otherwise);
    (bound("minItems", 0)..=bound("maxItems", u64::MAX)).contains(&(count as u64))
}

#[tokio::test]
async fn the_values_of_keys_and_of_unknown_are_those_described() {
    let (app, document) = (app().await, Document::new());
    let message = json!({"topic": "a.b", "title": "t", "body": "b", "audience": {"everyone": true}});
    let operation = document.operation("POST", "/api/v1/messages");
    let parameter = |name: &str| {
        let all = operation.says["parameters"].as_array().unwrap();
        all.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"].clone()
    };
    assert_eq!(parameter("unknown")["enum"], json!(["skip"]));
    ask(&app, &operation, "?unknown=skip", Some(&message)).await.expect(202);
    ask(&app, &operation, "?unknown=keep", Some(&message)).await.problem(422, "invalid");

    let key = parameter("Idempotency-Key");
    assert_eq!((&key["type"], &key["pattern"]), (&json!("string"), &json!("^[ -~]+$")));
    assert_eq!((&key["minLength"], &key["maxLength"]), (&json!(1), &json!(255)));
    let longest = "k".repeat(255);
    for (key, status) in [(longest.clone(), 202), (longest + "k", 422), ("k\t".to_owned() + "k", 422)] {
        let request = app.plain(Method::POST, &operation.path).bearer_auth(&app.live_key).json(&message);
        let answer = Answer::of(request.header("Idempotency-Key", &key)).await;
        assert_eq!(answer.status, status, "{key:?}: {}", answer.text);
    }
}
