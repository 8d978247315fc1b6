//! How much WeCom takes, reckoned here.
//!
//! Beyond 30 messages a minute or 1,000 an hour from an application to one member WeCom says `ok` and drops the
//! message, so nobody would ever know. Beyond its calls a minute or an hour it refuses them for a while. Reckoned for
//! this process since its start; several nodes share one allowance without knowing of each other.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::channel::limits::{Limit, Log, Logs};

/// A second more than WeCom's, for calls that take their time to arrive.
const MINUTE: Duration = Duration::from_secs(61);
const HOUR: Duration = Duration::from_secs(3_601);

/// Of an application to one member.
const MEMBER: [Limit; 2] = [(30, MINUTE), (1_000, HOUR)];
/// Of a corp to `message/send`.
const CALLS: [Limit; 2] = [(10_000, MINUTE), (150_000, HOUR)];

/// See the module. Moments are those of [`steady`](crate::clock::Clock::steady).
#[derive(Debug)]
pub(super) struct Limits {
    calls: Mutex<Log>,
    /// By id in lower case: WeCom does not tell cases apart.
    members: Logs,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls: Mutex::default(), members: Logs::new(MEMBER) }
    }
}

impl Limits {
    /// Counts a message to a member, or says how long to wait before there may be one.
    pub(super) fn take_member(&self, member: &str, now: Duration) -> Result<(), Duration> {
        self.members.take(&member.to_ascii_lowercase(), now)
    }

    /// A message was not sent after all.
    pub(super) fn give_back_member(&self, member: &str) {
        self.members.give_back(&member.to_ascii_lowercase());
    }

    /// Counts a call, or says how long to wait before there may be one.
    pub(super) fn take_call(&self, now: Duration) -> Result<(), Duration> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).take(&CALLS, now)
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
}
