//! Stopping messages and sending them again.

use reqwest::Method;
use serde_json::json;

use super::{direct, minimal, send_test};
use crate::api::pairs;
use crate::support::app::{Answer, TestApp};

#[tokio::test]
async fn cancelling_stops_what_waits_and_says_what_was_out() {
    let app = TestApp::start().await;
    let mut later = direct("wang@campus.example");
    later["send_at"] = json!("2026-09-22T08:00:00+08:00");
    let id = send_test(&app, &later).await;
    let message = app.get(&format!("/messages/{id}")).await.expect(200);
    assert_eq!(
        (&message["status"], &message["send_at"]),
        (&json!("scheduled"), &json!("2026-09-22T00:00:00Z"))
    );
    let cancel = async || app.post(&format!("/messages/{id}/cancel"), &json!({})).await;
    assert_eq!(cancel().await.expect(200), json!({"stopped": 0, "already_sent": 0, "recall": []}));
    assert_eq!(app.get(&format!("/messages/{id}")).await.json()["status"], "cancelled");
    cancel().await.problem(409, "ended");

    let out = send_test(&app, &direct("li@campus.example")).await;
    app.drain().await;
    let said = Answer::of(app.api(Method::POST, &format!("/messages/{out}/cancel"))).await.expect(200);
    assert_eq!(said["already_sent"], 1, "without a body too: {said}");
    assert_eq!(said["recall"][0], json!({"channel": "email", "recalled": 0, "impossible": 1}));
}

#[tokio::test]
async fn resending_opens_exactly_what_failed() {
    let app = TestApp::start().await;
    let mut body = minimal();
    body["to"] = json!([{"email": "bounce@sandbox.invalid"}, {"email": "wang@campus.example"}]);
    let id = send_test(&app, &body).await;
    let path = format!("/messages/{id}/resend");
    app.post(&path, &json!({"states": ["failed"]})).await.problem(409, "not_sent");
    app.drain().await;
    let failed = app.get(&format!("/messages/{id}/deliveries?state=failed")).await.expect(200);
    assert_eq!(failed["data"].as_array().unwrap().len(), 1, "{failed}");
    let resent = app.post(&path, &json!({"states": ["failed"]})).await.expect(200);
    assert_eq!(resent["reopened"], 1, "{resent}");
    app.drain().await;
    let after = app.get(&format!("/messages/{id}/deliveries?state=failed")).await.expect(200);
    assert_eq!(after["data"][0]["attempts"], 2);
    let wrong = app.post(&path, &json!({"states": ["sent", "lost"], "colour": 1})).await;
    let told = [("/colour", "unknown_field"), ("/states/0", "not_allowed"), ("/states/1", "unknown_value")];
    assert_eq!(
        wrong.faults().into_iter().collect::<std::collections::BTreeSet<_>>(),
        pairs(&told).into_iter().collect()
    );
    assert_eq!(app.post(&path, &json!({})).await.faults(), pairs(&[("/states", "required")]));
}
