use belltower::clock::Timestamp;
use belltower::domain::operator::Role;
use belltower::store::links::{find, insert, purge, use_up, withdraw};

use super::operators::add;
use crate::support::on_both;

on_both!(a_link_is_used_once_and_in_time, |db| async {
    let operator = add(&db, "a@bell.example", Role::Owner).await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, &[1; 32], Some(operator), Timestamp(10), Timestamp(100)).await.unwrap();
    insert(&mut tx, &[2; 32], None, Timestamp(10), Timestamp(100)).await.unwrap();
    assert!(!use_up(&mut tx, &[1; 32], Timestamp(100)).await.unwrap(), "it has expired by then");
    assert!(use_up(&mut tx, &[1; 32], Timestamp(99)).await.unwrap());
    assert!(!use_up(&mut tx, &[1; 32], Timestamp(99)).await.unwrap());
    assert!(!use_up(&mut tx, &[3; 32], Timestamp(50)).await.unwrap());
    tx.commit().await.unwrap();

    let row = find(&db, &[1; 32]).await.unwrap().unwrap();
    assert_eq!((row.operator_id, row.expires_at), (Some(operator), Timestamp(100)));
    assert_eq!(row.used_at, Some(Timestamp(99)));
    let row = find(&db, &[2; 32]).await.unwrap().unwrap();
    assert_eq!((row.operator_id, row.used_at), (None, None));
    assert!(find(&db, &[3; 32]).await.unwrap().is_none());
});

on_both!(unused_links_are_withdrawn_by_purpose, |db| async {
    let (a, b) =
        (add(&db, "a@bell.example", Role::Owner).await, add(&db, "b@bell.example", Role::Owner).await);
    let mut tx = db.begin().await.unwrap();
    for (n, operator) in [(1, Some(a)), (2, Some(a)), (3, Some(b)), (4, None)] {
        insert(&mut tx, &[n; 32], operator, Timestamp(10), Timestamp(100)).await.unwrap();
    }
    use_up(&mut tx, &[2; 32], Timestamp(20)).await.unwrap();
    withdraw(&mut tx, Some(a)).await.unwrap();
    tx.commit().await.unwrap();
    let left = async || {
        let mut left = Vec::new();
        for n in 1..=4 {
            if find(&db, &[n; 32]).await.unwrap().is_some() {
                left.push(n);
            }
        }
        left
    };
    assert_eq!(left().await, [2, 3, 4]);
    let mut tx = db.begin().await.unwrap();
    withdraw(&mut tx, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(left().await, [2, 3]);
});

on_both!(links_that_ended_long_ago_are_purged, |db| async {
    let mut tx = db.begin().await.unwrap();
    for n in 1..=3 {
        insert(&mut tx, &[n; 32], None, Timestamp(10), Timestamp(100 * i64::from(n))).await.unwrap();
    }
    assert_eq!(purge(&mut tx, Timestamp(200)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(find(&db, &[1; 32]).await.unwrap().is_none());
    assert!(find(&db, &[2; 32]).await.unwrap().is_some());
});
