//! Changes of rights that wait for a second administrator. One proposes, another approves; both must be allowed the change
//! at the moment it is made, and it must still come to what it was proposed as.

use std::time::Duration;

use serde_json::json;

use super::super::caller::OperatorCaller;
use super::super::{Caller, Services};
use super::making::{Made, Signed};
use super::rights::Rights;
use super::{account, roles};
use crate::clock::Timestamp;
use crate::domain::id::{OperatorId, RightsRequestId};
use crate::domain::operator::Permission;
use crate::domain::rights_change::{Effect, RightsChange};
use crate::store::rights_requests::{self as store, RequestRow};
use crate::store::{self as all, Tx, audit};
use crate::{Error, Result};

/// For so long somebody is waited for.
const LASTS: Duration = Duration::from_hours(7 * 24);
const LONGEST_REASON: usize = 500;

/// A change that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub id: RightsRequestId,
    pub proposed_by: OperatorId,
    /// As they are called.
    pub proposer: String,
    pub change: RightsChange,
    pub effect: Effect,
    /// Perhaps empty.
    pub reason: String,
    pub proposed_at: Timestamp,
    pub expires_at: Timestamp,
    /// What it is about, as that is called; perhaps empty.
    pub about: String,
    /// The one to come in by, where it is about that.
    pub campus_id: Option<String>,
}

/// Has a change wait. One that waits already is not proposed twice by the same operator.
pub(super) async fn propose(
    s: &Services,
    tx: &mut Tx,
    who: &OperatorCaller,
    change: &RightsChange,
    effect: &Effect,
) -> Result<RightsRequestId> {
    let now = s.clock.now();
    let waiting = store::list_in(tx, now).await?;
    let same =
        |row: &RequestRow| row.proposed_by == who.id && row.change.0 == *change && row.effect.0 == *effect;
    if let Some(row) = waiting.iter().find(|row| same(row)) {
        return Ok(row.id);
    }
    let id = store::insert(tx, who.id, change, effect, now, now.plus(LASTS)).await?;
    let actor = Caller::Operator(who.clone()).label();
    let detail = json!({ "change": change.name(), "operator": change.operator() });
    audit::append(tx, now, &actor, "rights.propose", &id.to_string(), &detail).await?;
    Ok(id)
}

/// Everything that waits, the oldest first.
pub async fn waiting(s: &Services, caller: &Caller) -> Result<Vec<Waiting>> {
    caller.require(Permission::OperatorsView)?;
    let rows = store::list(&s.db, s.clock.now()).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let operators = all::operators::list(&s.db).await?;
    let made = roles::all(s).await?;
    let name = |id: OperatorId| operators.iter().find(|row| row.id == id).map(|row| row.name.clone());
    let one = |row: RequestRow| {
        let about = match &row.change.0 {
            RightsChange::Invite { name, email, .. } => format!("{name} <{email}>"),
            RightsChange::Role { role, .. } => {
                made.iter().find(|made| made.id == *role).map(|role| role.name.clone()).unwrap_or_default()
            }
            change => change.operator().and_then(name).unwrap_or_default(),
        };
        let campus_id = match &row.change.0 {
            RightsChange::CampusId { sealed, .. } => Some(account::opened(s, sealed)?),
            _ => None,
        };
        Ok(Waiting {
            id: row.id,
            proposed_by: row.proposed_by,
            proposer: name(row.proposed_by).unwrap_or_default(),
            change: row.change.0,
            effect: row.effect.0,
            reason: row.reason,
            proposed_at: row.proposed_at,
            expires_at: row.expires_at,
            about,
            campus_id,
        })
    };
    rows.into_iter().map(one).collect()
}

/// One that waits.
///
/// # Errors
///
/// [`Error::NotFound`] where it was decided, or expired.
pub async fn waiting_one(s: &Services, caller: &Caller, id: RightsRequestId) -> Result<Waiting> {
    waiting(s, caller).await?.into_iter().find(|one| one.id == id).ok_or(Error::NotFound("request"))
}

/// How many wait for this operator: those that others proposed, if they may approve any.
pub async fn waits_for(s: &Services, who: &OperatorCaller) -> Result<u64> {
    if !who.powers.everywhere(Permission::OperatorsEdit) {
        return Ok(0);
    }
    Ok(store::count_of_others(&s.db, who.id, s.clock.now()).await?.unsigned_abs())
}

/// Whoever proposed a change says why.
pub async fn explain(s: &Services, caller: &Caller, id: RightsRequestId, reason: &str) -> Result<()> {
    caller.require(Permission::OperatorsEdit)?;
    let one = waiting_one(s, caller, id).await?;
    own(caller, one.proposed_by)?;
    let reason = written(reason)?;
    let mut tx = s.db.begin().await?;
    store::set_reason(&mut tx, id, &reason).await?;
    tx.commit().await
}

fn own(caller: &Caller, proposed_by: OperatorId) -> Result<()> {
    if caller.operator() == Some(proposed_by) {
        return Ok(());
    }
    Err(Error::conflict("not_your_request", "only whoever proposed it does this"))
}

fn written(reason: &str) -> Result<String> {
    let reason = reason.trim();
    if reason.chars().count() > LONGEST_REASON {
        return Err(Error::fault("/reason", "too_long", format!("at most {LONGEST_REASON} characters")));
    }
    Ok(reason.to_owned())
}

/// Makes a change that another proposed, in the name of both.
///
/// # Errors
///
/// [`Error::Conflict`]: `own_request` for whoever proposed it, `proposer_gone` where they may not make it any more,
/// `rights_changed` where it would no longer come to what it was proposed as; and whatever refuses the change to whoever
/// approves it.
pub async fn approve(s: &Services, caller: &Caller, id: RightsRequestId) -> Result<Made> {
    caller.require(Permission::OperatorsEdit)?;
    let mut rights = Rights::to_change(s, caller).await?;
    let row = take(s, &mut rights.tx, id).await?;
    if rights.by.operator() == Some(row.proposed_by) {
        return Err(Error::conflict("own_request", "another operator decides what you proposed"));
    }
    let gone = || Error::conflict("proposer_gone", "whoever proposed this may not do it any more");
    let proposer = Caller::Operator(rights.let_in(row.proposed_by).ok_or_else(gone)?);
    let change = row.change.0;
    let changed = |error| match error {
        Error::NotFound(_) | Error::Invalid(_) => changed_meanwhile(),
        other => other,
    };
    // What is not allowed to whoever approves is said first: it is about them.
    let effect = rights.judge(&rights.by, &change).map_err(changed)?;
    rights.judge(&proposer, &change).map_err(|_| gone())?;
    if effect != row.effect.0 {
        return Err(changed_meanwhile());
    }
    let signed = Signed { by: rights.by.label(), proposed_by: Some(proposer.label()) };
    let made = rights.make(s, change, None, &signed).await.map_err(changed)?;
    rights.tx.commit().await?;
    Ok(made)
}

pub(super) fn changed_meanwhile() -> Error {
    Error::conflict("rights_changed", "what this is about was changed since it was proposed; propose it anew")
}

async fn take(s: &Services, tx: &mut Tx, id: RightsRequestId) -> Result<RequestRow> {
    store::take(tx, id, s.clock.now()).await?.ok_or(Error::NotFound("request"))
}

/// Says no to what another proposed.
///
/// # Errors
///
/// [`Error::Invalid`] at `/reason`.
pub async fn reject(s: &Services, caller: &Caller, id: RightsRequestId, reason: &str) -> Result<()> {
    caller.require(Permission::OperatorsEdit)?;
    let reason = written(reason)?;
    let mut rights = Rights::to_change(s, caller).await?;
    let row = take(s, &mut rights.tx, id).await?;
    if rights.by.operator() == Some(row.proposed_by) {
        return Err(Error::conflict("own_request", "another operator decides what you proposed"));
    }
    if reason.is_empty() {
        return Err(Error::fault("/reason", "required", "say why"));
    }
    let proposer = rights.operator(row.proposed_by).map(|row| format!("{} <{}>", row.name, row.email))?;
    let detail = json!({
        "change": row.change.0.name(), "operator": row.change.0.operator(), "reason": reason, "proposed_by": proposer,
    });
    let (now, actor) = (s.clock.now(), rights.by.label());
    audit::append(&mut rights.tx, now, &actor, "rights.reject", &id.to_string(), &detail).await?;
    rights.tx.commit().await
}

/// Whoever proposed a change leaves it.
pub async fn withdraw(s: &Services, caller: &Caller, id: RightsRequestId) -> Result<()> {
    caller.require(Permission::OperatorsEdit)?;
    let mut tx = s.db.begin().await?;
    let row = take(s, &mut tx, id).await?;
    own(caller, row.proposed_by)?;
    let detail = json!({ "change": row.change.0.name(), "operator": row.change.0.operator() });
    audit::append(&mut tx, s.clock.now(), &caller.label(), "rights.withdraw", &id.to_string(), &detail)
        .await?;
    tx.commit().await
}

/// Forgets that somebody of that campus id was to come in.
pub(super) async fn forget(s: &Services, tx: &mut Tx, campus_id: &str) -> Result<()> {
    let now = s.clock.now();
    for row in store::list_in(tx, now).await? {
        if let RightsChange::CampusId { sealed, .. } = &row.change.0
            && account::opened(s, sealed)? == campus_id
        {
            store::take(tx, row.id, now).await?;
        }
    }
    Ok(())
}

/// Forgets what nobody decided in time, which the audit log keeps.
pub(super) async fn purge(s: &Services, tx: &mut Tx) -> Result<()> {
    let now = s.clock.now();
    for row in store::purge(tx, now).await? {
        let detail = json!({ "change": row.change.0.name(), "operator": row.change.0.operator() });
        audit::append(tx, now, "command purge", "rights.expire", &row.id.to_string(), &detail).await?;
    }
    Ok(())
}
