//! What is left of a provider's daily quota, as one dispatcher knows it.
//!
//! The store counts what the provider took, or may have, whichever node handed it over. What other nodes have in hand is
//! not counted yet, so that together they may pass a quota by that much; the vendor then says so itself.

use crate::clock::Timestamp;
use crate::domain::quota::{Quota, day_ends, vendor_day};

#[derive(Debug, Default)]
pub(super) struct Tally {
    /// As the store said last.
    stored: i64,
    /// Taken, or perhaps taken, and not stored yet.
    waiting: i64,
    /// The store knows more by now.
    stale: bool,
    /// The vendor's day for which it was told that the quota is used up.
    told: Option<String>,
}

/// How many deliveries a provider may still be given today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub emergencies: usize,
    pub others: usize,
    /// When there is more, where others have nothing left.
    pub again: Option<Timestamp>,
}

impl Tally {
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    pub fn read(&mut self, stored: i64) {
        (self.stored, self.stale) = (stored, false);
    }

    pub fn taken(&mut self, n: usize) {
        self.waiting += n as i64;
    }

    pub fn stored(&mut self, n: usize) {
        // What was handed over under other settings was not counted here.
        self.waiting = (self.waiting - n as i64).max(0);
        self.stale = true;
    }

    /// `in_hand`: deliveries it has or is about to have, each of which it may take.
    pub fn left(&self, quota: Quota, in_hand: usize, now: Timestamp) -> Left {
        let used = self.stored + self.waiting + in_hand as i64;
        let count = |left: i64| usize::try_from(left).unwrap_or(0);
        let again = (quota.left(self.stored) == 0).then(|| day_ends(now));
        Left { emergencies: count(quota.left_for_emergencies(used)), others: count(quota.left(used)), again }
    }

    /// Why others are given nothing any more; once a day.
    pub fn used_up(&mut self, quota: Quota, now: Timestamp) -> Option<String> {
        let day = vendor_day(now);
        if quota.left(self.stored) > 0 || self.told.as_ref() == Some(&day) {
            return None;
        }
        self.told = Some(day);
        Some(quota.used_up(self.stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);
    const QUOTA: Quota = Quota { daily: 100, reserve: 10 };

    #[test]
    fn what_is_in_hand_or_not_stored_yet_is_spoken_for() {
        let mut tally = Tally::default();
        tally.read(50);
        tally.taken(20);
        let left = tally.left(QUOTA, 15, NOW);
        assert_eq!(left, Left { emergencies: 15, others: 5, again: None });
        assert_eq!(tally.left(QUOTA, 200, NOW), Left { emergencies: 0, others: 0, again: None });
        tally.stored(20);
        assert!(tally.is_stale());
        tally.read(95);
        let left = tally.left(QUOTA, 0, NOW);
        assert_eq!(left, Left { emergencies: 5, others: 0, again: Some(day_ends(NOW)) });
    }

    #[test]
    fn that_it_is_used_up_is_told_once_a_day() {
        let mut tally = Tally::default();
        tally.read(89);
        assert_eq!(tally.used_up(QUOTA, NOW), None);
        tally.read(90);
        assert!(tally.used_up(QUOTA, NOW).is_some());
        assert_eq!(tally.used_up(QUOTA, NOW), None);
        assert!(tally.used_up(QUOTA, day_ends(NOW)).is_some());
    }
}
