//! Suggestions from what somebody read, on their own page of preferences.

use belltower::config::Language;
use serde_json::{Value, json};

use super::audit::{faults, watch};
use super::chrome::in_browser;
use super::rooms::reader;
use crate::support::app::TestApp;

#[test]
fn whoever_agrees_is_suggested_what_to_go_without_and_ends_it_again() {
    in_browser(TestApp::start(), async |app, person| {
        watch(person).await;
        let own = reader(app).await;
        person.speaks(Language::SimplifiedChinese).await;
        person.open(&own).await;
        assert_eq!(faults(person).await, Vec::<Value>::new());
        person.press("同意并启用建议").await;
        person.sees("您没有打开过主题 logistics.water 的消息").await;
        assert_eq!(faults(person).await, Vec::<Value>::new());
        person.look_at_width(390).await;
        let over = "return document.documentElement.scrollWidth > window.innerWidth";
        assert_eq!(person.script(over, json!([])).await, false, "nothing is sideways");

        let stop = "document.querySelector('[name=topic][value=\"logistics.water\"] ~ button').click()";
        person.script(stop, json!([])).await;
        person.sees("已退订 logistics.water").await;
        person.press("关闭建议").await;
        person.sees("已关闭建议").await;
        person.sees_no("您没有打开过主题").await;
        person.sees("您退订的其他内容").await;
        assert!(person.log().await.is_empty(), "nothing troubles the browser");
    });
}
