//! How the calls of the last minute went.

use crate::clock::Timestamp;

/// Milliseconds that are counted together.
const SLICE: i64 = 5_000;
const SLICES: usize = 12;

/// Counts over a sliding minute.
#[derive(Debug, Default)]
pub(super) struct Window([(i64, Counts); SLICES]);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub calls: u32,
    /// Without a usable answer, or refused for a trouble of the provider's own.
    pub failed: u32,
    /// Answered, but far later than usual.
    pub slow: u32,
}

impl Counts {
    pub const CALL: Self = Self { calls: 1, failed: 0, slow: 0 };
    pub const FAILED: Self = Self { failed: 1, ..Self::CALL };
    pub const SLOW: Self = Self { slow: 1, ..Self::CALL };
}

impl Window {
    pub fn note(&mut self, what: Counts, now: Timestamp) {
        let number = now.0.div_euclid(SLICE);
        let (of, counts) = &mut self.0[number.rem_euclid(SLICES as i64) as usize];
        if *of != number {
            (*of, *counts) = (number, Counts::default());
        }
        counts.calls += what.calls;
        counts.failed += what.failed;
        counts.slow += what.slow;
    }

    pub fn counts(&self, now: Timestamp) -> Counts {
        let newest = now.0.div_euclid(SLICE);
        // What a clock that was set back has written since counts as later than now, and not.
        let lately = newest - SLICES as i64 + 1..=newest;
        let lately = self.0.iter().filter(|(of, _)| lately.contains(of)).map(|(_, counts)| counts);
        lately.fold(Counts::default(), |sum, counts| Counts {
            calls: sum.calls + counts.calls,
            failed: sum.failed + counts.failed,
            slow: sum.slow + counts.slow,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_a_minute_old_is_forgotten() {
        let mut window = Window::default();
        let start = Timestamp(1_790_000_000_000);
        window.note(Counts::FAILED, start);
        window.note(Counts::SLOW, start.plus(Duration::from_secs(30)));
        assert_eq!(
            window.counts(start.plus(Duration::from_secs(54))),
            Counts { calls: 2, failed: 1, slow: 1 }
        );
        assert_eq!(window.counts(start.plus(Duration::from_mins(1))), Counts::SLOW);
        assert_eq!(window.counts(start.plus(Duration::from_secs(95))), Counts::default());
        window.note(Counts::CALL, start.plus(Duration::from_hours(1)));
        assert_eq!(window.counts(start.plus(Duration::from_hours(1))), Counts::CALL);
    }
}
