//! From the sign-in to one message and its acts without a mouse, and always seeing where one is.

use belltower::domain::operator::Role;
use belltower::service::routing;
use serde_json::{Value, json};

use super::person::{ARROW_UP, ENTER, ESCAPE, Person, TAB};
use super::{PASSWORD, accepted, signed_in, to_two};
use crate::browser::chrome::in_browser;
use crate::support::app::TestApp;
use crate::support::operator;

/// What has the focus: what it is called, and how it shows it. A tab's mark is on its label, the radio is not seen.
const FOCUSED: &str = r#"
    const e = document.activeElement;
    const shown = e.matches(".switch > input") ? e.labels[0] : e;
    const style = getComputedStyle(shown);
    const label = e.labels?.[0] ? said(e.labels[0]) : said(e);
    return [label, style.outlineStyle, parseFloat(style.outlineWidth)];
"#;

/// Goes on from stop to stop until it is the one called so. Each stop is seen.
pub(super) async fn tab_to(person: &Person, name: &str) {
    let mut passed = Vec::new();
    for _ in 0..40 {
        person.keys([TAB]).await;
        let [label, style, width] =
            person.script(FOCUSED, json!([])).await.as_array().unwrap().clone().try_into().unwrap();
        assert!(
            style != "none" && width.as_f64().unwrap() >= 1.0,
            "the focus on {label} is not seen: {style} {width}"
        );
        if label == name {
            return;
        }
        passed.push(label);
    }
    panic!("“{name}” is not reached with the keyboard: {}", Value::Array(passed));
}

#[test]
fn everything_on_the_way_to_a_message_is_reached_with_the_keyboard() {
    in_browser(TestApp::start(), async |app, person| {
        person.enrol(app).await;
        accepted(app, &to_two()).await;
        app.drain().await;
        person.open("/sign-in").await;
        person
            .until("to be able to type", "return document.activeElement === field('邮箱地址')", json!([]))
            .await;
        person.keys("zhou@bell.example".chars()).await;
        tab_to(person, "密码").await;
        person.keys(PASSWORD.chars().chain([ENTER])).await;
        person.is_at("/console").await;

        tab_to(person, "跳到正文").await;
        person.keys([ENTER]).await;
        person
            .until("to be in the page's main part", "return document.activeElement.id === 'main'", json!([]))
            .await;
        person.reload().await;
        tab_to(person, "消息").await;
        person.keys([ENTER]).await;
        person.is_at("/console/messages").await;
        tab_to(person, "期末考试安排").await;
        person.keys([ENTER]).await;
        person.sees("逐人投递").await;

        tab_to(person, "重发 1 条").await;
        person.keys([ENTER]).await;
        person.sees("重发未成功的投递").await;
        person.keys([ESCAPE]).await;
        person.sees_no("重发未成功的投递").await;
        person.keys([ENTER]).await;
        tab_to(person, "重发").await;
        person.keys([ENTER]).await;
        person.sees("已重新打开 1 条投递。").await;

        tab_to(person, "切换语言").await;
        person.keys([ENTER]).await;
        tab_to(person, "English").await;
        person.keys([ENTER]).await;
        person.sees("Person by person").await;
    });
}

/// Into the page's main part by the link that leads past the navigation.
async fn skip(person: &Person) {
    tab_to(person, "跳到正文").await;
    person.keys([ENTER]).await;
    person
        .until("to be in the page's main part", "return document.activeElement.id === 'main'", json!([]))
        .await;
}

#[test]
fn a_rule_is_written_looked_at_saved_and_put_in_its_place_with_the_keyboard() {
    signed_in(TestApp::start(), async |app, person| {
        let first =
            json!({"rules": [{"name": "缴费", "when": {"words": ["缴费"]}, "then": {"hold": "请核实"}}]});
        routing::apply(&app.services, &operator(Role::Owner), &first).await.unwrap();
        accepted(app, &to_two()).await;
        person.open("/console/rules").await;
        skip(person).await;
        tab_to(person, "新建规则").await;
        person.keys([ENTER]).await;
        person.is_at("/console/rules/new").await;
        skip(person).await;
        tab_to(person, "规则名称").await;
        person.keys("考试".chars()).await;
        tab_to(person, "主题").await;
        person.keys("academic.exam".chars()).await;
        tab_to(person, "先审核，原因").await;
        person.keys("请核对日期".chars()).await;
        tab_to(person, "看看会有什么不同").await;
        person.keys([ENTER]).await;
        person.sees("1 条消息会换一种处理。").await;
        person.sees("请核对日期").await;
        tab_to(person, "保存").await;
        person.keys([ENTER]).await;
        person.sees("规则已保存").await;

        // The page opens at the rule, which is where the next stop is.
        tab_to(person, "拖动排序").await;
        person.keys([ARROW_UP]).await;
        person.sees("“考试”现在是第 1 条，尚未保存。").await;
        tab_to(person, "保存顺序").await;
        person.keys([ENTER]).await;
        person.sees("新的顺序已保存").await;
        let kept = routing::export(&app.services, &operator(Role::Owner)).await.unwrap();
        let names: Vec<_> = kept.rules.iter().map(|rule| rule.name.as_str()).collect();
        assert_eq!((names, kept.version), (vec!["考试", "缴费"], 3));
    });
}
