//! Departmental systems that send: who they are, what they may do, and their keys.

mod admit;
mod authenticate;
mod calls;
mod form;
mod groups;
mod guard;
mod keys;
mod publishers;
pub mod registrations;

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::caller::KeyCaller;
use super::{Caller, Services, change};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::grant::Reach;
use crate::domain::id::{KeyId, SourceId};
use crate::domain::network::Network;
use crate::domain::operator::Permission;
use crate::domain::silence::Watch;
use crate::domain::source::Right;
use crate::domain::topic::TopicPattern;
use crate::error::Faults;
use crate::store::sources::{Grant, SourceRow, Today};
use crate::store::{self, Tx, audit};
use crate::{Error, Result};

pub(super) use self::admit::Rates;
pub use self::admit::{RateState, admit};
pub(super) use self::authenticate::KnownKeys;
pub use self::authenticate::{Pass, Refused, authenticate, authenticate_from, still_opens};
pub(super) use self::calls::Calls;
pub use self::calls::{Answered, CalledBy, KEPT, RecentCall, Totals, calls, keep_calls, note_call, totals};
pub use self::form::{GrantForm, HIGHEST_QUOTA, HIGHEST_RATE, NewSource};
pub use self::groups::{GroupChoice, group_choices};
pub use self::guard::{GuardForm, LONGEST_SILENCE, Silent, WatchForm, guard, silent};
pub use self::keys::{
    DEFAULT_OVERLAP, Key, KeyCreated, KeyRotated, create_key, keys, late_keys, replace_key, revoke_key,
    rotate_key,
};
pub(super) use self::publishers::publisher;

/// A source as administrators see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Source {
    pub id: SourceId,
    pub name: String,
    pub department: String,
    pub topics: Vec<TopicPattern>,
    pub channels: Vec<ChannelKind>,
    pub rights: Vec<Right>,
    /// Slugs of the groups it may write to; none: to anybody.
    pub groups: Vec<String>,
    /// Messages a second; nothing: as many as it likes.
    pub rate_per_second: Option<u32>,
    /// Messages a campus day; nothing: as many as it likes.
    pub daily_messages: Option<u64>,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    /// When one of its keys was last used, to the minute.
    pub last_activity_at: Option<Timestamp>,
    /// Keys that open something.
    pub valid_keys: u64,
    /// Messages accepted this campus day.
    pub used_today: u64,
    /// Where its calls may come from; none: from anywhere.
    pub networks: Vec<Network>,
    /// Whether it is told when nothing comes from it.
    pub silence: Watch,
    /// As whom it publishes at the broker; none: it does not.
    pub broker_user: Option<String>,
}

/// A new source with its first key. The key is shown this once.
#[derive(Clone, Debug, Serialize)]
pub struct SourceCreated {
    pub source_id: SourceId,
    pub key_id: KeyId,
    pub key: String,
}

/// A source as it sees itself.
#[derive(Clone, Debug, Serialize)]
pub struct OwnSource {
    pub source: Source,
    /// What the daily quota leaves; nothing where there is none.
    pub left_today: Option<u64>,
    /// When the quota begins anew.
    pub resets_at: Timestamp,
}

impl From<SourceRow> for Source {
    fn from(row: SourceRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            department: row.department,
            topics: row.topics.0,
            channels: row.channels.0,
            rights: row.rights.0,
            groups: row.audience_groups.0,
            rate_per_second: rate(row.rate_per_second),
            daily_messages: quota(row.daily_messages),
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            last_activity_at: row.last_activity_at,
            valid_keys: row.valid_keys.unsigned_abs(),
            used_today: row.used_today.unsigned_abs(),
            networks: row.networks.0,
            silence: row.silence.0,
            broker_user: row.broker_user,
        }
    }
}

impl From<Source> for Grant {
    fn from(source: Source) -> Self {
        Self {
            department: source.department,
            topics: source.topics,
            channels: source.channels,
            rights: source.rights,
            groups: source.groups,
            rate_per_second: source.rate_per_second.map(i64::from),
            daily_messages: source.daily_messages.map(u64::cast_signed),
            broker_user: source.broker_user,
        }
    }
}

fn rate(stored: Option<i64>) -> Option<u32> {
    stored.and_then(|rate| u32::try_from(rate).ok())
}

fn quota(stored: Option<i64>) -> Option<u64> {
    stored.and_then(|quota| u64::try_from(quota).ok())
}

/// Lets a new system in and makes its first key.
pub async fn create(s: &Services, caller: &Caller, new: NewSource) -> Result<SourceCreated> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    let test = new.test;
    let (name, grant) = new.check()?;
    within(&reach, &grant, &[], None)?;
    groups::check(s, &reach, &grant.groups, None).await?;
    let now = s.clock.now();
    let secret = keys::Secret::new(s, test);
    let mut tx = s.db.begin().await?;
    nobody_elses(&mut tx, &grant, None).await?;
    let Some(source) = store::sources::insert(&mut tx, &name, &grant, now).await? else {
        return Err(Error::fault("/name", "taken", format!("there is a source named {name} already")));
    };
    let key = secret.insert(&mut tx, source, now).await?;
    let mut detail = described(&grant);
    detail["name"] = name.into();
    detail["key"] = json!(key);
    audit::append(&mut tx, now, &caller.label(), "source.create", &source.to_string(), &detail).await?;
    tx.commit().await?;
    s.keys.made();
    Ok(SourceCreated { source_id: source, key_id: key, key: secret.text })
}

/// Every source by name, of the caller's departments.
pub async fn list(s: &Services, caller: &Caller) -> Result<Vec<Source>> {
    let reach = caller.reach(Permission::SourcesView)?;
    let now = s.clock.now();
    let today = Today { now, day: &s.campus.day(now) };
    let rows = store::sources::list(&s.db, today).await?.into_iter();
    Ok(rows.filter(|row| reach.covers(&row.department)).map(Source::from).collect())
}

/// The sources of the caller's departments.
async fn mine(s: &Services, caller: &Caller) -> Result<HashSet<SourceId>> {
    Ok(list(s, caller).await?.into_iter().map(|source| source.id).collect())
}

/// One source. What is of a department that the caller is not let into is as unknown as what does not exist.
pub async fn get(s: &Services, caller: &Caller, id: SourceId) -> Result<Source> {
    let reach = caller.reach(Permission::SourcesView)?;
    seen(&reach, find(s, id).await?)
}

fn seen(reach: &Reach, source: Source) -> Result<Source> {
    if reach.covers(&source.department) { Ok(source) } else { Err(Error::NotFound("source")) }
}

/// Refuses who may not change that source, within the transaction that does.
async fn may_edit(tx: &mut Tx, reach: &Reach, id: SourceId) -> Result<()> {
    let department = store::sources::department(tx, id).await?;
    department.filter(|department| reach.covers(department)).map(drop).ok_or(Error::NotFound("source"))
}

/// Whoever is limited to departments leaves a source in one of them, and gives it nothing that reaches beyond: no right
/// that it did not have. Nor do they say as whom it publishes at the broker: the name may be another department's system's.
fn within(reach: &Reach, grant: &Grant, had: &[Right], was: Option<&str>) -> Result<()> {
    if *reach == Reach::Everywhere {
        return Ok(());
    }
    let mut faults = Faults::default();
    if !reach.covers(&grant.department) {
        faults.add("/department", "not_your_department", "you may do this in your own departments only");
    }
    for (i, _) in grant.rights.iter().enumerate().filter(|(_, right)| !had.contains(right)) {
        faults.add(
            format!("/rights/{i}"),
            "beyond_departments",
            "only somebody who may change every source can give this",
        );
    }
    if grant.broker_user.as_deref() != was {
        faults.add(
            "/broker_user",
            "beyond_departments",
            "only somebody who may change every source can say this",
        );
    }
    faults.into_result()
}

/// Refuses a user of the broker that another source publishes as.
async fn nobody_elses(tx: &mut Tx, grant: &Grant, own: Option<SourceId>) -> Result<()> {
    let Some(user) = &grant.broker_user else { return Ok(()) };
    let of = store::sources::broker_user_of(tx, user).await?;
    if of.is_some() && of != own {
        let detail = format!("another source publishes as `{user}`; each has a user of its own");
        return Err(Error::fault("/broker_user", "taken", detail));
    }
    Ok(())
}

/// The source that a person at a terminal means: by its id or its name.
pub async fn get_named(s: &Services, caller: &Caller, id_or_name: &str) -> Result<Source> {
    let reach = caller.reach(Permission::SourcesView)?;
    if let Ok(id) = id_or_name.parse() {
        return seen(&reach, find(s, id).await?);
    }
    let now = s.clock.now();
    let today = Today { now, day: &s.campus.day(now) };
    let row = store::sources::find_by_name(&s.db, id_or_name, today).await?;
    seen(&reach, row.map(Source::from).ok_or(Error::NotFound("source"))?)
}

/// The source that publishes as that user of the broker.
async fn find_publisher(s: &Services, user: &str) -> Result<Option<Source>> {
    let now = s.clock.now();
    let today = Today { now, day: &s.campus.day(now) };
    Ok(store::sources::find_by_broker_user(&s.db, user, today).await?.map(Source::from))
}

async fn find(s: &Services, id: SourceId) -> Result<Source> {
    let now = s.clock.now();
    let today = Today { now, day: &s.campus.day(now) };
    let row = store::sources::find(&s.db, id, today).await?;
    row.map(Source::from).ok_or(Error::NotFound("source"))
}

/// Replaces all that is granted to a source.
pub async fn update(s: &Services, caller: &Caller, id: SourceId, form: GrantForm) -> Result<()> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    let before = seen(&reach, find(s, id).await?)?;
    let mut faults = Faults::default();
    let grant = form.check(&mut faults);
    faults.into_result()?;
    within(&reach, &grant, &before.rights, before.broker_user.as_deref())?;
    groups::check(s, &reach, &grant.groups, Some(&before.groups)).await?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    may_edit(&mut tx, &reach, id).await?;
    nobody_elses(&mut tx, &grant, Some(id)).await?;
    if !store::sources::update(&mut tx, id, &grant).await? {
        return Err(Error::NotFound("source"));
    }
    let detail = change::between(&described(&Grant::from(before)), &described(&grant));
    audit::append(&mut tx, now, &caller.label(), "source.update", &id.to_string(), &detail).await?;
    tx.commit().await?;
    s.keys.forget();
    Ok(())
}

/// Refuses a source's keys from now on, or takes them again. Its messages on the way go on.
pub async fn set_enabled(s: &Services, caller: &Caller, id: SourceId, enabled: bool) -> Result<()> {
    let reach = caller.reach(Permission::SourcesEdit)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    may_edit(&mut tx, &reach, id).await?;
    if !store::sources::set_disabled(&mut tx, id, (!enabled).then_some(now), now).await? {
        return Err(Error::NotFound("source"));
    }
    let action = if enabled { "source.enable" } else { "source.disable" };
    audit::append(&mut tx, now, &caller.label(), action, &id.to_string(), &json!({})).await?;
    tx.commit().await?;
    s.keys.forget();
    Ok(())
}

/// What a key's source is and has left today.
pub async fn own(s: &Services, key: &KeyCaller) -> Result<OwnSource> {
    let source = find(s, key.source).await?;
    Ok(OwnSource {
        left_today: source.daily_messages.map(|quota| quota.saturating_sub(source.used_today)),
        resets_at: s.campus.day_ends(s.clock.now()),
        source,
    })
}

/// A grant for the audit log.
fn described(grant: &Grant) -> Value {
    json!({
        "department": grant.department,
        "topics": grant.topics,
        "channels": grant.channels,
        "rights": grant.rights,
        "groups": grant.groups,
        "rate_per_second": grant.rate_per_second,
        "daily_messages": grant.daily_messages,
        "broker_user": grant.broker_user,
    })
}
