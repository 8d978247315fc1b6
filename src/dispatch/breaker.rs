//! A provider that fails is left alone for a while, and tried with one delivery before it gets all of them again.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::delivery::OutcomeClass;

/// Transient answers in a row that open the breaker. One address may be greylisted; this many in a row are not.
const TRANSIENT_LIMIT: u32 = 8;
/// Hand-overs in a row without a usable answer.
const UNKNOWN_LIMIT: u32 = 3;
/// The first pause; each one after it without a success between doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// A wrong password is not mended within seconds, and asking often gets accounts blocked.
const CONFIG_PAUSE: Duration = Duration::from_mins(1);
/// A provider that asks for less without saying until when; doubles while it takes nothing between.
const THROTTLE_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_THROTTLE: Duration = Duration::from_mins(5);

/// Whether a provider may be given deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    All,
    /// One, to see whether it works again.
    Probe,
    /// Nothing before this moment.
    NotBefore(Timestamp),
}

/// A change worth telling an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Opened { until: Timestamp, reason: String },
    Paused { until: Timestamp, reason: String },
    Closed,
}

#[derive(Debug, Default)]
pub struct Breaker {
    transient: u32,
    unknown: u32,
    /// Pauses since the last success.
    openings: u32,
    open_until: Option<Timestamp>,
    throttled_until: Option<Timestamp>,
    probing: bool,
    /// Pauses it asked for since the last success.
    throttles: u32,
}

impl Breaker {
    pub fn allowance(&self, now: Timestamp) -> Allowance {
        if let Some(until) = self.throttled_until.filter(|until| *until > now) {
            return Allowance::NotBefore(until);
        }
        match self.open_until {
            None => Allowance::All,
            Some(until) if until > now => Allowance::NotBefore(until),
            // Its probe is under way; look again soon.
            Some(_) if self.probing => Allowance::NotBefore(now.plus(Duration::from_millis(100))),
            Some(_) => Allowance::Probe,
        }
    }

    /// A delivery was handed over while the breaker allowed one probe.
    pub fn probe_started(&mut self) {
        self.probing = true;
    }

    /// Whether an outcome opens it whatever came before: nothing more is to be handed over even before it is noted.
    pub fn opens_at_once(class: OutcomeClass, this_address: bool) -> bool {
        class == OutcomeClass::Config || class == OutcomeClass::Throttled && !this_address
    }

    /// Takes note of an outcome. `wait` and `this_address` as the provider said them.
    pub fn note(
        &mut self,
        class: OutcomeClass,
        wait: Option<Duration>,
        this_address: bool,
        detail: &str,
        now: Timestamp,
    ) -> Option<Change> {
        self.probing = false;
        match class {
            OutcomeClass::Accepted | OutcomeClass::PermanentRecipient | OutcomeClass::PermanentMessage => {
                // It answers: whatever it says of this delivery, the provider works.
                let was_open = self.open_until.is_some();
                *self = Self { throttled_until: self.throttled_until, ..Self::default() };
                was_open.then_some(Change::Closed)
            }
            OutcomeClass::Transient => {
                self.transient += 1;
                (self.transient >= TRANSIENT_LIMIT || self.open_until.is_some())
                    .then(|| self.open(self.pause(), detail, now))
            }
            OutcomeClass::Unknown => {
                self.unknown += 1;
                (self.unknown >= UNKNOWN_LIMIT || self.open_until.is_some())
                    .then(|| self.open(self.pause(), detail, now))
            }
            OutcomeClass::Config => Some(self.open(CONFIG_PAUSE, detail, now)),
            OutcomeClass::Throttled if this_address => None,
            OutcomeClass::Throttled => {
                let pause = THROTTLE_PAUSE.saturating_mul(1 << self.throttles.min(8)).min(LONGEST_THROTTLE);
                let until = now.plus(wait.unwrap_or(pause));
                let news = self.throttled_until.is_none_or(|known| known <= now);
                if news {
                    self.throttles += 1;
                }
                let known = self.throttled_until.filter(|known| *known > now);
                self.throttled_until = Some(match (known, wait) {
                    // Calls that were under way when it began say the same once more.
                    (Some(known), None) => known,
                    (known, _) => known.map_or(until, |known| known.max(until)),
                });
                news.then(|| Change::Paused { until, reason: detail.to_owned() })
            }
        }
    }

    fn pause(&self) -> Duration {
        FIRST_PAUSE.saturating_mul(1 << self.openings.min(8)).min(LONGEST_PAUSE)
    }

    fn open(&mut self, pause: Duration, detail: &str, now: Timestamp) -> Change {
        let until = now.plus(pause);
        // Answers of calls that were under way when it opened do not lengthen the pause.
        if self.open_until.is_none_or(|known| known <= now) {
            self.openings += 1;
            self.open_until = Some(until);
        }
        Change::Opened { until: self.open_until.unwrap_or(until), reason: detail.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timestamp = Timestamp(1_790_000_000_000);

    fn fail(breaker: &mut Breaker, n: u32, at: Timestamp) {
        for _ in 0..n {
            breaker.note(OutcomeClass::Transient, None, false, "connection refused", at);
        }
    }

    #[test]
    fn what_opens_it_at_once_is_what_leaves_nothing_allowed() {
        for class in OutcomeClass::ALL {
            for this_address in [false, true] {
                let mut breaker = Breaker::default();
                breaker.note(class, None, this_address, "", T);
                let is_open = breaker.allowance(T) != Allowance::All;
                assert_eq!(Breaker::opens_at_once(class, this_address), is_open, "{class:?} {this_address}");
            }
        }
    }

    #[test]
    fn a_row_of_failures_opens_it_and_one_probe_closes_it() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, TRANSIENT_LIMIT - 1, T);
        assert_eq!(breaker.allowance(T), Allowance::All);
        fail(&mut breaker, 1, T);
        assert_eq!(breaker.allowance(T), Allowance::NotBefore(T.plus(FIRST_PAUSE)));

        let later = T.plus(FIRST_PAUSE);
        assert_eq!(breaker.allowance(later), Allowance::Probe);
        breaker.probe_started();
        assert!(matches!(breaker.allowance(later), Allowance::NotBefore(_)), "one probe at a time");
        assert_eq!(breaker.note(OutcomeClass::Accepted, None, false, "", later), Some(Change::Closed));
        assert_eq!(breaker.allowance(later), Allowance::All);
    }

    #[test]
    fn each_failed_probe_waits_longer_up_to_a_minute() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, TRANSIENT_LIMIT, T);
        let (mut now, mut last) = (T, Duration::ZERO);
        for _ in 0..10 {
            let Allowance::NotBefore(until) = breaker.allowance(now) else { panic!("open") };
            let pause = until.since(now);
            assert!(pause >= last && pause <= LONGEST_PAUSE);
            last = pause;
            now = until;
            breaker.probe_started();
            fail(&mut breaker, 1, now);
        }
        assert_eq!(last, LONGEST_PAUSE);
    }

    #[test]
    fn answers_of_calls_under_way_do_not_lengthen_the_pause() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, TRANSIENT_LIMIT + 40, T);
        assert_eq!(breaker.allowance(T), Allowance::NotBefore(T.plus(FIRST_PAUSE)));
    }

    #[test]
    fn a_success_between_forgives() {
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            fail(&mut breaker, TRANSIENT_LIMIT - 1, T);
            breaker.note(OutcomeClass::Accepted, None, false, "", T);
        }
        assert_eq!(breaker.allowance(T), Allowance::All);
    }

    #[test]
    fn wrong_credentials_open_it_at_once() {
        let mut breaker = Breaker::default();
        let change = breaker.note(OutcomeClass::Config, None, false, "535 5.7.8", T);
        assert!(matches!(change, Some(Change::Opened { reason, .. }) if reason == "535 5.7.8"));
        assert_eq!(breaker.allowance(T), Allowance::NotBefore(T.plus(CONFIG_PAUSE)));
    }

    #[test]
    fn a_limit_of_one_address_pauses_nobody_else() {
        let mut breaker = Breaker::default();
        breaker.note(OutcomeClass::Throttled, None, true, "", T);
        assert_eq!(breaker.allowance(T), Allowance::All);
        let wait = Duration::from_secs(7);
        breaker.note(OutcomeClass::Throttled, Some(wait), false, "", T);
        assert_eq!(breaker.allowance(T), Allowance::NotBefore(T.plus(wait)));
        assert_eq!(breaker.allowance(T.plus(wait)), Allowance::All);
    }

    #[test]
    fn a_provider_that_only_ever_says_later_is_asked_less_and_less() {
        let mut breaker = Breaker::default();
        let mut now = T;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            for _ in 0..5 {
                breaker.note(OutcomeClass::Throttled, None, false, "421", now);
            }
            let Allowance::NotBefore(until) = breaker.allowance(now) else { panic!("paused") };
            pauses.push(until.since(now));
            now = until;
        }
        assert!(
            pauses.is_sorted() && pauses[0] == THROTTLE_PAUSE && pauses[7] == LONGEST_THROTTLE,
            "{pauses:?}"
        );
        breaker.note(OutcomeClass::Accepted, None, false, "", now);
        breaker.note(OutcomeClass::Throttled, None, false, "421", now);
        assert_eq!(breaker.allowance(now), Allowance::NotBefore(now.plus(THROTTLE_PAUSE)));
    }
}
