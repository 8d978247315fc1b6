//! The way to one provider: as many calls at once as it takes, the rest waiting in line, and nobody let through once it
//! is shut.
//!
//! A few deliveries wait in line so that the provider is not idle while outcomes are stored and the next deliveries
//! claimed: as many as should get through within [`LINE`]. Where that turns out wrong they are turned away after
//! [`PATIENCE`], and claimed again in the order of their urgency, so that an emergency is hardly ever behind them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a delivery may wait in line, going by what calls took lately.
const LINE: Duration = Duration::from_millis(20);
/// How long it waits at most.
const PATIENCE: Duration = Duration::from_millis(100);
/// How much of a call's time goes into the average.
const WEIGHT: f64 = 0.1;

/// One provider's gate. Clones are the same gate.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    slots: Arc<Semaphore>,
    shut: Arc<AtomicBool>,
}

impl Gate {
    /// `width`: calls at once.
    pub fn new(width: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(width)), shut: Arc::default() }
    }

    /// Waits for one's turn; `None` once the gate is shut, or when it takes too long.
    pub async fn pass(&self) -> Option<OwnedSemaphorePermit> {
        self.pass_within(PATIENCE).await
    }

    async fn pass_within(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        let slot = timeout(patience, self.slots.clone().acquire_owned()).await.ok()?.ok()?;
        (!self.shut.load(Ordering::Acquire)).then_some(slot)
    }

    /// Turns away whoever waits in line or comes.
    pub fn shut(&self) {
        self.shut.store(true, Ordering::Release);
    }

    pub fn open(&self) {
        self.shut.store(false, Ordering::Release);
    }
}

/// How long calls take, the latest counting most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CallTime {
    seconds: Option<f64>,
}

impl CallTime {
    pub fn note(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.seconds = Some(self.seconds.map_or(took, |known| known + WEIGHT * (took - known)));
    }

    /// How many may wait in line before a gate that is this wide. None before the first call's time is known.
    pub fn line(self, width: usize) -> usize {
        match self.seconds {
            None => 0,
            Some(seconds) => (width as f64 * LINE.as_secs_f64() / seconds.max(1e-6)) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_a_provider_the_longer_its_line() {
        let mut time = CallTime::default();
        assert_eq!(time.line(8), 0);
        time.note(Duration::from_millis(2));
        assert_eq!(time.line(8), 80);
        for _ in 0..100 {
            time.note(Duration::from_secs(2));
        }
        assert_eq!(time.line(8), 0);
    }

    #[tokio::test]
    async fn nobody_waits_in_line_for_long() {
        let gate = Gate::new(1);
        let first = gate.pass_within(Duration::ZERO).await;
        assert!(first.is_some() && gate.pass_within(Duration::ZERO).await.is_none());
    }

    #[tokio::test]
    async fn nobody_in_line_gets_through_a_shut_gate() {
        let gate = Gate::new(1);
        let first = gate.pass().await;
        let second = tokio::spawn({
            let gate = gate.clone();
            async move { gate.pass().await.is_some() }
        });
        gate.shut();
        drop(first);
        assert!(!second.await.unwrap());
        gate.open();
        assert!(gate.pass().await.is_some());
    }
}
