//! Providers, and what happened to each: circuits that opened and closed, alarms.

use serde_json::Value;

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::ProviderId;

row! {
    /// One configured account behind a channel.
    pub struct ProviderRow {
        pub id: ProviderId,
        pub name: String,
        pub channel: ChannelKind,
        /// A word that a newer version may know and this one not.
        pub kind: String,
        /// JSON, sealed.
        pub settings: Vec<u8>,
        /// The lowest is tried first; equal ones share by weight.
        pub priority: i64,
        pub weight: i64,
        /// Hand-overs per second.
        pub rate: Option<i64>,
        pub enabled: bool,
        pub created_at: Timestamp,
        /// Rises with every change, even within a millisecond.
        pub updated_at: Timestamp,
    }
}

row! {
    pub struct ProviderEventRow {
        pub id: i64,
        pub at: Timestamp,
        /// `opened`, `half_open`, `closed`, `paused`, `alarm` or `unknown_code`.
        pub kind: String,
        pub detail: JsonText<Value>,
    }
}

/// A provider's row as it is written.
#[derive(Clone, Copy, Debug)]
pub struct ProviderData<'a> {
    pub name: &'a str,
    pub channel: ChannelKind,
    pub kind: &'a str,
    pub settings: &'a [u8],
    pub priority: i64,
    pub weight: i64,
    pub rate: Option<i64>,
    pub enabled: bool,
}

const COLUMNS: &str =
    "id, name, channel, kind, settings, priority, weight, rate, enabled, created_at, updated_at";

/// Everyone, in the order they are tried.
pub async fn list(db: &Db) -> Result<Vec<ProviderRow>> {
    let text = format!("SELECT {COLUMNS} FROM provider ORDER BY channel, priority, id");
    Ok(in_db!(db, |c| sqlx::query_as::<_, ProviderRow>(sql(text)).fetch_all(c).await)?)
}

/// As [`list`], as this transaction sees them.
pub async fn list_within(tx: &mut Tx) -> Result<Vec<ProviderRow>> {
    let text = format!("SELECT {COLUMNS} FROM provider ORDER BY channel, priority, id");
    Ok(in_tx!(tx, |c| sqlx::query_as::<_, ProviderRow>(sql(text)).fetch_all(c).await)?)
}

pub async fn find(db: &Db, id: ProviderId) -> Result<Option<ProviderRow>> {
    let text = format!("SELECT {COLUMNS} FROM provider WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as::<_, ProviderRow>(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

pub async fn find_by_name(db: &Db, name: &str) -> Result<Option<ProviderRow>> {
    let text = format!("SELECT {COLUMNS} FROM provider WHERE name = $1");
    Ok(in_db!(db, |c| sqlx::query_as::<_, ProviderRow>(sql(text)).bind(name).fetch_optional(c).await)?)
}

/// `None` where the name is taken.
pub async fn insert(tx: &mut Tx, now: Timestamp, data: ProviderData<'_>) -> Result<Option<ProviderId>> {
    let text =
        "INSERT INTO provider (name, channel, kind, settings, priority, weight, rate, enabled, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
         ON CONFLICT (name) DO NOTHING RETURNING id";
    let id: Option<i64> = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(data.name)
            .bind(data.channel.code())
            .bind(data.kind)
            .bind(data.settings)
            .bind(data.priority)
            .bind(data.weight)
            .bind(data.rate)
            .bind(data.enabled)
            .bind(now.0)
            .fetch_optional(c)
            .await
    })?;
    Ok(id.map(ProviderId))
}

/// Writes everything but channel and kind, unless the row changed since `seen` or the name is another's: then `false`.
pub async fn update(
    tx: &mut Tx,
    now: Timestamp,
    id: ProviderId,
    seen: Timestamp,
    data: ProviderData<'_>,
) -> Result<bool> {
    let text = "UPDATE provider
         SET name = $3, settings = $4, priority = $5, weight = $6, rate = $7, enabled = $8,
             updated_at = CASE WHEN updated_at < $9 THEN $9 ELSE updated_at + 1 END
         WHERE id = $1 AND updated_at = $2
           AND NOT EXISTS (SELECT 1 FROM provider AS other WHERE other.name = $3 AND other.id <> $1)";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(seen.0)
            .bind(data.name)
            .bind(data.settings)
            .bind(data.priority)
            .bind(data.weight)
            .bind(data.rate)
            .bind(data.enabled)
            .bind(now.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed == 1)
}

/// What a history calls self-tests. They say nothing of how the provider does when it is used.
pub const TEST_PASSED: &str = "test_passed";
pub const TEST_FAILED: &str = "test_failed";

/// Adds to a provider's history. A provider that is not there any more has none.
pub async fn insert_event(
    tx: &mut Tx,
    now: Timestamp,
    provider: ProviderId,
    kind: &str,
    detail: &Value,
) -> Result<()> {
    let text = "INSERT INTO provider_event (provider_id, at, kind, detail)
         SELECT id, $2, $3, $4 FROM provider WHERE id = $1";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(provider.0)
            .bind(now.0)
            .bind(kind)
            .bind(detail.to_string())
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Adds that a provider answered with a code that nobody knows, once until the provider is changed.
pub async fn insert_unknown_code(
    tx: &mut Tx,
    now: Timestamp,
    provider: ProviderId,
    code: &str,
    detail: &Value,
) -> Result<()> {
    let text = "INSERT INTO provider_event (provider_id, at, kind, detail, code)
         SELECT id, $2, 'unknown_code', $4, $3 FROM provider WHERE id = $1
         ON CONFLICT (provider_id, code) WHERE code IS NOT NULL DO UPDATE SET at = excluded.at, detail = excluded.detail
         WHERE provider_event.at < (SELECT updated_at FROM provider WHERE id = $1)";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(provider.0)
            .bind(now.0)
            .bind(code)
            .bind(detail.to_string())
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Forgets what happened before `before`, but for the last of each kind and for codes that nobody knows yet.
pub async fn prune_events(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM provider_event WHERE at < $1
         AND id NOT IN (SELECT max(id) FROM provider_event GROUP BY provider_id, kind)
         AND (code IS NULL OR at < (SELECT p.updated_at FROM provider p WHERE p.id = provider_event.provider_id))";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|done| done.rows_affected()))?)
}

row! {
    /// A code that nobody knows.
    pub struct UnknownCodeRow {
        pub provider_id: ProviderId,
        pub at: Timestamp,
        pub code: String,
        pub detail: JsonText<Value>,
    }
}

/// Codes that providers in use answered with since they were last changed and that nobody knows, the first first.
pub async fn unknown_codes(db: &Db) -> Result<Vec<UnknownCodeRow>> {
    let text = "SELECT e.provider_id, e.at, e.code, e.detail FROM provider_event e
         JOIN provider p ON p.id = e.provider_id AND p.enabled
         WHERE e.code IS NOT NULL AND e.at >= p.updated_at ORDER BY e.at, e.id";
    Ok(in_db!(db, |c| sqlx::query_as::<_, UnknownCodeRow>(text).fetch_all(c).await)?)
}

/// The latest first, older than the one with the id `before`.
pub async fn list_events(
    db: &Db,
    provider: ProviderId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<ProviderEventRow>> {
    let text = "SELECT id, at, kind, detail FROM provider_event
         WHERE provider_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3 + 0";
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, ProviderEventRow>(text)
            .bind(provider.0)
            .bind(before.unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
    })?)
}
