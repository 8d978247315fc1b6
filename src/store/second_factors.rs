//! What operators prove themselves by beside their password: a shared secret, and the codes for when it is lost.

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::OperatorId;

row! {
    pub struct FactorRow {
        /// Sealed.
        pub secret: Vec<u8>,
        pub since: Timestamp,
        /// Recovery codes that are left.
        pub codes: i64,
    }
}

pub async fn find(db: &Db, operator: OperatorId) -> Result<Option<FactorRow>> {
    let text = "SELECT secret, since,
            (SELECT COUNT(*) FROM recovery_code WHERE operator_id = second_factor.operator_id) AS codes
        FROM second_factor WHERE operator_id = $1";
    Ok(in_db!(db, |c| sqlx::query_as::<_, FactorRow>(text).bind(operator.0).fetch_optional(c).await)?)
}

/// Whether there is one, which stays so until the transaction ends.
pub async fn lock(tx: &mut Tx, operator: OperatorId) -> Result<bool> {
    let text = format!(
        "SELECT operator_id FROM second_factor WHERE operator_id = $1{}",
        tx.dialect().lock_content()
    );
    let found: Option<i64> =
        in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(operator.0).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// Sets the secret, of which codes up to `step` are used.
pub async fn set(tx: &mut Tx, operator: OperatorId, secret: &[u8], step: i64, now: Timestamp) -> Result<()> {
    let text = "INSERT INTO second_factor (operator_id, secret, since, last_step) VALUES ($1, $2, $3, $4)
        ON CONFLICT (operator_id) DO UPDATE
        SET secret = excluded.secret, since = excluded.since, last_step = excluded.last_step";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(operator.0).bind(secret).bind(now.0).bind(step).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Uses up a time step of that very secret; false where it, or a later one, is used already.
pub async fn use_step(tx: &mut Tx, operator: OperatorId, secret: &[u8], step: i64) -> Result<bool> {
    let text = "UPDATE second_factor SET last_step = $3
        WHERE operator_id = $1 AND secret = $2 AND last_step < $3";
    let used = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(operator.0)
            .bind(secret)
            .bind(step)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(used > 0)
}

/// Takes it away with its recovery codes; false where there is none.
pub async fn remove(tx: &mut Tx, operator: OperatorId) -> Result<bool> {
    let text = "DELETE FROM second_factor WHERE operator_id = $1";
    let removed = in_tx!(tx, |c| {
        sqlx::query(text).bind(operator.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    let codes = "DELETE FROM recovery_code WHERE operator_id = $1";
    in_tx!(tx, |c| sqlx::query(codes).bind(operator.0).execute(c).await.map(drop))?;
    Ok(removed > 0)
}

/// Sets the recovery codes; those there were are good for nothing any more.
pub async fn set_codes(tx: &mut Tx, operator: OperatorId, hashes: &[[u8; 32]]) -> Result<()> {
    let old = "DELETE FROM recovery_code WHERE operator_id = $1";
    in_tx!(tx, |c| sqlx::query(old).bind(operator.0).execute(c).await.map(drop))?;
    for hash in hashes {
        let text = "INSERT INTO recovery_code (hash, operator_id) VALUES ($1, $2)";
        in_tx!(tx, |c| {
            sqlx::query(text).bind(hash.as_slice()).bind(operator.0).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// Uses a recovery code up; false where it is not one of those that are left.
pub async fn use_code(tx: &mut Tx, operator: OperatorId, hash: &[u8]) -> Result<bool> {
    let text = "DELETE FROM recovery_code WHERE hash = $1 AND operator_id = $2";
    let used = in_tx!(tx, |c| {
        sqlx::query(text).bind(hash).bind(operator.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(used > 0)
}
