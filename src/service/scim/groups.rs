//! Groups that list their members. Those that a filter fills are not shown: nobody can say who is in them.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::{Asked, Listed, listed};
use crate::clock::Timestamp;
use crate::domain::group::{GroupInput, GroupKind};
use crate::domain::id::{GroupId, RecipientId};
use crate::domain::operator::Permission;
use crate::domain::scim::group::{MOST_MEMBERS, Members, Said, nobody, slug};
use crate::domain::scim::question::GroupField;
use crate::domain::scim::version::{self, Named};
use crate::service::recipients::{note, require};
use crate::service::{Caller, Services, groups};
use crate::store::scim_groups::{self as store, GroupRow};
use crate::store::{Tx, groups as rows};
use crate::{Error, Result};

pub use crate::store::scim_groups::Member;

/// Members that are shown without being asked for.
pub const MOST_UNASKED: usize = 1_000;
/// Slugs tried for a new group.
const ATTEMPTS: u32 = 8;

/// Whether members are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    No,
    /// As long as they are at most [`MOST_UNASKED`].
    Few,
    /// All of them, up to [`MOST_MEMBERS`].
    All,
}

/// A group as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    pub id: GroupId,
    pub name: String,
    pub external_id: Option<String>,
    /// `None` where they are left out.
    pub members: Option<Vec<Member>>,
    pub version: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl GroupView {
    fn of(row: GroupRow) -> Result<Self> {
        Ok(Self {
            id: row.id,
            version: version_of(&row)?,
            name: row.name,
            external_id: row.external_id,
            members: None,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn version_of(row: &GroupRow) -> Result<String> {
    version::of(&(row.id.0, row.version, row.member_changes, &row.external_id))
}

fn unknown() -> Error {
    Error::NotFound("group")
}

/// The groups that are asked for.
pub async fn list(
    s: &Services,
    caller: &Caller,
    asked: &Asked<GroupField>,
    wanted: Wanted,
) -> Result<Listed<GroupView>> {
    require(caller, Permission::DirectoryView)?;
    let Asked { condition, order, part } = asked;
    let rows = store::list(&s.db, condition, *order, part.start - 1, part.count).await?;
    let found = listed(*part, rows, store::count(&s.db, condition)).await?.map(GroupView::of)?;
    Ok(Listed { entries: with_members(s, found.entries, wanted).await?, total: found.total })
}

pub async fn get(s: &Services, caller: &Caller, id: GroupId, wanted: Wanted) -> Result<GroupView> {
    require(caller, Permission::DirectoryView)?;
    show(s, id, wanted).await
}

async fn show(s: &Services, id: GroupId, wanted: Wanted) -> Result<GroupView> {
    let group = GroupView::of(store::find(&s.db, id).await?.ok_or_else(unknown)?)?;
    with_members(s, vec![group], wanted).await?.pop().ok_or_else(unknown)
}

/// # Errors
///
/// A fault `too_many_results` where more are asked for than one answer holds.
async fn with_members(s: &Services, mut groups: Vec<GroupView>, wanted: Wanted) -> Result<Vec<GroupView>> {
    let most = match wanted {
        Wanted::No => return Ok(groups),
        Wanted::Few => MOST_UNASKED,
        Wanted::All => MOST_MEMBERS,
    };
    let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
    let members = store::members(&s.db, &ids, most as u32 + 1).await?;
    if members.len() > most {
        if wanted == Wanted::Few {
            return Ok(groups);
        }
        let detail = format!("more than {MOST_MEMBERS} members: ask for fewer groups at once");
        return Err(Error::fault("?attributes", "too_many_results", detail));
    }
    let mut of_group: HashMap<GroupId, Vec<Member>> = HashMap::new();
    for member in members {
        of_group.entry(member.group_id).or_default().push(member);
    }
    for group in &mut groups {
        group.members = Some(of_group.remove(&group.id).unwrap_or_default());
    }
    Ok(groups)
}

/// Creates a group that lists its members. Its slug is made of its name and stays.
///
/// # Errors
///
/// [`Error::Conflict`] `uniqueness` where another one is called so.
pub async fn create(s: &Services, caller: &Caller, body: &Value) -> Result<GroupView> {
    require(caller, Permission::DirectoryEdit)?;
    let said = Said::of_resource(body)?;
    let name = said.name.clone().unwrap_or_default();
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    refuse_taken(&mut tx, &name, None).await?;
    let mut made = None;
    for attempt in 0..ATTEMPTS {
        let input = GroupInput {
            slug: slug(&name, attempt),
            name: name.clone(),
            kind: GroupKind::Static,
            filter: None,
        };
        if let Some(id) = rows::insert(&mut tx, &input, now).await? {
            made = Some((id, input.slug));
            break;
        }
    }
    let Some((id, slug)) = made else {
        return Err(Error::conflict(
            "uniqueness",
            "there are many groups of such a name: choose another one",
        ));
    };
    store::set_external_id(&mut tx, id, said.external_id.flatten().as_deref()).await?;
    set_members(&mut tx, id, &said.members).await?;
    note(&mut tx, caller, now, "group.create", &slug, &json!({ "name": name, "kind": GroupKind::Static }))
        .await?;
    tx.commit().await?;
    s.groups.forget();
    show(s, id, Wanted::Few).await
}

async fn refuse_taken(tx: &mut Tx, name: &str, but: Option<GroupId>) -> Result<()> {
    if store::is_called(tx, name, but).await? {
        let detail = "there is a group of this `displayName`: look for it with a filter";
        return Err(Error::conflict("uniqueness", detail));
    }
    Ok(())
}

/// Replaces a group. Who is in it stays as it is where `members` is left out.
///
/// # Errors
///
/// [`Error::Conflict`] `changed_meanwhile` where it is none of the versions expected, `uniqueness` as in [`create`].
pub async fn replace(
    s: &Services,
    caller: &Caller,
    id: GroupId,
    body: &Value,
    expected: Option<&Named>,
) -> Result<GroupView> {
    let said = Said::of_resource(body)?;
    let external_id = said.external_id.clone().unwrap_or_default();
    let said = Said { external_id: Some(external_id), ..said };
    change(s, caller, id, &said, expected).await
}

/// Changes what a patch names.
///
/// # Errors
///
/// As [`replace`].
pub async fn patch(
    s: &Services,
    caller: &Caller,
    id: GroupId,
    body: &Value,
    expected: Option<&Named>,
) -> Result<GroupView> {
    change(s, caller, id, &Said::of_patch(body)?, expected).await
}

async fn change(
    s: &Services,
    caller: &Caller,
    id: GroupId,
    said: &Said,
    expected: Option<&Named>,
) -> Result<GroupView> {
    require(caller, Permission::DirectoryEdit)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
    version::expect(expected, &version_of(&row)?)?;
    if let Some(name) = said.name.as_ref().filter(|name| **name != row.name) {
        refuse_taken(&mut tx, name, Some(id)).await?;
        let input =
            GroupInput { slug: row.slug.clone(), name: name.clone(), kind: GroupKind::Static, filter: None };
        if rows::update(&mut tx, &input, now).await? {
            let detail = json!({ "name": name, "kind": GroupKind::Static });
            note(&mut tx, caller, now, "group.update", &row.slug, &detail).await?;
        }
    }
    if let Some(external_id) = said.external_id.as_ref().filter(|said| **said != row.external_id) {
        store::set_external_id(&mut tx, id, external_id.as_deref()).await?;
    }
    let (added, removed) = set_members(&mut tx, id, &said.members).await?;
    if added + removed > 0 {
        let detail = json!({ "added": added, "removed": removed });
        note(&mut tx, caller, now, "group.members", &row.slug, &detail).await?;
    }
    tx.commit().await?;
    s.groups.forget();
    show(s, id, Wanted::Few).await
}

/// Answers how many came and how many went.
///
/// # Errors
///
/// A fault for whom the directory does not know. Whoever is to go may be anybody.
async fn set_members(tx: &mut Tx, id: GroupId, changes: &[Members]) -> Result<(u64, u64)> {
    let (mut added, mut removed) = (0, 0);
    for change in changes {
        match change {
            Members::Add(people) => {
                refuse_strangers(tx, people).await?;
                added += store::add(tx, id, people).await?;
            }
            Members::Remove(people) => removed += store::remove(tx, id, people).await?,
            Members::Replace(people) => {
                refuse_strangers(tx, people).await?;
                removed += store::keep(tx, id, people).await?;
                added += store::add(tx, id, people).await?;
            }
        }
    }
    Ok((added, removed))
}

async fn refuse_strangers(tx: &mut Tx, people: &[RecipientId]) -> Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    let known: HashSet<_> = store::known(tx, people).await?.into_iter().collect();
    match people.iter().position(|id| !known.contains(id)) {
        Some(i) => Err(nobody(&format!("/members/{i}"))),
        None => Ok(()),
    }
}

/// Removes a group; its members stay in the directory.
///
/// # Errors
///
/// [`Error::Conflict`] where something that would then reach others names it, and as [`replace`].
pub async fn delete(s: &Services, caller: &Caller, id: GroupId, expected: Option<&Named>) -> Result<()> {
    require(caller, Permission::DirectoryEdit)?;
    let slug = store::find(&s.db, id).await?.ok_or_else(unknown)?.slug;
    groups::refuse_used(s, &slug).await?;
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
    version::expect(expected, &version_of(&row)?)?;
    groups::delete_in(&mut tx, caller, &row.slug, s.clock.now()).await?;
    tx.commit().await?;
    s.groups.forget();
    Ok(())
}
