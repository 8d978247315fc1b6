use belltower::domain::id::SourceId;
use belltower::store::Db;
use belltower::store::usage::add;

use super::messages::sources;
use crate::support::on_both;

async fn after(db: &Db, day: &str, counts: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let counts: Vec<_> = counts.iter().map(|(source, n)| (SourceId(*source), *n)).collect();
    let mut tx = db.begin().await.unwrap();
    let mut rows: Vec<_> = add(&mut tx, day, &counts)
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
