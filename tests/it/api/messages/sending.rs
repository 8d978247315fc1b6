//! Sending over HTTP: one at a time and many, once and again.

use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::{Value, json};

use super::{direct, id, minimal, send, send_test};
use crate::api::pairs;
use crate::support::app::{Answer, TestApp, everything};

#[tokio::test]
async fn repeating_a_request_with_its_key_sends_nothing_twice() {
    let app = TestApp::start().await;
    let post = async |key: &str, body: &Value| {
        let request = app.api(Method::POST, "/messages").header("Idempotency-Key", key).json(body);
        Answer::of(request).await
    };
    let first = post("order-1", &minimal()).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, None));
    let again = post("order-1", &minimal()).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, Some("true")));
    assert_eq!((again.json(), again.header("location")), (first.json(), first.header("location")));
    let mut other = minimal();
    other["title"] = json!("别的");
    post("order-1", &other).await.problem(422, "idempotency_mismatch");
    assert_eq!(app.get("/messages").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_is_one_fault_whatever_is_wrong_with_it() {
    let app = TestApp::start().await;
    for path in ["/messages", "/messages/batch"] {
        for wrong in ["".as_bytes(), "钥匙".as_bytes(), b"a\tb", "k".repeat(256).as_bytes()] {
            let key = reqwest::header::HeaderValue::from_bytes(wrong).unwrap();
            let body = json!({"messages": [minimal()]});
            let body = if path == "/messages" { minimal() } else { body };
            let request = app.api(Method::POST, path).header("Idempotency-Key", key).json(&body);
            let faults = Answer::of(request).await.faults();
            assert_eq!(faults, pairs(&[("Idempotency-Key", "invalid_idempotency_key")]), "{path} {wrong:?}");
        }
    }
}

#[tokio::test]
async fn the_examples_of_the_document_are_taken_as_they_stand() {
    let app = TestApp::start().await;
    let group = json!({"name": "全体学生", "kind": "static"});
    Answer::of(app.api(Method::PUT, "/groups/all-students").json(&group)).await.expect(201);
    let document = serde_json::to_value(belltower::api::openapi()).unwrap();
    let example = |schema: &str| document.pointer(&format!("/components/schemas/{schema}/example")).unwrap();
    send(&app, example("MessageBody")).await;
    let batch = app.post("/messages/batch", example("BatchBody")).await.expect(200);
    assert_eq!(batch["results"][0]["status"], 202, "{batch}");
}

#[tokio::test]
async fn two_requests_with_one_key_at_once_are_one_message() {
    let app = TestApp::start().await;
    let body = minimal();
    let post = || {
        let request = app.api(Method::POST, "/messages").header("Idempotency-Key", "same").json(&body);
        Answer::of(request)
    };
    let answers = futures_util::future::join_all((0..16).map(|_| post())).await;
    let ids: std::collections::BTreeSet<_> = answers.iter().map(|answer| id(&answer.expect(202))).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|a| a.header("idempotent-replayed").is_none()).count(), 1);
}

#[tokio::test]
async fn a_repeated_dedup_key_is_answered_with_the_first_message() {
    let app = TestApp::start().await;
    let mut body = minimal();
    body["dedup_key"] = json!("books-39");
    let first = send(&app, &body).await;
    body["title"] = json!("新书上架(二)");
    let second = app.post("/messages", &body).await.expect(200);
    assert_eq!((&second["id"], &second["duplicate_of"]), (&json!(first), &json!(first)));
}

#[tokio::test]
async fn whoever_prefers_to_wait_is_answered_when_it_is_done_or_time_is_up() {
    let app = TestApp::start().await;
    let at_once = app.api_as(&app.test_key, Method::POST, "/messages").header("Prefer", "wait=0");
    let answer = Answer::of(at_once.json(&direct("wang@campus.example"))).await;
    let body = answer.expect(202);
    assert_eq!(answer.header("preference-applied"), Some("wait=0"));
    assert_eq!(body["counts"]["all"]["planned"], 0);

    let mut past = direct("li@campus.example");
    past["dedup_key"] = json!("done");
    send_test(&app, &past).await;
    app.drain().await;
    let done = app.api_as(&app.test_key, Method::POST, "/messages").header("Prefer", "wait=30");
    let body = Answer::of(done.json(&past)).await.expect(200);
    assert_eq!((&body["status"], &body["counts"]["all"]["planned"]), (&json!("completed"), &json!(1)));
}

#[tokio::test]
async fn a_batch_keeps_what_is_good_and_explains_the_rest_in_order() {
    let app = TestApp::start().await;
    let mut keyed = minimal();
    keyed["idempotency_key"] = json!("b-1");
    let body = json!({"messages": [minimal(), {"topic": "A B", "title": "", "colour": 1}, keyed, 7, keyed]});
    let results = app.post("/messages/batch", &body).await.expect(200)["results"].clone();
    let statuses: Vec<_> =
        results.as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [202, 422, 202, 422, 202]);
    let problem = &results[1]["problem"];
    assert_eq!((&problem["code"], &problem["type"]), (&json!("invalid"), &json!("/problems/invalid")));
    let mut at: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    at.sort_unstable();
    assert_eq!(at, ["/body", "/colour", "/title", "/topic"]);
    assert_eq!((&results[4]["id"], &results[4]["replayed"]), (&results[2]["id"], &json!(true)));
    assert_eq!(app.get("/messages").await.expect(200)["data"].as_array().unwrap().len(), 2);

    for (wrong, code) in [
        (json!({}), "required"),
        (json!({"messages": []}), "required"),
        (json!({"messages": 1}), "not_a_list"),
    ] {
        assert_eq!(app.post("/messages/batch", &wrong).await.faults(), pairs(&[("/messages", code)]));
    }
    let many = json!({"messages": vec![json!({}); 1001]});
    assert_eq!(app.post("/messages/batch", &many).await.faults(), pairs(&[("/messages", "too_many")]));
}

#[tokio::test]
async fn a_batch_counts_as_many_messages_against_the_rate() {
    let app = TestApp::start().await;
    let slow = app.add_source(NewSource { rate_per_second: Some(5), ..everything("slow") }).await;
    let batch = |n: usize| {
        app.api_as(&slow, Method::POST, "/messages/batch").json(&json!({"messages": vec![minimal(); n]}))
    };
    let taken = Answer::of(batch(4)).await;
    assert_eq!((taken.status, taken.header("ratelimit-remaining")), (200, Some("1")));
    Answer::of(batch(3)).await.problem(429, "rate_limited");
}

#[tokio::test]
async fn the_daily_quota_ends_with_the_campuss_day() {
    let app = TestApp::start().await;
    let key = app.add_source(NewSource { daily_messages: Some(1), ..everything("small") }).await;
    let post = async || Answer::of(app.api_as(&key, Method::POST, "/messages").json(&minimal())).await;
    post().await.expect(202);
    let refused = post().await;
    refused.problem(429, "quota_exhausted");
    // 22:13:20 in Shanghai.
    assert_eq!(refused.header("retry-after"), Some("6400"));
    let own = Answer::of(app.api_as(&key, Method::GET, "/source")).await.expect(200);
    assert_eq!((&own["today"]["used"], &own["today"]["left"]), (&json!(1), &json!(0)));
    app.clock.turn(6_400_000);
    post().await.expect(202);
}

#[tokio::test]
async fn what_a_source_may_not_send_is_forbidden_by_name() {
    let app = TestApp::start().await;
    let narrow = NewSource {
        topics: vec!["library.#".to_owned()],
        channels: vec!["email".to_owned()],
        rights: Vec::new(),
        ..everything("narrow")
    };
    let key = app.add_source(narrow).await;
    let post = async |field: &str, value: Value| {
        let mut body = minimal();
        body[field] = value;
        Answer::of(app.api_as(&key, Method::POST, "/messages").json(&body)).await
    };
    for (field, value, lacking) in [
        ("topic", json!("academic.exam"), "academic.exam"),
        ("category", json!("emergency"), "emergency"),
        ("to", json!([{"email": "a@b.example"}]), "send_direct"),
    ] {
        let problem = post(field, value).await.problem(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains(lacking), "{problem}");
    }
    assert_eq!(
        post("channels", json!(["sms"])).await.faults(),
        pairs(&[("/channels/0", "channel_not_allowed")])
    );
}
