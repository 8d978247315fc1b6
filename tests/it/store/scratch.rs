use belltower::Error;
use belltower::clock::Timestamp;
use belltower::domain::delivery::State;
use belltower::store::{Db, attention, reports, scratch};

use super::deliveries::{counts, sending};
use super::execute;
use crate::support::{on_both, on_both_urls};

on_both_urls!(a_scratch_store_is_new_and_goes_again, |url| async {
    let first = scratch::create(&url).await.unwrap();
    let second = scratch::create(&url).await.unwrap();
    assert!(first != second && first != url);
    for url in [&first, &second] {
        let db = Db::open(url).await.unwrap();
        db.ping().await.unwrap();
        db.close().await;
        scratch::remove(url).await.unwrap();
        scratch::remove(url).await.unwrap();
    }
});

on_both_urls!(other_stores_are_not_removed, |url| async {
    Db::open(&url).await.unwrap().close().await;
    assert!(matches!(scratch::remove(&url).await, Err(Error::Conflict { .. })));
    Db::open(&url).await.unwrap().close().await;
});

on_both!(a_campus_that_was_lived_through_has_nothing_open, |db| async {
    sending(&db).await;
    let mut tx = db.begin().await.unwrap();
    execute(
        &mut tx,
        "UPDATE delivery SET id = 1000 WHERE id = (SELECT min(id) FROM delivery WHERE state = 0)",
    )
    .await;
    scratch::live_through(&mut tx, Timestamp(90_000), "2026-09-21").await.unwrap();
    tx.commit().await.unwrap();
    let row = counts(&db).await;
    assert_eq!((row.pending, row.sending, row.suppressed), (0, 0, 1));
    assert!(row.failed > 0 && row.sent > 0, "{row:?}");
    assert_eq!(row.failed + row.unknown + row.sent + row.delivered, 8);
    assert_eq!(attention::count(&db, 100, None).await.unwrap(), row.failed + row.unknown);
    let today = reports::day_counts(&db, "2026-09-21").await.unwrap();
    let failed = today.iter().find(|count| count.state == State::Failed).unwrap();
    assert_eq!(failed.n, row.failed);
    // Of what ended before nothing counts twice.
    let mut tx = db.begin().await.unwrap();
    scratch::live_through(&mut tx, Timestamp(95_000), "2026-09-21").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counts(&db).await.failed, row.failed);
    let again = reports::day_counts(&db, "2026-09-21").await.unwrap();
    assert_eq!(
        again.iter().map(|count| count.n).sum::<i64>(),
        today.iter().map(|count| count.n).sum::<i64>()
    );
    scratch::settle_down(&db).await.unwrap();
    assert_eq!(counts(&db).await.failed, row.failed, "nothing is lost by that");
});
