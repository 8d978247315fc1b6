//! Systems that ask for a key by themselves: [`register()`] has one wait, an administrator says yes or no ([`approve`],
//! [`reject`]), and whoever holds the token of the registration learns which, and gets the key once ([`claim`](claim())).

mod claim;
mod decide;
mod register;

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::super::caller::OperatorCaller;
use super::super::strangers::Strangers;
use super::super::throttle::Throttle;
use super::super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::grant::Reach;
use crate::domain::id::{RegistrationId, SourceId};
use crate::domain::operator::Permission;
use crate::domain::registration::{RegistrationState, looks_like};
use crate::store::registrations::{self as store, DepartmentCount};
use crate::store::{audit, sources};
use crate::{Error, Result};

pub use self::claim::{Claimed, claim};
pub use self::decide::{LONGEST_REASON, approve, reject};
pub use self::register::{MOST_FROM_ONE, MOST_WAITING, Registered, register};
pub use crate::store::registrations::RegistrationRow;

/// For so long an administrator is waited for.
const WAITS: Duration = Duration::from_hours(30 * 24);
/// How long the key of one that was approved can be fetched.
const OWED: Duration = Duration::from_hours(30 * 24);
/// How long it is told that one was rejected or expired.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// Decided ones on a page.
const SHOWN: u32 = 100;

/// How often something may come from one network. Each process counts for itself.
#[derive(Debug)]
pub(in crate::service) struct Rates {
    registered: Throttle<IpAddr>,
    /// By any token, right or wrong, before the store is asked.
    claims: Throttle<([u8; 32], IpAddr)>,
    strangers: Strangers,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            registered: Throttle::new(20, Duration::from_hours(1)),
            claims: Throttle::new(60, Duration::from_mins(1)),
            strangers: Strangers::default(),
        }
    }
}

fn unknown() -> Error {
    Error::NotFound("registration")
}

/// Those that wait in the caller's departments, the oldest first.
pub async fn waiting(s: &Services, caller: &Caller) -> Result<Vec<RegistrationRow>> {
    let reach = caller.reach(Permission::SourcesView)?;
    let rows = store::waiting(&s.db, s.clock.now()).await?.into_iter();
    Ok(rows.filter(|row| reach.covers(&row.department)).collect())
}

/// Some of those that were decided in the caller's departments, the latest first.
pub async fn decided(s: &Services, caller: &Caller) -> Result<Vec<RegistrationRow>> {
    let reach = caller.reach(Permission::SourcesView)?;
    let rows = store::decided(&s.db, SHOWN).await?.into_iter();
    Ok(rows.filter(|row| reach.covers(&row.department)).collect())
}

/// One of them. Of departments that the caller is not let into it is as unknown as one that does not exist.
pub async fn get(s: &Services, caller: &Caller, id: RegistrationId) -> Result<RegistrationRow> {
    let reach = caller.reach(Permission::SourcesView)?;
    theirs(s, &reach, id).await
}

async fn theirs(s: &Services, reach: &Reach, id: RegistrationId) -> Result<RegistrationRow> {
    let row = store::find(&s.db, id).await?;
    row.filter(|row| reach.covers(&row.department)).ok_or_else(unknown)
}

/// The one that a source of the caller's was approved from.
pub async fn of_source(s: &Services, caller: &Caller, source: SourceId) -> Result<Option<RegistrationRow>> {
    let reach = caller.reach(Permission::SourcesView)?;
    Ok(store::find_by_source(&s.db, source).await?.filter(|row| reach.covers(&row.department)))
}

/// How many wait for this operator: those they may decide.
pub async fn waits_for(s: &Services, who: &OperatorCaller) -> Result<u64> {
    let Some(reach) = who.powers.reach(Permission::SourcesEdit) else { return Ok(0) };
    let now = s.clock.now();
    let rows = store::waiting_by_department(&s.db, now, now).await?;
    Ok(sum(rows.iter().filter(|row| reach.covers(&row.department))))
}

/// How many have waited since `since`, whoever may decide them.
pub(in crate::service) async fn waiting_since(s: &Services, since: Timestamp) -> Result<u64> {
    Ok(sum(&store::waiting_by_department(&s.db, s.clock.now(), since).await?))
}

fn sum<'r>(rows: impl IntoIterator<Item = &'r DepartmentCount>) -> u64 {
    rows.into_iter().map(|row| row.n.unsigned_abs()).sum()
}

/// What somebody should know of a registration before they say yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    /// A source has this name or one that may be taken for it, in whatever department.
    pub name: bool,
    /// No source is of that department so far.
    pub department: bool,
}

/// What is doubtful about one that waits.
pub async fn doubts(s: &Services, caller: &Caller, row: &RegistrationRow) -> Result<Doubts> {
    caller.reach(Permission::SourcesView)?;
    if row.standing(s.clock.now()) != RegistrationState::Pending {
        return Ok(Doubts::default());
    }
    let known = sources::departments(&s.db).await?;
    let names = sources::names(&s.db).await?;
    Ok(Doubts {
        name: names.iter().any(|name| looks_like(name, &row.name)),
        department: !known.iter().any(|known| known.department == row.department),
    })
}

/// Forgets what nobody looked at, and what was rejected long ago.
pub async fn prune(s: &Services) -> Result<()> {
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    for row in store::prune(&mut tx, now.minus(KEPT), now).await? {
        if row.state == RegistrationState::Pending {
            let detail = json!({ "name": row.name, "department": row.department });
            audit::append(&mut tx, now, "command purge", "registration.expire", &row.id.to_string(), &detail)
                .await?;
        }
    }
    tx.commit().await
}
