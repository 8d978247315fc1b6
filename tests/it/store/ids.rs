//! The step that has tables remember which ids they gave out, taken beside connections that know the store as it was.

use std::fs;
use std::path::{Path, PathBuf};

use belltower::store::Db;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::support::database::block_on;
use crate::support::folder::TempFolder;

async fn connect(file: &Path) -> SqliteConnection {
    SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap()
}

async fn run(conn: &mut SqliteConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(conn).await.unwrap();
}

/// The texts of all tables and indexes.
async fn schema(conn: &mut SqliteConnection) -> Vec<(String, String)> {
    let text = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'sqlite_sequence' ORDER BY name";
    sqlx::query_as(text).fetch_all(conn).await.unwrap()
}

/// A store of the step before, with rows in it.
async fn older(folder: &TempFolder) -> PathBuf {
    let (file, newer) = (folder.path().join("belltower.db"), folder.path().join("newer.db"));
    Db::open(&format!("sqlite://{}", newer.display())).await.unwrap().close().await;
    let mut steps: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|step| step.file_name().unwrap().to_str().unwrap() < "0042")
        .collect();
    steps.sort();
    let mut conn = connect(&file).await;
    for step in steps {
        run(&mut conn, &fs::read_to_string(step).unwrap()).await;
    }
    let taken = format!(
        "ATTACH '{}' AS newer; CREATE TABLE _sqlx_migrations AS SELECT * FROM newer._sqlx_migrations WHERE version < 42",
        newer.display()
    );
    run(&mut conn, &taken).await;
    run(
        &mut conn,
        "INSERT INTO operator (id, email, name, created_at) VALUES (3, 'a@b.example', 'a', 1);
         INSERT INTO operator (id, email, name, created_at) VALUES (9, 'b@b.example', 'b', 1);
         INSERT INTO recipient_group (slug, name, kind, created_at, updated_at) VALUES ('g', 'g', 0, 1, 1)",
    )
    .await;
    conn.close().await.unwrap();
    file
}

/// The texts of a store that took every later step and not this one.
async fn without(folder: &TempFolder) -> Vec<(String, String)> {
    let mut conn = connect(&older(folder).await).await;
    let mut steps: Vec<_> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|step| step.file_name().unwrap().to_str().unwrap() > "0043")
        .collect();
    steps.sort();
    for step in steps {
        run(&mut conn, &fs::read_to_string(step).unwrap()).await;
    }
    schema(&mut conn).await
}

#[test]
fn only_the_texts_of_tables_whose_ids_leave_the_house_are_changed() {
    block_on(async {
        let folder = TempFolder::new();
        let file = older(&folder).await;
        let before = without(&TempFolder::new()).await;
        // Somebody who has read the schema, has a statement ready, and stays.
        let mut beside = connect(&file).await;
        schema(&mut beside).await;
        let add = "INSERT INTO operator (email, name, created_at) VALUES ($1, 'c', 1) RETURNING id";
        let first: i64 = sqlx::query_scalar(add).bind("c@b.example").fetch_one(&mut beside).await.unwrap();
        assert_eq!(first, 10);

        let url = format!("sqlite://{}", file.display());
        let db = Db::open(&url).await.unwrap();
        let mut fresh = connect(&file).await;
        let mut after = schema(&mut fresh).await;
        assert_eq!(schema(&mut beside).await, after, "whoever was there sees it");
        // Later steps bring tables of their own.
        after.retain(|(name, _)| before.iter().any(|(known, _)| known == name));
        let names = |of: &[(String, String)]| of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after));
        let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).map(|(_, b)| b).collect();
        let expected = [
            "alarm",
            "api_key",
            "broadcast",
            "button",
            "button_key",
            "button_press",
            "delivery",
            "operator",
            "provider",
            "receipt",
            "recipient",
            "recipient_group",
            "role",
            "scenario",
            "scenario_change",
            "source",
            "suppression",
        ];
        assert_eq!(changed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected);
        for (name, text) in changed {
            let (_, was) = before.iter().find(|(before, _)| before == name).unwrap();
            assert_eq!(text.matches("INTEGER PRIMARY KEY AUTOINCREMENT,").count(), 1, "{text}");
            assert_eq!(&text.replace(" AUTOINCREMENT", ""), was);
        }
        for conn in [&mut beside, &mut fresh] {
            let said: Vec<String> =
                sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut *conn).await.unwrap();
            assert_eq!(said, ["ok"]);
        }

        // The highest goes, and its number does not come back: not by the statement that was ready, nor by a new one.
        run(&mut fresh, "DELETE FROM operator WHERE id = 10").await;
        let next: i64 = sqlx::query_scalar(add).bind("d@b.example").fetch_one(&mut beside).await.unwrap();
        assert_eq!(next, 11);
        run(&mut beside, "DELETE FROM operator WHERE id > 3; DELETE FROM recipient_group").await;
        let next: i64 = sqlx::query_scalar(add).bind("e@b.example").fetch_one(&mut fresh).await.unwrap();
        assert_eq!(next, 12);
        let group = "INSERT INTO recipient_group (slug, name, kind, created_at, updated_at) VALUES ('h', 'h', 0, 1, 1)
            RETURNING id";
        let group: i64 = sqlx::query_scalar(group).fetch_one(&mut fresh).await.unwrap();
        assert_eq!(group, 2);
        db.close().await;
    });
}
