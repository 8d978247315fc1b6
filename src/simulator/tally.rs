//! Counting words without growing for ever.

use std::collections::HashMap;
use std::mem;

/// How often each word was seen. Remembers at least the latest `room` different words exactly and forgets older
/// ones, so that a simulator that runs for weeks keeps its size.
#[derive(Debug)]
pub(super) struct Tally {
    room: usize,
    recent: HashMap<Box<str>, u64>,
    older: HashMap<Box<str>, u64>,
}

impl Tally {
    pub(super) fn remembering(room: usize) -> Self {
        Self { room, recent: HashMap::new(), older: HashMap::new() }
    }

    /// Counts `word` once more and says how often it was seen by now.
    pub(super) fn add(&mut self, word: &str) -> u64 {
        if let Some(count) = self.recent.get_mut(word) {
            *count += 1;
            return *count;
        }
        // A word lives in one of the two maps only, so its count is never split.
        let count = self.older.remove(word).unwrap_or(0) + 1;
        if self.recent.len() >= self.room {
            self.older = mem::take(&mut self.recent);
        }
        self.recent.insert(word.into(), count);
        count
    }

    pub(super) fn of(&self, word: &str) -> u64 {
        self.recent.get(word).or_else(|| self.older.get(word)).copied().unwrap_or(0)
    }

    /// How many different words are remembered.
    pub(super) fn words(&self) -> usize {
        self.recent.len() + self.older.len()
    }

    /// The words seen more than once, in order.
    pub(super) fn repeated(&self) -> Vec<(String, u64)> {
        let mut words: Vec<_> = self
            .recent
            .iter()
            .chain(&self.older)
            .filter(|(_, count)| **count > 1)
            .map(|(word, count)| (word.to_string(), *count))
            .collect();
        words.sort();
        words
    }

    pub(super) fn clear(&mut self) {
        *self = Self::remembering(self.room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_word() {
        let mut tally = Tally::remembering(10);
        assert_eq!([tally.add("a"), tally.add("b"), tally.add("a")], [1, 1, 2]);
        assert_eq!((tally.of("a"), tally.of("b"), tally.of("c")), (2, 1, 0));
        assert_eq!(tally.repeated(), [("a".to_owned(), 2)]);
        tally.clear();
        assert_eq!((tally.of("a"), tally.words()), (0, 0));
    }

    #[test]
    fn forgets_the_oldest_words_and_never_the_latest() {
        let mut tally = Tally::remembering(3);
        for word in ["a", "b", "c", "d", "a"] {
            tally.add(word);
        }
        assert_eq!(tally.of("a"), 2, "seen again in time, so its first count was carried over");
        for number in 0..100 {
            tally.add(&number.to_string());
            assert!(tally.words() <= 6);
        }
        assert_eq!(tally.of("b"), 0);
        assert_eq!((97..100).map(|number| tally.of(&number.to_string())).sum::<u64>(), 3);
    }
}
