//! Deliveries that need attention: seen by kind, sent again, set aside.

use std::time::Duration;

use belltower::domain::channel::ChannelKind;
use belltower::domain::grant::Grant;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::attention::{self, Remedy};
use belltower::service::messages::{self, MessageQuery, MessageSummary};
use belltower::service::providers::{self, NewProvider};
use belltower::service::sources::NewSource;
use belltower::service::{operators, recipients};
use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp, everything};
use crate::support::{TERMINAL, operator};

const LIST: &str = "/console/attention";
const GROUP: &str = "/console/attention/group";

/// Four messages by a live sandbox: four mails bounced, of one nobody knows, one arrived. The last is soon past its time.
async fn troubled() -> TestApp {
    let app = TestApp::start().await;
    let new = NewProvider {
        name: "校内邮件".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Sandbox,
        settings: json!({}),
        priority: 10,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    send(&app, "考试安排", &["ok", "bounce", "unknown"], 48).await;
    send(&app, "选课提醒", &["bounce"], 48).await;
    send(&app, "停电", &["bounce"], 48).await;
    send(&app, "成绩公布", &["bounce"], 1).await;
    app.drain().await;
    app
}

async fn send(app: &TestApp, title: &str, addresses: &[&str], hours: u64) {
    let expires_at = app.clock.now().plus(Duration::from_hours(hours)).to_string();
    let to: Vec<_> = addresses.iter().map(|a| json!({ "email": format!("{a}@sandbox.invalid") })).collect();
    let body = json!({
        "topic": "academic.exam", "title": title, "body": "周一", "to": to, "expires_at": expires_at,
    });
    Answer::of(app.api(Method::POST, "/messages").json(&body)).await.expect(202);
}

/// What deliveries that `bounce` have in common.
async fn bounced(app: &TestApp) -> attention::Group {
    let groups = attention::groups(&app.services, &operator(Role::Owner)).await.unwrap();
    groups.into_iter().find(|group| group.n == 4).expect("four alike")
}

async fn message(app: &TestApp, title: &str) -> MessageSummary {
    let query = MessageQuery { q: Some(title.to_owned()), limit: 1, ..MessageQuery::default() };
    let found = messages::list(&app.services, &operator(Role::Owner), &query).await.unwrap();
    found.items[0].clone()
}

async fn failed(app: &TestApp, title: &str) -> i64 {
    message(app, title).await.counts.all.failed
}

fn link(path: &str, key: &str) -> String {
    format!("{path}?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair("of", key).finish())
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn what_is_alike_is_told_once_with_what_to_do() {
    let app = troubled().await;
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let page = browser.get(LIST).await;
    has(&page, &["4 条", "1 条", "校内邮件", "没有得到答复", "怎么办", "2 类问题需要处理"]);
    has(&page, &["<span class=\"count\" aria-hidden=\"true\">5</span>", "（5 条）"]);
    let group = bounced(&app).await;
    let page = browser.get(&link(GROUP, &group.key)).await;
    has(&page, &["考试安排", "成绩公布", "b***@sandbox.invalid"]);
    assert!(!page.text.contains("bounce@") && !page.text.contains("name=\"remedy\""), "{}", page.text);
    let some = browser.get(&format!("{}&title=%E6%88%90%E7%BB%A9", link(GROUP, &group.key))).await;
    has(&some, &["成绩公布"]);
    assert!(!some.text.contains("考试安排"), "{}", some.text);
    has(&browser.get(&format!("{}&q=nobody", link(GROUP, &group.key))).await, &["在最近 5,000 条里没有找到"]);
    let refused = browser.submit(LIST, GROUP, &[("of", &group.key), ("remedy", "set_aside")]).await;
    assert_eq!(refused.status, 403);
    assert_eq!(bounced(&app).await.n, 4);
}

#[tokio::test]
async fn all_of_a_kind_are_sent_again_at_once() {
    let app = troubled().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let group = bounced(&app).await;
    let room = link(GROUP, &group.key);
    has(&browser.get(&room).await, &["重发 4 条", "name=\"late\""]);
    let act = browser.submit(&room, GROUP, &[("of", &group.key), ("remedy", "resend")]).await;
    assert_eq!((act.status, act.header("location")), (303, Some("/console/attention/acts/1")));
    let progress = browser.get("/console/attention/acts/1").await;
    has(&progress, &["批量重发", "已重新打开 4 条投递。", "周敏"]);
    assert!(!progress.text.contains("data-live"), "it stops when it has finished");
    assert_eq!((failed(&app, "考试安排").await, failed(&app, "成绩公布").await), (0, 0));
    let gone = browser.get(&room).await;
    assert_eq!((gone.status, gone.header("location")), (303, Some(LIST)));
    // They fail anew, and come back.
    app.drain().await;
    assert_eq!(bounced(&app).await.n, 4);
    assert_eq!((failed(&app, "考试安排").await, failed(&app, "成绩公布").await), (1, 1));
    has(&browser.get("/console/audit").await, &["批量重发", "/console/attention/acts/1"]);
}

#[tokio::test]
async fn what_is_past_its_time_is_sent_again_only_where_that_is_wanted() {
    let app = troubled().await;
    let owner = operator(Role::Owner);
    let key = bounced(&app).await.key;
    app.clock.turn(2 * 3_600_000);
    attention::begin(&app.services, &TERMINAL, &key, Remedy::Resend { late: false }).await.unwrap();
    let act = attention::act(&app.services, &owner, 1).await.unwrap();
    assert_eq!((act.done, act.passed_over, act.finished_at.is_some()), (3, 1, true));
    assert_eq!((failed(&app, "考试安排").await, failed(&app, "成绩公布").await), (0, 1));
    attention::begin(&app.services, &TERMINAL, &key, Remedy::Resend { late: true }).await.unwrap();
    assert_eq!(attention::act(&app.services, &owner, 2).await.unwrap().done, 1);
    let late = message(&app, "成绩公布").await;
    assert!(late.counts.all.failed == 0 && late.expires_at > app.clock.now().to_jiff());
}

#[tokio::test]
async fn what_was_called_off_stays_so() {
    let app = troubled().await;
    let owner = operator(Role::Owner);
    let mut tx = app.services.db.begin().await.unwrap();
    crate::store::execute(&mut tx, "UPDATE message SET status = 7 WHERE title = '停电'").await;
    tx.commit().await.unwrap();
    let key = bounced(&app).await.key;
    attention::begin(&app.services, &TERMINAL, &key, Remedy::Resend { late: true }).await.unwrap();
    let act = attention::act(&app.services, &owner, 1).await.unwrap();
    assert_eq!((act.done, act.passed_over), (3, 1));
    let off = message(&app, "停电").await;
    assert_eq!((off.status.name(), off.counts.all.failed), ("cancelled", 1));
}

#[tokio::test]
async fn what_is_set_aside_stays_failed_and_says_who_decided_so() {
    let app = troubled().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let group = bounced(&app).await;
    let (room, example) = (link(GROUP, &group.key), &group.examples[0]);
    let act = browser.submit(&room, GROUP, &[("of", &group.key), ("remedy", "set_aside")]).await;
    assert_eq!(act.status, 303, "{}", act.text);
    has(&browser.get("/console/attention/acts/1").await, &["已移走 4 条投递。"]);
    assert_eq!((failed(&app, "考试安排").await, failed(&app, "成绩公布").await), (1, 1));
    let list = browser.get(LIST).await;
    has(&list, &["1 类问题需要处理", "批量移出待处理"]);
    let delivery = format!("/console/messages/{}/deliveries/{}", example.message_id, example.id);
    has(&browser.get(&delivery).await, &["不再处理", "周敏"]);
    let none = browser.submit(LIST, GROUP, &[("of", &group.key), ("remedy", "resend")]).await;
    assert_eq!(none.status, 404);
    app.drain().await;
    assert_eq!(attention::count(&app.services).await.unwrap(), 1);
}

/// As many more as are not done before whoever asks for it is answered.
async fn many_more(app: &TestApp, key: &str) {
    let mut tx = app.services.db.begin().await.unwrap();
    let more = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 4100)
         INSERT INTO delivery (message_id, channel, outlet, lane, target, state, due_at, updated_at, trouble)
         SELECT (SELECT max(id) FROM message), 2, 1, 2, -1000 - n, 4, 0, 1, '{key}' FROM n"
    );
    crate::store::execute(&mut tx, &more).await;
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_is_many_stops_when_whoever_began_it_loses_the_right_to_it() {
    let app = troubled().await;
    let (s, key) = (&app.services, bounced(&app).await.key);
    many_more(&app, &key).await;
    let all = Grant::from(Role::Sender);
    let mut theirs = Browser::holding(&app, "fang", all).await;
    let act = theirs.submit(&link(GROUP, &key), GROUP, &[("of", &key), ("remedy", "set_aside")]).await;
    let act = act.header("location").unwrap().to_owned();
    has(&theirs.get(&act).await, &["正在处理", "value=\"4000\""]);
    let everybody = operators::list(s, &operator(Role::Owner)).await.unwrap();
    let id = everybody.iter().find(|one| one.email.starts_with("fang")).unwrap().id;
    // A part of the campus is less than what was begun.
    let library = Grant { departments: ["图书馆".to_owned()].into(), ..Grant::from(Role::Sender) };
    operators::set_grants(s, &TERMINAL, id, None, vec![library]).await.unwrap();
    app.drain().await;
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let page = owner.get(&act).await;
    has(&page, &["没有处理完就停止了", "不再有权", "value=\"4000\""]);
    assert!(!page.text.contains("data-live"), "{}", page.text);
    has(&owner.get(LIST).await, &["已停止", "4,000 / 4,104"]);
    assert_eq!(attention::count(s).await.unwrap(), 105, "what is left still needs it");
    // It stays so, whatever right they are given again.
    operators::set_grants(s, &TERMINAL, id, None, vec![Grant::from(Role::Sender)]).await.unwrap();
    app.drain().await;
    assert_eq!(attention::count(s).await.unwrap(), 105);
}

#[tokio::test]
async fn what_is_many_goes_on_without_whoever_began_it() {
    let app = troubled().await;
    let owner = operator(Role::Owner);
    let key = bounced(&app).await.key;
    many_more(&app, &key).await;
    let id = attention::begin(&app.services, &TERMINAL, &key, Remedy::SetAside).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(&format!("/console/attention/acts/{id}")).await;
    has(&page, &["正在处理", "data-live", "value=\"4000\"", "max=\"4104\""]);
    app.drain().await;
    let act = attention::act(&app.services, &owner, id).await.unwrap();
    assert_eq!((act.done, act.finished_at.is_some()), (4104, true));
}

#[tokio::test]
async fn deliveries_are_taken_along_as_far_as_one_may_know_them() {
    let app = troubled().await;
    let person = json!({"name": "=1+1 张伟", "email": "bounce@sandbox.invalid"});
    recipients::put(&app.services, &operator(Role::Owner), "2023123456", &person).await.unwrap();
    let body = json!({
        "topic": "academic.exam", "title": "补考", "body": "周一", "audience": {"recipients": ["2023123456"]},
        "channels": ["email"],
    });
    Answer::of(app.api(Method::POST, "/messages").json(&body)).await.expect(202);
    app.drain().await;
    let id = message(&app, "补考").await.id;
    let (room, act) = (format!("/console/messages/{id}"), format!("/console/messages/{id}/export"));
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    let file = owner.submit(&room, &act, &[]).await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    has(&file, &["\"2023123456\",\"'=1+1 张伟\",\"邮件\",\"bounce@sandbox.invalid\""]);
    assert_eq!(file.text.lines().count(), 2);
    let some = owner.submit(&room, &act, &[("state", "delivered")]).await;
    assert_eq!(some.text.lines().count(), 1);
    let theirs = owner.get("/console/messages?recipient=2023123456").await;
    assert!(theirs.text.contains("补考") && !theirs.text.contains("考试安排"), "{}", theirs.text);
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let masked = auditor.submit(&room, &act, &[]).await;
    has(&masked, &["\"20***56\"", "b***@sandbox.invalid"]);
    assert!(!masked.text.contains("张伟") && !masked.text.contains("2023123456"), "{}", masked.text);
    has(&auditor.get("/console/audit").await, &["导出投递"]);
}

#[tokio::test]
async fn whoever_is_limited_mends_their_own_departments_alone() {
    let app = troubled().await;
    let (s, owner) = (&app.services, operator(Role::Owner));
    let library = NewSource { department: "图书馆".to_owned(), ..everything("library") };
    let key = app.add_source(library).await;
    let body = json!({
        "topic": "library.due", "title": "图书到期", "body": "请还", "to": [{ "email": "unknown@sandbox.invalid" }],
    });
    Answer::of(app.api_as(&key, Method::POST, "/messages").json(&body)).await.expect(202);
    app.drain().await;
    let grant = Grant { departments: ["图书馆".to_owned()].into(), ..Grant::from(Role::Sender) };
    let mut browser = Browser::holding(&app, "library", grant).await;
    let page = browser.get(LIST).await;
    has(&page, &["图书到期"]);
    let key = attention::groups(s, &owner).await.unwrap().into_iter().find(|group| group.n == 2).unwrap().key;
    let group = browser.get(&link(GROUP, &key)).await;
    has(&group, &["图书到期"]);
    for theirs in ["考试安排", "选课提醒", "停电", "成绩公布"] {
        assert!(!page.text.contains(theirs) && !group.text.contains(theirs), "{theirs}");
    }
    let bounced = bounced(&app).await;
    let csrf = browser.token(LIST).await;
    let of_others = [("csrf", csrf.as_str()), ("of", bounced.key.as_str()), ("remedy", "aside")];
    assert_eq!(browser.post(GROUP, &of_others).await.status, 404, "what others alone have is not there");
    let all = [("csrf", csrf.as_str()), ("of", key.as_str()), ("remedy", "aside")];
    let done = browser.post(GROUP, &all).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let act = done.header("location").unwrap().to_owned();
    assert_eq!(browser.get(&act).await.status, 200);
    let mut left: Vec<_> = attention::groups(s, &owner).await.unwrap().iter().map(|group| group.n).collect();
    left.sort_unstable();
    assert_eq!(left, [1, 4]);
    assert!(!browser.get(LIST).await.text.contains("图书到期</a>"));
    // What somebody does about all departments' is not shown to one of them.
    let id = attention::begin(s, &TERMINAL, &key, Remedy::SetAside).await.unwrap();
    assert_eq!(browser.get(&format!("{LIST}/acts/{id}")).await.status, 404);
    assert_eq!(attention::act(s, &owner, id).await.unwrap().done, 1);
}
