//! Other systems, as the console shows them: one that asks for a key, and one that is told of what happens.

use reqwest::Method;
use serde_json::json;

use crate::support::app::{Answer, TestApp};

/// The pages of a registration that waits, and of a subscription whose endpoint does not answer.
pub(super) async fn pages(app: &TestApp) -> [String; 2] {
    let asked = json!({
        "name": "图书馆座位预约", "department": "图书馆", "contact_name": "李伟",
        "contact_email": "liwei@lib.bell.example", "purpose": "预约成功、临近开始和违约时告知读者",
        "topics": ["library.seat.#", "library.due"], "channels": ["email", "wechat"],
    });
    let request = app.plain(Method::POST, "/api/v1/source-registrations").json(&asked);
    let registered = Answer::of(request).await.expect(202);
    let wanted = json!({
        "topics": ["library.#", "academic.exam.#"], "events": ["message.completed", "delivery.failed"],
        "endpoint": { "kind": "webhook", "url": "http://127.0.0.1:1/hooks/belltower" },
    });
    let made = app.post("/subscriptions", &wanted).await.expect(201);
    let subscription = made["id"].as_str().unwrap();
    app.post(&format!("/subscriptions/{subscription}/test"), &json!({})).await.expect(202);
    let registration = registered["id"].as_str().unwrap();
    [
        format!("/console/sources/registrations/{registration}"),
        format!("/console/subscriptions/{subscription}"),
    ]
}
