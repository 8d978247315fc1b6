//! The queue of many processes, at a RabbitMQ. It carries wake-ups only, so it may be gone, purged or full at any moment:
//! what cannot be told to others is offered to this process's own takers, and the others look into the store by themselves.
//!
//! - [`topology`]: what stands at the broker · [`body`]: what an entry looks like there
//! - [`giving`]: entries on their way there · [`taking`]: entries that come · [`shelf`]: those in hand

mod body;
mod giving;
mod shelf;
mod taking;
mod topology;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use lapin::options::BasicAckOptions;
use rustls::ClientConfig;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::giving::{Given, Giving, PATIENCE};
use self::taking::Taking;
use self::topology::Names;
use super::{Entry, Queue, QueueError, Taken, Work};
use crate::broker::dial::Target;
use crate::broker::{RPC, side};
use crate::config::BrokerUrl;
use crate::domain::message::Lane;

/// What its being away means, for logs.
const MEANWHILE: &str = "each process looks into the store";

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
            target: Arc::new(Target::new(broker, trusts)),
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
        let line = self.target.connect("removing").await.map_err(QueueError)?;
        let removed = timeout(RPC, async {
            let channel = line.create_channel().await?;
            topology::remove(&channel, &Names::new(&self.target.broker.prefix)).await
        });
        let removed = removed.await.map_err(|_| QueueError("it does not answer".to_owned()));
        line.close().await;
        removed?.map_err(|error| QueueError(error.to_string()))
    }

    fn giving(&self) -> &Giving {
        if !self.gives.swap(true, Ordering::Relaxed) {
            let (giving, target, stop) =
                (Arc::clone(&self.giving), Arc::clone(&self.target), self.stop.clone());
            self.tasks.spawn(async move {
                side::keep(&giving.side, &stop, || giving.run(&target, &stop)).await;
            });
        }
        &self.giving
    }

    fn taking(&self) -> &Taking {
        if !self.takes.swap(true, Ordering::Relaxed) {
            let (taking, target, stop) =
                (Arc::clone(&self.taking), Arc::clone(&self.target), self.stop.clone());
            self.tasks.spawn(async move {
                side::keep(&taking.side, &stop, || taking.run(&target, &stop)).await;
            });
        }
        &self.taking
    }

    /// Tells the broker what became of an entry, beside whoever works. On a connection that is gone there is nothing to tell:
    /// the broker has offered it again.
    fn beside(&self, is_needed: bool, telling: impl Future<Output = lapin::Result<()>> + Send + 'static) {
        if is_needed {
            self.tasks.spawn(async move {
                if !matches!(timeout(PATIENCE, telling).await, Ok(Ok(()))) {
                    tracing::debug!("the broker was not told what became of an entry; it offers it again");
                }
            });
        }
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    fn called(&self, name: &str) {
        self.target.called(name);
    }

    fn open(&self) {
        self.giving();
        self.taking();
    }

    async fn publish(&self, entry: Entry) -> Result<(), QueueError> {
        let published = self.giving().publish(entry).await;
        // A refusal means in all likelihood that enough equal ones wait, but the broker does not say so.
        if !matches!(published, Ok(Given::Kept)) {
            self.offer_here(entry);
        }
        published.map(|_| ())
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
        let held = self.taking.shelf.settle(taken.tag);
        self.beside(!held.is_empty(), async move {
            for held in held {
                held.acker.ack(BasicAckOptions::default()).await?;
            }
            Ok(())
        });
        Ok(())
    }

    async fn give_back(&self, taken: Taken) -> Result<(), QueueError> {
        let held = self.taking.shelf.settle(taken.tag);
        if held.is_empty() {
            self.offer_here(taken.entry);
        }
        self.beside(!held.is_empty(), taking::give_back(held));
        Ok(())
    }

    async fn depth(&self, entry: Entry) -> Result<usize, QueueError> {
        let there = self.taking().depth(entry).await?;
        // What this process offered to itself waits only where it takes such work at all.
        Ok(there as usize + self.taking.shelf.count(entry, self.taking.wants(entry.work)))
    }

    fn received(&self, lane: Lane) -> u64 {
        self.taking.shelf.received(lane)
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
