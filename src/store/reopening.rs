//! Deliveries that ended and are opened again.

use super::counters::{Moves, count};
use super::{Tx, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId};

row! {
    struct Ended {
        id: DeliveryId,
        channel: ChannelKind,
        state: State,
    }
}

/// What opening again came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reopened {
    pub n: i64,
    /// The last of them, for the next call.
    pub last: DeliveryId,
}

/// Opens up to `limit` deliveries of a message after `after` in any of `states` again, with a fresh budget; their attempts
/// stay listed. `waits`: how long each step of a fallback plan comes after the first, in milliseconds. `None`: there are
/// no more.
pub async fn reopen(
    tx: &mut Tx,
    message: MessageId,
    states: &[State],
    after: DeliveryId,
    limit: i64,
    waits: &[i64],
    now: Timestamp,
) -> Result<Option<Reopened>> {
    let dialect = tx.dialect();
    let codes: Vec<i64> = states.iter().map(|s| s.code()).collect();
    let text = format!(
        "SELECT id, channel, state FROM delivery
         WHERE message_id = $1 AND id > $3 AND state IN {states} ORDER BY id LIMIT $4 + 0{lock}",
        states = dialect.int_list("$2"),
        lock = dialect.lock(),
    );
    let ended: Vec<Ended> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text))
            .bind(message.0)
            .bind(to_json(&codes)?)
            .bind(after.0)
            .bind(limit)
            .fetch_all(conn)
            .await
    })?;
    let Some(last) = ended.last() else { return Ok(None) };
    let ids: Vec<i64> = ended.iter().map(|e| e.id.0).collect();
    let wait = |step: &str| {
        let cases: Vec<_> = (0..).zip(waits).map(|(step, wait)| format!("WHEN {step} THEN {wait}")).collect();
        if cases.is_empty() { "0".to_owned() } else { format!("CASE {step} {} ELSE 0 END", cases.join(" ")) }
    };
    // Of a plan the first step that is opened goes at once, the others as much later as they were planned after it.
    let first = format!(
        "(SELECT min(e.step) FROM delivery e WHERE e.message_id = delivery.message_id AND e.target = delivery.target
          AND e.last_step > 0 AND e.state IN {})",
        dialect.int_list("$3")
    );
    let text = format!(
        "UPDATE delivery SET state = 0, reason = NULL, failures = 0, poll_at = NULL, updated_at = $2,
            due_at = $2 + CASE WHEN last_step = 0 THEN 0 ELSE {own} - {first} END
         WHERE id IN {ids}",
        own = wait("step"),
        first = wait(&first),
        ids = dialect.int_list("$1")
    );
    in_tx!(tx, |conn| {
        sqlx::query(sql(text))
            .bind(to_json(&ids)?)
            .bind(now.0)
            .bind(to_json(&codes)?)
            .execute(conn)
            .await
            .map(drop)
    })?;
    let mut moves = Moves::new();
    for row in &ended {
        moves.entry((message, row.channel)).or_default().shift(row.state, State::Pending, 1);
    }
    count(tx, &moves).await?;
    Ok(Some(Reopened { n: ended.len() as i64, last: last.id }))
}
