//! What is kept, and how often.

use belltower::domain::operator::Role;
use belltower::service::sources::{self, NewSource};
use reqwest::Method;
use serde_json::json;

use super::{Hall, message, message_and, serve};
use crate::support::app::{Answer, everything};
use crate::support::broker::{Broker, until, with_broker};
use crate::support::operator;

#[test]
fn what_is_published_is_kept_under_its_topic_and_once() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        hall.publish("loan-4711", &message()).await;
        let first = hall.until_kept(1).await.remove(0);
        assert_eq!(first.topic, "library.due");
        hall.until_counted("accepted", 1).await;

        hall.publish("loan-4711", &message()).await;
        hall.publish("loan-4711", &message_and(json!({ "topic": "library.due" }))).await;
        hall.until_counted("replayed", 2).await;
        hall.publish("loan-4712", &message_and(json!({ "dedup_key": "4712" }))).await;
        hall.until_counted("accepted", 2).await;
        hall.publish("loan-4713", &message_and(json!({ "dedup_key": "4712" }))).await;
        hall.until_counted("duplicate", 1).await;
        assert_eq!(hall.kept().await.len(), 2);
        assert_eq!(hall.counted("rejected"), 0);
        hall.until_settled().await;

        let calls =
            sources::calls(&hall.app.services, &operator(Role::Owner), hall.source, false, 50).await.unwrap();
        assert_eq!(calls.len(), 5);
        assert_eq!(
            (calls[0].method.as_str(), calls[0].route.as_str()),
            ("AMQP", hall.name("intake").as_str())
        );
        assert_eq!(calls[0].key, format!("amqp {}", hall.broker.user));
    });
}

#[test]
fn an_id_is_the_same_by_the_broker_and_by_the_api() {
    with_broker(async |broker: &'static Broker| {
        let hall = Hall::open(broker).await;
        let owner = operator(Role::Owner);
        let key = sources::create_key(&hall.app.services, &owner, hall.source, false).await.unwrap().key;
        let body = message_and(json!({ "topic": "library.due" }));
        let by_call = hall.app.api_as(&key, Method::POST, "/messages").header("idempotency-key", "loan-1");
        Answer::of(by_call.json(&body)).await.expect(202);
        hall.publish("loan-1", &message()).await;
        hall.until_counted("replayed", 1).await;
        assert_eq!(hall.kept().await.len(), 1);
    });
}

#[test]
fn a_source_that_publishes_too_fast_waits_and_loses_nothing() {
    with_broker(async |broker: &'static Broker| {
        const ALL: usize = 12;
        let slow = NewSource { rate_per_second: Some(1), ..everything("library") };
        let hall = Hall::open_for(broker, slow).await;
        for number in 0..ALL {
            hall.publish(&format!("loan-{number}"), &message()).await;
        }
        // Some wait in the process, as many as may, and the rest at the broker.
        until("some are to come again", async || (hall.counted("later") > 0).then_some(())).await;
        until("all are kept", async || {
            hall.app.clock.turn(1_000);
            (hall.kept().await.len() == ALL).then_some(())
        })
        .await;
        hall.until_settled().await;
        assert_eq!((hall.counted("accepted"), hall.counted("rejected")), (ALL as u64, 0));
    });
}

#[test]
fn processes_share_what_is_published() {
    with_broker(async |broker: &'static Broker| {
        const ALL: usize = 150;
        let hall = Hall::open(broker).await;
        serve(&hall.broker, &hall.app.services, &hall.app.lifecycle);
        for queue in ["intake", "intake.again"] {
            until("both take", async || (hall.looked(queue).await.1 == 2).then_some(())).await;
        }
        for number in 0..ALL {
            hall.publish(&format!("loan-{number}"), &message()).await;
        }
        hall.until_kept(ALL).await;
        hall.until_counted("accepted", ALL as u64).await;
        hall.until_settled().await;
        assert_eq!(hall.counted("replayed"), 0);
    });
}
