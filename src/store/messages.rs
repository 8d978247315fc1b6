//! Accepted messages: written in bulk, read one by one and in lists. What the planner does to them is in `planning`.

use std::borrow::Borrow;

use serde::Serialize;

use super::condition::{Conditions, bind_all};
use super::dialect::Field;
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, Params};
use crate::domain::channel::ChannelKind;
use crate::domain::id::{MessageId, OperatorId, SourceId};
use crate::domain::message::{Category, Lane, Rank, Status, Wording};
use crate::domain::routing::Routed;
use crate::{Error, Result};

/// A message about to be kept. JSON columns come as text.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub id: MessageId,
    pub source: Option<SourceId>,
    pub operator: Option<OperatorId>,
    /// Whose it is; of none: the whole campus's.
    pub department: Option<String>,
    pub test: bool,
    pub topic: String,
    pub category: Category,
    pub rank: Rank,
    pub status: Status,
    pub title: String,
    pub content: String,
    /// The template it named.
    pub template: Option<String>,
    pub audience: Option<String>,
    pub personalise: Option<String>,
    pub channels: String,
    /// Its sender chose the channels; else they are all its source may use.
    pub own_channels: bool,
    pub attributes: String,
    pub send_at: Timestamp,
    pub expires_at: Timestamp,
    /// Its sender chose when it expires.
    pub own_expiry: bool,
    pub created_at: Timestamp,
    pub request_id: String,
}

/// As the bulk input carries it.
#[derive(Serialize)]
struct Wire<'a> {
    id: i64,
    source_id: Option<i64>,
    operator_id: Option<i64>,
    department: Option<&'a str>,
    test: bool,
    topic: &'a str,
    category: i64,
    lane: i64,
    status: i64,
    title: &'a str,
    content: &'a str,
    template: Option<&'a str>,
    audience: Option<&'a str>,
    personalise: Option<&'a str>,
    channels: &'a str,
    own_channels: bool,
    attributes: &'a str,
    send_at: i64,
    expires_at: i64,
    own_expiry: bool,
    created_at: i64,
    request_id: &'a str,
}

impl<'a> From<&'a NewMessage> for Wire<'a> {
    fn from(message: &'a NewMessage) -> Self {
        Self {
            id: message.id.0,
            source_id: message.source.map(|id| id.0),
            operator_id: message.operator.map(|id| id.0),
            department: message.department.as_deref(),
            test: message.test,
            topic: &message.topic,
            category: message.category.code(),
            lane: message.rank.code(),
            status: message.status.code(),
            title: &message.title,
            content: &message.content,
            template: message.template.as_deref(),
            audience: message.audience.as_deref(),
            personalise: message.personalise.as_deref(),
            channels: &message.channels,
            own_channels: message.own_channels,
            attributes: &message.attributes,
            send_at: message.send_at.0,
            expires_at: message.expires_at.0,
            own_expiry: message.own_expiry,
            created_at: message.created_at.0,
            request_id: &message.request_id,
        }
    }
}

const COLUMNS: [(&str, Field); 22] = [
    ("id", Field::Int),
    ("source_id", Field::Int),
    ("operator_id", Field::Int),
    ("department", Field::Text),
    ("test", Field::Bool),
    ("topic", Field::Text),
    ("category", Field::Int),
    ("lane", Field::Int),
    ("status", Field::Int),
    ("title", Field::Text),
    ("content", Field::Text),
    ("template", Field::Text),
    ("audience", Field::Text),
    ("personalise", Field::Text),
    ("channels", Field::Text),
    ("own_channels", Field::Bool),
    ("attributes", Field::Text),
    ("send_at", Field::Int),
    ("expires_at", Field::Int),
    ("own_expiry", Field::Bool),
    ("created_at", Field::Int),
    ("request_id", Field::Text),
];

/// Bytes of one statement's input; PostgreSQL refuses JSON arrays above 256 MiB.
const CHUNK: usize = 4 << 20;

/// Keeps messages. Fails as a whole if one id is there already.
pub async fn insert<M: Borrow<NewMessage> + Sync>(tx: &mut Tx, messages: &[M]) -> Result<()> {
    let mut input = String::with_capacity(messages.len() * 1024);
    for message in messages {
        input.push(if input.is_empty() { '[' } else { ',' });
        input.push_str(&serde_json::to_string(&Wire::from(message.borrow())).map_err(Error::internal)?);
        if input.len() > CHUNK {
            insert_chunk(tx, &mut input).await?;
        }
    }
    if input.is_empty() { Ok(()) } else { insert_chunk(tx, &mut input).await }
}

async fn insert_chunk(tx: &mut Tx, input: &mut String) -> Result<()> {
    input.push(']');
    let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let names = names.join(", ");
    let rows = tx.dialect().rows("$1", &COLUMNS);
    let text = format!(
        "INSERT INTO message ({names}, updated_at) SELECT {names}, created_at FROM {rows} AS x WHERE 1 = 1"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(input.as_str()).execute(c).await.map(drop))?;
    input.clear();
    Ok(())
}

row! {
    /// What lists show of a message.
    pub struct MessageRow {
        pub id: MessageId,
        pub source_id: Option<SourceId>,
        pub source_name: Option<String>,
        /// The operator who wrote it, where no system did.
        pub operator_id: Option<OperatorId>,
        pub operator_name: Option<String>,
        /// Whose it is; of none: the whole campus's.
        pub department: Option<String>,
        pub test: bool,
        pub topic: String,
        pub category: Category,
        pub lane: Lane,
        pub status: Status,
        pub reason: Option<String>,
        pub title: String,
        pub send_at: Timestamp,
        pub expires_at: Timestamp,
        pub created_at: Timestamp,
        pub planned_at: Option<Timestamp>,
        pub completed_at: Option<Timestamp>,
        pub updated_at: Timestamp,
        pub request_id: String,
        /// When what it said was removed, and when its deliveries were.
        pub content_removed_at: Option<Timestamp>,
        pub deliveries_removed_at: Option<Timestamp>,
    }
}

row! {
    /// The parts of a message that may be large.
    pub struct MessageBodyRow {
        pub content: JsonText<Wording>,
        pub audience: Option<JsonText<Audience>>,
        pub channels: JsonText<Vec<ChannelKind>>,
        pub attributes: JsonText<Params>,
        /// How many people have variables of their own.
        pub personalised: bool,
        /// What the rules made of it, if any looked at it.
        pub routing: Option<JsonText<Routed>>,
    }
}

const SELECT: &str =
    "SELECT m.id, m.source_id, s.name AS source_name, m.operator_id, o.name AS operator_name, m.department, m.test, m.topic,
    m.category, m.lane, m.status, m.reason, m.title, m.send_at, m.expires_at, m.created_at, m.planned_at, m.completed_at,
    m.updated_at, m.request_id, m.content_removed_at, m.deliveries_removed_at
  FROM message m LEFT JOIN source s ON s.id = m.source_id LEFT JOIN operator o ON o.id = m.operator_id";

/// A message without its large parts.
pub async fn find(db: &Db, id: MessageId) -> Result<Option<MessageRow>> {
    let text = format!("{SELECT} WHERE m.id = $1");
    Ok(in_db!(db, |c| sqlx::query_as::<_, MessageRow>(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Messages by id inside a transaction, in no particular order; those it has just written are seen.
pub async fn find_all(tx: &mut Tx, ids: &[MessageId]) -> Result<Vec<MessageRow>> {
    let list = tx.dialect().int_list("$1");
    let text = format!("{SELECT} WHERE m.id IN {list}");
    let ids = int_array(ids.iter().map(|id| id.0));
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, MessageRow>(sql(text)).bind(ids).fetch_all(c).await)?)
}

/// Messages by id without their large parts, in no particular order.
pub async fn get_many(db: &Db, ids: &[MessageId]) -> Result<Vec<MessageRow>> {
    let text = format!("{SELECT} WHERE m.id IN {}", db.dialect().int_list("$1"));
    let ids = int_array(ids.iter().map(|id| id.0));
    Ok(in_db!(db, |c| sqlx::query_as::<_, MessageRow>(sql(text)).bind(ids).fetch_all(c).await)?)
}

/// The large parts of one message.
pub async fn find_body(db: &Db, id: MessageId) -> Result<Option<MessageBodyRow>> {
    let text =
        "SELECT content, audience, channels, attributes, personalise IS NOT NULL AS personalised, routing
                FROM message WHERE id = $1";
    Ok(in_db!(db, |c| sqlx::query_as::<_, MessageBodyRow>(text).bind(id.0).fetch_optional(c).await)?)
}

/// Where a message stands; cheap enough to ask again and again.
pub async fn find_status(db: &Db, id: MessageId) -> Result<Option<Status>> {
    let text = "SELECT status FROM message WHERE id = $1";
    let code: Option<i64> = in_db!(db, |c| sqlx::query_scalar(text).bind(id.0).fetch_optional(c).await)?;
    Ok(code.and_then(Status::from_code))
}

/// So many departments are looked at one by one; SQLite joins no more than 500 queries.
const APART: usize = 100;

/// Which messages to list; all of them where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    pub id: Option<MessageId>,
    pub source: Option<SourceId>,
    /// One of these.
    pub departments: Option<Vec<String>>,
    /// A whole topic.
    pub topic: Option<String>,
    /// The first words of a topic.
    pub topic_prefix: Option<String>,
    pub category: Option<Category>,
    pub status: Option<Status>,
    /// Created at or after.
    pub since: Option<Timestamp>,
    /// Created before.
    pub until: Option<Timestamp>,
    /// Part of the title or the topic.
    pub text: Option<String>,
    /// Has deliveries that failed or of which nobody knows.
    pub troubled: bool,
    /// Was to reach the person of this campus id.
    pub recipient: Option<String>,
}

/// The latest messages, newest first, older than `before`.
pub async fn list(
    db: &Db,
    filter: &MessageFilter,
    before: Option<MessageId>,
    limit: u32,
) -> Result<Vec<MessageRow>> {
    let mut where_ = Conditions::default();
    if let Some(before) = before {
        where_.and("m.id < ?", before.0);
    }
    if let Some(id) = filter.id {
        where_.and("m.id = ?", id.0);
    }
    if let Some(topic) = &filter.topic {
        where_.and("m.topic = ?", topic.as_str());
    }
    if let Some(prefix) = &filter.topic_prefix {
        where_.and("(m.topic = ? OR substr(m.topic, 1, length(?) + 1) = ? || '.')", prefix.as_str());
    }
    if let Some(category) = filter.category {
        where_.and("m.category = ?", category.code());
    }
    if let Some(status) = filter.status {
        // A literal, so that the partial indexes over open messages are used.
        where_.and_literal(format!("m.status = {}", status.code()));
    }
    if let Some(since) = filter.since {
        where_.and("m.created_at >= ?", since.0);
    }
    if let Some(until) = filter.until {
        where_.and("m.created_at < ?", until.0);
    }
    if filter.troubled {
        let some = "SELECT 1 FROM message_count c WHERE c.message_id = m.id AND c.failed + c.unknown > 0";
        where_.and_literal(format!("EXISTS ({some})"));
    }
    if let Some(campus_id) = &filter.recipient {
        where_.and(
            "m.id IN (SELECT d.message_id FROM delivery d
                WHERE d.recipient_id = (SELECT r.id FROM recipient r WHERE r.campus_id = ?))",
            campus_id.as_str(),
        );
    }
    if let Some(text) = &filter.text {
        let dialect = db.dialect();
        let either =
            format!("({} OR {})", dialect.contains("m.title", "?"), dialect.contains("m.topic", "?"));
        where_.and(&either, text.as_str());
    }
    if let Some(source) = filter.source {
        where_.and("m.source_id = ?", source.0);
    }
    let order = format!("ORDER BY m.id DESC LIMIT {limit}");
    let text = match filter.departments.as_deref() {
        None => format!("{SELECT} {} {order}", where_.clause()),
        Some([]) => return Ok(Vec::new()),
        // The latest of each by itself, as the index over departments is written, unless few messages are looked at anyway.
        Some(departments)
            if departments.len() <= APART
                && filter.source.is_none()
                && filter.status.is_none_or(Status::is_final) =>
        {
            let mut latest = Vec::with_capacity(departments.len());
            for department in departments {
                let n = where_.bind(department.as_str());
                let clause = where_.clause_and(&format!("m.department = ${n}"));
                latest.push(format!("SELECT * FROM (SELECT m.id FROM message m {clause} {order}) AS d{n}"));
            }
            format!("{SELECT} WHERE m.id IN ({}) {order}", latest.join(" UNION ALL "))
        }
        Some(departments) => {
            // Leaves the choice of an index to the other conditions.
            let listed = db.dialect().text_list("?");
            where_.and(&format!("m.department || '' IN {listed}"), to_json(departments)?.as_str());
            format!("{SELECT} {} {order}", where_.clause())
        }
    };
    Ok(in_db!(db, |c| {
        bind_all!(sqlx::query_as::<_, MessageRow>(sql(text)), where_.binds).fetch_all(c).await
    })?)
}

row! {
    /// What may be done with a message by hand.
    pub struct Standing {
        pub id: MessageId,
        pub source_id: Option<SourceId>,
        /// The operator who wrote it.
        pub operator_id: Option<OperatorId>,
        pub department: Option<String>,
        pub status: Status,
        pub lane: Lane,
        pub test: bool,
        pub channels: JsonText<Vec<ChannelKind>>,
        pub send_at: Timestamp,
        pub expires_at: Timestamp,
        pub routing: Option<JsonText<Routed>>,
        pub content_removed_at: Option<Timestamp>,
    }
}

/// The message, locked until the transaction ends.
pub async fn standing(tx: &mut Tx, message: MessageId) -> Result<Option<Standing>> {
    let lock = tx.dialect().lock();
    let text = format!(
        "SELECT id, source_id, operator_id, department, status, lane, test, channels, send_at, expires_at, routing,
            content_removed_at
         FROM message WHERE id = $1{lock}"
    );
    Ok(in_tx!(tx, |conn| sqlx::query_as(sql(text)).bind(message.0).fetch_optional(conn).await)?)
}

/// Sets a message's status by hand (cancelled, released, or `sending` again with a later end).
pub async fn set_status(
    tx: &mut Tx,
    message: MessageId,
    status: Status,
    reason: Option<&str>,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    in_tx!(tx, |conn| {
        sqlx::query(
            "UPDATE message SET status = $2, reason = $3, expires_at = $4, updated_at = $5,
                completed_at = CASE WHEN $6 = 1 THEN $5 ELSE NULL END WHERE id = $1",
        )
        .bind(message.0)
        .bind(status.code())
        .bind(reason)
        .bind(expires_at.0)
        .bind(now.0)
        .bind(i64::from(status.is_final()))
        .execute(conn)
        .await
        .map(drop)
    })?;
    Ok(())
}

/// A JSON array for [`super::Dialect::int_list`].
pub(super) fn int_array(ids: impl Iterator<Item = i64>) -> String {
    let ids: Vec<_> = ids.map(|id| id.to_string()).collect();
    format!("[{}]", ids.join(","))
}
