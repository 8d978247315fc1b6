//! What the installation remembers about itself, by name.

use super::{Db, Tx, in_db, in_tx};
use crate::Result;
use crate::clock::Timestamp;

/// The next number of a series that every process on this store draws from: 1, 2, …
pub async fn next_number(tx: &mut Tx, name: &str) -> Result<i64> {
    let text = "INSERT INTO setting (name, value) VALUES ($1, '1')
                ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(setting.value AS bigint) + 1 AS text)
                RETURNING CAST(value AS bigint)";
    Ok(in_tx!(tx, |c| sqlx::query_scalar(text).bind(name).fetch_one(c).await)?)
}

/// A document that the administrators keep, as JSON. One that was locked and never written is none.
pub async fn find(db: &Db, name: &str) -> Result<Option<String>> {
    let text = "SELECT value FROM setting WHERE name = $1 AND value <> ''";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).bind(name).fetch_optional(c).await)?)
}

/// As [`find`], and nobody else changes it until the transaction ends.
pub async fn lock(tx: &mut Tx, name: &str) -> Result<Option<String>> {
    // One that is not there yet cannot be locked: it is put there, and read as none.
    let text = "INSERT INTO setting (name, value) VALUES ($1, '')
                ON CONFLICT (name) DO UPDATE SET value = setting.value RETURNING value";
    let value: String = in_tx!(tx, |c| sqlx::query_scalar(text).bind(name).fetch_one(c).await)?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// Writes the document that [`lock`] gave.
pub async fn set(tx: &mut Tx, name: &str, value: &str) -> Result<()> {
    let text = "UPDATE setting SET value = $2 WHERE name = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(name).bind(value).execute(c).await.map(drop))?;
    Ok(())
}

/// Whether it is this caller's turn at something that any process may do, each so many milliseconds. A turn that lies in
/// the future was taken before the clock was set back, and counts for nothing.
pub async fn take_turn(tx: &mut Tx, name: &str, now: Timestamp, every_ms: i64) -> Result<bool> {
    let text = "INSERT INTO setting (name, value) VALUES ($1, CAST(CAST($2 AS bigint) AS text))
                ON CONFLICT (name) DO UPDATE SET value = excluded.value
                WHERE CAST(setting.value AS bigint) <= CAST($2 AS bigint) - $3
                    OR CAST(setting.value AS bigint) > CAST($2 AS bigint)
                RETURNING name";
    let taken: Option<String> = in_tx!(tx, |c| {
        sqlx::query_scalar(text).bind(name).bind(now.0).bind(every_ms).fetch_optional(c).await
    })?;
    Ok(taken.is_some())
}
