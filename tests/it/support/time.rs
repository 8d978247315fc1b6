//! Time-outs that run out as soon as they are waited for, so that what has to happen before may take as long as it takes. The
//! product's clocks go on as they are.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{advance, pause, resume, sleep};

/// Between two looks at what hangs. In each everybody else has a turn.
const LOOK: Duration = Duration::from_millis(2);
/// Looks after which whatever was said before is read, however long they take.
const TURNS: u32 = 10;

/// What comes of something that meets others who say nothing any more, where `limit` is how long it waits for them. `hung` counts
/// how often that was: each time as much time passes at once. For a runtime of one thread, as a test's is.
pub(crate) async fn running_out<T>(
    limit: Duration,
    hung: impl Fn() -> u64,
    doing: impl Future<Output = T>,
) -> T {
    let doing = Box::pin(doing);
    tokio::select! {
        biased;
        done = doing => done,
        never = pass_whenever(limit, hung) => match never {},
    }
}

async fn pass_whenever(limit: Duration, hung: impl Fn() -> u64) -> Infallible {
    let mut seen = hung();
    loop {
        sleep(LOOK).await;
        let now = hung();
        if now > seen {
            for _ in 0..TURNS {
                sleep(LOOK).await;
            }
            // Whoever hung meanwhile is passed as well.
            seen = hung();
            pass(limit);
        }
    }
}

fn pass(time: Duration) {
    pause();
    // It has passed once this was polled. The rest would only give others a turn, and they are to have it when time goes on.
    let _ = advance(time).now_or_never();
    resume();
}
