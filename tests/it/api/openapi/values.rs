//! Whatever the document says may be sent is sent, and taken.

use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::document::Document;
use super::schema;
use super::walk::{NONE, Walk, fill, keyed, message, press};

/// Complete bodies whose fields together are all that a schema has.
pub(super) fn bodies() -> Vec<(&'static str, Vec<Value>)> {
    let everybody = json!({"everyone": true, "exclude": {"groups": ["staff"], "recipients": ["2024002"], "where": "year = 1"}});
    let messages = vec![
        json!({
            "topic": "library.new-books", "category": "resource_update", "title": "t", "body": "b", "audience": everybody,
            "variants": {"sms": {"title": "s", "body": "s"}, "en": {"body": "e"}}, "channels": ["email", "sms"],
            "priority": "high", "send_at": "2026-09-21T14:00:00Z", "expires_at": "2026-09-23T14:00:00+08:00",
            "link": "https://library.example.edu/new", "attributes": {"term": "1", "n": 1, "b": true}, "dedup_key": "d1",
        }),
        json!({
            "topic": "library.new-books", "template": "book-due", "params": {"book": "红楼梦"},
            "audience": {
                "groups": ["staff"], "recipients": ["2024001"], "where": "role = 'student'", "exclude": {"everyone": true},
            },
        }),
        json!({
            "topic": "library.new-books", "template": "book-due", "params": {"note": "!"},
            "personalise": [{"campus_id": "2024001", "params": {"book": "红楼梦"}}],
        }),
        json!({
            "topic": "library.new-books", "title": "t", "body": "b",
            "to": [{"email": "a@campus.example"}, {"mobile": "13812345678"}, {"wecom_userid": "a"}, {"wechat_openid": "oAbCdEfGhIjKlMnOpQrStUvWxYz1"}],
        }),
    ];
    let person = json!({
        "name": "李伟", "email": "liwei@stu.example.edu.cn", "mobile": "13812345678", "wecom_userid": "liwei",
        "wechat_openid": "oAbCdEfGhIjKlMnOpQrStUvWxYz1", "language": "zh-CN", "department": "农学院",
        "attributes": {"role": "student", "year": 2024, "boarder": true},
    });
    let with_id = |mut body: Value| {
        body["campus_id"] = "2024001".into();
        body
    };
    let keyed = messages.iter().enumerate().map(|(n, message)| {
        let mut message = message.clone();
        message["idempotency_key"] = format!("k{n}").into();
        message
    });
    vec![
        ("POST /api/v1/messages/batch", vec![json!({"messages": keyed.collect::<Vec<_>>()})]),
        ("POST /api/v1/source-registrations", vec![super::registrations::asked("图书馆门户")]),
        ("POST /api/v1/messages/preview", messages.clone()),
        ("POST /api/v1/messages", messages),
        ("POST /api/v1/messages/{id}/cancel", vec![json!({})]),
        ("POST /api/v1/messages/{id}/resend", vec![json!({"states": ["failed"], "channels": ["sms"]})]),
        ("PUT /api/v1/recipients/{campus_id}", vec![with_id(person.clone())]),
        ("PATCH /api/v1/recipients/{campus_id}", vec![with_id(person)]),
        (
            "PUT /api/v1/groups/{slug}",
            vec![json!({"name": "g", "kind": "dynamic", "where": "role = 'student'"})],
        ),
        ("POST /api/v1/groups/preview", vec![json!({"where": "role = 'student'"})]),
        ("POST /api/v1/groups/{slug}/members", vec![json!({"add": ["2024001"], "remove": ["2024001"]})]),
        ("POST /api/v1/broadcasts", vec![press()]),
        (
            "POST /api/v1/broadcasts/{id}/update",
            vec![json!({
                "zh": {"title": "t", "body": "b", "sms": "s", "wechat": "w"},
                "en": {"title": "t", "body": "b", "sms": "s", "wechat": "w"}, "note": "n",
            })],
        ),
        ("POST /api/v1/broadcasts/{id}/stop", vec![json!({"reason": "r"})]),
        ("POST /api/v1/broadcasts/{id}/all-clear", vec![json!({})]),
        ("POST /api/v1/broadcasts/{id}/correction", vec![json!({})]),
        (
            "POST /api/v1/subscriptions",
            vec![
                json!({
                    "topics": ["library.#"], "events": ["message.completed", "delivery.failed"],
                    "endpoint": {"kind": "webhook", "url": "https://202.112.0.35/hooks"},
                }),
                json!({
                    "topics": ["library.#"], "events": ["message.completed"],
                    "endpoint": {"kind": "amqp", "queue": "library"},
                }),
            ],
        ),
        (
            "POST /api/v1/subscriptions/{id}/secret/rotate",
            vec![json!({"overlap": "24h"}), json!({"overlap": 60})],
        ),
        ("POST /api/v1/source/keys/rotate", vec![json!({"overlap": "24h"}), json!({"overlap": 60})]),
    ]
}

/// An endpoint of the walk's source, at an address that nobody calls.
pub(super) fn endpoint() -> Value {
    json!({
        "topics": ["library.#"], "events": ["message.expired"],
        "endpoint": {"kind": "webhook", "url": "https://202.112.0.35/hooks"},
    })
}

pub(super) async fn subscribe(walk: &mut Walk) -> Value {
    walk.ask(("POST", "/api/v1/subscriptions"), NONE, |r| r.json(&endpoint())).await.expect(201)
}

/// The names in a body, of nested objects too, with the schema that describes each.
fn names<'v>(document: &'v Document, schema: &'v Value, body: &Value, into: &mut BTreeSet<String>, at: &str) {
    let properties = document.properties(schema);
    for (name, value) in body.as_object().into_iter().flatten() {
        let Some(schema) = properties.get(name.as_str()) else { continue };
        into.insert(format!("{at}/{name}"));
        let schema = document.resolve(schema);
        let at = format!("{at}/{name}");
        match value {
            Value::Array(items) => {
                for item in items {
                    names(document, &schema["items"], item, into, &at);
                }
            }
            _ if schema["additionalProperties"].is_object() => {
                for value in value.as_object().into_iter().flatten().map(|(_, value)| value) {
                    names(document, &schema["additionalProperties"], value, into, &at);
                }
            }
            _ => names(document, schema, value, into, &at),
        }
    }
}

/// As [`names`], of all that is described.
fn described(document: &Document, schema: &Value, into: &mut BTreeSet<String>, at: &str) {
    for (name, schema) in document.properties(schema) {
        let at = format!("{at}/{name}");
        let schema = document.resolve(schema);
        for nested in [schema, &schema["items"], &schema["additionalProperties"]] {
            described(document, nested, into, &at);
        }
        into.insert(at);
    }
}

#[tokio::test]
async fn every_field_described_is_taken_with_a_value_as_described() {
    let mut walk = Walk::start().await;
    fill(&walk.app).await;
    let put = ("PUT", "/api/v1/recipients/{campus_id}");
    for id in ["2024001", "2024002"] {
        walk.ask(put, ("{campus_id}", id), |r| r.json(&json!({"name": "王敏", "email": "w@campus.example"})))
            .await;
    }
    for slug in ["staff", "x"] {
        let group = json!({"name": "g", "kind": "static"});
        walk.ask(("PUT", "/api/v1/groups/{slug}"), ("{slug}", slug), |r| r.json(&group)).await.expect(201);
    }
    let sent = walk.ask(("POST", "/api/v1/messages"), NONE, |r| r.json(&message("t"))).await.expect(202);
    walk.app.drain().await;
    let pressed = walk.ask(("POST", "/api/v1/broadcasts"), NONE, |r| r.json(&press())).await.expect(202);
    let subscribed = subscribe(&mut walk).await;
    let mut asked = BTreeSet::new();
    for (name, bodies) in bodies() {
        let (method, path) = name.split_once(' ').unwrap();
        let schema =
            walk.document.operation(method, path).body().unwrap_or_else(|| panic!("{name}: no body")).clone();
        let (mut used, mut all) = (BTreeSet::new(), BTreeSet::new());
        for body in &bodies {
            names(&walk.document, &schema, body, &mut used, "");
            let wrong = schema::mismatches(&walk.document, &schema, body);
            assert!(wrong.is_empty(), "{name}: {wrong:#?}");
        }
        described(&walk.document, &schema, &mut all, "");
        assert_eq!(all.difference(&used).collect::<Vec<_>>(), [""; 0], "{name}: give each a value here");
        for body in bodies {
            let id = if path.contains("/cancel") {
                let sent =
                    walk.ask(("POST", "/api/v1/messages"), NONE, |r| r.json(&message("t"))).await.expect(202);
                sent["id"].as_str().unwrap().to_owned()
            } else {
                let of = match path.split('/').nth(3) {
                    Some("broadcasts") => &pressed,
                    Some("subscriptions") => &subscribed,
                    _ => &sent,
                };
                of["id"].as_str().unwrap().to_owned()
            };
            let slug = if method == "PUT" { "dynamic" } else { "x" };
            let place = path.replace("{id}", &id).replace("{campus_id}", "2024001").replace("{slug}", slug);
            let answer = walk.ask((method, path), (path, &place), |r| r.json(&body)).await;
            assert!((200..300).contains(&answer.status), "{name}: {body}: {}", answer.text);
            if path.ends_with("/batch") {
                let results = answer.json();
                let taken = results["results"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|result| result["status"].as_u64().unwrap() < 300);
                assert!(taken, "{results:#}");
            }
        }
        asked.insert(name.to_owned());
    }
    let with_body = walk.document.operations().into_iter();
    let with_body = with_body.filter(|operation| operation.body().is_some() && !operation.is_buttons());
    assert_eq!(asked, with_body.map(|operation| operation.name()).collect());
}

#[tokio::test]
async fn every_query_parameter_described_is_taken() {
    let mut walk = Walk::start().await;
    fill(&walk.app).await;
    for id in ["2024001", "2024002"] {
        let person = json!({"name": "王敏", "email": "w@campus.example"});
        walk.ask(("PUT", "/api/v1/recipients/{campus_id}"), ("{campus_id}", id), |r| r.json(&person)).await;
    }
    for slug in ["a", "b"] {
        let group = json!({"name": "g", "kind": "dynamic", "where": "campus_id like '2024%'"});
        walk.ask(("PUT", "/api/v1/groups/{slug}"), ("{slug}", slug), |r| r.json(&group)).await.expect(201);
    }
    let mut sent = Value::Null;
    for title in ["t1", "t2"] {
        let mut body = message(title);
        body["audience"] = json!({"groups": ["a"]});
        sent = walk.ask(("POST", "/api/v1/messages"), NONE, |r| r.json(&body)).await.expect(202);
    }
    // People were sent what test keys sent; what live keys send waits for providers that are not there.
    let test_key = walk.app.test_key.clone();
    for title in ["t3", "t4"] {
        let body = message(title);
        walk.ask(("POST", "/api/v1/messages"), NONE, |r| keyed(r.json(&body), &test_key)).await.expect(202);
    }
    for place in ["图书馆", "体育馆"] {
        let mut body = press();
        body["params"]["place"] = place.into();
        walk.ask(("POST", "/api/v1/broadcasts"), NONE, |r| r.json(&body)).await.expect(202);
    }
    walk.app.drain().await;
    let id = sent["id"].as_str().unwrap().to_owned();
    subscribe(&mut walk).await;
    let subscribed = subscribe(&mut walk).await["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let test = "/api/v1/subscriptions/{id}/test";
        walk.ask(("POST", test), ("{id}", &subscribed), |r| r).await.expect(202);
        let mut tx = walk.app.services.db.begin().await.unwrap();
        crate::store::execute(&mut tx, "UPDATE subscription_handing SET state = 2").await;
        tx.commit().await.unwrap();
    }
    let mut values = 0;
    for operation in walk.document.operations() {
        let id = if operation.path.contains("/subscriptions/") { &subscribed } else { &id };
        let path = operation
            .path
            .replace("{id}", id)
            .replace("{campus_id}", "2024001")
            .replace("{slug}", if operation.path.contains("templates") { "book-due" } else { "a" });
        let is_inbox = operation.path.ends_with("/inbox");
        let own = |r: RequestBuilder| if is_inbox { keyed(r, &test_key) } else { r };
        // Several of a list, so that there is somewhere to go on.
        let cursor = if operation.parameters("query").contains("cursor") {
            let page = walk
                .ask((&operation.method, &operation.path), (&operation.path, &format!("{path}?limit=1")), own)
                .await
                .expect(200);
            page["next_cursor"]
                .as_str()
                .unwrap_or_else(|| panic!("{}: one page", operation.name()))
                .to_owned()
        } else {
            String::new()
        };
        for parameter in operation.parameters("query") {
            let value = match parameter.as_str() {
                "limit" => "200",
                "topics" => "library.%23",
                "events" => "message.completed",
                "cursor" => &cursor,
                "topic" => "library.%23",
                "category" => "announcement",
                "status" => "sending",
                "since" => "2026-09-01T08:00:00%2B08:00",
                "until" => "2026-10-01T00:00:00Z",
                "q" => "t",
                "state" => "pending",
                "channel" => "email",
                "campus_id" => "2024001",
                "answer" => "none",
                "group" => "a",
                "dry_run" | "deactivate_missing" | "unread" => "true",
                "version" => "1",
                "unknown" => "skip",
                // Records have none; it is taken all the same.
                "sheet" => "2024",
                other => panic!("{}: give `{other}` a value here", operation.name()),
            };
            let place = format!("{path}?{parameter}={value}");
            let body = match operation.path.as_str() {
                "/api/v1/messages/batch" => json!({"messages": [message("t")]}),
                _ => message("t"),
            };
            let media =
                if operation.path.ends_with("import") { "application/x-ndjson" } else { "application/json" };
            let body = if operation.path.ends_with("import") {
                r#"{"campus_id": "2024003", "name": "a"}"#.to_owned()
            } else {
                body.to_string()
            };
            let answer = walk
                .ask((&operation.method, &operation.path), (&operation.path, &place), |r| {
                    let r = own(r);
                    if operation.method == "POST" { r.header("Content-Type", media).body(body) } else { r }
                })
                .await;
            assert!((200..300).contains(&answer.status), "{place}: {}", answer.text);
            values += 1;
        }
    }
    assert!(values > 20);
}
