//! How the process stops. The first SIGTERM or SIGINT asks: nothing new is begun, what is in flight is finished. The
//! second one does not wait.

use std::collections::BTreeMap;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Handed to every part of the process that runs by itself. Clones are the same lifecycle.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    soft: CancellationToken,
    hard: CancellationToken,
    work: TaskTracker,
    failed: AtomicBool,
    next: AtomicU64,
    /// What runs, to be named if it does not end.
    running: Mutex<BTreeMap<u64, &'static str>>,
}

/// How the wait for running work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything finished by itself.
    Finished,
    /// Time was up, or a hard stop came, while these still ran.
    Abandoned(Vec<&'static str>),
}

impl Lifecycle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when nothing new shall be begun.
    pub fn soft(&self) -> &CancellationToken {
        &self.inner.soft
    }

    /// Cancelled when nothing shall be waited for any more. Implies the soft one.
    pub fn hard(&self) -> &CancellationToken {
        &self.inner.hard
    }

    /// Asks everything to finish, as the first signal does.
    pub fn stop(&self) {
        self.inner.soft.cancel();
    }

    /// Drops everything that runs, as the second signal does.
    pub fn abort(&self) {
        self.inner.soft.cancel();
        self.inner.hard.cancel();
    }

    /// Whether a part of the process came to grief; the exit code shall say so.
    pub fn has_failed(&self) -> bool {
        self.inner.failed.load(Ordering::SeqCst)
    }

    /// Runs a part of the process until it ends by itself (it should, soon after [`Lifecycle::soft`]) or a hard stop drops
    /// it. A panic in it stops the whole process, softly: half a server that looks alive is worse than a restart.
    pub fn spawn(&self, name: &'static str, part: impl Future<Output = ()> + Send + 'static) {
        let number = self.inner.next.fetch_add(1, Ordering::Relaxed);
        self.running(|running| running.insert(number, name));
        let lifecycle = self.clone();
        self.inner.work.spawn(async move {
            let part = AssertUnwindSafe(part).catch_unwind();
            // Dropped by a hard stop it stays on the list, to be named among what was abandoned.
            let Some(ended) = lifecycle.inner.hard.run_until_cancelled(part).await else { return };
            if ended.is_err() {
                tracing::error!(part = name, "a part of the process panicked; stopping");
                lifecycle.inner.failed.store(true, Ordering::SeqCst);
                lifecycle.stop();
            }
            lifecycle.running(|running| running.remove(&number));
        });
    }

    /// Waits until everything spawned has ended, a hard stop comes, or `timeout` is over; then drops the rest.
    pub async fn wait(&self, timeout: Duration) -> Ending {
        self.inner.work.close();
        let finished = self.inner.hard.run_until_cancelled(self.inner.work.wait());
        // Whether it is over or not, the list tells.
        tokio::time::timeout(timeout, finished).await.unwrap_or_default();
        self.abort();
        let running: Vec<_> = self.running(|running| running.values().copied().collect());
        if running.is_empty() { Ending::Finished } else { Ending::Abandoned(running) }
    }

    /// From here on SIGTERM and SIGINT stop the process by way of the two tokens. Needs a runtime.
    pub fn catch_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let lifecycle = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if lifecycle.inner.soft.is_cancelled() {
                    tracing::warn!("stopping at once");
                    lifecycle.abort();
                    return;
                }
                tracing::info!("stopping; what is in flight is finished first, another signal stops at once");
                lifecycle.stop();
            }
        });
        Ok(())
    }

    fn running<T>(&self, act: impl FnOnce(&mut BTreeMap<u64, &'static str>) -> T) -> T {
        act(&mut self.inner.running.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_soft_stop_lets_work_finish() {
        let lifecycle = Lifecycle::new();
        let (done, mut was_done) = tokio::sync::oneshot::channel();
        let soft = lifecycle.soft().clone();
        lifecycle.spawn("worker", async move {
            soft.cancelled().await;
            tokio::task::yield_now().await;
            done.send("settled").unwrap();
        });
        lifecycle.stop();
        assert_eq!(lifecycle.wait(LONG).await, Ending::Finished);
        assert_eq!(was_done.try_recv(), Ok("settled"));
        assert!(!lifecycle.has_failed());
    }

    #[tokio::test]
    async fn a_hard_stop_waits_for_nothing_and_names_what_ran() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn("stuck", std::future::pending());
        lifecycle.stop();
        let waiting = lifecycle.clone();
        let (ending, ()) = tokio::join!(waiting.wait(LONG), async { lifecycle.abort() });
        assert_eq!(ending, Ending::Abandoned(vec!["stuck"]));
    }

    #[tokio::test]
    async fn time_that_is_up_becomes_a_hard_stop() {
        let lifecycle = Lifecycle::new();
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        lifecycle.spawn("stuck", async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert_eq!(lifecycle.wait(Duration::ZERO).await, Ending::Abandoned(vec!["stuck"]));
        assert!(lifecycle.hard().is_cancelled() && lifecycle.soft().is_cancelled());
        assert!(dropped.await.is_err(), "the stuck part is dropped");
    }

    #[tokio::test]
    async fn a_panic_stops_the_process_and_is_remembered() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn("broken", async { panic!("out of order") });
        lifecycle.soft().cancelled().await;
        assert!(lifecycle.has_failed());
        assert!(!lifecycle.hard().is_cancelled(), "the others may finish");
    }

    #[tokio::test]
    async fn the_first_signal_asks_and_the_second_does_not_wait() {
        let lifecycle = Lifecycle::new();
        lifecycle.catch_signals().unwrap();
        let send = |name: &str| {
            let own = std::process::id().to_string();
            assert!(std::process::Command::new("kill").args([name, &own]).status().unwrap().success());
        };
        send("-TERM");
        lifecycle.soft().cancelled().await;
        assert!(!lifecycle.hard().is_cancelled());
        send("-INT");
        lifecycle.hard().cancelled().await;
    }
}
