//! Which campus id an operator may sign in with.

use super::{Db, Tx, in_db, in_tx};
use crate::Result;
use crate::domain::id::OperatorId;

/// Whose campus id it is.
pub async fn find(db: &Db, campus_id: &str) -> Result<Option<OperatorId>> {
    let text = "SELECT id FROM operator WHERE campus_id = $1";
    let id: Option<i64> = in_db!(db, |c| sqlx::query_scalar(text).bind(campus_id).fetch_optional(c).await)?;
    Ok(id.map(OperatorId))
}

pub async fn of(db: &Db, operator: OperatorId) -> Result<Option<String>> {
    let text = "SELECT campus_id FROM operator WHERE id = $1";
    let found: Option<Option<String>> =
        in_db!(db, |c| sqlx::query_scalar(text).bind(operator.0).fetch_optional(c).await)?;
    Ok(found.flatten())
}

/// Sets it, or takes it away; false where it is another's.
pub async fn set(tx: &mut Tx, operator: OperatorId, campus_id: Option<&str>) -> Result<bool> {
    let text = "UPDATE operator SET campus_id = $2 WHERE id = $1
        AND NOT EXISTS (SELECT 1 FROM operator other WHERE other.campus_id = $2 AND other.id <> $1)";
    let set = in_tx!(tx, |c| {
        sqlx::query(text).bind(operator.0).bind(campus_id).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(set > 0)
}

/// Nobody signs in with that campus id any more.
pub async fn forget(tx: &mut Tx, campus_id: &str) -> Result<()> {
    let text = "UPDATE operator SET campus_id = NULL WHERE campus_id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(campus_id).execute(c).await.map(drop))?;
    Ok(())
}
