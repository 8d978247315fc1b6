//! The only SQL. One file per aggregate; [`dialect`] holds the few texts that differ between the two databases.
//!
//! A function reads from a [`Db`] or writes inside a [`Tx`]; which database is behind either is decided once, when it
//! is opened. The macros [`in_db!`] and [`in_tx!`] expand one body for both drivers, [`row!`] declares what a query
//! gives back. Placeholders are `$1`, upserts `ON CONFLICT`, bulk input one JSON array (see [`dialect::Dialect::rows`]),
//! bound limits `LIMIT $1 + 0` (SQLite plans a statement anew for each value bound to a plain one).

pub mod alarm_wishes;
pub mod alarms;
pub mod answers;
pub mod attention;
pub mod attributes;
pub mod audience;
pub mod audit;
pub mod audit_chain;
pub mod backup;
pub mod bindings;
pub mod bound;
pub mod broadcast_keys;
pub mod broadcasts;
pub mod button_keys;
pub mod button_presses;
pub mod buttons;
pub mod callbacks;
pub mod calls;
pub mod campus_accounts;
pub mod cap;
pub mod card_updates;
pub mod checks;
mod column;
mod condition;
pub mod counters;
pub mod coverage;
pub mod dedup;
pub mod deliveries;
pub mod dialect;
pub mod drafts;
pub mod erasure;
pub mod events;
mod fallback;
pub mod fan_out;
pub mod frequency;
pub mod groups;
pub mod handover;
pub mod hindsight;
pub mod history;
pub mod idempotency;
pub mod import_erasures;
pub mod import_pieces;
pub mod imports;
pub mod inbox;
pub mod keys;
pub mod labelled;
pub mod links;
pub mod messages;
mod migrate;
pub mod missed;
pub mod nodes;
pub mod operators;
pub mod opt_outs;
pub mod paces;
pub mod pages;
pub mod planning;
pub mod policies;
mod pool;
pub mod prints;
pub mod providers;
pub mod pulse;
pub mod quotas;
pub mod reading;
pub mod recalls;
pub mod receipts;
pub mod recipients;
pub mod registrations;
pub mod reopening;
pub mod replies;
pub mod reports;
pub mod restoring;
pub mod retention;
pub mod rights_requests;
pub mod roles;
pub mod roll_answers;
pub mod roll_call;
pub mod routing;
pub mod scenarios;
pub mod scenes;
pub mod scim_groups;
mod scim_sql;
pub mod scim_users;
pub mod scratch;
pub mod screen;
pub mod second_factors;
pub mod sessions;
pub mod settings;
pub mod sign_in_failures;
pub mod sources;
pub mod spending;
pub mod subscription_events;
pub mod subscription_handings;
pub mod subscriptions;
pub mod suppressions;
pub mod templates;
pub mod usage;

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::{Error, Result};
pub use column::{FromColumn, JsonText};
pub use dialect::Dialect;

/// An open store. Clones share its connections.
#[derive(Clone, Debug)]
pub enum Db {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

/// A transaction that has the right to write. Dropped without [`Tx::commit`] it leaves nothing behind.
#[derive(Debug)]
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Evaluates one body with `$conn` as the executor of whichever database is behind a [`Db`].
macro_rules! in_db {
    ($db:expr, |$conn:ident| $body:expr) => {
        match $db {
            $crate::store::Db::Sqlite { readers, .. } => {
                let $conn = readers;
                $body
            }
            $crate::store::Db::Postgres(pool) => {
                let $conn = pool;
                $body
            }
        }
    };
}

/// Evaluates one body with `$conn` as the connection of whichever database is behind a [`Tx`].
macro_rules! in_tx {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::Tx::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

/// Declares a struct and how it is read from a row of either database, column by column under the field's name.
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $fvis:vis $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name { $($(#[$fmeta])* $fvis $field: $type,)+ }

        $crate::store::row!(@read $name, sqlx::sqlite::SqliteRow, $($field: $type,)+);
        $crate::store::row!(@read $name, sqlx::postgres::PgRow, $($field: $type,)+);
    };
    (@read $name:ident, $row:ty, $($field:ident: $type:ty,)+) => {
        impl<'r> sqlx::FromRow<'r, $row> for $name {
            fn from_row(row: &'r $row) -> Result<Self, sqlx::Error> {
                Ok(Self {
                    $($field: <$type as $crate::store::FromColumn<$row>>::read(row, stringify!($field))?,)+
                })
            }
        }
    };
}

pub(crate) use {in_db, in_tx, row};

/// Marks a text put together from our own constants (never from a caller's input) as fit to be run.
pub(crate) fn sql(text: impl Into<String>) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(text.into())
}

/// Whoever names the same text of the same kind waits until the transaction ends, where no index says that there is one.
async fn hold(tx: &mut Tx, text: &str, kind: i64) -> Result<()> {
    let Some(holding) = tx.dialect().hold() else { return Ok(()) };
    in_tx!(tx, |c| sqlx::query(holding).bind(text).bind(kind).execute(c).await.map(drop))?;
    Ok(())
}

/// Bulk input for [`dialect::Dialect::rows`] and its lists.
pub(crate) fn to_json(value: &(impl serde::Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

impl Db {
    /// Brings the schema up to date and opens the store.
    ///
    /// `url`: `sqlite://PATH` (made if missing) or `postgres://…`.
    pub async fn open(url: &str) -> Result<Self> {
        // Connections opened before a migration keep the old schema: migrate before the pools open.
        if url.starts_with("sqlite:") {
            migrate::sqlite(&sqlite_options(url)?.create_if_missing(true)).await?;
        } else {
            migrate::postgres(&postgres_options(url)?).await?;
        }
        Self::open_as_is(url).await
    }

    /// Opens a store that is there, whatever its schema: for what must not change it, such as a backup before an update.
    pub async fn open_as_is(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") {
            let options = sqlite_options(url)?;
            let writer = SqlitePoolOptions::new()
                .max_connections(1)
                .test_before_acquire(false)
                .acquire_timeout(Duration::from_secs(10))
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_with(options.clone())
                .await?;
            let readers = SqlitePoolOptions::new()
                .max_connections(4)
                .test_before_acquire(false)
                .acquire_timeout(Duration::from_secs(10))
                .idle_timeout(None)
                .max_lifetime(None)
                // Not for the writer: it would map the file anew whenever it grows.
                .connect_with(options.read_only(true).pragma("mmap_size", "268435456"))
                .await?;
            Ok(Self::Sqlite { writer, readers })
        } else {
            let pool = PgPoolOptions::new()
                .max_connections(16)
                .test_before_acquire(false)
                .before_acquire(|conn, meta| Box::pin(pool::look_at(conn, meta.idle_for)))
                .acquire_timeout(Duration::from_secs(10))
                .connect_with(postgres_options(url)?)
                .await?;
            Ok(Self::Postgres(pool))
        }
    }

    /// Opens a transaction that may write. On SQLite it holds the one writer from the first statement on, so keep
    /// it short and never wait for anything but the store inside it.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool::begin(pool).await?),
        })
    }

    /// Only one process serves from it.
    pub fn has_one_process(&self) -> bool {
        matches!(self, Self::Sqlite { .. })
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Answers if the store does, for readiness.
    pub async fn ping(&self) -> Result<()> {
        in_db!(self, |conn| sqlx::query("SELECT 1").execute(conn).await.map(drop)).map_err(Error::from)
    }

    /// Waits for running statements and closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    Ok(SqliteConnectOptions::from_str(url)?
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .statement_cache_capacity(512)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-8000")
        .disable_statement_logging())
}

/// How long PostgreSQL lets a transaction of ours stand still before it ends it. A process that is stopped or cut off in
/// the midst of one holds rows that every other one writes too, such as the day's counters, and would hold them up for as
/// long as it stands.
const STANDSTILL: &str = "10s";

/// How statements of ours are planned, whatever the server's defaults are for. They look up a few rows among many of which most
/// are in memory, and one that is compiled first, or takes every core for itself, holds up an alert.
const PLANNING: [(&str, &str); 3] =
    [("jit", "off"), ("max_parallel_workers_per_gather", "0"), ("random_page_cost", "1.1")];

fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?
        .application_name("belltower")
        .options([("idle_in_transaction_session_timeout", STANDSTILL)])
        .options(PLANNING)
        .statement_cache_capacity(512)
        .disable_statement_logging())
}

/// How many of a pool's connections are in use, and how many it may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// `reads`, `writes`, or `all` where one pool does both.
    pub pool: &'static str,
    pub used: u32,
    pub most: u32,
}

impl Db {
    /// Each pool of connections as it is used at this moment.
    pub fn pools(&self) -> Vec<PoolUse> {
        // What is idle is counted apart and may be a moment ahead.
        let taken = |all: u32, idle: usize| all.saturating_sub(u32::try_from(idle).unwrap_or(all));
        match self {
            Self::Sqlite { writer, readers } => [("reads", readers), ("writes", writer)]
                .map(|(pool, of)| PoolUse {
                    pool,
                    used: taken(of.size(), of.num_idle()),
                    most: of.options().get_max_connections(),
                })
                .to_vec(),
            Self::Postgres(of) => vec![PoolUse {
                pool: "all",
                used: taken(of.size(), of.num_idle()),
                most: of.options().get_max_connections(),
            }],
        }
    }
}

impl Tx {
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Nobody else writes before this one is committed.
    pub fn is_only_writer(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}
