//! Which message a source's `dedup_key` stood for last.

use serde_json::json;

use super::dialect::Field;
use super::{Tx, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{MessageId, SourceId};

/// A key about to be taken for a message.
#[derive(Clone, Copy, Debug)]
pub struct NewDedup<'a> {
    pub source: SourceId,
    pub key: &'a str,
    pub message: MessageId,
    pub created_at: Timestamp,
}

row! {
    /// The message a key stands for.
    pub struct DedupRow {
        pub source_id: SourceId,
        pub key: String,
        pub message_id: MessageId,
    }
}

const FIELDS: [(&str, Field); 4] =
    [("source_id", Field::Int), ("key", Field::Text), ("message_id", Field::Int), ("created_at", Field::Int)];

fn wire(keys: &[NewDedup<'_>]) -> String {
    let wire = |new: &NewDedup<'_>| {
        json!({
            "source_id": new.source.0, "key": new.key, "message_id": new.message.0, "created_at": new.created_at.0,
        })
    };
    serde_json::Value::Array(keys.iter().map(wire).collect()).to_string()
}

/// Takes the keys that are free or were last taken before `since`, and then says of every key which message it stands
/// for: a key taken now stands for the message given. The keys of one call differ.
pub async fn take(tx: &mut Tx, keys: &[NewDedup<'_>], since: Timestamp) -> Result<Vec<DedupRow>> {
    let input = wire(keys);
    let rows = tx.dialect().rows("$1", &FIELDS);
    // The `WHERE` after `DO UPDATE` leaves a fresh row as it is; reading afterwards tells who has it.
    let take = format!(
        "INSERT INTO dedup (source_id, key, message_id, created_at)
         SELECT source_id, key, message_id, created_at FROM {rows} AS x WHERE 1 = 1 ORDER BY source_id, key
         ON CONFLICT (source_id, key) DO UPDATE SET message_id = excluded.message_id, created_at = excluded.created_at
         WHERE dedup.created_at < $2"
    );
    let read = format!(
        "SELECT d.source_id, d.key, d.message_id FROM {rows} AS x
         JOIN dedup d ON d.source_id = x.source_id AND d.key = x.key"
    );
    in_tx!(tx, |c| {
        sqlx::query(sql(take)).bind(input.as_str()).bind(since.0).execute(&mut *c).await?;
        Ok(sqlx::query_as::<_, DedupRow>(sql(read)).bind(input.as_str()).fetch_all(c).await?)
    })
}

/// Frees the keys that still stand for the message given.
pub async fn release(tx: &mut Tx, keys: &[NewDedup<'_>]) -> Result<()> {
    let input = wire(keys);
    let rows = tx.dialect().rows("$1", &FIELDS);
    let text = format!(
        "DELETE FROM dedup WHERE (source_id, key, message_id) IN (SELECT source_id, key, message_id FROM {rows} AS x)"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(input).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets keys taken before a moment and says how many.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM dedup WHERE created_at < $1";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected())
    })?)
}
