//! Small commands for whoever looks after it.

use std::fs;

use serde_json::json;

use crate::support::process::Installation;

#[tokio::test]
async fn health_says_what_readiness_says() {
    let here = Installation::new();
    let nobody = here.run(&["health", "--at", "127.0.0.1:1"], "").await;
    assert_eq!(nobody.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&nobody.stderr).trim().lines().count(), 1, "{nobody:?}");
    let server = here.serve().await;
    let at = server.url().strip_prefix("http://").unwrap().to_owned();
    let told = here.json(&["health", "--at", &at], "").await;
    assert_eq!(told["status"], "degraded", "no provider is set up: {told}");
    let shown = here.run(&["health", "--at", &at], "").await;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.status.success() && text.starts_with("degraded\n  store ok\n"), "{text}");
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn purge_removes_what_is_due_and_says_beforehand_what_that_is() {
    let here = Installation::new();
    let key = here.source("图书馆", "library.#", &["send_direct"]).await;
    let server = here.serve().await;
    let body = json!({"topic": "library.new", "title": "新书", "body": "到了。", "to": [{"email": "a@campus.example"}]});
    let request = reqwest::Client::new().post(format!("{}/api/v1/messages", server.url()));
    let sent: serde_json::Value =
        request.bearer_auth(&key).json(&body).send().await.unwrap().json().await.unwrap();
    let id = sent["id"].as_str().unwrap();
    let cancel = reqwest::Client::new().post(format!("{}/api/v1/messages/{id}/cancel", server.url()));
    assert!(cancel.bearer_auth(&key).send().await.unwrap().status().is_success());
    assert!(server.stop().await.success());
    let url = format!("sqlite://{}", here.data().join("belltower.db").display());
    let mut store = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let long_ago = "UPDATE message SET completed_at = 1, updated_at = 1";
    sqlx::query(long_ago).execute(&mut store).await.unwrap();
    sqlx::Connection::close(store).await.unwrap();

    let due = here.json(&["purge", "--dry-run"], "").await;
    let of = |rule: &str| {
        let all = due["due"].as_array().unwrap();
        all.iter().find(|due| due["rule"] == rule).unwrap()["messages"].as_i64().unwrap()
    };
    assert_eq!((of("announcement_content"), &due["removed"]), (1, &json!(0)), "{due}");
    let done = here.json(&["purge"], "").await;
    assert!(done["removed"].as_i64().unwrap() >= 1 && done["gave_way"] == false, "{done}");
    let left = here.json(&["purge", "--dry-run"], "").await;
    assert!(left["due"].as_array().unwrap().iter().all(|due| due["messages"] == 0), "{left}");
    assert_eq!(here.json(&["verify"], "").await["ok"], true, "what was removed leaves its counts behind");
}

/// In a folder that no server uses, and in none at all.
async fn makes_none(nowhere: &Installation, arguments: &[&str]) {
    for _ in 0..2 {
        let output = nowhere.run(arguments, "").await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(
            said.contains("there is no store at sqlite://") && said.trim().lines().count() == 1,
            "{said}"
        );
        assert!(output.stdout.is_empty());
        let left = fs::read_dir(nowhere.data()).into_iter().flatten().count();
        assert_eq!(left, 0, "{arguments:?}");
        fs::create_dir_all(nowhere.data()).unwrap();
    }
    // An empty file is none either.
    let file = nowhere.data().join("belltower.db");
    fs::write(&file, "").unwrap();
    assert_eq!(nowhere.run(arguments, "").await.status.code(), Some(1));
    assert_eq!(fs::read(&file).unwrap(), b"", "{arguments:?}");
    fs::remove_dir_all(nowhere.data()).unwrap();
}

/// Whoever calls people out of the wrong folder would find no scenario there, and not why.
#[tokio::test]
async fn nobody_is_called_out_of_a_store_that_is_not_there() {
    let nowhere = Installation::new();
    for arguments in [&["broadcast", "list"][..], &["broadcast", "start", "--scenario", "fire", "--drill"]] {
        makes_none(&nowhere, arguments).await;
    }
}

#[tokio::test]
async fn what_looks_after_a_store_makes_none() {
    let nowhere = Installation::new();
    let here = Installation::new();
    here.source("图书馆", "library.#", &[]).await;
    for arguments in [&["verify"][..], &["purge"], &["purge", "--dry-run"], &["restore", "--in-place"]] {
        makes_none(&nowhere, arguments).await;
        let done = here.json(arguments, "").await;
        let store = done["store"].as_str().unwrap();
        assert!(store.starts_with("sqlite://") && store.ends_with("/data/belltower.db"), "{done}");
        let shown = here.run(arguments, "").await;
        assert!(String::from_utf8_lossy(&shown.stdout).contains(store), "{shown:?}");
    }
}

#[tokio::test]
async fn a_purge_that_gave_way_to_an_emergency_is_to_be_called_again() {
    let here = Installation::new();
    let key = here.source("保卫处", "safety.#", &["send_direct", "emergency"]).await;
    here.smtp_provider("127.0.0.1:1".parse().unwrap()).await;
    let server = here.serve().await;
    let body = json!({"topic": "safety.alert", "category": "emergency", "title": "火情", "body": "请撤离。",
        "to": [{"email": "a@campus.example"}]});
    let request = reqwest::Client::new().post(format!("{}/api/v1/messages", server.url()));
    let sent: serde_json::Value =
        request.bearer_auth(&key).json(&body).send().await.unwrap().json().await.unwrap();
    let path = format!("/api/v1/messages/{}", sent["id"].as_str().unwrap());
    while server.get(&key, &path).await["counts"]["all"]["planned"] != 1 {
        tokio::task::yield_now().await;
    }
    assert!(server.stop().await.success());
    let url = format!("sqlite://{}", here.data().join("belltower.db").display());
    let mut store = <sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap();
    sqlx::query("UPDATE delivery SET state = 0, due_at = 1").execute(&mut store).await.unwrap();
    sqlx::Connection::close(store).await.unwrap();

    let output = here.run(&["--json", "purge"], "").await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(75), "{said}");
    assert!(said.contains("an emergency waits"), "{said}");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["gave_way"], true, "{told}");
    assert!(here.run(&["purge", "--dry-run"], "").await.status.success(), "it only looks");
}

#[tokio::test]
async fn a_store_starts_with_its_own_key_alone() {
    let here = Installation::new();
    here.source("图书馆", "library.#", &[]).await;
    let key = here.data().join("secret.key");
    let ours = fs::read(&key).unwrap();
    let refused = async |word: &str| {
        let before = fs::read(&key).ok();
        for arguments in [&["serve"][..], &["source", "list"], &["restore", "--in-place"]] {
            let output = here.run(arguments, "").await;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
            assert!(said.contains(word) && said.contains("secret.key"), "{arguments:?}: {said}");
            assert_eq!(fs::read(&key).ok(), before, "{arguments:?}: none is made");
        }
    };
    let other = Installation::new();
    other.source("别处", "other.#", &[]).await;
    fs::copy(other.data().join("secret.key"), &key).unwrap();
    refused("another installation's").await;
    fs::remove_file(&key).unwrap();
    refused("secret key").await;
    fs::write(&key, ours).unwrap();
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o600);
    fs::set_permissions(&key, mode).unwrap();
    here.json(&["source", "list"], "").await;

    // Where it is lost for good, whoever says so goes on with another.
    fs::copy(other.data().join("secret.key"), &key).unwrap();
    here.json(&["restore", "--in-place", "--resume", "--new-key"], "").await;
    here.json(&["source", "list"], "").await;
}
