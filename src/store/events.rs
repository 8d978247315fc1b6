//! The timeline of a message: one line for everything that happened to it as a whole.

use serde::Serialize;

use super::dialect::Field;
use super::{Tx, in_tx, sql, to_json};
use crate::Result;

/// One line of a message's timeline.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    pub message_id: i64,
    pub at: i64,
    pub kind: String,
    /// A JSON object as text.
    pub detail: String,
}

pub async fn insert(tx: &mut Tx, events: &[Event]) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let text = format!(
        "INSERT INTO message_event (message_id, at, kind, detail) SELECT message_id, at, kind, detail FROM {} AS e",
        tx.dialect().rows(
            "$1",
            &[("message_id", Field::Int), ("at", Field::Int), ("kind", Field::Text), ("detail", Field::Text)]
        )
    );
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(to_json(events)?).execute(conn).await.map(drop))?;
    Ok(())
}
