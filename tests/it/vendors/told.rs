//! What is told of a provider: stored with the outcomes that told it, whatever happens to the process or the store.

use std::time::Duration;

use belltower::dispatch::Dispatcher;
use belltower::domain::id::ProviderId;
use belltower::store::Db;
use serde_json::json;

use super::House;
use crate::support::database::with_sqlite;
use crate::support::faulty::{allow, refuse};
use crate::support::on_both;

/// What a provider's only answer is, and what is told of it then.
const NEWS: [(&str, &str); 2] = [("unlisted", "unknown_code"), ("config", "opened")];

async fn kinds(house: &House, id: ProviderId) -> Vec<String> {
    house.events(id).await.into_iter().map(|event| event.kind).collect()
}

on_both!(what_a_store_refuses_to_write_of_a_provider_is_written_later, |db| async {
    let mut house = House::new(db.clone()).await;
    for (outcome, kind) in NEWS {
        let id = house.sandbox(outcome, 10, json!({ "outcome": outcome })).await;
        let message = house.send("announcement", 1).await;
        refuse(&db, "provider_event", "kind", kind).await;
        house.dispatcher.drain().await.unwrap_err();
        let counts = house.message(message).await.counts.all;
        assert_eq!((counts.sending, counts.pending), (1, 0), "its outcome is not stored without its news");
        assert_eq!(kinds(&house, id).await, [""; 0]);
        allow(&db, "provider_event").await;
        house.drain().await;
        assert_eq!(house.message(message).await.counts.all.pending, 1);
        assert_eq!(kinds(&house, id).await, [kind]);
        house.stop_using(id).await;
        house.turn(Duration::from_secs(1));
    }
});

async fn a_process_that_is_killed(url: String) {
    let db = Db::open(&url).await.unwrap();
    let mut house = House::new(db.clone()).await;
    for (outcome, kind) in NEWS {
        let id = house.sandbox(outcome, 10, json!({ "outcome": outcome })).await;
        let message = house.send("announcement", 1).await;
        refuse(&db, "provider_event", "kind", kind).await;
        house.dispatcher.drain().await.unwrap_err();
        allow(&db, "provider_event").await;

        // Nothing is left of what the first process knew.
        house.dispatcher = Dispatcher::new(house.s.clone());
        house.dispatcher.take_over().await.unwrap();
        house.drain().await;
        assert_eq!(house.message(message).await.counts.all.pending, 1);
        assert_eq!(kinds(&house, id).await, [kind], "whoever comes next hears it again");
        house.stop_using(id).await;
        house.turn(Duration::from_secs(1));
    }
    db.close().await;
}

#[test]
fn a_process_that_is_killed_takes_no_news_with_it() {
    with_sqlite(a_process_that_is_killed);
}
