//! Claims of processes that are gone, and of those that are not.

use std::collections::BTreeMap;

use super::{Moved, Settled};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::Outlet;
use crate::domain::delivery::State;
use crate::domain::id::DeliveryId;
use crate::store::counters::{Moves, count, count_day};
use crate::store::fallback::{self, StepEnd};
use crate::store::{Dialect, Tx, in_tx, sql, to_json};

/// Offers again what a process that is gone had claimed, and not this `owner`: on SQLite everything (one process
/// dispatches, and its clock may jump), on PostgreSQL whatever has outlived its lease. Each is marked as repeating an
/// attempt cut off, and is where it was in the line, so that those who shared a call are claimed together again.
pub async fn release_lost(tx: &mut Tx, now: Timestamp, day: &str, owner: i64) -> Result<Vec<Moved>> {
    let dialect = tx.dialect();
    let text = match dialect {
        Dialect::Sqlite => {
            "SELECT id FROM delivery WHERE state = 1 AND lease_owner <> $1 AND $2 >= 0".to_owned()
        }
        Dialect::Postgres => format!(
            "SELECT id FROM delivery WHERE state = 1 AND lease_owner <> $1 AND lease_until < {}",
            dialect.lease_now("$2")
        ),
    };
    let text = format!("{text} ORDER BY id LIMIT 1000{}", dialect.skip_locked());
    let lost: Vec<i64> =
        in_tx!(tx, |conn| sqlx::query_scalar(sql(text)).bind(owner).bind(now.0).fetch_all(conn).await)?;
    offer_again(tx, now, day, &lost, true).await
}

/// Offers again what this `owner` has claimed of an outlet beside what is `in_hand`: nothing of it was handed over. To be
/// called while it claims nothing. Returns how many.
pub async fn take_back(
    tx: &mut Tx,
    now: Timestamp,
    day: &str,
    owner: i64,
    outlet: Outlet,
    in_hand: &[DeliveryId],
) -> Result<usize> {
    let dialect = tx.dialect();
    let text = format!(
        "SELECT id FROM delivery WHERE state = 1 AND lease_owner = $1 AND outlet = $2 AND id NOT IN {} ORDER BY id{}",
        dialect.int_list("$3"),
        dialect.lock_content(),
    );
    let in_hand = to_json(&in_hand.iter().map(|id| id.0).collect::<Vec<_>>())?;
    let astray: Vec<i64> = in_tx!(tx, |conn| {
        let query = sqlx::query_scalar(sql(text)).bind(owner).bind(outlet.code());
        query.bind(in_hand).fetch_all(conn).await
    })?;
    Ok(offer_again(tx, now, day, &astray, false).await?.len())
}

/// Puts deliveries that are locked back where they were in the line. `cut_off`: they may have been handed over.
async fn offer_again(
    tx: &mut Tx,
    now: Timestamp,
    day: &str,
    ids: &[i64],
    cut_off: bool,
) -> Result<Vec<Moved>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "UPDATE delivery SET state = 0, due_at = CASE WHEN due_at < $1 THEN due_at ELSE $1 END, lease_owner = NULL,
            lease_until = NULL, updated_at = $1{repeated}
         WHERE id IN {ids}
         RETURNING id, message_id, channel, outlet, lane, state, target, recipient_id, last_step",
        repeated = if cut_off { ", repeated = TRUE" } else { "" },
        ids = tx.dialect().int_list("$2"),
    );
    let ids = to_json(ids)?;
    let back: Vec<Settled> =
        in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(now.0).bind(ids).fetch_all(conn).await)?;
    let (mut moves, mut steps) = (Moves::new(), Vec::new());
    for row in &back {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Sending, State::Pending, 1);
        if row.last_step > 0 {
            let (message_id, target) = (row.message_id.0, row.target);
            steps.push(StepEnd { message_id, target, channel: row.channel, state: row.state });
        }
    }
    let mut today = BTreeMap::new();
    for row in fallback::follow(tx, now, &steps).await? {
        moves.entry((row.message_id, row.channel)).or_default().shift(State::Pending, row.state, 1);
        *today.entry((row.channel.code(), row.state.code())).or_default() += i64::from(row.is_live());
    }
    count(tx, &moves).await?;
    count_day(tx, day, &today).await?;
    let moved = |row: Settled| Moved {
        message_id: row.message_id,
        channel: row.channel,
        outlet: row.outlet,
        state: row.state,
    };
    Ok(back.into_iter().map(moved).collect())
}

/// Extends the leases of deliveries this owner still has in hand.
pub async fn renew(
    tx: &mut Tx,
    now: Timestamp,
    owner: i64,
    in_hand: &[DeliveryId],
    lease_ms: i64,
) -> Result<()> {
    let ids: Vec<i64> = in_hand.iter().map(|id| id.0).collect();
    let dialect = tx.dialect();
    // What a turn has locked is being settled.
    let text = format!(
        "UPDATE delivery SET lease_until = {now} + $3 WHERE id IN (SELECT id FROM delivery
            WHERE state + 0 = 1 AND lease_owner = $2 AND id IN {ids}{skip})",
        now = dialect.lease_now("$1"),
        ids = dialect.int_list("$4"),
        skip = dialect.skip_locked(),
    );
    in_tx!(tx, |conn| {
        let query = sqlx::query(sql(text)).bind(now.0).bind(owner).bind(lease_ms).bind(to_json(&ids)?);
        query.execute(conn).await.map(drop)
    })?;
    Ok(())
}
