//! Stored sets of recipients and the members of those that list them.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::Audience;
use crate::domain::group::{GroupInput, GroupKind};
use crate::domain::id::{GroupId, MessageId, RecipientId};
use crate::domain::routing::Routed;

row! {
    pub struct GroupRow {
        /// Lists are continued from it.
        pub id: GroupId,
        pub slug: String,
        pub name: String,
        pub kind: GroupKind,
        /// Of a dynamic group.
        pub filter: Option<String>,
        /// Active people who are listed; nothing of a dynamic group.
        pub listed: Option<i64>,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        /// Grows by one with every change of its name, kind or filter.
        pub version: i64,
    }
}

const SELECT: &str = "SELECT g.id, g.slug, g.name, g.kind, g.filter, g.created_at, g.updated_at, g.version,
    CASE WHEN g.kind = 0 THEN (SELECT CAST(count(*) AS bigint) FROM group_member m
        JOIN recipient r ON r.id = m.recipient_id WHERE m.group_id = g.id AND r.active) END AS listed
    FROM recipient_group g";

pub async fn find(db: &Db, slug: &str) -> Result<Option<GroupRow>> {
    let text = format!("{SELECT} WHERE g.slug = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(slug).fetch_optional(c).await)?)
}

pub async fn find_by_id(db: &Db, id: GroupId) -> Result<Option<GroupRow>> {
    let text = format!("{SELECT} WHERE g.id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// The newest groups before `before` with `q` in their name or slug; at most `limit`.
pub async fn list(db: &Db, q: &str, before: Option<GroupId>, limit: u32) -> Result<Vec<GroupRow>> {
    let [name, slug] = ["g.name", "g.slug"].map(|column| db.dialect().contains(column, "$3"));
    let text =
        format!("{SELECT} WHERE g.id < $1 AND ($3 = '' OR {name} OR {slug}) ORDER BY g.id DESC LIMIT $2 + 0");
    let before = before.map_or(i64::MAX, |id| id.0);
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(before).bind(i64::from(limit)).bind(q.trim()).fetch_all(c).await
    })?)
}

row! {
    /// A group by name, for whoever asks which ones a person is in.
    pub struct GroupName {
        pub id: GroupId,
        pub slug: String,
        pub name: String,
        /// Of a dynamic group.
        pub filter: Option<String>,
    }
}

/// The static groups that list a person, by name.
pub async fn listing(db: &Db, person: RecipientId) -> Result<Vec<GroupName>> {
    let text = "SELECT g.id, g.slug, g.name, g.filter FROM group_member m
        JOIN recipient_group g ON g.id = m.group_id WHERE m.recipient_id = $1 ORDER BY g.name, g.id";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(person.0).fetch_all(c).await)?)
}

row! {
    /// A group by name, for whoever chooses some.
    pub struct GroupChoice {
        pub slug: String,
        pub name: String,
    }
}

/// Every group by name.
pub async fn choices(db: &Db) -> Result<Vec<GroupChoice>> {
    let text = "SELECT slug, name FROM recipient_group ORDER BY name, slug";
    Ok(in_db!(db, |c| sqlx::query_as(text).fetch_all(c).await)?)
}

/// The dynamic groups, by name; at most `limit`.
pub async fn dynamic(db: &Db, limit: u32) -> Result<Vec<GroupName>> {
    let text = "SELECT g.id, g.slug, g.name, g.filter FROM recipient_group g
        WHERE g.kind = 1 ORDER BY g.name, g.id LIMIT $1 + 0";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(i64::from(limit)).fetch_all(c).await)?)
}

row! {
    /// A message whose audience is still to be looked up.
    pub struct Waiting {
        pub id: MessageId,
        pub title: String,
        pub audience: Option<JsonText<Audience>>,
        /// What rules added, where it is held.
        pub routing: Option<JsonText<Routed>>,
    }
}

/// Messages that nobody has planned to the end and that may name the group; at most `limit`.
pub async fn waiting(db: &Db, slug: &str, limit: u32) -> Result<Vec<Waiting>> {
    let dialect = db.dialect();
    let [audience, routing] =
        ["audience", "routing"].map(|column| dialect.holds(&format!("coalesce({column}, '')"), "$1"));
    // Each by the index over messages that stand so.
    let parts = ["status <= 1", "status = 2", "status = 5"].map(|standing| {
        format!(
            "SELECT id, title, audience, routing FROM message WHERE {standing} AND ({audience} OR {routing})"
        )
    });
    let text = format!("{} ORDER BY id LIMIT $2 + 0", parts.join(" UNION ALL "));
    let word = format!("\"{slug}\"");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(word).bind(i64::from(limit)).fetch_all(c).await)?)
}

/// Creates a group; nothing where the slug is taken.
pub async fn insert(tx: &mut Tx, group: &GroupInput, now: Timestamp) -> Result<Option<GroupId>> {
    let text = "INSERT INTO recipient_group (slug, name, kind, filter, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (slug) DO NOTHING RETURNING id";
    let id: Option<i64> = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(&group.slug)
            .bind(&group.name)
            .bind(group.kind.code())
            .bind(group.filter.as_ref().map(crate::domain::filter::Filter::as_str))
            .bind(now.0)
            .fetch_optional(c)
            .await
    })?;
    Ok(id.map(GroupId))
}

/// A group's version, which nobody changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: GroupId) -> Result<Option<i64>> {
    let text = format!("SELECT version FROM recipient_group WHERE id = $1{}", tx.dialect().lock());
    Ok(in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Replaces the group of that slug; false where it is the same already. Who was listed in it is forgotten where it
/// becomes dynamic.
pub async fn update(tx: &mut Tx, group: &GroupInput, now: Timestamp) -> Result<bool> {
    let text = "UPDATE recipient_group SET name = $2, kind = $3, filter = $4, updated_at = $5,
        version = version + 1
        WHERE slug = $1 AND (name <> $2 OR kind <> $3 OR filter IS DISTINCT FROM $4)";
    let updated = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(&group.slug)
            .bind(&group.name)
            .bind(group.kind.code())
            .bind(group.filter.as_ref().map(crate::domain::filter::Filter::as_str))
            .bind(now.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    if group.kind == GroupKind::Dynamic {
        let text = "DELETE FROM group_member
            WHERE group_id = (SELECT id FROM recipient_group WHERE slug = $1)";
        in_tx!(tx, |c| sqlx::query(text).bind(&group.slug).execute(c).await.map(drop))?;
    }
    Ok(updated > 0)
}

/// False where there is no such group.
pub async fn delete(tx: &mut Tx, slug: &str) -> Result<bool> {
    let text = "DELETE FROM recipient_group WHERE slug = $1";
    let deleted = in_tx!(tx, |c| sqlx::query(text).bind(slug).execute(c).await.map(|d| d.rows_affected()))?;
    Ok(deleted > 0)
}

/// Lists people in a group by campus id. Answers how many were not in it.
pub async fn add_members(tx: &mut Tx, group: GroupId, campus_ids: &[String]) -> Result<u64> {
    let text = format!(
        "INSERT INTO group_member (group_id, recipient_id)
         SELECT $2, r.id FROM recipient r WHERE r.campus_id IN {} ON CONFLICT DO NOTHING",
        tx.dialect().text_list("$1")
    );
    change_members(tx, text, group, campus_ids).await
}

/// Answers how many were in it.
pub async fn remove_members(tx: &mut Tx, group: GroupId, campus_ids: &[String]) -> Result<u64> {
    let text = format!(
        "DELETE FROM group_member WHERE group_id = $2
         AND recipient_id IN (SELECT r.id FROM recipient r WHERE r.campus_id IN {})",
        tx.dialect().text_list("$1")
    );
    change_members(tx, text, group, campus_ids).await
}

async fn change_members(tx: &mut Tx, text: String, group: GroupId, campus_ids: &[String]) -> Result<u64> {
    let input = to_json(campus_ids)?;
    let changed = in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(input).bind(group.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    if changed > 0 {
        note_change(tx, group).await?;
    }
    Ok(changed)
}

/// Its list of members is another one.
pub(super) async fn note_change(tx: &mut Tx, group: GroupId) -> Result<()> {
    let text = "UPDATE recipient_group SET member_changes = member_changes + 1 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(group.0).execute(c).await.map(drop))?;
    Ok(())
}

row! {
    struct Left {
        id: GroupId,
    }
}

/// Takes a person out of every group that lists them. Answers how many those were.
pub async fn leave_all(tx: &mut Tx, person: RecipientId) -> Result<u64> {
    // In one order, so that two people who leave the same groups at once do not wait for one another.
    let text = format!(
        "SELECT g.id FROM recipient_group g WHERE g.id IN (SELECT group_id FROM group_member WHERE recipient_id = $1)
         ORDER BY g.id{}",
        tx.dialect().lock_content()
    );
    let left: Vec<Left> = in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(person.0).fetch_all(c).await)?;
    for group in &left {
        note_change(tx, group.id).await?;
    }
    let text = "DELETE FROM group_member WHERE recipient_id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(person.0).execute(c).await.map(drop))?;
    Ok(left.len() as u64)
}
