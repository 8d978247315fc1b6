use belltower::clock::Timestamp;
use belltower::domain::id::RecipientId;
use belltower::store::Db;
use belltower::store::replies::{forget, insert, list, prune};

use super::{execute, providers};
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
    assert_eq!(all[0].name, None, "nobody has the number");
    assert_eq!(list(&db, Some(all[1].id), 9).await.unwrap()[0].text, "收到");
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(2)).await.unwrap(), 1);
    forget(&mut tx, &["+8613800000002"]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(texts(&db).await, [("+8613800000003".to_owned(), "谢谢".to_owned())]);
});

on_both!(a_reply_is_of_whoever_alone_has_its_number, |db| async {
    let provider = providers::add(&db, providers::data("gateway")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let people =
        "INSERT INTO recipient (id, campus_id, name, mobile, attributes, active, created_at, updated_at)
        VALUES (11, '2023001', '张伟', '+8613800000001', '{}', TRUE, 0, 0),
            (12, '2023002', '李娜', '+8613800000002', '{}', TRUE, 0, 0),
            (13, 'T1', '李母', '+8613800000002', '{}', TRUE, 0, 0)";
    execute(&mut tx, people).await;
    for number in ["+8613800000002", "+8613800000001"] {
        insert(&mut tx, provider, Timestamp(1), number, "收到").await.unwrap();
    }
    tx.commit().await.unwrap();
    let rows = list(&db, None, 9).await.unwrap();
    let person = |at: usize| (rows[at].recipient_id, rows[at].campus_id.as_deref(), rows[at].name.as_deref());
    assert_eq!(rows.len(), 2, "each once");
    assert_eq!(person(0), (Some(RecipientId(11)), Some("2023001"), Some("张伟")));
    assert_eq!(person(1), (None, None, None), "it could be either");
});
