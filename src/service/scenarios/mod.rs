//! Scenarios: what is prepared for an emergency before it happens.

use super::{Caller, Services, broadcasts};
use crate::domain::emergency::starters;
use crate::domain::operator::Permission;
use crate::domain::source::Right;
use crate::store::scenarios::{self as store, NewScenario};
use crate::store::settings;
use crate::{Error, Result};

mod changing;

pub use changing::{Proposal, approve, change_of, changes, give_back, propose, remarks, withdraw};

pub use crate::store::scenarios::{ChangeRow, ScenarioRow};

/// That the starters were put in once: whoever takes one out of use does not get it back.
const SEEDED: &str = "scenarios_seeded";
/// Who wrote those that every installation begins with.
const WRITTEN_BY: &str = "belltower";

/// Puts the starters into a store that never had them.
pub async fn seed(s: &Services) -> Result<()> {
    if settings::find(&s.db, SEEDED).await?.is_some() {
        return Ok(());
    }
    let now = s.clock.now();
    let today = s.campus.zoned(now).date();
    let mut tx = s.db.begin().await?;
    if settings::lock(&mut tx, SEEDED).await?.is_some() {
        return Ok(());
    }
    for starter in starters::starters(today) {
        let new = NewScenario { slug: &starter.slug, document: &starter.scenario, by: WRITTEN_BY };
        store::insert(&mut tx, &new, now).await?;
    }
    settings::set(&mut tx, SEEDED, "1").await?;
    tx.commit().await
}

fn may_read(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Key(_) => caller.require_right(Right::Broadcast),
        // Whoever practises has to see what with.
        Caller::Operator(_) | Caller::Command(_) => broadcasts::may_see_any(caller),
    }
}

/// All that can be fired: those with a place among the tiles first, the gravest of the rest before others.
pub async fn list(s: &Services, caller: &Caller) -> Result<Vec<ScenarioRow>> {
    may_read(caller)?;
    let mut rows = store::list(&s.db).await?;
    rows.sort_by_key(|row| {
        let scenario = &row.document.0;
        (scenario.tile.unwrap_or(u8::MAX), scenario.level, row.id)
    });
    Ok(rows)
}

/// One that can be fired, or was.
pub async fn get(s: &Services, caller: &Caller, slug: &str) -> Result<ScenarioRow> {
    may_read(caller)?;
    store::find(&s.db, slug).await?.ok_or(Error::NotFound("scenario"))
}

/// Those that were taken out of use, the latest first.
pub async fn retired(s: &Services, caller: &Caller) -> Result<Vec<ScenarioRow>> {
    caller.require(Permission::EmergencyView)?;
    store::retired(&s.db).await
}
