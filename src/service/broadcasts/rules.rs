//! What the administrators decide about broadcasts as such.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::{Caller, Services, change};
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::error::Faults;
use crate::store::{audit, settings};
use crate::{Error, Result};

const NAME: &str = "emergency";
/// Seconds that a second person is waited for.
pub const OVERRIDE: std::ops::RangeInclusive<u32> = 30..=300;

/// As they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// How long a second person is waited for before whoever began a broadcast may go on alone: 30 to 300.
    pub override_after_seconds: u32,
    /// Routine sending stands still while a red broadcast hands over.
    pub pause_routine: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { override_after_seconds: 60, pause_routine: true }
    }
}

impl Rules {
    pub(super) fn override_after(self) -> Duration {
        Duration::from_secs(u64::from(self.override_after_seconds))
    }
}

fn read(kept: Option<String>) -> Result<Rules> {
    kept.map_or(Ok(Rules::default()), |kept| serde_json::from_str(&kept).map_err(Error::internal))
}

pub(super) async fn in_force(s: &Services) -> Result<Rules> {
    read(settings::find(&s.db, NAME).await?)
}

pub async fn rules(s: &Services, caller: &Caller) -> Result<Rules> {
    caller.require(Permission::EmergencyView)?;
    in_force(s).await
}

/// Sets them; false where nothing is different.
///
/// # Errors
///
/// [`Error::Invalid`]; [`Error::Conflict`] where they are not those any more that were `seen`.
pub async fn change_rules(s: &Services, caller: &Caller, seen: Rules, rules: Rules) -> Result<bool> {
    caller.require(Permission::SettingsEdit)?;
    let mut faults = Faults::default();
    if !OVERRIDE.contains(&rules.override_after_seconds) {
        let detail = format!("{} to {} seconds", OVERRIDE.start(), OVERRIDE.end());
        faults.extend([Fault::new("/override_after_seconds", "out_of_range", detail)]);
    }
    faults.into_result()?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let before = read(settings::lock(&mut tx, NAME).await?)?;
    if before == rules {
        return Ok(false);
    }
    if before != seen {
        let detail = "somebody else changed the rules of broadcasts meanwhile";
        return Err(Error::conflict("changed_meanwhile", detail));
    }
    settings::set(&mut tx, NAME, &serde_json::to_string(&rules).map_err(Error::internal)?).await?;
    let changed = change::between(&json!(before), &json!(rules));
    audit::append(&mut tx, now, &caller.label(), "settings.change", NAME, &changed).await?;
    tx.commit().await?;
    Ok(true)
}
