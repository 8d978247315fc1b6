//! Keys of alarm buttons. Only a keyed hash of one is kept, its last characters, and how far its device has counted.

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{ButtonId, ButtonKeyId};

row! {
    pub struct ButtonKeyRow {
        pub id: ButtonKeyId,
        pub button_id: ButtonId,
        /// The key's last characters.
        pub hint: String,
        pub created_at: Timestamp,
        pub created_by: String,
        pub expires_at: Option<Timestamp>,
        /// The highest number that came with it.
        pub last_seq: Option<i64>,
        pub last_used_at: Option<Timestamp>,
    }
}

const COLUMNS: &str = "id, button_id, hint, created_at, created_by, expires_at, last_seq, last_used_at";

pub async fn insert(
    tx: &mut Tx,
    button: ButtonId,
    hash: &[u8],
    hint: &str,
    by: &str,
    now: Timestamp,
) -> Result<ButtonKeyId> {
    let text = "INSERT INTO button_key (button_id, hash, hint, created_at, created_by) VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let id: i64 = in_tx!(tx, |c| {
        sqlx::query_scalar(text).bind(button.0).bind(hash).bind(hint).bind(now.0).bind(by).fetch_one(c).await
    })?;
    Ok(ButtonKeyId(id))
}

/// The key with that hash, also one that no longer opens anything.
pub async fn find_by_hash(db: &Db, hash: &[u8]) -> Result<Option<ButtonKeyRow>> {
    let text = format!("SELECT {COLUMNS} FROM button_key WHERE hash = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(hash).fetch_optional(c).await)?)
}

/// The hashes of all keys, also of those that no longer open anything.
pub async fn hashes(db: &Db) -> Result<Vec<Vec<u8>>> {
    Ok(in_db!(db, |c| sqlx::query_scalar("SELECT hash FROM button_key").fetch_all(c).await)?)
}

/// The key as it is inside a transaction that holds its button.
pub async fn get(tx: &mut Tx, id: ButtonKeyId) -> Result<Option<ButtonKeyRow>> {
    let text = format!("SELECT {COLUMNS} FROM button_key WHERE id = $1");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Every key the button ever had, the newest first.
pub async fn list(db: &Db, button: ButtonId) -> Result<Vec<ButtonKeyRow>> {
    let text = format!("SELECT {COLUMNS} FROM button_key WHERE button_id = $1 ORDER BY id DESC LIMIT 50");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(button.0).fetch_all(c).await)?)
}

/// Lets every key of the button end at that moment, or earlier where it would anyway.
pub async fn expire(tx: &mut Tx, button: ButtonId, at: Timestamp) -> Result<()> {
    let text = "UPDATE button_key SET expires_at = $2 WHERE button_id = $1 AND (expires_at IS NULL OR expires_at > $2)";
    in_tx!(tx, |c| sqlx::query(text).bind(button.0).bind(at.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Its device has counted so far.
pub async fn advance(tx: &mut Tx, id: ButtonKeyId, seq: i64, now: Timestamp) -> Result<()> {
    let text = "UPDATE button_key SET last_seq = $2, last_used_at = $3 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(seq).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}
