//! Changes of rights that wait for a second administrator. One proposes, another approves; both must be allowed the change
//! at the moment it is made, and it must still come to what it was proposed as.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::caller::OperatorCaller;
use super::super::{Caller, Services};
use super::making::{Made, Proposal, Signed};
use super::rights::Rights;
use super::roles::MadeRole;
use super::{account, grants, roles};
use crate::clock::Timestamp;
use crate::domain::id::{OperatorId, RightsRequestId};
use crate::domain::operator::Permission;
use crate::domain::rights_change::{Effect, RightsChange};
use crate::store::operators::OperatorRow;
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
    /// Stands for the change as it is read here: whoever approves says that it is this one.
    pub digest: String,
    /// What it is about, as that is called; perhaps empty.
    pub about: String,
    /// The one to come in by, where it is about that.
    pub campus_id: Option<String>,
}

/// A change for the audit log, which keeps no campus id. Grants and permissions are told as what they give.
fn told(change: &RightsChange, reason: &str, made: &[MadeRole]) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("change".to_owned(), change.name().into());
    if let Some(id) = change.operator() {
        told.insert("operator".to_owned(), json!(id));
    }
    match change {
        RightsChange::Invite { email, name, grants } => {
            told.insert("email".to_owned(), email.clone().into());
            told.insert("name".to_owned(), name.clone().into());
            told.insert("grants".to_owned(), grants::described(grants, made));
        }
        RightsChange::Grant { grants, .. } => {
            told.insert("grants".to_owned(), grants::described(grants, made));
        }
        RightsChange::Role { role, name, permissions, .. } => {
            told.insert("role".to_owned(), json!(role));
            told.insert("name".to_owned(), name.clone().into());
            told.insert("permissions".to_owned(), json!(roles::words(permissions)));
        }
        RightsChange::Enable { .. }
        | RightsChange::Link { .. }
        | RightsChange::ResetFactor { .. }
        | RightsChange::CampusId { .. }
        | RightsChange::TurnOff => {}
    }
    if !reason.is_empty() {
        told.insert("proposal_reason".to_owned(), reason.into());
    }
    told
}

/// As [`told`], of one that waited, by whom it was proposed.
fn told_of(row: &RequestRow, operators: &[OperatorRow], made: &[MadeRole]) -> Map<String, Value> {
    let mut told = told(&row.change.0, &row.reason, made);
    if let Some(by) = operators.iter().find(|by| by.id == row.proposed_by) {
        told.insert("proposed_by".to_owned(), format!("{} <{}>", by.name, by.email).into());
    }
    told
}

/// Whether two changes ask for the same. A campus id is sealed differently each time.
fn is_same(s: &Services, one: &RightsChange, other: &RightsChange) -> Result<bool> {
    match (one, other) {
        (
            RightsChange::CampusId { operator, sealed },
            RightsChange::CampusId { operator: another, sealed: other },
        ) => Ok(operator == another && account::opened(s, sealed)? == account::opened(s, other)?),
        _ => Ok(one == other),
    }
}

/// Has a change wait. One that waits already is not proposed twice by the same operator.
pub(super) async fn propose(
    s: &Services,
    rights: &mut Rights,
    who: &OperatorCaller,
    change: &RightsChange,
    effect: &Effect,
) -> Result<RightsRequestId> {
    let now = s.clock.now();
    for row in store::list_in(&mut rights.tx, now).await? {
        if row.proposed_by == who.id && row.effect.0 == *effect && is_same(s, &row.change.0, change)? {
            return Ok(row.id);
        }
    }
    let detail = Value::Object(told(change, "", &rights.made));
    let tx = &mut rights.tx;
    let id = store::insert(tx, who.id, change, effect, now, now.plus(LASTS)).await?;
    let actor = Caller::Operator(who.clone()).label();
    audit::append(tx, now, &actor, "rights.propose", &id.to_string(), &detail).await?;
    Ok(id)
}

/// Everything that waits, the oldest first.
pub async fn waiting(s: &Services, caller: &Caller) -> Result<Vec<Waiting>> {
    caller.require(Permission::OperatorsView)?;
    shown(s, store::list(&s.db, s.clock.now()).await?).await
}

/// What stands for a change as it was read.
fn digest(s: &Services, row: &RequestRow) -> Result<String> {
    let read = serde_json::to_vec(&(&row.change.0, &row.effect.0)).map_err(Error::internal)?;
    let print = s.vault.fingerprint("change of rights", &read);
    Ok(print.iter().map(|byte| format!("{byte:02x}")).collect())
}

async fn shown(s: &Services, rows: Vec<RequestRow>) -> Result<Vec<Waiting>> {
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
            digest: digest(s, &row)?,
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

/// One that waits. Whoever proposed it sees it, whatever else they may: doing without a second administrator is proposed by
/// who may change settings.
///
/// # Errors
///
/// [`Error::NotFound`] where it was decided, or expired.
pub async fn waiting_one(s: &Services, caller: &Caller, id: RightsRequestId) -> Result<Waiting> {
    let rows = store::list(&s.db, s.clock.now()).await?;
    let row = rows.into_iter().find(|row| row.id == id);
    if row.as_ref().is_none_or(|row| caller.operator() != Some(row.proposed_by)) {
        caller.require(Permission::OperatorsView)?;
    }
    let rows = row.into_iter().collect();
    shown(s, rows).await?.pop().ok_or(Error::NotFound("request"))
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
    let one = waiting_one(s, caller, id).await;
    if !one.as_ref().is_ok_and(|one| own(caller, one.proposed_by).is_ok()) {
        caller.require(Permission::OperatorsEdit)?;
    }
    own(caller, one?.proposed_by)?;
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

/// Makes a change that another proposed, in the name of both. `digest` is of the change as it was read.
///
/// # Errors
///
/// [`Error::Conflict`]: `own_request` for whoever proposed it, `one_hand` where one of the two was handed the link by which the
/// other came in, `proposer_gone` where they may not make it any more,
/// `rights_changed` where it is not what was read, or would no longer come to what it was proposed as, or to anything; and whatever refuses the change to whoever
/// approves it.
pub async fn approve(s: &Services, caller: &Caller, id: RightsRequestId, read: &str) -> Result<Made> {
    caller.require(Permission::OperatorsEdit)?;
    let mut rights = Rights::to_change(s, caller).await?;
    let row = take(s, &mut rights.tx, id).await?;
    if rights.by.operator() == Some(row.proposed_by) {
        return Err(Error::conflict("own_request", "another operator decides what you proposed"));
    }
    if digest(s, &row)? != read {
        return Err(changed_meanwhile());
    }
    let by = rights.by.operator();
    if by.is_some_and(|by| rights.in_one_hand(by, row.proposed_by)) {
        return Err(Error::conflict(
            "one_hand",
            "one of you was handed the link by which the other came in, or both links went to the same; a third decides",
        ));
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
    let proposal = Proposal { by: proposer.label(), reason: row.reason, handed_to: by };
    let signed = Signed { by: rights.by.label(), proposal: Some(proposal) };
    let made = rights.make(s, change.clone(), None, &signed).await.map_err(changed)?;
    if !made.changed {
        return Err(changed_meanwhile());
    }
    drop_matter(s, &mut rights, &change, &signed.by).await?;
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
    let mut detail = told_of(&row, &rights.operators, &rights.made);
    detail.insert("reason".to_owned(), reason.into());
    let detail = Value::Object(detail);
    let (now, actor) = (s.clock.now(), rights.by.label());
    audit::append(&mut rights.tx, now, &actor, "rights.reject", &id.to_string(), &detail).await?;
    rights.tx.commit().await
}

/// Whoever proposed a change leaves it.
pub async fn withdraw(s: &Services, caller: &Caller, id: RightsRequestId) -> Result<()> {
    let mut tx = s.db.begin().await?;
    let row = take(s, &mut tx, id).await;
    if !row.as_ref().is_ok_and(|row| own(caller, row.proposed_by).is_ok()) {
        caller.require(Permission::OperatorsEdit)?;
    }
    let row = row?;
    own(caller, row.proposed_by)?;
    let made = roles::all_in(&mut tx).await?;
    let detail = Value::Object(told(&row.change.0, &row.reason, &made));
    audit::append(&mut tx, s.clock.now(), &caller.label(), "rights.withdraw", &id.to_string(), &detail)
        .await?;
    tx.commit().await
}

/// Takes away what else waits about the same as a change that was made: it was thought of over something else, and would undo
/// what another took away since.
pub(super) async fn drop_matter(
    s: &Services,
    rights: &mut Rights,
    change: &RightsChange,
    actor: &str,
) -> Result<()> {
    let now = s.clock.now();
    for row in store::list_in(&mut rights.tx, now).await? {
        if change.same_matter(&row.change.0) {
            store::take(&mut rights.tx, row.id, now).await?;
            let detail = Value::Object(told_of(&row, &rights.operators, &rights.made));
            audit::append(&mut rights.tx, now, actor, "rights.drop", &row.id.to_string(), &detail).await?;
        }
    }
    Ok(())
}

/// Forgets that somebody of that campus id was to come in.
pub(super) async fn forget(
    s: &Services,
    tx: &mut Tx,
    operators: &[OperatorRow],
    actor: &str,
    campus_id: &str,
) -> Result<()> {
    let now = s.clock.now();
    for row in store::list_in(tx, now).await? {
        if let RightsChange::CampusId { sealed, .. } = &row.change.0
            && account::opened(s, sealed)? == campus_id
        {
            store::take(tx, row.id, now).await?;
            let detail = Value::Object(told_of(&row, operators, &[]));
            audit::append(tx, now, actor, "rights.drop", &row.id.to_string(), &detail).await?;
        }
    }
    Ok(())
}

/// Forgets what nobody decided in time, which the audit log keeps.
pub(super) async fn purge(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let operators = all::operators::lock_all(&mut tx).await?;
    let made = roles::all_in(&mut tx).await?;
    for row in store::purge(&mut tx, now).await? {
        let detail = Value::Object(told_of(&row, &operators, &made));
        audit::append(&mut tx, now, "command purge", "rights.expire", &row.id.to_string(), &detail).await?;
    }
    tx.commit().await
}
