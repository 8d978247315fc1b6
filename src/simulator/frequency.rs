//! How often something happened lately.

use std::collections::{HashMap, VecDeque};

/// Keys that are remembered; beyond it all of them are forgotten, which no test comes near.
const REMEMBERED: usize = 500_000;

/// Moments by key, in milliseconds since 1970.
#[derive(Debug, Default)]
pub(super) struct Frequency {
    log: HashMap<String, VecDeque<i64>>,
}

impl Frequency {
    /// How often since then, that moment included.
    pub(super) fn since(&self, key: &str, from: i64) -> u64 {
        self.log.get(key).map_or(0, |log| log.iter().rev().take_while(|at| **at >= from).count() as u64)
    }

    /// It happened now. What is older than `forget` is of no interest any more.
    pub(super) fn add(&mut self, key: String, now: i64, forget: i64) {
        if self.log.len() >= REMEMBERED && !self.log.contains_key(&key) {
            self.log.clear();
        }
        let log = self.log.entry(key).or_default();
        while log.front().is_some_and(|at| *at < forget) {
            log.pop_front();
        }
        log.push_back(now);
    }

    pub(super) fn clear(&mut self) {
        self.log.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_not_counted_and_forgotten() {
        let mut frequency = Frequency::default();
        for at in [10, 20, 30] {
            frequency.add("a".to_owned(), at, 0);
        }
        assert_eq!((frequency.since("a", 20), frequency.since("a", 31), frequency.since("b", 0)), (2, 0, 0));
        frequency.add("a".to_owned(), 40, 30);
        assert_eq!(frequency.since("a", 0), 2);
    }
}
