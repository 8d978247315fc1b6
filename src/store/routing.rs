//! Routing rules, a version of the whole list after another, and what they made of messages.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dialect::Field;
use super::messages::int_array;
use super::{Db, Dialect, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::{Audience, Params};
use crate::domain::channel::ChannelKind;
use crate::domain::id::{MessageId, OperatorId};
use crate::domain::message::{Category, Lane, Wording};
use crate::domain::routing::{Routed, Rule};

row! {
    /// The whole list of rules as it was at some time.
    pub struct VersionRow {
        /// From 1; the latest is in force.
        pub number: i64,
        pub created_at: Timestamp,
        pub created_by: String,
        /// What the change was about; perhaps empty.
        pub note: String,
        pub rules: JsonText<Vec<Rule>>,
    }
}

const SELECT: &str = "SELECT number, created_at, created_by, note, rules FROM routing_version";

/// The version asked for, or the one in force.
pub async fn find(db: &Db, number: Option<i64>) -> Result<Option<VersionRow>> {
    let text = match number {
        Some(_) => format!("{SELECT} WHERE number = $1"),
        None => format!("{SELECT} WHERE $1 = 0 ORDER BY number DESC LIMIT 1"),
    };
    let number = number.unwrap_or(0);
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(number).fetch_optional(c).await)?)
}

/// The version in force, and nobody else adds one until the transaction ends.
pub async fn lock(tx: &mut Tx) -> Result<Option<VersionRow>> {
    if tx.dialect() == Dialect::Postgres {
        let text = "LOCK TABLE routing_version IN SHARE ROW EXCLUSIVE MODE";
        in_tx!(tx, |c| sqlx::query(text).execute(c).await.map(drop))?;
    }
    let text = format!("{SELECT} ORDER BY number DESC LIMIT 1");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).fetch_optional(c).await)?)
}

/// The latest versions older than `before`, the latest first.
pub async fn list(db: &Db, before: Option<i64>, limit: u32) -> Result<Vec<VersionRow>> {
    let text = format!("{SELECT} WHERE number < $1 ORDER BY number DESC LIMIT $2 + 0");
    let before = before.unwrap_or(i64::MAX);
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(before).bind(i64::from(limit)).fetch_all(c).await)?)
}

/// The versions that may hold one of these words, as JSON has them.
pub async fn holding(tx: &mut Tx, words: &[String]) -> Result<Vec<VersionRow>> {
    let dialect = tx.dialect();
    let any: Vec<_> = (1..=words.len()).map(|n| dialect.holds("rules", &format!("${n}"))).collect();
    let text = format!("{SELECT} WHERE {} ORDER BY number", any.join(" OR "));
    Ok(in_tx!(tx, |c| {
        let query = sqlx::query_as(sql(text));
        words.iter().fold(query, sqlx::query::QueryAs::bind).fetch_all(c).await
    })?)
}

/// Writes a version anew, for whom it no longer may name.
pub async fn rewrite(tx: &mut Tx, number: i64, rules: &[Rule]) -> Result<()> {
    let text = "UPDATE routing_version SET rules = $2 WHERE number = $1";
    let rules = to_json(rules)?;
    in_tx!(tx, |c| sqlx::query(text).bind(number).bind(rules).execute(c).await.map(drop))?;
    Ok(())
}

/// Adds a version, which is in force from the commit on.
pub async fn insert(
    tx: &mut Tx,
    number: i64,
    rules: &[Rule],
    note: &str,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    let text = "INSERT INTO routing_version (number, created_at, created_by, note, rules)
        VALUES ($1, $2, $3, $4, $5)";
    let rules = to_json(rules)?;
    in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(number).bind(now.0).bind(by).bind(note).bind(rules);
        query.execute(c).await.map(drop)
    })?;
    Ok(())
}

row! {
    /// What rules ask of a message, besides what its planner knows.
    pub struct SubjectRow {
        pub id: MessageId,
        pub source_name: Option<String>,
        pub content: JsonText<Wording>,
        pub attributes: JsonText<Params>,
        /// Its sender chose the channels.
        pub own_channels: bool,
        /// Its sender chose when it expires.
        pub own_expiry: bool,
        pub send_at: Timestamp,
        pub expires_at: Timestamp,
    }
}

/// The messages as rules see them, in no particular order.
pub async fn subjects(tx: &mut Tx, messages: &[MessageId]) -> Result<Vec<SubjectRow>> {
    let text = format!(
        "SELECT m.id, s.name AS source_name, m.content, m.attributes, m.own_channels, m.own_expiry, m.send_at,
            m.expires_at
         FROM message m LEFT JOIN source s ON s.id = m.source_id WHERE m.id IN {}",
        tx.dialect().int_list("$1")
    );
    let ids = int_array(messages.iter().map(|id| id.0));
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(ids).fetch_all(c).await)?)
}

row! {
    /// A kept message with all that decides its way, for whoever puts the rules of today to it.
    pub struct WholeRow {
        pub source_name: Option<String>,
        pub operator_id: Option<OperatorId>,
        pub department: Option<String>,
        pub test: bool,
        pub topic: String,
        pub category: Category,
        pub lane: Lane,
        pub content: JsonText<Wording>,
        pub audience: Option<JsonText<Audience>>,
        pub personalise: Option<JsonText<BTreeMap<String, Params>>>,
        pub channels: JsonText<Vec<ChannelKind>>,
        pub own_channels: bool,
        pub attributes: JsonText<Params>,
        pub send_at: Timestamp,
        pub expires_at: Timestamp,
        pub own_expiry: bool,
    }
}

/// A message as [`subjects`], with what its planner knows.
pub async fn find_whole(db: &Db, id: MessageId) -> Result<Option<WholeRow>> {
    let text = "SELECT s.name AS source_name, m.operator_id, m.department, m.test, m.topic, m.category, m.lane, m.content, m.audience,
            m.personalise, m.channels, m.own_channels, m.attributes, m.send_at, m.expires_at, m.own_expiry
         FROM message m LEFT JOIN source s ON s.id = m.source_id WHERE m.id = $1";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(id.0).fetch_optional(c).await)?)
}

/// What the rules made of one message.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    pub id: i64,
    /// JSON: [`Routed`].
    pub routing: String,
    /// [`Status::code`](crate::domain::message::Status::code).
    pub status: i64,
    pub reason: Option<String>,
    pub expires_at: i64,
    /// New texts; `None`: as they were.
    pub title: Option<String>,
    pub content: Option<String>,
}

/// Keeps with a message, which nobody plans, how it is routed.
pub async fn set_routed(tx: &mut Tx, message: MessageId, routed: &Routed) -> Result<()> {
    let text = "UPDATE message SET routing = $2 WHERE id = $1";
    let routed = to_json(routed)?;
    in_tx!(tx, |c| sqlx::query(text).bind(message.0).bind(routed).execute(c).await.map(drop))?;
    Ok(())
}

/// Keeps what the rules made of messages that are being planned.
pub async fn record(tx: &mut Tx, records: &[Record], now: Timestamp) -> Result<()> {
    let text = format!(
        "UPDATE message SET routing = x.routing, status = x.status, reason = x.reason, expires_at = x.expires_at,
            title = COALESCE(x.title, message.title), content = COALESCE(x.content, message.content),
            planned_at = CASE WHEN x.status = 6 THEN $2 ELSE planned_at END, updated_at = $2
         FROM {rows} AS x WHERE message.id = x.id AND message.status = 2",
        rows = tx.dialect().rows(
            "$1",
            &[
                ("id", Field::Int),
                ("routing", Field::Text),
                ("status", Field::Int),
                ("reason", Field::Text),
                ("expires_at", Field::Int),
                ("title", Field::Text),
                ("content", Field::Text),
            ]
        )
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(records)?).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}
