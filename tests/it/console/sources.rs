//! Registering a source and keeping its keys, over a running server.

use belltower::domain::operator::Role;
use belltower::domain::source::Right;
use belltower::service::sources;
use reqwest::Method;
use serde_json::Value;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp, everything};
use crate::support::operator;

const LIBRARY: [(&str, &str); 7] = [
    ("name", "图书馆门户"),
    ("department", "图书馆"),
    ("topics", "library.#\r\n\r\n campus.opening-hours "),
    ("channels", "email"),
    ("channels", "wechat"),
    ("rights", "send_direct"),
    ("daily_messages", "5000"),
];

/// Registers the library's system and gives the path of its page.
async fn register(browser: &mut Browser) -> String {
    let answer = browser.submit("/console/sources/new", "/console/sources", &LIBRARY).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").unwrap().to_owned()
}

fn fresh_key(page: &Answer) -> Option<String> {
    let (_, rest) = page.text.split_once("id=\"fresh-key\">")?;
    rest.split('<').next().map(str::to_owned)
}

async fn status_with(app: &TestApp, key: &str) -> u16 {
    Answer::of(app.api_as(key, Method::GET, "/source")).await.status
}

#[tokio::test]
async fn a_new_sources_key_is_shown_once_and_opens_the_api() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let path = register(&mut browser).await;
    let page = browser.get(&path).await;
    let key = fresh_key(&page).unwrap();
    assert!(key.starts_with("bt_live_"), "{key}");
    assert_eq!(page.header("cache-control"), Some("no-store"));
    for shown in ["图书馆门户", "library.#", "campus.opening-hours", "5,000"] {
        assert!(page.text.contains(shown), "{shown}");
    }
    let again = browser.get(&path).await;
    assert!(fresh_key(&again).is_none() && !again.text.contains(&key), "shown twice");
    assert_eq!(status_with(&app, &key).await, 200);
    let list = browser.get("/console/sources").await;
    assert!(list.status == 200 && list.text.contains(&path), "{}", list.text);
}

#[tokio::test]
async fn as_whom_a_system_publishes_is_said_in_its_form_and_stands_on_its_page() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let path = register(&mut browser).await;
    assert!(!browser.get(&path).await.text.contains("消息代理用户"));
    let publishes = [&LIBRARY[..], &[("broker_user", "library-mq")]].concat();
    let saved = browser.submit(&format!("{path}/edit"), &path, &publishes).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert!(browser.get(&path).await.text.contains("library-mq"));
    let form = browser.get(&format!("{path}/edit")).await;
    assert!(form.text.contains("value=\"library-mq\""), "{}", form.text);
    let other = [&LIBRARY[1..], &[("name", "另一个"), ("broker_user", "library-mq")]].concat();
    let answer = browser.submit("/console/sources/new", "/console/sources", &other).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text.contains("id=\"broker_user-error\""), "{}", answer.text);
}

#[tokio::test]
async fn a_key_is_made_and_ended() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let path = register(&mut browser).await;
    browser.get(&path).await;
    let made = browser.submit(&path, &format!("{path}/keys"), &[("kind", "test")]).await;
    assert_eq!((made.status, made.header("location")), (303, Some(path.as_str())), "{}", made.text);
    let page = browser.get(&path).await;
    let key = fresh_key(&page).unwrap();
    assert!(key.starts_with("bt_test_"), "{key}");
    assert_eq!(status_with(&app, &key).await, 200);

    // The newest key comes first.
    let act = page.text.split("action=\"").find(|rest| rest.contains("/revoke\"")).unwrap();
    let act = act.split('"').next().unwrap();
    assert_eq!(browser.submit(&path, act, &[]).await.status, 303);
    assert_eq!(status_with(&app, &key).await, 401);
    let page = browser.get(&path).await;
    assert!(page.text.contains("密钥已吊销") && page.text.contains("已失效"), "{}", page.text);
}

#[tokio::test]
async fn what_is_wrong_with_a_form_is_said_at_its_fields() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let fields = [("name", "图书馆门户"), ("topics", "Library"), ("rate_per_second", "many")];
    let answer = browser.submit("/console/sources/new", "/console/sources", &fields).await;
    assert_eq!(answer.status, 422);
    for id in ["department-error", "topics-error", "channels-error", "rate_per_second-error"] {
        assert!(answer.text.contains(&format!("id=\"{id}\"")), "{id}: {}", answer.text);
    }
    assert!(answer.text.contains("value=\"图书馆门户\"") && answer.text.contains(">Library</textarea>"));
    let taken = [&LIBRARY[1..], &[("name", "registry")]].concat();
    let answer = browser.submit("/console/sources/new", "/console/sources", &taken).await;
    assert!(answer.text.contains("id=\"name-error\""), "{}", answer.text);
}

#[tokio::test]
async fn faults_of_topics_and_limits_say_what_to_change() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let fields = [("topics", "library.#\nLibrary.新书"), ("rate_per_second", "0"), ("daily_messages", "-3")];
    for (language, texts) in [
        (
            "zh-CN",
            ["“Library.新书”不是主题", "小写", "library.new-books", "1 到 1,000,000 ", "1 到 1,000,000,000"],
        ),
        (
            "en",
            [
                "“Library.新书” is not a topic",
                "a-z",
                "library.new-books",
                "1 to 1,000,000 ",
                "1 to 1,000,000,000",
            ],
        ),
    ] {
        browser.keep("bt_language", language);
        let answer = browser.submit("/console/sources/new", "/console/sources", &fields).await;
        assert_eq!(answer.status, 422);
        for text in texts {
            assert!(answer.text.contains(text), "{text}: {}", answer.text);
        }
    }
}

/// The message of the first call on a source's page, as a shell hands it over.
fn first_message(page: &Answer) -> Value {
    let text = page.text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#60;", "<");
    let (_, rest) = text.split_once("<<'MESSAGE'\n").unwrap();
    let (message, _) = rest.split_once("\nMESSAGE").unwrap();
    serde_json::from_str(message).unwrap()
}

#[tokio::test]
async fn the_first_call_on_the_page_is_taken_as_it_stands() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    for (name, channel, right) in [
        ("a", "email", "send_direct"),
        ("b", "sms", "send_direct"),
        ("c", "wechat", "send_direct"),
        ("d", "email", ""),
    ] {
        let mut fields = vec![
            ("name", name),
            ("department", "图书馆"),
            ("topics", "library.#"),
            ("channels", channel),
            ("kind", "test"),
        ];
        fields.extend(Some(("rights", right)).filter(|_| !right.is_empty()));
        let made = browser.submit("/console/sources/new", "/console/sources", &fields).await;
        let page = browser.get(made.header("location").unwrap()).await;
        let message = first_message(&page);
        let request = app.api_as(&fresh_key(&page).unwrap(), Method::POST, "/messages").json(&message);
        let taken = Answer::of(request).await;
        assert_eq!(taken.status, 202, "{name}: {message} {}", taken.text);
        assert_eq!(message.get("to").is_some(), !right.is_empty(), "{name}: {message}");
    }
}

#[tokio::test]
async fn a_replaced_key_says_when_it_ends() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let path = register(&mut browser).await;
    let key = fresh_key(&browser.get(&path).await).unwrap();
    assert!(!browser.get(&path).await.text.contains("失效时间"));
    Answer::of(app.api_as(&key, Method::POST, "/source/keys/rotate")).await.expect(200);
    let page = browser.get(&path).await;
    assert!(page.text.contains("失效时间 <time datetime"), "{}", page.text);
    app.clock.turn(25 * 3_600_000);
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let page = browser.get(&path).await;
    assert!(!page.text.contains("失效时间") && page.text.contains("已失效"), "{}", page.text);
}

#[tokio::test]
async fn every_right_is_offered() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get("/console/sources/new").await;
    for right in Right::ALL {
        assert!(page.text.contains(&format!("name=\"rights\" value=\"{right}\"")), "{right}: {}", page.text);
    }
}

#[tokio::test]
async fn rights_are_changed_and_a_source_is_shut_out() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let path = register(&mut browser).await;
    let key = fresh_key(&browser.get(&path).await).unwrap();
    let edit = format!("{path}/edit");
    let form = browser.get(&edit).await;
    assert!(form.text.contains("library.#\ncampus.opening-hours</textarea>"), "{}", form.text);
    assert!(form.text.contains("value=\"5000\""), "{}", form.text);
    let narrowed = [("department", "图书馆"), ("topics", "library.loan"), ("channels", "email")];
    let answer = browser.submit(&edit, &path, &narrowed).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(path.as_str())), "{}", answer.text);
    let page = browser.get(&path).await;
    assert!(page.text.contains("权限已保存") && page.text.contains("library.loan"), "{}", page.text);
    assert!(!page.text.contains("campus.opening-hours") && !page.text.contains("5,000"), "{}", page.text);

    let asked = browser.get(&path).await;
    assert!(
        asked.text.contains("停用“图书馆门户”？") && asked.text.contains("立刻收到 401"),
        "{}",
        asked.text
    );
    browser.submit(&path, &format!("{path}/enabled"), &[("enabled", "false")]).await;
    assert!(browser.get(&path).await.text.contains("已停用"));
    assert_eq!(status_with(&app, &key).await, 401);
    browser.submit(&path, &format!("{path}/enabled"), &[("enabled", "true")]).await;
    assert_eq!(status_with(&app, &key).await, 200);
}

#[tokio::test]
async fn who_may_not_edit_sees_no_way_to_and_finds_none() {
    let app = TestApp::start().await;
    let owner = operator(Role::Owner);
    let source = sources::create(&app.services, &owner, everything("library")).await.unwrap().source_id;
    let path = format!("/console/sources/{source}");
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let page = auditor.get(&path).await;
    assert_eq!(page.status, 200);
    let beyond: Vec<_> = page.text.split(&format!("{path}/")).skip(1).collect();
    assert!(beyond.iter().all(|rest| rest.starts_with("calls")), "{}", page.text);
    assert_eq!(auditor.get(&format!("{path}/calls")).await.status, 200);
    assert_eq!(auditor.get(&format!("{path}/guard")).await.status, 403);
    assert_eq!(auditor.get(&format!("{path}/edit")).await.status, 403);
    assert_eq!(auditor.get("/console/sources/new").await.status, 403);
    for act in ["", "/keys", "/enabled", "/guard"]
        .map(|act| format!("{path}{act}"))
        .into_iter()
        .chain(["/console/sources".to_owned()])
    {
        assert_eq!(auditor.submit(&path, &act, &LIBRARY).await.status, 403, "{act}");
    }
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    assert_eq!(sender.get("/console/sources").await.status, 403);
    assert_eq!(sender.get("/console/sources/src_none").await.status, 404);
}

#[tokio::test]
async fn groups_are_given_by_name() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    for (slug, name) in [("readers", "借阅读者"), ("staff", "馆员")] {
        let group = serde_json::json!({"name": name, "kind": "static"});
        Answer::of(app.api(Method::PUT, &format!("/groups/{slug}")).json(&group)).await.expect(201);
    }
    let page = browser.get("/console/sources/new").await;
    assert!(page.text.contains("name=\"groups\" value=\"readers\"") && page.text.contains("借阅读者"));
    let fields = [
        ("name", "图书馆门户"),
        ("department", "图书馆"),
        ("topics", "library.#"),
        ("channels", "email"),
        ("groups", "readers"),
    ];
    let both = [&fields[..], &[("rights", "send_direct")]].concat();
    let refused = browser.submit("/console/sources/new", "/console/sources", &both).await;
    assert!(refused.status == 422 && refused.text.contains("id=\"groups-error\""), "{}", refused.text);
    assert!(refused.text.contains("value=\"readers\" checked") && refused.text.contains("发给组外的人"));
    let gone = [&fields[..], &[("groups", "no-more")]].concat();
    let refused = browser.submit("/console/sources/new", "/console/sources", &gone).await;
    assert!(refused.status == 422 && refused.text.contains("用户组“no-more”已不存在"), "{}", refused.text);

    let made = browser.submit("/console/sources/new", "/console/sources", &fields).await;
    let path = made.header("location").unwrap().to_owned();
    let page = browser.get(&path).await;
    assert!(page.text.contains("<span class=\"chip\">借阅读者</span>"), "{}", page.text);
    let edit = format!("{path}/edit");
    assert!(browser.get(&edit).await.text.contains("value=\"readers\" checked"));
    let open = browser.submit(&edit, &path, &fields[..4]).await;
    assert_eq!(open.status, 303, "{}", open.text);
    assert!(browser.get(&path).await.text.contains("目录中的任何人"));
    let log = browser.get("/console/audit?of=source").await;
    assert!(log.text.contains("<del>readers</del> → <ins>目录中的任何人</ins>"), "{}", log.text);
}
