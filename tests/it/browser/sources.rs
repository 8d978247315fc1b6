//! A department's system is connected: registered, given a key, tried out, and its first message found.

use reqwest::Method;
use serde_json::{Value, json};

use super::person::Person;
use super::signed_in;
use crate::support::app::{Answer, TestApp};

/// The key that the page shows this once.
async fn shown_key(person: &Person) -> String {
    const SCRIPT: &str = r"return text().match(/bt_(live|test)_[\w-]{20,}/)?.[0] ?? null";
    person.until("a new key", SCRIPT, json!([])).await.as_str().unwrap().to_owned()
}

async fn send(app: &TestApp, key: &str, title: &str, topic: &str) -> Answer {
    let body = json!({
        "topic": topic, "title": title, "body": "请尽快归还。",
        "to": [{ "email": "ok@sandbox.invalid" }],
    });
    Answer::of(app.api_as(key, Method::POST, "/messages").json(&body)).await
}

#[test]
fn a_source_is_registered_with_a_key_that_works_until_it_is_revoked() {
    signed_in(TestApp::start(), async |app, person| {
        person.press("来源系统").await;
        person.press("登记来源系统").await;
        person.fill("系统名称", "图书馆门户").await;
        person.fill("所属部门", "图书馆").await;
        person.fill("允许的主题", "library.#\nLibrary News").await;
        person.press("保存").await;
        person.sees("“Library News”不是主题").await;
        assert!(person.fault("允许的主题").await.starts_with("“Library News”不是主题"));
        assert_eq!(person.fault("可用渠道").await, "此项必填。");
        assert_eq!(person.fault("系统名称").await, "");
        assert_eq!(person.value("系统名称").await, "图书馆门户");
        assert_eq!(person.value("所属部门").await, "图书馆");
        assert_eq!(person.value("允许的主题").await, "library.#\nLibrary News");

        person.fill("允许的主题", "library.#").await;
        person.tick("邮件").await;
        person.tick("向目录外地址发送").await;
        person.press("保存").await;
        let live = shown_key(person).await;
        assert!(live.starts_with("bt_live_"), "{live}");
        person.press("复制").await;
        person.sees("已复制").await;
        assert_eq!(send(app, &live, "借阅提醒", "library.loan").await.status, 202);
        person.reload().await;
        person.sees_no(&live).await;

        person.sees("\"topic\": \"library.test\"").await;
        person.press("Python").await;
        person.sees("import json, os, sys, urllib.error, urllib.request, uuid").await;

        person.sees("POST /api/v1/messages").await;

        let old = format!("bt_live_…{}", &live[live.len() - 4..]);
        person.press(&format!("轮换 {old}")).await;
        person.sees(&format!("轮换密钥“{old}”？")).await;
        person.press("生成新密钥").await;
        let new = shown_key(person).await;
        assert!(new.starts_with("bt_live_") && new != live, "{new}");
        person.sees("已更换，失效时间").await;
        assert_eq!(send(app, &new, "借阅提醒", "library.loan").await.status, 202);

        person.press("修改").await;
        person.fill("允许的地址", "10.1.0.0/16").await;
        person.tick("单独设定时限").await;
        person.fill("多少小时没有消息就提醒", "24").await;
        person.press("保存").await;
        person.sees("最近还从 127.0.0.1 调用，这些地址不在名单内").await;
        send(app, &new, "借阅提醒", "library.loan").await.problem(403, "address_not_allowed");
        person.press("全部调用").await;
        person.press("被拒的").await;
        person.sees("403 address_not_allowed").await;
        person.go_back().await;
        person.go_back().await;
        person.press("修改").await;
        person.fill("允许的地址", "127.0.0.0/8").await;
        person.press("保存").await;
        person.sees("已保存，立即生效。").await;

        person.choose("类型", "测试").await;
        person.press("创建密钥").await;
        let test = shown_key(person).await;
        assert!(test.starts_with("bt_test_"), "{test}");
        assert_eq!(send(app, &test, "联调", "library.loan").await.status, 202);

        let shown = format!("bt_live_…{}", &live[live.len() - 4..]);
        person.press(&format!("吊销 {shown}")).await;
        person.sees(&format!("吊销密钥“{shown}”？ 正在使用它的系统会立刻收到 401，且无法恢复。")).await;
        person.press("暂不").await;
        person.sees_no("且无法恢复").await;
        person.press(&format!("吊销 {shown}")).await;
        person.press("吊销密钥").await;
        person.sees("密钥已吊销。").await;
        person.sees("已失效").await;
        send(app, &live, "借阅提醒", "library.loan").await.problem(401, "unauthenticated");
        assert_eq!(send(app, &test, "联调", "library.loan").await.status, 202);

        person.press("停用").await;
        person.sees("停用“图书馆门户”？ 它的调用会立刻收到 401").await;
        person.press("暂不").await;
        person.sees_no("停用“图书馆门户”？").await;
        assert_eq!(send(app, &test, "联调", "library.loan").await.status, 202);
        person.press("停用").await;
        person.press("停用来源").await;
        person.sees("已停用，它的密钥从现在起会被拒绝。").await;
        send(app, &test, "联调", "library.loan").await.problem(401, "unauthenticated");
    });
}

/// The titles in the list, the newest first.
async fn titles(person: &Person, expected: &[&str]) {
    const SCRIPT: &str = r"
        const titles = all('#list a.main-link').map(said);
        return JSON.stringify(titles) === JSON.stringify(arguments[0]);
    ";
    person.until(&format!("only {expected:?}"), SCRIPT, json!([expected])).await;
}

#[test]
fn messages_are_found_by_filters_that_stay_in_the_address() {
    signed_in(TestApp::start(), async |app, person| {
        let key = app.test_key.clone();
        for (title, topic) in
            [("借阅提醒", "library.loan"), ("新书通报", "library.new-books"), ("考试安排", "academic.exam")]
        {
            assert_eq!(send(app, &key, title, topic).await.status, 202);
        }
        app.drain().await;
        let later: Value = json!({
            "topic": "library.loan", "title": "续借开放", "body": "b", "send_at": "2026-10-01T00:00:00Z",
            "to": [{ "email": "ok@sandbox.invalid" }],
        });
        Answer::of(app.api_as(&key, Method::POST, "/messages").json(&later)).await.expect(202);

        person.press("消息").await;
        titles(person, &["续借开放", "考试安排", "新书通报", "借阅提醒"]).await;
        person.fill("标题、主题或编号", "借").await;
        person.is_at("/console/messages?q=%E5%80%9F").await;
        titles(person, &["续借开放", "借阅提醒"]).await;
        person.choose("状态", "已完成").await;
        person.is_at("/console/messages?q=%E5%80%9F&status=completed").await;
        titles(person, &["借阅提醒"]).await;
        person.go_back().await;
        person.is_at("/console/messages?q=%E5%80%9F").await;
        titles(person, &["续借开放", "借阅提醒"]).await;
        assert_eq!(person.value("标题、主题或编号").await, "借");

        person.fill("标题、主题或编号", "").await;
        person.is_at("/console/messages").await;
        person.press("更多条件").await;
        person.fill("主题", "library.#").await;
        person.press("筛选").await;
        person.is_at("/console/messages?topic=library.%23").await;
        titles(person, &["续借开放", "新书通报", "借阅提醒"]).await;
        person.reload().await;
        assert_eq!(person.value("主题").await, "library.#");
        titles(person, &["续借开放", "新书通报", "借阅提醒"]).await;

        person.press("借阅提醒").await;
        person.sees("请尽快归还。").await;
        person.go_back().await;
        person.is_at("/console/messages?topic=library.%23").await;
        titles(person, &["续借开放", "新书通报", "借阅提醒"]).await;
        person.fill("标题、主题或编号", "没有这样的").await;
        person.sees("没有符合条件的消息").await;
        person.press("清除筛选").await;
        titles(person, &["续借开放", "考试安排", "新书通报", "借阅提醒"]).await;
    });
}

#[test]
fn a_system_that_asked_for_a_key_is_narrowed_and_approved() {
    signed_in(TestApp::start(), async |app, person| {
        let asked = json!({
            "name": "座位预约", "department": "图书馆", "contact_name": "李伟", "contact_email": "liwei@lib.bell.example",
            "purpose": "预约成功和违约的提醒", "topics": ["library.#"], "channels": ["email", "sms"],
        });
        let request = app.plain(Method::POST, "/api/v1/source-registrations").json(&asked);
        let made = Answer::of(request).await.expect(202);
        person.open("/console").await;
        person.sees("来源系统接入申请").await;
        person.open("/console/sources/registrations").await;
        person.press("座位预约").await;
        person.sees("预约成功和违约的提醒").await;
        assert_eq!(person.value("允许的主题").await, "library.#");
        person.fill("允许的主题", "library.seat.#").await;
        person.tick("向目录外地址发送").await;
        person.press("批准").await;
        person.sees("已批准。对方领取时生成密钥。").await;

        let place = format!("/api/v1/source-registrations/{}", made["id"].as_str().unwrap());
        let token = made["claim_token"].as_str().unwrap();
        let claimed = Answer::of(app.plain(Method::GET, &place).bearer_auth(token)).await.expect(200);
        let key = claimed["key"].as_str().unwrap();
        assert_eq!(send(app, key, "座位提醒", "library.seat.due").await.status, 202);
        send(app, key, "开馆时间", "library.hours").await.problem(403, "forbidden");
    });
}
