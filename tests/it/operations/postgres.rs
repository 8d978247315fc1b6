//! Backups of a store in PostgreSQL, by the lines that docs/OPERATIONS.md has.

use std::process::Command;

use serde_json::{Value, json};

use super::tools::{program, read, succeeds};
use crate::support::database::with_postgres;
use crate::support::process::Installation;

async fn run(here: &Installation, url: &str, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let output = here
        .command(&[&["--json"], arguments].concat())
        .env("BELLTOWER_DATABASE", url)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), said)
}

#[test]
fn the_commands_for_a_file_say_what_to_run_instead() {
    with_postgres(|url| async move {
        let here = Installation::new();
        let (code, _, said) = run(&here, &url, &["backup", "x"]).await;
        assert_eq!(
            (code, said.contains("pg_dump --format=custom"), said.trim().lines().count()),
            (Some(1), true, 1),
            "{said}"
        );
        let (code, _, said) = run(&here, &url, &["restore", "x"]).await;
        assert_eq!(
            (code, said.contains("pg_restore"), said.trim().lines().count()),
            (Some(1), true, 1),
            "{said}"
        );
        assert!(said.contains("--in-place"), "{said}");
        let (code, _, _) = run(&here, &url, &["restore"]).await;
        assert_eq!(code, Some(2));
    });
}

#[test]
fn a_dump_is_restored_settled_and_whole() {
    let [Some(dump), Some(restore), Some(psql)] =
        ["pg_dump", "pg_restore", "psql"].map(|name| program(name, "postgresql"))
    else {
        return;
    };
    with_postgres(|url| async move {
        let here = Installation::new();
        let source = [
            "source",
            "create",
            "--name=图书馆",
            "--department=图书馆",
            "--topics=library.#",
            "--channels=email",
        ];
        let (code, _, said) = run(&here, &url, &source).await;
        assert_eq!(code, Some(0), "{said}");
        let file = here.data().join("belltower.dump");
        let file = file.to_str().unwrap();
        succeeds(Command::new(dump).args(["--format=custom", "--file", file, &url]));
        // A later version came, with a table that refers to one that is in the dump, and was used.
        let mut newer = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
        let step =
            "CREATE TABLE later_on (id BIGINT PRIMARY KEY, source_id BIGINT NOT NULL REFERENCES source (id));
            INSERT INTO later_on SELECT id, id FROM source";
        sqlx::raw_sql(step).execute(&mut newer).await.unwrap();
        sqlx::Connection::close(newer).await.unwrap();
        let later = [
            "source",
            "create",
            "--name=教务处",
            "--department=教务处",
            "--topics=academic.#",
            "--channels=email",
        ];
        assert_eq!(run(&here, &url, &later).await.0, Some(0));
        let (code, verified, said) = run(&here, &url, &["verify"]).await;
        assert_eq!((code, &verified["ok"]), (Some(0), &json!(true)), "{said}");

        // The very lines that the guide has.
        let guide = read("docs/OPERATIONS.md");
        for line in [
            "psql --set ON_ERROR_STOP=1 --command 'DROP SCHEMA public CASCADE' --command 'CREATE SCHEMA public'",
            "pg_restore --no-owner --exit-on-error --single-transaction --dbname",
        ] {
            assert!(guide.contains(line), "{line}");
        }
        assert!(!guide.contains("pg_restore --clean"), "it stumbles over what a later step added");
        let emptied = [
            "--set",
            "ON_ERROR_STOP=1",
            "--command",
            "DROP SCHEMA public CASCADE",
            "--command",
            "CREATE SCHEMA public",
            &url,
        ];
        succeeds(Command::new(psql).args(emptied));
        // Nothing is there then, and nothing is made.
        for arguments in [&["restore", "--in-place"][..], &["verify"], &["purge"]] {
            let (code, _, said) = run(&here, &url, arguments).await;
            assert!(code == Some(1) && said.contains("there is no store at postgres://"), "{said}");
        }
        let arguments = ["--no-owner", "--exit-on-error", "--single-transaction", "--dbname", &url, file];
        succeeds(Command::new(restore).args(arguments));
        let (code, restored, said) = run(&here, &url, &["restore", "--in-place"]).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!((&restored["held"], &restored["set_aside"]), (&json!(0), &json!(0)));
        assert!(restored["store"].as_str().unwrap().starts_with("postgres://"), "{restored}");
        let (code, verified, said) = run(&here, &url, &["verify"]).await;
        assert_eq!((code, &verified["ok"]), (Some(0), &json!(true)), "{said}");
        let (_, listed, _) = run(&here, &url, &["source", "list"]).await;
        assert_eq!(
            (listed["data"].as_array().unwrap().len(), &listed["data"][0]["name"]),
            (1, &json!("图书馆"))
        );
    });
}
