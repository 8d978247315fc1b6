use std::collections::BTreeMap;

use belltower::domain::id::ProviderId;
use belltower::domain::quota::vendor_day;
use belltower::store::Db;
use belltower::store::quotas::{add, prune, used};

use super::deliveries::{sending, settlement, store, take};
use super::providers;
use crate::support::on_both;

async fn count(db: &Db, of: &[(ProviderId, &str, i64)]) {
    let n: BTreeMap<_, _> = of.iter().map(|(id, day, n)| ((id.0, (*day).to_owned()), *n)).collect();
    let mut tx = db.begin().await.unwrap();
    add(&mut tx, &n).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(what_providers_took_is_counted_by_their_days, |db| async {
    let one = providers::add(&db, providers::data("one")).await.unwrap();
    let other = providers::add(&db, providers::data("other")).await.unwrap();
    let gone = ProviderId(other.0 + 99);
    count(&db, &[(one, "2026-09-21", 3), (one, "2026-09-22", 1), (other, "2026-09-21", 7)]).await;
    count(&db, &[(one, "2026-09-21", 4), (gone, "2026-09-21", 1)]).await;
    count(&db, &[]).await;
    assert_eq!(used(&db, "2026-09-21").await.unwrap(), [(one, 7), (other, 7)].into());
    assert_eq!(used(&db, "2026-09-22").await.unwrap(), [(one, 1)].into());
    assert!(used(&db, "2026-09-23").await.unwrap().is_empty());

    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, "2026-09-22").await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert!(used(&db, "2026-09-21").await.unwrap().is_empty());
    assert_eq!(used(&db, "2026-09-22").await.unwrap(), [(one, 1)].into());
});

on_both!(outcomes_count_where_they_are_stored, |db| async {
    use belltower::domain::delivery::State;
    sending(&db).await;
    let id = providers::add(&db, providers::data("one")).await.unwrap();
    let claimed = take(&db, 3).await;
    let mut settled: Vec<_> = claimed.iter().map(|c| settlement(c, State::Sent)).collect();
    for (i, settlement) in settled.iter_mut().enumerate() {
        settlement.provider_id = Some(id.0);
        settlement.metered = i > 0;
    }
    // The second time as if the answer to the first commit had been lost.
    store(&db, &settled).await;
    store(&db, &settled).await;
    let day = vendor_day(belltower::clock::Timestamp(settled[0].started_at));
    assert_eq!(used(&db, &day).await.unwrap(), [(id, 2)].into());
});
