//! Codes that nobody knows, and what administrators say of codes.

use std::time::Duration;

use belltower::service::readiness;
use serde_json::json;

use super::House;
use crate::support::on_both;

on_both!(a_code_that_nobody_knows_is_told_once_until_somebody_says_what_it_means, |db| async {
    let mut house = House::new(db).await;
    let id = house.sandbox("vendor", 10, json!({"outcome": "unlisted"})).await;
    let message = house.send("announcement", 3).await;
    for _ in 0..4 {
        house.turn(Duration::from_mins(2));
        house.drain().await;
    }
    let unknown = |events: &[belltower::service::providers::ProviderEventRow]| {
        let of = events.iter().filter(|event| event.kind == "unknown_code");
        of.map(|event| event.detail.0.clone()).collect::<Vec<_>>()
    };
    let told = json!({"code": "sandbox.unlisted", "reason": "a code of the vendor's own making"});
    assert_eq!(unknown(&house.events(id).await), [told]);
    let health = house.health("vendor").await;
    assert_eq!(health.unknown_codes[0].code, "sandbox.unlisted");
    assert_eq!(health.unknown_codes[0].words.as_deref(), Some("a code of the vendor's own making"));
    let parts = readiness::check(&house.s).await;
    let detail = parts.iter().find(|part| part.name == "providers").unwrap().detail.clone().unwrap();
    assert!(detail.contains("codes that nobody knows (1)"), "{detail}");
    assert!(detail.contains("failed"), "the code hides no other trouble: {detail}");

    // Changed in another way it is told again, with the overriding it is known.
    house.change(id, json!({"concurrency": 2})).await;
    house.turn(Duration::from_secs(1));
    house.drain().await;
    let events = house.events(id).await;
    assert_eq!((unknown(&events).len(), house.health("vendor").await.unknown_codes.len()), (1, 1));
    house.turn(Duration::from_secs(1));
    let known = json!([{"code": "sandbox.unlisted", "class": "permanent_recipient"}]);
    house.change(id, json!({ "overrides": known })).await;
    house.turn(Duration::from_mins(2));
    house.drain().await;
    assert_eq!(house.message(message).await.counts.all.failed, 3);
    assert!(house.health("vendor").await.unknown_codes.is_empty());
});

on_both!(a_vendors_words_decide_where_its_administrator_says_so, |db| async {
    let mut house = House::new(db).await;
    let later = json!([{"words": "NO SUCH RECIPIENT", "class": "throttled", "wait_seconds": 600}]);
    let id = house.sandbox("vendor", 10, json!({"outcome": "failed", "overrides": later})).await;
    let message = house.send("announcement", 1).await;
    house.drain().await;
    assert_eq!(house.message(message).await.counts.all.pending, 1);
    let events = house.events(id).await;
    assert_eq!(events[0].kind, "paused");
    let until = house.s.clock.now().plus(Duration::from_mins(10)).to_string();
    assert_eq!(events[0].detail.0["until"], until);
    house.change(id, json!({ "overrides": null })).await;
    house.turn(Duration::from_secs(2));
    house.drain().await;
    assert_eq!(house.message(message).await.counts.all.failed, 1);
});
