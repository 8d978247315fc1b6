//! What is open now, for the line that every page of the console bears: asked of the store once a second at most, however
//! many pages are opened, and again as soon as this process itself did something to a broadcast.

use std::sync::Arc;

use super::progress::FRESH;
use super::{Services, may_see, may_see_any};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::emergency::{Level, Overridden, Run, Spoken, State};
use crate::domain::id::{BroadcastId, OperatorId};
use crate::service::Caller;
use crate::store::broadcasts::{self as store, BroadcastRow};

/// A broadcast that somebody should know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBroadcast {
    pub id: BroadcastId,
    pub run: Run,
    pub level: Level,
    pub state: State,
    pub name: Spoken,
    /// Went out, or, where it did not yet, was begun.
    pub since: Timestamp,
    pub pressed_by: String,
    pub operator: Option<OperatorId>,
    pub overridden: Overridden,
}

impl From<&BroadcastRow> for OpenBroadcast {
    fn from(row: &BroadcastRow) -> Self {
        Self {
            id: row.id,
            run: row.run,
            level: row.level,
            state: row.state,
            name: row.plan.0.name(),
            since: row.live_at.unwrap_or(row.created_at),
            pressed_by: row.pressed_by.clone(),
            operator: row.operator_id,
            overridden: row.overridden,
        }
    }
}

/// Those that are open or to be looked at afterwards, drills after what is real, and the gravest first; drills alone for
/// whoever only practises, and none for whoever may see none.
pub async fn open_now(s: &Services, caller: &Caller) -> Result<Arc<[OpenBroadcast]>> {
    if may_see_any(caller).is_err() {
        return Ok(Arc::default());
    }
    let open = all_open(s).await?;
    if may_see(caller, Run::Live).is_ok() {
        return Ok(open);
    }
    Ok(open.iter().filter(|one| one.run == Run::Drill).cloned().collect())
}

async fn all_open(s: &Services) -> Result<Arc<[OpenBroadcast]>> {
    let mut latest = s.broadcasts.open.lock().await;
    let now = s.clock.steady();
    if let Some((at, open)) = latest.as_ref()
        && now.saturating_sub(*at) < FRESH
    {
        return Ok(Arc::clone(open));
    }
    let open: Arc<[_]> = store::waiting(&s.db).await?.iter().map(OpenBroadcast::from).collect();
    *latest = Some((now, Arc::clone(&open)));
    Ok(open)
}
