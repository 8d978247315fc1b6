//! Acts on one rule. Each is made from a version that its author has seen and adds the next: where somebody else changed
//! the rules meanwhile it is refused, and whoever acts looks again.

use serde_json::{Value, json};

use super::hindsight::{self, Hindsight};
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

/// One act on the list, as it stands in a version that was seen.
#[derive(Clone, Copy, Debug)]
pub enum Edit<'d> {
    /// The document of one rule takes that rule's place, or is added as the last. What other rules name and is no longer
    /// there is in nobody's way.
    Write {
        id: Option<RuleId>,
        /// What the change is about.
        note: Option<&'d str>,
        document: &'d Value,
    },
    /// The same rules in this order.
    Order(&'d [RuleId]),
    Enable(RuleId, bool),
    /// Earlier versions keep it.
    Remove(RuleId),
}

/// What an act makes of a list.
struct Made {
    before: Vec<Rule>,
    after: Vec<Rule>,
    /// Of the rule that was written.
    id: Option<RuleId>,
    note: Option<String>,
}

/// What the act would have changed for the messages of the last days.
///
/// # Errors
///
/// As of the act itself.
pub async fn foresee(s: &Services, caller: &Caller, version: i64, edit: Edit<'_>) -> Result<Hindsight> {
    let made = made(s, caller, version, edit).await?;
    hindsight::over(s, caller, made.before, made.after).await
}

/// Writes a rule. Pointers of faults start at the rule.
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
    let made = made(s, caller, version, Edit::Write { id, note, document }).await?;
    let id = made.id.ok_or_else(|| Error::internal("a rule was written and has no id"))?;
    replace(s, caller, RuleList { version: Some(version), note: made.note, rules: made.after }).await?;
    Ok(id)
}

/// Changes places with the rule before or after it; at the end of the list nothing happens.
pub async fn shift(
    s: &Services,
    caller: &Caller,
    version: i64,
    id: RuleId,
    direction: Direction,
) -> Result<Applied> {
    let rules = seen(s, caller, version).await?;
    let place = place(&rules, id)?;
    let neighbour = match direction {
        Direction::Up => place.checked_sub(1),
        Direction::Down => Some(place + 1).filter(|next| *next < rules.len()),
    };
    let mut ids: Vec<_> = rules.iter().map(|rule| rule.id).collect();
    if let Some(neighbour) = neighbour {
        ids.swap(place, neighbour);
    }
    order(s, caller, version, &ids).await
}

/// Puts the same rules in another order.
///
/// # Errors
///
/// [`Error::Invalid`] where these are not the rules in force, each once.
pub async fn order(s: &Services, caller: &Caller, version: i64, ids: &[RuleId]) -> Result<Applied> {
    put(s, caller, version, Edit::Order(ids)).await
}

/// Passes over a rule from now on, or looks at it again.
pub async fn set_enabled(
    s: &Services,
    caller: &Caller,
    version: i64,
    id: RuleId,
    enabled: bool,
) -> Result<Applied> {
    put(s, caller, version, Edit::Enable(id, enabled)).await
}

/// Takes a rule out of the list.
pub async fn remove(s: &Services, caller: &Caller, version: i64, id: RuleId) -> Result<Applied> {
    put(s, caller, version, Edit::Remove(id)).await
}

async fn put(s: &Services, caller: &Caller, version: i64, edit: Edit<'_>) -> Result<Applied> {
    let rules = made(s, caller, version, edit).await?.after;
    replace(s, caller, RuleList { version: Some(version), note: None, rules }).await
}

async fn made(s: &Services, caller: &Caller, version: i64, edit: Edit<'_>) -> Result<Made> {
    let before = seen(s, caller, version).await?;
    let mut after = before.clone();
    let mut written = (None, None);
    match edit {
        Edit::Write { id, note, document } => {
            let (id, note) = write(s, &mut after, id, note, document).await?;
            written = (Some(id), note);
        }
        Edit::Order(ids) => after = ordered(after, ids)?,
        Edit::Enable(id, enabled) => {
            let place = place(&after, id)?;
            after[place].enabled = enabled;
        }
        Edit::Remove(id) => drop(after.remove(place(&after, id)?)),
    }
    Ok(Made { before, after, id: written.0, note: written.1 })
}

async fn write(
    s: &Services,
    rules: &mut Vec<Rule>,
    id: Option<RuleId>,
    note: Option<&str>,
    document: &Value,
) -> Result<(RuleId, Option<String>)> {
    let place = id.map(|id| place(rules, id)).transpose()?;
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
    Ok((id, read.note))
}

fn of_the_rule(fault: Fault) -> Fault {
    let pointer = fault.pointer.strip_prefix("/rules/0").unwrap_or(&fault.pointer).to_owned();
    Fault { pointer, ..fault }
}

fn ordered(mut rules: Vec<Rule>, ids: &[RuleId]) -> Result<Vec<Rule>> {
    let mut after = Vec::with_capacity(rules.len());
    for id in ids {
        if let Ok(place) = place(&rules, *id) {
            after.push(rules.remove(place));
        }
    }
    if rules.is_empty() && after.len() == ids.len() {
        return Ok(after);
    }
    Err(Error::fault("/order", "not_the_same", "name each rule in force once"))
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
