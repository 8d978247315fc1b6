//! What was counted at the beginning of each minute, so that rates need not be counted over anything that grows.

use serde_json::json;

use super::dialect::Field;
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;

row! {
    /// The counts of a campus day so far.
    pub struct PulseRow {
        pub at: Timestamp,
        /// [`ChannelKind::code`](crate::domain::channel::ChannelKind::code); 0: messages accepted.
        pub channel: i64,
        pub day: String,
        pub done: i64,
        pub failed: i64,
    }
}

/// Keeps the counts of a moment; one that is there stays.
pub async fn insert(tx: &mut Tx, rows: &[PulseRow]) -> Result<()> {
    let fields = [
        ("at", Field::Int),
        ("channel", Field::Int),
        ("day", Field::Text),
        ("done", Field::Int),
        ("failed", Field::Int),
    ];
    let text = format!(
        "INSERT INTO pulse (at, channel, day, done, failed)
         SELECT at, channel, day, done, failed FROM {} AS x WHERE 1 = 1 ORDER BY at, channel
         ON CONFLICT (at, channel) DO NOTHING",
        tx.dialect().rows("$1", &fields)
    );
    let wire = |row: &PulseRow| json!({ "at": row.at.0, "channel": row.channel, "day": row.day, "done": row.done, "failed": row.failed });
    let input = to_json(&rows.iter().map(wire).collect::<Vec<_>>())?;
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(input).execute(c).await.map(drop))?;
    Ok(())
}

/// The counts of the last moment that is not after `at`, nor before `since`.
pub async fn at(db: &Db, since: Timestamp, at: Timestamp) -> Result<Vec<PulseRow>> {
    let text = "SELECT at, channel, day, done, failed FROM pulse
        WHERE at = (SELECT max(at) FROM pulse WHERE at <= $1 AND at >= $2) ORDER BY channel";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(at.0).bind(since.0).fetch_all(c).await)?)
}

/// The counts of the first moment from `since` on.
pub async fn first(db: &Db, since: Timestamp) -> Result<Vec<PulseRow>> {
    let text = "SELECT at, channel, day, done, failed FROM pulse
        WHERE at = (SELECT min(at) FROM pulse WHERE at >= $1) ORDER BY channel";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(since.0).fetch_all(c).await)?)
}

/// Forgets what was counted before `before`, or after `now`: before the clock was set back.
pub async fn prune(tx: &mut Tx, before: Timestamp, now: Timestamp) -> Result<u64> {
    let text = "DELETE FROM pulse WHERE at < $1 OR at > $2";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text).bind(before.0).bind(now.0).execute(c).await.map(|d| d.rows_affected())
    })?)
}
