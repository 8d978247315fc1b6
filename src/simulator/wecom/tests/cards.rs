//! Markdown and template cards.

use super::*;

fn card(changes: &Value) -> Value {
    let mut card = json!({
        "card_type": "button_interaction", "task_id": "dlv_1@a-b", "main_title": { "title": "停课", "desc": "全校" },
        "button_list": [{ "text": "知道了", "key": "ack" }, { "text": "求助", "key": "help" }],
    });
    card.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    changed(json!({ "msgtype": "template_card", "template_card": card }))
}

fn notice(changes: &Value) -> Value {
    let mut card = json!({
        "card_type": "text_notice", "main_title": { "title": "成绩" },
        "emphasis_content": { "title": "95", "desc": "高数" }, "sub_title_text": "已发布",
        "horizontal_content_list": [{ "keyname": "课程", "value": "高数" }],
        "jump_list": [{ "type": 1, "title": "查分", "url": "https://a.cn/1" }],
        "card_action": { "type": 1, "url": "https://a.cn" },
    });
    card.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    changed(json!({ "msgtype": "template_card", "template_card": card }))
}

#[tokio::test]
async fn markdown_that_is_too_long_is_refused() {
    let corp = Corp::new(WecomFaults::default());
    let markdown =
        |content: &str| changed(json!({ "msgtype": "markdown", "markdown": { "content": content } }));
    assert_eq!(corp.code(&markdown("**停课**")).await, 0);
    assert_eq!(corp.mailbox.latest_to("lina").unwrap().kind, "markdown");
    assert_eq!(corp.code(&markdown(&"长".repeat(683))).await, 45_002);
    assert_eq!(corp.code(&markdown("")).await, 44_004);
}

#[tokio::test]
async fn every_rule_of_a_card_is_kept() {
    let corp = Corp::new(WecomFaults::default());
    let rows = |n: usize| vec![json!({ "keyname": "k", "value": "v" }); n];
    let jumps = |n: usize| vec![json!({ "title": "t" }); n];
    let buttons = |n: usize| (0..n).map(|n| json!({ "text": "t", "key": n.to_string() })).collect::<Vec<_>>();
    let twice = [buttons(1), buttons(1)].concat();
    for (body, code) in [
        (notice(&json!({})), 0),
        (notice(&json!({ "horizontal_content_list": rows(6), "jump_list": jumps(3) })), 0),
        (notice(&json!({ "main_title": {} })), 0),
        (notice(&json!({ "main_title": {}, "sub_title_text": "" })), 40_058),
        (notice(&json!({ "horizontal_content_list": rows(7) })), 40_058),
        (notice(&json!({ "horizontal_content_list": [{ "value": "v" }] })), 40_058),
        (notice(&json!({ "jump_list": jumps(4) })), 40_058),
        (notice(&json!({ "card_action": null })), 40_058),
        (notice(&json!({ "card_action": { "type": 0 } })), 40_058),
        (notice(&json!({ "card_action": { "type": 1, "url": "a.cn" } })), 40_058),
        (notice(&json!({ "card_action": { "type": 2, "appid": "wx1" } })), 0),
        (notice(&json!({ "card_type": "poem" })), 40_058),
        (notice(&json!({ "card_type": "news_notice" })), 40_058),
        (notice(&json!({ "card_type": "news_notice", "card_image": { "url": "https://a.cn/1.png" } })), 0),
        (notice(&json!({ "task_id": "x".repeat(129) })), 40_058),
        (card(&json!({ "task_id": "a b" })), 40_058),
        (card(&json!({ "task_id": "" })), 40_058),
        (card(&json!({ "main_title": {} })), 40_058),
        (card(&json!({ "button_list": buttons(0) })), 40_058),
        (card(&json!({ "button_list": buttons(7) })), 40_058),
        (card(&json!({ "button_list": twice })), 40_058),
        (card(&json!({ "task_id": "six", "button_list": buttons(6) })), 0),
        (card(&json!({ "task_id": "v", "card_type": "vote_interaction" })), 40_058),
        (
            card(&json!({
                "task_id": "v", "card_type": "vote_interaction", "submit_button": { "text": "提交", "key": "s" },
                "checkbox": { "question_key": "q", "option_list": [{ "id": "1", "text": "来" }] },
            })),
            0,
        ),
        (card(&json!({ "task_id": "m", "card_type": "multiple_interaction" })), 40_058),
        (
            card(&json!({
                "task_id": "m", "card_type": "multiple_interaction", "submit_button": { "text": "提交", "key": "s" },
                "select_list": [{ "question_key": "q", "option_list": [{ "id": "1", "text": "来" }] }],
            })),
            0,
        ),
    ] {
        assert_eq!(corp.code(&body).await, code, "{body}");
    }
    let shown = corp.mailbox.find(1).unwrap().card.unwrap();
    assert_eq!((shown.title.as_str(), shown.text.as_str()), ("成绩", "已发布"));
    assert_eq!(shown.emphasis, Some(("95".to_owned(), "高数".to_owned())));
    assert_eq!(shown.jumps, [("查分".to_owned(), Some("https://a.cn/1".to_owned()))]);
    assert_eq!(corp.mailbox.find(1).unwrap().link.as_deref(), Some("https://a.cn"));
}

#[tokio::test]
async fn a_task_is_used_once_and_only_cards_with_buttons_are_answered_with_a_code() {
    let corp = Corp::new(WecomFaults::default());
    let first = corp.send(&card(&json!({}))).await;
    assert!(first["response_code"].is_string());
    assert_eq!(
        corp.code(&card(&json!({ "main_title": { "title": "复课" } }))).await,
        40_058,
        "the same task"
    );
    assert!(corp.send(&notice(&json!({}))).await["response_code"].is_null());
    assert_eq!(corp.mailbox.total(), 2);
}

#[tokio::test]
async fn a_card_is_updated_once_by_each_code_within_three_days() {
    let corp = Corp::new(WecomFaults { unknown: vec!["gone".to_owned()], ..WecomFaults::default() });
    let update = async |code: &Value, changes: Value| {
        let mut body = json!({
            "userids": ["LINA", "gone"], "agentid": 1_000_002, "response_code": code,
            "button": { "replace_name": "已确认" },
        });
        body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let token = corp.token().await;
        corp.ask("POST", "message/update_template_card", &[("access_token", &token)], &body).await
    };
    let mut body = card(&json!({}));
    body["touser"] = json!("lina|wang");
    let code = corp.send(&body).await["response_code"].clone();
    assert_eq!(update(&code, json!({ "agentid": 7 })).await["errcode"], 301_002);
    assert_eq!(update(&code, json!({ "userids": [] })).await["errcode"], 82_001);
    assert_eq!(update(&code, json!({ "button": {} })).await["errcode"], 40_058);
    let said = update(&code, json!({})).await;
    assert_eq!((&said["errcode"], &said["invaliduser"]), (&json!(0), &json!(["gone"])));
    let replaced = || corp.mailbox.card("dlv_1@a-b").unwrap().card.unwrap().replaced;
    assert_eq!(replaced(), [("lina".to_owned(), "已确认".to_owned())].into());
    assert_eq!(update(&code, json!({})).await["errcode"], 40_058, "once");
    let code = corp.send(&card(&json!({ "task_id": "second" }))).await["response_code"].clone();
    corp.turn(72 * 3_600);
    assert_eq!(update(&code, json!({})).await["errcode"], 40_058, "72 hours");
    let mut body = card(&json!({ "task_id": "third" }));
    body["touser"] = json!("lina|wang");
    let code = corp.send(&body).await["response_code"].clone();
    assert_eq!(update(&code, json!({ "userids": [], "atall": 1 })).await["errcode"], 0);
    assert_eq!(corp.mailbox.card("third").unwrap().card.unwrap().replaced.len(), 2);
}
