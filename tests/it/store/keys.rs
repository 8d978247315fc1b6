use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{KeyId, SourceId};
use belltower::domain::source::Right;
use belltower::store::keys::{
    count_valid, expire, find, find_by_hash, hashes, insert, late, list, revoke, touch,
};
use belltower::store::{Db, sources};

use super::sources::add;
use crate::support::on_both;

pub(super) async fn key(db: &Db, source: SourceId, n: u8) -> KeyId {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, source, n.is_multiple_of(2), &[n; 32], "wxyz", Timestamp(i64::from(n)))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

on_both!(every_hash_is_told, |db| async {
    assert_eq!(hashes(&db).await.unwrap(), Vec::<Vec<u8>>::new());
    let (source, other) = (add(&db, "library").await, add(&db, "registry").await);
    let first = key(&db, source, 1).await;
    key(&db, other, 2).await;
    let mut tx = db.begin().await.unwrap();
    revoke(&mut tx, first, Timestamp(5)).await.unwrap();
    tx.commit().await.unwrap();
    let mut all = hashes(&db).await.unwrap();
    all.sort_unstable();
    assert_eq!(all, [vec![1; 32], vec![2; 32]], "of every source, those that ended too");
});

on_both!(a_key_is_found_by_its_hash_with_its_source, |db| async {
    let source = add(&db, "library").await;
    let id = key(&db, source, 2).await;
    assert!(find_by_hash(&db, &[3; 32]).await.unwrap().is_none());
    let row = find_by_hash(&db, &[2; 32]).await.unwrap().unwrap();
    assert_eq!((row.id, row.source_id, row.test), (id, source, true));
    assert_eq!((row.name.as_str(), row.department.as_str()), ("library", "图书馆"));
    assert_eq!(row.topics.0.len(), 2);
    assert_eq!(row.channels.0, [ChannelKind::Email, ChannelKind::Wechat]);
    assert_eq!(row.rights.0, [Right::SendDirect]);
    assert_eq!(row.audience_groups.0, ["readers", "staff"]);
    assert_eq!((row.rate_per_second, row.daily_messages), (Some(20), None));
    assert_eq!((row.expires_at, row.revoked_at, row.last_used_at, row.disabled_at), (None, None, None, None));

    let mut tx = db.begin().await.unwrap();
    sources::set_disabled(&mut tx, source, Some(Timestamp(8)), Timestamp(8)).await.unwrap();
    tx.commit().await.unwrap();
    let row = find_by_hash(&db, &[2; 32]).await.unwrap().unwrap();
    assert_eq!(row.disabled_at, Some(Timestamp(8)));
});

on_both!(a_sources_keys_are_listed_newest_first, |db| async {
    let (source, other) = (add(&db, "a").await, add(&db, "b").await);
    let (first, second) = (key(&db, source, 1).await, key(&db, source, 2).await);
    key(&db, other, 3).await;
    let rows = list(&db, source).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.id, row.test, row.created_at)).collect();
    assert_eq!(seen, [(second, true, Timestamp(2)), (first, false, Timestamp(1))]);
    let row = find(&db, first).await.unwrap().unwrap();
    assert_eq!((row.source_id, row.hint.as_str()), (source, "wxyz"));
});

on_both!(a_hash_belongs_to_one_key, |db| async {
    let source = add(&db, "a").await;
    key(&db, source, 1).await;
    let mut tx = db.begin().await.unwrap();
    assert!(insert(&mut tx, source, false, &[1; 32], "wxyz", Timestamp(2)).await.is_err());
});

on_both!(a_key_is_revoked_once, |db| async {
    let source = add(&db, "a").await;
    let id = key(&db, source, 1).await;
    let mut tx = db.begin().await.unwrap();
    assert!(revoke(&mut tx, id, Timestamp(5)).await.unwrap());
    assert!(!revoke(&mut tx, id, Timestamp(6)).await.unwrap());
    assert!(!revoke(&mut tx, KeyId(id.0 + 1), Timestamp(6)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(find(&db, id).await.unwrap().unwrap().revoked_at, Some(Timestamp(5)));
});

on_both!(an_end_comes_nearer_but_never_moves_away, |db| async {
    let source = add(&db, "a").await;
    let id = key(&db, source, 1).await;
    let mut tx = db.begin().await.unwrap();
    let mut ends = async |at, now| {
        let row = expire(&mut tx, id, Timestamp(at), Timestamp(now)).await.unwrap();
        row.and_then(|row| row.expires_at).map(|at| at.0)
    };
    assert_eq!(ends(100, 10).await, Some(100));
    assert_eq!(ends(200, 10).await, Some(100));
    assert_eq!(ends(50, 10).await, Some(50));
    assert_eq!(ends(100, 50).await, None, "it has ended");
    revoke(&mut tx, id, Timestamp(20)).await.unwrap();
    assert!(expire(&mut tx, id, Timestamp(30), Timestamp(21)).await.unwrap().is_none(), "it was revoked");
});

on_both!(only_keys_that_open_something_count, |db| async {
    let (source, other) = (add(&db, "a").await, add(&db, "b").await);
    let (ending, revoked) = (key(&db, source, 1).await, key(&db, source, 2).await);
    key(&db, source, 3).await;
    key(&db, other, 4).await;
    let mut tx = db.begin().await.unwrap();
    expire(&mut tx, ending, Timestamp(100), Timestamp(10)).await.unwrap();
    revoke(&mut tx, revoked, Timestamp(10)).await.unwrap();
    assert_eq!(count_valid(&mut tx, source, Timestamp(99)).await.unwrap(), 2);
    assert_eq!(count_valid(&mut tx, source, Timestamp(100)).await.unwrap(), 1);
});

on_both!(the_latest_use_is_noted, |db| async {
    let source = add(&db, "a").await;
    let id = key(&db, source, 1).await;
    let mut tx = db.begin().await.unwrap();
    touch(&mut tx, id, Timestamp(700)).await.unwrap();
    touch(&mut tx, id, Timestamp(600)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(find(&db, id).await.unwrap().unwrap().last_used_at, Some(Timestamp(700)));
    assert_eq!(find_by_hash(&db, &[1; 32]).await.unwrap().unwrap().last_used_at, Some(Timestamp(700)));
});

on_both!(a_key_is_late_while_it_is_used_beside_the_new_one, |db| async {
    const HOUR: i64 = 3_600_000;
    let mut keys = Vec::new();
    // Still used; not used since; ends in days; a test key, to which the new one is none.
    for (n, test, used, ends) in
        [(1, false, 99, 110), (2, false, 90, 110), (3, false, 99, 300), (4, true, 99, 110)]
    {
        let source = add(&db, &format!("library {n}")).await;
        let mut tx = db.begin().await.unwrap();
        let id = insert(&mut tx, source, test, &[n; 32], "abcd", Timestamp(1)).await.unwrap();
        insert(&mut tx, source, false, &[n + 10; 32], "new1", Timestamp(90 * HOUR)).await.unwrap();
        touch(&mut tx, id, Timestamp(used * HOUR)).await.unwrap();
        expire(&mut tx, id, Timestamp(ends * HOUR), Timestamp(90 * HOUR)).await.unwrap();
        tx.commit().await.unwrap();
        keys.push((source, id));
    }
    let rows = late(&db, Timestamp(100 * HOUR)).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.source_id, row.id)).collect::<Vec<_>>(), keys[..1]);
    assert!(late(&db, Timestamp(110 * HOUR)).await.unwrap().is_empty(), "it has ended");
});
