//! What only a queue of several processes can do, at a real broker.

use belltower::config::BrokerUrl;
use belltower::domain::message::Lane;
use belltower::queue::{Queue, Work};
use futures_util::future::join_all;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel};

use super::{EMAIL, entry, here, suite, take};
use crate::support::broker::{Broker, queue, standing, until, until_away, until_back, with_broker};

/// As many equal entries as a queue holds, and some that got in beside.
const FEW: usize = 24;

async fn waiting(channel: &Channel, name: String) -> u32 {
    let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.into(), options, FieldTable::default()).await.unwrap().message_count()
}

#[test]
fn the_queue_at_a_broker_keeps_the_contract() {
    with_broker(|broker| suite(async || standing(&broker.fresh()).await));
}

#[test]
fn a_flood_leaves_few_entries_at_the_broker() {
    with_broker(async |broker: &'static Broker| {
        let queue = standing(&broker.fresh()).await;
        let email = entry(Lane::Normal, EMAIL);
        queue.publish(email).await.unwrap();
        for _ in 0..20 {
            let published = join_all((0..200).map(|_| queue.publish(email))).await;
            for one in published {
                one.unwrap();
            }
        }
        let depth = queue.depth(email).await.unwrap();
        assert!((1..=FEW).contains(&depth), "{depth}");
    });
}

#[test]
fn one_process_offers_and_another_takes() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (web, worker) = (standing(&address).await, queue(&address));
        for lane in Lane::ALL {
            web.publish(entry(*lane, EMAIL)).await.unwrap();
        }
        for lane in Lane::ALL {
            assert_eq!(take(&worker, EMAIL).await.lane, *lane);
        }
    });
}

#[test]
fn what_a_process_had_taken_and_not_settled_goes_to_another() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (one, other) = (standing(&address).await, queue(&address));
        one.publish(entry(Lane::High, Work::Plan)).await.unwrap();
        let taken = one.take(Work::Plan).await;
        one.close().await;
        assert_eq!(take(&other, Work::Plan).await, entry(Lane::High, Work::Plan));
        one.settle(taken).await.unwrap();
        assert!(one.publish(entry(Lane::High, Work::Plan)).await.is_err(), "it has left");
    });
}

#[test]
fn a_process_that_leaves_gives_back_what_nobody_took_and_takes_nothing_more() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (leaving, staying) = (standing(&address).await, standing(&address).await);
        // It has one in hand and one on its shelf.
        leaving.publish(entry(Lane::High, EMAIL)).await.unwrap();
        let taken = leaving.take(EMAIL).await;
        leaving.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
        leaving.leave();
        assert_eq!(take(&staying, EMAIL).await, entry(Lane::Normal, EMAIL));
        leaving.settle(taken).await.unwrap();
        staying.publish(entry(Lane::Emergency, EMAIL)).await.unwrap();
        assert_eq!(take(&staying, EMAIL).await, entry(Lane::Emergency, EMAIL));
        assert!(here(&leaving, EMAIL).is_none());
        let high = entry(Lane::High, EMAIL);
        until("what was settled is gone", async || (staying.depth(high).await.unwrap() == 0).then_some(()))
            .await;
    });
}

#[test]
fn what_nobody_can_read_is_put_aside_and_holds_nothing_up() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let queue = standing(&address).await;
        queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
        take(&queue, EMAIL).await;
        let (_connection, channel) = broker.channel().await;
        for strange in [&b"\xff\xfe"[..], br#"{"lane":"low","work":"email"}"#] {
            let (exchange, key) = (format!("{}.wake.1", address.prefix), "normal.email".into());
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            channel.basic_publish(exchange.into(), key, options, strange, properties).await.unwrap();
        }
        let dead = format!("{}.dead.1", address.prefix);
        until("both are put aside", async || (waiting(&channel, dead.clone()).await == 2).then_some(()))
            .await;
        queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
        assert_eq!(take(&queue, EMAIL).await, entry(Lane::Normal, EMAIL));
    });
}

#[test]
fn an_entry_that_is_given_back_again_and_again_is_put_aside() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let queue = standing(&address).await;
        queue.publish(entry(Lane::Low, EMAIL)).await.unwrap();
        let (_connection, channel) = broker.channel().await;
        let dead = format!("{}.dead.1", address.prefix);
        until("it is put aside", async || {
            if let Some(taken) = here(&queue, EMAIL) {
                queue.give_back(taken).await.unwrap();
            }
            (waiting(&channel, dead.clone()).await == 1).then_some(())
        })
        .await;
    });
}

#[test]
fn a_queue_with_other_properties_is_named_with_what_helps() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let name = format!("{}.wake.1.normal.email", address.prefix);
        let (_connection, channel) = broker.channel().await;
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(name.clone().into(), options, FieldTable::default()).await.unwrap();
        let queue = queue(&address);
        assert!(queue.publish(entry(Lane::Normal, EMAIL)).await.is_err());
        let told = until_away(&queue).await;
        assert!(told.contains(&name) && told.contains("delete it"), "{told}");
        assert_eq!(take(&queue, EMAIL).await, entry(Lane::Normal, EMAIL), "it is offered here");
        channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.unwrap();
        until_back(&queue).await;
        queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
    });
}

#[test]
fn a_broker_that_knows_nobody_of_that_name_is_told_without_the_password() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let text =
            format!("amqp://nobody:s3cret@{}:{}/?prefix={}", address.host, address.port, address.prefix);
        let queue = queue(&BrokerUrl::parse(&text).unwrap());
        let refused = queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap_err().to_string();
        let told = until_away(&queue).await;
        assert!(told.contains("ACCESS_REFUSED") && refused.contains("not available"), "{told} {refused}");
        assert!(!format!("{told} {refused}").contains("s3cret"));
    });
}

#[test]
fn an_idle_process_gets_what_a_busy_one_does_not_use() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (busy, idle) = (standing(&address).await, queue(&address));
        // Before anything waits: what does at the beginning is fetched beside what is delivered.
        assert!(here(&busy, EMAIL).is_none());
        busy.depth(entry(Lane::High, EMAIL)).await.unwrap();
        busy.publish(entry(Lane::High, EMAIL)).await.unwrap();
        let held = busy.take(EMAIL).await;
        for _ in 0..8 {
            busy.publish(entry(Lane::High, EMAIL)).await.unwrap();
            assert_eq!(take(&idle, EMAIL).await, entry(Lane::High, EMAIL));
        }
        assert_eq!(busy.received(Lane::High), 1, "it has one in hand and is given no more");
        assert_eq!(idle.received(Lane::High), 8);
        busy.settle(held).await.unwrap();
    });
}

#[test]
fn what_the_broker_refuses_is_offered_here() {
    with_broker(async |broker: &'static Broker| {
        // It takes nothing from the broker, which fills up.
        let queue = standing(&broker.fresh()).await;
        queue.leave();
        let taken = futures_util::future::join(queue.take(EMAIL), async {
            for _ in 0..2 * FEW {
                queue.publish(entry(Lane::Low, EMAIL)).await.unwrap();
            }
        });
        let (taken, ()) = tokio::time::timeout(super::LOST, taken).await.expect("nobody was told");
        assert_eq!(taken.entry, entry(Lane::Low, EMAIL));
        assert_eq!(queue.received(Lane::Low), 0);
    });
}
