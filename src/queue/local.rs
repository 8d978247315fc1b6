//! The queue of a single process. Equal entries are merged while they wait, so it is bounded by the number of lanes
//! times kinds of work, whatever the backlog.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::wakers::Wakers;
use super::{Entry, Queue, QueueError, Taken, Work};
use crate::domain::message::Lane;

#[derive(Debug, Default)]
pub struct LocalQueue {
    waiting: Mutex<BTreeMap<Work, BTreeSet<Lane>>>,
    woken: Wakers,
    tags: AtomicU64,
}

impl LocalQueue {
    pub fn new() -> Self {
        Self::default()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<Work, BTreeSet<Lane>>> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn pop(&self, work: Work) -> Option<Taken> {
        let lane = self.waiting().get_mut(&work)?.pop_first()?;
        let tag = self.tags.fetch_add(1, Ordering::Relaxed);
        Some(Taken { entry: Entry { lane, work }, tag })
    }

    fn push(&self, entry: Entry) {
        self.waiting().entry(entry.work).or_default().insert(entry.lane);
        self.woken.of(entry.work).notify_one();
    }
}

#[async_trait]
impl Queue for LocalQueue {
    async fn publish(&self, entry: Entry) -> Result<(), QueueError> {
        self.push(entry);
        Ok(())
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn offer_here(&self, entry: Entry) {
        self.push(entry);
    }

    async fn take(&self, work: Work) -> Taken {
        loop {
            let woken = self.woken.of(work).notified();
            if let Some(taken) = self.pop(work) {
                // `notify_one` keeps one permit only: pass it on while entries remain.
                if self.waiting().get(&work).is_some_and(|lanes| !lanes.is_empty()) {
                    self.woken.of(work).notify_one();
                }
                return taken;
            }
            woken.await;
        }
    }

    async fn settle(&self, _taken: Taken) -> Result<(), QueueError> {
        Ok(())
    }

    async fn give_back(&self, taken: Taken) -> Result<(), QueueError> {
        self.push(taken.entry);
        Ok(())
    }

    async fn depth(&self, entry: Entry) -> Result<usize, QueueError> {
        Ok(usize::from(self.waiting().get(&entry.work).is_some_and(|lanes| lanes.contains(&entry.lane))))
    }

    fn name(&self) -> &'static str {
        "local"
    }
}
