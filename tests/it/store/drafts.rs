use belltower::clock::Timestamp;
use belltower::domain::id::{DraftId, MessageId, OperatorId};
use belltower::store::Db;
use belltower::store::drafts::{DraftRow, close, delete, find, insert, list, naming, prune, rewrite, update};
use serde_json::{Value, json};

use super::execute;
use crate::support::on_both;

async fn operators(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    for name in ["a", "b"] {
        let text = format!(
            "INSERT INTO operator (email, name, created_at)
             VALUES ('{name}@bell.example', '{name}', 1)"
        );
        execute(&mut tx, &text).await;
    }
    tx.commit().await.unwrap();
}

async fn keep(db: &Db, operator: i64, content: &Value, at: i64) -> DraftId {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, OperatorId(operator), content, Timestamp(at)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn get(db: &Db, id: DraftId) -> DraftRow {
    find(db, id).await.unwrap().unwrap()
}

fn ids(rows: Vec<DraftRow>) -> Vec<DraftId> {
    rows.into_iter().map(|row| row.id).collect()
}

on_both!(a_draft_is_written_by_one_window_at_a_time, |db| async {
    operators(&db).await;
    let (first, second) = (keep(&db, 1, &json!({"a": 1}), 10).await, keep(&db, 1, &json!({}), 20).await);
    keep(&db, 2, &json!({}), 30).await;
    assert_eq!(ids(list(&db, OperatorId(1), 9).await.unwrap()), [second, first]);
    assert_eq!(ids(list(&db, OperatorId(1), 1).await.unwrap()), [second]);
    let mut tx = db.begin().await.unwrap();
    assert!(update(&mut tx, first, 1, &json!({"a": 2}), Timestamp(40)).await.unwrap());
    assert!(!update(&mut tx, first, 1, &json!({"a": 3}), Timestamp(41)).await.unwrap(), "it is at 2 by now");
    tx.commit().await.unwrap();
    let row = get(&db, first).await;
    assert_eq!((row.version, row.content.0, row.updated_at), (2, json!({"a": 2}), Timestamp(40)));
    assert_eq!((row.operator_id, row.message_id), (OperatorId(1), None));
});

on_both!(what_was_sent_is_neither_changed_nor_thrown_away, |db| async {
    operators(&db).await;
    let (sent, other) = (keep(&db, 1, &json!({}), 10).await, keep(&db, 1, &json!({}), 20).await);
    let mut tx = db.begin().await.unwrap();
    close(&mut tx, sent, MessageId(7)).await.unwrap();
    assert!(!update(&mut tx, sent, 1, &json!({"a": 2}), Timestamp(40)).await.unwrap());
    delete(&mut tx, sent).await.unwrap();
    delete(&mut tx, other).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(&db, sent).await.message_id, Some(MessageId(7)));
    assert!(find(&db, other).await.unwrap().is_none());
    assert!(list(&db, OperatorId(1), 9).await.unwrap().is_empty());
});

on_both!(drafts_are_forgotten_in_their_time, |db| async {
    operators(&db).await;
    let (sent, left, young) = (
        keep(&db, 1, &json!({}), 50).await,
        keep(&db, 1, &json!({}), 10).await,
        keep(&db, 1, &json!({}), 50).await,
    );
    let mut tx = db.begin().await.unwrap();
    close(&mut tx, sent, MessageId(7)).await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(50), Timestamp(10)).await.unwrap(), 0);
    assert_eq!(prune(&mut tx, Timestamp(60), Timestamp(20)).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(ids(list(&db, OperatorId(1), 9).await.unwrap()), [young]);
    assert!(find(&db, left).await.unwrap().is_none());
});

on_both!(drafts_that_name_somebody_are_found_and_written_anew, |db| async {
    operators(&db).await;
    let named = keep(&db, 1, &json!({"ids": "T_1 T%2"}), 10).await;
    keep(&db, 2, &json!({"ids": "TX1"}), 20).await;
    for text in ["T_1", "T%2"] {
        assert_eq!(ids(naming(&db, text).await.unwrap()), [named], "{text}");
    }
    let mut tx = db.begin().await.unwrap();
    assert!(!rewrite(&mut tx, named, 2, &json!({})).await.unwrap(), "somebody wrote meanwhile");
    assert!(rewrite(&mut tx, named, 1, &json!({})).await.unwrap());
    tx.commit().await.unwrap();
    let row = get(&db, named).await;
    assert_eq!((row.version, row.content.0, row.updated_at), (2, json!({}), Timestamp(10)));
});
