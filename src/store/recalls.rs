//! What providers took of a message and are asked to call back.

use std::collections::BTreeMap;

use super::counters::{Moves, count, count_day};
use super::receipts::{DayOf, counted_at};
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId, ProviderId};

row! {
    /// What one provider took under one reference.
    pub struct Taken {
        pub channel: ChannelKind,
        pub provider_id: ProviderId,
        pub reference: String,
        /// How many deliveries.
        pub n: i64,
    }
}

/// What a provider took of a message after `since`, the most deliveries under one reference first and those `after` the last
/// of a list before; at most `most` references.
pub async fn list(
    db: &Db,
    message: MessageId,
    (provider, channel): (ProviderId, ChannelKind),
    since: Timestamp,
    after: Option<&Taken>,
    most: i64,
) -> Result<Vec<Taken>> {
    let (n, reference) = after.map_or((i64::MAX, ""), |last| (last.n, last.reference.as_str()));
    Ok(in_db!(db, |conn| {
        sqlx::query_as(
            "SELECT channel, provider_id, reference, CAST(count(*) AS bigint) AS n FROM delivery
             WHERE message_id = $1 AND channel = $2 AND provider_id = $3 AND state IN (2, 3) AND reference IS NOT NULL
             GROUP BY channel, provider_id, reference
             HAVING MIN(sent_at) > $4 AND (count(*) < $5 OR (count(*) = $5 AND reference > $6))
             ORDER BY n DESC, reference LIMIT $7 + 0",
        )
        .bind(message.0)
        .bind(channel.code())
        .bind(provider.0)
        .bind(since.0)
        .bind(n)
        .bind(reference)
        .bind(most)
        .fetch_all(conn)
        .await
    })?)
}

row! {
    /// A message of which providers are being asked to call back what they took.
    pub struct Asked {
        pub message_id: MessageId,
        pub asked_by: String,
        pub by_operator: bool,
        /// How often providers were asked before and did not do it all.
        pub tries: i64,
    }
}

/// Keeps it to be done from `due_at` on. Who asks once more has providers asked again that refused.
pub async fn ask(tx: &mut Tx, asked: &Asked, due_at: Timestamp) -> Result<()> {
    let text = "INSERT INTO recall (message_id, asked_by, by_operator, due_at, tries) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (message_id) DO UPDATE SET asked_by = excluded.asked_by, by_operator = excluded.by_operator,
            due_at = excluded.due_at, tries = excluded.tries";
    in_tx!(tx, |conn| {
        sqlx::query(text)
            .bind(asked.message_id.0)
            .bind(&asked.asked_by)
            .bind(asked.by_operator)
            .bind(due_at.0)
            .bind(asked.tries)
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Whether any is due.
pub async fn any_due(db: &Db, now: Timestamp) -> Result<bool> {
    let text = "SELECT message_id FROM recall WHERE due_at <= $1 LIMIT 1";
    let found: Option<i64> =
        in_db!(db, |conn| sqlx::query_scalar(text).bind(now.0).fetch_optional(conn).await)?;
    Ok(found.is_some())
}

/// Takes the one that is due for longest. Nobody else gets it until `until`.
pub async fn claim(tx: &mut Tx, now: Timestamp, until: Timestamp) -> Result<Option<Asked>> {
    let text = format!(
        "UPDATE recall SET due_at = $2 WHERE message_id IN
            (SELECT message_id FROM recall WHERE due_at <= $1 ORDER BY due_at, message_id LIMIT 1{})
         RETURNING message_id, asked_by, by_operator, tries",
        tx.dialect().skip_locked()
    );
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(now.0).bind(until.0).fetch_optional(c).await)?)
}

/// It is gone on with then.
pub async fn put_off(tx: &mut Tx, message: MessageId, due_at: Timestamp, tries: i64) -> Result<()> {
    let text = "UPDATE recall SET due_at = $2, tries = $3 WHERE message_id = $1";
    in_tx!(tx, |conn| {
        sqlx::query(text).bind(message.0).bind(due_at.0).bind(tries).execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// Nothing of it is left to ask for.
pub async fn finish(tx: &mut Tx, message: MessageId) -> Result<()> {
    let text = "DELETE FROM recall WHERE message_id = $1";
    in_tx!(tx, |conn| sqlx::query(text).bind(message.0).execute(conn).await.map(drop))?;
    Ok(())
}

row! {
    struct Reached {
        id: DeliveryId,
        outlet: i64,
        state: State,
        counted_at: Timestamp,
    }
}

/// Notes that what a provider took under a reference was called back: those deliveries are `cancelled`, `recalled`, and so they
/// are in the figures of the days they were counted for. Returns how many.
pub async fn settle(
    tx: &mut Tx,
    message: MessageId,
    taken: &Taken,
    now: Timestamp,
    day_of: DayOf<'_>,
) -> Result<i64> {
    let text = format!(
        "SELECT id, outlet, state, {} AS counted_at FROM delivery
         WHERE message_id = $1 AND provider_id = $2 AND reference = $3 AND state IN (2, 3) ORDER BY id{}",
        counted_at("delivery"),
        tx.dialect().lock_content()
    );
    let reached: Vec<Reached> = in_tx!(tx, |conn| {
        let query = sqlx::query_as(sql(text)).bind(message.0).bind(taken.provider_id.0);
        query.bind(&taken.reference).fetch_all(conn).await
    })?;
    let text = format!(
        "UPDATE delivery SET state = 6, reason = 'recalled', poll_at = NULL, updated_at = $2, counted_at = {}
         WHERE id IN {}",
        counted_at("delivery"),
        tx.dialect().int_list("$1")
    );
    let ids = to_json(&reached.iter().map(|row| row.id.0).collect::<Vec<_>>())?;
    in_tx!(tx, |conn| sqlx::query(sql(text)).bind(ids).bind(now.0).execute(conn).await.map(drop))?;
    let mut moves = Moves::new();
    let mut days: BTreeMap<String, BTreeMap<(i64, i64), i64>> = BTreeMap::new();
    for row in &reached {
        moves.entry((message, taken.channel)).or_default().shift(row.state, State::Cancelled, 1);
        if row.outlet != Outlet::Sandbox.code() {
            let day = days.entry(day_of(row.counted_at)).or_default();
            *day.entry((taken.channel.code(), row.state.code())).or_default() -= 1;
            *day.entry((taken.channel.code(), State::Cancelled.code())).or_default() += 1;
        }
    }
    count(tx, &moves).await?;
    for (day, n) in days {
        count_day(tx, &day, &n).await?;
    }
    Ok(reached.len() as i64)
}
