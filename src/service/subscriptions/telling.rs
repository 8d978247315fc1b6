//! What an event says: the same body for a webhook and a stream, as Standard Webhooks 1.0.0 has it.

use serde_json::{Map, Value, json};

use super::views::word;
use crate::clock::Timestamp;
use crate::store::subscription_events::ToldRow;
use crate::telemetry::mask;

/// The body of an event: `{type, timestamp, data}`. Well below 20 kB: titles and reasons are bounded, texts are not in it.
pub(super) fn body(row: &ToldRow) -> Value {
    let mut data = match serde_json::from_str(&row.detail) {
        Ok(Value::Object(detail)) => detail,
        Ok(_) | Err(_) => Map::new(),
    };
    data.insert("id".to_owned(), row.id.to_string().into());
    if let Some(message) = row.message_id {
        data.insert("topic".to_owned(), row.topic.as_str().into());
        data.insert(
            "message".to_owned(),
            json!({
                "id": message,
                "topic": row.topic,
                "category": row.category,
                "title": row.title,
                "source": row.source_name,
                "test": row.test,
                "created_at": row.created_at.map(Timestamp::to_jiff),
            }),
        );
    }
    if let (Some(id), Some(Value::Object(delivery))) = (row.delivery_id, data.get_mut("delivery")) {
        delivery.insert("id".to_owned(), id.to_string().into());
        delivery.insert("recipient".to_owned(), json!({ "campus_id": row.campus_id }));
        let masked = row.address.as_deref().map(|address| match row.address_kind {
            Some(kind) => mask::address_of(kind, address),
            None => mask::address(address),
        });
        delivery.insert("address".to_owned(), masked.into());
    }
    json!({ "type": word(row.kind), "timestamp": row.at.to_jiff(), "data": data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::AddressKind;
    use crate::domain::id::{DeliveryId, EventId, MessageId, SourceId};
    use crate::domain::message::Category;
    use crate::domain::subscription::EventKind;

    fn row(detail: &str) -> ToldRow {
        ToldRow {
            id: EventId(1),
            kind: EventKind::Failed.code(),
            topic: "library.due".to_owned(),
            at: Timestamp(1_790_000_000_000),
            detail: detail.to_owned(),
            source_id: Some(SourceId(1)),
            message_id: Some(MessageId(2)),
            category: Some(Category::Announcement),
            test: Some(false),
            title: Some("图书到期".to_owned()),
            source_name: Some("图书馆".to_owned()),
            created_at: Some(Timestamp(1_790_000_000_000)),
            delivery_id: Some(DeliveryId(3)),
            campus_id: Some("2023310101".to_owned()),
            address: Some("zhang.wei@campus.example".to_owned()),
            address_kind: Some(AddressKind::Email),
        }
    }

    #[test]
    fn an_event_of_a_delivery_names_the_person_by_campus_id_and_masks_the_address() {
        let body =
            body(&row(r#"{"delivery":{"channel":"email","state":"failed","reason":"x","attempts":2}}"#));
        assert_eq!(body["type"], "delivery.failed");
        assert_eq!(body["timestamp"], "2026-09-21T14:13:20Z");
        let delivery = &body["data"]["delivery"];
        assert_eq!(delivery["recipient"]["campus_id"], "2023310101");
        assert_eq!(delivery["id"], DeliveryId(3).to_string());
        assert!(!body.to_string().contains("zhang.wei@"), "{body}");
        assert_eq!(body["data"]["message"]["id"], MessageId(2).to_string());
    }

    #[test]
    fn of_whoever_was_erased_nothing_is_left() {
        let erased = ToldRow { campus_id: None, address: None, ..row(r#"{"delivery":{}}"#) };
        let delivery = &body(&erased)["data"]["delivery"];
        assert!(delivery["address"].is_null() && delivery["recipient"]["campus_id"].is_null());
    }

    #[test]
    fn the_longest_event_stays_below_20_kilobytes() {
        let reason = "长".repeat(2_000);
        let long =
            ToldRow { title: Some("长".repeat(200)), ..row(&json!({ "reason": reason }).to_string()) };
        assert!(body(&long).to_string().len() < 20_000);
    }

    #[test]
    fn a_test_tells_of_no_message() {
        let test = ToldRow { kind: 0, message_id: None, ..row(r#"{"subscription":"sub_1"}"#) };
        let body = body(&test);
        assert_eq!(body["type"], crate::domain::subscription::TEST);
        assert_eq!(body["data"]["subscription"], "sub_1");
        assert!(body["data"].get("message").is_none());
    }
}
