//! A source about itself, and the limits it meets.

use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::json;

use crate::support::app::{Answer, TestApp, everything};

#[tokio::test]
async fn a_source_sees_itself() {
    let app = TestApp::start().await;
    let own = app.get("/source").await.expect(200);
    assert_eq!(own["name"], "registry");
    assert_eq!(own["channels"], json!(["email", "sms", "wechat"]));
    assert_eq!(own["quotas"], json!({"rate_per_second": null, "daily_messages": null}));
    assert_eq!(own["today"], json!({"used": 0, "left": null, "resets_at": "2026-09-21T16:00:00Z"}));
    assert_eq!(own["key"]["test"], false);
    let test = Answer::of(app.api_as(&app.test_key, Method::GET, "/source")).await.expect(200);
    assert_eq!((&test["id"], &test["key"]["test"]), (&own["id"], &json!(true)));
}

#[tokio::test]
async fn without_a_known_key_nobody_gets_in() {
    let app = TestApp::start().await;
    let none = Answer::of(app.plain(Method::GET, "/api/v1/source")).await;
    none.problem(401, "unauthenticated");
    assert!(none.header("www-authenticate").unwrap().starts_with("Bearer"));
    for wrong in ["bt_live_wrong", "", "x", &"bt_live_".repeat(2000)] {
        Answer::of(app.api_as(wrong, Method::GET, "/source")).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_key_is_replaced_and_the_old_one_lives_on_for_the_overlap() {
    let app = TestApp::start().await;
    let rotated = app.post("/source/keys/rotate", &json!({"overlap": "1h"})).await.expect(200);
    let new = rotated["key"].as_str().unwrap();
    assert!(new.starts_with("bt_live_"));
    assert_eq!(rotated["old_key_expires_at"], "2026-09-21T15:13:20Z");
    assert_eq!(app.get("/source").await.status, 200);
    app.clock.turn(60 * 60 * 1000);
    app.get("/source").await.problem(401, "unauthenticated");
    assert_eq!(Answer::of(app.api_as(new, Method::GET, "/source")).await.status, 200);

    let bare = Answer::of(app.api_as(new, Method::POST, "/source/keys/rotate")).await.expect(200);
    assert_eq!(bare["old_key_expires_at"], "2026-09-22T15:13:20Z", "a day if nothing is said");
    let wrong =
        app.api_as(new, Method::POST, "/source/keys/rotate").json(&json!({"overlap": "soon", "x": 1}));
    let expected = [("/x", "unknown_field"), ("/overlap", "invalid_value")];
    assert_eq!(Answer::of(wrong).await.faults(), expected.map(|(at, code)| (at.to_owned(), code.to_owned())));
    let long = app.api_as(new, Method::POST, "/source/keys/rotate").json(&json!({"overlap": "1000h"}));
    assert_eq!(Answer::of(long).await.faults(), [("/overlap".to_owned(), "out_of_range".to_owned())]);
}

#[tokio::test]
async fn who_calls_too_fast_is_told_how_long_to_wait() {
    let app = TestApp::start().await;
    let slow = app.add_source(NewSource { rate_per_second: Some(2), ..everything("slow") }).await;
    let ask = async || Answer::of(app.api_as(&slow, Method::GET, "/source")).await;
    let first = ask().await;
    assert_eq!((first.status, first.header("ratelimit-limit")), (200, Some("2")));
    assert_eq!(first.header("ratelimit-remaining"), Some("1"));
    ask().await.expect(200);
    let refused = ask().await;
    refused.problem(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    app.clock.turn(1000);
    assert_eq!(ask().await.status, 200);
}

#[tokio::test]
async fn unknown_parameters_are_faults() {
    let app = TestApp::start().await;
    let answer = app.get("/source?colour=red").await;
    assert_eq!(answer.faults(), [("?colour".to_owned(), "unknown_parameter".to_owned())]);
}

#[tokio::test]
async fn bodies_are_json_and_not_too_large() {
    let app = TestApp::start().await;
    let rotate = || app.api(Method::POST, "/source/keys/rotate");
    let form = rotate().header("Content-Type", "application/x-www-form-urlencoded").body("overlap=1h");
    Answer::of(form).await.problem(415, "unsupported_media_type");
    let json = || rotate().header("Content-Type", "application/json");
    let broken = Answer::of(json().body("{\"overlap\": \n}")).await.problem(400, "malformed");
    assert!(broken["detail"].as_str().unwrap().contains("line 2"), "{broken}");
    Answer::of(json().body("[".repeat(10_000))).await.problem(400, "malformed");
    let padded = format!("{{\"overlap\": \"1h\"{}}}", " ".repeat(1024 * 1024));
    Answer::of(json().body(padded)).await.problem(413, "too_large");
    let packed = json().header("Content-Encoding", "gzip").body("x");
    Answer::of(packed).await.problem(415, "unsupported_media_type");
}
