//! A disk that is full and a store that somebody holds: 503 and when to come back, and nothing half-written.

use belltower::Error;
use belltower::domain::emergency::{Act, Run};
use belltower::domain::id::BroadcastId;
use belltower::domain::operator::Role;
use belltower::service::{broadcasts, scenarios};
use belltower::store::Db;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::support::app::{Answer, TestApp};
use crate::support::fire::{fire, press_fire};
use crate::support::{TERMINAL, operator};

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

#[tokio::test]
async fn a_press_while_somebody_holds_the_store_is_refused_and_leaves_nothing_behind() {
    let app = TestApp::start().await;
    let s = &app.services;
    scenarios::seed(s).await.unwrap();
    pragma(&app, "PRAGMA busy_timeout = 50".to_owned()).await;
    let Db::Sqlite { writer, .. } = &s.db else { panic!("an embedded store") };
    let body = json!({"scenario": "fire", "params": {"place": "图书馆", "meeting_point": "操场"}});
    let by_key = async || {
        let request = app.api(Method::POST, "/broadcasts").header("Idempotency-Key", "held").json(&body);
        Answer::of(request).await
    };
    let officer = operator(Role::DutyOfficer);
    let in_person = async || press_fire(s, &officer, Run::Live, &fire("食堂")).await;
    let begun = async || broadcasts::list(s, &TERMINAL, None, None, 50).await.unwrap();
    let acts = async |id: BroadcastId| {
        let acts = broadcasts::acts(s, &TERMINAL, id).await.unwrap();
        acts.iter().map(|row| row.act).collect::<Vec<_>>()
    };

    let mut other = writer.connect_options().connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = by_key().await;
    refused.problem(503, "unavailable");
    assert!(refused.header("retry-after").is_some());
    let refused = in_person().await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    assert_eq!(begun().await.len(), 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    assert_eq!(begun().await.len(), 0, "nothing of them comes up afterwards");

    let pressed = by_key().await;
    assert_eq!(pressed.header("idempotent-replayed"), None, "its key was not used up");
    let waits: BroadcastId = pressed.expect(202)["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(acts(waits).await, [Act::Press, Act::Submit]);
    let live = in_person().await.unwrap();
    assert_eq!(live.attached_to, None);
    assert_eq!(acts(live.id).await, [Act::Press, Act::Launch]);
    assert_eq!(broadcasts::progress(s, &TERMINAL, live.id).await.unwrap().parts.len(), 1);
    assert_eq!(begun().await.len(), 2);
}
