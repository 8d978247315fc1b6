//! What a store is made to forget, and to leave to people, when it comes back from a backup: whatever was done between the
//! backup and now is not in it. Each function is a step of one transaction; `service::restoring` knows their order.

use std::collections::BTreeMap;

use super::counters::{Moves, count, count_day};
use super::deliveries::Moved;
use super::{Tx, attention, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::delivery::{RESTORED, State};
use crate::domain::id::MessageId;
use crate::domain::message::Status;

row! {
    struct OneId {
        id: MessageId,
    }
}

/// Holds live messages that were to be planned by now, or were being planned; returns them.
pub async fn hold_unplanned(tx: &mut Tx, now: Timestamp) -> Result<Vec<MessageId>> {
    let text = format!(
        "UPDATE message SET status = {held}, reason = '{RESTORED}', lease_owner = NULL, lease_until = NULL,
            updated_at = $1
         WHERE (status = 2 OR status <= 1 AND send_at <= $1) AND NOT test RETURNING id",
        held = Status::Held.code(),
    );
    let rows: Vec<OneId> = in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(now.0).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// What [`set_aside`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetAside {
    pub n: i64,
    /// Messages that may have nothing open any more, for [`complete`](super::planning::complete).
    pub closed: Vec<MessageId>,
}

/// Leaves up to `limit` live deliveries that were being handed over, and as many that are due by now, to people: nobody knows
/// of them, since they may have been handed over after the backup.
pub async fn set_aside(tx: &mut Tx, now: Timestamp, day: &str, limit: i64) -> Result<SetAside> {
    let (mut moves, mut today, mut n) = (Moves::new(), BTreeMap::new(), 0);
    for (from, due) in [(State::Sending, ""), (State::Pending, " AND due_at <= $1")] {
        let text = format!(
            "WITH picked AS MATERIALIZED (
                SELECT id FROM delivery WHERE state = {from} AND outlet <> 0{due} LIMIT $2 + 0)
             UPDATE delivery SET state = {unknown}, reason = '{RESTORED}', lease_owner = NULL, lease_until = NULL,
                updated_at = $1, {trouble}
             WHERE id IN (SELECT id FROM picked) RETURNING message_id, channel, outlet, state",
            from = from.code(),
            unknown = State::Unknown.code(),
            trouble =
                attention::trouble(&State::Unknown.code().to_string(), "NULL", &format!("'{RESTORED}'"), "''"),
        );
        let moved: Vec<Moved> =
            in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(now.0).bind(limit).fetch_all(conn).await)?;
        for row in &moved {
            moves.entry((row.message_id, row.channel)).or_default().shift(from, State::Unknown, 1);
            *today.entry((row.channel.code(), State::Unknown.code())).or_default() += 1;
        }
        n += moved.len() as i64;
    }
    let closed = count(tx, &moves).await?;
    count_day(tx, day, &today).await?;
    Ok(SetAside { n, closed })
}

/// Has nothing happen by itself that may have happened, or been called off, since the backup: what nobody answered is not sent
/// once more, broadcasts are not sent on by other channels, what buttons asked for and nobody called off is called off, and
/// what operators began to send again stays as far as it has come. Returns how many of each, in this order.
pub async fn calm(tx: &mut Tx, now: Timestamp) -> Result<[u64; 4]> {
    let steps = [
        "UPDATE delivery SET repeat_at = NULL WHERE repeat_at IS NOT NULL AND $1 >= 0",
        "UPDATE broadcast SET next_at = expires_at WHERE next_at IS NOT NULL AND next_at < expires_at AND $1 >= 0",
        "UPDATE button_press SET due_at = NULL, cancelled_at = $1 WHERE due_at IS NOT NULL",
        "UPDATE attention_act SET finished_at = $1 WHERE finished_at IS NULL",
    ];
    // Nobody is told now of what was begun then.
    let told = "UPDATE broadcast SET untold_since = NULL WHERE untold_since IS NOT NULL";
    in_tx!(tx, |conn| sqlx::query(told).execute(conn).await.map(drop))?;
    let mut done = [0; 4];
    for (text, done) in steps.into_iter().zip(&mut done) {
        *done = in_tx!(tx, |conn| {
            sqlx::query(text).bind(now.0).execute(conn).await.map(|result| result.rows_affected())
        })?;
    }
    Ok(done)
}

/// Ends what gave somebody the right to something at the time of the backup: sessions, one-time links, bindings that wait
/// for a code, codes to be scanned; and forgets processes that were there. Returns how many sessions it ended.
pub async fn forget_visitors(tx: &mut Tx) -> Result<u64> {
    let mut sessions = 0;
    for table in ["operator_link", "pending_binding", "scene", "node", "session"] {
        let text = format!("DELETE FROM {table}");
        sessions = in_tx!(tx, |conn| sqlx::query(sql(text)).execute(conn).await.map(|d| d.rows_affected()))?;
    }
    Ok(sessions)
}
