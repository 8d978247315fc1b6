//! What the store said lately, so that it need not be asked for every request. Kept for half a second: what another
//! process changes takes effect within one, what this process changes at once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const KEPT_FOR: Duration = Duration::from_millis(500);

/// Answers by what was asked, at most so many.
#[derive(Debug)]
pub(super) struct Lately<K, V> {
    most: usize,
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

fn is_fresh(since: Duration, steady: Duration) -> bool {
    steady.checked_sub(since).is_some_and(|age| age < KEPT_FOR)
}

impl<K: Eq + Hash, V: Clone> Lately<K, V> {
    pub fn new(most: usize) -> Self {
        Self { most, memory: Mutex::new(Memory { generation: 0, kept: HashMap::new() }) }
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
        memory.kept.get(key).filter(|(_, since)| is_fresh(*since, steady)).map(|(value, _)| value.clone())
    }

    /// Keeps an answer; where there is no room, what is stale goes first, then everything.
    pub fn keep(&self, generation: Generation, key: K, value: V, steady: Duration) {
        let mut memory = self.memory();
        if memory.generation != generation.0 {
            return;
        }
        if memory.kept.len() >= self.most {
            memory.kept.retain(|_, (_, since)| is_fresh(*since, steady));
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
