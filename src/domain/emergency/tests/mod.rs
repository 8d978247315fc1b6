//! Scenarios read, looked through and filled in.

mod lint;
mod reading;
mod starters;
mod texts;

use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::reading as read_from;
use super::scenario::Scenario;

const TODAY: Date = date(2026, 9, 1);

/// A small scenario in order, as it is sent.
fn written() -> Value {
    let texts = |zh: &str, en: &str| {
        json!({
            "zh": {"title": format!("{{{{ place }}}}{zh}"), "body": format!("**{{{{ place }}}}{zh}。**\n\n（{{{{ time }}}}）"),
                   "sms": format!("{{{{ place }}}}{zh}。"), "wechat": format!("{{{{ place }}}}{zh}。\n请看邮件。")},
            "en": {"title": format!("{en}: {{{{ place }}}}"), "body": format!("**{en}**: {{{{ place }}}} ({{{{ time }}}})"),
                   "sms": format!("{en}: {{{{ place }}}}."), "wechat": format!("{en}: {{{{ place }}}}.\nSee your mail.")},
        })
    };
    json!({
        "name": {"zh": "火灾", "en": "Fire"},
        "code": "F1",
        "level": "red",
        "life_threatening": true,
        "cap": {"category": "Fire", "urgency": "Immediate", "certainty": "Observed", "response_type": "Evacuate",
                "event": {"zh": "火灾", "en": "Fire"}},
        "audience": {"everyone": true},
        "channels": ["wechat", "sms", "email"],
        "placeholders": [{"name": "place", "label": {"zh": "地点", "en": "Place"},
                          "choices": [{"zh": "图书馆", "en": "Library"}, {"zh": "第1*教学楼", "en": "Hall [1]"}]}],
        "alert": texts("发生火情，请撤离", "Fire, leave now"),
        "correction": texts("火情系误报", "False fire alarm"),
        "all_clear": texts("火情已扑灭", "Fire is out"),
        "expires_in_minutes": 240,
        "roll_call": true,
        "escalation": {"after_minutes": 5, "channels": ["sms"]},
        "owner": "保卫处",
        "review_on": "2027-09-01",
        "tile": 1,
    })
}

fn scenario() -> Scenario {
    read_from::read(&written()).unwrap()
}

/// The scenario with the value at a pointer replaced.
fn with(pointer: &str, value: impl Into<Value>) -> Value {
    let mut scenario = written();
    *scenario.pointer_mut(pointer).unwrap() = value.into();
    scenario
}
