//! What WeCom tells by itself: buttons of cards that members pressed. Of what became of messages it tells nothing.

use serde_json::Value;

use crate::channel::wechat::door::text;
use crate::channel::{Event, Receipts};

/// Reads one call. What members write, open and enter is not read by anybody here.
pub(super) fn read(message: &Value) -> Receipts {
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
    let task = message_of(&task).to_owned();
    let card = Event::Card { task, key, member, response_code: said("ResponseCode") };
    Receipts { events: vec![card], ..Receipts::default() }
}

/// The message of a card with this id, which begins with it.
fn message_of(task: &str) -> &str {
    task.rsplit_once('-').map_or(task, |(message, _)| message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pressed_button_names_its_message() {
        let mut press = json!({
            "ToUserName": "ww1", "FromUserName": "lina", "CreateTime": "1790000000", "MsgType": "event",
            "Event": "template_card_event", "EventKey": "received", "TaskId": "msg_1-0a1b", "CardType": "button_interaction",
            "ResponseCode": "code1", "AgentID": "1000002",
        });
        let expected = Event::Card {
            task: "msg_1".to_owned(),
            key: "received".to_owned(),
            member: "lina".to_owned(),
            response_code: Some("code1".to_owned()),
        };
        assert_eq!(read(&press), Receipts { events: vec![expected], ..Receipts::default() });
        press["TaskId"] = json!("");
        let unread = read(&press);
        assert!(unread.events.is_empty() && unread.trouble.is_some());
    }

    #[test]
    fn what_nobody_here_reads_is_no_trouble() {
        for event in ["enter_agent", "subscribe", "unsubscribe"] {
            let message = json!({ "FromUserName": "lina", "MsgType": "event", "Event": event });
            assert_eq!(read(&message), Receipts::default(), "{event}");
        }
        let text = json!({ "FromUserName": "lina", "MsgType": "text", "Content": "template_card_event" });
        assert_eq!(read(&text), Receipts::default());
    }
}
