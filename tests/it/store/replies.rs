use belltower::clock::Timestamp;
use belltower::store::Db;
use belltower::store::replies::{forget, insert, list, prune};

use super::providers;
use crate::support::on_both;

async fn texts(db: &Db) -> Vec<(String, String)> {
    let rows = list(db, None, 10).await.unwrap();
    rows.into_iter().map(|row| (row.number, row.text)).collect()
}

on_both!(replies_are_kept_until_they_are_to_be_forgotten, |db| async {
    let provider = providers::add(&db, providers::data("gateway")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for (at, number, text) in
        [(1, "+8613800000001", "收到"), (2, "+8613800000002", "TD"), (3, "+8613800000003", "谢谢")]
    {
        insert(&mut tx, provider, Timestamp(at), number, text).await.unwrap();
    }
    tx.commit().await.unwrap();
    let all = list(&db, None, 2).await.unwrap();
    assert_eq!(all.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(), ["谢谢", "TD"]);
    assert_eq!((all[0].provider.as_str(), all[0].received_at), ("gateway", Timestamp(3)));
    assert_eq!(list(&db, Some(all[1].id), 9).await.unwrap()[0].text, "收到");
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(2)).await.unwrap(), 1);
    forget(&mut tx, &["+8613800000002"]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(texts(&db).await, [("+8613800000003".to_owned(), "谢谢".to_owned())]);
});
