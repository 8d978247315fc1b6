//! Everything a store holds, for tests of what must not be in it.

use belltower::store::Db;
use sqlx::AssertSqlSafe;

/// Every text in every table, each behind its table's and column's name.
pub(crate) async fn everything(db: &Db) -> Vec<String> {
    let columns = match db {
        Db::Sqlite { .. } => {
            "SELECT t.name || ' ' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
             WHERE t.type = 'table' AND c.type = 'TEXT'"
        }
        Db::Postgres(_) => {
            "SELECT table_name || ' ' || column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND data_type IN ('text', 'jsonb')"
        }
    };
    let mut all = Vec::new();
    for found in texts(db, columns.to_owned()).await {
        let (table, column) = found.split_once(' ').unwrap();
        let select = format!(
            "SELECT '{table}.{column}: ' || CAST(\"{column}\" AS text) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
        );
        all.extend(texts(db, select).await);
    }
    assert!(all.iter().any(|text| text.starts_with("source.name: ")), "something is read");
    all
}

async fn texts(db: &Db, query: String) -> Vec<String> {
    let query = AssertSqlSafe(query);
    match db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(query).fetch_all(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await.unwrap(),
    }
}
