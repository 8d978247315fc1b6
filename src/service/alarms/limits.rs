//! The figures from which on something is an alarm, as the administrators set them.

use serde_json::{Value, json};

use super::super::{Caller, Services};
use crate::domain::alarm::Limits;
use crate::domain::operator::Permission;
use crate::store::{audit, settings};
use crate::{Error, Result};

const NAME: &str = "alarms";

pub(super) async fn in_force(s: &Services) -> Result<Limits> {
    read(settings::find(&s.db, NAME).await?)
}

fn read(kept: Option<String>) -> Result<Limits> {
    kept.map_or(Ok(Limits::default()), |kept| serde_json::from_str(&kept).map_err(Error::internal))
}

pub async fn show(s: &Services, caller: &Caller) -> Result<Limits> {
    caller.require(Permission::SettingsView)?;
    in_force(s).await
}

/// Sets them from `{emergency_minutes?, …}`; false where nothing is different.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; [`Error::Conflict`] where they are not those any more that were `seen`: a
/// [`Limits::word`].
pub async fn change(s: &Services, caller: &Caller, seen: &str, document: &Value) -> Result<bool> {
    caller.require(Permission::SettingsEdit)?;
    let limits = Limits::read(document)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let before = read(settings::lock(&mut tx, NAME).await?)?;
    if before == limits {
        return Ok(false);
    }
    if before.word() != seen {
        return Err(Error::conflict("changed_meanwhile", "somebody else changed these figures meanwhile"));
    }
    settings::set(&mut tx, NAME, &serde_json::to_string(&limits).map_err(Error::internal)?).await?;
    let changed = super::super::change::between(&json!(before), &json!(limits));
    audit::append(&mut tx, now, &caller.label(), "settings.change", NAME, &changed).await?;
    tx.commit().await?;
    Ok(true)
}
