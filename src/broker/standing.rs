//! Exchanges and queues that stand at a broker. They are declared again at every connection, so that a broker that lost it
//! all needs nobody's help.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ErrorKind, ExchangeKind};

/// A name at the broker. Prefixes are limited where they are read, far below what AMQP takes.
pub fn name(text: String) -> ShortString {
    ShortString::try_new(text).unwrap_or_default()
}

pub fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

/// Arguments of a queue that is kept by more than one node, where there are several.
pub fn quorum<const N: usize>(own: [(&'static str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text("quorum"));
    for (name, value) in own {
        table.insert(name.into(), value);
    }
    table
}

/// What goes wrong is told in words that say what to do.
pub async fn exchange(channel: &Channel, name: &ShortString, kind: ExchangeKind) -> Result<(), String> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare(name.clone(), kind, options, FieldTable::default())
        .await
        .map_err(|error| refused("exchange", name, &error))
}

/// A queue, and its place at an exchange.
pub async fn queue(
    channel: &Channel,
    name: &ShortString,
    exchange: &ShortString,
    key: ShortString,
    arguments: FieldTable,
) -> Result<(), String> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let declared = channel.queue_declare(name.clone(), options, arguments).await;
    declared.map_err(|error| refused("queue", name, &error))?;
    let options = QueueBindOptions::default();
    let bound = channel.queue_bind(name.clone(), exchange.clone(), key, options, FieldTable::default()).await;
    bound.map_err(|error| refused("queue", name, &error))
}

/// Why the broker does not let something be declared, and what helps.
fn refused(what: &str, name: &ShortString, error: &lapin::Error) -> String {
    let fix = match error.kind() {
        ErrorKind::ProtocolError(told) => match told.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => {
                ": it is there with other properties; delete it, and it is made anew"
            }
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => {
                ": the account needs the permissions configure, write and read on these names"
            }
            _ => "",
        },
        _ => "",
    };
    format!("the {what} `{}` cannot be declared{fix} ({error})", name.as_str())
}
