//! The demo campus's routing rules, as `belltower rule apply` takes them.

use serde_json::{Value, json};

use super::campus::{LIBRARY, RESEARCH};

/// In their order.
pub(super) fn rules() -> Value {
    let wechat_then_sms =
        json!({"fallback": [{"channel": "wechat", "wait_minutes": 15}, {"channel": "sms"}]});
    json!({
        "note": "示例校园的初始规则",
        "rules": [
            {
                "name": "涉及转账缴费的消息先审核",
                "when": {"words": ["转账", "缴费", "银行卡", "验证码"]},
                "then": {"hold": "内容涉及缴费或转账，请核实来源后放行"},
            },
            {
                "name": "安防消息不受免打扰限制",
                "when": {"topics": ["security.#"]},
                "then": {"quiet_hours": "ignore"},
            },
            {
                "name": "调课停课两天内有效，微信未达改发短信",
                "when": {"topics": ["academic.course-change.#"]},
                "then": {"channels": wechat_then_sms, "expires_in_minutes": 2_880},
            },
            {
                "name": "考试安排同时告知任课教师",
                "when": {"topics": ["academic.exam"]},
                "then": {"audience": {"groups": ["teachers"]}},
            },
            {
                "name": "项目经费申报发给项目负责人和讲师",
                "when": {"topics": ["research.funding.#"], "sources": [RESEARCH]},
                "then": {
                    "audience": {"groups": ["principal-investigators"], "where": "title = '讲师'"},
                    "quiet_hours": "respect",
                },
            },
            {
                "name": "新书通报发给读者委员会",
                "when": {"topics": ["library.new-books"], "sources": [LIBRARY]},
                "then": {"audience": {"groups": ["library-readers"]}, "expires_in_minutes": 10_080},
            },
            {
                "name": "校园活动只发邮件",
                "when": {"topics": ["campus.activity.#"]},
                "unless": {"priorities": ["high"]},
                "then": {"channels": {"together": ["email"]}, "quiet_hours": "respect"},
            },
            {
                "name": "资源更新夜间不打扰，一周内有效",
                "when": {"categories": ["resource_update"]},
                "then": {
                    "channels": {"together": ["email"]}, "quiet_hours": "respect", "expires_in_minutes": 10_080,
                },
            },
        ],
    })
}
