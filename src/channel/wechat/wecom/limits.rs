//! How much WeCom takes, reckoned here.
//!
//! Beyond 30 messages a minute or 1,000 an hour from an application to one member WeCom says `ok` and drops the
//! message, so nobody would ever know. Beyond its calls a minute or an hour it refuses them for a while. Reckoned for
//! this process since its start, which grants its part of both where several hand over to WeCom.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::channel::limits::{Limit, Log, Logs, Peers};

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
    peers: Peers,
}

impl Limits {
    pub(super) fn new(peers: Peers) -> Self {
        Self { calls: Mutex::default(), members: Logs::new(MEMBER), peers }
    }

    /// Counts a message to a member, or says how long to wait before there may be one.
    pub(super) fn take_member(&self, member: &str, now: Duration) -> Result<(), Duration> {
        self.members.take_part(&member.to_ascii_lowercase(), &self.peers, now)
    }

    /// A message was not sent after all.
    pub(super) fn give_back_member(&self, member: &str) {
        self.members.give_back(&member.to_ascii_lowercase());
    }

    /// Counts a call, or says how long to wait before there may be one.
    pub(super) fn take_call(&self, now: Duration) -> Result<(), Duration> {
        let limits = CALLS.map(|(most, span)| (self.peers.part_of(most), span));
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).take(&limits, now)
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
        let limits = Limits::new(Peers::default());
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
    fn three_processes_grant_a_third_each() {
        let peers = Peers::default();
        let limits = Limits::new(peers.clone());
        for _ in 0..12 {
            assert_eq!(limits.take_member("lina", START), Ok(()));
        }
        peers.are(3);
        assert_eq!(
            limits.take_member("lina", START + secs(30)),
            Err(secs(31)),
            "more than its part went already"
        );
        for _ in 0..10 {
            assert_eq!(limits.take_member("wang", START), Ok(()));
        }
        assert_eq!(limits.take_member("wang", START), Err(MINUTE));
        peers.are(0);
        assert_eq!(limits.take_member("wang", START), Ok(()), "nobody else is left");
    }

    #[test]
    fn what_was_not_sent_does_not_count() {
        let limits = Limits::new(Peers::default());
        for _ in 0..200 {
            assert_eq!(limits.take_member("lina", START), Ok(()));
            limits.give_back_member("LINA");
        }
    }

    #[test]
    fn the_corps_calls_have_a_limit_too() {
        let limits = Limits::new(Peers::default());
        for _ in 0..10_000 {
            assert_eq!(limits.take_call(START), Ok(()));
        }
        assert_eq!(limits.take_call(START + secs(1)), Err(secs(60)));
        assert_eq!(limits.take_call(START + MINUTE), Ok(()));
    }
}
