//! What a planner has taken stays its own for as long as it is there.

use std::convert::Infallible;
use std::time::Duration;

use crate::Result;
use crate::domain::message::{Lane, Rank};
use crate::service::Services;
use crate::service::deliveries::{self, LEASE};
use crate::store::planning as store;

/// An alert whose planner is gone is another's to go on with after this long, and the time until somebody looks.
const SHORT: Duration = Duration::from_secs(7);
/// What was taken is kept so many times as often as it would have to be.
const TIMES: u32 = 3;

/// How long messages of a rank are a planner's that says nothing of them.
pub(super) fn lease(rank: Rank) -> Duration {
    if rank.lane() == Lane::Emergency { SHORT } else { LEASE }
}

/// Keeps what this `owner` took while that is done. Both go on side by side: no step of planning has a bound.
pub(super) async fn kept<T>(
    s: &Services,
    owner: i64,
    rank: Rank,
    doing: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        done = doing => done,
        never = keep(s, owner, rank) => match never {},
    }
}

async fn keep(s: &Services, owner: i64, rank: Rank) -> Infallible {
    // Of the embedded store nobody else takes anything.
    if !deliveries::others_may_dispatch(s) {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(lease(rank) / TIMES).await;
        if let Err(error) = renew(s, owner, rank).await {
            tracing::debug!(%error, "what is being planned was not kept");
        }
    }
}

async fn renew(s: &Services, owner: i64, rank: Rank) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::renew(&mut tx, rank, s.clock.now(), owner, lease(rank).as_millis() as i64).await?;
    tx.commit().await
}
