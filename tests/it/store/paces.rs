use std::time::Duration;

use belltower::clock::Timestamp;
use belltower::domain::id::ProviderId;
use belltower::store::Db;
use belltower::store::paces::{Grant, Rate, take};

use super::providers;
use crate::support::on_both;

/// Fifty a second, five of them at once.
const FIFTY: Rate = Rate { step: 20_000, burst: 5 };
const START: Timestamp = Timestamp(1_790_000_000_000);

fn at(ms: i64) -> Timestamp {
    Timestamp(START.0 + ms)
}

async fn grant(db: &Db, id: ProviderId, most: usize, now: Timestamp) -> Grant {
    take(db, id, FIFTY, most, Some(now)).await.unwrap()
}

fn of(granted: usize, wait: u64) -> Grant {
    Grant { granted, wait: Duration::from_millis(wait) }
}

on_both!(a_rate_is_granted_once_whoever_asks, |db| async {
    let id = providers::add(&db, providers::data("one")).await.unwrap();
    let other = providers::add(&db, providers::data("other")).await.unwrap();
    assert_eq!(grant(&db, id, 100, START).await, of(5, 20), "a burst, and no more than that");
    assert_eq!(grant(&db, id, 100, START).await, of(0, 20));
    assert_eq!(grant(&db, id, 100, at(19)).await, of(0, 1));
    assert_eq!(grant(&db, id, 100, at(20)).await, of(1, 20));
    assert_eq!(grant(&db, id, 2, at(120)).await, of(2, 0), "what was not asked for is left");
    assert_eq!(grant(&db, id, 100, at(120)).await, of(3, 20));
    assert_eq!(grant(&db, other, 100, START).await, of(5, 20), "each has its own");

    let mut granted = 0;
    for ms in 0..2_000 {
        granted += grant(&db, id, 3, at(10_000 + ms)).await.granted;
    }
    assert_eq!(granted, 5 + 99);
});

on_both!(a_clock_set_back_holds_nobody_for_long, |db| async {
    let id = providers::add(&db, providers::data("one")).await.unwrap();
    assert_eq!(grant(&db, id, 5, at(3_600_000)).await, of(5, 20));
    assert_eq!(grant(&db, id, 5, START).await, of(0, 20));
    assert_eq!(grant(&db, id, 5, at(20)).await, of(1, 20));
});

on_both!(a_provider_that_is_gone_is_granted_nothing, |db| async {
    assert_eq!(grant(&db, ProviderId(99), 5, START).await, of(0, 20));
});

on_both!(a_database_with_a_clock_reckons_in_its_time, |db| async {
    let id = providers::add(&db, providers::data("one")).await.unwrap();
    let Db::Postgres(_) = db else { return };
    let slow = Rate { step: 3_600_000_000, burst: 2 };
    assert_eq!(take(&db, id, slow, 9, None).await.unwrap().granted, 2);
    let none = take(&db, id, slow, 9, None).await.unwrap();
    assert_eq!(none.granted, 0);
    assert!(none.wait > Duration::from_mins(50) && none.wait <= Duration::from_hours(1), "{none:?}");
});
