//! How much WeCom takes, reckoned here.
//!
//! Beyond 30 messages a minute or 1,000 an hour from an application to one member WeCom says `ok` and drops the
//! message, so nobody would ever know. Beyond its calls a minute or an hour it refuses them for a while. Reckoned for
//! this process since its start; several nodes share one allowance without knowing of each other.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A second more than WeCom's, for calls that take their time to arrive.
const MINUTE: Duration = Duration::from_secs(61);
const HOUR: Duration = Duration::from_secs(3_601);

type Limit = (usize, Duration);

/// Of an application to one member.
const MEMBER: [Limit; 2] = [(30, MINUTE), (1_000, HOUR)];
/// Of a corp to `message/send`.
const CALLS: [Limit; 2] = [(10_000, MINUTE), (150_000, HOUR)];

/// See the module. Moments are those of [`steady`](crate::clock::Clock::steady).
#[derive(Debug, Default)]
pub(super) struct Limits {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: Log,
    /// By id in lower case: WeCom does not tell cases apart.
    members: HashMap<String, Log>,
    swept: Duration,
}

impl Limits {
    /// Counts a message to a member, or says how long to wait before there may be one.
    pub(super) fn take_member(&self, member: &str, now: Duration) -> Result<(), Duration> {
        let mut state = self.state();
        state.sweep(now);
        state.members.entry(member.to_ascii_lowercase()).or_default().take(&MEMBER, now)
    }

    /// A message was not sent after all.
    pub(super) fn give_back_member(&self, member: &str) {
        if let Some(log) = self.state().members.get_mut(&member.to_ascii_lowercase()) {
            log.0.pop_back();
        }
    }

    /// Counts a call, or says how long to wait before there may be one.
    pub(super) fn take_call(&self, now: Duration) -> Result<(), Duration> {
        self.state().calls.take(&CALLS, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets members whom nothing was sent to for an hour.
    fn sweep(&mut self, now: Duration) {
        if now.saturating_sub(self.swept) >= HOUR {
            self.swept = now;
            self.members.retain(|_, log| log.0.back().is_some_and(|at| now.saturating_sub(*at) < HOUR));
        }
    }
}

/// When something was done, the latest last.
#[derive(Debug, Default)]
struct Log(VecDeque<Duration>);

impl Log {
    /// `limits` from the shortest span to the longest.
    fn take(&mut self, limits: &[Limit], now: Duration) -> Result<(), Duration> {
        let longest = limits.last().map_or(Duration::ZERO, |(_, span)| *span);
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

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_000_000);

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn thirty_a_minute_and_a_thousand_an_hour_for_each_member() {
        let limits = Limits::default();
        for n in 0..30 {
            assert_eq!(limits.take_member("LiNa", START + secs(n)), Ok(()));
        }
        assert_eq!(limits.take_member("lina", START + secs(30)), Err(secs(31)), "whatever the case");
        assert_eq!(limits.take_member("wang", START + secs(30)), Ok(()), "nobody else waits");
        assert_eq!(limits.take_member("lina", START + secs(61)), Ok(()));

        let mut now = START;
        for n in 0..1_000 {
            now = START + secs(3 * n);
            assert_eq!(limits.take_member("zhao", now), Ok(()), "{n}");
        }
        assert_eq!(limits.take_member("zhao", now + secs(3)), Err(HOUR.saturating_sub(secs(3_000))));
        assert_eq!(limits.take_member("zhao", START + HOUR), Ok(()));
    }

    #[test]
    fn what_was_not_sent_does_not_count() {
        let limits = Limits::default();
        for _ in 0..200 {
            assert_eq!(limits.take_member("lina", START), Ok(()));
            limits.give_back_member("LINA");
        }
    }

    #[test]
    fn the_corps_calls_have_a_limit_too() {
        let limits = Limits::default();
        for _ in 0..10_000 {
            assert_eq!(limits.take_call(START), Ok(()));
        }
        assert_eq!(limits.take_call(START + secs(1)), Err(secs(60)));
        assert_eq!(limits.take_call(START + MINUTE), Ok(()));
    }

    #[test]
    fn members_are_forgotten_after_an_hour() {
        let limits = Limits::default();
        limits.take_member("a", START).unwrap();
        limits.take_member("b", START + HOUR).unwrap();
        limits.take_member("c", START + HOUR + secs(3_600)).unwrap();
        assert_eq!(limits.state().members.len(), 2);
        limits.take_member("c", START + HOUR + HOUR).unwrap();
        assert_eq!(limits.state().members.len(), 1);
    }
}
