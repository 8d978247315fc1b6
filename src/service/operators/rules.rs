//! What is asked of whoever signs in, as the administrators set it.

use serde_json::{Value, json};

use super::super::{Caller, Services};
use super::rights::Rights;
use super::second;
use crate::domain::id::RightsRequestId;
use crate::domain::operator::Permission;
use crate::domain::rights_change::{Effect, RightsChange};
use crate::domain::sign_in::SignInRules;
use crate::store::{Tx, audit, settings};
use crate::{Error, Result};

pub(super) const NAME: &str = "sign_in";

pub(in crate::service) async fn in_force(s: &Services) -> Result<SignInRules> {
    read(settings::find(&s.db, NAME).await?)
}

fn read(kept: Option<String>) -> Result<SignInRules> {
    kept.map_or(Ok(SignInRules::default()), |kept| serde_json::from_str(&kept).map_err(Error::internal))
}

/// How long a password must be, which whoever chooses one is told.
pub async fn shortest_password(s: &Services) -> Result<u32> {
    Ok(in_force(s).await?.shortest_password)
}

pub async fn show(s: &Services, caller: &Caller) -> Result<SignInRules> {
    caller.require(Permission::SettingsView)?;
    in_force(s).await
}

/// Whether a change that gives rights needs a second administrator.
pub async fn needs_second(s: &Services) -> Result<bool> {
    Ok(in_force(s).await?.second_administrator)
}

pub(super) async fn under_lock(tx: &mut Tx) -> Result<SignInRules> {
    read(settings::lock(tx, NAME).await?)
}

async fn write(tx: &mut Tx, before: &SignInRules, rules: &SignInRules) -> Result<Value> {
    settings::set(tx, NAME, &serde_json::to_string(rules).map_err(Error::internal)?).await?;
    Ok(super::super::change::between(&json!(before), &json!(rules)))
}

/// No second administrator is asked for from now on; gives what changed, if one was.
pub(super) async fn turn_second_off(tx: &mut Tx) -> Result<Option<Value>> {
    let before = under_lock(tx).await?;
    if !before.second_administrator {
        return Ok(None);
    }
    write(tx, &before, &SignInRules { second_administrator: false, ..before }).await.map(Some)
}

/// What became of a change of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulesChanged {
    /// False where nothing is different.
    pub changed: bool,
    /// That no second administrator is asked for any more waits for one.
    pub waits: Option<RightsRequestId>,
}

/// Sets them from `{shortest_password?, …}`. Doing without a second administrator is a change of rights itself, and waits
/// for one; the rest is done.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; [`Error::Conflict`] `no_second` where nobody else could approve anything.
pub async fn change(s: &Services, caller: &Caller, document: &Value) -> Result<RulesChanged> {
    caller.require(Permission::SettingsEdit)?;
    let mut rules = SignInRules::read(document)?;
    let now = s.clock.now();
    let mut rights = Rights::lock(s, caller).await?;
    rights.by.require(Permission::SettingsEdit)?;
    let before = under_lock(&mut rights.tx).await?;
    let by_campus = rules.campus_sign_in && s.sign_in.is_some();
    if rules.second_administrator && !before.second_administrator && !rights.others_could_approve(by_campus) {
        return Err(Error::conflict(
            "no_second",
            "two operators are needed who may change operators and settings everywhere",
        ));
    }
    let mut waits = None;
    if before.second_administrator
        && !rules.second_administrator
        && let Caller::Operator(who) = &rights.by
    {
        rules.second_administrator = true;
        let (change, effect) = (RightsChange::TurnOff, Effect::default());
        let who = who.clone();
        waits = Some(second::propose(s, &mut rights, &who, &change, &effect).await?);
    }
    let changed = before != rules;
    if changed {
        let detail = write(&mut rights.tx, &before, &rules).await?;
        let actor = rights.by.label();
        audit::append(&mut rights.tx, now, &actor, "settings.change", NAME, &detail).await?;
        if before.second_administrator && !rules.second_administrator {
            second::drop_matter(s, &mut rights, &RightsChange::TurnOff, &actor).await?;
        }
    }
    rights.tx.commit().await?;
    Ok(RulesChanged { changed, waits })
}
