//! Messages that operators are writing.

use serde_json::Value;

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{DraftId, MessageId, OperatorId};

row! {
    pub struct DraftRow {
        pub id: DraftId,
        /// Who writes it, and alone sees it.
        pub operator_id: OperatorId,
        pub version: i64,
        /// A form of the service's.
        pub content: JsonText<Value>,
        /// What it was sent as.
        pub message_id: Option<MessageId>,
        pub updated_at: Timestamp,
    }
}

const SELECT: &str = "SELECT id, operator_id, version, content, message_id, updated_at FROM draft";

pub async fn insert(tx: &mut Tx, operator: OperatorId, content: &Value, now: Timestamp) -> Result<DraftId> {
    let text = "INSERT INTO draft (operator_id, version, content, created_at, updated_at)
        VALUES ($1, 1, $2, $3, $3) RETURNING id";
    let id = in_tx!(tx, |c| {
        sqlx::query_scalar(text).bind(operator.0).bind(content.to_string()).bind(now.0).fetch_one(c).await
    })?;
    Ok(DraftId(id))
}

pub async fn find(db: &Db, id: DraftId) -> Result<Option<DraftRow>> {
    let text = format!("{SELECT} WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// An operator's own that are not sent, the latest first.
pub async fn list(db: &Db, operator: OperatorId, limit: u32) -> Result<Vec<DraftRow>> {
    let text = format!(
        "{SELECT} WHERE operator_id = $1 AND message_id IS NULL ORDER BY updated_at DESC, id DESC LIMIT $2 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(operator.0).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// False where it was sent or is no longer at that version, and nothing was changed.
pub async fn update(tx: &mut Tx, id: DraftId, version: i64, content: &Value, now: Timestamp) -> Result<bool> {
    let text = "UPDATE draft SET content = $3, version = version + 1, updated_at = $4
        WHERE id = $1 AND version = $2 AND message_id IS NULL";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(version)
            .bind(content.to_string())
            .bind(now.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Notes what it was sent as.
pub async fn close(tx: &mut Tx, id: DraftId, message: MessageId) -> Result<()> {
    let text = "UPDATE draft SET message_id = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(message.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Throws one away that is not sent.
pub async fn delete(tx: &mut Tx, id: DraftId) -> Result<()> {
    let text = "DELETE FROM draft WHERE id = $1 AND message_id IS NULL";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets those that were sent and those that nobody has touched, each if it was last changed before its time. Says how
/// many.
pub async fn prune(tx: &mut Tx, sent: Timestamp, left: Timestamp) -> Result<u64> {
    let text = "DELETE FROM draft WHERE updated_at < $1 AND (message_id IS NOT NULL OR updated_at < $2)";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text).bind(sent.0).bind(left.0).execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// Drafts, sent or not, whose form has that text in it.
pub async fn naming(db: &Db, text: &str) -> Result<Vec<DraftRow>> {
    let like = format!("{SELECT} WHERE content LIKE $1 ESCAPE '!' ORDER BY id");
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    Ok(in_db!(db, |c| sqlx::query_as(sql(like)).bind(format!("%{escaped}%")).fetch_all(c).await)?)
}

/// Writes a form anew, sent or not, as if nobody had touched it. False where it is no longer at that version, and nothing
/// was changed.
pub async fn rewrite(tx: &mut Tx, id: DraftId, version: i64, content: &Value) -> Result<bool> {
    let text = "UPDATE draft SET content = $3, version = version + 1 WHERE id = $1 AND version = $2";
    let changed = in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(id.0).bind(version).bind(content.to_string());
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}
