//! From the sign-in to one message and its acts without a mouse, and always seeing where one is.

use serde_json::{Value, json};

use super::person::{ENTER, ESCAPE, Person, TAB};
use super::{PASSWORD, accepted, to_two};
use crate::browser::chrome::in_browser;
use crate::support::app::TestApp;

/// What has the focus: what it is called, and how it shows it. A tab's mark is on its label, the radio is not seen.
const FOCUSED: &str = r#"
    const e = document.activeElement;
    const shown = e.matches(".switch > input") ? e.labels[0] : e;
    const style = getComputedStyle(shown);
    const label = e.labels?.[0] ? said(e.labels[0]) : said(e);
    return [label, style.outlineStyle, parseFloat(style.outlineWidth)];
"#;

/// Goes on from stop to stop until it is the one called so. Each stop is seen.
async fn tab_to(person: &Person, name: &str) {
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
