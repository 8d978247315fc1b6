//! One message: watched while it goes, looked through, sent again, stopped.

use serde_json::json;

use super::{accepted, signed_in, to_two};
use crate::support::app::TestApp;

#[test]
fn a_message_is_watched_without_reloading_until_it_is_finished() {
    signed_in(TestApp::start(), async |app, person| {
        let id = accepted(app, &to_two()).await;
        person.open(&format!("/console/messages/{id}")).await;
        person.sees("已受理").await;
        person.sees("还没有生成投递。").await;
        person.script("document.body.dataset.loaded = 'once'", json!([])).await;
        app.drain().await;
        person.sees("已完成").await;
        person.sees("已发 1 / 应发 2 · 50.0%").await;
        person.sees("全部有了结果").await;
        person.sees("b***@sandbox.invalid").await;
        person
            .until("nothing left to renew", "return !document.querySelector('[data-live]')", json!([]))
            .await;
        // What can be done now is offered, and what cannot be done any more is not.
        person.sees("重发 1 条").await;
        person.sees_no("取消发送").await;
        assert_eq!(person.script("return document.body.dataset.loaded", json!([])).await, "once");
    });
}

#[test]
fn deliveries_are_filtered_and_the_failed_sent_again() {
    signed_in(TestApp::start(), async |app, person| {
        let id = accepted(app, &to_two()).await;
        app.drain().await;
        let page = format!("/console/messages/{id}");
        person.open(&page).await;
        person.sees("o***@sandbox.invalid").await;
        person.choose("状态", "失败").await;
        person.sees_no("o***@sandbox.invalid").await;
        person.is_at(&format!("{page}?state=failed")).await;
        person.sees("b***@sandbox.invalid").await;
        person.press("b***@sandbox.invalid").await;
        person.sees("这个地址无法送达").await;
        person.go_back().await;
        person.sees("b***@sandbox.invalid").await;

        person.press("重发 1 条").await;
        person.sees("重发未成功的投递").await;
        person.sees("已送达的人不会再收到").await;
        person.press("重发").await;
        person.is_at(&page).await;
        person.sees("已重新打开 1 条投递。").await;
        person.sees("发送中").await;
        app.drain().await;
        person.sees("已完成").await;
        person.choose("状态", "失败").await;
        person.press("b***@sandbox.invalid").await;
        person.sees("第 2 次尝试").await;
    });
}

#[test]
fn a_scheduled_message_is_cancelled_after_saying_what_follows() {
    signed_in(TestApp::start(), async |app, person| {
        let mut body = to_two();
        body["send_at"] = json!("2026-10-01T00:00:00Z");
        let id = accepted(app, &body).await;
        person.open(&format!("/console/messages/{id}")).await;
        person.sees("定时待发").await;
        person.sees("将于 2026-10-01 08:00:00 发出").await;
        person.press("取消发送").await;
        person.sees("取消“期末考试安排”？").await;
        person.sees("已经交给服务商的无法收回").await;
        person.press("暂不").await;
        person.sees_no("无法收回").await;
        person.sees("定时待发").await;
        person.press("取消发送").await;
        person.press("停止发送").await;
        person.sees("0 条在停止前已经发出").await;
        person.sees("已取消").await;
        person.sees_no("取消发送").await;
    });
}
