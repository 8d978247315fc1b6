//! Two processes on one file, and a soft stop in the middle of the work.

use belltower::simulator::{Faults, SmtpOptions, SmtpSimulator, Stage};
use serde_json::json;
use std::time::Duration;

use crate::support::process::Installation;

#[tokio::test]
async fn a_second_server_on_the_same_file_refuses_and_commands_go_on_working() {
    let here = Installation::new();
    let server = here.serve().await;
    let second = here.run(&["serve"], "").await;
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another belltower (process "), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "one clear line: {said}");

    let key = here.source("图书馆", "library.#", &[]).await;
    let source = server.get(&key, "/api/v1/source").await;
    assert_eq!(source["name"], "图书馆", "the new key works on the running server at once");
    assert!(server.stop().await.success());
    assert!(here.serve().await.stop().await.success(), "the file is free again");
}

#[tokio::test]
async fn a_soft_stop_lets_what_is_in_flight_finish() {
    let faults = Faults::default().slow(Stage::Body, Duration::from_millis(300));
    let relay = SmtpSimulator::start(SmtpOptions { faults, ..SmtpOptions::default() }).await.unwrap();
    let here = Installation::new();
    let key = here.source("教务处", "academic.#", &["send_direct"]).await;
    here.smtp_provider(relay.addr()).await;
    let server = here.serve().await;
    let to: Vec<_> = (0..8).map(|i| json!({"email": format!("p{i}@campus.example")})).collect();
    let body = json!({"topic": "academic.exam", "title": "考试", "body": "地点改为教三", "to": to});
    let answer = reqwest::Client::new()
        .post(format!("{}/api/v1/messages", server.url()))
        .bearer_auth(&key)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
    // Some are being handed over now, whichever; the process finishes those and keeps the rest.
    while relay.stats().mail == 0 {
        tokio::task::yield_now().await;
    }
    assert!(server.stop().await.success());
    let first = relay.mailbox().total();
    let server = here.serve().await;
    relay.mailbox().wait_for(8).await;
    assert!(server.stop().await.success());
    assert!(first > 0);
    assert_eq!(relay.mailbox().duplicates(), [], "nothing was cut off, so nothing was sent twice");
}
