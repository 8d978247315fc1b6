//! What is given back to its publisher, and what is said with it.

use std::collections::BTreeSet;

use belltower::domain::operator::Role;
use belltower::service::Services;
use belltower::service::sources::{self, GrantForm, NewSource, set_enabled};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, QueueDeleteOptions};
use serde_json::{Value, json};

use super::{Hall, message, message_and};
use crate::support::app::everything;
use crate::support::broker::{Broker, until, with_broker};
use crate::support::faulty;
use crate::support::operator;

/// What is wrong, the properties, routing key and body it is published with, and the problem's status and code.
type Case<'c> = (&'static str, BasicProperties, &'static str, &'c [u8], u16, &'static str);

#[test]
fn what_is_wrong_is_given_back_with_what_to_change() {
    with_broker(async |broker: &'static Broker| {
        let library = NewSource {
            topics: vec!["library.#".to_owned()],
            rights: vec!["send_direct".to_owned()],
            ..everything("library")
        };
        let hall = Hall::open_for(broker, library).await;
        let good = message().to_string();
        let plain = || hall.properties("loan-1");
        let without_id = BasicProperties::default().with_user_id(hall.broker.user.as_str().into());
        let without_user = BasicProperties::default().with_message_id("loan-1".into());
        let other_topic = message_and(json!({ "topic": "library.new" })).to_string();
        let empty = json!({ "title": "", "to": [{ "email": "a@campus.example" }] }).to_string();
        let emergency = message_and(json!({ "category": "emergency" })).to_string();
        let large = vec![b' '; (1 << 20) + 1];
        let cases: [Case<'_>; 12] = [
            ("no id", without_id, "library.due", good.as_bytes(), 422, "invalid"),
            ("no user", without_user, "library.due", good.as_bytes(), 401, "unauthenticated"),
            (
                "an id of several lines",
                hall.properties("a\nb"),
                "library.due",
                good.as_bytes(),
                422,
                "invalid",
            ),
            ("no JSON", plain(), "library.due", b"{\"title\":", 400, "malformed"),
            ("no message", plain(), "library.due", b"[]", 422, "invalid"),
            ("no title", plain(), "library.due", empty.as_bytes(), 422, "invalid"),
            ("two topics", plain(), "library.due", other_topic.as_bytes(), 422, "invalid"),
            ("no topic", plain(), "Library", good.as_bytes(), 422, "invalid"),
            ("another's topic", plain(), "campus.notice", good.as_bytes(), 403, "forbidden"),
            ("no right", plain(), "library.due", emergency.as_bytes(), 403, "forbidden"),
            ("too large", plain(), "library.due", &large, 413, "too_large"),
            (
                "compressed",
                plain().with_content_encoding("gzip".into()),
                "library.due",
                good.as_bytes(),
                415,
                "unsupported_media_type",
            ),
        ];
        for (why, properties, key, body, status, code) in cases {
            hall.publish_as(properties.clone(), key, body).await;
            let back = hall.rejected().await;
            assert_eq!(
                (back.headers["x-problem-status"].as_str(), back.code()),
                (&*status.to_string(), code),
                "{why}"
            );
            assert_eq!(back.body, body, "{why}");
            assert_eq!(back.headers["x-routing-key"], key, "{why}");
            assert_eq!(back.headers["x-exchange"], hall.name("intake"), "{why}");
            assert_eq!(back.properties.message_id(), properties.message_id(), "{why}");
            assert_eq!(back.properties.delivery_mode(), &Some(2), "{why}");
            let problem = back.problem();
            assert_eq!((&problem["status"], &problem["code"]), (&json!(status), &json!(code)), "{why}");
            assert!(
                !back.headers["x-problem-detail"].is_empty() && !back.headers["x-rejected-at"].is_empty()
            );
            assert_eq!(
                back.headers.get("x-user-id"),
                (code != "unauthenticated").then_some(&hall.broker.user)
            );
        }
        assert!(hall.kept().await.is_empty());
        // Nothing of it has used up the id.
        hall.publish("loan-1", &message()).await;
        hall.until_kept(1).await;
        hall.until_settled().await;
    });
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect()
}

#[test]
fn one_id_stands_for_one_body() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        hall.publish("loan-1", &message()).await;
        hall.until_kept(1).await;
        hall.publish("loan-1", &message_and(json!({ "title": "另一个" }))).await;
        assert_eq!(hall.rejected().await.code(), "idempotency_mismatch");
        hall.publish("loan-2", &message_and(json!({ "topic": "library.new" }))).await;
        assert_eq!(pointers(&hall.rejected().await.problem()), ["/topic"]);
        assert_eq!(hall.kept().await.len(), 1);
    });
}

#[test]
fn of_several_that_are_rejected_at_once_none_is_lost_where_their_place_was_gone() {
    with_broker(async |broker: &'static Broker| {
        const ALL: usize = 30;
        let hall = Hall::open(broker).await;
        // From now on there is a connection that has seen their queue.
        hall.publish("first", &json!({})).await;
        hall.rejected().await;
        let queue = hall.name("intake.rejected");
        hall.channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
        for number in 0..ALL {
            hall.publish(&format!("loan-{number}"), &json!({})).await;
        }
        // They are counted once they lie there, and only then has everybody the queue again.
        hall.until_counted("rejected", 1 + ALL as u64).await;
        let mut ids = BTreeSet::new();
        for _ in 0..ALL {
            let back = hall.rejected().await;
            ids.insert(back.properties.message_id().as_ref().unwrap().to_string());
        }
        assert_eq!(ids.len(), ALL, "{ids:?}");
        hall.until_settled().await;
        // What could not be laid there at first is noted once it was.
        let (s, owner) = (&hall.app.services, operator(Role::Owner));
        let calls = sources::calls(s, &owner, hall.source, false, 200).await.unwrap();
        assert_eq!(calls.len(), 1 + ALL);
    });
}

async fn publishes_as(s: &Services, hall: &Hall, user: &str) {
    let form = GrantForm {
        department: "图书馆".to_owned(),
        topics: vec!["#".to_owned()],
        channels: vec!["email".to_owned()],
        rights: vec!["send_direct".to_owned()],
        broker_user: user.to_owned(),
        ..GrantForm::default()
    };
    sources::update(s, &operator(Role::Owner), hall.source, form).await.unwrap();
}

#[test]
fn nothing_is_taken_of_a_user_whose_source_is_unknown_or_disabled_or_has_used_up_its_day() {
    with_broker(async |broker: &'static Broker| {
        let hall =
            Hall::open_for(broker, NewSource { daily_messages: Some(1), ..everything("library") }).await;
        let s = &hall.app.services;
        hall.publish("loan-1", &message()).await;
        hall.until_kept(1).await;
        hall.publish("loan-2", &message()).await;
        assert_eq!(hall.rejected().await.code(), "quota_exhausted");

        set_enabled(s, &operator(Role::Owner), hall.source, false).await.unwrap();
        hall.publish("loan-3", &message()).await;
        let back = hall.rejected().await;
        assert_eq!(back.code(), "unauthenticated");
        assert!(back.headers["x-problem-detail"].contains("disabled"), "{:?}", back.headers);
        set_enabled(s, &operator(Role::Owner), hall.source, true).await.unwrap();

        publishes_as(s, &hall, "somebody else").await;
        hall.publish("loan-4", &message()).await;
        let back = hall.rejected().await;
        assert!(back.headers["x-problem-detail"].contains("no source"), "{:?}", back.headers);
        publishes_as(s, &hall, &hall.broker.user).await;
        hall.publish("loan-5", &message()).await;
        hall.until_kept(2).await;
    });
}

#[test]
fn the_broker_takes_nothing_in_anothers_name() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        let forged = hall.properties("loan-1").with_user_id("registry".into());
        let options = BasicPublishOptions::default();
        let exchange = hall.name("intake");
        let body = message().to_string();
        let sent = hall
            .channel
            .basic_publish(exchange.into(), "library.due".into(), options, body.as_bytes(), forged)
            .await;
        let refused = sent.unwrap().await.unwrap_err().to_string();
        assert!(refused.contains("user_id"), "{refused}");
        assert!(hall.kept().await.is_empty());
    });
}

#[test]
fn what_fails_for_a_reason_of_ours_that_does_not_pass_is_given_back_in_the_end() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        let db = &hall.app.services.db;
        faulty::refuse(db, "message", "title", "no").await;
        hall.publish("loan-1", &message_and(json!({ "title": "no" }))).await;
        hall.publish("loan-2", &message()).await;
        hall.until_kept(1).await;
        assert!(hall.any_rejected().await.is_none(), "it may pass");
        let back = until("it is given back", async || {
            hall.app.clock.turn(1_000);
            hall.any_rejected().await
        })
        .await;
        assert_eq!((back.headers["x-problem-status"].as_str(), back.code()), ("500", "internal"));
        assert!(!back.headers["x-problem"].contains("refused"), "{:?}", back.headers);
        faulty::allow(db, "message").await;
        hall.publish("loan-1", &message_and(json!({ "title": "no" }))).await;
        hall.until_kept(2).await;
    });
}
