//! What a person was sent, message by message, whatever channels carried it.

use super::{Db, JsonText, in_db, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId, RecipientId};
use crate::domain::message::{Category, Status, Wording};

row! {
    /// One message that a person was sent.
    pub struct InboxRow {
        /// Their first delivery of it, sent or not: its place among the others, which nothing moves.
        pub place: DeliveryId,
        pub message_id: MessageId,
        pub topic: String,
        pub category: Category,
        pub status: Status,
        pub content: JsonText<Wording>,
        /// The source that sent it, and its department.
        pub source: Option<String>,
        pub department: Option<String>,
        /// When it went to them first.
        pub sent_at: Timestamp,
        /// The person's language tag, and a JSON object of their variables.
        pub language: Option<String>,
        pub params: Option<String>,
        /// When they read it first, by whatever channel.
        pub read_at: Option<Timestamp>,
        /// What carried it and was not called back; none: all of it was.
        pub carried_by: Option<DeliveryId>,
        /// When what it said was removed.
        pub removed_at: Option<Timestamp>,
    }
}

impl InboxRow {
    /// It was called off, or called back.
    pub fn is_withdrawn(&self) -> bool {
        self.status == Status::Cancelled || self.carried_by.is_none()
    }

    pub fn is_unread(&self) -> bool {
        self.read_at.is_none() && self.removed_at.is_none() && !self.is_withdrawn()
    }
}

/// Which messages of a person.
#[derive(Clone, Copy, Debug)]
pub struct InboxFilter {
    /// Those of test keys, or of live ones.
    pub test: bool,
    /// Those that expired by then are kept no longer.
    pub expired_by: Timestamp,
    /// Those that can be read and were not.
    pub unread: bool,
    pub category: Option<Category>,
    /// Sent from then on.
    pub since: Timestamp,
    pub message: Option<MessageId>,
}

impl InboxFilter {
    pub const fn all(test: bool, expired_by: Timestamp) -> Self {
        Self { test, expired_by, unread: false, category: None, since: Timestamp(i64::MIN), message: None }
    }
}

/// When a message went to a person first, of [`mine`].
const SENT_AT: &str = "COALESCE(mine.sent_at, m.send_at)";

/// A person's deliveries by message, and the conditions of a filter, which are `$1` to `$7`.
fn mine() -> String {
    let (sent, delivered, unknown, cancelled) =
        (State::Sent.code(), State::Delivered.code(), State::Unknown.code(), State::Cancelled.code());
    let stands = format!("state IN ({sent}, {delivered}, {unknown})");
    let got = format!("({stands} OR (state = {cancelled} AND sent_at IS NOT NULL))");
    let withdrawn = Status::Cancelled.code();
    format!(
        "FROM (SELECT message_id, min(id) AS place, min(read_at) AS read_at, min(CASE WHEN {got} THEN COALESCE(sent_at, last_attempt_at) END) AS sent_at,
                min(CASE WHEN {stands} THEN id END) AS carried_by, max(CASE WHEN {got} THEN 1 ELSE 0 END) AS got
            FROM delivery WHERE recipient_id = $1 GROUP BY message_id) AS mine
        JOIN message m ON m.id = mine.message_id
        WHERE mine.got = 1 AND m.test = $2 AND m.expires_at > $3 AND {SENT_AT} >= $4
            AND ($5 = 0 OR m.category = $5) AND ($6 = 0 OR m.id = $6)
            AND ($7 = 0 OR (mine.read_at IS NULL AND mine.carried_by IS NOT NULL AND m.content_removed_at IS NULL
                AND m.status <> {withdrawn}))"
    )
}

/// A query about a person's messages, with the conditions of [`mine`] bound: `$1` to `$7`.
macro_rules! of_person {
    ($query:expr, $person:expr, $filter:expr) => {
        $query
            .bind($person.0)
            .bind($filter.test)
            .bind($filter.expired_by.0)
            .bind($filter.since.0)
            .bind($filter.category.map_or(0, Category::code))
            .bind($filter.message.map_or(0, |id| id.0))
            .bind(i64::from($filter.unread))
    };
}

/// Messages of a person before `before`, the latest first.
pub async fn list(
    db: &Db,
    person: RecipientId,
    filter: &InboxFilter,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<InboxRow>> {
    // A person's deliveries are few, and found by the index of whom they are for.
    let text = format!(
        "SELECT found.*, d.language, d.params, s.name AS source, s.department
        FROM (SELECT mine.place, mine.message_id, m.topic, m.category, m.status, m.content, m.source_id,
                {SENT_AT} AS sent_at, mine.read_at, mine.carried_by, m.content_removed_at AS removed_at
            {} AND mine.place < $8 ORDER BY mine.place DESC LIMIT $9 + 0) AS found
        JOIN delivery d ON d.id = found.place LEFT JOIN source s ON s.id = found.source_id
        ORDER BY found.place DESC",
        mine()
    );
    Ok(in_db!(db, |c| {
        of_person!(sqlx::query_as(sql(text)), person, filter)
            .bind(before.map_or(i64::MAX, |id| id.0))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}

row! {
    /// Which message a person was sent, and when it went to them first.
    #[derive(PartialEq, Eq)]
    pub struct SentRow {
        pub message_id: MessageId,
        pub sent_at: Timestamp,
    }
}

/// Messages of a person, the latest sent first.
pub async fn newest(db: &Db, person: RecipientId, filter: &InboxFilter, limit: u32) -> Result<Vec<SentRow>> {
    sent(db, person, filter, "ORDER BY 2 DESC, 1 DESC", limit).await
}

/// Messages of a person that were sent from the filter's `since` on, the earliest first; of those sent at that moment, those
/// of higher ids than `beyond`.
pub async fn after(
    db: &Db,
    person: RecipientId,
    filter: &InboxFilter,
    beyond: MessageId,
    limit: u32,
) -> Result<Vec<SentRow>> {
    let rest = format!("AND ({SENT_AT} > $4 OR m.id > {}) ORDER BY 2, 1", beyond.0);
    sent(db, person, filter, &rest, limit).await
}

/// `rest`: what else is asked of them, and their order.
async fn sent(
    db: &Db,
    person: RecipientId,
    filter: &InboxFilter,
    rest: &str,
    limit: u32,
) -> Result<Vec<SentRow>> {
    let text = format!("SELECT mine.message_id, {SENT_AT} AS sent_at {} {rest} LIMIT $8 + 0", mine());
    Ok(in_db!(db, |c| {
        of_person!(sqlx::query_as(sql(text)), person, filter).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

row! {
    /// How a person's deliveries stand: another one once something happened to any of them or one was read.
    #[derive(Copy, PartialEq, Eq)]
    pub struct Mark {
        deliveries: i64,
        read: i64,
        changes: i64,
    }
}

pub async fn mark(db: &Db, person: RecipientId) -> Result<Mark> {
    // A sum, as a node's clock may be behind: the latest of them would hide it.
    let text = "SELECT CAST(count(*) AS bigint) AS deliveries, CAST(count(read_at) AS bigint) AS read,
            CAST(COALESCE(sum(updated_at), 0) AS bigint) AS changes FROM delivery WHERE recipient_id = $1";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(person.0).fetch_one(c).await)?)
}

/// How many messages of a person the filter means.
pub async fn count(db: &Db, person: RecipientId, filter: &InboxFilter) -> Result<i64> {
    let text = format!("SELECT CAST(count(*) AS bigint) {}", mine());
    Ok(in_db!(db, |c| of_person!(sqlx::query_scalar(sql(text)), person, filter).fetch_one(c).await)?)
}
