//! Whether the audit log is whole, from a terminal.

use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

use super::{answer, belltower, json as document, said};
use crate::support::folder::TempFolder;

#[tokio::test]
async fn a_log_that_was_tampered_with_is_one() {
    let folder = TempFolder::new();
    let create = ["operator", "create", "--email=zhou@bell.example", "--name=周敏", "--role=owner"];
    answer(&folder, &create);
    let whole = answer(&folder, &["verify"]);
    assert_eq!(whole["acts"], 1);
    assert_eq!(whole["head"].as_str().map(str::len), Some(64));
    let shown = belltower(&folder, &["verify"], &[]);
    let text = String::from_utf8(shown.stdout).unwrap();
    let note = whole["note"].as_str().unwrap();
    assert_eq!(answer(&folder, &["verify", "--since", note])["trouble"], serde_json::Value::Null);
    let other = belltower(&folder, &["verify", "--json", "--since", &note.replacen("1:", "2:", 1)], &[]);
    assert_eq!(document(&other)["trouble"], json!({"kind": "replaced", "place": 2}));
    assert_eq!(belltower(&folder, &["verify", "--since", "x"], &[]).status.code(), Some(2));
    assert!(text.contains("ok      audit log         1          0"), "{text}");
    assert!(text.contains(&format!("to be noted down: {note}")), "{text}");
    assert_eq!(whole["ok"], true);

    let store = folder.path().join("data/belltower.db");
    let mut store = SqliteConnection::connect(&format!("sqlite://{}", store.display())).await.unwrap();
    sqlx::query("UPDATE audit SET actor = 'x'").execute(&mut store).await.unwrap();
    store.close().await.unwrap();
    let broken = belltower(&folder, &["verify", "--json"], &[]);
    assert_eq!(broken.status.code(), Some(1), "{}", said(&broken));
    assert_eq!(document(&broken)["trouble"], json!({"kind": "changed", "place": 1}));
    assert_eq!(document(&broken)["ok"], false);
    let told = belltower(&folder, &["verify"], &[]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.contains("FAILED  audit log") && text.contains("what to do: "), "{text}");
}
