//! An administrator writes a message, once with a mouse and once without.

use belltower::domain::operator::Role;
use belltower::domain::sensitive::Treatment;
use belltower::service::messages::{self, MessageQuery};
use belltower::service::{groups, recipients, sensitive};
use serde_json::json;

use super::keyboard::tab_to;
use super::person::{ENTER, Person};
use super::signed_in;
use crate::support::app::TestApp;
use crate::support::operator;

async fn campus() -> TestApp {
    let app = TestApp::start().await;
    let owner = operator(Role::Owner);
    for n in 1..=2 {
        let body = json!({"name": format!("同学{n}"), "email": format!("p{n}@campus.example"), "attributes": {"role": "student"}});
        recipients::put(&app.services, &owner, &format!("202600{n}"), &body).await.unwrap();
    }
    let body = json!({"name": "全体学生", "kind": "dynamic", "where": "role = 'student'"});
    groups::put(&app.services, &owner, "students", &body).await.unwrap();
    app
}

async fn is_sent(app: &TestApp) {
    let query = MessageQuery { limit: 10, ..MessageQuery::default() };
    let all = messages::list(&app.services, &operator(Role::Owner), &query).await.unwrap().items;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].title, "停水通知");
}

#[test]
fn a_message_is_written_watched_proofed_and_sent() {
    signed_in(campus(), async |app, person| {
        person.press("写消息").await;
        person.press("写新消息").await;
        person.fill("标题", "停水通知").await;
        person.fill("正文", "周日 **全天** 停水。").await;
        person.sees("【钟楼大学】停水通知：周日 全天 停水。").await;
        // What is shown is kept: whoever closes the browser now finds it again.
        person.open("/console/compose").await;
        person.press("停水通知").await;
        person.fill("主题", "logistics.water").await;
        person.press("下一步：发给谁").await;
        person.sees("没有指定受众").await;
        person.tick("全体学生").await;
        person.sees("2 人").await;
        person.press("下一步：核对").await;
        person.sees("谁会收到").await;
        person.press("下一步：何时发").await;
        person.press("发送给 2 人").await;
        person.sees("消息已发出").await;
        is_sent(app).await;
    });
}

#[test]
fn sensitive_words_are_looked_at_before_the_button_says_review() {
    let app = async {
        let app = campus().await;
        let list = [(Treatment::Warn, "停水"), (Treatment::Hold, "全天")];
        sensitive::change(&app.services, &operator(Role::Owner), 0, list).await.unwrap();
        app
    };
    signed_in(app, async |app, person| {
        person.press("写消息").await;
        person.press("写新消息").await;
        person.fill("标题", "停水通知").await;
        person.fill("正文", "周日全 * 天停水。").await;
        person.fill("主题", "logistics.water").await;
        person.press("下一步：发给谁").await;
        person.tick("全体学生").await;
        person.press("下一步：核对").await;
        person.sees("放行后才会发出").await;
        person.press("下一步：何时发").await;
        person.sees("再勾选确认").await;
        person.tick("以上各处我都看过，确认可以这样写").await;
        person.press("下一步：何时发").await;
        person.press("送审（2 人）").await;
        person.sees("含有须审核的敏感词：全天").await;
        is_sent(app).await;
    });
}

async fn go(person: &Person, name: &str) {
    tab_to(person, name).await;
    person.keys([ENTER]).await;
}

#[test]
fn a_message_is_written_and_sent_with_the_keyboard_alone() {
    signed_in(campus(), async |app, person| {
        go(person, "写消息").await;
        person.is_at("/console/compose").await;
        go(person, "写新消息").await;
        person.sees("右侧是它在各渠道收到时的样子").await;
        go(person, "跳到正文").await;
        tab_to(person, "标题").await;
        person.keys("停水通知".chars()).await;
        tab_to(person, "正文").await;
        person.keys("周日停水。".chars()).await;
        tab_to(person, "主题").await;
        person.keys("logistics.water".chars()).await;
        go(person, "下一步：发给谁").await;
        person.sees("没有指定受众").await;
        go(person, "跳到正文").await;
        tab_to(person, "全体学生").await;
        person.keys([' ']).await;
        person.sees("2 人").await;
        go(person, "下一步：核对").await;
        person.sees("谁会收到").await;
        go(person, "跳到正文").await;
        go(person, "下一步：何时发").await;
        person.sees("发送给 2 人").await;
        go(person, "跳到正文").await;
        go(person, "发送给 2 人").await;
        person.sees("消息已发出").await;
        is_sent(app).await;
    });
}
