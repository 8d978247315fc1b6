//! What operators change of themselves, and the sessions they have open.

use serde_json::json;

use super::super::Services;
use super::super::caller::{Caller, OperatorCaller};
use super::super::sessions::{self, OpenSession};
use super::form;
use super::making::{self, Settled};
use super::rights::Rights;
use super::second;
use crate::domain::id::OperatorId;
use crate::domain::operator::Permission;
use crate::domain::recipient::check_campus_id;
use crate::domain::rights_change::RightsChange;
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
    let mut rights = Rights::lock(s, caller).await?;
    may(&rights.by, of, Permission::OperatorsEdit)?;
    if caller.operator() != Some(of) {
        rights.in_charge_of(&rights.by, of)?;
    }
    let (actor, tx) = (rights.by.label(), &mut rights.tx);
    for session in &chosen {
        store::sessions::delete(tx, session.hash()).await?;
    }
    // One that was just to be renewed ends, too.
    store::operators::oust(tx, of).await?;
    let (now, detail) = (s.clock.now(), json!({ "sessions": chosen.len() }));
    audit::append(tx, now, &actor, "operator.end_sessions", &of.to_string(), &detail).await?;
    rights.tx.commit().await?;
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
pub async fn link_campus_id(
    s: &Services,
    caller: &Caller,
    of: OperatorId,
    campus_id: &str,
) -> Result<Settled<()>> {
    caller.require(Permission::OperatorsEdit)?;
    let campus_id = campus_id.trim();
    if campus_id.is_empty() {
        return unlink(s, caller, of).await.map(Settled::Done);
    }
    // That nobody has this one is for the change itself to see.
    let held = campus_accounts::find(&s.db, campus_id).await?;
    let fault = match held.filter(|holder| *holder != of) {
        Some(_) => Some(("taken", "another operator has this campus id".to_owned())),
        None => check_campus_id(campus_id).map(|why| ("bad_campus_id", why.to_string())),
    };
    let change = RightsChange::CampusId { operator: of, sealed: s.vault.seal(campus_id.as_bytes()) };
    if let Some((code, why)) = fault {
        let rights = Rights::to_change(s, caller).await?;
        rights.judge(&rights.by, &change)?;
        return Err(Error::fault("/campus_id", code, why));
    }
    Ok(making::settle(s, caller, change, None, None).await?.map(drop))
}

async fn unlink(s: &Services, caller: &Caller, of: OperatorId) -> Result<()> {
    let mut rights = Rights::to_change(s, caller).await?;
    rights.judge(&rights.by, &RightsChange::CampusId { operator: of, sealed: Vec::new() })?;
    let (actor, tx) = (rights.by.label(), &mut rights.tx);
    set_campus_id(tx, of, None).await?;
    audit::append(tx, s.clock.now(), &actor, "operator.unlink_campus_id", &of.to_string(), &json!({}))
        .await?;
    let change = RightsChange::CampusId { operator: of, sealed: Vec::new() };
    second::drop_matter(s, &mut rights, &change, &actor).await?;
    rights.tx.commit().await
}

pub(super) async fn set_campus_id(tx: &mut Tx, of: OperatorId, campus_id: Option<&str>) -> Result<()> {
    if campus_accounts::set(tx, of, campus_id).await? {
        // Whoever is just coming in by the one before does not any more.
        store::operators::oust(tx, of).await?;
        return Ok(());
    }
    Err(Error::fault("/campus_id", "taken", "another operator has this campus id"))
}

/// A campus id as it waited.
pub(super) fn opened(s: &Services, sealed: &[u8]) -> Result<String> {
    String::from_utf8(s.vault.open_sealed(sealed)?).map_err(Error::internal)
}
