//! What hostile and clumsy callers send instead.

use reqwest::Method;
use serde_json::json;

use super::{direct, id, minimal};
use crate::api::pairs;
use crate::support::app::{Answer, TestApp};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn every_fault_of_a_message_is_told_at_once() {
    let app = TestApp::start().await;
    let body = json!({
        "topic": "Not A Topic", "title": "", "body": 7, "category": "gossip", "channels": ["fax"], "link": "http://x",
        "send_at": "2026-09-22T08:00:00", "expires_at": "2020-01-01T00:00:00Z", "priority": "now",
        "audience": {"groups": ["nobody"], "recipients": ["1"], "where": "role ="}, "attributes": {"a": []},
        "colour": "red", "constructor": {}, "__proto__": 1,
    });
    let mut at: Vec<_> = app.post("/messages", &body).await.faults().into_iter().map(|(at, _)| at).collect();
    at.sort();
    for pointer in [
        "/__proto__",
        "/attributes/a",
        "/audience/groups/0",
        "/audience/recipients/0",
        "/audience/where",
        "/body",
        "/category",
        "/channels/0",
        "/colour",
        "/constructor",
        "/link",
        "/priority",
        "/send_at",
        "/title",
        "/topic",
    ] {
        assert!(at.iter().any(|found| found == pointer), "{pointer}: {at:?}");
    }
    for wrong in [json!([]), json!("x"), json!(null), json!(7)] {
        assert_eq!(app.post("/messages", &wrong).await.faults(), pairs(&[("", "not_an_object")]), "{wrong}");
    }
}

#[tokio::test]
async fn unknown_people_are_faults_or_skipped() {
    let app = TestApp::start().await;
    let mut body = minimal();
    body["audience"] = json!({"groups": ["nobody"], "recipients": ["20260001"]});
    let expected =
        pairs(&[("/audience/groups/0", "unknown_group"), ("/audience/recipients/0", "unknown_recipient")]);
    assert_eq!(app.post("/messages", &body).await.faults(), expected);
    let skipped = app.post("/messages?unknown=skip", &body).await.expect(202);
    assert_eq!(skipped["unknown"], json!({"groups": ["nobody"], "recipients": ["20260001"]}));
    assert_eq!(
        app.post("/messages?unknown=ignore", &body).await.faults(),
        pairs(&[("?unknown", "invalid_value")])
    );
}

#[tokio::test]
async fn strange_texts_are_kept_or_refused_but_never_break_anything() {
    let app = TestApp::start().await;
    for title in [
        "🎓👩‍🎓 毕业典礼",
        "\u{202e}右到左",
        "a\u{0}b",
        "第一行\r\nBcc: victim@x.example",
        "\u{7f}\u{1}",
        "\u{feff}",
        "<script>",
    ] {
        let mut body = direct("wang@campus.example");
        body["title"] = json!(title);
        body["body"] = json!(format!("{title}\r\n{title}\u{0}"));
        let answer = Answer::of(app.api_as(&app.test_key, Method::POST, "/messages").json(&body)).await;
        assert!(matches!(answer.status, 202 | 422), "{title:?}: {answer:?}");
        if answer.status == 422 {
            assert!(!answer.faults().is_empty());
            continue;
        }
        app.drain().await;
        let message = app.get(&format!("/messages/{}", id(&answer.json()))).await.expect(200);
        let kept = message["title"].as_str().unwrap();
        assert!(!kept.contains(['\r', '\n', '\0']), "{kept:?}");
        assert_eq!(message["status"], "completed", "{title:?}");
    }
}

#[tokio::test]
async fn broken_bodies_are_malformed_and_large_ones_too_large() {
    let app = TestApp::start().await;
    let post = |body: Vec<u8>| {
        let request =
            app.api(Method::POST, "/messages").header("Content-Type", "application/json").body(body);
        Answer::of(request)
    };
    for broken in ["", "{", "{\"topic\":}", "\u{feff}{}", &"{\"a\":".repeat(10_000)] {
        post(broken.as_bytes().to_vec()).await.problem(400, "malformed");
    }
    post(b"{\"topic\": \"\xff\"}".to_vec()).await.problem(400, "malformed");

    let padded = |field: &str, length: usize| {
        let mut text = serde_json::to_string(&minimal()).unwrap();
        text.pop();
        text.push_str(field);
        text.push_str(&" ".repeat(length - text.len() - 1));
        text.push('}');
        text.into_bytes()
    };
    post(padded("", MIB)).await.expect(202);
    post(padded("", MIB + 1)).await.problem(413, "too_large");
    post(padded(",\"personalise\":[]", MIB + 1)).await.expect(202);
    post(padded(",\"personalise\":[]", 16 * MIB + 1)).await.problem(413, "too_large");
    let batch = app.api(Method::POST, "/messages/batch").header("Content-Type", "application/json");
    Answer::of(batch.body(vec![b' '; 16 * MIB + 1])).await.problem(413, "too_large");
    let form = app.api(Method::POST, "/messages").header("Content-Type", "application/x-www-form-urlencoded");
    Answer::of(form.body("topic=library.news")).await.problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn ten_thousand_named_people_are_one_message_and_one_more_is_too_many() {
    let app = TestApp::start().await;
    let people = |n: usize| (0..n).map(|n| format!("2026{n:05}")).collect::<Vec<_>>();
    let mut body = minimal();
    body["audience"] = json!({"recipients": people(10_000)});
    app.post("/messages?unknown=skip", &body).await.expect(202);
    let faults = app.post("/messages", &body).await.faults();
    assert_eq!(faults.last(), Some(&(String::new(), "too_many_faults".to_owned())), "{}", faults.len());
    body["audience"] = json!({"recipients": people(10_001)});
    let too_many = app.post("/messages", &body).await.faults();
    assert!(too_many.contains(&("/audience/recipients".to_owned(), "too_many".to_owned())), "{too_many:?}");
}

#[tokio::test]
async fn a_store_that_is_gone_is_said_to_be_unavailable() {
    let app = TestApp::start().await;
    app.get("/source").await.expect(200);
    app.services.db.close().await;
    let refused = app.post("/messages", &minimal()).await;
    refused.problem(503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    app.get("/messages").await.problem(503, "unavailable");
}
