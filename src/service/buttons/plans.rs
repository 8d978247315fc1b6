//! What a press sends: the scenario as it is now where what two people agreed to still fits it, else the scenario as it was
//! when they did. A scenario is changed by two people, too, so the words of today are the better ones; but a list that lost
//! a choice, or a scenario that was taken out of use, is no reason for a wall button to do nothing.

use super::super::Services;
use crate::Result;
use crate::domain::audience::Params;
use crate::domain::button::{Gestures, Plans, Prepared};
use crate::domain::emergency::{Chosen, Plan, choose};
use crate::error::Error;
use crate::store::scenarios::{self, ScenarioRow};

/// A scenario that can be fired.
pub(super) async fn in_use(s: &Services, slug: &str) -> Result<Option<ScenarioRow>> {
    Ok(scenarios::find(&s.db, slug).await?.filter(|row| row.retired_at.is_none()))
}

/// The scenario as it is now with what was chosen once; nothing where that does not fit any more.
fn fill(row: &ScenarioRow, chosen: &Chosen) -> Option<Prepared> {
    let named = chosen.iter().map(|(name, choice)| (name.to_owned(), choice.zh.clone().into()));
    let chosen = choose(&row.document.0, &named.collect::<Params>()).ok()?;
    let plan = Plan { scenario: row.document.0.clone(), version: row.version, chosen };
    Some(Prepared { scenario: row.slug.clone(), plan, differs: false })
}

/// Whether a scenario in use has everything that was chosen, and asks for nothing more.
pub fn fits(row: &ScenarioRow, chosen: &Chosen) -> bool {
    fill(row, chosen).is_some()
}

/// What every gesture sends, for somebody to read and agree to.
///
/// # Errors
///
/// [`Error::Conflict`] where a scenario is gone or lost a choice.
pub(super) async fn of(s: &Services, gestures: &Gestures) -> Result<Plans> {
    let mut plans = Plans::new();
    for (gesture, mapped) in gestures {
        let row = in_use(s, &mapped.scenario).await?;
        let Some(prepared) = row.and_then(|row| fill(&row, &mapped.chosen)) else {
            let detail = format!(
                "the scenario `{}` is gone or has other lists now; choose for `{gesture}` anew",
                mapped.scenario
            );
            return Err(Error::conflict("button_outdated", detail));
        };
        plans.insert(*gesture, prepared);
    }
    Ok(plans)
}

/// Whether a scenario is not any more what it was when somebody asked: what a second person reads is not what a press sends.
///
/// # Errors
///
/// Where the store is away.
pub async fn is_overtaken(s: &Services, asked: &Prepared) -> Result<bool> {
    Ok(in_use(s, &asked.scenario).await?.is_none_or(|row| row.version != asked.plan.version))
}

/// What a press sends now that was agreed to as `armed`.
pub(super) async fn now(s: &Services, armed: &Prepared) -> Result<Prepared> {
    let row = in_use(s, &armed.scenario).await?;
    Ok(row.and_then(|row| fill(&row, &armed.plan.chosen)).unwrap_or_else(|| {
        tracing::warn!(
            scenario = armed.scenario,
            "a button sends what it was armed with: its scenario has changed"
        );
        armed.clone()
    }))
}
