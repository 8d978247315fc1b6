//! The first answer to every `Idempotency-Key`, kept so that a repeated call gets it again.

use serde::Serialize;

use super::dialect::Field;
use super::{Db, Tx, in_db, in_tx, row, sql};
use crate::clock::Timestamp;
use crate::domain::id::{MessageId, SourceId};
use crate::{Error, Result};

/// A key about to be taken, with the answer it stands for from then on.
#[derive(Clone, Copy, Debug)]
pub struct NewKey<'a> {
    pub source: SourceId,
    pub key: &'a str,
    /// SHA-256 of the body, in hexadecimal.
    pub body_hash: &'a str,
    pub message: MessageId,
    /// HTTP status of the answer.
    pub status: u16,
    /// The answer's body, JSON.
    pub answer: &'a str,
    pub created_at: Timestamp,
}

row! {
    /// A key that is taken.
    pub struct KeyRow {
        pub source_id: SourceId,
        pub key: String,
        pub body_hash: String,
        pub message_id: MessageId,
        pub status: i64,
        pub answer: String,
    }
}

row! {
    /// A key's name.
    pub struct KeyName {
        pub source_id: SourceId,
        pub key: String,
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    source_id: i64,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<i64>,
}

impl<'a> From<&NewKey<'a>> for Wire<'a> {
    fn from(new: &NewKey<'a>) -> Self {
        Self {
            source_id: new.source.0,
            key: new.key,
            body_hash: Some(new.body_hash),
            message_id: Some(new.message.0),
            status: Some(new.status),
            answer: Some(new.answer),
            created_at: Some(new.created_at.0),
        }
    }
}

const NAME: [(&str, Field); 2] = [("source_id", Field::Int), ("key", Field::Text)];

fn names(keys: &[(SourceId, &str)]) -> Result<String> {
    let wire = |(source, key): &(SourceId, &'_ str)| serde_json::json!({ "source_id": source.0, "key": key });
    serde_json::to_string(&keys.iter().map(wire).collect::<Vec<_>>()).map_err(Error::internal)
}

fn wire(keys: &[NewKey<'_>]) -> Result<String> {
    serde_json::to_string(&keys.iter().map(Wire::from).collect::<Vec<_>>()).map_err(Error::internal)
}

/// Takes the keys that nobody has and says which. A key that another transaction is taking is waited for. The keys of
/// one call differ; they are taken in order, so that two nodes never wait for one another.
pub async fn insert(tx: &mut Tx, keys: &[NewKey<'_>]) -> Result<Vec<KeyName>> {
    let rows = tx.dialect().rows(
        "$1",
        &[
            NAME[0],
            NAME[1],
            ("body_hash", Field::Text),
            ("message_id", Field::Int),
            ("status", Field::Int),
            ("answer", Field::Text),
            ("created_at", Field::Int),
        ],
    );
    let text = format!(
        "INSERT INTO idempotency (source_id, key, body_hash, message_id, status, answer, created_at)
         SELECT source_id, key, body_hash, message_id, status, answer, created_at FROM {rows} AS x WHERE 1 = 1
         ORDER BY source_id, key
         ON CONFLICT (source_id, key) DO NOTHING RETURNING source_id, key"
    );
    let input = wire(keys)?;
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, KeyName>(sql(text)).bind(input).fetch_all(c).await)?)
}

const COLUMNS: &str = "i.source_id, i.key, i.body_hash, i.message_id, i.status, i.answer";

/// A key, if it is taken.
pub async fn find(db: &Db, source: SourceId, key: &str) -> Result<Option<KeyRow>> {
    let text = format!("SELECT {COLUMNS} FROM idempotency i WHERE i.source_id = $1 AND i.key = $2");
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, KeyRow>(sql(text)).bind(source.0).bind(key).fetch_optional(c).await
    })?)
}

/// Those of the keys that are taken.
pub async fn find_all(tx: &mut Tx, keys: &[(SourceId, &str)]) -> Result<Vec<KeyRow>> {
    let rows = tx.dialect().rows("$1", &NAME);
    let text = format!(
        "SELECT {COLUMNS} FROM {rows} AS x
         JOIN idempotency i ON i.source_id = x.source_id AND i.key = x.key"
    );
    let input = names(keys)?;
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, KeyRow>(sql(text)).bind(input).fetch_all(c).await)?)
}

/// Those whose answer holds a text.
pub async fn answering(db: &Db, text: &str) -> Result<Vec<KeyRow>> {
    let holds = db.dialect().holds("i.answer", "$1");
    let query = format!("SELECT {COLUMNS} FROM idempotency i WHERE {holds}");
    Ok(in_db!(db, |c| sqlx::query_as::<_, KeyRow>(sql(query)).bind(text).fetch_all(c).await)?)
}

/// Changes what a key stands for.
pub async fn update(
    tx: &mut Tx,
    source: SourceId,
    key: &str,
    message: MessageId,
    status: u16,
    answer: &str,
) -> Result<()> {
    let text = "UPDATE idempotency SET message_id = $3, status = $4, answer = $5
                WHERE source_id = $1 AND key = $2";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(source.0)
            .bind(key)
            .bind(message.0)
            .bind(i64::from(status))
            .bind(answer)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Frees keys whose message was refused after all.
pub async fn delete(tx: &mut Tx, keys: &[(SourceId, &str)]) -> Result<()> {
    let rows = tx.dialect().rows("$1", &NAME);
    let text =
        format!("DELETE FROM idempotency WHERE (source_id, key) IN (SELECT source_id, key FROM {rows} AS x)");
    let input = names(keys)?;
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(input).execute(c).await.map(drop))?;
    Ok(())
}

/// Forgets keys taken before a moment, `limit` at most, and says how many.
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<u64> {
    let text = "DELETE FROM idempotency WHERE (source_id, key) IN
                (SELECT source_id, key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2 + 0)";
    Ok(in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(before.0)
            .bind(i64::from(limit))
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?)
}
