//! The queue of many processes, at a RabbitMQ. It carries wake-ups only, so it may be gone, purged or full at any moment:
//! what cannot be told to others is offered to this process's own takers, and the others look into the store by themselves.
//!
//! - [`topology`]: what stands at the broker · [`body`]: what an entry looks like there
//! - [`dial`]: a connection · [`side`]: how it is, and when to try again
//! - [`giving`]: entries on their way there · [`taking`]: entries that come · [`shelf`]: those in hand

mod body;
mod dial;
mod giving;
mod shelf;
mod side;
mod taking;
mod topology;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lapin::options::BasicAckOptions;
use lapin::{Channel, Connection};
use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::dial::Target;
use self::giving::Giving;
use self::taking::Taking;
use self::topology::Names;
use super::{Entry, Queue, QueueError, Taken, Work};
use crate::config::BrokerUrl;

/// A step of the protocol that takes longer is never answered.
const RPC: Duration = Duration::from_secs(10);
/// How long leaving the broker politely may take.
const FAREWELL: Duration = Duration::from_secs(1);

pub struct RabbitQueue {
    target: Arc<Target>,
    giving: Arc<Giving>,
    taking: Arc<Taking>,
    gives: AtomicBool,
    takes: AtomicBool,
    tasks: TaskTracker,
    /// Dropped with the queue, it ends the tasks.
    stop: CancellationToken,
    _stops: DropGuard,
}

impl RabbitQueue {
    /// Connects to nobody yet. `trusts` is for `amqps`.
    pub fn new(broker: BrokerUrl, trusts: Option<Arc<ClientConfig>>) -> Self {
        let names = Names::new(&broker.prefix);
        let stop = CancellationToken::new();
        Self {
            target: Arc::new(Target { broker, trusts }),
            giving: Arc::new(Giving::new(names.clone())),
            taking: Arc::new(Taking::new(names)),
            gives: AtomicBool::new(false),
            takes: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            _stops: stop.clone().drop_guard(),
            stop,
        }
    }

    /// Removes whatever was made at the broker: for an installation that is no more.
    pub async fn remove(self) -> Result<(), QueueError> {
        self.close().await;
        let connection = self.target.connect("removing").await.map_err(QueueError)?;
        let removed = timeout(RPC, async {
            let channel = connection.create_channel().await?;
            topology::remove(&channel, &Names::new(&self.target.broker.prefix)).await
        });
        let removed = removed.await.map_err(|_| QueueError("it does not answer".to_owned()));
        close(&connection).await;
        removed?.map_err(|error| QueueError(error.to_string()))
    }

    fn giving(&self) -> &Giving {
        if !self.gives.swap(true, Ordering::Relaxed) {
            let (giving, target, stop) =
                (Arc::clone(&self.giving), Arc::clone(&self.target), self.stop.clone());
            self.tasks.spawn(async move { giving.run(&target, stop).await });
        }
        &self.giving
    }

    fn taking(&self) -> &Taking {
        if !self.takes.swap(true, Ordering::Relaxed) {
            let (taking, target, stop) =
                (Arc::clone(&self.taking), Arc::clone(&self.target), self.stop.clone());
            self.tasks.spawn(async move { taking.run(&target, stop).await });
        }
        &self.taking
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    fn open(&self) {
        self.giving();
        self.taking();
    }

    async fn publish(&self, entry: Entry) -> Result<(), QueueError> {
        let published = self.giving().publish(entry).await;
        if published.is_err() {
            self.offer_here(entry);
        }
        published
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn offer_here(&self, entry: Entry) {
        self.taking.shelf.offer_here(entry);
    }

    async fn take(&self, work: Work) -> Taken {
        let taking = self.taking();
        taking.want(work);
        loop {
            let woken = taking.shelf.woken(work);
            if let Some(taken) = taking.shelf.pop(work) {
                return taken;
            }
            woken.await;
        }
    }

    async fn settle(&self, taken: Taken) -> Result<(), QueueError> {
        for held in self.taking.shelf.settle(taken.tag) {
            // On a connection that is gone there is nothing to settle: the broker has offered it again.
            let settled = timeout(RPC, held.acker.ack(BasicAckOptions::default())).await;
            if !matches!(settled, Ok(Ok(_))) {
                tracing::debug!(?taken, "an entry's connection was gone before it was settled");
            }
        }
        Ok(())
    }

    async fn give_back(&self, taken: Taken) -> Result<(), QueueError> {
        let held = self.taking.shelf.settle(taken.tag);
        if held.is_empty() {
            self.offer_here(taken.entry);
        } else if !matches!(timeout(RPC, taking::give_back(held)).await, Ok(Ok(()))) {
            tracing::debug!(?taken, "an entry's connection was gone before it was given back");
        }
        Ok(())
    }

    async fn depth(&self, entry: Entry) -> Result<usize, QueueError> {
        let there = self.taking().depth(entry).await?;
        Ok(there as usize + self.taking.shelf.count(entry))
    }

    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    fn trouble(&self) -> Option<String> {
        self.giving.side.trouble().or_else(|| self.taking.side.trouble())
    }

    fn leave(&self) {
        self.taking.leaving.cancel();
    }

    async fn close(&self) {
        self.leave();
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Why nothing more comes of this connection, if so.
fn closed(connection: &Connection, channel: &Channel) -> Option<String> {
    if !connection.status().connected() {
        return Some("the connection was lost".to_owned());
    }
    (!channel.status().connected()).then(|| "it closed the channel".to_owned())
}

async fn close(connection: &Connection) {
    // One that is gone is not taken leave of.
    let _ = timeout(FAREWELL, connection.close(200, "OK".into())).await;
}
