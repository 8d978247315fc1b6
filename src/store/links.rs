//! One-time links by which operators choose a password, and the first one sets the installation up.

use super::{Db, Tx, in_db, in_tx, row};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::OperatorId;

row! {
    pub struct LinkRow {
        /// Whose password it sets; nothing: it makes the first operator.
        pub operator_id: Option<OperatorId>,
        pub expires_at: Timestamp,
        pub used_at: Option<Timestamp>,
    }
}

pub async fn insert(
    tx: &mut Tx,
    hash: &[u8],
    operator: Option<OperatorId>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    let text =
        "INSERT INTO operator_link (hash, operator_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(hash)
            .bind(operator.map(|id| id.0))
            .bind(now.0)
            .bind(expires_at.0)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// The link with that hash, also one that opens nothing any more.
pub async fn find(db: &Db, hash: &[u8]) -> Result<Option<LinkRow>> {
    let text = "SELECT operator_id, expires_at, used_at FROM operator_link WHERE hash = $1";
    Ok(in_db!(db, |c| sqlx::query_as::<_, LinkRow>(text).bind(hash).fetch_optional(c).await)?)
}

/// Uses a link up. Of two who try at the same time one is told true; so is nobody once it has expired.
pub async fn use_up(tx: &mut Tx, hash: &[u8], now: Timestamp) -> Result<bool> {
    let text =
        "UPDATE operator_link SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires_at > $2";
    let used = in_tx!(tx, |c| {
        sqlx::query(text).bind(hash).bind(now.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(used > 0)
}

/// Withdraws the links that were made for the operator, or for the first set-up, and not used.
pub async fn withdraw(tx: &mut Tx, operator: Option<OperatorId>) -> Result<()> {
    let text = "DELETE FROM operator_link WHERE used_at IS NULL AND operator_id IS NOT DISTINCT FROM $1";
    in_tx!(tx, |c| sqlx::query(text).bind(operator.map(|id| id.0)).execute(c).await.map(drop))?;
    Ok(())
}

/// Removes links that expired before that moment, used or not.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM operator_link WHERE expires_at < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}
