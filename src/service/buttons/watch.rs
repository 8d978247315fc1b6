//! What ails buttons.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::super::{Caller, Services};
use super::press::is_near;
use super::{ButtonRow, plans};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Condition, Matter, Severity};
use crate::domain::button::{ButtonState, ButtonTrouble, Watched};
use crate::domain::id::ButtonId;
use crate::domain::operator::Permission;
use crate::store::scenarios::ScenarioRow;
use crate::store::{button_presses, buttons as store, scenarios};

/// A press that did not go out is told after this long,
const SENDING_TAKES: Duration = Duration::from_secs(30);
/// and for this long, as one that asked for something else than what is being sent.
const UNSENT_FOR: Duration = Duration::from_hours(24);

/// Buttons whose clock is not ours, by what each of them said last: presses that say their time would be refused.
///
/// # Errors
///
/// [`Forbidden`](crate::Error::Forbidden) without the permission `emergency.view`.
pub async fn clocks_off(s: &Services, caller: &Caller) -> Result<BTreeSet<ButtonId>> {
    caller.require(Permission::EmergencyView)?;
    with_clock_off(s).await
}

async fn with_clock_off(s: &Services) -> Result<BTreeSet<ButtonId>> {
    let mut off = BTreeSet::new();
    for said in button_presses::said_last(&s.db).await? {
        // What it said later, perhaps by another key, is what holds.
        if said.said_at.is_some_and(|at| !is_near(at, said.at)) {
            off.insert(said.button_id);
        } else {
            off.remove(&said.button_id);
        }
    }
    Ok(off)
}

/// What is known of one, for what is expected of it. `clocks_off`: as [`clocks_off`] says.
pub fn watched(row: &ButtonRow, clocks_off: &BTreeSet<ButtonId>) -> Watched {
    Watched {
        state: row.state,
        power: row.power,
        from: row.watched_from,
        armed_at: row.armed.as_ref().map(|armed| armed.0.at),
        seen_at: row.seen_at,
        tested_at: row.tested_at,
        battery: row.battery.and_then(|percent| u32::try_from(percent).ok()),
        clock_off: clocks_off.contains(&row.id),
        refused_at: row.refused.as_ref().and_then(|refused| refused.0.pressed_at),
    }
}

/// Everything that somebody should know of buttons at this moment.
pub(in crate::service) async fn conditions(s: &Services, now: Timestamp) -> Result<Vec<Condition>> {
    let rows = store::list(&s.db).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let scenarios = scenarios::list(&s.db).await?;
    let scenarios: HashMap<_, _> = scenarios.iter().map(|row| (row.slug.as_str(), row)).collect();
    let unsent = button_presses::unsent(&s.db, now.minus(UNSENT_FOR), now.minus(SENDING_TAKES)).await?;
    let differing = button_presses::differing(&s.db, now.minus(UNSENT_FOR)).await?;
    let clocks_off = with_clock_off(s).await?;
    let mut found = Vec::new();
    for row in &rows {
        let watched = watched(row, &clocks_off);
        if row.state.is_in_use() {
            found.extend(of_one(row, &watched, &scenarios, now));
        }
        // What a press should have done is told whatever became of its button.
        let refused = watched.refused_lately(now);
        found.extend(refused.map(|at| condition(row, ButtonTrouble::Refused, Some(at), Severity::Act, true)));
        let lost = unsent.iter().find(|press| press.button_id == row.id);
        found.extend(
            lost.map(|press| condition(row, ButtonTrouble::Unsent, Some(press.at), Severity::Act, true)),
        );
        let other = differing.iter().find(|press| press.button_id == row.id);
        found.extend(
            other.map(|press| condition(row, ButtonTrouble::Differs, Some(press.at), Severity::Act, true)),
        );
    }
    Ok(found)
}

fn condition(
    row: &ButtonRow,
    trouble: ButtonTrouble,
    since: Option<Timestamp>,
    severity: Severity,
    opens: bool,
) -> Condition {
    let matter = Matter::Button {
        id: row.id,
        name: row.name.clone(),
        trouble,
        since,
        battery: row.battery.and_then(|percent| u32::try_from(percent).ok()),
    };
    Condition::new(matter, severity, opens)
}

fn of_one(
    row: &ButtonRow,
    watched: &Watched,
    scenarios: &HashMap<&str, &ScenarioRow>,
    now: Timestamp,
) -> Vec<Condition> {
    let health = watched.health(now);
    // One that is tried out protects nobody yet.
    let grave = if row.state == ButtonState::Armed { Severity::Act } else { Severity::Look };
    let mut found = Vec::new();
    if health.offline_since.is_some() {
        found.push(condition(row, ButtonTrouble::Offline, row.seen_at, grave, true));
    }
    if health.battery_near {
        found.push(condition(row, ButtonTrouble::Battery, None, Severity::Look, health.battery_low));
    }
    if health.test_due_since.is_some() {
        found.push(condition(row, ButtonTrouble::TestDue, row.tested_at, Severity::Look, true));
    }
    if health.clock_off {
        found.push(condition(row, ButtonTrouble::Clock, None, grave, true));
    }
    if is_outdated(row, scenarios) {
        found.push(condition(row, ButtonTrouble::Outdated, None, Severity::Look, true));
    }
    found
}

/// What it was armed with does not fit its scenarios any more.
fn is_outdated(row: &ButtonRow, scenarios: &HashMap<&str, &ScenarioRow>) -> bool {
    let plans = row.armed.as_ref().map(|armed| armed.0.plans.values());
    plans.into_iter().flatten().any(|prepared| {
        let scenario = scenarios.get(prepared.scenario.as_str());
        scenario.is_none_or(|scenario| !plans::fits(scenario, &prepared.plan.chosen))
    })
}
