//! Acts on one rule. Each is made from a version that its author has seen and adds the next: where somebody else changed
//! the rules meanwhile it is refused, and whoever acts looks again.

use serde_json::{Value, json};

use super::{Applied, Caller, Services, names, replace, store};
use crate::domain::fields::faults_of;
use crate::domain::id::RuleId;
use crate::domain::operator::Permission;
use crate::domain::routing::{MOST_RULES, Rule, RuleList, read};
use crate::error::Fault;
use crate::{Error, Result};

/// To which side of its neighbour a rule moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

/// Replaces the rule `id` by the document of one rule, or adds it as the last. Pointers of faults start at the rule. What
/// other rules name and is no longer there is in nobody's way.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; [`Error::Conflict`] where `version` is not in force any more.
pub async fn save(
    s: &Services,
    caller: &Caller,
    version: i64,
    id: Option<RuleId>,
    note: Option<&str>,
    document: &Value,
) -> Result<RuleId> {
    let mut rules = seen(s, caller, version).await?;
    let place = id.map(|id| place(&rules, id)).transpose()?;
    let id = id.unwrap_or_else(|| RuleId(rand::random()));
    let alone = json!({ "note": note, "rules": [document] });
    let (mut faults, mut read) = match read(&alone, |_, _| id) {
        Ok(list) => (Vec::new(), list),
        Err(error) => (faults_of(error), RuleList::default()),
    };
    if let Err(error) = names(s, &read.rules).await {
        faults.extend(faults_of(error));
    }
    let name = document.get("name").and_then(Value::as_str).unwrap_or_default().trim();
    if rules.iter().any(|other| other.id != id && other.name == name) {
        faults.push(Fault::new("/rules/0/name", "duplicate", format!("another rule is called `{name}`")));
    }
    if place.is_none() && rules.len() >= MOST_RULES {
        faults.push(Fault::new("", "too_many", format!("at most {MOST_RULES} rules")));
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults.into_iter().map(of_the_rule).collect()));
    }
    let rule = read.rules.pop().ok_or_else(|| Error::internal("a list of one rule has none"))?;
    match place {
        Some(place) => rules[place] = rule,
        None => rules.push(rule),
    }
    replace(s, caller, RuleList { version: Some(version), note: read.note, rules }).await?;
    Ok(id)
}

fn of_the_rule(fault: Fault) -> Fault {
    let pointer = fault.pointer.strip_prefix("/rules/0").unwrap_or(&fault.pointer).to_owned();
    Fault { pointer, ..fault }
}

/// Changes places with the rule before or after it; at the end of the list nothing happens.
pub async fn shift(
    s: &Services,
    caller: &Caller,
    version: i64,
    id: RuleId,
    direction: Direction,
) -> Result<Applied> {
    let mut rules = seen(s, caller, version).await?;
    let place = place(&rules, id)?;
    let neighbour = match direction {
        Direction::Up => place.checked_sub(1),
        Direction::Down => Some(place + 1).filter(|next| *next < rules.len()),
    };
    if let Some(neighbour) = neighbour {
        rules.swap(place, neighbour);
    }
    replace(s, caller, RuleList { version: Some(version), note: None, rules }).await
}

/// Passes over a rule from now on, or looks at it again.
pub async fn set_enabled(
    s: &Services,
    caller: &Caller,
    version: i64,
    id: RuleId,
    enabled: bool,
) -> Result<Applied> {
    let mut rules = seen(s, caller, version).await?;
    let place = place(&rules, id)?;
    rules[place].enabled = enabled;
    replace(s, caller, RuleList { version: Some(version), note: None, rules }).await
}

/// Takes a rule out of the list. Earlier versions keep it.
pub async fn remove(s: &Services, caller: &Caller, version: i64, id: RuleId) -> Result<Applied> {
    let mut rules = seen(s, caller, version).await?;
    let place = place(&rules, id)?;
    rules.remove(place);
    replace(s, caller, RuleList { version: Some(version), note: None, rules }).await
}

/// The rules in force, if they are still those that the caller has seen.
async fn seen(s: &Services, caller: &Caller, version: i64) -> Result<Vec<Rule>> {
    caller.require(Permission::RoutingEdit)?;
    let latest = store::find(&s.db, None).await?;
    let (number, rules) = latest.map(|row| (row.number, row.rules.0)).unwrap_or_default();
    if number == version { Ok(rules) } else { Err(super::changed_meanwhile(number)) }
}

fn place(rules: &[Rule], id: RuleId) -> Result<usize> {
    rules.iter().position(|rule| rule.id == id).ok_or(Error::NotFound("rule"))
}
