//! What is asked once more about deliveries that are about to be handed over: what others of the same person have come to.

use std::collections::HashSet;

use serde::Serialize;

use super::dialect::Field;
use super::screen::had_it;
use super::{Db, in_db, row, sql, to_json};
use crate::Result;
use crate::domain::id::DeliveryId;

/// Those of the deliveries, later steps of fallback plans, before which an earlier step was not tried to its end yet.
pub async fn overtaking(db: &Db, deliveries: &[DeliveryId]) -> Result<HashSet<DeliveryId>> {
    let ids: Vec<i64> = deliveries.iter().map(|id| id.0).collect();
    let text = format!(
        "SELECT d.id FROM delivery d WHERE d.id IN {} AND d.last_step > 0 AND EXISTS (SELECT 1 FROM delivery e
            WHERE e.message_id = d.message_id AND e.target = d.target AND e.last_step > 0 AND e.step < d.step
            AND ((e.state = 0 AND e.attempts = 0) OR (e.state = 1 AND e.attempts = 1)))",
        db.dialect().int_list("$1")
    );
    let rows: Vec<OneId> =
        in_db!(db, |conn| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// A delivery whose message may repeat others.
#[derive(Clone, Debug, Serialize)]
pub struct Repeat {
    pub id: i64,
    pub target: i64,
    /// Of [`ChannelKind::code`](crate::domain::channel::ChannelKind::code); those by which a repeat counts.
    pub channels: Vec<i64>,
    /// Messages that said the same.
    pub messages: Vec<i64>,
}

/// Those of the deliveries whose person has, or may have, the text by another message.
pub async fn repeated(db: &Db, repeats: &[Repeat]) -> Result<HashSet<DeliveryId>> {
    let dialect = db.dialect();
    let text = format!(
        "SELECT x.id FROM {rows} AS x WHERE EXISTS (SELECT 1 FROM delivery e WHERE e.message_id IN {messages}
            AND e.channel IN {channels} AND e.target = x.target AND e.state IN ({had_it}))",
        rows = dialect.rows(
            "$1",
            &[
                ("id", Field::Int),
                ("target", Field::Int),
                ("channels", Field::Json),
                ("messages", Field::Json)
            ]
        ),
        messages = dialect.int_list("x.messages"),
        channels = dialect.int_list("x.channels"),
        had_it = had_it(),
    );
    let rows: Vec<OneId> =
        in_db!(db, |conn| sqlx::query_as(sql(text)).bind(to_json(repeats)?).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

row! {
    struct OneId {
        id: DeliveryId,
    }
}
