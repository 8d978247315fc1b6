//! Waiting while it is we who cannot take messages. Everybody in hand waits, and one of them tries now and then.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, watch};

/// The first wait; each next one is twice as long, up to the longest.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

pub(super) struct Gate {
    shortest: Duration,
    longest: Duration,
    /// How often it was opened.
    opened: watch::Sender<u64>,
    one: Mutex<()>,
}

/// Whoever tries for everybody, while the others wait.
pub(super) struct Turn<'g> {
    gate: &'g Gate,
    /// As many times as it had been opened before.
    seen: u64,
    trying: Option<MutexGuard<'g, ()>>,
    /// It has waited here.
    waited: bool,
    next: Duration,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self::waiting(SHORTEST, LONGEST)
    }

    fn waiting(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, opened: watch::Sender::new(0), one: Mutex::new(()) }
    }

    /// To be taken before the first try.
    pub(super) fn turn(&self) -> Turn<'_> {
        Turn { gate: self, seen: *self.opened.borrow(), trying: None, waited: false, next: self.shortest }
    }
}

impl Turn<'_> {
    /// It went well: nobody waits any longer, if this one had to.
    pub(super) fn went_well(self) {
        if self.waited {
            self.gate.opened.send_modify(|opened| *opened += 1);
        }
    }

    /// What keeps this one now is its own matter: another one tries for the others.
    pub(super) fn pass_on(&mut self) {
        self.trying = None;
    }

    /// It did not go well. Returns when it is to be tried again: at least `least` from now, or as soon as another's try went
    /// well.
    pub(super) async fn wait(&mut self, least: Duration) {
        self.waited = true;
        if self.trying.is_none() {
            let mut opened = self.gate.opened.subscribe();
            tokio::select! {
                biased;
                known = opened.wait_for(|opened| *opened != self.seen) => {
                    if let Ok(known) = known {
                        self.seen = *known;
                        return;
                    }
                }
                one = self.gate.one.lock() => self.trying = Some(one),
            }
        }
        let wait = self.next.max(least).min(self.gate.longest);
        self.next = (self.next * 2).min(self.gate.longest);
        tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..=1.0))).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_tries_while_the_others_wait_and_all_go_on_once_it_went_well() {
        const ALL: usize = 100;
        const WELL_FROM: usize = ALL + 4;
        let gate = Arc::new(Gate::waiting(Duration::from_millis(10), Duration::from_millis(10)));
        let (tries, mut all) = (Arc::new(AtomicUsize::new(0)), tokio::task::JoinSet::new());
        for _ in 0..ALL {
            let (gate, tries) = (Arc::clone(&gate), Arc::clone(&tries));
            all.spawn(async move {
                let mut turn = gate.turn();
                while tries.fetch_add(1, Ordering::SeqCst) < WELL_FROM {
                    turn.wait(Duration::ZERO).await;
                }
                turn.went_well();
            });
        }
        while let Some(done) = all.join_next().await {
            done.unwrap();
        }
        // Each once, some more by the one who tried, and the others once more.
        let tries = tries.load(Ordering::SeqCst);
        assert!((WELL_FROM + 1..=WELL_FROM + ALL).contains(&tries), "{tries}");
    }

    #[tokio::test]
    async fn whoever_is_kept_by_something_of_its_own_lets_another_one_try() {
        let gate = Gate::waiting(Duration::from_millis(1), Duration::from_millis(1));
        let (mut first, mut second, mut third) = (gate.turn(), gate.turn(), gate.turn());
        first.wait(Duration::ZERO).await;
        {
            let mut waits = std::pin::pin!(second.wait(Duration::ZERO));
            assert!(futures_util::poll!(waits.as_mut()).is_pending());
            first.pass_on();
            waits.await;
        }
        // It went well after all, by whichever way, and opens for whoever waits still.
        first.went_well();
        third.wait(Duration::ZERO).await;
        assert!(third.trying.is_none(), "it waited for a turn of its own");
        second.went_well();
        gate.turn().went_well();
        assert_eq!(*gate.opened.borrow(), 2, "whoever did not have to wait opens for nobody");
    }

    #[tokio::test]
    async fn waits_grow_to_a_bound() {
        let gate = Gate::new();
        let mut turn = gate.turn();
        let mut waits = Vec::new();
        for _ in 0..8 {
            waits.push(turn.next.as_millis());
            // What was begun is waited for no longer.
            assert!(futures_util::poll!(std::pin::pin!(turn.wait(Duration::ZERO))).is_pending());
        }
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
    }
}
