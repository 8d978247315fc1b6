//! How long what was sent is kept: the terms that administrators set, what they would remove now, and what they removed.
//! [`work`](mod@work) removes it.

mod work;

use serde_json::{Value, json};

use super::{Caller, Services};
use crate::clock::Timestamp;
use crate::domain::message::Category;
use crate::domain::operator::Permission;
use crate::domain::retention::{Retention, Stage};
use crate::store::retention::RemovedRow;
use crate::store::{attention, audit, retention as store, settings};
use crate::{Error, Result};

pub use work::{Progress, Purged, purge, work};

const NAME: &str = "retention";
/// When it was last found that nothing is left to be removed.
const LOOKED: &str = "retention.looked";
/// More messages than that are told as more than that.
pub const TOLD: u32 = 10_000;
/// Days of which it is shown what was removed.
const SHOWN: u32 = 30;
/// Days of which it is kept what was removed.
const REMEMBERED: u32 = 400;

/// What a rule would remove now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub category: Category,
    pub stage: Stage,
    /// Messages, up to one more than [`TOLD`].
    pub messages: i64,
}

/// The terms, with what they come to.
#[derive(Clone, Debug)]
pub struct Account {
    pub retention: Retention,
    /// By each rule.
    pub due: Vec<Due>,
    /// Messages whose deliveries are being emptied or removed, up to one more than [`TOLD`].
    pub under_way: i64,
    /// When it was last found that nothing is left to be removed.
    pub looked_at: Option<Timestamp>,
    /// The latest day first.
    pub removed: Vec<RemovedRow>,
}

/// What became of terms that were to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    Saved,
    /// They are those in force.
    Same,
    /// They are not saved: what they would remove now and those in force would not is to be agreed to first.
    Asks(Vec<Due>),
}

/// The terms in force.
pub(in crate::service) async fn in_force(s: &Services) -> Result<Retention> {
    read(settings::find(&s.db, NAME).await?)
}

fn read(kept: Option<String>) -> Result<Retention> {
    kept.map_or(Ok(Retention::default()), |kept| serde_json::from_str(&kept).map_err(Error::internal))
}

pub async fn show(s: &Services, caller: &Caller) -> Result<Account> {
    caller.require(Permission::SettingsView)?;
    let now = s.clock.now();
    let retention = in_force(s).await?;
    let looked = settings::find(&s.db, LOOKED).await?;
    Ok(Account {
        retention,
        due: due(s, &retention).await?,
        under_way: store::left(&s.db, TOLD + 1).await?,
        looked_at: looked.and_then(|at| at.parse().ok()).map(Timestamp),
        removed: store::removed(&s.db, &s.campus.day(s.campus.days_before(now, SHOWN))).await?,
    })
}

async fn due(s: &Services, retention: &Retention) -> Result<Vec<Due>> {
    let now = s.clock.now();
    let mut all = Vec::new();
    for category in Category::ALL.iter().copied() {
        for stage in Stage::ALL {
            let before = s.campus.days_before(now, retention.days(category, stage));
            let messages = store::count(&s.db, category, stage, before, TOLD + 1).await?;
            all.push(Due { category, stage, messages });
        }
    }
    Ok(all)
}

/// Sets `{announcement_content?, …}`. What shorter terms remove is not to be had back: whoever sets them has `agreed` to exactly
/// these, by their [`Retention::word`], or is asked.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; [`Error::Conflict`] where they are not those any more that were `seen`: a
/// [`Retention::word`].
pub async fn change(
    s: &Services,
    caller: &Caller,
    seen: &str,
    document: &Value,
    agreed: &str,
) -> Result<Changed> {
    caller.require(Permission::SettingsEdit)?;
    let retention = Retention::read(document)?;
    if agreed != retention.word() {
        let before = in_force(s).await?;
        let of = |all: &[Due], due: &Due| {
            all.iter().find(|o| (o.category, o.stage) == (due.category, due.stage)).map_or(0, |o| o.messages)
        };
        let already = due(s, &before).await?;
        let more = due(s, &retention).await?.into_iter().filter(|due| {
            retention.days(due.category, due.stage) < before.days(due.category, due.stage)
                && due.messages > of(&already, due)
        });
        let more: Vec<_> = more.collect();
        if !more.is_empty() {
            return Ok(Changed::Asks(more));
        }
    }
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let before = read(settings::lock(&mut tx, NAME).await?)?;
    if before == retention {
        return Ok(Changed::Same);
    }
    if before.word() != seen {
        return Err(Error::conflict("changed_meanwhile", "somebody else changed these terms meanwhile"));
    }
    settings::set(&mut tx, NAME, &serde_json::to_string(&retention).map_err(Error::internal)?).await?;
    let changed = super::change::between(&json!(before), &json!(retention));
    audit::append(&mut tx, now, &caller.label(), "settings.change", NAME, &changed).await?;
    tx.commit().await?;
    Ok(Changed::Saved)
}

/// Forgets what operators did about many deliveries at once a long time ago, and what was removed longer ago still.
pub async fn prune(s: &Services) -> Result<u64> {
    let now = s.clock.now();
    let before = s.campus.days_before(now, in_force(s).await?.acts);
    let mut tx = s.db.begin().await?;
    let forgotten = attention::prune(&mut tx, before).await?;
    store::forget(&mut tx, &s.campus.day(s.campus.days_before(now, REMEMBERED))).await?;
    tx.commit().await?;
    Ok(forgotten)
}
