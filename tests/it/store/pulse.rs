use belltower::clock::Timestamp;
use belltower::store::pulse::{PulseRow, at, first, insert, prune};

use crate::support::on_both;

fn row(at: i64, channel: i64, done: i64) -> PulseRow {
    PulseRow { at: Timestamp(at), channel, day: "2026-09-21".to_owned(), done, failed: 1 }
}

fn brief(rows: &[PulseRow]) -> Vec<(i64, i64, i64)> {
    rows.iter().map(|row| (row.at.0, row.channel, row.done)).collect()
}

on_both!(the_counts_of_a_moment_are_found_from_either_side, |db| async {
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, &[row(60, 0, 7), row(60, 1, 8), row(120, 0, 9)]).await.unwrap();
    insert(&mut tx, &[row(120, 0, 99), row(180, 0, 10)]).await.unwrap();
    tx.commit().await.unwrap();
    let before = async |since, moment| brief(&at(&db, Timestamp(since), Timestamp(moment)).await.unwrap());
    assert_eq!(before(0, 119).await, [(60, 0, 7), (60, 1, 8)]);
    assert_eq!(before(0, 120).await, [(120, 0, 9)], "the first count of a moment stays");
    assert_eq!(before(121, 179).await, []);
    assert_eq!(brief(&first(&db, Timestamp(61)).await.unwrap()), [(120, 0, 9)]);
    assert_eq!(brief(&first(&db, Timestamp(181)).await.unwrap()), []);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(61), Timestamp(179)).await.unwrap(), 3);
    tx.commit().await.unwrap();
    assert_eq!(before(0, 999).await, [(120, 0, 9)]);
});
