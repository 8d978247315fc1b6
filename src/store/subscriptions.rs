//! Applications that are told of events: what of, where, and how it went lately.

use super::dialect::Field;
use super::messages::int_array;
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{SourceId, SubscriptionId};
use crate::domain::source::Right;
use crate::domain::subscription::{EndpointKind, EventKind, Standing, WhyDisabled};
use crate::domain::topic::TopicPattern;

row! {
    pub struct SubscriptionRow {
        pub id: SubscriptionId,
        pub source_id: SourceId,
        pub source_name: String,
        pub department: String,
        /// The source's.
        pub rights: JsonText<Vec<Right>>,
        pub source_disabled_at: Option<Timestamp>,
        pub kind: EndpointKind,
        pub topics: JsonText<Vec<TopicPattern>>,
        pub events: JsonText<Vec<EventKind>>,
        /// Of a webhook.
        pub url: Option<String>,
        /// Of one at the broker: how its source calls the queue.
        pub queue: Option<String>,
        /// Sealed, as is the one before.
        pub secret: Option<Vec<u8>>,
        pub old_secret: Option<Vec<u8>>,
        /// Until when the one before signs too.
        pub old_until: Option<Timestamp>,
        pub standing: Standing,
        pub why_disabled: Option<WhyDisabled>,
        pub disabled_at: Option<Timestamp>,
        /// Events with a higher place are still to be handed to it.
        pub place: i64,
        /// As `place`, of events of single deliveries.
        pub single_place: i64,
        /// Failures in a row.
        pub failures: i64,
        pub failed_at: Option<Timestamp>,
        pub succeeded_at: Option<Timestamp>,
        /// It is not called before.
        pub next_at: Timestamp,
        pub last_at: Option<Timestamp>,
        /// None where no answer came.
        pub last_status: Option<i64>,
        pub last_answer: Option<String>,
        /// When somebody last read the stream.
        pub seen_at: Option<Timestamp>,
        pub created_at: Timestamp,
    }
}

impl SubscriptionRow {
    /// Its source may be told of anything now.
    pub fn is_granted(&self) -> bool {
        self.source_disabled_at.is_none() && self.rights.0.contains(&Right::Subscribe)
    }
}

const SELECT: &str =
    "SELECT n.id, n.source_id, s.name AS source_name, s.department, s.rights, s.disabled_at AS source_disabled_at, n.kind,
    n.topics, n.events, n.url, n.queue, n.secret, n.old_secret, n.old_until, n.standing, n.why_disabled, n.disabled_at, n.place,
    COALESCE(n.single_place, n.place) AS single_place, n.failures, n.failed_at, n.succeeded_at, n.next_at, n.last_at,
    n.last_status, n.last_answer, n.seen_at, n.created_at
  FROM subscription n JOIN source s ON s.id = n.source_id AND n.removed_at IS NULL";

/// One about to be kept.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    pub source: SourceId,
    pub kind: EndpointKind,
    pub topics: &'a [TopicPattern],
    pub events: &'a [EventKind],
    pub url: Option<&'a str>,
    pub queue: Option<&'a str>,
    /// Sealed.
    pub secret: Option<&'a [u8]>,
}

/// Keeps one. It is told of what happens from now on.
pub async fn insert(tx: &mut Tx, new: New<'_>, now: Timestamp) -> Result<SubscriptionId> {
    let text =
        "INSERT INTO subscription (source_id, kind, topics, events, url, queue, secret, place, seen_at, created_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, p.last, CASE WHEN $2 = 2 THEN $8 ELSE NULL END, $8
        FROM subscription_place p WHERE p.id = 1 RETURNING id";
    let (topics, events) = (to_json(new.topics)?, to_json(new.events)?);
    let id: i64 = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(new.source.0)
            .bind(new.kind.code())
            .bind(topics)
            .bind(events)
            .bind(new.url)
            .bind(new.queue)
            .bind(new.secret)
            .bind(now.0)
            .fetch_one(c)
            .await
    })?;
    Ok(SubscriptionId(id))
}

pub async fn find(db: &Db, id: SubscriptionId) -> Result<Option<SubscriptionRow>> {
    let text = format!("{SELECT} WHERE n.id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// As [`find`], locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: SubscriptionId) -> Result<Option<SubscriptionRow>> {
    let text = format!("{SELECT} WHERE n.id = $1{}", tx.dialect().lock_of("n"));
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// As [`lock`], of several, in the order of their ids; those that somebody else has in hand are waited for.
pub async fn lock_all(tx: &mut Tx, ids: &[SubscriptionId]) -> Result<Vec<SubscriptionRow>> {
    let lock = tx.dialect().lock_of("n");
    all_of(tx, ids, &lock).await
}

/// As [`lock_all`], without those that somebody else has in hand.
pub async fn take_all(tx: &mut Tx, ids: &[SubscriptionId]) -> Result<Vec<SubscriptionRow>> {
    let lock = match tx.dialect() {
        super::Dialect::Sqlite => "",
        super::Dialect::Postgres => " FOR UPDATE OF n SKIP LOCKED",
    };
    all_of(tx, ids, lock).await
}

async fn all_of(tx: &mut Tx, ids: &[SubscriptionId], lock: &str) -> Result<Vec<SubscriptionRow>> {
    let text = format!("{SELECT} WHERE n.id IN {} ORDER BY n.id{lock}", tx.dialect().int_list("$1"));
    let ids = int_array(ids.iter().map(|id| id.0));
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

/// All of every source, by source and then the newest first. There are few.
pub async fn all(db: &Db) -> Result<Vec<SubscriptionRow>> {
    let text = format!("{SELECT} ORDER BY s.name, n.id DESC");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// The endpoints of a source, the newest first, older than the one with the id `before`. Streams are none.
pub async fn list(
    db: &Db,
    source: SourceId,
    before: Option<SubscriptionId>,
    limit: u32,
) -> Result<Vec<SubscriptionRow>> {
    let text = format!(
        "{SELECT} WHERE n.source_id = $1 AND n.kind <> 2 AND n.id < $2 ORDER BY n.id DESC LIMIT $3 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(source.0)
            .bind(before.map_or(i64::MAX, |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

/// How many endpoints a source has, and how many streams. Nobody makes another of the source's before the transaction ends.
pub async fn count(tx: &mut Tx, source: SourceId) -> Result<(i64, i64)> {
    let hold = format!("SELECT id FROM source WHERE id = $1{}", tx.dialect().lock_content());
    in_tx!(tx, |c| sqlx::query(sql(hold)).bind(source.0).execute(c).await.map(drop))?;
    let text = "SELECT CAST(COALESCE(sum(CASE WHEN kind <> 2 THEN 1 ELSE 0 END), 0) AS bigint),
            CAST(COALESCE(sum(CASE WHEN kind = 2 THEN 1 ELSE 0 END), 0) AS bigint)
        FROM subscription WHERE source_id = $1 AND removed_at IS NULL";
    Ok(in_tx!(tx, |c| sqlx::query_as(text).bind(source.0).fetch_one(c).await)?)
}

/// A source's stream of exactly those topics and events.
pub async fn find_stream(
    tx: &mut Tx,
    source: SourceId,
    topics: &[TopicPattern],
    events: &[EventKind],
) -> Result<Option<SubscriptionId>> {
    let text = "SELECT id FROM subscription WHERE source_id = $1 AND kind = 2 AND topics = $2 AND events = $3 LIMIT 1";
    let (topics, events) = (to_json(topics)?, to_json(events)?);
    let id: Option<i64> = in_tx!(tx, |c| {
        sqlx::query_scalar(text).bind(source.0).bind(topics).bind(events).fetch_optional(c).await
    })?;
    Ok(id.map(SubscriptionId))
}

/// Takes away the source's stream that was read the longest ago.
pub async fn forget_stream(tx: &mut Tx, source: SourceId) -> Result<()> {
    let text =
        "DELETE FROM subscription WHERE id = (SELECT id FROM subscription WHERE source_id = $1 AND kind = 2
        ORDER BY seen_at, id LIMIT 1)";
    in_tx!(tx, |c| sqlx::query(text).bind(source.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Somebody reads the stream.
pub async fn see(tx: &mut Tx, id: SubscriptionId, now: Timestamp) -> Result<()> {
    let text = "UPDATE subscription SET seen_at = $2 WHERE id = $1 AND seen_at < $2";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Takes one away: from now on there is none of that id. What was handed to it goes later, by [`clear_out`]. To a process of an
/// older version it is disabled.
pub async fn remove(tx: &mut Tx, id: SubscriptionId, now: Timestamp) -> Result<()> {
    let text = "UPDATE subscription SET removed_at = $2, standing = 1, why_disabled = NULL, disabled_at = NULL, url = NULL,
            secret = NULL, old_secret = NULL, old_until = NULL, last_answer = NULL
        WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Whether there are some that were taken away and are not cleared out.
pub async fn any_removed(db: &Db) -> Result<bool> {
    let text = "SELECT id FROM subscription WHERE removed_at IS NOT NULL LIMIT 1";
    let found: Option<i64> = in_db!(db, |c| sqlx::query_scalar(text).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// Clears out what was handed to those that were taken away, `limit` at a time, and then themselves; returns how many rows.
pub async fn clear_out(tx: &mut Tx, limit: i64) -> Result<u64> {
    let skip = tx.dialect().skip_locked();
    let handings = format!(
        "DELETE FROM subscription_handing WHERE id IN (SELECT id FROM subscription_handing
            WHERE subscription_id IN (SELECT id FROM subscription WHERE removed_at IS NOT NULL)
            LIMIT $1 + 0{skip})"
    );
    let cleared = in_tx!(tx, |c| {
        sqlx::query(sql(handings)).bind(limit).execute(c).await.map(|done| done.rows_affected())
    })?;
    if cleared > 0 {
        return Ok(cleared);
    }
    let rest = "DELETE FROM subscription WHERE removed_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM subscription_handing h WHERE h.subscription_id = subscription.id)";
    Ok(in_tx!(tx, |c| sqlx::query(rest).execute(c).await.map(|done| done.rows_affected()))?)
}

/// Takes away streams that nobody has read since `before`.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM subscription WHERE kind = 2 AND seen_at < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}

/// Another secret; the one there was signs too until `old_until`.
pub async fn reseal(tx: &mut Tx, id: SubscriptionId, secret: &[u8], old_until: Timestamp) -> Result<()> {
    let text = "UPDATE subscription SET old_secret = secret, old_until = $3, secret = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(secret).bind(old_until.0).execute(c).await.map(drop))?;
    Ok(())
}

/// It is called no more.
pub async fn disable(tx: &mut Tx, id: SubscriptionId, why: WhyDisabled, now: Timestamp) -> Result<()> {
    let text = "UPDATE subscription SET standing = 1, why_disabled = $2, disabled_at = $3 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(why.code()).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// It is called again, from now on and as if nothing had failed.
pub async fn enable(tx: &mut Tx, id: SubscriptionId, now: Timestamp) -> Result<()> {
    let text = "UPDATE subscription SET standing = 0, why_disabled = NULL, disabled_at = NULL, failures = 0,
            failed_at = NULL, next_at = $2
        WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// It is called as soon as it may be, whatever failed before.
pub async fn hasten(tx: &mut Tx, id: SubscriptionId, now: Timestamp) -> Result<()> {
    let text = "UPDATE subscription SET next_at = $2 WHERE id = $1 AND next_at > $2";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// How a call went.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    pub at: Timestamp,
    pub status: Option<i64>,
    pub answer: &'a str,
    pub succeeded: bool,
    /// It failed, by its own fault.
    pub failed: bool,
    /// Failures in a row, this one included.
    pub failures: i64,
    pub next_at: Timestamp,
}

/// Notes how the latest call went.
pub async fn note(tx: &mut Tx, id: SubscriptionId, called: Called<'_>) -> Result<()> {
    let text = "UPDATE subscription SET last_at = $2, last_status = $3, last_answer = $4, failures = $5, next_at = $6,
            succeeded_at = CASE WHEN $7 = 1 THEN $2 ELSE succeeded_at END,
            failed_at = CASE WHEN $7 = 1 THEN NULL WHEN $8 = 1 THEN $2 ELSE failed_at END
        WHERE id = $1";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(called.at.0)
            .bind(called.status)
            .bind(called.answer)
            .bind(called.failures)
            .bind(called.next_at.0)
            .bind(i64::from(called.succeeded))
            .bind(i64::from(called.failed))
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// How far one has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    pub id: SubscriptionId,
    pub place: i64,
    pub single_place: i64,
}

/// Events up to those places are handed to them, or are none of theirs. Nobody goes back.
pub async fn advance(tx: &mut Tx, all: &[Advance]) -> Result<()> {
    let fields = [("id", Field::Int), ("place", Field::Int), ("single_place", Field::Int)];
    let text = format!(
        "UPDATE subscription SET place = x.place, single_place = x.single_place FROM {} AS x
         WHERE subscription.id = x.id AND subscription.place <= x.place
            AND COALESCE(subscription.single_place, subscription.place) <= x.single_place",
        tx.dialect().rows("$1", &fields)
    );
    let rows: Vec<_> = all
        .iter()
        .map(|one| serde_json::json!({"id": one.id.0, "place": one.place, "single_place": one.single_place}))
        .collect();
    let rows = to_json(&rows)?;
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(rows).execute(c).await.map(drop))?;
    Ok(())
}

row! {
    /// Endpoints of one kind and standing.
    pub struct FigureRow {
        pub kind: EndpointKind,
        pub standing: Standing,
        pub endpoints: i64,
        /// Events made out for them that wait or are being sent.
        pub waiting: i64,
    }
}

/// How many endpoints there are, by kind and standing, and how much waits for them.
pub async fn figures(db: &Db) -> Result<Vec<FigureRow>> {
    let text = "SELECT n.kind, n.standing, CAST(count(*) AS bigint) AS endpoints,
            CAST(COALESCE(sum(w.waiting), 0) AS bigint) AS waiting
        FROM subscription n LEFT JOIN (SELECT subscription_id, count(*) AS waiting FROM subscription_handing
            WHERE state <= 1 GROUP BY subscription_id) w ON w.subscription_id = n.id
        WHERE n.kind <> 2 AND n.removed_at IS NULL GROUP BY n.kind, n.standing ORDER BY n.kind, n.standing";
    Ok(in_db!(db, |c| sqlx::query_as(text).fetch_all(c).await)?)
}

/// Endpoints in use that have not been handed all there is, as far as is written down.
pub async fn behind(db: &Db) -> Result<Vec<SubscriptionRow>> {
    let text = format!(
        "{SELECT} JOIN subscription_place p ON p.id = 1
         WHERE n.kind <> 2 AND n.standing = 0
            AND (n.place < p.last OR COALESCE(n.single_place, n.place) < p.last) ORDER BY n.id"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// Endpoints in use that have not been handed what happened before `before`, as far as is written down: some of it may be for
/// them.
pub async fn far_behind(db: &Db, before: Timestamp) -> Result<Vec<SubscriptionRow>> {
    // The place of single deliveries is never the further one.
    let text = format!(
        "{SELECT} WHERE n.kind <> 2 AND n.standing = 0
            AND COALESCE((SELECT e.at FROM subscription_event e WHERE e.place > COALESCE(n.single_place, n.place)
                ORDER BY e.place LIMIT 1), $1) < $1
         ORDER BY n.id"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(before.0).fetch_all(c).await)?)
}

/// Endpoints that may be called now and have something due. Those in `busy` have no room.
pub async fn due(db: &Db, now: Timestamp, busy: &[SubscriptionId]) -> Result<Vec<SubscriptionId>> {
    let text = format!(
        "SELECT n.id FROM subscription n
         WHERE n.kind <> 2 AND n.standing = 0 AND n.next_at <= $1 AND n.id NOT IN {busy}
            AND EXISTS (SELECT 1 FROM subscription_handing h
                WHERE h.subscription_id = n.id AND h.state = 0 AND h.due_at <= $1)
         ORDER BY n.id",
        busy = db.dialect().int_list("$2"),
    );
    let busy = int_array(busy.iter().map(|id| id.0));
    let ids: Vec<i64> =
        in_db!(db, |c| sqlx::query_scalar(sql(text)).bind(now.0).bind(busy).fetch_all(c).await)?;
    Ok(ids.into_iter().map(SubscriptionId).collect())
}
