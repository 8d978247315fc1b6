//! What is asked of whoever signs in, as the administrators set it.

use serde_json::{Value, json};

use super::super::{Caller, Services};
use crate::domain::operator::Permission;
use crate::domain::sign_in::SignInRules;
use crate::store::{audit, settings};
use crate::{Error, Result};

const NAME: &str = "sign_in";

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

/// Sets them from `{shortest_password?, …}`; false where nothing is different.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault.
pub async fn change(s: &Services, caller: &Caller, document: &Value) -> Result<bool> {
    caller.require(Permission::SettingsEdit)?;
    let rules = SignInRules::read(document)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let before = read(settings::lock(&mut tx, NAME).await?)?;
    if before == rules {
        return Ok(false);
    }
    settings::set(&mut tx, NAME, &serde_json::to_string(&rules).map_err(Error::internal)?).await?;
    let changed = super::super::change::between(&json!(before), &json!(rules));
    audit::append(&mut tx, now, &caller.label(), "settings.change", NAME, &changed).await?;
    tx.commit().await?;
    Ok(true)
}
