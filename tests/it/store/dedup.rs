use belltower::clock::Timestamp;
use belltower::domain::id::{MessageId, SourceId};
use belltower::store::Db;
use belltower::store::dedup::{NewDedup, prune, release, take};

use crate::support::on_both;

fn key(key: &str, message: i64, at: i64) -> NewDedup<'_> {
    NewDedup { source: SourceId(1), key, message: MessageId(message), created_at: Timestamp(at) }
}

/// Which message each key stands for afterwards.
async fn taken(db: &Db, keys: &[NewDedup<'_>], since: i64) -> Vec<(String, i64)> {
    let mut tx = db.begin().await.unwrap();
    let mut rows: Vec<_> = take(&mut tx, keys, Timestamp(since))
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.key, row.message_id.0))
        .collect();
    tx.commit().await.unwrap();
    rows.sort();
    rows
}

fn stands(key: &str, message: i64) -> (String, i64) {
    (key.to_owned(), message)
}

on_both!(a_key_stands_for_the_first_message_until_it_is_old, |db| async {
    assert_eq!(taken(&db, &[key("a", 1, 100), key("b", 2, 100)], 0).await, [stands("a", 1), stands("b", 2)]);
    assert_eq!(taken(&db, &[key("a", 3, 150), key("c", 4, 150)], 50).await, [stands("a", 1), stands("c", 4)]);
    assert_eq!(taken(&db, &[key("a", 5, 300)], 101).await, [stands("a", 5)]);
    let elsewhere = NewDedup { source: SourceId(2), ..key("a", 6, 300) };
    assert_eq!(taken(&db, &[elsewhere], 0).await, [stands("a", 6)]);
});

on_both!(a_key_is_released_only_by_its_own_message, |db| async {
    taken(&db, &[key("a", 1, 100), key("b", 2, 100)], 0).await;
    let mut tx = db.begin().await.unwrap();
    release(&mut tx, &[key("a", 1, 0), key("b", 9, 0)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(taken(&db, &[key("a", 3, 100), key("b", 3, 100)], 0).await, [stands("a", 3), stands("b", 2)]);
});

on_both!(old_keys_are_forgotten, |db| async {
    taken(&db, &[key("a", 1, 100), key("b", 2, 200)], 0).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(200)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(taken(&db, &[key("a", 3, 300), key("b", 3, 300)], 0).await, [stands("a", 3), stands("b", 2)]);
});
