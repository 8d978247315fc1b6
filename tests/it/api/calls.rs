//! What is kept of a source's calls, and from where they may come.

use belltower::domain::operator::Role;
use belltower::service::sources::{self, GuardForm, RecentCall};
use reqwest::Method;
use serde_json::json;

use crate::support::app::{Answer, TestApp};
use crate::support::operator;

async fn calls(app: &TestApp) -> Vec<RecentCall> {
    let source = sources::get_named(&app.services, &operator(Role::Owner), "registry").await.unwrap().id;
    sources::calls(&app.services, &operator(Role::Owner), source, false, 50).await.unwrap()
}

async fn allow(app: &TestApp, networks: &[&str]) {
    let owner = operator(Role::Owner);
    let source = sources::get_named(&app.services, &owner, "registry").await.unwrap().id;
    let networks = networks.iter().map(|text| (*text).to_owned()).collect();
    let form = GuardForm { networks, ..GuardForm::default() };
    sources::guard(&app.services, &owner, source, &form).await.unwrap();
}

#[tokio::test]
async fn calls_come_from_the_address_that_the_proxies_tell() {
    let app = TestApp::start_behind(&["127.0.0.1/32"]).await;
    allow(&app, &["10.1.0.0/16"]).await;
    let ask =
        async |from: &str| Answer::of(app.api(Method::GET, "/source").header("x-forwarded-for", from)).await;
    assert_eq!(ask("10.1.2.3").await.status, 200);
    assert_eq!(
        ask("203.0.113.9, 10.1.2.3").await.status,
        200,
        "what the client wrote itself counts for nothing"
    );
    let refused = ask("10.1.2.3, 203.0.113.9").await.problem(403, "address_not_allowed");
    assert!(refused["detail"].as_str().unwrap().contains("203.0.113.9"), "{refused}");
    let kept: Vec<_> = calls(&app).await.into_iter().map(|call| (call.address, call.status)).collect();
    let expected = [("10.1.2.3", 200), ("10.1.2.3", 200), ("203.0.113.9", 403)];
    let mut kept: Vec<_> = kept.iter().map(|(address, status)| (address.as_str(), *status)).collect();
    kept.sort_unstable();
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn who_is_no_proxy_speaks_for_nobody() {
    let app = TestApp::start().await;
    allow(&app, &["10.1.0.0/16"]).await;
    let spoofed = app.api(Method::GET, "/source").header("x-forwarded-for", "10.1.2.3");
    Answer::of(spoofed).await.problem(403, "address_not_allowed");
    allow(&app, &["127.0.0.0/8"]).await;
    assert_eq!(app.get("/source").await.status, 200);
}

#[tokio::test]
async fn what_is_kept_of_a_call_says_nothing_of_a_message_or_anybody() {
    let app = TestApp::start().await;
    let body = json!({
        "topic": "Academic.考试", "title": "张三的成绩单", "body": "挂科三门", "colour": "red",
        "to": [{ "email": "zhangsan-at-nowhere", "params": { "name": 7 } }],
    });
    app.post("/messages", &body).await.problem(422, "invalid");
    app.get("/recipients/2023123456").await.problem(404, "not_found");
    app.post("/recipients/import", &json!({ "name": "李四" })).await;
    let sent = json!({
        "topic": "academic.exam", "title": "张三的成绩单", "body": "挂科三门",
        "to": [{ "email": "zhangsan@example.edu" }],
    });
    app.post("/messages", &sent).await.expect(202);
    let calls = calls(&app).await;
    assert_eq!(calls.len(), 4);
    assert!(
        calls
            .iter()
            .any(|call| call.status == 202 && call.code.is_none() && call.route == "/api/v1/messages")
    );
    assert!(calls.iter().any(|call| call.status == 404 && call.route == "/api/v1/recipients/{campus_id}"));
    let text = format!("{calls:?}");
    for word in ["张三", "成绩", "挂科", "zhangsan", "2023123456", "李四", &app.live_key] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    Answer::of(app.plain(Method::GET, "/api/v1/source")).await.problem(401, "unauthenticated");
    assert_eq!(self::calls(&app).await.len(), 4, "whose call that was nobody knows");
}

#[tokio::test]
async fn a_key_that_was_revoked_tells_whose_call_it_was() {
    let app = TestApp::start().await;
    let owner = operator(Role::Owner);
    let source = sources::get_named(&app.services, &owner, "registry").await.unwrap().id;
    let made = sources::create_key(&app.services, &owner, source, false).await.unwrap();
    sources::revoke_key(&app.services, &owner, made.key_id).await.unwrap();
    for _ in 0..2 {
        Answer::of(app.api_as(&made.key, Method::GET, "/source")).await.problem(401, "unauthenticated");
    }
    let calls = calls(&app).await;
    assert_eq!(calls.len(), 2);
    assert!(
        calls.iter().all(|call| call.status == 401 && made.key.ends_with(&call.key["bt_live_…".len()..]))
    );
}

#[tokio::test]
async fn a_batch_of_which_nothing_was_taken_is_a_refused_call() {
    let app = TestApp::start().await;
    let wrong = json!({"topic": "Academic.考试", "title": "考试安排", "body": "周一", "to": [{"email": "a@bell.example"}]});
    let right = json!({"topic": "academic.exam", "title": "考试安排", "body": "周一", "to": [{"email": "a@bell.example"}]});
    app.post("/messages/batch", &json!({"messages": [wrong, wrong]})).await.expect(200);
    app.post("/messages/batch", &json!({"messages": [wrong, right]})).await.expect(200);
    let calls = calls(&app).await;
    let refused: Vec<_> = calls.iter().filter(|call| call.code.is_some()).collect();
    assert_eq!((calls.len(), refused.len()), (2, 1), "{calls:?}");
    let call = refused[0];
    assert_eq!((call.status, call.code.as_deref()), (200, Some("invalid")));
    assert_eq!(call.pointer.as_deref(), Some("/messages/0/topic"));
    let owner = operator(Role::Owner);
    let source = sources::get_named(&app.services, &owner, "registry").await.unwrap().id;
    let only = sources::calls(&app.services, &owner, source, true, 50).await.unwrap();
    assert_eq!(only.len(), 1);
    sources::keep_calls(&app.services).await;
    let kept = sources::calls(&app.services, &owner, source, true, 50).await.unwrap();
    assert_eq!((kept.len(), kept[0].code.as_deref()), (1, Some("invalid")));
    let totals =
        sources::totals(&app.services, &owner, belltower::clock::Timestamp(0)).await.unwrap()[&source];
    assert_eq!((totals.calls, totals.refused), (2, 1));
}
