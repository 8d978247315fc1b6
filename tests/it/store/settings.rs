use belltower::clock::Timestamp;
use belltower::store::settings::{find, lock, next_number, set, take_turn};

use crate::support::on_both;

on_both!(each_series_counts_by_itself, |db| async {
    let mut drawn = Vec::new();
    for name in ["mint", "mint", "other", "mint"] {
        let mut tx = db.begin().await.unwrap();
        drawn.push(next_number(&mut tx, name).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(drawn, [1, 2, 1, 3]);
});

on_both!(a_document_is_there_once_it_is_written, |db| async {
    assert_eq!(find(&db, "alarms").await.unwrap(), None);
    for (before, value) in [(None, "{}"), (Some("{}"), "[1]")] {
        let mut tx = db.begin().await.unwrap();
        assert_eq!(lock(&mut tx, "alarms").await.unwrap().as_deref(), before);
        set(&mut tx, "alarms", value).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(find(&db, "alarms").await.unwrap().as_deref(), Some(value));
    }
    assert_eq!(find(&db, "other").await.unwrap(), None);
    let mut tx = db.begin().await.unwrap();
    lock(&mut tx, "other").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(find(&db, "other").await.unwrap(), None, "locked and left");
});

on_both!(a_turn_is_one_process_s_until_its_time_is_over, |db| async {
    let mut taken = Vec::new();
    // The last is after the clock was set back.
    for now in [100_000, 109_999, 110_000, 110_001, 5_000] {
        let mut tx = db.begin().await.unwrap();
        taken.push(take_turn(&mut tx, "turn", Timestamp(now), 10_000).await.unwrap());
        tx.commit().await.unwrap();
    }
    assert_eq!(taken, [true, false, true, false, true]);
});
