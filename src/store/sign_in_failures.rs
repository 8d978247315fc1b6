//! How often signing in failed of late, counted by account and by remote address.

use super::{Tx, in_tx, row};
use crate::Result;
use crate::clock::Timestamp;

row! {
    pub struct FailureRow {
        /// In a row, as far as is remembered.
        pub failures: i64,
        pub last_at: Timestamp,
        /// Nobody may try before.
        pub until: Timestamp,
    }
}

/// The counter of a bucket, made where there is none. Whoever else counts in it waits until this transaction ends.
pub async fn lock(tx: &mut Tx, bucket: &str) -> Result<FailureRow> {
    let text = "INSERT INTO sign_in_failure (bucket, failures, last_at, until) VALUES ($1, 0, 0, 0)
        ON CONFLICT (bucket) DO UPDATE SET bucket = excluded.bucket RETURNING failures, last_at, until";
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, FailureRow>(text).bind(bucket).fetch_one(c).await)?)
}

pub async fn set(tx: &mut Tx, bucket: &str, row: &FailureRow) -> Result<()> {
    let text = "UPDATE sign_in_failure SET failures = $2, last_at = $3, until = $4 WHERE bucket = $1";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(bucket)
            .bind(row.failures)
            .bind(row.last_at.0)
            .bind(row.until.0)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Forgets a bucket's failures.
pub async fn clear(tx: &mut Tx, bucket: &str) -> Result<()> {
    let text = "DELETE FROM sign_in_failure WHERE bucket = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(bucket).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets buckets whose last failure was before that moment.
pub async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM sign_in_failure WHERE last_at < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}
