//! Many events at once, and many endpoints: nobody waits for what is another's.

use belltower::domain::alarm::Matter;
use belltower::domain::id::{EventId, MessageId, SubscriptionId};
use belltower::domain::subscription::EventKind;
use belltower::service::alarms;
use belltower::service::subscriptions::work;
use belltower::store::subscription_events::{self, NewEvent};
use belltower::store::{Db, subscription_handings, subscriptions};
use serde_json::{Value, json};

use super::endpoint::{Endpoint, Got, Says};
use super::{DAY, HOUR, MINUTE, SECOND, app, path, send, show, source, subscribe};
use crate::support::TERMINAL;
use crate::support::app::TestApp;

const ALL: &[&str] = &["message.accepted", "message.completed", "delivery.delivered"];
const BULK: i64 = 1_001;
const OTHER: i64 = 1_002;

fn of_message(app: &TestApp, kind: EventKind, message: i64) -> NewEvent {
    NewEvent {
        kind: kind.code(),
        message_id: Some(message),
        source_id: None,
        topic: "library.due".to_owned(),
        delivery_id: None,
        at: app.clock.now().0,
        detail: "{}".to_owned(),
    }
}

async fn happen(db: &Db, events: &[NewEvent]) -> Vec<EventId> {
    let mut tx = db.begin().await.unwrap();
    let ids = subscription_events::insert(&mut tx, events).await.unwrap();
    tx.commit().await.unwrap();
    ids
}

fn id(subscription: &Value) -> SubscriptionId {
    subscription["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_bulk_message_keeps_no_other_waiting_and_is_told_in_its_order() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    subscribe(&app, &app.live_key, ALL, &endpoint).await;
    let single = |message, delivery| NewEvent {
        delivery_id: Some(delivery),
        ..of_message(&app, EventKind::Delivered, message)
    };
    let mut events =
        vec![of_message(&app, EventKind::Accepted, BULK), of_message(&app, EventKind::Accepted, OTHER)];
    events.extend((0..300).map(|n| single(BULK, n)));
    events.push(single(OTHER, 300));
    events.extend([OTHER, BULK].map(|message| of_message(&app, EventKind::Completed, message)));
    let ids = happen(&app.services.db, &events).await;
    app.drain().await;
    let got = endpoint.got();
    assert_eq!(got.len(), ids.len(), "each once");
    let told_of = |message| -> Vec<_> {
        let message = MessageId(message).to_string();
        got.iter()
            .enumerate()
            .filter(|(_, one)| one.message() == message)
            .map(|(at, one)| (at, one.kind()))
            .collect()
    };
    let bulk = told_of(BULK);
    assert_eq!((bulk[0].1.as_str(), bulk[301].1.as_str()), ("message.accepted", "message.completed"));
    let other = told_of(OTHER);
    let kinds: Vec<_> = other.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["message.accepted", "delivery.delivered", "message.completed"]);
    assert!(other[2].0 < bulk[200].0, "{} of {}", other[2].0, got.len());
}

#[tokio::test]
async fn how_far_an_endpoint_has_come_is_written_where_something_is_its_and_now_and_then() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let told = subscribe(&app, &app.live_key, &["message.accepted"], &endpoint).await;
    let untold = subscribe(&app, &app.live_key, &["message.expired"], &endpoint).await;
    let db = &app.services.db;
    let places = async || {
        let place = async |of: &Value| subscriptions::find(db, id(of)).await.unwrap().unwrap().place;
        (place(&told).await, place(&untold).await)
    };
    send(&app, &["P1"]).await;
    app.drain().await;
    assert_eq!(places().await, (1, 1));
    send(&app, &["P1"]).await;
    app.drain().await;
    assert_eq!(places().await, (2, 1), "nothing is the other's");
    assert_eq!(work::fill(&app.services).await.unwrap(), 0, "and it was looked through");
    app.clock.turn(MINUTE);
    app.drain().await;
    assert_eq!(places().await, (2, 2));
    // Many that are not its are written down together.
    let many: Vec<_> = (0..501).map(|_| of_message(&app, EventKind::Held, BULK)).collect();
    happen(db, &many).await;
    app.drain().await;
    assert_eq!(places().await, (503, 503));
    assert_eq!(endpoint.got().len(), 2);
}

#[tokio::test]
async fn an_endpoint_with_a_full_window_goes_on_where_it_stopped() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, &["message.accepted"], &endpoint).await;
    endpoint.says(Says::Status(503));
    let many: Vec<_> = (0..450).map(|n| of_message(&app, EventKind::Accepted, 2_000 + n)).collect();
    happen(&app.services.db, &many).await;
    app.drain().await;
    assert_eq!(show(&app, &made).await["waiting"], 200);
    assert_eq!(work::fill(&app.services).await.unwrap(), 0);
    endpoint.says(Says::Status(204));
    endpoint.got();
    app.clock.turn(HOUR);
    app.drain().await;
    let mut told: Vec<_> = endpoint.got().iter().map(Got::message).collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 450);
}

#[tokio::test]
async fn an_event_that_went_before_it_was_made_out_stops_nothing() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, &["message.accepted"], &endpoint).await;
    let gone = EventId(9_999_999);
    let handing = subscription_handings::NewHanding {
        subscription: id(&made),
        event: gone,
        message: None,
        whole: true,
    };
    let mut tx = app.services.db.begin().await.unwrap();
    assert_eq!(subscription_handings::insert(&mut tx, &[handing], app.clock.now()).await.unwrap(), 0);
    tx.commit().await.unwrap();
    send(&app, &["P1"]).await;
    app.drain().await;
    assert_eq!(endpoint.kinds(), ["message.accepted"]);
}

#[tokio::test]
async fn all_endpoints_of_a_source_together_are_sent_so_many_at_a_time() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    for _ in 0..12 {
        subscribe(&app, &app.live_key, &["message.accepted"], &endpoint).await;
    }
    let other = source(&app, "library", &["subscribe", "read_all"]).await;
    subscribe(&app, &other, &["message.accepted"], &endpoint).await;
    let many: Vec<_> = (0..5).map(|n| of_message(&app, EventKind::Accepted, 2_000 + n)).collect();
    happen(&app.services.db, &many).await;
    let s = &app.services;
    work::give_places(s).await.unwrap();
    work::fill(s).await.unwrap();
    assert_eq!(work::claim(s, 1, &[]).await.unwrap().len(), 32 + 4, "and another source has its own");
    assert_eq!(work::claim(s, 1, &[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_was_removed_is_gone_at_once_and_cleared_out_afterwards() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, &["message.accepted"], &endpoint).await;
    endpoint.says(Says::Status(503));
    send(&app, &["P1"]).await;
    app.drain().await;
    assert_eq!(endpoint.got().len(), 1);
    let gone = app.api(reqwest::Method::DELETE, &path(&made, "")).send().await.unwrap();
    assert_eq!(gone.status(), 204);
    app.get(&path(&made, "")).await.problem(404, "not_found");
    app.post(&path(&made, "/enable"), &json!({})).await.problem(404, "not_found");
    let db = &app.services.db;
    assert!(subscriptions::any_removed(db).await.unwrap());
    assert_eq!(subscription_handings::list(db, id(&made), None, 9).await.unwrap().len(), 1);
    app.clock.turn(DAY);
    app.drain().await;
    assert_eq!(endpoint.got().len(), 0);
    assert!(!subscriptions::any_removed(db).await.unwrap());
    assert_eq!(subscription_handings::list(db, id(&made), None, 9).await.unwrap().len(), 0);
    app.clock.turn(SECOND);
    send(&app, &["P1"]).await;
    app.drain().await;
    assert!(!subscription_events::any_new(db).await.unwrap(), "nobody is told of anything any more");
}

#[tokio::test]
async fn somebody_is_told_of_an_endpoint_for_which_events_wait_for_a_day() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, &["message.accepted"], &endpoint).await;
    endpoint.says(Says::Status(503));
    send(&app, &["P1"]).await;
    app.drain().await;
    let told = async || {
        alarms::check(&app.services).await.unwrap();
        let open = alarms::open(&app.services, &TERMINAL).await.unwrap();
        let is_it = |matter: &Matter| matches!(matter, Matter::EndpointBehind { subscription, .. } if *subscription == id(&made));
        open.iter().any(|row| is_it(&row.matter.0))
    };
    app.clock.turn(DAY);
    assert!(!told().await);
    app.clock.turn(2 * MINUTE);
    assert!(told().await);
    endpoint.says(Says::Status(204));
    app.clock.turn(HOUR);
    app.drain().await;
    assert!(!told().await);
}
