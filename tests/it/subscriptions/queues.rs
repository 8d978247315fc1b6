//! Events that go into queues at a broker, and what becomes of them where it or the queue is not there.

use std::sync::Arc;

use belltower::channel::queues::SourceQueues;
use belltower::config::BrokerUrl;
use belltower::domain::alarm::Matter;
use belltower::domain::subscription::{ATTEMPTS, wait};
use belltower::service::{alarms, readiness};
use lapin::options::{
    BasicGetOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ExchangeKind};
use reqwest::Method;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{MINUTE, SECOND, SUBSCRIPTIONS, app_of, deliveries, path, send, send_as, settle, show, source};
use crate::support::TERMINAL;
use crate::support::app::{Answer, TestApp};
use crate::support::broker::{Broker, until, with_broker};

const ACCEPTED: &[&str] = &["message.accepted"];
const BOTH: &[&str] = &["message.accepted", "message.completed"];

/// A server whose sources may subscribe with queues, and somebody else at the same broker.
struct Stage {
    app: TestApp,
    at: BrokerUrl,
    channel: Channel,
    _connection: Connection,
}

/// What was in a queue.
#[derive(Debug)]
struct Got {
    properties: BasicProperties,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn id(&self) -> String {
        self.properties.message_id().as_ref().unwrap().to_string()
    }

    fn kind(&self) -> String {
        self.properties.kind().as_ref().unwrap().to_string()
    }

    fn message(&self) -> String {
        self.json()["data"]["message"]["id"].as_str().unwrap().to_owned()
    }

    fn header(&self, name: &str) -> String {
        match &self.properties.headers().as_ref().unwrap().inner()[name] {
            AMQPValue::LongString(text) => text.to_string(),
            AMQPValue::LongLongInt(number) => number.to_string(),
            other => panic!("{name}: {other:?}"),
        }
    }
}

impl Stage {
    async fn new(broker: &Broker) -> Self {
        let at = broker.fresh();
        Self::by_way_of(broker, &at, at.clone()).await
    }

    /// The server reaches the broker by another address.
    async fn by_way_of(broker: &Broker, at: &BrokerUrl, by: BrokerUrl) -> Self {
        let app = app_of(|s| s.source_queues = Some(Arc::new(SourceQueues::new(by, None)))).await;
        let (connection, channel) = broker.channel().await;
        Self { app, at: at.clone(), channel, _connection: connection }
    }

    async fn subscribe(&self, events: &[&str]) -> Value {
        self.subscribe_as(&self.app.live_key, events).await
    }

    async fn subscribe_as(&self, key: &str, events: &[&str]) -> Value {
        let body =
            json!({"topics": ["#"], "events": events, "endpoint": {"kind": "amqp", "queue": "library"}});
        Answer::of(self.app.api_as(key, Method::POST, SUBSCRIPTIONS).json(&body)).await.expect(201)
    }

    /// Takes what is in the subscription's queue.
    async fn got(&self, subscription: &Value) -> Vec<Got> {
        let mut got = Vec::new();
        let options = BasicGetOptions { no_ack: true };
        while let Some(taken) = self.channel.basic_get(queue(subscription).into(), options).await.unwrap() {
            let body = String::from_utf8(taken.delivery.data).unwrap();
            got.push(Got { properties: taken.delivery.properties, body });
        }
        got
    }

    async fn kinds(&self, subscription: &Value) -> Vec<String> {
        self.got(subscription).await.iter().map(Got::kind).collect()
    }

    /// Somebody deletes the subscription's queue, with what is in it.
    async fn lose(&self, subscription: &Value) {
        let options = QueueDeleteOptions::default();
        self.channel.queue_delete(queue(subscription).into(), options).await.unwrap();
    }

    /// An administrator makes the subscription's queue, with room for one event.
    async fn make_small(&self, subscription: &Value) {
        let mut bounds = FieldTable::default();
        bounds.insert("x-max-length".into(), AMQPValue::LongInt(1));
        bounds.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(queue(subscription).into(), options, bounds).await.unwrap();
    }

    /// What `/readyz` says of events that do not reach the broker.
    async fn trouble(&self) -> Option<String> {
        let parts = readiness::check(&self.app.services).await;
        let part = parts.into_iter().find(|part| part.name == "events")?;
        assert_eq!(part.status, "degraded");
        part.detail
    }

    /// Leaves nothing at the broker.
    async fn clean(&self, subscriptions: &[&Value]) {
        for subscription in subscriptions {
            self.lose(subscription).await;
        }
        let exchange = format!("{}.out", self.at.prefix);
        self.channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await.unwrap();
    }
}

fn queue(subscription: &Value) -> &str {
    subscription["endpoint"]["queue"].as_str().unwrap()
}

fn answer(row: &Value) -> &str {
    row["last_answer"].as_str().unwrap()
}

#[test]
fn an_event_arrives_signed_with_all_that_stands_beside_it() {
    with_broker(async |broker: &'static Broker| {
        let stage = Stage::new(broker).await;
        let app = &stage.app;
        let made = stage.subscribe(BOTH).await;
        assert!(queue(&made).starts_with(&format!("{}.out.src_", stage.at.prefix)), "{made}");
        assert_eq!(stage.got(&made).await.len(), 0, "it is there to be read from the first moment");
        let message = send(app, &["P1"]).await;
        settle(app).await;
        let got = stage.got(&made).await;
        assert_eq!(got.iter().map(Got::kind).collect::<Vec<_>>(), BOTH);
        let reference = Webhook::new(made["secret"].as_str().unwrap()).unwrap();
        for one in &got {
            assert_eq!(one.message(), message);
            assert_eq!(
                (one.json()["type"].as_str(), one.json()["data"]["id"].as_str()),
                (Some(&*one.kind()), Some(&*one.id()))
            );
            let properties = &one.properties;
            assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/json");
            assert_eq!((*properties.delivery_mode(), one.header("attempt").as_str()), (Some(2), "1"));
            let time: i64 = one.header("webhook-timestamp").parse().unwrap();
            assert_eq!(*properties.timestamp(), Some(time as u64));
            assert_eq!(one.header("webhook-id"), one.id());
            let expected = reference.sign(&one.id(), time, one.body.as_bytes()).unwrap();
            assert_eq!(one.header("webhook-signature"), expected);
        }
        let listed = deliveries(app, &made).await;
        assert_eq!(listed.len(), 2);
        for row in listed {
            assert_eq!((&row["state"], answer(&row)), (&json!("delivered"), "confirmed"), "{row}");
            assert!(row["last_status"].is_null(), "{row}");
        }
        let tested = app.post(&path(&made, "/test"), &json!({})).await.expect(202);
        app.drain().await;
        let got = stage.got(&made).await;
        assert_eq!(
            (got[0].kind().as_str(), got[0].id().as_str()),
            ("subscription.test", tested["event_id"].as_str().unwrap())
        );
        let replay = deliveries(app, &made).await[0]["id"].as_str().unwrap().to_owned();
        let replay = path(&made, &format!("/deliveries/{replay}/replay"));
        assert_eq!(app.post(&replay, &json!({})).await.status, 202);
        app.drain().await;
        let again = &stage.got(&made).await[0];
        assert_eq!((again.id(), again.header("attempt").as_str()), (got[0].id(), "2"));
        stage.clean(&[&made]).await;
    });
}

#[test]
fn a_queue_holds_what_its_source_may_see_and_outlives_its_subscription() {
    with_broker(async |broker: &'static Broker| {
        let stage = Stage::new(broker).await;
        let app = &stage.app;
        let key = source(app, "library", &["subscribe"]).await;
        let (own, all) = (stage.subscribe_as(&key, ACCEPTED).await, stage.subscribe(ACCEPTED).await);
        assert_ne!(queue(&own), queue(&all));
        send(app, &["P1"]).await;
        app.drain().await;
        assert_eq!((stage.got(&own).await.len(), stage.got(&all).await.len()), (0, 1));
        let theirs = send_as(app, &key, &["P1"]).await;
        app.drain().await;
        assert_eq!(stage.got(&all).await.len(), 1);
        let gone = Answer::of(app.api_as(&key, Method::DELETE, &path(&own, ""))).await;
        assert_eq!(gone.status, 204);
        send_as(app, &key, &["P1"]).await;
        app.drain().await;
        let left: Vec<_> = stage.got(&own).await.iter().map(Got::message).collect();
        assert_eq!(left, [theirs], "what was in it stays, and nothing comes any more");
        stage.clean(&[&own, &all]).await;
    });
}

#[test]
fn a_queue_that_was_deleted_is_a_failure_and_is_made_anew() {
    with_broker(async |broker: &'static Broker| {
        let stage = Stage::new(broker).await;
        let app = &stage.app;
        let made = stage.subscribe(BOTH).await;
        send(app, &["P1"]).await;
        settle(app).await;
        stage.lose(&made).await;
        send(app, &["P1"]).await;
        app.drain().await;
        let shown = show(app, &made).await;
        assert_eq!(shown["failures"], 1, "{shown}");
        assert!(shown["last"]["answer"].as_str().unwrap().starts_with("no_queue: "), "{shown}");
        assert_eq!(stage.got(&made).await.len(), 0);
        app.clock.turn(6 * SECOND);
        settle(app).await;
        assert_eq!(stage.kinds(&made).await, BOTH);
        let shown = show(app, &made).await;
        assert_eq!((&shown["failures"], &shown["waiting"]), (&json!(0), &json!(0)), "{shown}");
        stage.clean(&[&made]).await;
    });
}

#[test]
fn a_full_queue_gets_the_rest_once_it_is_read() {
    with_broker(async |broker: &'static Broker| {
        let stage = Stage::new(broker).await;
        let app = &stage.app;
        let made = stage.subscribe(ACCEPTED).await;
        stage.lose(&made).await;
        // It is left as the administrator wants it.
        stage.make_small(&made).await;
        let first = send(app, &["P1"]).await;
        app.drain().await;
        app.clock.turn(6 * SECOND);
        app.drain().await;
        let second = send(app, &["P1"]).await;
        app.drain().await;
        let listed = deliveries(app, &made).await;
        assert_eq!(listed[0]["state"], "waiting", "{listed:?}");
        assert!(answer(&listed[0]).starts_with("refused: "), "{listed:?}");
        let read: Vec<_> = stage.got(&made).await.iter().map(Got::message).collect();
        assert_eq!(read, [first]);
        app.clock.turn(6 * SECOND);
        app.drain().await;
        let read: Vec<_> = stage.got(&made).await.iter().map(Got::message).collect();
        assert_eq!(read, [second]);
        stage.clean(&[&made]).await;
    });
}

#[test]
fn a_queue_that_nobody_reads_for_three_days_is_disabled_and_somebody_is_told() {
    with_broker(async |broker: &'static Broker| {
        let stage = Stage::new(broker).await;
        let app = &stage.app;
        let made = stage.subscribe(ACCEPTED).await;
        stage.lose(&made).await;
        stage.make_small(&made).await;
        send(app, &["P1"]).await;
        app.drain().await;
        app.clock.turn(6 * SECOND);
        app.drain().await;
        send(app, &["P1"]).await;
        app.drain().await;
        for failures in 1..ATTEMPTS as i64 {
            let shown = show(app, &made).await;
            assert_eq!(
                (&shown["status"], &shown["failures"]),
                (&json!("active"), &json!(failures)),
                "{shown}"
            );
            app.clock.turn(wait(failures, 1.0).unwrap().as_millis() as i64 + SECOND);
            app.drain().await;
        }
        assert_eq!(show(app, &made).await["disabled"]["reason"], "exhausted");
        alarms::check(&app.services).await.unwrap();
        let open = alarms::open(&app.services, &TERMINAL).await.unwrap();
        let is_it = |matter: &Matter| matches!(matter, Matter::Endpoint { host, .. } if host == queue(&made));
        assert!(open.iter().any(|row| is_it(&row.matter.0)), "{open:?}");
        stage.got(&made).await;
        app.post(&path(&made, "/enable"), &json!({})).await.expect(200);
        app.drain().await;
        assert_eq!(stage.got(&made).await.len(), 1, "what it missed follows");
        stage.clean(&[&made]).await;
    });
}

#[test]
fn while_the_broker_is_away_events_wait_and_nobody_is_blamed() {
    with_broker(async |broker: &'static Broker| {
        let at = broker.fresh();
        let (proxy, by) = broker.through_proxy(&at).await;
        let stage = Stage::by_way_of(broker, &at, by).await;
        let app = &stage.app;
        let made = stage.subscribe(BOTH).await;
        send(app, &["P1"]).await;
        settle(app).await;
        assert_eq!(stage.kinds(&made).await, BOTH);

        proxy.cut();
        let mut sent = Vec::new();
        for _ in 0..15 {
            sent.push(send(app, &["P1"]).await);
            settle(app).await;
        }
        let shown = show(app, &made).await;
        assert_eq!((&shown["status"], &shown["failures"]), (&json!("active"), &json!(0)), "{shown}");
        assert!(shown["last"]["answer"].as_str().unwrap().starts_with("broker_away: "), "{shown}");
        assert!(shown["next_attempt_at"].is_string(), "{shown}");
        assert!(stage.trouble().await.is_some(), "whoever looks after the broker is told");

        proxy.mend();
        until("all that waited is told", async || {
            app.clock.turn(12 * SECOND);
            app.drain().await;
            (show(app, &made).await["waiting"] == 0).then_some(())
        })
        .await;
        let got = stage.got(&made).await;
        for message in sent {
            let mut of: Vec<_> = got.iter().filter(|one| one.message() == message).map(Got::kind).collect();
            // What was under way when the broker went may be there twice.
            of.dedup();
            assert_eq!(of, BOTH, "in order");
        }
        assert_eq!(stage.trouble().await, None);
        stage.clean(&[&made]).await;
    });
}

#[test]
fn an_event_whose_confirmation_is_lost_is_sent_again_under_the_same_id() {
    with_broker(async |broker: &'static Broker| {
        let at = broker.fresh();
        let (proxy, by) = broker.through_proxy(&at).await;
        let stage = Stage::by_way_of(broker, &at, by).await;
        let app = &stage.app;
        let made = stage.subscribe(ACCEPTED).await;
        send(app, &["P1"]).await;
        proxy.withhold();
        tokio::join!(app.drain(), async {
            until("the broker has it", async || (proxy.withheld() > 0).then_some(())).await;
            proxy.confirm();
            proxy.sever();
        });
        let listed = deliveries(app, &made).await;
        assert_eq!(
            (&listed[0]["state"], &listed[0]["attempts"]),
            (&json!("waiting"), &json!(1)),
            "{listed:?}"
        );
        until("it is told again", async || {
            app.clock.turn(MINUTE);
            app.drain().await;
            (show(app, &made).await["waiting"] == 0).then_some(())
        })
        .await;
        let got = stage.got(&made).await;
        assert!(got.len() >= 2 && got.iter().all(|one| one.id() == got[0].id()), "{got:?}");
        assert_eq!(got[0].body, got[1].body);
        assert_eq!(got[0].header("attempt"), "1");
        stage.clean(&[&made]).await;
    });
}

#[test]
fn a_broker_that_takes_connections_and_not_events_is_told_of() {
    with_broker(async |broker: &'static Broker| {
        let stage = Stage::new(broker).await;
        let app = &stage.app;
        assert_eq!(stage.trouble().await, None);
        let exchange = format!("{}.out", stage.at.prefix);
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let others = stage.channel.exchange_declare(
            exchange.as_str().into(),
            ExchangeKind::Fanout,
            options,
            FieldTable::default(),
        );
        others.await.unwrap();
        let made = stage.subscribe(ACCEPTED).await;
        send(app, &["P1"]).await;
        app.drain().await;
        let shown = show(app, &made).await;
        assert_eq!(shown["failures"], 0, "{shown}");
        assert!(shown["last"]["answer"].as_str().unwrap().starts_with("broker_away: "), "{shown}");
        let told = stage.trouble().await.unwrap();
        assert!(told.contains(&exchange) && told.contains("delete it"), "{told}");

        stage.channel.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await.unwrap();
        app.clock.turn(12 * SECOND);
        app.drain().await;
        assert_eq!(stage.kinds(&made).await, ACCEPTED);
        assert_eq!(stage.trouble().await, None);
        stage.clean(&[&made]).await;
    });
}
