//! What happened that somebody subscribed to. Written in the transaction of what they tell; given their places afterwards,
//! by one at a time, so that whoever has read up to a place has missed none before it.

use serde::Serialize;

use super::dialect::{Dialect, Field};
use super::messages::int_array;
use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, EventId, MessageId, ProviderId, SourceId, SubscriptionId};
use crate::domain::message::{Category, Lane, Status};
use crate::domain::subscription::EventKind;

row! {
    /// What decides who is told of a message.
    pub struct SubjectRow {
        pub id: MessageId,
        pub source_id: Option<SourceId>,
        pub topic: String,
        pub lane: Lane,
        pub status: Status,
        pub reason: Option<String>,
    }
}

/// The messages as they are in the transaction, in no particular order.
pub async fn subjects(tx: &mut Tx, messages: &[MessageId]) -> Result<Vec<SubjectRow>> {
    let text = format!(
        "SELECT id, source_id, topic, lane, status, reason FROM message WHERE id IN {}",
        tx.dialect().int_list("$1")
    );
    let ids = int_array(messages.iter().map(|id| id.0));
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

row! {
    /// How many deliveries of a message stand in each state, over all channels.
    pub struct TotalRow {
        pub message_id: MessageId,
        pub pending: i64,
        pub sending: i64,
        pub sent: i64,
        pub delivered: i64,
        pub failed: i64,
        pub expired: i64,
        pub cancelled: i64,
        pub suppressed: i64,
        pub unknown: i64,
    }
}

/// The counts of messages as they are in the transaction; of those that nothing was planned of, none.
pub async fn totals(tx: &mut Tx, messages: &[MessageId]) -> Result<Vec<TotalRow>> {
    let sums: Vec<_> =
        State::ALL.iter().map(|state| format!("CAST(sum({0}) AS bigint) AS {0}", state.name())).collect();
    let text = format!(
        "SELECT message_id, {} FROM message_count WHERE message_id IN {} GROUP BY message_id",
        sums.join(", "),
        tx.dialect().int_list("$1")
    );
    let ids = int_array(messages.iter().map(|id| id.0));
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

row! {
    /// A delivery that something happened to.
    pub struct OfDeliveryRow {
        pub id: DeliveryId,
        pub channel: ChannelKind,
        pub state: State,
        pub reason: Option<String>,
        pub provider_id: Option<ProviderId>,
        pub attempts: i64,
    }
}

/// The deliveries as they are in the transaction, in no particular order.
pub async fn of_deliveries(tx: &mut Tx, deliveries: &[DeliveryId]) -> Result<Vec<OfDeliveryRow>> {
    let text = format!(
        "SELECT id, channel, state, reason, provider_id, attempts FROM delivery WHERE id IN {}",
        tx.dialect().int_list("$1")
    );
    let ids = int_array(deliveries.iter().map(|id| id.0));
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

/// An event about to be kept.
#[derive(Clone, Debug, Serialize)]
pub struct NewEvent {
    /// [`EventKind::code`](crate::domain::subscription::EventKind::code); 0: a test.
    pub kind: i64,
    pub message_id: Option<i64>,
    pub source_id: Option<i64>,
    pub topic: String,
    pub delivery_id: Option<i64>,
    pub at: i64,
    /// A JSON object as text.
    pub detail: String,
}

/// Keeps events, in the order given; returns their ids in it.
pub async fn insert(tx: &mut Tx, events: &[NewEvent]) -> Result<Vec<EventId>> {
    let rows = tx.dialect().rows(
        "$1",
        &[
            ("kind", Field::Int),
            ("message_id", Field::Int),
            ("source_id", Field::Int),
            ("topic", Field::Text),
            ("delivery_id", Field::Int),
            ("at", Field::Int),
            ("detail", Field::Text),
        ],
    );
    let text = format!(
        "INSERT INTO subscription_event (kind, message_id, source_id, topic, delivery_id, at, detail)
         SELECT kind, message_id, source_id, topic, delivery_id, at, detail FROM {rows} AS e RETURNING id"
    );
    let mut ids: Vec<i64> =
        in_tx!(tx, |c| sqlx::query_scalar(sql(text)).bind(to_json(events)?).fetch_all(c).await)?;
    ids.sort_unstable();
    Ok(ids.into_iter().map(EventId).collect())
}

/// Whether there are events without a place.
pub async fn any_new(db: &Db) -> Result<bool> {
    let text = "SELECT id FROM subscription_event WHERE place IS NULL LIMIT 1";
    let found: Option<i64> = in_db!(db, |c| sqlx::query_scalar(text).fetch_optional(c).await)?;
    Ok(found.is_some())
}

/// Gives places to up to `limit` events that have none, in the order they were written; returns how many. Whoever does so
/// holds the row of the last place until the transaction ends: places become visible in their order.
pub async fn give_places(tx: &mut Tx, limit: i64) -> Result<i64> {
    let hold = "UPDATE subscription_place SET last = last + 0 WHERE id = 1 RETURNING last";
    let last: i64 = in_tx!(tx, |c| sqlx::query_scalar(hold).fetch_one(c).await)?;
    let give = "UPDATE subscription_event SET place = $1 + x.n FROM (
            SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
                SELECT id FROM subscription_event WHERE place IS NULL ORDER BY id LIMIT $2 + 0) AS waiting) AS x
        WHERE subscription_event.id = x.id";
    let given = in_tx!(tx, |c| {
        sqlx::query(give).bind(last).bind(limit).execute(c).await.map(|done| done.rows_affected() as i64)
    })?;
    if given > 0 {
        let note = "UPDATE subscription_place SET last = $1 WHERE id = 1";
        in_tx!(tx, |c| sqlx::query(note).bind(last + given).execute(c).await.map(drop))?;
    }
    Ok(given)
}

/// The last place that was given.
pub async fn last_place(db: &Db) -> Result<i64> {
    let text = "SELECT last FROM subscription_place WHERE id = 1";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).fetch_one(c).await)?)
}

row! {
    /// An event by what decides who is told of it.
    pub struct PlacedRow {
        pub id: EventId,
        pub place: i64,
        pub kind: i64,
        pub message_id: Option<MessageId>,
        pub source_id: Option<SourceId>,
        pub topic: String,
        pub at: Timestamp,
    }
}

const PLACED: &str = "SELECT id, place, kind, message_id, source_id, topic, at FROM subscription_event WHERE place > $1 ORDER BY place LIMIT $2 + 0";

/// Events after a place, in order.
pub async fn after(db: &Db, place: i64, limit: u32) -> Result<Vec<PlacedRow>> {
    Ok(in_db!(db, |c| sqlx::query_as(PLACED).bind(place).bind(i64::from(limit)).fetch_all(c).await)?)
}

/// Events of single deliveries of a message, of these kinds and after a place, older than the event `before`, that were not made
/// out for the endpoint; in order.
pub async fn singles(
    db: &Db,
    subscription: SubscriptionId,
    (message, place): (MessageId, i64),
    before: EventId,
    kinds: &[EventKind],
    limit: u32,
) -> Result<Vec<PlacedRow>> {
    let text = format!(
        "SELECT x.id, x.place, x.kind, x.message_id, x.source_id, x.topic, x.at FROM subscription_event x
         WHERE x.message_id = $2 AND x.delivery_id IS NOT NULL AND x.place > $3 AND x.id < $4 AND x.kind IN {}
            AND NOT EXISTS (SELECT 1 FROM subscription_handing h WHERE h.event_id = x.id AND h.subscription_id = $1)
         ORDER BY x.place LIMIT $6 + 0",
        db.dialect().int_list("$5")
    );
    let kinds = int_array(kinds.iter().map(|kind| kind.code()));
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text))
            .bind(subscription.0)
            .bind(message.0)
            .bind(place)
            .bind(before.0)
            .bind(kinds)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

row! {
    struct PlaceRow {
        place: Option<i64>,
    }
}

/// The place of an event: `None` where it is not kept (any more), the place 0 where it has none yet.
pub async fn place_of(db: &Db, id: EventId) -> Result<Option<i64>> {
    let text = "SELECT place FROM subscription_event WHERE id = $1";
    let row: Option<PlaceRow> = in_db!(db, |c| sqlx::query_as(text).bind(id.0).fetch_optional(c).await)?;
    Ok(row.map(|row| row.place.unwrap_or(0)))
}

row! {
    /// An event with everything that is told of it. Of people it says what is known of them now: nothing of one who was
    /// erased.
    pub struct ToldRow {
        pub id: EventId,
        pub kind: i64,
        pub topic: String,
        pub at: Timestamp,
        pub detail: String,
        /// Of the message; of a test, whose endpoint it tries out.
        pub source_id: Option<SourceId>,
        pub message_id: Option<MessageId>,
        pub category: Option<Category>,
        pub test: Option<bool>,
        pub title: Option<String>,
        pub source_name: Option<String>,
        pub created_at: Option<Timestamp>,
        pub delivery_id: Option<DeliveryId>,
        pub campus_id: Option<String>,
        pub address: Option<String>,
        pub address_kind: Option<AddressKind>,
    }
}

fn told_text(dialect: Dialect) -> String {
    format!(
        "SELECT e.id, e.kind, e.topic, e.at, e.detail, e.source_id, e.message_id, m.category, m.test, m.title, s.name AS source_name,
            m.created_at, e.delivery_id, r.campus_id, d.address, d.address_kind
         FROM subscription_event e LEFT JOIN message m ON m.id = e.message_id LEFT JOIN source s ON s.id = m.source_id
            LEFT JOIN delivery d ON d.id = e.delivery_id
            LEFT JOIN recipient r ON r.id = d.recipient_id AND r.erased_at IS NULL
         WHERE e.id IN {} ORDER BY COALESCE(e.place, 0), e.id",
        dialect.int_list("$1")
    )
}

/// Events by id with what is told of them, in the order of their places.
pub async fn told(db: &Db, ids: &[EventId]) -> Result<Vec<ToldRow>> {
    let (text, ids) = (told_text(db.dialect()), int_array(ids.iter().map(|id| id.0)));
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

/// As [`told`], in a transaction.
pub async fn told_in(tx: &mut Tx, ids: &[EventId]) -> Result<Vec<ToldRow>> {
    let (text, ids) = (told_text(tx.dialect()), int_array(ids.iter().map(|id| id.0)));
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

/// Removes up to `limit` events from before `before`, with what was made of them; returns how many.
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let text = format!(
        "DELETE FROM subscription_event WHERE id IN (
            SELECT id FROM subscription_event WHERE at < $1 ORDER BY at LIMIT $2 + 0{})",
        tx.dialect().skip_locked()
    );
    Ok(in_tx!(tx, |c| {
        sqlx::query(sql(text)).bind(before.0).bind(limit).execute(c).await.map(|done| done.rows_affected())
    })?)
}

/// Whether there are events from before `before`.
pub async fn any_old(db: &Db, before: Timestamp) -> Result<bool> {
    let text = "SELECT id FROM subscription_event WHERE at < $1 LIMIT 1";
    let found: Option<i64> = in_db!(db, |c| sqlx::query_scalar(text).bind(before.0).fetch_optional(c).await)?;
    Ok(found.is_some())
}
