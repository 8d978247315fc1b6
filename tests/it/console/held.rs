//! Held messages and what reviewers say of them.

use belltower::domain::id::MessageId;
use belltower::domain::operator::Role;
use belltower::service::{messages, routing};
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

async fn held() -> (TestApp, MessageId, String) {
    let app = TestApp::start().await;
    let rules =
        json!({"rules": [{"name": "缴费", "when": {"words": ["缴费"]}, "then": {"hold": "请核实来源"}}]});
    routing::apply(&app.services, &operator(Role::Owner), &rules).await.unwrap();
    let body = json!({
        "topic": "student.fee", "title": "住宿费缴费", "body": "请于周五前缴费。",
        "to": [{ "email": "ok@sandbox.invalid" }],
    });
    let request = app.api_as(&app.test_key, reqwest::Method::POST, "/messages").json(&body);
    let id = Answer::of(request).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    let room = format!("/console/messages/{id}");
    (app, id.parse().unwrap(), room)
}

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

#[tokio::test]
async fn a_held_message_is_listed_and_released() {
    let (app, id, room) = held().await;
    let mut browser = Browser::signed_in(&app, Role::Reviewer).await;
    let list = browser.get("/console/held").await;
    has(&list, &["住宿费缴费", "请核实来源", "registry", &room]);
    has(&browser.get("/console").await, &["待审核的消息", "href=\"/console/held\""]);
    has(&browser.get(&room).await, &["等待审核", "请核实来源", "/release", "/reject", "将发给", "1 人"]);
    let part = browser.partial("/console/held").await;
    has(&part, &["<div id=\"held\">", "data-live", "1 条消息等待审核"]);
    assert!(!part.text.contains("<html"), "{}", part.text);
    let fields = [("reason", "已电话核实")];
    let answer = browser.submit(&room, &format!("{room}/release"), &fields).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some(room.as_str())), "{}", answer.text);
    has(&browser.get(&room).await, &["已放行", "审核通过", "周敏", "已电话核实"]);
    app.drain().await;
    let summary = messages::get_many(&app.services, &operator(Role::Owner), &[id]).await.unwrap();
    assert_eq!(summary[0].status.name(), "completed");
    has(&browser.get("/console/held").await, &["没有待审核的消息"]);
}

#[tokio::test]
async fn a_rejection_needs_a_reason_and_the_second_reviewer_is_told() {
    let (app, _, room) = held().await;
    let mut first = Browser::signed_in(&app, Role::Reviewer).await;
    let mut second = Browser::signed_in(&app, Role::MessageManager).await;
    let act = format!("{room}/reject");
    let empty = first.submit(&room, &act, &[("reason", " ")]).await;
    assert_eq!(empty.status, 422);
    has(&empty, &["id=\"reason-error\"", "此项必填"]);
    let long = "长".repeat(201);
    has(&first.submit(&room, &format!("{room}/release"), &[("reason", &long)]).await, &["内容太长", &long]);

    assert_eq!(first.submit(&room, &act, &[("reason", "金额有误")]).await.status, 303);
    has(&first.get(&room).await, &["已驳回", "审核未通过", "金额有误"]);
    let late = second.submit(&room, &format!("{room}/release"), &[("reason", "")]).await;
    assert_eq!((late.status, late.header("location")), (303, Some(room.as_str())));
    has(&second.get(&room).await, &["这条消息已有结果", "审核未通过", "金额有误"]);
}

#[tokio::test]
async fn who_may_not_review_sees_why_it_waits_and_can_do_nothing() {
    let (app, _, room) = held().await;
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    let page = sender.get(&room).await;
    has(&page, &["等待审核", "请核实来源", "由审核员决定"]);
    assert!(!page.text.contains("/release\""), "{}", page.text);
    for act in ["release", "reject"] {
        let answer = sender.submit(&room, &format!("{room}/{act}"), &[("reason", "x")]).await;
        assert_eq!(answer.status, 403, "{act}");
    }
    assert!(!sender.get("/console/messages").await.text.contains("<a href=\"/console/held\""));
}

#[tokio::test]
async fn what_nobody_reviews_in_time_says_so() {
    let (app, _, room) = held().await;
    app.clock.turn(73 * 3_600_000);
    let mut browser = Browser::signed_in(&app, Role::Reviewer).await;
    let late = browser.submit(&room, &format!("{room}/release"), &[("reason", "")]).await;
    assert_eq!(late.status, 303);
    has(&browser.get(&room).await, &["这条消息已有结果"]);
    app.drain().await;
    has(&browser.get(&room).await, &["过期未审核", "已过期"]);
}
