use belltower::clock::Timestamp;
use belltower::domain::id::{DeliveryId, MessageId, RecipientId};
use belltower::domain::message::Category;
use belltower::store::Db;
use belltower::store::inbox::{InboxFilter, InboxRow, SentRow, after, count, list, mark, newest};
use belltower::store::messages::NewMessage;

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

const LI: RecipientId = RecipientId(11);
const ALL: InboxFilter = InboxFilter::all(false, Timestamp(0));

/// What Li was sent: 1 by mail and SMS, 2 withdrawn, 3 emptied, 4 called back; what did not go to them: 5 pending, 6 suppressed,
/// 7 somebody else's; and 8 with a test key.
async fn scene(db: &Db) {
    sources(db).await;
    let mut all: Vec<_> = (1..=7).map(message).collect();
    all[1].category = Category::ResourceUpdate;
    all.push(NewMessage { test: true, ..message(8) });
    keep(db, &all).await;
    let mut tx = db.begin().await.unwrap();
    let text = "
        INSERT INTO recipient (id, campus_id, name, attributes, active, created_at, updated_at)
        VALUES (11, '2024001', '李伟', '{}', TRUE, 0, 0), (12, '2024002', '王敏', '{}', TRUE, 0, 0);
        INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
          language, params, state, due_at, sent_at, updated_at)
        VALUES
          (101, 1, 1, 1, 2, 11, 11, 1, 'li@bell.example', '李伟', 'en', '{\"a\":1}', 4, 5, NULL, 6),
          (102, 1, 2, 2, 2, 11, 11, 2, '+8613812345678', '李伟', 'en', '{\"a\":1}', 3, 5, 60, 6),
          (103, 2, 1, 1, 2, 11, 11, 1, 'li@bell.example', '李伟', 'en', NULL, 2, 5, 70, 6),
          (104, 3, 1, 1, 2, 11, 11, 1, NULL, NULL, NULL, NULL, 8, 5, 80, 6),
          (105, 4, 1, 1, 2, 11, 11, 1, 'li@bell.example', '李伟', NULL, NULL, 6, 5, 90, 6),
          (106, 5, 1, 1, 2, 11, 11, 1, 'li@bell.example', '李伟', NULL, NULL, 0, 5, NULL, 6),
          (107, 6, 1, 1, 2, 11, 11, 1, NULL, '李伟', NULL, NULL, 7, 5, NULL, 6),
          (108, 7, 1, 1, 2, 12, 12, 1, 'wang@bell.example', '王敏', NULL, NULL, 3, 5, 60, 6),
          (109, 8, 1, 1, 2, 11, 11, 1, 'li@bell.example', '李伟', NULL, NULL, 3, 5, 95, 6);
        UPDATE message SET status = 7 WHERE id = 2;
        UPDATE message SET content_removed_at = 99 WHERE id = 3";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

async fn found(db: &Db, filter: &InboxFilter) -> Vec<i64> {
    let rows = list(db, LI, filter, None, 100).await.unwrap();
    rows.into_iter().map(|row| row.message_id.0).collect()
}

async fn one(db: &Db, message: i64) -> InboxRow {
    let filter = InboxFilter { message: Some(MessageId(message)), ..ALL };
    let mut rows = list(db, LI, &filter, None, 100).await.unwrap();
    assert_eq!(rows.len(), 1, "{message}");
    rows.remove(0)
}

on_both!(each_message_that_went_to_a_person_is_there_once, |db| async {
    scene(&db).await;
    assert_eq!(found(&db, &ALL).await, [4, 3, 2, 1]);
    assert_eq!(count(&db, LI, &ALL).await.unwrap(), 4);
    assert_eq!(count(&db, RecipientId(99), &ALL).await.unwrap(), 0);
    let row = one(&db, 1).await;
    assert_eq!((row.place, row.carried_by), (DeliveryId(101), Some(DeliveryId(102))));
    assert_eq!((row.sent_at, row.read_at), (Timestamp(60), None));
    assert_eq!((row.language.as_deref(), row.params.as_deref()), (Some("en"), Some("{\"a\":1}")));
    assert!(row.source.is_some() && row.is_unread() && !row.content.0.content.title.is_empty());
    assert!(one(&db, 2).await.is_withdrawn() && one(&db, 4).await.is_withdrawn());
    let emptied = one(&db, 3).await;
    assert_eq!((emptied.removed_at, emptied.is_withdrawn()), (Some(Timestamp(99)), false));
    let nothing = InboxFilter { message: Some(MessageId(5)), ..ALL };
    assert!(found(&db, &nothing).await.is_empty(), "it has not gone out");
});

on_both!(filters_narrow_what_is_there, |db| async {
    scene(&db).await;
    assert_eq!(found(&db, &InboxFilter::all(true, Timestamp(0))).await, [8]);
    assert_eq!(found(&db, &InboxFilter { unread: true, ..ALL }).await, [1], "what can be read");
    let updates = InboxFilter { category: Some(Category::ResourceUpdate), ..ALL };
    assert_eq!(found(&db, &updates).await, [2]);
    assert_eq!(found(&db, &InboxFilter { since: Timestamp(80), ..ALL }).await, [4, 3]);
    let mut tx = db.begin().await.unwrap();
    execute(
        &mut tx,
        "UPDATE delivery SET read_at = 97 WHERE id = 101; UPDATE message SET expires_at = 500 WHERE id = 4",
    )
    .await;
    tx.commit().await.unwrap();
    assert!(found(&db, &InboxFilter { unread: true, ..ALL }).await.is_empty(), "read by whatever channel");
    assert_eq!(one(&db, 1).await.read_at, Some(Timestamp(97)));
    let kept = |at| InboxFilter { expired_by: Timestamp(at), ..ALL };
    assert!(found(&db, &kept(499)).await.contains(&4) && !found(&db, &kept(500)).await.contains(&4));
});

on_both!(a_part_goes_on_where_the_one_before_ended, |db| async {
    scene(&db).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let rows = list(&db, LI, &ALL, before, 3).await.unwrap();
        let Some(last) = rows.last() else { break };
        before = Some(last.place);
        seen.extend(rows.iter().map(|row| row.message_id.0));
    }
    assert_eq!(seen, [4, 3, 2, 1]);
});

on_both!(what_was_sent_is_told_by_when_it_was_sent, |db| async {
    scene(&db).await;
    let sent = |message, at| SentRow { message_id: MessageId(message), sent_at: Timestamp(at) };
    assert_eq!(newest(&db, LI, &ALL, 2).await.unwrap(), [sent(4, 90), sent(3, 80)]);
    let from = async |at, beyond, limit| {
        let filter = InboxFilter { since: Timestamp(at), ..ALL };
        after(&db, LI, &filter, MessageId(beyond), limit).await.unwrap()
    };
    assert_eq!(from(0, 0, 100).await, [sent(1, 60), sent(2, 70), sent(3, 80), sent(4, 90)]);
    assert_eq!(from(70, 1, 2).await, [sent(2, 70), sent(3, 80)]);
    assert_eq!(
        from(70, 2, 100).await,
        [sent(3, 80), sent(4, 90)],
        "of the same moment, what has a higher id"
    );
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET sent_at = 80 WHERE id IN (102, 105)").await;
    tx.commit().await.unwrap();
    assert_eq!(from(80, 1, 100).await, [sent(3, 80), sent(4, 80)]);
    assert_eq!(newest(&db, LI, &ALL, 100).await.unwrap().last(), Some(&sent(2, 70)));
    assert!(after(&db, RecipientId(99), &ALL, MessageId(0), 9).await.unwrap().is_empty());
});

on_both!(a_persons_mark_is_another_once_something_happened_to_them, |db| async {
    scene(&db).await;
    assert_eq!(mark(&db, RecipientId(99)).await.unwrap(), mark(&db, RecipientId(98)).await.unwrap());
    let mut before = mark(&db, LI).await.unwrap();
    assert_eq!(before, mark(&db, LI).await.unwrap());
    for (change, is_theirs) in [
        ("UPDATE delivery SET state = 3, sent_at = 99, updated_at = 5 WHERE id = 106", true),
        ("UPDATE delivery SET read_at = 97 WHERE id = 102", true),
        ("UPDATE delivery SET read_at = 97, updated_at = 97 WHERE id = 108", false),
        ("DELETE FROM delivery WHERE id = 107", true),
    ] {
        let mut tx = db.begin().await.unwrap();
        execute(&mut tx, change).await;
        tx.commit().await.unwrap();
        let now = mark(&db, LI).await.unwrap();
        assert_eq!(now != before, is_theirs, "{change}");
        before = now;
    }
});
