use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, MessageId, RecipientId, SourceId};
use belltower::store::Db;
use belltower::store::history::{
    DeliveryFilter, append, attempts, counts, deliveries, deliveries_to, events, find_delivery, receipts,
};
use serde_json::json;

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

/// Message 1 to two people by two channels and to one direct address, message 2 to nobody.
async fn scene(db: &Db) {
    sources(db).await;
    keep(db, &[message(1), message(2)]).await;
    let mut tx = db.begin().await.unwrap();
    let text = "
        INSERT INTO recipient (id, campus_id, name, attributes, active, created_at, updated_at)
        VALUES (11, '2023001', '张伟', '{}', TRUE, 0, 0), (12, '2023002', '李娜', '{}', TRUE, 0, 0);
        INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
          state, reason, due_at, attempts, last_attempt_at, updated_at)
        VALUES
          (101, 1, 1, 1, 2, 12, 12, 1, 'li@bell.example', '李娜', 3, NULL, 5, 2, 6, 6),
          (102, 1, 1, 1, 2, 11, 11, 1, 'zhang@bell.example', '张伟', 4, '550', 5, 1, 6, 6),
          (103, 1, 2, 2, 2, 11, 11, NULL, NULL, '张伟', 7, 'no_address', 5, 0, NULL, 5),
          (104, 1, 2, 2, 2, 12, 12, 2, '+8613812345678', '李娜', 0, NULL, 5, 0, NULL, 5),
          (105, 1, 1, 1, 2, -7, NULL, 1, 'guest@bell.example', NULL, 0, NULL, 5, 0, NULL, 5);
        INSERT INTO message_count (message_id, channel, pending, delivered, failed, suppressed)
        VALUES (1, 1, 1, 1, 1, 0), (1, 2, 1, 0, 0, 1);
        INSERT INTO attempt (delivery_id, number, started_at, duration_ms, outcome, code, detail, repeated)
        VALUES (101, 2, 6, 12, 'accepted', '250', 'ok', TRUE), (101, 1, 5, 40, 'transient', '451', 'later', FALSE);
        INSERT INTO receipt (id, delivery_id, received_at, reference, state, code, detail)
        VALUES (1, 101, 8, 'r', 3, 'DELIVRD', NULL), (2, 102, 9, 'r', 4, 'UNDELIV', 'no such number')";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

async fn listed(db: &Db, filter: &DeliveryFilter, after: Option<i64>, limit: u32) -> Vec<i64> {
    let rows = deliveries(db, MessageId(1), filter, after.map(DeliveryId), limit).await.unwrap();
    rows.iter().map(|row| row.id.0).collect()
}

on_both!(counts_of_several_messages_come_at_once, |db| async {
    scene(&db).await;
    let rows = counts(&db, &[MessageId(2), MessageId(1)]).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].message_id, rows[0].channel), (MessageId(1), ChannelKind::Email));
    assert_eq!((rows[0].pending, rows[0].delivered, rows[0].failed, rows[0].unknown), (1, 1, 1, 0));
    assert_eq!((rows[1].channel, rows[1].suppressed), (ChannelKind::Sms, 1));
    assert!(counts(&db, &[]).await.unwrap().is_empty());
});

on_both!(events_come_as_they_happened, |db| async {
    scene(&db).await;
    let mut tx = db.begin().await.unwrap();
    append(&mut tx, MessageId(1), Timestamp(7), "planned", &json!({ "deliveries": 5 })).await.unwrap();
    append(&mut tx, MessageId(1), Timestamp(7), "completed", &json!({})).await.unwrap();
    append(&mut tx, MessageId(2), Timestamp(1), "unrouted", &json!({})).await.unwrap();
    tx.commit().await.unwrap();
    let rows = events(&db, MessageId(1)).await.unwrap();
    let kinds: Vec<_> = rows.iter().map(|row| (row.at.0, row.kind.as_str())).collect();
    assert_eq!(kinds, [(7, "planned"), (7, "completed")]);
    assert_eq!(rows[0].detail.0, json!({ "deliveries": 5 }));
});

on_both!(deliveries_are_narrowed_and_go_on_from_the_last, |db| async {
    scene(&db).await;
    let all = DeliveryFilter::default();
    assert_eq!(listed(&db, &all, None, 10).await, [105, 102, 101, 103, 104]);
    assert_eq!(listed(&db, &all, Some(102), 2).await, [101, 103]);
    assert_eq!(listed(&db, &all, Some(104), 2).await, [0; 0]);
    assert_eq!(listed(&db, &all, Some(999), 2).await, [0; 0]);
    let state = |state| DeliveryFilter { state: Some(state), ..all.clone() };
    assert_eq!(listed(&db, &state(State::Pending), None, 10).await, [105, 104]);
    assert_eq!(listed(&db, &state(State::Failed), None, 10).await, [102]);
    assert_eq!(listed(&db, &state(State::Suppressed), Some(102), 10).await, [103]);
    let sms = DeliveryFilter { channel: Some(ChannelKind::Sms), ..all.clone() };
    assert_eq!(listed(&db, &sms, None, 10).await, [103, 104]);
    let person = DeliveryFilter { campus_id: Some("2023001".to_owned()), ..all.clone() };
    assert_eq!(listed(&db, &person, None, 10).await, [102, 103]);
    let both = DeliveryFilter { channel: Some(ChannelKind::Email), ..person };
    assert_eq!(listed(&db, &both, None, 10).await, [102]);
    let named = |text: &str| DeliveryFilter { person: Some(text.to_owned()), ..all.clone() };
    assert_eq!(listed(&db, &named("张"), None, 10).await, [102, 103]);
    assert_eq!(listed(&db, &named("2023002"), None, 10).await, [101, 104]);
    let nobody = DeliveryFilter { campus_id: Some("0".to_owned()), ..all };
    assert_eq!(listed(&db, &nobody, None, 10).await, [0; 0]);
});

on_both!(a_delivery_is_shown_with_all_that_was_tried_and_said, |db| async {
    scene(&db).await;
    let row = find_delivery(&db, DeliveryId(101)).await.unwrap().unwrap();
    assert_eq!((row.message_id, row.source_id), (MessageId(1), Some(SourceId(1))));
    assert_eq!((row.campus_id.as_deref(), row.name.as_deref()), (Some("2023002"), Some("李娜")));
    assert_eq!(
        (row.address_kind, row.address.as_deref()),
        (Some(AddressKind::Email), Some("li@bell.example"))
    );
    assert_eq!((row.state, row.reason, row.provider, row.attempts), (State::Delivered, None, None, 2));
    let direct = find_delivery(&db, DeliveryId(105)).await.unwrap().unwrap();
    assert_eq!((direct.campus_id, direct.name), (None, None));
    assert!(find_delivery(&db, DeliveryId(1)).await.unwrap().is_none());

    let tried = attempts(&db, row.id).await.unwrap();
    let tried: Vec<_> =
        tried.iter().map(|a| (a.number, a.outcome.as_str(), a.duration_ms, a.repeated)).collect();
    assert_eq!(tried, [(1, "transient", 40, false), (2, "accepted", 12, true)]);
    let said = receipts(&db, DeliveryId(102)).await.unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].state, said[0].code.as_deref()), (State::Failed, Some("UNDELIV")));
});

on_both!(what_one_person_was_sent_comes_latest_first, |db| async {
    scene(&db).await;
    let sent = async |person, before: Option<i64>, limit| {
        let rows = deliveries_to(&db, RecipientId(person), before.map(DeliveryId), limit).await.unwrap();
        rows.into_iter().map(|row| (row.id.0, row.state)).collect::<Vec<_>>()
    };
    assert_eq!(sent(11, None, 9).await, [(103, State::Suppressed), (102, State::Failed)]);
    assert_eq!(sent(11, Some(103), 9).await, [(102, State::Failed)]);
    assert_eq!(sent(12, None, 1).await, [(104, State::Pending)]);
    assert_eq!(sent(13, None, 9).await, []);
});
