//! Broadcasts as they are read.

use super::{Services, unknown};
use crate::domain::emergency::Run;
use crate::domain::id::{BroadcastId, MessageId};
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::service::{Caller, cap};
use crate::store::broadcasts::{self as store, ActRow, BroadcastRow};
use crate::store::cap::{ReceivedRow, received_for};
use crate::{Error, Result};

/// What whoever only practises lacks for all that is no drill.
pub const BEYOND_DRILLS: &str = "beyond_drills";

/// Lets an operator see such broadcasts: with `emergency.view` all of them, with `emergency.drill` drills.
///
/// # Errors
///
/// [`Error::Forbidden`], of [`BEYOND_DRILLS`] for whoever sees drills and this is none.
pub fn may_see(caller: &Caller, run: Run) -> Result<()> {
    let drills = caller.require(Permission::EmergencyDrill).is_ok();
    match caller.require(Permission::EmergencyView) {
        Err(_) if drills && run == Run::Drill => Ok(()),
        Err(_) if drills => Err(Error::forbidden(BEYOND_DRILLS, "your role is for drills, and this is none")),
        seen => seen,
    }
}

/// Lets in whoever sees any broadcasts at all, were it drills alone.
///
/// # Errors
///
/// As [`may_see`].
pub fn may_see_any(caller: &Caller) -> Result<()> {
    may_see(caller, Run::Drill)
}

/// Who may read any: operators with a permission, and a key its source's own.
fn may_read(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Key(_) => caller.require_right(Right::Broadcast),
        Caller::Operator(_) | Caller::Command(_) => may_see_any(caller),
    }
}

/// The broadcast, for whoever may read it.
pub async fn look(s: &Services, caller: &Caller, id: BroadcastId) -> Result<BroadcastRow> {
    may_read(caller)?;
    let row = store::find(&s.db, id).await?.ok_or_else(unknown)?;
    match caller {
        Caller::Key(key) if row.source_id != Some(key.source) => Err(unknown()),
        Caller::Key(_) => Ok(row),
        Caller::Operator(_) | Caller::Command(_) => may_see(caller, row.run).map(|()| row),
    }
}

/// The broadcast that a message belongs to, for whoever may look at messages.
pub async fn of_message(s: &Services, caller: &Caller, message: MessageId) -> Result<Option<BroadcastId>> {
    caller.reach(Permission::MessagesView)?;
    Ok(store::of_message(&s.db, message).await?.map(|row| row.broadcast_id))
}

/// Those that are open or to be looked at and that the caller sees, drills after what is real, and the gravest first.
pub async fn waiting(s: &Services, caller: &Caller) -> Result<Vec<BroadcastRow>> {
    may_see_any(caller)?;
    let mut rows = store::waiting(&s.db).await?;
    rows.retain(|row| may_see(caller, row.run).is_ok());
    Ok(rows)
}

/// The newest before `before`; at most `limit`. Without `run`: of all kinds that the caller sees.
pub async fn list(
    s: &Services,
    caller: &Caller,
    run: Option<Run>,
    before: Option<BroadcastId>,
    limit: u32,
) -> Result<Vec<BroadcastRow>> {
    let run = match run {
        None if may_see(caller, Run::Live).is_err() => Some(Run::Drill),
        asked => asked,
    };
    may_see(caller, run.unwrap_or(Run::Live))?;
    store::list(&s.db, run, before, limit).await
}

/// The newest that a key's source began, before `before`; at most `limit`. Operators and commands see those of all.
pub async fn list_own(
    s: &Services,
    caller: &Caller,
    before: Option<BroadcastId>,
    limit: u32,
) -> Result<Vec<BroadcastRow>> {
    may_read(caller)?;
    match caller {
        Caller::Key(key) => store::list_of(&s.db, key.source, before, limit).await,
        Caller::Operator(_) | Caller::Command(_) => list(s, caller, None, before, limit).await,
    }
}

/// Where the alerts are that were published of one.
pub async fn published(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Vec<String>> {
    look(s, caller, id).await?;
    cap::documents_of(&s.db, id).await
}

/// The alerts of other systems from which one came or by which it was ended, as they came in.
pub async fn received(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Vec<ReceivedRow>> {
    look(s, caller, id).await?;
    received_for(&s.db, id).await
}

/// All that was done to one.
pub async fn acts(s: &Services, caller: &Caller, id: BroadcastId) -> Result<Vec<ActRow>> {
    look(s, caller, id).await?;
    store::acts(&s.db, id).await
}
