//! Exchanges and queues that stand at a broker. They are declared again at every connection, so that a broker that lost it
//! all needs nobody's help.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

/// A name at the broker, or an id. Each is limited where it is read or made, far below what AMQP takes.
pub fn name(text: impl Into<String>) -> ShortString {
    ShortString::try_new(text.into()).unwrap_or_default()
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
    declared(channel, name, arguments).await.map_err(|error| refused("queue", name, &error))?;
    bound(channel, name, exchange, key).await
}

/// As [`queue`], but one that is there with other properties is taken as it is.
pub async fn queue_as_it_is(
    line: &Connection,
    mut channel: Channel,
    name: &ShortString,
    exchange: &ShortString,
    key: ShortString,
    arguments: FieldTable,
) -> Result<(), String> {
    match declared(&channel, name, arguments).await {
        Ok(()) => {}
        // The broker has closed the channel for that.
        Err(error) if is(&error, &AMQPSoftError::PRECONDITIONFAILED) => {
            channel = line.create_channel().await.map_err(|error| error.to_string())?;
        }
        Err(error) => return Err(refused("queue", name, &error)),
    }
    bound(&channel, name, exchange, key).await
}

async fn declared(channel: &Channel, name: &ShortString, arguments: FieldTable) -> lapin::Result<()> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.clone(), options, arguments).await.map(drop)
}

async fn bound(
    channel: &Channel,
    name: &ShortString,
    exchange: &ShortString,
    key: ShortString,
) -> Result<(), String> {
    let options = QueueBindOptions::default();
    let bound = channel.queue_bind(name.clone(), exchange.clone(), key, options, FieldTable::default()).await;
    bound.map_err(|error| refused("queue", name, &error))
}

fn is(error: &lapin::Error, what: &AMQPSoftError) -> bool {
    match error.kind() {
        ErrorKind::ProtocolError(told) => matches!(told.kind(), AMQPErrorKind::Soft(soft) if soft == what),
        _ => false,
    }
}

/// Why the broker does not let something be declared, and what helps.
fn refused(what: &str, name: &ShortString, error: &lapin::Error) -> String {
    let fix = if is(error, &AMQPSoftError::PRECONDITIONFAILED) {
        ": it is there with other properties; delete it (what is in a queue goes with it), and it is made anew"
    } else if is(error, &AMQPSoftError::ACCESSREFUSED) {
        ": Belltower's account needs the permissions configure, write and read on these names"
    } else {
        ""
    };
    format!("the {what} `{}` cannot be declared{fix} ({error})", name.as_str())
}
