//! Looking at messages over HTTP, without changing anything.

use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::{Value, json};

use super::{direct, id, minimal, send, send_test};
use crate::support::app::{Answer, TestApp, everything};

#[tokio::test]
async fn a_message_is_kept_shown_and_followed() {
    let app = TestApp::start().await;
    let request = app.api_as(&app.test_key, Method::POST, "/messages").header("X-Request-Id", "lib-7");
    let answer = Answer::of(request.json(&direct("wang@campus.example"))).await;
    let body = answer.expect(202);
    let id = id(&body);
    assert!(id.starts_with("msg_"), "{body}");
    assert_eq!(answer.header("location"), Some(format!("/api/v1/messages/{id}").as_str()));
    assert_eq!((&body["status"], &body["topic"]), (&json!("accepted"), &json!("library.new-books")));
    assert_eq!(
        (&body["category"], &body["created_at"]),
        (&json!("announcement"), &json!("2026-09-21T14:13:20Z"))
    );

    app.drain().await;
    let message = app.get(&format!("/messages/{id}")).await.expect(200);
    assert_eq!((&message["status"], &message["request_id"]), (&json!("completed"), &json!("lib-7")));
    assert_eq!(message["body"], "本周新到图书 **120** 册。");
    assert_eq!(message["matched_rules"], json!([]));
    assert_eq!(
        (&message["counts"]["all"]["planned"], &message["counts"]["email"]["planned"]),
        (&json!(1), &json!(1))
    );

    let deliveries = app.get(&format!("/messages/{id}/deliveries?channel=email")).await.expect(200);
    let delivery = &deliveries["data"][0];
    assert_eq!(delivery["address"], "w***@campus.example", "masked");
    assert!(delivery["id"].as_str().unwrap().starts_with("dlv_"));
    assert_eq!(deliveries["next_cursor"], Value::Null);
    let detail = app.get(&format!("/deliveries/{}", delivery["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(detail["attempts"][0]["outcome"], "accepted", "{detail}");

    let timeline = app.get(&format!("/messages/{id}/timeline")).await.expect(200);
    let kinds: Vec<_> =
        timeline["data"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.first(), Some(&"accepted"));
    assert!(kinds.contains(&"completed"), "{kinds:?}");
}

#[tokio::test]
async fn lists_are_filtered_and_stay_in_place_while_messages_arrive() {
    let app = TestApp::start().await;
    let mut sent = Vec::new();
    for n in 0..7 {
        let mut body = minimal();
        body["topic"] = json!(if n % 2 == 0 { "library.new-books" } else { "academic.exam" });
        body["title"] = json!(format!("第 {n} 条"));
        sent.push(send(&app, &body).await);
        app.clock.turn(1000);
    }
    sent.reverse();
    let first = app.get("/messages?limit=3").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    send(&app, &minimal()).await;
    let second = app.get(&format!("/messages?limit=3&cursor={cursor}")).await.expect(200);
    let cursor = second["next_cursor"].as_str().unwrap().to_owned();
    let third = app.get(&format!("/messages?limit=3&cursor={cursor}")).await.expect(200);
    let ids = |page: &Value| page["data"].as_array().unwrap().iter().map(id).collect::<Vec<_>>();
    assert_eq!([ids(&first), ids(&second), ids(&third)].concat(), sent);
    assert_eq!(third["next_cursor"], Value::Null);

    let found = async |query: &str| {
        app.get(&format!("/messages?{query}")).await.expect(200)["data"].as_array().unwrap().len()
    };
    assert_eq!(found("topic=academic.%23").await, 3);
    assert_eq!(found("q=%E7%AC%AC%203").await, 1);
    assert_eq!(found("status=completed").await, 0);
    assert_eq!(found("category=emergency").await, 0);
    assert_eq!(found("until=2026-09-21T14:13:22Z").await, 2);
    assert_eq!(found("since=2026-09-21T22:13:26%2B08:00&category=announcement").await, 2);

    let wrong = app.get("/messages?limit=1000&status=lost&since=monday&cursor=x&topic=A&colour=red").await;
    let mut faults: Vec<_> = wrong.faults().into_iter().map(|(at, _)| at).collect();
    faults.sort();
    assert_eq!(faults, ["?colour", "?cursor", "?limit", "?since", "?status", "?topic"]);
}

#[tokio::test]
async fn a_source_sees_its_own_messages_only() {
    let app = TestApp::start().await;
    let theirs = send(&app, &minimal()).await;
    let narrow = NewSource { rights: Vec::new(), ..everything("narrow") };
    let key = app.add_source(narrow).await;
    let ask = async |method: Method, path: String| Answer::of(app.api_as(&key, method, &path)).await;
    let own = id(&Answer::of(app.api_as(&key, Method::POST, "/messages").json(&minimal())).await.expect(202));
    assert_eq!(id(&ask(Method::GET, "/messages".to_owned()).await.expect(200)["data"][0]), own);
    for path in ["", "/deliveries", "/timeline"] {
        ask(Method::GET, format!("/messages/{theirs}{path}")).await.problem(404, "not_found");
    }
    ask(Method::POST, format!("/messages/{theirs}/cancel")).await.problem(404, "not_found");
    let resend = app.api_as(&key, Method::POST, &format!("/messages/{theirs}/resend"));
    Answer::of(resend.json(&json!({"states": ["failed"]}))).await.problem(404, "not_found");
    // The other way round: a key with `read_all` reads everything, and still acts on its own alone.
    app.get(&format!("/messages/{own}")).await.expect(200);
    app.post(&format!("/messages/{own}/cancel"), &json!({})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn ids_that_are_none_name_nothing() {
    let app = TestApp::start().await;
    for path in [
        "/messages/7",
        "/messages/msg_0000000000000",
        "/messages/dlv_0000000000000",
        "/messages/%F0%9F%92%A5",
        "/messages/..%2Fsource",
        "/messages/x/deliveries",
        "/messages/x/timeline",
        "/deliveries/x",
    ] {
        app.get(path).await.problem(404, "not_found");
    }
    app.post("/messages/x/cancel", &json!({})).await.problem(404, "not_found");
    let wrong = Answer::of(app.api(Method::DELETE, "/messages")).await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), Some("GET, POST, OPTIONS"));
}

#[tokio::test]
async fn reading_changes_nothing() {
    let app = TestApp::start().await;
    let id = send_test(&app, &direct("wang@campus.example")).await;
    app.drain().await;
    let look = async || {
        let mut seen = Vec::new();
        for path in [
            "/messages",
            &format!("/messages/{id}"),
            &format!("/messages/{id}/timeline"),
            &format!("/messages/{id}/deliveries"),
        ] {
            seen.push(app.get(path).await.expect(200));
            let head = Answer::of(app.api(Method::HEAD, path)).await;
            assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        }
        seen
    };
    let before = look().await;
    app.clock.turn(60_000);
    assert_eq!(look().await, before);
}
