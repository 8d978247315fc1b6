//! What people said back, on the console's pages.

use std::sync::Arc;

use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider};
use belltower::simulator::{PushPlan, VendorClock, WecomHappening, WecomOptions, WecomSimulator};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const REPLIES: &str = "/console/providers/replies";

/// A provider, and where its vendor calls us.
async fn provider(app: &TestApp, channel: ChannelKind, kind: ProviderKind, settings: Value) -> Url {
    let name = "服务商".to_owned();
    let new = NewProvider { name, channel, kind, settings, priority: 10, weight: 1, rate: None };
    let made = providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
    let shown: Url = made.callback_url.as_deref().unwrap().parse().unwrap();
    Url::parse(&app.url).unwrap().join(shown.path()).unwrap()
}

async fn person(app: &TestApp, campus_id: &str, body: Value) {
    Answer::of(app.api(Method::PUT, &format!("/recipients/{campus_id}")).json(&body)).await.expect(201);
}

#[tokio::test]
async fn a_message_that_asks_says_who_answered_what() {
    let app = TestApp::start().await;
    let clock = app.clock.clone();
    let clock = VendorClock(Arc::new(move || clock.now().0));
    let corp = WecomSimulator::start(WecomOptions { clock, ..WecomOptions::default() }).await.unwrap();
    let mut settings = corp.settings();
    settings["message"] = json!("template_card");
    settings["buttons"] = json!([{ "key": "received", "text": "<收到>" }]);
    let callback = provider(&app, ChannelKind::Wechat, ProviderKind::Wecom, settings).await;
    corp.set_push(PushPlan { url: Some(callback.to_string()), ..PushPlan::default() });
    for (campus_id, name, member) in [("2024001", "李娜", "lina"), ("2024002", "王强", "wang")] {
        person(&app, campus_id, json!({ "name": name, "wecom_userid": member })).await;
    }
    let body = json!({
        "topic": "safety.notice", "title": "停水", "body": "今晚。", "audience": { "everyone": true },
        "channels": ["wechat"],
    });
    let id = app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    let page = format!("/console/messages/{id}");
    let mut browser = Browser::signed_in(&app, Role::Auditor).await;
    assert!(
        browser.get(&page).await.text.contains("<div id=\"answers\" hidden></div>"),
        "nobody is asked yet"
    );
    app.drain().await;
    let progress = browser.partial(&format!("{page}/progress")).await;
    assert!(progress.text.contains("已回答 0 / 2"), "{}", progress.text);
    let task = corp.mailbox().latest_to("lina").unwrap().card.unwrap().task_id;
    corp.happen(WecomHappening::Click { member: "lina".to_owned(), task, key: "<收到>".to_owned() }).unwrap();
    corp.push_due().await;
    app.drain().await;

    let shown = browser.get(&page).await;
    for part in ["已回答 1 / 2", "&#60;收到&#62;", "未回答", "name=\"answer\"", "50.0%"] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    let who = async |browser: &mut Browser, answer: &str| {
        let list = browser.partial(&format!("{page}?answer={answer}")).await.text;
        ["李娜", "王强"].map(|name| list.contains(name))
    };
    assert_eq!(who(&mut browser, "received").await, [true, false]);
    assert_eq!(who(&mut browser, "none").await, [false, true]);
    assert_eq!(who(&mut browser, "").await, [true, true]);
    let fragment = browser.partial(&format!("{page}/answers")).await.text;
    assert!(fragment.starts_with("\n<section") && fragment.contains("hx-get"), "{fragment}");
    let list = browser.partial(&format!("{page}?answer=received")).await.text;
    let delivery = list.split_once("/deliveries/").unwrap().1.split('"').next().unwrap().to_owned();
    let shown = browser.get(&format!("{page}/deliveries/{delivery}")).await;
    for part in ["回答：&#60;收到&#62;", "按了卡片上的按钮"] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    app.clock.turn(24 * 3_600_000);
    let later = browser.partial(&format!("{page}/answers")).await.text;
    assert!(!later.contains("hx-get"), "nobody is waited for any more: {later}");
}

#[tokio::test]
async fn replies_are_listed_masked_the_latest_first() {
    let app = TestApp::start().await;
    let settings = json!({
        "secret_id": "id", "secret_key": "key", "sdk_app_id": "1400006666", "sign_name": "钟楼大学",
        "default_template": { "id": "1234567", "variables": ["title"] },
    });
    let callback = provider(&app, ChannelKind::Sms, ProviderKind::TencentSms, settings).await;
    person(&app, "2024001", json!({ "name": "李娜", "mobile": "13800000001" })).await;
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    assert!(auditor.get(REPLIES).await.text.contains("没有短信回复"));
    let texts = (1..=30).map(|n| ("13800000002", format!("第 {n} 条")));
    let texts =
        texts.chain([("13800000001", "收到 <13900000003>".to_owned()), ("13800000002", "TD".to_owned())]);
    for (number, text) in texts {
        let told = json!({ "mobile": number, "nationcode": "86", "text": text, "time": 1 });
        let request = app.client.post(callback.clone()).json(&told);
        assert_eq!(Answer::of(request).await.status, 200);
    }
    app.drain().await;
    let first = auditor.get(REPLIES).await.text;
    for part in ["李娜", "2024001", "收到 &#60;", "服务商", "已停发", "第 30 条", "第 3 条"] {
        assert!(first.contains(part), "{part}: {first}");
    }
    for part in ["13800000001", "13800000002", "13900000003", "第 2 条", "/console/people/"] {
        assert!(!first.contains(part), "{part}: {first}");
    }
    let older = first.split_once("replies?cursor=").unwrap().1.split('"').next().unwrap().to_owned();
    let last = auditor.get(&format!("{REPLIES}?cursor={older}")).await.text;
    assert!(last.contains("第 2 条") && !last.contains("第 3 条") && last.contains("回到最新"), "{last}");
    assert!(auditor.get(&format!("{REPLIES}?cursor=nonsense")).await.text.contains("李娜"));
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    assert!(owner.get(REPLIES).await.text.contains("href=\"/console/people/rcp_"));
}
