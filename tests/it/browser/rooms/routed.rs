//! Rules, and a message that they hold.

use belltower::domain::id::RuleId;
use belltower::domain::operator::Role;
use belltower::service::{groups, routing, templates};
use serde_json::json;

use crate::browser::{accepted, to_two};
use crate::support::app::TestApp;
use crate::support::operator;

/// Two versions of rules, and a message that one of them holds: a rule's id, and the message's.
pub(super) async fn routed(app: &TestApp) -> (RuleId, String) {
    let owner = operator(Role::Owner);
    let group = json!({"name": "2023级", "kind": "static"});
    groups::put(&app.services, &owner, "grade-2023", &group).await.unwrap();
    let hold = json!({"name": "缴费", "when": {"words": ["缴费"]}, "then": {"hold": "请核实来源"}});
    let exams = json!({
        "name": "考试", "when": {"topics": ["academic.exam.#"], "priorities": ["high"]}, "unless": {"words": ["测试"]},
        "then": {
            "audience": {"groups": ["grade-2023"], "exclude": {"where": "role = 'staff'"}},
            "channels": {"fallback": [{"channel": "wechat", "wait_minutes": 15}, {"channel": "sms"}]},
        },
    });
    let off = json!({"name": "停用的", "enabled": false, "stop": true});
    for rules in [json!([hold]), json!([hold, exams, off])] {
        routing::apply(&app.services, &owner, &json!({ "rules": rules })).await.unwrap();
    }
    let mut body = to_two();
    body["body"] = json!("请于周五前缴费。");
    let held = accepted(app, &body).await;
    app.drain().await;
    let due = json!({"name": "图书到期", "title": "{{ book }}到期", "body": "请归还", "variants": {"en": {"title": "{{ book }} is due"}}});
    templates::put(&app.services, &owner, "due", &due).await.unwrap();
    let rules = routing::export(&app.services, &owner).await.unwrap().rules;
    (rules[1].id, held)
}
