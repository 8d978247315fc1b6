//! The whole way: a backup while messages are taken in, the loss of everything, a restore somewhere else, and on it goes.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use belltower::simulator::{SmtpOptions, SmtpSimulator};
use serde_json::{Value, json};

use crate::support::process::{Installation, Server};

fn mail(number: usize) -> Value {
    json!({
        "topic": "academic.course-change", "category": "emergency", "title": format!("第 {number} 号紧急通知"),
        "body": "请立即撤离教三。", "to": [{"email": format!("student{number}@campus.example")}],
    })
}

async fn send(server: &Server, key: &str, number: usize) -> String {
    let request = reqwest::Client::new().post(format!("{}/api/v1/messages", server.url()));
    let answer = request.bearer_auth(key).json(&mail(number)).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lost_comes_back_and_nothing_goes_out_twice() {
    let relay = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    let here = Installation::new();
    let key = here.source("教务处", "academic.#", &["send_direct", "emergency"]).await;
    here.smtp_provider(relay.addr()).await;

    // A night: messages are taken in, nobody has sent them yet, and the backup is made meanwhile.
    let server = Arc::new(here.serve_as("web").await);
    let (accepted, enough) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let sender = tokio::spawn({
        let (server, key, accepted, enough) =
            (Arc::clone(&server), key.clone(), Arc::clone(&accepted), Arc::clone(&enough));
        async move {
            let mut number = 0;
            while !enough.load(Ordering::SeqCst) || number < 40 {
                let id = send(&server, &key, number).await;
                accepted.lock().unwrap().push(id);
                number += 1;
            }
        }
    });
    while accepted.lock().unwrap().len() < 20 {
        tokio::task::yield_now().await;
    }
    let before: BTreeSet<String> = accepted.lock().unwrap().iter().cloned().collect();
    let file = here.data().parent().unwrap().join("night.backup");
    let made = here.json(&["backup", text(&file), "--with-key"], "").await;
    enough.store(true, Ordering::SeqCst);
    sender.await.unwrap();
    let all = accepted.lock().unwrap().len() as u64;
    assert_eq!(made["bytes"], fs::metadata(&file).unwrap().len());
    for file in [&file, &here.data().parent().unwrap().join("night.backup.key")] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = here.run(&["backup", text(&file)], "").await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"), "{again:?}");

    // All of them go out after the backup, and then the machine is lost.
    Arc::into_inner(server).unwrap().kill().await;
    let server = here.serve().await;
    relay.mailbox().wait_for(all).await;
    server.kill().await;

    // The morning, on another machine.
    let there = Installation::new();
    let restored = there.json(&["restore", text(&file)], "").await;
    let held = restored["held"].as_u64().unwrap();
    assert!(held >= before.len() as u64 && held <= all, "{restored}");
    assert_eq!((&restored["set_aside"], &restored["put_aside"]), (&json!(0), &Value::Null));
    let key_file = there.data().join("secret.key");
    assert_eq!(fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    let verified = there.json(&["verify"], "").await;
    assert_eq!(verified["ok"], true, "{verified}");

    let server = there.serve().await;
    let refused = there.run(&["restore", text(&file)], "").await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("another belltower"), "{refused:?}");
    for id in &before {
        let message = server.get(&key, &format!("/api/v1/messages/{id}")).await;
        assert_eq!(message["status"], "held", "{message}");
    }
    let new = send(&server, &key, 10_000).await;
    relay.mailbox().wait_for(all + 1).await;
    assert_eq!(relay.mailbox().total(), all + 1, "the alerts of the night do not go out once more");
    assert!(server.stop().await.success());

    // Where nothing was sent since, what was under way may go on: here it is sent a second time, as was asked for.
    let restored = there.json(&["restore", text(&file), "--resume"], "").await;
    assert_eq!(restored["held"], 0);
    let aside = Path::new(restored["put_aside"].as_str().unwrap()).to_owned();
    assert!(aside.join("belltower.db").is_file() && aside.join("audit_note").is_file(), "{aside:?}");
    let server = there.serve().await;
    relay.mailbox().wait_for(all + 1 + held).await;
    let gone = reqwest::Client::new().get(format!("{}/api/v1/messages/{new}", server.url()));
    assert_eq!(gone.bearer_auth(&key).send().await.unwrap().status(), 404, "it came after the backup");
    assert!(server.stop().await.success());
    assert_eq!(there.json(&["verify"], "").await["ok"], true);
}

#[tokio::test]
async fn what_is_wrong_with_a_backup_is_found_before_anything_is_changed() {
    let here = Installation::new();
    here.source("图书馆", "library.#", &[]).await;
    here.smtp_provider("127.0.0.1:25".parse().unwrap()).await;
    let folder = here.data().parent().unwrap().to_owned();
    let file = folder.join("one.backup");
    here.json(&["backup", text(&file)], "").await;
    let there = Installation::new();
    there.source("别处", "other.#", &[]).await;
    let store = there.data().join("belltower.db");
    let (was, key_was) = (fs::read(&store).unwrap(), fs::read(there.data().join("secret.key")).unwrap());
    let refused = async |arguments: &[&str], word: &str| {
        let output = there.run(&[&["restore"], arguments].concat(), "").await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(word) && said.trim().lines().count() == 1, "{said}");
        assert_eq!(fs::read(&store).unwrap(), was, "{said}");
        assert_eq!(fs::read(there.data().join("secret.key")).unwrap(), key_was);
        let left: BTreeSet<_> = fs::read_dir(there.data())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(left.iter().all(|name| !name.starts_with('.') && !name.starts_with("before")), "{left:?}");
    };
    refused(&[text(&file)], "is not the one that the backup belongs to").await;
    refused(&[text(&folder.join("nothing"))], "nothing").await;
    fs::write(folder.join("text"), "no database, and long enough for whoever looks for a header in it")
        .unwrap();
    refused(&[text(&folder.join("text"))], "no backup").await;

    let mut bytes = fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0);
    fs::write(folder.join("damaged"), &bytes).unwrap();
    let output = there.run(&["restore", text(&folder.join("damaged"))], "").await;
    assert_eq!((output.status.code(), fs::read(&store).unwrap() == was), (Some(1), true));

    fs::copy(&file, folder.join("newer")).unwrap();
    let url = format!("sqlite://{}", folder.join("newer").display());
    let mut newer = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let text_of = "UPDATE _sqlx_migrations SET version = 999999, description = 'later' WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    sqlx::query(text_of).execute(&mut newer).await.unwrap();
    sqlx::Connection::close(newer).await.unwrap();
    refused(&[text(&folder.join("newer"))], "schema step 999999").await;
    fs::write(folder.join("one.backup-wal"), "x").unwrap();
    refused(&[text(&file)], "lies beside it").await;
    fs::remove_file(folder.join("one.backup-wal")).unwrap();

    // With the key that belongs to it all is well, and the other one is not lost.
    let key = here.data().join("secret.key");
    let restored = there.json(&["restore", text(&file), "--key", text(&key)], "").await;
    let aside = Path::new(restored["put_aside"].as_str().unwrap()).to_owned();
    assert_eq!(fs::read(aside.join("secret.key.before-restore")).unwrap(), key_was);
    assert_eq!(fs::read(there.data().join("secret.key")).unwrap(), fs::read(&key).unwrap());
    assert_eq!(restored["closed"], json!([]));
    let listed = there.json(&["source", "list"], "").await;
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["name"]), (1, &json!("图书馆")));
}

/// The steps of the schema, oldest first: number and text.
fn steps() -> Vec<(i64, String)> {
    let folder = super::tools::project("migrations/sqlite");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let number = |file: &Path| file.file_name().unwrap().to_str().unwrap()[..4].parse().unwrap();
    files.iter().map(|file| (number(file), fs::read_to_string(file).unwrap())).collect()
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_made_as_it_is_and_brought_up_to_date_when_restored() {
    let here = Installation::new();
    here.source("图书馆", "library.#", &[]).await;
    // As the version before left it: without the last step.
    let (store, newer) = (here.data().join("belltower.db"), here.data().join("newer.db"));
    fs::rename(&store, &newer).unwrap();
    let mut steps = steps();
    let (last, _) = steps.pop().unwrap();
    let before = steps.last().unwrap().0;
    let url = format!("sqlite://{}?mode=rwc", store.display());
    let mut older = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    for (_, text) in steps {
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut older).await.unwrap();
    }
    let taken = format!(
        "ATTACH '{}' AS newer; CREATE TABLE _sqlx_migrations AS SELECT * FROM newer._sqlx_migrations WHERE version < {last}",
        newer.display()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(taken)).execute(&mut older).await.unwrap();
    sqlx::Connection::close(older).await.unwrap();

    let file = here.data().parent().unwrap().join("older.backup");
    let made = here.json(&["backup", text(&file)], "").await;
    assert_eq!(made["step"], before, "{made}");
    let restored = here.json(&["restore", text(&file)], "").await;
    assert_eq!((&restored["step"], &restored["migrated_to"]), (&json!(before), &json!(last)), "{restored}");
    assert_eq!(here.json(&["verify"], "").await["ok"], true);
}

#[tokio::test]
async fn a_backup_of_a_store_that_a_later_version_brought_further_is_restored_as_it_is() {
    let here = Installation::new();
    here.source("图书馆", "library.#", &[]).await;
    let url = format!("sqlite://{}", here.data().join("belltower.db").display());
    let mut later = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let known = belltower::store::backup::newest_step();
    let text_of = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            SELECT 9000, '9000_later needs {known}', success, checksum, execution_time
            FROM _sqlx_migrations WHERE version = 1"
    );
    sqlx::query(sqlx::AssertSqlSafe(text_of)).execute(&mut later).await.unwrap();
    sqlx::Connection::close(later).await.unwrap();

    let file = here.data().parent().unwrap().join("later.backup");
    assert_eq!(here.json(&["backup", text(&file)], "").await["step"], 9000);
    for arguments in [vec!["restore", text(&file)], vec!["restore", "--in-place"]] {
        let restored = here.json(&arguments, "").await;
        assert_eq!((&restored["step"], &restored["migrated_to"]), (&json!(9000), &json!(9000)), "{restored}");
    }
    assert_eq!(here.json(&["migrate"], "").await["up_to_date"], true);
    assert_eq!(here.json(&["verify"], "").await["ok"], true);
}

#[tokio::test]
async fn a_key_that_cannot_be_put_in_its_place_leaves_the_store_as_it_is() {
    let here = Installation::new();
    here.source("图书馆", "library.#", &[]).await;
    let file = here.data().parent().unwrap().join("one.backup");
    here.json(&["backup", text(&file), "--with-key"], "").await;
    let there = Installation::new();
    there.source("别处", "other.#", &[]).await;
    let store = there.data().join("belltower.db");
    let was = fs::read(&store).unwrap();
    let mut command =
        there.command(&["restore", text(&file), "--key", text(&here.data().join("secret.key"))]);
    // A folder that is not there.
    command.env("BELLTOWER_SECRET_KEY_FILE", there.data().join("keys/secret.key"));
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(fs::read(&store).unwrap() == was, "{output:?}");
    assert!(fs::read_dir(there.data()).unwrap().all(|entry| {
        let name = entry.unwrap().file_name();
        !name.to_string_lossy().starts_with("before-") && !name.to_string_lossy().starts_with('.')
    }));
}

#[tokio::test]
async fn a_backup_that_is_cut_off_leaves_no_copy_and_the_next_removes_what_a_dead_one_left() {
    let here = Installation::new();
    here.source("图书馆", "library.#", &[]).await;
    let folder = here.data().parent().unwrap().join("backups");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("night.db");
    let left = || -> Vec<String> {
        fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    for signal in ["-INT", "-TERM"] {
        // Somebody writes, so that it waits with its draft in place.
        let url = format!("sqlite://{}", here.data().join("belltower.db").display());
        let mut writer = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut writer).await.unwrap();
        let mut child =
            here.command(&["backup", text(&file)]).stderr(std::process::Stdio::piped()).spawn().unwrap();
        while left().is_empty() {
            assert!(child.try_wait().unwrap().is_none());
            tokio::task::yield_now().await;
        }
        let pid = child.id().unwrap().to_string();
        assert!(tokio::process::Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("stopped"), "{output:?}");
        assert_eq!(left(), [""; 0]);
        sqlx::query("ROLLBACK").execute(&mut writer).await.unwrap();
        sqlx::Connection::close(writer).await.unwrap();
    }

    // One that was killed could not; one that somebody is at stays, and so does what is another file's.
    let stale = [".night.db.AAAAAAAAAAAA", ".night.db.AAAAAAAAAAAA-wal"];
    for name in [stale[0], stale[1], ".night.db.BBBBBBBBBBBB", ".other.db.AAAAAAAAAAAA", ".night.db.old"] {
        fs::write(folder.join(name), "x").unwrap();
    }
    let busy = fs::File::open(folder.join(".night.db.BBBBBBBBBBBB")).unwrap();
    busy.lock().unwrap();
    here.json(&["backup", text(&file)], "").await;
    let mut names = left();
    names.sort();
    assert_eq!(names, [".night.db.BBBBBBBBBBBB", ".night.db.old", ".other.db.AAAAAAAAAAAA", "night.db"]);
}
