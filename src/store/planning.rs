//! Messages in the planner's hands: who takes one, how far it got, what it came to. What a message becomes for each
//! person is in [`fan_out`](super::fan_out).

use std::collections::HashSet;

use super::messages::int_array;
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{MessageId, OperatorId, RecipientId};
use crate::domain::message::{Category, Lane, Rank, Status};
use crate::domain::routing::{ChannelPlan, Routed};

row! {
    /// A message in the planner's hands.
    pub struct Planned {
        pub id: MessageId,
        pub operator_id: Option<OperatorId>,
        pub department: Option<String>,
        /// It waited for a time that its sender chose.
        pub scheduled: bool,
        pub test: bool,
        pub topic: String,
        pub category: Category,
        pub rank: Rank,
        pub audience: Option<JsonText<Audience>>,
        pub personalise: Option<String>,
        pub channels: JsonText<Vec<ChannelKind>>,
        pub expires_at: Timestamp,
        /// What was made of it when it was first claimed: by the rules, if there were any, and by the policy.
        pub routing: Option<JsonText<Routed>>,
        /// Whose claim it is; a planner that lost it adds nothing more.
        pub lease_owner: i64,
        /// The last recipient already planned.
        pub plan_cursor: RecipientId,
    }
}

/// The place of a channel in a message's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub channel: ChannelKind,
    /// From 0; always 0 where all channels are used at once.
    pub step: i64,
    pub last_step: i64,
    /// The channels before it and how long each is waited for, in milliseconds. Nobody waits for a channel that cannot
    /// reach them.
    pub waits: Vec<(ChannelKind, i64)>,
}

impl Place {
    /// How long the channel is waited for before this one, in milliseconds.
    pub fn wait_for(&self, channel: ChannelKind) -> i64 {
        self.waits.iter().find(|(earlier, _)| *earlier == channel).map_or(0, |(_, wait)| *wait)
    }
}

impl Planned {
    /// What an operator wrote for a department goes to its people alone, whoever is named; a trial of it to its author,
    /// wherever they belong.
    pub fn within(&self) -> Option<&str> {
        let is_trial = self.routing.as_ref().is_some_and(|routing| routing.0.own_word);
        self.operator_id.filter(|_| !is_trial).and(self.department.as_deref())
    }

    /// The channels people are sent it by, in their order.
    pub fn places(&self) -> Vec<Place> {
        let plan = match &self.routing {
            Some(routing) => routing.0.plan(&self.channels.0),
            None => ChannelPlan::Together(self.channels.0.clone()),
        };
        match plan {
            ChannelPlan::Together(channels) => channels
                .into_iter()
                .map(|channel| Place { channel, step: 0, last_step: 0, waits: Vec::new() })
                .collect(),
            ChannelPlan::Fallback(steps) => (0..)
                .zip(&steps)
                .map(|(step, place)| Place {
                    channel: place.channel,
                    step,
                    last_step: steps.len() as i64 - 1,
                    waits: steps[..step as usize].iter().map(|s| (s.channel, s.wait_ms())).collect(),
                })
                .collect(),
        }
    }
}

row! {
    struct OneId {
        id: MessageId,
    }
}

row! {
    struct TopicRow {
        topic: String,
    }
}

/// Takes up to `limit` messages of a rank whose time has come. They are `routing`, and this `owner`'s. One that a node of an
/// older version wrote is given the department of its source.
pub async fn claim(
    tx: &mut Tx,
    rank: Rank,
    now: Timestamp,
    owner: i64,
    lease_ms: i64,
    limit: i64,
) -> Result<Vec<Planned>> {
    let dialect = tx.dialect();
    let text = format!(
        "WITH picked AS MATERIALIZED (
            SELECT id FROM message WHERE status <= 1 AND lane = $1 AND send_at <= $2
            ORDER BY send_at, id LIMIT $3 + 0{skip})
         UPDATE message SET status = 2, lease_owner = $4, lease_until = {now} + $5, updated_at = $2,
            department = COALESCE(department, (SELECT s.department FROM source s WHERE s.id = message.source_id))
         WHERE id IN (SELECT id FROM picked)
         RETURNING id, operator_id, department, send_at > created_at AS scheduled, test, topic, category, lane AS rank, audience, personalise, channels, expires_at, routing, lease_owner,
            plan_cursor",
        skip = dialect.skip_locked(),
        now = dialect.lease_now("$2"),
    );
    let mut rows: Vec<Planned> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text))
            .bind(rank.code())
            .bind(now.0)
            .bind(limit)
            .bind(owner)
            .bind(lease_ms)
            .fetch_all(conn)
            .await
    })?;
    rows.sort_unstable_by_key(|r| r.id);
    Ok(rows)
}

/// Gives messages from `first` on that a node of an older version wrote, and planned, the department of their source; at
/// most `limit`. What others have in their hands waits for the next time.
pub async fn give_departments(tx: &mut Tx, first: MessageId, limit: i64) -> Result<u64> {
    let text = format!(
        "UPDATE message SET department = (SELECT s.department FROM source s WHERE s.id = message.source_id)
         WHERE id IN (SELECT m.id FROM message m WHERE m.department IS NULL AND m.source_id IS NOT NULL AND m.id >= $1
            ORDER BY m.id LIMIT $2 + 0{skip})",
        skip = tx.dialect().skip_locked(),
    );
    Ok(in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(first.0).bind(limit).execute(conn).await.map(|r| r.rows_affected())
    })?)
}

/// Offers messages again whose planner is gone; they go on where it stopped. One that somebody writes to has not lost its own.
pub async fn release_lost(tx: &mut Tx, now: Timestamp, owner: i64) -> Result<u64> {
    let dialect = tx.dialect();
    let lost = match dialect {
        super::Dialect::Sqlite => "lease_owner <> $2".to_owned(),
        super::Dialect::Postgres => {
            format!("lease_owner <> $2 AND lease_until < {}", dialect.lease_now("$1"))
        }
    };
    let text = format!(
        "UPDATE message SET status = 1, updated_at = $1
         WHERE id IN (SELECT id FROM message WHERE status = 2 AND {lost} ORDER BY id{skip})",
        skip = dialect.skip_locked(),
    );
    Ok(in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(now.0).bind(owner).execute(conn).await.map(|r| r.rows_affected())
    })?)
}

/// Offers again every message this planner has taken; it plans none of them any more.
pub async fn give_back(tx: &mut Tx, owner: i64, now: Timestamp) -> Result<u64> {
    let text = "UPDATE message SET status = 1, updated_at = $2 WHERE status = 2 AND lease_owner = $1";
    Ok(in_tx!(tx, |conn| {
        sqlx::query(text).bind(owner).bind(now.0).execute(conn).await.map(|r| r.rows_affected())
    })?)
}

/// Extends the claims of those of the messages that are this planner's still. Any that it is writing to at this moment needs it not.
pub async fn renew(
    tx: &mut Tx,
    messages: &[MessageId],
    now: Timestamp,
    owner: i64,
    lease_ms: i64,
) -> Result<()> {
    let text = format!(
        "UPDATE message SET lease_until = {now} + $3
         WHERE id IN (SELECT id FROM message WHERE status + 0 = 2 AND lease_owner = $1 AND id IN {ids}{skip})",
        now = tx.dialect().lease_now("$2"),
        ids = tx.dialect().int_list("$4"),
        skip = tx.dialect().skip_locked(),
    );
    let ids = int_array(messages.iter().map(|id| id.0));
    Ok(in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(owner).bind(now.0).bind(lease_ms).bind(ids).execute(conn).await.map(drop)
    })?)
}

/// The opt-out patterns in use; few, whatever the number of people.
pub async fn opt_out_patterns(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<TopicRow> =
        in_db!(db, |conn| sqlx::query_as("SELECT DISTINCT topic FROM opt_out").fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|r| r.topic).collect())
}

/// Everyone these messages are for is planned, or is in this transaction: they are `sending`. Returns those that were
/// still this `owner`'s; [`complete`] tells whether anything of them is open.
pub async fn finish(
    tx: &mut Tx,
    messages: &[MessageId],
    owner: i64,
    now: Timestamp,
) -> Result<HashSet<MessageId>> {
    let text = format!(
        "UPDATE message SET status = 3, planned_at = COALESCE(planned_at, $2), updated_at = $2
         WHERE status + 0 = 2 AND lease_owner = $3 AND id IN {} RETURNING id",
        tx.dialect().int_list("$1")
    );
    let ids = int_array(messages.iter().map(|id| id.0));
    let rows: Vec<OneId> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(ids).bind(now.0).bind(owner).fetch_all(conn).await
    })?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Ends planning another way than by sending: `unrouted` with a reason.
pub async fn unrouted(tx: &mut Tx, messages: &[MessageId], reason: &str, now: Timestamp) -> Result<()> {
    let ids: Vec<i64> = messages.iter().map(|m| m.0).collect();
    let text = format!(
        "UPDATE message SET status = 6, reason = $2, updated_at = $3 WHERE status = 2 AND id IN {}",
        tx.dialect().int_list("$1")
    );
    in_tx!(tx, |conn| {
        sqlx::query(sql(text)).bind(to_json(&ids)?).bind(reason).bind(now.0).execute(conn).await.map(drop)
    })?;
    Ok(())
}

/// A message whose audience turned out to be nobody is `unrouted`, for the reason given. `false`: it has deliveries.
pub async fn for_nobody(tx: &mut Tx, message: MessageId, reason: &str, now: Timestamp) -> Result<bool> {
    let text = "UPDATE message SET status = 6, reason = $2, planned_at = NULL, updated_at = $3
        WHERE id = $1 AND status = 3
            AND NOT EXISTS (SELECT 1 FROM message_count c WHERE c.message_id = message.id)";
    Ok(in_tx!(tx, |conn| {
        let query = sqlx::query(text).bind(message.0).bind(reason).bind(now.0);
        query.execute(conn).await.map(|r| r.rows_affected() == 1)
    })?)
}

/// Completes those of the messages that are `sending` and have nothing open; returns them.
///
/// What closed the last delivery must be committed, or no other transaction able to touch the message: two settlers of
/// one message then cannot both miss the other's work.
pub async fn complete(tx: &mut Tx, messages: &[MessageId], now: Timestamp) -> Result<Vec<MessageId>> {
    let ids = int_array(messages.iter().map(|m| m.0));
    if tx.dialect() == super::Dialect::Postgres {
        // First the rows, then a statement that sees the counters as they are once nobody else has the rows: a message
        // may just be opened again. `+ 0` as in `deliveries`: the index of open messages grows with the backlog.
        let text = format!(
            "SELECT id FROM message WHERE status + 0 = 3 AND id IN {} ORDER BY id{}",
            tx.dialect().int_list("$1"),
            tx.dialect().lock()
        );
        in_tx!(tx, |conn| sqlx::query(sql(text)).bind(&ids).execute(conn).await.map(drop))?;
    }
    let text = format!(
        "UPDATE message SET status = 4, completed_at = $2, updated_at = $2
         WHERE status + 0 = 3 AND id IN {} AND NOT EXISTS (SELECT 1 FROM message_count c
            WHERE c.message_id = message.id AND c.pending + c.sending > 0)
         RETURNING id",
        tx.dialect().int_list("$1")
    );
    let rows: Vec<OneId> =
        in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(&ids).bind(now.0).fetch_all(conn).await)?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Messages that stand at `sending` with nothing open: their completion was cut off by a crash.
pub async fn left_open(db: &Db, limit: i64) -> Result<Vec<MessageId>> {
    let rows: Vec<OneId> = in_db!(db, |conn| {
        sqlx::query_as(
            "SELECT id FROM message WHERE status = 3 AND NOT EXISTS (SELECT 1 FROM message_count c
                WHERE c.message_id = message.id AND c.pending + c.sending > 0) ORDER BY id LIMIT $1 + 0",
        )
        .bind(limit)
        .fetch_all(conn)
        .await
    })?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Cancelled messages with deliveries that still wait: whoever stopped them was cut off, or a call that was under way
/// came back for another try. Looks at those cancelled at or after `since`.
pub async fn half_cancelled(db: &Db, since: Timestamp, limit: i64) -> Result<Vec<MessageId>> {
    let rows: Vec<OneId> = in_db!(db, |conn| {
        sqlx::query_as(
            "SELECT m.id FROM message m WHERE m.status = 7 AND m.updated_at >= $1 AND EXISTS (SELECT 1
                FROM message_count c WHERE c.message_id = m.id AND c.pending > 0) ORDER BY m.updated_at LIMIT $2 + 0",
        )
        .bind(since.0)
        .bind(limit)
        .fetch_all(conn)
        .await
    })?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Messages being sent whose time is over.
pub async fn overdue(db: &Db, now: Timestamp, limit: i64) -> Result<Vec<MessageId>> {
    let rows: Vec<OneId> = in_db!(db, |conn| {
        sqlx::query_as(
            "SELECT m.id FROM message m WHERE m.status = 3 AND m.expires_at <= $1 AND EXISTS (SELECT 1
                FROM message_count c WHERE c.message_id = m.id AND c.pending > 0) ORDER BY m.expires_at LIMIT $2 + 0",
        )
        .bind(now.0)
        .bind(limit)
        .fetch_all(conn)
        .await
    })?;
    Ok(rows.into_iter().map(|r| r.id).collect())
}

/// Ends messages whose time was over before anything of them was planned, those that wait for a reviewer too; returns
/// them.
pub async fn expire_unplanned(tx: &mut Tx, now: Timestamp) -> Result<Vec<MessageId>> {
    let mut expired = Vec::new();
    // One by one, so that each look is along an index of the few that wait.
    for waiting in ["status <= 1 AND send_at <= $1", "status IN (5, 6) AND status = 5"] {
        let text = format!(
            "UPDATE message SET status = 8, updated_at = $1, completed_at = $1
             WHERE {waiting} AND expires_at <= $1 AND plan_cursor = 0 RETURNING id"
        );
        let rows: Vec<OneId> =
            in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(now.0).fetch_all(conn).await)?;
        expired.extend(rows.into_iter().map(|row| row.id));
    }
    Ok(expired)
}

row! {
    /// A rank with messages to plan.
    pub struct DueRank {
        pub rank: Rank,
    }
}

/// The ranks of which a message waits to be planned.
pub async fn due(db: &Db, now: Timestamp) -> Result<Vec<DueRank>> {
    let probes: Vec<_> = Rank::ALL
        .iter()
        .map(|rank| {
            format!(
                "SELECT CAST({rank} AS bigint) AS rank WHERE EXISTS (SELECT 1 FROM message
                 WHERE status <= 1 AND lane = {rank} AND send_at <= $1)",
                rank = rank.code()
            )
        })
        .collect();
    let text = probes.join(" UNION ALL ");
    Ok(in_db!(db, |conn| sqlx::query_as(sql(text)).bind(now.0).fetch_all(conn).await)?)
}

row! {
    /// What sending a message needs, once for all its deliveries.
    pub struct ToSend {
        pub id: MessageId,
        pub test: bool,
        pub category: Category,
        pub lane: Lane,
        pub status: Status,
        /// As accepted: the texts, and the template's variables where there is one.
        pub content: String,
        pub expires_at: Timestamp,
        pub routing: Option<JsonText<Routed>>,
    }
}

/// The messages by their ids.
pub async fn to_send(db: &Db, messages: &[MessageId]) -> Result<Vec<ToSend>> {
    let ids: Vec<i64> = messages.iter().map(|m| m.0).collect();
    let text = format!(
        "SELECT id, test, category, lane, status, content, expires_at, routing FROM message WHERE id IN {}",
        db.dialect().int_list("$1")
    );
    Ok(in_db!(db, |conn| sqlx::query_as(sql(text)).bind(to_json(&ids)?).fetch_all(conn).await)?)
}
