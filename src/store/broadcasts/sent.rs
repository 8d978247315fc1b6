//! The messages that a broadcast sent.

use crate::Result;
use crate::clock::Timestamp;
use crate::domain::emergency::Part;
use crate::domain::id::{BroadcastId, MessageId};
use crate::store::{Db, Tx, in_db, in_tx, row, sql};

pub async fn add_message(tx: &mut Tx, id: BroadcastId, part: Part, message: MessageId) -> Result<()> {
    let text = "INSERT INTO broadcast_message (message_id, broadcast_id, part) VALUES ($1, $2, $3)";
    in_tx!(tx, |c| {
        sqlx::query(text).bind(message.0).bind(id.0).bind(part.code()).execute(c).await.map(drop)
    })?;
    Ok(())
}

row! {
    /// A message a broadcast sent.
    pub struct SentRow {
        pub message_id: MessageId,
        pub part: Part,
        /// Since when all of its deliveries wait or are done; `None` before.
        pub planned_at: Option<Timestamp>,
        /// When deliveries of it were last opened again; `None`: none ever was.
        pub reopened_at: Option<Timestamp>,
    }
}

const SENT: &str = "SELECT b.message_id, b.part, (SELECT m.planned_at FROM message m WHERE m.id = b.message_id) AS planned_at,
        (SELECT max(e.at) FROM message_event e
            WHERE e.message_id = b.message_id AND e.kind IN ('resent', 'unanswered_repeated')) AS reopened_at
    FROM broadcast_message b WHERE b.broadcast_id = $1 ORDER BY b.message_id";

/// What a broadcast sent, in its order.
pub async fn messages(db: &Db, id: BroadcastId) -> Result<Vec<SentRow>> {
    Ok(in_db!(db, |c| sqlx::query_as(SENT).bind(id.0).fetch_all(c).await)?)
}

/// As [`messages`], with what this transaction wrote.
pub async fn messages_in(tx: &mut Tx, id: BroadcastId) -> Result<Vec<SentRow>> {
    Ok(in_tx!(tx, |c| sqlx::query_as(SENT).bind(id.0).fetch_all(c).await)?)
}

row! {
    /// A message that told people of a broadcast what happens.
    struct ToldRow {
        message_id: MessageId,
    }
}

fn told_text() -> String {
    let parts = [Part::Alert, Part::Update, Part::Escalation].map(|part| part.code().to_string()).join(", ");
    format!(
        "SELECT m.message_id FROM broadcast_message m JOIN broadcast b ON b.id = m.broadcast_id
         WHERE (b.id = $1 OR b.follows = $1) AND m.part IN ({parts}) ORDER BY m.message_id"
    )
}

/// Everything that told people of a broadcast, by itself or by what follows it, in its order: not that it was false or is
/// over.
pub async fn told_by(db: &Db, id: BroadcastId) -> Result<Vec<MessageId>> {
    let rows: Vec<ToldRow> = in_db!(db, |c| sqlx::query_as(sql(told_text())).bind(id.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.message_id).collect())
}

/// As [`told_by`], with what this transaction wrote.
pub async fn told_by_in(tx: &mut Tx, id: BroadcastId) -> Result<Vec<MessageId>> {
    let rows: Vec<ToldRow> = in_tx!(tx, |c| sqlx::query_as(sql(told_text())).bind(id.0).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.message_id).collect())
}

/// Whether anybody was told of a broadcast, or of what follows it, by an escalation, with what this transaction wrote.
pub async fn escalated_in(tx: &mut Tx, id: BroadcastId) -> Result<bool> {
    let text = format!(
        "SELECT CAST(count(*) AS bigint) FROM broadcast_message m JOIN broadcast b ON b.id = m.broadcast_id
         WHERE (b.id = $1 OR b.follows = $1) AND m.part = {}",
        Part::Escalation.code()
    );
    let n: i64 = in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(id.0).fetch_one(c).await)?;
    Ok(n > 0)
}

row! {
    /// Which broadcast a message belongs to.
    pub struct OfRow {
        pub broadcast_id: BroadcastId,
        pub part: Part,
    }
}

/// The broadcast that sent a message, if one did.
pub async fn of_message(db: &Db, message: MessageId) -> Result<Option<OfRow>> {
    let text = "SELECT broadcast_id, part FROM broadcast_message WHERE message_id = $1";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(message.0).fetch_optional(c).await)?)
}

/// As [`of_message`], in this transaction.
pub async fn of_message_in(tx: &mut Tx, message: MessageId) -> Result<Option<OfRow>> {
    let text = "SELECT broadcast_id, part FROM broadcast_message WHERE message_id = $1";
    Ok(in_tx!(tx, |c| sqlx::query_as(text).bind(message.0).fetch_optional(c).await)?)
}
