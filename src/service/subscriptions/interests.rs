//! What anybody wants to be told of now, as each process knows it: asked of the store at most twice a second, and anew where
//! this process changed it. Another process's new subscription is known after half a second at most; what happens here before
//! that is not told to it.

use std::sync::Arc;
use std::time::Duration;

use super::super::Services;
use super::super::lately::Lately;
use super::interest;
use crate::Result;
use crate::clock::{Clock, Timestamp};
use crate::domain::subscription::{EVENT_DAYS, EndpointKind, Interests, STREAM_DAYS, Standing};
use crate::store::Db;
use crate::store::subscriptions::{self as store, SubscriptionRow};

/// For how long an endpoint that was disabled misses nothing.
pub(super) const KEPT: Duration = Duration::from_hours(24 * EVENT_DAYS);
/// For how long a stream that nobody reads misses nothing.
pub(super) const STREAM_KEPT: Duration = Duration::from_hours(24 * STREAM_DAYS);

/// What the store said of it lately.
#[derive(Debug)]
pub(in crate::service) struct Known(Lately<(), Arc<Interests>>);

impl Default for Known {
    fn default() -> Self {
        Self(Lately::new(1))
    }
}

impl Known {
    /// Something was changed here.
    pub fn forget(&self) {
        self.0.forget();
    }

    pub async fn in_force(&self, db: &Db, clock: &Clock) -> Result<Arc<Interests>> {
        if let Some(interests) = self.0.get(&(), clock.steady()) {
            return Ok(interests);
        }
        let generation = self.0.generation();
        let rows = store::all(db).await?;
        let now = clock.now();
        let interests: Arc<Interests> =
            Arc::new(rows.iter().filter(|row| is_kept(row, now)).filter_map(interest).collect());
        self.0.keep(generation, (), Arc::clone(&interests), clock.steady());
        Ok(interests)
    }
}

/// What happens is still written down for it.
fn is_kept(row: &SubscriptionRow, now: Timestamp) -> bool {
    match row.kind {
        EndpointKind::Stream => row.seen_at.is_some_and(|at| now.since(at) <= STREAM_KEPT),
        EndpointKind::Webhook | EndpointKind::Amqp => {
            row.standing == Standing::Active || row.disabled_at.is_some_and(|at| now.since(at) <= KEPT)
        }
    }
}

/// To be asked before a transaction begins: within one a second connection may be one too many.
pub(in crate::service) async fn in_force(s: &Services) -> Result<Arc<Interests>> {
    s.interests.in_force(&s.db, &s.clock).await
}
