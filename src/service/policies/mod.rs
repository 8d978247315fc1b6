//! The policy that spares people: written as a whole, kept in versions, and put to messages.
//!
//! [`apply`] adds a version, `in_force` remembers the latest; `screen` says what a message has to heed when it is
//! planned, `gate` what a delivery has to when it is handed over, `repeats` which texts were sent a short time ago.

mod gate;
mod in_force;
mod repeats;
mod screen;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::operator::Permission;
use crate::domain::policy::{Difference, Policy, Unanswered, differences, read};
use crate::store::{audit, deliveries, policies as store};
use crate::{Error, Result};

pub use self::gate::{Facing, Repeats, Stop, stops};
pub(super) use self::in_force::{KnownPolicy, in_force};
pub(super) use self::repeats::Look;
pub use self::repeats::{Alike, alike_held_for, prune};
pub(super) use self::screen::{Heeded, Subject};

/// The policy in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Version {
    /// From 1; 0 where none was ever written.
    pub version: i64,
    #[serde(flatten)]
    pub policy: Policy,
}

/// What writing the policy came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The one in force now.
    pub version: i64,
    pub changed: bool,
    /// What says something else now.
    pub changes: Vec<Difference>,
}

/// A version that is or was in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastVersion {
    pub number: i64,
    pub created_at: Timestamp,
    pub created_by: String,
    /// What the change was about; perhaps empty.
    pub note: String,
    /// Against the version before.
    pub changes: Vec<Difference>,
}

/// Replaces the policy by the document `{version?, note?, …}`. One that is in force already makes no version.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; [`Error::Conflict`] where the document was made from another version than the
/// one in force.
pub async fn apply(s: &Services, caller: &Caller, document: &Value) -> Result<Applied> {
    caller.require(Permission::SettingsEdit)?;
    let written = read(document)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let (number, policy) =
        store::lock(&mut tx).await?.map(|row| (row.number, row.policy.0)).unwrap_or_default();
    if policy == written.policy {
        return Ok(Applied { version: number, changed: false, changes: Vec::new() });
    }
    if written.version.is_some_and(|version| version != number) {
        let detail = format!("the policy is at version {number} by now; export it and make the change again");
        return Err(Error::conflict("changed_meanwhile", detail));
    }
    let (by, version) = (caller.label(), number + 1);
    let note = written.note.unwrap_or_default();
    store::insert(&mut tx, version, &written.policy, &note, &by, now).await?;
    let detail = json!({ "before": policy, "after": written.policy });
    audit::append(&mut tx, now, &by, "policy.change", &version.to_string(), &detail).await?;
    tx.commit().await?;
    s.policy.forget();
    if policy.calendar != written.policy.calendar {
        awaken(s).await?;
    }
    let changes = differences(&policy, &written.policy);
    Ok(Applied { version, changed: true, changes })
}

/// Other quiet hours hold for what waits already too: all of it is looked at again, some rows at a time.
async fn awaken(s: &Services) -> Result<()> {
    const CHUNK: i64 = 1_000;
    loop {
        let mut tx = s.db.begin().await?;
        let awakened = deliveries::awaken(&mut tx, s.clock.now(), CHUNK).await?;
        tx.commit().await?;
        if awakened < CHUNK as u64 {
            return Ok(());
        }
    }
}

/// What is done about deliveries that no answer came to; what is usual, where the policy cannot be read now.
pub async fn unanswered(s: &Services) -> Unanswered {
    in_force(s).await.map(|policy| policy.unknown).unwrap_or_default()
}

/// The policy in force, as [`apply`] takes it.
pub async fn export(s: &Services, caller: &Caller) -> Result<Version> {
    caller.require(Permission::SettingsView)?;
    let row = store::find(&s.db).await?;
    Ok(row.map(|row| Version { version: row.number, policy: row.policy.0 }).unwrap_or_default())
}

/// The latest versions, newest first, with what each changed.
pub async fn versions(s: &Services, caller: &Caller, limit: u32) -> Result<Vec<PastVersion>> {
    caller.require(Permission::SettingsView)?;
    // One more, to compare the last one shown with.
    let rows = store::list(&s.db, limit + 1).await?;
    let nothing = Policy::default();
    let version = |(i, row): (usize, &store::VersionRow)| PastVersion {
        number: row.number,
        created_at: row.created_at,
        created_by: row.created_by.clone(),
        note: row.note.clone(),
        changes: differences(rows.get(i + 1).map_or(&nothing, |before| &before.policy.0), &row.policy.0),
    };
    Ok(rows.iter().enumerate().take(limit as usize).map(version).collect())
}
