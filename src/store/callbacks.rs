//! Calls that providers make to us: stored before they are answered, looked into afterwards.

use super::{Db, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::ProviderId;

/// A call as it came.
#[derive(Clone, Copy, Debug)]
pub struct NewCallback<'a> {
    pub is_post: bool,
    pub query: &'a str,
    pub content_type: Option<&'a str>,
    pub body: &'a [u8],
}

row! {
    /// A call that nobody has looked into yet.
    pub struct CallbackRow {
        pub id: i64,
        pub provider_id: ProviderId,
        pub received_at: Timestamp,
        pub is_post: bool,
        pub query: String,
        pub content_type: Option<String>,
        pub body: Vec<u8>,
    }
}

pub async fn insert(tx: &mut Tx, now: Timestamp, provider: ProviderId, data: NewCallback<'_>) -> Result<()> {
    let text = "INSERT INTO callback (provider_id, received_at, is_post, query, content_type, body)
         VALUES ($1, $2, $3, $4, $5, $6)";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(provider.0)
            .bind(now.0)
            .bind(data.is_post)
            .bind(data.query)
            .bind(data.content_type)
            .bind(data.body)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

row! {
    struct Provider {
        provider_id: ProviderId,
    }
}

/// Whose calls wait to be looked into, among the `limit` oldest.
pub async fn providers(db: &Db, limit: i64) -> Result<Vec<ProviderId>> {
    let text = "SELECT DISTINCT provider_id FROM
          (SELECT provider_id FROM callback WHERE trouble IS NULL ORDER BY id LIMIT $1 + 0) AS oldest";
    let rows: Vec<Provider> = in_db!(db, |c| sqlx::query_as(text).bind(limit).fetch_all(c).await)?;
    Ok(rows.into_iter().map(|row| row.provider_id).collect())
}

/// The oldest calls of these providers that nobody has looked into. They are this transaction's alone: it removes each or
/// sets it aside.
pub async fn take(tx: &mut Tx, providers: &[ProviderId], limit: i64) -> Result<Vec<CallbackRow>> {
    let dialect = tx.dialect();
    let text = format!(
        "SELECT id, provider_id, received_at, is_post, query, content_type, body FROM callback
         WHERE trouble IS NULL AND provider_id IN {} ORDER BY id LIMIT $2 + 0{}",
        dialect.int_list("$1"),
        dialect.skip_locked()
    );
    let ids = to_json(&providers.iter().map(|id| id.0).collect::<Vec<_>>())?;
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(ids).bind(limit).fetch_all(c).await)?)
}

/// All that they say is kept elsewhere.
pub async fn remove(tx: &mut Tx, ids: &[i64]) -> Result<()> {
    let text = format!("DELETE FROM callback WHERE id IN {}", tx.dialect().int_list("$1"));
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(to_json(ids)?).execute(c).await.map(drop))?;
    Ok(())
}

/// Something in it could not be read.
pub async fn set_aside(tx: &mut Tx, id: i64, trouble: &str) -> Result<()> {
    let text = "UPDATE callback SET trouble = $2 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id).bind(trouble).execute(c).await.map(drop))?;
    Ok(())
}

row! {
    /// A call that could not be read.
    pub struct UnreadRow {
        pub id: i64,
        /// The provider's name.
        pub provider: String,
        pub received_at: Timestamp,
        pub content_type: Option<String>,
        pub query: String,
        pub body: Vec<u8>,
        pub trouble: String,
    }
}

/// Calls that could not be read, the latest first, older than the one with the id `before`.
pub async fn list_unread(db: &Db, before: Option<i64>, limit: u32) -> Result<Vec<UnreadRow>> {
    let text = "SELECT c.id, p.name AS provider, c.received_at, c.content_type, c.query, c.body, c.trouble
         FROM callback c JOIN provider p ON p.id = c.provider_id
         WHERE c.trouble IS NOT NULL AND c.id < $1 ORDER BY c.id DESC LIMIT $2 + 0";
    Ok(in_db!(db, |c| {
        sqlx::query_as(text).bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// Removes calls that could not be read and came before `before`; returns how many.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM callback WHERE trouble IS NOT NULL AND received_at < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}
