//! What people answered to messages that ask: one row for each delivery that asked.

use serde::Serialize;

use super::dialect::Field;
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::answer::Via;
use crate::domain::channel::AddressKind;
use crate::domain::emergency::Condition;
use crate::domain::id::{DeliveryId, MessageId};

/// A delivery that asks for an answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Asked {
    pub delivery_id: i64,
    pub message_id: i64,
}

/// Notes that these deliveries ask for an answer, as far as nobody knows it yet.
pub async fn ask(tx: &mut Tx, asked: &[Asked]) -> Result<()> {
    let rows = tx.dialect().rows("$1", &[("delivery_id", Field::Int), ("message_id", Field::Int)]);
    let text = format!(
        "INSERT INTO answer (delivery_id, message_id) SELECT delivery_id, message_id FROM {rows} AS a WHERE 1 = 1
         ON CONFLICT DO NOTHING"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(asked)?).execute(c).await.map(drop))?;
    Ok(())
}

row! {
    struct Found {
        id: DeliveryId,
    }
}

/// The delivery of a message to an address of this kind, in any case, that a provider has had in hand. Should two people
/// have the address, the first.
pub async fn delivery_to(
    tx: &mut Tx,
    message: MessageId,
    kind: AddressKind,
    address: &str,
) -> Result<Option<DeliveryId>> {
    let address = address.to_ascii_lowercase();
    let column = kind.name();
    let to = format!(
        "message_id = $1 AND channel = {} AND address_kind = {} AND lower(address) = $2 AND attempts > 0",
        kind.channel().code(),
        kind.code()
    );
    // Whoever has it today is found by an index. Those outside the directory, and who had it then, are looked for among
    // all that the message is for.
    for text in [
        format!(
            "SELECT id FROM delivery WHERE {to}
               AND target IN (SELECT id FROM recipient WHERE {column} IS NOT NULL AND lower({column}) = $2)
             ORDER BY target LIMIT 1"
        ),
        format!("SELECT id FROM delivery WHERE {to} ORDER BY target LIMIT 1"),
    ] {
        let found: Option<Found> = in_tx!(tx, |c| {
            sqlx::query_as(sql(text)).bind(message.0).bind(&address).fetch_optional(c).await
        })?;
        if let Some(found) = found {
            return Ok(Some(found.id));
        }
    }
    Ok(None)
}

/// What somebody answered.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    pub delivery: DeliveryId,
    pub message: MessageId,
    pub choice: &'a str,
    /// Its words, as they were shown.
    pub shown: &'a str,
    pub via: Via,
    pub at: Timestamp,
}

/// Keeps an answer in the place of an earlier one. False where one as late is there: the same that came again, or what
/// somebody said before. Of two of one second, which is as exact as WeCom tells it, a call for help stands.
pub async fn insert(tx: &mut Tx, new: &NewAnswer<'_>) -> Result<bool> {
    let text = format!(
        "INSERT INTO answer (delivery_id, message_id, choice, shown, via, answered_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (delivery_id) DO UPDATE SET choice = excluded.choice, shown = excluded.shown,
            via = excluded.via, answered_at = excluded.answered_at
         WHERE answer.answered_at IS NULL OR answer.answered_at < excluded.answered_at
            OR (answer.answered_at = excluded.answered_at AND answer.choice <> '{help}' AND excluded.choice = '{help}')",
        help = Condition::Help.name(),
    );
    let taken = in_tx!(tx, |c| {
        sqlx::query(sql(text))
            .bind(new.delivery.0)
            .bind(new.message.0)
            .bind(new.choice)
            .bind(new.shown)
            .bind(new.via.code())
            .bind(new.at.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(taken > 0)
}

row! {
    /// How many answered with the same.
    pub struct CountRow {
        /// None: they have not answered.
        pub choice: Option<String>,
        pub shown: Option<String>,
        pub n: i64,
    }
}

/// What those answered who were asked by a message, by key and words.
pub async fn counts(db: &Db, message: MessageId) -> Result<Vec<CountRow>> {
    let text = "SELECT choice, shown, count(*) AS n FROM answer WHERE message_id = $1
         GROUP BY choice, shown ORDER BY choice, n DESC, shown";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(message.0).fetch_all(c).await)?)
}
