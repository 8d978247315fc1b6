//! Has cards that were pressed show what was answered. Apart from the sweeper: a vendor that hangs keeps nothing else
//! waiting.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::{Services, answers};

/// A card shows its answer at most this late, by our doing.
const TICK: Duration = Duration::from_millis(400);

pub(super) async fn run(s: Services, stop: CancellationToken) {
    loop {
        match answers::show(&s).await {
            Ok(0) => {}
            Ok(_) if !stop.is_cancelled() => continue,
            Ok(_) => return,
            Err(error) => super::trouble("changing cards", &error),
        }
        if super::pause(&stop, TICK).await {
            return;
        }
    }
}
