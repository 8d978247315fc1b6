//! What became of messages, for reading: counts, events, deliveries, attempts and receipts.

use serde_json::Value;

use super::condition::{Conditions, bind_all};
use super::messages::int_array;
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::answer::{Answered, Via};
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::{State, by_state};
use crate::domain::id::{DeliveryId, MessageId, ReceiptId, RecipientId, SourceId};

row! {
    /// How many deliveries of a message stand where, for one channel.
    pub struct CountRow {
        pub message_id: MessageId,
        pub channel: ChannelKind,
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

by_state!(CountRow);

/// The counts of several messages at once.
pub async fn counts(db: &Db, ids: &[MessageId]) -> Result<Vec<CountRow>> {
    let text = format!(
        "SELECT message_id, channel, pending, sending, sent, delivered, failed, expired, cancelled, suppressed, unknown
         FROM message_count WHERE message_id IN {} ORDER BY message_id, channel",
        db.dialect().int_list("$1")
    );
    let ids = int_array(ids.iter().map(|id| id.0));
    Ok(in_db!(db, |c| sqlx::query_as::<_, CountRow>(sql(text)).bind(ids).fetch_all(c).await)?)
}

row! {
    /// Something that happened to a message as a whole.
    pub struct EventRow {
        pub at: Timestamp,
        pub kind: String,
        /// A JSON object.
        pub detail: JsonText<Value>,
    }
}

/// Adds an event to a message's timeline, in the transaction that makes it true.
pub async fn append(
    tx: &mut Tx,
    message: MessageId,
    at: Timestamp,
    kind: &str,
    detail: &Value,
) -> Result<()> {
    let text = "INSERT INTO message_event (message_id, at, kind, detail) VALUES ($1, $2, $3, $4)";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(message.0)
            .bind(at.0)
            .bind(kind)
            .bind(detail.to_string())
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// A message's events as they happened.
pub async fn events(db: &Db, message: MessageId) -> Result<Vec<EventRow>> {
    let text = "SELECT at, kind, detail FROM message_event WHERE message_id = $1 ORDER BY id";
    Ok(in_db!(db, |c| sqlx::query_as::<_, EventRow>(text).bind(message.0).fetch_all(c).await)?)
}

row! {
    /// A delivery as it is shown.
    pub struct DeliveryRow {
        pub id: DeliveryId,
        pub message_id: MessageId,
        /// The source of its message.
        pub source_id: Option<SourceId>,
        pub department: Option<String>,
        pub channel: ChannelKind,
        /// None for a direct address, and after the person was erased.
        pub campus_id: Option<String>,
        pub name: Option<String>,
        pub address_kind: Option<AddressKind>,
        pub address: Option<String>,
        pub state: State,
        pub reason: Option<String>,
        /// The name of the provider that had it last.
        pub provider: Option<String>,
        pub attempts: i64,
        /// When it is tried next, while it is pending.
        pub due_at: Timestamp,
        pub last_attempt_at: Option<Timestamp>,
        pub sent_at: Option<Timestamp>,
        pub delivered_at: Option<Timestamp>,
        /// When its page was first opened.
        pub read_at: Option<Timestamp>,
        pub updated_at: Timestamp,
        /// It asked for an answer.
        pub asked: bool,
        /// Key and words of what they chose, how it came and when.
        pub choice: Option<String>,
        pub shown: Option<String>,
        pub via: Option<Via>,
        pub answered_at: Option<Timestamp>,
    }
}

const DELIVERY: &str = "SELECT d.id, d.message_id, m.source_id, m.department, d.channel, r.campus_id, d.name, d.address_kind, d.address,
    d.state, d.reason, p.name AS provider, d.attempts, d.due_at, d.last_attempt_at, d.sent_at, d.delivered_at, d.read_at,
    d.updated_at, a.delivery_id IS NOT NULL AS asked, a.choice, a.shown, a.via, a.answered_at
  FROM delivery d JOIN message m ON m.id = d.message_id LEFT JOIN answer a ON a.delivery_id = d.id
  LEFT JOIN recipient r ON r.id = d.recipient_id AND r.erased_at IS NULL LEFT JOIN provider p ON p.id = d.provider_id";

/// Which deliveries of a message to list; all of them where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct DeliveryFilter {
    pub state: Option<State>,
    pub channel: Option<ChannelKind>,
    pub campus_id: Option<String>,
    /// A campus id, or part of a name.
    pub person: Option<String>,
    /// Of those who were asked for an answer.
    pub answer: Option<Answered>,
}

/// A message's deliveries channel by channel, within one by person, after the delivery `after`. That is the order of
/// their unique index: a page costs the same wherever it starts, and deliveries planned meanwhile move none.
pub async fn deliveries(
    db: &Db,
    message: MessageId,
    filter: &DeliveryFilter,
    after: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<DeliveryRow>> {
    let mut where_ = Conditions::default();
    where_.and("d.message_id = ?", message.0);
    if let Some(after) = after {
        let Some((channel, target)) = position(db, message, after).await? else { return Ok(Vec::new()) };
        where_.and2("(d.channel, d.target) > (?, ??)", channel, target);
    }
    if let Some(state) = filter.state {
        where_.and_literal(format!("d.state = {}", state.code()));
        if state.code() >= State::Failed.code() {
            // Word for word the condition of the index over the few that went wrong.
            where_.and_literal("d.state >= 4");
        }
    }
    if let Some(channel) = filter.channel {
        where_.and("d.channel = ?", channel.code());
    }
    if let Some(campus_id) = &filter.campus_id {
        where_.and("d.target = (SELECT id FROM recipient WHERE campus_id = ?)", campus_id.as_str());
        if filter.channel.is_none() {
            where_.and_literal("d.channel IN (1, 2, 3)");
        }
    }
    if let Some(person) = &filter.person {
        let named = db.dialect().contains("d.name", "?");
        let either = format!("(d.target = (SELECT id FROM recipient WHERE campus_id = ?) OR {named})");
        where_.and(&either, person.as_str());
    }
    match &filter.answer {
        Some(Answered::NotYet) => where_.and_literal("a.delivery_id IS NOT NULL AND a.choice IS NULL"),
        Some(Answered::With(choice)) => where_.and("a.choice = ?", choice.as_str()),
        None => {}
    }
    let text = format!("{DELIVERY} {} ORDER BY d.channel, d.target LIMIT {limit}", where_.clause());
    Ok(in_db!(db, |c| {
        bind_all!(sqlx::query_as::<_, DeliveryRow>(sql(text)), where_.binds).fetch_all(c).await
    })?)
}

/// Where a delivery stands in the order of its message's deliveries.
async fn position(db: &Db, message: MessageId, delivery: DeliveryId) -> Result<Option<(i64, i64)>> {
    let text = "SELECT channel, target FROM delivery WHERE id = $1 AND message_id = $2";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(delivery.0).bind(message.0).fetch_optional(c).await)?)
}

/// One delivery.
pub async fn find_delivery(db: &Db, id: DeliveryId) -> Result<Option<DeliveryRow>> {
    let text = format!("{DELIVERY} WHERE d.id = $1");
    Ok(in_db!(db, |c| sqlx::query_as::<_, DeliveryRow>(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// What was planned for one person, the latest first, before the delivery `before`.
pub async fn deliveries_to(
    db: &Db,
    person: RecipientId,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<DeliveryRow>> {
    // A person's deliveries are few, and found by the index of whom they are for. Ordered by the bare key, PostgreSQL may walk
    // all deliveries of the campus backwards until it has seen so many of this person's.
    let text =
        format!("{DELIVERY} WHERE d.recipient_id = $1 AND d.id < $2 ORDER BY d.id + 0 DESC LIMIT $3 + 0");
    let before = before.map_or(i64::MAX, |id| id.0);
    Ok(in_db!(db, |c| {
        let query = sqlx::query_as::<_, DeliveryRow>(sql(text)).bind(person.0).bind(before);
        query.bind(i64::from(limit)).fetch_all(c).await
    })?)
}

row! {
    /// One try of a delivery.
    pub struct AttemptRow {
        pub number: i64,
        pub provider: Option<String>,
        pub started_at: Timestamp,
        pub duration_ms: i64,
        /// The name of an [`crate::domain::delivery::OutcomeClass`].
        pub outcome: String,
        pub code: Option<String>,
        pub detail: Option<String>,
        /// It repeated one that a crash had cut off.
        pub repeated: bool,
    }
}

/// A delivery's attempts, the first one first.
pub async fn attempts(db: &Db, delivery: DeliveryId) -> Result<Vec<AttemptRow>> {
    let text = "SELECT a.number, p.name AS provider, a.started_at, a.duration_ms, a.outcome, a.code, a.detail, a.repeated
                FROM attempt a LEFT JOIN provider p ON p.id = a.provider_id
                WHERE a.delivery_id = $1 ORDER BY a.number";
    Ok(in_db!(db, |c| sqlx::query_as::<_, AttemptRow>(text).bind(delivery.0).fetch_all(c).await)?)
}

row! {
    /// What a provider said later.
    pub struct ReceiptRow {
        pub id: ReceiptId,
        pub provider: Option<String>,
        pub received_at: Timestamp,
        pub state: State,
        pub code: Option<String>,
        pub detail: Option<String>,
    }
}

/// A delivery's receipts as they came.
pub async fn receipts(db: &Db, delivery: DeliveryId) -> Result<Vec<ReceiptRow>> {
    let text = "SELECT r.id, p.name AS provider, r.received_at, r.state, r.code, r.detail
                FROM receipt r LEFT JOIN provider p ON p.id = r.provider_id
                WHERE r.delivery_id = $1 ORDER BY r.id";
    Ok(in_db!(db, |c| sqlx::query_as::<_, ReceiptRow>(text).bind(delivery.0).fetch_all(c).await)?)
}
