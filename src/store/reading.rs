//! Whether a person agreed to suggestions from what they read, and what those are reckoned from.

use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::delivery::{State, suppressed};
use crate::domain::id::{MessageId, RecipientId};
use crate::domain::message::{Category, Status};

row! {
    #[derive(Copy, PartialEq, Eq)]
    pub struct ConsentRow {
        /// Which words they agreed to.
        pub terms: i64,
        pub given_at: Timestamp,
    }
}

const OF_PERSON: &str = "SELECT terms, given_at FROM reading_consent WHERE recipient_id = $1";

/// What a person agreed to, if they did.
pub async fn consent(db: &Db, recipient: RecipientId) -> Result<Option<ConsentRow>> {
    Ok(in_db!(db, |c| sqlx::query_as(OF_PERSON).bind(recipient.0).fetch_optional(c).await)?)
}

/// Keeps that a person agreed to these terms. False where they had already.
pub async fn agree(tx: &mut Tx, recipient: RecipientId, terms: i64, now: Timestamp) -> Result<bool> {
    let text = "INSERT INTO reading_consent (recipient_id, terms, given_at) VALUES ($1, $2, $3)
        ON CONFLICT (recipient_id) DO UPDATE SET terms = excluded.terms, given_at = excluded.given_at
        WHERE reading_consent.terms <> excluded.terms";
    let kept = in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(recipient.0).bind(terms).bind(now.0);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(kept > 0)
}

/// Forgets that a person agreed. False where they had not.
pub async fn withdraw(tx: &mut Tx, recipient: RecipientId) -> Result<bool> {
    let text = "DELETE FROM reading_consent WHERE recipient_id = $1";
    let removed =
        in_tx!(tx, |c| sqlx::query(text).bind(recipient.0).execute(c).await.map(|d| d.rows_affected()))?;
    Ok(removed > 0)
}

row! {
    /// What became of one message to the person by one channel.
    pub struct ToldRow {
        pub message_id: MessageId,
        pub topic: String,
        pub category: Category,
        /// Of the source that sent it.
        pub department: Option<String>,
        pub channel: ChannelKind,
        pub state: State,
        pub reason: Option<String>,
        pub at: Timestamp,
        pub read_at: Option<Timestamp>,
    }
}

/// What came to a person of the messages from `first` on, or was kept back because they did not want it: the latest `limit`. What test
/// keys sent, what was called off, the installation's own word, which no opt-out stops, and what retention has emptied, which
/// no longer says whether it was opened, are none of it.
pub async fn told(db: &Db, recipient: RecipientId, first: MessageId, limit: u32) -> Result<Vec<ToldRow>> {
    // A person's deliveries are few, and found by the index of whom they are for before anything else is looked at.
    let text = format!(
        "WITH mine AS MATERIALIZED (
            SELECT id, message_id, channel, state, reason, COALESCE(sent_at, last_attempt_at) AS sent_at, read_at FROM delivery
            WHERE recipient_id = $1 AND message_id >= $2 AND (state IN ({sent}, {delivered}) OR read_at IS NOT NULL
                OR (state = {suppressed} AND reason = '{opted_out}')))
         SELECT mine.message_id, m.topic, m.category, s.department, mine.channel, mine.state, mine.reason,
            COALESCE(mine.sent_at, m.send_at) AS at, mine.read_at
         FROM mine JOIN message m ON m.id = mine.message_id LEFT JOIN source s ON s.id = m.source_id
         WHERE NOT m.test AND m.status <> {cancelled} AND m.content_removed_at IS NULL
            AND (m.routing IS NULL OR m.routing NOT LIKE '%\"own_word\":true%')
         ORDER BY mine.id DESC LIMIT $3 + 0",
        sent = State::Sent.code(),
        delivered = State::Delivered.code(),
        suppressed = State::Suppressed.code(),
        opted_out = suppressed::OPTED_OUT,
        cancelled = Status::Cancelled.code(),
    );
    Ok(in_db!(db, |c| {
        let query = sqlx::query_as(sql(text)).bind(recipient.0).bind(first.0).bind(i64::from(limit));
        query.fetch_all(c).await
    })?)
}
