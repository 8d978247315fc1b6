use belltower::clock::Timestamp;
use belltower::domain::id::SourceId;
use belltower::store::broadcast_keys::{answer, find, prune, take};

use super::cap::broadcast;
use crate::support::on_both;

on_both!(a_key_is_taken_once_and_remembers_its_answer, |db| async {
    let (one, other) = (SourceId(1), SourceId(2));
    let mut tx = db.begin().await.unwrap();
    let id = broadcast(&mut tx, "a", Some(one), None).await;
    assert!(take(&mut tx, one, "live:k", "h", id, Timestamp(5)).await.unwrap());
    assert!(!take(&mut tx, one, "live:k", "i", id, Timestamp(6)).await.unwrap());
    assert!(take(&mut tx, other, "live:k", "i", id, Timestamp(7)).await.unwrap());
    tx.commit().await.unwrap();
    let row = find(&db, one, "live:k").await.unwrap().unwrap();
    assert_eq!((row.body_hash.as_str(), row.broadcast_id, row.answer), ("h", id, None));
    assert!(find(&db, one, "test:k").await.unwrap().is_none());

    let mut tx = db.begin().await.unwrap();
    answer(&mut tx, one, "live:k", "{}").await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(5)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert_eq!(find(&db, one, "live:k").await.unwrap().unwrap().answer.as_deref(), Some("{}"));
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(6)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(find(&db, one, "live:k").await.unwrap().is_none());
    assert!(find(&db, other, "live:k").await.unwrap().unwrap().answer.is_none());
});
