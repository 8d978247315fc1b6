use belltower::clock::Timestamp;
use belltower::store::button_keys::{advance, expire, find_by_hash, get, hashes, insert, list};

use super::buttons::add;
use crate::support::on_both;

on_both!(a_buttons_keys_end_where_they_are_told_to_and_count_each_for_itself, |db| async {
    let (button, other) = (add(&db, "a").await, add(&db, "b").await);
    let mut tx = db.begin().await.unwrap();
    let first = insert(&mut tx, button, &[1; 32], "wxyz", "王敏", Timestamp(1)).await.unwrap();
    let theirs = insert(&mut tx, other, &[2; 32], "abcd", "王敏", Timestamp(1)).await.unwrap();
    expire(&mut tx, button, Timestamp(100)).await.unwrap();
    expire(&mut tx, button, Timestamp(200)).await.unwrap();
    let second = insert(&mut tx, button, &[3; 32], "efgh", "王敏", Timestamp(2)).await.unwrap();
    advance(&mut tx, first, 7, Timestamp(9)).await.unwrap();
    assert_eq!(get(&mut tx, first).await.unwrap().unwrap().last_seq, Some(7));
    tx.commit().await.unwrap();

    let row = find_by_hash(&db, &[1; 32]).await.unwrap().unwrap();
    assert_eq!((row.id, row.button_id, row.hint.as_str()), (first, button, "wxyz"));
    assert_eq!((row.expires_at, row.last_used_at), (Some(Timestamp(100)), Some(Timestamp(9))));
    let row = find_by_hash(&db, &[2; 32]).await.unwrap().unwrap();
    assert_eq!((row.id, row.expires_at, row.last_seq), (theirs, None, None));
    assert!(find_by_hash(&db, &[9; 32]).await.unwrap().is_none());
    let ids: Vec<_> = list(&db, button).await.unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(ids, [second, first]);
    let mut all = hashes(&db).await.unwrap();
    all.sort_unstable();
    assert_eq!(all, [vec![1; 32], vec![2; 32], vec![3; 32]], "of every button, those that ended too");
});

on_both!(a_hash_is_one_buttons, |db| async {
    let (button, other) = (add(&db, "a").await, add(&db, "b").await);
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, button, &[1; 32], "wxyz", "王敏", Timestamp(1)).await.unwrap();
    assert!(insert(&mut tx, other, &[1; 32], "wxyz", "王敏", Timestamp(1)).await.is_err());
});
