//! How often something may happen, by whom or to what. Each process counts for itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
pub(super) use crate::domain::network::behind as network;
use crate::{Error, Result};

/// Beyond it those whose time is over are forgotten, so that many who came once take no memory.
const MOST_KNOWN: usize = 10_000;
/// Where none is over, so many of the oldest make room: few enough that a flood of strangers frees nobody soon.
const MADE_ROOM: usize = MOST_KNOWN / 10;

/// At most `limit` times within `window`, reckoned from the first.
#[derive(Debug)]
pub(super) struct Throttle<K> {
    limit: u32,
    window: Duration,
    counts: Mutex<HashMap<K, Count>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Duration,
    times: u32,
}

impl<K: Eq + Hash> Throttle<K> {
    pub(super) fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, counts: Mutex::default() }
    }

    /// [`Error::RateLimited`] where it has happened too often; counts nothing.
    pub(super) fn check(&self, clock: &Clock, key: &K) -> Result<()> {
        let now = clock.steady();
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get(key) {
            Some(count) if count.times >= self.limit => match (count.since + self.window).checked_sub(now) {
                Some(retry_after) if !retry_after.is_zero() => Err(Error::RateLimited { retry_after }),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// It happened once more.
    pub(super) fn count(&self, clock: &Clock, key: K) {
        let now = clock.steady();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST_KNOWN {
            counts.retain(|_, count| now < count.since + self.window);
            // All of them within one window is an attack from everywhere.
            if counts.len() >= MOST_KNOWN {
                make_room(&mut counts);
            }
        }
        let count = counts.entry(key).or_insert(Count { since: now, times: 0 });
        if now >= count.since + self.window {
            *count = Count { since: now, times: 0 };
        }
        count.times += 1;
    }

    /// As [`check`](Self::check), and counts it where it may happen.
    pub(super) fn admit(&self, clock: &Clock, key: K) -> Result<()> {
        self.check(clock, &key)?;
        self.count(clock, key);
        Ok(())
    }
}

/// Forgets the oldest.
fn make_room<K: Eq + Hash>(counts: &mut HashMap<K, Count>) {
    let mut ages: Vec<_> = counts.values().map(|count| count.since).collect();
    ages.sort_unstable();
    let Some(&last) = ages.get(MADE_ROOM) else { return };
    // Of those that came at that very moment, only as many as are too many.
    let mut equals = ages[..MADE_ROOM].iter().filter(|since| **since == last).count();
    counts.retain(|_, count| {
        if count.since == last && equals > 0 {
            equals -= 1;
            return false;
        }
        count.since >= last
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn what_happens_too_often_waits_for_the_window_to_end() {
        let clock = Clock::manual(Timestamp(0));
        let throttle = Throttle::new(2, Duration::from_mins(1));
        throttle.admit(&clock, "a").unwrap();
        clock.turn(20_000);
        throttle.admit(&clock, "a").unwrap();
        let refused = throttle.admit(&clock, "a");
        assert!(
            matches!(refused, Err(Error::RateLimited { retry_after }) if retry_after == Duration::from_secs(40)),
            "{refused:?}"
        );
        throttle.admit(&clock, "b").unwrap();
        clock.turn(40_000);
        throttle.admit(&clock, "a").unwrap();
    }

    #[test]
    fn strangers_take_no_memory_for_good() {
        let clock = Clock::manual(Timestamp(0));
        let throttle = Throttle::new(1, Duration::from_mins(1));
        for n in 0..3 * MOST_KNOWN {
            throttle.count(&clock, n);
        }
        assert!(throttle.counts.lock().unwrap().len() <= MOST_KNOWN);
    }

    #[test]
    fn many_strangers_do_not_free_whoever_was_stopped_lately() {
        let clock = Clock::manual(Timestamp(0));
        let throttle = Throttle::new(1, Duration::from_mins(1));
        for n in 0..MOST_KNOWN - 1 {
            throttle.count(&clock, n);
        }
        clock.turn(1);
        throttle.count(&clock, usize::MAX);
        clock.turn(1);
        for n in 0..MOST_KNOWN / 2 {
            throttle.count(&clock, MOST_KNOWN + n);
        }
        assert!(throttle.admit(&clock, usize::MAX).is_err());
        throttle.admit(&clock, usize::MAX - 1).unwrap();
    }
}
