//! People over a running server: found, changed, set aside, forgotten, and read from a file.

use belltower::domain::operator::Role;
use belltower::service::recipients::{self, Recipient};
use belltower::store::audit::{self, AuditFilter};
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

async fn put(app: &TestApp, campus_id: &str, body: Value) {
    let request = app.api(Method::PUT, &format!("/recipients/{campus_id}")).json(&body);
    Answer::of(request).await.expect(201);
}

async fn li(app: &TestApp) -> String {
    let body = json!({
        "name": "李伟", "email": "li.wei@stu.bell.example", "mobile": "13812345678", "department": "农学院",
        "attributes": {"role": "student", "year": 2024, "card": "0071"},
    });
    put(app, "2024001", body).await;
    format!("/console/people/{}", person(app, "2024001").await.id)
}

async fn person(app: &TestApp, campus_id: &str) -> Recipient {
    recipients::get(&app.services, &operator(Role::Owner), campus_id).await.unwrap()
}

async fn acts(app: &TestApp) -> Vec<(String, String, Value)> {
    let filter = AuditFilter { action: Some("recipient.".to_owned()), ..AuditFilter::default() };
    let rows = audit::list(&app.services.db, &filter, None, 50).await.unwrap();
    rows.into_iter().map(|row| (row.action, row.object, row.detail.0)).collect()
}

#[tokio::test]
async fn people_are_found_by_filters_and_page_by_page() {
    let app = TestApp::start().await;
    li(&app).await;
    for n in 1..=35 {
        put(&app, &format!("T{n:03}"), json!({"name": format!("教师{n}"), "department": "图书馆"})).await;
    }
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let found = |page: &Answer| page.text.matches("class=\"main-link\"").count();
    let page = browser.get("/console/people?department=%E5%9B%BE%E4%B9%A6").await;
    assert_eq!((page.status, found(&page)), (200, 30), "{}", page.text);
    assert!(page.text.contains("T035") && !page.text.contains("李伟"));
    let (_, rest) =
        page.text.split_once("/console/people?department=%E5%9B%BE%E4%B9%A6&#38;cursor=").unwrap();
    let cursor = rest.split('"').next().unwrap();
    let next = browser.get(&format!("/console/people?department=%E5%9B%BE%E4%B9%A6&cursor={cursor}")).await;
    assert!(
        found(&next) == 5 && next.text.contains("T001") && next.text.contains("回到第一页"),
        "{}",
        next.text
    );

    for (query, holds) in
        [("q=2024", true), ("q=%E6%9D%8E", true), ("q=13812345678", true), ("q=024001", false)]
    {
        let part = browser.partial(&format!("/console/people?{query}")).await;
        assert!(part.text.contains("id=\"people\"") && !part.text.contains("<html"), "{query}");
        assert_eq!(part.text.contains("李伟"), holds, "{query}");
        assert!(!part.text.contains("li.wei@") && !part.text.contains("13812345678<"), "{query}");
    }
    assert!(browser.get("/console/people?state=inactive").await.text.contains("没有符合条件的人"));
    assert!(browser.get("/console/people?state=asleep").await.text.contains("没有符合条件的人"));
    assert_eq!(found(&browser.get("/console/people?cursor=nonsense").await), 30);
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    for path in ["/console/people", "/console/people/import", "/console/groups"] {
        assert_eq!(auditor.get(path).await.status, 403, "{path}");
    }
    assert!(!auditor.get("/console").await.text.contains("/console/people"));
}

#[tokio::test]
async fn addresses_are_shown_whole_only_when_asked_and_that_is_written_down() {
    let app = TestApp::start().await;
    let path = li(&app).await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let page = owner.get(&path).await;
    assert!(
        page.text.contains("l***@stu.bell.example") && page.text.contains("+86138****5678"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("li.wei@stu.bell.example"));
    assert!(acts(&app).await.is_empty(), "nobody looked yet");

    let shown = owner.submit(&path, &format!("{path}/reveal"), &[]).await;
    assert_eq!((shown.status, shown.header("cache-control")), (200, Some("no-store")));
    assert!(shown.text.contains("li.wei@stu.bell.example") && shown.text.contains("+8613812345678"));
    assert!(shown.text.contains(&format!("name=\"return_to\" value=\"{path}\"")), "a page to come back to");
    let id = path.rsplit('/').next().unwrap().to_owned();
    assert_eq!(acts(&app).await, [("recipient.reveal".to_owned(), id, json!({}))]);
    assert!(!owner.get(&path).await.text.contains("li.wei@stu.bell.example"), "masked again");

    assert_eq!(owner.post(&format!("{path}/reveal"), &[]).await.status, 403, "a form without a token");
    let mut manager = Browser::signed_in(&app, Role::MessageManager).await;
    assert!(manager.get(&path).await.text.contains("你的角色不能查看完整内容"));
    assert_eq!(manager.submit(&path, &format!("{path}/reveal"), &[]).await.status, 403);
    assert_eq!(acts(&app).await.len(), 1);
}

#[tokio::test]
async fn a_person_is_changed_without_their_addresses_being_seen_or_lost() {
    let app = TestApp::start().await;
    let path = li(&app).await;
    let edit = format!("{path}/edit");
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let form = browser.get(&edit).await;
    assert!(form.text.contains("card = 0071\nrole = student\nyear = 2024</textarea>"), "{}", form.text);
    assert!(form.text.contains("现在是 l***@stu.bell.example") && !form.text.contains("li.wei@"));

    let wrong =
        [("name", " "), ("email", "li at bell"), ("attributes", "role student"), ("language", "中文")];
    let refused = browser.submit(&edit, &path, &wrong).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("id=\"attributes-error\"") && refused.text.contains(">role student</textarea>")
    );
    let wrong = [&wrong[..2], &[("attributes", "role = student"), ("language", "中文")]].concat();
    let refused = browser.submit(&edit, &path, &wrong).await;
    for id in ["name-error", "email-error", "language-error"] {
        assert!(refused.text.contains(&format!("id=\"{id}\"")), "{id}: {}", refused.text);
    }
    assert!(refused.text.contains("value=\"li at bell\""), "{}", refused.text);

    let change = [
        ("name", "李伟伟"),
        ("department", "农学院"),
        ("clear", "mobile"),
        ("wecom_userid", "liwei"),
        ("attributes", "card = 0071\r\nyear = 2025\r\nparty = true"),
    ];
    let saved = browser.submit(&edit, &path, &change).await;
    assert_eq!((saved.status, saved.header("location")), (303, Some(path.as_str())), "{}", saved.text);
    let now = app.get("/recipients/2024001").await.expect(200);
    assert_eq!((&now["name"], &now["email"]), (&json!("李伟伟"), &json!("li.wei@stu.bell.example")));
    assert_eq!((&now["mobile"], &now["wecom_userid"]), (&Value::Null, &json!("liwei")));
    assert_eq!(now["attributes"], json!({"card": "0071", "year": 2025, "party": true}));

    let new = [("campus_id", "T9"), ("name", "王芳"), ("email", "wang@bell.example")];
    let made = browser.submit("/console/people/new", "/console/people", &new).await;
    let there = made.header("location").unwrap().to_owned();
    assert!(browser.get(&there).await.text.contains("已加入目录"), "{}", made.text);
    let again = browser.submit("/console/people/new", "/console/people", &new).await;
    assert!(again.status == 422 && again.text.contains("id=\"campus_id-error\""), "{}", again.text);
    for missing in ["rcp_0000000000000", "seven"] {
        assert_eq!(browser.get(&format!("/console/people/{missing}")).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn a_persons_page_tells_what_became_of_what_they_were_sent() {
    let app = TestApp::start().await;
    let path = li(&app).await;
    for n in 1..=21 {
        let body = json!({
            "topic": "library.loan", "title": format!("借阅提醒{n:02}"), "body": "b",
            "audience": {"recipients": ["2024001"]}, "channels": ["wechat"],
        });
        app.post("/messages", &body).await.expect(202);
        app.drain().await;
    }
    let mut browser = Browser::signed_in(&app, Role::Sender).await;
    let page = browser.get(&path).await;
    assert!(page.text.contains("借阅提醒21") && !page.text.contains("借阅提醒01"), "{}", page.text);
    assert!(page.text.contains("没有可用地址") || page.text.contains("无可用"), "the reason: {}", page.text);
    let (_, rest) = page.text.split_once("?cursor=").unwrap();
    let older = browser.get(&format!("{path}?cursor={}", rest.split('#').next().unwrap())).await;
    assert!(older.text.contains("借阅提醒01") && !older.text.contains("借阅提醒02"), "{}", older.text);
    assert!(older.text.contains("/console/messages/msg_"));
}

#[tokio::test]
async fn preferences_are_changed_for_a_reason() {
    let app = TestApp::start().await;
    let path = li(&app).await;
    let act = format!("{path}/preferences");
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let refused = browser.submit(&path, &act, &[("topic", "Concerts"), ("channel", "sms")]).await;
    assert_eq!(refused.status, 422);
    for holds in ["id=\"topic-error\"", "id=\"reason-error\"", "value=\"Concerts\"", "value=\"sms\" selected"]
    {
        assert!(refused.text.contains(holds), "{holds}: {}", refused.text);
    }
    let fields = [("topic", "campus.activity.#"), ("channel", "sms"), ("reason", "本人来电要求")];
    assert_eq!(browser.submit(&path, &act, &fields).await.status, 303);
    let page = browser.get(&path).await;
    assert!(page.text.contains("<span class=\"chip\">campus.activity.#</span>"), "{}", page.text);
    let remove = [("topic", "campus.activity.#"), ("channel", "sms"), ("act", "remove")];
    browser.submit(&path, &act, &remove).await;
    assert!(browser.get(&path).await.text.contains("没有取消退订：此项必填"));
    browser.submit(&path, &act, &[&remove[..], &[("reason", "又想收了")]].concat()).await;
    assert!(browser.get(&path).await.text.contains("没有退订任何内容"));
    let log: Vec<_> =
        acts(&app).await.into_iter().map(|(action, _, detail)| (action, detail["reason"].clone())).collect();
    let expected = [("recipient.opt_in", "又想收了"), ("recipient.opt_out", "本人来电要求")];
    assert_eq!(log, expected.map(|(action, reason)| (action.to_owned(), json!(reason))));
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    assert_eq!(sender.submit(&path, &act, &fields).await.status, 403);
}

#[tokio::test]
async fn a_person_is_set_aside_and_forgotten() {
    let app = TestApp::start().await;
    let path = li(&app).await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    for (active, said) in [("false", "已停用"), ("true", "已恢复")] {
        browser.submit(&path, &format!("{path}/active"), &[("active", active)]).await;
        assert!(browser.get(&path).await.text.contains(said), "{said}");
        assert_eq!(person(&app, "2024001").await.active.to_string(), active);
    }
    let erase = format!("{path}/erase");
    let refused = browser.submit(&erase, &erase, &[("campus_id", "2024")]).await;
    assert!(refused.status == 422 && refused.text.contains("与上面的学工号不一致"), "{}", refused.text);
    assert!(person(&app, "2024001").await.active);
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    assert_eq!(sender.get(&erase).await.status, 403);
    assert_eq!(sender.submit(&path, &erase, &[("campus_id", "2024001")]).await.status, 403);
    let page = sender.get(&path).await;
    assert!(!page.text.contains(&erase) && !page.text.contains("/active"), "no button for who may not");

    let gone = browser.submit(&erase, &erase, &[("campus_id", "2024001")]).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some("/console/people")), "{}", gone.text);
    assert!(browser.get("/console/people").await.text.contains("已删除此人的全部个人信息"));
    assert_eq!(browser.get(&path).await.status, 404);
    assert_eq!(app.get("/recipients/2024001").await.status, 404);
}

#[tokio::test]
async fn a_list_is_taken_along_as_it_is_filtered() {
    let app = TestApp::start().await;
    li(&app).await;
    let others = (1..=1_001)
        .map(|n| json!({"campus_id": format!("T{n:04}"), "name": "=王芳", "department": "图书馆"}));
    let lines = others.map(|person| person.to_string()).collect::<Vec<_>>().join("\n");
    let sent = app.api(Method::POST, "/recipients/import").header("content-type", "application/x-ndjson");
    Answer::of(sent.body(lines)).await.expect(200);

    let mut manager = Browser::signed_in(&app, Role::MessageManager).await;
    let file = manager.submit("/console/people", "/console/people/export", &[("q", "2024001")]).await;
    assert_eq!(file.status, 200, "{}", file.text);
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"people.csv\""));
    for holds in ["\u{feff}\"学工号\",\"姓名\",\"部门\"", "2024001", "****"] {
        assert!(file.text.contains(holds), "{holds}: {}", file.text);
    }
    assert!(!file.text.contains("+8613812345678") && file.text.matches("\r\n").count() == 2, "{}", file.text);
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let all = owner.submit("/console/people", "/console/people/export", &[]).await;
    assert!(all.text.contains("+8613812345678"), "whole for who may learn addresses");
    assert_eq!(all.text.matches("\r\n").count(), 1 + 1_002, "more than one piece");
    assert_eq!(all.text.matches("\"'=王芳\"").count(), 1_001, "no formula");
    let fields = [("department", "图书"), ("state", "inactive")];
    let none = owner.submit("/console/people", "/console/people/export", &fields).await;
    assert_eq!(none.text.matches("\r\n").count(), 1);

    let log: Vec<_> =
        acts(&app).await.into_iter().filter(|(action, ..)| action == "recipient.export").collect();
    assert_eq!(log.len(), 3);
    assert_eq!(log[0].2, json!({"people": 0, "whole": true, "department": "图书", "active": false}));
    assert_eq!(log[1].2, json!({"people": 1_002, "whole": true}));
    assert_eq!(log[2].2, json!({"people": 1, "whole": false, "searched": true}), "nobody's id is kept");
}
