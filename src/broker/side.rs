//! How a connection that is kept is. What is published and what is taken have one each, because a broker that runs out of
//! memory stops reading from whoever publishes, and what was taken is to be settled still.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The first wait after a connection was lost; each next one is twice as long, up to the longest.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
/// A connection that took part for this long was a good one. It takes ten seconds to find out that a broker confirms nothing.
const GOOD: Duration = Duration::from_secs(30);

const STOPPING: &str = "this process is stopping";

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has needed it yet, or it is being made for the first time.
    New,
    Up,
    Away(String),
}

pub struct Side {
    /// For logs, as is what follows from its being away.
    name: &'static str,
    meanwhile: &'static str,
    state: watch::Sender<State>,
    /// Since when the connection of the moment has taken part.
    since: Mutex<Option<Instant>>,
}

impl Side {
    pub fn new(name: &'static str, meanwhile: &'static str) -> Self {
        Self { name, meanwhile, state: watch::Sender::new(State::New), since: Mutex::default() }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn up(&self) {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
        if self.become_now(State::Up) {
            tracing::info!(connection = self.name, "the broker takes part");
        }
    }

    /// For how long the connection that has ended took part.
    pub fn stood(&self) -> Duration {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner).take();
        since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Said once for each reason, however often it is met.
    pub fn away(&self, reason: &str) {
        if self.become_now(State::Away(reason.to_owned())) {
            tracing::warn!(connection = self.name, reason, "the broker is away; {}", self.meanwhile);
        }
    }

    /// For good.
    pub fn stopped(&self) {
        self.become_now(State::Away(STOPPING.to_owned()));
    }

    fn become_now(&self, next: State) -> bool {
        self.state.send_if_modified(|state| {
            let changes = *state != next;
            *state = next;
            changes
        })
    }

    pub fn trouble(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::New | State::Up => None,
            State::Away(reason) => Some(reason.clone()),
        }
    }

    /// Waits while it is being made for the first time; where it is away, nobody waits.
    pub async fn ready(&self) -> Result<(), String> {
        let mut state = self.state.subscribe();
        let known = state.wait_for(|state| *state != State::New).await;
        match known.as_deref() {
            Ok(State::Away(reason)) => Err(reason.clone()),
            Ok(State::New | State::Up) => Ok(()),
            Err(_) => Err(STOPPING.to_owned()),
        }
    }
}

/// Waits longer each time, and never as long as another process that lost the broker at the same moment.
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: SHORTEST }
    }
}

impl Backoff {
    /// A connection ended that took part for so long; `true` if told to stop before the next.
    pub async fn wait(&mut self, stood: Duration, stop: &CancellationToken) -> bool {
        let wait = jittered(self.after(stood));
        stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none()
    }

    /// How long to wait at most.
    fn after(&mut self, stood: Duration) -> Duration {
        let wait = if stood > GOOD { SHORTEST } else { self.next };
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

/// Runs what keeps a side's connection until it ends by itself. One that panics is begun anew: without it nobody would be
/// woken by anybody any more, and nobody would see that.
pub async fn keep<F: Future<Output = ()>>(side: &Side, stop: &CancellationToken, mut run: impl FnMut() -> F) {
    let mut backoff = Backoff::default();
    while AssertUnwindSafe(run()).catch_unwind().await.is_err() {
        tracing::error!(connection = side.name(), "what keeps the connection to the broker panicked");
        side.away("an error of Belltower's own, which the log tells of");
        if backoff.wait(side.stood(), stop).await {
            break;
        }
    }
    side.stopped();
}

/// Between half of it and all of it.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_again_after_a_good_connection() {
        let mut backoff = Backoff::default();
        for expected in [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000] {
            assert_eq!(backoff.after(Duration::ZERO), Duration::from_millis(expected));
        }
        assert_eq!(backoff.after(GOOD + SHORTEST), SHORTEST);
        assert_eq!(backoff.after(GOOD), SHORTEST * 2, "it was none too good");
        for _ in 0..100 {
            let wait = jittered(LONGEST);
            assert!((LONGEST / 2..=LONGEST).contains(&wait), "{wait:?}");
        }
    }

    #[tokio::test]
    async fn whoever_asks_waits_for_the_first_connection_only() {
        let side = Side::new("test", "nothing is tested");
        {
            let mut ready = std::pin::pin!(side.ready());
            assert!(futures_util::poll!(ready.as_mut()).is_pending());
            side.up();
            assert_eq!(ready.await, Ok(()));
        }
        side.away("refused");
        assert_eq!(side.ready().await, Err("refused".to_owned()));
        assert_eq!(side.trouble().as_deref(), Some("refused"));
    }

    #[tokio::test]
    async fn a_connection_is_as_good_as_the_time_it_took_part() {
        let side = Side::new("test", "nothing is tested");
        side.away("it does not confirm");
        assert_eq!(side.stood(), Duration::ZERO, "it never did");
        let began = Instant::now();
        side.up();
        side.away("it is slow to confirm");
        side.up();
        assert!(side.stood() <= began.elapsed());
        assert_eq!(side.stood(), Duration::ZERO, "that was the last one's");
    }

    #[tokio::test]
    async fn what_panics_is_begun_anew_and_tells_meanwhile() {
        let (side, stop, mut told) =
            (Side::new("test", "nothing is tested"), CancellationToken::new(), Vec::new());
        side.up();
        keep(&side, &stop, || {
            told.push(side.trouble());
            let first = told.len() == 1;
            async move { assert!(!first, "out of order") }
        })
        .await;
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], None);
        assert!(told[1].as_deref().is_some_and(|told| told.contains("an error of Belltower's own")));
        assert_eq!(side.trouble().as_deref(), Some(STOPPING), "it ended by itself the second time");
    }
}
