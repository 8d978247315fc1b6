//! By what texts that may be alike are found.

use serde_json::json;

use super::dialect::Field;
use super::{Dialect, JsonText, Tx, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::MessageId;
use crate::domain::likeness::Print;
use crate::domain::message::Wording;

/// Messages of one text that are looked at, the latest.
const MOST_ALIKE: i64 = 50;
/// Messages of other texts that are compared.
const MOST_SIMILAR: i64 = 20;

row! {
    struct OneId {
        id: MessageId,
    }
}

row! {
    /// A message whose text may be alike.
    pub struct AlikeRow {
        pub id: MessageId,
        /// Who sent it; none where an operator did.
        pub source_name: Option<String>,
        pub content: JsonText<Wording>,
    }
}

const BANDS: [(&str, Field); 2] = [("band", Field::Int), ("value", Field::Int)];

fn wire(print: &[i64], first: usize) -> Result<String> {
    let bands: Vec<_> =
        print.iter().zip(first..).map(|(value, band)| json!({"band": band, "value": value})).collect();
    to_json(&bands)
}

/// Nobody else looks for texts until the transaction ends: of two messages at once, one sees the other.
pub async fn lock(tx: &mut Tx) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        let text = "LOCK TABLE message_print IN SHARE ROW EXCLUSIVE MODE";
        in_tx!(tx, |c| sqlx::query(text).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Remembers a message's text.
pub async fn insert(tx: &mut Tx, message: MessageId, print: &Print, now: Timestamp) -> Result<()> {
    let text = format!(
        "INSERT INTO message_print (band, value, message_id, created_at)
         SELECT x.band, x.value, $2, $3 FROM {rows} AS x WHERE 1 = 1 ON CONFLICT DO NOTHING",
        rows = tx.dialect().rows("$1", &BANDS)
    );
    let print = wire(print, 0)?;
    in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(print).bind(message.0).bind(now.0).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// The latest messages since then, other than `message`, that are or were sent and said the same.
pub async fn same(
    tx: &mut Tx,
    message: MessageId,
    print: &Print,
    since: Timestamp,
) -> Result<Vec<MessageId>> {
    let text = "SELECT p.message_id AS id FROM message_print p JOIN message m ON m.id = p.message_id
        WHERE p.band = 0 AND p.value = $1 AND p.message_id <> $2 AND p.created_at >= $3 AND m.status IN (2, 3, 4)
        ORDER BY p.message_id DESC LIMIT $4 + 0";
    let rows: Vec<OneId> = in_tx!(tx, |c| {
        let query = sqlx::query_as(text).bind(print[0]).bind(message.0).bind(since.0).bind(MOST_ALIKE);
        query.fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The latest messages since then, other than `message`, that are or were sent and may have said almost the same.
pub async fn similar(
    tx: &mut Tx,
    message: MessageId,
    print: &Print,
    since: Timestamp,
) -> Result<Vec<AlikeRow>> {
    let text = format!(
        "SELECT m.id, s.name AS source_name, m.content FROM message m LEFT JOIN source s ON s.id = m.source_id
         WHERE m.status IN (2, 3, 4) AND m.id IN (SELECT id FROM (
            SELECT DISTINCT p.message_id AS id FROM {rows} AS x
            JOIN message_print p ON p.band = x.band AND p.value = x.value
            WHERE p.message_id <> $2 AND p.created_at >= $3 ORDER BY id DESC LIMIT $4 + 0) AS found)
         ORDER BY m.id DESC",
        rows = tx.dialect().rows("$1", &BANDS)
    );
    let bands = wire(&print[1..], 1)?;
    Ok(in_tx!(tx, |c| {
        let query = sqlx::query_as(sql(text)).bind(bands).bind(message.0).bind(since.0).bind(MOST_SIMILAR);
        query.fetch_all(c).await
    })?)
}

/// Forgets texts from before a moment and says how many rows that were.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM message_print WHERE created_at < $1";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected())
    })?)
}
