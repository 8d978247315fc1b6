//! Broadcasts as they are read.

use super::{Services, unknown};
use crate::Result;
use crate::domain::emergency::Run;
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::service::Caller;
use crate::store::broadcasts::{self as store, ActRow, BroadcastRow};

/// Who may read: operators with the permission, and a key its source's own.
pub(super) fn may_read(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Key(_) => caller.require_right(Right::Broadcast),
        Caller::Operator(_) | Caller::Command(_) => caller.require(Permission::EmergencyView),
    }
}

/// The broadcast, for whoever may read it.
pub async fn look(s: &Services, caller: &Caller, id: BroadcastId) -> Result<BroadcastRow> {
    may_read(caller)?;
    let row = store::find(&s.db, id).await?.ok_or_else(unknown)?;
    match caller {
        Caller::Key(key) if row.source_id != Some(key.source) => Err(unknown()),
        _ => Ok(row),
    }
}

/// Those that are open or to be looked at, the gravest first.
pub async fn waiting(s: &Services, caller: &Caller) -> Result<Vec<BroadcastRow>> {
    caller.require(Permission::EmergencyView)?;
    store::waiting(&s.db).await
}

/// The newest before `before`; at most `limit`.
pub async fn list(
    s: &Services,
    caller: &Caller,
    run: Option<Run>,
    before: Option<BroadcastId>,
    limit: u32,
) -> Result<Vec<BroadcastRow>> {
    caller.require(Permission::EmergencyView)?;
    store::list(&s.db, run, before, limit).await
}

/// All that was done to one.
pub async fn acts(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Vec<ActRow>> {
    look(s, caller, id).await?;
    store::acts(&s.db, id).await
}
