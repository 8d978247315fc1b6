//! One connection's work: publications in hand are handled beside each other, so that they share the cost of a write to disk, and
//! the broker gives no more than so many at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer, Event};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

use super::Door;
use super::topology::{self, Names};
use crate::broker::dial::Line;
use crate::broker::{RPC, closed};

/// Publications of each queue that one process has in hand, each of up to 16 MiB. What comes again keeps nothing waiting that
/// is new, nor the other way round.
const IN_HAND: u16 = 32;
/// How often the connection is looked at.
const LOOKS: Duration = Duration::from_secs(1);
/// How long a process that stops waits for what is under way. The broker gives the rest to others.
const FINISH: Duration = Duration::from_secs(5);

/// What publications come by.
struct Open {
    channel: Channel,
    new: Consumer,
    again: Consumer,
}

/// Takes until told to stop, or until the connection is lost, which is an error.
pub(super) async fn work(door: &Arc<Door>, line: &Line, stop: &CancellationToken) -> Result<(), String> {
    let Open { channel, mut new, mut again } = bounded(open(door, line)).await?;
    let mut events = std::pin::pin!(line.events_listener());
    let mut looks = tokio::time::interval(LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Dropped with whatever is under way: on a connection that is gone there is nothing to tell.
    let mut in_hand = JoinSet::new();
    door.side.up();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(handled) = in_hand.join_next(), if !in_hand.is_empty() => settled(handled)?,
            event = events.next() => match event {
                Some(Event::Error(error)) => return Err(error.to_string()),
                Some(_) => {}
                None => return Err("the connection was lost".to_owned()),
            },
            // Before what comes, which may never end.
            _ = looks.tick() => {
                if let Some(reason) = closed(line, &channel) {
                    return Err(reason);
                }
                door.waiting.later(bounded(later(&channel, &door.names)).await?);
            }
            delivery = new.next() => {
                in_hand.spawn(Arc::clone(door).handle(came(delivery, &door.names.intake)?));
            }
            delivery = again.next() => {
                in_hand.spawn(Arc::clone(door).handle(came(delivery, &door.names.again)?));
            }
        }
    }
    // Whatever becomes of it, what is not settled is given to others.
    let leaving = async {
        for taking in [&new, &again] {
            let _ = channel.basic_cancel(taking.tag(), BasicCancelOptions::default()).await;
        }
        while let Some(handled) = in_hand.join_next().await {
            let _ = settled(handled);
        }
    };
    timeout(FINISH, leaving).await.unwrap_or_default();
    Ok(())
}

async fn open(door: &Door, line: &Line) -> Result<Open, String> {
    let channel = line.create_channel().await.map_err(words)?;
    topology::declare(&channel, &door.names).await?;
    // Counted for each queue.
    channel.basic_qos(IN_HAND, BasicQosOptions::default()).await.map_err(words)?;
    let new = taking(&channel, &door.names.intake).await?;
    let again = taking(&channel, &door.names.again).await?;
    Ok(Open { channel, new, again })
}

async fn taking(channel: &Channel, queue: &ShortString) -> Result<Consumer, String> {
    let (queue, options) = (queue.clone(), BasicConsumeOptions::default());
    let consuming = channel.basic_consume(queue, ShortString::default(), options, FieldTable::default());
    consuming.await.map_err(words)
}

/// How many wait to come again.
async fn later(channel: &Channel, names: &Names) -> Result<u32, String> {
    let mut waiting = 0;
    for queue in [&names.later, &names.again] {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare(queue.clone(), options, FieldTable::default()).await;
        waiting += queue.map_err(words)?.message_count();
    }
    Ok(waiting)
}

/// The next publication of a queue.
fn came(delivery: Option<lapin::Result<Delivery>>, queue: &ShortString) -> Result<Delivery, String> {
    match delivery {
        Some(Ok(delivery)) => Ok(delivery),
        Some(Err(error)) => Err(error.to_string()),
        None => Err(format!("the queue `{}` is gone", queue.as_str())),
    }
}

/// One that could not be settled has lost its connection.
fn settled(handled: Result<Result<(), String>, tokio::task::JoinError>) -> Result<(), String> {
    handled.unwrap_or_else(|error| Err(error.to_string()))
}

/// A broker that does not answer is gone, whatever its connection says.
async fn bounded<T>(step: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(RPC, step).await.unwrap_or_else(|_| Err("it does not answer".to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
fn words(error: lapin::Error) -> String {
    error.to_string()
}
