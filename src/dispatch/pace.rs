//! A provider's rate: so many hand-overs a second, evenly, with a tenth of a second's worth at once. Where other processes hand
//! over to it too, all draw from what the store grants.

use std::time::Duration;

use crate::clock::Timestamp;

/// What was drawn and is not used within this time has lapsed: it would add to what others draw meanwhile.
const LAPSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub struct Pace {
    per_second: Option<f64>,
    is_shared: bool,
    /// Hand-overs that may be made now.
    tokens: f64,
    /// When `tokens` was reckoned, or drawn.
    at: Option<Timestamp>,
    /// When drawing may bring some again.
    draw_at: Option<Timestamp>,
}

/// What may be drawn from a rate that is shared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    pub per_second: f64,
    pub burst: f64,
}

impl Pace {
    /// `per_second`: `None` for no limit.
    pub fn new(per_second: Option<u32>) -> Self {
        let per_second = per_second.map(f64::from);
        Self { per_second, is_shared: false, tokens: 0.0, at: None, draw_at: None }
    }

    /// As [`new`](Self::new), of a rate that other processes draw from too.
    pub fn shared(per_second: Option<u32>) -> Self {
        Self { is_shared: true, ..Self::new(per_second) }
    }

    fn burst(rate: f64) -> f64 {
        (rate / 10.0).max(1.0)
    }

    /// How many may be handed over now.
    pub fn available(&mut self, now: Timestamp) -> usize {
        let Some(rate) = self.per_second else { return usize::MAX };
        if self.is_shared {
            if self.at.is_some_and(|at| now < at || now.since(at) > LAPSE) {
                self.tokens = 0.0;
            }
            return self.tokens as usize;
        }
        let gained = match self.at {
            None => Self::burst(rate),
            // A clock that was set back gains nothing until it has caught up; it loses nothing either.
            Some(at) => now.since(at).as_secs_f64() * rate,
        };
        self.tokens = (self.tokens + gained).min(Self::burst(rate));
        self.at = Some(now);
        self.tokens as usize
    }

    /// What to draw, if the rate is shared, nothing drawn is left, and there may be some again.
    pub fn draws(&mut self, now: Timestamp) -> Option<Draw> {
        let per_second = self.per_second.filter(|_| self.is_shared)?;
        let is_due = self
            .draw_at
            .is_none_or(|at| now >= at || at.since(now) > Duration::from_secs_f64(1.0 / per_second));
        (self.available(now) == 0 && is_due).then(|| Draw { per_second, burst: Self::burst(per_second) })
    }

    /// So many were drawn, and one more may be after the wait.
    pub fn drawn(&mut self, n: usize, wait: Duration, now: Timestamp) {
        self.tokens = n as f64;
        self.at = Some(now);
        // Clocks tell milliseconds: what is due sooner is due with the next.
        self.draw_at = Some(now.plus(wait.max(Duration::from_millis(1))));
    }

    /// Takes what was handed over.
    pub fn spend(&mut self, n: usize) {
        if self.per_second.is_some() {
            self.tokens -= n as f64;
        }
    }

    /// Gives back what was taken and not handed over.
    pub fn take_back(&mut self, n: usize) {
        if self.per_second.is_some() {
            self.tokens += n as f64;
        }
    }

    /// When one more may be handed over, if not now.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let rate = self.per_second?;
        if self.tokens >= 1.0 {
            None
        } else if self.is_shared {
            // Otherwise it can be drawn at once, by whoever has room for it.
            self.draw_at.filter(|at| *at > now)
        } else {
            Some(now.plus(Duration::from_secs_f64((1.0 - self.tokens) / rate)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_sees_more_than_the_rate_and_a_burst() {
        let mut pace = Pace::new(Some(50));
        let start = Timestamp(1_790_000_000_000);
        let mut sent = 0;
        for ms in 0..1_000 {
            let n = pace.available(Timestamp(start.0 + ms));
            pace.spend(n);
            sent += n;
        }
        assert!((50..=55).contains(&sent), "{sent}");
    }

    #[test]
    fn a_slow_rate_still_moves() {
        let mut pace = Pace::new(Some(1));
        let start = Timestamp(1_790_000_000_000);
        assert_eq!(pace.available(start), 1);
        pace.spend(1);
        assert_eq!(pace.available(start), 0);
        let next = pace.next(start).expect("limited");
        assert_eq!(next.0 - start.0, 1_000);
        assert_eq!(pace.available(next), 1);
    }

    #[test]
    fn a_clock_set_back_grants_nothing() {
        let mut pace = Pace::new(Some(10));
        let start = Timestamp(1_790_000_000_000);
        let n = pace.available(start);
        pace.spend(n);
        assert_eq!(pace.available(Timestamp(start.0 - 3_600_000)), 0);
    }

    #[test]
    fn what_was_drawn_is_used_soon_or_lapses() {
        let mut pace = Pace::shared(Some(50));
        let start = Timestamp(1_790_000_000_000);
        let at = |ms| Timestamp(start.0 + ms);
        assert_eq!(pace.draws(start), Some(Draw { per_second: 50.0, burst: 5.0 }));
        pace.drawn(5, Duration::from_millis(20), start);
        assert_eq!((pace.draws(start), pace.available(at(100)), pace.next(at(100))), (None, 5, None));
        pace.spend(5);
        pace.take_back(2);
        assert_eq!((pace.available(at(200)), pace.draws(at(200))), (2, None));
        assert_eq!(pace.available(at(201)), 0);
        assert_eq!(pace.next(at(201)), None, "it need not be waited for");
        pace.drawn(0, Duration::from_micros(400), at(201));
        assert_eq!((pace.draws(at(201)), pace.next(at(201))), (None, Some(at(202))));
        pace.drawn(0, Duration::from_millis(20), at(201));
        assert_eq!((pace.draws(at(220)), pace.next(at(220))), (None, Some(at(221))));
        assert!(pace.draws(at(221)).is_some());
    }

    #[test]
    fn a_clock_set_back_does_not_keep_from_drawing() {
        let mut pace = Pace::shared(Some(50));
        pace.drawn(0, Duration::from_millis(20), Timestamp(1_790_000_000_000));
        assert!(pace.draws(Timestamp(1_790_000_000_000 - 3_600_000)).is_some());
    }

    #[test]
    fn without_a_rate_there_is_no_limit() {
        let mut pace = Pace::new(None);
        pace.spend(1_000_000);
        assert_eq!(pace.available(Timestamp(0)), usize::MAX);
        assert_eq!(pace.next(Timestamp(0)), None);
        assert_eq!(Pace::shared(None).draws(Timestamp(0)), None);
    }
}
