//! How many connections to a relay may be open: as many as the settings say, fewer once it has said 421, and by and by
//! more again.
//!
//! Who is told 421 with eight connections open is not helped by a ninth try a minute later: the relay wants fewer of
//! them. So their number is halved, once for all that were open together, and grows by one for every hundred mails that
//! were taken since.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Mails taken before one connection more is tried.
const MAILS: u32 = 100;

pub(super) struct Slots {
    /// What the settings allow.
    most: usize,
    permits: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    /// At the moment.
    allowed: usize,
    /// Slots that are in use and will not come back.
    owed: usize,
    /// How often it was halved.
    round: u64,
    taken: u32,
}

/// The right to one connection, until it is dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    permit: Option<OwnedSemaphorePermit>,
    round: u64,
}

impl Slots {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let state = State { allowed: most, owed: 0, round: 0, taken: 0 };
        Arc::new(Self { most, permits: Arc::new(Semaphore::new(most)), state: Mutex::new(state) })
    }

    /// One that is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<Slot> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let round = self.state().round;
        Some(Slot { slots: Arc::clone(self), permit: Some(permit), round })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// The relay said 421. What others hear who were under way at the same time says nothing new; then it is `false`.
    pub(super) fn too_many(&self) -> bool {
        let mut state = self.slots.state();
        if state.round > self.round {
            return false;
        }
        state.round += 1;
        state.taken = 0;
        let fewer = state.allowed - (state.allowed / 2).max(1);
        state.allowed -= fewer;
        state.owed += fewer - self.slots.permits.forget_permits(fewer);
        true
    }

    /// Another mail begins: what the relay says from here on may be news.
    pub(super) fn begin(&mut self) {
        self.round = self.slots.state().round;
    }

    /// There are more in use than there should be.
    pub(super) fn is_surplus(&self) -> bool {
        self.slots.state().owed > 0
    }

    /// The relay took a mail. `true` if one more may be taken for that.
    pub(super) fn accepted(&self) -> bool {
        let mut state = self.slots.state();
        if state.allowed == self.slots.most {
            return false;
        }
        state.taken += 1;
        if state.taken < MAILS {
            return false;
        }
        state.taken = 0;
        state.allowed += 1;
        if state.owed > 0 {
            state.owed -= 1;
            return false;
        }
        self.slots.permits.add_permits(1);
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        if state.owed > 0
            && let Some(permit) = self.permit.take()
        {
            state.owed -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that are free, taken.
    fn all(slots: &Arc<Slots>) -> Vec<Slot> {
        std::iter::from_fn(|| slots.take()).collect()
    }

    #[test]
    fn those_open_together_halve_it_once() {
        let slots = Slots::new(8);
        let open = all(&slots);
        assert_eq!(open.len(), 8);
        for slot in &open {
            slot.too_many();
        }
        drop(open);
        let open = all(&slots);
        assert_eq!(open.len(), 4);
        open[0].too_many();
        open[1].too_many();
        assert!(all(&slots).is_empty());
        drop(open);
        for expected in [2, 1, 1] {
            let open = all(&slots);
            assert_eq!(open.len(), expected);
            open[0].too_many();
        }
    }

    #[test]
    fn one_that_is_kept_hears_the_news_of_its_next_mail() {
        let slots = Slots::new(8);
        let mut open = all(&slots);
        assert!(open[0].too_many());
        assert!(!open[1].too_many(), "it was under way when the other heard it");
        open[1].begin();
        assert!(open[1].too_many());
        assert!(open[1].is_surplus());
        open.truncate(2);
        assert!(!open[1].is_surplus());
    }

    #[test]
    fn those_that_are_free_are_taken_away_first() {
        let slots = Slots::new(8);
        let one = slots.take().unwrap();
        one.too_many();
        let others = all(&slots);
        assert_eq!(others.len(), 3);
        drop((one, others));
        assert_eq!(all(&slots).len(), 4);
    }

    #[test]
    fn mails_that_are_taken_bring_them_back_one_by_one_and_no_more() {
        let slots = Slots::new(3);
        let open = all(&slots);
        open[0].too_many();
        drop(open);
        for expected in [1, 2, 3, 3] {
            let open = all(&slots);
            assert_eq!(open.len(), expected);
            for _ in 0..MAILS {
                open[0].accepted();
            }
        }
        let open = all(&slots);
        open[0].too_many();
        for _ in 0..MAILS {
            open[0].accepted();
        }
        drop(open);
        assert_eq!(all(&slots).len(), 2, "one of those that were not to come back");
    }
}
