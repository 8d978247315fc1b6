//! The terms that are set in the console, and pages of what they removed.

use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::retention::show;
use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const PATH: &str = "/console/settings/retention";
const DAY: i64 = 86_400_000;

#[tokio::test]
async fn terms_are_set_within_bounds_and_shorter_ones_are_asked_about() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    app.provider("校内邮件", ProviderKind::Sandbox, json!({})).await;
    let li = json!({"name": "李伟", "email": "li@stu.example"});
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&li)).await.expect(201);
    let body = json!({
        "topic": "library.due", "title": "图书到期提醒", "body": "请尽快归还。", "channels": ["email"],
        "audience": {"recipients": ["2024001"]},
    });
    let id = app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    let delivery = app.get(&format!("/messages/{id}/deliveries")).await.expect(200)["data"][0]["id"].clone();
    let delivery = format!("/console/messages/{id}/deliveries/{}", delivery.as_str().unwrap());

    let wrong =
        [("announcement_content", "29"), ("emergency_deliveries", "x"), ("announcement_deliveries", "")];
    let page = browser.submit(PATH, PATH, &wrong).await;
    assert_eq!(page.status, 422);
    for holds in
        ["value=\"29\"", "announcement_content-error", "30 到 3650 之间", "emergency_deliveries-error"]
    {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let short = [("announcement_content", "400"), ("announcement_deliveries", "399")];
    let page = browser.submit(PATH, PATH, &short).await;
    assert!(page.status == 422 && page.text.contains("不能短于内容"), "{}", page.text);

    app.clock.turn(40 * DAY);
    let mut browser = Browser::coming_back(&app, Role::Owner).await;
    let seen = show(&app.services, &operator(Role::Owner)).await.unwrap().retention.word();
    let shorter = [("announcement_content", "30"), ("seen", &seen)];
    let page = browser.submit(PATH, PATH, &shorter).await;
    assert_eq!(page.status, 422);
    assert!(
        page.text.contains("通知：内容：1 条消息") && page.text.contains("name=\"agreed\""),
        "{}",
        page.text
    );
    let word = page.text.split("name=\"agreed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let word = word.replace("&#34;", "\"").replace("&quot;", "\"");
    let done = browser.submit(PATH, PATH, &[shorter[0], shorter[1], ("agreed", &word)]).await;
    assert_eq!((done.status, done.header("location")), (303, Some(PATH)), "{}", done.text);
    let late = browser.submit(PATH, PATH, &[("calls", "60"), ("seen", &seen)]).await;
    assert!(late.status == 409 && late.text.contains("再保存一次"), "{}", late.text);
    assert!(browser.get(PATH).await.text.contains("value=\"30\""));
    assert!(browser.get("/console/audit").await.text.contains("announcement_content"));

    app.drain().await;
    let page = browser.get(PATH).await;
    assert!(page.text.contains("通知：内容") && page.text.contains("最近一次清理完毕"), "{}", page.text);
    let message = format!("/console/messages/{id}");
    let page = browser.get(&message).await;
    assert_eq!(page.status, 200);
    for holds in
        ["（内容已删除）", "已过保留期限", "内容已到期删除", "姓名、地址和回复已随内容一并删除", "受众"]
    {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    for gone in ["图书到期提醒", "归还", "li@", "/resend\""] {
        assert!(!page.text.contains(gone), "{gone}: {}", page.text);
    }
    for list in ["/console/messages", "/console"] {
        assert!(browser.get(list).await.text.contains("（内容已删除）"), "{list}");
    }
    let page = browser.get(&delivery).await;
    assert!(page.status == 200 && page.text.contains("已随消息内容一并删除"), "{}", page.text);

    app.clock.turn(800 * DAY);
    app.drain().await;
    let mut browser = Browser::coming_back(&app, Role::Owner).await;
    let page = browser.get(&message).await;
    assert!(page.status == 200 && page.text.contains("投递已删除"), "{}", page.text);
    assert!(!page.text.contains(&format!("{message}/export")), "there is nothing to be exported");
    let file = browser.submit(&message, &format!("{message}/export"), &[]).await;
    assert_eq!((file.status, file.header("location")), (303, Some(&*message)));
    assert_eq!(browser.get(&delivery).await.status, 404);
}
