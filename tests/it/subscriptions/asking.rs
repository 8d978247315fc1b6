//! What a source may ask for.

use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::{SUBSCRIPTIONS, app, path, show, source, subscribe};
use crate::support::app::{Answer, TestApp, everything};
use crate::support::services::{calls_this_machine, has_a_broker};

fn body(url: &str) -> Value {
    json!({"topics": ["library.#"], "events": ["message.completed"], "endpoint": {"kind": "webhook", "url": url}})
}

async fn faults(app: &TestApp, key: &str, body: &Value) -> Vec<(String, String)> {
    Answer::of(app.api_as(key, Method::POST, SUBSCRIPTIONS).json(body)).await.faults()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect()
}

#[tokio::test]
async fn every_fault_is_told_at_its_field() {
    let app = app().await;
    let key = app.live_key.clone();
    assert_eq!(
        faults(&app, &key, &json!({})).await,
        pairs(&[("/topics", "required"), ("/events", "required"), ("/endpoint", "required")])
    );
    let wrong = json!({
        "topics": ["A b", "library.#"], "events": ["message.read"], "colour": "red",
        "endpoint": {"kind": "carrier_pigeon", "url": "not an address", "queue": "q"},
    });
    let mut told = faults(&app, &key, &wrong).await;
    told.sort_unstable();
    assert_eq!(
        told,
        pairs(&[
            ("/colour", "unknown_field"),
            ("/endpoint/kind", "invalid_value"),
            ("/events/0", "unknown_event"),
            ("/topics/0", "invalid_topic"),
        ])
    );
    let amqp = json!({
        "topics": ["#"], "events": ["message.completed"], "endpoint": {"kind": "amqp", "queue": "library"},
    });
    assert_eq!(faults(&app, &key, &amqp).await, pairs(&[("/endpoint/kind", "unavailable")]));
}

#[tokio::test]
async fn a_queue_is_named_below_its_source_and_nowhere_else() {
    let app = TestApp::start_with(has_a_broker).await;
    let key = app.live_key.clone();
    let body =
        |endpoint: Value| json!({"topics": ["#"], "events": ["message.completed"], "endpoint": endpoint});
    for (endpoint, expected) in [
        (json!({"kind": "amqp"}), ("/endpoint/queue", "required")),
        (json!({"kind": "amqp", "queue": 1}), ("/endpoint/queue", "not_a_string")),
        (json!({"kind": "amqp", "queue": "Library"}), ("/endpoint/queue", "invalid_value")),
        (json!({"kind": "amqp", "queue": "../wake"}), ("/endpoint/queue", "invalid_value")),
        (json!({"kind": "amqp", "queue": ".wake"}), ("/endpoint/queue", "invalid_value")),
        (json!({"kind": "amqp", "queue": "q".repeat(65)}), ("/endpoint/queue", "invalid_value")),
        (
            json!({"kind": "amqp", "queue": "a", "url": "https://x.example/"}),
            ("/endpoint/url", "unknown_field"),
        ),
        (json!({"kind": "webhook", "queue": "a"}), ("/endpoint/url", "required")),
    ] {
        let told = faults(&app, &key, &body(endpoint.clone())).await;
        assert!(told.contains(&pairs(&[expected])[0]), "{endpoint}: {told:?}");
    }
    // Nobody answers at that broker; the subscription is there all the same.
    let named = |answer: &Value| answer["endpoint"]["queue"].as_str().unwrap().to_owned();
    let ours = app.post(SUBSCRIPTIONS, &body(json!({"kind": "amqp", "queue": "wake.1"}))).await.expect(201);
    assert_eq!((&ours["endpoint"]["kind"], &ours["endpoint"]["url"]), (&json!("amqp"), &json!(null)));
    let (name, other) = (named(&ours), source(&app, "library", &["subscribe"]).await);
    assert!(name.starts_with("belltower.out.src_") && name.ends_with(".wake.1"), "{name}");
    let wanted = body(json!({"kind": "amqp", "queue": "wake.1"}));
    let theirs = Answer::of(app.api_as(&other, Method::POST, SUBSCRIPTIONS).json(&wanted)).await.expect(201);
    assert_ne!(named(&theirs), name);
    assert_eq!(show(&app, &ours).await["endpoint"]["queue"], name.as_str());
}

#[tokio::test]
async fn addresses_inside_are_refused_unless_they_are_allowed() {
    let app = TestApp::start().await;
    let key = app.live_key.clone();
    for (url, code) in [
        ("http://127.0.0.1:8080/", "private_address"),
        ("https://localhost/", "private_address"),
        ("https://10.0.0.1/", "private_address"),
        ("https://169.254.169.254/latest/meta-data/", "private_address"),
        ("https://[::ffff:127.0.0.1]/", "private_address"),
        ("http://202.112.0.35/", "in_clear"),
        ("https://a:b@202.112.0.35/", "has_credentials"),
    ] {
        assert_eq!(faults(&app, &key, &body(url)).await, pairs(&[("/endpoint/url", code)]), "{url}");
    }
    app.post(SUBSCRIPTIONS, &body("https://202.112.0.35/hooks")).await.expect(201);
    let opened = TestApp::start_with(calls_this_machine).await;
    opened.post(SUBSCRIPTIONS, &body("http://127.0.0.1:1/hooks")).await.expect(201);
    let key = opened.live_key.clone();
    let inside = faults(&opened, &key, &body("https://10.0.0.1/")).await;
    assert_eq!(inside, pairs(&[("/endpoint/url", "private_address")]));
}

#[tokio::test]
async fn it_takes_the_right_and_topics_of_ones_own() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let none = source(&app, "none", &["read_all"]).await;
    let refused = Answer::of(app.api_as(&none, Method::POST, SUBSCRIPTIONS).json(&body(&endpoint.url))).await;
    let problem = refused.problem(403, "forbidden");
    assert!(problem["detail"].as_str().unwrap().contains("subscribe"), "{problem}");

    let narrow = NewSource {
        topics: vec!["library.#".to_owned()],
        rights: vec!["subscribe".to_owned()],
        ..everything("library")
    };
    let narrow = app.add_source(narrow).await;
    let mut other = body(&endpoint.url);
    other["topics"] = json!(["library.due", "canteen.#", "#"]);
    assert_eq!(faults(&app, &narrow, &other).await, pairs(&[("/topics/1", "topic_not_readable")]));
    let made = subscribe(&app, &narrow, &["message.completed"], &endpoint).await;

    // What is another source's is not there.
    for (method, rest) in [
        (Method::GET, ""),
        (Method::DELETE, ""),
        (Method::POST, "/test"),
        (Method::POST, "/enable"),
        (Method::GET, "/deliveries"),
        (Method::POST, "/secret/rotate"),
    ] {
        let answer = Answer::of(app.api(method, &path(&made, rest))).await;
        answer.problem(404, "not_found");
    }
    assert_eq!(app.get(SUBSCRIPTIONS).await.expect(200)["data"], json!([]));
    let own = Answer::of(app.api_as(&narrow, Method::GET, SUBSCRIPTIONS)).await.expect(200);
    assert_eq!(own["data"][0]["id"], made["id"]);
    assert!(!own.to_string().contains("whsec_"), "the secret is shown once");
}

#[tokio::test]
async fn a_source_has_so_many_and_no_more() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let mut last = json!(null);
    for _ in 0..20 {
        last = subscribe(&app, &app.live_key, &["message.completed"], &endpoint).await;
    }
    app.post(SUBSCRIPTIONS, &body(&endpoint.url)).await.problem(409, "too_many_subscriptions");
    assert_eq!(show(&app, &last).await["endpoint"]["url"], endpoint.url.as_str());
    let gone = Answer::of(app.api(Method::DELETE, &path(&last, ""))).await;
    assert_eq!(gone.status, 204);
    app.get(&path(&last, "")).await.problem(404, "not_found");
    app.post(SUBSCRIPTIONS, &body(&endpoint.url)).await.expect(201);
    let page = app.get(&format!("{SUBSCRIPTIONS}?limit=19")).await.expect(200);
    let rest = app.get(&format!("{SUBSCRIPTIONS}?cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(rest.expect(200)["data"].as_array().unwrap().len(), 1);
}
