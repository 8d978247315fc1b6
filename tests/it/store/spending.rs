use std::collections::BTreeMap;

use belltower::domain::id::{MessageId, ProviderId};
use belltower::store::Db;
use belltower::store::spending::{add, spent};

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

async fn count(db: &Db, month: &str, of: &[(i64, i64, i64)]) {
    let n: BTreeMap<_, _> =
        of.iter().map(|(message, provider, n)| ((MessageId(*message), ProviderId(*provider)), *n)).collect();
    let mut tx = db.begin().await.unwrap();
    add(&mut tx, month, &n).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(segments_are_counted_by_month_department_and_provider, |db| async {
    sources(&db).await;
    keep(&db, &[message(1), message(2), message(3)]).await;
    let mut tx = db.begin().await.unwrap();
    // What was written for a department is its own; the source of the others has moved since.
    execute(&mut tx, "UPDATE message SET source_id = NULL, department = NULL WHERE id = 3").await;
    execute(&mut tx, "UPDATE message SET department = '教务处' WHERE id = 1").await;
    execute(&mut tx, "UPDATE message SET source_id = NULL, department = '教务处' WHERE id = 2").await;
    execute(&mut tx, "UPDATE source SET department = '图书馆' WHERE id = 1").await;
    tx.commit().await.unwrap();
    count(&db, "2026-11", &[(1, 1, 4), (2, 1, 2), (2, 2, 1), (3, 1, 5)]).await;
    count(&db, "2026-11", &[(1, 1, 10)]).await;
    count(&db, "2026-12", &[(1, 1, 7)]).await;
    count(&db, "2026-12", &[]).await;
    let of = async |month: &str| -> Vec<(String, i64, i64)> {
        let rows = spent(&db, month).await.unwrap();
        rows.into_iter().map(|row| (row.department, row.provider_id.0, row.segments)).collect()
    };
    let expected = [(String::new(), 1, 5), ("教务处".to_owned(), 1, 16), ("教务处".to_owned(), 2, 1)];
    assert_eq!(of("2026-11").await, expected);
    assert_eq!(of("2026-12").await, [("教务处".to_owned(), 1, 7)]);
    assert!(of("2027-01").await.is_empty());
});
