//! Changes of scenarios: one person writes, another one agrees, and nobody goes on alone.
//!
//! What waits is one change per scenario. Whoever wrote or edited it, or gave it back with what to do about it, has a hand
//! in it and does not agree to it. What is agreed to is the version that was read.

use serde_json::{Value, json};

use super::super::{Caller, Services, change, groups, letterhead};
use super::{SEEDED, store};
use crate::domain::emergency::{Remark, Scenario, lint};
use crate::domain::group::is_slug;
use crate::domain::id::OperatorId;
use crate::domain::operator::Permission;
use crate::error::{Fault, Faults};
use crate::store::scenarios::{ChangeRow, NewChange, NewScenario, ScenarioRow};
use crate::store::{Tx, audit, settings};
use crate::{Error, Result};

/// Characters of a reason.
const LONGEST_REASON: usize = 500;

/// A change as somebody hands it in.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    pub slug: &'a str,
    /// The version of the scenario it was made of; 0: there is none yet.
    pub based_on: i64,
    /// The version of the change that waited, which it takes the place of; `None`: none did.
    pub seen: Option<i64>,
    /// `None`: the scenario is taken out of use.
    pub document: Option<&'a Scenario>,
    /// For whoever agrees; perhaps empty.
    pub reason: &'a str,
}

/// Everything that is wrong with a scenario in the eyes of those who will read it.
pub fn remarks(s: &Services, scenario: &Scenario) -> Vec<Remark> {
    let today = s.campus.zoned(s.clock.now()).date();
    let sign = letterhead::name(s, s.campus.language.as_str());
    lint(scenario, Some(&sign), today)
}

/// Changes that wait, the oldest first.
pub async fn changes(s: &Services, caller: &Caller) -> Result<Vec<ChangeRow>> {
    caller.require(Permission::EmergencyView)?;
    store::changes(&s.db).await
}

/// The change of a scenario that waits.
pub async fn change_of(s: &Services, caller: &Caller, slug: &str) -> Result<Option<ChangeRow>> {
    caller.require(Permission::EmergencyView)?;
    store::change_of(&s.db, slug).await
}

/// Hands a change in, or writes the one that waits anew. It does nothing yet; false where there is nothing to change.
///
/// # Errors
///
/// [`Error::Invalid`] with everything that keeps the scenario from being used; [`Error::Conflict`] where the scenario or
/// the change that waits is another by now.
pub async fn propose(s: &Services, caller: &Caller, proposal: &Proposal<'_>) -> Result<bool> {
    let me = by_person(caller, Permission::EmergencyPrepare)?;
    let reason = written(proposal.reason, false)?;
    let mut faults = Faults::default();
    if !is_slug(proposal.slug) {
        let detail = "1 to 64 of `a-z`, `0-9`, `-` and `_`, a letter or digit first";
        faults.extend([Fault::new("/slug", "bad_slug", detail)]);
    }
    if let Some(scenario) = proposal.document {
        faults.extend(refusals(s, scenario).await?);
    }
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    settings::lock(&mut tx, SEEDED).await?;
    let row = store::lock(&mut tx, proposal.slug).await?;
    let waiting = store::lock_change(&mut tx, proposal.slug).await?;
    if proposal.based_on == 0 && proposal.seen.is_none() && (row.is_some() || waiting.is_some()) {
        faults.extend([Fault::new("/slug", "taken", "there is a scenario of that name; choose another")]);
    } else {
        still_the_same(row.as_ref(), waiting.as_ref(), proposal)?;
    }
    if proposal.document.is_none() && row.as_ref().is_none_or(|row| row.retired_at.is_some()) {
        return Err(Error::NotFound("scenario"));
    }
    if let Some(scenario) = proposal.document {
        faults.extend(beside(&mut tx, proposal.slug, scenario).await?);
    }
    faults.into_result()?;
    let before = row.as_ref().map(|row| &row.document.0);
    let is_same = row.as_ref().is_some_and(|row| row.retired_at.is_none()) && before == proposal.document;
    if is_same && waiting.is_none() {
        return Ok(false);
    }
    let new = NewChange {
        slug: proposal.slug,
        based_on: proposal.based_on,
        document: proposal.document,
        editors: &hands(waiting.as_ref(), me),
        by: &caller.label(),
        reason,
    };
    if waiting.is_some() {
        store::revise(&mut tx, &new, now).await?;
    } else if !store::propose(&mut tx, &new, now).await? {
        return Err(changed_meanwhile());
    }
    let detail = told(before, proposal.document, reason);
    audit::append(&mut tx, now, &caller.label(), "scenario.propose", proposal.slug, &detail).await?;
    tx.commit().await?;
    Ok(true)
}

/// Agrees to a change as it was seen, and makes it.
///
/// # Errors
///
/// [`Error::Forbidden`] for whoever has a hand in it; [`Error::Conflict`] where it is another by now;
/// [`Error::Invalid`] where it cannot be used any more.
pub async fn approve(s: &Services, caller: &Caller, slug: &str, seen: i64) -> Result<()> {
    let me = by_person(caller, Permission::EmergencyApprove)?;
    // Looked at before the lock: what it names is somebody else's, and may go at any time.
    let waiting = store::change_of(&s.db, slug).await?;
    let document = waiting.as_ref().and_then(|change| change.document.as_ref());
    let mut faults = Faults::default();
    if let Some(document) = document {
        faults.extend(refusals(s, &document.0).await?);
    }
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    // One after another: codes and tiles are held against all there are.
    settings::lock(&mut tx, SEEDED).await?;
    let row = store::lock(&mut tx, slug).await?;
    let waiting = in_hand(&mut tx, slug, seen).await?;
    if waiting.editors.0.contains(&me.0) {
        let detail = "you have a hand in this change: somebody else agrees to it";
        return Err(Error::forbidden(Permission::EmergencyApprove.name(), detail));
    }
    let by = caller.label();
    let version = row.as_ref().map_or(0, |row| row.version);
    if waiting.based_on != version {
        return Err(changed_meanwhile());
    }
    let document = waiting.document.as_ref().map(|document| &document.0);
    if let Some(scenario) = document {
        faults.extend(beside(&mut tx, slug, scenario).await?);
        faults.into_result()?;
    }
    let made = match document {
        None => store::retire(&mut tx, slug, version, &by, now).await?,
        Some(document) => {
            let new = NewScenario { slug, document, by: &by };
            match version {
                0 => store::insert(&mut tx, &new, now).await?,
                _ => store::update(&mut tx, &new, version, now).await?,
            }
        }
    };
    if !made {
        return Err(changed_meanwhile());
    }
    store::remove_change(&mut tx, slug).await?;
    let mut detail = told(row.as_ref().map(|row| &row.document.0), document, &waiting.reason);
    detail["proposed_by"] = waiting.proposed_by.clone().into();
    audit::append(&mut tx, now, &by, "scenario.approve", slug, &detail).await?;
    tx.commit().await
}

/// Gives a change back with what to do about it, and has a hand in it from then on.
pub async fn give_back(s: &Services, caller: &Caller, slug: &str, seen: i64, why: &str) -> Result<()> {
    let me = by_person(caller, Permission::EmergencyApprove)?;
    let why = written(why, true)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let waiting = in_hand(&mut tx, slug, seen).await?;
    store::give_back(&mut tx, slug, why, &hands(Some(&waiting), me), now).await?;
    audit::append(&mut tx, now, &caller.label(), "scenario.return", slug, &json!({ "reason": why })).await?;
    tx.commit().await
}

/// Takes a change back: whoever may write one may take back any, since nothing becomes of it then.
pub async fn withdraw(s: &Services, caller: &Caller, slug: &str, seen: i64) -> Result<()> {
    by_person(caller, Permission::EmergencyPrepare)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let waiting = in_hand(&mut tx, slug, seen).await?;
    store::remove_change(&mut tx, slug).await?;
    let detail = json!({ "proposed_by": waiting.proposed_by });
    audit::append(&mut tx, now, &caller.label(), "scenario.withdraw", slug, &detail).await?;
    tx.commit().await
}

/// A change is somebody's, who can be told apart from whoever agrees to it.
fn by_person(caller: &Caller, permission: Permission) -> Result<OperatorId> {
    caller.require(permission)?;
    caller.operator().ok_or_else(|| {
        Error::forbidden(permission.name(), "scenarios are changed by operators who are signed in")
    })
}

fn written(reason: &str, needed: bool) -> Result<&str> {
    let reason = reason.trim();
    if needed && reason.is_empty() {
        return Err(Error::fault("/reason", "required", "say what should be otherwise"));
    }
    if reason.chars().count() > LONGEST_REASON {
        return Err(Error::fault("/reason", "too_long", format!("at most {LONGEST_REASON} characters")));
    }
    Ok(reason)
}

/// Everyone who has a hand in a change, and now `me`.
fn hands(waiting: Option<&ChangeRow>, me: OperatorId) -> Vec<OperatorId> {
    let before = waiting.map_or(&[][..], |row| &row.editors.0);
    let others = before.iter().copied().map(OperatorId).filter(|id| *id != me);
    others.chain([me]).collect()
}

fn still_the_same(
    row: Option<&ScenarioRow>,
    waiting: Option<&ChangeRow>,
    proposal: &Proposal<'_>,
) -> Result<()> {
    if row.map_or(0, |row| row.version) != proposal.based_on {
        return Err(changed_meanwhile());
    }
    match (waiting.map(|row| row.version), proposal.seen) {
        (Some(version), Some(seen)) if version == seen => Ok(()),
        (None, None) => Ok(()),
        _ => Err(changed_meanwhile()),
    }
}

async fn in_hand(tx: &mut Tx, slug: &str, seen: i64) -> Result<ChangeRow> {
    let waiting = store::lock_change(tx, slug).await?.ok_or(Error::NotFound("change of a scenario"))?;
    if waiting.version == seen { Ok(waiting) } else { Err(changed_meanwhile()) }
}

fn changed_meanwhile() -> Error {
    Error::conflict("changed_meanwhile", "somebody else changed it meanwhile; look at it as it is now")
}

/// What keeps a scenario from being used, whatever else there is.
async fn refusals(s: &Services, scenario: &Scenario) -> Result<Vec<Fault>> {
    let mut faults: Vec<Fault> =
        remarks(s, scenario).into_iter().filter(Remark::is_refusal).map(Remark::into_fault).collect();
    match groups::resolve(s, &scenario.audience, false, None).await {
        Ok(_) => {}
        Err(Error::Invalid(unknown)) => faults.extend(unknown),
        Err(other) => return Err(other),
    }
    Ok(faults)
}

/// What is wrong with a scenario beside the others: they have its code or its tile.
async fn beside(tx: &mut Tx, slug: &str, scenario: &Scenario) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    if let Some(other) = store::with_code(tx, &scenario.code).await?.filter(|other| other.slug != slug) {
        let detail = format!("`{}` has this code, and keeps it even out of use", other.slug);
        faults.push(Fault::new("/code", "code_taken", detail));
    }
    let others = store::list_in(tx).await?;
    let has_tile = |other: &&ScenarioRow| other.slug != slug && other.document.0.tile == scenario.tile;
    if let Some(other) = others.iter().find(has_tile).filter(|_| scenario.tile.is_some()) {
        let detail = format!("`{}` is there: one of them has to make room", other.slug);
        faults.push(Fault::new("/tile", "tile_taken", detail));
    }
    Ok(faults)
}

/// What became, or is to become, otherwise.
fn told(before: Option<&Scenario>, after: Option<&Scenario>, reason: &str) -> Value {
    let mut detail = match (before, after) {
        (Some(before), Some(after)) => json!({ "changed": change::between(&json!(before), &json!(after)) }),
        (None, Some(after)) => json!({ "scenario": after }),
        (_, None) => json!({ "retired": true }),
    };
    if !reason.is_empty() {
        detail["reason"] = reason.into();
    }
    detail
}
