//! Groups of recipients, and the audiences that name them.

mod attributes;
mod by_hand;
mod known;
mod resolve;

use serde::Serialize;
use serde_json::{Value, json};

use super::recipients::{ListFilter, Recipient, note, require, within};
use super::{Caller, Change, Services, recipients};
use crate::clock::Timestamp;
use crate::domain::filter::Filter;
use crate::domain::group::{GroupInput, GroupKind, MemberChanges, read_filter};
use crate::domain::id::{GroupId, RecipientId};
use crate::domain::operator::Permission;
use crate::error::Faults;
use crate::store::Tx;
use crate::store::audience::{self, ResolvedAudience};
use crate::store::groups::{self as store, GroupRow};
use crate::telemetry::mask;
use crate::{Error, Result};

/// A group that a person is in.
pub use crate::store::groups::GroupName;

pub(super) use self::attributes::LatestAttributes;
pub use self::attributes::{Attribute, Attributes, attribute_names, attributes};
pub(in crate::service) use self::by_hand::refuse_used;
pub use self::by_hand::{Uses, create, find, of_person, update, uses};
pub(super) use self::known::KnownGroups;
pub use self::resolve::{Resolution, people_of, resolve, unknown_recipient};

/// People a preview shows.
const SAMPLE: u32 = 10;

/// A group as it is managed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    pub id: GroupId,
    pub slug: String,
    pub name: String,
    pub kind: GroupKind,
    /// Of a dynamic group.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// Active people it reaches now, of those that whoever asks may see. Lists leave out what is not stored with the group: a
    /// filter is put to the whole directory.
    pub members: Option<i64>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Grows by one with every change of its name, kind or filter.
    #[serde(skip)]
    pub version: i64,
}

impl From<GroupRow> for Group {
    fn from(row: GroupRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            kind: row.kind,
            filter: row.filter,
            members: row.listed,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// Whom a filter finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    pub count: i64,
    /// Some of them, with addresses masked.
    pub sample: Vec<Recipient>,
}

/// What changing the members of a group did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MembersChanged {
    /// People who were not in it.
    pub added: u64,
    /// People who were in it.
    pub removed: u64,
}

fn unknown() -> Error {
    Error::NotFound("group")
}

/// Creates the group `slug` or replaces it. One that stays static keeps its members.
pub async fn put(s: &Services, caller: &Caller, slug: &str, body: &Value) -> Result<(Change, Group)> {
    require(caller, Permission::DirectoryEdit)?;
    let input = GroupInput::read(slug, body)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let change = if store::insert(&mut tx, &input, now).await?.is_some() {
        Change::Created
    } else if store::update(&mut tx, &input, now).await? {
        Change::Updated
    } else {
        Change::Unchanged
    };
    if let Some(action) = change.act("group.create", "group.update") {
        note(&mut tx, caller, now, action, slug, &noted(&input)).await?;
    }
    tx.commit().await?;
    s.groups.forget();
    Ok((change, get(s, caller, slug).await?))
}

/// A group as the audit log, which forgets nothing, may keep it: without the campus ids its filter names.
fn noted(input: &GroupInput) -> Value {
    let masked = |id: &str, _| Some(format!("'{}'", mask::id(id)));
    let filter = input.filter.as_ref().map(|filter| filter.with_ids(&masked));
    json!({ "name": input.name, "kind": input.kind, "where": filter })
}

/// One group, with the number of people it reaches.
pub async fn get(s: &Services, caller: &Caller, slug: &str) -> Result<Group> {
    let within = within(caller, Permission::DirectoryView)?;
    let row = store::find(&s.db, slug).await?.ok_or_else(unknown)?;
    let members = match row.listed {
        Some(listed) if within.is_none() => listed,
        _ => audience::count(&s.db, &ResolvedAudience { within, ..reached_by(&row)? }).await?,
    };
    Ok(Group { members: Some(members), ..row.into() })
}

/// The newest groups before `before` with `q` in their name or slug; at most `limit`.
pub async fn list(
    s: &Services,
    caller: &Caller,
    q: &str,
    before: Option<GroupId>,
    limit: u32,
) -> Result<Vec<Group>> {
    let within = within(caller, Permission::DirectoryView)?;
    let groups = store::list(&s.db, q, before, limit).await?.into_iter().map(Group::from);
    // How many of a static one are theirs is to be counted, as for a dynamic one.
    let counted = |group: Group| Group { members: group.members.filter(|_| within.is_none()), ..group };
    Ok(groups.map(counted).collect())
}

/// Removes a group; its members stay in the directory.
///
/// # Errors
///
/// [`Error::Conflict`] where a rule in force, a message that still waits, a source, a scenario or a broadcast that is not over
/// names it: without the group they would reach others than was meant, above all where it is left out.
pub async fn delete(s: &Services, caller: &Caller, slug: &str) -> Result<()> {
    require(caller, Permission::DirectoryEdit)?;
    refuse_used(s, slug).await?;
    let mut tx = s.db.begin().await?;
    delete_in(&mut tx, caller, slug, s.clock.now()).await?;
    tx.commit().await?;
    s.groups.forget();
    Ok(())
}

/// Deletes one that nothing names.
pub(in crate::service) async fn delete_in(
    tx: &mut Tx,
    caller: &Caller,
    slug: &str,
    now: Timestamp,
) -> Result<()> {
    if !store::delete(tx, slug).await? {
        return Err(unknown());
    }
    note(tx, caller, now, "group.delete", slug, &json!({})).await
}

/// Puts people into a static group and takes others out, all or nothing. Every unknown campus id is a fault; one that
/// is to be added and removed is removed.
pub async fn change_members(
    s: &Services,
    caller: &Caller,
    slug: &str,
    body: &Value,
) -> Result<MembersChanged> {
    require(caller, Permission::DirectoryEdit)?;
    let changes = MemberChanges::read(body)?;
    let row = store::find(&s.db, slug).await?.ok_or_else(unknown)?;
    if row.kind == GroupKind::Dynamic {
        let detail = "a dynamic group's members are found by its filter; change `where` instead";
        return Err(Error::conflict("dynamic_group", detail));
    }
    refuse_unknown(s, &changes).await?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let added = store::add_members(&mut tx, row.id, &changes.add).await?;
    let removed = store::remove_members(&mut tx, row.id, &changes.remove).await?;
    if added + removed > 0 {
        let detail = json!({ "added": added, "removed": removed });
        note(&mut tx, caller, now, "group.members", slug, &detail).await?;
    }
    tx.commit().await?;
    Ok(MembersChanged { added, removed })
}

async fn refuse_unknown(s: &Services, changes: &MemberChanges) -> Result<()> {
    let ids: Vec<&str> = changes.add.iter().chain(&changes.remove).map(String::as_str).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let known = audience::known(&s.db, &ids, None).await?;
    let mut faults = Faults::default();
    for (name, ids) in [("add", &changes.add), ("remove", &changes.remove)] {
        for (i, id) in ids.iter().enumerate().filter(|(_, id)| !known.contains(*id)) {
            let detail = format!("nobody in the directory has the campus id `{id}`");
            faults.add(format!("/{name}/{i}"), "unknown_recipient", detail);
        }
    }
    faults.into_result()
}

/// The newest people a group reaches, before `before`; at most `limit`.
pub async fn members(
    s: &Services,
    caller: &Caller,
    slug: &str,
    before: Option<RecipientId>,
    limit: u32,
) -> Result<Vec<Recipient>> {
    let filter = ListFilter { group: Some(slug.to_owned()), ..ListFilter::default() };
    recipients::list(s, caller, &filter, before, limit).await
}

/// Whom the filter of the body `{where}` finds now.
pub async fn preview(s: &Services, caller: &Caller, body: &Value) -> Result<Preview> {
    let within = within(caller, Permission::DirectoryView)?;
    let audience =
        ResolvedAudience { filters: vec![read_filter(body)?], within, ..ResolvedAudience::default() };
    let count = audience::count(&s.db, &audience).await?;
    let rows = audience::sample(&s.db, &audience, SAMPLE).await?;
    Ok(Preview { count, sample: rows.into_iter().map(Recipient::masked).collect() })
}

/// Whom the group reaches.
pub(super) async fn audience_of(s: &Services, slug: &str) -> Result<ResolvedAudience> {
    reached_by(&store::find(&s.db, slug).await?.ok_or_else(unknown)?)
}

fn reached_by(row: &GroupRow) -> Result<ResolvedAudience> {
    Ok(match &row.filter {
        Some(filter) => ResolvedAudience {
            filters: vec![Filter::parse(filter).map_err(Error::internal)?],
            ..ResolvedAudience::default()
        },
        None => ResolvedAudience { groups: vec![row.id], ..ResolvedAudience::default() },
    })
}
