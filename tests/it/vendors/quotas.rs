//! Daily quotas, what of them is kept for emergencies, and what they cannot carry.

use std::time::Duration;

use belltower::domain::quota::{day_ends, vendor_day};
use belltower::service::messages;
use belltower::service::providers::TroubleKind;
use belltower::store::quotas::used;
use serde_json::json;

use super::{House, message_to, owner};
use crate::support::on_both;

const LIMITED: fn() -> serde_json::Value =
    || json!({"outcome": "accepted", "daily_quota": 10, "emergency_reserve": 3});

on_both!(routine_messages_leave_the_reserve_to_emergencies, |db| async {
    let mut house = House::new(db.clone()).await;
    let id = house.sandbox("vendor", 10, LIMITED()).await;
    let routine = house.send("announcement", 20).await;
    house.drain().await;
    let counts = house.message(routine).await.counts.all;
    assert_eq!((counts.sent, counts.pending), (7, 13));
    let events = house.events(id).await;
    let reason = "its daily quota of 10 is used up but for 3 kept for emergencies";
    assert_eq!((events[0].kind.as_str(), events[0].detail.0["reason"].as_str()), ("paused", Some(reason)));
    let midnight = day_ends(house.s.clock.now());
    let health = house.health("vendor").await;
    let trouble = health.trouble.unwrap();
    assert_eq!((trouble.kind, trouble.until), (TroubleKind::Paused, Some(midnight)));
    assert_eq!(health.quota.map(|state| state.used), Some(7));

    let emergency = house.send("emergency", 5).await;
    house.drain().await;
    assert_eq!(
        house.message(emergency).await.counts.all.sent,
        5,
        "more than there was: nobody else has them"
    );
    let day = vendor_day(house.s.clock.now());
    assert_eq!(used(&db, &day).await.unwrap()[&id], 12);
    for _ in 0..3 {
        house.turn(Duration::from_mins(10));
        house.drain().await;
    }
    assert_eq!(used(&db, &day).await.unwrap()[&id], 12, "nothing routine is handed over today");
    assert_eq!(house.events(id).await.iter().filter(|e| e.kind == "paused").count(), 1);

    house.turn(midnight.since(house.s.clock.now()));
    house.drain().await;
    assert_eq!(house.message(routine).await.counts.all.sent, 7 + 7, "the reserve is not for them");
});

on_both!(the_next_provider_takes_what_a_quota_does_not_carry, |db| async {
    let mut house = House::new(db.clone()).await;
    let first = house.sandbox("first", 10, LIMITED()).await;
    house.sandbox("second", 20, json!({"outcome": "accepted"})).await;
    let routine = house.send("announcement", 30).await;
    house.drain().await;
    assert_eq!(house.message(routine).await.counts.all.sent, 30);
    assert_eq!(used(&db, &vendor_day(house.s.clock.now())).await.unwrap()[&first], 7);
    let emergency = house.send("emergency", 12).await;
    house.drain().await;
    assert_eq!(house.message(emergency).await.counts.all.sent, 12);
    assert!(used(&db, &vendor_day(house.s.clock.now())).await.unwrap()[&first] <= 10);
});

on_both!(what_may_have_been_taken_counts_and_what_was_refused_does_not, |db| async {
    let mut house = House::new(db.clone()).await;
    let mut ids = Vec::new();
    for (name, outcome, expected) in [("a", "unknown", 3), ("b", "failed", 0), ("c", "transient", 0)] {
        let settings = json!({"outcome": outcome, "daily_quota": 100});
        let id = house.sandbox(name, 10, settings).await;
        // A fourth might find it left alone, for the three before were not answered.
        house.send("announcement", 3).await;
        house.drain().await;
        let changes =
            belltower::service::providers::ProviderChanges { enabled: Some(false), ..Default::default() };
        belltower::service::providers::update(&house.s, &owner(), id, changes).await.unwrap();
        house.turn(Duration::from_secs(1));
        ids.push((id, expected));
    }
    let used = used(&db, &vendor_day(house.s.clock.now())).await.unwrap();
    for (id, expected) in ids {
        assert_eq!(used.get(&id).copied().unwrap_or(0), expected);
    }
});

on_both!(a_raised_quota_is_used_at_once, |db| async {
    let mut house = House::new(db).await;
    let id = house.sandbox("vendor", 10, LIMITED()).await;
    let routine = house.send("announcement", 20).await;
    house.drain().await;
    house.change(id, json!({"daily_quota": 100})).await;
    house.turn(Duration::from_secs(1));
    house.drain().await;
    assert_eq!(house.message(routine).await.counts.all.sent, 20);
    assert_eq!(house.health("vendor").await.trouble, None);
});

on_both!(what_quotas_cannot_carry_is_known_before_it_is_sent, |db| async {
    let house = House::new(db).await;
    house.sandbox("one", 10, LIMITED()).await;
    house.sandbox("two", 20, LIMITED()).await;
    let to: Vec<_> = (0..25).map(|i| format!("p{i}@campus.example")).collect();
    let exceeding = async |category: &str| {
        let body = message_to(category, &to).to_string();
        let seen = messages::preview(&house.s, &house.source, body.as_bytes(), false).await.unwrap();
        let warning = seen.warnings.into_iter().find(|warning| warning.code == "over_quota");
        warning.map(|warning| (warning.exceeding, warning.detail))
    };
    let (n, detail) = exceeding("announcement").await.unwrap();
    assert_eq!(n, Some(25 - 14));
    assert!(detail.starts_with("by email 11 of 25 are more than"), "{detail}");
    assert_eq!(exceeding("emergency").await.unwrap().0, Some(25 - 20));
    house.sandbox("unlimited", 30, json!({})).await;
    assert_eq!(exceeding("announcement").await, None);
});

on_both!(a_message_says_how_many_are_more_than_a_quota_carries, |db| async {
    let mut house = House::new(db).await;
    house.sandbox("vendor", 10, LIMITED()).await;
    let (few, many) = (house.send("announcement", 7).await, house.send("announcement", 9).await);
    house.drain().await;
    assert!(house.timeline(few, "over_quota").await.is_empty());
    let told = json!({"email": {"exceeding": 2, "left": 7}});
    assert_eq!(house.timeline(many, "over_quota").await, [told]);
});
