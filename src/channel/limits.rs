//! How often something may be done, reckoned here: for this process since its start. What a vendor drops without a word is
//! divided among the processes that hand over to it ([`Peers`]); what it refuses, each reckons for itself.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::day;
use crate::clock::Timestamp;

/// So many within any span of this length.
pub(super) type Limit = (usize, Duration);

/// How many processes hand over to the same vendors, this one included. Clones are the same.
#[derive(Clone, Debug)]
pub struct Peers(Arc<AtomicUsize>);

impl Default for Peers {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(1)))
    }
}

impl Peers {
    pub fn are(&self, n: usize) {
        self.0.store(n.max(1), Ordering::Relaxed);
    }

    /// This process's part of `most`; at least one.
    pub fn part_of(&self, most: usize) -> usize {
        (most / self.0.load(Ordering::Relaxed)).max(1)
    }
}

/// When something was done, by [`steady`](crate::clock::Clock::steady), the latest last.
#[derive(Debug, Default)]
pub(super) struct Log(VecDeque<Duration>);

impl Log {
    /// Counts once more, or says how long to wait before that may be. `limits` from the shortest span to the longest.
    pub(super) fn take(&mut self, limits: &[Limit], now: Duration) -> Result<(), Duration> {
        let longest = longest(limits);
        while self.0.front().is_some_and(|at| now.saturating_sub(*at) >= longest) {
            self.0.pop_front();
        }
        let wait = limits
            .iter()
            .filter_map(|(most, span)| {
                let oldest = self.0.len().checked_sub(*most).map(|place| self.0[place])?;
                span.checked_sub(now.saturating_sub(oldest)).filter(|wait| !wait.is_zero())
            })
            .max();
        match wait {
            Some(wait) => Err(wait),
            None => {
                self.0.push_back(now);
                Ok(())
            }
        }
    }
}

fn longest(limits: &[Limit]) -> Duration {
    limits.last().map_or(Duration::ZERO, |(_, span)| *span)
}

/// A log for each of many, each with the same limits.
#[derive(Debug)]
pub(super) struct Logs {
    limits: Vec<Limit>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    logs: HashMap<String, Log>,
    swept: Duration,
}

impl Logs {
    /// `limits` from the shortest span to the longest.
    pub(super) fn new(limits: impl Into<Vec<Limit>>) -> Self {
        Self { limits: limits.into(), state: Mutex::default() }
    }

    /// Counts once more for `key`, or says how long to wait before that may be.
    pub(super) fn take(&self, key: &str, now: Duration) -> Result<(), Duration> {
        self.take_within(key, &self.limits, now)
    }

    /// As [`take`](Self::take), of this process's part of the limits.
    pub(super) fn take_part(&self, key: &str, peers: &Peers, now: Duration) -> Result<(), Duration> {
        let limits: Vec<_> = self.limits.iter().map(|(most, span)| (peers.part_of(*most), *span)).collect();
        self.take_within(key, &limits, now)
    }

    fn take_within(&self, key: &str, limits: &[Limit], now: Duration) -> Result<(), Duration> {
        let mut state = self.state();
        state.sweep(longest(limits), now);
        match state.logs.get_mut(key) {
            Some(log) => log.take(limits, now),
            None => state.logs.entry(key.to_owned()).or_default().take(limits, now),
        }
    }

    /// It was not done after all.
    pub(super) fn give_back(&self, key: &str) {
        if let Some(log) = self.state().logs.get_mut(key) {
            log.0.pop_back();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets whom nothing was done for within the longest span.
    fn sweep(&mut self, longest: Duration, now: Duration) {
        if now.saturating_sub(self.swept) >= longest {
            self.swept = now;
            self.logs.retain(|_, log| log.0.back().is_some_and(|at| now.saturating_sub(*at) < longest));
        }
    }
}

/// So many for each on one day, as vendors of the mainland count days.
#[derive(Debug)]
pub(super) struct Daily {
    most: usize,
    state: Mutex<(i64, HashMap<String, usize>)>,
}

impl Daily {
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    /// Counts once more for `key`, or says how long it is until tomorrow.
    pub(super) fn take(&self, key: &str, now: Timestamp) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (day, counts) = &mut *state;
        if *day != day::number(now) {
            *day = day::number(now);
            counts.clear();
        }
        let count = counts.entry(key.to_owned()).or_default();
        if *count >= self.most {
            return Err(day::until_tomorrow(now));
        }
        *count += 1;
        Ok(())
    }

    /// It was not done after all.
    pub(super) fn give_back(&self, key: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = state.1.get_mut(key) {
            *count = count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_000_000);
    const MINUTE: Duration = Duration::from_mins(1);
    const HOUR: Duration = Duration::from_hours(1);

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_longest_wait_of_several_limits_counts() {
        let logs = Logs::new([(2, MINUTE), (3, HOUR)]);
        let take = |n| logs.take("a", START + secs(n));
        assert_eq!((take(0), take(10), take(20)), (Ok(()), Ok(()), Err(secs(40))));
        assert_eq!(logs.take("b", START + secs(20)), Ok(()), "nobody else waits");
        assert_eq!((take(60), take(70)), (Ok(()), Err(secs(3_530))));
        assert_eq!(take(3_600), Ok(()));
    }

    #[test]
    fn what_was_not_done_does_not_count() {
        let (logs, daily) = (Logs::new([(1, MINUTE)]), Daily::new(1));
        for _ in 0..20 {
            assert_eq!(logs.take("a", START), Ok(()));
            logs.give_back("a");
            assert_eq!(daily.take("a", Timestamp(0)), Ok(()));
            daily.give_back("a");
        }
    }

    #[test]
    fn whom_nothing_was_done_for_is_forgotten() {
        let logs = Logs::new([(9, HOUR)]);
        logs.take("a", START).unwrap();
        logs.take("b", START + HOUR).unwrap();
        logs.take("c", START + HOUR + secs(3_599)).unwrap();
        assert_eq!(logs.state().logs.len(), 2);
        logs.take("c", START + HOUR + HOUR).unwrap();
        assert_eq!(logs.state().logs.len(), 1);
    }

    #[test]
    fn a_day_ends_at_midnight_in_china() {
        let daily = Daily::new(2);
        // 21 September 2026, 22:13:20 in China.
        let now = Timestamp(1_790_000_000_000);
        assert_eq!((daily.take("a", now), daily.take("a", now)), (Ok(()), Ok(())));
        let wait = daily.take("a", now).unwrap_err();
        assert_eq!(now.plus(wait).to_string(), "2026-09-21T16:00:00.000Z");
        assert_eq!(daily.take("b", now), Ok(()));
        assert_eq!(daily.take("a", now.plus(wait)), Ok(()));
    }
}
