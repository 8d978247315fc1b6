//! A disk that is full and a store that somebody holds: 503 and when to come back, and nothing half-written.

use belltower::store::Db;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::support::app::TestApp;

async fn pragma(app: &TestApp, text: String) -> i64 {
    let Db::Sqlite { writer, .. } = &app.services.db else { panic!("an embedded store") };
    sqlx::query_scalar(AssertSqlSafe(text)).fetch_one(writer).await.unwrap()
}

async fn post(app: &TestApp, number: usize) -> reqwest::Response {
    let body =
        json!({"topic": "library.new-books", "title": format!("新书 {number}"), "body": "书".repeat(20_000)});
    app.api(Method::POST, "/messages")
        .header("Idempotency-Key", format!("full-{number}"))
        .json(&body)
        .send()
        .await
        .unwrap()
}

async fn stored(app: &TestApp) -> usize {
    let answer = app.api(Method::GET, "/messages?limit=200").send().await.unwrap();
    answer.json::<Value>().await.unwrap()["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_full_disk_refuses_cleanly_and_goes_on_when_there_is_room() {
    let app = TestApp::start().await;
    let pages = pragma(&app, "PRAGMA page_count".to_owned()).await;
    pragma(&app, format!("PRAGMA max_page_count = {}", pages + 60)).await;
    let mut kept = 0;
    let refused = loop {
        let answer = post(&app, kept).await;
        if answer.status() != StatusCode::ACCEPTED {
            break answer;
        }
        kept += 1;
        assert!(kept < 100, "the disk never fills");
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "unavailable");
    assert_eq!(stored(&app).await, kept, "nothing of the refused one is there");

    pragma(&app, "PRAGMA max_page_count = 1000000".to_owned()).await;
    let answer = post(&app, kept).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert!(!answer.headers().contains_key("idempotent-replayed"), "its key was not used up");
    assert_eq!(stored(&app).await, kept + 1);
}

#[tokio::test]
async fn a_store_that_somebody_holds_refuses_cleanly_and_goes_on_when_it_is_free() {
    let app = TestApp::start().await;
    pragma(&app, "PRAGMA busy_timeout = 50".to_owned()).await;
    let Db::Sqlite { writer, .. } = &app.services.db else { panic!("an embedded store") };
    let mut other = writer.connect_options().connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = post(&app, 1).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(stored(&app).await, 0, "reading goes on");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert_eq!(post(&app, 1).await.status(), StatusCode::ACCEPTED);
}
