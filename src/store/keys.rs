//! API keys. Only a keyed hash of a key is kept, and its last characters to tell keys apart.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{KeyId, SourceId};
use crate::domain::network::Network;
use crate::domain::source::Right;
use crate::domain::topic::TopicPattern;

row! {
    pub struct KeyRow {
        pub id: KeyId,
        pub source_id: SourceId,
        pub test: bool,
        /// The key's last characters.
        pub hint: String,
        pub created_at: Timestamp,
        pub expires_at: Option<Timestamp>,
        pub revoked_at: Option<Timestamp>,
        /// To the minute.
        pub last_used_at: Option<Timestamp>,
    }
}

row! {
    /// A key with all of its source that a request needs.
    pub struct KeyWithSource {
        pub id: KeyId,
        pub test: bool,
        /// The key's last characters.
        pub hint: String,
        pub expires_at: Option<Timestamp>,
        pub revoked_at: Option<Timestamp>,
        pub last_used_at: Option<Timestamp>,
        pub source_id: SourceId,
        pub name: String,
        pub department: String,
        pub topics: JsonText<Vec<TopicPattern>>,
        pub channels: JsonText<Vec<ChannelKind>>,
        pub rights: JsonText<Vec<Right>>,
        pub rate_per_second: Option<i64>,
        pub daily_messages: Option<i64>,
        pub disabled_at: Option<Timestamp>,
        pub networks: JsonText<Vec<Network>>,
        pub audience_groups: JsonText<Vec<String>>,
    }
}

const COLUMNS: &str = "id, source_id, test, hint, created_at, expires_at, revoked_at, last_used_at";

pub async fn insert(
    tx: &mut Tx,
    source: SourceId,
    test: bool,
    hash: &[u8],
    hint: &str,
    now: Timestamp,
) -> Result<KeyId> {
    let text = "INSERT INTO api_key (source_id, test, hash, hint, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id";
    let id: i64 = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(source.0)
            .bind(test)
            .bind(hash)
            .bind(hint)
            .bind(now.0)
            .fetch_one(c)
            .await
    })?;
    Ok(KeyId(id))
}

/// The key with that hash, also one that no longer opens anything.
pub async fn find_by_hash(db: &Db, hash: &[u8]) -> Result<Option<KeyWithSource>> {
    let text =
        "SELECT k.id, k.test, k.hint, k.expires_at, k.revoked_at, k.last_used_at, k.source_id, s.name, s.department,
            s.topics, s.channels, s.rights, s.rate_per_second, s.daily_messages, s.disabled_at,
            s.networks, s.audience_groups
        FROM api_key k JOIN source s ON s.id = k.source_id WHERE k.hash = $1";
    Ok(in_db!(db, |c| sqlx::query_as::<_, KeyWithSource>(text).bind(hash).fetch_optional(c).await)?)
}

/// The hashes of all keys, also of those that no longer open anything.
pub async fn hashes(db: &Db) -> Result<Vec<Vec<u8>>> {
    Ok(in_db!(db, |c| sqlx::query_scalar("SELECT hash FROM api_key").fetch_all(c).await)?)
}

pub async fn find(db: &Db, id: KeyId) -> Result<Option<KeyRow>> {
    let text = format!("SELECT {COLUMNS} FROM api_key WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as::<_, KeyRow>(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Every key the source ever had, the newest first.
pub async fn list(db: &Db, source: SourceId) -> Result<Vec<KeyRow>> {
    let text = format!("SELECT {COLUMNS} FROM api_key WHERE source_id = $1 ORDER BY id DESC");
    Ok(in_db!(db, |c| sqlx::query_as::<_, KeyRow>(sql(text)).bind(source.0).fetch_all(c).await)?)
}

row! {
    /// A key that ends soon and is still used.
    pub struct LateRow {
        pub id: KeyId,
        pub source_id: SourceId,
    }
}

/// Keys that end within a day and were used within the last one, though a newer of their kind had been there for some
/// minutes: whoever uses them was not told of it.
pub async fn late(db: &Db, now: Timestamp) -> Result<Vec<LateRow>> {
    let text = "SELECT k.id, k.source_id FROM api_key k
        WHERE k.revoked_at IS NULL AND k.expires_at > $1 AND k.expires_at <= $1 + 86400000
          AND k.last_used_at > $1 - 86400000
          AND EXISTS (SELECT 1 FROM api_key n WHERE n.source_id = k.source_id AND n.test = k.test
            AND n.id > k.id AND n.created_at + 300000 < k.last_used_at)
        ORDER BY k.id";
    Ok(in_db!(db, |c| sqlx::query_as(text).bind(now.0).fetch_all(c).await)?)
}

/// Keys of the source that open something at that moment.
pub async fn count_valid(tx: &mut Tx, source: SourceId, now: Timestamp) -> Result<i64> {
    let text = "SELECT count(*) FROM api_key
        WHERE source_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
    Ok(in_tx!(tx, |c| sqlx::query_scalar(text).bind(source.0).bind(now.0).fetch_one(c).await)?)
}

/// Ends a key for good. False where there is none, or it was revoked before.
pub async fn revoke(tx: &mut Tx, id: KeyId, now: Timestamp) -> Result<bool> {
    let text = "UPDATE api_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Lets a key end at that moment, or earlier if it would anyway, and answers with the key as it is then. Nothing where
/// it opens nothing already.
pub async fn expire(tx: &mut Tx, id: KeyId, at: Timestamp, now: Timestamp) -> Result<Option<KeyRow>> {
    let text = format!(
        "UPDATE api_key SET expires_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END
         WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3) RETURNING {COLUMNS}"
    );
    Ok(in_tx!(tx, |c| {
        sqlx::query_as::<_, KeyRow>(sql(text)).bind(id.0).bind(at.0).bind(now.0).fetch_optional(c).await
    })?)
}

/// Notes that a key was used.
pub async fn touch(tx: &mut Tx, id: KeyId, now: Timestamp) -> Result<()> {
    let text =
        "UPDATE api_key SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}
