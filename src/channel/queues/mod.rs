//! Queues at the broker that sources are told of events by. Each has the name of its source in its own, which follows from our
//! side alone: whatever a source asks for, nothing is published into somebody else's queue.
//!
//! - `topology`: names, and what stands at the broker

mod topology;

use std::sync::Arc;
use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::topology::Names;
use crate::broker::dial::Target;
use crate::broker::lines::{Lines, Open};
use crate::broker::standing;
use crate::config::BrokerUrl;
use crate::domain::id::SourceId;
use crate::domain::subscription::QueueName;

/// From the connection, where there is none, to the broker's confirmation.
const PATIENCE: Duration = Duration::from_secs(10);
/// Publications at a time. Each has a channel of its own.
const AT_ONCE: usize = 32;
const PERSISTENT: u8 = 2;
/// The connection's name, and what its being away means, for logs.
const PURPOSE: &str = "publishing events";
const MEANWHILE: &str = "what sources are told by queues waits in the store";

/// An event as it goes into a queue.
#[derive(Clone, Copy, Debug)]
pub struct Event<'e> {
    /// The same however often it is sent.
    pub id: &'e str,
    /// Such as `message.completed`.
    pub kind: &'e str,
    /// This try's number.
    pub attempt: i64,
    /// Seconds since 1970, of this try.
    pub timestamp: i64,
    /// As of a webhook.
    pub signature: &'e str,
    pub body: &'e [u8],
}

/// Why an event is not in its queue, or not known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A word for it.
    pub code: &'static str,
    /// It is the queue's, which its source can do something about; otherwise the broker's or its operators'.
    pub is_the_queues: bool,
    pub detail: String,
}

impl Failure {
    fn of_queue(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, is_the_queues: true, detail: detail.into() }
    }

    fn away(detail: impl Into<String>) -> Self {
        Self { code: "broker_away", is_the_queues: false, detail: detail.into() }
    }
}

/// Tells sources by queues of their own.
pub struct SourceQueues {
    names: Names,
    lines: Lines,
    room: Semaphore,
}

impl std::fmt::Debug for SourceQueues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceQueues").field("names", &self.names).finish_non_exhaustive()
    }
}

impl SourceQueues {
    /// Connects to nobody yet. `trusts` is for `amqps`.
    pub fn new(broker: BrokerUrl, trusts: Option<Arc<ClientConfig>>) -> Self {
        Self {
            names: Names::new(&broker.prefix),
            lines: Lines::new(Target::new(broker, trusts), PURPOSE, MEANWHILE),
            room: Semaphore::new(AT_ONCE),
        }
    }

    /// How this process is called in the broker's list.
    pub fn called(&self, name: &str) {
        self.lines.called(name);
    }

    /// The whole name of a source's queue.
    pub fn name(&self, source: SourceId, own: &QueueName) -> String {
        self.names.queue(source, own)
    }

    /// Makes a queue where there is none.
    ///
    /// # Errors
    ///
    /// Where it cannot be made now; the first event tries again.
    pub async fn prepare(&self, queue: &str) -> Result<(), Failure> {
        let prepared = timeout(PATIENCE, async {
            let open = self.lines.open().await.map_err(Failure::away)?;
            self.known(&open, queue).await
        });
        self.noted(prepared.await.unwrap_or_else(|_| Err(Failure::away("it does not answer in time"))))
    }

    /// Why events do not arrive at the broker, where one failed lately for no reason of its queue's.
    pub fn trouble(&self) -> Option<String> {
        self.lines.trouble()
    }

    /// Tells whoever looks after the broker. Nobody else would learn of what is nobody's fault here.
    fn noted(&self, done: Result<(), Failure>) -> Result<(), Failure> {
        match &done {
            Err(failure) if !failure.is_the_queues => self.lines.away(&failure.detail),
            Ok(()) | Err(_) => self.lines.up(),
        }
        done
    }

    /// Publishes an event and waits until the broker has it in the queue.
    ///
    /// # Errors
    ///
    /// Where it is not known to be there. It may be there nevertheless, and is sent again under the same id.
    pub async fn publish(&self, queue: &str, event: Event<'_>) -> Result<(), Failure> {
        let published = timeout(PATIENCE, Box::pin(self.publish_now(queue, event)));
        self.noted(published.await.unwrap_or_else(|_| Err(Failure::away("it does not confirm in time"))))
    }

    async fn publish_now(&self, queue: &str, event: Event<'_>) -> Result<(), Failure> {
        let _room = self.room.acquire().await.map_err(|error| Failure::away(error.to_string()))?;
        let open = self.lines.open().await.map_err(Failure::away)?;
        self.known(&open, queue).await?;
        let channel = open.channel().await.map_err(|error| Failure::away(error.to_string()))?;
        match self.confirmed(&channel, queue, event).await {
            // What was refused or sent back leaves the channel as good as it was. One that failed, or that nobody waited
            // for, is dropped: what comes late on it would be taken for the answer to something else.
            Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => {
                open.give_back(channel);
                Ok(())
            }
            Ok(Confirmation::Ack(Some(_))) => {
                open.give_back(channel);
                open.forget(queue);
                let again = match self.known(&open, queue).await {
                    Ok(()) => "it was made anew".to_owned(),
                    Err(failure) => format!("it cannot be made anew: {}", failure.detail),
                };
                Err(Failure::of_queue("no_queue", format!("the queue was not there; {again}")))
            }
            Ok(Confirmation::Nack(_)) => {
                open.give_back(channel);
                Err(Failure::of_queue("refused", "the queue takes nothing more: nobody reads it fast enough"))
            }
            Err(error) => {
                open.forget(queue);
                Err(Failure::away(error.to_string()))
            }
        }
    }

    /// Has the queue there, once for each connection.
    async fn known(&self, open: &Open, queue: &str) -> Result<(), Failure> {
        if !open.knows(queue) {
            topology::declare(&open.line, &self.names, queue).await.map_err(Failure::away)?;
            open.know(queue);
        }
        Ok(())
    }

    async fn confirmed(
        &self,
        channel: &Channel,
        queue: &str,
        event: Event<'_>,
    ) -> lapin::Result<Confirmation> {
        // What no queue takes is sent back.
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let key = standing::name(queue);
        let exchange = self.names.exchange();
        let sent = channel.basic_publish(exchange, key, options, event.body, properties(event)).await?;
        sent.await
    }

    /// Takes leave of the broker.
    pub async fn close(&self) {
        self.lines.close().await;
    }
}

/// What stands beside an event's body. The three headers of a webhook are there as well, so that what verifies one verifies
/// this.
fn properties(event: Event<'_>) -> BasicProperties {
    let mut headers = FieldTable::default();
    let timestamp = event.timestamp.to_string();
    for (name, text) in [
        ("webhook-id", event.id),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", event.signature),
    ] {
        headers.insert(ShortString::from(name), AMQPValue::LongString(LongString::from(text)));
    }
    headers.insert(ShortString::from("attempt"), AMQPValue::LongLongInt(event.attempt));
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(standing::name(event.id))
        .with_type(standing::name(event.kind))
        .with_timestamp(u64::try_from(event.timestamp).unwrap_or_default())
        .with_app_id("belltower".into())
        .with_headers(headers)
}
