//! What a planner looks up for while it plans: emergencies that arrive.

use std::time::Duration;

use super::plan_next;
use crate::domain::message::Rank;
use crate::service::Services;
use crate::store::planning as store;
use crate::{Error, Result};

/// How often a planner looks up from what it does.
const LOOK: Duration = Duration::from_millis(20);

/// What a planner knows of that.
pub(super) struct Watch {
    pub(super) owner: i64,
    rank: Rank,
    looked: Duration,
}

impl Watch {
    pub(super) fn new(s: &Services, owner: i64, rank: Rank) -> Self {
        Self { owner, rank, looked: s.clock.steady() }
    }

    /// Between two steps, if it is time: plans whatever emergency has arrived meanwhile.
    pub(super) async fn look(&mut self, s: &Services) -> Result<()> {
        let now = s.clock.steady();
        if now.saturating_sub(self.looked) < LOOK {
            return Ok(());
        }
        self.looked = now;
        if self.rank == Rank::Duty {
            return Ok(());
        }
        let waiting = store::due(&s.db, s.clock.now()).await?;
        if waiting.iter().any(|due| self.rank.gives_way_to(due.rank)) {
            // It says nothing of what is being planned here, which is begun anew as that is.
            Box::pin(plan_next(s, self.owner)).await.map_err(|error| match error {
                Error::Unavailable { .. } => error,
                error => {
                    tracing::error!(%error, "planning an emergency failed, and is tried again");
                    Error::unavailable("planning an emergency failed")
                }
            })?;
        }
        Ok(())
    }
}
