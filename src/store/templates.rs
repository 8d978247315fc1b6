//! Stored texts with variables. A version is never changed; the latest is the one in use.

use super::{Db, Dialect, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::content::Content;
use crate::domain::template::TemplateInput;

row! {
    pub struct TemplateRow {
        /// Lists are continued from it.
        pub slug: String,
        pub version: i64,
        pub name: String,
        pub content: JsonText<Content>,
        pub samples: JsonText<Params>,
        pub created_at: Timestamp,
        pub created_by: String,
    }
}

const SELECT: &str =
    "SELECT t.slug, t.version, t.name, t.content, t.samples, t.created_at, t.created_by FROM template t";
const LATEST: &str = "t.version = (SELECT max(v.version) FROM template v WHERE v.slug = t.slug)";

/// The version asked for, or the latest.
pub async fn find(db: &Db, slug: &str, version: Option<i64>) -> Result<Option<TemplateRow>> {
    let text = match version {
        Some(_) => format!("{SELECT} WHERE t.slug = $1 AND t.version = $2"),
        None => format!("{SELECT} WHERE t.slug = $1 AND $2 = 0 AND {LATEST}"),
    };
    let version = version.unwrap_or(0);
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(slug).bind(version).fetch_optional(c).await)?)
}

/// As [`find`] for the latest, and nobody else writes templates until the transaction ends.
pub async fn lock(tx: &mut Tx, slug: &str) -> Result<Option<TemplateRow>> {
    if tx.dialect() == Dialect::Postgres {
        let text = "LOCK TABLE template IN SHARE ROW EXCLUSIVE MODE";
        in_tx!(tx, |c| sqlx::query(text).execute(c).await.map(drop))?;
    }
    let text = format!("{SELECT} WHERE t.slug = $1 AND {LATEST}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(slug).fetch_optional(c).await)?)
}

/// The latest version of each template by slug, after the slug `after`; at most `limit`.
pub async fn list(db: &Db, after: Option<&str>, limit: u32) -> Result<Vec<TemplateRow>> {
    let text = format!("{SELECT} WHERE t.slug > $1 AND {LATEST} ORDER BY t.slug LIMIT $2 + 0");
    let after = after.unwrap_or_default();
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(after).bind(i64::from(limit)).fetch_all(c).await)?)
}

/// Its versions, the latest first; at most `limit`.
pub async fn versions(db: &Db, slug: &str, limit: u32) -> Result<Vec<TemplateRow>> {
    let text = format!("{SELECT} WHERE t.slug = $1 ORDER BY t.version DESC LIMIT $2 + 0");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(slug).bind(i64::from(limit)).fetch_all(c).await)?)
}

row! {
    /// A source that named a template.
    pub struct UseRow {
        pub source: String,
        pub messages: i64,
        pub last_at: Timestamp,
    }
}

/// Sources whose messages named the template since then, the latest first.
pub async fn uses(db: &Db, slug: &str, since: Timestamp) -> Result<Vec<UseRow>> {
    // The index has all of it: no message is read.
    let text = "SELECT s.name AS source, u.messages, u.last_at
         FROM (SELECT source_id, count(*) AS messages, max(created_at) AS last_at FROM message
            WHERE template = $1 AND created_at >= $2 GROUP BY source_id) AS u
         JOIN source s ON s.id = u.source_id ORDER BY u.last_at DESC, s.name";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(slug).bind(since.0).fetch_all(c).await)?)
}

row! {
    /// How much a template is used.
    pub struct UsageRow {
        pub slug: String,
        pub last_at: Option<Timestamp>,
        pub messages: i64,
    }
}

/// Of each template the last message that named it since the first of these times, and how many did since the second, counted
/// up to `most`. `of`: only messages of these departments.
pub async fn usages(
    db: &Db,
    (window, month): (Timestamp, Timestamp),
    of: Option<&[String]>,
    most: u32,
) -> Result<Vec<UsageRow>> {
    let theirs = match of {
        Some(_) => format!("m.department IN {}", db.dialect().text_list("$3")),
        None => "CAST($3 AS text) IS NOT NULL".to_owned(),
    };
    // The index has all of it: no message is read.
    let named = format!("FROM message m WHERE m.template = t.slug AND {theirs} AND m.created_at >=");
    let text = format!(
        "SELECT t.slug, (SELECT max(m.created_at) {named} $1) AS last_at,
            (SELECT count(*) FROM (SELECT 1 {named} $2 LIMIT $4 + 0) AS named) AS messages
         FROM (SELECT DISTINCT slug FROM template) AS t ORDER BY t.slug"
    );
    let of = to_json(of.unwrap_or_default())?;
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(window.0)
            .bind(month.0)
            .bind(of)
            .bind(i64::from(most))
            .fetch_all(c)
            .await
    })?)
}

/// Adds a version.
pub async fn insert(
    tx: &mut Tx,
    template: &TemplateInput,
    version: i64,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    let text = "INSERT INTO template (slug, version, name, content, samples, created_at, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let content = to_json(&template.content)?;
    let samples = to_json(&template.samples)?;
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(&template.slug)
            .bind(version)
            .bind(&template.name)
            .bind(content)
            .bind(samples)
            .bind(now.0)
            .bind(by)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}
