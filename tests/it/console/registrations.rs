//! A system asks for a key, an administrator narrows what it asks for and approves, and the key it fetches sends.

use belltower::domain::operator::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};

const HOME: &str = "/console/sources/registrations";

/// The id and the token of one that waits.
async fn register(app: &TestApp, name: &str) -> (String, String) {
    let asked = json!({
        "name": name, "department": "图书馆", "contact_name": "李伟", "contact_email": "liwei@lib.bell.example",
        "purpose": "借阅到期提醒 <b>", "topics": ["library.#", "campus.*"], "channels": ["email", "sms"],
    });
    let request = app.plain(Method::POST, "/api/v1/source-registrations").json(&asked);
    let made = Answer::of(request).await.expect(202);
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("id"), text("claim_token"))
}

async fn claim(app: &TestApp, (id, token): &(String, String)) -> Value {
    let request = app.plain(Method::GET, &format!("/api/v1/source-registrations/{id}")).bearer_auth(token);
    Answer::of(request).await.expect(200)
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn what_is_approved_fetches_its_key_and_sends_with_it() {
    let app = TestApp::start().await;
    let made = register(&app, "图书馆门户").await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    has(&browser.get("/console").await, &["来源系统接入申请", &format!("href=\"{HOME}\"")]);
    has(&browser.get(HOME).await, &["图书馆门户", "李伟", "127.0.0.1", "等待至"]);
    let page = format!("{HOME}/{}", made.0);
    let shown = browser.get(&page).await;
    has(
        &shown,
        &[
            "借阅到期提醒 &#60;b&#62;",
            "liwei@lib.bell.example",
            "library.#\ncampus.*</textarea>",
            "还没有属于该部门的来源系统",
        ],
    );

    let act = format!("{page}/approve");
    let wrong =
        [("name", "图书馆门户"), ("department", "图书馆"), ("topics", "Library"), ("rate_per_second", "0")];
    let answer = browser.submit(&page, &act, &wrong).await;
    assert_eq!(answer.status, 422);
    has(&answer, &["“Library”不是主题", "此项必填。", "请填 1 到", "Library</textarea>"]);
    assert_eq!(claim(&app, &made).await["status"], "pending");

    let narrowed = [
        ("name", "图书馆门户"),
        ("department", "图书馆"),
        ("topics", "library.loan"),
        ("channels", "email"),
        ("rights", "send_direct"),
        ("daily_messages", "40"),
        ("kind", "live"),
    ];
    let answer = browser.submit(&page, &act, &narrowed).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let source = answer.header("location").unwrap().to_owned();
    let shown = browser.get(&source).await;
    has(
        &shown,
        &["已批准。对方领取时生成密钥。", "library.loan", "李伟", "liwei@lib.bell.example", "还没有密钥"],
    );
    assert!(!shown.text.contains("bt_live_…"), "no key was made: {}", shown.text);

    let first = claim(&app, &made).await;
    let key = first["key"].as_str().unwrap();
    assert_eq!(source, format!("/console/sources/{}", first["source_id"].as_str().unwrap()));
    let send = async |topic: &str| {
        let body =
            json!({ "topic": topic, "title": "t", "body": "b", "to": [{ "email": "ok@sandbox.invalid" }] });
        Answer::of(app.api_as(key, Method::POST, "/messages").json(&body)).await
    };
    send("library.loan").await.expect(202);
    send("library.hours").await.problem(403, "forbidden");
    assert_eq!(claim(&app, &made).await["key"], Value::Null);

    has(&browser.get(&page).await, &["已批准", "密钥已领取", &source]);
    let decided = browser.get(HOME).await;
    has(&decided, &["没有等待审批的申请", "图书馆门户", "周敏"]);
    has(&browser.get("/console/audit").await, &["批准接入申请", "接入申请 图书馆门户", "登记来源系统"]);
    let late = browser.submit("/console/sources/new", &act, &narrowed).await;
    assert_eq!(late.status, 409);
    has(&late, &["该申请已被处理，或已过期。"]);
}

#[tokio::test]
async fn what_is_rejected_is_told_why() {
    let app = TestApp::start().await;
    let (made, other) = (register(&app, "门户").await, register(&app, "门户二").await);
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = format!("{HOME}/{}", made.0);
    has(&browser.get(&page).await, &["同时驳回来自同一网络的其他 1 个申请"]);
    let act = format!("{page}/reject");
    let answer = browser.submit(&page, &act, &[("reason", " ")]).await;
    assert_eq!(answer.status, 422);
    has(&answer, &["此项必填。"]);
    let answer = browser.submit(&page, &act, &[("reason", "请由馆里统一接入"), ("all", "true")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(HOME)), "{}", answer.text);
    has(&browser.get(HOME).await, &["已驳回 2 个申请。", "没有等待审批的申请"]);
    has(&browser.get(&page).await, &["请由馆里统一接入", "已驳回"]);
    for one in [&made, &other] {
        let told = claim(&app, one).await;
        assert_eq!((&told["status"], &told["reason"]), (&json!("rejected"), &json!("请由馆里统一接入")));
    }
}

#[tokio::test]
async fn whoever_may_only_look_is_offered_nothing_to_decide() {
    let app = TestApp::start().await;
    let (id, _) = register(&app, "门户").await;
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let shown = auditor.get(&format!("{HOME}/{id}")).await;
    has(&shown, &["借阅到期提醒", "等待审批"]);
    assert!(!shown.text.contains("/approve") && !shown.text.contains("/reject"), "{}", shown.text);
    assert!(!auditor.get("/console").await.text.contains("来源系统接入申请"), "it does not wait for them");
}

#[tokio::test]
async fn approving_asks_once_more_who_it_is() {
    let app = TestApp::start().await;
    let made = register(&app, "门户").await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    app.clock.turn(11 * 60_000);
    let page = format!("{HOME}/{}", made.0);
    let granted =
        [("name", "门户"), ("department", "图书馆"), ("topics", "library.#"), ("channels", "email")];
    let asked = browser.submit(&page, &format!("{page}/approve"), &granted).await;
    assert_eq!(asked.status, 200);
    has(&asked, &["name=\"held\""]);
    assert_eq!(claim(&app, &made).await["status"], "pending");
}
