//! Changes of rights that wait for a second administrator.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{OperatorId, RightsRequestId};
use crate::domain::rights_change::{Effect, RightsChange};

row! {
    pub struct RequestRow {
        pub id: RightsRequestId,
        pub proposed_by: OperatorId,
        pub change: JsonText<RightsChange>,
        /// As it was when it was proposed.
        pub effect: JsonText<Effect>,
        /// Perhaps empty.
        pub reason: String,
        pub proposed_at: Timestamp,
        pub expires_at: Timestamp,
    }
}

const COLUMNS: &str = "id, proposed_by, change, effect, reason, proposed_at, expires_at";

pub async fn insert(
    tx: &mut Tx,
    by: OperatorId,
    change: &RightsChange,
    effect: &Effect,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<RightsRequestId> {
    let text = "INSERT INTO rights_request (proposed_by, change, effect, reason, proposed_at, expires_at)
        VALUES ($1, $2, $3, '', $4, $5) RETURNING id";
    let (change, effect) = (to_json(change)?, to_json(effect)?);
    let id: i64 = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(by.0)
            .bind(change)
            .bind(effect)
            .bind(now.0)
            .bind(expires_at.0)
            .fetch_one(c)
            .await
    })?;
    Ok(RightsRequestId(id))
}

/// Those that wait, the oldest first.
pub async fn list(db: &Db, now: Timestamp) -> Result<Vec<RequestRow>> {
    let text = format!("SELECT {COLUMNS} FROM rights_request WHERE expires_at > $1 ORDER BY proposed_at, id");
    Ok(in_db!(db, |c| sqlx::query_as::<_, RequestRow>(sql(text)).bind(now.0).fetch_all(c).await)?)
}

/// As [`list`], with what this transaction wrote.
pub async fn list_in(tx: &mut Tx, now: Timestamp) -> Result<Vec<RequestRow>> {
    let text = format!("SELECT {COLUMNS} FROM rights_request WHERE expires_at > $1 ORDER BY proposed_at, id");
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, RequestRow>(sql(text)).bind(now.0).fetch_all(c).await)?)
}

/// How many wait that somebody else proposed.
pub async fn count_of_others(db: &Db, who: OperatorId, now: Timestamp) -> Result<i64> {
    let text =
        "SELECT CAST(count(*) AS bigint) FROM rights_request WHERE proposed_by <> $1 AND expires_at > $2";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).bind(who.0).bind(now.0).fetch_one(c).await)?)
}

/// Says why.
pub async fn set_reason(tx: &mut Tx, id: RightsRequestId, reason: &str) -> Result<()> {
    let text = "UPDATE rights_request SET reason = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(reason).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes one that waits away, to be decided: of two who decide at once, one gets it.
pub async fn take(tx: &mut Tx, id: RightsRequestId, now: Timestamp) -> Result<Option<RequestRow>> {
    let text = format!("DELETE FROM rights_request WHERE id = $1 AND expires_at > $2 RETURNING {COLUMNS}");
    Ok(in_tx!(tx, |c| {
        sqlx::query_as::<_, RequestRow>(sql(text)).bind(id.0).bind(now.0).fetch_optional(c).await
    })?)
}

/// Takes away for good what nobody decided in time.
pub async fn purge(tx: &mut Tx, now: Timestamp) -> Result<Vec<RequestRow>> {
    let text = format!("DELETE FROM rights_request WHERE expires_at <= $1 RETURNING {COLUMNS}");
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, RequestRow>(sql(text)).bind(now.0).fetch_all(c).await)?)
}
