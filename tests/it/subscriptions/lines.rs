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
    let single = |message, delivery| of_delivery(&app, EventKind::Delivered, (message, delivery));
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

/// A topic of which an endpoint takes nothing.
const REFUSED: &str = "library.unknown";

/// An endpoint that takes everything but what is on [`REFUSED`].
async fn refusing() -> Endpoint {
    let endpoint = Endpoint::new().await;
    endpoint.says(Says::But(REFUSED.to_owned()));
    endpoint
}

fn refused(app: &TestApp, kind: EventKind, message: i64) -> NewEvent {
    NewEvent { topic: REFUSED.to_owned(), ..of_message(app, kind, message) }
}

fn of_delivery(app: &TestApp, kind: EventKind, (message, delivery): (i64, i64)) -> NewEvent {
    NewEvent { delivery_id: Some(delivery), ..of_message(app, kind, message) }
}

/// The types of what was told on other topics than [`REFUSED`].
fn taken(endpoint: &Endpoint) -> Vec<String> {
    endpoint.got().iter().filter(|got| !got.body.contains(REFUSED)).map(Got::kind).collect()
}

/// A message that is told of with `deliveries` of its own.
fn whole_message(app: &TestApp, message: i64, deliveries: i64) -> Vec<NewEvent> {
    let mut events = vec![of_message(app, EventKind::Accepted, message)];
    events.extend((0..deliveries).map(|n| of_delivery(app, EventKind::Delivered, (message, n))));
    events.push(of_message(app, EventKind::Completed, message));
    events
}

#[tokio::test]
async fn many_refused_events_of_deliveries_put_off_no_other_message() {
    let app = app().await;
    let endpoint = refusing().await;
    let made = subscribe(&app, &app.live_key, ALL, &endpoint).await;
    // More than the line of single deliveries holds. Those of the other message are too many to be taken out of it.
    let mut events: Vec<_> = (0..60)
        .map(|n| NewEvent { delivery_id: Some(n), ..refused(&app, EventKind::Delivered, BULK) })
        .collect();
    events.extend(whole_message(&app, OTHER, 60));
    happen(&app.services.db, &events).await;
    app.drain().await;
    let told = taken(&endpoint);
    assert_eq!(told.len(), 62, "{told:?}");
    assert_eq!((told[0].as_str(), told[61].as_str()), ("message.accepted", "message.completed"));
    let shown = show(&app, &made).await;
    assert_eq!((&shown["waiting"], &shown["failures"]), (&json!(60), &json!(0)), "{shown}");
}

#[tokio::test]
async fn what_waits_for_refused_events_of_its_message_puts_off_no_other() {
    let app = app().await;
    let endpoint = refusing().await;
    let made = subscribe(&app, &app.live_key, ALL, &endpoint).await;
    // Of each its acceptance is refused; its deliveries and its completion wait for that.
    let mut events = Vec::new();
    for message in 2_000..2_110 {
        events.push(refused(&app, EventKind::Accepted, message));
        events.push(NewEvent { delivery_id: Some(1), ..refused(&app, EventKind::Delivered, message) });
        events.push(refused(&app, EventKind::Completed, message));
    }
    events.extend(whole_message(&app, OTHER, 60));
    happen(&app.services.db, &events).await;
    app.drain().await;
    let told = taken(&endpoint);
    assert_eq!(told.len(), 62, "{told:?}");
    assert_eq!((told[0].as_str(), told[61].as_str()), ("message.accepted", "message.completed"));
    assert_eq!(show(&app, &made).await["waiting"], 330);
}

/// Has events made out as far as there is room, and then what is taken out of the line beside it. How many of a message were.
async fn made_out(app: &TestApp, subscription: &Value, message: i64) -> usize {
    let s = &app.services;
    while work::give_places(s).await.unwrap() > 0 {}
    work::fill(s).await.unwrap();
    work::fill(s).await.unwrap();
    let all = subscription_handings::list(&s.db, id(subscription), None, 1_000).await.unwrap();
    all.iter().filter(|row| row.message_id == Some(MessageId(message))).count()
}

#[tokio::test]
async fn what_others_alone_are_told_of_keeps_no_message_in_line() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, &["message.completed", "delivery.failed"], &endpoint).await;
    let mut events: Vec<_> = (0..60).map(|n| of_delivery(&app, EventKind::Failed, (BULK, n))).collect();
    events.extend((0..60).map(|n| of_delivery(&app, EventKind::Delivered, (OTHER, n))));
    events.push(of_delivery(&app, EventKind::Failed, (OTHER, 60)));
    events.push(of_message(&app, EventKind::Completed, OTHER));
    happen(&app.services.db, &events).await;
    assert_eq!(made_out(&app, &made, OTHER).await, 2, "its completion, and the one failure");
}

#[tokio::test]
async fn many_large_messages_keep_no_small_one_in_line() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ALL, &endpoint).await;
    let large = || 2_000..2_022;
    let mut events = Vec::new();
    for message in large() {
        events.extend((0..60).map(|n| of_delivery(&app, EventKind::Delivered, (message, n))));
    }
    events.extend((0..2).map(|n| of_delivery(&app, EventKind::Delivered, (OTHER, n))));
    events.extend(large().map(|message| of_message(&app, EventKind::Completed, message)));
    events.push(of_message(&app, EventKind::Completed, OTHER));
    happen(&app.services.db, &events).await;
    assert_eq!(made_out(&app, &made, OTHER).await, 3);
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
    // What is not even made out for it is seen as well, and nothing else is.
    let db = &app.services.db;
    happen(db, &[of_message(&app, EventKind::Completed, OTHER)]).await;
    work::give_places(&app.services).await.unwrap();
    app.clock.turn(DAY + 2 * MINUTE);
    assert!(!told().await, "it is not told of that");
    happen(db, &[of_message(&app, EventKind::Accepted, OTHER)]).await;
    work::give_places(&app.services).await.unwrap();
    app.clock.turn(DAY);
    assert!(!told().await);
    app.clock.turn(2 * MINUTE);
    assert!(told().await);
}
