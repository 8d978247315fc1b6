//! Broadcasts as they are read.

use super::{Services, unknown};
use crate::Result;
use crate::domain::emergency::Run;
use crate::domain::id::{BroadcastId, MessageId};
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::service::{Caller, cap};
use crate::store::broadcasts::{self as store, ActRow, BroadcastRow};
use crate::store::cap::{ReceivedRow, received_for};

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

/// The broadcast that a message belongs to, for whoever may look at messages.
pub async fn of_message(s: &Services, caller: &Caller, message: MessageId) -> Result<Option<BroadcastId>> {
    caller.reach(Permission::MessagesView)?;
    Ok(store::of_message(&s.db, message).await?.map(|row| row.broadcast_id))
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

/// The newest that a key's source began, before `before`; at most `limit`. Operators and commands see all.
pub async fn list_own(
    s: &Services,
    caller: &Caller,
    before: Option<BroadcastId>,
    limit: u32,
) -> Result<Vec<BroadcastRow>> {
    may_read(caller)?;
    match caller {
        Caller::Key(key) => store::list_of(&s.db, key.source, before, limit).await,
        Caller::Operator(_) | Caller::Command(_) => store::list(&s.db, None, before, limit).await,
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
