//! How many live messages each source has had accepted per campus day.

use serde_json::json;

use super::dialect::Field;
use super::{Tx, in_tx, row, sql};
use crate::Result;
use crate::domain::id::SourceId;

row! {
    /// A source's count of one day.
    pub struct UsageRow {
        pub source_id: SourceId,
        pub messages: i64,
    }
}

/// Adds to the counts of a campus day (`YYYY-MM-DD`) and gives what they are then. A negative number takes back.
/// Sources are counted in order, so that two nodes never wait for one another.
pub async fn add(tx: &mut Tx, day: &str, counts: &[(SourceId, i64)]) -> Result<Vec<UsageRow>> {
    let rows = tx.dialect().rows("$2", &[("source_id", Field::Int), ("messages", Field::Int)]);
    let text = format!(
        "INSERT INTO source_usage (source_id, day, messages)
         SELECT source_id, $1, messages FROM {rows} AS x WHERE 1 = 1 ORDER BY source_id
         ON CONFLICT (source_id, day) DO UPDATE SET messages = source_usage.messages + excluded.messages
         RETURNING source_id, messages"
    );
    let wire: Vec<_> = counts.iter().map(|(id, n)| json!({ "source_id": id.0, "messages": n })).collect();
    let input = serde_json::Value::Array(wire).to_string();
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, UsageRow>(sql(text)).bind(day).bind(input).fetch_all(c).await)?)
}
