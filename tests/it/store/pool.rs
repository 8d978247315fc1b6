//! Connections to PostgreSQL that end while nobody uses them.

use belltower::store::Db;
use futures_util::future::join_all;
use sqlx::{Connection as _, PgConnection};

use crate::support::database::with_postgres;

/// All of a pool's.
const MANY: usize = 16;

#[test]
fn a_transaction_begins_though_every_connection_was_ended_a_moment_ago() {
    with_postgres(|url| async move {
        let db = Db::open(&url).await.unwrap();
        let mut apart = PgConnection::connect(&url).await.unwrap();
        for round in 0..3 {
            let begun = join_all((0..MANY).map(|_| db.begin())).await;
            for tx in begun {
                tx.unwrap().commit().await.unwrap();
            }
            let ended = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'belltower'";
            let ended: i64 = sqlx::query_scalar(ended).fetch_one(&mut apart).await.unwrap();
            assert_eq!(ended as usize, MANY, "{round}");
            let tx = db.begin().await;
            tx.unwrap().commit().await.unwrap();
            db.ping().await.unwrap();
        }
        db.close().await;
    });
}
