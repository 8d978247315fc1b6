use belltower::clock::Timestamp;
use belltower::domain::id::SourceId;
use belltower::store::Db;
use belltower::store::usage::{add, near};

use super::execute;
use super::messages::sources;
use crate::support::on_both;

async fn after(db: &Db, day: &str, counts: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let counts: Vec<_> = counts.iter().map(|(source, n)| (SourceId(*source), *n)).collect();
    let mut tx = db.begin().await.unwrap();
    let mut rows: Vec<_> = add(&mut tx, day, &counts, Timestamp(1))
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.source_id.0, row.messages))
        .collect();
    tx.commit().await.unwrap();
    rows.sort_unstable();
    rows
}

on_both!(counts_rise_by_source_and_day, |db| async {
    sources(&db).await;
    assert_eq!(after(&db, "2026-09-21", &[(1, 3), (2, 1)]).await, [(1, 3), (2, 1)]);
    assert_eq!(after(&db, "2026-09-21", &[(1, 2)]).await, [(1, 5)]);
    assert_eq!(after(&db, "2026-09-21", &[(1, -4)]).await, [(1, 1)]);
    assert_eq!(after(&db, "2026-09-22", &[(1, 1)]).await, [(1, 1)]);
});

on_both!(who_used_much_of_a_limit_is_found, |db| async {
    sources(&db).await;
    after(&db, "2026-09-21", &[(1, 9), (2, 900)]).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE source SET daily_messages = 10 WHERE id = 1").await;
    tx.commit().await.unwrap();
    let found = near(&db, "2026-09-21", 90).await.unwrap();
    let found: Vec<_> = found.iter().map(|row| (row.id, row.messages, row.daily)).collect();
    assert_eq!(found, [(SourceId(1), 9, 10)], "the other has no limit");
    assert!(near(&db, "2026-09-21", 91).await.unwrap().is_empty());
    assert!(near(&db, "2026-09-22", 1).await.unwrap().is_empty());
});
