//! Steps that wait for nothing else, each in a task of its own: neither for a vendor that hangs, nor for whatever the sweeper has
//! to clear away.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::service::Services;

/// Does some of it for this owner of claims; returns how much, 0 where nothing is left.
pub(super) type Step = for<'a> fn(&'a Services, i64) -> BoxFuture<'a, Result<usize>>;

/// Something that is done aside.
#[derive(Clone, Copy)]
pub(super) struct Aside {
    pub(super) name: &'static str,
    /// For the log.
    pub(super) doing: &'static str,
    /// What is to be done is begun with at most this late.
    pub(super) within: Duration,
    pub(super) step: Step,
}

impl Aside {
    pub(super) async fn run(self, s: Services, owner: i64, stop: CancellationToken) {
        loop {
            match (self.step)(&s, owner).await {
                Ok(0) => {}
                Ok(_) if !stop.is_cancelled() => continue,
                Ok(_) => return,
                Err(error) => super::trouble(self.doing, &error),
            }
            if super::pause(&stop, self.within).await {
                return;
            }
        }
    }
}
