//! What endpoints are sent, and what becomes of it where they do not take it.

use std::net::IpAddr;

use belltower::channel::outward::TIMEOUT;
use belltower::dispatch::Dispatcher;
use belltower::domain::alarm::Matter;
use belltower::domain::emergency::Run;
use belltower::domain::operator::Role;
use belltower::domain::registration::Registration;
use belltower::domain::subscription::{ATTEMPTS, sign, wait};
use belltower::service::sources::{NewSource, registrations};
use belltower::service::subscriptions::work::{self, Answer as Called};
use belltower::service::{alarms, scenarios};
use belltower::store::audit::{self, AuditFilter};
use belltower::store::subscription_events;
use reqwest::Method;
use serde_json::json;
use standardwebhooks::Webhook;

use super::endpoint::{Endpoint, Got, Says};
use super::{
    DAY, HOUR, MINUTE, SECOND, app, deliveries, path, secret, send, settle, show, source, subscribe,
};
use crate::support::app::{Answer, TestApp, everything};
use crate::support::fire::{fire, press_fire};
use crate::support::{TERMINAL, operator, time};

const ACCEPTED: &[&str] = &["message.accepted"];
const COMPLETED: &[&str] = &["message.completed"];
const BOTH: &[&str] = &["message.accepted", "message.completed"];
const ALL: &[&str] = &["message.accepted", "message.completed", "delivery.failed", "delivery.delivered"];

#[tokio::test]
async fn what_happens_to_a_message_is_told_signed_and_in_order() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ALL, &endpoint).await;
    let message = send(&app, &["P1", "P2"]).await;
    settle(&app).await;
    let got = endpoint.got();
    let kinds: Vec<_> = got.iter().map(Got::kind).collect();
    assert_eq!(kinds[0], "message.accepted", "{kinds:?}");
    let at = |kind: &str| {
        kinds.iter().position(|one| one == kind).unwrap_or_else(|| panic!("no {kind}: {kinds:?}"))
    };
    assert!(at("message.accepted") < at("message.completed"));
    assert!(at("message.accepted") < at("delivery.failed").min(at("delivery.delivered")));
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    // As the reference library has it; it would also hold the time against the machine's clock, which tests turn.
    let reference = Webhook::new(made["secret"].as_str().unwrap()).unwrap();
    for one in &got {
        assert_eq!(one.message(), message);
        let (id, time) = (one.id(), one.headers["webhook-timestamp"].parse().unwrap());
        let expected = reference.sign(id, time, one.body.as_bytes()).unwrap();
        assert_eq!(one.signatures(), [expected.as_str()]);
        assert_eq!(one.headers["content-type"], "application/json");
        assert_eq!(one.json()["data"]["id"], id);
        assert!(one.body.len() < 20_000);
    }
    let completed = got[at("message.completed")].json();
    assert_eq!(completed["data"]["counts"]["planned"], 2, "{completed}");
    let message = &completed["data"]["message"];
    assert_eq!((&message["topic"], &message["test"]), (&json!("library.due"), &json!(true)));
    let failed = got[at("delivery.failed")].json();
    let delivery = &failed["data"]["delivery"];
    assert_eq!(delivery["recipient"]["campus_id"], "P2");
    assert!(!failed.to_string().contains("bounce@"), "its address is masked: {failed}");
    let listed = deliveries(&app, &made).await;
    assert_eq!(listed.len(), 4);
    assert!(listed.iter().all(|one| one["state"] == "delivered" && one["attempts"] == 1), "{listed:?}");
}

#[tokio::test]
async fn a_source_is_told_of_its_own_messages_unless_it_may_read_all() {
    let app = app().await;
    let (own, all) = (Endpoint::new().await, Endpoint::new().await);
    let key = source(&app, "library", &["subscribe"]).await;
    subscribe(&app, &key, BOTH, &own).await;
    subscribe(&app, &app.live_key, BOTH, &all).await;
    send(&app, &["P1"]).await;
    settle(&app).await;
    assert_eq!((own.got().len(), all.got().len()), (0, 2));
    super::send_as(&app, &key, &["P1"]).await;
    settle(&app).await;
    assert_eq!(
        (own.kinds(), all.kinds()),
        (vec!["message.accepted".to_owned()], vec!["message.accepted".to_owned()])
    );
}

#[tokio::test]
async fn where_nobody_subscribes_nothing_is_written() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    subscribe(&app, &app.live_key, &["message.expired"], &endpoint).await;
    send(&app, &["P1", "P2"]).await;
    settle(&app).await;
    let db = &app.services.db;
    assert!(!subscription_events::any_new(db).await.unwrap());
    assert_eq!(subscription_events::last_place(db).await.unwrap(), 0);
}

#[tokio::test]
async fn an_emergency_has_no_events_of_single_deliveries() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    subscribe(&app, &app.live_key, ALL, &endpoint).await;
    let body = json!({
        "topic": "security.fire", "category": "emergency", "title": "t", "body": "b", "channels": ["email"],
        "audience": {"recipients": ["P1", "P2"]},
    });
    Answer::of(app.api_as(&app.test_key, Method::POST, "/messages").json(&body)).await.expect(202);
    settle(&app).await;
    assert_eq!(endpoint.kinds(), ["message.accepted", "message.completed"]);
}

#[tokio::test]
async fn of_broadcasts_whoever_reads_all_is_told_and_nobody_else() {
    let app = app().await;
    scenarios::seed(&app.services).await.unwrap();
    let (all, own) = (Endpoint::new().await, Endpoint::new().await);
    let key = source(&app, "library", &["subscribe"]).await;
    subscribe(&app, &app.live_key, ALL, &all).await;
    subscribe(&app, &key, ALL, &own).await;
    let caller = operator(Role::DutyOfficer);
    press_fire(&app.services, &caller, Run::Drill, &fire("图书馆")).await.unwrap();
    settle(&app).await;
    let got = by_message(&all.got());
    let alerts: Vec<_> = got.values().filter(|kinds| kinds[0] == "message.accepted").collect();
    assert_eq!(alerts, [&["message.accepted", "message.completed"]], "{got:?}");
    assert_eq!(own.got().len(), 0);
}

#[tokio::test]
async fn what_is_cancelled_is_told() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    subscribe(&app, &app.live_key, &["message.cancelled", "message.unrouted"], &endpoint).await;
    let message = super::send_as(&app, &app.live_key, &["P1"]).await;
    app.post(&format!("/messages/{message}/cancel"), &json!({})).await.expect(200);
    let body = json!({"topic": "library.due", "title": "t", "body": "b"});
    app.post("/messages", &body).await.expect(202);
    settle(&app).await;
    let mut kinds = endpoint.kinds();
    kinds.sort_unstable();
    assert_eq!(kinds, ["message.cancelled", "message.unrouted"]);
}

/// The ids of messages with the types of what was told of each, in order.
fn by_message(got: &[Got]) -> std::collections::BTreeMap<String, Vec<String>> {
    let mut all = std::collections::BTreeMap::<String, Vec<String>>::new();
    for one in got {
        all.entry(one.message()).or_default().push(one.kind());
    }
    all
}

#[tokio::test]
async fn an_endpoint_that_was_down_for_an_hour_gets_everything_in_order() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, BOTH, &endpoint).await;
    endpoint.says(Says::Status(503));
    let mut sent = Vec::new();
    for _ in 0..12 {
        sent.push(send(&app, &["P1"]).await);
        app.drain().await;
        app.clock.turn(5 * MINUTE);
        app.drain().await;
    }
    let tried = endpoint.got().len();
    assert!((4..=8).contains(&tried), "one call at a time and ever more seldom, whatever waits: {tried}");
    let shown = show(&app, &made).await;
    assert_eq!(shown["last"]["status"], 503, "{shown}");
    assert!(shown["next_attempt_at"].is_string() && shown["failures"].as_i64().unwrap() >= 3, "{shown}");
    assert_eq!(shown["status"], "active");

    endpoint.says(Says::Status(200));
    app.clock.turn(3 * HOUR);
    app.drain().await;
    let got = by_message(&endpoint.got());
    assert_eq!(got.len(), sent.len());
    for message in sent {
        assert_eq!(got[&message], ["message.accepted", "message.completed"]);
    }
    let shown = show(&app, &made).await;
    assert_eq!((&shown["failures"], &shown["waiting"]), (&json!(0), &json!(0)), "{shown}");
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_at_once_and_gets_what_it_missed_once_enabled() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, BOTH, &endpoint).await;
    endpoint.says(Says::Status(410));
    send(&app, &["P1"]).await;
    settle(&app).await;
    assert_eq!(endpoint.got().len(), 1);
    let shown = show(&app, &made).await;
    assert_eq!(
        (&shown["status"], &shown["disabled"]["reason"]),
        (&json!("disabled"), &json!("gone")),
        "{shown}"
    );
    app.post(&path(&made, "/test"), &json!({})).await.problem(409, "subscription_disabled");
    send(&app, &["P1"]).await;
    app.clock.turn(DAY);
    settle(&app).await;
    assert_eq!(endpoint.got().len(), 0, "it is called no more");

    endpoint.says(Says::Status(204));
    let enabled = app.post(&path(&made, "/enable"), &json!({})).await.expect(200);
    assert_eq!((&enabled["status"], &enabled["disabled"]), (&json!("active"), &json!(null)));
    app.drain().await;
    let got = by_message(&endpoint.got());
    assert_eq!(got.len(), 2);
    assert!(got.values().all(|kinds| kinds == &["message.accepted", "message.completed"]), "{got:?}");
}

/// Titles of what Belltower itself wrote about endpoints.
async fn own_words(app: &TestApp) -> Vec<String> {
    let page = app.get("/messages?topic=belltower.subscription").await.expect(200);
    let titles = page["data"].as_array().unwrap().iter();
    titles.map(|message| message["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn whoever_asked_for_the_sources_key_is_told_that_its_endpoint_is_disabled() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let asked = json!({
        "name": "门户", "department": "图书馆", "contact_name": "李伟", "contact_email": "liwei@lib.bell.example",
        "purpose": "借阅到期提醒", "topics": ["library.#"], "channels": ["email"],
    });
    let here = IpAddr::from([10, 1, 4, 20]);
    let s = &app.services;
    let made = registrations::register(s, &Registration::read(&asked).unwrap(), here).await.unwrap();
    let rights = vec!["subscribe".to_owned()];
    let grant = NewSource { rights, ..everything("门户") };
    registrations::approve(s, &operator(Role::Owner), made.id, grant).await.unwrap();
    let claimed = registrations::claim(s, &made.id.to_string(), &made.claim_token, here, true).await.unwrap();
    let key = claimed.key.unwrap();
    subscribe(&app, &key, ACCEPTED, &endpoint).await;
    // Whose source an administrator made has nobody to tell.
    subscribe(&app, &app.live_key, &["message.expired"], &endpoint).await;
    endpoint.says(Says::Status(410));
    super::send_as(&app, &key, &["P1"]).await;
    settle(&app).await;
    let words = own_words(&app).await;
    assert_eq!(words.len(), 1, "{words:?}");
    let host = endpoint.url.split('/').nth(2).unwrap();
    assert!(words[0].contains("接收端已停用") && words[0].contains(host), "{words:?}");
    let last = app.get("/messages?topic=belltower.subscription").await.expect(200);
    let id = last["data"][0]["id"].as_str().unwrap().to_owned();
    let to = app.get(&format!("/messages/{id}/deliveries")).await.expect(200);
    assert_eq!(to["data"].as_array().unwrap().len(), 1, "{to}");
}

/// Somewhat longer than the longest wait before each try after the first.
fn waits() -> impl Iterator<Item = i64> {
    (1..ATTEMPTS as i64).filter_map(|failures| Some(wait(failures, 1.0)?.as_millis() as i64 + SECOND))
}

#[tokio::test]
async fn an_endpoint_that_takes_nothing_for_three_days_is_disabled_and_somebody_is_told() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    endpoint.says(Says::Status(500));
    send(&app, &["P1"]).await;
    app.drain().await;
    for wait in waits() {
        assert_eq!(show(&app, &made).await["status"], "active");
        app.clock.turn(wait);
        app.drain().await;
    }
    let got = endpoint.got();
    assert_eq!(got.len(), ATTEMPTS);
    assert!(got.iter().all(|one| one.id() == got[0].id()), "the same event");
    let shown = show(&app, &made).await;
    assert_eq!(shown["disabled"]["reason"], "exhausted", "{shown}");
    app.clock.turn(DAY);
    app.drain().await;
    assert_eq!(endpoint.got().len(), 0);
    alarms::check(&app.services).await.unwrap();
    let open = alarms::open(&app.services, &TERMINAL).await.unwrap();
    let is_it =
        |matter: &Matter| matches!(matter, Matter::Endpoint { host, .. } if endpoint.url.contains(host));
    assert!(open.iter().any(|row| is_it(&row.matter.0)), "{open:?}");
}

#[tokio::test]
async fn an_event_that_is_never_taken_is_given_up_and_keeps_no_other_waiting() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    let refused = send(&app, &["P1"]).await;
    endpoint.says(Says::But(refused.clone()));
    app.drain().await;
    assert_eq!(endpoint.got().len(), 1);
    for wait in waits() {
        let taken = send(&app, &["P1"]).await;
        app.clock.turn(wait);
        app.drain().await;
        let mut got: Vec<_> = endpoint.got().iter().map(Got::message).collect();
        let mut both = [taken, refused.clone()];
        got.sort_unstable();
        both.sort_unstable();
        assert_eq!(got, both);
    }
    let shown = show(&app, &made).await;
    assert_eq!((&shown["status"], &shown["waiting"]), (&json!("active"), &json!(0)), "{shown}");
    let listed = deliveries(&app, &made).await;
    let first = listed.last().unwrap();
    assert_eq!((&first["state"], &first["attempts"]), (&json!("given_up"), &json!(ATTEMPTS)), "{first}");
}

#[tokio::test]
async fn an_event_that_is_refused_puts_off_no_other() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    let refused = send(&app, &["P1"]).await;
    endpoint.says(Says::But(refused.clone()));
    app.drain().await;
    // Three tries later it waits for hours by itself.
    for wait in waits().take(3) {
        app.clock.turn(wait);
        app.drain().await;
    }
    assert_eq!(endpoint.got().len(), 4);
    app.clock.turn(SECOND);
    let taken = send(&app, &["P1"]).await;
    app.drain().await;
    let got: Vec<_> = endpoint.got().iter().map(Got::message).collect();
    assert_eq!(got, [taken], "at once, and the other is not tried before its time for that");
    let shown = show(&app, &made).await;
    assert_eq!((&shown["failures"], &shown["waiting"]), (&json!(0), &json!(1)), "{shown}");
    assert!(shown["next_attempt_at"].is_null(), "{shown}");
}

#[tokio::test]
async fn an_endpoint_that_refuses_everything_for_three_days_is_disabled() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    endpoint.says(Says::Status(404));
    send(&app, &["P1"]).await;
    app.drain().await;
    for wait in waits() {
        assert_eq!(show(&app, &made).await["status"], "active");
        app.clock.turn(wait);
        send(&app, &["P1"]).await;
        app.drain().await;
    }
    let shown = show(&app, &made).await;
    assert_eq!(shown["disabled"]["reason"], "exhausted", "{shown}");
    // Mended, it gets what it refused as well.
    endpoint.says(Says::Status(204));
    endpoint.got();
    app.post(&path(&made, "/enable"), &json!({})).await.expect(200);
    app.drain().await;
    assert_eq!(endpoint.got().len(), ATTEMPTS);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let app = app().await;
    let (endpoint, elsewhere) = (Endpoint::new().await, Endpoint::new().await);
    let made = subscribe(&app, &app.live_key, COMPLETED, &endpoint).await;
    endpoint.says(Says::With(302, format!("Location: {}", elsewhere.url)));
    send(&app, &["P1"]).await;
    settle(&app).await;
    assert!(!endpoint.got().is_empty());
    assert_eq!(elsewhere.got().len(), 0);
    let listed = &deliveries(&app, &made).await[0];
    assert_eq!((&listed["state"], &listed["last_status"]), (&json!("waiting"), &json!(302)), "{listed}");
    assert_eq!(listed["last_answer"], "no, thank you");
    assert!(listed["next_attempt_at"].is_string());
}

#[tokio::test]
async fn an_endpoint_that_hangs_keeps_no_other_waiting() {
    let app = app().await;
    let (hangs, works) = (Endpoint::new().await, Endpoint::new().await);
    let stuck = subscribe(&app, &app.live_key, COMPLETED, &hangs).await;
    subscribe(&app, &app.live_key, COMPLETED, &works).await;
    hangs.says(Says::Nothing);
    for _ in 0..3 {
        send(&app, &["P1"]).await;
    }
    // Nobody is given up before everything is where somebody answers.
    let hung = || if works.count() < 3 { 0 } else { hangs.count() };
    time::running_out(TIMEOUT, hung, settle(&app)).await;
    assert_eq!(works.got().len(), 3);
    let shown = show(&app, &stuck).await;
    assert!(shown["last"]["status"].is_null(), "{shown}");
    let words = shown["last"]["answer"].as_str().unwrap();
    assert!(words.starts_with("no answer in time") && !words.contains("127.0.0.1"), "{words}");
}

#[tokio::test]
async fn what_an_endpoint_asks_for_is_waited() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    endpoint.says(Says::With(429, "Retry-After: 3600".to_owned()));
    send(&app, &["P1"]).await;
    app.drain().await;
    assert_eq!(endpoint.got().len(), 1);
    endpoint.says(Says::Status(204));
    app.clock.turn(59 * MINUTE);
    app.drain().await;
    assert_eq!(endpoint.got().len(), 0);
    app.clock.turn(MINUTE);
    app.drain().await;
    assert_eq!(endpoint.got().len(), 1);
}

#[tokio::test]
async fn after_a_rotation_both_secrets_sign_for_a_while() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    let rotated = app.post(&path(&made, "/secret/rotate"), &json!({"overlap": "24h"})).await.expect(200);
    assert_ne!(rotated["secret"], made["secret"]);
    send(&app, &["P1"]).await;
    app.drain().await;
    let got = endpoint.got().remove(0);
    let time = got.headers["webhook-timestamp"].parse().unwrap();
    let signed = |secrets: &[_]| sign(secrets, got.id(), time, got.body.as_bytes());
    assert_eq!(got.headers["webhook-signature"], signed(&[secret(&rotated), secret(&made)]));
    app.clock.turn(DAY);
    send(&app, &["P1"]).await;
    app.drain().await;
    let got = endpoint.got().remove(0);
    let time = got.headers["webhook-timestamp"].parse().unwrap();
    assert_eq!(got.signatures(), [sign(&[secret(&rotated)], got.id(), time, got.body.as_bytes())]);
}

#[tokio::test]
async fn what_a_process_sent_and_did_not_store_is_sent_again_under_the_same_id() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    send(&app, &["P1"]).await;
    let s = &app.services;
    work::give_places(s).await.unwrap();
    work::fill(s).await.unwrap();
    let calls = work::claim(s, 1, &[]).await.unwrap();
    assert_eq!(calls.len(), 1);
    assert!(matches!(work::send(s, &calls[0]).await, Called::Said(said) if said.status == 204));
    // It dies here.
    let first = endpoint.got().remove(0);
    let mut next = Dispatcher::new(s.clone());
    next.take_over().await.unwrap();
    next.drain().await.unwrap();
    let again = endpoint.got().remove(0);
    assert_eq!((first.id(), &first.body), (again.id(), &again.body));
    // What the dead one would have stored changes nothing any more.
    let late = (calls[0].clone(), Called::Failed("lost".to_owned()));
    work::settle(s, 1, &[late]).await.unwrap();
    let listed = &deliveries(&app, &made).await[0];
    assert_eq!((&listed["state"], &listed["attempts"]), (&json!("delivered"), &json!(2)));
}

#[tokio::test]
async fn a_test_and_a_replay_are_sent_at_once() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    let tested = app.post(&path(&made, "/test"), &json!({})).await.expect(202);
    app.drain().await;
    let got = endpoint.got();
    assert_eq!(
        (got[0].kind().as_str(), got[0].id()),
        ("subscription.test", tested["event_id"].as_str().unwrap())
    );
    let listed = deliveries(&app, &made).await;
    let replay = path(&made, &format!("/deliveries/{}/replay", listed[0]["id"].as_str().unwrap()));
    assert_eq!(app.post(&replay, &json!({})).await.status, 202);
    app.drain().await;
    assert_eq!(endpoint.got()[0].id(), got[0].id());
    assert_eq!(deliveries(&app, &made).await[0]["attempts"], 2);
    let gone = path(&made, "/deliveries/hnd_0123456789abc/replay");
    app.post(&gone, &json!({})).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_test_waits_for_the_last_one_and_there_are_so_many_a_minute() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    let test = path(&made, "/test");
    app.post(&test, &json!({})).await.expect(202);
    app.post(&test, &json!({})).await.problem(409, "test_waits");
    app.drain().await;
    let replay = path(
        &made,
        &format!("/deliveries/{}/replay", deliveries(&app, &made).await[0]["id"].as_str().unwrap()),
    );
    for n in 1..10 {
        let again = if n % 2 == 0 { &test } else { &replay };
        assert_eq!(app.post(again, &json!({})).await.status, 202, "{n}");
        app.drain().await;
    }
    for again in [&test, &replay] {
        app.post(again, &json!({})).await.problem(429, "rate_limited");
    }
    app.clock.turn(MINUTE);
    app.post(&test, &json!({})).await.expect(202);
    app.drain().await;
    assert_eq!(endpoint.got().len(), 11);
    // It is the system itself that asked; its administrators need not read of each.
    let rows = audit::list(&app.services.db, &AuditFilter::default(), None, 100).await.unwrap();
    let acts: Vec<_> = rows.into_iter().map(|row| row.action).collect();
    assert!(acts.iter().any(|act| act == "subscription.create"), "{acts:?}");
    assert!(!acts.iter().any(|act| act == "subscription.test" || act == "subscription.replay"), "{acts:?}");
}

#[tokio::test]
async fn events_are_kept_for_seven_days() {
    let app = app().await;
    let endpoint = Endpoint::new().await;
    let made = subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    send(&app, &["P1"]).await;
    settle(&app).await;
    assert_eq!(deliveries(&app, &made).await.len(), 1);
    app.clock.turn(7 * DAY);
    app.drain().await;
    assert_eq!(deliveries(&app, &made).await.len(), 0);
}

#[tokio::test]
async fn a_source_that_lost_the_right_is_told_of_nothing() {
    let app: TestApp = app().await;
    let endpoint = Endpoint::new().await;
    subscribe(&app, &app.live_key, ACCEPTED, &endpoint).await;
    let text = "UPDATE source SET rights = '[]'";
    let mut tx = app.services.db.begin().await.unwrap();
    crate::store::execute(&mut tx, text).await;
    tx.commit().await.unwrap();
    app.clock.turn(SECOND);
    send(&app, &["P1"]).await;
    settle(&app).await;
    assert_eq!(endpoint.got().len(), 0);
}

#[tokio::test]
async fn a_source_that_may_not_read_all_any_more_is_told_of_nobody_elses_messages() {
    let app = app().await;
    let (endpoint, key) = (Endpoint::new().await, source(&app, "library", &["subscribe", "read_all"]).await);
    let made = subscribe(&app, &key, ACCEPTED, &endpoint).await;
    let others = [send(&app, &["P1"]).await, send(&app, &["P1"]).await];
    app.drain().await;
    assert_eq!(endpoint.got().len(), 2);
    endpoint.says(Says::Status(503));
    let waits = send(&app, &["P1"]).await;
    app.drain().await;
    assert_eq!(endpoint.got().remove(0).message(), waits);

    let mut tx = app.services.db.begin().await.unwrap();
    crate::store::execute(&mut tx, r#"UPDATE source SET rights = '["subscribe"]' WHERE name = 'library'"#)
        .await;
    tx.commit().await.unwrap();
    endpoint.says(Says::Status(204));
    let own = super::send_as(&app, &key, &["P1"]).await;
    app.clock.turn(HOUR);
    app.drain().await;
    let got: Vec<_> = endpoint.got().iter().map(Got::message).collect();
    assert_eq!(got, [own], "what was made out before is not sent either");
    let list = Answer::of(app.api_as(&key, Method::GET, &path(&made, "/deliveries"))).await.expect(200);
    let listed = list["data"].as_array().unwrap();
    assert_eq!(listed.len(), 1, "{list}");
    assert!(!others.iter().any(|message| list.to_string().contains(message.as_str())));
    // Nor by asking for it again.
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let all = belltower::store::subscription_handings::list(&app.services.db, id, None, 9).await.unwrap();
    assert_eq!(all.len(), 4);
    let replay = path(&made, &format!("/deliveries/{}/replay", all[3].id));
    Answer::of(app.api_as(&key, Method::POST, &replay).json(&json!({}))).await.problem(404, "not_found");
    assert_eq!(Answer::of(app.api_as(&key, Method::POST, &path(&made, "/test"))).await.status, 202);
    app.drain().await;
    assert_eq!(endpoint.kinds(), ["subscription.test"]);
}
