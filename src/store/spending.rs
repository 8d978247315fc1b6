//! How many SMS segments providers took, by month and by the department whose messages they were.

use std::collections::BTreeMap;

use serde_json::json;

use super::dialect::Field;
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::domain::id::{MessageId, ProviderId};

row! {
    /// What a provider took for a department; empty: for messages of none.
    pub struct SpentRow {
        pub department: String,
        pub provider_id: ProviderId,
        pub segments: i64,
    }
}

/// Counts segments, by message and provider, in a month such as `2026-11`.
pub async fn add(tx: &mut Tx, month: &str, segments: &BTreeMap<(MessageId, ProviderId), i64>) -> Result<()> {
    if segments.is_empty() {
        return Ok(());
    }
    let input: Vec<_> = segments
        .iter()
        .map(|((message, provider), n)| json!({"message_id": message.0, "provider_id": provider.0, "n": n}))
        .collect();
    let fields = [("message_id", Field::Int), ("provider_id", Field::Int), ("n", Field::Int)];
    let text = format!(
        "INSERT INTO sms_month (month, department, provider_id, segments)
         SELECT $2, COALESCE(m.department, ''), x.provider_id, CAST(sum(x.n) AS bigint)
         FROM {rows} AS x JOIN message m ON m.id = x.message_id
         WHERE 1 = 1 GROUP BY COALESCE(m.department, ''), x.provider_id ORDER BY 2, 3
         ON CONFLICT (month, department, provider_id) DO UPDATE SET segments = sms_month.segments + excluded.segments",
        rows = tx.dialect().rows("$1", &fields)
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(&input)?).bind(month).execute(c).await.map(drop))?;
    Ok(())
}

/// What was taken in a month, by department and provider.
pub async fn spent(db: &Db, month: &str) -> Result<Vec<SpentRow>> {
    let text = "SELECT department, provider_id, segments FROM sms_month WHERE month = $1
        ORDER BY department, provider_id";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(month).fetch_all(c).await)?)
}
