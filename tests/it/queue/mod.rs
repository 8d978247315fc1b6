//! The suite that every implementation of [`Queue`] passes: what dispatchers rely on, and nothing more. Beside it what is
//! RabbitMQ's own ([`rabbitmq`]), whom it may be ([`tls`]), what happens when the broker is away ([`cuts`]), who waits for it
//! ([`wake_ups`]), and the whole way of messages by it ([`whole`]).

mod cuts;
mod rabbitmq;
mod tls;
mod wake_ups;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use belltower::domain::channel::{AddressKind, Outlet};
use belltower::domain::message::Lane;
use belltower::queue::{Entry, LocalQueue, Queue, Taken, Work};
use futures_util::FutureExt as _;

/// A wait that is only ever reached by a queue that breaks the contract.
const LOST: Duration = Duration::from_mins(1);
const EMAIL: Work = Work::Send(Outlet::Live(AddressKind::Email));
const SMS: Work = Work::Send(Outlet::Live(AddressKind::Mobile));

fn entry(lane: Lane, work: Work) -> Entry {
    Entry { lane, work }
}

async fn take(queue: &dyn Queue, work: Work) -> Entry {
    let taken = tokio::time::timeout(LOST, queue.take(work)).await.expect("an entry was lost");
    let entry = taken.entry;
    queue.settle(taken).await.unwrap();
    entry
}

/// An entry that is here now.
fn here(queue: &dyn Queue, work: Work) -> Option<Taken> {
    queue.take(work).now_or_never()
}

/// Runs the whole suite; `new` gives an empty queue.
async fn suite<F, Q>(new: F)
where
    F: AsyncFn() -> Q,
    Q: Queue + 'static,
{
    what_is_offered_is_taken_once(&new().await).await;
    the_most_urgent_lane_comes_first(&new().await).await;
    what_waits_is_told_by_lane_and_work(&new().await).await;
    kinds_of_work_do_not_mix(&new().await).await;
    what_is_given_back_is_offered_again(&new().await).await;
    a_waiting_taker_is_woken(Arc::new(new().await)).await;
    a_dropped_taker_takes_nothing(&new().await).await;
    every_lane_reaches_one_of_many_takers(Arc::new(new().await)).await;
    a_flood_is_held_or_merged_and_never_refused(&new().await).await;
    what_is_offered_here_is_taken_here(&new().await).await;
}

async fn what_is_offered_is_taken_once(queue: &dyn Queue) {
    queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
    assert_eq!(take(queue, EMAIL).await, entry(Lane::Normal, EMAIL));
    assert!(here(queue, EMAIL).is_none());
    assert_eq!(queue.depth(entry(Lane::Normal, EMAIL)).await.unwrap(), 0);
}

async fn the_most_urgent_lane_comes_first(queue: &dyn Queue) {
    for lane in [Lane::Low, Lane::Normal, Lane::Emergency, Lane::High] {
        queue.publish(entry(lane, Work::Plan)).await.unwrap();
    }
    for lane in Lane::ALL {
        assert_eq!(take(queue, Work::Plan).await.lane, *lane);
    }
}

async fn what_waits_is_told_by_lane_and_work(queue: &dyn Queue) {
    queue.publish(entry(Lane::High, EMAIL)).await.unwrap();
    assert_eq!(queue.depth(entry(Lane::High, EMAIL)).await.unwrap(), 1);
    assert_eq!(queue.depth(entry(Lane::Low, EMAIL)).await.unwrap(), 0);
    assert_eq!(queue.depth(entry(Lane::High, SMS)).await.unwrap(), 0);
}

async fn kinds_of_work_do_not_mix(queue: &dyn Queue) {
    queue.publish(entry(Lane::Emergency, EMAIL)).await.unwrap();
    queue.publish(entry(Lane::Low, SMS)).await.unwrap();
    assert!(here(queue, Work::Plan).is_none());
    assert_eq!(take(queue, SMS).await, entry(Lane::Low, SMS));
    assert_eq!(take(queue, EMAIL).await, entry(Lane::Emergency, EMAIL));
}

async fn what_is_given_back_is_offered_again(queue: &dyn Queue) {
    queue.publish(entry(Lane::High, EMAIL)).await.unwrap();
    let taken = queue.take(EMAIL).await;
    queue.give_back(taken).await.unwrap();
    assert_eq!(take(queue, EMAIL).await, entry(Lane::High, EMAIL));
}

async fn a_waiting_taker_is_woken(queue: Arc<dyn Queue>) {
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { take(queue.as_ref(), EMAIL).await }
    });
    tokio::task::yield_now().await;
    queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), entry(Lane::Normal, EMAIL));
}

async fn a_dropped_taker_takes_nothing(queue: &dyn Queue) {
    {
        let mut waiting = std::pin::pin!(queue.take(EMAIL));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    }
    queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
    assert_eq!(take(queue, EMAIL).await, entry(Lane::Normal, EMAIL));
}

async fn every_lane_reaches_one_of_many_takers(queue: Arc<dyn Queue>) {
    let takers: Vec<_> = Lane::ALL
        .iter()
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { take(queue.as_ref(), Work::Plan).await.lane })
        })
        .collect();
    for lane in Lane::ALL {
        queue.publish(entry(*lane, Work::Plan)).await.unwrap();
    }
    let mut seen = Vec::new();
    for taker in takers {
        seen.push(taker.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, Lane::ALL);
}

async fn a_flood_is_held_or_merged_and_never_refused(queue: &dyn Queue) {
    for _ in 0..10_000 {
        queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
    }
    queue.publish(entry(Lane::Emergency, EMAIL)).await.unwrap();
    // What was refused is offered here, and here before the broker has said what else waits.
    let first = [take(queue, EMAIL).await.lane, take(queue, EMAIL).await.lane];
    assert!(first.contains(&Lane::Emergency), "the flood is in another lane: {first:?}");
    assert!(first.contains(&Lane::Normal), "{first:?}");
}

async fn what_is_offered_here_is_taken_here(queue: &dyn Queue) {
    queue.offer_here(entry(Lane::Low, EMAIL));
    queue.offer_here(entry(Lane::High, EMAIL));
    queue.offer_here(entry(Lane::High, EMAIL));
    assert_eq!(take(queue, EMAIL).await, entry(Lane::High, EMAIL));
    let taken = queue.take(EMAIL).await;
    assert_eq!(taken.entry, entry(Lane::Low, EMAIL));
    queue.give_back(taken).await.unwrap();
    assert_eq!(take(queue, EMAIL).await, entry(Lane::Low, EMAIL));
    assert!(here(queue, EMAIL).is_none());
}

#[tokio::test]
async fn the_queue_in_the_process_keeps_the_contract() {
    suite(async || LocalQueue::new()).await;
}

#[tokio::test]
async fn the_queue_in_the_process_stays_small_whatever_is_offered() {
    let queue = LocalQueue::new();
    for _ in 0..100_000 {
        queue.publish(entry(Lane::Normal, EMAIL)).await.unwrap();
    }
    assert_eq!(queue.depth(entry(Lane::Normal, EMAIL)).await.unwrap(), 1);
}
