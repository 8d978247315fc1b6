//! The suppression list, as an administrator keeps it.

use reqwest::Method;
use serde_json::{Value, json};

use super::signed_in;
use crate::support::app::{Answer, TestApp};

async fn app() -> TestApp {
    let app = TestApp::start().await;
    let body = json!({"name": "李伟", "email": "Li.Wei@stu.bell.example"});
    Answer::of(app.api(Method::PUT, "/recipients/2024001").json(&body)).await.expect(201);
    app
}

/// The delivery of one more message to the person.
async fn sent(app: &TestApp) -> Value {
    let body = json!({
        "topic": "library.loan", "title": "续借", "body": "b", "audience": {"recipients": ["2024001"]},
        "channels": ["email"],
    });
    let id = app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().to_owned();
    app.drain().await;
    app.get(&format!("/messages/{id}/deliveries")).await.expect(200)["data"][0].clone()
}

#[test]
fn an_address_is_left_alone_until_it_is_taken_off_for_a_reason() {
    signed_in(app(), async |app, person| {
        person.press("停发名单").await;
        person.sees("名单里还没有地址").await;
        person.press("添加地址").await;
        person.fill("地址", "li.wei at stu").await;
        person.tick("收件人要求").await;
        person.fill("备注", "本人来电要求").await;
        person.press("列入名单").await;
        person.sees("这个地址无法使用").await;
        assert!(person.fault("地址").await.starts_with("这个地址无法使用"));
        assert_eq!(person.value("备注").await, "本人来电要求");
        person.fill("地址", "li.wei@STU.bell.example").await;
        person.press("列入名单").await;
        person.sees("已列入名单，除紧急消息外不再向它发送。").await;
        person.sees("l***@stu.bell.example").await;
        let delivery = sent(app).await;
        assert_eq!((&delivery["state"], &delivery["reason"]), (&json!("suppressed"), &json!("left_alone")));

        person.press("停发名单").await;
        person.fill("地址（可只写一部分）", "nobody").await;
        person.is_at("/console/suppression?q=nobody").await;
        person.sees("没有符合条件的地址").await;
        person.fill("地址（可只写一部分）", "WEI@stu").await;
        person.sees("收件人要求 本人来电要求").await;
        person.press("人员").await;
        person.press("李伟").await;
        person.sees("在停发名单中 收件人要求").await;
        person.press("在停发名单中").await;
        person.sees("请只在本人要求时移出。").await;
        person.press("显示完整内容").await;
        person.sees("li.wei@stu.bell.example").await;
        person.fill("原因", "本人要求恢复").await;
        person.press("移出名单").await;
        person.sees("已移出名单，从下一条消息起照常发送。").await;
        person.sees("名单里还没有地址").await;
        let delivery = sent(app).await;
        assert_ne!(delivery["state"], "suppressed", "{delivery}");
    });
}
