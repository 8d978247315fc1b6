//! A store that is changed behind everybody's back, and one that takes something no more.

use belltower::store::Db;
use sqlx::AssertSqlSafe;

/// Runs some statements.
pub(crate) async fn execute(db: &Db, text: &str) {
    let query = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
    match db {
        Db::Sqlite { writer, .. } => drop(query.execute(writer).await.unwrap()),
        Db::Postgres(pool) => drop(query.execute(pool).await.unwrap()),
    }
}

/// From now on no row with that word in that column gets into a table: a fault of its own, which does not pass.
pub(crate) async fn refuse(db: &Db, table: &str, column: &str, word: &str) {
    let text = match db {
        Db::Sqlite { .. } => format!(
            "CREATE TRIGGER refused BEFORE INSERT ON {table} WHEN NEW.{column} = '{word}'
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ),
        Db::Postgres(_) => format!(
            "ALTER TABLE {table} ADD CONSTRAINT refused CHECK ({column} IS DISTINCT FROM '{word}') NOT VALID"
        ),
    };
    execute(db, &text).await;
}

/// Takes back what [`refuse`] did.
pub(crate) async fn allow(db: &Db, table: &str) {
    let text = match db {
        Db::Sqlite { .. } => "DROP TRIGGER refused".to_owned(),
        Db::Postgres(_) => format!("ALTER TABLE {table} DROP CONSTRAINT refused"),
    };
    execute(db, &text).await;
}
