//! What a person was sent, for portals and apps that show it to them.

use belltower::domain::operator::Role;
use belltower::service::recipients;
use belltower::service::sources::NewSource;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, TestApp, everything};
use crate::support::operator;

const DAY: i64 = 24 * 3_600_000;

async fn with_people() -> TestApp {
    let app = TestApp::start().await;
    add_people(&app).await;
    app
}

/// Li and Wang, in the directory.
pub(super) async fn add_people(app: &TestApp) {
    for (id, language) in [("2024001", "en"), ("2024002", "zh-CN")] {
        let person = json!({ "name": id, "email": format!("{id}@campus.example"), "language": language });
        Answer::of(app.api(Method::PUT, &format!("/recipients/{id}")).json(&person)).await.expect(201);
    }
}

/// Sent to both with the test key; its id.
pub(super) async fn sent(app: &TestApp, title: &str, category: &str) -> String {
    let body = json!({
        "topic": "library.loan", "category": category, "title": title, "body": "**{{ book }}** 到期",
        "variants": { "en": { "title": format!("{title} (en)"), "body": "**{{ book }}** is due" } },
        "link": "https://lib.campus.example/loan", "channels": ["email"],
        "personalise": [
            { "campus_id": "2024001", "params": { "book": "Walden" } },
            { "campus_id": "2024002", "params": { "book": "红楼梦" } },
        ],
    });
    let request = app.api_as(&app.test_key, Method::POST, "/messages").json(&body);
    let id = Answer::of(request).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    id
}

pub(super) async fn inbox(app: &TestApp, query: &str) -> Value {
    let path = format!("/recipients/2024001/inbox{query}");
    Answer::of(app.api_as(&app.test_key, Method::GET, &path)).await.expect(200)
}

pub(super) async fn read(app: &TestApp, message: &str) -> Answer {
    let path = format!("/recipients/2024001/inbox/{message}/read");
    Answer::of(app.api_as(&app.test_key, Method::POST, &path)).await
}

fn titles(inbox: &Value) -> Vec<&str> {
    inbox["data"].as_array().unwrap().iter().map(|entry| entry["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_message_is_shown_as_its_person_reads_it() {
    let app = with_people().await;
    let id = sent(&app, "借阅提醒", "announcement").await;
    let found = inbox(&app, "").await;
    assert_eq!((&found["unread"], &found["next_cursor"]), (&json!(1), &Value::Null));
    let expected = json!({
        "message_id": id, "topic": "library.loan", "category": "announcement", "source": "registry",
        "department": "信息中心", "sent_at": "2026-09-21T14:13:20Z", "read_at": null, "withdrawn": false,
        "removed_at": null, "title": "借阅提醒 (en)", "link": "https://lib.campus.example/loan",
    });
    let entry = &found["data"][0];
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&entry[name], value, "{name}: {entry}");
    }
    assert!(entry["text"].as_str().unwrap().contains("Walden is due"), "{entry}");
    assert!(entry["html"].as_str().unwrap().contains("<strong>Walden</strong>"), "{entry}");
    assert!(!found.to_string().contains("红楼梦"), "what another was sent");
    let own = entry["preferences_url"].as_str().unwrap().strip_prefix("http://127.0.0.1:8080").unwrap();
    let page = Answer::of(app.plain(Method::GET, own)).await;
    assert!(page.status == 200 && page.text.contains("library.loan"), "{}", page.text);
    sent(&app, "校园停电", "emergency").await;
    assert_eq!(
        inbox(&app, "").await["data"][0]["preferences_url"],
        Value::Null,
        "nobody is asked about that"
    );
}

#[tokio::test]
async fn what_was_read_is_read_once() {
    let app = with_people().await;
    let id = sent(&app, "借阅提醒", "announcement").await;
    app.clock.turn(60_000);
    let first = read(&app, &id).await.expect(200);
    assert_eq!(first, json!({ "message_id": id, "read_at": "2026-09-21T14:14:20Z" }));
    app.clock.turn(60_000);
    assert_eq!(read(&app, &id).await.expect(200), first);
    let found = inbox(&app, "").await;
    assert_eq!((&found["unread"], &found["data"][0]["read_at"]), (&json!(0), &first["read_at"]));
    let path = format!("/messages/{id}/deliveries?campus_id=2024001");
    let delivery = Answer::of(app.api_as(&app.test_key, Method::GET, &path)).await.expect(200);
    assert_eq!(delivery["data"][0]["read_at"], first["read_at"]);
    for (person, message) in
        [("2024001", "msg_0123456789abc"), ("2024001", "x"), ("2024009", id.as_str()), ("2024001", "dlv_1")]
    {
        let path = format!("/recipients/{person}/inbox/{message}/read");
        Answer::of(app.api_as(&app.test_key, Method::POST, &path)).await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn it_is_filtered_and_paged() {
    let app = with_people().await;
    let first = sent(&app, "一", "announcement").await;
    app.clock.turn(60_000);
    sent(&app, "二", "resource_update").await;
    app.clock.turn(60_000);
    sent(&app, "三", "announcement").await;
    assert_eq!(titles(&inbox(&app, "").await), ["三 (en)", "二 (en)", "一 (en)"]);
    read(&app, &first).await.expect(200);
    let unread = inbox(&app, "?unread=true").await;
    assert_eq!((titles(&unread), &unread["unread"]), (vec!["三 (en)", "二 (en)"], &json!(2)));
    assert_eq!(titles(&inbox(&app, "?category=resource_update").await), ["二 (en)"]);
    assert_eq!(titles(&inbox(&app, "?since=2026-09-21T14:14:20Z").await), ["三 (en)", "二 (en)"]);
    let page = inbox(&app, "?limit=2").await;
    assert_eq!(titles(&page), ["三 (en)", "二 (en)"]);
    sent(&app, "四", "announcement").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = inbox(&app, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!((titles(&rest), &rest["next_cursor"]), (vec!["一 (en)"], &Value::Null));
    let wrong = app.get("/recipients/2024001/inbox?unread=perhaps&category=fax").await.faults();
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

#[tokio::test]
async fn what_was_withdrawn_says_so_and_what_is_over_is_gone() {
    let app = with_people().await;
    let id = sent(&app, "借阅提醒", "announcement").await;
    let mut tx = app.services.db.begin().await.unwrap();
    crate::store::execute(&mut tx, "UPDATE message SET status = 7").await;
    tx.commit().await.unwrap();
    let found = inbox(&app, "").await;
    let entry = &found["data"][0];
    assert_eq!(
        (&entry["withdrawn"], &entry["title"], &entry["text"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert_eq!(found["unread"], 0);
    read(&app, &id).await.problem(404, "not_found");

    let other = sent(&app, "新书", "announcement").await;
    assert_eq!(inbox(&app, "").await["data"].as_array().unwrap().len(), 2);
    app.clock.turn(94 * DAY);
    assert_eq!(inbox(&app, "").await["data"], json!([]), "as its page cannot be opened any more");
    read(&app, &other).await.problem(404, "not_found");
    recipients::delete(&app.services, &operator(Role::Owner), "2024001").await.unwrap();
    let gone = app.api_as(&app.test_key, Method::GET, "/recipients/2024001/inbox");
    Answer::of(gone).await.problem(404, "not_found");
}

#[tokio::test]
async fn it_takes_the_right_and_live_keys_see_what_was_really_sent() {
    let app = with_people().await;
    let id = sent(&app, "借阅提醒", "announcement").await;
    let live = app.get("/recipients/2024001/inbox").await.expect(200);
    assert_eq!((&live["data"], &live["unread"]), (&json!([]), &json!(0)));
    Answer::of(app.api(Method::POST, &format!("/recipients/2024001/inbox/{id}/read")))
        .await
        .problem(404, "not_found");
    let without = NewSource { rights: vec!["directory".to_owned()], ..everything("without") };
    let key = app.add_source(without).await;
    for (method, path) in
        [(Method::GET, "/recipients/2024001/inbox"), (Method::POST, "/recipients/nobody/inbox/x/read")]
    {
        let refused = Answer::of(app.api_as(&key, method, path)).await.problem(403, "forbidden");
        assert!(refused["detail"].as_str().unwrap().contains("read_inbox"), "{refused}");
    }
}
