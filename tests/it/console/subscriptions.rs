//! Endpoints of applications, as operators see them.

use belltower::domain::operator::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::services::calls_this_machine;

const LIST: &str = "/console/subscriptions";

/// An endpoint where nobody answers, and its page.
async fn start() -> (TestApp, Value, String) {
    let app = TestApp::start_with(calls_this_machine).await;
    let body = json!({
        "topics": ["library.#"], "events": ["message.accepted"],
        "endpoint": {"kind": "webhook", "url": "http://127.0.0.1:1/hooks?token=hunter2"},
    });
    let made = app.post("/subscriptions", &body).await.expect(201);
    let page = format!("{LIST}/{}", made["id"].as_str().unwrap());
    (app, made, page)
}

#[tokio::test]
async fn an_endpoint_and_what_it_was_sent_are_seen() {
    let (app, _, page) = start().await;
    let body = json!({"topic": "library.due", "title": "t", "body": "b"});
    app.post("/messages", &body).await.expect(202);
    app.drain().await;
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let list = browser.get(LIST).await;
    assert!(list.text.contains("127.0.0.1:1") && list.text.contains(&page), "{}", list.text);
    let shown = browser.get(&page).await;
    for holds in ["message.accepted", "library.#", "等待", "下次尝试"] {
        assert!(shown.text.contains(holds), "{holds}: {}", shown.text);
    }
    for lacks in ["hunter2", "whsec_", "/rotate", "/replay"] {
        assert!(!shown.text.contains(lacks), "{lacks}: {}", shown.text);
    }
}

#[tokio::test]
async fn a_new_secret_is_shown_once() {
    let (app, made, page) = start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let rotate = format!("{page}/rotate");
    assert_eq!(browser.submit(&page, &rotate, &[("overlap", "3")]).await.status, 422);
    let done = browser.submit(&page, &rotate, &[("overlap", "24")]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(page.as_str())), "{}", done.text);
    let shown = browser.get(&page).await;
    assert!(shown.text.contains("whsec_") && shown.text.contains("旧密钥签名至"), "{}", shown.text);
    assert!(!shown.text.contains(made["secret"].as_str().unwrap()));
    assert!(!browser.get(&page).await.text.contains("whsec_"));
}

#[tokio::test]
async fn what_is_done_to_an_endpoint_is_written_down() {
    let (app, made, page) = start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    // A test that waits for the last one is none that failed.
    for act in ["test", "test", "enable"] {
        let done = browser.submit(&page, &format!("{page}/{act}"), &[]).await;
        assert_eq!((done.status, done.header("location")), (303, Some(page.as_str())), "{}", done.text);
    }
    let shown = browser.get(&page).await;
    let replay = shown.text.split("action=\"").find(|rest| rest.contains("/replay\"")).unwrap();
    let replay = replay.split('"').next().unwrap().to_owned();
    assert_eq!(browser.submit(&page, &replay, &[]).await.status, 303);
    let gone = browser.submit(&page, &format!("{page}/delete"), &[]).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some(LIST)));
    assert_eq!(browser.get(&page).await.status, 404);
    let path = format!("/subscriptions/{}", made["id"].as_str().unwrap());
    Answer::of(app.api(Method::GET, &path)).await.problem(404, "not_found");
    let log = browser.get("/console/audit").await;
    for act in ["新建订阅", "向订阅发送测试", "重新启用订阅", "向订阅重新推送事件", "移除订阅"]
    {
        assert!(log.text.contains(act), "{act}: {}", log.text);
    }
}
