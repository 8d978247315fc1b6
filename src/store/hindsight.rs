//! Messages of the last days as rules see them, for whoever asks what other rules would have made of them. Which they are
//! is read from the index by source, each of them from its row: a campus may have had a hundred thousand.

use super::messages::int_array;
use super::{Db, JsonText, in_db, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::Params;
use crate::domain::channel::ChannelKind;
use crate::domain::id::MessageId;
use crate::domain::message::{Category, Lane, Wording};

row! {
    /// A message as far as rules ask. Whom it is for, one by one, is not read.
    pub struct SeenRow {
        pub id: MessageId,
        pub source_name: Option<String>,
        pub topic: String,
        pub category: Category,
        pub lane: Lane,
        pub content: JsonText<Wording>,
        pub attributes: JsonText<Params>,
        pub channels: JsonText<Vec<ChannelKind>>,
        pub own_channels: bool,
        pub send_at: Timestamp,
        pub expires_at: Timestamp,
        pub own_expiry: bool,
        /// Its sender said whom it is for.
        pub addressed: bool,
        /// People have variables of their own.
        pub personal: bool,
    }
}

row! {
    struct OneId {
        id: MessageId,
    }
}

row! {
    struct Count {
        n: i64,
    }
}

/// What sources and operators sent from `$1` on. The installation's own word is neither's, and rules are not asked about
/// it. The join goes from the few sources to their messages, by the index.
const LATELY: &str = "
    SELECT m.id FROM source s CROSS JOIN message m WHERE m.source_id = s.id AND m.id >= $1
    UNION ALL
    SELECT m.id FROM message m WHERE m.source_id IS NULL AND m.operator_id IS NOT NULL AND m.id >= $1";

/// How many messages from `first` on rules were asked about.
pub async fn count(db: &Db, first: MessageId) -> Result<i64> {
    let text = format!("SELECT count(*) AS n FROM ({LATELY}) AS lately");
    let count: Count = in_db!(db, |c| sqlx::query_as(sql(text)).bind(first.0).fetch_one(c).await)?;
    Ok(count.n)
}

/// One in `every` of those that [`count`] counts, evenly over the time, the latest first; at most `limit`.
pub async fn sample(db: &Db, first: MessageId, every: i64, limit: i64) -> Result<Vec<MessageId>> {
    let text = format!(
        "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS place FROM ({LATELY}) AS lately) AS placed
         WHERE (place - 1) % $2 = 0 ORDER BY id DESC LIMIT $3 + 0"
    );
    let rows: Vec<OneId> = in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(first.0).bind(every).bind(limit).fetch_all(c).await
    })?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// These messages, the latest first. One that is gone is missing.
pub async fn seen(db: &Db, messages: &[MessageId]) -> Result<Vec<SeenRow>> {
    let text = format!(
        "SELECT m.id, s.name AS source_name, m.topic, m.category, m.lane, m.content, m.attributes, m.channels,
            m.own_channels, m.send_at, m.expires_at, m.own_expiry, m.audience IS NOT NULL AS addressed,
            m.personalise IS NOT NULL AS personal
         FROM message m LEFT JOIN source s ON s.id = m.source_id WHERE m.id IN {} ORDER BY m.id DESC",
        db.dialect().int_list("$1")
    );
    let ids = int_array(messages.iter().map(|id| id.0));
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

row! {
    struct AttributesRow {
        attributes: JsonText<Params>,
    }
}

/// What these messages have of attributes, each set once.
pub async fn attributes(db: &Db, messages: &[MessageId]) -> Result<Vec<Params>> {
    let list = db.dialect().int_list("$1");
    let text = format!("SELECT DISTINCT attributes FROM message WHERE id IN {list} AND attributes <> '{{}}'");
    let ids = int_array(messages.iter().map(|id| id.0));
    let rows: Vec<AttributesRow> = in_db!(db, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.attributes.0).collect())
}
