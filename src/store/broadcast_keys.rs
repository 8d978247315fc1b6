//! The first answer to every `Idempotency-Key` of a press, so that a call that is repeated after the broadcast has ended
//! does not begin another.

use super::{Db, Tx, in_db, in_tx, row};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{BroadcastId, SourceId};

row! {
    /// A key that is taken.
    pub struct KeyRow {
        pub body_hash: String,
        pub broadcast_id: BroadcastId,
        /// JSON; `None` until the first call is answered.
        pub answer: Option<String>,
    }
}

/// Takes a key; false where it is taken. One that another transaction is taking is waited for.
pub async fn take(
    tx: &mut Tx,
    source: SourceId,
    key: &str,
    body_hash: &str,
    broadcast: BroadcastId,
    at: Timestamp,
) -> Result<bool> {
    let text = "INSERT INTO broadcast_key (source_id, key, body_hash, broadcast_id, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (source_id, key) DO NOTHING";
    let taken = in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(source.0).bind(key).bind(body_hash).bind(broadcast.0).bind(at.0);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(taken > 0)
}

pub async fn find(db: &Db, source: SourceId, key: &str) -> Result<Option<KeyRow>> {
    let text = "SELECT body_hash, broadcast_id, answer FROM broadcast_key WHERE source_id = $1 AND key = $2";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(source.0).bind(key).fetch_optional(c).await)?)
}

/// Keeps what the call with a key was answered.
pub async fn answer(tx: &mut Tx, source: SourceId, key: &str, answer: &str) -> Result<()> {
    let text = "UPDATE broadcast_key SET answer = $3 WHERE source_id = $1 AND key = $2";
    in_tx!(tx, |c| sqlx::query(text).bind(source.0).bind(key).bind(answer).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets keys from before; returns how many.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM broadcast_key WHERE created_at < $1";
    let gone = in_tx!(tx, |c| {
        sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(gone)
}
