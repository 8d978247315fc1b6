//! A broker that is cut off, silent, full, or was emptied by somebody: nobody waits for it, what it held is looked after
//! here, and it is used again once it is back.

use std::sync::Arc;

use belltower::config::BrokerUrl;
use belltower::domain::message::Lane;
use belltower::queue::{Queue, Work};
use lapin::options::{ExchangeDeleteOptions, QueueDeleteOptions, QueuePurgeOptions};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::{EMAIL, LOST, entry, here, take};
use crate::support::broker::{Broker, queue, standing, until, until_away, until_back, with_broker};
use crate::support::database::block_on;

/// Publishes, which fails, and whoever takes here finds the entry. What it failed for.
async fn fails_and_is_offered_here(queue: &dyn Queue, lane: Lane) -> String {
    let published = timeout(LOST, queue.publish(entry(lane, EMAIL))).await.expect("it waits without end");
    assert_eq!(take(queue, EMAIL).await, entry(lane, EMAIL));
    published.unwrap_err().to_string()
}

#[test]
fn a_broker_that_is_not_there_keeps_nobody_waiting() {
    with_broker(async |broker: &'static Broker| {
        let (proxy, address) = broker.through_proxy(&broker.fresh()).await;
        proxy.cut();
        let queue = queue(&address);
        queue.open();
        fails_and_is_offered_here(&queue, Lane::Emergency).await;
        assert!(queue.depth(entry(Lane::Low, EMAIL)).await.is_err());
        proxy.mend();
        until_back(&queue).await;
        queue.publish(entry(Lane::Low, EMAIL)).await.unwrap();
        assert_eq!(take(&queue, EMAIL).await, entry(Lane::Low, EMAIL));
    });
}

#[test]
fn after_a_cut_the_broker_is_used_again() {
    with_broker(async |broker: &'static Broker| {
        let direct = broker.fresh();
        let (proxy, address) = broker.through_proxy(&direct).await;
        let (cut_off, other) = (standing(&address).await, queue(&direct));
        for lane in [Lane::High, Lane::Low] {
            proxy.cut();
            until_away(&cut_off).await;
            fails_and_is_offered_here(&cut_off, lane).await;
            proxy.mend();
            until_back(&cut_off).await;
            cut_off.publish(entry(lane, Work::Plan)).await.unwrap();
            assert_eq!(take(&other, Work::Plan).await, entry(lane, Work::Plan));
        }
    });
}

#[test]
fn whoever_waits_for_an_entry_through_a_cut_gets_it() {
    with_broker(async |broker: &'static Broker| {
        let direct = broker.fresh();
        let (proxy, address) = broker.through_proxy(&direct).await;
        let (cut_off, other) = (Arc::new(queue(&address)), standing(&direct).await);
        let waiting = tokio::spawn({
            let queue = Arc::clone(&cut_off);
            async move { take(queue.as_ref(), EMAIL).await }
        });
        until("it is connected", async || cut_off.depth(entry(Lane::Low, EMAIL)).await.ok()).await;
        proxy.cut();
        until_away(cut_off.as_ref()).await;
        other.publish(entry(Lane::High, EMAIL)).await.unwrap();
        proxy.mend();
        assert_eq!(waiting.await.unwrap(), entry(Lane::High, EMAIL));
    });
}

#[test]
fn an_entry_of_a_lost_connection_is_offered_again_and_settling_it_does_no_harm() {
    with_broker(async |broker: &'static Broker| {
        let direct = broker.fresh();
        let (proxy, address) = broker.through_proxy(&direct).await;
        let (cut_off, other) = (standing(&address).await, queue(&direct));
        for lane in [Lane::High, Lane::Normal] {
            cut_off.publish(entry(lane, EMAIL)).await.unwrap();
        }
        let settled = cut_off.take(EMAIL).await;
        let given_back = cut_off.take(EMAIL).await;
        proxy.cut();
        // The broker offers them in whichever order it noticed.
        let mut again = [take(&other, EMAIL).await.lane, take(&other, EMAIL).await.lane];
        again.sort_unstable();
        assert_eq!(again, [Lane::High, Lane::Normal]);
        until_away(&cut_off).await;
        proxy.mend();
        until_back(&cut_off).await;
        // Their marks may be others' by now.
        cut_off.publish(entry(Lane::Low, EMAIL)).await.unwrap();
        cut_off.settle(settled).await.unwrap();
        cut_off.give_back(given_back).await.unwrap();
        let mut left = Vec::new();
        until("the others are there", async || {
            for queue in [&cut_off, &other] {
                if let Some(taken) = here(queue, EMAIL) {
                    left.push(taken.entry.lane);
                    queue.settle(taken).await.unwrap();
                }
            }
            (left.len() == 2).then_some(())
        })
        .await;
        left.sort_unstable();
        assert_eq!(left, [Lane::Normal, Lane::Low]);
    });
}

#[test]
fn a_way_that_swallows_everything_is_not_waited_for_either() {
    with_broker(async |broker: &'static Broker| {
        let (proxy, address) = broker.through_proxy(&broker.fresh()).await;
        let queue = standing(&address).await;
        proxy.swallow();
        let told = fails_and_is_offered_here(&queue, Lane::Emergency).await;
        assert!(!told.contains("the connection was lost"), "it waited until the connection was given up");
        // From then on nobody waits even that long.
        until_away(&queue).await;
        fails_and_is_offered_here(&queue, Lane::High).await;
        proxy.mend();
        until_back(&queue).await;
        queue.publish(entry(Lane::Low, EMAIL)).await.unwrap();
    });
}

#[test]
fn a_broker_that_takes_nothing_for_want_of_memory_is_passed_over_until_it_does() {
    with_broker(async |broker: &'static Broker| {
        let (proxy, address) = broker.through_proxy(&broker.fresh()).await;
        let queue = standing(&address).await;
        proxy.block("low on memory");
        let told = until_away(&queue).await;
        assert!(told.contains("low on memory"), "{told}");
        fails_and_is_offered_here(&queue, Lane::Emergency).await;
        proxy.unblock();
        until_back(&queue).await;
        queue.publish(entry(Lane::Low, EMAIL)).await.unwrap();
        assert_eq!(take(&queue, EMAIL).await, entry(Lane::Low, EMAIL));
    });
}

#[test]
fn queues_that_somebody_emptied_or_deleted_are_there_again() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (_connection, channel) = broker.channel().await;
        let name = format!("{}.wake.1.normal.email", address.prefix);
        let (offering, taking) = (standing(&address).await, queue(&address));
        let waiting = |queue: &Arc<belltower::queue::RabbitQueue>| {
            let queue = Arc::clone(queue);
            tokio::spawn(async move { take(queue.as_ref(), EMAIL).await })
        };
        offering.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
        channel.queue_purge(name.clone().into(), QueuePurgeOptions::default()).await.unwrap();
        offering.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
        assert_eq!(take(&taking, EMAIL).await, entry(Lane::Normal, EMAIL));

        let taking = Arc::new(taking);
        let taken = waiting(&taking);
        channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.unwrap();
        until("it is published again", async || offering.publish(entry(Lane::Normal, EMAIL)).await.ok())
            .await;
        assert_eq!(taken.await.unwrap(), entry(Lane::Normal, EMAIL));
    });
}

#[test]
fn a_broker_that_lost_everything_has_it_again() {
    with_broker(async |broker: &'static Broker| {
        let address = broker.fresh();
        let (_connection, channel) = broker.channel().await;
        let (offering, taking) = (standing(&address).await, Arc::new(queue(&address)));
        taking.depth(entry(Lane::Normal, EMAIL)).await.unwrap();
        let taken = tokio::spawn({
            let taking = Arc::clone(&taking);
            async move { take(taking.as_ref(), EMAIL).await }
        });
        for exchange in ["wake.1", "dead.1"] {
            let name = format!("{}.{exchange}", address.prefix);
            channel.exchange_delete(name.into(), ExchangeDeleteOptions::default()).await.unwrap();
        }
        for of in ["wake.1.high.email", "wake.1.high.plan", "dead.1"] {
            let name = format!("{}.{of}", address.prefix);
            channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.unwrap();
        }
        until("it is published again", async || offering.publish(entry(Lane::High, EMAIL)).await.ok()).await;
        assert_eq!(taken.await.unwrap(), entry(Lane::High, EMAIL));
        offering.publish(entry(Lane::High, Work::Plan)).await.unwrap();
        assert_eq!(take(taking.as_ref(), Work::Plan).await, entry(Lane::High, Work::Plan));
    });
}

#[test]
fn while_a_broker_takes_nothing_what_it_has_is_taken_and_settled() {
    with_broker(async |broker: &'static Broker| {
        let direct = broker.fresh();
        let (proxy, address) = broker.through_proxy(&direct).await;
        let (blocked, other) = (standing(&address).await, standing(&direct).await);
        proxy.block("low on memory");
        until_away(&blocked).await;
        other.publish(entry(Lane::High, EMAIL)).await.unwrap();
        assert_eq!(take(&blocked, EMAIL).await, entry(Lane::High, EMAIL));
        // Were it not settled, nothing more would be given here.
        other.publish(entry(Lane::High, EMAIL)).await.unwrap();
        assert_eq!(take(&blocked, EMAIL).await, entry(Lane::High, EMAIL));
        assert_eq!(blocked.received(Lane::High), 2);
        proxy.unblock();
        until_back(&blocked).await;
    });
}

#[test]
fn a_broker_that_confirms_nothing_does_not_take_part() {
    with_broker(async |broker: &'static Broker| {
        let (proxy, address) = broker.through_proxy(&broker.fresh()).await;
        let queue = standing(&address).await;
        proxy.cut();
        until_away(&queue).await;
        proxy.withhold();
        proxy.mend();
        until("it was tried", async || {
            assert!(queue.trouble().is_some(), "it is taken for good before it has confirmed anything");
            (proxy.withheld() > 0).then_some(())
        })
        .await;
        fails_and_is_offered_here(&queue, Lane::Emergency).await;
        assert!(queue.trouble().is_some());
        proxy.confirm();
        proxy.mend();
        until_back(&queue).await;
        queue.publish(entry(Lane::Low, EMAIL)).await.unwrap();
    });
}

#[test]
fn whoever_stops_waits_for_no_answer_of_a_broker() {
    with_broker(async |broker: &'static Broker| {
        let (proxy, address) = broker.through_proxy(&broker.fresh()).await;
        let queue = Arc::new(standing(&address).await);
        queue.depth(entry(Lane::Normal, EMAIL)).await.unwrap();
        proxy.swallow();
        let asking = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.depth(entry(Lane::Normal, EMAIL)).await }
        });
        until("the broker was asked", async || (proxy.swallowed() > 0).then_some(())).await;
        timeout(LOST, queue.close()).await.expect("it waits without end");
        // Whoever waits for the answer is told that there is none.
        let told = asking.await.unwrap().unwrap_err().to_string();
        assert!(told.contains("the connection was lost"), "{told}");
    });
}

/// Threads of lapin's in this process.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    };
    tasks.filter_map(name).filter(|name| name.trim() == "lapin-io-loop").count()
}

#[test]
fn a_broker_that_takes_a_connection_and_says_nothing_is_let_go_of() {
    block_on(async {
        let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let queue = queue(&BrokerUrl::parse(&format!("amqp://127.0.0.1:{port}")).unwrap());
        queue.open();
        let mut ended = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = silent.accept().await.unwrap();
            ended.push(tokio::spawn(async move {
                let mut said = Vec::new();
                // Reset or closed, it is over.
                stream.read_to_end(&mut said).await.unwrap_or_default();
                said
            }));
        }
        until("there are threads to be let go of", async || (threads() > 0).then_some(())).await;
        let told = until_away(&queue).await;
        assert!(told.contains("does not answer"), "{told}");
        for connection in ended {
            let said = timeout(LOST, connection).await.expect("it is open still").unwrap();
            assert!(said.starts_with(b"AMQP"), "{said:?}");
        }
        queue.close().await;
        until("every thread has ended", async || (threads() == 0).then_some(())).await;
    });
}
