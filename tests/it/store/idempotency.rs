use belltower::clock::Timestamp;
use belltower::domain::id::{MessageId, SourceId};
use belltower::store::Tx;
use belltower::store::idempotency::{NewKey, answering, delete, find, find_all, insert, prune, update};

use crate::support::on_both;

fn key(source: i64, key: &str) -> NewKey<'_> {
    NewKey {
        source: SourceId(source),
        key,
        body_hash: "ab12",
        message: MessageId(9),
        status: 202,
        answer: r#"{"id":"msg_1"}"#,
        created_at: Timestamp(10),
    }
}

async fn take(tx: &mut Tx, keys: &[NewKey<'_>]) -> Vec<String> {
    let mut taken: Vec<_> =
        insert(tx, keys).await.unwrap().into_iter().map(|k| format!("{} {}", k.source_id.0, k.key)).collect();
    taken.sort();
    taken
}

on_both!(a_key_is_taken_once_per_source, |db| async {
    let mut tx = db.begin().await.unwrap();
    assert_eq!(take(&mut tx, &[key(1, "a"), key(2, "a")]).await, ["1 a", "2 a"]);
    assert_eq!(take(&mut tx, &[key(1, "a"), key(1, "b")]).await, ["1 b"], "in the same transaction");
    tx.commit().await.unwrap();

    let mut tx = db.begin().await.unwrap();
    assert!(take(&mut tx, &[key(1, "a")]).await.is_empty(), "and in a later one");
    let taken = find_all(&mut tx, &[(SourceId(1), "a"), (SourceId(3), "a")]).await.unwrap();
    drop(tx);
    assert_eq!(taken.len(), 1);
    let row = &taken[0];
    assert_eq!((row.source_id, row.message_id, row.status), (SourceId(1), MessageId(9), 202));
    assert_eq!(
        (row.key.as_str(), row.body_hash.as_str(), row.answer.as_str()),
        ("a", "ab12", r#"{"id":"msg_1"}"#)
    );

    assert_eq!(find(&db, SourceId(2), "a").await.unwrap().unwrap().answer, row.answer);
    assert!(find(&db, SourceId(2), "A").await.unwrap().is_none());
});

on_both!(a_key_can_come_to_stand_for_another_answer, |db| async {
    let mut tx = db.begin().await.unwrap();
    take(&mut tx, &[key(1, "a"), key(1, "b")]).await;
    update(&mut tx, SourceId(1), "a", MessageId(7), 200, "{}").await.unwrap();
    tx.commit().await.unwrap();
    let row = find(&db, SourceId(1), "a").await.unwrap().unwrap();
    assert_eq!((row.message_id, row.status, row.answer.as_str()), (MessageId(7), 200, "{}"));
    assert_eq!(find(&db, SourceId(1), "b").await.unwrap().unwrap().status, 202);
});

on_both!(answers_are_found_by_what_they_hold, |db| async {
    let mut tx = db.begin().await.unwrap();
    let other = NewKey { answer: r#"{"unknown":["2024%"]}"#, ..key(1, "b") };
    take(&mut tx, &[key(1, "a"), other]).await;
    tx.commit().await.unwrap();
    let found = answering(&db, "\"2024%\"").await.unwrap();
    assert_eq!(found.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(answering(&db, "2024_").await.unwrap().is_empty(), "no wildcards");
});

on_both!(keys_are_freed_by_name_or_by_age, |db| async {
    let mut tx = db.begin().await.unwrap();
    let old = NewKey { created_at: Timestamp(1), ..key(1, "old") };
    let older = NewKey { created_at: Timestamp(0), ..key(1, "older") };
    take(&mut tx, &[key(1, "a"), key(1, "b"), key(2, "a"), old, older]).await;
    delete(&mut tx, &[(SourceId(1), "a")]).await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(10), 1).await.unwrap(), 1, "no more than asked");
    tx.commit().await.unwrap();
    for (source, name, there) in
        [(1, "a", false), (1, "b", true), (2, "a", true), (1, "old", true), (1, "older", false)]
    {
        assert_eq!(find(&db, SourceId(source), name).await.unwrap().is_some(), there, "{source} {name}");
    }
});
