//! Wake-ups for whoever has something to tell and nothing to wait for.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use tokio_util::task::TaskTracker;

use super::{Entry, Queue};

/// Wakes dispatchers: this process's own at once, the others by way of the queue, beside whoever called. Clones share it.
#[derive(Clone)]
pub struct WakeUps {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<dyn Queue>,
    /// What publishes where the queue does not answer at once.
    background: TaskTracker,
    /// Entries that are being published, and whether an equal one was offered meanwhile: the one under way may have been
    /// taken before there was something to find, so another follows it.
    under_way: Mutex<BTreeMap<Entry, bool>>,
}

impl WakeUps {
    pub fn new(queue: Arc<dyn Queue>, background: TaskTracker) -> Self {
        Self { inner: Arc::new(Inner { queue, background, under_way: Mutex::default() }) }
    }

    /// There is work, and it is in the store. Nobody waits for a broker, be it slow or away: of equal entries one is being
    /// published at a time, and what cannot be published the others' sweepers find.
    pub fn wake(&self, entry: Entry) {
        self.inner.queue.offer_here(entry);
        if !self.inner.queue.is_shared() {
            return;
        }
        match self.inner.under_way().entry(entry) {
            Place::Occupied(mut again) => {
                again.insert(true);
                return;
            }
            Place::Vacant(place) => {
                place.insert(false);
            }
        }
        let inner = Arc::clone(&self.inner);
        let mut publishing = Box::pin(async move { inner.publish(entry).await });
        if publishing.as_mut().now_or_never().is_none() {
            self.inner.background.spawn(publishing);
        }
    }
}

impl Inner {
    fn under_way(&self) -> MutexGuard<'_, BTreeMap<Entry, bool>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn publish(&self, entry: Entry) {
        loop {
            match AssertUnwindSafe(self.queue.publish(entry)).catch_unwind().await {
                Ok(Ok(())) => {}
                // The queue says once that it is away, not for each entry.
                Ok(Err(error)) => {
                    tracing::debug!(%error, ?entry, "wake-up not published; the sweepers will find the work");
                }
                Err(_) => tracing::error!(?entry, "publishing a wake-up panicked"),
            }
            let mut under_way = self.under_way();
            match under_way.get_mut(&entry) {
                Some(again) if *again => *again = false,
                _ => {
                    under_way.remove(&entry);
                    return;
                }
            }
        }
    }
}
