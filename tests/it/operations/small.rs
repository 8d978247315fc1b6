//! Small commands for whoever looks after it.

use serde_json::json;

use crate::support::process::Installation;

#[tokio::test]
async fn health_says_what_readiness_says() {
    let here = Installation::new();
    let nobody = here.run(&["health", "--at", "127.0.0.1:1"], "").await;
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&nobody.stderr).trim().lines().count(), 1, "{nobody:?}");
    let server = here.serve().await;
    let at = server.url().strip_prefix("http://").unwrap().to_owned();
    let told = here.json(&["health", "--at", &at], "").await;
    assert_eq!(told["status"], "degraded", "no provider is set up: {told}");
    let shown = here.run(&["health", "--at", &at], "").await;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.status.success() && text.starts_with("degraded\n  store ok\n"), "{text}");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn purge_removes_what_is_due_and_says_beforehand_what_that_is() {
    let here = Installation::new();
    let key = here.source("图书馆", "library.#", &["send_direct"]).await;
    let server = here.serve().await;
    let body = json!({"topic": "library.new", "title": "新书", "body": "到了。", "to": [{"email": "a@campus.example"}]});
    let request = reqwest::Client::new().post(format!("{}/api/v1/messages", server.url()));
    let sent: serde_json::Value =
        request.bearer_auth(&key).json(&body).send().await.unwrap().json().await.unwrap();
    let id = sent["id"].as_str().unwrap();
    let cancel = reqwest::Client::new().post(format!("{}/api/v1/messages/{id}/cancel", server.url()));
    assert!(cancel.bearer_auth(&key).send().await.unwrap().status().is_success());
    assert!(server.stop().await.success());
    let url = format!("sqlite://{}", here.data().join("belltower.db").display());
    let mut store = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let long_ago = "UPDATE message SET completed_at = 1, updated_at = 1";
    sqlx::query(long_ago).execute(&mut store).await.unwrap();
    sqlx::Connection::close(store).await.unwrap();

    let due = here.json(&["purge", "--dry-run"], "").await;
    let of = |rule: &str| {
        let all = due["due"].as_array().unwrap();
        all.iter().find(|due| due["rule"] == rule).unwrap()["messages"].as_i64().unwrap()
    };
    assert_eq!((of("announcement_content"), &due["removed"]), (1, &json!(0)), "{due}");
    let done = here.json(&["purge"], "").await;
    assert!(done["removed"].as_i64().unwrap() >= 1 && done["gave_way"] == false, "{done}");
    let left = here.json(&["purge", "--dry-run"], "").await;
    assert!(left["due"].as_array().unwrap().iter().all(|due| due["messages"] == 0), "{left}");
    assert_eq!(here.json(&["verify"], "").await["ok"], true, "what was removed leaves its counts behind");
}
