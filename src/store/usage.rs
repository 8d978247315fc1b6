//! How many live messages each source has had accepted per campus day.

use serde_json::json;

use super::dialect::Field;
use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::SourceId;

row! {
    /// A source's count of one day.
    pub struct UsageRow {
        pub source_id: SourceId,
        pub messages: i64,
    }
}

/// Adds to the counts of a campus day (`YYYY-MM-DD`) and gives what they are then. A negative number takes back.
/// Sources of one call are counted in order, so that no two calls wait for one another; a batch makes one for sources with a
/// quota and one for the rest.
pub async fn add(
    tx: &mut Tx,
    day: &str,
    counts: &[(SourceId, i64)],
    now: Timestamp,
) -> Result<Vec<UsageRow>> {
    let rows = tx.dialect().rows("$2", &[("source_id", Field::Int), ("messages", Field::Int)]);
    let text = format!(
        "INSERT INTO source_usage (source_id, day, messages, last_at)
         SELECT source_id, $1, messages, $3 FROM {rows} AS x WHERE 1 = 1 ORDER BY source_id
         ON CONFLICT (source_id, day) DO UPDATE SET messages = source_usage.messages + excluded.messages,
            last_at = CASE WHEN excluded.messages > 0 THEN excluded.last_at ELSE source_usage.last_at END
         RETURNING source_id, messages"
    );
    let wire: Vec<_> = counts.iter().map(|(id, n)| json!({ "source_id": id.0, "messages": n })).collect();
    let input = serde_json::Value::Array(wire).to_string();
    Ok(in_tx!(tx, |c| {
        sqlx::query_as::<_, UsageRow>(sql(text)).bind(day).bind(input).bind(now.0).fetch_all(c).await
    })?)
}

row! {
    /// A source that has a daily limit and used much of it.
    pub struct NearRow {
        pub id: SourceId,
        pub name: String,
        pub messages: i64,
        pub daily: i64,
    }
}

/// The sources that used at least that share of what they may send on a campus day.
pub async fn near(db: &Db, day: &str, percent: u32) -> Result<Vec<NearRow>> {
    let text = "SELECT s.id, s.name, u.messages, s.daily_messages AS daily
        FROM source s JOIN source_usage u ON u.source_id = s.id AND u.day = $1
        WHERE s.disabled_at IS NULL AND s.daily_messages IS NOT NULL AND u.messages > 0
          AND u.messages * 100 >= s.daily_messages * $2 ORDER BY s.id";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(day).bind(i64::from(percent)).fetch_all(c).await)?)
}
