//! Pages for the people that messages are for, behind their signed links, over HTTP.

mod binding;
mod following;
mod forgetting;
mod official_account;
mod one_click;
mod pages;
mod preferences;
pub(crate) mod reading;
mod scenes;
mod sign_in;

use belltower::domain::id::DeliveryId;
use belltower::service::short_links::{Purpose, path};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

/// Li, in the directory with a mailbox and a telephone.
async fn with_li() -> TestApp {
    let app = TestApp::start().await;
    let li = json!({
        "name": "李伟", "email": "li@campus.example", "mobile": "13812345678", "language": "zh-CN",
    });
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&li)).await.expect(201);
    app
}

/// What is sent to Li by mail, with a test key.
fn news() -> Value {
    json!({
        "topic": "library.new-books", "title": "新书上架", "body": "**九月**新书见 [书单](https://lib.campus.example/new)。",
        "audience": {"recipients": ["2024001"]}, "channels": ["email"],
    })
}

/// The deliveries of a message sent with a test key, once whatever is due was sent.
async fn sent(app: &TestApp, body: &Value) -> Vec<Value> {
    let request = app.api_as(&app.test_key, Method::POST, "/messages").json(body);
    let id = Answer::of(request).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    deliveries(app, &id).await
}

async fn deliveries(app: &TestApp, message: &str) -> Vec<Value> {
    let path = format!("/messages/{message}/deliveries");
    let found = Answer::of(app.api_as(&app.test_key, Method::GET, &path)).await.expect(200);
    found["data"].as_array().unwrap().clone()
}

/// The link of that purpose to a delivery.
fn link(app: &TestApp, purpose: Purpose, delivery: &Value) -> String {
    let id: DeliveryId = delivery["id"].as_str().unwrap().parse().unwrap();
    path(&app.services.vault, purpose, id)
}

async fn page(app: &TestApp, path: &str) -> Answer {
    Answer::of(app.plain(Method::GET, path).header("accept", "text/html")).await
}

/// Whatever is kept in the background is kept.
async fn settle(app: &TestApp) {
    app.services.background.close();
    app.services.background.wait().await;
    app.services.background.reopen();
}

/// What Chromium and mail programs send along: no cookie, no token.
async fn one_click(app: &TestApp, path: &str) -> Answer {
    let form = app
        .plain(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("List-Unsubscribe=One-Click");
    Answer::of(form).await
}
