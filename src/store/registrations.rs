//! Systems that asked for a key by themselves, and what became of it. Of the token that opens one a keyed hash is kept.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{KeyId, RegistrationId, SourceId};
use crate::domain::registration::{Registration, RegistrationState};
use crate::domain::topic::TopicPattern;

row! {
    pub struct RegistrationRow {
        pub id: RegistrationId,
        /// As it is kept: see [`standing`](Self::standing).
        pub state: RegistrationState,
        pub name: String,
        pub department: String,
        pub contact_name: String,
        pub contact_email: String,
        pub purpose: String,
        pub topics: JsonText<Vec<TopicPattern>>,
        pub channels: JsonText<Vec<ChannelKind>>,
        /// Where it came from: an address, or the network of one of IPv6.
        pub network: String,
        pub created_at: Timestamp,
        /// Until when it waits, its key can be fetched, or it is kept, by its state.
        pub ends_at: Timestamp,
        pub decided_at: Option<Timestamp>,
        pub decided_by: Option<String>,
        /// Why it was rejected; else empty.
        pub reason: String,
        /// What it was approved as.
        pub source_id: Option<SourceId>,
        /// Its key is to be a test key.
        pub test: bool,
        /// The key that was handed over.
        pub key_id: Option<KeyId>,
        pub handed_at: Option<Timestamp>,
    }
}

impl RegistrationRow {
    /// What it is at that moment.
    pub fn standing(&self, now: Timestamp) -> RegistrationState {
        match self.state {
            RegistrationState::Pending if self.ends_at <= now => RegistrationState::Expired,
            state => state,
        }
    }

    /// Whoever holds its token may have a key of it.
    pub fn owes_key(&self, now: Timestamp) -> bool {
        self.state == RegistrationState::Approved && self.handed_at.is_none() && self.ends_at > now
    }
}

const COLUMNS: &str =
    "id, state, name, department, contact_name, contact_email, purpose, topics, channels, network,
    created_at, ends_at, decided_at, decided_by, reason, source_id, test, key_id, handed_at";
/// As [`RegistrationState`] numbers them.
const WAITS: &str = "state = 1 AND ends_at > $1";

/// Has one wait until `ends_at`. `claim`: the hash of its token.
pub async fn insert(
    tx: &mut Tx,
    asked: &Registration,
    network: &str,
    claim: &[u8],
    now: Timestamp,
    ends_at: Timestamp,
) -> Result<RegistrationId> {
    let text = "INSERT INTO registration (state, name, department, contact_name, contact_email, purpose, topics, channels,
            network, claim_hash, created_at, ends_at, reason, test)
        VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', $12) RETURNING id";
    let (topics, channels) = (to_json(&asked.topics)?, to_json(&asked.channels)?);
    let id: i64 = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(&asked.name)
            .bind(&asked.department)
            .bind(&asked.contact_name)
            .bind(&asked.contact_email)
            .bind(&asked.purpose)
            .bind(topics)
            .bind(channels)
            .bind(network)
            .bind(claim)
            .bind(now.0)
            .bind(ends_at.0)
            .bind(false)
            .fetch_one(c)
            .await
    })?;
    Ok(RegistrationId(id))
}

row! {
    /// How many wait.
    pub struct WaitingCount {
        pub all: i64,
        /// Of these, from one network.
        pub of_network: i64,
    }
}

/// How many wait, and how many of these came from that network.
pub async fn count_waiting(tx: &mut Tx, network: &str, now: Timestamp) -> Result<WaitingCount> {
    let text = format!(
        "SELECT CAST(count(*) AS bigint) AS \"all\",
            CAST(COALESCE(sum(CASE WHEN network = $2 THEN 1 ELSE 0 END), 0) AS bigint) AS of_network
        FROM registration WHERE {WAITS}"
    );
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(now.0).bind(network).fetch_one(c).await)?)
}

row! {
    /// How many of a department wait.
    pub struct DepartmentCount {
        pub department: String,
        pub n: i64,
    }
}

/// How many wait at `now` that came by `until`, by department.
pub async fn waiting_by_department(
    db: &Db,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<DepartmentCount>> {
    let text = format!(
        "SELECT department, CAST(count(*) AS bigint) AS n FROM registration
        WHERE {WAITS} AND created_at <= $2 GROUP BY department ORDER BY department"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(now.0).bind(until.0).fetch_all(c).await)?)
}

/// Those that wait, the oldest first.
pub async fn waiting(db: &Db, now: Timestamp) -> Result<Vec<RegistrationRow>> {
    let text = format!("SELECT {COLUMNS} FROM registration WHERE {WAITS} ORDER BY created_at, id");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(now.0).fetch_all(c).await)?)
}

/// Those that were decided, the latest first.
pub async fn decided(db: &Db, limit: u32) -> Result<Vec<RegistrationRow>> {
    let text = format!(
        "SELECT {COLUMNS} FROM registration WHERE state <> 1 ORDER BY decided_at DESC, id DESC LIMIT $1 + 0"
    );
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(i64::from(limit)).fetch_all(c).await)?)
}

pub async fn find(db: &Db, id: RegistrationId) -> Result<Option<RegistrationRow>> {
    let text = format!("SELECT {COLUMNS} FROM registration WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// The one that a source was approved from.
pub async fn find_by_source(db: &Db, source: SourceId) -> Result<Option<RegistrationRow>> {
    let text = format!("SELECT {COLUMNS} FROM registration WHERE source_id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(source.0).fetch_optional(c).await)?)
}

/// The one whose token has that hash.
pub async fn find_by_claim(db: &Db, hash: &[u8]) -> Result<Option<RegistrationRow>> {
    let text = format!("SELECT {COLUMNS} FROM registration WHERE claim_hash = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(hash).fetch_optional(c).await)?)
}

/// The hashes of all tokens.
pub async fn claims(db: &Db) -> Result<Vec<Vec<u8>>> {
    Ok(in_db!(db, |c| sqlx::query_scalar("SELECT claim_hash FROM registration").fetch_all(c).await)?)
}

/// Says yes to one that waits: its key can be fetched until `ends_at`. False where none of that id does.
pub async fn approve(
    tx: &mut Tx,
    id: RegistrationId,
    (source, test): (SourceId, bool),
    by: &str,
    now: Timestamp,
    ends_at: Timestamp,
) -> Result<bool> {
    let text = format!(
        "UPDATE registration SET state = 2, source_id = $3, test = $4, decided_by = $5, decided_at = $1, ends_at = $6
        WHERE id = $2 AND {WAITS}"
    );
    let changed = in_tx!(tx, |c| {
        sqlx::query(sql(text))
            .bind(now.0)
            .bind(id.0)
            .bind(source.0)
            .bind(test)
            .bind(by)
            .bind(ends_at.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Says no to one that waits: whoever holds its token is told until `ends_at`. False where none of that id does.
pub async fn reject(
    tx: &mut Tx,
    id: RegistrationId,
    reason: &str,
    by: &str,
    now: Timestamp,
    ends_at: Timestamp,
) -> Result<bool> {
    let text = format!(
        "UPDATE registration SET state = 3, reason = $3, decided_by = $4, decided_at = $1, ends_at = $5
        WHERE id = $2 AND {WAITS}"
    );
    let changed = in_tx!(tx, |c| {
        sqlx::query(sql(text))
            .bind(now.0)
            .bind(id.0)
            .bind(reason)
            .bind(by)
            .bind(ends_at.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Notes that the key was handed over. False where one was before: of two that ask at once, one gets it.
pub async fn hand_over(tx: &mut Tx, id: RegistrationId, key: KeyId, now: Timestamp) -> Result<bool> {
    let text = "UPDATE registration SET key_id = $2, handed_at = $3
        WHERE id = $1 AND state = 2 AND handed_at IS NULL AND ends_at > $3";
    let changed = in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(id.0).bind(key.0).bind(now.0);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

row! {
    /// One that is forgotten.
    pub struct GoneRow {
        pub id: RegistrationId,
        pub state: RegistrationState,
        pub name: String,
        pub department: String,
    }
}

/// Forgets those that expired by `expired_before`, and those that were rejected and are kept no longer. What was approved
/// stays with its source.
pub async fn prune(tx: &mut Tx, expired_before: Timestamp, now: Timestamp) -> Result<Vec<GoneRow>> {
    let text = "DELETE FROM registration WHERE (state = 1 AND ends_at <= $1) OR (state = 3 AND ends_at <= $2)
        RETURNING id, state, name, department";
    Ok(in_tx!(tx, |c| sqlx::query_as(text).bind(expired_before.0).bind(now.0).fetch_all(c).await)?)
}
