//! The campus's policy, a version after another.

use super::{Db, Dialect, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::policy::Policy;

row! {
    /// The policy as it was at some time.
    pub struct VersionRow {
        /// From 1; the latest is in force.
        pub number: i64,
        pub created_at: Timestamp,
        pub created_by: String,
        /// What the change was about; perhaps empty.
        pub note: String,
        pub policy: JsonText<Policy>,
    }
}

const SELECT: &str =
    "SELECT number, created_at, created_by, note, policy FROM policy_version ORDER BY number DESC LIMIT 1";

/// The version in force.
pub async fn find(db: &Db) -> Result<Option<VersionRow>> {
    Ok(in_db!(db, |c| sqlx::query_as(SELECT).fetch_optional(c).await)?)
}

/// The latest versions, newest first.
pub async fn list(db: &Db, limit: u32) -> Result<Vec<VersionRow>> {
    let text = "SELECT number, created_at, created_by, note, policy FROM policy_version
        ORDER BY number DESC LIMIT $1 + 0";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(i64::from(limit)).fetch_all(c).await)?)
}

/// The version in force, and nobody else adds one until the transaction ends.
pub async fn lock(tx: &mut Tx) -> Result<Option<VersionRow>> {
    if tx.dialect() == Dialect::Postgres {
        let text = "LOCK TABLE policy_version IN SHARE ROW EXCLUSIVE MODE";
        in_tx!(tx, |c| sqlx::query(text).execute(c).await.map(drop))?;
    }
    Ok(in_tx!(tx, |c| sqlx::query_as(SELECT).fetch_optional(c).await)?)
}

/// Adds a version, which is in force from the commit on.
pub async fn insert(
    tx: &mut Tx,
    number: i64,
    policy: &Policy,
    note: &str,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    let text = "INSERT INTO policy_version (number, created_at, created_by, note, policy)
        VALUES ($1, $2, $3, $4, $5)";
    let policy = to_json(policy)?;
    in_tx!(tx, |c| {
        let query = sqlx::query(sql(text)).bind(number).bind(now.0).bind(by).bind(note).bind(policy);
        query.execute(c).await.map(drop)
    })?;
    Ok(())
}
