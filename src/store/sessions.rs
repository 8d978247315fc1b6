//! Sessions of browsers. The key is in the browser's cookie alone; a keyed hash of it finds the session here.

use std::collections::HashMap;

use super::{Db, JsonText, Tx, in_db, in_tx, row};
use crate::clock::Timestamp;
use crate::domain::id::OperatorId;
use crate::{Error, Result};

pub type State = HashMap<String, String>;

row! {
    pub struct SessionRow {
        pub operator_id: Option<OperatorId>,
        pub state: JsonText<State>,
        pub created_at: Timestamp,
        pub seen_at: Timestamp,
        pub expires_at: Timestamp,
    }
}

row! {
    /// One of an operator's sessions.
    pub struct ListedRow {
        pub hash: Vec<u8>,
        pub state: JsonText<State>,
        pub created_at: Timestamp,
        pub seen_at: Timestamp,
    }
}

fn text_of(state: &State) -> Result<String> {
    serde_json::to_string(state).map_err(Error::internal)
}

pub async fn insert(
    tx: &mut Tx,
    hash: &[u8],
    operator: Option<OperatorId>,
    state: &State,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    let text = "INSERT INTO session (hash, operator_id, state, created_at, seen_at, expires_at)
        VALUES ($1, $2, $3, $4, $4, $5)";
    let state = text_of(state)?;
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(hash)
            .bind(operator.map(|id| id.0))
            .bind(state)
            .bind(now.0)
            .bind(expires_at.0)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// The session with that hash unless it has expired.
pub async fn find(db: &Db, hash: &[u8], now: Timestamp) -> Result<Option<SessionRow>> {
    let text = "SELECT operator_id, state, created_at, seen_at, expires_at FROM session
        WHERE hash = $1 AND expires_at > $2";
    Ok(in_db!(db, |c| sqlx::query_as::<_, SessionRow>(text).bind(hash).bind(now.0).fetch_optional(c).await)?)
}

/// Replaces what a session holds. Nothing happens where it is gone: what was ended stays ended.
pub async fn update(tx: &mut Tx, hash: &[u8], operator: Option<OperatorId>, state: &State) -> Result<()> {
    let text = "UPDATE session SET operator_id = $2, state = $3 WHERE hash = $1";
    let state = text_of(state)?;
    in_tx!(tx, |c| {
        sqlx::query(text).bind(hash).bind(operator.map(|id| id.0)).bind(state).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Notes that a session is in use and when it ends now.
pub async fn touch(tx: &mut Tx, hash: &[u8], now: Timestamp, expires_at: Timestamp) -> Result<()> {
    let text = "UPDATE session SET seen_at = $2, expires_at = $3 WHERE hash = $1 AND expires_at > $2";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(hash).bind(now.0).bind(expires_at.0).execute(c).await.map(drop)
    })?;
    Ok(())
}

pub async fn delete(tx: &mut Tx, hash: &[u8]) -> Result<()> {
    in_tx!(tx, |c| sqlx::query("DELETE FROM session WHERE hash = $1").bind(hash).execute(c).await.map(drop))?;
    Ok(())
}

/// What an operator's sessions hold, as this transaction sees them.
pub async fn states_of(tx: &mut Tx, operator: OperatorId, now: Timestamp) -> Result<Vec<State>> {
    let text = "SELECT state FROM session WHERE operator_id = $1 AND expires_at > $2";
    let texts: Vec<String> =
        in_tx!(tx, |c| sqlx::query_scalar(text).bind(operator.0).bind(now.0).fetch_all(c).await)?;
    texts.iter().map(|text| serde_json::from_str(text).map_err(Error::internal)).collect()
}

/// An operator's sessions, those used last first.
pub async fn list_of(db: &Db, operator: OperatorId, now: Timestamp) -> Result<Vec<ListedRow>> {
    let text = "SELECT hash, state, created_at, seen_at FROM session
        WHERE operator_id = $1 AND expires_at > $2 ORDER BY seen_at DESC, created_at DESC";
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, ListedRow>(text).bind(operator.0).bind(now.0).fetch_all(c).await
    })?)
}

/// Ends every session of an operator and says how many there were.
pub async fn delete_all_of(tx: &mut Tx, operator: OperatorId) -> Result<u64> {
    let text = "DELETE FROM session WHERE operator_id = $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(operator.0).execute(c).await.map(|done| done.rows_affected()))?)
}

/// Removes sessions that have expired.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let text = "DELETE FROM session WHERE expires_at <= $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(now.0).execute(c).await.map(|done| done.rows_affected()))?)
}
