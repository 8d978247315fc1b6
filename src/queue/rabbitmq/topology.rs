//! What stands at the broker: one exchange, a queue for each lane and kind of work, and a place for what nobody can read.

use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

use super::super::{Entry, Work};
use crate::broker::standing::{exchange, name, queue, quorum, text};
use crate::domain::message::Lane;

/// Stands in every name. To be raised whenever a property below changes: a broker refuses to declare what is there with
/// others, so processes of two versions, as during an update, need queues of their own. Each then wakes those of its version;
/// the sweepers do the rest.
const VERSION: u32 = 1;
/// Entries that a queue holds. They are all equal, and each wakes one taker: more than there may be nodes is of no use.
/// A publisher is told where there is no room, which is as good as a confirm: equal ones wait.
const MOST_WAITING: i32 = 16;
/// How often one may be given back, or lost with its taker, before it is put aside.
const MOST_RETURNS: i32 = 20;
/// Of what is put aside, the latest so many are kept, for so long (milliseconds).
const MOST_DEAD: i32 = 1_000;
const DEAD_KEPT: i32 = 7 * 24 * 3_600 * 1_000;

/// How everything is called.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Where entries are published.
    pub(super) fn exchange(&self) -> ShortString {
        name(format!("{}.wake.{VERSION}", self.prefix))
    }

    pub(super) fn queue(&self, entry: Entry) -> ShortString {
        name(format!("{}.wake.{VERSION}.{}", self.prefix, key(entry)))
    }

    /// The exchange and the queue of what was put aside.
    pub(super) fn dead(&self) -> ShortString {
        name(format!("{}.dead.{VERSION}", self.prefix))
    }

    pub(super) fn key(entry: Entry) -> ShortString {
        name(key(entry))
    }
}

fn key(entry: Entry) -> String {
    format!("{}.{}", entry.lane.name(), entry.work.name())
}

/// Every entry there may be, the most urgent first.
pub(super) fn entries() -> impl Iterator<Item = Entry> {
    Lane::ALL.iter().flat_map(|lane| Work::ALL.into_iter().map(|work| Entry { lane: *lane, work }))
}

/// Declares it all. What goes wrong is told in words that say what to do.
pub(super) async fn declare(channel: &Channel, names: &Names) -> Result<(), String> {
    let dead = names.dead();
    exchange(channel, &dead, ExchangeKind::Fanout).await?;
    queue(channel, &dead, &dead, ShortString::default(), kept()).await?;

    let exchange_name = names.exchange();
    exchange(channel, &exchange_name, ExchangeKind::Direct).await?;
    for entry in entries() {
        queue(channel, &names.queue(entry), &exchange_name, Names::key(entry), bounds(&dead)).await?;
    }
    Ok(())
}

/// Of a queue of entries.
fn bounds(dead: &ShortString) -> FieldTable {
    quorum([
        ("x-max-length", AMQPValue::LongInt(MOST_WAITING)),
        ("x-overflow", text("reject-publish")),
        ("x-delivery-limit", AMQPValue::LongInt(MOST_RETURNS)),
        ("x-dead-letter-exchange", text(dead.as_str())),
    ])
}

/// Of the queue of what was put aside.
fn kept() -> FieldTable {
    quorum([
        ("x-max-length", AMQPValue::LongInt(MOST_DEAD)),
        ("x-overflow", text("drop-head")),
        ("x-message-ttl", AMQPValue::LongInt(DEAD_KEPT)),
    ])
}

/// Removes it all, with whatever waits.
pub(super) async fn remove(channel: &Channel, names: &Names) -> lapin::Result<()> {
    for queue in entries().map(|entry| names.queue(entry)).chain([names.dead()]) {
        channel.queue_delete(queue, QueueDeleteOptions::default()).await?;
    }
    for exchange in [names.exchange(), names.dead()] {
        channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_lane_and_kind_of_work_has_a_queue_of_its_own() {
        let names = Names::new("belltower");
        let queues: BTreeSet<_> = entries().map(|entry| names.queue(entry).to_string()).collect();
        assert_eq!(queues.len(), Lane::ALL.len() * Work::ALL.len());
        assert!(queues.contains("belltower.wake.1.emergency.plan"));
        assert!(queues.contains("belltower.wake.1.low.wechat_openid"));
        assert!(entries().take(Work::ALL.len()).all(|entry| entry.lane == Lane::Emergency));
    }

    #[test]
    fn names_say_which_properties_they_stand_for() {
        let told = |table: FieldTable| {
            let told = |value: &AMQPValue| match value {
                AMQPValue::LongString(text) => text.to_string(),
                AMQPValue::LongInt(number) => number.to_string(),
                other => panic!("{other:?}"),
            };
            let all = table.inner().iter();
            all.map(|(name, value)| format!("{name}={}", told(value))).collect::<Vec<_>>().join(" ")
        };
        let names = Names::new("p");
        // Whoever changes a property here gives it names of its own: VERSION is raised.
        let properties = [
            (
                1,
                "x-dead-letter-exchange=p.dead.1 x-delivery-limit=20 x-max-length=16 x-overflow=reject-publish x-queue-type=quorum",
            ),
            (1, "x-max-length=1000 x-message-ttl=604800000 x-overflow=drop-head x-queue-type=quorum"),
        ];
        let now = [(VERSION, told(bounds(&names.dead()))), (VERSION, told(kept()))];
        assert_eq!(now.each_ref().map(|(version, told)| (*version, told.as_str())), properties);
        assert_eq!(names.exchange().as_str(), "p.wake.1");
    }

    #[test]
    fn the_longest_prefix_leaves_room_for_the_rest() {
        let names = Names::new(&"p".repeat(crate::config::BrokerUrl::LONGEST_PREFIX));
        assert!(entries().all(|entry| names.queue(entry).as_str().ends_with(&key(entry))));
    }
}
