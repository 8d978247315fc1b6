//! What a planner has taken stays its own for as long as it is there.

use std::convert::Infallible;
use std::time::Duration;

use crate::Result;
use crate::domain::id::MessageId;
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

/// Messages that a planner took.
pub(super) struct Taken<'a> {
    pub(super) owner: i64,
    pub(super) rank: Rank,
    pub(super) messages: &'a [MessageId],
}

impl Taken<'_> {
    /// Keeps them while that is done. Both go on side by side: no step of planning has a bound.
    pub(super) async fn kept<T>(self, s: &Services, doing: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            done = doing => done,
            never = self.keep(s) => match never {},
        }
    }

    async fn keep(&self, s: &Services) -> Infallible {
        // Of the embedded store nobody else takes anything.
        if !deliveries::others_may_dispatch(s) {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(lease(self.rank) / TIMES).await;
            // To its end, also where planning ends first: nothing is left open in the store.
            let renewing =
                s.background.spawn(renew(s.clone(), self.messages.to_vec(), self.owner, lease(self.rank)));
            if let Ok(Err(error)) = renewing.await {
                tracing::debug!(%error, "what is being planned was not kept");
            }
        }
    }
}

async fn renew(s: Services, messages: Vec<MessageId>, owner: i64, lease: Duration) -> Result<()> {
    let mut tx = s.db.begin().await?;
    store::renew(&mut tx, &messages, s.clock.now(), owner, lease.as_millis() as i64).await?;
    tx.commit().await
}
