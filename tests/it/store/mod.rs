//! The store's contract, the same on both databases: one file per aggregate, and here what holds for all of them.

mod acts;
mod alarm_wishes;
mod alarms;
mod answers;
mod attention;
mod attributes;
mod audience;
mod audit;
mod backup;
mod bindings;
mod bound;
mod broadcast_keys;
mod broadcasts;
mod button_keys;
mod button_presses;
mod buttons;
mod callbacks;
mod calls;
mod campus_accounts;
mod cap;
mod card_updates;
mod checks;
mod counters;
mod coverage;
mod dedup;
mod deliveries;
mod drafts;
mod erasure;
mod events;
mod fan_out;
mod frequency;
mod groups;
mod hindsight;
mod history;
mod idempotency;
mod ids;
mod import_erasures;
mod import_pieces;
mod imports;
mod inbox;
mod keys;
mod kinds;
mod labelled;
mod leases;
mod links;
mod messages;
mod migrate;
mod missed;
mod nodes;
mod operators;
mod opt_outs;
mod paces;
mod pages;
mod planning;
mod policies;
mod pool;
mod prints;
mod providers;
mod pulse;
mod quotas;
mod reading;
mod recalls;
mod receipts;
mod recipients;
mod registrations;
mod reopening;
mod replies;
mod reports;
mod restoring;
mod retention;
mod rights_requests;
mod roles;
mod roll_answers;
mod roll_call;
mod routing;
mod scenarios;
mod scenes;
mod scim_groups;
mod scim_users;
mod scratch;
mod second_factors;
mod sessions;
mod settings;
mod sign_in_failures;
mod sources;
mod spending;
mod subscription_events;
mod subscription_handings;
mod subscriptions;
mod suppressions;
mod templates;
mod usage;

use belltower::Error;
use belltower::store::{Db, Tx};
use sqlx::AssertSqlSafe;

use crate::support::{on_both, on_both_urls};

pub(crate) async fn execute(tx: &mut Tx, text: &str) {
    let query = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
    match tx {
        Tx::Sqlite(tx) => drop(query.execute(&mut **tx).await.unwrap()),
        Tx::Postgres(tx) => drop(query.execute(&mut **tx).await.unwrap()),
    }
}

/// Ends a transaction for nothing before anything else happens. PostgreSQL does not hear of one that is only dropped until
/// its connection is free again, and keeps its rows locked.
pub(crate) async fn roll_back(tx: Tx) {
    match tx {
        Tx::Sqlite(tx) => tx.rollback().await.unwrap(),
        Tx::Postgres(tx) => tx.rollback().await.unwrap(),
    }
}

async fn numbers(db: &Db) -> Vec<i64> {
    let query = "SELECT n FROM probe ORDER BY n";
    match db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(query).fetch_all(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await.unwrap(),
    }
}

on_both!(only_what_is_committed_stays, |db| async {
    let mut first = db.begin().await.unwrap();
    execute(&mut first, "CREATE TABLE probe (n BIGINT NOT NULL)").await;
    execute(&mut first, "INSERT INTO probe (n) VALUES (1)").await;
    first.commit().await.unwrap();

    let mut dropped = db.begin().await.unwrap();
    execute(&mut dropped, "INSERT INTO probe (n) VALUES (2)").await;
    drop(dropped);

    let mut last = db.begin().await.unwrap();
    execute(&mut last, "INSERT INTO probe (n) VALUES (3)").await;
    assert_eq!(numbers(&db).await, [1], "nothing is read before it is committed");
    last.commit().await.unwrap();
    assert_eq!(numbers(&db).await, [1, 3]);
});

on_both_urls!(a_store_opens_again_with_what_it_kept, |url| async {
    let db = Db::open(&url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "CREATE TABLE probe (n BIGINT NOT NULL); INSERT INTO probe (n) VALUES (7)").await;
    tx.commit().await.unwrap();
    db.close().await;

    for again in [Db::open(&url).await.unwrap(), Db::open_as_is(&url).await.unwrap()] {
        assert_eq!(numbers(&again).await, [7]);
        again.close().await;
    }
});

on_both_urls!(a_store_of_a_newer_version_is_left_alone, |url| async {
    let db = Db::open(&url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 999999, 'later', success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
    execute(&mut tx, later).await;
    tx.commit().await.unwrap();
    db.close().await;

    match Db::open(&url).await {
        Err(Error::Conflict { code, .. }) => assert_eq!(code, "store_is_newer"),
        other => panic!("opened: {other:?}"),
    }
});

on_both!(a_closed_store_does_not_answer, |db| async {
    db.ping().await.unwrap();
    db.close().await;
    assert!(matches!(db.ping().await, Err(Error::Unavailable { .. })));
});
