//! How many deliveries providers took, or may have, on their vendors' days.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::dialect::Field;
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::domain::id::ProviderId;

row! {
    struct UsedRow {
        provider_id: ProviderId,
        n: i64,
    }
}

/// Counts what providers took on their vendors' days. One that is gone counts nothing.
pub async fn add(tx: &mut Tx, n: &BTreeMap<(i64, String), i64>) -> Result<()> {
    if n.is_empty() {
        return Ok(());
    }
    let input: Vec<_> =
        n.iter().map(|((provider, day), n)| json!({"provider_id": provider, "day": day, "n": n})).collect();
    let rows =
        tx.dialect().rows("$1", &[("provider_id", Field::Int), ("day", Field::Text), ("n", Field::Int)]);
    let text = format!(
        "INSERT INTO provider_day (provider_id, day, n)
         SELECT x.provider_id, x.day, x.n FROM {rows} AS x JOIN provider p ON p.id = x.provider_id
         ORDER BY x.provider_id, x.day
         ON CONFLICT (provider_id, day) DO UPDATE SET n = provider_day.n + excluded.n"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(&input)?).execute(c).await.map(drop))?;
    Ok(())
}

/// What was used on the day; a provider that took nothing is not listed.
pub async fn used(db: &Db, day: &str) -> Result<HashMap<ProviderId, i64>> {
    let text = "SELECT provider_id, n FROM provider_day WHERE day = $1";
    let rows: Vec<UsedRow> = in_db!(db, |c| sqlx::query_as(text).bind(day).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| (row.provider_id, row.n)).collect())
}

/// Forgets the days before `day`.
pub async fn prune(tx: &mut Tx, day: &str) -> Result<u64> {
    let text = "DELETE FROM provider_day WHERE day < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(day).execute(c).await.map(|done| done.rows_affected()))?)
}
