//! What operators change of themselves, and the sessions they have open.

use serde_json::json;

use super::super::Services;
use super::super::caller::{Caller, OperatorCaller};
use super::super::sessions::{self, OpenSession};
use super::form;
use crate::domain::id::OperatorId;
use crate::domain::operator::Permission;
use crate::domain::recipient::check_campus_id;
use crate::error::Faults;
use crate::store::{self, Tx, audit, campus_accounts};
use crate::{Error, Result};

/// An operator changes how they are called.
///
/// # Errors
///
/// [`Error::Invalid`] at `/name`.
pub async fn rename(s: &Services, who: &OperatorCaller, name: &str) -> Result<()> {
    let mut faults = Faults::default();
    let name = form::name(name, &mut faults);
    faults.into_result()?;
    if name == who.name {
        return Ok(());
    }
    let mut tx = s.db.begin().await?;
    store::operators::set_name(&mut tx, who.id, &name).await?;
    // As they were called till now.
    let (now, actor) = (s.clock.now(), Caller::Operator(who.clone()).label());
    let detail = json!({ "before": who.name, "after": name });
    audit::append(&mut tx, now, &actor, "operator.rename", &who.id.to_string(), &detail).await?;
    tx.commit().await
}

/// Everybody sees their own, others by permission.
fn may(caller: &Caller, of: OperatorId, permission: Permission) -> Result<()> {
    if caller.operator() == Some(of) { Ok(()) } else { caller.require(permission) }
}

/// Refuses who would decide over an operator who holds more.
async fn in_charge(tx: &mut Tx, caller: &Caller, of: OperatorId) -> Result<()> {
    let operators = store::operators::lock_all(tx).await?;
    super::grants::in_charge_of(tx, caller, &operators, of).await.map(drop)
}

/// The sessions an operator has open, those used last first.
pub async fn open_sessions(s: &Services, caller: &Caller, of: OperatorId) -> Result<Vec<OpenSession>> {
    may(caller, of, Permission::OperatorsView)?;
    sessions::list_of(s, of).await
}

/// Ends those sessions of an operator that `which` names; returns how many there were.
pub async fn end_sessions(
    s: &Services,
    caller: &Caller,
    of: OperatorId,
    which: impl Fn(&OpenSession) -> bool,
) -> Result<usize> {
    may(caller, of, Permission::OperatorsEdit)?;
    let chosen: Vec<_> = sessions::list_of(s, of).await?.into_iter().filter(which).collect();
    if chosen.is_empty() {
        return Ok(0);
    }
    let mut tx = s.db.begin().await?;
    if caller.operator() != Some(of) {
        in_charge(&mut tx, caller, of).await?;
    }
    for session in &chosen {
        store::sessions::delete(&mut tx, session.hash()).await?;
    }
    let (now, detail) = (s.clock.now(), json!({ "sessions": chosen.len() }));
    audit::append(&mut tx, now, &caller.label(), "operator.end_sessions", &of.to_string(), &detail).await?;
    tx.commit().await?;
    Ok(chosen.len())
}

/// The campus id an operator may sign in with, if any.
pub async fn campus_id(s: &Services, caller: &Caller, of: OperatorId) -> Result<Option<String>> {
    may(caller, of, Permission::OperatorsView)?;
    campus_accounts::of(&s.db, of).await
}

/// Sets the campus id an operator may sign in with; an empty one takes it away. Nobody chooses their own, or that of somebody
/// who holds more: whoever could would come in as somebody else.
///
/// # Errors
///
/// [`Error::Invalid`] at `/campus_id`; [`Error::Conflict`] for oneself.
pub async fn link_campus_id(s: &Services, caller: &Caller, of: OperatorId, campus_id: &str) -> Result<()> {
    caller.require(Permission::OperatorsEdit)?;
    if caller.operator() == Some(of) {
        return Err(Error::conflict("own_account", "another operator says with which campus id you sign in"));
    }
    store::operators::find(&s.db, of).await?.ok_or(Error::NotFound("operator"))?;
    let campus_id = campus_id.trim();
    let linked = Some(campus_id).filter(|id| !id.is_empty());
    if let Some(why) = linked.and_then(check_campus_id) {
        return Err(Error::fault("/campus_id", "bad_campus_id", why));
    }
    let mut tx = s.db.begin().await?;
    in_charge(&mut tx, caller, of).await?;
    if !campus_accounts::set(&mut tx, of, linked).await? {
        return Err(Error::fault("/campus_id", "taken", "another operator has this campus id"));
    }
    // The audit log, which forgets nothing, holds no campus id.
    let action = if linked.is_some() { "operator.link_campus_id" } else { "operator.unlink_campus_id" };
    audit::append(&mut tx, s.clock.now(), &caller.label(), action, &of.to_string(), &json!({})).await?;
    tx.commit().await
}
