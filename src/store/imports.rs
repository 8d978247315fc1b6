//! Files of people that were handed in: what each waits for, and how far it has been read.

use serde_json::Value;

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{ImportId, OperatorId};

row! {
    pub struct ImportRow {
        pub id: ImportId,
        /// Who handed it in, and alone sees what is in it.
        pub operator_id: OperatorId,
        pub file_name: String,
        /// A word of the service's.
        pub stage: String,
        pub detail: JsonText<Value>,
        /// Bytes of the table that the pass in hand, or the last one, has read.
        pub position: i64,
        pub size: i64,
        /// How many steps it has taken.
        pub edition: i64,
        /// Its file is removed, with all that was in it.
        pub forgotten: bool,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

const SELECT: &str = "SELECT id, operator_id, file_name, stage, detail, position, size, edition, forgotten,
    created_at, updated_at FROM import";

pub async fn insert(
    tx: &mut Tx,
    operator: OperatorId,
    file_name: &str,
    stage: &str,
    detail: &Value,
    now: Timestamp,
) -> Result<ImportId> {
    let text =
        "INSERT INTO import (operator_id, file_name, stage, detail, position, size, created_at, updated_at)
        VALUES ($1, $2, $3, $4, 0, 0, $5, $5) RETURNING id";
    let id = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(operator.0)
            .bind(file_name)
            .bind(stage)
            .bind(detail.to_string())
            .bind(now.0)
            .fetch_one(c)
            .await
    })?;
    Ok(ImportId(id))
}

pub async fn find(db: &Db, id: ImportId) -> Result<Option<ImportRow>> {
    let text = format!("{SELECT} WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// The latest of an operator.
pub async fn list(db: &Db, operator: OperatorId, limit: u32) -> Result<Vec<ImportRow>> {
    let text = format!("{SELECT} WHERE operator_id = $1 ORDER BY id DESC LIMIT $2 + 0");
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(operator.0).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// Those whose file is kept, whoever handed it in, the one that waits longest first.
pub async fn waiting(db: &Db) -> Result<Vec<ImportRow>> {
    let text = format!("{SELECT} WHERE NOT forgotten ORDER BY updated_at, id");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// Goes on to another step, with what `row` says of its size and whether it is forgotten. False where another step was
/// taken since `row` was read, and nothing was changed.
pub async fn update(
    tx: &mut Tx,
    row: &ImportRow,
    stage: &str,
    detail: &Value,
    now: Timestamp,
) -> Result<bool> {
    let text = "UPDATE import SET stage = $2, detail = $3, position = $4, size = $5, forgotten = $6,
            edition = edition + 1, updated_at = $7
        WHERE id = $1 AND edition = $8";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(row.id.0)
            .bind(stage)
            .bind(detail.to_string())
            .bind(row.position)
            .bind(row.size)
            .bind(row.forgotten)
            .bind(now.0)
            .bind(row.edition)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Notes how far a pass is. False where the import has gone on without it, and nothing was changed.
pub async fn advance(tx: &mut Tx, id: ImportId, edition: i64, position: i64, now: Timestamp) -> Result<bool> {
    let text = "UPDATE import SET position = $3, updated_at = $4 WHERE id = $1 AND edition = $2";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(edition)
            .bind(position)
            .bind(now.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// False where another step was taken since `row` was read, and it stays.
pub async fn delete(tx: &mut Tx, row: &ImportRow) -> Result<bool> {
    let text = "DELETE FROM import WHERE id = $1 AND edition = $2";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text).bind(row.id.0).bind(row.edition).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Removes what is remembered of those that were handed in before `before` and whose file is removed. Returns how many.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM import WHERE forgotten AND created_at < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}
