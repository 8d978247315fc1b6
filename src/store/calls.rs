//! What sources called lately, and how often.

use serde::Serialize;

use super::dialect::Field;
use super::messages::int_array;
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::SourceId;

/// A call and its answer, to be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    pub source_id: i64,
    pub at: i64,
    /// As much of its key as may be shown.
    pub key_hint: String,
    /// Of the system that called.
    pub address: String,
    pub method: String,
    /// The pattern of its path, which holds nobody's id.
    pub route: String,
    pub status: i64,
    pub refused: bool,
    /// The problem's.
    pub code: Option<String>,
    /// Of the problem's first fault.
    pub pointer: Option<String>,
    pub detail: Option<String>,
    pub micros: i64,
    pub request_id: String,
}

row! {
    pub struct CallRow {
        pub at: Timestamp,
        pub key_hint: String,
        pub address: String,
        pub method: String,
        pub route: String,
        pub status: i64,
        pub code: Option<String>,
        pub pointer: Option<String>,
        pub detail: Option<String>,
        pub micros: i64,
        pub request_id: String,
    }
}

/// How many calls a source made in a quarter of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quarter {
    pub source_id: i64,
    /// When it began.
    pub quarter: i64,
    pub calls: i64,
    pub refused: i64,
    /// Of the refused: from an address that may not.
    pub strangers: i64,
}

row! {
    /// A source's calls over some time.
    pub struct TotalRow {
        pub source_id: SourceId,
        pub calls: i64,
        pub refused: i64,
        pub strangers: i64,
    }
}

/// Keeps calls.
pub async fn insert(tx: &mut Tx, calls: &[Call]) -> Result<()> {
    let fields = [
        ("source_id", Field::Int),
        ("at", Field::Int),
        ("key_hint", Field::Text),
        ("address", Field::Text),
        ("method", Field::Text),
        ("route", Field::Text),
        ("status", Field::Int),
        ("refused", Field::Bool),
        ("code", Field::Text),
        ("pointer", Field::Text),
        ("detail", Field::Text),
        ("micros", Field::Int),
        ("request_id", Field::Text),
    ];
    let columns = fields.map(|(name, _)| name).join(", ");
    let rows = tx.dialect().rows("$1", &fields);
    let text = format!(
        "INSERT INTO source_call ({columns}) SELECT {columns} FROM {rows} AS x WHERE 1 = 1 ORDER BY at"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(calls)?).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets all but the latest `keep` of these sources' calls that were taken, and as many that were refused.
pub async fn trim(tx: &mut Tx, sources: &[SourceId], keep: u32) -> Result<u64> {
    let list = tx.dialect().int_list("$1");
    let text = format!(
        "DELETE FROM source_call WHERE id IN (SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY source_id, refused ORDER BY at DESC, id DESC) AS place
            FROM source_call WHERE source_id IN {list}) AS x WHERE place > $2)"
    );
    let sources = int_array(sources.iter().map(|id| id.0));
    Ok(in_tx!(tx, |c| {
        let query = sqlx::query(sql(text)).bind(sources).bind(i64::from(keep));
        query.execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// The source's latest calls, the latest first; those that were refused, or all.
pub async fn list(db: &Db, source: SourceId, only_refused: bool, limit: u32) -> Result<Vec<CallRow>> {
    let refused = if only_refused { " AND refused" } else { "" };
    let text = format!(
        "SELECT at, key_hint, address, method, route, status, code, pointer, detail, micros, request_id
         FROM source_call WHERE source_id = $1{refused} ORDER BY at DESC, id DESC LIMIT $2 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(source.0).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// Adds to the counts, sources in order, so that two nodes never wait for one another.
pub async fn count(tx: &mut Tx, quarters: &[Quarter]) -> Result<()> {
    let fields = ["source_id", "quarter", "calls", "refused", "strangers"];
    let columns = fields.join(", ");
    let rows = tx.dialect().rows("$1", &fields.map(|name| (name, Field::Int)));
    let text = format!(
        "INSERT INTO source_quarter ({columns}) SELECT {columns} FROM {rows} AS x WHERE 1 = 1
         ORDER BY source_id, quarter
         ON CONFLICT (source_id, quarter) DO UPDATE SET calls = source_quarter.calls + excluded.calls,
            refused = source_quarter.refused + excluded.refused,
            strangers = source_quarter.strangers + excluded.strangers"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(quarters)?).execute(c).await.map(drop))?;
    Ok(())
}

/// What each source called in the quarters that began from then on. One that called nothing is not listed.
pub async fn totals(db: &Db, since: Timestamp) -> Result<Vec<TotalRow>> {
    let sum = |name: &str| format!("CAST(sum({name}) AS bigint) AS {name}");
    let text = format!(
        "SELECT source_id, {}, {}, {} FROM source_quarter WHERE quarter >= $1 GROUP BY source_id",
        sum("calls"),
        sum("refused"),
        sum("strangers")
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(since.0).fetch_all(c).await)?)
}

/// Forgets the counts of quarters that began before `before`.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM source_quarter WHERE quarter < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}
