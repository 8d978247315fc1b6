//! What WeChat tells by itself: what became of messages, and what followers did.

use serde_json::Value;

use crate::channel::wechat::door::{items, text};
use crate::channel::{Event, Receipts, Record};
use crate::clock::Timestamp;
use crate::domain::delivery::State;

/// See [`reference()`].
const SPAN: i64 = 600_000;
/// How far our clock may be ahead of WeChat's.
const AHEAD: i64 = 60_000;
/// What the code of a scanned QR code starts with where it made somebody follow.
const SCENE: &str = "qrscene_";

/// By what a subscribe message is known, of which WeChat tells no id when it is sent: its template and about when that
/// was, which its receipt says too. Of two by the same template to the same person within ten minutes the earlier one
/// gets both receipts.
pub(super) fn reference(template: &str, at: Timestamp) -> String {
    format!("{template}@{}", at.millis().div_euclid(SPAN))
}

/// Reads one call.
pub(super) fn read(message: &Value) -> Receipts {
    if text(message, "MsgType").as_deref() != Some("event") {
        // What followers write is not read by anybody here.
        return Receipts::default();
    }
    let Some(openid) = text(message, "FromUserName") else { return Receipts::unread("it is about nobody") };
    let event = text(message, "Event").unwrap_or_default();
    // In seconds: what was bound within the same one was bound before.
    let at = created(message).and_then(|at| at.checked_add(999)).map(Timestamp);
    match event.as_str() {
        "TEMPLATESENDJOBFINISH" => template(message, openid),
        "subscribe_msg_sent_event" => sent(message, &openid),
        "subscribe_msg_popup_event" | "subscribe_msg_change_event" => changed(message, &openid),
        "subscribe" => {
            let key = text(message, "EventKey");
            let scene = key.and_then(|key| key.strip_prefix(SCENE).map(str::to_owned));
            events(vec![Event::Followed { openid, scene, at }])
        }
        // Of somebody who followed before.
        "SCAN" => events(vec![Event::Followed { openid, scene: text(message, "EventKey"), at }]),
        "unsubscribe" => events(vec![Event::Unfollowed { openid, at }]),
        _ => Receipts::default(),
    }
}

/// When WeChat says that it was.
fn created(message: &Value) -> Option<i64> {
    text(message, "CreateTime")?.parse::<i64>().ok()?.checked_mul(1_000)
}

fn events(events: Vec<Event>) -> Receipts {
    Receipts { events, ..Receipts::default() }
}

fn template(message: &Value, openid: String) -> Receipts {
    let (Some(reference), Some(status)) = (text(message, "MsgID"), text(message, "Status")) else {
        return Receipts::unread("it names no message, or not what became of it");
    };
    let delivered = status == "success";
    let record = Record {
        reference,
        also: None,
        address: Some(openid),
        state: if delivered { State::Delivered } else { State::Failed },
        code: Some(status),
        detail: None,
    };
    Receipts { records: vec![record], ..Receipts::default() }
}

/// Its list, under whatever name: WeChat's documentation has shown one event's list under the other's.
fn list(message: &Value) -> Vec<&Value> {
    let names = ["SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent"];
    let list = |name: &&str| message.get(name).map(|event| items(event.get("List"))).unwrap_or_default();
    let listed: Vec<_> = names.iter().flat_map(list).collect();
    // In JSON it may stand by itself.
    if listed.is_empty() { items(message.get("List")) } else { listed }
}

fn sent(message: &Value, openid: &str) -> Receipts {
    let Some(told) = created(message) else {
        return Receipts::unread("it does not say when");
    };
    let listed = list(message);
    let record = |item: &&Value| {
        let (template, code) = (text(item, "TemplateId")?, text(item, "ErrorCode")?);
        let latest = told.saturating_add(AHEAD);
        Some(Record {
            reference: reference(&template, Timestamp(latest)),
            also: Some(reference(&template, Timestamp(latest - SPAN))),
            address: Some(openid.to_owned()),
            state: if code == "0" { State::Delivered } else { State::Failed },
            code: Some(code),
            detail: text(item, "ErrorStatus"),
        })
    };
    let records: Vec<_> = listed.iter().filter_map(record).collect();
    let is_whole = !records.is_empty() && records.len() == listed.len();
    let trouble = (!is_whole).then(|| "not every message in it has a template and a code".to_owned());
    Receipts { records, trouble, ..Receipts::default() }
}

fn changed(message: &Value, openid: &str) -> Receipts {
    let listed = list(message);
    let event = |item: &&Value| {
        let (template, status) = (text(item, "TemplateId")?, text(item, "SubscribeStatusString")?);
        Some(Event::SubscriptionChanged { openid: openid.to_owned(), template, accepted: status == "accept" })
    };
    let events: Vec<_> = listed.iter().filter_map(event).collect();
    let is_whole = !events.is_empty() && events.len() == listed.len();
    let trouble = (!is_whole).then(|| "not every subscription in it has a template and a state".to_owned());
    Receipts { events, trouble, ..Receipts::default() }
}

/// Whether nothing will arrive any more: the follower blocked the account. Spaces differ from status to status.
pub(super) fn is_bounce(status: &str) -> bool {
    status
        .split_once(':')
        .is_some_and(|(failed, why)| failed.trim() == "failed" && why.trim() == "user block")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OPENID: &str = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY";

    fn message(event: &str, more: &Value) -> Value {
        let mut message = json!({
            "ToUserName": "gh_97417a04a28d", "FromUserName": OPENID, "CreateTime": "1790000000", "MsgType": "event",
            "Event": event,
        });
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        message
    }

    fn told(event: &str, more: &Value) -> Receipts {
        read(&message(event, more))
    }

    #[test]
    fn what_became_of_a_template_message_is_its_own_record() {
        for (status, state, bounced) in [
            ("success", State::Delivered, false),
            ("failed:user block", State::Failed, true),
            ("failed: user block", State::Failed, true),
            ("failed: system failed", State::Failed, false),
            ("failed:else", State::Failed, false),
        ] {
            for id in [json!("200163836"), json!(200_163_836)] {
                let receipts = told("TEMPLATESENDJOBFINISH", &json!({ "MsgID": id, "Status": status }));
                let record = &receipts.records[0];
                let said = (&*record.reference, record.address.as_deref(), record.state);
                assert_eq!(said, ("200163836", Some(OPENID), state), "{status}");
                assert_eq!((record.code.as_deref(), is_bounce(status)), (Some(status), bounced));
            }
        }
        let none = told("TEMPLATESENDJOBFINISH", &json!({ "Status": "success" }));
        assert!(none.records.is_empty() && none.trouble.is_some());
    }

    #[test]
    fn followers_come_and_go() {
        let followed = |scene: Option<&str>| Event::Followed {
            openid: OPENID.to_owned(),
            scene: scene.map(str::to_owned),
            at: Some(Timestamp(1_790_000_000_999)),
        };
        for (event, key, expected) in [
            ("subscribe", "", followed(None)),
            ("subscribe", "qrscene_b7f", followed(Some("b7f"))),
            ("SCAN", "b7f", followed(Some("b7f"))),
            (
                "unsubscribe",
                "",
                Event::Unfollowed { openid: OPENID.to_owned(), at: Some(Timestamp(1_790_000_000_999)) },
            ),
        ] {
            let receipts = told(event, &json!({ "EventKey": key }));
            assert_eq!((receipts.events, receipts.trouble), (vec![expected], None), "{event}");
        }
    }

    fn allowed(template: &str, accepted: bool) -> Event {
        Event::SubscriptionChanged { openid: OPENID.to_owned(), template: template.to_owned(), accepted }
    }

    #[test]
    fn subscriptions_are_told_one_or_several_under_either_name() {
        let one = json!({ "TemplateId": "t1", "SubscribeStatusString": "accept", "PopupScene": "2" });
        let two = json!([one, { "TemplateId": "t2", "SubscribeStatusString": "reject" }]);
        let popup = told("subscribe_msg_popup_event", &json!({ "SubscribeMsgPopupEvent": { "List": one } }));
        assert_eq!(popup.events, [allowed("t1", true)]);
        for name in ["SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent"] {
            let change = told("subscribe_msg_change_event", &json!({ (name): { "List": two } }));
            assert_eq!(change.events, [allowed("t1", true), allowed("t2", false)], "{name}");
        }
        let json = told("subscribe_msg_popup_event", &json!({ "List": two }));
        assert_eq!(json.events.len(), 2);
        let empty = told("subscribe_msg_popup_event", &json!({ "List": [{ "TemplateId": "t1" }] }));
        assert!(empty.events.is_empty() && empty.trouble.is_some());
    }

    #[test]
    fn a_subscribe_message_is_known_by_its_template_and_its_time() {
        let event = |at: i64, code: Value| {
            let list = json!({ "TemplateId": "t1", "MsgID": "1700827132819554304", "ErrorCode": code, "ErrorStatus": "success" });
            let more = json!({ "CreateTime": at, "SubscribeMsgSentEvent": { "List": list } });
            told("subscribe_msg_sent_event", &more).records.remove(0)
        };
        // Sent at any moment up to nine minutes before, or by a clock a minute ahead.
        for sent_at in [1_790_000_000_000, 1_790_000_399_999, 1_790_000_400_000] {
            for later in [-60_000, 0, 5_000, 539_000] {
                let known = reference("t1", Timestamp(sent_at));
                let record = event((sent_at + later + 999) / 1_000, json!("0"));
                assert!(
                    record.reference == known || record.also.as_ref() == Some(&known),
                    "{sent_at} {later}"
                );
            }
        }
        let refused = event(1_790_000_000, json!(43_101));
        assert_eq!((refused.state, refused.code.as_deref()), (State::Failed, Some("43101")));
        assert_eq!(event(1_790_000_000, json!(0)).state, State::Delivered);
    }

    #[test]
    fn a_time_that_no_clock_will_show_is_a_time_nevertheless() {
        let list = json!({ "TemplateId": "t1", "ErrorCode": 0 });
        let more = json!({ "CreateTime": i64::MAX / 1_000, "SubscribeMsgSentEvent": { "List": list } });
        assert_eq!(told("subscribe_msg_sent_event", &more).records.len(), 1);
    }

    #[test]
    fn what_nobody_here_reads_is_no_trouble() {
        let text = json!({ "FromUserName": OPENID, "MsgType": "text", "Content": "你好" });
        assert_eq!(read(&text), Receipts::default());
        assert_eq!(told("VIEW", &json!({ "EventKey": "https://x.example" })), Receipts::default());
    }
}
