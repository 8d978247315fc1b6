//! How WeCom says that it is being asked too much, and what it is spared then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::channel::day::until_tomorrow;
use crate::clock::Timestamp;

/// A block lasts as long as the limit that was met, which 45009 does not name: a minute first; if WeCom still refuses
/// after it, it was the hour's; if after that, the day's.
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
/// After too many calls at once.
const MOMENT: Duration = Duration::from_secs(3);
/// Calls in a row that were taken before one more at once is tried.
const CALM: u32 = 50;

/// See the module.
#[derive(Debug)]
pub(super) struct Pressure {
    /// Calls at once that the settings allow.
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    allowed: usize,
    /// Calls taken since it changed.
    calm: u32,
    /// Blocks since a call was last taken.
    blocks: u32,
    blocked_until: Option<Timestamp>,
}

impl Pressure {
    pub(super) fn new(most: usize) -> Self {
        let state = State { allowed: most, calm: 0, blocks: 0, blocked_until: None };
        Self { most, state: Mutex::new(state) }
    }

    /// Calls at once.
    pub(super) fn allowed(&self) -> usize {
        self.state().allowed
    }

    /// A call was taken.
    pub(super) fn taken(&self) {
        let mut state = self.state();
        (state.blocks, state.blocked_until) = (0, None);
        state.calm += 1;
        if state.calm >= CALM && state.allowed < self.most {
            state.allowed += 1;
            state.calm = 0;
        }
    }

    /// There were too many at once: half of them from now on. Returns how long to wait.
    pub(super) fn too_many_at_once(&self) -> Duration {
        let mut state = self.state();
        state.allowed = (state.allowed / 2).max(1);
        state.calm = 0;
        MOMENT
    }

    /// There were too many in a minute, an hour or a day. Returns how long to wait.
    pub(super) fn too_many(&self, now: Timestamp) -> Duration {
        let mut state = self.state();
        // Calls that were under way when the block began hear of the same one.
        if let Some(until) = state.blocked_until.filter(|until| *until > now) {
            return until.since(now);
        }
        let wait = match state.blocks {
            0 => MINUTE,
            1 => HOUR,
            _ => until_tomorrow(now),
        };
        state.blocks += 1;
        state.blocked_until = Some(now.plus(wait));
        wait
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 21 September 2026, 22:13:20 in China.
    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    #[test]
    fn a_block_that_lasts_was_a_longer_one() {
        let pressure = Pressure::new(1);
        assert_eq!(pressure.too_many(NOW), MINUTE);
        assert_eq!(pressure.too_many(NOW.plus(MINUTE / 2)), MINUTE / 2, "the same block");
        let later = NOW.plus(MINUTE);
        assert_eq!(pressure.too_many(later), HOUR);
        let later = later.plus(HOUR);
        let day = pressure.too_many(later);
        assert_eq!(later.plus(day).to_string(), "2026-09-21T16:00:00.000Z", "midnight in China");
        pressure.taken();
        assert_eq!(pressure.too_many(later), MINUTE, "from the beginning");
    }

    #[test]
    fn too_many_at_once_are_halved_and_come_back_one_by_one() {
        let pressure = Pressure::new(8);
        pressure.too_many_at_once();
        pressure.too_many_at_once();
        assert_eq!(pressure.allowed(), 2);
        for _ in 0..CALM {
            pressure.taken();
        }
        assert_eq!(pressure.allowed(), 3);
        for _ in 0..CALM * 20 {
            pressure.taken();
        }
        assert_eq!(pressure.allowed(), 8);
        for _ in 0..9 {
            pressure.too_many_at_once();
        }
        assert_eq!(pressure.allowed(), 1);
    }
}
