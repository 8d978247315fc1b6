//! Routing rules: the list as a whole is written, kept in versions and put to messages.
//!
//! [`apply`], [`restore`] and the acts of [`edit`] add a version, `in_force` remembers the latest for the planner, `route` says what the rules
//! make of one message, [`hindsight`] what others would have made of those of the last days, [`attributes`] what these messages have.

pub mod attributes;
mod changes;
mod claimed;
pub mod edit;
mod erasing;
pub mod hindsight;
mod in_force;
mod route;

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::audience::Audience;
use crate::domain::fields::below;
use crate::domain::id::RuleId;
use crate::domain::operator::Permission;
use crate::domain::routing::{Rule, RuleList, read};
use crate::error::{Fault, Faults};
use crate::store::routing::{self as store, VersionRow};
use crate::store::sources::{self, Today};
use crate::store::{audit, templates};
use crate::{Error, Result};

pub use self::changes::Changes;
pub(super) use self::claimed::{route_claimed, told_of};
pub(super) use self::erasing::{leave_in_force, leave_versions};
pub(super) use self::in_force::{InForce, KnownRules, in_force};
pub use self::route::WhyUnrouted;
pub(super) use self::route::{Arrived, Fate, Route, route};

/// The rules as they were at some time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Version {
    /// From 1; 0 where there has never been a rule.
    pub version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub rules: Vec<Rule>,
}

/// A version as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersionSummary {
    pub version: i64,
    pub created_at: Timestamp,
    pub created_by: String,
    pub note: String,
    pub rules: usize,
    /// Since the version before it.
    pub changes: Changes,
}

/// What writing the rules came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The one in force now.
    pub version: i64,
    #[serde(flatten)]
    pub changes: Changes,
}

impl From<VersionRow> for Version {
    fn from(row: VersionRow) -> Self {
        Self { version: row.number, note: None, rules: row.rules.0 }
    }
}

/// Replaces the whole list by the document `{version?, note?, rules}`. A rule is known by its id or else by its name. A
/// list that is in force already makes no version.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; [`Error::Conflict`] where the document was made from another version than the
/// one in force.
pub async fn apply(s: &Services, caller: &Caller, document: &Value) -> Result<Applied> {
    caller.require(Permission::RoutingEdit)?;
    let known = store::find(&s.db, None).await?.map(|row| row.rules.0).unwrap_or_default();
    let list = written(s, &known, document).await?;
    replace(s, caller, list).await
}

async fn written(s: &Services, known: &[Rule], document: &Value) -> Result<RuleList> {
    let list = read(document, |id, name| {
        let of_name = || known.iter().find(|rule| rule.name == name).map(|rule| rule.id);
        id.or_else(of_name).unwrap_or_else(|| RuleId(rand::random()))
    })?;
    names(s, &list.rules).await?;
    Ok(list)
}

/// A document that would replace the list, beside the list it would replace.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// In force.
    pub version: i64,
    pub before: Vec<Rule>,
    /// What the document says; its version is the one it was made from.
    pub list: RuleList,
    pub changes: Changes,
}

/// What [`apply`] would make of a document.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault.
pub async fn propose(s: &Services, caller: &Caller, document: &Value) -> Result<Proposal> {
    caller.require(Permission::RoutingEdit)?;
    let (version, before) =
        store::find(&s.db, None).await?.map(|row| (row.number, row.rules.0)).unwrap_or_default();
    let list = written(s, &before, document).await?;
    let changes = Changes::between(&before, &list.rules);
    Ok(Proposal { version, before, list, changes })
}

/// Puts the rules of an earlier version in force again, as a new version. `over`: the version that the caller has seen in
/// force, where it must still be.
pub async fn restore(s: &Services, caller: &Caller, version: i64, over: Option<i64>) -> Result<Applied> {
    caller.require(Permission::RoutingEdit)?;
    let row = store::find(&s.db, Some(version)).await?.ok_or(Error::NotFound("version"))?;
    let note = format!("version {version} restored");
    replace(s, caller, RuleList { version: over, note: Some(note), rules: row.rules.0 }).await
}

async fn replace(s: &Services, caller: &Caller, list: RuleList) -> Result<Applied> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let latest = store::lock(&mut tx).await?;
    let (number, rules) = latest.map(|row| (row.number, row.rules.0)).unwrap_or_default();
    let changes = Changes::between(&rules, &list.rules);
    if rules == list.rules {
        return Ok(Applied { version: number, changes });
    }
    if list.version.is_some_and(|version| version != number) {
        return Err(changed_meanwhile(number));
    }
    let by = caller.label();
    let applied = Applied { version: number + 1, changes };
    let note = list.note.unwrap_or_default();
    store::insert(&mut tx, applied.version, &list.rules, &note, &by, now).await?;
    audit::append(&mut tx, now, &by, "routing.change", &applied.version.to_string(), &json!(applied.changes))
        .await?;
    tx.commit().await?;
    s.rules.forget();
    Ok(applied)
}

fn changed_meanwhile(number: i64) -> Error {
    let detail = format!("the rules are at version {number} by now; look at them and make the change again");
    Error::conflict("changed_meanwhile", detail)
}

/// The rules in force, as [`apply`] takes them.
pub async fn export(s: &Services, caller: &Caller) -> Result<Version> {
    caller.require(Permission::RoutingView)?;
    let row = store::find(&s.db, None).await?;
    Ok(row.map_or_else(|| Version { version: 0, note: None, rules: Vec::new() }, Version::from))
}

/// The rules of one version.
pub async fn get(s: &Services, caller: &Caller, version: i64) -> Result<Version> {
    caller.require(Permission::RoutingView)?;
    store::find(&s.db, Some(version)).await?.map(Version::from).ok_or(Error::NotFound("version"))
}

/// The latest versions older than `before`, the latest first.
pub async fn versions(
    s: &Services,
    caller: &Caller,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<VersionSummary>> {
    caller.require(Permission::RoutingView)?;
    let rows = store::list(&s.db, before, limit.saturating_add(1)).await?;
    let summary = |(i, row): (usize, &VersionRow)| VersionSummary {
        version: row.number,
        created_at: row.created_at,
        created_by: row.created_by.clone(),
        note: row.note.clone(),
        rules: row.rules.0.len(),
        changes: Changes::between(rows.get(i + 1).map_or(&[], |older| &older.rules.0), &row.rules.0),
    };
    Ok(rows.iter().enumerate().take(limit as usize).map(summary).collect())
}

/// What became of the rules from one version to another; 0 is before the first.
pub async fn compare(s: &Services, caller: &Caller, from: i64, to: i64) -> Result<Changes> {
    caller.require(Permission::RoutingView)?;
    let rules = async |number: i64| match number {
        0 => Ok(Vec::new()),
        number => match store::find(&s.db, Some(number)).await? {
            Some(row) => Ok(row.rules.0),
            None => Err(Error::NotFound("version")),
        },
    };
    Ok(Changes::between(&rules(from).await?, &rules(to).await?))
}

/// Refuses rules that name what is not there: systems, templates, groups, people.
async fn names(s: &Services, rules: &[Rule]) -> Result<()> {
    let now = s.clock.now();
    let known: HashSet<String> = sources::list(&s.db, Today { now, day: &s.campus.day(now) })
        .await?
        .into_iter()
        .map(|source| source.name)
        .collect();
    let mut faults = Faults::default();
    for (i, rule) in rules.iter().enumerate() {
        let unless = rule.unless.as_ref().map(|unless| ("unless", unless));
        for (part, condition) in [("when", &rule.when)].into_iter().chain(unless) {
            for (k, source) in condition.sources.iter().enumerate() {
                if !known.contains(source) {
                    let detail = format!("there is no source `{source}`");
                    faults.add(format!("/rules/{i}/{part}/sources/{k}"), "unknown_source", detail);
                }
            }
        }
        if let Some(slug) = &rule.then.template
            && templates::find(&s.db, slug, None).await?.is_none()
        {
            let detail = format!("there is no template `{slug}`");
            faults.add(format!("/rules/{i}/then/template"), "unknown_template", detail);
        }
        if let Some(audience) = &rule.then.audience {
            let unknown = unknown(s, &audience.people).await?;
            faults.extend(below(&format!("/rules/{i}/then"), unknown));
        }
    }
    faults.into_result()
}

async fn unknown(s: &Services, audience: &Audience) -> Result<Vec<Fault>> {
    Ok(super::groups::resolve(s, audience, true, None).await?.unknown)
}
