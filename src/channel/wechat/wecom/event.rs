//! What WeCom tells by itself: buttons of cards that members pressed. Of what became of messages it tells nothing.

use serde_json::Value;

use super::button::{Mark, pressed};
use crate::channel::wechat::door::text;
use crate::channel::{Event, Press, Receipts};
use crate::clock::Timestamp;

/// Reads one call. What members write, open and enter is not read by anybody here, nor what they press on cards that are
/// not ours.
pub(super) fn read(message: &Value, mark: &Mark) -> Receipts {
    let is_card = text(message, "MsgType").as_deref() == Some("event")
        && text(message, "Event").as_deref() == Some("template_card_event");
    if !is_card {
        return Receipts::default();
    }
    let said = |name| text(message, name);
    let (Some(task), Some(key), Some(member)) = (said("TaskId"), said("EventKey"), said("FromUserName"))
    else {
        return Receipts::unread("a card's button without card, key or member");
    };
    let (Some(message), Some((key, text))) = (mark.message_of(&task), pressed(&key)) else {
        return Receipts::default();
    };
    let at = said("CreateTime").and_then(|seconds| seconds.parse::<i64>().ok()?.checked_mul(1_000));
    let press =
        Press { message, member, key, text, at: at.map(Timestamp), response_code: said("ResponseCode") };
    Receipts { events: vec![Event::Pressed(press)], ..Receipts::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::id::MessageId;

    fn mark() -> Mark {
        Mark::of("ww1", 1_000_002)
    }

    fn press() -> Value {
        json!({
            "ToUserName": "ww1", "FromUserName": "lina", "CreateTime": "1790000000", "MsgType": "event",
            "Event": "template_card_event", "EventKey": "received=%E6%94%B6%E5%88%B0",
            "TaskId": mark().task(MessageId(7), &["lina"], None), "CardType": "button_interaction",
            "ResponseCode": "code1", "AgentID": "1000002",
        })
    }

    #[test]
    fn a_pressed_button_names_its_message_and_its_words() {
        let expected = Press {
            message: MessageId(7),
            member: "lina".to_owned(),
            key: "received".to_owned(),
            text: "收到".to_owned(),
            at: Some(Timestamp(1_790_000_000_000)),
            response_code: Some("code1".to_owned()),
        };
        let events = |message: &Value| read(message, &mark()).events;
        assert_eq!(events(&press()), [Event::Pressed(expected.clone())]);
        let mut undated = press();
        undated["CreateTime"] = json!("");
        undated["ResponseCode"] = Value::Null;
        assert_eq!(events(&undated), [Event::Pressed(Press { at: None, response_code: None, ..expected })]);
    }

    #[test]
    fn what_nobody_here_reads_is_no_trouble() {
        let quiet = |message: &Value| assert_eq!(read(message, &mark()), Receipts::default(), "{message}");
        for event in ["enter_agent", "subscribe", "unsubscribe"] {
            quiet(&json!({ "FromUserName": "lina", "MsgType": "event", "Event": event }));
        }
        quiet(&json!({ "FromUserName": "lina", "MsgType": "text", "Content": "template_card_event" }));
        for (name, foreign) in [("TaskId", "approval-7"), ("EventKey", "agree")] {
            let mut other = press();
            other[name] = json!(foreign);
            quiet(&other);
        }
    }

    #[test]
    fn a_press_of_nothing_is_told() {
        for name in ["TaskId", "EventKey", "FromUserName"] {
            let mut broken = press();
            broken[name] = json!("");
            let unread = read(&broken, &mark());
            assert!(unread.events.is_empty() && unread.trouble.is_some(), "{name}");
        }
    }
}
