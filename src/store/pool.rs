//! Connections to PostgreSQL that are taken without asking each time whether they are there.
//!
//! sqlx asks when one is given back, and again when it is taken, which costs a round trip for each transaction and each
//! statement outside of one. A moment after it was given back that is known.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, PgPool, Postgres, Transaction};
use tokio::time::timeout;

use crate::{Error, Result};

/// One that has been idle for so long is asked. Whatever ends the connections of a pool and answers again sooner fails one
/// statement outside of a transaction for each of them.
const DOUBTED: Duration = Duration::from_secs(1);

/// A server that does not answer to the beginning of a transaction for so long is gone: the time that taking a connection has.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a connection that was idle for so long can be taken.
pub(super) async fn look_at(conn: &mut PgConnection, idle_for: Duration) -> sqlx::Result<bool> {
    if idle_for < DOUBTED {
        return Ok(true);
    }
    // No fault of the pool's: it makes another one.
    Ok(conn.ping().await.is_ok())
}

/// Begins a transaction, by as many connections as it takes: of one that was cut nothing has been asked yet.
pub(super) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>> {
    let mut others = pool.options().get_max_connections();
    loop {
        match timeout(PATIENCE, pool.begin()).await {
            Err(_) => return Err(sqlx::Error::PoolTimedOut.into()),
            Ok(Err(error)) if others > 0 && is_cut(&error) => others -= 1,
            Ok(begun) => return begun.map_err(Error::from),
        }
    }
}

/// Whether the connection has gone, and not the server: whoever makes one waits for that. PostgreSQL says 57P01 to what an
/// administrator ends, and 57P02 where another of its processes crashed.
fn is_cut(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(db) => matches!(db.code().as_deref(), Some("57P01" | "57P02")),
        _ => false,
    }
}
