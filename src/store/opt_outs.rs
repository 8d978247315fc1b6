//! What people do not want to be sent.

use serde_json::json;

use super::dialect::Field;
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::RecipientId;
use crate::domain::recipient::OptOut;
use crate::{Error, Result};

row! {
    struct OptOutRow {
        channel: i64,
        topic: String,
    }
}

/// The code that stands for every channel.
const EVERY_CHANNEL: i64 = 0;

const OF_PERSON: &str = "SELECT channel, topic FROM opt_out WHERE recipient_id = $1 ORDER BY topic, channel";

/// What one person does not want.
pub async fn list(db: &Db, recipient: RecipientId) -> Result<Vec<OptOut>> {
    read(in_db!(db, |c| sqlx::query_as(OF_PERSON).bind(recipient.0).fetch_all(c).await)?)
}

/// As [`list`], for whoever is about to change it.
pub async fn list_within(tx: &mut Tx, recipient: RecipientId) -> Result<Vec<OptOut>> {
    read(in_tx!(tx, |c| sqlx::query_as(OF_PERSON).bind(recipient.0).fetch_all(c).await)?)
}

row! {
    struct DatedRow {
        channel: i64,
        topic: String,
        created_at: Timestamp,
    }
}

/// As [`list`], with the moments from which on.
pub async fn list_dated(db: &Db, recipient: RecipientId) -> Result<Vec<(OptOut, Timestamp)>> {
    let text =
        "SELECT channel, topic, created_at FROM opt_out WHERE recipient_id = $1 ORDER BY topic, channel";
    let rows: Vec<DatedRow> = in_db!(db, |c| sqlx::query_as(text).bind(recipient.0).fetch_all(c).await)?;
    let moments: Vec<_> = rows.iter().map(|row| row.created_at).collect();
    let rows = rows.into_iter().map(|row| OptOutRow { channel: row.channel, topic: row.topic }).collect();
    Ok(read(rows)?.into_iter().zip(moments).collect())
}

fn read(rows: Vec<OptOutRow>) -> Result<Vec<OptOut>> {
    let read = |row: OptOutRow| {
        Ok(OptOut {
            channel: ChannelKind::from_code(row.channel),
            topic: row.topic.parse().map_err(|why: String| Error::internal(why))?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Makes these all that one person does not want.
pub async fn replace(tx: &mut Tx, recipient: RecipientId, all: &[OptOut], now: Timestamp) -> Result<()> {
    let text = "DELETE FROM opt_out WHERE recipient_id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(recipient.0).execute(c).await.map(drop))?;
    let rows = tx.dialect().rows("$1", &[("channel", Field::Int), ("topic", Field::Text)]);
    let text = format!(
        "INSERT INTO opt_out (recipient_id, channel, topic, created_at)
         SELECT $2, x.channel, x.topic, $3 FROM {rows} AS x WHERE 1 = 1 ON CONFLICT DO NOTHING"
    );
    let input: Vec<_> = all
        .iter()
        .map(|one| {
            let channel = one.channel.map_or(EVERY_CHANNEL, ChannelKind::code);
            json!({ "channel": channel, "topic": one.topic.as_str() })
        })
        .collect();
    let input = to_json(&input)?;
    in_tx!(tx, |c| sqlx::query(sql(text))
        .bind(input)
        .bind(recipient.0)
        .bind(now.0)
        .execute(c)
        .await
        .map(drop))?;
    Ok(())
}

/// False where they did not want it already.
pub async fn add(tx: &mut Tx, recipient: RecipientId, one: &OptOut, now: Timestamp) -> Result<bool> {
    let text = "INSERT INTO opt_out (recipient_id, channel, topic, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    let channel = one.channel.map_or(EVERY_CHANNEL, ChannelKind::code);
    let added = in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(recipient.0).bind(channel).bind(one.topic.as_str()).bind(now.0);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(added > 0)
}

/// False where there was no such opt-out.
pub async fn remove(tx: &mut Tx, recipient: RecipientId, one: &OptOut) -> Result<bool> {
    let text = "DELETE FROM opt_out WHERE recipient_id = $1 AND channel = $2 AND topic = $3";
    let channel = one.channel.map_or(EVERY_CHANNEL, ChannelKind::code);
    let removed = in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(recipient.0).bind(channel).bind(one.topic.as_str());
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(removed > 0)
}
