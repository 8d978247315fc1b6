//! An embedded store as a file: copied beside whoever writes to it, and looked at before it takes another's place. PostgreSQL
//! has tools of its own for both.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{Db, migrate};
use crate::{Error, Result};

/// What a copy says of itself is kept as this setting.
const NOTE: &str = "backup";
/// Faults that are told of a damaged file.
const TOLD: usize = 5;

pub use migrate::newest as newest_step;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Its newest step of the schema.
    pub step: i64,
    /// The step that a program must know at least to work with it.
    pub floor: i64,
    /// What [`mark`] wrote into it.
    pub note: Option<String>,
    /// What SQLite finds wrong with it; empty where it is sound.
    pub damage: Vec<String>,
}

/// Writes the store as it is at this moment to an empty file, beside whoever writes to it. Writers wait for nothing; what
/// they write meanwhile is not in it.
///
/// # Errors
///
/// A conflict on PostgreSQL.
pub async fn copy(db: &Db, to: &str) -> Result<()> {
    match db {
        Db::Sqlite { readers, .. } => {
            sqlx::query("VACUUM INTO $1").bind(to).execute(readers).await?;
            Ok(())
        }
        Db::Postgres(_) => Err(Error::conflict("not_a_file", "a PostgreSQL store is no file; use pg_dump")),
    }
}

/// Has a copy say what it is, then reads all of it: one that cannot be read is none.
pub async fn mark(file: &str, note: &str) -> Result<()> {
    let mut conn = open(file, true).await?;
    let text = "INSERT INTO setting (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    sqlx::query(text).bind(NOTE).bind(note).execute(&mut conn).await?;
    let damage = damage(&mut conn, "PRAGMA quick_check").await?;
    conn.close().await?;
    match damage.first() {
        None => Ok(()),
        Some(first) => {
            Err(Error::conflict("damaged", format!("the copy cannot be read to its end: {first}")))
        }
    }
}

/// Whether a store of this program is at an address. Makes nothing where there is none.
pub async fn is_there(url: &str) -> Result<bool> {
    if let Some(file) = url.strip_prefix("sqlite://") {
        if !std::path::Path::new(file).exists() {
            return Ok(false);
        }
        let mut conn = open(file, false).await?;
        let text = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
        let found: i64 = sqlx::query_scalar(text).fetch_one(&mut conn).await?;
        conn.close().await?;
        return Ok(found > 0);
    }
    let mut conn = super::postgres_options(url)?.connect().await?;
    let text = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let found: bool = sqlx::query_scalar(text).fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(found)
}

/// Looks through a file that is to become the store.
///
/// # Errors
///
/// A conflict where it is no store of this program at all.
pub async fn look(file: &str) -> Result<Looked> {
    let none = |what: &str| Error::conflict("not_a_backup", format!("this is no backup: {what}"));
    let unread = |_| none("SQLite cannot read the file");
    let mut conn = open(file, false).await.map_err(unread)?;
    // SQLite looks into a file when it is first asked for something.
    let damage = damage(&mut conn, "PRAGMA integrity_check").await.map_err(|error| unread(error.into()))?;
    let taken: Vec<(i64, String)> =
        sqlx::query_as(migrate::TAKEN).fetch_all(&mut conn).await.unwrap_or_default();
    let Some(step) = taken.last().map(|(step, _)| *step) else {
        return Err(match damage.first() {
            Some(first) => none(first),
            None => none("it is a database of another program"),
        });
    };
    let text = "SELECT value FROM setting WHERE name = $1";
    let note = sqlx::query_scalar(text).bind(NOTE).fetch_optional(&mut conn).await?;
    conn.close().await?;
    Ok(Looked { step, floor: migrate::floor(&taken), note, damage })
}

/// Brings what stands beside a store's file into it, so that the file is all of it. Nobody may have it open.
pub async fn gather(file: &str) -> Result<()> {
    let mut conn = open(file, false).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut conn).await?;
    conn.close().await?;
    Ok(())
}

/// `in_one_piece`: what is written goes into the file itself, and nothing is left beside it.
async fn open(file: &str, in_one_piece: bool) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging();
    let options = if in_one_piece { options.journal_mode(SqliteJournalMode::Delete) } else { options };
    Ok(options.connect().await?)
}

async fn damage(conn: &mut SqliteConnection, check: &'static str) -> sqlx::Result<Vec<String>> {
    let said: Vec<String> = sqlx::query_scalar(check).fetch_all(conn).await?;
    Ok(said.into_iter().filter(|line| line != "ok").take(TOLD).collect())
}
