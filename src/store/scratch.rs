//! Databases that live as long as a measurement, each new and empty beside another one.

use std::io::ErrorKind;

use sqlx::{Connection, PgConnection};
use url::Url;

use super::{Db, Tx, attention, in_tx, sql};
use crate::clock::Timestamp;
use crate::domain::delivery::State;
use crate::{Error, Result};

const PREFIX: &str = "belltower_scratch_";

/// Makes an empty database beside the one at `url`, on the same server or in the same folder, and gives its address.
/// On PostgreSQL this takes a role that may create databases.
pub async fn create(url: &str) -> Result<String> {
    let name = format!("{PREFIX}{:016x}", rand::random::<u64>());
    if let Some(path) = url.strip_prefix("sqlite://") {
        // The file itself is made when it is opened.
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        return Ok(format!("sqlite://{folder}/{name}.db"));
    }
    let mut server = PgConnection::connect(url).await?;
    sqlx::raw_sql(sql(format!("CREATE DATABASE {name}"))).execute(&mut server).await?;
    server.close().await?;
    let mut made = Url::parse(url).map_err(Error::internal)?;
    made.set_path(&name);
    Ok(made.into())
}

/// Removes what [`create`] made, with everything in it. Nobody should be connected any more; whoever is, is thrown out.
/// Other databases are refused.
pub async fn remove(url: &str) -> Result<()> {
    let refused = || Error::conflict("not_scratch", "only databases made for a measurement are removed");
    if let Some(path) = url.strip_prefix("sqlite://") {
        if !path.rsplit('/').next().is_some_and(|file| file.starts_with(PREFIX)) {
            return Err(refused());
        }
        for suffix in ["", "-wal", "-shm", ".lock"] {
            match tokio::fs::remove_file(format!("{path}{suffix}")).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::internal(error)),
                _ => {}
            }
        }
        return Ok(());
    }
    let mut server = Url::parse(url).map_err(Error::internal)?;
    let name = server.path().trim_start_matches('/').to_owned();
    if !name.starts_with(PREFIX) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(refused());
    }
    // Every server has it, and it is not the one to be dropped.
    server.set_path("postgres");
    let mut server = PgConnection::connect(server.as_str()).await?;
    sqlx::raw_sql(sql(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).execute(&mut server).await?;
    server.close().await?;
    Ok(())
}

/// Messages whose deliveries were planned and are open.
const OPEN: &str = "(SELECT message.id FROM message WHERE message.status = 3)";

/// Ends every pending delivery of messages that are being sent: of a hundred one fails, of one nobody knows, of some it is not
/// known whether they arrived. Each was tried once, and the counters say so.
pub async fn live_through(tx: &mut Tx, now: Timestamp, day: &str) -> Result<()> {
    let state = "(CASE delivery.id % 100 WHEN 0 THEN 4 WHEN 1 THEN 8 ELSE 2 + (delivery.id % 3) / 2 END)";
    let reason = "(CASE delivery.id % 100 WHEN 0 THEN 'permanent_recipient' WHEN 1 THEN 'no_answer' END)";
    let code = "(CASE delivery.id % 100 WHEN 0 THEN CAST(550 + (delivery.id / 100) % 5 AS text) END)";
    let provider = "(SELECT min(p.id) FROM provider p WHERE p.channel = delivery.channel)";
    let counts: Vec<_> = State::ALL
        .iter()
        .map(|state| {
            format!(
                "{} = (SELECT count(*) FROM delivery d WHERE d.message_id = message_count.message_id
                    AND d.channel = message_count.channel AND d.state = {})",
                state.name(),
                state.code()
            )
        })
        .collect();
    let steps = [
        format!(
            "UPDATE delivery SET state = {state}, reason = {reason}, provider_id = {provider}, attempts = 1,
                last_attempt_at = {now}, sent_at = CASE WHEN id % 100 > 1 THEN {now} END,
                updated_at = {now} - id % 86400000, counted_at = {now}, {trouble}
             WHERE state = 0 AND message_id IN {OPEN}",
            now = now.0,
            trouble = attention::trouble(state, provider, reason, code),
        ),
        format!(
            "INSERT INTO attempt (delivery_id, number, provider_id, started_at, duration_ms, outcome, code, detail, repeated)
             SELECT delivery.id, 1, provider_id, {now}, 20,
                CASE delivery.id % 100 WHEN 0 THEN 'permanent_recipient' WHEN 1 THEN 'unknown' ELSE 'accepted' END,
                {code}, CASE delivery.id % 100 WHEN 0 THEN 'no such mailbox' END, FALSE
             FROM delivery WHERE attempts = 1 AND message_id IN {OPEN} ON CONFLICT DO NOTHING",
            now = now.0
        ),
        format!("UPDATE message_count SET {} WHERE message_id IN {OPEN}", counts.join(", ")),
    ];
    for text in steps {
        in_tx!(tx, |c| sqlx::query(sql(text)).execute(c).await.map(drop))?;
    }
    let text = format!(
        "INSERT INTO day_count (day, channel, state, n)
         SELECT $1, channel, state, count(*) FROM delivery WHERE attempts = 1 AND message_id IN {OPEN}
         GROUP BY channel, state
         ON CONFLICT (day, channel, state) DO UPDATE SET n = day_count.n + excluded.n"
    );
    in_tx!(tx, |c| sqlx::query(sql(text)).bind(day).execute(c).await.map(drop))?;
    let text = "UPDATE message SET status = 4, completed_at = $1 WHERE status = 3";
    in_tx!(tx, |c| sqlx::query(text).bind(now.0).execute(c).await.map(drop))?;
    Ok(())
}

/// Does at once what a store that was written so much to does by and by: its log goes into the file, or what is dead is
/// cleared away, statistics are gathered and pages written. A server that grants no `CHECKPOINT` writes them when it likes.
pub async fn settle_down(db: &Db) -> Result<()> {
    match db {
        Db::Sqlite { writer, .. } => {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await?;
        }
        Db::Postgres(pool) => {
            sqlx::query("VACUUM (ANALYZE)").execute(pool).await?;
            if let Err(error) = sqlx::query("CHECKPOINT").execute(pool).await {
                tracing::debug!(%error, "the server writes its pages when it likes");
            }
        }
    }
    Ok(())
}
