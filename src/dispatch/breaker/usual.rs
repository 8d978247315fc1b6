//! How long a provider's calls usually take.

use std::time::Duration;

/// Calls from which on it is known what is usual.
const ENOUGH: u32 = 20;
/// As slow as this is far slower than usual, but not below a second: from ten milliseconds to eighty nothing is wrong.
const FAR_SLOWER: u32 = 8;
const LEAST: Duration = Duration::from_secs(1);
/// Calls that the mean remembers.
const MEMORY: u32 = 80;
const DRIFT: f64 = 1.01;

#[derive(Debug, Default)]
pub(super) struct Usual {
    calls: u32,
    /// A moving mean, in seconds.
    mean: f64,
}

impl Usual {
    /// Takes note of a call; what is usual where it took far longer.
    pub fn note(&mut self, took: Duration) -> Option<Duration> {
        let mean = Duration::from_secs_f64(self.mean);
        let limit = (mean * FAR_SLOWER).max(LEAST);
        let far_slower = self.calls >= ENOUGH && took > limit;
        if far_slower {
            // One that hung does not make hanging usual, while a provider that stays slower is taken as it is some hundred
            // calls later.
            self.mean *= DRIFT;
        } else {
            self.calls = (self.calls + 1).min(MEMORY);
            self.mean += (took.as_secs_f64() - self.mean) / f64::from(self.calls);
        }
        far_slower.then_some(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(50);

    #[test]
    fn far_slower_is_told_once_it_is_known_what_is_usual() {
        let mut usual = Usual::default();
        for n in 0..ENOUGH {
            assert_eq!(usual.note(if n == 3 { Duration::from_secs(20) } else { QUICK }), None);
        }
        let mut usual = Usual::default();
        for _ in 0..ENOUGH {
            usual.note(QUICK);
        }
        assert_eq!(usual.note(Duration::from_millis(900)), None, "not a second yet");
        let told = usual.note(Duration::from_secs(20)).expect("far slower");
        assert!(told < Duration::from_millis(200), "{told:?}");
        assert!(usual.note(Duration::from_secs(20)).is_some());
    }

    #[test]
    fn a_provider_that_stays_slower_is_taken_as_it_is() {
        let mut usual = Usual::default();
        for _ in 0..100 {
            usual.note(QUICK);
        }
        let slow = Duration::from_secs(2);
        assert!(usual.note(slow).is_some());
        for _ in 0..1_000 {
            usual.note(slow);
        }
        assert_eq!(usual.note(slow), None);
    }
}
