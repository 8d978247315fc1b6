//! Saying yes or no to what waits.

use serde_json::json;

use super::super::super::{Caller, Services};
use super::super::{NewSource, described, groups, nobody_elses, within};
use super::{KEPT, OWED, RegistrationRow, theirs};
use crate::domain::id::{RegistrationId, SourceId};
use crate::domain::operator::Permission;
use crate::domain::registration::RegistrationState;
use crate::error::has_nul;
use crate::store::{self, audit, registrations};
use crate::{Error, Result};

/// Characters of a reason.
pub const LONGEST_REASON: usize = 500;

fn decided() -> Error {
    Error::conflict("registration_decided", "somebody decided it meanwhile, or it expired; look at it again")
}

/// Lets a system in as `new` says, which may be narrower than what it asked for. Its first key is made when it is fetched.
///
/// # Errors
///
/// As of a source that is created by hand; [`Error::Conflict`] `registration_decided` where it waits no longer.
pub async fn approve(s: &Services, caller: &Caller, id: RegistrationId, new: NewSource) -> Result<SourceId> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    let row = theirs(s, &reach, id).await?;
    let now = s.clock.now();
    if row.standing(now) != RegistrationState::Pending {
        return Err(decided());
    }
    let test = new.test;
    let (name, grant) = new.check()?;
    within(&reach, &grant, &[], None)?;
    groups::check(s, &reach, &grant.groups, None).await?;
    let mut tx = s.db.begin().await?;
    nobody_elses(&mut tx, &grant, None).await?;
    let Some(source) = store::sources::insert(&mut tx, &name, &grant, now).await? else {
        // Somebody else has let it in just now, under the same name.
        if theirs(s, &reach, id).await?.standing(now) != RegistrationState::Pending {
            return Err(decided());
        }
        return Err(Error::fault("/name", "taken", format!("there is a source named {name} already")));
    };
    let by = caller.label();
    if !registrations::approve(&mut tx, id, (source, test), &by, now, now.plus(OWED)).await? {
        return Err(decided());
    }
    let mut detail = described(&grant);
    detail["name"] = name.clone().into();
    detail["registration"] = json!(id);
    audit::append(&mut tx, now, &by, "source.create", &source.to_string(), &detail).await?;
    let asked = json!({
        "name": name, "source": source, "test": test,
        "asked": {
            "name": row.name, "department": row.department, "topics": row.topics.0, "channels": row.channels.0,
        },
    });
    audit::append(&mut tx, now, &by, "registration.approve", &id.to_string(), &asked).await?;
    tx.commit().await?;
    Ok(source)
}

/// Says no to one that waits, or to `all` from its network that the caller may decide. `reason` is shown to whoever holds its
/// token. How many it was.
///
/// # Errors
///
/// [`Error::Invalid`] at `/reason`; [`Error::Conflict`] `registration_decided` where it waits no longer.
pub async fn reject(
    s: &Services,
    caller: &Caller,
    id: RegistrationId,
    reason: &str,
    all: bool,
) -> Result<u64> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    let row = theirs(s, &reach, id).await?;
    let now = s.clock.now();
    if row.standing(now) != RegistrationState::Pending {
        return Err(decided());
    }
    let reason = written(reason)?;
    let mut rows = vec![row];
    if all {
        let waiting = registrations::waiting(&s.db, now).await?.into_iter();
        let is_like = |other: &RegistrationRow| {
            other.id != id && other.network == rows[0].network && reach.covers(&other.department)
        };
        let others: Vec<_> = waiting.filter(is_like).collect();
        rows.extend(others);
    }
    let by = caller.label();
    let mut rejected = 0;
    let mut tx = s.db.begin().await?;
    for row in rows {
        if registrations::reject(&mut tx, row.id, reason, &by, now, now.plus(KEPT)).await? {
            let detail = json!({ "name": row.name, "department": row.department, "reason": reason });
            audit::append(&mut tx, now, &by, "registration.reject", &row.id.to_string(), &detail).await?;
            rejected += 1;
        }
    }
    if rejected == 0 {
        return Err(decided());
    }
    tx.commit().await?;
    Ok(rejected)
}

fn written(reason: &str) -> Result<&str> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::fault("/reason", "required", "say why"));
    }
    if reason.chars().count() > LONGEST_REASON {
        return Err(Error::fault("/reason", "too_long", format!("at most {LONGEST_REASON} characters")));
    }
    if has_nul(reason) {
        return Err(Error::fault("/reason", "control_character", "control characters are not allowed"));
    }
    Ok(reason)
}
