//! A provider's rate: so many hand-overs a second, evenly, with a tenth of a second's worth at once.

use crate::clock::Timestamp;

#[derive(Debug)]
pub struct Pace {
    per_second: Option<f64>,
    /// Hand-overs that may be made now.
    tokens: f64,
    at: Option<Timestamp>,
}

impl Pace {
    /// `per_second`: `None` for no limit.
    pub fn new(per_second: Option<u32>) -> Self {
        Self { per_second: per_second.map(f64::from), tokens: 0.0, at: None }
    }

    fn burst(rate: f64) -> f64 {
        (rate / 10.0).max(1.0)
    }

    /// How many may be handed over now.
    pub fn available(&mut self, now: Timestamp) -> usize {
        let Some(rate) = self.per_second else { return usize::MAX };
        let gained = match self.at {
            None => Self::burst(rate),
            // A clock that was set back gains nothing until it has caught up; it loses nothing either.
            Some(at) => now.since(at).as_secs_f64() * rate,
        };
        self.tokens = (self.tokens + gained).min(Self::burst(rate));
        self.at = Some(now);
        self.tokens as usize
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
        (self.tokens < 1.0).then(|| now.plus(std::time::Duration::from_secs_f64((1.0 - self.tokens) / rate)))
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
    fn without_a_rate_there_is_no_limit() {
        let mut pace = Pace::new(None);
        pace.spend(1_000_000);
        assert_eq!(pace.available(Timestamp(0)), usize::MAX);
        assert_eq!(pace.next(Timestamp(0)), None);
    }
}
