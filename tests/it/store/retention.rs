use belltower::clock::Timestamp;
use belltower::domain::id::{DeliveryId, MessageId};
use belltower::domain::message::{Category, Status};
use belltower::domain::retention::Stage;
use belltower::store::messages::{find, find_body, standing};
use belltower::store::retention::{
    RemovedRow, advance, all_of, blank, close, count, empty, finish, forget, left, next, note, remove,
    removed, take, under_way,
};
use belltower::store::{Db, history, pages};
use serde_json::json;

use super::messages::{keep, message, sources};
use super::{execute, roll_back};
use crate::support::contents::everything;
use crate::support::on_both;

const CONTENT: &str = r#"{"content":{"title":"–","body":"–"}}"#;

async fn write(db: &Db, text: &str) {
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

/// Announcement 1 to two people and a direct address, completed at 100, with all that may be told of them; 2 was cancelled
/// at 200; 3 is unrouted since 300; 4, 5 and 6 are under way, held and scheduled; 7 is an emergency that ended at 100; 8
/// was cancelled at 100 and has something open.
async fn scene(db: &Db) {
    sources(db).await;
    let statuses = [
        Status::Completed,
        Status::Cancelled,
        Status::Unrouted,
        Status::Sending,
        Status::Held,
        Status::Scheduled,
        Status::Completed,
        Status::Cancelled,
    ];
    let mut all: Vec<_> = (1..).zip(statuses).map(|(id, status)| (id, message(id), status)).collect();
    for (id, message, status) in &mut all {
        message.status = *status;
        message.category = if *id == 7 { Category::Emergency } else { Category::Announcement };
    }
    all[0].1.personalise = Some(json!({"2023001": {"mark": "秘密"}}).to_string());
    all[0].1.audience = Some(json!({"recipients": ["2023001"]}).to_string());
    all[0].1.attributes = json!({"room": "秘密"}).to_string();
    keep(db, &all.into_iter().map(|(_, message, _)| message).collect::<Vec<_>>()).await;
    write(
        db,
        "UPDATE message SET completed_at = 100 WHERE id IN (1, 7, 8);
         UPDATE message SET completed_at = 200, reason = 'rejected: 秘密' WHERE id = 2;
         UPDATE message SET updated_at = 300 WHERE id = 3;
         INSERT INTO recipient (id, campus_id, name, attributes, active, created_at, updated_at)
           VALUES (11, '2023001', '张伟', '{}', TRUE, 0, 0);
         INSERT INTO message_count (message_id, channel, sent, failed, pending) VALUES (1, 1, 2, 1, 0), (8, 1, 0, 0, 1);
         INSERT INTO message_event (message_id, at, kind, detail) VALUES
           (1, 50, 'routed', '{\"rules\":[\"秘密\"]}'), (1, 60, 'resent', '{\"by\":\"王\",\"reopened\":1}');
         INSERT INTO message_print (band, value, message_id, created_at) VALUES (0, 5, 1, 0), (0, 6, 2, 0);
         INSERT INTO provider (id, name, channel, kind, settings, priority, weight, enabled, created_at, updated_at)
           SELECT 1, 'p', 1, 'sandbox', s.hash, 1, 1, TRUE, 0, 0 FROM (SELECT hash FROM probe_key) AS s;
         INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
           language, params, state, due_at, updated_at, read_at, trouble, poll_at)
         VALUES
           (101, 1, 1, 1, 2, 11, 11, 1, '秘密@bell.example', '张伟秘密', 'en', '{\"a\":\"秘密\"}', 2, 5, 6, 7, NULL, 9),
           (102, 1, 1, 1, 2, 12, 12, 1, '秘密2@bell.example', '李秘密', NULL, NULL, 4, 5, 6, NULL, '4:1:0::', NULL),
           (103, 1, 1, 1, 2, -7, NULL, 1, 'guest秘密@bell.example', NULL, NULL, NULL, 2, 5, 6, NULL, NULL, NULL),
           (801, 8, 1, 1, 2, 11, 11, 1, 'zhang@bell.example', NULL, NULL, NULL, 0, 5, 6, NULL, NULL, NULL);
         INSERT INTO attempt (delivery_id, number, started_at, duration_ms, outcome, code, detail, repeated)
           VALUES (101, 1, 5, 6, 'accepted', '250', '秘密 queued', FALSE);
         INSERT INTO receipt (delivery_id, received_at, state, code, detail, address)
           VALUES (101, 8, 3, 'ok', '秘密', '秘密'), (NULL, 8, 3, 'ok', 'else', 'else');
         INSERT INTO answer (delivery_id, message_id, choice, shown, via, answered_at) VALUES (101, 1, 'yes', '秘密', 1, 9);
         INSERT INTO card_update (delivery_id, provider_id, member, response_code, shown, until, due_at)
           VALUES (101, 1, '秘密', '秘密', '秘密', 9, 9)",
    )
    .await;
}

/// A blob, which the two databases write differently.
async fn prepare(db: &Db) {
    let blob = match db {
        Db::Sqlite { .. } => "X'00'",
        Db::Postgres(_) => "'\\x00'::bytea",
    };
    write(db, &format!("CREATE TABLE probe_key AS SELECT {blob} AS hash")).await;
    scene(db).await;
    write(db, "DROP TABLE probe_key").await;
}

async fn taken(db: &Db, category: Category, stage: Stage, before: i64, limit: u32) -> Vec<i64> {
    let mut tx = db.begin().await.unwrap();
    let ids = take(&mut tx, category, stage, Timestamp(before), limit).await.unwrap();
    roll_back(tx).await;
    ids.into_iter().map(|id| id.0).collect()
}

on_both!(only_what_has_ended_before_is_taken_the_oldest_first, |db| async {
    prepare(&db).await;
    let (announcement, content) = (Category::Announcement, Stage::Content);
    assert_eq!(taken(&db, announcement, content, 100, 9).await, Vec::<i64>::new(), "not at its own moment");
    assert_eq!(taken(&db, announcement, content, 101, 9).await, [1]);
    assert_eq!(taken(&db, announcement, content, i64::MAX, 9).await, [1, 2, 3], "nothing open among them");
    assert_eq!(taken(&db, announcement, content, i64::MAX, 2).await, [1, 2]);
    assert_eq!(taken(&db, Category::Emergency, content, i64::MAX, 9).await, [7]);
    assert_eq!(taken(&db, announcement, Stage::Deliveries, i64::MAX, 9).await, Vec::<i64>::new());
    let of = async |before, most| count(&db, announcement, content, Timestamp(before), most).await.unwrap();
    assert_eq!((of(101, 9).await, of(201, 9).await, of(201, 1).await), (2, 3, 1), "with what is open");
});

on_both!(two_nodes_take_different_messages, |db| async {
    prepare(&db).await;
    if matches!(db, Db::Sqlite { .. }) {
        return;
    }
    let mut first = db.begin().await.unwrap();
    let mut second = db.begin().await.unwrap();
    let of = Category::Announcement;
    let a = take(&mut first, of, Stage::Content, Timestamp::NEVER, 1).await.unwrap();
    let b = take(&mut second, of, Stage::Content, Timestamp::NEVER, 9).await.unwrap();
    assert_eq!((a, b), (vec![MessageId(1)], vec![MessageId(2), MessageId(3)]));
    roll_back(first).await;
    roll_back(second).await;
});

on_both!(a_message_is_emptied_and_its_deliveries_after_it, |db| async {
    prepare(&db).await;
    let mut tx = db.begin().await.unwrap();
    empty(&mut tx, &[MessageId(1), MessageId(2)], "–", CONTENT, Timestamp(999)).await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, MessageId(1)).await.unwrap().unwrap();
    assert_eq!((row.title.as_str(), row.content_removed_at), ("–", Some(Timestamp(999))));
    assert_eq!((row.status, row.completed_at), (Status::Completed, Some(Timestamp(100))));
    let body = find_body(&db, MessageId(1)).await.unwrap().unwrap();
    assert!(body.audience.is_none() && !body.personalised && body.attributes.0.is_empty());
    assert_eq!(find(&db, MessageId(2)).await.unwrap().unwrap().reason, None);
    let events = history::events(&db, MessageId(1)).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.kind.as_str(), event.detail.0.clone())).collect();
    assert_eq!(
        told,
        [
            ("routed", json!({})),
            ("resent", json!({"by": "王", "reopened": 1})),
            ("content_removed", json!({}))
        ]
    );
    let mut tx = db.begin().await.unwrap();
    let seen = standing(&mut tx, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(seen.content_removed_at, Some(Timestamp(999)));
    let waiting = under_way(&mut tx, 9).await.unwrap();
    let [removal] = &waiting[..] else { panic!("2 has no deliveries: {waiting:?}") };
    assert_eq!((removal.message_id, removal.planned), (MessageId(1), 3));
    assert_eq!((removal.category, removal.stage), (Category::Announcement, Stage::Content.code()));
    let rows = next(&mut tx, removal, 2).await.unwrap();
    let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
    assert_eq!(ids, [103, 101], "in the order of their targets");
    blank(&mut tx, &[DeliveryId(103), DeliveryId(101)]).await.unwrap();
    advance(&mut tx, MessageId(1), &rows[1]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(left(&db, 9).await.unwrap(), 1);

    // Somebody else goes on.
    let mut tx = db.begin().await.unwrap();
    let removal = under_way(&mut tx, 9).await.unwrap().remove(0);
    let rows = next(&mut tx, &removal, 2).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [102]);
    blank(&mut tx, &[rows[0].id]).await.unwrap();
    finish(&mut tx, &[MessageId(1)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(left(&db, 9).await.unwrap(), 0);
    let secrets: Vec<_> = everything(&db).await.into_iter().filter(|text| text.contains("秘密")).collect();
    assert!(secrets.is_empty(), "{secrets:?}");
    let delivery = history::find_delivery(&db, DeliveryId(101)).await.unwrap().unwrap();
    assert_eq!((delivery.campus_id.as_deref(), delivery.state.code()), (Some("2023001"), 2));
    assert!(!delivery.asked && delivery.read_at.is_none() && delivery.address.is_none());
    let attempts = history::attempts(&db, DeliveryId(101)).await.unwrap();
    assert_eq!((attempts[0].code.as_deref(), attempts[0].detail.as_deref()), (Some("250"), None));
    let page = pages::find(&db, DeliveryId(101)).await.unwrap().unwrap();
    assert_eq!(page.removed_at, Some(Timestamp(999)));
    write(&db, "UPDATE recipient SET erased_at = 5").await;
    assert!(pages::find(&db, DeliveryId(101)).await.unwrap().is_none(), "it was forgotten whose it is");
    // What nobody was to lose is there.
    assert_eq!(find(&db, MessageId(7)).await.unwrap().unwrap().title, "考试安排");
    assert!(pages::find(&db, DeliveryId(801)).await.unwrap().unwrap().removed_at.is_none());
});

on_both!(deliveries_go_and_the_counts_stay, |db| async {
    prepare(&db).await;
    let one = [MessageId(1)];
    let mut tx = db.begin().await.unwrap();
    empty(&mut tx, &one, "–", CONTENT, Timestamp(900)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(taken(&db, Category::Announcement, Stage::Content, i64::MAX, 9).await, [2, 3]);
    let deliveries = async || taken(&db, Category::Announcement, Stage::Deliveries, 101, 9).await;
    assert_eq!(deliveries().await, Vec::<i64>::new(), "somebody is yet to empty them, and to count them");
    let mut tx = db.begin().await.unwrap();
    finish(&mut tx, &one).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(deliveries().await, [1]);
    let mut tx = db.begin().await.unwrap();
    close(&mut tx, &one, Timestamp(999)).await.unwrap();
    let waiting = under_way(&mut tx, 9).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].stage), (1, Stage::Deliveries.code()), "from the beginning");
    let ids: Vec<_> = all_of(&mut tx, &one).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), 3);
    remove(&mut tx, &ids).await.unwrap();
    finish(&mut tx, &one).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(taken(&db, Category::Announcement, Stage::Deliveries, i64::MAX, 9).await, Vec::<i64>::new());
    assert!(history::find_delivery(&db, DeliveryId(101)).await.unwrap().is_none());
    let counts = history::counts(&db, &one).await.unwrap();
    assert_eq!((counts[0].sent, counts[0].failed), (2, 1));
    let row = find(&db, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(row.deliveries_removed_at, Some(Timestamp(999)));
    let left: Vec<_> = everything(&db).await.into_iter().filter(|text| text.contains("queued")).collect();
    assert!(left.is_empty(), "attempts go with their deliveries: {left:?}");
    assert!(everything(&db).await.iter().any(|text| text.contains("receipt.detail: else")), "others stay");
});

on_both!(what_was_removed_is_summed_by_day_and_rule, |db| async {
    let row = |day: &str, rule: &str, messages, deliveries, at| RemovedRow {
        day: day.to_owned(),
        rule: rule.to_owned(),
        messages,
        deliveries,
        at: Timestamp(at),
    };
    let mut tx = db.begin().await.unwrap();
    for one in [
        row("2026-09-20", "a", 1, 0, 5),
        row("2026-09-21", "b", 2, 0, 6),
        row("2026-09-21", "b", 0, 7, 8),
        row("2026-09-21", "a", 1, 1, 9),
    ] {
        note(&mut tx, &one).await.unwrap();
    }
    tx.commit().await.unwrap();
    let of = async |first| -> Vec<_> {
        let rows = removed(&db, first).await.unwrap();
        rows.into_iter().map(|row| (row.day, row.rule, row.messages, row.deliveries, row.at.0)).collect()
    };
    let told = |day: &str, rule: &str, n: i64, m: i64, at: i64| (day.to_owned(), rule.to_owned(), n, m, at);
    let latest = [told("2026-09-21", "a", 1, 1, 9), told("2026-09-21", "b", 2, 7, 8)];
    assert_eq!(of("2026-09-21").await, latest);
    assert_eq!(of("2026-09-20").await.len(), 3);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(forget(&mut tx, "2026-09-21").await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(of("2026-01-01").await, latest);
});
