//! Deliveries that ended and are opened again.

use std::collections::BTreeMap;

use super::counters::{Moves, count, count_day};
use super::deliveries::lock_in_order;
use super::fallback::overtaken;
use super::receipts::{DayOf, counted_at};
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::{State, UNANSWERED};
use crate::domain::id::{DeliveryId, MessageId};

row! {
    struct Ended {
        id: DeliveryId,
        channel: ChannelKind,
        outlet: i64,
        state: State,
        counted_at: Timestamp,
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
    (after, limit): (DeliveryId, i64),
    waits: &[i64],
    now: Timestamp,
    day_of: DayOf<'_>,
) -> Result<Option<Reopened>> {
    let dialect = tx.dialect();
    let codes: Vec<i64> = states.iter().map(|s| s.code()).collect();
    let text = format!(
        "SELECT id, channel, outlet, state, {counted} AS counted_at FROM delivery
         WHERE message_id = $1 AND id > $3 AND state IN {states} ORDER BY id LIMIT $4 + 0{lock}",
        counted = counted_at("delivery"),
        states = dialect.int_list("$2"),
        lock = dialect.lock_content(),
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
    let Some(last) = ended.last().map(|last| last.id) else { return Ok(None) };
    open(tx, &ended, &codes, waits, now).await?;
    let mut uncounted = Uncounted::default();
    uncounted.add(message, &ended, day_of);
    uncount(tx, uncounted).await?;
    Ok(Some(Reopened { n: ended.len() as i64, last }))
}

/// Opens those of a message's deliveries again that are listed and still have that `trouble`; returns what is to be counted of
/// it, for whoever goes on to another message: counters are locked after all deliveries. A step of a fallback plan is left where
/// another reached the person meanwhile: nobody asked for what they have had.
pub async fn reopen_listed(
    tx: &mut Tx,
    message: MessageId,
    ids: &[i64],
    trouble: &str,
    waits: &[i64],
    now: Timestamp,
    day_of: DayOf<'_>,
) -> Result<Uncounted> {
    let dialect = tx.dialect();
    let text = format!(
        "SELECT d.id, d.channel, d.outlet, d.state, {counted} AS counted_at FROM delivery d
         WHERE d.message_id = $1 AND d.id IN {ids} AND d.trouble = $3 AND NOT (d.last_step > 0{overtaken})
         ORDER BY d.id{lock}",
        counted = counted_at("d"),
        ids = dialect.int_list("$2"),
        overtaken = overtaken(),
        lock = dialect.lock_content_of("d"),
    );
    let ended: Vec<Ended> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(message.0).bind(to_json(ids)?).bind(trouble).fetch_all(conn).await
    })?;
    let mut uncounted = Uncounted::default();
    if !ended.is_empty() {
        open(tx, &ended, &[], waits, now).await?;
        uncounted.add(message, &ended, day_of);
    }
    Ok(uncounted)
}

/// Locks deliveries of several messages, each of which is opened by [`reopen_listed`] then.
pub async fn hold(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    lock_in_order(tx, ids).await
}

/// Opens what is locked. `codes`: all of the message's deliveries in these states are being opened, in this call or others.
async fn open(tx: &mut Tx, ended: &[Ended], codes: &[i64], waits: &[i64], now: Timestamp) -> Result<()> {
    let dialect = tx.dialect();
    let ids: Vec<i64> = ended.iter().map(|e| e.id.0).collect();
    let wait = |step: &str| {
        let cases: Vec<_> = (0..).zip(waits).map(|(step, wait)| format!("WHEN {step} THEN {wait}")).collect();
        if cases.is_empty() { "0".to_owned() } else { format!("CASE {step} {} ELSE 0 END", cases.join(" ")) }
    };
    // Of a plan the first step that is opened, or open, goes at once, the others as much later as they were planned after it.
    let first = format!(
        "(SELECT min(e.step) FROM delivery e WHERE e.message_id = delivery.message_id AND e.target = delivery.target
          AND e.last_step > 0 AND (e.state IN {codes} OR e.state = 0 OR e.id IN {ids}))",
        codes = dialect.int_list("$3"),
        ids = dialect.int_list("$1"),
    );
    let text = format!(
        "UPDATE delivery SET state = 0, reason = NULL, failures = 0, repeats = 0, poll_at = NULL, repeat_at = NULL,
            updated_at = $2, counted_at = NULL, trouble = NULL,
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
            .bind(to_json(codes)?)
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

row! {
    struct OneMessage {
        message_id: MessageId,
    }
}

/// Messages with deliveries that no answer came to and whose time to be handed over once more has come.
pub async fn unanswered(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<MessageId>> {
    let text = "SELECT DISTINCT message_id FROM (SELECT message_id FROM delivery
         WHERE repeat_at IS NOT NULL AND repeat_at <= $1 ORDER BY repeat_at LIMIT $2 + 0) AS due ORDER BY message_id";
    let rows: Vec<OneMessage> =
        in_db!(db, |conn| sqlx::query_as(text).bind(now.0).bind(limit).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|row| row.message_id).collect())
}

/// Opens a message's deliveries that no answer came to once more, where it is time and nothing was heard of them; returns
/// how many. A receipt that came and still looks for its delivery was heard, unless it is about another number of the
/// same call.
pub async fn repeat(
    tx: &mut Tx,
    message: MessageId,
    now: Timestamp,
    day_of: DayOf<'_>,
    limit: i64,
) -> Result<i64> {
    let dialect = tx.dialect();
    let text = format!(
        "SELECT id, channel, outlet, state, {counted} AS counted_at FROM delivery
         WHERE message_id = $1 AND repeat_at IS NOT NULL AND repeat_at <= $2 ORDER BY id LIMIT $3 + 0{lock}",
        counted = counted_at("delivery"),
        lock = dialect.lock_content(),
    );
    let due: Vec<Ended> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(message.0).bind(now.0).bind(limit).fetch_all(conn).await
    })?;
    let ids: Vec<i64> = due.iter().map(|row| row.id.0).collect();
    forget_repeats(tx, &ids).await?;
    // Each by itself, so that each is a look into an index.
    let heard = |column: &str| {
        format!(
            "SELECT 1 FROM receipt r WHERE r.look_at IS NOT NULL AND r.{column} = delivery.reference
                AND (r.address IS NULL OR delivery.address IS NULL OR r.address = delivery.address)"
        )
    };
    let text = format!(
        "UPDATE delivery SET state = 0, reason = '{UNANSWERED}', due_at = $2, poll_at = NULL, repeats = repeats + 1,
            updated_at = $2, counted_at = NULL, trouble = NULL
         WHERE id IN {ids} AND state + 0 = {unknown} AND NOT EXISTS ({by_reference}) AND NOT EXISTS ({by_other})
         RETURNING id",
        ids = dialect.int_list("$1"),
        unknown = State::Unknown.code(),
        by_reference = heard("reference"),
        by_other = heard("also"),
    );
    let opened: Vec<OneId> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(to_json(&ids)?).bind(now.0).fetch_all(conn).await
    })?;
    let reopened = due.iter().filter(|row| opened.iter().any(|one| one.id == row.id));
    let mut uncounted = Uncounted::default();
    uncounted.add(message, reopened, day_of);
    uncount(tx, uncounted).await?;
    Ok(opened.len() as i64)
}

/// Deliveries that are open and still counted as ended, also on the days they ended.
#[derive(Debug, Default)]
#[must_use = "they are counted as ended until uncount is told of them"]
pub struct Uncounted {
    n: i64,
    moves: Moves,
    days: BTreeMap<String, BTreeMap<(i64, i64), i64>>,
}

impl Uncounted {
    /// How many deliveries it is.
    pub const fn n(&self) -> i64 {
        self.n
    }

    fn add<'a>(
        &mut self,
        message: MessageId,
        reopened: impl IntoIterator<Item = &'a Ended>,
        day_of: DayOf<'_>,
    ) {
        for row in reopened {
            self.n += 1;
            self.moves.entry((message, row.channel)).or_default().shift(row.state, State::Pending, 1);
            if row.outlet != Outlet::Sandbox.code() {
                let day = self.days.entry(day_of(row.counted_at)).or_default();
                *day.entry((row.channel.code(), row.state.code())).or_default() -= 1;
            }
        }
    }

    /// With those of other messages.
    pub fn join(&mut self, others: Self) {
        self.n += others.n;
        self.moves.extend(others.moves);
        for (day, moves) in others.days {
            let own = self.days.entry(day).or_default();
            for (place, n) in moves {
                *own.entry(place).or_default() += n;
            }
        }
    }
}

/// Counts them as open: messages first, as everybody does, and then the days.
pub async fn uncount(tx: &mut Tx, reopened: Uncounted) -> Result<()> {
    count(tx, &reopened.moves).await?;
    for (day, n) in reopened.days {
        count_day(tx, &day, &n).await?;
    }
    Ok(())
}

row! {
    struct OneId {
        id: DeliveryId,
    }
}

/// Leaves a message's deliveries that no answer came to as they are.
pub async fn leave_unanswered(tx: &mut Tx, message: MessageId, now: Timestamp) -> Result<()> {
    let text = format!(
        "WITH due AS MATERIALIZED (
            SELECT id FROM delivery WHERE message_id = $1 AND repeat_at IS NOT NULL AND repeat_at <= $2 ORDER BY id{})
         UPDATE delivery SET repeat_at = NULL WHERE id IN (SELECT id FROM due)",
        tx.dialect().lock_content(),
    );
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(message.0).bind(now.0).execute(conn).await.map(drop))?;
    Ok(())
}

async fn forget_repeats(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    let text = format!("UPDATE delivery SET repeat_at = NULL WHERE id IN {}", tx.dialect().int_list("$1"));
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(to_json(ids)?).execute(conn).await.map(drop))?;
    Ok(())
}
