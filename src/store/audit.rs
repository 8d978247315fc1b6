//! Who did what, in order. Rows are added and never changed.

use serde_json::Value;

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;

row! {
    /// One act of an administrator, or one attempt at it.
    pub struct AuditRow {
        /// Rises with time; lists are continued from it.
        pub id: i64,
        pub at: Timestamp,
        /// Who: an operator by name and address, a source or a command by name.
        pub actor: String,
        /// `object.verb`, such as `source.create`.
        pub action: String,
        /// What it was done to: an id, or what else identifies it.
        pub object: String,
        /// A JSON object; never holds a secret.
        pub detail: JsonText<Value>,
    }
}

/// What to list; everything where a field is empty.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// What the action starts with, such as `source.`.
    pub action: Option<String>,
    pub object: Option<String>,
    /// Part of the actor's name or address.
    pub actor: Option<String>,
    /// Part of the actor, the object or the detail.
    pub q: Option<String>,
    /// As `q`, of the detail alone: either is enough.
    pub mark: Option<String>,
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// Adds an act, in the transaction that does it: neither is there without the other.
pub async fn append(
    tx: &mut Tx,
    at: Timestamp,
    actor: &str,
    action: &str,
    object: &str,
    detail: &Value,
) -> Result<()> {
    let text = "INSERT INTO audit (at, actor, action, object, detail) VALUES ($1, $2, $3, $4, $5)";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(at.0)
            .bind(actor)
            .bind(action)
            .bind(object)
            .bind(detail.to_string())
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// The latest acts, newest first, older than the one with the id `before`.
pub async fn list(db: &Db, filter: &AuditFilter, before: Option<i64>, limit: u32) -> Result<Vec<AuditRow>> {
    let contains = |column, param| db.dialect().contains(column, param);
    let text = format!(
        "SELECT id, at, actor, action, object, detail FROM audit
         WHERE id < $1
           AND ($2 = '' OR substr(action, 1, length($2)) = $2)
           AND ($3 = '' OR object = $3)
           AND ($4 = '' OR {actor})
           AND ($6 = '' OR {any} OR ($9 <> '' AND {marked}))
           AND at >= $7 AND at < $8
         ORDER BY id DESC LIMIT $5 + 0",
        actor = contains("actor", "$4"),
        marked = db.dialect().holds("detail", "$9"),
        any = ["actor", "object", "detail"].map(|column| contains(column, "$6")).join(" OR "),
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, AuditRow>(sql(text))
            .bind(before.unwrap_or(i64::MAX))
            .bind(filter.action.as_deref().unwrap_or_default())
            .bind(filter.object.as_deref().unwrap_or_default())
            .bind(filter.actor.as_deref().unwrap_or_default())
            .bind(i64::from(limit))
            .bind(filter.q.as_deref().unwrap_or_default())
            .bind(filter.since.map_or(i64::MIN, |at| at.0))
            .bind(filter.until.map_or(i64::MAX, |at| at.0))
            .bind(filter.mark.as_deref().unwrap_or_default())
            .fetch_all(c)
            .await
    })?)
}
