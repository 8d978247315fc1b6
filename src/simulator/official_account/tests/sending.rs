//! Template messages, subscription messages, and what limits them.

use super::*;
use crate::simulator::wechat::faults::{WechatAct, WechatFault};

#[tokio::test]
async fn a_template_message_is_read_line_by_line() {
    let house = House::new(OfficialAccountFaults::default()).await;
    let changes = json!({
        "url": "https://a.example/m/1", "miniprogram": { "appid": "wx1", "pagepath": "index?id=1" },
    });
    let said = house.send(&news(LINA, &changes)).await;
    assert_eq!((&said["errcode"], &said["errmsg"]), (&json!(0), &json!("ok")));
    let message = house.account.mailbox().latest_to(LINA).unwrap();
    assert_eq!(Some(message.msgid), said["msgid"].as_i64());
    let lines = [("消息标题", "考试安排"), ("消息内容", "第 3 周")];
    assert_eq!(message.lines, lines.map(|(label, value)| (label.to_owned(), value.to_owned())));
    assert_eq!(message.link.as_deref(), Some("https://a.example/m/1"));
    assert_eq!(message.mini_program, Some(("wx1".to_owned(), "index?id=1".to_owned())));
    let token = house.token().await;
    let path = format!("/cgi-bin/template/get_all_private_template?access_token={token}");
    let listed = house.ask("GET", &path, &Value::Null).await;
    assert_eq!(listed["template_list"][0]["content"], "消息标题:{{thing1.DATA}}\n消息内容:{{thing2.DATA}}\n");
}

#[tokio::test]
async fn every_rule_of_a_message_has_its_code() {
    let faults = OfficialAccountFaults {
        not_following: vec!["o*gone".to_owned()],
        blacklisted: vec!["o*black".to_owned()],
        ..OfficialAccountFaults::default()
    };
    let house = House::new(faults).await;
    let long = "字".repeat(21);
    let cases = [
        (json!({}), 0, "ok"),
        (json!({ "touser": "lina" }), 40_003, "invalid openid"),
        (json!({ "touser": null }), 40_003, "invalid openid"),
        (json!({ "touser": "o12345gone" }), 43_004, "require subscribe"),
        (json!({ "touser": "o12345black" }), 43_019, "require remove blacklist"),
        (json!({ "template_id": "x" }), 40_037, "invalid template_id"),
        (json!({ "template_id": RESULTS }), 40_037, "invalid template_id"),
        (json!({ "template_id": COURSE }), 47_003, "argument invalid! data.time2.value is empty"),
        (
            json!({ "data": { "thing1": { "value": long }, "thing2": { "value": "x" } } }),
            47_003,
            "argument invalid! data.thing1.value invalid",
        ),
        (json!({ "data": {} }), 47_003, "argument invalid! data.thing1.value is empty"),
        (json!({ "url": "a.example" }), 40_039, "invalid url size"),
        (json!({ "miniprogram": {} }), 40_013, "invalid appid"),
        (json!({ "client_msg_id": "x".repeat(33) }), 47_003, "argument invalid! client_msg_id invalid"),
    ];
    for (changes, code, words) in cases {
        let said = house.send(&news(LINA, &changes)).await;
        assert!(said["errcode"] == code && text(&said["errmsg"]).starts_with(words), "{changes} {said}");
    }
    assert_eq!(house.send(&json!([])).await["errcode"], 47_001);
    assert_eq!(house.send(&Value::Null).await["errcode"], 44_002);
    assert_eq!(house.account.mailbox().total(), 1);
}

#[tokio::test]
async fn the_senders_own_id_keeps_a_message_from_coming_twice_for_ten_minutes() {
    let house = House::new(OfficialAccountFaults::default()).await;
    let body = news(LINA, &json!({ "client_msg_id": "dlv-1" }));
    let first = house.send(&body).await;
    house.hands.turn(599);
    assert_eq!(house.send(&body).await, first, "answered as sent");
    assert_eq!((house.account.mailbox().messages_to(LINA), house.account.stats().swallowed), (1, 1));
    let other = "oOther-0000000000000000001";
    house.send(&news(other, &json!({ "client_msg_id": "dlv-1" }))).await;
    assert_eq!(house.account.mailbox().messages_to(other), 1, "for each person apart");
    house.hands.turn(1);
    assert_ne!(house.send(&body).await["msgid"], first["msgid"]);
    assert_eq!(house.account.mailbox().duplicates().len(), 1);
}

#[tokio::test]
async fn a_subscription_message_needs_a_consent_each_and_answers_without_an_id() {
    let house = House::new(OfficialAccountFaults::default()).await;
    assert_eq!(house.bizsend(&results(LINA)).await["errcode"], 43_101);
    let consent = |accepts| Happening::Consent {
        openid: LINA.to_owned(),
        templates: vec![RESULTS.to_owned()],
        accepts,
    };
    house.account.happen(consent(false)).unwrap();
    assert_eq!(house.bizsend(&results(LINA)).await["errcode"], 43_101);
    house.account.happen(consent(true)).unwrap();
    assert_eq!(house.bizsend(&results(LINA)).await, json!({ "errcode": 0, "errmsg": "ok" }));
    assert_eq!(house.bizsend(&results(LINA)).await["errcode"], 43_101, "it is used up");
    assert!(house.account.mailbox().latest_to(LINA).unwrap().by_subscription);
    assert_eq!(house.bizsend(&news(LINA, &json!({}))).await["errcode"], 40_037);
    let other =
        Happening::Consent { openid: LINA.to_owned(), templates: vec![NEWS.to_owned()], accepts: true };
    assert!(house.account.happen(other).is_err());
}

#[tokio::test]
async fn quotas_can_be_asked_for_and_cleared_ten_times_a_month() {
    let faults = OfficialAccountFaults { calls_per_day: 2, ..OfficialAccountFaults::default() };
    let house = House::new(faults).await;
    let body = news(LINA, &json!({}));
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(house.send(&body).await["errcode"].clone());
    }
    assert_eq!(codes, [0, 0, 45_009]);
    let path = json!({ "cgi_path": "/cgi-bin/message/template/send" });
    let quota = house.post("/cgi-bin/openapi/quota/get", &path).await;
    assert_eq!(quota["quota"], json!({ "daily_limit": 2, "used": 2, "remain": 0 }));
    let other = json!({ "cgi_path": "/x" });
    assert_eq!(house.post("/cgi-bin/openapi/quota/get", &other).await["errcode"], 76_021);
    let mine = json!({ "appid": "wxsimulator" });
    for _ in 0..10 {
        assert_eq!(house.post("/cgi-bin/clear_quota", &mine).await["errcode"], 0);
    }
    assert_eq!(house.send(&body).await["errcode"], 0);
    assert_eq!(house.post("/cgi-bin/clear_quota", &mine).await["errcode"], 48_006);
    house.send(&body).await;
    assert_eq!(house.send(&body).await["errcode"], 45_009);
    // 1,790,000,000 is 22:13 of the 21st of September 2026 in UTC+8.
    house.hands.turn(2 * 3_600);
    assert_eq!(house.send(&body).await["errcode"], 0, "after midnight in UTC+8");
    house.hands.turn(10 * 24 * 3_600);
    assert_eq!(house.post("/cgi-bin/clear_quota", &mine).await["errcode"], 0, "another month");
}

#[tokio::test]
async fn too_many_within_a_minute_wait_for_the_next() {
    let faults = OfficialAccountFaults { calls_per_minute: 1, ..OfficialAccountFaults::default() };
    let house = House::new(faults).await;
    let body = news(LINA, &json!({}));
    assert_eq!(house.send(&body).await["errcode"], 0);
    assert_eq!(house.send(&body).await["errcode"], 45_011);
    house.hands.turn(60);
    assert_eq!(house.send(&body).await["errcode"], 0);
}

#[tokio::test]
async fn faults_happen_to_whom_and_as_often_as_told() {
    let busy = WechatFault {
        at: OfficialAccountCall::Template,
        to: Some("olina*".to_owned()),
        times: Some(1),
        act: WechatAct::Error { errcode: -1, errmsg: "system error".to_owned() },
    };
    let house = House::new(OfficialAccountFaults::default().with(busy)).await;
    assert_eq!(house.send(&news("oOther-1", &json!({}))).await["errcode"], 0);
    assert_eq!(house.send(&news(LINA, &json!({}))).await["errcode"], -1);
    assert_eq!(house.send(&news(LINA, &json!({}))).await["errcode"], 0);
    let token = house.token().await;
    house.account.set_faults(
        OfficialAccountFaults::default().at(OfficialAccountCall::Template, WechatAct::LoseAnswer),
    );
    let path = format!("/cgi-bin/message/template/send?access_token={token}");
    let url = format!("http://{}{path}", house.account.addr()).parse().unwrap();
    let body = news(LINA, &json!({})).to_string();
    assert!(call("POST", &url, "application/json", body.as_bytes()).await.is_err());
    assert_eq!(house.account.mailbox().messages_to(LINA), 2, "it was sent all the same");
}

#[test]
fn faults_are_read_from_configuration() {
    let text = r#"{
        "faults": [{"at": "template", "to": "o*", "act": {"error": {"errcode": -1, "errmsg": "busy"}}},
                   {"at": "stable_token", "times": 3, "act": "hang"}],
        "delay_ms": {"bizsend": 5}, "blocking": ["*97"], "unlisted_address": "203.0.113.7"
    }"#;
    let faults: OfficialAccountFaults = serde_json::from_str(text).unwrap();
    assert_eq!((faults.faults.len(), faults.calls_per_day), (2, 100_000));
    assert!(serde_json::from_str::<OfficialAccountFaults>(r#"{"delays": {}}"#).is_err());
}
