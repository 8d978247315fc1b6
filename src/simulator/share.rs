//! Some of many, evenly.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Of each hundred in a row exactly so many, spread out. Not by chance, so that two runs see the same.
#[derive(Debug)]
pub(super) struct Share {
    percent: u64,
    seen: AtomicU64,
}

impl Share {
    pub(super) fn of_hundred(percent: u8) -> Self {
        Self { percent: percent.min(100).into(), seen: AtomicU64::new(0) }
    }

    /// Whether the next one is among them.
    pub(super) fn takes(&self) -> bool {
        let n = self.seen.fetch_add(1, Relaxed);
        (n + 1) * self.percent / 100 > n * self.percent / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_and_spread_out() {
        for percent in [0, 1, 10, 33, 99, 100] {
            let share = Share::of_hundred(percent);
            let taken: Vec<_> = (0..200).filter(|_| share.takes()).collect();
            assert_eq!(taken.len(), 2 * usize::from(percent));
        }
        let tenth = Share::of_hundred(10);
        assert_eq!((1..=30).filter(|_| tenth.takes()).collect::<Vec<_>>(), [10, 20, 30]);
    }
}
