use belltower::clock::Timestamp;
use belltower::store::sign_in_failures::{FailureRow, clear, lock, purge, set};

use crate::support::on_both;

fn row(failures: i64, last_at: i64, until: i64) -> FailureRow {
    FailureRow { failures, last_at: Timestamp(last_at), until: Timestamp(until) }
}

fn numbers(row: &FailureRow) -> (i64, i64, i64) {
    (row.failures, row.last_at.0, row.until.0)
}

on_both!(a_bucket_begins_empty_and_keeps_what_is_set, |db| async {
    let mut tx = db.begin().await.unwrap();
    assert_eq!(numbers(&lock(&mut tx, "a").await.unwrap()), (0, 0, 0));
    set(&mut tx, "a", &row(3, 100, 200)).await.unwrap();
    assert_eq!(numbers(&lock(&mut tx, "b").await.unwrap()), (0, 0, 0));
    tx.commit().await.unwrap();

    let mut tx = db.begin().await.unwrap();
    assert_eq!(numbers(&lock(&mut tx, "a").await.unwrap()), (3, 100, 200));
    clear(&mut tx, "a").await.unwrap();
    assert_eq!(numbers(&lock(&mut tx, "a").await.unwrap()), (0, 0, 0));
});

on_both!(two_who_count_at_the_same_time_wait_for_one_another, |db| async {
    let count = async || {
        let mut tx = db.begin().await.unwrap();
        let seen = lock(&mut tx, "a").await.unwrap();
        set(&mut tx, "a", &row(seen.failures + 1, 1, 1)).await.unwrap();
        tx.commit().await.unwrap();
    };
    tokio::join!(count(), count(), count(), count());
    let mut tx = db.begin().await.unwrap();
    assert_eq!(lock(&mut tx, "a").await.unwrap().failures, 4);
});

on_both!(old_failures_are_purged, |db| async {
    let mut tx = db.begin().await.unwrap();
    for (bucket, last_at) in [("a", 100), ("b", 200)] {
        lock(&mut tx, bucket).await.unwrap();
        set(&mut tx, bucket, &row(1, last_at, 0)).await.unwrap();
    }
    assert_eq!(purge(&mut tx, Timestamp(200)).await.unwrap(), 1);
    assert_eq!(lock(&mut tx, "b").await.unwrap().failures, 1);
});
