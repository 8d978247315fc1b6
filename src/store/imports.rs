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
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
    }
}

const SELECT: &str =
    "SELECT id, operator_id, file_name, stage, detail, position, size, created_at, updated_at FROM import";

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

/// Those that nothing has happened to since `before`, the oldest first.
pub async fn left(db: &Db, before: Timestamp, limit: u32) -> Result<Vec<ImportRow>> {
    let text = format!("{SELECT} WHERE updated_at < $1 ORDER BY updated_at LIMIT $2 + 0");
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(before.0).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// What an import goes on with. False where it is no longer as `row` says, and nothing was changed.
pub async fn update(
    tx: &mut Tx,
    row: &ImportRow,
    stage: &str,
    detail: &Value,
    now: Timestamp,
) -> Result<bool> {
    let text = "UPDATE import SET stage = $2, detail = $3, position = $4, size = $5, updated_at = $6
        WHERE id = $1 AND stage = $7";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(row.id.0)
            .bind(stage)
            .bind(detail.to_string())
            .bind(row.position)
            .bind(row.size)
            .bind(now.0)
            .bind(&row.stage)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Notes how far the pass in hand is.
pub async fn advance(tx: &mut Tx, id: ImportId, position: i64, now: Timestamp) -> Result<()> {
    let text = "UPDATE import SET position = $2, updated_at = $3 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(position).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

pub async fn delete(tx: &mut Tx, id: ImportId) -> Result<()> {
    in_tx!(tx, |c| sqlx::query("DELETE FROM import WHERE id = $1").bind(id.0).execute(c).await.map(drop))?;
    Ok(())
}
