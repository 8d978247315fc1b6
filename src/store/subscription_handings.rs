//! Events on their way to endpoints. The events of one message go to an endpoint one after the other; those of its single
//! deliveries come between them, in any order.

use super::dialect::Field;
use super::messages::int_array;
use super::{Db, Dialect, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{EventId, HandingId, MessageId, SourceId, SubscriptionId};
use crate::domain::subscription::{EventKind, Handed, OF_THE_ENDPOINT};

row! {
    /// An event at an endpoint, as lists show it.
    pub struct HandingRow {
        pub id: HandingId,
        pub event_id: EventId,
        /// [`EventKind::code`](crate::domain::subscription::EventKind::code); 0: a test.
        pub kind: i64,
        pub topic: String,
        /// Of the message; of a test, whose endpoint it tries out.
        pub source_id: Option<SourceId>,
        pub at: Timestamp,
        pub message_id: Option<MessageId>,
        pub state: Handed,
        pub attempts: i64,
        pub due_at: Timestamp,
        pub last_at: Option<Timestamp>,
        pub last_status: Option<i64>,
        pub last_answer: Option<String>,
        pub created_at: Timestamp,
    }
}

const SELECT: &str =
    "SELECT h.id, h.event_id, e.kind, e.topic, e.source_id, e.at, h.message_id, h.state, h.attempts,
        h.due_at, h.last_at, h.last_status, h.last_answer, h.created_at
    FROM subscription_handing h JOIN subscription_event e ON e.id = h.event_id";

/// An event that is to wait for an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewHanding {
    pub subscription: SubscriptionId,
    pub event: EventId,
    /// Where it is of one.
    pub message: Option<MessageId>,
    /// It is not of a single delivery.
    pub whole: bool,
}

/// Has events wait for endpoints; each that there still is, and once. Returns how many.
pub async fn insert(tx: &mut Tx, new: &[NewHanding], now: Timestamp) -> Result<u64> {
    let input: Vec<_> = new
        .iter()
        .map(|one| {
            serde_json::json!({
                "subscription_id": one.subscription.0,
                "event_id": one.event.0,
                "message_id": one.message.map(|id| id.0),
                "whole": i64::from(one.whole),
            })
        })
        .collect();
    let fields = [
        ("subscription_id", Field::Int),
        ("event_id", Field::Int),
        ("message_id", Field::Int),
        ("whole", Field::Int),
    ];
    let keep = match tx.dialect() {
        Dialect::Sqlite => "",
        // Nobody removes the event before the transaction ends.
        Dialect::Postgres => " FOR KEY SHARE OF v",
    };
    let text = format!(
        "INSERT INTO subscription_handing (subscription_id, event_id, message_id, whole, due_at, created_at)
         SELECT e.subscription_id, e.event_id, e.message_id, e.whole, $2, $2
         FROM {} AS e JOIN subscription_event v ON v.id = e.event_id
         WHERE NOT EXISTS (SELECT 1 FROM subscription_handing h
            WHERE h.event_id = e.event_id AND h.subscription_id = e.subscription_id)
         ORDER BY e.event_id{keep}",
        tx.dialect().rows("$1", &fields)
    );
    let input = super::to_json(&input)?;
    Ok(in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(input).bind(now.0).execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// Whether the handing under the alias, `h.` or none, was refused by itself when it was last tried: by 4xx that say nothing of
/// its endpoint.
fn is_refused(alias: &str) -> String {
    let of_the_endpoint = OF_THE_ENDPOINT.map(|status| status.to_string()).join(", ");
    format!(
        "({alias}failures > 0 AND COALESCE({alias}last_status, 0) BETWEEN 400 AND 499
            AND {alias}last_status NOT IN ({of_the_endpoint}))"
    )
}

/// Handings `e` of the message of `h` that go before it and are on the way: of the message itself or, where `whole` is 0, of
/// single deliveries.
fn earlier(whole: i64) -> String {
    format!(
        "SELECT 1 FROM subscription_handing e WHERE e.subscription_id = h.subscription_id
            AND e.message_id = h.message_id AND e.state <= 1 AND e.whole = {whole} AND e.event_id < h.event_id"
    )
}

/// Events `x` of single deliveries, of these kinds and after that place, that go before `h` and were not made out for its
/// endpoint.
fn unmade(kinds: &str, place: &str) -> String {
    format!(
        "SELECT 1 FROM subscription_event x WHERE x.message_id = h.message_id
            AND x.delivery_id IS NOT NULL AND x.place > {place} AND x.id < h.event_id AND x.kind IN {kinds}
            AND NOT EXISTS (SELECT 1 FROM subscription_handing d
                WHERE d.event_id = x.id AND d.subscription_id = h.subscription_id)"
    )
}

row! {
    /// How many wait for an endpoint or are being sent.
    pub struct OpenRow {
        pub subscription_id: SubscriptionId,
        /// 1: of messages; 0: of single deliveries.
        pub whole: i64,
        /// Without those that are put off.
        pub open: i64,
        /// Those that were refused by themselves, and those that wait for such a one of their message.
        pub put_off: i64,
    }
}

/// How many wait for each of the endpoints or are being sent, those of single deliveries apart; no row where there are none.
pub async fn open(db: &Db, subscriptions: &[SubscriptionId]) -> Result<Vec<OpenRow>> {
    let text = format!(
        "SELECT w.subscription_id, w.whole, CAST(sum(1 - w.put_off) AS bigint) AS open,
            CAST(sum(w.put_off) AS bigint) AS put_off
         FROM (SELECT h.subscription_id, h.whole, CASE WHEN {refused} OR EXISTS ({whole} AND {earlier_refused})
                OR (h.whole = 1 AND EXISTS ({single} AND {earlier_refused})) THEN 1 ELSE 0 END AS put_off
            FROM subscription_handing h WHERE h.state <= 1 AND h.subscription_id IN {ids}) AS w
         GROUP BY w.subscription_id, w.whole ORDER BY w.subscription_id, w.whole",
        refused = is_refused("h."),
        earlier_refused = is_refused("e."),
        whole = earlier(1),
        single = earlier(0),
        ids = db.dialect().int_list("$1"),
    );
    let ids = int_array(subscriptions.iter().map(|id| id.0));
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

row! {
    /// How many are being sent to an endpoint.
    pub struct SendingRow {
        pub subscription_id: SubscriptionId,
        pub source_id: SourceId,
        pub sending: i64,
    }
}

/// How many are being sent to each endpoint, by any process; no row where there are none.
pub async fn sending(tx: &mut Tx) -> Result<Vec<SendingRow>> {
    // The sign keeps SQLite from reading all there is for the sake of its order.
    let text =
        "SELECT +h.subscription_id AS subscription_id, n.source_id, CAST(count(*) AS bigint) AS sending
        FROM subscription_handing h JOIN subscription n ON n.id = h.subscription_id
        WHERE h.state = 1 GROUP BY +h.subscription_id, n.source_id";
    Ok(in_tx!(tx, |c| sqlx::query_as(text).fetch_all(c).await)?)
}

row! {
    /// An event of a message for which nothing waits that goes before it.
    pub struct NextRow {
        pub message_id: MessageId,
        pub event_id: EventId,
    }
}

/// Of each message the next event that waits for an endpoint, where that is not one of a single delivery and waits for such
/// ones that were not made out: for `few` at most, of these kinds and after that place. Up to `limit`, what failed least first.
pub async fn next(
    db: &Db,
    subscription: SubscriptionId,
    (kinds, place): (&[EventKind], i64),
    few: u32,
    limit: i64,
) -> Result<Vec<NextRow>> {
    // There may be tens of thousands, which nobody needs to have counted.
    let text = format!(
        "SELECT h.message_id, h.event_id FROM subscription_handing h
         WHERE h.subscription_id = $1 AND h.state = 0 AND h.whole = 1 AND h.message_id IS NOT NULL
            AND NOT EXISTS ({whole}) AND NOT EXISTS ({single})
            AND (SELECT count(*) FROM ({unmade} LIMIT $4 + 0) AS counted) BETWEEN 1 AND $4 - 1
         ORDER BY h.failures, h.id LIMIT $5 + 0",
        whole = earlier(1),
        single = earlier(0),
        unmade = unmade(&db.dialect().int_list("$3"), "$2"),
    );
    let kinds = int_array(kinds.iter().map(|kind| kind.code()));
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(subscription.0)
            .bind(place)
            .bind(kinds)
            .bind(i64::from(few) + 1)
            .bind(limit)
            .fetch_all(c)
            .await
    })?)
}

/// Who claims for how long.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub owner: i64,
    pub lease_ms: i64,
    pub limit: i64,
    /// The kinds of events of single deliveries that the endpoint is told of, and up to which place they are made out for it.
    pub singles: (&'a [EventKind], i64),
}

row! {
    /// One that was claimed.
    pub struct ClaimedRow {
        pub id: HandingId,
        pub event_id: EventId,
        /// This try included.
        pub attempts: i64,
        pub failures: i64,
        pub first_at: Timestamp,
    }
}

/// Takes what is due for an endpoint, what failed least and waits longest first. Nothing of a message goes while an earlier event
/// of it is on the way, but for those of single deliveries among themselves. The subscription is to be locked.
pub async fn claim(
    tx: &mut Tx,
    subscription: SubscriptionId,
    now: Timestamp,
    claim: Claim<'_>,
) -> Result<Vec<ClaimedRow>> {
    let (kinds, place) = claim.singles;
    // Where it is told of none, none is looked for.
    let place = if kinds.is_empty() { i64::MAX } else { place };
    let text = format!(
        "UPDATE subscription_handing SET state = 1, lease_owner = $3, lease_until = {lease} + $4, attempts = attempts + 1,
            first_at = COALESCE(first_at, $2), last_at = $2
         WHERE id IN (SELECT h.id FROM subscription_handing h
            WHERE h.subscription_id = $1 AND h.state = 0 AND h.due_at <= $2 AND NOT EXISTS ({whole})
                AND (h.whole = 0 OR (NOT EXISTS ({single}) AND NOT EXISTS ({unmade})))
            ORDER BY h.failures, h.id LIMIT $5 + 0)
         RETURNING id, event_id, attempts, failures, first_at",
        lease = tx.dialect().lease_now("$2"),
        whole = earlier(1),
        single = earlier(0),
        unmade = unmade(&tx.dialect().int_list("$7"), "$6"),
    );
    let kinds = int_array(claim.singles.0.iter().map(|kind| kind.code()));
    let mut rows: Vec<ClaimedRow> = in_tx!(tx, |c| {
        sqlx::query_as(sql(text))
            .bind(subscription.0)
            .bind(now.0)
            .bind(claim.owner)
            .bind(claim.lease_ms)
            .bind(claim.limit)
            .bind(place)
            .bind(kinds)
            .fetch_all(c)
            .await
    })?;
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

/// What a try came to.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'a> {
    pub id: HandingId,
    pub owner: i64,
    /// The try's number; one that is not the latest changes nothing.
    pub attempt: i64,
    pub state: Handed,
    pub failures: i64,
    pub due_at: Timestamp,
    pub status: Option<i64>,
    pub answer: &'a str,
}

/// Notes what a try came to; whether it was the latest.
pub async fn settle(tx: &mut Tx, settled: Settled<'_>) -> Result<bool> {
    let text = "UPDATE subscription_handing SET state = $4, failures = $5, due_at = $6, last_status = $7, last_answer = $8,
            lease_owner = NULL, lease_until = NULL
        WHERE id = $1 AND lease_owner = $2 AND attempts = $3 AND state = 1";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(settled.id.0)
            .bind(settled.owner)
            .bind(settled.attempt)
            .bind(settled.state.code())
            .bind(settled.failures)
            .bind(settled.due_at.0)
            .bind(settled.status)
            .bind(settled.answer)
            .execute(c)
            .await
            .map(|done| done.rows_affected() == 1)
    })?)
}

/// The endpoint answers again: what failed meanwhile is due at once, as if it had not been tried; what it refused by itself is
/// only where `refused`.
pub async fn hasten(tx: &mut Tx, subscription: SubscriptionId, refused: bool, now: Timestamp) -> Result<u64> {
    let text = format!(
        "UPDATE subscription_handing SET due_at = $2, failures = 0
         WHERE subscription_id = $1 AND state = 0 AND failures > 0 AND ($3 = 1 OR NOT {})",
        is_refused("")
    );
    Ok(in_tx!(tx, |c| {
        sqlx::query(sql(text))
            .bind(subscription.0)
            .bind(now.0)
            .bind(i64::from(refused))
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?)
}

/// An endpoint's of that id; of lists it is the row.
pub async fn find(tx: &mut Tx, subscription: SubscriptionId, id: HandingId) -> Result<Option<HandingRow>> {
    let text = format!("{SELECT} WHERE h.id = $1 AND h.subscription_id = $2");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).bind(subscription.0).fetch_optional(c).await)?)
}

/// Whether a test waits for an endpoint or is being sent: what is of no message.
pub async fn test_waits(tx: &mut Tx, subscription: SubscriptionId) -> Result<bool> {
    let text = "SELECT id FROM subscription_handing
        WHERE subscription_id = $1 AND message_id IS NULL AND state <= 1 LIMIT 1";
    let found: Option<i64> =
        in_tx!(tx, |c| sqlx::query_scalar(text).bind(subscription.0).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// Those that are being sent are given up, unsent: their endpoint may not be told of them any more.
pub async fn withhold(tx: &mut Tx, ids: &[HandingId], why: &str) -> Result<()> {
    let text = format!(
        "UPDATE subscription_handing SET state = 3, attempts = attempts - 1, last_status = NULL, last_answer = $2,
            lease_owner = NULL, lease_until = NULL
         WHERE state = 1 AND id IN {}",
        tx.dialect().int_list("$1")
    );
    let ids = int_array(ids.iter().map(|id| id.0));
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(ids).bind(why).execute(c).await.map(drop))?;
    Ok(())
}

/// Has one that ended or waits go again, now; whether there was one that is not being sent.
pub async fn replay(
    tx: &mut Tx,
    subscription: SubscriptionId,
    id: HandingId,
    now: Timestamp,
) -> Result<bool> {
    let text = "UPDATE subscription_handing SET state = 0, failures = 0, due_at = $3
        WHERE id = $1 AND subscription_id = $2 AND state <> 1";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(subscription.0)
            .bind(now.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected() == 1)
    })?)
}

/// Offers again what outlived its lease, and on SQLite, where one process dispatches, whatever another `owner` had in hand. It
/// may have been received. Returns how many.
pub async fn release_lost(tx: &mut Tx, now: Timestamp, owner: i64) -> Result<u64> {
    let text = match tx.dialect() {
        Dialect::Sqlite => "UPDATE subscription_handing SET state = 0, lease_owner = NULL, lease_until = NULL
            WHERE state = 1 AND (lease_owner <> $1 OR lease_until < $2)"
            .to_owned(),
        dialect @ Dialect::Postgres => format!(
            "UPDATE subscription_handing SET state = 0, lease_owner = NULL, lease_until = NULL
             WHERE id IN (SELECT id FROM subscription_handing
                WHERE state = 1 AND lease_until < {} AND $1 = $1 ORDER BY id{})",
            dialect.lease_now("$2"),
            dialect.skip_locked(),
        ),
    };
    Ok(in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(owner).bind(now.0).execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// An endpoint's, the newest first, older than the one with the id `before`.
pub async fn list(
    db: &Db,
    subscription: SubscriptionId,
    before: Option<HandingId>,
    limit: u32,
) -> Result<Vec<HandingRow>> {
    let text = format!("{SELECT} WHERE h.subscription_id = $1 AND h.id < $2 ORDER BY h.id DESC LIMIT $3 + 0");
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(subscription.0)
            .bind(before.map_or(i64::MAX, |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

row! {
    /// How many wait for an endpoint.
    pub struct WaitingRow {
        pub subscription_id: SubscriptionId,
        pub waiting: i64,
    }
}

/// How many events that were made out for each of the endpoints wait; of those without any, none.
pub async fn waiting(db: &Db, subscriptions: &[SubscriptionId]) -> Result<Vec<WaitingRow>> {
    let text = format!(
        "SELECT subscription_id, CAST(count(*) AS bigint) AS waiting FROM subscription_handing
         WHERE state <= 1 AND subscription_id IN {} GROUP BY subscription_id",
        db.dialect().int_list("$1")
    );
    let ids = int_array(subscriptions.iter().map(|id| id.0));
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

row! {
    /// When what waits for an endpoint for the longest happened.
    pub struct OldestRow {
        pub subscription_id: SubscriptionId,
        pub at: Timestamp,
    }
}

/// For which endpoints something that was made out waits that happened before `before`; what one alone refuses, while it takes
/// others, is left out.
pub async fn oldest(db: &Db, before: Timestamp) -> Result<Vec<OldestRow>> {
    let text = format!(
        "SELECT h.subscription_id, min(e.at) AS at FROM subscription_handing h
            JOIN subscription_event e ON e.id = h.event_id JOIN subscription n ON n.id = h.subscription_id
         WHERE h.state <= 1 AND e.at < $1 AND NOT ({} AND COALESCE(n.succeeded_at, 0) >= h.first_at)
         GROUP BY h.subscription_id ORDER BY h.subscription_id",
        is_refused("h.")
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(before.0).fetch_all(c).await)?)
}
