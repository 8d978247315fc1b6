//! A vendor was told OK, and the process is killed before it looked into what it was told.

use std::time::{Duration, Instant};

use belltower::simulator::{HttpSmsOptions, HttpSmsSimulator};
use serde_json::{Value, json};

use super::LOST;
use crate::support::process::{Installation, Server};

async fn until(server: &Server, key: &str, id: &str, state: &str) -> Value {
    let deadline = Instant::now() + LOST;
    loop {
        let message = server.get(key, &format!("/api/v1/messages/{id}")).await;
        if message["counts"]["all"][state] == 1 {
            return message;
        }
        assert!(Instant::now() < deadline, "never {state}: {message}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_a_vendor_was_told_ok_for_survives_kill_9() {
    let gateway = HttpSmsSimulator::start(HttpSmsOptions::default()).await.unwrap();
    let here = Installation::new();
    let source = ["source", "create", "--name=教务处", "--department=教务处", "--topics=academic.#"];
    let source = [&source[..], &["--channels=sms", "--rights=send_direct"]].concat();
    let key = here.json(&source, "").await["key"].as_str().unwrap().to_owned();
    let settings = json!({"request": {"url": gateway.send_url()}, "answer": {"message_id": "/msgid"}});
    let create = ["provider", "create", "--channel=sms", "--kind=http_sms", "--name=gateway", "--settings=-"];
    let provider = here.json(&create, &settings.to_string()).await;
    let shown: url::Url = provider["callback_url"].as_str().unwrap().parse().unwrap();

    let server = here.serve().await;
    let body = json!({"topic": "academic.exam", "title": "考试", "body": "改在教三", "to": [{"mobile": "13800000001"}]});
    let sent = reqwest::Client::new().post(format!("{}/api/v1/messages", server.url()));
    let sent: Value = sent.bearer_auth(&key).json(&body).send().await.unwrap().json().await.unwrap();
    let id = sent["id"].as_str().unwrap();
    until(&server, &key, id, "sent").await;
    assert!(server.stop().await.success());

    // Nobody who would look into it.
    let server = here.serve_as("web").await;
    let callback = format!("{}{}", server.url(), shown.path()).parse().unwrap();
    let answers = gateway.push(&callback).await;
    assert_eq!((answers.len(), answers[0].status, answers[0].body.as_str()), (1, 200, "OK"));
    let message = server.get(&key, &format!("/api/v1/messages/{id}")).await;
    assert_eq!(message["counts"]["all"]["delivered"], 0, "{message}");
    server.kill().await;

    let server = here.serve().await;
    let message = until(&server, &key, id, "delivered").await;
    assert_eq!(message["counts"]["all"]["sent"], 0, "{message}");
    assert!(server.stop().await.success());
    assert_eq!(here.json(&["provider", "receipts"], "").await, json!({"unmatched": [], "unread": []}));
}
