//! Departmental systems, what they may do and what they used of it.

use serde::Serialize;

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::SourceId;
use crate::domain::network::Network;
use crate::domain::silence::Watch;
use crate::domain::source::Right;
use crate::domain::topic::TopicPattern;
use crate::{Error, Result};

row! {
    pub struct SourceRow {
        pub id: SourceId,
        pub name: String,
        pub department: String,
        pub topics: JsonText<Vec<TopicPattern>>,
        pub channels: JsonText<Vec<ChannelKind>>,
        pub rights: JsonText<Vec<Right>>,
        pub rate_per_second: Option<i64>,
        pub daily_messages: Option<i64>,
        pub created_at: Timestamp,
        pub disabled_at: Option<Timestamp>,
        /// When one of its keys was last used, to the minute.
        pub last_activity_at: Option<Timestamp>,
        /// Keys that open something.
        pub valid_keys: i64,
        /// Messages sent this campus day.
        pub used_today: i64,
        /// Where its calls may come from; none: from anywhere.
        pub networks: JsonText<Vec<Network>>,
        pub silence: JsonText<Watch>,
        /// Slugs of the groups it may write to; none: to anybody.
        pub audience_groups: JsonText<Vec<String>>,
        /// As whom it publishes at the broker; none: it does not.
        pub broker_user: Option<String>,
    }
}

row! {
    /// A source and when something came from it.
    pub struct WatchedRow {
        pub id: SourceId,
        pub name: String,
        pub silence: JsonText<Watch>,
        pub watched_from: Option<Timestamp>,
        /// By a live key.
        pub last_message_at: Option<Timestamp>,
    }
}

/// The moment a source is looked at, which decides about its keys, and its campus day, which decides about its quota.
#[derive(Clone, Copy, Debug)]
pub struct Today<'a> {
    pub now: Timestamp,
    /// `YYYY-MM-DD`.
    pub day: &'a str,
}

/// What an administrator lets a source do.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    pub department: String,
    pub topics: Vec<TopicPattern>,
    pub channels: Vec<ChannelKind>,
    pub rights: Vec<Right>,
    /// Slugs of the groups it may write to; none: to anybody.
    pub groups: Vec<String>,
    pub rate_per_second: Option<i64>,
    pub daily_messages: Option<i64>,
    /// As whom it publishes at the broker; nobody else does as that one.
    pub broker_user: Option<String>,
}

row! {
    struct ChannelsRow {
        channels: JsonText<Vec<ChannelKind>>,
    }
}

/// Channels that at least one source may use, in their order.
pub async fn channels_in_use(db: &Db) -> Result<Vec<ChannelKind>> {
    let text = "SELECT DISTINCT channels FROM source WHERE disabled_at IS NULL";
    let rows = in_db!(db, |c| sqlx::query_as::<_, ChannelsRow>(text).fetch_all(c).await)?;
    let mut channels: Vec<_> = rows.into_iter().flat_map(|row| row.channels.0).collect();
    channels.sort_unstable();
    channels.dedup();
    Ok(channels)
}

const SELECT: &str = "SELECT s.id, s.name, s.department, s.topics, s.channels, s.rights, s.rate_per_second,
    s.daily_messages, s.created_at, s.disabled_at,
    (SELECT max(k.last_used_at) FROM api_key k WHERE k.source_id = s.id) AS last_activity_at,
    (SELECT count(*) FROM api_key k WHERE k.source_id = s.id AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > $1)) AS valid_keys,
    COALESCE((SELECT u.messages FROM source_usage u WHERE u.source_id = s.id AND u.day = $2), 0) AS used_today,
    s.networks, s.silence, s.audience_groups, s.broker_user
    FROM source s";

/// Adds a source; nothing where the name is taken.
pub async fn insert(tx: &mut Tx, name: &str, grant: &Grant, now: Timestamp) -> Result<Option<SourceId>> {
    let text = "INSERT INTO source
            (name, department, topics, channels, rights, audience_groups, rate_per_second, daily_messages, broker_user,
            created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (name) DO NOTHING RETURNING id";
    let [topics, channels, rights, groups] = texts(grant)?;
    let id: Option<i64> = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(name)
            .bind(&grant.department)
            .bind(topics)
            .bind(channels)
            .bind(rights)
            .bind(groups)
            .bind(grant.rate_per_second)
            .bind(grant.daily_messages)
            .bind(&grant.broker_user)
            .bind(now.0)
            .fetch_optional(c)
            .await
    })?;
    Ok(id.map(SourceId))
}

/// What [`super::hold`] tells users of the broker from other texts by.
const BROKER_USERS: i64 = 103;

/// Whose broker user that is; `None`: it is free. To be asked before it is given to a source: nobody else asks this of the user
/// until the transaction ends.
pub async fn broker_user_of(tx: &mut Tx, user: &str) -> Result<Option<SourceId>> {
    super::hold(tx, user, BROKER_USERS).await?;
    let text = "SELECT id FROM source WHERE broker_user = $1";
    let id: Option<i64> = in_tx!(tx, |c| sqlx::query_scalar(text).bind(user).fetch_optional(c).await)?;
    Ok(id.map(SourceId))
}

/// Replaces everything granted. False where there is no such source.
pub async fn update(tx: &mut Tx, id: SourceId, grant: &Grant) -> Result<bool> {
    let text =
        "UPDATE source SET department = $2, topics = $3, channels = $4, rights = $5, audience_groups = $6,
        rate_per_second = $7, daily_messages = $8, broker_user = $9 WHERE id = $1";
    let [topics, channels, rights, groups] = texts(grant)?;
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(&grant.department)
            .bind(topics)
            .bind(channels)
            .bind(rights)
            .bind(groups)
            .bind(grant.rate_per_second)
            .bind(grant.daily_messages)
            .bind(&grant.broker_user)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

fn texts(grant: &Grant) -> Result<[String; 4]> {
    fn text(list: &impl Serialize) -> Result<String> {
        serde_json::to_string(list).map_err(Error::internal)
    }
    Ok([text(&grant.topics)?, text(&grant.channels)?, text(&grant.rights)?, text(&grant.groups)?])
}

/// From where its calls may come, and when its silence is told, from `now` on. False where there is no such source.
pub async fn guard(
    tx: &mut Tx,
    id: SourceId,
    networks: &[Network],
    silence: &Watch,
    now: Timestamp,
) -> Result<bool> {
    let text = "UPDATE source SET networks = $2, silence = $3, watched_from = $4 WHERE id = $1";
    let (networks, silence) = (to_json(networks)?, to_json(silence)?);
    let changed = in_tx!(tx, |c| {
        let query = sqlx::query(text).bind(id.0).bind(networks).bind(silence).bind(now.0);
        query.execute(c).await.map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

/// Sources that are let in, by name.
pub async fn watched(db: &Db) -> Result<Vec<WatchedRow>> {
    let text = "SELECT s.id, s.name, s.silence, s.watched_from,
          (SELECT u.last_at FROM source_usage u WHERE u.source_id = s.id AND u.messages > 0
            ORDER BY u.day DESC LIMIT 1) AS last_message_at
        FROM source s WHERE s.disabled_at IS NULL ORDER BY s.name, s.id";
    Ok(in_db!(db, |c| sqlx::query_as(text).fetch_all(c).await)?)
}

/// Shuts a source out from `disabled_at` on, or lets it in again: from then on its silence counts. False where there is no
/// such source.
pub async fn set_disabled(
    tx: &mut Tx,
    id: SourceId,
    disabled_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    let text = "UPDATE source SET disabled_at = $2, watched_from = $3 WHERE id = $1";
    let changed = in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(disabled_at.map(|at| at.0))
            .bind(now.0)
            .execute(c)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(changed > 0)
}

pub async fn find(db: &Db, id: SourceId, today: Today<'_>) -> Result<Option<SourceRow>> {
    let text = format!("{SELECT} WHERE s.id = $3");
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, SourceRow>(sql(text))
            .bind(today.now.0)
            .bind(today.day)
            .bind(id.0)
            .fetch_optional(c)
            .await
    })?)
}

pub async fn find_by_name(db: &Db, name: &str, today: Today<'_>) -> Result<Option<SourceRow>> {
    let text = format!("{SELECT} WHERE s.name = $3");
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, SourceRow>(sql(text))
            .bind(today.now.0)
            .bind(today.day)
            .bind(name)
            .fetch_optional(c)
            .await
    })?)
}

/// The source that publishes as that user of the broker, also one that is disabled.
pub async fn find_by_broker_user(db: &Db, user: &str, today: Today<'_>) -> Result<Option<SourceRow>> {
    let text = format!("{SELECT} WHERE s.broker_user = $3");
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, SourceRow>(sql(text))
            .bind(today.now.0)
            .bind(today.day)
            .bind(user)
            .fetch_optional(c)
            .await
    })?)
}

/// The department a source belongs to; `None` where there is no such source.
pub async fn department(tx: &mut Tx, id: SourceId) -> Result<Option<String>> {
    let text = "SELECT department FROM source WHERE id = $1";
    Ok(in_tx!(tx, |c| sqlx::query_scalar(text).bind(id.0).fetch_optional(c).await)?)
}

row! {
    pub struct DepartmentRow {
        pub id: SourceId,
        pub department: String,
    }
}

/// The name of every source.
pub async fn names(db: &Db) -> Result<Vec<String>> {
    let text = "SELECT name FROM source ORDER BY name";
    Ok(in_db!(db, |c| sqlx::query_scalar(text).fetch_all(c).await)?)
}

/// The department of every source.
pub async fn departments(db: &Db) -> Result<Vec<DepartmentRow>> {
    let text = "SELECT id, department FROM source ORDER BY id";
    Ok(in_db!(db, |c| sqlx::query_as::<_, DepartmentRow>(text).fetch_all(c).await)?)
}

row! {
    /// A source by name, for whoever asks which ones a group is given to.
    pub struct LimitedRow {
        pub id: SourceId,
        pub name: String,
    }
}

/// The sources that may write to no more than some groups, this one among them, by name.
pub async fn limited_to(db: &Db, slug: &str) -> Result<Vec<LimitedRow>> {
    let named = db.dialect().holds("audience_groups", "$1");
    let text = format!("SELECT id, name FROM source WHERE {named} ORDER BY name, id");
    // Slugs are of letters that JSON writes as they are.
    let word = format!("\"{slug}\"");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(word).fetch_all(c).await)?)
}

/// Every source by name. There are as many as a campus has departmental systems, so they come all at once.
pub async fn list(db: &Db, today: Today<'_>) -> Result<Vec<SourceRow>> {
    let text = format!("{SELECT} ORDER BY s.name, s.id");
    Ok(in_db!(db, |c| {
        sqlx::query_as::<_, SourceRow>(sql(text)).bind(today.now.0).bind(today.day).fetch_all(c).await
    })?)
}
