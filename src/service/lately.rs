//! What the store said lately, so that it need not be asked for every request. Kept for half a second where nothing else is
//! said: what another process changes takes effect within one, what this process changes at once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::Result;
use crate::clock::Clock;

const KEPT_FOR: Duration = Duration::from_millis(500);

/// Answers by what was asked, at most so many.
#[derive(Debug)]
pub(super) struct Lately<K, V> {
    most: usize,
    kept_for: Duration,
    memory: Mutex<Memory<K, V>>,
}

#[derive(Debug)]
struct Memory<K, V> {
    generation: u64,
    /// With the steady time each was kept at.
    kept: HashMap<K, (V, Duration)>,
}

/// When the store is asked: an answer from before a change made by this process is not kept after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Generation(u64);

fn is_fresh(since: Duration, steady: Duration, kept_for: Duration) -> bool {
    steady.checked_sub(since).is_some_and(|age| age < kept_for)
}

impl<K: Eq + Hash, V: Clone> Lately<K, V> {
    pub fn new(most: usize) -> Self {
        Self::lasting(most, KEPT_FOR)
    }

    pub fn lasting(most: usize, kept_for: Duration) -> Self {
        Self { most, kept_for, memory: Mutex::new(Memory { generation: 0, kept: HashMap::new() }) }
    }

    fn memory(&self) -> MutexGuard<'_, Memory<K, V>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be taken before the store is asked.
    pub fn generation(&self) -> Generation {
        Generation(self.memory().generation)
    }

    /// `steady`: [`Clock::steady`](crate::clock::Clock::steady).
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q, steady: Duration) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let memory = self.memory();
        let fresh = memory.kept.get(key).filter(|(_, since)| is_fresh(*since, steady, self.kept_for));
        fresh.map(|(value, _)| value.clone())
    }

    /// Keeps an answer; where there is no room, what is stale goes first, then everything.
    pub fn keep(&self, generation: Generation, key: K, value: V, steady: Duration) {
        let mut memory = self.memory();
        if memory.generation != generation.0 {
            return;
        }
        if memory.kept.len() >= self.most {
            memory.kept.retain(|_, (_, since)| is_fresh(*since, steady, self.kept_for));
        }
        if memory.kept.len() >= self.most {
            memory.kept.clear();
        }
        memory.kept.insert(key, (value, steady));
    }

    /// Something was changed here: ask the store again.
    pub fn forget(&self) {
        let mut memory = self.memory();
        memory.generation += 1;
        memory.kept.clear();
    }
}

/// As [`Lately`], for what takes the store a while: it is found out once at a time, however many ask for it.
#[derive(Debug)]
pub(super) struct Shared<K, V> {
    lately: Lately<K, V>,
    /// What is being found out at this moment.
    turns: Mutex<HashMap<K, Weak<tokio::sync::Mutex<()>>>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Shared<K, V> {
    pub fn lasting(most: usize, kept_for: Duration) -> Self {
        Self { lately: Lately::lasting(most, kept_for), turns: Mutex::default() }
    }

    /// What was found out lately, or is by `find`. Of those who ask meanwhile each waits for it; a failure is the asker's alone.
    pub async fn get(&self, key: K, clock: &Clock, find: impl Future<Output = Result<V>>) -> Result<V> {
        if let Some(known) = self.lately.get(&key, clock.steady()) {
            return Ok(known);
        }
        let turn = self.turn(&key);
        let _alone = turn.lock().await;
        if let Some(known) = self.lately.get(&key, clock.steady()) {
            return Ok(known);
        }
        let generation = self.lately.generation();
        let found = find.await?;
        self.lately.keep(generation, key, found.clone(), clock.steady());
        Ok(found)
    }

    fn turn(&self, key: &K) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(key.clone(), Arc::downgrade(&turn));
        turn
    }

    /// Something was changed here: what is being found out may be without it.
    pub fn forget(&self) {
        self.lately.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use futures_util::future::join_all;

    use super::*;
    use crate::Error;
    use crate::clock::Timestamp;

    const AT: Duration = Duration::from_secs(1000);

    #[test]
    fn memory_is_bounded_and_short() {
        let lately = Lately::new(100);
        let generation = lately.generation();
        for n in 0..500_u32 {
            lately.keep(generation, n, "answer", AT);
            assert!(lately.memory().kept.len() <= 100);
        }
        assert_eq!(lately.get(&499, AT + Duration::from_millis(499)), Some("answer"));
        assert_eq!(lately.get(&499, AT + Duration::from_millis(500)), None);
    }

    #[test]
    fn an_answer_from_before_a_change_is_not_kept() {
        let lately = Lately::new(100);
        let before = lately.generation();
        lately.forget();
        lately.keep(before, "key", "old", AT);
        assert_eq!(lately.get("key", AT), None);
        lately.keep(lately.generation(), "key", "new", AT);
        assert_eq!(lately.get("key", AT), Some("new"));
    }
    #[tokio::test]
    async fn however_many_ask_it_is_found_out_once() {
        let (shared, clock) =
            (Shared::lasting(8, Duration::from_secs(2)), Clock::manual(Timestamp(1_000_000)));
        let found = AtomicU32::new(0);
        let ask = async || {
            let find = async {
                let n = found.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(n)
            };
            shared.get("board", &clock, find).await.unwrap()
        };
        assert_eq!(join_all((0..50).map(|_| ask())).await, [0; 50]);
        clock.turn(1_999);
        assert_eq!(ask().await, 0);
        clock.turn(1);
        assert_eq!(join_all((0..50).map(|_| ask())).await, [1; 50], "it was stale");
        shared.forget();
        assert_eq!(ask().await, 2);
        assert_eq!(shared.turns.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_changes_while_something_is_found_out_is_not_missed() {
        let (shared, clock) =
            (Shared::lasting(8, Duration::from_secs(2)), Clock::manual(Timestamp(1_000_000)));
        let before = async {
            shared.forget();
            Ok("before")
        };
        assert_eq!(shared.get("board", &clock, before).await.unwrap(), "before");
        let failed = shared.get("board", &clock, async { Err(Error::NotFound("board")) }).await;
        assert!(failed.is_err(), "it was not kept, nor is a failure");
        assert_eq!(shared.get("board", &clock, async { Ok("after") }).await.unwrap(), "after");
    }
}
