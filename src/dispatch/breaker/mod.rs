//! A provider that fails is left alone for a while, tried with one delivery, and given more and more as that goes well.
//!
//! It is left alone for failures in a row, for a share of failures over the last minute, or for answers that come far
//! later than usual; the last only where somebody else is there to take its place. `docs/adr/0018` says why.

mod usual;
mod window;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::clock::Timestamp;
use crate::domain::delivery::OutcomeClass;
use crate::domain::id::DeliveryId;
use usual::Usual;
use window::{Counts, Window};

/// Transient answers in a row that open the breaker. One address may be greylisted; this many in a row are not.
const TRANSIENT_LIMIT: u32 = 8;
/// Hand-overs in a row without a usable answer.
const UNKNOWN_LIMIT: u32 = 3;
/// Deliveries to which it said, with none taken between, what is in no table of ours or may be their address's fault.
const DOUBTFUL_LIMIT: usize = 3;
/// Calls within a minute from which on a share says something.
const FEWEST_CALLS: u32 = 20;
/// The first pause; each one after it doubles until the provider has all of its share again.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// A wrong password is not mended within seconds, and asking often gets accounts blocked.
const CONFIG_PAUSE: Duration = Duration::from_mins(1);
/// A provider that asks for less without saying until when; doubles while it takes nothing between.
const THROTTLE_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_THROTTLE: Duration = Duration::from_mins(5);
/// A provider that came back and has this many deliveries at hand without failing has all of its share.
const FULL_SHARE: usize = 64;

/// Whether a provider may be given deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    All,
    /// It came back lately: at most so many at hand. The rest is for others, if there are any.
    Share(usize),
    /// It is slow: only where nobody else may have them.
    Spare,
    /// One, to see whether it works again.
    Probe,
    /// Nothing before this moment.
    NotBefore(Timestamp),
}

/// A change worth telling an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Opened {
        until: Timestamp,
        reason: String,
    },
    /// It is tried with one delivery.
    HalfOpen {
        reason: String,
    },
    Paused {
        until: Timestamp,
        reason: String,
    },
    /// It works again, and gets more and more.
    Closed,
}

/// What a call said of one or more deliveries.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    pub class: OutcomeClass,
    /// As the provider said.
    pub wait: Option<Duration>,
    pub this_address: bool,
    pub detail: &'a str,
    /// The deliveries it said this of.
    pub deliveries: &'a [DeliveryId],
    /// The class is a guess.
    pub unlisted: bool,
    /// How long the call took.
    pub took: Duration,
}

/// Why, and until when, it is left alone.
#[derive(Debug)]
struct Open {
    until: Timestamp,
    why: Why,
    reason: String,
}

impl Open {
    /// Whether any answer tells that it works, or that it is as slow as before.
    fn takes_answer(&self, now: Timestamp) -> bool {
        match self.why {
            Why::InARow => true,
            Why::Share => false,
            // It is handed more all the while.
            Why::Slow => self.until <= now,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// Nothing but failures came: any other answer shows that it works.
    InARow,
    /// Some calls still go well, as was known: only a probe counts.
    Share,
    Slow,
}

#[derive(Debug, Default)]
pub struct Breaker {
    transient: u32,
    unknown: u32,
    /// Deliveries refused in a way that may be their own fault since it last took one; no more than it needs to know.
    doubtful: Vec<DeliveryId>,
    /// Pauses since it had all of its share.
    openings: u32,
    open: Option<Open>,
    throttled_until: Option<Timestamp>,
    probing: bool,
    /// Pauses it asked for since the last success.
    throttles: u32,
    /// How many deliveries it may have at hand; `None`: any number.
    share: Option<usize>,
    window: Window,
    usual: Usual,
}

impl Breaker {
    pub fn allowance(&self, now: Timestamp) -> Allowance {
        if let Some(until) = self.throttled_until.filter(|until| *until > now) {
            return Allowance::NotBefore(until);
        }
        match &self.open {
            None => self.share.map_or(Allowance::All, Allowance::Share),
            Some(open) if open.why == Why::Slow && (open.until > now || self.probing) => Allowance::Spare,
            Some(open) if open.until > now => Allowance::NotBefore(open.until),
            // Its probe is under way; look again soon.
            Some(_) if self.probing => Allowance::NotBefore(now.plus(Duration::from_millis(100))),
            Some(_) => Allowance::Probe,
        }
    }

    /// The same for a provider that has so many deliveries at hand. The next answer of one that is slow says as much as
    /// a probe would, so that it need not run dry first.
    pub fn allowance_beside(&self, at_hand: usize, now: Timestamp) -> Allowance {
        let is_slow = self.open.as_ref().is_some_and(|open| open.why == Why::Slow);
        match self.allowance(now) {
            Allowance::Probe if at_hand > 0 && is_slow => Allowance::Spare,
            allowance => allowance,
        }
    }

    /// A delivery was handed over while the breaker allowed one probe.
    pub fn probe_started(&mut self) -> Change {
        self.probing = true;
        Change::HalfOpen { reason: self.open.as_ref().map(|open| open.reason.clone()).unwrap_or_default() }
    }

    /// The probe never left.
    pub fn turned_away(&mut self) {
        self.probing = false;
    }

    /// Whether an outcome opens it whatever came before: nothing more is to be handed over even before it is noted.
    pub fn opens_at_once(class: OutcomeClass, this_address: bool) -> bool {
        matches!(class, OutcomeClass::Config | OutcomeClass::Throttled) && !this_address
    }

    /// Takes note of an outcome.
    pub fn note(&mut self, heard: Heard<'_>, now: Timestamp) -> Option<Change> {
        let was_probe = std::mem::take(&mut self.probing);
        match heard.class {
            OutcomeClass::Accepted | OutcomeClass::PermanentRecipient | OutcomeClass::PermanentMessage => {
                // It answers: whatever it says of this delivery, the provider works.
                self.answered(heard, was_probe, now)
            }
            OutcomeClass::Transient => {
                self.transient += 1;
                self.failed(heard, self.transient >= TRANSIENT_LIMIT, was_probe, now)
            }
            OutcomeClass::Unknown => {
                self.unknown += 1;
                self.failed(heard, self.unknown >= UNKNOWN_LIMIT, was_probe, now)
            }
            OutcomeClass::Config if heard.unlisted || heard.this_address => {
                for delivery in heard.deliveries {
                    if self.doubtful.len() < DOUBTFUL_LIMIT && !self.doubtful.contains(delivery) {
                        self.doubtful.push(*delivery);
                    }
                }
                (was_probe && heard.unlisted || self.doubtful.len() >= DOUBTFUL_LIMIT)
                    .then(|| self.leave_alone(Why::InARow, CONFIG_PAUSE, heard.detail.to_owned(), now))
                    .flatten()
            }
            OutcomeClass::Config => self.leave_alone(Why::InARow, CONFIG_PAUSE, heard.detail.to_owned(), now),
            OutcomeClass::Throttled if heard.this_address => None,
            OutcomeClass::Throttled => self.throttled(heard, now),
        }
    }

    fn answered(&mut self, heard: Heard<'_>, was_probe: bool, now: Timestamp) -> Option<Change> {
        (self.transient, self.unknown, self.throttles) = (0, 0, 0);
        if heard.class == OutcomeClass::Accepted {
            self.doubtful.clear();
        }
        let usual = self.usual.note(heard.took);
        self.window.note(if usual.is_none() { Counts::CALL } else { Counts::SLOW }, now);
        let slow = usual.map(|usual| {
            format!("answers take {} ms instead of {} ms", heard.took.as_millis(), usual.as_millis())
        });
        match (&self.open, slow) {
            // Calls that were under way when it was left alone for its share prove nothing new.
            (Some(open), _) if !(was_probe || open.takes_answer(now)) => None,
            (Some(Open { why: Why::Slow, .. }), Some(reason)) => {
                self.leave_alone(Why::Slow, self.pause(), reason, now)
            }
            (Some(_), _) => {
                self.open = None;
                self.window = Window::default();
                self.share = Some(1);
                Some(Change::Closed)
            }
            (None, Some(reason)) => {
                let Counts { calls, slow, .. } = self.window.counts(now);
                let lately = format!("{slow} of {calls} {reason}");
                (calls >= FEWEST_CALLS && slow * 2 >= calls)
                    .then(|| self.leave_alone(Why::Slow, self.pause(), lately, now))
                    .flatten()
            }
            (None, None) => {
                self.share =
                    self.share.map(|share| share + heard.deliveries.len()).filter(|n| *n < FULL_SHARE);
                if self.share.is_none() {
                    self.openings = 0;
                }
                None
            }
        }
    }

    fn failed(
        &mut self,
        heard: Heard<'_>,
        in_a_row: bool,
        was_probe: bool,
        now: Timestamp,
    ) -> Option<Change> {
        if !heard.this_address {
            self.window.note(Counts::FAILED, now);
        }
        if let Some(open) = &self.open {
            let why = if open.why == Why::Share && !in_a_row { Why::Share } else { Why::InARow };
            // What was under way while it is only slow fails by itself; enough of it is another reason.
            let counts = was_probe || in_a_row || open.why != Why::Slow;
            return counts
                .then(|| self.leave_alone(why, self.pause(), heard.detail.to_owned(), now))
                .flatten();
        }
        self.share = self.share.map(|share| (share / 2).max(1));
        if in_a_row {
            return self.leave_alone(Why::InARow, self.pause(), heard.detail.to_owned(), now);
        }
        let Counts { calls, failed, .. } = self.window.counts(now);
        let reason = format!("{failed} of {calls} calls failed; the last: {}", heard.detail);
        (calls >= FEWEST_CALLS && failed * 2 >= calls)
            .then(|| self.leave_alone(Why::Share, self.pause(), reason, now))
            .flatten()
    }

    fn throttled(&mut self, heard: Heard<'_>, now: Timestamp) -> Option<Change> {
        let pause = THROTTLE_PAUSE.saturating_mul(1 << self.throttles.min(8)).min(LONGEST_THROTTLE);
        let until = now.plus(heard.wait.unwrap_or(pause));
        let news = self.throttled_until.is_none_or(|known| known <= now);
        if news {
            self.throttles += 1;
        }
        let known = self.throttled_until.filter(|known| *known > now);
        self.throttled_until = Some(match (known, heard.wait) {
            // Calls that were under way when it began say the same once more.
            (Some(known), None) => known,
            (known, _) => known.map_or(until, |known| known.max(until)),
        });
        news.then(|| Change::Paused { until, reason: heard.detail.to_owned() })
    }

    fn pause(&self) -> Duration {
        FIRST_PAUSE.saturating_mul(1 << self.openings.min(8)).min(LONGEST_PAUSE)
    }

    /// Answers of calls that were under way when it was left alone neither lengthen the pause nor tell anything.
    fn leave_alone(&mut self, why: Why, pause: Duration, reason: String, now: Timestamp) -> Option<Change> {
        let known = self.open.as_ref().filter(|open| open.until > now);
        if known.is_some_and(|open| open.why != Why::Slow || why == Why::Slow) {
            return None;
        }
        let until = now.plus(pause);
        self.openings += 1;
        self.window = Window::default();
        self.open = Some(Open { until, why, reason: reason.clone() });
        Some(Change::Opened { until, reason })
    }
}
