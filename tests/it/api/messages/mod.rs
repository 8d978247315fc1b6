//! Messages over HTTP: every way to send one, every way to look at it, and what hostile callers send instead.

mod acting;
mod hostile;
mod reading;
mod sending;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp};

fn minimal() -> Value {
    json!({"topic": "library.new-books", "title": "新书上架", "body": "本周新到图书 **120** 册。"})
}

/// To one address outside the directory, which the sandbox takes.
fn direct(email: &str) -> Value {
    let mut body = minimal();
    body["to"] = json!([{ "email": email }]);
    body
}

async fn send(app: &TestApp, body: &Value) -> String {
    id(&app.post("/messages", body).await.expect(202))
}

async fn send_test(app: &TestApp, body: &Value) -> String {
    id(&Answer::of(app.api_as(&app.test_key, Method::POST, "/messages").json(body)).await.expect(202))
}

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}
