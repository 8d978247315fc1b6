//! The processes on this store, and what the store says of itself.

use super::{Db, Dialect, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::node::NodeFacts;

row! {
    pub struct NodeRow {
        pub id: i64,
        pub facts: JsonText<NodeFacts>,
        pub seen_at: Timestamp,
    }
}

row! {
    /// A step of the schema. Its name is followed by what it needs of a program, where it says so.
    pub struct StepRow {
        pub version: i64,
        pub name: String,
    }
}

/// A process says that it is there.
pub async fn beat(tx: &mut Tx, id: i64, facts: &NodeFacts, now: Timestamp) -> Result<()> {
    let text = "INSERT INTO node (id, facts, seen_at) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET facts = excluded.facts, seen_at = excluded.seen_at";
    let facts = to_json(facts)?;
    in_tx!(tx, |c| sqlx::query(text).bind(id).bind(facts).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Those seen from `since` on, the latest to start last.
pub async fn list(db: &Db, since: Timestamp) -> Result<Vec<NodeRow>> {
    let text = "SELECT id, facts, seen_at FROM node WHERE seen_at >= $1 ORDER BY id";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(since.0).fetch_all(c).await)?)
}

/// Forgets those not seen since `before`.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM node WHERE seen_at < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|d| d.rows_affected()))?)
}

/// What the database's own clock says; nothing where it is in this process and has none.
pub async fn database_clock(db: &Db) -> Result<Option<Timestamp>> {
    match db {
        Db::Sqlite { .. } => Ok(None),
        Db::Postgres(pool) => {
            let text = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)";
            let now: i64 = sqlx::query_scalar(text).fetch_one(pool).await?;
            Ok(Some(Timestamp(now)))
        }
    }
}

/// Bytes that the store takes, as far as it says so itself.
pub async fn size(db: &Db) -> Result<i64> {
    let text = match db.dialect() {
        Dialect::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        Dialect::Postgres => "SELECT pg_database_size(current_database())",
    };
    Ok(in_db!(db, |c| sqlx::query_scalar(text).fetch_one(c).await)?)
}

/// The steps of the schema that were taken, in their order.
pub async fn steps(db: &Db) -> Result<Vec<StepRow>> {
    let text = "SELECT version, description AS name FROM _sqlx_migrations ORDER BY version";
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}
