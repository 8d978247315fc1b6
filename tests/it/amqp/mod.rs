//! Messages that sources publish at a real RabbitMQ: what is kept, what is given back and why, and what becomes of them while
//! something breaks.

mod breaks;
mod expired;
mod programs;
mod rejected;
mod taken;

use std::collections::BTreeMap;
use std::time::Duration;

use belltower::broker::dial::Target;
use belltower::config::BrokerUrl;
use belltower::domain::id::SourceId;
use belltower::domain::operator::Role;
use belltower::intake::amqp;
use belltower::lifecycle::{Ending, Lifecycle};
use belltower::service::Services;
use belltower::service::messages::{self, MessageQuery, MessageSummary};
use belltower::service::sources::{self, NewSource};
use lapin::options::{
    BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use serde_json::{Value, json};

use crate::support::app::{TestApp, everything};
use crate::support::broker::{Broker, until};
use crate::support::operator;

/// A source at the broker, and the door that it publishes to.
struct Hall {
    app: TestApp,
    broker: BrokerUrl,
    source: SourceId,
    channel: Channel,
    _connection: Connection,
}

impl Drop for Hall {
    /// What is removed at the broker afterwards is not to be made anew.
    fn drop(&mut self) {
        self.app.lifecycle.abort();
    }
}

/// What was given back, with its headers as texts.
struct Rejected {
    body: Vec<u8>,
    properties: BasicProperties,
    headers: BTreeMap<String, String>,
}

impl Rejected {
    fn code(&self) -> &str {
        &self.headers["x-problem-code"]
    }

    fn problem(&self) -> Value {
        serde_json::from_str(&self.headers["x-problem"]).unwrap()
    }
}

impl Hall {
    async fn open(broker: &'static Broker) -> Self {
        Self::open_for(broker, everything("library")).await
    }

    /// With the door open, for a source as it is described, which publishes as the one user that the broker knows.
    async fn open_for(broker: &'static Broker, new: NewSource) -> Self {
        let address = broker.fresh();
        Self::over(TestApp::start().await, broker, &address, &address, new).await
    }

    /// Over an application that is there, with a door that reaches the broker by `way`.
    async fn over(
        app: TestApp,
        broker: &'static Broker,
        address: &BrokerUrl,
        way: &BrokerUrl,
        new: NewSource,
    ) -> Self {
        let new = NewSource { broker_user: address.user.clone(), ..new };
        let source = sources::create(&app.services, &operator(Role::Owner), new).await.unwrap().source_id;
        serve(way, &app.services, &app.lifecycle);
        Self::before(app, broker, address, source).await
    }

    /// Before the door of another process.
    async fn beside(app: TestApp, broker: &'static Broker, address: &BrokerUrl) -> Self {
        Self::before(app, broker, address, SourceId(0)).await
    }

    async fn before(app: TestApp, broker: &'static Broker, address: &BrokerUrl, source: SourceId) -> Self {
        let (connection, channel) = broker.channel().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let hall = Self { app, broker: address.clone(), source, channel, _connection: connection };
        hall.until_open(broker).await;
        hall
    }

    /// Where there is nothing yet, whoever publishes loses the channel.
    async fn until_open(&self, broker: &'static Broker) {
        let intake = self.name("intake");
        until("the door is open", async || {
            let (_connection, channel) = broker.channel().await;
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            let declared =
                channel.queue_declare(intake.as_str().into(), options, FieldTable::default()).await;
            declared.ok().filter(|queue| queue.consumer_count() > 0).map(drop)
        })
        .await;
    }

    fn name(&self, of: &str) -> String {
        format!("{}.{of}", self.broker.prefix)
    }

    /// As a library does that is told what to do.
    fn properties(&self, id: &str) -> BasicProperties {
        BasicProperties::default()
            .with_user_id(self.broker.user.as_str().into())
            .with_message_id(id.into())
            .with_content_type("application/json".into())
            .with_delivery_mode(2)
    }

    /// Publishes a message about `library.due` and waits until the broker has it.
    async fn publish(&self, id: &str, body: &Value) {
        self.publish_as(self.properties(id), "library.due", body.to_string().as_bytes()).await;
    }

    async fn publish_as(&self, properties: BasicProperties, key: &str, body: &[u8]) {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let exchange = self.name("intake");
        let sent = self.channel.basic_publish(exchange.into(), key.into(), options, body, properties).await;
        let confirmed = sent.unwrap().await.unwrap();
        assert!(matches!(confirmed, Confirmation::Ack(None)), "{confirmed:?}");
    }

    /// Messages that are kept, the newest first.
    async fn kept(&self) -> Vec<MessageSummary> {
        kept(&self.app.services).await
    }

    async fn until_kept(&self, messages: usize) -> Vec<MessageSummary> {
        until("they are kept", async || Some(self.kept().await).filter(|all| all.len() == messages)).await
    }

    /// Takes the next one out that was given back.
    async fn rejected(&self) -> Rejected {
        until("it is given back", async || self.any_rejected().await).await
    }

    /// Takes one out that was given back, where there is one.
    async fn any_rejected(&self) -> Option<Rejected> {
        let queue = self.name("intake.rejected");
        let got = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await.unwrap()?;
        got.delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
        let headers = got.delivery.properties.headers().clone().unwrap();
        let told = |(name, value): (&lapin::types::ShortString, &AMQPValue)| {
            let value = match value {
                AMQPValue::LongString(text) => text.to_string(),
                AMQPValue::LongInt(number) => number.to_string(),
                other => format!("{other:?}"),
            };
            (name.to_string(), value)
        };
        Some(Rejected {
            headers: headers.inner().iter().map(told).collect(),
            body: got.delivery.data,
            properties: got.delivery.properties,
        })
    }

    /// How often something became of a publication, as the process counts it.
    fn counted(&self, became: &str) -> u64 {
        let line = format!("belltower_publications_total{{became=\"{became}\"}} ");
        let figures = self.app.services.metrics.render();
        let found = figures.lines().find_map(|figure| figure.strip_prefix(&line));
        found.map_or(0, |figure| figure.parse::<f64>().unwrap() as u64)
    }

    async fn until_counted(&self, became: &str, times: u64) {
        until(&format!("{times} {became}"), async || (self.counted(became) == times).then_some(())).await;
    }

    /// How many messages wait in a queue, those aside that somebody has in hand, and how many take from it.
    async fn looked(&self, queue: &str) -> (u32, u32) {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(self.name(queue).into(), options, FieldTable::default());
        let queue = queue.await.unwrap();
        (queue.message_count(), queue.consumer_count())
    }

    async fn waiting(&self) -> u32 {
        let mut waiting = 0;
        for queue in ["intake", "intake.later", "intake.again"] {
            waiting += self.looked(queue).await.0;
        }
        waiting
    }

    /// The process takes nothing any more, and what it had in hand and did not settle waits again.
    async fn shut(&self) {
        self.app.lifecycle.stop();
        assert_eq!(self.app.lifecycle.wait(Duration::from_mins(1)).await, Ending::Finished);
        self.until_nobody_takes().await;
    }

    async fn until_nobody_takes(&self) {
        for queue in ["intake", "intake.again"] {
            until("nobody takes", async || (self.looked(queue).await.1 == 0).then_some(())).await;
        }
    }

    /// Nothing waits, and nothing was in anybody's hand. The door is shut for that: what it has in hand the broker tells nobody.
    async fn until_settled(&self) {
        until("everything is taken", async || (self.waiting().await == 0).then_some(())).await;
        self.shut().await;
        assert_eq!(self.waiting().await, 0, "something was not settled");
    }
}

fn serve(way: &BrokerUrl, s: &Services, lifecycle: &Lifecycle) {
    amqp::serve(Target::new(way.clone(), None), s.clone(), lifecycle);
}

async fn kept(s: &Services) -> Vec<MessageSummary> {
    let query = MessageQuery { limit: 200, ..MessageQuery::default() };
    messages::list(s, &operator(Role::Owner), &query).await.unwrap().items
}

/// To somebody outside the directory, without a topic of its own.
fn message() -> Value {
    json!({ "title": "图书到期", "body": "《信号与系统》明天到期。", "to": [{ "email": "reader@campus.example" }] })
}

fn message_and(more: Value) -> Value {
    let mut message = message();
    for (name, value) in more.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}
