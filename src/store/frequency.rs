//! How many messages each person was handed by each channel on a campus day.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::dialect::Field;
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::domain::channel::ChannelKind;
use crate::domain::id::RecipientId;

/// A person, and a channel.
pub type Reached = (RecipientId, ChannelKind);

row! {
    struct CountRow {
        recipient_id: RecipientId,
        channel: ChannelKind,
        n: i64,
    }
}

const REACHED: [(&str, Field); 3] =
    [("recipient_id", Field::Int), ("channel", Field::Int), ("n", Field::Int)];

/// Counts what people were handed on the day. Whoever is gone from the directory is not counted.
pub async fn add(tx: &mut Tx, day: &str, n: &BTreeMap<Reached, i64>) -> Result<()> {
    if n.is_empty() {
        return Ok(());
    }
    let input: Vec<_> = n
        .iter()
        .map(|((person, channel), n)| json!({"recipient_id": person.0, "channel": channel.code(), "n": n}))
        .collect();
    let text = format!(
        "INSERT INTO person_day (recipient_id, channel, day, n)
         SELECT x.recipient_id, x.channel, $2, x.n FROM {rows} AS x JOIN recipient r ON r.id = x.recipient_id
         ORDER BY x.recipient_id, x.channel
         ON CONFLICT (recipient_id, channel) DO UPDATE SET day = excluded.day,
            n = CASE WHEN person_day.day = excluded.day THEN person_day.n + excluded.n ELSE excluded.n END",
        rows = tx.dialect().rows("$1", &REACHED),
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(&input)?).bind(day).execute(c).await.map(drop))?;
    Ok(())
}

/// How many messages these people were handed on the day; who was handed none is not listed.
pub async fn counts(db: &Db, day: &str, of: &[Reached]) -> Result<HashMap<Reached, i64>> {
    let input: Vec<_> = of
        .iter()
        .map(|(person, channel)| json!({"recipient_id": person.0, "channel": channel.code(), "n": 0}))
        .collect();
    let text = format!(
        "SELECT DISTINCT p.recipient_id, p.channel, p.n FROM {rows} AS x
         JOIN person_day p ON p.recipient_id = x.recipient_id AND p.channel = x.channel WHERE p.day = $2",
        rows = db.dialect().rows("$1", &REACHED),
    );
    let rows: Vec<CountRow> =
        in_db!(db, |c| sqlx::query_as(sql(text)).bind(to_json(&input)?).bind(day).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| ((row.recipient_id, row.channel), row.n)).collect())
}
