//! Groups that list their members, as identity systems (SCIM) keep them.

use super::audience::bind_all;
use super::groups::note_change;
use super::scim_sql::{self, Column, Lower};
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{GroupId, RecipientId};
use crate::domain::scim::order::Order;
use crate::domain::scim::question::{Condition, GroupField};

row! {
    #[derive(PartialEq, Eq)]
    pub struct GroupRow {
        pub id: GroupId,
        pub slug: String,
        pub name: String,
        /// By what an identity system knows it.
        pub external_id: Option<String>,
        /// Grows by one with every change of its name.
        pub version: i64,
        /// Grows with every change of who is in it.
        pub member_changes: i64,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

const SELECT: &str =
    "SELECT g.id, g.slug, g.name, g.external_id, g.version, g.member_changes, g.created_at, g.updated_at
    FROM recipient_group g";
/// What a filter finds is not theirs to say.
const SHOWN: &str = "g.kind = 0";

fn is_member(person: i64) -> String {
    format!("EXISTS (SELECT 1 FROM group_member m WHERE m.group_id = g.id AND m.recipient_id = {person})")
}

fn column(field: GroupField) -> Column {
    match field {
        GroupField::Id => Column::Number("g.id"),
        GroupField::ExternalId => Column::Text { column: "g.external_id".to_owned(), lower: Lower::Exact },
        GroupField::Name => Column::Text { column: "g.name".to_owned(), lower: Lower::Plain },
        GroupField::Member => Column::Listed {
            key: is_member,
            present: "EXISTS (SELECT 1 FROM group_member m WHERE m.group_id = g.id)",
        },
        GroupField::Created => Column::Number("g.created_at"),
        GroupField::LastModified => Column::Number("g.updated_at"),
    }
}

/// The groups of which the condition is true, in that order or as they came, after `skipped` of them; at most `limit`.
pub async fn list(
    db: &Db,
    condition: &Condition<GroupField>,
    order: Option<Order<GroupField>>,
    skipped: i64,
    limit: u32,
) -> Result<Vec<GroupRow>> {
    let (condition, binds) = scim_sql::condition(db.dialect(), condition, &column, 3);
    let order = scim_sql::order(db.dialect(), order, &column, "g.id");
    let text = format!(
        "{SELECT} WHERE {SHOWN} AND {condition} ORDER BY {order} LIMIT $1 + 0 OFFSET CAST($2 AS bigint)"
    );
    Ok(in_db!(db, |c| {
        bind_all!(sqlx::query_as(sql(text)).bind(i64::from(limit)).bind(skipped), &binds).fetch_all(c).await
    })?)
}

/// Of how many groups the condition is true.
pub async fn count(db: &Db, condition: &Condition<GroupField>) -> Result<i64> {
    let (condition, binds) = scim_sql::condition(db.dialect(), condition, &column, 1);
    let text = format!("SELECT count(*) FROM recipient_group g WHERE {SHOWN} AND {condition}");
    Ok(in_db!(db, |c| bind_all!(sqlx::query_scalar(sql(text)), &binds).fetch_one(c).await)?)
}

pub async fn find(db: &Db, id: GroupId) -> Result<Option<GroupRow>> {
    let text = format!("{SELECT} WHERE g.id = $1 AND {SHOWN}");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// As [`find`], and nobody else changes the group or who is in it until the transaction ends.
pub async fn lock(tx: &mut Tx, id: GroupId) -> Result<Option<GroupRow>> {
    let text = format!("{SELECT} WHERE g.id = $1 AND {SHOWN}{}", tx.dialect().lock());
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// What [`super::hold`] tells names of groups from other texts by.
const NAMES: i64 = 102;

/// Whether another group that lists its members is called so, in any case. Nobody else asks this of the name until the
/// transaction ends.
pub async fn is_called(tx: &mut Tx, name: &str, but: Option<GroupId>) -> Result<bool> {
    super::hold(tx, &name.to_ascii_lowercase(), NAMES).await?;
    let text = format!(
        "SELECT EXISTS (SELECT 1 FROM recipient_group g WHERE {SHOWN} AND lower(g.name) = lower($1) AND g.id <> $2)"
    );
    let but = but.map_or(0, |id| id.0);
    Ok(in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(name).bind(but).fetch_one(c).await)?)
}

/// By what an identity system knows a group.
pub async fn set_external_id(tx: &mut Tx, id: GroupId, external_id: Option<&str>) -> Result<()> {
    let text = "UPDATE recipient_group SET external_id = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(external_id).execute(c).await.map(drop))?;
    Ok(())
}

row! {
    /// Somebody who is listed in a group.
    #[derive(PartialEq, Eq)]
    pub struct Member {
        pub group_id: GroupId,
        pub id: RecipientId,
        pub name: String,
    }
}

/// Whom these groups list, active or not, group by group; at most `limit`.
pub async fn members(db: &Db, groups: &[GroupId], limit: u32) -> Result<Vec<Member>> {
    let text = format!(
        "SELECT m.group_id, r.id, r.name FROM group_member m JOIN recipient r ON r.id = m.recipient_id
         WHERE m.group_id IN {} AND r.erased_at IS NULL AND r.left_at IS NULL
         ORDER BY m.group_id, m.recipient_id LIMIT $2 + 0",
        db.dialect().int_list("$1")
    );
    let groups = to_json(&groups.iter().map(|id| id.0).collect::<Vec<_>>())?;
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(groups).bind(i64::from(limit)).fetch_all(c).await)?)
}

fn keys(people: &[RecipientId]) -> Result<String> {
    to_json(&people.iter().map(|id| id.0).collect::<Vec<_>>())
}

row! {
    struct Key {
        id: RecipientId,
    }
}

/// Those of these people whom identity systems are shown.
pub async fn known(tx: &mut Tx, people: &[RecipientId]) -> Result<Vec<RecipientId>> {
    let text = format!(
        "SELECT r.id FROM recipient r WHERE r.id IN {} AND r.erased_at IS NULL AND r.left_at IS NULL",
        tx.dialect().int_list("$1")
    );
    let people = keys(people)?;
    let rows: Vec<Key> = in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(people).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Lists people in a group. Answers how many were not in it.
pub async fn add(tx: &mut Tx, group: GroupId, people: &[RecipientId]) -> Result<u64> {
    let text = format!(
        "INSERT INTO group_member (group_id, recipient_id)
         SELECT $2, r.id FROM recipient r WHERE r.id IN {} ON CONFLICT DO NOTHING",
        tx.dialect().int_list("$1")
    );
    change(tx, text, group, people).await
}

/// Answers how many were in it.
pub async fn remove(tx: &mut Tx, group: GroupId, people: &[RecipientId]) -> Result<u64> {
    let text = format!(
        "DELETE FROM group_member WHERE group_id = $2 AND recipient_id IN {}",
        tx.dialect().int_list("$1")
    );
    change(tx, text, group, people).await
}

/// Takes everybody else out of it. Answers how many those were.
pub async fn keep(tx: &mut Tx, group: GroupId, people: &[RecipientId]) -> Result<u64> {
    let text = format!(
        "DELETE FROM group_member WHERE group_id = $2 AND recipient_id NOT IN {}",
        tx.dialect().int_list("$1")
    );
    change(tx, text, group, people).await
}

async fn change(tx: &mut Tx, text: String, group: GroupId, people: &[RecipientId]) -> Result<u64> {
    let people = keys(people)?;
    let changed = in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(people).bind(group.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    if changed > 0 {
        note_change(tx, group).await?;
    }
    Ok(changed)
}
