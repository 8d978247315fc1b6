//! Watching over a source: its calls, keys that are replaced, where it may call from, and samples that run.

use std::process::Stdio;

use belltower::domain::operator::Role;
use belltower::service::sources::{self, NewSource};
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp, everything};
use crate::support::operator;

async fn page_of(app: &TestApp, name: &str) -> String {
    let source = sources::get_named(&app.services, &operator(Role::Owner), name).await.unwrap().id;
    format!("/console/sources/{source}")
}

fn fresh_key(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("id=\"fresh-key\">").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

/// The sample of that place on the page, as it is copied.
fn sample(page: &Answer, place: usize) -> String {
    let (_, rest) = page.text.split_once(&format!("id=\"sample-code-{place}\"")).unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    let (code, _) = rest.split_once("</pre>").unwrap();
    [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")]
        .iter()
        .fold(code.to_owned(), |code, (from, to)| code.replace(from, to))
}

/// What a program says that reads its text from a pipe.
async fn run(program: &str, arguments: &[&str], text: &str, key: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .env("BELLTOWER_KEY", key)
        .env("no_proxy", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).await.unwrap();
    let done = child.wait_with_output().await.unwrap();
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

#[tokio::test]
async fn samples_run_as_they_are_copied_in_both_languages() {
    let app = TestApp::start().await;
    let path = page_of(&app, "registry").await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    for (language, comment) in [("zh-CN", "里放密钥"), ("en", "holds the key")] {
        browser.keep("bt_language", language);
        let page = browser.get(&path).await;
        let local = |code: String| code.replace("http://127.0.0.1:8080", &app.url);
        let hint = format!("bt_test_…{}", &app.test_key[app.test_key.len() - 4..]);
        for place in [1, 2, 3] {
            let code = sample(&page, place);
            assert!(code.contains(comment) && code.contains(&hint) && code.contains("key_"), "{code}");
        }
        let said = run("bash", &["-s"], &local(sample(&page, 1)), &app.test_key).await;
        assert!(said.contains("\"status\":\"accepted\""), "curl: {said}");
        let said = run("python3", &["-"], &local(sample(&page, 2)), &app.test_key).await;
        assert!(said.starts_with("202 msg_"), "Python: {said}");
        let said = run("python3", &["-"], &local(sample(&page, 2)), "bt_test_wrong").await;
        assert!(said.starts_with("401 ") && said.contains("unauthenticated"), "Python: {said}");
    }
}

#[tokio::test]
async fn a_key_is_replaced_with_an_overlap_and_whoever_keeps_the_old_one_is_seen() {
    let app = TestApp::start().await;
    let path = page_of(&app, "registry").await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(&path).await;
    // The test key is the newest, the live one the last.
    let act = page.text.split("action=\"").filter(|rest| rest.contains("/rotate\"")).last().unwrap();
    let act = act.split('"').next().unwrap().to_owned();
    let wrong = browser.submit(&path, &act, &[("overlap", "3")]).await;
    assert_eq!(wrong.status, 422);
    let elsewhere =
        sources::create(&app.services, &operator(Role::Owner), everything("other")).await.unwrap();
    let (_, key) = act.split_once("/keys/").unwrap();
    let strange = format!("/console/sources/{}/keys/{key}", elsewhere.source_id);
    assert_eq!(browser.submit(&path, &strange, &[("overlap", "24")]).await.status, 404);
    let made = browser.submit(&path, &act, &[("overlap", "24")]).await;
    assert_eq!((made.status, made.header("location")), (303, Some(path.as_str())), "{}", made.text);
    let page = browser.get(&path).await;
    let new = fresh_key(&page);
    assert!(new.starts_with("bt_live_") && page.text.contains("失效时间"), "{}", page.text);
    assert!(!page.text.contains("仍在使用"), "nobody uses it so far");
    for key in [&new, &app.live_key] {
        assert_eq!(Answer::of(app.api_as(key, Method::GET, "/source")).await.status, 200);
    }
    app.clock.turn(3_600_000);
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    // It is noted apart from the answer.
    let noted = async |browser: &mut Browser| {
        Answer::of(app.api_as(&app.live_key, Method::GET, "/source")).await.expect(200);
        browser.get(&path).await.text.contains("1 个旧密钥将在一天内失效")
    };
    let mut tries = 0;
    while !noted(&mut browser).await {
        tries += 1;
        assert!(tries < 1_000, "never noted");
        tokio::task::yield_now().await;
    }
    assert!(browser.get("/console/sources").await.text.contains("旧密钥即将失效"));
}

#[tokio::test]
async fn calls_are_shown_with_their_answers_and_refused_ones_apart() {
    let app = TestApp::start().await;
    let path = page_of(&app, "registry").await;
    app.get("/source").await.expect(200);
    let wrong = json!({ "topic": "Academic", "title": "t", "body": "b" });
    app.post("/messages", &wrong).await.problem(422, "invalid");
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    let page = browser.get(&path).await;
    for shown in [
        "GET /api/v1/source",
        "POST /api/v1/messages",
        "href=\"/problems/invalid\"",
        "来自 127.0.0.1",
        "/topic",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(page.text.contains("1 · 50%") || page.text.contains("1 · 50.0%"), "{}", page.text);
    let refused = browser.get(&format!("{path}/calls?answered=refused")).await;
    assert!(
        refused.text.contains("POST /api/v1/messages") && !refused.text.contains("GET /api/v1/source"),
        "{}",
        refused.text
    );
    let all = browser.get(&format!("{path}/calls")).await;
    assert!(all.text.contains("GET /api/v1/source"), "{}", all.text);
    assert!(browser.get("/console/sources").await.text.contains("50"), "the share of refused calls");
}

#[tokio::test]
async fn a_list_of_networks_warns_of_whom_it_shuts_out() {
    let app = TestApp::start().await;
    let path = page_of(&app, "registry").await;
    app.get("/source").await.expect(200);
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let form = format!("{path}/guard");
    assert!(browser.get(&form).await.text.contains("127.0.0.1 · 1"));
    let wrong =
        [("networks", "10.1.0.0/16\r\n校园网"), ("watch", "after"), ("hours", "9999"), ("times", "8点")];
    let answer = browser.submit(&form, &form, &wrong).await;
    assert_eq!(answer.status, 422);
    for text in [
        "“校园网”不是网段或地址",
        "1 到 672 ",
        "08:00-18:00 这样的时段",
        "校园网</textarea>",
        "value=\"9999\"",
    ] {
        assert!(answer.text.contains(text), "{text}: {}", answer.text);
    }
    let good = [
        ("networks", "10.1.0.0/16，10.2.0.9"),
        ("watch", "after"),
        ("hours", "24"),
        ("days", "workday"),
        ("times", ""),
    ];
    let answer = browser.submit(&form, &form, &good).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(path.as_str())), "{}", answer.text);
    let page = browser.get(&path).await;
    for text in ["最近还从 127.0.0.1 调用", "10.2.0.9", "连续 24 小时没有消息时提醒，只算工作日"]
    {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    app.get("/source").await.problem(403, "address_not_allowed");
    let page = browser.get(&path).await;
    assert!(page.text.contains("近 24 小时有 1 次调用来自其他地址"), "{}", page.text);
    let form = browser.get(&form).await;
    assert!(
        form.text.contains("10.1.0.0/16\n10.2.0.9</textarea>") && form.text.contains("value=\"24\""),
        "{}",
        form.text
    );
}

#[tokio::test]
async fn a_source_that_went_quiet_is_marked_and_its_quota_drawn() {
    let app = TestApp::start().await;
    let owner = operator(Role::Owner);
    let new = NewSource { daily_messages: Some(40), ..everything("library") };
    let key = app.add_source(new).await;
    let path = page_of(&app, "library").await;
    let sent = json!({
        "topic": "library.loan", "title": "t", "body": "b", "to": [{ "email": "ok@sandbox.invalid" }],
    });
    Answer::of(app.api_as(&key, Method::POST, "/messages").json(&sent)).await.expect(202);
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(&path).await;
    assert!(
        page.text.contains("1 / 40") && page.text.contains("<progress max=\"40\" value=\"1\""),
        "{}",
        page.text
    );
    assert!(!page.text.contains("久无消息"));
    app.clock.turn(7 * 24 * 3_600_000);
    let silent = sources::silent(&app.services).await.unwrap();
    assert_eq!(silent.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["library"]);
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    assert!(browser.get(&path).await.text.contains("久无消息"));
    assert!(browser.get("/console/sources").await.text.contains("久无消息"));
    let source = sources::get_named(&app.services, &owner, "library").await.unwrap();
    assert_eq!(source.used_today, 0, "the next week");
}
