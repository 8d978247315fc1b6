//! Steps that wait for nothing else, each in a task of its own: neither for a vendor that hangs, nor for whatever the sweeper has
//! to clear away.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::service::Services;

/// What is to be done is begun with at most this late.
const TICK: Duration = Duration::from_millis(400);

/// Does some of it; returns how much, 0 where nothing is left.
pub(super) type Step = for<'a> fn(&'a Services) -> BoxFuture<'a, Result<usize>>;

pub(super) async fn run(s: Services, stop: CancellationToken, doing: &'static str, step: Step) {
    loop {
        match step(&s).await {
            Ok(0) => {}
            Ok(_) if !stop.is_cancelled() => continue,
            Ok(_) => return,
            Err(error) => super::trouble(doing, &error),
        }
        if super::pause(&stop, TICK).await {
            return;
        }
    }
}
