//! Applications that are told of what happens, from the message to their endpoint, with the clock turned.

mod asking;
mod ending;
mod endpoint;
mod lines;
mod queues;
mod reading;
mod sending;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use belltower::channel::outward::{Outward, TIMEOUT};
use belltower::config::AllowPrivate;
use belltower::domain::subscription::Secret;
use belltower::service::Services;
use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::{Value, json};

use self::endpoint::Endpoint;
use crate::support::app::{Answer, TestApp, everything};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const SUBSCRIPTIONS: &str = "/subscriptions";

/// A server that may call this machine.
async fn app() -> TestApp {
    app_of(|s| s.outward = Some(Outward::new(AllowPrivate::Everywhere, TIMEOUT).unwrap())).await
}

/// A server over these services, whose directory has two people.
async fn app_of(change: impl FnOnce(&mut Services)) -> TestApp {
    let app = TestApp::start_with(change).await;
    add_people(&app).await;
    app
}

async fn add_people(app: &TestApp) {
    for (id, address) in [("P1", "p1@sandbox.invalid"), ("P2", "bounce@sandbox.invalid")] {
        let person = json!({"name": "n", "email": address});
        Answer::of(app.api(Method::PUT, &format!("/recipients/{id}")).json(&person)).await.expect(201);
    }
}

/// Subscribes the source of that key to these events on every topic.
async fn subscribe(app: &TestApp, key: &str, events: &[&str], to: &Endpoint) -> Value {
    let body = json!({"topics": ["#"], "events": events, "endpoint": {"kind": "webhook", "url": to.url}});
    Answer::of(app.api_as(key, Method::POST, SUBSCRIPTIONS).json(&body)).await.expect(201)
}

/// Sends a message to these people by the sandbox; its id.
async fn send(app: &TestApp, people: &[&str]) -> String {
    send_as(app, &app.test_key, people).await
}

async fn send_as(app: &TestApp, key: &str, people: &[&str]) -> String {
    let body = json!({
        "topic": "library.due", "title": "图书到期", "body": "b", "channels": ["email"],
        "audience": {"recipients": people},
    });
    let sent = Answer::of(app.api_as(key, Method::POST, "/messages").json(&body)).await.expect(202);
    sent["id"].as_str().unwrap().to_owned()
}

/// Does what is due now and a minute later.
async fn settle(app: &TestApp) {
    app.drain().await;
    app.clock.turn(MINUTE);
    app.drain().await;
}

fn path(subscription: &Value, rest: &str) -> String {
    format!("{SUBSCRIPTIONS}/{}{rest}", subscription["id"].as_str().unwrap())
}

async fn show(app: &TestApp, subscription: &Value) -> Value {
    app.get(&path(subscription, "")).await.expect(200)
}

async fn deliveries(app: &TestApp, subscription: &Value) -> Vec<Value> {
    let page = app.get(&path(subscription, "/deliveries")).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

/// The secret of a subscription that was just made, or rotated.
fn secret(answer: &Value) -> Secret {
    let text = answer["secret"].as_str().unwrap();
    Secret::new(STANDARD.decode(text.strip_prefix("whsec_").unwrap()).unwrap())
}

/// A key of a source with these rights alone.
async fn source(app: &TestApp, name: &str, rights: &[&str]) -> String {
    let rights = rights.iter().map(|&right| right.to_owned()).collect();
    app.add_source(NewSource { rights, ..everything(name) }).await
}
